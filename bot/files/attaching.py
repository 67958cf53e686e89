"""What an answer says of files that were not read, and which files its request needs the bytes of. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from bot import conversation
from bot.planning import fitting

NAMED = 4  # files, in one line; the rest are counted
NAME_LENGTH = 60

_UNSAFE = re.compile(r"[`\s]+")


def opening(posts: Iterable[conversation.Post]) -> str:
    """The line over an answer that names the files of its question that were not read, "" for none.

    The question is what people posted after the last answer, the latest request's part of a thread.
    """
    unread = [
        f"{_name(file)} ({file.media.reason})"
        for post in _question(posts)
        for file in post.attachments
        if file.media is not None and file.media.kind == "unread"
    ]
    return f"*Not read: {_listed(unread)}.*\n\n" if unread else ""


def named(posts: Iterable[conversation.Post], names: Collection[str]) -> str:
    """The names of these files of posts in one line; `names` as `fitting.key` gives them, "" for none."""
    return _listed(
        [
            _name(file)
            for post in posts
            for position, file in enumerate(post.attachments)
            if fitting.key(post, position) in names
        ]
    )


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


def _listed(files: Sequence[str]) -> str:
    more = f"; and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return f"{'; '.join(files[:NAMED])}{more}"


def _name(file: conversation.Attachment) -> str:
    name = _UNSAFE.sub(" ", file.name).strip() or "file"
    return f"`{name if len(name) <= NAME_LENGTH else f'{name[:NAME_LENGTH]}…'}`"
