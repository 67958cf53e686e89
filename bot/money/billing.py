"""Bills added up, by whatever key: call by call, because some prices depend on the call. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from decimal import Decimal

from bot import conversation
from bot.desk import wording
from bot.money import prices


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bill:
    """One call as it was billed."""

    key: str  # what it is added up by: a model, a person, a day …
    model: str
    usage: conversation.Usage
    miss: str = ""  # why the prompt cache gave less than it held, "" where it did not


@dataclasses.dataclass(frozen=True, kw_only=True)
class Total:
    """What the calls of one key come to."""

    key: str
    requests: int
    usage: conversation.Usage
    usd: Decimal  # of the calls whose price is known
    unpriced: int  # calls of models without a known price; they are in no sum of money
    misses: Mapping[str, int] = dataclasses.field(default_factory=dict)  # of the cache, by reason

    @property
    def cached_share(self) -> float:
        """The part of all input tokens that was read from the cache, 0 to 1."""
        return self.usage.read / self.usage.input if self.usage.input else 0.0

    @property
    def money(self) -> str:
        """The sum as a person reads it; what is unknown is said to be."""
        if not self.unpriced:
            return f"${self.usd:.4f}"
        unknown = f"{wording.counted(self.unpriced, 'request')} at an unknown price"
        return unknown if self.unpriced == self.requests else f"${self.usd:.4f} and {unknown}"

    def line(self) -> str:
        """One line for people."""
        return (
            f"`{self.key}`: {wording.counted(self.requests, 'request')}, {self.usage.input:,} tokens in "
            f"({self.cached_share:.0%} from the cache), {self.usage.output:,} out, {self.money}."
            + (f" Cache missed: {self._reasons()}." if self.misses else "")
        )

    def _reasons(self) -> str:
        return ", ".join(f"{reason} {wording.times(count)}" for reason, count in sorted(self.misses.items()))


EMPTY = Total(key="", requests=0, usage=conversation.Usage(), usd=Decimal(0), unpriced=0)


def totals(bills: Iterable[Bill]) -> list[Total]:
    """A total for each key, dearest first."""
    found: dict[str, Total] = {}
    for bill in bills:
        cost = prices.cost(bill.model, bill.usage)
        before = found.get(bill.key)
        misses = dict(before.misses) if before else {}
        if bill.miss:
            misses[bill.miss] = misses.get(bill.miss, 0) + 1
        found[bill.key] = Total(
            key=bill.key,
            requests=(before.requests if before else 0) + 1,
            usage=(before.usage if before else conversation.Usage()) + bill.usage,
            usd=(before.usd if before else Decimal(0)) + (cost or 0),
            unpriced=(before.unpriced if before else 0) + (cost is None),
            misses=misses,
        )
    return sorted(found.values(), key=lambda total: (-total.usd, total.key))
