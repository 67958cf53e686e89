"""The launcher's process, held from the torture's: bots are started, waited for and killed here."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any

ROOT = pathlib.Path(__file__).parents[2]


class Nursery:
    """One launcher process. Only one bot of it is waited for at a time."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._turn = asyncio.Lock()
        self._alive: set[int] = set()

    async def start(
        self,
        *,
        env: Mapping[str, str],
        folder: pathlib.Path,
        log: pathlib.Path,
        kill: tuple[str, int] | None = None,
        slow: float = 0.0,
        clock: pathlib.Path | None = None,
        memory: pathlib.Path | None = None,
    ) -> int:
        """Start a bot; its process id.

        `kill`: the step at which it ends by itself, and at which pass. `memory`: the file in which it tells
        what it holds.
        """
        wish = {"env": dict(env), "folder": str(folder), "log": str(log), "kill": kill, "slow": slow}
        wish["clock"] = None if clock is None else str(clock)
        wish["memory"] = None if memory is None else str(memory)
        pid = int((await self._ask({"start": wish}))["pid"])
        self._alive.add(pid)
        return pid

    async def ended(self, pid: int) -> int:
        """Wait until a bot is gone; its exit status, negative for a signal."""
        status = int((await self._ask({"wait": pid}))["status"])
        self._alive.discard(pid)
        return status

    async def kill(self, pid: int) -> None:
        """End a bot as a power cut does, and wait until it is gone."""
        if pid in self._alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            await self.ended(pid)

    async def close(self) -> None:
        """End every bot that is left, then the launcher."""
        for pid in list(self._alive):
            await self.kill(pid)
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self._process.wait()

    async def _ask(self, wish: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        async with self._turn:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            await self._process.stdin.drain()
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the launcher has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextlib.asynccontextmanager
async def opened(*, root: pathlib.Path = ROOT) -> AsyncIterator[Nursery]:
    """A launcher that runs the source tree at `root`."""
    env = {**os.environ, "PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.torture.launcher",
        cwd=root,
        env=env,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    nursery = Nursery(process)
    try:
        yield nursery
    finally:
        await nursery.close()
