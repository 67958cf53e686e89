"""Laws of `bot.operating.pressure`."""

from __future__ import annotations

import asyncio

from bot.operating import pressure


class Line:
    """Some who want to begin, in a row."""

    def __init__(self) -> None:
        self.lags: list[float] = []
        self.pressure = pressure.Pressure(observe=self.lags.append)
        self.begun: list[int] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def wants(self, number: int) -> None:
        """One more wants to begin."""

        async def begin() -> None:
            await self.pressure.admitted()
            self.begun.append(number)

        self.tasks.append(asyncio.create_task(begin()))
        await asyncio.sleep(0)

    async def looks(self, times: int, *, lag: float) -> None:
        """So many looks at the loop go by."""
        for _ in range(times):
            self.pressure.look(lag)
            await asyncio.sleep(0)


async def test_on_a_prompt_loop_nobody_waits() -> None:
    """A handful of answers begin at once, without a look in between."""
    line = Line()
    await line.looks(1_000, lag=0.0)  # twenty seconds
    for number in range(4):
        await line.wants(number)
    assert line.begun == [0, 1, 2, 3]


async def test_a_process_that_has_just_begun_takes_its_time() -> None:
    """Of many answers that are due few begin in the first second, and more in each one after."""
    line = Line()
    for number in range(200):
        await line.wants(number)
    counts = []
    for _ in range(3):
        before = len(line.begun)
        await line.looks(50, lag=0.0)
        counts.append(len(line.begun) - before)
    assert counts[0] < 1.5 * pressure.FIRST
    assert counts[0] < counts[1] < counts[2]
    line.pressure.give_up()
    await asyncio.gather(*line.tasks)


async def test_a_late_loop_lets_fewer_begin() -> None:
    """While the loop lags the rate falls, to the slowest that there is and no further."""
    line = Line()
    await line.looks(100, lag=0.2)
    assert line.pressure.rate == pressure.SLOWEST
    for number in range(50):
        await line.wants(number)
    before = len(line.begun)
    await line.looks(50, lag=0.2)  # a second
    assert 0 < len(line.begun) - before <= pressure.SLOWEST
    line.pressure.give_up()
    await asyncio.gather(*line.tasks)


async def test_a_machine_that_is_busy_elsewhere_holds_nothing_back() -> None:
    """A lag in which this process could not work is no reason to answer less."""
    line = Line()
    for _ in range(100):
        line.pressure.look(0.2, own=0.3)
    assert line.pressure.rate >= pressure.FIRST


async def test_whoever_waits_begins_in_the_order_they_came() -> None:
    """Once the loop is prompt again all begin, first come first, and the rate rises."""
    line = Line()
    await line.looks(100, lag=0.2)
    for number in range(60):
        await line.wants(number)
    await line.looks(200, lag=0.0)
    assert line.begun == list(range(60))
    assert line.pressure.rate > pressure.SLOWEST


async def test_whoever_is_cancelled_takes_no_turn() -> None:
    """One that waits no more lets the next one begin in its place."""
    line = Line()
    await line.looks(100, lag=0.2)
    for number in range(4):
        await line.wants(number)
    waiting = [task for task in line.tasks if not task.done()]
    waiting[0].cancel()
    await asyncio.gather(waiting[0], return_exceptions=True)
    done = len(line.begun)
    await line.looks(15, lag=0.2)  # one turn, and half of the next
    assert len(line.begun) == done + 1
    line.pressure.give_up()
    await asyncio.gather(*line.tasks, return_exceptions=True)


async def test_each_lag_is_told() -> None:
    """What was seen is handed on, for the metrics."""
    line = Line()
    await line.looks(1, lag=0.25)
    assert line.lags == [0.25]


async def test_watching_measures_a_block() -> None:
    """A loop that was blocked is told of with how long it was."""
    lags: list[float] = []
    async with pressure.watching(observe=lags.append) as watched:
        while not lags:  # noqa: ASYNC110 - what is waited for is the loop itself
            await asyncio.sleep(pressure.TICK)
        await watched.admitted()
    assert min(lags) >= 0
