"""Posts that Claude's API refuses: found, left out, and remembered, so that one post bricks no thread.

Rule 1  A post is under suspicion only while the API has never taken it: those after the last answer. The
        one that the refusal points to, whatever its age, comes first, then the newest.
Rule 2  Nothing is believed, everything is tried: a post is left out for good only when the same request
        without it was answered. Where that never happens the cause is elsewhere (a model the API does not
        know, a key, a setting), and no post is blamed.
Rule 3  A refused call costs nothing; there are at most `TRIES` of them for one answer.

Leaving out is the log's (`Log.withhold`): from then on `turns` puts a word in the post's place, until its
author edits it.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterator, Sequence

import structlog

from bot import conversation, errors

log = structlog.get_logger()

SINGLES = 4  # newest posts that are suspected one by one
TRIES = 8
NOTE = "\n\n*(I had to leave out a post that Claude refuses to take. Edit it, and I read it again.)*"

_PLACE = re.compile(r"\bmessages\.(\d+)(?:\.content\.(\d+))?")

Ask = Callable[[conversation.Thread], Awaitable[conversation.Answer]]


async def answer(
    ask: Ask, thread: conversation.Thread, turns: Sequence[conversation.Turn]
) -> tuple[conversation.Answer, frozenset[str]]:
    """Claude's answer and the ids of the posts it had to be asked without; `turns` are the thread's own.

    Raises the ModelError of `ask`; a refusal only when no suspect was the cause.
    """
    try:
        return await ask(thread), frozenset()
    except errors.TooLong:
        raise
    except errors.Rejected as refusal:
        for count, ids in enumerate(suspects(thread, turns, refusal=str(refusal))):
            if count == TRIES:
                break
            log.warning("post.suspected", conversation=thread.conversation, posts=sorted(ids))
            try:
                return await ask(without(thread, ids)), ids
            except errors.TooLong:
                raise
            except errors.Rejected:
                continue
        raise


def suspects(
    thread: conversation.Thread, turns: Sequence[conversation.Turn], *, refusal: str
) -> Iterator[frozenset[str]]:
    """Sets of posts to try the request without, the likeliest first, each once."""
    answered = max((post.place or 0 for post in thread.posts if post.role == "assistant"), default=0)
    fresh = [post.id for post in thread.posts if (post.place or 0) > answered and not post.withheld]
    newest = fresh[::-1]
    sets = [pointed_at(turns, refusal)]
    sets += [frozenset([post_id]) for post_id in newest[:SINGLES]]
    sets += [frozenset(newest[: len(newest) // 4]), frozenset(newest[: len(newest) // 2]), frozenset(newest)]
    tried: set[frozenset[str]] = {frozenset()}
    for ids in sets:
        if ids not in tried:
            tried.add(ids)
            yield ids


def pointed_at(turns: Sequence[conversation.Turn], refusal: str) -> frozenset[str]:
    """The posts of the block that the API names, as in "messages.3.content.1.text: …"; a hint, no more."""
    found = _PLACE.search(refusal)
    if found is None or int(found[1]) >= len(turns):
        return frozenset()
    blocks = turns[int(found[1])].blocks
    if found[2] is not None:
        blocks = blocks[int(found[2]) : int(found[2]) + 1]
    return frozenset(post_id for block in blocks for post_id in block.posts)


def without(thread: conversation.Thread, ids: frozenset[str]) -> conversation.Thread:
    """The thread with a word in the place of these posts."""
    posts = tuple(
        dataclasses.replace(post, withheld=True) if post.id in ids else post for post in thread.posts
    )
    return dataclasses.replace(thread, posts=posts)
