"""How far behind the event loop is, and at which rate answers may begin because of it.

Rule: taking in comes before answering. An answer costs milliseconds of CPU at its beginning and at its end,
whatever Claude needs between; begun as fast as questions come they would make every acknowledgement wait.
So beginnings follow the lag of the loop: while it is prompt the rate rises, while it lags the rate falls
(additive increase, multiplicative decrease, as in TCP; gently, for what has begun is felt only a fifth of a
second later, and a hasty rate swings). What may not begin yet waits in the order it came.
A loop that is late because the machine gives its processor to others is not helped by holding back: only
lag that this process has worked through counts.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

TICK = 0.02  # seconds between two looks
PROMPT = 0.0015  # seconds of lag up to which more answers may begin; a post on its way in meets four such
LATE = 0.0025  # seconds of lag from which on fewer may
SLOWEST, FASTEST = 5.0, 2_000.0  # beginnings a second
FIRST = 20.0  # a process that has just begun, perhaps after a crash, takes up few of many answers at once
CALM = 200.0  # what the rate rises to while nobody waits
RISE, FALL = 0.2, 0.98  # added, and multiplied with, at a look
WEIGHT = 0.2  # of the newest lag in the one that counts: a single late look is no trend
OWN = 0.6  # share of the time between two looks that this thread must have worked for a lag to be its own
BURST = 10.0  # beginnings at once after a calm time


class Pressure:
    """Holds back what may not begin yet. Made by `watching`, or looked after by whoever made it."""

    def __init__(
        self,
        *,
        observe: Callable[[float], None],
        monotonic: Callable[[], float] = time.monotonic,
        worked: Callable[[], float] = time.thread_time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`observe` is told each lag, in seconds; `worked`: seconds of CPU that this thread has used."""
        self._observe, self._monotonic, self._worked, self._sleep = observe, monotonic, worked, sleep
        self._waiting: collections.deque[asyncio.Future[None]] = collections.deque()
        self.rate = FIRST
        self._lag = 0.0
        self._may = 1.0

    async def admitted(self) -> None:
        """Return when one more answer may begin."""
        if self._may >= 1 and not self._waiting:
            self._may -= 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        await turn

    def look(self, lag: float, *, seconds: float = TICK, own: float = 1.0) -> None:
        """Take note of a lag, that long after the last one; let go whoever may begin.

        `own`: the share of that time in which this thread worked.
        """
        self._observe(lag)
        self._lag += WEIGHT * ((lag if own > OWN else min(lag, PROMPT)) - self._lag)
        if self._lag > LATE:
            self.rate = max(SLOWEST, self.rate * FALL)
        elif self._lag <= PROMPT and (self._waiting or self.rate < CALM):
            self.rate = min(FASTEST, self.rate + RISE)
        self._may = min(1.0 + min(BURST, self.rate * TICK), self._may + self.rate * seconds)
        while self._may >= 1 and self._waiting:
            self._may -= self._let_go()

    async def watch(self) -> None:
        """Look after the loop, for ever."""
        while True:
            began, worked = self._monotonic(), self._worked()
            await self._sleep(TICK)
            seconds = self._monotonic() - began
            own = (self._worked() - worked) / max(seconds, TICK)
            self.look(max(0.0, seconds - TICK), seconds=min(seconds, 2 * TICK), own=own)

    def give_up(self) -> None:
        """Let everybody go: nobody looks after the loop any more."""
        while self._waiting:
            self._let_go()

    def _let_go(self) -> int:
        """Let the first in line begin; 1, or 0 for one that waits no more."""
        turn = self._waiting.popleft()
        if turn.done():
            return 0
        turn.set_result(None)
        return 1


@contextlib.asynccontextmanager
async def watching(*, observe: Callable[[float], None]) -> AsyncIterator[Pressure]:
    """Watch this loop; at the end whoever waits is let go. `observe` is told each lag, in seconds."""
    pressure = Pressure(observe=observe)
    task = asyncio.create_task(pressure.watch(), name="loop lag")
    try:
        yield pressure
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        pressure.give_up()
