"""From a post to its answer: time and CPU of the bot, without Claude's own, beside two simple bots.

The bot runs in a process of its own; both platforms and Claude are emulated in this one. Claude answers at
once, and its own time (from a request's arrival until its answer begins) is left out of every figure. Each
thread is written by people before the bot comes; a mention brings it in (not measured), then posts without a
mention are answered one after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import itertools
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from bench.support import irc, process, report, stages
from bot import conversation
from bot.money import prices
from emulators import claude

RUNS = 3
LENGTHS = (10, 100, 1_000)
THREADS = 4  # of each length, in each run
QUESTIONS = 2  # measured in each thread, after the mention
ANSWER_WORDS = 180  # about 1,000 characters
SUMMARY_WORDS = 200
MODEL = "claude-sonnet-5-5"
KEY = "sk-ant-emulated"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bot:
    """One way of answering."""

    name: str
    module: str
    way: str = ""  # of a baseline
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def arguments(self, platform: str) -> list[str]:
        """Its command line."""
        return [platform.lower(), self.way] if self.way else []


OURS = Bot(name="Threadmate", module="bot")
BOTS = (
    OURS,
    Bot(name="Threadmate, `full`", module="bot", environment={"BOT_STRATEGY": "full"}),
    Bot(name="refetch for every reply", module="bench.baselines", way="refetch"),
    Bot(name="in memory, no cache", module="bench.baselines", way="memory"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sample:
    """One reply. Times in milliseconds."""

    first: float  # from the event to the request's arrival at Claude
    first_cpu: float
    whole: float  # from the event until the whole answer can be read, without Claude's own time
    whole_cpu: float  # until the bot is idle again
    calls: float  # of the platform's API
    usd: float  # Claude, per 1,000 such replies
    entry_usd: float = 0.0  # the same for the reply to the mention, which is measured in nothing else


FIGURES = tuple(field.name for field in dataclasses.fields(Sample))
Results = dict[tuple[str, int, str], list[Sample]]
"""By platform, length and bot: one sample for each run, the median of that run's replies."""


class Clock:
    """The emulated Claude's clock; each reading also notes what CPU the bot has used by then."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.cpu_at: dict[float, float] = {}

    def __call__(self) -> float:
        """Seconds, monotonic."""
        now = time.perf_counter()
        if self.pid is not None:
            self.cpu_at[now] = process.cpu_seconds(self.pid)
        return now


class Rig:
    """One bot on one platform, with Claude."""

    def __init__(self, *, stage: stages.Stage, questions: Iterator[irc.Said]) -> None:
        self.stage = stage
        self.clock = Clock()
        self.claude = claude.Claude(clock=self.clock)
        self.claude.answer = self._answer
        self._questions = questions
        self._numbers = itertools.count(1)
        self._marker = ""
        self._answered_at = 0.0

    def _answer(self, body: dict[str, Any]) -> str:
        if body["model"] != MODEL:
            return irc.words(SUMMARY_WORDS)
        self._answered_at = time.perf_counter()
        return f"{irc.words(ANSWER_WORDS)} {self._marker}"

    async def ask(self, pid: int, thread: stages.Thread, *, mention: bool = False) -> Sample:
        """Post a question and wait until it is answered and the bot idle."""
        self._marker = f"(answer {next(self._numbers)})"
        text = next(self._questions)[1]
        calls, requests, used = self.stage.calls, len(self.claude.requests), process.cpu_seconds(pid)
        began = time.perf_counter()
        await self.stage.ask(thread, text, mention=mention)
        await self.stage.until(lambda: self._marker in self.stage.newest(thread))
        shown = time.perf_counter()
        after = await process.idle(pid)
        made = self.claude.requests[requests:]
        (request,) = (call for call in made if call.body["model"] == MODEL)
        return Sample(
            first=(request.at - began) * 1e3,
            first_cpu=(self.clock.cpu_at[request.at] - used) * 1e3,
            whole=(request.at - began + shown - self._answered_at) * 1e3,
            whole_cpu=(after - used) * 1e3,
            calls=self.stage.calls - calls,
            usd=sum(_usd(call) for call in made) * 1e3,
        )


async def measure(kind: type[stages.Stage], bot: Bot, results: Results) -> None:
    """One run of one bot on one platform, at every length."""
    source = irc.posts()
    async with kind() as stage:
        threads = {
            length: [await stage.thread(list(itertools.islice(source, length))) for _ in range(THREADS)]
            for length in LENGTHS
        }
        # A post that opens with `!` is a command to Threadmate, and none to the others.
        rig = Rig(stage=stage, questions=(post for post in source if not post[1].startswith("!")))
        async with rig.claude:
            environment = {
                "ANTHROPIC_API_KEY": KEY,
                "ANTHROPIC_BASE_URL": rig.claude.url,
                "BOT_HTTP_PORT": "0",
                **stage.environment,
                **bot.environment,
            }
            async with process.running(bot.module, bot.arguments(stage.name), environment) as pid:
                await stage.connected()
                await process.idle(pid)
                rig.clock.pid = pid
                for length in LENGTHS:
                    entries, samples = [], []
                    for thread in threads[length]:
                        entries.append(await rig.ask(pid, thread, mention=True))
                        samples += [await rig.ask(pid, thread) for _ in range(QUESTIONS)]
                    entry = statistics.median(each.usd for each in entries)
                    run = dataclasses.replace(_median(samples), entry_usd=entry)
                    results[stage.name, length, bot.name].append(run)
                rig.clock.pid = None


def main() -> None:
    """Run it and publish the tables."""
    results: Results = defaultdict(list)
    for run in range(RUNS):
        for kind in (stages.Slack, stages.Discord):
            for bot in BOTS:
                print(f"run {run + 1} of {RUNS}: {kind.name}, {bot.name}", flush=True)
                asyncio.run(measure(kind, bot, results))
    report.publish("answer", title="From a post to its answer", body=_body(results), source=irc.source())


def _body(results: Results) -> str:
    """The tables and what to know of them."""
    tables = [f"## {kind.name}\n\n{_table(results, kind.name)}" for kind in (stages.Slack, stages.Discord)]
    return "\n\n".join([_notes(results), *tables])


def _notes(results: Results) -> str:
    return f"""\
