"""What the bot counts, for /metrics. Labels never hold a conversation, a person or a text."""

from __future__ import annotations

import dataclasses

import prometheus_client

from bot import conversation

LATENCY = (0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)  # seconds


@dataclasses.dataclass(frozen=True, kw_only=True)
class Metrics:
    """The counters of one process, in one registry."""

    registry: prometheus_client.CollectorRegistry
    posts: prometheus_client.Counter
    replies: prometheus_client.Counter
    tokens: prometheus_client.Counter
    dollars: prometheus_client.Counter
    seconds: prometheus_client.Histogram
    busy: prometheus_client.Gauge
    misses: prometheus_client.Counter

    def bill(self, model: str, usage: conversation.Usage, usd: float | None) -> None:
        """Count one call's tokens by kind, and its money where the price is known."""
        kinds = {
            "fresh": usage.fresh,
            "written": usage.written_5m + usage.written_1h,
            "read": usage.read,
            "output": usage.output,
        }
        for kind, count in kinds.items():
            self.tokens.labels(model=model, kind=kind).inc(count)
        if usd is not None:
            self.dollars.labels(model=model).inc(usd)


def create() -> Metrics:
    """A fresh registry with every metric in it."""
    registry = prometheus_client.CollectorRegistry()
    return Metrics(
        registry=registry,
        posts=prometheus_client.Counter(
            "threadmate_posts", "Posts recorded", ["platform", "addressed"], registry=registry
        ),
        replies=prometheus_client.Counter(
            "threadmate_replies", "Replies ended", ["platform", "state"], registry=registry
        ),
        tokens=prometheus_client.Counter(
            "threadmate_tokens", "Tokens billed", ["model", "kind"], registry=registry
        ),
        dollars=prometheus_client.Counter(
            "threadmate_dollars", "US dollars billed, where the price is known", ["model"], registry=registry
        ),
        seconds=prometheus_client.Histogram(
            "threadmate_reply_seconds",
            "From taking a reply up to its end",
            registry=registry,
            buckets=LATENCY,
        ),
        misses=prometheus_client.Counter(
            "threadmate_cache_misses",
            "Requests that read less from the prompt cache than the last one left there",
            ["reason"],
            registry=registry,
        ),
        busy=prometheus_client.Gauge(
            "threadmate_busy_conversations", "Conversations being answered or waiting", registry=registry
        ),
    )
