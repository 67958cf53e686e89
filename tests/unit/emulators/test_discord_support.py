"""What the Discord emulator's tests share: a client that writes down what it hears, and a small server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import discord
import yarl

from emulators import discord as fake


class Bot(discord.Client):
    """A client that writes down what it hears; it identifies again at once, where the library waits 5 s."""

    def __init__(self, **options: Any) -> None:
        intents = options.pop("intents", None) or discord.Intents(
            guilds=True, messages=True, reactions=True, typing=True, message_content=True
        )
        options.setdefault("allowed_mentions", discord.AllowedMentions.none())
        super().__init__(intents=intents, guild_ready_timeout=0.05, **options)
        self.heard: list[tuple[str, Any]] = []
        self.news = asyncio.Event()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait."""

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """Keep each event, then go on as usual."""
        super().dispatch(event, *args, **kwargs)
        self.heard.append((event, args[0] if args else None))
        self.news.set()
        self.news = asyncio.Event()

    def all(self, event: str) -> list[Any]:
        """What came with each event of a name."""
        return [what for name, what in self.heard if name == event]

    async def hears(self, event: str, count: int = 1) -> list[Any]:
        """Wait until an event came so many times."""
        async with asyncio.timeout(10):
            while len(self.all(event)) < count:
                await self.news.wait()
        return self.all(event)


class ShardedBot(Bot, discord.AutoShardedClient):
    """The same with the library's sharding."""


@contextlib.asynccontextmanager
async def running(service: fake.Discord, bot: Bot) -> AsyncIterator[Bot]:
    """Connect a bot to the service, and close it in the end."""
    discord.http.Route.BASE = service.api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(service.gateway_url)
    task = asyncio.create_task(bot.start(service.token))
    ready = asyncio.create_task(bot.hears("ready"))
    try:
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield bot
    finally:
        ready.cancel()
        await bot.close()
        with contextlib.suppress(asyncio.CancelledError, discord.DiscordException):
            await task


class Room:
    """A server with one channel and two people."""

    def __init__(self, service: fake.Discord) -> None:
        self.guild = service.add_guild("Team")
        self.channel = service.add_channel(self.guild, "general")
        self.ada = service.add_user("Ada")
        self.bob = service.add_user("Bob")
        for user in (self.ada, self.bob):
            service.join(self.guild, user)


class Clock:
    """A clock that a test turns."""

    now = 1_795_000_000.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now
