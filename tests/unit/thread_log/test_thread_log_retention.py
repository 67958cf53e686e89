"""Posts past their time."""

from __future__ import annotations

import asyncio
import datetime as dt
import pathlib

import log_support
import pytest

from bot import conversation, errors, thread_log
from bot.operating import retention

OLD, NEW = 1, 1_000_000  # seconds after START
BETWEEN = log_support.START + dt.timedelta(seconds=500_000)


async def test_what_is_past_its_time_is_erased(log: thread_log.ThreadLog, path: pathlib.Path) -> None:
    """Old posts and answers are gone from the log, the index and the bytes on disk; newer ones stay."""
    await log_support.exchange(log, log_support.post(OLD, "the marmalade plan"), "Marmalade it is.")
    await log_support.exchange(log, log_support.post(NEW, "another plan"), "Yes, that one.")
    assert await log.expire(BETWEEN) == [log_support.HERE]
    left = await log_support.texts(log)
    assert "the marmalade plan" not in left
    assert "another plan" in left
    assert await log.search(log_support.HERE, "marmalade", 9) == []
    await log.scrubbed()
    assert b"the marmalade plan" not in log_support.bytes_of(path.parent)
    assert log_support.index_rows(path) == log_support.rebuilt_index_rows(path)
    assert await log.expire(BETWEEN) == []


async def test_it_does_not_come_back_and_its_bill_stays(log: thread_log.ThreadLog) -> None:
    """A post that was erased for its age is not recorded again; what it cost is still counted."""
    old = log_support.post(OLD, "the marmalade plan")
    await log_support.exchange(log, old)
    bills = await log.bills()
    await log.expire(BETWEEN)
    assert not await log.record(old, log_support.HOME)
    assert await log.bills() == bills


async def test_a_summary_of_it_is_gone(log: thread_log.ThreadLog) -> None:
    """A segment that covers an erased post is removed: its newer posts are summarised anew or sent whole."""
    await log_support.exchange(log, log_support.post(OLD, "the marmalade plan"))
    await log_support.exchange(log, log_support.post(NEW, "another plan"))
    at = log_support.START + dt.timedelta(days=300)
    await log.add_summary(log_support.summary(1, 3, "They plan marmalade.", at=at), ())
    assert len(await log.summaries(log_support.HERE)) == 1
    await log.expire(BETWEEN)
    assert await log.summaries(log_support.HERE) == ()


async def test_a_question_under_way_is_kept(log: thread_log.ThreadLog) -> None:
    """What is being answered is left until it is answered."""
    await log.record(log_support.post(OLD, "the marmalade plan"), log_support.HOME)
    reply = await log_support.begun(log)
    assert await log.expire(BETWEEN) == []
    await log_support.finish(log, reply, "Like this.", platform_id="bot-1")
    assert await log.expire(BETWEEN) == [log_support.HERE]


async def test_a_long_thread_goes_whole(log: thread_log.ThreadLog) -> None:
    """However many posts are past their time, all of them go."""
    posts = [log_support.post(number, f"word{number}", addressed=False) for number in range(1, 450)]
    await log.record_all(posts, log_support.HOME)
    await log.expire(BETWEEN)
    assert await log_support.texts(log) == []


class Shelf:
    """A log that fails once."""

    def __init__(self) -> None:
        self.asked: list[dt.datetime] = []

    async def expire(self, before: dt.datetime) -> list[conversation.ConversationId]:
        """Fail, then have erased something."""
        self.asked.append(before)
        if len(self.asked) == 1:
            raise errors.LogUnusable
        return [log_support.HERE]


async def test_it_is_looked_at_every_hour() -> None:
    """From the start on, again after a failure, and each touched conversation is tended."""
    shelf, tended, slept = Shelf(), list[str](), list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            raise asyncio.CancelledError

    keeping = retention.Retention(
        book=shelf, days=30, tend=tended.append, now=lambda: log_support.START, sleep=sleep
    )
    with pytest.raises(asyncio.CancelledError):
        await keeping.run()
    assert shelf.asked == [log_support.START - dt.timedelta(days=30)] * 2
    assert slept == [3600.0] * 2
    assert tended == [log_support.HERE]
