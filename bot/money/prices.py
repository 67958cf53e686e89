"""What tokens cost, in US dollars (pure: the price list comes with genai-prices and is read offline).

A model without a known price is unknown (None), never free. Without `at` the newest prices of the list
hold, so that the same bill gives the same sum whenever it is computed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
from decimal import Decimal

import genai_prices

from bot import conversation
from bot.planning import caching

_NEWEST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
_MILLION = 1_000_000
_PROBE = 1_000  # output tokens priced to learn their rate


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rates:
    """US dollars per million tokens."""

    fresh: Decimal
    written_5m: Decimal
    written_1h: Decimal
    read: Decimal
    output: Decimal


def cost(model: str, usage: conversation.Usage, *, at: dt.datetime | None = None) -> Decimal | None:
    """What a bill of one call comes to; None where the model's price is not known.

    Some models price the whole call by its input: sum dollars over calls, not tokens.
    """
    bill = genai_prices.Usage(
        input_tokens=usage.input,  # the list takes all input here and the cached shares below
        cache_read_tokens=usage.read,
        cache_write_tokens=usage.written_5m + usage.written_1h,
        cache_write_5m_tokens=usage.written_5m,
        cache_write_1h_tokens=usage.written_1h,
        output_tokens=usage.output,
        web_searches=usage.web_searches,
    )
    try:
        return genai_prices.calc_price(
            bill, model, provider_id="anthropic", genai_request_timestamp=at or _NEWEST
        ).total_price
    except LookupError:
        return None


@functools.cache
def costs(model: str) -> caching.Costs:
    """What the planner weighs: prices in fresh input tokens; the dearest there are where none is known."""
    known = rates(model)
    if known is None or not known.fresh:
        return caching.DEAREST
    return caching.Costs(
        read=float(known.read / known.fresh),
        write_5m=float(known.written_5m / known.fresh),
        write_1h=float(known.written_1h / known.fresh),
    )


def rates(model: str, *, input_tokens: int = 1_000, at: dt.datetime | None = None) -> Rates | None:
    """The rates of a call with that much input; None where the model's price is not known."""

    def price(usage: conversation.Usage) -> Decimal:
        return cost(model, usage, at=at) or Decimal(0)

    plain = conversation.Usage(fresh=input_tokens)
    if cost(model, plain, at=at) is None:
        return None
    answered = price(dataclasses.replace(plain, output=_PROBE)) - price(plain)
    scale = Decimal(_MILLION) / input_tokens
    return Rates(
        fresh=price(plain) * scale,
        written_5m=price(conversation.Usage(written_5m=input_tokens)) * scale,
        written_1h=price(conversation.Usage(written_1h=input_tokens)) * scale,
        read=price(conversation.Usage(read=input_tokens)) * scale,
        output=answered * _MILLION / _PROBE,
    )
