"""Budgets as values."""

import datetime as dt
from decimal import Decimal

import pytest

from bot import conversation
from bot.money import accounting

NOON = dt.datetime(2026, 12, 31, 12, tzinfo=dt.UTC)
ADA = accounting.Account(user="slack:U1", channel="slack:C1")


def full(scope: accounting.Scope, *, spent: int, held: int = 0, needed: int = 3) -> accounting.Full:
    """A limit of ten dollars that has no room."""
    dollar = accounting.NANO
    limit = accounting.Limit(scope=scope, nano=10 * dollar)
    return accounting.Full(limit=limit, spent=spent * dollar, held=held * dollar, needed=needed * dollar)


def test_amounts_are_never_rounded_down() -> None:
    """A part of a nano-dollar counts as a whole one."""
    assert accounting.nano(Decimal("0.0000000001")) == 1
    assert accounting.nano(Decimal("0.25")) == 250_000_000


def test_an_unknown_price_is_unknown() -> None:
    """A model without a known price costs None, not nothing."""
    usage = conversation.Usage(fresh=1_000_000)
    assert accounting.price("claude-sonnet-5-5", usage) == 2 * accounting.NANO
    assert accounting.price("claude-of-tomorrow", usage) is None


@pytest.mark.parametrize(
    ("scope", "now", "then"),
    [
        ("user", NOON, dt.datetime(2027, 1, 1, tzinfo=dt.UTC)),
        ("channel", NOON.replace(day=1), dt.datetime(2026, 12, 2, tzinfo=dt.UTC)),
        ("all", NOON, dt.datetime(2027, 1, 1, tzinfo=dt.UTC)),
        ("all", NOON.replace(month=2, day=1), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)),
    ],
)
def test_a_limit_lifts_when_its_period_is_over(
    scope: accounting.Scope, now: dt.datetime, then: dt.datetime
) -> None:
    """Days end at midnight UTC, months with their last day; the slot is another one then."""
    assert accounting.lifts(scope, now) == then
    before = then - dt.timedelta(microseconds=1)
    assert accounting.slot(scope, ADA, before) == accounting.slot(scope, ADA, now)
    assert accounting.slot(scope, ADA, then) != accounting.slot(scope, ADA, now)


def test_another_time_zone_is_the_same_day() -> None:
    """A time is placed by its moment, whatever zone it is written in."""
    tokyo = NOON.astimezone(dt.timezone(dt.timedelta(hours=13)))
    assert accounting.slot("user", ADA, tokyo) == accounting.slot("user", ADA, NOON)
    assert accounting.lifts("user", tokyo) == accounting.lifts("user", NOON)


@pytest.mark.parametrize(
    ("refused", "said"),
    [
        (full("user", spent=9), "Your budget for today ($10.00) is used up. I answer again from 01 January"),
        (full("channel", spent=9), "This channel's budget for today ($10.00) is used up."),
        (full("all", spent=9), "in 12 h 0 min."),
        (full("user", spent=2, held=8), "Please ask again in a minute."),  # nothing is lost yet
        (full("user", spent=0, needed=11), "more than the whole budget of $10.00"),  # it never fits
    ],
)
def test_a_refusal_tells_what_helps(refused: accounting.Full, said: str) -> None:
    """A person learns which limit it is and when asking again can help."""
    assert said in accounting.refusal(refused, NOON)


def test_an_alert_names_the_share() -> None:
    """The admins read whose budget it is, and how much of it is left."""
    slot = accounting.slot("user", ADA, NOON)
    limit = accounting.Limit(scope="user", nano=10 * accounting.NANO)
    said = accounting.alert(slot, 8 * accounting.NANO, limit)
    assert said == "The budget of `slack:U1` for 2026-12-31 is used up to 80 %: $8.00 of $10.00."
