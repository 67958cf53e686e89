"""The `Date` of an emulator's answers, by the emulator's own clock."""

from __future__ import annotations

import email.utils
from collections.abc import Awaitable, Callable

from aiohttp import web


def by(clock: Callable[[], float]) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """What an application does to its answers before they go out; `clock` gives seconds since 1970."""

    async def stamp(_request: web.Request, answer: web.StreamResponse) -> None:
        answer.headers["Date"] = email.utils.formatdate(clock(), usegmt=True)

    return stamp
