"""What happens on Discord, told to the core: one channel's events in order, each until it is recorded."""

from __future__ import annotations

import collections
import dataclasses
import datetime as dt
import functools
from collections.abc import Awaitable, Callable

import discord
import structlog

from adapters.discord import lanes, parse, people, standings
from bot import conversation, ports
from bot.desk import commands

log = structlog.get_logger()

BEGINNING = dt.datetime(2015, 1, 1, tzinfo=dt.UTC)  # there is no older post on Discord
OWN_DELETIONS = 1000  # of the newest deletions that the bot made itself, and that are no news

Obey = Callable[[commands.Command, conversation.Home, discord.Message], Awaitable[None]]
Channel = discord.abc.GuildChannel | discord.abc.PrivateChannel | discord.Thread


class Inbound:
    """Takes messages, edits and deletions from the gateway or from history, the same way for both."""

    def __init__(
        self,
        *,
        client: discord.Client,
        intake: ports.Intake,
        queue: lanes.Lanes,
        names: people.People,
        standing: standings.Find,
        obey: Obey,
        erase_title: Callable[[int], None],
    ) -> None:
        """`erase_title` is told of each thread whose first post is deleted."""
        self._client, self._intake, self._queue, self._names = client, intake, queue, names
        self._standing, self._obey, self._erase_title = standing, obey, erase_title
        self._own_deletions: collections.deque[int] = collections.deque(maxlen=OWN_DELETIONS)

    def on_message(self, message: discord.Message) -> None:
        """A message came."""
        self._queue.put(message.channel.id, functools.partial(self.deliver, message))

    def on_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """A message was edited, by its author or by a link preview."""
        self._queue.put(event.channel_id, functools.partial(self.deliver_edit, event.message))

    def on_delete(self, channel_id: int, message_id: int) -> None:
        """A message was deleted."""
        if message_id not in self._own_deletions:
            self._queue.put(channel_id, functools.partial(self.deliver_deletion, channel_id, message_id))

    def on_vanished(self, channel_id: int) -> None:
        """A thread or a channel was deleted, with all that stood in it."""
        self._queue.put(channel_id, functools.partial(self.deliver_end, channel_id))

    def forget_own(self, message_id: int) -> None:
        """The bot is about to delete this post of its own: that is no news."""
        self._own_deletions.append(message_id)

    @property
    def me(self) -> parse.Me:
        """The bot as messages name it; known once it is logged in."""
        user = self._client.user
        if user is None:
            raise RuntimeError("no message comes before the login")
        return parse.Me(id=user.id, name=user.display_name)

    async def deliver(self, message: discord.Message) -> None:
        """Record a message, obey it, or pass it by. Raises what the intake raises: try again then."""
        me = self.me
        if parse.ignored(message, me) is not None:
            return
        seat = await self._seat(message)
        known = await self._known(seat)
        if known is not None and await self._intake.needs_mention(known):
            me = dataclasses.replace(me, needs_mention=True)
        post = parse.post(message, seat, me, known)
        if post is None:
            return
        scope = seat.home.workspace or seat.home.channel
        self._names.saw(scope, post.author_name, post.author)
        for user in message.mentions:
            self._names.saw(scope, user.display_name, str(user.id))
        standing = await self._standing(message.author, seat.home)
        post = dataclasses.replace(post, standing=standing)
        command = parse.command(post, seat)
        if command is not None:
            await self._obey(command, seat.home, message)
            return
        new = await self._intake.post(post, seat.home)
        log.info("discord.event_recorded", conversation=post.conversation, post=post.id, new=new)

    async def deliver_edit(self, message: discord.Message) -> None:
        """Carry an edit into the log; link previews come without a time of editing."""
        me = self.me
        if message.edited_at is None or parse.ignored(message, me) is not None:
            return
        conversation_id = await self._intake.find(parse.PLATFORM, str(message.id))
        if conversation_id is None:
            return
        standing = await self._standing(message.author, (await self._seat(message)).home)
        changed = await self._intake.edit(
            conversation_id,
            str(message.id),
            parse.text(message, me),
            message.edited_at,
            attachments=parse.files(message),
            standing=standing,
        )
        log.info("discord.edit_recorded", conversation=conversation_id, post=str(message.id), changed=changed)

    async def _seat(self, message: discord.Message) -> parse.Seat:
        channel = await self._resolve(message.channel)
        return parse.seat(message, channel if isinstance(channel, discord.Thread) else None, self.me)

    async def _resolve(self, channel: object) -> object:
        """The channel with its kind: an event can come before the client knows the thread it stands in."""
        if not isinstance(channel, discord.PartialMessageable):
            return channel
        try:
            return await self.channel(channel.id)
        except (discord.NotFound, discord.Forbidden):
            return channel

    async def channel(self, channel_id: int) -> Channel:
        """A channel from the client's cache, or asked of Discord."""
        return self._client.get_channel(channel_id) or await self._client.fetch_channel(channel_id)

    async def _known(self, seat: parse.Seat) -> conversation.ConversationId | None:
        if seat.kind == "thread":
            return seat.opens if await self._intake.holds(seat.opens) else None
        if seat.answers is not None:
            return await self._intake.find(parse.PLATFORM, seat.answers)
        return None

    async def deliver_deletion(self, channel_id: int, message_id: int) -> None:
        """Erase a post, also one that was never recorded where its thread or DM is known.

        What links brought in of it stands under the id of its thread or DM, or of a thread that was opened
        from it, known or not; most of what is deleted in a server was never heard of, and leaves no trace.
        """
        post_id, here = str(message_id), parse.conversation_id(channel_id)
        known = await self._intake.find(parse.PLATFORM, post_id)
        if known is None and await self._intake.holds(here):
            known = here
        if known is not None:
            await self._intake.delete(known, post_id)
            log.info("discord.deletion_recorded", conversation=known, post=post_id)
        thread = self._client.get_channel(message_id)  # has the id of the post it was opened from
        if known == parse.conversation_id(message_id) or isinstance(thread, discord.Thread):
            self._erase_title(message_id)
        for elsewhere in {here, parse.conversation_id(message_id)} - {known}:
            await self._intake.delete(elsewhere, post_id, expected=False)

    async def deliver_end(self, channel_id: int) -> None:
        """Erase the conversation of a deleted thread, or every one that hung in a deleted channel."""
        ended = {parse.conversation_id(channel_id)}
        for known in await self._intake.homes(parse.PLATFORM, BEGINNING):
            if known.home.channel == str(channel_id):
                ended.add(known.conversation_id)
        for conversation_id in sorted(ended):
            posts = await self._intake.gone(conversation_id)
            log.info("discord.thread_deleted", conversation=conversation_id, posts=posts)
