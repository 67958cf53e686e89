"""Tells people that others are answered first: one after the other, never in the way of answers."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable

from bot import conversation

PAUSE = 0.02  # seconds between two, so that telling a thousand people takes no answer's place


@dataclasses.dataclass(kw_only=True)
class Courtesy:
    """Those who wait and have not been told so, in the order they came."""

    tell: Callable[[conversation.ConversationId], Awaitable[None]]
    _waiting: dict[conversation.ConversationId, None] = dataclasses.field(default_factory=dict)
    _task: asyncio.Task[None] | None = None

    def waits(self, conversation_id: conversation.ConversationId) -> None:
        """Tell the people of a conversation, when it is their turn to be told."""
        self._waiting[conversation_id] = None
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="tell who waits")

    def waits_no_more(self, conversation_id: conversation.ConversationId) -> None:
        """Its answer begins, or it has none to wait for: that it waits need not be told any more."""
        self._waiting.pop(conversation_id, None)

    async def aclose(self) -> None:
        """Tell nobody any more."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            conversation_id = next(iter(self._waiting))
            del self._waiting[conversation_id]
            with contextlib.suppress(Exception):  # a courtesy, whatever becomes of it
                await self.tell(conversation_id)
            await asyncio.sleep(PAUSE)
