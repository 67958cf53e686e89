"""Copy the thread log while the bot runs: `python ops/backup.py bot.db backups/bot-$(date +%F).db`.

Needs Python 3.11 and nothing else. The copy holds everything that was committed when it began, in one file
without a WAL, readable by its owner only; it appears under its name when it is whole, and is checked
before. To restore: stop the bot, put the copy where DATABASE_URL says (no `-wal` or `-shm` beside it), start.
"""
# ruff: noqa: INP001 - a script to copy, not a package

from __future__ import annotations

import contextlib
import os
import pathlib
import sqlite3
import sys

PATIENCE = 30.0  # seconds to wait for a lock


def copy(source: pathlib.Path, target: pathlib.Path) -> int:
    """Copy and check; how many bytes the copy has. Raises OSError, sqlite3.Error or ValueError."""
    if not source.is_file():
        raise FileNotFoundError(f"{source}: there is no database")
    if target.exists():
        raise FileExistsError(f"{target}: is there already")
    unfinished = target.with_name(f".{target.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    os.close(os.open(unfinished, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with contextlib.closing(sqlite3.connect(source, timeout=PATIENCE, isolation_level=None)) as db:
            db.execute("VACUUM INTO ?", (str(unfinished),))  # one read transaction: writers go on
        with contextlib.closing(sqlite3.connect(unfinished)) as db:
            (problem,) = db.execute("PRAGMA integrity_check(1)").fetchone()
        if problem != "ok":
            raise ValueError(f"{source}: the copy is not whole ({problem})")
        with unfinished.open("rb") as written:
            os.fsync(written.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target.stat().st_size


def main(words: list[str]) -> int:
    """Copy from the first word to the second; the status."""
    if len(words) != 2:  # noqa: PLR2004 - from and to
        print("usage: python ops/backup.py DATABASE COPY", file=sys.stderr)  # noqa: T201 - a script
        return 2
    source, target = map(pathlib.Path, words)
    try:
        size = copy(source, target)
    except (OSError, sqlite3.Error, ValueError) as error:
        print(f"not copied: {error}", file=sys.stderr)  # noqa: T201 - a script
        return 1
    print(f"{target}: {size:,} bytes, whole")  # noqa: T201 - a script
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
