from __future__ import annotations

import asyncio
import contextlib
import os
import pathlib
import signal
import sqlite3
import stat
import subprocess
import sys
from typing import cast

import log_support
import pytest

from bot import conversation, errors, thread_log

WRITER = """
import asyncio, sys
sys.path[:0] = sys.argv[2:]
import log_support
from bot import conversation, thread_log

async def write(log, writer):
    number = 0
    while True:
        where = conversation.ConversationId(f"slack:T:C:{writer}")
        await log_support.exchange(log, log_support.post(number, where=where))
        print(f"{where} {number}.1 bot-{number}.1", flush=True)
        number += 1

async def main():
    async with thread_log.open("sqlite:///" + sys.argv[1]) as log:
        await asyncio.gather(*(write(log, writer) for writer in range(8)))

asyncio.run(main())
"""


def _start_writer(path: pathlib.Path) -> subprocess.Popen[str]:
    here = pathlib.Path(__file__).resolve().parent
    return subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-c", WRITER, str(path), str(here), str(here.parents[2])],
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize("lines", [1, 40, 300])
async def test_what_was_acknowledged_survives_a_kill(path: pathlib.Path, lines: int) -> None:
    """Killed with SIGKILL amid writes: the file is sound and holds every acknowledged post and answer."""
    with _start_writer(path) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(lines)]
        writer.send_signal(signal.SIGKILL)
        said += writer.stdout.readlines()
    acknowledged = [line.split() for line in said if line.endswith("\n")]
    assert len(acknowledged) >= lines

    async with thread_log.open(f"sqlite:///{path}") as log:
        held = {
            (where, post.id)
            for where in await log.conversations()
            for post in await log_support.everything(log, where)
        }
        assert [line for line in acknowledged if not {(line[0], line[1]), (line[0], line[2])} <= held] == []
        for where in await log.due():
            reply = await log_support.begun(log, where)
            await log_support.finish(log, reply, "Late.", platform_id="late")
        assert await log.due() == []
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchone() is None
    assert log_support.rebuilt_index_rows(path) == log_support.index_rows(path)


async def test_two_processes_write_at_once(path: pathlib.Path) -> None:
    """Two programs on one file, as in a rolling restart: none of the other's writes fails or is lost."""
    with _start_writer(path) as other:
        assert other.stdout is not None
        first = other.stdout.readline()
        async with thread_log.open(f"sqlite:///{path}") as log:
            for number in range(100):
                await log_support.exchange(log, log_support.post(number))
            other.kill()
            said = [first, *other.stdout.readlines()]
            for line in said:
                where, post_id, answer_id = line.split()
                assert await log.find("slack", answer_id) is not None
                assert where.startswith("slack:T:C:")
                assert post_id
            assert len(await log_support.everything(log)) == 200


async def test_one_failing_write_harms_no_other(log: thread_log.ThreadLog) -> None:
    """Of writes that are committed together one fails alone and whole: each has its own savepoint."""
    bad = log_support.post(1, where=log_support.ELSEWHERE, role=cast("conversation.Role", "nobody"))

    results = await asyncio.gather(
        log.record(log_support.post(1), log_support.HOME),
        log.record(bad, log_support.HOME),
        log.record(log_support.post(2), log_support.HOME),
        return_exceptions=True,
    )

    assert [results[0], results[2]] == [True, True]
    assert isinstance(results[1], sqlite3.IntegrityError)
    assert [post.id for post in await log_support.everything(log)] == ["1.1", "2.1"]
    assert (
        await log.newest(log_support.ELSEWHERE) is None
    )  # its conversation had been stored before it failed


async def test_a_locked_database_fails_the_write_and_recovers(path: pathlib.Path) -> None:
    """What cannot be committed is not acknowledged; when the lock goes, all works again."""
    async with thread_log.open(f"sqlite:///{path}", busy_seconds=0.05) as log:
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(errors.LogUnusable, match="Another process"):
                await log.record(log_support.post(1), log_support.HOME)
            assert await log_support.everything(log) == []
            other.execute("ROLLBACK")

        assert await log.record(log_support.post(1), log_support.HOME)


