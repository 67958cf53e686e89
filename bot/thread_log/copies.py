"""The way back from an upgrade: a copy of the database as it was before its schema is changed.

`bot.db` of a version whose newest step was m010 leaves `bot.db.before-upgrade-from-m010_accounts`. An older
version of the program opens that copy, and refuses the upgraded file. A copy holds what is forgotten after it
was made, so it is deleted when it is `KEPT` old.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import sqlite3
import time
from collections.abc import AsyncIterator

import structlog

from bot import errors
from bot.thread_log import migrations

log = structlog.get_logger()

KEPT = 3 * 86_400.0  # seconds
MARK = ".before-upgrade-from-"


def keep(db: sqlite3.Connection, path: pathlib.Path) -> None:
    """Copy a database that is about to be migrated; a new one and one that is up to date are not.

    Raises what `migrations.waiting` does, and LogUnusable where no copy can be made: better no upgrade than
    one that cannot be undone.
    """
    if not migrations.waiting(db) or (newest := migrations.newest(db)) is None:
        return
    target = path.with_name(f"{path.name}{MARK}{newest}")
    try:
        _copy(db, target)
    except (OSError, sqlite3.Error) as error:
        raise errors.LogUnusable(
            f"Before an upgrade the database is copied, and it cannot be ({error}): make room for a second "
            f"one in {target.parent}."
        ) from error
    log.info("upgrade.copied", copy=target.name, deleted_after_days=round(KEPT / 86_400))


def _copy(db: sqlite3.Connection, target: pathlib.Path) -> None:
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(unfinished)) as copy:
            db.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file: it can be moved into place as it is
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def ageing(path: pathlib.Path) -> AsyncIterator[None]:
    """Delete each copy when it is old, while the block runs."""
    task = asyncio.create_task(expire(path), name="thread log copies")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def expire(path: pathlib.Path) -> None:
    """Delete each copy when it is old; ends when there is none."""
    while ages := {copy: time.time() - copy.stat().st_mtime for copy in found(path)}:
        for copy, age in ages.items():
            if age >= KEPT:
                copy.unlink(missing_ok=True)
                log.info("upgrade.copy_deleted", copy=copy.name)
        await asyncio.sleep(max(1.0, KEPT - max(ages.values())))


def found(path: pathlib.Path) -> list[pathlib.Path]:
    """The copies that stand beside a database."""
    return sorted(each for each in path.parent.iterdir() if each.name.startswith(path.name + MARK))
