"""What was missed while no gateway session stood: read from history, through the same door as events.

A resumed session replays what it missed; a new one does not. So on every new session: posts in the threads
and direct messages the bot is in, mentions in the channels where it has answered, and edits and deletions of
both, at most a day back. A post that the log has and history has not is asked for by its id: it is erased
only when Discord says that it does not know it.
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
MOST_LOOKS = 200  # posts of a conversation that are asked for one by one
UNKNOWN_MESSAGE = 10008  # "JSON Error Codes" in Discord's documentation
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
    parent: int | None = None  # of a thread that a question may or may not have: the channel above


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
        since = now - REACH
        visits = self._visits(await self._intake.homes(parse.PLATFORM, now - MEMORY), gap)
        planned = {visit.channel for visit in visits}
        for visit in visits:
            self._queue.put(visit.channel, functools.partial(self._read, visit, since, planned), first=True)
        log.info("discord.catching_up", channels=len(visits))
        return len(visits)

    def _visits(self, known: Sequence[ports.Known], gap: dt.datetime | None) -> list[Visit]:
        visits: dict[int, Visit] = {}
        for each in sorted(known, key=lambda each: each.newest_at, reverse=True):
            home, root = each.home, parse.root(each.conversation_id)
            newest = int(each.newest_post or 0)
            if gap is not None:
                newest = min(newest, discord.utils.time_snowflake(gap))
            in_thread = bool(home.workspace)
            address = root if in_thread else int(home.address)
            parent = int(home.channel) if in_thread else None
            visits[address] = Visit(channel=address, workspace=home.workspace, known=newest, parent=parent)
            if parent is not None:
                visits.setdefault(parent, Visit(channel=parent, workspace=home.workspace, known=0))
        return list(visits.values())[:MOST_CHANNELS]

    async def _read(self, visit: Visit, since: dt.datetime, planned: set[int]) -> None:
        async with self._turnstile:
            ids = await self._intake.posts_since(parse.conversation_id(visit.channel), since)
            try:
                await self._guild_is_here(visit.workspace)
                messages = await self._api().make(
                    functools.partial(self._messages, visit, since), patience=PATIENCE
                )
            except errors.MayNotPost:
                log.info("discord.no_catch_up", channel=str(visit.channel))
                return
            except errors.PostGone:
                messages = []
        # Edits first: what is answered next must stand on what they say.
        for message in [*await self._root(visit, since), *messages]:
            await self._door.deliver_edit(message)
        for message in messages:
            if message.id > visit.known:
                await self._door.deliver(message)
        await self._look_for_deleted(visit, ids, {str(message.id) for message in messages})
        self._look_below(visit, since, planned)

    async def _look_for_deleted(self, visit: Visit, ids: Sequence[str], seen: set[str]) -> None:
        """Erase what of these posts, which the log had before the reading, Discord no longer has."""
        for post_id in [each for each in ids if each not in seen][-MOST_LOOKS:]:
            if await self._is_gone(visit, int(post_id)):
                await self._door.deliver_deletion(visit.channel, int(post_id))

    async def _is_gone(self, visit: Visit, post_id: int) -> bool:
        """Whether Discord says so, of the thread or the channel above, where a thread's first post stands."""

        async def is_unknown(channel_id: int) -> bool:
            channel = await self._door.channel(channel_id)
            try:
                if isinstance(channel, discord.abc.Messageable):
                    await channel.fetch_message(post_id)
            except discord.NotFound as error:
                if error.code != UNKNOWN_MESSAGE:
                    raise
                return True
            return False

        gone = False
        for channel_id in (visit.channel, visit.parent):
            if channel_id is None:
                continue
            try:
                look = functools.partial(is_unknown, channel_id)
                gone = await self._api().make(look, patience=PATIENCE)
            except errors.PostGone:
                continue  # no such thread
            except errors.MayNotPost:
                return False
            if not gone:
                return False
        return gone

    def _look_below(self, visit: Visit, since: dt.datetime, planned: set[int]) -> None:
        """Read a channel's threads that the log does not know: the bot may be mentioned in them."""
        channel = self._client.get_channel(visit.channel)
        if not isinstance(channel, discord.TextChannel | discord.ForumChannel):
            return
        for thread in channel.threads:
            if thread.id in planned or (thread.last_message_id or 0) < discord.utils.time_snowflake(since):
                continue
            planned.add(thread.id)
            below = Visit(channel=thread.id, workspace=visit.workspace, known=0, parent=channel.id)
            self._queue.put(thread.id, functools.partial(self._read, below, since, planned), first=True)

    async def _messages(self, visit: Visit, since: dt.datetime) -> list[discord.Message]:
        """The channel's messages since then, oldest first; of too many, the newest."""
        channel = await self._door.channel(visit.channel)
        if not isinstance(channel, discord.abc.Messageable):
            return []
        history = channel.history(after=since, limit=MOST_POSTS, oldest_first=False)
        return [message async for message in history][::-1]

    async def _root(self, visit: Visit, since: dt.datetime) -> list[discord.Message]:
        """The post a thread was opened from, which stands in the channel above; none if it is older."""
        if visit.parent is None or visit.channel < discord.utils.time_snowflake(since):
            return []
        channel = await self._door.channel(visit.parent)
        if not isinstance(channel, discord.abc.Messageable):
            return []
        look = functools.partial(channel.fetch_message, visit.channel)
        try:
            return [await self._api().make(look, patience=PATIENCE)]
        except (errors.PostGone, errors.MayNotPost):
            return []  # a thread without such a post, or one that was deleted: that is looked for below

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
