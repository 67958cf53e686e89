"""Whom a text would notify and what it shows. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# docs.slack.dev, formatting message text: control sequences stand in angle brackets, a label after a bar.
_CONTROL = re.compile(
    r"<(?:!(?P<range>channel|here|everyone)|!subteam\^(?P<group>S[A-Z0-9]+)|@(?P<user>[UW][A-Z0-9]+))"
    r"(?:\|[^>]*)?>"
)
_BARE = re.compile(r"(?<![\w<!/@.])@(?P<name>[\w.-]*\w)")
_RANGES = ("channel", "here", "everyone")
_LINK = re.compile(r"<?(?P<url>https?://[^\s|>]+)")


def targets(text: str, *, names: Mapping[str, str]) -> list[str]:
    """User ids, group ids and ranges notified by the text, in order of appearance.

    `names` (name to user id) is given when bare `@name` is linked (`link_names`, `parse=full`), which links
    `@channel`, `@here` and `@everyone` too.
    """
    found = [match["range"] or match["group"] or match["user"] for match in _CONTROL.finditer(text)]
    if names:
        for match in _BARE.finditer(text):
            name = match["name"].lower()
            if name in _RANGES:
                found.append(name)
            elif name in names:
                found.append(names[name])
    return list(dict.fromkeys(found))


def links(text: str) -> list[str]:
    """The addresses in a text, bare or in angle brackets."""
    return list(dict.fromkeys(match["url"] for match in _LINK.finditer(text)))


def block_texts(blocks: list[dict[str, Any]], *, notifying: bool) -> list[str]:
    """The texts of the blocks in order; with `notifying`, only those in which Slack resolves mentions."""
    return [text for block in blocks for text in _texts(block, notifying=notifying)]


def shown_text(message: Mapping[str, Any]) -> str:
    """What a person reads: the blocks where the bot set any (text is then only a fallback), else the text."""
    blocks = message.get("blocks") or []
    if blocks and message.get("bot_id"):
        return "\n".join(block_texts(blocks, notifying=False))
    return str(message.get("text") or "")


def rich_text(text: str) -> list[dict[str, Any]]:
    """The rich_text block that Slack adds to what a person types."""
    elements: list[dict[str, Any]] = []
    end = 0
    for match in _CONTROL.finditer(text):
        if match.start() > end:
            elements.append({"type": "text", "text": text[end : match.start()]})
        if match["range"]:
            elements.append({"type": "broadcast", "range": match["range"]})
        elif match["group"]:
            elements.append({"type": "usergroup", "usergroup_id": match["group"]})
        else:
            elements.append({"type": "user", "user_id": match["user"]})
        end = match.end()
    if end < len(text):
        elements.append({"type": "text", "text": text[end:]})
    return [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": elements}]}]


def _texts(node: Any, *, notifying: bool) -> Iterator[str]:
    """Walk a block: text objects, markdown text, and rich_text elements put back into control sequences."""
    if isinstance(node, list):
        for item in node:
            yield from _texts(item, notifying=notifying)
        return
    if not isinstance(node, dict):
        return
    kind = node.get("type")
    if kind == "broadcast":
        yield f"<!{node.get('range')}>"
    elif kind == "user":
        yield f"<@{node.get('user_id')}>"
    elif kind == "usergroup":
        yield f"<!subteam^{node.get('usergroup_id')}>"
    elif isinstance(node.get("text"), str):
        # plain_text, raw_text and rich text never resolve mentions; mrkdwn and markdown do.
        if not notifying or kind in {"mrkdwn", "markdown"}:
            yield node["text"]
    else:
        for key in ("text", "fields", "elements", "rows", "title", "accessory"):
            yield from _texts(node.get(key), notifying=notifying)
