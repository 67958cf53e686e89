"""What a conversation would have cost under each strategy (pure): the same posts, replayed on their clock.

A simulation from estimated tokens and list prices, for comparing: a bill is what the API says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from decimal import Decimal

from bot import context, conversation, prices, turns
from bot.claude import models

LIFETIME = 300.0  # seconds
SUMMARY_TOKENS = 600  # of a summary, about
SLIDING = 20  # turns of the sliding window that many bots use
PER_TURN = context.TOKENS_PER_BLOCK


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """One way to keep the same conversation."""

    strategy: str
    usd: Decimal
    keeps: str  # what the model still knows at the end
    current: bool = False


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Turn:
    tokens: int
    at: float
    answer: bool


@dataclasses.dataclass(kw_only=True)
class _Meter:
    """Adds up the requests of one strategy; `cached` is the prefix that the last one left."""

    rates: prices.Rates
    summary_rates: prices.Rates
    cache: bool
    min_prefix: int
    usd: Decimal = Decimal(0)
    cached: int = 0
    last: float | None = None

    def request(self, *, history: int, kept: int, output: int, at: float) -> None:
        """`kept` tokens at the front are what the request before sent, too."""
        rates = self.rates
        warm = self.cache and self.last is not None and at - self.last < LIFETIME
        read = min(kept, self.cached) if warm else 0
        caches = self.cache and history >= self.min_prefix
        write = rates.written_5m if caches else rates.fresh
        million = Decimal(1_000_000)
        self.usd += (read * rates.read + (history - read) * write + output * rates.output) / million
        self.cached, self.last = history if caches else 0, at

    def summary(self, tokens: int) -> None:
        """A run of posts is summarised by the cheaper model."""
        rates = self.summary_rates
        self.usd += (tokens * rates.fresh + SUMMARY_TOKENS * rates.output) / Decimal(1_000_000)


def compare(
    posts: Iterable[conversation.Post], *, policy: context.Policy, summary_model: str, system: str
) -> list[Cost]:
    """Each strategy's cost, as it is set up now; [] where a price is not known."""
    rates, summary_rates = prices.rates(policy.model), prices.rates(summary_model)
    history = [_turn(post) for post in posts]
    if rates is None or summary_rates is None or not any(turn.answer for turn in history):
        return []
    base = context.estimate(system)

    def meter(*, cache: bool) -> _Meter:
        return _Meter(
            rates=rates,
            summary_rates=summary_rates,
            cache=cache,
            min_prefix=models.table(policy.model).min_prefix_tokens,
        )

    budget, floor = policy.budget_tokens, policy.floor_tokens
    ways = [
        ("full", "full, no cache", "every word", _growing(history, meter(cache=False), base)),
        ("full", "full", "every word", _growing(history, meter(cache=True), base)),
        (
            "summarise",
            "summarise",
            "a summary and the newest posts",
            _cut(history, meter(cache=True), base, budget, floor, keep=SUMMARY_TOKENS),
        ),
        (
            "window",
            "window",
            "the newest posts",
            _cut(history, meter(cache=True), base, budget, floor, keep=0),
        ),
        ("", f"last {SLIDING} turns", f"{SLIDING} turns", _sliding(history, meter(cache=True), base)),
    ]
    return [
        Cost(strategy=name, usd=done.usd, keeps=keeps, current=setting == policy.strategy and name == setting)
        for setting, name, keeps, done in ways
    ]


def _turn(post: conversation.Post) -> _Turn:
    text = post.text if post.role == "assistant" else turns.mark(post)
    return _Turn(
        tokens=context.estimate(text) + PER_TURN, at=post.sent_at.timestamp(), answer=post.role == "assistant"
    )


def _growing(history: Sequence[_Turn], meter: _Meter, base: int) -> _Meter:
    total = base
    for turn in history:
        if turn.answer:
            meter.request(history=total, kept=meter.cached, output=turn.tokens, at=turn.at)
        total += turn.tokens
    return meter


def _cut(history: Sequence[_Turn], meter: _Meter, base: int, budget: int, floor: int, *, keep: int) -> _Meter:
    """Two marks: past the budget, down to the floor; what is cut becomes `keep` tokens of summary."""
    kept: list[int] = []
    summary = 0
    for turn in history:
        if turn.answer:
            if summary + sum(kept) > budget:
                gone = 0
                while len(kept) > 1 and summary + sum(kept) > floor:
                    gone += kept.pop(0)
                if keep:
                    meter.summary(gone + summary)
                    summary = keep
                meter.cached = base
            total = base + summary + sum(kept)
            meter.request(history=total, kept=meter.cached, output=turn.tokens, at=turn.at)
        kept.append(turn.tokens)
    return meter


def _sliding(history: Sequence[_Turn], meter: _Meter, base: int) -> _Meter:
    """The window moves with each turn, so that the prefix never stands once it is full."""
    for at, turn in enumerate(history):
        if turn.answer:
            window = history[max(0, at - SLIDING) : at]
            meter.request(
                history=base + sum(each.tokens for each in window),
                kept=base if at > SLIDING else meter.cached,
                output=turn.tokens,
                at=turn.at,
            )
    return meter
