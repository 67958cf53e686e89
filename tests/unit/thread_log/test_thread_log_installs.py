"""Installed workspaces in the log: one renewal at a time, states good once and for one browser."""

from __future__ import annotations

import asyncio
import datetime as dt
import pathlib
import sqlite3

from bot import thread_log
from bot.thread_log import installs

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
ROW = installs.Row(
    platform="slack", workspace="T1", name="Alpha", sealed=b"one", expires_at=NOW, installed_at=NOW
)


async def test_a_renewal_is_claimed_by_one_and_kept_once(tmp_path: pathlib.Path) -> None:
    """Of two processes on one log one renews; the claim ends with its time; an older token replaces none."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    async with thread_log.open(url) as one, thread_log.open(url) as other:
        await one.installs.save(ROW)
        row = await other.installs.find("slack", "T1")
        assert row is not None
        claims = await asyncio.gather(
            *(each.installs.claim(row, now=NOW, seconds=60) for each in (one, other))
        )
        assert sorted(claims) == [False, True]
        assert await other.installs.claim(row, now=NOW + dt.timedelta(seconds=60), seconds=60)
        assert [await each.installs.replace(row) for each in (one, other)] == [True, False]
        assert not await one.installs.claim(row, now=NOW + dt.timedelta(days=1), seconds=60)


async def test_a_state_is_good_once_for_its_browser_and_ten_minutes(tmp_path: pathlib.Path) -> None:
    """Another browser, a second time and too late are refused; whoever is refused has spent the state."""
    async with thread_log.open(f"sqlite:///{tmp_path / 'bot.db'}") as log:
        for state in ("a", "b", "c"):
            await log.installs.issue(state, "mine", now=NOW, seconds=600)
        assert await log.installs.redeem("a", "mine", now=NOW)
        assert not await log.installs.redeem("a", "mine", now=NOW)
        assert not await log.installs.redeem("b", "theirs", now=NOW)
        assert not await log.installs.redeem("b", "mine", now=NOW)
        assert not await log.installs.redeem("c", "mine", now=NOW + dt.timedelta(seconds=601))


async def test_nobody_fills_the_disk_with_states(tmp_path: pathlib.Path) -> None:
    """The page is open to everybody: past a thousand the oldest state gives way."""
    path = tmp_path / "bot.db"
    async with thread_log.open(f"sqlite:///{path}") as log:
        for number in range(installs.MOST_STATES + 5):
            later = NOW + dt.timedelta(milliseconds=number)
            await log.installs.issue(f"s{number}", "b", now=later, seconds=600)
        db = sqlite3.connect(path)
        assert db.execute("SELECT count(*) FROM install_states").fetchone() == (installs.MOST_STATES,)
        db.close()
        assert not await log.installs.redeem("s4", "b", now=NOW)
        assert await log.installs.redeem("s5", "b", now=NOW)
