"""The database file: one connection that writes, one that reads, and the group commit between.

Rule: a write is acknowledged only after the COMMIT that holds it. Whatever waits when the writer is free
goes into one transaction, each write under its own savepoint, so that full durability costs one fsync for
many posts and one failing write harms no other. `BEGIN IMMEDIATE` makes each read-modify-write safe
against another process on the same file (SQLite's busy timeout does not cover a lock upgrade).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import pathlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Self, TypeVar

import aiosqlite

from bot import errors
from bot.thread_log import copies, migrations

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

BATCH = 64  # writes in one transaction at most: bounds how long a post waits for those before it

_ADVICE = {
    sqlite3.SQLITE_FULL: "The disk that holds the database is full: free some space.",
    sqlite3.SQLITE_BUSY: "Another process holds the database locked: end it.",
    sqlite3.SQLITE_LOCKED: "Another process holds the database locked: end it.",
    sqlite3.SQLITE_PROTOCOL: "Another process holds the database locked: end it.",
    sqlite3.SQLITE_READONLY: "The database may not be written: give the bot's user the right to.",
    sqlite3.SQLITE_PERM: "The database may not be written: give the bot's user the right to.",
    sqlite3.SQLITE_CANTOPEN: "DATABASE_URL: the file cannot be opened: its folder must be writable.",
    sqlite3.SQLITE_IOERR: "The disk that holds the database does not work, or is full: check it.",
    sqlite3.SQLITE_CORRUPT: "The database is damaged: restore a backup.",
    sqlite3.SQLITE_NOTADB: "The file is not a database: name another in DATABASE_URL, or restore a backup.",
}


class Store:
    """An open database. Works are plain functions of a `sqlite3.Connection`, run in a thread of their own."""

    def __init__(self, *, writer: _Connection, reader: _Connection) -> None:
        self._writer = writer
        self._reader = reader
        self._urgent: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._waiting: list[tuple[Work[Any], asyncio.Future[Any]]] = []
        self._wake = asyncio.Event()
        self._closing = False

    async def write(self, work: Work[T], *, urgent: bool = False) -> T:
        """Run a work in a transaction; returns once it is committed, raises LogUnusable if it is not.

        An `urgent` one, for which a platform waits, goes into the next transaction before all others.
        """
        if self._closing:
            raise errors.LogUnusable("The database is being closed.")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        (self._urgent if urgent else self._waiting).append((work, future))
        self._wake.set()
        return await future

    async def read(self, work: Work[T]) -> T:
        """Run a work on one consistent view of what is committed."""
        return await self._guarded(self._reader, functools.partial(_view, work=work))

    async def between(self, work: Work[T]) -> T:
        """Run a work on the writing connection outside of any transaction."""
        return await self._guarded(self._writer, work)

    async def run(self) -> None:
        """Commit what waits, until `finish` was called and nothing waits any more."""
        while self._urgent or self._waiting or not self._closing:
            if not (self._urgent or self._waiting):
                self._wake.clear()
                await self._wake.wait()
                continue
            batch = self._next()
            outcomes = await self._writer.run(
                functools.partial(_commit, works=[work for work, _ in batch]),
            )
            for (_, future), (result, error) in zip(batch, outcomes, strict=True):
                if future.done():  # whoever waited was cancelled; the write stands all the same
                    continue
                if error is None:
                    future.set_result(result)
                else:
                    future.set_exception(translated(error))

    def _next(self) -> list[tuple[Work[Any], asyncio.Future[Any]]]:
        """What the next transaction holds: posts before the business of answers."""
        room = max(0, BATCH - len(self._urgent))
        batch = self._urgent[:BATCH] + self._waiting[:room]
        del self._urgent[:BATCH], self._waiting[:room]
        return batch

    def finish(self) -> None:
        """Take no more writes, and let `run` end when those that wait are done."""
        self._closing = True
        self._wake.set()

    async def _guarded(self, connection: _Connection, work: Work[T]) -> T:
        try:
            return await connection.run(work)
        except sqlite3.Error as error:
            raise translated(error) from error


class _Connection(aiosqlite.Connection):
    """aiosqlite hands over one statement at a time; a transaction is handed over whole here.

    One hop between threads for each transaction instead of one for each statement, and no other task's
    statement can come between.
    """

    async def __aenter__(self) -> Self:
        try:
            await self
        except BaseException:
            await asyncio.to_thread(self._thread.join)  # it still reports to this loop, which may end next
            raise
        return self

    async def run(self, work: Work[T]) -> T:
        """Run a work in the connection's thread."""
        result: T = await self._execute(work, self._conn)  # type: ignore[no-untyped-call] # aiosqlite leaves it bare
        return result


