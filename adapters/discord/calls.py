"""Calls of Discord's API with bounded retries of our own, and its errors in the words of the core.

discord.py waits in its rate-limit buckets and repeats some 5xx by itself. What it leaves to us: dropped
connections, 503, limits longer than `LONGEST_LIMIT`, and calls that hang. Every call made here is safe to
repeat: edits and deletions by nature, posts by their nonce.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import discord

from bot import errors

LONGEST_LIMIT = 30.0  # seconds that discord.py may wait in a bucket by itself; its own least value
CALL_SECONDS = 30.0  # an unanswered call is given up and repeated
FORGET_EVERY = 10.0  # seconds between two looks for limits that are over, and since they were met
LONGEST_KEPT = 300.0  # seconds that one which goes on is kept without being met, as in the library
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds between repetitions, doubling

T = TypeVar("T")
Limited = Callable[[float], None]
"""Told of a rate limit's seconds."""


class Calls:
    """Makes calls one after another: one that was abandoned ends before the next begins."""

    def __init__(
        self,
        *,
        closed: Callable[[], bool],
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        limited: Callable[[], None] = lambda: None,
    ) -> None:
        """`limited` is told of each limit that discord.py does not wait out by itself."""
        self._closed, self._clock, self._sleep, self._limited = closed, clock, sleep, limited
        self._one_at_a_time = asyncio.Lock()

    async def make(
        self, call: Callable[[], Awaitable[T]], *, patience: float, limited: Limited | None = None
    ) -> T:
        """The call's outcome, after repetitions for at most `patience` seconds; 0 tries once.

        Raises PostGone (404), MayNotPost (403), PlatformUnavailable (patience is over) or PlatformError.
        """
        deadline = self._clock() + patience
        pause = FIRST_PAUSE
        while True:
            try:
                return await self._attempt(call)
            except discord.NotFound as error:
                raise errors.PostGone(f"Discord: {error.code}") from error
            except discord.Forbidden as error:
                raise errors.MayNotPost(f"Discord: {error.code}") from error
            except (discord.DiscordException, OSError, aiohttp.ClientError) as error:
                wait = _wait(error, pause)
                if _is_limit(error):
                    self._limited()
                    if limited is not None:
                        limited(wait)
                if self._clock() + wait > deadline:
                    unavailable = errors.PlatformUnavailable(type(error).__name__)
                    unavailable.wait = wait if _is_limit(error) else 0.0
                    raise unavailable from error
            await self._sleep(wait)
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _attempt(self, call: Callable[[], Awaitable[T]]) -> T:
        """One attempt, which a cancellation of the caller leaves running.

        discord.py would stay shut for good if it were cancelled while it waits out a global limit, and an
        edit that was sent may land after a later one.
        """

        async def in_turn() -> T:
            async with self._one_at_a_time:
                if self._closed():
                    raise errors.PlatformUnavailable("closed")
                return await call()

        task = asyncio.ensure_future(in_turn())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_look_away)
            raise


def bound(http: discord.http.HTTPClient, *, clock: Callable[[], float]) -> None:
    """Bound what the library's own requests take: the time of each, and what is looked through for it.

    Its aiohttp session would wait five minutes. And of the limits, of which every thread has some, it keeps
    those of the last five minutes, and looks through all of them for each new one: the busier, the dearer an
    answer. One that is over, or that Discord never told, is as good as forgotten.
    """
    request = functools.partial(http.request, timeout=aiohttp.ClientTimeout(total=CALL_SECONDS))
    http.request = request  # type: ignore[method-assign] # it takes no timeout, but passes options on to aiohttp
    limits, due = http._buckets, clock()  # noqa: SLF001 - it has no other door

    def forget() -> None:
        nonlocal due
        if clock() >= due:
            due = clock() + FORGET_EVERY
            now = asyncio.get_running_loop().time()
            for key in [key for key, limit in limits.items() if _is_over(limit, now)]:
                del limits[key]

    http._try_clear_expired_ratelimits = forget  # type: ignore[method-assign] # noqa: SLF001 - as above


def _is_over(limit: discord.http.Ratelimit, now: float) -> bool:
    """Whether it holds nothing that a new one would not: nobody uses it, and it was not met for a while."""
    idle = now - limit._last_request  # noqa: SLF001 - as above
    is_used = limit.outgoing or limit._pending_requests  # noqa: SLF001 - as above
    is_told = limit.expires is not None and not limit.is_expired()
    return not is_used and idle >= (LONGEST_KEPT if is_told else FORGET_EVERY)


def _is_limit(error: Exception) -> bool:
    return isinstance(error, discord.RateLimited) or getattr(error, "status", None) == 429  # noqa: PLR2004 - HTTP


def _wait(error: Exception, pause: float) -> float:
    """Seconds until a repetition can help; raises PlatformError where it cannot."""
    if isinstance(error, discord.RateLimited):
        return error.retry_after
    if isinstance(error, discord.HTTPException):
        if _is_limit(error):
            return _retry_after(error, pause)
        if error.status < 500:  # noqa: PLR2004 - HTTP
            raise errors.PlatformError(f"Discord: {error.status} {error.code}") from error
        return pause
    if isinstance(error, OSError | aiohttp.ClientError):
        return pause
    raise errors.PlatformError(type(error).__name__) from error


def _retry_after(error: discord.HTTPException, pause: float) -> float:
    try:
        return max(pause, float(error.response.headers.get("Retry-After", "")))
    except ValueError:
        return pause


def _look_away(task: asyncio.Future[Any]) -> None:
    if not task.cancelled():
        task.exception()
