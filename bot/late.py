"""Claude, made while the bot is at work already: importing its SDK takes longer than all else at the start.

Sockets stand and posts are recorded meanwhile; an answer waits for what is left of it, once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from bot import conversation, ports


class Closing(ports.Model, Protocol):
    """A model with connections."""

    async def models(self) -> Sequence[str]:
        """The models there are to choose from. Raises ModelError."""

    async def aclose(self) -> None:
        """Close them."""


class Late:
    """Implements ports.Model: another one that `make` gives, called once and in a thread."""

    def __init__(self, make: Callable[[], Closing]) -> None:
        self._make = make
        self._made: asyncio.Task[Closing] | None = None

    def begin(self) -> asyncio.Task[Closing]:
        """Have it made, unless it is already."""
        if self._made is None:
            self._made = asyncio.create_task(asyncio.to_thread(self._make), name="making the model")
        return self._made

    async def aclose(self) -> None:
        """Close what was made; what is being made cannot be given up."""
        if self._made is not None:
            await (await self._made).aclose()

    async def facts(self, model: str) -> conversation.ModelFacts:
        """See ports.Model."""
        return await (await asyncio.shield(self.begin())).facts(model)

    async def models(self) -> Sequence[str]:
        """The models there are to choose from; see `Closing`."""
        return await (await asyncio.shield(self.begin())).models()

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """See ports.Model."""
        return await (await asyncio.shield(self.begin())).answer(request, draft)
