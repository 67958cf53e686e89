"""Which process is at work on a reply, when two share one database during a restart.

Each process holds a lock on a file of its own beside the database. The lock ends with the process, however
it ends, so that another one knows at once, without a clock and without a heartbeat, whether a reply's owner
still lives. (A database in WAL mode is used from one machine only, and so are these locks.)
"""

from __future__ import annotations

import contextlib
import fcntl
import glob
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
        return _is_alive(_file(self._database, name))

    def has_others(self) -> bool:
        """Whether any other process that lives is on the same database; True where that cannot be seen."""
        mine = _file(self._database, self.name)
        try:
            found = list(self._database.parent.glob(glob.escape(_file(self._database, "").name) + "*"))
        except OSError:
            return True
        alive = [_is_alive(path) for path in found if path != mine]  # of all: what is left behind goes
        return any(alive)


def _is_alive(path: pathlib.Path) -> bool:
    """Whether the process that this file is of holds its lock; one that was left behind is taken away."""
    try:
        file = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # to be had by all who ask, unless it is held
    except OSError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(file)


@contextlib.contextmanager
def present(database: pathlib.Path) -> Iterator[Owner]:
    """Be known as alive while the block runs. Raises LogUnusable where the folder cannot be written."""
    name = secrets.token_hex(8)
    path, unlocked = _file(database, name), database.with_name(f"{database.name}-starting-{name}")
    try:
        file = os.open(unlocked, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
    except OSError as error:
        raise errors.LogUnusable(
            f"DATABASE_URL: the database's folder cannot be written to ({error.strerror})."
        ) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        unlocked.rename(path)  # under its name there is no file whose owner lives and does not hold it
        yield Owner(name=name, database=database)
    finally:
        for each in (path, unlocked):
            each.unlink(missing_ok=True)
        os.close(file)


def _file(database: pathlib.Path, name: str) -> pathlib.Path:
    return database.with_name(f"{database.name}-owner-{name}")
