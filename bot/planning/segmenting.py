"""Which segments a request uses, and which run of posts should become the next one. Pure.

Rule 1  A post that a request needs stands word for word or under exactly one segment in use, never both.
Rule 2  A segment is made ahead, in the background, of posts that are still sent word for word. It is put
        to use when the prefix changes anyway: the cache is cold, or the history has passed its mark.
Rule 3  A run is summarised once. When the segments grow long the oldest are merged into one; an edit
        takes away only the segments that cover it, and only their posts are summarised anew.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable, Sequence

from bot import conversation
from bot.planning import sizes

RUN_SHARE = 0.25  # of the floor: a run this long is worth a segment of its own …
SHORTEST_RUN = 500  # … but never a shorter one than this, in tokens
SUMMARY_SHARE = 0.15  # of the floor: when the segments are longer together, the oldest are merged
SHORTEST_SUMMARY = 600  # tokens: shorter than this they are never merged


@dataclasses.dataclass(frozen=True, kw_only=True)
class Work:
    """What should be summarised next: a run of posts, or the segments to merge (one of the two)."""

    posts: tuple[conversation.Post, ...] = ()
    merges: tuple[conversation.Summary, ...] = ()


def in_use(summaries: Iterable[conversation.Summary], newest: int | None) -> tuple[conversation.Summary, ...]:
    """The segments up to number `newest` (None: all), without those that a longer one contains."""
    known = sorted(
        (each for each in summaries if newest is None or each.number <= newest),
        key=lambda each: (each.first_place, -each.last_place),
    )
    found: list[conversation.Summary] = []
    for each in known:
        if not found or each.first_place > found[-1].last_place:
            found.append(each)
    return tuple(found)


def uncovered(
    posts: Iterable[conversation.Post], used: Sequence[conversation.Summary], *, first_place: int
) -> list[conversation.Post]:
    """The posts from a place on that no segment in use covers."""
    spans = [(each.first_place, each.last_place) for each in used]
    if not spans:
        return [post for post in posts if (post.place or 0) >= first_place]
    end = spans[-1][1]
    return [
        post
        for post in posts
        if (place := post.place or 0) >= first_place
        and (place > end or not any(first <= place <= last for first, last in spans))
    ]


def first_uncovered(posts: Iterable[conversation.Post], used: Sequence[conversation.Summary]) -> int:
    """The place after the segments that cover the beginning without a gap, 0 where none does."""
    left = uncovered(posts, used, first_place=0)
    lowest = min((post.place or 0 for post in left), default=None)
    ends = [each.last_place + 1 for each in used if lowest is None or each.last_place < lowest]
    return max(ends, default=0)


def due(thread: conversation.Thread, *, floor: int, soon: bool = False) -> Work | None:
    """What to summarise now, ahead of need: the oldest run before the newest `floor` tokens, or a merger.

    `soon`: a cut is near, so a shorter run is worth it, too: what it takes needs not be written anew.
    """
    used = in_use(thread.summaries, None)
    if len(used) > 1 and sizes.segments(used) > max(SHORTEST_SUMMARY, floor * SUMMARY_SHARE):
        return Work(merges=used[: max(2, len(used) // 2)])
    posts = uncovered(thread.posts, used, first_place=0)
    measured = sizes.places(posts)
    cut = first_kept(measured, floor=floor - sizes.segments(used))
    if cut is None:
        return None
    covered = [each.first_place for each in used]
    run = _oldest_run([size for size in measured if size.place < cut], covered)
    if not run:
        return None
    first, last = run[0].place, run[-1].place
    hole = last < max(covered, default=0)
    worth = SHORTEST_RUN if soon else max(SHORTEST_RUN, floor * RUN_SHARE)
    if not hole and sum(size.tokens for size in run) < worth:
        return None
    return Work(posts=tuple(post for post in posts if first <= (post.place or 0) <= last))


def forced(thread: conversation.Thread, *, before: int) -> Work | None:
    """The oldest run of posts before a place that no segment covers: the request has no room for it."""
    used = in_use(thread.summaries, None)
    posts = [post for post in uncovered(thread.posts, used, first_place=0) if (post.place or 0) < before]
    run = _oldest_run(sizes.places(posts), [each.first_place for each in used])
    if not run:
        return None
    return Work(posts=tuple(post for post in posts if (post.place or 0) <= run[-1].place))


def before(thread: conversation.Thread, work: Work) -> tuple[conversation.Summary, ...]:
    """The segments that stand before a run."""
    first = min((post.place or 0 for post in work.posts), default=0)
    return tuple(each for each in in_use(thread.summaries, None) if each.last_place < first)


def first_kept(measured: Sequence[sizes.Size], *, floor: int) -> int | None:
    """The first place of the newest `floor` tokens, a person's; the question is always kept. None for all."""
    starts = [index for index, size in enumerate(measured) if size.role == "user"]
    kept, best = 0, starts[-1] if starts else 0
    users = set(starts)
    for index in range(len(measured) - 1, -1, -1):
        kept += measured[index].tokens
        if kept > floor:
            break
        if index in users:
            best = index
    return measured[best].place if best > 0 else None


def _oldest_run(measured: Sequence[sizes.Size], starts: Sequence[int]) -> list[sizes.Size]:
    """The places up to the next segment."""
    if not measured:
        return []
    end = min((start for start in starts if start > measured[0].place), default=None)
    return list(itertools.takewhile(lambda size: end is None or size.place < end, measured))
