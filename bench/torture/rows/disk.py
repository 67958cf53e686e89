"""F12 and F13: the disk is full, the database is locked, damaged, read-only, torn, or robbed of its WAL."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator

from bench.torture import arena, play


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
async def _small_disk(stage: arena.Arena, *, size: str = "8m") -> AsyncIterator[pathlib.Path]:
    """A small disk for the database (needs the right to mount); yields where ballast may lie.

    It holds the database and a WAL of the four megabytes that SQLite lets one grow to.
    """
    disk = stage.folder / "disk"
    disk.mkdir()
    _mount("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk))
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
        await _read_only(stage, score)
        await score.judge(stage, verdict)
    await _torn_copy(how, score)
    await _lost_wal(how, score)


async def _read_only(stage: arena.Arena, score: play.Score) -> None:
    """The disk has become read-only, as after an I/O error: the program does not start, and says why."""
    good = stage.database
    async with _small_disk(stage, size="32m"):
        shutil.copy(good, stage.database)
        _mount("mount", "-o", "remount,ro", str(stage.database.parent))
        await _refuses(stage, score, "is read-only")
    stage.database = good


async def _torn_copy(how: play.Run, score: play.Score) -> None:
    """Halves of the file from two moments, as `cp` of a database in use makes them: refused, or whole."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        for _ in range(20):
            await stage.ask(text="word " * 100)
        await stage.settle()
        await stage.stop()
        early = stage.database.read_bytes()
        await stage.start()
        for _ in range(60):
            await stage.ask(text="other " * 300)
        await stage.settle()
        await stage.stop()
        late = stage.database.read_bytes()
        half = len(early) // 2 // 4096 * 4096
        score.check(early[:half] != late[:half], "the halves are of one moment: nothing is torn")
        good, stage.database = stage.database, stage.folder / "torn.db"
        stage.database.write_bytes(early[:half] + late[half:])
        await _refuses(stage, score, "is a torn copy")
        stage.database = good  # the operator puts the right file back
        await stage.ask()
        await stage.start()
        await score.judge(stage, await stage.settle())


async def _lost_wal(how: play.Run, score: play.Score) -> None:
    """The WAL of a killed bot is deleted: what was only there is gone, the rest stands and goes on."""
    async with arena.opened(how.platform, home=how.home) as stage:
        await stage.start()
        first = await stage.ask()
        await stage.settle()
        await stage.stop()
        await stage.start()
        for _ in range(5):
            await stage.ask(first.thread)
            await stage.settle()
        await stage.kill()
        wal = stage.database.with_name("bot.db-wal")
        score.check(wal.exists() and wal.stat().st_size, "there was no WAL to lose")
        for each in (wal, stage.database.with_name("bot.db-shm")):
            each.unlink(missing_ok=True)
        await stage.start()
        await stage.ask(first.thread)
        await stage.settle()
        await asyncio.sleep(3.0)  # what was only in the WAL is caught up on, and may be answered again
        verdict = await stage.settle()
        score.count(answered_again_after_the_WAL_was_deleted=len(verdict.duplicates))
        await score.judge(stage, dataclasses.replace(verdict, duplicates=()))


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
    """Started like this the program ends and says why, in the log or as a wrong setting."""
    seen = len(stage.told())
    pid = await stage.start(wait=False)
    score.check(await stage.gone(pid, seconds=20), f"it runs although the database {words}")
    stage.pid = None
    said = stage.told()[seen:]
    score.count(refusals=1)
    score.check("database" in said.lower() and "Traceback" not in said, f"it does not say why: {said[-200:]}")


ROWS = (
    play.Row(id="F12", title="disk full", play=disk_full, quick=False),
    play.Row(id="F13", title="database locked, damaged, read-only, torn, restored", play=database),
)
