"""What one request holds: how full the thread is, what stays word for word, what to cache.

Rule 1  Two marks, not one: past the budget the history is cut down to the floor at once, so that the prefix
        then stays byte-stable for many requests. What was summarised ahead is put to use earlier where
        that costs nothing (the cache is cold) or where keeping it costs more (the step of `caching`).
Rule 2  A cut falls between turns, before a user turn, and never takes the question.
Rule 3  Sizes are anchored on what the API billed for the last request; only what came after is estimated.
Rule 4  Breakpoints end the instructions, the segments, the last request's history and this one's; what
        varies follows.
Rule 5  The same thread, policy, facts, prices and clock give the same decision.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import math
from collections.abc import Sequence
from typing import Literal

from bot import caching, conversation, recalling, segmenting, sizes, turns

Strategy = Literal["summarise", "window", "full"]
WINDOW_SHARE = 0.9  # how much of the model's window a request may fill
FULL_SHARE = 0.8  # with `full`, summaries are made ahead when the window is this full
GROWTH = 600.0  # new tokens a request before a thread has shown its own (an answer and a question)

estimate = sizes.estimate
TOKENS_PER_BLOCK = sizes.TOKENS_PER_BLOCK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Policy:
    """What the operator chose."""

    strategy: Strategy
    model: str
    effort: str
    max_output_tokens: int
    budget_tokens: int
    floor_tokens: int
    window_turns: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Decision:
    """What the next request is, or what has to be summarised before it can be."""

    plan: conversation.Plan
    history_tokens: int  # after the cut
    summarise_before: int | None = None  # posts before this place must become a summary first


@dataclasses.dataclass(frozen=True, kw_only=True)
class Marks:
    """Tokens of a history: what a cut leaves, and what forces one."""

    floor: int
    limit: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Cover:
    """One way to send the thread: up to which segment, from which place on."""

    newest: int
    first_place: int
    measured: list[sizes.Size]
    summary: int  # tokens of the segments
    history: int  # tokens of all of it
    segments: int  # how many


def decide(
    thread: conversation.Thread,
    *,
    policy: Policy,
    facts: conversation.ModelFacts,
    system: str,
    now: dt.datetime,
    costs: caching.Costs = caching.DEAREST,
    lifetime: conversation.Lifetime | None = None,
) -> Decision:
    """Decide the request that answers the thread as it stands; `lifetime`: not to be chosen (in a replay)."""
    marks = limits(policy, facts, system=system)
    kept, fresh = _covers(thread, policy, system=system)
    lifetime = lifetime or _lifetime(thread, kept, marks, costs)
    last = thread.last
    warm = last is not None and last.plan.model == policy.model and caching.is_warm(last, now)
    high = _high(thread, kept, marks, lifetime, costs)
    renews = kept is not fresh and _renews(thread, kept, fresh, policy, marks, high=high, warm=warm)
    chosen = fresh if renews else kept
    cut = _cut(chosen, policy=policy, marks=marks, room=_room(policy, facts, system=system))
    history, first_place = chosen.history, chosen.first_place
    if cut is not None:
        first_place = cut
        history = chosen.summary + sum(size.tokens for size in chosen.measured if size.place >= cut)
    extends = cut is None and last is not None and _same(last.plan, chosen, newest=fresh.newest)
    return Decision(
        plan=conversation.Plan(
            model=policy.model,
            effort=policy.effort,
            max_output_tokens=min(policy.max_output_tokens, facts.max_output_tokens),
            lifetime=lifetime,
            first_place=first_place,
            previous_place=last.place if last is not None and extends else None,
            thinking=facts.thinking,
            sends_effort=policy.effort in facts.efforts,
            expected_read=_expected_read(thread, extends=extends, policy=policy, facts=facts, now=now),
            newest_summary=chosen.newest,
            offers_recall=first_place > 0 or chosen.segments > 0,
            gave_up=thread.gave_up and fresh.first_place < first_place,
            previous_message=thread.before.message_id if thread.before is not None else "",
        ),
        history_tokens=history,
        summarise_before=cut if cut is not None and policy.strategy != "window" else None,
    )


def request(thread: conversation.Thread, plan: conversation.Plan, *, system: str) -> conversation.Request:
    """The request that a plan makes of a thread: a pure function of both."""
    used = segmenting.in_use(thread.summaries, plan.newest_summary)
    posts = segmenting.uncovered(thread.posts, used, first_place=plan.first_place)
    built = turns.rebuild(posts, used)
    newest = max((post.sent_at for post in posts if post.role == "user"), default=None)
    end = plan.previous_place
    sent = frozenset(
        post.id for post in posts if end is not None and (post.place or 0) < end and post.role == "user"
    )
    return conversation.Request(
        plan=plan,
        system=system,
        turns=built,
        breakpoints=caching.breakpoints(built, sent=sent, lifetime=plan.lifetime),
        varying=f"<now>{newest:%A %Y-%m-%d %H:%M} UTC</now>" if newest else "",
        tools=(recalling.TOOL,) if plan.offers_recall else (),
    )


def limits(policy: Policy, facts: conversation.ModelFacts, *, system: str) -> Marks:
    """The two marks of a policy with this model."""
    room = _room(policy, facts, system=system)
    if policy.strategy == "full":
        return Marks(floor=room // 2, limit=room)
    limit = min(policy.budget_tokens, room)
    return Marks(floor=min(policy.floor_tokens, limit), limit=limit)


def ahead(
    thread: conversation.Thread,
    *,
    policy: Policy,
    facts: conversation.ModelFacts,
    system: str,
    costs: caching.Costs = caching.DEAREST,
) -> segmenting.Work | None:
    """What to summarise before it has to be, None for nothing."""
    marks = limits(policy, facts, system=system)
    kept, _ = _covers(thread, policy, system=system)
    high = marks.limit
    if policy.strategy == "summarise":
        high = _high(thread, kept, marks, _lifetime(thread, kept, marks, costs), costs)
    elif policy.strategy == "window" or kept.history < marks.limit * FULL_SHARE:
        return None
    return segmenting.due(thread, floor=marks.floor, soon=kept.history + 2 * _growth(kept) > high)


def _room(policy: Policy, facts: conversation.ModelFacts, *, system: str) -> int:
    """Tokens of history that fit the model beside the instructions and the answer."""
    output = min(policy.max_output_tokens, facts.max_output_tokens)
    return int(facts.context_tokens * WINDOW_SHARE) - output - estimate(system)


def _covers(thread: conversation.Thread, policy: Policy, *, system: str) -> tuple[_Cover, _Cover]:
    """The cover that extends the last request, and the one that a new prefix would have."""
    summaries = () if policy.strategy == "window" else thread.summaries
    newest = max((each.number for each in summaries), default=0)
    before = newest if thread.newest_summary is None else thread.newest_summary
    plain = _cover(thread, summaries, newest=before, first_place=thread.first_place)
    billed = _billed(thread, plain, newest=newest, system=system)
    # Where the bill is above the estimate, every estimate is raised by as much (Rule 3).
    scale = max(1.0, billed / max(1, plain.history))
    kept = _scaled(plain, scale, history=billed)
    if policy.strategy == "window":
        return kept, kept
    first_place = segmenting.first_uncovered(thread.posts, segmenting.in_use(summaries, newest))
    if (before, thread.first_place) == (newest, first_place):
        return kept, kept
    return kept, _scaled(_cover(thread, summaries, newest=newest, first_place=first_place), scale)


def _cover(
    thread: conversation.Thread, summaries: Sequence[conversation.Summary], *, newest: int, first_place: int
) -> _Cover:
    used = segmenting.in_use(summaries, newest)
    measured = sizes.places(segmenting.uncovered(thread.posts, used, first_place=first_place))
    summary = sizes.segments(used)
    return _Cover(
        newest=newest,
        first_place=first_place,
        measured=measured,
        summary=summary,
        history=summary + sum(size.tokens for size in measured),
        segments=len(used),
    )


def _scaled(cover: _Cover, scale: float, *, history: int | None = None) -> _Cover:
    measured, summary = cover.measured, cover.summary
    if scale > 1:
        measured = [size._replace(tokens=math.ceil(size.tokens * scale)) for size in measured]
        summary = math.ceil(summary * scale)
    if history is None:
        history = summary + sum(size.tokens for size in measured)
    return dataclasses.replace(cover, measured=measured, summary=summary, history=history)


def _billed(thread: conversation.Thread, cover: _Cover, *, newest: int, system: str) -> int:
    """Tokens of the history if nothing is cut: billed up to the anchor, estimated after it (Rule 3)."""
    last = thread.last
    if last is None or last.usage.total == 0 or not _same(last.plan, cover, newest=newest):
        return cover.history
    answer = sum(size.tokens for size in cover.measured if size.place == last.place)
    held = caching.held(last)
    # All before the last breakpoint is history; behind it stood what belonged to that request alone.
    sent = held if held > last.usage.fresh else last.usage.input
    billed = max(0, sent - estimate(system)) + min(answer, last.usage.output)
    return billed + sum(size.tokens for size in cover.measured if size.place > last.place)


def _same(plan: conversation.Plan, cover: _Cover, *, newest: int) -> bool:
    """Whether a plan sent what this cover sends, but for what came later."""
    used = newest if plan.newest_summary is None else plan.newest_summary
    return (used, plan.first_place) == (cover.newest, cover.first_place)


def _renews(
    thread: conversation.Thread,
    kept: _Cover,
    fresh: _Cover,
    policy: Policy,
    marks: Marks,
    *,
    high: int,
    warm: bool,
) -> bool:
    """Whether to begin a new prefix with what has been summarised since the last."""
    if kept.history > marks.limit:
        return True
    if fresh.first_place < kept.first_place:  # posts are left out: bring them back, or summarise them
        return fresh.history <= marks.limit or not thread.gave_up
    if fresh.history > marks.limit or policy.strategy != "summarise":
        return False
    return not warm or kept.history > high


def _high(
    thread: conversation.Thread,
    cover: _Cover,
    marks: Marks,
    lifetime: conversation.Lifetime,
    costs: caching.Costs,
) -> int:
    """Past how many tokens a summary made ahead is put to use although the cache is warm."""
    growth = _growth(cover)
    price = caching.prefix_price(thread.gaps, lifetime, costs=costs)
    step = caching.step(floor=marks.floor, growth=growth, price=price, lifetime=lifetime, costs=costs)
    return min(marks.limit, marks.floor + step)


def _lifetime(
    thread: conversation.Thread, cover: _Cover, marks: Marks, costs: caching.Costs
) -> conversation.Lifetime:
    """The cheapest for the gaps of this thread and for what it writes."""
    cuts = marks.floor / (marks.limit - marks.floor) if cover.history > marks.floor < marks.limit else 0.0
    new = _growth(cover) * (1 + cuts) / max(1, cover.history) if thread.gaps else 0.0
    return caching.lifetime(thread.gaps, costs=costs, new=min(1.0, new))


def _growth(cover: _Cover) -> float:
    """New tokens a request, on average."""
    requests = sum(size.role == "assistant" for size in cover.measured)
    return (cover.history - cover.summary) / requests if requests else GROWTH


def _cut(cover: _Cover, *, policy: Policy, marks: Marks, room: int) -> int | None:
    """The first place to keep word for word, None to keep all."""
    if cover.history <= marks.limit:
        return None
    cut = segmenting.first_kept(cover.measured, floor=marks.floor - cover.summary)
    if policy.strategy == "window" and cover.history <= room:
        cut = _window_start(cover.measured, cut, policy.window_turns)
    return cut


def _window_start(measured: Sequence[sizes.Size], cut: int | None, window_turns: int) -> int | None:
    """Keep at least `window_turns` turns, and step only when half as many again have gathered."""
    runs = [
        next(run) for _, run in itertools.groupby(measured, key=lambda size: size.role)
    ]  # where turns begin
    if len(runs) <= window_turns or cut is None:
        return None
    latest = runs[len(runs) - window_turns]
    if latest.role != "user":
        latest = runs[len(runs) - window_turns - 1]
    if latest.place == measured[0].place:
        return None
    if cut <= latest.place:
        return cut
    return latest.place if len(runs) >= window_turns + max(2, window_turns // 2) else None


def _expected_read(
    thread: conversation.Thread,
    *,
    extends: bool,
    policy: Policy,
    facts: conversation.ModelFacts,
    now: dt.datetime,
) -> int:
    """Tokens this request should find in the cache: the last request's input, while it is kept."""
    last = thread.last
    if last is None or not extends or last.plan.model != policy.model or not caching.is_warm(last, now):
        return 0
    held = caching.held(last)
    return held if held >= facts.min_prefix_tokens else 0
