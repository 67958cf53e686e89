"""What the bot counts, for /metrics. Labels never hold a conversation, a person or a text."""

from __future__ import annotations

import dataclasses

import prometheus_client

from bot import conversation
from bot.money import prices

LAG = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)  # seconds
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
    first_word: prometheus_client.Histogram
    retries: prometheus_client.Counter
    limits: prometheus_client.Counter
    errors: prometheus_client.Counter
    calls: prometheus_client.Counter
    feedback: prometheus_client.Counter
    queue: prometheus_client.Gauge
    queue_age: prometheus_client.Gauge
    loop_lag: prometheus_client.Histogram
    tools: prometheus_client.Counter
    tool_seconds: prometheus_client.Histogram

    def bill(self, kind: str, model: str, usage: conversation.Usage) -> None:
        """Count a call ("answer", "call", "summary"), its tokens, and its money where the price is known."""
        self.calls.labels(kind=kind).inc()
        counts = {
            "fresh": usage.fresh,
            "written": usage.written_5m + usage.written_1h,
            "read": usage.read,
            "output": usage.output,
        }
        for name, count in counts.items():
            self.tokens.labels(model=model, kind=name).inc(count)
        usd = prices.cost(model, usage)
        if usd is not None:
            self.dollars.labels(model=model).inc(float(usd))


def create() -> Metrics:
    """A fresh registry with every metric in it."""
    registry = prometheus_client.CollectorRegistry()

    def counter(name: str, text: str, *labels: str) -> prometheus_client.Counter:
        return prometheus_client.Counter(f"threadmate_{name}", text, labels, registry=registry)

    def gauge(name: str, text: str) -> prometheus_client.Gauge:
        return prometheus_client.Gauge(f"threadmate_{name}", text, registry=registry)

    def latency(name: str, text: str, *labels: str) -> prometheus_client.Histogram:
        name = f"threadmate_{name}_seconds"
        return prometheus_client.Histogram(name, text, labels, registry=registry, buckets=LATENCY)

    return Metrics(
        registry=registry,
        posts=counter("posts", "Posts recorded", "platform", "addressed"),
        replies=counter("replies", "Replies ended", "platform", "state"),
        tokens=counter("tokens", "Tokens billed", "model", "kind"),
        dollars=counter("dollars", "US dollars billed, where the price is known", "model"),
        # kind: answer, call (of a tool), summary (a compaction), lost (cut or declined)
        calls=counter("calls", "Billed calls of Claude", "kind"),
        misses=counter(
            "cache_misses",
            "Requests that read less from the prompt cache than the last one left there",
            "reason",
        ),
        seconds=latency("reply", "From taking a reply up to its end"),
        first_word=latency("first_word", "From asking Claude to its first word, retries included", "model"),
        retries=counter("retries", "Calls made again after a failure", "service"),
        limits=counter("rate_limits", "Times a platform asked to wait", "platform"),
        errors=counter("errors", "Answers and deliveries that failed", "kind"),
        feedback=counter("feedback", "Thumbs that people pressed under answers", "platform", "thumb"),
        busy=gauge("busy_conversations", "Conversations being answered or waiting"),
        # outcome: ran, failed, unsure, refused, expired, repeated, capped, unknown
        tools=counter("tool_calls", "Uses of tools by Claude", "server", "tool", "outcome"),
        tool_seconds=latency(
            "tool", "From asking for a tool to its result, a person's yes included", "server"
        ),
        queue=gauge("queue", "Conversations with a question that is not answered yet"),
        queue_age=gauge("queue_age_seconds", "How long the oldest of them has waited"),
        loop_lag=prometheus_client.Histogram(
            "threadmate_loop_lag_seconds",
            "How late the event loop was, looked at 50 times a second",
            registry=registry,
            buckets=LAG,
        ),
    )
