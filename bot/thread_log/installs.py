"""Installed workspaces with their sealed tokens, and the states of installations under way.

Rule: a token replaces the one it was made from and no other (`serial`), so that of two renewals at once one
is kept. The log never sees a token: what it stores is sealed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import sqlite3

from bot.thread_log import rows, store, upkeep

MOST_STATES = 1_000  # installations under way; the oldest gives way, so that nobody can fill the disk


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """An installation as it is stored."""

    platform: str
    workspace: str
    name: str
    sealed: bytes
    expires_at: dt.datetime | None
    installed_at: dt.datetime
    serial: int = 0


class Installs:
    """The tables of installations."""

    def __init__(self, *, store: store.Store, scrubber: upkeep.Scrubber) -> None:
        self._store = store
        self._scrubber = scrubber

    async def all(self) -> list[Row]:
        """Every installation, oldest first."""
        return await self._store.read(read_all)

    async def find(self, platform: str, workspace: str) -> Row | None:
        """One installation."""
        return await self._store.read(functools.partial(_find, platform=platform, workspace=workspace))

    async def save(self, row: Row) -> None:
        """Store an installation, in the place of an earlier one."""
        await self._store.write(functools.partial(_save, row=row))

    async def replace(self, row: Row) -> bool:
        """Store a new token where the one it was made from (`serial`) still stands; whether it did."""
        return await self._store.write(functools.partial(_replace, row=row))

    async def claim(self, row: Row, *, now: dt.datetime, seconds: float) -> bool:
        """Take on the renewal of this token for so long; False where somebody has, or it is renewed."""
        until = now + dt.timedelta(seconds=seconds)
        return await self._store.write(functools.partial(_claim, row=row, now=now, until=until))

    async def erase(self, platform: str, workspace: str, *, installed_at: dt.datetime) -> bool:
        """Erase the installation of that time; False where there is none, or another has taken its place."""
        work = functools.partial(_erase, platform=platform, workspace=workspace, installed_at=installed_at)
        erased = await self._store.write(work)
        self._scrubber.start()
        return erased

    async def issue(self, state: str, browser: str, *, now: dt.datetime, seconds: float) -> None:
        """Remember that a browser began an installation; both as digests."""
        until = now + dt.timedelta(seconds=seconds)
        await self._store.write(functools.partial(_issue, state=state, browser=browser, now=now, until=until))

    async def redeem(self, state: str, browser: str, *, now: dt.datetime) -> bool:
        """Whether this browser began this installation and it is still time; true once."""
        work = functools.partial(_redeem, state=state, browser=browser, now=now)
        return await self._store.write(work)


_ROW = "platform, workspace, name, sealed, expires_at, installed_at, serial"


def read_all(db: sqlite3.Connection) -> list[Row]:
    """Every installation, oldest first."""
    found = db.execute(f"SELECT {_ROW} FROM installations ORDER BY installed_at, workspace")  # noqa: S608 - our own columns
    return [_row(each) for each in found]


def _find(db: sqlite3.Connection, *, platform: str, workspace: str) -> Row | None:
    found = db.execute(
        f"SELECT {_ROW} FROM installations WHERE platform = ? AND workspace = ?",  # noqa: S608 - our own columns
        (platform, workspace),
    ).fetchone()
    return None if found is None else _row(found)


def _save(db: sqlite3.Connection, *, row: Row) -> None:
    db.execute(
        "INSERT INTO installations (platform, workspace, name, sealed, expires_at, installed_at, serial,"
        " renewing_until) VALUES (?, ?, ?, ?, ?, ?, 1, 0) ON CONFLICT DO UPDATE SET name = excluded.name,"
        " sealed = excluded.sealed, expires_at = excluded.expires_at, installed_at = excluded.installed_at,"
        " serial = serial + 1, renewing_until = 0",
        (
            row.platform,
            row.workspace,
            rows.clean(row.name),
            row.sealed,
            None if row.expires_at is None else rows.micros(row.expires_at),
            rows.micros(row.installed_at),
        ),
    )


def _replace(db: sqlite3.Connection, *, row: Row) -> bool:
    done = db.execute(
        "UPDATE installations SET sealed = ?, expires_at = ?, serial = serial + 1, renewing_until = 0"
        " WHERE platform = ? AND workspace = ? AND serial = ?",
        (
            row.sealed,
            None if row.expires_at is None else rows.micros(row.expires_at),
            row.platform,
            row.workspace,
            row.serial,
        ),
    )
    return done.rowcount == 1


def _claim(db: sqlite3.Connection, *, row: Row, now: dt.datetime, until: dt.datetime) -> bool:
    done = db.execute(
        "UPDATE installations SET renewing_until = ?"
        " WHERE platform = ? AND workspace = ? AND serial = ? AND renewing_until <= ?",
        (rows.micros(until), row.platform, row.workspace, row.serial, rows.micros(now)),
    )
    return done.rowcount == 1


def _erase(db: sqlite3.Connection, *, platform: str, workspace: str, installed_at: dt.datetime) -> bool:
    done = db.execute(
        "DELETE FROM installations WHERE platform = ? AND workspace = ? AND installed_at = ?",
        (platform, workspace, rows.micros(installed_at)),
    )
    db.execute("UPDATE upkeep SET erasures = erasures + 1")
    return done.rowcount == 1


def _issue(db: sqlite3.Connection, *, state: str, browser: str, now: dt.datetime, until: dt.datetime) -> None:
    db.execute("DELETE FROM install_states WHERE expires_at < ?", (rows.micros(now),))
    db.execute(
        "DELETE FROM install_states WHERE state IN"
        " (SELECT state FROM install_states ORDER BY expires_at DESC LIMIT -1 OFFSET ?)",
        (MOST_STATES - 1,),
    )
    db.execute("INSERT INTO install_states VALUES (?, ?, ?)", (state, browser, rows.micros(until)))


def _redeem(db: sqlite3.Connection, *, state: str, browser: str, now: dt.datetime) -> bool:
    found = db.execute(
        "DELETE FROM install_states WHERE state = ? RETURNING browser, expires_at", (state,)
    ).fetchone()
    return found is not None and found[0] == browser and found[1] >= rows.micros(now)


def _row(found: tuple[str, str, str, bytes, int | None, int, int]) -> Row:
    platform, workspace, name, sealed, expires_at, installed_at, serial = found
    return Row(
        platform=platform,
        workspace=workspace,
        name=name,
        sealed=sealed,
        expires_at=None if expires_at is None else rows.moment(expires_at),
        installed_at=rows.moment(installed_at),
        serial=serial,
    )
