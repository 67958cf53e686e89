"""What was missed while no gateway session stood: read from history, through the same door as events.

A resumed session replays what it missed; a new one does not. So on every new session: posts in the threads
and direct messages the bot is in, mentions in the channels where it has answered, and edits of both, at
most a day back. Deleted posts are not in history and are known by their events alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import functools
from collections.abc import Callable, Sequence

import discord
import structlog

from adapters.discord import calls, inbound, lanes, parse
from bot import errors, ports

log = structlog.get_logger()

REACH = dt.timedelta(days=1)
MEMORY = dt.timedelta(days=30)  # conversations and channels without a post for longer are not looked at
MOST_CHANNELS, MOST_POSTS = 2000, 5000  # bounds of one catch-up, the newest first
AT_ONCE = 8  # channels read at the same time
PATIENCE = 120.0  # seconds that one channel's history is asked for
GUILD_SECONDS = 10.0


@dataclasses.dataclass(frozen=True, kw_only=True)
class Visit:
    """A channel to read: from where on, and which posts count as missed."""

    channel: int
    workspace: str
    known: int  # posts up to this id are only looked at for edits; 0: the log sorts out what it knows
    may_be_absent: bool = False  # a thread that a question may or may not have


class CatchUp:
    """Reads what was missed; one pass per new gateway session."""

    def __init__(
        self,
        *,
        client: discord.Client,
        intake: ports.Intake,
        door: inbound.Inbound,
        queue: lanes.Lanes,
        api: Callable[[], calls.Calls],
        now: Callable[[], dt.datetime],
    ) -> None:
        self._client, self._intake, self._door = client, intake, door
        self._queue, self._api, self._now = queue, api, now
        self._turnstile = asyncio.Semaphore(AT_ONCE)

    async def plan(self, gap: dt.datetime | None) -> int:
        """Put a reading before the events that wait in each channel; how many channels that are.

        `gap` is when this process lost its session, None when it has just started: then posts newer than
        the log's newest are missed ones, else all those since the gap, of which the log knows some.
        """
        now = self._now()
        since = max(now - REACH, gap) if gap is not None else now - REACH
        visits = self._visits(await self._intake.homes(parse.PLATFORM, now - MEMORY), since, gap)
        planned = {visit.channel for visit in visits}
        for visit in visits:
            self._queue.put(visit.channel, functools.partial(self._read, visit, since, planned), first=True)
        log.info("discord.catching_up", channels=len(visits))
        return len(visits)

    def _visits(
        self, known: Sequence[ports.Known], since: dt.datetime, gap: dt.datetime | None
    ) -> list[Visit]:
        visits: dict[int, Visit] = {}
        for each in sorted(known, key=lambda each: each.newest_at, reverse=True):
            home, root = each.home, parse.root(each.conversation_id)
            newest = int(each.newest_post or 0)
            if gap is not None:
                newest = min(newest, discord.utils.time_snowflake(since))
            in_thread = bool(home.workspace)
            address = root if in_thread else int(home.address)
            visits[address] = Visit(
                channel=address, workspace=home.workspace, known=newest, may_be_absent=in_thread
            )
            if in_thread:
                parent = int(home.channel)
                visits.setdefault(parent, Visit(channel=parent, workspace=home.workspace, known=0))
        return list(visits.values())[:MOST_CHANNELS]

    async def _read(self, visit: Visit, since: dt.datetime, planned: set[int]) -> None:
        async with self._turnstile:
            try:
                await self._guild_is_here(visit.workspace)
                messages = await self._api().make(
                    functools.partial(self._messages, visit, since), patience=PATIENCE
                )
            except (errors.PostGone, errors.MayNotPost) as error:
                if not visit.may_be_absent:
                    log.info("discord.no_catch_up", channel=str(visit.channel), error=type(error).__name__)
                return
        for message in messages:
            if message.id > visit.known:
                await self._door.deliver(message)
            await self._door.deliver_edit(message)
        self._look_below(visit, since, planned)

    def _look_below(self, visit: Visit, since: dt.datetime, planned: set[int]) -> None:
        """Read a channel's threads that the log does not know: the bot may be mentioned in them."""
        channel = self._client.get_channel(visit.channel)
        if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
            return
        for thread in channel.threads:
            if thread.id in planned or (thread.last_message_id or 0) < discord.utils.time_snowflake(since):
                continue
            planned.add(thread.id)
            below = Visit(channel=thread.id, workspace=visit.workspace, known=0, may_be_absent=True)
            self._queue.put(thread.id, functools.partial(self._read, below, since, planned), first=True)

    async def _messages(self, visit: Visit, since: dt.datetime) -> list[discord.Message]:
        """The channel's messages since then, oldest first; of too many, the newest."""
        channel = await self._door.channel(visit.channel)
        if not isinstance(channel, discord.abc.Messageable):
            return []
        history = channel.history(after=since, limit=MOST_POSTS, oldest_first=False)
        return [message async for message in history][::-1]

    async def _guild_is_here(self, workspace: str) -> None:
        """Wait until the gateway has told about the guild: roles and names come from it."""
        guild = self._client.get_guild(int(workspace)) if workspace else None
        if guild is None or not guild.unavailable:
            return
        try:
            await self._client.wait_for(
                "guild_available", check=lambda found: found.id == guild.id, timeout=GUILD_SECONDS
            )
        except TimeoutError:
            log.warning("discord.guild_unavailable", guild=workspace)
