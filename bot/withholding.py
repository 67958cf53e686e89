"""Posts and files that Claude's API refuses: found, left out, and remembered, so that none bricks a thread.

Rule 1  A post is under suspicion only while the API has never taken it: those after the last answer. Those
        that the refusal points to, whatever their age, come first, each alone before all of them, then the
        newest. Files are suspected before their post, so that its words are not lost for a picture.
Rule 2  Nothing is believed, everything is tried: a post or file is left out for good only when the same
        request without it was answered. Where that never happens the cause is elsewhere (a model the API
        does not know, a key, a setting), and nothing is blamed.
Rule 3  A refused call costs nothing; there are at most `TRIES` of them for one answer.

Names: a suspect is a set of ids of posts and of files as `fitting.key` names them. Leaving out is the log's
(`Log.withhold`): from then on `turns` puts a word in the post's place, until its author edits it, and tells
of the file as of any that is not read.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence

import structlog

from bot import conversation, errors
from bot.files import attaching, kinds
from bot.planning import fitting

log = structlog.get_logger()

SINGLES = 4  # newest posts that are suspected one by one, and so many files of a post
POINTED = 8  # posts that the refusal points to which are suspected one by one; then a quarter of them at once
FILES = 8  # sets of files that are suspected, so that there are tries left for the posts
TRIES = 17
NOTE = "\n\n*(I had to leave out a post that Claude refuses to take. Edit it, and I read it again.)*"
FILE_NOTE = (
    "\n\n*(Claude refuses to take {files}; I answered without, and read the rest. To have it read, save it in"
    " another form and post it again.)*"
)

_PLACE = re.compile(r"\bmessages\.(\d+)(?:\.content\.(\d+))?")

Ask = Callable[[conversation.Thread], Awaitable[conversation.Answer]]


async def answer(
    ask: Ask, thread: conversation.Thread, turns: Sequence[conversation.Turn]
) -> tuple[conversation.Answer, frozenset[str]]:
    """Claude's answer and the names of what it had to be asked without; `turns` are the thread's own.

    Raises the ModelError of `ask`; a refusal only when no suspect was the cause.
    """
    try:
        return await ask(thread), frozenset()
    except errors.TooLong:
        raise
    except errors.Rejected as refusal:
        for count, names in enumerate(suspects(thread, turns, refusal=str(refusal))):
            if count == TRIES:
                break
            log.warning("post.suspected", conversation=thread.conversation, posts=sorted(names))
            try:
                return await ask(without(thread, names)), names
            except errors.TooLong:
                raise
            except errors.Rejected:
                continue
        raise


def note(thread: conversation.Thread, names: frozenset[str]) -> str:
    """What the person is told of what was left out."""
    files = attaching.named(thread.posts, names)
    return FILE_NOTE.format(files=files) if files else NOTE


def suspects(
    thread: conversation.Thread, turns: Sequence[conversation.Turn], *, refusal: str
) -> Iterator[frozenset[str]]:
    """Sets of posts or files to try the request without, the likeliest first, each once."""
    newest = unanswered(thread)[::-1]
    blocks = pointed_at(turns, refusal)
    pointed = [post_id for block in blocks for post_id in block.posts]
    media = [block.media.digest for block in blocks if block.media is not None]
    sets = [_holding(thread, media)] if len(blocks) == 1 else []
    files = 0
    quarter = -(-len(pointed) // 4)
    at_once = [pointed[at : at + quarter] for at in range(0, len(pointed), quarter or 1)]
    for ids in map(
        frozenset,
        (
            *([post_id] for post_id in pointed[::-1][:POINTED]),
            *at_once,
            pointed,
            *([post_id] for post_id in newest[:SINGLES]),
        ),
    ):
        of_files = list(itertools.islice(_files(thread, ids), FILES - files))
        files += len(of_files)
        sets += [*of_files, ids]
    sets += [frozenset(newest[: len(newest) // 4]), frozenset(newest[: len(newest) // 2]), frozenset(newest)]
    tried: set[frozenset[str]] = {frozenset()}
    for names in sets:
        if names not in tried:
            tried.add(names)
            yield names


def unanswered(thread: conversation.Thread) -> list[str]:
    """The posts since the last answer, in order, but those that are left out already."""
    answered = max((post.place or 0 for post in thread.posts if post.role == "assistant"), default=0)
    return [post.id for post in thread.posts if (post.place or 0) > answered and not post.withheld]


def pointed_at(turns: Sequence[conversation.Turn], refusal: str) -> tuple[conversation.Block, ...]:
    """The blocks that the API names, as in "messages.3.content.1.text: …"; a hint, no more."""
    found = _PLACE.search(refusal)
    if found is None or int(found[1]) >= len(turns):
        return ()
    blocks = turns[int(found[1])].blocks
    return blocks if found[2] is None else blocks[int(found[2]) : int(found[2]) + 1]


def without(thread: conversation.Thread, names: frozenset[str]) -> conversation.Thread:
    """The thread with a word in the place of these posts, and these files unread."""
    return dataclasses.replace(thread, posts=tuple(_without(post, names) for post in thread.posts))


def _without(post: conversation.Post, names: frozenset[str]) -> conversation.Post:
    unread = conversation.Media(kind="unread", reason=kinds.REFUSED)
    files = tuple(
        dataclasses.replace(file, media=unread) if fitting.key(post, position) in names else file
        for position, file in enumerate(post.attachments)
    )
    return dataclasses.replace(post, attachments=files, withheld=post.withheld or post.id in names)


def _files(thread: conversation.Thread, ids: frozenset[str]) -> Iterator[frozenset[str]]:
    """Sets of the files of these posts: each alone where they are few, else each half; then all."""
    held = [media.digest for post in thread.posts if post.id in ids for _, media in _read(post)]
    digests = list(dict.fromkeys(held))
    half = len(digests) // 2
    parts = [[each] for each in digests] if len(digests) <= SINGLES else [digests[half:], digests[:half]]
    return (_holding(thread, part) for part in (*parts, digests))


def _holding(thread: conversation.Thread, digests: Collection[str]) -> frozenset[str]:
    """The names of the files that have these hashes, wherever in the thread they were posted."""
    return frozenset(name for post in thread.posts for name, media in _read(post) if media.digest in digests)


def _read(post: conversation.Post) -> Iterator[tuple[str, conversation.Media]]:
    """What was read of a post's files, each with its name."""
    for position, file in enumerate(post.attachments):
        if file.media is not None and file.media.kind != "unread":
            yield fitting.key(post, position), file.media
