"""What docs/stored.md says of each table: it is there, and what erases it does."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import pathlib
import re
import sqlite3
from collections.abc import Awaitable, Callable

import log_support
import pytest

from bot import conversation, thread_log

PAGE = (pathlib.Path(__file__).parents[3] / "docs" / "stored.md").read_text("utf-8")
ROWS = {
    cells[1].strip(" `"): [cell.strip() for cell in cells[2:-1]]
    for cells in (line.split("|") for line in PAGE.splitlines() if line.startswith("| `"))
}
AFTER = log_support.START + dt.timedelta(days=2)  # of everything that is filled in
AT = 1_000_000 * int(log_support.START.timestamp())


async def _forget(log: thread_log.ThreadLog) -> None:
    await log.forget(log_support.HERE)


async def _forget_person(log: thread_log.ThreadLog) -> None:
    await log.forget_user("slack:U1")


async def _expire(log: thread_log.ThreadLog) -> None:
    await log.expire(AFTER)


async def _uninstall(log: thread_log.ThreadLog) -> None:
    installed = await log.installs.find("slack", "T1")
    assert installed is not None
    await log.installs.erase("slack", "T1", installed_at=installed.installed_at)
    for conversation_id in await log.of_workspace("slack", "T1"):
        await log.forget(conversation_id)
    await log.leave("slack", "T1")


COLUMNS: dict[str, tuple[int, Callable[[thread_log.ThreadLog], Awaitable[None]]]] = {
    "forget": (1, _forget),
    "forget me": (2, _forget_person),
    "retention": (3, _expire),
    "uninstall": (4, _uninstall),
}


def test_each_table_stands_in_the_page(log: thread_log.ThreadLog, path: pathlib.Path) -> None:
    """The page has every table of the schema and no other; the index's own parts stand under its name."""
    assert log is not None
    assert set(ROWS) == _tables(path)


@pytest.mark.parametrize("column", COLUMNS)
async def test_what_erases_it_does(log: thread_log.ThreadLog, path: pathlib.Path, column: str) -> None:
    """With every table filled by two people, each is left as its cell says, and no table was empty."""
    await _fill(log, path)
    number, erase = COLUMNS[column]
    before = _contents(path)
    assert all(before.values()), before
    await erase(log)
    await log.scrubbed()
    after = _contents(path)
    assert {table: cells[number] for table, cells in ROWS.items()} == {
        table: _word(ROWS[table][number], before[table], after[table]) for table in ROWS
    }


def _word(said: str, before: list[str], after: list[str]) -> str:
    """The cell where it is right, else what was seen."""
    if not after:
        return "erased"
    if said not in {"kept", "erased"}:  # some of it
        return said if set(before) - set(after) else "kept"
    return "kept" if len(after) >= len(before) else "a part was erased"


def _tables(path: pathlib.Path) -> set[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name for name in names if not re.match("sqlite_|post_index_", name)}


def _contents(path: pathlib.Path) -> dict[str, list[str]]:
    """Every row of every table as text; of the index its words."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        found = {
            table: [str(row) for row in db.execute(f"SELECT * FROM {table}")]  # noqa: S608 - names of the schema
            for table in _tables(path) - {"post_index"}
        }
    return {**found, "post_index": [str(word) for word in log_support.index_rows(path)]}


async def _fill(log: thread_log.ThreadLog, path: pathlib.Path) -> None:
    """Two people's exchanges in one thread, with a file each, and a row of each in everything else."""
    for number, author in ((1, "U1"), (3, "U2")):
        file = conversation.Attachment(
            id=f"F{number}", name="a.pdf", media_type="application/pdf", size=9, url="https://x/y"
        )
        question = dataclasses.replace(
            log_support.post(number, f"words of {author}"), author=author, attachments=(file,)
        )
        await log_support.exchange(log, question)
    for waiting in await log.files.waiting():
        data = waiting.post.encode()
        await log.files.keep(
            waiting,
            conversation.Media(
                kind="pdf",
                digest=hashlib.sha256(data).hexdigest(),
                media_type="application/pdf",
                data=data,
                text=f"file {waiting.post}",
                tokens=9,
                pages=1,
            ),
        )
    read = log_support.START + dt.timedelta(hours=9)
    for first in (1, 3):
        await log.add_summary(log_support.summary(first, first + 1, f"summary {first}", at=read), ())
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        reply, here = db.execute("SELECT id, conversation FROM replies LIMIT 1").fetchone()
        for author, post in (("U1", "1.1"), ("U2", "3.1")):
            slack = f"slack:{author}"
            for scope in ("", log_support.HERE):
                chosen = ("slack", "T1", "C1", scope, "prompt" if author == "U1" else "model")
                db.execute(
                    "INSERT INTO choices VALUES (?, ?, ?, ?, ?, 'Be kind', ?, 'A', ?)", (*chosen, author, AT)
                )
                db.execute(
                    "INSERT INTO choice_changes VALUES (NULL, ?, ?, ?, ?, ?, '', 'Be kind', ?, 'A', ?)",
                    (*chosen, author, AT),
                )
            place = 1 if author == "U1" else 3
            db.execute(
                "INSERT INTO corrections VALUES (NULL, ?, ?, ?, 'A', 'no, blue', ?)",
                (here, place, author, AT),
            )
            db.execute("INSERT INTO feedback VALUES (?, ?, ?, 'up', ?)", (reply, slack, here, AT))
            db.execute(
                "INSERT INTO links VALUES"
                " (?, ?, 0, 'https://x/y', '', 0, 'slack:T1:C2:9.9', ?, 'user', ?, 'A', 'brought in', ?)",
                (here, post, f"{author}.9", author, AT),
            )
            db.execute(
                "INSERT INTO tool_calls VALUES (?, ?, ?, 'create', 'ran', 'life', '', ?, ?, ?)",
                (reply, author, here, author, AT, AT),
            )
        db.execute("INSERT INTO erased VALUES ('slack:T1:C3:1.1', '1.1')")
        db.execute("INSERT INTO commands VALUES ('slack:T1:C1:1000.1', 'c1', ?)", (AT,))
        db.execute("INSERT INTO spending VALUES ('user', 'slack:U1', '2026-11-22', 9, 0)")
        db.execute("INSERT INTO holds VALUES (NULL, 'slack:U1', 'slack:C1', '2026-11-22', 9)")
        db.execute("INSERT INTO accounts VALUES (?)", (AT,))
        db.execute("INSERT INTO toolsets VALUES ('t1', '[]', ?)", (AT,))
        db.execute("INSERT INTO installations VALUES ('slack', 'T1', 'Acme', x'00', NULL, ?, 1, 0)", (AT,))
        db.execute("INSERT INTO install_states VALUES ('s', 'b', ?)", (AT,))
