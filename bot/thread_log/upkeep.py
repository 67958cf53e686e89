"""Making erased bytes disappear. Rule: what was erased is soon in neither the database nor its WAL.

`secure_delete` overwrites deleted rows at once. Three copies are left for later: words in the segments of
the full-text index, gone once all segments are merged; bytes of rows that SQLite moved to another page,
which linger in the unused part of the old one and go with a VACUUM (seen with SQLite 3.40: about one
deletion in two thousand); and pages in the WAL, which is cut after a checkpoint. Which erasures have been
seen to is in the database, so that a crash between loses none.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sqlite3

import structlog

from bot import errors
from bot.thread_log import store

log = structlog.get_logger()

PAGES = 200  # of the index, merged in one transaction: other writes come between
RETRY_SECONDS, LONGEST_PAUSE = 1.0, 60.0  # between tries while another process reads, or the disk is full
CHECKPOINT_BUSY_MILLISECONDS = 100
REST = 100  # after a VACUUM, so many times as long without one: writes wait for it 1 % of the time at most
MEMORY_BYTES = 32 * 2**20  # a larger database is vacuumed through a temporary file


class Scrubber:
    """Scrubs in the background whenever something was erased."""

    def __init__(self, *, store: store.Store) -> None:
        self._store = store
        self._task: asyncio.Task[None] | None = None
        self._rested_at = 0.0  # by the event loop's clock

    def start(self) -> None:
        """Scrub, unless it is being done: a running scrub looks again before it ends."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="thread log scrubber")

    async def finished(self) -> None:
        """Wait until no erased byte is left."""
        if self._task is not None:
            await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Give up for now; the next start of the log goes on."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        pause = RETRY_SECONDS
        while True:
            try:
                if await self._store.read(_newest_erasure) is None:
                    return
                await asyncio.sleep(self._rested_at - asyncio.get_running_loop().time())
                erasure = await self._store.read(_newest_erasure)
                await self._scrub()
                await self._store.write(functools.partial(_mark, erasure=erasure or 0))
                pause = RETRY_SECONDS
            except errors.LogUnusable as error:  # scrubbing can wait for better times
                log.info("thread_log.scrub_delayed", fault=str(error), seconds=pause)
                await asyncio.sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)

    async def _scrub(self) -> None:
        await self._store.write(_start_merge)
        while await self._store.write(_go_on_merging):
            pass
        loop = asyncio.get_running_loop()
        started = loop.time()
        try:
            await self._store.between(_vacuum)
            self._rested_at = loop.time() + REST * (loop.time() - started)
        finally:  # most of what was erased is in the WAL: that is cut whatever comes of the rest
            await self._store.between(_cut_wal)


def touch(db: sqlite3.Connection) -> None:
    """Write what is there already: proof that the disk takes it."""
    db.execute("UPDATE upkeep SET scrubbed = scrubbed")


def _newest_erasure(db: sqlite3.Connection) -> int | None:
    """The number of the newest erasure if its bytes may still be there."""
    erasures, scrubbed = db.execute("SELECT erasures, scrubbed FROM upkeep").fetchone()
    return erasures if erasures > scrubbed else None


def _mark(db: sqlite3.Connection, *, erasure: int) -> None:
    db.execute("UPDATE upkeep SET scrubbed = max(scrubbed, ?)", (erasure,))


def _start_merge(db: sqlite3.Connection) -> None:
    # A negative count gathers all segments for one merge (https://www.sqlite.org/fts5.html#the_merge_command).
    db.execute("INSERT INTO post_index (post_index, rank) VALUES ('merge', ?)", (-PAGES,))


def _go_on_merging(db: sqlite3.Connection) -> bool:
    before = db.total_changes
    db.execute("INSERT INTO post_index (post_index, rank) VALUES ('merge', ?)", (PAGES,))
    return db.total_changes - before >= 2  # noqa: PLR2004 - fewer: there was nothing to merge (same source)


def _vacuum(db: sqlite3.Connection) -> None:
    (pages,), (size,) = (db.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
    db.execute(f"PRAGMA temp_store = {'FILE' if pages * size > MEMORY_BYTES else 'MEMORY'}")
    try:
        db.execute("VACUUM")
    finally:
        db.execute("PRAGMA temp_store = MEMORY")


def _cut_wal(db: sqlite3.Connection) -> None:
    """Raises LogUnusable, through the store, while another process still reads an old view."""
    (patience,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {CHECKPOINT_BUSY_MILLISECONDS}")  # writes wait behind this
    try:
        (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience}")
    if busy:
        raise errors.LogUnusable("Another process reads the database.")
