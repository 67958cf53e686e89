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
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

import aiohttp

from bench.torture import arena, memory, oracle, play, worlds
from emulators.discord import snowflakes

MIB = 1024**2
MOST_MIB = 250.0
INTAKE_MS = 50.0
LOOK_SECONDS = 5.0  # between two looks at how many wait
STALL_S = 0.1
CHANNELS = 40  # that the posts are spread over
FOLLOW = 1 / 6  # of the posts go on in a conversation that is there
OPEN = 1_000  # threads that a guild of Discord lets be open: code 160006 in its documentation
SHARES = (0.95, 0.9, 0.85, 0.8, 0.7, 0.6)  # of a burst's answers a second, tried from the highest on
OVERLOAD, OVERLOAD_SECONDS = 200.0, 60.0  # posts a second
WARM_SECONDS = 300.0  # at a steady rate, before memory is looked at: the interpreter's tables find their size
LEVEL_SECONDS = 600.0
KEPT_BLOCKS, KEPT_BYTES = 0.1, 10.0  # by an answer: less is garbage, a leak keeps an object for each
RESIDENT_MIB_A_MINUTE = 0.05  # for what is neither a block nor on the heap, such as stacks
Write = Callable[..., Coroutine[Any, Any, list[float]]]
"""`_write` on a stage."""
QUEUE = re.compile(r"^threadmate_queue ([0-9.e+]+)$", re.MULTILINE)
BUCKET = re.compile(r'threadmate_loop_lag_seconds_bucket\{le="([^"]+)"\} ([0-9.e+]+)')


async def load(how: play.Run, score: play.Score) -> None:
    """200 posts a second for a minute over 10,000 conversations, short answers, until all are answered."""
    rate, seconds = (20.0, 5.0) if how.quick else (OVERLOAD, OVERLOAD_SECONDS)
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
    """After F15's minute, the highest rate at which all is answered as it comes; memory stays level then.

    Each share of a burst's rate is kept up for the whole of that time, from the highest on, and given up once
    too many wait. That minute is there because the allocators keep what the worst moment took: what grows
    after it is no such reserve.
    """
    warm, level = (5.0, 40.0) if how.quick else (WARM_SECONDS, LEVEL_SECONDS)
    async with _stage(how) as (stage, base):
        write = functools.partial(_write, stage, threads=[], most=OPEN)
        if not how.quick:
            await write(rate=OVERLOAD, seconds=OVERLOAD_SECONDS)
            await _answered(stage, seconds=600)
        before, began = _whole(stage), time.monotonic()
        await write(rate=OVERLOAD, seconds=1.0 if how.quick else 5.0)
        await _answered(stage, seconds=300)
        burst = (_whole(stage) - before) / (time.monotonic() - began)
        given_up: list[float] = []
        for rate in (share * burst for share in SHARES):
            before, cpu = _whole(stage), _cpu_seconds(stage.pid)
            began = time.monotonic()
            kept = await _kept_up(base, write, rate=rate, seconds=warm + level)
            ended = time.monotonic()
            waiting = len(stage.verdict().lost)
            await _answered(stage, seconds=300)
            if kept and waiting < _bearable(rate):
                break
            given_up.append(rate)
        score.check(len(given_up) < len(SHARES), "no rate that was tried is sustained")
        score.count(rates_given_up=len(given_up))
        answers = _whole(stage) - before
        score.high(
            sustained_a_second=answers / (time.monotonic() - began),
            CPU_ms_an_answer=1000 * (_cpu_seconds(stage.pid) - cpu) / answers,
            waiting_at_the_end_s=waiting / rate,
        )
        grew = _level(stage, score, first=ended - level, last=ended, rate=rate, bound=not how.quick)
        score.check(how.quick or grew < RESIDENT_MIB_A_MINUTE, f"memory grows by {grew:.2f} MiB a minute")
        _intake(stage, score, bound=False)
        await score.judge(stage, stage.verdict(), most_calls=1.0)


@contextlib.asynccontextmanager
async def _stage(how: play.Run) -> AsyncIterator[tuple[arena.Arena, str]]:
    """An arena with a bot that has answered once, and the address of its own port."""
    async with arena.opened(how.platform, home=how.home, seed=how.seed) as stage:
        stage.pace = 0.0
        stage.memory = stage.folder / "memory.jsonl"
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

    `threads`: those that are open, added to. Past `most` of them the oldest is closed for each new one, and
    people go on in the newer half.
    """
    began, late = time.monotonic(), []
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        late.append(time.monotonic() - due)
        lively = threads if most is None else threads[-most // 2 :]
        known = stage.chance.choice(lively) if lively and stage.chance.random() < FOLLOW else None
        if known is not None and stage.world.reachable(known):
            await stage.ask(known)
            continue
        if most is not None and len(threads) >= most:
            await stage.world.close(threads.pop(0))
        threads.append((await stage.ask(stage.world.channels[number % CHANNELS])).thread)
    return late


async def _kept_up(base: str, write: Write, *, rate: float, seconds: float) -> bool:
    """Post at that rate for so long; False once too many wait.

    How many wait meanwhile is the bot's own count, which can only end a trial; the oracle judges the rest.
    """
    writing = asyncio.create_task(write(rate=rate, seconds=seconds))
    while not writing.done():
        await asyncio.sleep(LOOK_SECONDS)
        if await _queue(base) > _bearable(rate):
            writing.cancel()
            await asyncio.wait([writing])
            return False
    await writing
    return True


def _bearable(rate: float) -> float:
    """How many questions may wait while it counts as sustained: those of two seconds, and what is in work."""
    return 2 * rate + 10


def _level(
    stage: arena.Arena, score: play.Score, *, first: float, last: float, rate: float, bound: bool
) -> float:
    """What memory did in those seconds: what is alive must not grow with the answers.

    By how much resident memory grew, MiB a minute.
    """
    assert stage.memory is not None
    looks = [each for each in memory.told(stage.memory) if first <= each.at <= last]
    blocks = memory.slope(looks, lambda each: each.blocks) / rate
    heap = memory.slope(looks, lambda each: each.heap) / rate
    resident = 60 * memory.slope(looks, lambda each: each.resident) / MIB
    score.high(
        live_blocks_kept_an_answer=blocks,
        heap_bytes_kept_an_answer=heap,
        live_blocks=looks[-1].blocks,
        heap_in_use_MiB=looks[-1].heap / MIB,
        resident_MiB_at_first=looks[0].resident / MIB,
        resident_MiB_at_last=looks[-1].resident / MIB,
        resident_MiB_a_minute=resident,
    )
    score.check(not bound or blocks < KEPT_BLOCKS, f"each answer leaves {blocks:.2f} live blocks of Python's")
    score.check(not bound or heap < KEPT_BYTES, f"each answer leaves {heap:.0f} bytes on the heap")
    return resident


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
    return {float(bound): float(count) for bound, count in BUCKET.findall(await _metrics(base))}


async def _queue(base: str) -> float:
    """Conversations with a question that waits, as the bot itself counts them."""
    found = QUEUE.search(await _metrics(base))
    assert found is not None, "the bot's metrics have no queue"
    return float(found[1])


async def _metrics(base: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/metrics") as response:
        return await response.text()


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


ROWS = (
    play.Row(id="F15", title="200 posts a second over 10,000 conversations", play=load),
    play.Row(id="F15B", title="ten minutes and more at the rate that is sustained", play=steady, quick=False),
)
