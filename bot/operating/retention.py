"""Posts past BOT_RETENTION_DAYS are erased, and what was summarised with them is summarised anew."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from bot import conversation, errors

log = structlog.get_logger()

PAUSE = 3600.0  # seconds between two looks


class Shelf(Protocol):
    """What retention needs of the thread log."""

    async def expire(self, before: dt.datetime) -> Sequence[conversation.ConversationId]:
        """Erase posts that were sent before then; the conversations that had any."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Retention:
    """Erases what is past its time, at the start and every hour."""

    book: Shelf
    days: int
    tend: Callable[[conversation.ConversationId], None]
    now: Callable[[], dt.datetime]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def run(self) -> None:
        """Go on until cancelled; a log that fails is tried again at the next look."""
        while True:
            try:
                await self.once()
            except errors.LogUnusable as error:
                log.warning("retention.failed", error=type(error).__name__)
            await self.sleep(PAUSE)

    async def once(self) -> None:
        """Erase what is past its time now."""
        touched = await self.book.expire(self.now() - dt.timedelta(days=self.days))
        for conversation_id in touched:
            self.tend(conversation_id)
        if touched:
            log.info("retention.erased", conversations=len(touched))
