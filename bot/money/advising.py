"""What conversations cost, and which way of keeping them is the cheapest. Pure.

Every conversation is replayed on its own clock (`replay`) under a strategy, a cache setting and a model;
what comes out is one row. Summaries are in the sum of money, at the summary model's price; the tokens are
those of the answering model.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from bot import conversation
from bot.money import prices, replay
from bot.planning import caching, context

CURRENT = ("claude-fable-5-2", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5")
"""The current models (the vendor's "Models overview", November 2026)."""
STRATEGIES: tuple[context.Strategy, ...] = ("summarise", "window", "full")
CACHES: tuple[replay.Cache, ...] = ("none", "5m", "1h", "auto")
LARGE = 900_000  # input tokens: above every step in a price list

Story = Sequence[replay.Exchange]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """The bill of all conversations, one way."""

    strategy: context.Strategy
    cache: replay.Cache
    model: str
    requests: int
    usage: conversation.Usage
    usd: Decimal | None  # None: the price is not known

    def json(self) -> dict[str, Any]:
        """As `recommend --json` prints it."""
        return {
            "strategy": self.strategy,
            "cache": self.cache,
            "model": self.model,
            "requests": self.requests,
            "input_tokens": self.usage.fresh,
            "cache_write_tokens": self.usage.written_5m + self.usage.written_1h,
            "cache_read_tokens": self.usage.read,
            "output_tokens": self.usage.output,
            "usd": None if self.usd is None else round(float(self.usd), 6),
        }

    def line(self) -> str:
        """One line for people."""
        money = "unknown price" if self.usd is None else f"${self.usd:.4f}"
        share = self.usage.read / self.usage.input if self.usage.input else 0.0
        return (
            f"{money:>14}  {self.strategy:<9}  cache {self.cache:<4}  {self.model:<18}  {self.requests:,} "
            f"requests, {self.usage.input:,} tokens in ({share:.0%} from the cache), "
            f"{self.usage.output:,} out"
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Adviser:
    """Replays conversations. `facts`: what is known of a model."""

    stories: Sequence[Story]
    policy: context.Policy
    summary_model: str
    system: str
    facts: Callable[[str], conversation.ModelFacts]

    def estimate(self) -> Row:
        """The bill under the present settings."""
        return self._row(self.policy.strategy, "auto", self.policy.model)

    def compare(self) -> list[Row]:
        """Every strategy, cache setting and current model, the present one too, cheapest first."""
        models = dict.fromkeys([*CURRENT, self.policy.model])
        rows = [
            self._row(strategy, cache, model)
            for strategy, cache, model in itertools.product(STRATEGIES, CACHES, models)
        ]
        return sorted(rows, key=lambda row: (row.usd is None, row.usd or 0))

    def reason(self, rows: Sequence[Row]) -> str:
        """The recommendation and why, in one sentence."""
        mine = [row for row in rows if row.model == self.policy.model and row.usd is not None]
        keeping = [row for row in mine if row.strategy != "window"]
        if not keeping or not keeping[0].requests:
            return "There is nothing to compare: no request, or no known price."
        best, cheapest = keeping[0], rows[0]
        gaps = [
            (later.at - earlier.at).total_seconds()
            for story in self.stories
            for earlier, later in itertools.pairwise(story)
        ]
        pauses = _pauses(gaps) if gaps else "every conversation is a single request"
        forgetting = next((row for row in mine if row.strategy == "window"), None)
        saved = _less(forgetting, best) if forgetting else ""
        other = (
            f"; {cheapest.model} would do it for ${cheapest.usd:.4f}" if cheapest.model != best.model else ""
        )
        return (
            f"On {best.model}, {best.strategy} with cache {best.cache} keeps everything for ${best.usd:.4f}, "
            f"because {pauses}{saved}{other}."
        )

    def _row(self, strategy: context.Strategy, cache: replay.Cache, model: str) -> Row:
        calls = self._calls(strategy, cache, prices.costs(model), self.facts(model))
        answers = [call.usage for call in calls if call.kind == "answer"]
        summaries = [call.usage for call in calls if call.kind == "summary"]
        spent = [_dollars(model, answers), _dollars(self.summary_model, summaries)]
        return Row(
            strategy=strategy,
            cache=cache,
            model=model,
            requests=len(answers),
            usage=sum(answers, conversation.Usage()),
            usd=None if None in spent else sum((each for each in spent if each is not None), Decimal(0)),
        )

    def _calls(
        self,
        strategy: context.Strategy,
        cache: replay.Cache,
        costs: caching.Costs,
        facts: conversation.ModelFacts,
    ) -> Sequence[replay.Call]:
        """The calls of all conversations; models that differ in their output price only share them."""
        plain = dataclasses.replace(facts, id="", thinking=None, efforts=())
        return self._replayed(strategy, cache, costs, plain)

    @functools.cached_property
    def _replayed(self) -> Callable[..., Sequence[replay.Call]]:
        @functools.cache
        def replayed(
            strategy: context.Strategy,
            cache: replay.Cache,
            costs: caching.Costs,
            facts: conversation.ModelFacts,
        ) -> Sequence[replay.Call]:
            setting = replay.Setting(
                policy=dataclasses.replace(self.policy, strategy=strategy),
                cache=cache,
                facts=facts,
                costs=costs,
                system=self.system,
            )
            return [call for story in self.stories for call in replay.run(story, setting)]

        return replayed


def _dollars(model: str, usages: Iterable[conversation.Usage]) -> Decimal | None:
    """What calls of a model come to; each by itself where the price depends on its size."""
    usages = list(usages)
    if prices.rates(model) == prices.rates(model, input_tokens=LARGE):
        return prices.cost(model, sum(usages, conversation.Usage()))
    each = [prices.cost(model, usage) for usage in usages]
    return None if None in each else sum((cost for cost in each if cost is not None), Decimal(0))


def _pauses(gaps: Sequence[float]) -> str:
    minutes = sum(gap < caching.SECONDS["5m"] for gap in gaps) / len(gaps)
    hour = sum(gap < caching.SECONDS["1h"] for gap in gaps) / len(gaps)
    return f"{minutes:.0%} of the pauses are shorter than 5 minutes and {hour:.0%} shorter than an hour"


def _less(forgetting: Row, best: Row) -> str:
    if not best.usd or forgetting.usd is None or forgetting.usd >= best.usd:
        return ", and forgetting (window) would cost no less"
    return f", and forgetting (window) would save {1 - forgetting.usd / best.usd:.0%}"
