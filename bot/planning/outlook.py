"""The honest line: what Claude sees of a conversation, what it does not and why, what comes next. Pure."""

from __future__ import annotations

import dataclasses
import datetime as dt

from bot import conversation
from bot.desk import wording
from bot.money import prices
from bot.planning import caching, context, segmenting, sizes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outlook:
    """What the next request holds of a conversation, as far as it is known before it is asked."""

    word_for_word: int  # posts
    summarised: int  # posts under the segments in use
    left_out: int  # posts
    tokens: int  # of the history: what the budget bounds
    used: tuple[conversation.Summary, ...]
    decision: context.Decision | None  # None: the model's facts could not be had, or nothing was said


def see(
    thread: conversation.Thread,
    *,
    policy: context.Policy,
    facts: conversation.ModelFacts | None,
    system: str,
    now: dt.datetime,
) -> Outlook:
    """Look ahead by the very decision that the next request will rest on; `facts` None: not reachable."""
    newest = thread.newest_summary
    decision = None
    if facts is not None and thread.posts:
        costs = prices.costs(policy.model)
        decision = context.decide(thread, policy=policy, facts=facts, system=system, now=now, costs=costs)
        newest = decision.plan.newest_summary
    used = () if policy.strategy == "window" else segmenting.in_use(thread.summaries, newest)
    posts = segmenting.uncovered(thread.posts, used, first_place=0)
    first = thread.first_place if decision is None else decision.plan.first_place
    shown = [post for post in posts if (post.place or 0) >= first]
    tokens = sizes.segments(used) + sum(size.tokens for size in sizes.places(shown))
    return Outlook(
        word_for_word=len(shown),
        summarised=sum(each.posts for each in used),
        left_out=len(posts) - len(shown),
        tokens=tokens if decision is None else decision.history_tokens,
        used=used,
        decision=decision,
    )


def tell(
    thread: conversation.Thread,
    *,
    policy: context.Policy,
    facts: conversation.ModelFacts | None,
    system: str,
    now: dt.datetime,
) -> str:
    """The same in words, with what the next request costs."""
    seen = see(thread, policy=policy, facts=facts, system=system, now=now)
    every = seen.word_for_word + seen.summarised + seen.left_out
    parts = [f"{seen.word_for_word} of {wording.counted(every, 'post')} word for word"]
    if seen.summarised:
        parts.append(f"{seen.summarised} in the summary")
    if seen.left_out:
        why = "past the window" if policy.strategy == "window" else "no summary of them could be made yet"
        parts.append(f"{seen.left_out} left out ({why})")
    text = (
        f"Claude sees {', '.join(parts)}: about {seen.tokens:,} tokens of a budget of "
        f"{policy.budget_tokens:,}. Strategy `{policy.strategy}`, model `{policy.model}`."
    )
    before = thread.before.plan if thread.before is not None else None
    if before is not None and before.model != policy.model:
        text += "\nThe model was changed since the last answer: the prompt cache begins afresh."
    elif before is not None and context.other_prompt(before, system):
        text += "\nThe prompt was changed since the last answer: the prompt cache begins afresh."
    if seen.decision is None:
        return text
    return f"{text}\n{_next(thread, seen.decision, policy=policy, system=system)}"


def _next(
    thread: conversation.Thread, decision: context.Decision, *, policy: context.Policy, system: str
) -> str:
    """What the next request costs before its question, and how much of it the cache holds."""
    total = decision.history_tokens + sizes.estimate(system)
    read = min(total, decision.plan.expected_read)
    lifetime = decision.plan.lifetime
    rest = total - read
    bill = conversation.Usage(
        read=read,
        fresh=rest if lifetime == "none" else 0,
        written_5m=rest if lifetime == "5m" else 0,
        written_1h=rest if lifetime == "1h" else 0,
    )
    dollars = prices.cost(policy.model, bill)
    money = "at an unknown price" if dollars is None else f"for about ${dollars:.4f}"
    line = f"The next request sends about {total:,} tokens {money}, its question and answer not counted"
    if not read:
        return f"{line}; none of it is in the cache now."
    until = (
        thread.last.at + dt.timedelta(seconds=caching.SECONDS[thread.last.plan.lifetime])
        if thread.last
        else None
    )
    return f"{line}; {read:,} of them come from the cache until {until:%H:%M} UTC."
