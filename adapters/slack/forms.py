"""Pure: an answer's Markdown in the forms Slack takes, none of which pings anybody by accident.

`blocks`: a markdown block, which shows tables and code as they are, with mrkdwn as the post's `text`, which
notifications, search and readers of the API have. `plain`: mrkdwn alone, for where blocks are refused.

Rule: a post's `text` says whole what its block says; only what a table gains in mrkdwn may be cut from it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from adapters.slack import markdown
from bot.showing import splitting

LIMIT = 3_900  # of the 4,000 characters that chat.update takes as `text`; a markdown block takes 12,000
REFUSED = frozenset(  # how Slack says that it does not take a form
    {"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long", "invalid_block_type"}
)
UNEDITABLE = frozenset({"edit_window_closed", "cant_update_message"})  # … that a post stays as it is
THINKING = "_thinking…_"

_CONTROL = re.compile(
    r"<(?:@(?P<user>[UWB][A-Z0-9]+)|!(?P<range>channel|here|everyone|group)|!subteam\^(?P<group>S[A-Z0-9]+))"
    r"(?:\|(?P<label>[^>\n]*))?>"
)
NameOf = Callable[[str], str | None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Form:
    """One way to write a part of an answer."""

    name: str
    limit: int
    measure: Callable[[str], int]
    content: Callable[[str], dict[str, Any]]

    def split(self, text: str) -> list[str]:
        """The parts of an answer, each within the limit also when healed."""
        return splitting.split(text, limit=self.limit - splitting.HEAL_ROOM, measure=self.measure)


def tame(text: str, *, name_of: NameOf) -> str:
    """The text with Slack's control sequences for mentions written out as names."""

    def named(match: re.Match[str]) -> str:
        if match["user"]:
            return "@" + (name_of(match["user"]) or match["label"] or match["user"])
        return "@" + (match["range"] or (match["label"] or match["group"]).lstrip("@"))

    return _CONTROL.sub(named, text)


def written(text: str, *, growing: bool = False) -> str:
    """A part as Markdown that alerts nobody: for a markdown block and for a stream.

    While it is `growing`, only its beginning that no further text can change.
    """
    return markdown.markdown_block_text(markdown.settled(text) if growing else text)


def fallback(text: str) -> str:
    """What a notification shows of a part."""
    return markdown.to_mrkdwn(text[:LIMIT])[:LIMIT]


def _blocks(text: str) -> dict[str, Any]:
    return {"text": fallback(text), "blocks": [{"type": "markdown", "text": written(text)}]}


def _plain(text: str) -> dict[str, Any]:
    # An empty list takes away the blocks a post had: without it an update keeps them.
    return {"text": markdown.to_mrkdwn(text), "blocks": []}


def _most(text: str) -> int:
    """The length either form of it can have at most: signs that Slack reads are escaped. Tables aside."""
    return len(text) + 4 * text.count("&") + 3 * (text.count("<") + text.count(">")) + text.count("@")


BLOCKS = Form(name="blocks", limit=LIMIT, measure=_most, content=_blocks)
PLAIN = Form(
    name="plain",
    limit=LIMIT,
    measure=lambda text: len(markdown.to_mrkdwn(text)),
    content=_plain,
)
