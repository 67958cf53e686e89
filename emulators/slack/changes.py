"""Waiting for the workspace to reach a state, without sleeping."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class NotReachedError(TimeoutError):
    """The awaited state of the emulated workspace was not reached in time."""


class Changes:
    """A bell that every change of state rings; waiting re-evaluates a predicate at each ring."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Wake everybody who waits, so that they look again."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(
        self, predicate: Callable[[], bool], *, timeout_seconds: float, describe: Callable[[], str]
    ) -> None:
        """Return once `predicate` holds; raise NotReachedError with `describe()` after the timeout."""
        try:
            async with asyncio.timeout(timeout_seconds):
                while not predicate():
                    await self._rung.wait()
        except TimeoutError as error:
            raise NotReachedError(f"not reached within {timeout_seconds} s: {describe()}") from error
