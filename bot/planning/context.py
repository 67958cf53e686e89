"""What one request holds: how full the thread is, what stays word for word, what to cache. Pure.

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
import hashlib
import itertools
from collections.abc import Sequence
from typing import Literal

from bot import conversation, turns
from bot.planning import caching, covering, fitting, segmenting, sizes
from bot.tools import recalling, toolsets

Strategy = Literal["summarise", "window", "full"]
WINDOW_SHARE = 0.9  # how much of the model's window a request may fill
FULL_SHARE = 0.8  # with `full`, summaries are made ahead when the window is this full


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


def halved(policy: Policy, request: conversation.Request) -> Policy:
    """A policy for half of this request: what is too long for the model is cut, whatever was chosen."""
    tokens = sum(sizes.estimate(block.text) for turn in request.turns for block in turn.blocks)
    budget = max(1, min(policy.budget_tokens, tokens) // 2)
    return dataclasses.replace(
        policy,
        strategy="summarise" if policy.strategy == "full" else policy.strategy,
        budget_tokens=budget,
        floor_tokens=min(policy.floor_tokens, budget) // 2,
        window_turns=max(1, policy.window_turns // 2),
    )


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


def decide(
    thread: conversation.Thread,
    *,
    policy: Policy,
    facts: conversation.ModelFacts,
    system: str,
    now: dt.datetime,
    costs: caching.Costs = caching.DEAREST,
    lifetime: conversation.Lifetime | None = None,
    tools: toolsets.Toolset = toolsets.NONE,
) -> Decision:
    """Decide the request that answers the thread as it stands; `lifetime`: not to be chosen (in a replay)."""
    front = system + tools.text  # what stands before the history and is no part of it
    marks = limits(policy, facts, system=front)
    if thread.last is not None and _begins_anew(thread.last.plan, system, tools):
        thread = dataclasses.replace(thread, last=None)
    room = _room(policy, facts, system=front)
    thread, described = _fitted(thread, room=room)
    kept, fresh = covering.both(thread, summarises=policy.strategy != "window", system=front)
    lifetime = lifetime or _lifetime(thread, kept, marks, costs)
    last = thread.last
    warm = last is not None and last.plan.model == policy.model and caching.is_warm(last, now)
    high = _high(thread, kept, marks, lifetime, costs)
    renews = kept is not fresh and _renews(thread, kept, fresh, policy, marks, high=high, warm=warm)
    chosen = fresh if renews else kept
    cut = _cut(chosen, policy=policy, marks=marks, room=room)
    history, first_place = chosen.history, chosen.first_place
    if cut is not None:
        first_place = cut
        history = chosen.summary + sum(size.tokens for size in chosen.measured if size.place >= cut)
    extends = cut is None and last is not None and covering.same(last.plan, chosen, newest=fresh.newest)
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
            gave_up=thread.gave_up and (chosen is not fresh or fresh.first_place < first_place),
            previous_message=thread.before.message_id if thread.before is not None else "",
            prompt=fingerprint(system),
            described=described,
            tools=tools.id,
        ),
        history_tokens=history,
        summarise_before=cut if cut is not None and policy.strategy != "window" else None,
    )


def request(
    thread: conversation.Thread,
    plan: conversation.Plan,
    *,
    system: str,
    tools: toolsets.Toolset = toolsets.NONE,
) -> conversation.Request:
    """The request that a plan makes of a thread, and of the list of tools that it names: a pure function."""
    used = segmenting.in_use(thread.summaries, plan.newest_summary)
    posts = segmenting.uncovered(
        fitting.apply(thread.posts, plan.described), used, first_place=plan.first_place
    )
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
        tools=((recalling.TOOL,) if plan.offers_recall else ()) + tools.tools,
    )


def fingerprint(system: str) -> str:
    """A short name for the instructions a request was made with."""
    return hashlib.blake2s(system.encode("utf-8", "replace"), digest_size=6).hexdigest()


def other_prompt(plan: conversation.Plan, system: str) -> bool:
    """Whether a plan was made for other instructions, as far as it tells."""
    return plan.prompt not in {"", fingerprint(system)}


def _fitted(thread: conversation.Thread, *, room: int) -> tuple[conversation.Thread, tuple[str, ...]]:
    """The thread with the files that one request has no room for as their descriptions; and which."""
    if not any(post.attachments for post in thread.posts):
        return thread, thread.described
    described = fitting.described(thread.posts, already=thread.described, room=room)
    posts = fitting.apply(thread.posts, described)
    last = thread.last if described == thread.described else None  # what was sent reads differently now
    return dataclasses.replace(thread, posts=posts, last=last), described


def _begins_anew(plan: conversation.Plan, system: str, tools: toolsets.Toolset) -> bool:
    """Whether a request cannot extend one of that plan: what stands in front of the history is another."""
    return other_prompt(plan, system) or plan.tools != tools.id


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
    thread = dataclasses.replace(thread, posts=fitting.apply(thread.posts, thread.described))
    kept, _ = covering.both(thread, summarises=policy.strategy != "window", system=system)
    high = marks.limit
    if policy.strategy == "summarise":
        high = _high(thread, kept, marks, _lifetime(thread, kept, marks, costs), costs)
    elif policy.strategy == "window" or kept.history < marks.limit * FULL_SHARE:
        return None
    return segmenting.due(thread, floor=marks.floor, soon=kept.history + 2 * covering.growth(kept) > high)


def _room(policy: Policy, facts: conversation.ModelFacts, *, system: str) -> int:
    """Tokens of history that fit the model beside the instructions and the answer."""
    output = min(policy.max_output_tokens, facts.max_output_tokens)
    return int(facts.context_tokens * WINDOW_SHARE) - output - sizes.estimate(system)


def _renews(
    thread: conversation.Thread,
    kept: covering.Cover,
    fresh: covering.Cover,
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
    if fresh.history > marks.limit:
        return False
    if thread.gave_up:  # what was left out stands under a summary by now
        return True
    return policy.strategy == "summarise" and (not warm or kept.history > high)


def _high(
    thread: conversation.Thread,
    cover: covering.Cover,
    marks: Marks,
    lifetime: conversation.Lifetime,
    costs: caching.Costs,
) -> int:
    """Past how many tokens a summary made ahead is put to use although the cache is warm."""
    growth = covering.growth(cover)
    price = caching.prefix_price(thread.gaps, lifetime, costs=costs)
    step = caching.step(floor=marks.floor, growth=growth, price=price, lifetime=lifetime, costs=costs)
    return min(marks.limit, marks.floor + step)


def _lifetime(
    thread: conversation.Thread, cover: covering.Cover, marks: Marks, costs: caching.Costs
) -> conversation.Lifetime:
    """The cheapest for the gaps of this thread and for what it writes."""
    cuts = marks.floor / (marks.limit - marks.floor) if cover.history > marks.floor < marks.limit else 0.0
    new = covering.growth(cover) * (1 + cuts) / max(1, cover.history) if thread.gaps else 0.0
    return caching.lifetime(thread.gaps, costs=costs, new=min(1.0, new))


def _cut(cover: covering.Cover, *, policy: Policy, marks: Marks, room: int) -> int | None:
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
    return held if held >= facts.min_prefix_tokens and not caching.browsed(last.usage) else 0
