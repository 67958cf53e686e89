"""A copy of a live database is a database."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import pathlib
import sqlite3
import stat
import subprocess
import sys

import fakes
import world

from bot import thread_log

SCRIPT = pathlib.Path(__file__).parents[2] / "ops" / "backup.py"


async def backup(source: pathlib.Path, target: pathlib.Path) -> tuple[int, str]:
    """Run the script as an operator does; its status and what it says."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPT),
        str(source),
        str(target),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_a_copy_of_a_log_that_is_written_to_is_whole(tmp_path: pathlib.Path) -> None:
    """A copy holds every post acknowledged before it began, in order, opens as a log, and stops no writer."""
    async with world.opened(tmp_path, model=fakes.Model()) as bot:
        acknowledged = 0
        begun, copying = asyncio.Event(), asyncio.Event()

        async def write() -> None:
            nonlocal acknowledged
            while not copying.is_set() or acknowledged < 500:
                number = acknowledged + 1
                post = dataclasses.replace(world.a_post(number, f"word {number}"), addressed=False)
                assert await bot.log.record(post, world.HOME)
                acknowledged = number
                if number == 100:
                    begun.set()

        writing = asyncio.create_task(write())
        await begun.wait()
        before = acknowledged
        status, said = await backup(tmp_path / "bot.db", tmp_path / "copy.db")
        after = acknowledged
        copying.set()
        await writing
    assert status == 0, said
    assert "whole" in said
    assert after > before  # writers went on
    async with thread_log.open(f"sqlite:///{tmp_path / 'copy.db'}") as copy:
        texts = [post.text async for post in copy.posts(world.KEY)]
    assert before <= len(texts) <= after
    assert texts == [f"word {number}" for number in range(1, len(texts) + 1)]


async def test_a_copy_is_its_owners_and_never_half(tmp_path: pathlib.Path) -> None:
    """Nobody else can read it; what is there is not overwritten; a failure leaves nothing behind."""
    async with thread_log.open(f"sqlite:///{tmp_path / 'bot.db'}"):
        assert (await backup(tmp_path / "bot.db", tmp_path / "copy.db"))[0] == 0
        assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
        status, said = await backup(tmp_path / "bot.db", tmp_path / "copy.db")
        assert (status, "is there already" in said) == (1, True)
    (tmp_path / "broken.db").write_bytes(b"no database" * 500)
    assert (await backup(tmp_path / "broken.db", tmp_path / "half.db"))[0] == 1
    assert (await backup(tmp_path / "missing.db", tmp_path / "half.db"))[0] == 1
    left = sorted(
        name for name in await asyncio.to_thread(os.listdir, tmp_path) if "copy" in name or "half" in name
    )
    assert left == ["copy.db"]


async def test_a_restored_copy_goes_on(tmp_path: pathlib.Path) -> None:
    """Put in the database's place, a copy is where the bot goes on: what was due in it is answered."""
    async with world.opened(tmp_path, model=fakes.Model()) as bot:
        await bot.log.record(world.a_post(1, "what is WAL?"), world.HOME)
        assert (await backup(tmp_path / "bot.db", tmp_path / "copy.db"))[0] == 0
        await bot.log.forget(world.KEY)
    for name in ("bot.db", "bot.db-wal", "bot.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "copy.db").rename(tmp_path / "bot.db")
    async with world.opened(tmp_path, model=fakes.Model(script=["A log."])) as bot:
        await bot.workers.resume()
        await bot.idle()
        assert await bot.said() == [("user", "what is WAL?"), ("assistant", "A log.")]
    with contextlib.closing(sqlite3.connect(tmp_path / "bot.db")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