async def test_a_full_disk_fails_the_write_and_recovers(path: pathlib.Path) -> None:
    """A write that finds no room is not acknowledged and leaves nothing; with room all works again."""
    async with thread_log.open(f"sqlite:///{path}") as log:
        await log.record(log_support.post(0), log_support.HOME)
        await _limit_pages(log, extra=3)  # SQLite answers as it does on a full disk (SQLITE_FULL)
        with pytest.raises(errors.LogUnusable, match="full"):
            await log.record(log_support.post(1, "x" * 100_000), log_support.HOME)
        assert [post.id for post in await log_support.everything(log)] == ["0.1"]

        await _limit_pages(log, extra=1_000_000)
        assert await log.record(log_support.post(1, "x" * 100_000), log_support.HOME)
    assert log_support.rebuilt_index_rows(path) == log_support.index_rows(path)


async def _limit_pages(log: thread_log.ThreadLog, *, extra: int) -> None:
    def limit(db: sqlite3.Connection) -> None:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages + extra}").fetchone()

    await log._store.between(limit)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("postgresql://u:p@host/db", "sqlite:///bot.db"),
        ("sqlite://bot.db", "sqlite:///bot.db"),
        ("sqlite:///", "sqlite:///bot.db"),
        ("sqlite:///:memory:", "sqlite:///bot.db"),
        ("bot.db", "sqlite:///bot.db"),
    ],
)
async def test_an_address_that_is_not_understood(url: str, advice: str) -> None:
    """The error says how to write it and does not repeat what may hold a password."""
    with pytest.raises(errors.LogUnusable, match=advice) as caught:
        async with thread_log.open(url):
            pass
    assert "u:p" not in str(caught.value)


async def test_a_folder_that_is_not_there(path: pathlib.Path) -> None:
    """The error says that the folder must exist."""
    with pytest.raises(errors.LogUnusable, match="folder"):
        async with thread_log.open(f"sqlite:///{path.parent}/nowhere/bot.db"):
            pass


@pytest.fixture
def letter(path: pathlib.Path) -> bytes:
    """Put something else where the database should be."""
    text = b"This is a letter, not a database. " * 50
    path.write_bytes(text)
    return text


async def test_a_file_that_is_no_database(path: pathlib.Path, letter: bytes) -> None:
    """A file that is no database is refused with those words, and stays as it is."""
    with pytest.raises(errors.LogUnusable, match="not a database"):
        async with thread_log.open(f"sqlite:///{path}"):
            pass

    assert letter == log_support.bytes_of(path.parent)


async def test_another_programs_database(path: pathlib.Path) -> None:
    """A database with somebody else's tables is refused and left alone."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE recipes (name)")

    with pytest.raises(errors.LogUnusable, match="another program"):
        async with thread_log.open(f"sqlite:///{path}"):
            pass

    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("recipes",)]


@pytest.fixture
def relative(path: pathlib.Path) -> str:
    """Name the file from the working directory."""
    return os.path.relpath(path)


async def test_a_relative_path(path: pathlib.Path, relative: str) -> None:
    """`sqlite:///name` lies in the working directory."""
    async with thread_log.open(f"sqlite:///{relative}") as log:
        await log.record(log_support.post(1), log_support.HOME)
    assert log_support.bytes_of(path.parent).startswith(b"SQLite format 3")


async def test_the_file_is_for_its_owner_only(path: pathlib.Path) -> None:
    """Nobody else on the machine can read people's words."""
    async with thread_log.open(f"sqlite:///{path}") as log:
        await log.record(log_support.post(1), log_support.HOME)
        modes = {stat.S_IMODE(found.stat().st_mode) for found in path.parent.iterdir()}
    assert modes == {0o600}


async def test_closing_waits_for_what_was_asked(path: pathlib.Path) -> None:
    """Writes that were under way when the log closes are committed; later ones are refused."""
    async with thread_log.open(f"sqlite:///{path}") as log:
        waiting = [
            asyncio.create_task(log.record(log_support.post(n), log_support.HOME)) for n in range(1200)
        ]
        await waiting[0]
    assert await asyncio.gather(*waiting) == [True] * 1200
    with pytest.raises(errors.LogUnusable):
        await log.record(log_support.post(9999), log_support.HOME)

    async with thread_log.open(f"sqlite:///{path}") as log:
        assert len(await log_support.everything(log)) == 1200


async def test_durability_settings(log: thread_log.ThreadLog) -> None:
    """WAL, full synchronisation, foreign keys, deleted content overwritten: on the very connection."""

    def settings(db: sqlite3.Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [db.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

    assert await log._store.between(settings) == ["wal", 2, 1, 1]
