"""The bot as a process: started, watched through its log lines, killed for real."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import dataclasses
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

State = Literal["starting", "running", "ended"]
Json = dict[str, Any]

KEPT_LINES = 400
STOP_SECONDS = 5.0


@dataclasses.dataclass(kw_only=True)
class BotProcess:
    """One bot at a time; `changed` is called after each change of state and each log line."""

    environment: Mapping[str, str]
    changed: Callable[[str, Json], None]
    state: State = "ended"
    status: int | None = None  # exit status of the last one that ended
    starts: int = 0
    since: float = dataclasses.field(default_factory=time.time)
    lines: collections.deque[Json] = dataclasses.field(
        default_factory=lambda: collections.deque(maxlen=KEPT_LINES)
    )
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None
    _ready: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Start it; returns at once. Does nothing while one runs."""
        if self._process is not None and self._process.returncode is None:
            return
        self._ready.clear()
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "playground.child",
            env={**os.environ, **self.environment},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C at the terminal is for us; we stop the bot ourselves
        )
        self._reader = asyncio.create_task(self._read(self._process), name="bot log")
        self._become("starting")

    async def kill(self) -> None:
        """End it as a power cut would: no warning, nothing is put away."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to end, and kill it when it does not."""
        await self._end(signal.SIGTERM)

    async def ready(self, seconds: float = 30.0) -> bool:
        """Wait until it is connected; False when it ended, or took longer."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ready.wait()
        return self.state == "running"

    def public(self) -> Json:
        """What the page is told."""
        pid = self._process.pid if self._process else None
        return {
            "state": self.state,
            "status": self.status,
            "starts": self.starts,
            "since": self.since,
            "pid": pid,
        }

    async def _end(self, by: signal.Signals) -> None:
        process = self._process
        if process is None or self._reader is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(by)
        try:
            await asyncio.wait_for(asyncio.shield(self._reader), STOP_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        if process.stderr is None:
            raise ValueError("the bot was started without a pipe for its log")
        async for raw in process.stderr:
            self._take(raw.decode(errors="replace").rstrip())
        self.status = await process.wait()
        if process.stdin is not None:
            process.stdin.close()
        self._ready.set()
        self._become("ended")

    def _take(self, text: str) -> None:
        try:
            line = json.loads(text)
        except ValueError:
            line = {"event": text, "level": "error"}
        if not isinstance(line, dict):
            line = {"event": text}
        self.lines.append(line)
        if line.get("event") == "bot.ready":
            self._become("running")
            self._ready.set()
        self.changed("line", line)

    def _become(self, state: State) -> None:
        self.state, self.since = state, time.time()
        self.changed("bot", self.public())
