"""F12 to F14, F22 and F25: disk, database, clock, restarts in passing, and the HTTP door."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import pathlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp

from bench.torture import arena, play, worlds
from emulators import slack

MIB = 1024 * 1024


async def disk_full(how: play.Run, score: play.Score) -> None:
    """The database's disk is full: nothing is acknowledged that is not stored, and it recovers by itself."""
    async with arena.opened(how.platform, home=how.home) as stage, _small_disk(stage) as ballast:
        await stage.start()
        await stage.ask()
        await stage.settle()
        ballast.write_bytes(b"")
        with contextlib.suppress(OSError), ballast.open("ab", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        large = "word " * 300
        for _ in range(6):
            await stage.ask(stage.world.channels[1], large)
        await asyncio.sleep(0.5)
        before = len(stage.world.seen())
        ballast.unlink()
        began = time.monotonic()
        verdict = await stage.settle(seconds=90)
        score.high(recovery_s=time.monotonic() - began)
        score.count(answered_while_full=before - 1)
        if "LogUnusable" not in stage.told():
            score.check(False, "the disk was never full")  # noqa: FBT003 - the row has shown nothing
        await score.judge(stage, verdict)


@contextlib.asynccontextmanager
async def _small_disk(stage: arena.Arena) -> AsyncIterator[pathlib.Path]:
    """A disk of 2 MiB for the database (needs the right to mount); yields where ballast may lie."""
    disk = stage.folder / "disk"
    disk.mkdir()
    _mount("mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk))
    stage.database = disk / "bot.db"
    try:
        yield disk / "ballast"
    finally:
        if stage.pid is not None:
            await stage.kill()
        _mount("umount", str(disk))


def _mount(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own words


async def database(how: play.Run, score: play.Score) -> None:
    """The database is locked by another process, damaged, restored from a backup, or cannot be opened."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        await stage.ask()
        await stage.settle()
        with _writing(stage.database):
            for _ in range(10 if how.quick else 50):
                for place in (*stage.world.channels, stage.world.dm):
                    await stage.ask(place)
                await asyncio.sleep(0.1)
            await stage.settle()
        score.check("LogUnusable" not in stage.told(), "a write failed because another process wrote, too")
        with contextlib.closing(sqlite3.connect(stage.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for place in (*stage.world.channels, stage.world.dm):
                await stage.ask(place)
            await asyncio.sleep(7.0 if how.quick else 30.0)
            other.execute("ROLLBACK")
        await stage.settle()
        await stage.stop()
        backup = stage.database.read_bytes()
        stage.database.write_bytes(b"no database any more" * 500)
        await _refuses(stage, score, "is not a database")
        stage.database.write_bytes(backup)
        for leftover in ("bot.db-wal", "bot.db-shm"):
            stage.database.with_name(leftover).unlink(missing_ok=True)
        await stage.ask(stage.world.channels[1])
        await stage.start()
        verdict = await stage.settle()
        await stage.stop()
        good, stage.database = stage.database, pathlib.Path("/proc/no-such-place/bot.db")
        await _refuses(stage, score, "cannot be opened")
        stage.database = good
        await score.judge(stage, verdict)


WRITER = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=10)
while True:  # the lock is held half of the time, and released by a commit
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE upkeep SET scrubbed = scrubbed")
    time.sleep(0.005)
    db.execute("COMMIT")
    time.sleep(0.005)
"""


@contextlib.contextmanager
def _writing(path: pathlib.Path) -> Iterator[None]:
    """Another process commits to the database all the time."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)]) as process:  # noqa: S603 - our own words
        try:
            yield
        finally:
            process.kill()


async def _refuses(stage: arena.Arena, score: play.Score, words: str) -> None:
    """Started like this the program ends with status 1 and says why."""
    seen = len(stage.told())
    pid = await stage.start(wait=False)
    score.check(await stage.gone(pid, seconds=20), f"it runs although the database {words}")
    stage.pid = None
    said = stage.told()[seen:]
    score.count(refusals=1)
    score.check("database" in said and "Traceback" not in said, f"it does not say why: {said[-200:]}")


async def clocks(how: play.Run, score: play.Score) -> None:
    """The platform's clock and the bot's differ by an hour, jump, and pass 2038; the bot's zone is odd."""
    for offset in (3_600.0, -3_600.0) if how.quick else (3_600.0, -3_600.0, 2**31 - time.time() + 9.0):
        async with arena.opened(how.platform, home=how.home, offset=offset) as stage:
            stage.options["TZ"] = "America/St_Johns"
            await stage.start()
            said = [await stage.ask(place) for place in (*stage.world.channels, stage.world.dm)]
            await stage.settle()
            stage.world.offset += 1_800.0
            for each in said:
                await stage.ask(each.thread)
            await stage.settle()
            stage.world.offset -= 3_600.0  # back; ids go on rising all the same
            for each in said:
                await stage.ask(each.thread)
            verdict = await stage.settle()
            score.check(verdict.inversions == 0, "answers out of order")
            await score.judge(stage, verdict)


async def restarts(how: play.Run, score: play.Score) -> None:
    """SIGTERM in mid answer drains; a new version starts before the old one ends, on one database."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for place in (*stage.world.channels, stage.world.dm):
            await stage.ask(place)
        await stage.settle()
        for _ in range(2 if how.quick else 20):
            stage.pace = 0.1
            calls = stage.calls
            await stage.ask()
            await stage.called(calls + 1)
            began = time.monotonic()
            score.check(await stage.stop() == 0, "SIGTERM did not end it with status 0")
            score.high(drain_s=time.monotonic() - began)
            await stage.ask(stage.world.channels[1])
            stage.pace = 0.02
            await stage.start()
            await stage.settle()
        for _ in range(2 if how.quick else 20):
            old = stage.pid
            stage.pace = 0.1
            await stage.ask()
            await stage.start(wait=False)
            new = stage.pid
            for place in (*stage.world.channels, stage.world.dm):
                await stage.ask(place)
                await asyncio.sleep(0.3)
            stage.pid = old
            await stage.stop()
            stage.pid = new
            score.count(overlaps=1)
            await stage.settle()
        await score.judge(stage, await stage.settle())


async def http_door(how: play.Run, score: play.Score) -> None:
    """Slack over HTTP: what is not signed, old, too large or slow is turned away; a replay is one post."""
    async with arena.opened("slack", home=how.home) as stage:
        world = stage.world
        assert isinstance(world, worlds.SlackWorld)
        port = arena.free_port()
        stage.options |= {
            "SLACK_APP_TOKEN": "",
            "SLACK_SIGNING_SECRET": world.service.signing_secret,
            "BOT_HTTP_PORT": str(port),
        }
        await stage.start(wait=False)
        base = f"http://127.0.0.1:{port}"
        await _listens(base)
        await world.service.deliver_to(f"{base}/slack/events")
        await stage.ask()
        await stage.settle()
        event = next(each for each in world.service.events if each.event.get("type") == "app_mention")
        async with aiohttp.ClientSession() as session:
            for name, status, path, body, headers in _requests(world, event):
                async with session.post(f"{base}{path}", data=body, headers=headers) as response:
                    score.check(response.status == status, f"{name}: {response.status}, not {status}")
                    score.count(requests=1)
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /slack/events HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        await stage.ask(world.channels[1])
        verdict = await stage.settle()
        writer.close()
        score.check(stage.peak_mib() < 250, f"{stage.peak_mib():.0f} MiB")
        await score.judge(stage, verdict, most_calls=1.0)


async def _listens(base: str) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(20):
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{base}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.05)


def _requests(
    world: worlds.SlackWorld, event: slack.Delivery
) -> list[tuple[str, int, str, bytes | io.BytesIO, dict[str, str]]]:
    """(name, status that is due, path, body, headers)."""
    body = json.dumps(event.body).encode()
    now = int(world.clock())
    secret = world.service.signing_secret

    def signed(at: int, data: bytes = body, key: str = secret) -> dict[str, str]:
        return {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": str(at),
            "X-Slack-Signature": slack.signature(secret=key, timestamp=str(at), body=data),
        }

    events = "/slack/events"
    return [
        ("replayed", 200, events, body, signed(now)),
        ("replayed again", 200, events, body, signed(now)),
        ("another secret", 401, events, body, signed(now, key="wrong")),
        ("another body", 401, events, body + b" ", signed(now)),
        ("six minutes old", 401, events, body, signed(now - 360)),
        ("from the future", 401, events, body, signed(now + 360)),
        ("not signed", 401, events, body, {"Content-Type": "application/json"}),
        ("no number", 401, events, body, signed(now) | {"X-Slack-Request-Timestamp": "soon"}),
        ("no JSON", 400, events, b"\xff\xfe", signed(now, b"\xff\xfe")),
        ("100 MB", 413, events, io.BytesIO(b"x" * (100 * MIB)), signed(now, b"")),
        ("another path", 404, "/slack/other", body, signed(now)),
    ]


ROWS = (
    play.Row(id="F12", title="disk full", play=disk_full, quick=False),
    play.Row(id="F13", title="database locked, damaged, restored", play=database),
    play.Row(id="F14", title="clocks that differ and jump", play=clocks),
    play.Row(id="F22", title="SIGTERM, and two versions at once", play=restarts),
    play.Row(id="F25", title="the HTTP door", play=http_door, platforms=("slack",)),
)
