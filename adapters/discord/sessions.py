"""The gateway's sessions, one a shard: which are up, and what was missed before a new one began.

Rule: what a new session missed is read from history before the events that come now.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable

import discord
import structlog

from adapters.discord import catchup, lanes
from bot import errors

log = structlog.get_logger()

UNSEEN = dt.timedelta(minutes=2)  # a dead connection is noticed this late
LONGEST_PAUSE = 30.0  # seconds between two tries to find out what was missed


class Sessions:
    """Implements gateway.Sessions. `first`: what is done once, when a session stands."""

    def __init__(
        self,
        *,
        client: discord.AutoShardedClient,
        reading: catchup.CatchUp,
        queue: lanes.Lanes,
        first: Callable[[], Awaitable[None]],
        now: Callable[[], dt.datetime],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._client, self._reading, self._queue = client, reading, queue
        self._first, self._now, self._sleep = first, now, sleep
        self._up: set[int] = set()
        self._lost: dict[int, dt.datetime] = {}
        self._is_first = True
        self.planned = asyncio.Event()  # it is known what was missed before the start
        self.ready = asyncio.Event()  # every shard has stood

    @property
    def missing(self) -> int:
        """How many shards have no session now."""
        return (self._client.shard_count or 1) - len(self._up)

    def lost(self, shard_id: int) -> None:
        """See gateway.Sessions."""
        self._lost.setdefault(shard_id, self._now() - UNSEEN)
        self._up.discard(shard_id)

    def resumed(self, shard_id: int) -> None:
        """See gateway.Sessions."""
        self._lost.pop(shard_id, None)
        self._up.add(shard_id)

    async def began(self, shard_id: int) -> None:
        """See gateway.Sessions."""
        self._queue.hold()
        try:
            await self._plan(self._lost.get(shard_id))
        finally:
            self._queue.release()
        self.resumed(shard_id)
        self.planned.set()
        if self._is_first:
            self._is_first = False
            await self._first()
        if not self.missing:
            self.ready.set()

    async def _plan(self, gap: dt.datetime | None) -> None:
        pause = 1.0
        while True:
            try:
                await self._reading.plan(gap)
            except errors.ThreadmateError as error:
                log.warning("discord.catch_up_delayed", error=type(error).__name__)
                await self._sleep(pause)
                pause = min(LONGEST_PAUSE, pause * 2)
            else:
                return
