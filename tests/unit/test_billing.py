"""Bills added up: no token is lost, and no price is made up."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from bot import conversation
from bot.money import billing, prices

KNOWN, UNKNOWN = "claude-sonnet-5-5", "gateway-model-7"
usages = st.builds(
    conversation.Usage,
    fresh=st.integers(0, 10**6),
    written_5m=st.integers(0, 10**6),
    written_1h=st.integers(0, 10**6),
    read=st.integers(0, 10**6),
    output=st.integers(0, 10**5),
)
bills = st.builds(
    billing.Bill, key=st.sampled_from(["a", "b", "c"]), model=st.sampled_from([KNOWN, UNKNOWN]), usage=usages
)


def a_bill(key: str = "a", model: str = KNOWN, **usage: int) -> billing.Bill:
    """One call."""
    return billing.Bill(key=key, model=model, usage=conversation.Usage(**usage))  # type: ignore[arg-type] # tokens only


@given(st.lists(bills, max_size=12))
def test_nothing_is_lost(calls: list[billing.Bill]) -> None:
    """The totals hold every call, every token and the sum of every known price, call by call."""
    totals = billing.totals(calls)
    assert sorted(total.key for total in totals) == sorted({call.key for call in calls})
    assert sum(total.requests for total in totals) == len(calls)
    assert sum(total.usage.total for total in totals) == sum(call.usage.total for call in calls)
    priced = [prices.cost(call.model, call.usage) for call in calls if call.model == KNOWN]
    assert sum(total.usd for total in totals) == sum(cost or 0 for cost in priced)
    assert sum(total.unpriced for total in totals) == len(calls) - len(priced)


@given(st.lists(bills, max_size=12))
def test_the_dearest_stands_first(calls: list[billing.Bill]) -> None:
    """Totals are sorted by money, then by key."""
    totals = billing.totals(calls)
    assert totals == sorted(totals, key=lambda total: (-total.usd, total.key))


def test_an_unknown_price_is_never_free() -> None:
    """What a model of unknown price cost is said to be unknown, alone and beside known sums."""
    (only,) = billing.totals([a_bill(model=UNKNOWN, fresh=10**6)])
    assert (only.money, only.usd, only.unpriced) == ("1 request at an unknown price", Decimal(0), 1)
    (both,) = billing.totals([a_bill(model=UNKNOWN, fresh=10**6), a_bill(output=1000)])
    cost = prices.cost(KNOWN, conversation.Usage(output=1000))
    assert both.money == f"${cost:.4f} and 1 request at an unknown price"


def test_the_cached_share_is_of_all_input() -> None:
    """Read tokens are set against all input, written ones included; of nothing the share is nothing."""
    (total,) = billing.totals([a_bill(fresh=100, written_5m=200, written_1h=300, read=400, output=9)])
    assert total.cached_share == 0.4
    assert billing.totals([a_bill()])[0].cached_share == 0


def test_the_line_people_read() -> None:
    """One line holds the key, the calls, the tokens, the cached share and the money."""
    (total,) = billing.totals([a_bill(fresh=1000, read=3000, output=50), a_bill()])
    assert total.line() == f"`a`: 2 requests, 4,000 tokens in (75% from the cache), 50 out, {total.money}."
