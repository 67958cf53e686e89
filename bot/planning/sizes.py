"""How many tokens a text, a post or a segment takes, from its length alone. Pure.

Rule: an estimate errs upwards, a little. What the API billed is exact and replaces it (see `context`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import NamedTuple

from bot import conversation, turns

CHARACTERS_PER_TOKEN = 3.0  # English on the 2026 tokenizers, on the safe side (measured 3.0 to 3.5)
TOKENS_PER_BLOCK = 4  # what a block costs beside its text

_MARK = len('<post by="" id=""></post>')
_FILE = len('<file name="" type="" bytes="1000000" pages="100" block="10"></file>\n')
_DESCRIBED = len(' seen="no longer: its description only" […]')
_NARROW = re.compile("[\x00-\u024f]+")


class Size(NamedTuple):
    """A place, who spoke there, and its tokens."""

    place: int
    role: conversation.Role
    tokens: int


def estimate(text: str) -> int:
    """Tokens of a text: a third of one for a Latin letter, one for any wider character."""
    return _tokens(text, beside=0)


def places(posts: Iterable[conversation.Post]) -> list[Size]:
    """Each place with its tokens, in order; a place is one block of a request."""
    totals: dict[tuple[int, conversation.Role], int] = {}
    for post in posts:
        key = (post.place or 0, post.role)
        totals[key] = totals.get(key, TOKENS_PER_BLOCK) + _post(post)
    return [Size(place, role, tokens) for (place, role), tokens in sorted(totals.items())]


def segments(summaries: Iterable[conversation.Summary]) -> int:
    """Tokens of these segments together."""
    return sum(estimate(each.text) + TOKENS_PER_BLOCK for each in summaries)


def _post(post: conversation.Post) -> int:
    """As `turns` would write it, without writing it: planning looks at every post of a request."""
    if post.role == "assistant":
        return estimate(post.text)
    names = _short(post.author_name or post.author) + _short(post.author)
    files = sum(_file(file) for file in post.attachments) if not post.withheld else 0
    return _tokens(post.text, beside=_MARK + names) + files


def _file(file: conversation.Attachment) -> int:
    """A file's tag, with the block or the text it stands for."""
    media = file.media
    tag = _tokens("", beside=_FILE + _short(file.name) + _short(file.media_type))
    if media is None:
        return tag
    if file.described:
        return tag + estimate(media.text[: turns.DESCRIBED_CHARACTERS]) + _tokens("", beside=_DESCRIBED)
    inside = TOKENS_PER_BLOCK if media.kind in {"image", "pdf"} else estimate(media.reason)
    return tag + media.tokens + inside


def _short(name: str) -> int:
    return min(turns.NAME_LENGTH, len(name))


def _tokens(text: str, *, beside: int) -> int:
    wide = 0 if text.isascii() else len(_NARROW.sub("", text))
    return math.ceil((len(text) - wide + beside) / CHARACTERS_PER_TOKEN + wide)
