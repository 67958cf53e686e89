"""What becomes of a press of a thumb under an answer."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable, Sequence
from typing import Protocol

from bot import conversation
from bot.desk import thumbs
from bot.operating import metrics

THANKS = "Noted, thank you."
GONE = "That answer is no longer there."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tally:
    """How many people found answers good or bad."""

    up: int = 0
    down: int = 0

    def line(self) -> str:
        """For `usage`; "" where nobody said anything."""
        return (
            f"Feedback: {self.up} {thumbs.SIGNS['up']}, {self.down} {thumbs.SIGNS['down']}."
            if self.up or self.down
            else ""
        )


class Book(Protocol):
    """What this needs of the thread log."""

    async def rate(self, reply_id: str, author: str, thumb: thumbs.Thumb, at: dt.datetime) -> bool:
        """Keep what somebody (`platform:id`) found of an answer, in the place of what they found before.

        False where the answer is no longer in the log.
        """


@dataclasses.dataclass(frozen=True, kw_only=True)
class Feedback:
    """Handles presses of the thumbs."""

    book: Book
    metrics: metrics.Metrics
    now: Callable[[], dt.datetime]

    async def pressed(self, press: conversation.Press) -> str | None:
        """Keep it; the person is told where the platform does not show them what they pressed."""
        reply_id, _, thumb = press.value.rpartition(":")
        if thumb not in thumbs.SIGNS:
            return GONE
        author = f"{press.home.platform}:{press.author}"
        if not await self.book.rate(reply_id, author, thumb, self.now()):
            return GONE
        self.metrics.feedback.labels(platform=press.home.platform, thumb=thumb).inc()
        return None if press.shown else THANKS


def tally(counts: Sequence[tuple[str, int]]) -> Tally:
    """Add up (thumb, people) pairs."""
    return Tally(
        up=sum(count for thumb, count in counts if thumb == "up"),
        down=sum(count for thumb, count in counts if thumb == "down"),
    )
