"""F15: many conversations at once, a steady rate for long, and what an answer costs.

Intake is measured from when a post stands on the platform: on Slack to its acknowledgement as the emulator
sees it, on Discord, which knows none, to the line the bot logs once the post is committed. The emulators and
whoever writes share one process on the other core, without garbage collection while the row lasts; how late
that process itself was is told beside, since its lateness counts into every figure.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import gc
import json
import pathlib
import re
import statistics
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import aiohttp

from bench.torture import arena, oracle, play, worlds
from emulators.discord import snowflakes

MOST_MIB = 250.0
INTAKE_MS = 50.0
STALL_S = 0.1
CHANNELS = 40  # that the posts are spread over
FOLLOW = 1 / 6  # of the posts go on in a conversation that is there
SHARES = (0.95, 0.9, 0.8, 0.7)  # of the rate of answers while nothing is held back, tried from the highest
SLOPE_MIB_A_MINUTE = 0.5  # below that, memory is said to be level
Write = Callable[..., Coroutine[Any, Any, list[float]]]
"""`_write` on a stage."""
BUCKET = re.compile(r'threadmate_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


async def load(how: play.Run, score: play.Score) -> None:
    """200 posts a second for a minute over 10,000 conversations, short answers, until all are answered."""
    rate, seconds = (20.0, 5.0) if how.quick else (200.0, 60.0)
    async with _stage(how) as (stage, base):
        before, cpu = await _lags(base), _cpu_seconds(stage.pid)
        own, began = time.process_time(), time.monotonic()
        late = await _write(stage, rate=rate, seconds=seconds, threads=[])
        score.count(conversations=len({each.conversation for each in stage.asked}))
        score.count(answered_meanwhile=_whole(stage))
        await _answered(stage, seconds=600)
        took = time.monotonic() - began
        spent = _cpu_seconds(stage.pid) - cpu
        stalls, lag = _above(before, await _lags(base), STALL_S)
        answers = _whole(stage)
        score.high(
            offered_a_second=rate,
            answered_a_second=answers / took,
            answers_a_second_of_CPU=answers / spent,
            CPU_ms_an_answer=1000 * spent / answers,
            emulators_CPU_ms_an_answer=1000 * (time.process_time() - own) / answers,
            writer_late_p99_ms=1000 * _quantile(late, 0.99),
            loop_lag_p99_ms=1000 * lag,
        )
        score.count(loop_stalls=stalls)
        score.check(stalls == 0, f"the loop stood still {stalls} times for more than 100 ms")
        _intake(stage, score)
        score.check(stage.peak_mib() < MOST_MIB, f"{stage.peak_mib():.0f} MiB")
        await score.judge(stage, stage.verdict(), most_calls=1.0)


async def steady(how: play.Run, score: play.Score) -> None:
    """The rate that is sustained, for ten minutes: everything is answered as it comes, memory stays level.

    Discord lets a guild have so many open threads; past them posts go on in those there are.
    """
    async with _stage(how) as (stage, _base):
        write = functools.partial(_write, stage, threads=[], most=stage.world.most_threads)
        began = time.monotonic()
        await write(rate=200.0, seconds=1.0 if how.quick else 20.0)
        await _answered(stage, seconds=300)
        most = _whole(stage) / (time.monotonic() - began)
        rate = await _sustained(stage, write, most, seconds=2.0 if how.quick else 30.0)
        before, seconds = _whole(stage), 5.0 if how.quick else 600.0
        memory: list[tuple[float, float]] = []
        writing = asyncio.create_task(write(rate=rate, seconds=seconds))
        began, cpu = time.monotonic(), _cpu_seconds(stage.pid)
        while not writing.done():
            memory.append((time.monotonic() - began, _resident_mib(stage.pid)))
            await asyncio.sleep(seconds / 120)
        await writing
        waiting = len(stage.verdict().lost)
        await _answered(stage, seconds=60)
        answers = _whole(stage) - before
        level = [each for each in memory if each[0] > seconds / 5]  # caches fill first
        slope = 60 * statistics.linear_regression(*zip(*level, strict=True)).slope
        score.high(
            sustained_a_second=answers / (time.monotonic() - began),
            CPU_ms_an_answer=1000 * (_cpu_seconds(stage.pid) - cpu) / answers,
            waiting_at_the_end_s=waiting / rate,
            memory_MiB_a_minute=slope,
        )
        _intake(stage, score, bound=False)
        score.check(how.quick or abs(slope) < SLOPE_MIB_A_MINUTE, f"memory grows by {slope:.2f} MiB a minute")
        score.check(waiting < 2 * rate + 10, f"{waiting} questions waited at the end: not sustained")
        await score.judge(stage, stage.verdict(), most_calls=1.0)


@contextlib.asynccontextmanager
async def _stage(how: play.Run) -> AsyncIterator[tuple[arena.Arena, str]]:
    """An arena with a warm bot, and the address of its own port."""
    async with arena.opened(how.platform, home=how.home, seed=how.seed) as stage:
        stage.pace = 0.0
        port = arena.free_port()
        stage.options["BOT_HTTP_PORT"] = str(port)
        stage.world.channels += [stage.world.channel(f"room-{number}") for number in range(2, CHANNELS)]
        await stage.start()
        await stage.ask()
        await stage.settle()
        gc.disable()
        try:
            yield stage, f"http://127.0.0.1:{port}"
        finally:
            gc.enable()


async def _write(
    stage: arena.Arena,
    *,
    rate: float,
    seconds: float,
    threads: list[worlds.Place],
    most: int | None = None,
) -> list[float]:
    """Posts at a steady rate, most of them new conversations; how late each was written.

    `threads`: those there are, added to; past `most` of them posts go on in these.
    """
    began, late = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        full = most is not None and len(threads) >= most
        goes_on = full or (threads and stage.chance.random() < FOLLOW)
        known = stage.chance.choice(threads) if goes_on else None
        if known is not None and stage.world.reachable(known):
            await stage.ask(known)
        else:
            threads.append((await stage.ask(stage.world.channels[number % CHANNELS])).thread)
    return late


async def _sustained(stage: arena.Arena, write: Write, most: float, *, seconds: float) -> float:
    """The highest share of that rate at which nothing piles up for so long; the lowest is not tried."""
    *shares, lowest = SHARES
    for share in shares:
        await write(rate=share * most, seconds=seconds)
        waiting = len(stage.verdict().lost)
        await _answered(stage, seconds=120)
        if waiting < share * most:
            return share * most
    return lowest * most


async def _answered(stage: arena.Arena, *, seconds: float) -> None:
    """Wait until every question is answered; the oracle is asked seldom, it has much to read."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        await asyncio.sleep(1.0)
        if not (stage.verdict().lost or stage.verdict().stuck):
            return


