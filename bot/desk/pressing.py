"""What presses of buttons do: one table of actions, each press carried out once."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import structlog

from bot import conversation

UNKNOWN = "This button no longer does anything."

Handler = Callable[[conversation.Press], Awaitable[str | None]]
"""Carries out a press; what the person is told, None where what they see says it. Answers within a second."""

log = structlog.get_logger()


class Claims(Protocol):
    """What this needs of the thread log."""

    async def claim_command(self, conversation_id: conversation.ConversationId, command_id: str) -> bool:
        """True for the first that claims an id, False ever after."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Presses:
    """Sends each press to the handler of its action."""

    claims: Claims
    actions: Mapping[str, Handler]

    async def press(self, press: conversation.Press) -> str | None:
        """Carry out a press; what the person is told, None for nothing and for one handled before."""
        handler = self.actions.get(press.action)
        if handler is None:
            log.warning("press.unknown", conversation=press.conversation, action=press.action)
            return UNKNOWN
        if not await self.claims.claim_command(press.conversation, f"press:{press.id}"):
            return None
        log.info("press.handled", conversation=press.conversation, action=press.action)
        return await handler(press)
