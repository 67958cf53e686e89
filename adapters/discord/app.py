"""Discord as a platform: connects, listens, and opens the answers. The door of this package.

    async with app.Discord(token=…, intake=…) as discord:
        await discord.run()

Rule: an event is told to the core in the order of its channel, and until the core has it (inbound, lanes);
what no event told is read from history (catchup).
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

import discord
import structlog
import yarl
from aiohttp import web

from adapters import platform_time
from adapters.discord import (
    asking,
    backfill,
    calls,
    catchup,
    commanding,
    downloads,
    gateway,
    inbound,
    lanes,
    links,
    markup,
    notices,
    parse,
    people,
    places,
    pressing,
    reply,
    sessions,
    standings,
    subject,
    waiting,
)
from bot import conversation, linking, ports
from bot.showing import pacing

log = structlog.get_logger()

API_URL = "https://discord.com/api/v10"
FIRST = 0.5  # seconds of text before the first post: its beginning is what a notification shows
INTERVAL = 1.2  # seconds between edits: a channel takes about five in five seconds
LOGIN_SECONDS = 120.0  # how long a start waits for Discord to answer at all
PATIENCE = 60.0  # seconds that history is asked for


class Discord:
    """Implements ports.Platform on one bot account. `monotonic` and `sleep` rule all waiting."""

    name = parse.PLATFORM

    def __init__(
        self,
        *,
        token: str,
        intake: ports.Intake,
        api_url: str = API_URL,
        gateway_url: str | None = None,
        access_ids: frozenset[str] = frozenset(),
        limited: Callable[[], None] = lambda: None,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._token, self._api_url, self._gateway_url = token, api_url.rstrip("/"), gateway_url
        self._limited = limited
        self._intake, self._monotonic, self._sleep = intake, monotonic, sleep
        self._now = platform_time.Clock(api_url=api_url, now=now, monotonic=monotonic)
        self.client = gateway.Client(clock=monotonic, sleep=sleep, trace=self._now.trace())
        self._queue = lanes.Lanes(sleep=sleep)
        self._names = people.People()
        self._downloads = downloads.Downloads(client=self.client, api=self._calls, api_url=api_url)
        self._notices = notices.Notices(client=self.client, api=self._calls)
        self._waiting = waiting.Waiting(client=self.client, api=self._calls)
        self._standings = standings.Standings(
            client=self.client, api=self._calls, ids=access_ids, clock=monotonic
        )
        self._commanding = commanding.Commanding(
            client=self.client, intake=intake, standing=self._standings.of, api=self._calls
        )
        self._pressing = pressing.Pressing(intake=intake, standing=self._standings.of)
        self._door = inbound.Inbound(
            client=self.client,
            intake=intake,
            queue=self._queue,
            names=self._names,
            standing=self._standings.of,
            obey=self._commanding.obey,
            erase_title=self._notices.erase_title,
        )
        self._subject = subject.Subject(
            client=self.client, intake=intake, standing=self._standings.of, door=self._door
        )
        self._asking = asking.Asking(
            client=self.client, api=self._calls, forget_own=self._door.forget_own, wire=self._wire
        )
        self._links = links.Links(
            client=self.client,
            api=self._calls,
            resolve=self._door.channel,
            standing=self._standings.of,
            me=lambda: self._door.me,
        )
        self._writing: weakref.WeakValueDictionary[str, reply.ReplyPost] = weakref.WeakValueDictionary()
        self._calls_of: weakref.WeakValueDictionary[str, calls.Calls] = weakref.WeakValueDictionary()
        self._sessions = self._hearing()
        self._connection: asyncio.Task[None] | None = None
        self.client.listener, self.client.sessions = self, self._sessions

    async def __aenter__(self) -> Self:
        """Connect; ready on return. Raises CredentialError, or PlatformUnavailable when nobody answers."""
        # The library's only door to another API is this class attribute, which all its routes are made from.
        discord.http.Route.BASE = self._api_url
        await self._calls().make(lambda: gateway.login(self.client, self._token), patience=LOGIN_SECONDS)
        try:
            shards, url = await self._calls().make(
                lambda: gateway.advised(self.client, self._gateway_url), patience=LOGIN_SECONDS
            )
            # With a shard count given, the library takes the gateway's address from this class attribute.
            discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(url)
            self.client.shard_count = shards
            self._connection = asyncio.create_task(self.client.connect(), name="discord gateway")
            ready = asyncio.create_task(self._sessions.ready.wait())
            await asyncio.wait([self._connection, ready], return_when=asyncio.FIRST_COMPLETED)
            ready.cancel()
            if self._connection.done():
                await self.run()
        except BaseException:
            await self.__aexit__()
            raise
        log.info("discord.ready", shards=shards)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop listening, then let go; what waits to be recorded is caught up on at the next start."""
        for writing in list(self._writing.values()):
            writing.stop_typing()
        await self._queue.close()
        closing = (self._notices, self._waiting, self._pressing, self._subject, self._downloads)
        await asyncio.gather(*(each.close() for each in closing))
        await self.client.close()
        if self._connection is not None:
            await asyncio.gather(self._connection, return_exceptions=True)

    async def run(self) -> None:
        """Wait until the connection ends for good. Raises CredentialError or PlatformUnavailable."""
        if self._connection is None:
            raise RuntimeError("not connected")
        await gateway.outcome(asyncio.shield(self._connection))

    def routes(self) -> list[web.RouteDef]:
        """Nothing: Discord is reached over its gateway alone."""
        return []

    def healthy(self) -> str | None:
        """None when all is well, else what is wrong, for an operator."""
        if self._connection is None or self._connection.done():
            return "Discord: not connected"
        if missing := self._sessions.missing:
            return f"Discord: {missing} of {self.client.shard_count or 1} gateway connections are down"
        if self._queue.stuck:
            return f"Discord: {self._queue.stuck} events wait to be recorded"
        return None

    async def history(
        self, home: conversation.Home, reply: conversation.Reply
    ) -> Sequence[conversation.Post]:
        """What was said before the question; see ports.Platform."""

        async def read() -> list[conversation.Post]:
            return await backfill.posts(
                resolve=self._door.channel,
                standing=self._standings.of,
                me=self._door.me,
                home=home,
                reply=reply,
            )

        posts = await self._calls().make(read, patience=PATIENCE)
        for post in posts:
            self._names.saw(home.workspace or home.channel, post.author_name, post.author)
        return posts

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes of a file; see ports.Platform."""
        return await self._downloads.fetch(home, post_id, attachment, limit=limit)

    async def queued(self, key: conversation.ConversationId, home: conversation.Home, post_id: str) -> None:
        """An hourglass under the question; see ports.Platform."""
        await self._waiting.mark(key, home, post_id)

    async def open(self, reply_due: conversation.Reply, remember: ports.Remember) -> reply.ReplyPost:
        """Open the answer's thread and begin to type; see reply.py for why nothing is posted yet."""
        # What the log knows decides what was missed; it is asked before replies add to it.
        await self._sessions.planned.wait()
        self._waiting.over(reply_due.conversation)
        api = self._calls_of.setdefault(reply_due.id, self._calls())
        if (before := self._writing.pop(reply_due.conversation, None)) is not None:
            before.stop_typing()
        place = await places.find(self.client, api, reply_due)
        scope = reply_due.home.workspace or reply_due.home.channel
        self._names.saw(scope, reply_due.asker.author_name, reply_due.asker.author)
        post = reply.ReplyPost(
            client=self.client,
            api=api,
            place=place,
            reply=reply_due,
            remember=remember,
            find=lambda post_id: self._intake.find(self.name, post_id),
            forget_own=self._door.forget_own,
            wire=lambda text: self._wire(reply_due, text),
            pacer=pacing.Pacer(interval=INTERVAL, first=FIRST),
            clock=self._monotonic,
            now=self._now,
            sleep=self._sleep,
        )
        self._writing[reply_due.conversation] = post
        await post.begin()
        return post

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """Tell the author of a post that it is not answered; see ports.Platform."""
        self._notices.refuse(post, home, sentence)

    async def tell(self, user: str, text: str) -> None:
        """Write to somebody directly; see ports.Platform."""
        await self._notices.tell(user, text)

    async def linked(self, post: conversation.Post, home: conversation.Home) -> Sequence[linking.Link]:
        """What the links in a post lead to; see ports.Platform."""
        return await self._links.linked(post, home)

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """Put a sentence with buttons where a reply stands; see ports.Platform."""
        return await self._asking.put(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """Take such a sentence away; see ports.Platform."""
        await self._asking.take_away(reply, platform_id)

    def _hearing(self) -> sessions.Sessions:
        """The sessions, and what reads what they missed."""
        reading = catchup.CatchUp(
            client=self.client,
            intake=self._intake,
            door=self._door,
            queue=self._queue,
            api=self._calls,
            now=self._now,
        )
        return sessions.Sessions(
            client=self.client,
            reading=reading,
            queue=self._queue,
            first=self._commanding.register,
            now=self._now,
            sleep=self._sleep,
        )

    def _wire(self, due: conversation.Reply, text: str) -> str:
        return markup.wire(text, self._names.known(due.home.workspace or due.home.channel))

    def _calls(self) -> calls.Calls:
        return calls.Calls(
            closed=self.client.is_closed, clock=self._monotonic, sleep=self._sleep, limited=self._limited
        )

    def message(self, message: discord.Message) -> None:
        """See gateway.Listener."""
        self._door.on_message(message)

    def edit(self, event: discord.RawMessageUpdateEvent) -> None:
        """See gateway.Listener."""
        self._door.on_edit(event)

    def deletion(self, channel_id: int, message_id: int) -> None:
        """See gateway.Listener."""
        self._door.on_delete(channel_id, message_id)

    def interaction(self, interaction: discord.Interaction[discord.Client]) -> None:
        """See gateway.Listener."""
        self._pressing.on_interaction(interaction)
        self._subject.on_interaction(interaction)

    async def reaction(self, event: discord.RawReactionActionEvent) -> None:
        """A stop sign under an answer stops it; called by the gateway."""
        await self._pressing.reacted(event, channel=self._door.channel)

    def vanished(self, channel_id: int) -> None:
        """See gateway.Listener."""
        self._door.on_vanished(channel_id)
