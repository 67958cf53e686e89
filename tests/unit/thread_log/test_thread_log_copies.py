"""Before an upgrade the database is copied: there is a way back, and the copy does not outlive its use."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sqlite3
import stat
import time

import log_support
import pytest

from bot import errors, thread_log
from bot.thread_log import copies, migrations

OLD = 5  # steps of the earlier version


def before(path: pathlib.Path) -> None:
    """Leave a database as an earlier version did, with a post in it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrations.migrate(db, now=0, steps=migrations.STEPS[:OLD])
        db.execute("CREATE TABLE words (word TEXT)")
        db.execute("INSERT INTO words VALUES ('marmalade')")


async def test_an_upgrade_can_be_taken_back(path: pathlib.Path) -> None:
    """The copy is whole: the earlier version opens it, as it does not open the upgraded one."""
    before(path)
    async with thread_log.open(f"sqlite:///{path}") as log:
        await log_support.exchange(log, log_support.post(1))
    (copy,) = copies.found(path)
    assert copy.name == f"{path.name}.before-upgrade-from-{migrations.STEPS[OLD - 1].__name__}"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    db = sqlite3.connect(path, isolation_level=None)
    with contextlib.closing(db), pytest.raises(errors.LogTooNew):
        migrations.migrate(db, now=0, steps=migrations.STEPS[:OLD])
    for suffix in ("", "-wal", "-shm"):  # the way back, as docs/operating.md has it
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    copy.rename(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrations.migrate(db, now=0, steps=migrations.STEPS[:OLD])
        assert db.execute("SELECT word FROM words").fetchall() == [("marmalade",)]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_without_an_upgrade_there_is_no_copy(path: pathlib.Path) -> None:
    """Neither a new database nor one that is up to date is copied."""
    for _ in range(2):
        async with thread_log.open(f"sqlite:///{path}"):
            pass
        assert copies.found(path) == []


async def test_no_room_for_a_copy_is_no_upgrade(path: pathlib.Path) -> None:
    """Where the copy cannot be made the database stays as it was, and the operator reads why."""
    before(path)
    blocked = path.with_name(f".{path.name}{copies.MARK}{migrations.STEPS[OLD - 1].__name__}.unfinished")
    blocked.mkdir()
    (blocked / "in the way").touch()
    with pytest.raises(errors.LogUnusable, match="copy"):
        async with thread_log.open(f"sqlite:///{path}"):
            pass
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        assert db.execute("SELECT count(*) FROM migrations").fetchone() == (OLD,)


async def test_a_copy_is_deleted_when_it_is_old(path: pathlib.Path) -> None:
    """What was forgotten after an upgrade is in no copy of ours for longer than three days."""
    before(path)
    async with thread_log.open(f"sqlite:///{path}"):
        (copy,) = copies.found(path)
    past = time.time() - copies.KEPT - 1
    os.utime(copy, (past, past))
    async with asyncio.timeout(10):
        await copies.expire(path)
    assert copies.found(path) == []
