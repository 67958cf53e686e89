"""What a thread would be sent as: which segments, which posts word for word, how many tokens. Pure.

Rule: sizes are anchored on what the API billed for the last request; only what came after is estimated,
and where the bill is above the estimate, every estimate is raised by as much. A bill far below it is not
believed: what stands in for Claude may name any number, and the history must not grow without end by it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from bot import conversation
from bot.planning import caching, segmenting, sizes

FEWEST_SHARE = 8  # no text takes fewer tokens than an eighth of its estimate (24 Latin letters a token)
GROWTH = 600.0  # new tokens a request before a thread has shown its own (an answer and a question)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cover:
    """One way to send the thread: up to which segment, from which place on."""

    newest: int
    first_place: int
    measured: list[sizes.Size]
    summary: int  # tokens of the segments
    history: int  # tokens of all of it
    segments: int  # how many


def both(thread: conversation.Thread, *, summarises: bool, system: str) -> tuple[Cover, Cover]:
    """The cover that extends the last request, and the one that a new prefix would have."""
    summaries = thread.summaries if summarises else ()
    newest = max((each.number for each in summaries), default=0)
    before = newest if thread.newest_summary is None else thread.newest_summary
    plain = _cover(thread, summaries, newest=before, first_place=thread.first_place)
    billed = _billed(thread, plain, newest=newest, system=system)
    # Where the bill is above the estimate, every estimate is raised by as much.
    scale = max(1.0, billed / max(1, plain.history))
    kept = _scaled(plain, scale, history=billed)
    if not summarises:
        return kept, kept
    first_place = segmenting.first_uncovered(thread.posts, segmenting.in_use(summaries, newest))
    if (before, thread.first_place) == (newest, first_place):
        return kept, kept
    return kept, _scaled(_cover(thread, summaries, newest=newest, first_place=first_place), scale)


def _cover(
    thread: conversation.Thread, summaries: Sequence[conversation.Summary], *, newest: int, first_place: int
) -> Cover:
    used = segmenting.in_use(summaries, newest)
    measured = sizes.places(segmenting.uncovered(thread.posts, used, first_place=first_place))
    summary = sizes.segments(used)
    return Cover(
        newest=newest,
        first_place=first_place,
        measured=measured,
        summary=summary,
        history=summary + sum(size.tokens for size in measured),
        segments=len(used),
    )


def _scaled(cover: Cover, scale: float, *, history: int | None = None) -> Cover:
    measured, summary = cover.measured, cover.summary
    if scale > 1:
        measured = [size._replace(tokens=math.ceil(size.tokens * scale)) for size in measured]
        summary = math.ceil(summary * scale)
    if history is None:
        history = summary + sum(size.tokens for size in measured)
    return dataclasses.replace(cover, measured=measured, summary=summary, history=history)


def _billed(thread: conversation.Thread, cover: Cover, *, newest: int, system: str) -> int:
    """Tokens of the history if nothing is cut: billed up to the anchor, estimated after it (Rule 3)."""
    last = thread.last
    if last is None or last.usage.total == 0 or caching.browsed(last.usage):
        return cover.history
    if not same(last.plan, cover, newest=newest):
        return cover.history
    answer = sum(size.tokens for size in cover.measured if size.place == last.place)
    held = caching.held(last)
    # All before the last breakpoint is history; behind it stood what belonged to that request alone.
    sent = held if held > last.usage.fresh else last.usage.input
    held_by_it = sum(size.tokens for size in cover.measured if size.place < last.place)
    if sent * FEWEST_SHARE < sizes.estimate(system) + cover.summary + held_by_it:
        return cover.history
    billed = max(0, sent - sizes.estimate(system)) + min(answer, last.usage.output)
    return billed + sum(size.tokens for size in cover.measured if size.place > last.place)


def same(plan: conversation.Plan, cover: Cover, *, newest: int) -> bool:
    """Whether a plan sent what this cover sends, but for what came later."""
    used = newest if plan.newest_summary is None else plan.newest_summary
    return (used, plan.first_place) == (cover.newest, cover.first_place)


def growth(cover: Cover) -> float:
    """New tokens a request, on average."""
    requests = sum(size.role == "assistant" for size in cover.measured)
    return (cover.history - cover.summary) / requests if requests else GROWTH
