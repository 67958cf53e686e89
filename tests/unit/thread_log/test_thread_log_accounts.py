"""The accounts: what is held and what is spent."""

from __future__ import annotations

import asyncio
import datetime as dt
import pathlib

import log_support
import pytest

from bot import conversation, thread_log
from bot.money import accounting

NOW = dt.datetime(2026, 11, 30, 23, 59, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(minutes=1)
ADA = accounting.Account(user="slack:U1", channel="slack:C1")
BOB = accounting.Account(user="slack:U2", channel="slack:C1")
EVE = accounting.Account(user="slack:U3", channel="slack:C2")


def limits(**nano: int) -> list[accounting.Limit]:
    """Limits by scope."""
    scopes: list[accounting.Scope] = ["user", "channel", "all"]
    return [accounting.Limit(scope=scope, nano=nano[scope]) for scope in scopes if scope in nano]


async def placed(
    log: thread_log.ThreadLog, account: accounting.Account, nano: int, given: list[accounting.Limit]
) -> accounting.Hold:
    """A hold that there is room for."""
    hold = await log.accounts.place(account, given, nano, NOW)
    assert isinstance(hold, accounting.Hold)
    return hold


async def test_what_is_held_is_not_there_for_others(log: thread_log.ThreadLog) -> None:
    """Spending and holds together never pass a limit; a refusal names the limit and both parts."""
    given = limits(user=10)
    first = await placed(log, ADA, 4, given)
    await placed(log, ADA, 4, given)
    refused = await log.accounts.place(ADA, given, 4, NOW)
    assert refused == accounting.Full(limit=given[0], spent=0, held=8, needed=4)
    await log.accounts.settle(first, 1)
    await placed(log, ADA, 4, given)
    refused = await log.accounts.place(ADA, given, 2, NOW)
    assert refused == accounting.Full(limit=given[0], spent=1, held=8, needed=2)


async def test_a_hundred_at_once_get_what_there_is(log: thread_log.ThreadLog) -> None:
    """Of a hundred holds asked for at once exactly as many are given as there is room for."""
    given = limits(all=1000)
    answers = await asyncio.gather(*(log.accounts.place(EVE, given, 300, NOW) for _ in range(100)))
    assert sum(isinstance(each, accounting.Hold) for each in answers) == 3


@pytest.mark.parametrize(
    ("given", "other", "has_room"),
    [
        (limits(user=5), BOB, True),  # another person
        (limits(channel=5), BOB, False),  # the same channel
        (limits(channel=5), EVE, True),  # another channel
        (limits(all=5), EVE, False),  # everybody together
        (limits(user=5, channel=50, all=500), EVE, True),
    ],
)
async def test_each_limit_has_its_own_account(
    log: thread_log.ThreadLog, given: list[accounting.Limit], other: accounting.Account, *, has_room: bool
) -> None:
    """A person's, a channel's and everybody's limit are kept apart."""
    await log.accounts.settle(await placed(log, ADA, 5, given), 5)
    found = await log.accounts.place(other, given, 5, NOW)
    assert isinstance(found, accounting.Hold) is has_room


async def test_a_new_period_is_a_new_account(log: thread_log.ThreadLog) -> None:
    """What was spent counts in the day and month in which it was held, also when it ends after them."""
    given = limits(user=5, all=5)
    hold = await placed(log, ADA, 5, given)
    assert isinstance(await log.accounts.place(ADA, given, 5, LATER), accounting.Hold)
    await log.accounts.settle(hold, 4)
    today, tomorrow = (accounting.slot("user", ADA, now) for now in (NOW, LATER))
    month = accounting.slot("all", ADA, NOW)
    assert await log.accounts.spent([today, tomorrow, month]) == [4, 0, 4]


async def test_a_hold_is_settled_once(log: thread_log.ThreadLog) -> None:
    """A second settlement of a hold changes nothing; one without a figure counts all of it."""
    given = limits(all=100)
    hold = await placed(log, ADA, 7, given)
    await log.accounts.settle(hold, None)
    await log.accounts.settle(hold, 90)
    assert await log.accounts.spent([accounting.slot("all", ADA, NOW)]) == [7]


async def test_what_a_crash_leaves_is_spent_in_full(path: pathlib.Path) -> None:
    """Holds of a process that is gone are counted as spent: nobody knows what its calls cost."""
    url = f"sqlite:///{path}"
    async with thread_log.open(url) as log:
        await log.accounts.start(NOW, accounting.price)
        await placed(log, ADA, 7, limits(all=100))
    async with thread_log.open(url) as log:
        await log.accounts.start(NOW, accounting.price)
        await log.accounts.start(NOW, accounting.price)
        assert await log.accounts.spent([accounting.slot("all", ADA, NOW)]) == [7]


async def test_accounts_begin_with_the_months_bills(log: thread_log.ThreadLog) -> None:
    """A budget that is set in mid-month counts what was billed before; one that was unset, too."""
    await log_support.exchange(log, log_support.post(1))
    bill = accounting.price(log_support.PLAN.model, conversation.Usage(fresh=100, output=20))
    account = accounting.Account(user="slack:U1", channel="slack:C1")
    now = log_support.START
    slots = [accounting.slot(scope, account, now) for scope in ("user", "channel", "all")]
    await log.accounts.start(now, accounting.price)
    assert await log.accounts.spent(slots) == [bill] * 3
    await log.accounts.stop()
    await log_support.exchange(log, log_support.post(2))
    await log.accounts.start(now, accounting.price)
    assert await log.accounts.spent(slots) == [(bill or 0) * 2] * 3
    assert await log.accounts.account(log_support.HERE) == account


async def test_an_alert_is_kept(log: thread_log.ThreadLog) -> None:
    """That the admins were told of a slot is kept with it."""
    slot = accounting.slot("user", ADA, NOW)
    assert not await log.accounts.alerted(slot)
    await log.accounts.settle(await placed(log, ADA, 7, limits(user=100)), 7)
    assert not await log.accounts.alerted(slot)
    await log.accounts.alert(slot)
    assert await log.accounts.alerted(slot)
