"""discord.py's client: what it asks for, and whom it tells. Its ends in the words of the core."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import aiohttp
import discord
import structlog
from discord import app_commands

from adapters.discord import calls, places
from bot import errors

log = structlog.get_logger()

TOKEN_CLOSED = 4004  # "Gateway Close Event Codes" in Discord's documentation; 4014 has its own exception
IDENTIFY_EVERY = 5.0  # seconds; "Session Start Limit" there
BAD_TOKEN = "Discord does not accept DISCORD_BOT_TOKEN: copy it anew from the developer portal, under Bot."  # noqa: S105 - a sentence
NO_INTENT = (
    "Discord refuses the message content intent: turn on Message Content Intent at "
    "https://discord.com/developers/applications, under Bot, Privileged Gateway Intents."
)


class Listener(Protocol):
    """Who is told of events. None of the first three may wait: the order of events is the order of calls."""

    def message(self, message: discord.Message) -> None:
        """A message came."""

    def edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """A message was edited, or a link preview added."""

    def deletion(self, channel_id: int, message_id: int) -> None:
        """A message was deleted."""

    def interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """Somebody used a command, or pressed something."""

    async def reaction(self, event: discord.RawReactionActionEvent) -> None:
        """Somebody put an emoji to a message."""

    def vanished(self, channel_id: int) -> None:
        """A thread or a channel was deleted, with all that stood in it."""


class Sessions(Protocol):
    """Who is told of the connections."""

    async def began(self, shard_id: int) -> None:
        """A shard has a new session: nothing that was missed is replayed."""

    def resumed(self, shard_id: int) -> None:
        """A shard has its session back, and what was missed was replayed."""

    def lost(self, shard_id: int) -> None:
        """A shard has no connection."""


class Client(discord.AutoShardedClient):
    """The library's sharded client: it serves one shard as well, and outlives a first connect that fails."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
        trace: aiohttp.TraceConfig,
    ) -> None:
        """`clock` and `sleep` rule all waiting; `trace` listens to the calls of the API."""
        # The library warns at each start that it cannot speak in voice channels, which nobody asks of it.
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False
        super().__init__(
            intents=discord.Intents(
                guilds=True,
                guild_messages=True,
                dm_messages=True,
                guild_reactions=True,
                dm_reactions=True,
                message_content=True,
            ),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            max_ratelimit_timeout=calls.LONGEST_LIMIT,
            http_trace=trace,
        )
        self._sleep = sleep
        self.tree = app_commands.CommandTree(
            self,
            allowed_contexts=app_commands.AppCommandContext(guild=True, dm_channel=True),
            allowed_installs=app_commands.AppInstallationType(guild=True),
        )
        self.listener: Listener | None = None
        self.sessions: Sessions | None = None
        calls.bound(self.http, clock=clock)
        # An event that the library cannot read would end the connection: it lets a parser's error through.
        self._connection.parsers = {
            name: _guarded(name, parse, self._complete) for name, parse in self._connection.parsers.items()
        }
        create = self._connection.create_message
        self._connection.create_message = lambda *, channel, data: create(  # type: ignore[method-assign]
            channel=channel, data=_whole(data)
        )

    def _complete(self, name: str, data: Any) -> None:
        """Add to an event what the library takes for granted and a gateway may leave out.

        A READY for the one shard there is need not say which. And a post of a guild that the gateway has not
        told of would count as a direct message: everybody's talk in a channel would be answered.
        """
        if name == "READY" and self.shard_count == 1:
            data.setdefault("shard", [0, 1])
        if name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE"):
            return
        _whole(data)
        if data.get("guild_id"):
            places.know_guild(self, data["guild_id"])

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:  # noqa: ARG002 - the library's signature
        """Keep Discord's distance between two sessions, by the clock that rules all waiting here."""
        if not initial:
            await self._sleep(IDENTIFY_EVERY)

    async def on_message(self, message: discord.Message) -> None:
        """See Listener; the library starts each of these as a task of its own, in the order of events."""
        if self.listener is not None:
            self.listener.message(message)

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """See Listener."""
        if self.listener is not None:
            self.listener.edit(event)

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        """See Listener."""
        if self.listener is not None:
            self.listener.deletion(event.channel_id, event.message_id)

    async def on_raw_bulk_message_delete(self, event: discord.RawBulkMessageDeleteEvent) -> None:
        """See Listener."""
        if self.listener is not None:
            for message_id in sorted(event.message_ids):
                self.listener.deletion(event.channel_id, message_id)

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        """See Listener."""
        if self.listener is not None:
            await self.listener.reaction(event)

    async def on_interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """See Listener."""
        if self.listener is not None:
            self.listener.interaction(interaction)

    async def on_raw_thread_delete(self, event: discord.RawThreadDeleteEvent) -> None:
        """See Listener."""
        if self.listener is not None:
            self.listener.vanished(event.thread_id)

    async def on_guild_channel_delete(self, channel: discord.abc.GuildChannel) -> None:
        """See Listener."""
        if self.listener is not None:
            self.listener.vanished(channel.id)

    async def on_shard_connect(self, shard_id: int) -> None:
        """See Sessions; the library says "connect" for READY, which stands before the session's events."""
        if self.sessions is not None:
            await self.sessions.began(shard_id)

    async def on_shard_resumed(self, shard_id: int) -> None:
        """See Sessions."""
        if self.sessions is not None:
            self.sessions.resumed(shard_id)

    async def on_shard_disconnect(self, shard_id: int) -> None:
        """See Sessions."""
        if self.sessions is not None:
            self.sessions.lost(shard_id)

    async def on_error(self, event_method: str, /, *_: Any, **__: Any) -> None:
        """Log what a listener let through, without the event, which holds what people wrote."""
        log.error("discord.listener_failed", listener=event_method, exc_info=True)  # noqa: LOG014 - called in a handler


