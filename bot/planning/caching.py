"""The prompt cache: how long to keep a prefix, where to end it, when to cut it, why it was missed. Pure.

Rule 1  A lifetime is the cheapest for the thread's own gaps at the model's own prices.
Rule 2  The step between the marks is an economic order quantity: a cut costs a rewrite of what is kept,
        waiting costs reading what could have been cut.
Rule 3  At most four breakpoints: the instructions, the segments, the last request's end and this one's. A
        prefix is found within 20 blocks of a breakpoint, so a long run gets one more on its way.
Rule 4  Each request knows how much it should find; a difference has a reason.

Source of the figures: the vendor's pages "Prompt caching" and "Pricing" (October 2026).
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Sequence

from bot import conversation

LOOK_BACK = 20  # blocks, the marked one included
MOST_MARKS = 4
SECONDS: dict[conversation.Lifetime, float] = {"none": 0.0, "5m": 300.0, "1h": 3600.0}
GAPS = 20  # the newest of a thread that count
FADING = 0.85  # of a gap's weight with each later one
TOLERANCE = 0.02  # the part of an expected read that may be missing without a reason: counts are rounded


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """Prices in fresh input tokens of the answering model."""

    read: float = 0.1
    write_5m: float = 1.25
    write_1h: float = 2.0

    def write(self, lifetime: conversation.Lifetime) -> float:
        """The price of a token that is not read: written, or fresh without a cache."""
        return {"none": 1.0, "5m": self.write_5m, "1h": self.write_1h}[lifetime]


DEAREST = Costs()


def survival(gaps: Sequence[float], lifetime: conversation.Lifetime) -> float:
    """The share of gaps that a lifetime outlasts, 0 to 1; gaps in seconds, oldest first.

    Weighted towards the newest (each older gap counts FADING of the next), starting from what threads in
    general do (three imaginary gaps).
    """
    weight, within = 3.0, 3.0 * {"none": 0.0, "5m": 0.6, "1h": 0.75}[lifetime]
    for gap in gaps:
        weight = weight * FADING + 1.0
        within = within * FADING + (1.0 if gap < SECONDS[lifetime] else 0.0)
    return within / weight


def lifetime(gaps: Sequence[float], *, costs: Costs, new: float = 0.0) -> conversation.Lifetime:
    """The cheapest lifetime for a thread with these gaps between its requests.

    `new`: tokens written in any case, what is new and what a cut lays out anew, as a share of the prefix.
    The longer lifetime pays its dearer write on them, too.
    """
    prices = {each: prefix_price(gaps, each, costs=costs) for each in SECONDS}
    prices["1h"] += new * (costs.write_1h - costs.write_5m)
    return min(prices, key=lambda each: prices[each])


def prefix_price(gaps: Sequence[float], lifetime: conversation.Lifetime, *, costs: Costs) -> float:
    """What a token of the prefix costs in the next request, on average."""
    share = survival(gaps, lifetime)
    return share * costs.read + (1 - share) * costs.write(lifetime)


def step(*, floor: int, growth: float, price: float, lifetime: conversation.Lifetime, costs: Costs) -> int:
    """Tokens to let a history grow past the floor before it is cut.

    `growth`: new tokens a request; `price`: of a prefix token (`prefix_price`). The summary's own cost is
    left out: each post is summarised once, whenever that is.
    """
    cut = max(0.0, costs.write(lifetime) - costs.read) * floor
    return math.ceil(max(floor / 4, math.sqrt(2 * growth * cut / price)))


def is_warm(last: conversation.LastRequest, now: dt.datetime) -> bool:
    """Whether what the last request wrote is still kept."""
    return (now - last.at).total_seconds() < SECONDS[last.plan.lifetime]


def held(last: conversation.LastRequest) -> int:
    """Tokens the cache kept of the last request: all up to its last breakpoint."""
    return last.usage.read + last.usage.written_5m + last.usage.written_1h


def browsed(usage: conversation.Usage) -> bool:
    """Whether the web was read within the call: its input is then more than what was sent."""
    return any((usage.raw.get("server_tool_use") or {}).values())


def breakpoints(
    turns: Sequence[conversation.Turn], *, sent: frozenset[str], lifetime: conversation.Lifetime
) -> tuple[conversation.Breakpoint, ...]:
    """Where the prefixes end; `sent` are the posts by people that the last request ended with or before."""
    if lifetime == "none" or not turns:
        return ()
    blocks = [(i, j) for i, turn in enumerate(turns) for j in range(len(turn.blocks))]
    end = len(blocks) - 1
    previous = segments = -1
    for at, (i, j) in enumerate(blocks):
        if turns[i].role == "user" and sent.intersection(turns[i].blocks[j].posts):
            previous = at
        if not turns[i].blocks[j].posts and segments == at - 1:
            segments = at
    return tuple(
        conversation.Breakpoint(turn=turn, block=block, lifetime=lifetime)
        for turn, block in [
            (-1, 0) if at < 0 else blocks[at] for at in marked(end=end, previous=previous, segments=segments)
        ]
    )


def marked(*, end: int, previous: int, segments: int) -> list[int]:
    """The marked blocks: -1 is the end of the instructions, as is `previous` or `segments` for none."""
    marks = {-1, previous, end}
    if end - previous >= LOOK_BACK:
        marks.add(end - LOOK_BACK + 1)
    if len(marks) < MOST_MARKS:
        marks.add(segments)
    return sorted(marks)


def explain(
    plan: conversation.Plan,
    usage: conversation.Usage,
    *,
    before: conversation.LastRequest | None,
    changed: bool,
    now: dt.datetime,
    minimum: int,
    said: str = "",
) -> str:
    """Why a request read less than the one before it left in the cache; "" where it did not.

    `changed`: something the one before carried was edited or deleted; `now`: when the request was sent;
    `minimum`: tokens of the model's shortest cached prefix; `said`: the API's own reason.
    """
    if before is None or "none" in {plan.lifetime, before.plan.lifetime} or browsed(before.usage):
        return ""
    expected = plan.expected_read or held(before)
    if usage.read >= expected * (1 - TOLERANCE):
        return ""
    then = before.plan
    signs = {
        "too short": max(expected, usage.input) < minimum,
        "model changed": then.model != plan.model,
        "prompt changed": said == "system_changed" or "" != then.prompt != plan.prompt,
        "tools changed": said == "tools_changed" or then.tools != plan.tools,
        "expired": not is_warm(before, now),
        "effort changed": (then.effort, then.thinking) != (plan.effort, plan.thinking),
        "post changed": changed,
        "summarised": then.newest_summary != plan.newest_summary,
        "older posts left out": then.first_place != plan.first_place,
        "prefix changed": usage.read > 0 or said == "messages_changed",
    }
    return next((reason for reason, holds in signs.items() if holds), "not found")
