"""What a conversation would have cost under each strategy, by the bot's own replay (pure).

The tokens are estimates and the prices those of the list: for comparing. A bill is what the API says.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal

from bot import conversation
from bot.claude import models
from bot.money import prices, replay
from bot.planning import context

WAYS: tuple[tuple[context.Strategy, replay.Cache, str, str], ...] = (
    ("full", "none", "full, no cache", "every word"),
    ("full", "auto", "full", "every word"),
    ("summarise", "none", "summarise, no cache", "summaries and the newest posts"),
    ("summarise", "auto", "summarise", "summaries and the newest posts"),
    ("window", "auto", "window", "the newest posts alone"),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Cost:
    """One way to keep the same conversation."""

    strategy: str
    usd: Decimal
    keeps: str  # what the model still knows at the end
    current: bool


def compare(
    posts: Sequence[conversation.Post], *, policy: context.Policy, summary_model: str, system: str
) -> list[Cost]:
    """Each way's cost, as the settings are now; [] where there is no answer yet, or no known price."""
    if not any(post.role == "assistant" for post in posts):
        return []
    story = replay.exchanges(posts)
    found = []
    for strategy, cache, name, keeps in WAYS:
        setting = replay.Setting(
            policy=dataclasses.replace(policy, strategy=strategy),
            cache=cache,
            facts=models.table(policy.model),
            costs=prices.costs(policy.model),
            system=system,
        )
        bills = [
            prices.cost(summary_model if call.kind == "summary" else policy.model, call.usage)
            for call in replay.run(story, setting)
        ]
        if None in bills:
            return []
        current = strategy == policy.strategy and cache == "auto"
        usd = sum((bill for bill in bills if bill is not None), Decimal(0))
        found.append(Cost(strategy=name, usd=usd, keeps=keeps, current=current))
    return found