def _whole(message: Any) -> Any:
    """A message with the lists that Discord's reference calls optional: the library has no attribute else."""
    for name in ("components", "mentions", "mention_roles"):
        message.setdefault(name, [])
    return message


def _guarded(
    name: str, parse: Callable[[Any], None], complete: Callable[[str, Any], None]
) -> Callable[[Any], None]:
    def guarded(data: Any) -> None:
        try:
            complete(name, data)
            parse(data)
        except Exception:
            if name in ("READY", "RESUMED"):
                raise  # without these there is no session
            log.exception("discord.event_unreadable", name=name)

    return guarded


async def advised(client: discord.Client, given: str | None) -> tuple[int, str]:
    """How many shards Discord advises (one where it does not), and the gateway's address, `given` or asked.

    Raises PlatformUnavailable where there is no address, or what the library raises for a passing fault.
    """
    told: dict[str, Any] = {}
    for path in ("/gateway/bot", *(() if given else ("/gateway",))):
        with contextlib.suppress(discord.NotFound):
            told = told or await client.http.request(discord.http.Route("GET", path))
    if not (url := given or told.get("url")):
        raise errors.PlatformUnavailable("Discord names no gateway")
    return int(told.get("shards") or 1), str(url)


async def outcome(connection: Awaitable[None]) -> None:
    """How the connection ended. Raises CredentialError or PlatformUnavailable; None when it was closed."""
    try:
        await connection
    except discord.PrivilegedIntentsRequired as error:
        raise errors.CredentialError(NO_INTENT) from error
    except discord.ConnectionClosed as error:
        if error.code == TOKEN_CLOSED:
            raise errors.CredentialError(BAD_TOKEN) from error
        raise errors.PlatformUnavailable(f"Discord closed the gateway: {error.code}") from error
    except Exception as error:
        raise errors.PlatformUnavailable(f"the gateway failed: {type(error).__name__}") from error


async def login(client: discord.Client, token: str) -> None:
    """Log in; repeatable. Raises CredentialError, or what the library raises for a passing fault."""
    try:
        await client.login(token)
    except discord.LoginFailure as error:
        await client.http.close()
        raise errors.CredentialError(BAD_TOKEN) from error
    except (discord.DiscordException, OSError, asyncio.CancelledError):
        # Another login makes a new session, which would use the closed connector of this one.
        await client.http.close()
        client.http.connector = discord.utils.MISSING
        raise