Each figure is the median of {RUNS} runs, each the median of {THREADS * QUESTIONS} replies ({THREADS} \
threads, {QUESTIONS} posts in each after the mention that brings the bot in); in brackets how many times \
Threadmate's figure it is. Between the lowest and the highest of its runs a reply's time differed by \
{_spread(results, "whole"):.0%}, its CPU by {_spread(results, "whole_cpu"):.0%} (median over all rows): read \
CPU before time.

- **request**: from the post's event until the request has arrived at Claude. **reply**: until the whole \
answer of about 1,000 characters can be read on the platform; its CPU until the bot has done nothing for \
{process.STILL * 1e3:.0f} ms. Claude answers at once and its own time is left out. CPU is the bot process's \
alone, all threads.
- The platforms are emulated on loopback, where **calls** are cheap and never refused. Over the internet \
each takes far longer (not measured here), and Slack limits them: one read of a thread in a minute for apps \
sold outside its Marketplace.
- **Claude** is what 1,000 such replies cost at {MODEL}'s list price by the emulator's bill, whose tokens \
are estimates. Posts come in quick succession, so the cache is always warm: that is its best case. **on \
entry** is the reply to the mention, where Threadmate writes the cache and, past its budget, pays for a \
summary.
- What is compared is not of one kind: Threadmate commits the post and each step of the reply to disk before \
it goes on; the simple bots keep nothing on disk, and `in memory` starts from nothing after a restart. With \
the default budget of 32,000 tokens Threadmate sends a long thread partly as a summary; `full` sends all of \
it, as the simple bots do.
- The simple bots are `bench/baselines`: slack-bolt, discord.py and anthropic in their ordinary use."""


def _spread(results: Results, figure: str) -> float:
    """How far the runs lie apart, as a share of their median, in the row in the middle."""
    every: list[list[float]] = [
        [getattr(sample, figure) for sample in samples] for samples in results.values()
    ]
    return statistics.median((max(values) - min(values)) / statistics.median(values) for values in every)


def _table(results: Results, platform: str) -> str:
    head = (
        "posts",
        "bot",
        "request, ms",
        "request CPU, ms",
        "reply, ms",
        "reply CPU, ms",
        "calls",
        "Claude, $ per 1,000",
        "on entry, $ per 1,000",
    )
    rows = []
    for length in LENGTHS:
        ours = _median(results[platform, length, OURS.name])
        for bot in BOTS:
            sample = _median(results[platform, length, bot.name])
            cells = [
                _cell(getattr(sample, name), None if bot is OURS else getattr(ours, name)) for name in FIGURES
            ]
            rows.append([f"{length:,}", bot.name, *cells])
    return report.table(head, rows, left=2)


def _cell(value: float, ours: float | None) -> str:
    return report.number(value) if not ours else f"{report.number(value)} ({value / ours:.1f}x)"


def _median(samples: list[Sample]) -> Sample:
    return Sample(
        **{name: statistics.median(getattr(sample, name) for sample in samples) for name in FIGURES}
    )


def _usd(call: claude.Request) -> float:
    """What one call costs at list price."""
    usage: dict[str, Any] = call.usage or {}
    written: dict[str, int] = usage.get("cache_creation") or {}
    bill = conversation.Usage(
        fresh=usage["input_tokens"],
        read=usage["cache_read_input_tokens"],
        written_5m=written.get("ephemeral_5m_input_tokens", 0),
        written_1h=written.get("ephemeral_1h_input_tokens", 0),
        output=usage["output_tokens"],
    )
    price = prices.cost(call.body["model"], bill)
    assert price is not None, "the price list knows every model used here"
    return float(price)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
