"""What Slack shows beside an answer that is being written: the status under the thread, the stop button.

A courtesy: nobody waits for it long, and no answer fails for it.
"""

from __future__ import annotations

import asyncio

import structlog

from adapters.slack import address, web
from adapters.slack import native as features
from bot import errors

STATUS_SECONDS = 2.0  # that a sign is waited for
_THINKING = "is thinking…"

log = structlog.get_logger()


class Session:
    """The agent session of a thread; `status` is what it was left with, "" for none."""

    def __init__(self, *, api: web.Web, spot: address.Address, native: features.Native) -> None:
        self.status = ""
        self._api, self._spot, self._native = api, spot, native

    async def begin(self) -> None:
        """Say at once that an answer is coming."""
        await asyncio.gather(
            self._tell(features.STATUS, _THINKING),
            self._tell(features.SESSION, "processing"),
        )

    async def end(self) -> None:
        """Say that it is there, where a session is open."""
        if self.status not in {"", "active"}:
            await self._tell(features.SESSION, "active")

    async def _tell(self, method: str, status: str) -> None:
        if not self._native.has(method):
            return
        try:
            async with asyncio.timeout(STATUS_SECONDS):
                await self._api.call(
                    method,
                    patience=0,
                    channel_id=self._spot.channel,
                    thread_ts=self._spot.thread,
                    status=status,
                )
        except web.Refused as refused:
            self._native.refused(refused)
        except (errors.PlatformError, TimeoutError) as error:
            log.info("slack.courtesy_skipped", method=method, fault=type(error).__name__)
        else:
            if method == features.SESSION:
                self.status = status
