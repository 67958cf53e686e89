"""CPU of one stream of Claude's: the SDK's own text stream beside the bot's, a delta and a reply.

    python -m bench load

Both talk to the same emulated Claude, which is a process of its own; what is told is the CPU time of this
process alone, so that a busy machine slows the bench down but does not change what it says much. What a
whole reply costs, with platform and log, is row F15 of the fault matrix.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import anthropic

from bench.support import report
from bot import claude, conversation
from bot.showing import drafts

RUNS = 5
AT_ONCE = 10
SHORT, LONG = 8, 400  # deltas of an answer
REPLIES = {SHORT: 200, LONG: 30}  # in one run
MODEL = "claude-sonnet-5-5"
KEY = "sk-ant-emulated"
SERVER = """
import asyncio
from emulators import claude
def answer(body):
    return claude.Answer(text="twelve chars" * int(body["messages"][-1]["content"][0]["text"]), chunk=12)
async def serve():
    async with claude.Claude() as api:
        api.answer = answer
        print(api.url, flush=True)
        await asyncio.Event().wait()
asyncio.run(serve())
"""

Reply = Callable[[int], Awaitable[int]]
"""Has an answer of so many deltas streamed; gives its length in characters."""


def main() -> None:
    """Measure and write bench/results/load.md."""
    asyncio.run(_measure())


async def _measure() -> None:
    spent: dict[tuple[str, int], list[float]] = {}
    async with _emulator() as url, _ways(url) as ways:
        for run in range(RUNS + 1):  # the first one warms up
            for name, reply in ways.items():
                for deltas, replies in REPLIES.items():
                    seconds = await _run(reply, deltas=deltas, replies=replies)
                    if run:
                        spent.setdefault((name, deltas), []).append(seconds / replies)
    rows = []
    for name in ways:
        short, long = (statistics.median(spent[name, deltas]) for deltas in (SHORT, LONG))
        each = (long - short) / (LONG - SHORT)
        rows.append([name, f"{1e6 * each:.1f}", f"{1e3 * short:.2f}", f"{1 / short:.0f}"])
    head = [
        "stream",
        "CPU a delta, µs",
        f"CPU a reply of {SHORT} deltas, ms",
        "such replies a second of one core",
    ]
    text = report.table(head, rows)
    print(text)
    (report.FOLDER / "load.md").write_text(
        f"# What a stream costs\n\n{(__doc__ or '').partition('Both talk')[0].strip()}\n\n{text}\n\n"
        f"Medians of {RUNS} runs, {AT_ONCE} streams at once; a delta is 12 characters.\n\n"
        f"{report.machine()}\n"
    )


async def _run(reply: Reply, *, deltas: int, replies: int) -> float:
    """CPU seconds of this process for so many replies."""
    turnstile = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with turnstile:
            length = await reply(deltas)
        if length != 12 * deltas:
            raise ValueError(f"{length} characters of {12 * deltas}")

    began = time.process_time()
    await asyncio.gather(*(one() for _ in range(replies)))
    return time.process_time() - began


@contextlib.asynccontextmanager
async def _ways(url: str) -> AsyncIterator[dict[str, Reply]]:
    sdk = anthropic.AsyncAnthropic(api_key=KEY, base_url=url)
    chance = random.SystemRandom()
    ours = claude.Claude(api_key=KEY, base_url=url, clock=time.monotonic, chance=chance)

    async def by_sdk(deltas: int) -> int:
        length = 0
        async with sdk.messages.stream(
            model=MODEL,
            max_tokens=8_192,
            messages=[{"role": "user", "content": [{"type": "text", "text": str(deltas)}]}],
        ) as stream:
            async for text in stream.text_stream:
                length += len(text)
        return length

    async def by_bot(deltas: int) -> int:
        draft = drafts.Draft()
        answer = await ours.answer(_request(deltas), draft)
        return len(answer.text)

    async with sdk, ours:
        yield {"the SDK's `text_stream`": by_sdk, "Threadmate": by_bot}


def _request(deltas: int) -> conversation.Request:
    block = conversation.Block(text=str(deltas))
    plan = conversation.Plan(
        model=MODEL, effort="low", max_output_tokens=8_192, lifetime="none", first_place=0, sends_effort=False
    )
    turns = (conversation.Turn(role="user", blocks=(block,)),)
    return conversation.Request(plan=plan, system="", turns=turns, breakpoints=())


@contextlib.asynccontextmanager
async def _emulator() -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()
