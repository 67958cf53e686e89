"""The bot as its operator handles it: set up, started, stopped, killed; in this process or in its own."""

from __future__ import annotations

import abc
import asyncio
import contextlib
import os
import pathlib
import sys
from collections.abc import AsyncIterator
from typing import Any

from bot import __main__ as program
from bot import settings
from emulators import claude

ROOT = pathlib.Path(__file__).parents[2]
KEY = "sk-ant-emulated"


class Operated(abc.ABC):
    """Runs the bot against a Claude and a platform, on a log in `folder`."""

    def __init__(self, *, api: claude.Claude, folder: pathlib.Path) -> None:
        self.claude = api
        self.folder = folder
        self.options: dict[str, Any] = {}
        self._running: contextlib.AsyncExitStack | None = None
        self._bot: program.Bot
        self._process: asyncio.subprocess.Process | None = None

    @abc.abstractmethod
    async def idle(self) -> None:
        """Wait until the bot has heard everything and has nothing left to do."""

    @abc.abstractmethod
    def credentials(self) -> dict[str, str]:
        """The settings that point the bot at this platform."""

    @property
    def settings(self) -> dict[str, Any]:
        """Every setting the bot is started with, by lower-case name."""
        return {
            "anthropic_api_key": KEY,
            "anthropic_base_url": self.claude.url,
            "database_url": f"sqlite:///{self.folder / 'bot.db'}",
            "bot_http_port": 0,
            **self.credentials(),
            **self.options,
        }

    async def start(self, **options: Any) -> None:
        """Start the bot in this process; `options` are settings that stay for later starts."""
        self.options.update(options)
        chosen = settings.load(_env_file=None, **self.settings)
        async with contextlib.AsyncExitStack() as stack:
            self._bot = await stack.enter_async_context(program.running(chosen, sleep=_at_once))
            stays = [asyncio.create_task(each.run(), name="run") for each in self._bot.adapters.values()]
            stack.push_async_callback(_ended, stays)
            self._running = stack.pop_all()
        await asyncio.sleep(0)  # each has begun to catch up
        await self.connected()

    @abc.abstractmethod
    async def connected(self) -> None:
        """Wait until events reach the bot."""

    @property
    def port(self) -> int:
        """The running bot's own HTTP port."""
        return self._bot.port

    async def stop(self, *, patience: float = 0.0) -> None:
        """Stop the bot, which waits so many seconds for running answers; without effect when it is down."""
        stack, self._running = self._running, None
        if stack is not None:
            await self._bot.workers.drain(patience)
            await stack.aclose()

    async def spawn(self) -> None:
        """Start the bot as its operator does, in a process of its own; it takes part until `kill`."""
        variables = {name.upper(): str(value) for name, value in self.settings.items()}
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot",
            cwd=self.folder,
            env={**os.environ, **variables, "PYTHONPATH": str(ROOT)},
            stderr=asyncio.subprocess.DEVNULL,
        )
        await self.connected()

    def signal(self, number: int) -> None:
        """Send that process a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End that process at once, as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.wait()
        await self.disconnected()

    @abc.abstractmethod
    async def disconnected(self) -> None:
        """Wait until the platform has noticed that the bot is gone."""

    @property
    def running(self) -> program.Bot:
        """The bot that was started in this process."""
        return self._bot

    async def stored(self) -> list[str]:
        """The texts of every post in the log, conversation by conversation, in order."""
        book = self._bot.book
        return [post.text for each in await book.conversations() async for post in book.posts(each)]

    async def restart(self, **options: Any) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start(**options)

    @contextlib.asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """The bot is down inside the block, and back and done catching up after it."""
        await self.stop()
        yield
        await self.start()
        await self.idle()


async def _at_once(_seconds: float) -> None:
    """How the core waits between two tries in a test: others come first, and that is all."""
    await asyncio.sleep(0)


async def _ended(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
