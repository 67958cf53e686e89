"""Which process is at work on a reply, when two share one database during a restart.

Each process holds a lock on a file of its own beside the database. The lock ends with the process, however
it ends, so that another one knows at once, without a clock and without a heartbeat, whether a reply's owner
still lives. (A database in WAL mode is used from one machine only, and so are these locks.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import secrets
from collections.abc import Iterator

from bot import errors


class Owner:
    """This process towards others on the same database; made by `present`."""

    def __init__(self, *, name: str, database: pathlib.Path) -> None:
        self.name = name
        self._database = database

    def is_other(self, name: str) -> bool:
        """Whether this is the name of another process, and that process lives."""
        if name in {"", self.name}:
            return False
        path = _file(self._database, name)
        try:
            file = os.open(path, os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        else:
            path.unlink(missing_ok=True)  # nobody holds it: it was left behind
            return False
        finally:
            os.close(file)


@contextlib.contextmanager
def present(database: pathlib.Path) -> Iterator[Owner]:
    """Be known as alive while the block runs. Raises LogUnusable where the folder cannot be written."""
    name = secrets.token_hex(8)
    path = _file(database, name)
    try:
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        raise errors.LogUnusable(
            f"DATABASE_URL: the database's folder cannot be written to ({error.strerror})."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield Owner(name=name, database=database)
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def _file(database: pathlib.Path, name: str) -> pathlib.Path:
    return database.with_name(f"{database.name}-owner-{name}")
