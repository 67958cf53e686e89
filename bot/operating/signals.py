"""SIGTERM and SIGINT: the first asks for an orderly end, the second for one at once. SIGHUP is nothing."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger()


class Stops:
    """Listens from when it is made; in a running loop."""

    def __init__(self) -> None:
        self.first, self.second = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(name, self._asked)
        hangup = {"do": "restart it: settings are read at the start"}
        loop.add_signal_handler(signal.SIGHUP, lambda: log.info("bot.hangup_ignored", **hangup))

    def _asked(self) -> None:
        if self.first.is_set():
            self.second.set()
        self.first.set()

    async def unless_hurried(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work to its end, or until the second signal: what is left of it is cancelled."""
        tasks = [asyncio.create_task(work), asyncio.create_task(self.second.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
