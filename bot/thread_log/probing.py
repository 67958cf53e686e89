"""Whether a database could be used, found out without changing it."""

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import tempfile

from bot import errors
from bot.thread_log import installs, migrations, store

BUSY_SECONDS = 2.0


def probe(url: str) -> str:
    """What there is, in a few words. Raises LogUnusable or LogTooNew with what to do; blocks for a moment."""
    path = pathlib.Path(url.partition(":///")[2])
    if not path.exists():
        try:
            with tempfile.TemporaryFile(dir=path.parent):
                return f"{path} is made at the first start"
        except OSError:
            raise errors.LogUnusable(f"The folder of {path} must exist and be writable.") from None
    if not os.access(path.parent, os.W_OK):
        raise errors.LogUnusable(f"The folder of {path} must be writable, too: SQLite keeps files beside it.")
    try:
        with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
            return f"{path}, {_state(db)}"
    except sqlite3.Error as error:
        raise store.translated(error) from None


def installed(url: str) -> list[installs.Row]:
    """The workspaces that are installed, of a database that `probe` found good; nothing is changed."""
    path = pathlib.Path(url.partition(":///")[2])
    if not path.exists():
        return []
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as db:
        there = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'installations'").fetchone()
        return installs.read_all(db) if there else []


def _state(db: sqlite3.Connection) -> str:
    db.execute("BEGIN IMMEDIATE")  # proves that it may be written and is not locked
    try:
        waiting = migrations.waiting(db)
        (problem,) = db.execute("PRAGMA quick_check(1)").fetchone()
    finally:
        db.execute("ROLLBACK")
    if problem != "ok":
        raise errors.LogUnusable("The database is damaged: restore a backup.")
    return f"whole, {waiting} steps of migration to go" if waiting else "whole and up to date"
