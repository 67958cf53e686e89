from __future__ import annotations

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import log_support
import pytest

from bot import errors, thread_log
from bot.thread_log import migrations

SNAPSHOT = pathlib.Path(migrations.__file__).with_name("schema.sql")


@contextlib.contextmanager
def _database(path: pathlib.Path | str) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def test_the_steps_add_up_to_the_snapshot() -> None:
    """`schema.sql` is what the migrations make; update it with them."""
    with _database(":memory:") as db:
        migrations.migrate(db, now=0)
        assert SNAPSHOT.read_text("utf-8") == migrations.schema(db)


@pytest.mark.parametrize("earlier", range(len(migrations.STEPS)))
async def test_every_earlier_version_is_brought_up_to_date(path: pathlib.Path, earlier: int) -> None:
    """A database left by any earlier version, with posts in it, ends in the same schema and works."""
    with _database(path) as db:
        migrations.migrate(db, now=0, steps=migrations.STEPS[:earlier])
        if earlier >= 1:
            db.execute(
                "INSERT INTO conversations (number, id, platform, workspace, channel, address, newest_at,"
                " created_at) VALUES (1, ?, 'slack', 'T1', 'C1', '', 1, 1)",
                (log_support.HERE,),
            )
        if 1 <= earlier <= 3:  # from the fourth on the index is kept by the program, not by the step
            db.executemany(
                "INSERT INTO posts (conversation, id, role, author, author_name, text, sent_at, addressed,"
                " attachments) VALUES (1, ?, 'user', 'U1', 'Ada', ?, ?, 1, '[]')",
                [("a", "zebras", 1), ("b", "lions", 2)],
            )

    async with thread_log.open(f"sqlite:///{path}") as log:
        found = [hit.post.id for hit in await log.search(log_support.HERE, "lion", 9)]
        assert (["b"] if 1 <= earlier <= 3 else []) == found
        await log_support.exchange(log, log_support.post(1))

    with _database(path) as db:
        assert SNAPSHOT.read_text("utf-8") == migrations.schema(db)
        names = [name for (name,) in db.execute("SELECT name FROM migrations ORDER BY name")]
        assert [step.__name__ for step in migrations.STEPS] == names
    assert log_support.rebuilt_index_rows(path) == log_support.index_rows(path)


async def test_a_newer_database_is_refused_and_left_alone(path: pathlib.Path) -> None:
    """What a newer version wrote is not touched by an older one."""

    def m999_later(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE later (x)")

    with _database(path) as db:
        migrations.migrate(db, now=0, steps=[*migrations.STEPS, m999_later])
        before = list(db.iterdump())

    with pytest.raises(errors.LogTooNew, match="m999_later"):
        async with thread_log.open(f"sqlite:///{path}"):
            pass

    with _database(path) as db:
        assert before == list(db.iterdump())


def test_a_step_that_fails_leaves_nothing(path: pathlib.Path) -> None:
    """A step is one transaction: interrupted midway, it is done again from the start."""
    attempts = []

    def m001_fragile(db: sqlite3.Connection) -> None:
        db.execute("CREATE TABLE half (x)")
        attempts.append(1)
        if len(attempts) == 1:
            raise RuntimeError

    with _database(path) as db:
        with pytest.raises(RuntimeError):
            migrations.migrate(db, now=0, steps=[m001_fragile])
        migrations.migrate(db, now=0, steps=[m001_fragile])
        assert db.execute("SELECT count(*) FROM half").fetchone() == (0,)


async def test_opening_again_changes_nothing(path: pathlib.Path) -> None:
    """A database that is up to date is only opened."""
    async with thread_log.open(f"sqlite:///{path}") as log:
        await log_support.exchange(log, log_support.post(1))
    with _database(path) as db:
        before = list(db.iterdump())
    async with thread_log.open(f"sqlite:///{path}"), thread_log.open(f"sqlite:///{path}"):
        pass
    with _database(path) as db:
        assert before == list(db.iterdump())
