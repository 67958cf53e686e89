"""What one request holds: how full the thread is, what stays word for word, where to cut, what to cache.

Rule 1  Nothing is cut before the history passes the budget; then it is cut down to the floor at once, so
        that the prefix stays byte-stable until the budget is passed again (two marks, not one).
Rule 2  A cut falls between turns, before a user turn, and never takes the question.
Rule 3  Sizes are anchored on what the API billed for the last request; only what came after is estimated.
Rule 4  Breakpoints end the instructions, the last request's history and this one's; what varies follows.
Rule 5  The same thread, policy, facts and clock give the same decision.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Iterable, Sequence
from typing import Literal

from bot import conversation, turns

Strategy = Literal["summarise", "window", "full"]
Size = tuple[int, conversation.Role, int]
"""A place, who spoke there, and its tokens."""

CHARACTERS_PER_TOKEN = 3.0  # English on the 2026 tokenizers, on the safe side (measured 3.0 to 3.5)
TOKENS_PER_BLOCK = 4  # what a turn costs beside its text
WINDOW_SHARE = 0.9  # how much of the model's window a request may fill
SAFETY = {"5m": 300.0, "1h": 3600.0, "none": 0.0}  # seconds a prefix is kept
WRITE = {"none": 1.0, "5m": 1.25, "1h": 2.0}  # price of writing, in fresh input tokens


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


def decide(
    thread: conversation.Thread,
    *,
    policy: Policy,
    facts: conversation.ModelFacts,
    system: str,
    now: dt.datetime,
    read_ratio: float,
) -> Decision:
    """Decide the request that answers the thread as it stands.

    `read_ratio` is the price of a cached token in fresh ones (0.025 to 0.1).
    """
    posts = [post for post in thread.posts if (post.place or 0) >= thread.first_place]
    summary = sum(estimate(each.text) + TOKENS_PER_BLOCK for each in thread.summaries)
    sizes = _sizes(posts)
    history = _history_tokens(thread, sizes, summary=summary, system=system)
    # Where the bill is above the estimate, every estimate is raised by as much (Rule 3).
    scale = max(1.0, history / max(1, summary + sum(size for _, _, size in sizes)))
    sizes = [(place, role, math.ceil(size * scale)) for place, role, size in sizes]
    summary = math.ceil(summary * scale)
    output = min(policy.max_output_tokens, facts.max_output_tokens)
    room = int(facts.context_tokens * WINDOW_SHARE) - output - estimate(system)
    first = thread.first_place
    cut = _cut(sizes, policy=policy, history=history, room=room, summary=summary)
    if cut is not None:
        first = cut
        history = summary + sum(size for place, _, size in sizes if place >= cut)
    previous = thread.last.place if thread.last is not None and cut is None else None
    return Decision(
        plan=conversation.Plan(
            model=policy.model,
            effort=policy.effort,
            max_output_tokens=output,
            lifetime=_lifetime(thread.gaps, read_ratio=read_ratio),
            first_place=first,
            previous_place=previous,
            thinking=facts.thinking,
            sends_effort=policy.effort in facts.efforts,
            expected_read=_expected_read(thread, previous=previous, policy=policy, facts=facts, now=now),
        ),
        history_tokens=history,
        summarise_before=cut if cut is not None and policy.strategy != "window" else None,
    )


def request(thread: conversation.Thread, plan: conversation.Plan, *, system: str) -> conversation.Request:
    """The request that a plan makes of a thread: a pure function of both."""
    posts = [post for post in thread.posts if (post.place or 0) >= plan.first_place]
    built = turns.rebuild(posts, thread.summaries)
    newest = max((post.sent_at for post in posts if post.role == "user"), default=None)
    return conversation.Request(
        plan=plan,
        system=system,
        turns=built,
        breakpoints=_breakpoints(built, posts, plan),
        varying=f"<now>{newest:%A %Y-%m-%d %H:%M} UTC</now>" if newest else "",
    )


def estimate(text: str) -> int:
    """Tokens of a text, from its length alone: at least what the API would count, by a little."""
    wide = sum(1 for character in text if character > "\u024f") if not text.isascii() else 0
    return math.ceil((len(text) - wide) / CHARACTERS_PER_TOKEN + wide)


def _sizes(posts: Sequence[conversation.Post]) -> list[Size]:
    """Each place with its estimated tokens, in order."""
    totals: dict[tuple[int, conversation.Role], int] = {}
    for post in posts:
        key = (post.place or 0, post.role)
        text = turns.mark(post) if post.role == "user" else post.text
        totals[key] = totals.get(key, TOKENS_PER_BLOCK) + estimate(text)
    return [(place, role, size) for (place, role), size in sorted(totals.items())]


def _history_tokens(
    thread: conversation.Thread,
    sizes: Iterable[Size],
    *,
    summary: int,
    system: str,
) -> int:
    """Tokens of the history if nothing is cut: billed up to the anchor, estimated after it (Rule 3)."""
    last = thread.last
    if last is None or last.plan.first_place != thread.first_place or last.usage.total == 0:
        return summary + sum(size for _, _, size in sizes)
    billed = max(0, last.usage.total - estimate(system))
    return billed + sum(size for place, _, size in sizes if place > last.place)


def _cut(
    sizes: Sequence[Size],
    *,
    policy: Policy,
    history: int,
    room: int,
    summary: int,
) -> int | None:
    """The first place to keep word for word, None to keep all."""
    limit = room if policy.strategy == "full" else min(policy.budget_tokens, room)
    if history <= limit:
        return None
    floor = limit // 2 if policy.strategy == "full" else min(policy.floor_tokens, limit)
    starts = [index for index, (_, role, _) in enumerate(sizes) if role == "user"]
    kept, best = summary, starts[-1] if starts else 0  # the summary stays beside what is kept
    for index in range(len(sizes) - 1, -1, -1):
        kept += sizes[index][2]
        if kept > floor:
            break
        if index in starts:
            best = index
    if policy.strategy == "window" and history <= room:
        best = _window_start(sizes, best, policy.window_turns)
    return sizes[best][0] if best > 0 else None


def _window_start(sizes: Sequence[Size], best: int, window_turns: int) -> int:
    """Keep at least `window_turns` turns, and step only when half as many again have gathered."""
    runs = [i for i in range(len(sizes)) if i == 0 or sizes[i][1] != sizes[i - 1][1]]  # where turns begin
    if len(runs) <= window_turns:
        return 0
    latest = runs[len(runs) - window_turns]
    if sizes[latest][1] != "user":
        latest = runs[len(runs) - window_turns - 1]
    if best <= latest:
        return best
    return latest if len(runs) >= window_turns + max(2, window_turns // 2) else 0


def _lifetime(gaps: Sequence[float], *, read_ratio: float) -> conversation.Lifetime:
    """The cheapest lifetime for a thread with these gaps between its requests, in seconds.

    The share of gaps a lifetime survives is weighted towards the newest (each older gap counts 0.8 of
    the next) and starts from what threads in general do (three imaginary gaps).
    """
    weight, within = 3.0, {"none": 0.0, "5m": 3.0 * 0.6, "1h": 3.0 * 0.75}
    for gap in gaps:
        weight = weight * 0.8 + 1.0
        within = {name: share * 0.8 + (1.0 if gap < SAFETY[name] else 0.0) for name, share in within.items()}

    def cost(name: conversation.Lifetime) -> float:
        share = within[name] / weight
        return share * read_ratio + (1 - share) * WRITE[name]

    choices: tuple[conversation.Lifetime, ...] = ("none", "5m", "1h")
    return min(choices, key=cost)


def _expected_read(
    thread: conversation.Thread,
    *,
    previous: int | None,
    policy: Policy,
    facts: conversation.ModelFacts,
    now: dt.datetime,
) -> int:
    """Tokens this request should find in the cache: the last request's input, while it is kept."""
    last = thread.last
    if last is None or previous is None or last.plan.model != policy.model:
        return 0
    warm = (now - last.at).total_seconds() < SAFETY[last.plan.lifetime]
    held = last.usage.read + last.usage.written_5m + last.usage.written_1h
    return held if warm and held >= facts.min_prefix_tokens else 0


def _breakpoints(
    built: Sequence[conversation.Turn], posts: Sequence[conversation.Post], plan: conversation.Plan
) -> tuple[conversation.Breakpoint, ...]:
    """After the instructions, after what the last request ended with, and after the newest block."""
    lifetime = plan.lifetime
    if lifetime == "none" or not built:
        return ()
    marks = [(-1, 0), (len(built) - 1, len(built[-1].blocks) - 1)]
    if plan.previous_place is not None:
        sent = {post.id for post in posts if (post.place or 0) < plan.previous_place and post.role == "user"}
        earlier = [
            (i, j)
            for i, turn in enumerate(built)
            for j, block in enumerate(turn.blocks)
            if turn.role == "user" and sent.intersection(block.posts)
        ]
        marks.extend(earlier[-1:])
    return tuple(
        conversation.Breakpoint(turn=turn, block=block, lifetime=lifetime)
        for turn, block in sorted(set(marks))
    )
