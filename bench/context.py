"""What a thread costs: nine ways to live with a stateless API, and the bound, on real conversations."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal

from bench import context_data, context_plot, context_recall, context_rivals, context_stability
from bench.support import irc, report
from bot import conversation, prompts
from bot.claude import models
from bot.money import prices, replay
from bot.planning import context, sizes

MODEL, SUMMARY_MODEL = "claude-sonnet-5-5", "claude-haiku-5-5"
LENGTHS = (50, 200, 1_000, 5_000)
SYSTEM = prompts.system(prompts.SYSTEM)
OURS = "ours"
BOUND = "bound: ours, never a miss"
KEEPS = ("full, no cache", "full, 5m", "full, 1h", "naive summary, 5m", OURS)
"""Those that keep the older content, whole or summarised."""


def main() -> None:
    """Run everything and write the result."""
    tables = [_costs(length) for length in LENGTHS]
    names = list(tables[-1].dollars)
    rows = [[name, *(_money(table.dollars[name], table.dollars[OURS]) for table in tables)] for name in names]
    head = ["$ per 1,000 requests (times ours)", *(f"{table.posts:,} posts" for table in tables)]
    context_plot.write(
        report.FOLDER / "context.svg",
        lengths=LENGTHS,
        lines={name: [float(table.dollars[name]) for table in tables] for name in names},
    )
    notes = [
        f"- {table.posts:,} posts: {table.what}; {table.threads} threads, {table.requests} requests, "
        f"{table.kept:,.0f} tokens word for word in ours and in the naive summary."
        for table in tables
    ]
    told = (
        f"Input and summaries, on {MODEL} with {SUMMARY_MODEL} for the summaries; the answers cost the same "
        "everywhere and are left out. Default settings. Tokens are estimates; the cache is simulated, and a "
        "test holds the simulation equal to the emulator's bill. Of the bound: what a request has beyond the "
        "one before is written at the lifetime it chose, all else is read, a cut and its summary are free."
    )
    body = [
        told,
        report.table(head, rows),
        "\n".join(notes),
        "![cost against length](context.svg)",
        "## Where the mark should be",
        _sweep(),
        "## Planning, stability and recall",
        _planning(),
        context_stability.measure(setting()),
        context_recall.measure(),
    ]
    source = f"{context_data.SOURCE} Where an edit strikes and what is looked up: {irc.source()}"
    report.publish("context", title="The cheapest prefix", body="\n\n".join(body), source=source)
    _told(tables)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Costs:
    """What threads of one length cost."""

    posts: int
    what: str
    threads: int
    requests: int
    kept: float  # tokens word for word, on average
    dollars: dict[str, Decimal]  # per 1,000 requests


def policy(**changes: object) -> context.Policy:
    """The default settings."""
    chosen: dict[str, object] = {
        "strategy": "summarise", "model": MODEL, "effort": "low", "max_output_tokens": 8192,
        "budget_tokens": 32_000, "floor_tokens": 16_000, "window_turns": 20,
    }  # fmt: skip
    return context.Policy(**{**chosen, **changes})  # type: ignore[arg-type] # a table of fields


def setting(cache: replay.Cache = "auto", **changes: object) -> replay.Setting:
    """Our own way, as an operator would have it."""
    return replay.Setting(
        policy=policy(**changes),
        cache=cache,
        facts=models.table(MODEL),
        costs=prices.costs(MODEL),
        system=SYSTEM,
    )


def _costs(posts: int) -> Costs:
    what, threads = context_data.threads(posts)
    stories = [replay.exchanges(thread) for thread in threads]
    ours = [list(replay.run(story, setting())) for story in stories]
    kept = statistics.mean(call.kept for calls in ours for call in calls if call.kind == "answer")
    longest = max(call.kept for calls in ours for call in calls if call.kind == "answer")
    summarised = any(call.kind == "summary" for calls in ours for call in calls)
    # At equal tokens word for word; where ours never cut anything the naive one does not have to, either.
    equal = int(kept) if summarised else longest + 1
    minimum = models.table(MODEL).min_prefix_tokens
    tried = [
        context_rivals.Tried(story=story, system=sizes.estimate(SYSTEM) + 4, minimum=minimum)
        for story in stories
    ]
    rivals: dict[str, Callable[[context_rivals.Tried], Iterable[replay.Call]]] = {
        "full, no cache": lambda each: context_rivals.full(each, "none"),
        "full, 5m": lambda each: context_rivals.full(each, "5m"),
        "full, 1h": lambda each: context_rivals.full(each, "1h"),
        "messages[-20:], no cache": lambda each: context_rivals.last_turns(each, "none"),
        "messages[-20:], 5m": lambda each: context_rivals.last_turns(each, "5m"),
        "stepped window 20..60, 5m (forgets)": context_rivals.stepped,
        "naive summary, no cache": lambda each: context_rivals.naive(each, "none", equal),
        "naive summary, 5m": lambda each: context_rivals.naive(each, "5m", equal),
    }
    requests = sum(len(story) for story in stories)
    bills = {name: [call for each in tried for call in way(each)] for name, way in rivals.items()}
    bills[OURS] = [call for calls in ours for call in calls]
    dollars = {name: dollars_of(calls) * 1_000 / requests for name, calls in bills.items()}
    dollars[BOUND] = sum(map(bound, ours), Decimal(0)) * 1_000 / requests
    return Costs(posts=posts, what=what, threads=len(threads), requests=requests, kept=kept, dollars=dollars)


def dollars_of(calls: Iterable[replay.Call]) -> Decimal:
    """Input of answers and all of the summaries."""
    total = Decimal(0)
    for call in calls:
        if call.kind == "summary":
            total += prices.cost(SUMMARY_MODEL, call.usage) or 0
        else:
            total += prices.cost(MODEL, dataclasses.replace(call.usage, output=0)) or 0
    return total


def bound(calls: Sequence[replay.Call]) -> Decimal:
    """Our context at the price of a cache that never misses: a cut costs nothing, nor does its summary.

    What a request has beyond the one before is written, at the lifetime it chose; all else is read.
    """
    answers = [call.usage for call in calls if call.kind == "answer"]
    total, before = Decimal(0), 0
    for usage in answers:
        prefix = usage.input - replay.VARYING_TOKENS
        new = prefix if before == 0 else max(0, min(prefix, prefix - before))
        hour = usage.written_1h > usage.written_5m
        bill = conversation.Usage(
            written_5m=0 if hour else new,
            written_1h=new if hour else 0,
            read=prefix - new,
            fresh=replay.VARYING_TOKENS,
        )
        total += prices.cost(MODEL, bill) or 0
        before = prefix
    return total


def _sweep() -> str:
    """The bill of 1,000-post threads with the floor at 4,000 and the budget at several multiples of it."""
    _, threads = context_data.threads(1_000)
    stories = [replay.exchanges(thread) for thread in threads]
    rows = []
    for multiple in (1.25, 1.5, 2, 3, 4, 8):
        tried = setting(budget_tokens=int(4_000 * multiple), floor_tokens=4_000)
        calls = [call for story in stories for call in replay.run(story, tried)]
        kept = statistics.mean(call.kept for call in calls if call.kind == "answer")
        cost = dollars_of(calls) * 1_000 / sum(len(story) for story in stories)
        rows.append([f"{multiple:g} times the floor", f"{cost:.3f}", f"{kept:,.0f}"])
    text = "1,000 posts, floor 4,000: the budget is a ceiling, below it the step follows the formula."
    return text + "\n\n" + report.table(["budget", "$ per 1,000 requests", "kept"], rows)


def _planning() -> str:
    """How long one decision takes in a thread that fills its budget."""
    _, threads = context_data.threads(1_000)
    posts = [
        dataclasses.replace(post, place=2 * (number // 2) + (post.role == "assistant"))
        for number, post in enumerate(threads[0][:300])
    ]
    while sum(size.tokens for size in sizes.places(posts)) > 31_000:
        posts = posts[2:]
    thread = conversation.Thread(
        conversation=conversation.ConversationId("bench"), posts=tuple(posts), summaries=(), last=None
    )
    chosen, facts, now = policy(), models.table(MODEL), posts[-1].sent_at
    took = []
    for _ in range(200):
        began = time.perf_counter()
        context.decide(thread, policy=chosen, facts=facts, system=SYSTEM, now=now)
        took.append((time.perf_counter() - began) * 1e3)
    return f"Planning one request of {len(posts)} posts: {statistics.median(took):.2f} ms (median of 200)."


def _money(dollars: Decimal, ours: Decimal) -> str:
    return f"{dollars:.2f} ({dollars / ours:.2f})"


def _told(tables: Sequence[Costs]) -> None:
    """Say whether the numbers that were set out to be reached are."""
    for table in tables:
        cheapest = min(KEEPS, key=lambda name: table.dollars[name])
        times = table.dollars[OURS] / table.dollars[BOUND]
        print(
            f"{table.posts} posts: cheapest that keeps the older content: {cheapest}; "
            f"ours is {times:.2f} times the bound"
        )
