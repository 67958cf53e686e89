"""What an answer says of files that were not read whole, and whose bytes a request needs. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence

from bot import conversation
from bot.planning import fitting

NAMED = 4  # files, in one line; the rest are counted
NAME_LENGTH = 60
NO_ROOM = "one request has no room for it beside the other files; ask about it alone"

_UNSAFE = re.compile(r"[`\s]+")


def opening(posts: Iterable[conversation.Post], plan: conversation.Plan | None = None) -> str:
    """The line over an answer that names what of its question's files was not read, "" where all was.

    The question is what people posted after the last answer, the latest request's part of a thread. `plan`
    is that request's: it may have had no room for a file.
    """
    no_room = frozenset(plan.described if plan is not None else ())
    unread, partly = list[str](), list[str]()
    for post in _question(posts):
        for position, file in enumerate(post.attachments):
            if file.media is None:
                continue
            if file.media.kind == "unread":
                unread.append(f"{_name(file)} ({file.media.reason})")
            elif fitting.key(post, position) in no_room:
                unread.append(f"{_name(file)} ({NO_ROOM})")
            elif file.media.note:
                partly.append(f"{_name(file)} ({file.media.note})")
    said = [("Not read", unread), ("Read in part", partly)]
    line = " ".join(f"{what}: {_listed(files)}." for what, files in said if files)
    return f"*{line}*\n\n" if line else ""


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
