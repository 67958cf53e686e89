"""What time it is on a platform, whatever the host's clock says.

What is too old to be caught up on is told by the platform's own times, so by its own clock. Each answer of
its API brings that along (`Date`, RFC 9110 section 6.6.1); up to the next the monotonic clock counts on.
"""

from __future__ import annotations

import datetime as dt
import email.utils
import types
from collections.abc import Callable

import aiohttp
import yarl


class Clock:
    """The platform's time to within a second or so; the host's until the first answer tells."""

    def __init__(
        self, *, api_url: str, now: Callable[[], dt.datetime], monotonic: Callable[[], float]
    ) -> None:
        """`api_url`: only answers of this host count. What comes from a cache can bear an old date."""
        self._host = yarl.URL(api_url).host
        self._now, self._monotonic = now, monotonic
        self._heard: tuple[dt.datetime, float] | None = None  # the time told, and when by the monotonic clock

    def __call__(self) -> dt.datetime:
        """The time, UTC."""
        if self._heard is None:
            return self._now()
        told, at = self._heard
        return told + dt.timedelta(seconds=self._monotonic() - at)

    def trace(self) -> aiohttp.TraceConfig:
        """What a session is made with so that its answers are listened to."""
        listening = aiohttp.TraceConfig()
        listening.on_request_end.append(self._hear)
        return listening

    async def _hear(
        self,
        _session: aiohttp.ClientSession,
        _context: types.SimpleNamespace,
        answer: aiohttp.TraceRequestEndParams,
    ) -> None:
        if answer.url.host != self._host:
            return
        try:
            told = email.utils.parsedate_to_datetime(answer.response.headers.get("Date", ""))
        except (ValueError, OverflowError):
            return  # it tells none
        self._heard = told.replace(tzinfo=told.tzinfo or dt.UTC), self._monotonic()