def _whole(stage: arena.Arena) -> int:
    return sum(oracle.END in each.text for each in stage.world.seen())


def _intake(stage: arena.Arena, score: play.Score, *, bound: bool = True) -> None:
    waits = sorted(_waits(stage))
    p99 = 1000 * _quantile(waits, 0.99)
    score.high(intake_p50_ms=1000 * _quantile(waits, 0.5), intake_p99_ms=p99, intake_max_ms=1000 * waits[-1])
    score.check(not bound or p99 < INTAKE_MS, f"intake p99 is {p99:.0f} ms")


def _waits(stage: arena.Arena) -> list[float]:
    """Seconds from each person's post to its acknowledgement (Slack) or commit (Discord)."""
    if isinstance(stage.world, worlds.SlackWorld):
        return [
            each.acked_at - float(each.event["ts"])
            for each in stage.world.service.events
            if each.acked_at is not None and each.event.get("user") == stage.world.ada
        ]
    waits = []
    for line in stage.told().splitlines():
        if '"discord.event_recorded"' in line:
            told = json.loads(line)
            at = dt.datetime.fromisoformat(told["timestamp"]).timestamp()
            waits.append(at - snowflakes.seconds(told["post"]))
    return waits


async def _lags(base: str) -> dict[float, float]:
    """The histogram of the bot's loop lag: how many looks were at most so late."""
    async with aiohttp.ClientSession() as session, session.get(f"{base}/metrics") as response:
        return {float(bound): float(count) for bound, count in BUCKET.findall(await response.text())}


def _above(before: dict[float, float], after: dict[float, float], bound: float) -> tuple[int, float]:
    """How many looks were later than that, and a bound that 99 of 100 kept."""
    looks = {each: after[each] - before[each] for each in after}
    total = max(looks.values())
    p99 = min(each for each, count in looks.items() if count >= 0.99 * total)
    return round(total - looks[bound]), min(p99, 10.0)


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _cpu_seconds(pid: int | None) -> float:
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


def _resident_mib(pid: int | None) -> float:
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 1024**2


ROWS = (
    play.Row(id="F15", title="200 posts a second over 10,000 conversations", play=load),
    play.Row(id="F15B", title="ten minutes at the rate that is sustained", play=steady, quick=False),
)
