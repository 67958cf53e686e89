"""Whether the bot can do its work: the sockets stand, the log takes a write, no question waits too long."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bot.operating import metrics

LONGEST_WAIT = 600.0  # seconds: an answer may take minutes, a question that waits longer waits for nobody

Check = Callable[[], Awaitable[str | None]]


class Book(Protocol):
    """What readiness needs of the thread log."""

    async def healthy(self) -> str | None:
        """None when the log can be read and written, else what is wrong."""

    async def waiting(self, platforms: Sequence[str]) -> tuple[int, dt.datetime | None]:
        """How many conversations of these platforms wait for an answer, and since when the oldest does."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Readiness:
    """What `/readyz` asks, and the figures of `/metrics` that are looked up."""

    book: Book
    sockets: Mapping[str, Callable[[], str | None]]  # by platform: None when events can arrive
    metrics: metrics.Metrics
    now: Callable[[], dt.datetime]

    def checks(self) -> dict[str, Check]:
        """Each by the name it is reported under."""
        found: dict[str, Check] = {"thread_log": self.book.healthy, "queue": self._queue}
        return found | {name: _made(healthy) for name, healthy in self.sockets.items()}

    async def refresh(self) -> None:
        """Look up how long the queue is. Raises LogUnusable."""
        count, age = await self._age()
        self.metrics.queue.set(count)
        self.metrics.queue_age.set(age)

    async def _queue(self) -> str | None:
        count, age = await self._age()
        if age <= LONGEST_WAIT:
            return None
        return f"{count} conversations wait for an answer, the oldest for {age:.0f} s"

    async def _age(self) -> tuple[int, float]:
        count, since = await self.book.waiting(list(self.sockets))
        return count, 0.0 if since is None else max(0.0, (self.now() - since).total_seconds())


def _made(healthy: Callable[[], str | None]) -> Check:
    async def check() -> str | None:
        return healthy()

    return check
