from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from bot import conversation
from bot.money import prices


@pytest.mark.parametrize(
    ("model", "usage", "dollars"),
    [
        # one million of each, where the whole price list is flat: 2 + 10
        ("claude-sonnet-5-5", conversation.Usage(fresh=1_000_000, output=1_000_000), "12"),
        # writes of both lifetimes and reads: 2.5 + 4 + 0.1
        (
            "claude-sonnet-5-5",
            conversation.Usage(written_5m=1_000_000, written_1h=1_000_000, read=1_000_000),
            "6.6",
        ),
        ("claude-opus-5-5", conversation.Usage(read=1_000_000, written_1h=1_000_000), "8.2"),
        ("claude-fable-5-2", conversation.Usage(fresh=1_000, read=100_000, output=500), "0.048"),
        ("claude-sonnet-4-6", conversation.Usage(fresh=1_000_000, read=1_000_000), "3.3"),
        ("claude-haiku-4-5", conversation.Usage(fresh=1_000_000, written_5m=1_000_000), "2.25"),
        # the cheap tier of Haiku 5.5 ends at 100,000 tokens of input, cached ones counted in
        ("claude-haiku-5-5", conversation.Usage(fresh=50_000, read=50_000, output=1_000_000), "0.5055"),
        ("claude-haiku-5-5", conversation.Usage(fresh=50_000, read=50_001, output=1_000_000), "2.52750005"),
        # a web search is a cent
        ("claude-sonnet-5-5", conversation.Usage(fresh=1_000, web_searches=3), "0.032"),
        # a dated name is its model
        ("claude-haiku-4-5-20251001", conversation.Usage(fresh=1_000_000), "1"),
        ("claude-sonnet-5-5", conversation.Usage(), "0"),
    ],
)
def test_a_bill_is_exact(model: str, usage: conversation.Usage, dollars: str) -> None:
    """A bill comes to what the published price list says, to the last digit."""
    assert Decimal(dollars) == prices.cost(model, usage)


@pytest.mark.parametrize("model", ["claude-omega-9", "llama-3", "", "gateway/claude-sonnet-5-5"])
def test_an_unknown_price_is_not_free(model: str) -> None:
    """A model that the price list has not has no price, also for an empty bill."""
    assert prices.cost(model, conversation.Usage(fresh=1_000)) is None
    assert prices.cost(model, conversation.Usage()) is None
    assert prices.rates(model) is None


def test_rates_are_per_million_tokens() -> None:
    """The rates of Opus 5.5 are those that its vendor has published, for a million tokens each."""
    assert prices.rates("claude-opus-5-5") == prices.Rates(
        fresh=Decimal(4),
        written_5m=Decimal(5),
        written_1h=Decimal(8),
        read=Decimal("0.2"),
        output=Decimal(20),
    )


def test_rates_follow_the_size_of_the_input() -> None:
    """Past 100,000 tokens of input Haiku 5.5 costs five times as much, output included."""
    small, large = prices.rates("claude-haiku-5-5"), prices.rates("claude-haiku-5-5", input_tokens=200_000)
    assert small is not None
    assert large is not None
    assert (Decimal("0.1"), Decimal("0.5")) == (small.fresh, small.output)
    assert (Decimal("0.5"), Decimal("2.5")) == (large.fresh, large.output)
    assert Decimal("0.05") == large.read


def test_a_bill_may_be_priced_at_its_own_time() -> None:
    """With a time the prices of that day hold: long prompts of Sonnet 4.6 were dearer until March 2026."""
    usage = conversation.Usage(fresh=1_000_000)
    before = prices.cost("claude-sonnet-4-6", usage, at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
    after = prices.cost("claude-sonnet-4-6", usage, at=dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    assert (Decimal(6), Decimal(3)) == (before, after)
