"""Budgets as values: what is limited, by when it lifts, and what a person is told. Pure.

Amounts are whole nano-dollars, rounded up, so that sums are exact and never too low. Days and months are UTC.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import Literal

from bot import conversation
from bot.money import prices

NANO = 1_000_000_000  # of a dollar
ALERT = Decimal("0.8")  # of a limit: the admins are told

PROBE = conversation.Usage(fresh=1)  # priced to learn whether a model's price is known
Scope = Literal["user", "channel", "all"]
Price = Callable[[str, conversation.Usage], int | None]
"""What a call of this model costs, None where its price is not known."""

_WHOSE = {
    "user": "Your budget for today",
    "channel": "This channel's budget for today",
    "all": "My budget for this month",
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Account:
    """Who pays: a person and a channel, each as `platform:id`."""

    user: str
    channel: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Limit:
    """So much may be spent: by a person or in a channel in a day, or by all in a month."""

    scope: Scope
    nano: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Slot:
    """One limit's account in one of its periods."""

    scope: Scope
    key: str  # "" for all
    period: str  # 2026-11-22, or 2026-11 for all


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hold:
    """An amount that a call may cost, set aside."""

    number: int
    nano: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Full:
    """A limit that has no room for an amount."""

    limit: Limit
    spent: int
    held: int  # set aside by other calls that are under way
    needed: int

    @property
    def passes(self) -> bool:
        """Whether there is room as soon as the calls under way turn out to cost little."""
        return self.spent + self.needed <= self.limit.nano

    @property
    def hopeless(self) -> bool:
        """Whether the amount alone is more than the limit."""
        return self.needed > self.limit.nano


def nano(usd: Decimal) -> int:
    """Dollars as nano-dollars, rounded up."""
    return int((usd * NANO).to_integral_value(rounding=ROUND_CEILING))


def price(model: str, usage: conversation.Usage) -> int | None:
    """What a call costs; None where the model's price is not known."""
    usd = prices.cost(model, usage)
    return None if usd is None else nano(usd)


def day(now: dt.datetime) -> str:
    """The day of a time, UTC."""
    return f"{now.astimezone(dt.UTC):%Y-%m-%d}"


def slot(scope: Scope, account: Account, now: dt.datetime) -> Slot:
    """Where a limit of that scope is kept."""
    if scope == "all":
        return Slot(scope=scope, key="", period=day(now)[:7])
    return Slot(scope=scope, key=account.user if scope == "user" else account.channel, period=day(now))


def slots(*, user: str, channel: str, day: str) -> tuple[Slot, ...]:
    """Every slot that a call on that day counts in."""
    return (
        Slot(scope="user", key=user, period=day),
        Slot(scope="channel", key=channel, period=day),
        Slot(scope="all", key="", period=day[:7]),
    )


def lifts(scope: Scope, now: dt.datetime) -> dt.datetime:
    """When the period of a limit of that scope is over."""
    today = now.astimezone(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if scope == "all":
        return (today.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return today + dt.timedelta(days=1)


def refusal(full: Full, now: dt.datetime) -> str:
    """What the person is told, with the time when asking again helps."""
    if full.hopeless:
        return (
            f"This could cost {dollars(full.needed)}, more than the whole budget of "
            f"{dollars(full.limit.nano)}. Please ask for less, or start afresh with `new`."
        )
    if full.passes:
        return "Answers under way may use up what is left of the budget. Please ask again in a minute."
    until = lifts(full.limit.scope, now)
    return (
        f"{_WHOSE[full.limit.scope]} ({dollars(full.limit.nano)}) is used up. "
        f"I answer again from {until:%d %B %Y, %H:%M} UTC, in {_span(until - now)}."
    )


def alert(slot: Slot, spent: int, limit: Limit) -> str:
    """What the admins are told."""
    whose = {"user": f"of `{slot.key}` for", "channel": f"of channel `{slot.key}` for", "all": "for"}
    return (
        f"The budget {whose[slot.scope]} {slot.period} is used up to {spent * 100 // limit.nano} %: "
        f"{dollars(spent)} of {dollars(limit.nano)}."
    )


def dollars(nano: int) -> str:
    """An amount for people: two digits from a dollar on, else as many as it takes to see it."""
    usd = Decimal(nano) / NANO
    return f"${usd:.2f}" if usd >= 1 or nano == 0 else f"${usd:.4f}"


def _span(left: dt.timedelta) -> str:
    minutes = max(1, -(-int(left.total_seconds()) // 60))
    days, hours = divmod(minutes // 60, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes % 60} min" if hours else f"{minutes} min"
