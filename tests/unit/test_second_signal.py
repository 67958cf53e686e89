"""SIGTERM once is patient, twice is not."""

import asyncio
import os
import signal

from bot.operating import signals


async def test_a_second_signal_cuts_what_the_first_would_wait_for() -> None:
    """The first asks for the end; work goes on until it is done, or until the second comes."""
    stops = signals.Stops()
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        await stops.first.wait()
        await stops.unless_hurried(asyncio.sleep(0))
        assert not stops.second.is_set()
        waiting = asyncio.create_task(stops.unless_hurried(asyncio.Event().wait()))  # type: ignore[arg-type] # its result counts for nothing
        os.kill(os.getpid(), signal.SIGTERM)
        await waiting
        assert stops.second.is_set()
    finally:
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            asyncio.get_running_loop().remove_signal_handler(name)
