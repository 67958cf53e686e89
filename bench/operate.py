"""Running it: how soon it is ready, what memory it takes, what a budget lets through, how soon a backup runs.

The bot runs in a process of its own, as its operator installs and starts it; Slack, Discord and Claude are
emulated on loopback in this one.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pathlib
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

import aiohttp

from bench import restore
from bench.support import irc, process, report, stages
from bot import conversation
from bot.money import prices
from emulators import claude

STARTS = 5
IDLE_SECONDS = 3.0  # after it is ready, until its memory is read
BUSY = 100  # questions at once
CROWD = 100  # questions at once at a budget of one
BUDGET = Decimal("0.10")  # room for one request at its highest cost
POSTS = 100_000
LOOK = 0.002  # seconds between two looks at /readyz
KEY = "sk-ant-emulated"

PLATFORMS: dict[str, Sequence[type[stages.Stage]]] = {
    "Slack and Discord": (stages.Slack, stages.Discord),
    "Slack": (stages.Slack,),
    "Discord": (stages.Discord,),
}


class World:
    """Platforms and Claude, and bots started among them."""

    def __init__(self, api: claude.Claude, platforms: Sequence[stages.Stage]) -> None:
        self.claude, self.platforms = api, platforms

    @contextlib.asynccontextmanager
    async def bot(
        self, folder: pathlib.Path, variables: Mapping[str, str] | None = None
    ) -> AsyncIterator[tuple[int, float]]:
        """Start a bot in this folder; its process id, and how many seconds it took to be ready."""
        port = free_port()
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(process.ROOT),
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": self.claude.url,
            "BOT_HTTP_PORT": str(port),
            "BOT_LOG_LEVEL": "error",
            **{name: value for each in self.platforms for name, value in each.environment.items()},
            **(variables or {}),
        }
        python = process.operators_python()
        began = time.perf_counter()
        running = await asyncio.create_subprocess_exec(python, "-m", "bot", cwd=folder, env=environment)
        try:
            async with aiohttp.ClientSession() as web:
                while not await ready(web, f"http://127.0.0.1:{port}/readyz"):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(LOOK)
            yield running.pid, time.perf_counter() - began
        finally:
            if running.returncode is None:
                running.terminate()
            assert await running.wait() == 0


@contextlib.asynccontextmanager
async def world(kinds: Sequence[type[stages.Stage]]) -> AsyncIterator[World]:
    """Emulators for the block."""
    async with contextlib.AsyncExitStack() as stack:
        api = await stack.enter_async_context(claude.Claude())
        yield World(api, [await stack.enter_async_context(kind()) for kind in kinds])


async def ready(web: aiohttp.ClientSession, url: str) -> bool:
    """Whether it says so."""
    try:
        async with web.get(url) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def at_rest(pid: int) -> None:
    """Return when the bot has nothing more to do: Claude's SDK is imported after it is ready."""
    await asyncio.sleep(IDLE_SECONDS)
    await process.idle(pid)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def memory(pid: int, what: str = "VmRSS") -> float:
    """Resident memory of a process in MiB, now, or at its highest ("VmHWM")."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text("ascii")
    (found,) = re.findall(rf"^{what}:\s+(\d+) kB", status, re.MULTILINE)
    return int(found) / 1024


async def starts() -> list[tuple[str, str]]:
    """From exec to /readyz 200, and the memory after it, by what is on."""
    rows = []
    for name, kinds in PLATFORMS.items():
        async with world(kinds) as here:
            seconds, used, idle = [], [], []
            for number in range(STARTS):
                with tempfile.TemporaryDirectory() as folder:
                    async with here.bot(pathlib.Path(folder)) as (pid, took):
                        seconds.append(took)
                        used.append(process.cpu_seconds(pid))
                        if number == 0:
                            await at_rest(pid)
                            idle.append(memory(pid))
        rows += [
            (f"exec to `/readyz` 200, {name} (best, median, worst of {STARTS})", spread(seconds)),
            ("the CPU time of it (median)", f"{statistics.median(used):.2f} s"),
            (f"idle memory, {name}", f"{statistics.median(idle):.0f} MiB"),
        ]
    async with world(PLATFORMS["Slack and Discord"]) as here:
        with tempfile.TemporaryDirectory() as folder:
            nowhere = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
            async with here.bot(pathlib.Path(folder), nowhere) as (pid, took):
                await at_rest(pid)
                rows.append(("the same with traces on: ready, idle", f"{took:.2f} s, {memory(pid):.0f} MiB"))
    return rows


def spread(seconds: Sequence[float]) -> str:
    """The best, the median and the worst."""
    return f"{min(seconds):.2f} s, {statistics.median(seconds):.2f} s, {max(seconds):.2f} s"


async def pieces() -> list[tuple[str, str]]:
    """What the start is made of."""
    clock = "import time; began = time.perf_counter(); import {}; print(time.perf_counter() - began)"
    later = "import bot.__main__; " + clock
    program = clock.format("bot.__main__")
    adapters = later.format("adapters.slack.app, adapters.discord.app")
    sdk = later.format("anthropic")
    return [
        ("of it: importing the program", f"{await printed(program):.2f} s"),
        ("of it: importing both platforms' libraries", f"{await printed(adapters):.2f} s"),
        ("not of it: importing Claude's SDK, once sockets stand", f"{await printed(sdk):.2f} s"),
    ]


async def printed(code: str) -> float:
    """The figure that a program prints, the median of five."""
    figures = []
    for _ in range(5):
        asked = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, cwd=process.ROOT, stdout=subprocess.PIPE
        )
        figures.append(float((await asked.communicate())[0]))
    return statistics.median(figures)


async def busy() -> list[tuple[str, str]]:
    """Memory while many are answered at once."""
    async with world(PLATFORMS["Slack and Discord"]) as here:
        here.claude.answer = lambda _body: f"{irc.words(180)} (done)"
        slack = here.platforms[0]  # whose posts can be looked up one by one
        threads = [await slack.thread([("Ada", "hello")]) for _ in range(BUSY)]
        with tempfile.TemporaryDirectory() as folder:
            async with here.bot(pathlib.Path(folder)) as (pid, _):
                await asyncio.gather(*(slack.ask(thread, "and now?", mention=True) for thread in threads))
                for thread in threads:
                    await slack.until(functools.partial(shows, slack, thread))
                most = memory(pid, "VmHWM")
                await at_rest(pid)
                after = memory(pid)
    what = f"memory while {BUSY} conversations are answered at once: at its highest, and after"
    return [(what, f"{most:.0f} MiB, {after:.0f} MiB")]


async def overspend() -> list[tuple[str, str]]:
    """What a hundred questions at once spend of a budget that has room for one request."""
    async with world(PLATFORMS["Slack"]) as here:
        here.claude.answer = lambda _body: "word " * 2_000
        (slack,) = here.platforms
        threads = [await slack.thread([("Ada", f"thread {number}")]) for number in range(CROWD)]
        with tempfile.TemporaryDirectory() as folder:
            async with here.bot(pathlib.Path(folder), {"BOT_BUDGET_MONTH": str(BUDGET)}):
                await asyncio.gather(*(slack.ask(thread, "and now?", mention=True) for thread in threads))
                for thread in threads:
                    await slack.until(functools.partial(settled, slack, thread))
        spent = sum((bill(call) for call in here.claude.requests), Decimal(0))
        calls = sum(call.usage is not None for call in here.claude.requests)
    over = max(Decimal(0), spent - BUDGET)
    what = f"{CROWD} questions at once at a budget of ${BUDGET}: spent in {calls} calls, overspent"
    return [(what, f"${spent:.4f}, ${over:.4f}")]


def shows(stage: stages.Stage, thread: stages.Thread) -> bool:
    """Whether a question was answered to its end."""
    return "(done)" in stage.newest(thread)


def settled(stage: stages.Stage, thread: stages.Thread) -> bool:
    """Whether a question was answered to its end or refused."""
    text = stage.newest(thread)
    return "used up" in text or text.count("word ") > 100


def bill(call: Any) -> Decimal:
    """What the emulated Claude billed for a call."""
    if call.usage is None:
        return Decimal(0)
    written = call.usage.get("cache_creation") or {}
    usage = conversation.Usage(
        fresh=call.usage["input_tokens"],
        written_5m=written.get("ephemeral_5m_input_tokens", 0),
        written_1h=written.get("ephemeral_1h_input_tokens", 0),
        read=call.usage.get("cache_read_input_tokens", 0),
        output=call.usage["output_tokens"],
    )
    return prices.cost(call.body["model"], usage) or Decimal(0)


async def restored() -> list[tuple[str, str]]:
    """From an empty folder and a backup to a bot that is ready."""
    async with world(PLATFORMS["Slack and Discord"]) as here:
        with tempfile.TemporaryDirectory() as old, tempfile.TemporaryDirectory() as new:
            log, copy = pathlib.Path(old) / "bot.db", pathlib.Path(old) / "copy.db"
            await restore.fill(log, POSTS)
            copying = restore.timed(sys.executable, str(process.ROOT / "ops/backup.py"), str(log), str(copy))
            began = time.perf_counter()
            (pathlib.Path(new) / "bot.db").write_bytes(copy.read_bytes())
            async with here.bot(pathlib.Path(new)):
                took = time.perf_counter() - began
            size = log.stat().st_size / 2**20
    return [
        (f"a backup of {POSTS:,} posts ({size:.0f} MiB), checked", f"{copying:.2f} s"),
        ("that backup put in place, until `/readyz` 200", f"{took:.2f} s"),
    ]


async def measured() -> list[tuple[str, str]]:
    """Every row, shown as it comes."""
    rows = []
    for part in (pieces, starts, busy, overspend, restored):
        found = await part()
        print("\n".join(": ".join(row) for row in found), flush=True)
        rows += found
    return rows


def main() -> None:
    """Run, print, keep."""
    rows = asyncio.run(measured())
    report.publish("operate", title="Running it", body=report.table(("what", "measured"), rows, left=1))


if __name__ == "__main__":
    main()
