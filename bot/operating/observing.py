"""Claude watched while it answers: how soon it begins, how often it begins again, how it fails."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

from bot import conversation, errors, ports
from bot.operating import metrics
from bot.showing import drafts


@dataclasses.dataclass(frozen=True, kw_only=True)
class Observed:
    """Implements ports.Model around another."""

    model: ports.Model
    metrics: metrics.Metrics
    monotonic: Callable[[], float]

    async def facts(self, model: str) -> conversation.ModelFacts:
        """See ports.Model."""
        return await self.model.facts(model)

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """See ports.Model."""
        began = self.monotonic()

        def first() -> None:
            self.metrics.first_word.labels(model=request.plan.model).observe(self.monotonic() - began)

        def again() -> None:
            self.metrics.retries.labels(service="claude").inc()

        try:
            return await self.model.answer(request, Watched(draft=draft, first=first, again=again))
        except errors.ModelError as error:
            self.metrics.errors.labels(kind=type(error).__name__).inc()
            raise


@dataclasses.dataclass(kw_only=True)
class Watched(drafts.Around):
    """A draft that tells when it begins and when it begins again."""

    first: Callable[[], None]
    again: Callable[[], None]
    silent: bool = True

    def add(self, text: str) -> None:
        """See ports.Draft."""
        if self.silent and text:
            self.silent = False
            self.first()
        super().add(text)

    def restart(self) -> None:
        """See ports.Draft."""
        self.again()
        super().restart()