@contextlib.asynccontextmanager
async def opened(path: pathlib.Path, *, now: int, busy_seconds: float) -> AsyncIterator[Store]:
    """Open the file, making and migrating it as needed. Raises LogUnusable and LogTooNew."""
    async with contextlib.AsyncExitStack() as stack:
        try:
            writer = await stack.enter_async_context(_connection(path, busy_seconds=busy_seconds))
            await writer.run(functools.partial(_prepare, path=path, now=now))
            reader = await stack.enter_async_context(_connection(path, busy_seconds=busy_seconds))
            await reader.run(lambda db: db.execute("PRAGMA query_only = ON").close())
        except sqlite3.Error as error:
            raise translated(error) from error
        store = Store(writer=writer, reader=reader)
        running = asyncio.create_task(store.run(), name="thread log writer")
        try:
            yield store
        finally:
            store.finish()
            await running


def _connection(path: pathlib.Path, *, busy_seconds: float) -> _Connection:
    return _Connection(functools.partial(_connect, path, busy_seconds), iter_chunk_size=64)


def _connect(path: pathlib.Path, busy_seconds: float) -> sqlite3.Connection:
    with contextlib.suppress(OSError):  # SQLite says what is wrong with the path, and with a code
        # People's words are for the owner only. Only ever a new file: closing another handle of a
        # database in use would drop its locks (https://www.sqlite.org/howtocorrupt.html, 2.2).
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    db = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, cached_statements=256)
    try:
        for pragma in (
            "synchronous = FULL",
            "foreign_keys = ON",
            "secure_delete = ON",
            "temp_store = MEMORY",
        ):
            db.execute(f"PRAGMA {pragma}")
    except sqlite3.Error:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, *, path: pathlib.Path, now: int) -> None:
    (mode,) = db.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise errors.LogUnusable("The database's disk does not support SQLite's WAL mode: use a local disk.")
    # A torn copy or a broken page is told now, not in the middle of some answer.
    if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
        raise errors.LogUnusable(_ADVICE[sqlite3.SQLITE_CORRUPT])
    copies.keep(db, path)
    migrations.migrate(db, now=now)


Outcome = tuple[Any, Exception | None]


def _commit(db: sqlite3.Connection, *, works: Sequence[Work[Any]]) -> list[Outcome]:
    try:
        db.execute("BEGIN IMMEDIATE")
        outcomes = [_attempt(db, work) for work in works]
        db.execute("COMMIT")
    except Exception as error:  # noqa: BLE001 - whoever waits must hear of it, whatever it is
        if db.in_transaction:
            db.execute("ROLLBACK")
        return [(None, error)] * len(works)
    return outcomes


def _attempt(db: sqlite3.Connection, work: Work[Any]) -> Outcome:
    db.execute("SAVEPOINT work")
    try:
        result = work(db)
    except Exception as error:
        if not db.in_transaction:  # SQLite rolled everything back (disk full, I/O error): all of it failed
            raise
        db.execute("ROLLBACK TO work")
        db.execute("RELEASE work")
        return None, error
    db.execute("RELEASE work")
    return result, None


def _view(db: sqlite3.Connection, *, work: Work[T]) -> T:
    db.execute("BEGIN")
    try:
        return work(db)
    finally:
        db.execute("ROLLBACK")


def translated(error: Exception) -> Exception:
    """LogUnusable for the state of the disk or file; a mistake of ours (a constraint, bad SQL) as it is."""
    if isinstance(error, sqlite3.Error) and _code(error) in _ADVICE:
        return errors.LogUnusable(f"{_ADVICE[_code(error)]} ({error})")
    return error


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF  # extended codes add higher bits
