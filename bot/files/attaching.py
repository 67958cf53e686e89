"""What an answer says of files that were not read, and which files its request needs the bytes of. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from bot import conversation

NAMED = 4  # files, in one line; the rest are counted
NAME_LENGTH = 60

_UNSAFE = re.compile(r"[`\s]+")


def opening(posts: Iterable[conversation.Post]) -> str:
    """The line over an answer that names the files of its question that were not read, "" for none.

    The question is what people posted after the last answer, the latest request's part of a thread.
    """
    unread = [
        f"`{_name(file)}` ({file.media.reason})"
        for post in _question(posts)
        for file in post.attachments
        if file.media is not None and file.media.kind == "unread"
    ]
    if not unread:
        return ""
    more = f"; and {len(unread) - NAMED} more" if len(unread) > NAMED else ""
    return f"*Not read: {'; '.join(unread[:NAMED])}{more}.*\n\n"


def needed(turns: Sequence[conversation.Turn]) -> list[str]:
    """The hashes of the files whose bytes a request carries."""
    return [block.media.digest for turn in turns for block in turn.blocks if block.media is not None]


def _question(posts: Iterable[conversation.Post]) -> Iterator[conversation.Post]:
    placed = list(posts)
    answered = max((post.place or 0 for post in placed if post.role == "assistant"), default=0)
    newest = max((post.place or 0 for post in placed if post.role == "user"), default=0)
    # The first answer in a thread that was read late answers its newest place, not all that came before.
    first = max(answered + 1, newest if answered == 0 else 0)
    return (post for post in placed if post.role == "user" and (post.place or 0) >= first)


def _name(file: conversation.Attachment) -> str:
    name = _UNSAFE.sub(" ", file.name).strip() or "file"
    return name if len(name) <= NAME_LENGTH else f"{name[:NAME_LENGTH]}…"
