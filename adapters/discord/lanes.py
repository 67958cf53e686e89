"""Events of one channel in the order they came, each until it is done: Discord sends none twice.

discord.py starts a task for every event, so two events of a channel could overtake each other at the first
await. Here each busy channel has one worker; an event that cannot be recorded is tried again, and what
came after it waits.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Awaitable, Callable

import aiohttp
import discord
import structlog

from bot import errors

PASSING = (  # by itself: waited out, however long it takes
    errors.LogUnusable
    | errors.PlatformUnavailable
    | discord.DiscordServerError
    | discord.RateLimited
    | aiohttp.ClientError
    | OSError
)

log = structlog.get_logger()

TRIES = 8  # for an error that no waiting is known to mend
LONGEST_PAUSE = 30.0  # seconds between two tries

Job = Callable[[], Awaitable[None]]


class Lanes:
    """Implements the waiting; a lane is named after its channel's id."""

    def __init__(self, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._sleep = sleep
        self._queues: dict[int, collections.deque[Job]] = {}
        self._workers: dict[int, asyncio.Task[None]] = {}
        self._failing: set[int] = set()
        self._holders = 0
        self._closed = False
        self._open = asyncio.Event()
        self._open.set()

    def put(self, lane: int, job: Job, *, first: bool = False) -> None:
        """Do the job after what waits in that lane, or before it; nothing more once closed."""
        if self._closed:
            return
        queue = self._queues.setdefault(lane, collections.deque())
        if first:
            queue.appendleft(job)
        else:
            queue.append(job)
        if lane not in self._workers:
            self._workers[lane] = asyncio.create_task(self._work(lane), name=f"discord lane {lane}")

    def hold(self) -> None:
        """Begin nothing new until as many `release` as `hold` were called."""
        self._holders += 1
        self._open.clear()

    def release(self) -> None:
        """See `hold`."""
        self._holders -= 1
        if not self._holders:
            self._open.set()

    @property
    def stuck(self) -> int:
        """How many events cannot be recorded, or wait behind one that cannot."""
        return sum(1 + len(self._queues.get(lane, ())) for lane in self._failing)

    async def close(self) -> None:
        """Stop for good; what waits, and what still comes, is caught up on at the next start."""
        self._closed = True
        workers = list(self._workers.values())
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)

    async def _work(self, lane: int) -> None:
        queue = self._queues[lane]
        try:
            while queue:
                await self._open.wait()
                await self._do(lane, queue.popleft())
        finally:
            self._failing.discard(lane)
            del self._workers[lane], self._queues[lane]

    async def _do(self, lane: int, job: Job) -> None:
        failures = 0
        while True:
            try:
                await job()
            except Exception as error:
                failures += 1
                passing = isinstance(error, PASSING)
                log.warning(
                    "discord.event_failed",
                    channel=str(lane),
                    error=type(error).__name__,
                    failures=failures,
                    exc_info=not isinstance(error, errors.ThreadmateError | PASSING),
                )
                if isinstance(error, errors.PostGone | errors.MayNotPost) or (
                    not passing and failures >= TRIES
                ):
                    return
                self._failing.add(lane)
                await self._sleep(min(LONGEST_PAUSE, 2.0 ** (failures - 1)))
            else:
                self._failing.discard(lane)
                return
