"""A core for the Discord adapter to talk to: it keeps what it is told in memory, and answers when told to."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import itertools
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

from adapters.discord import app, reply
from bot import conversation, errors
from bot.desk import commands
from emulators import discord as emulator

_replies = itertools.count(1)
WRITTEN = (0, 19)  # message types: written, written as a reply


async def at_once(seconds: float) -> None:
    """Sleep no time, but for the pause between two typing signs, which never ends."""
    if seconds == reply.TYPING_EVERY:
        await asyncio.Event().wait()
    await asyncio.sleep(0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """A conversation as the intake lists it."""

    conversation_id: conversation.ConversationId
    home: conversation.Home
    newest_post: str
    newest_at: dt.datetime


@dataclasses.dataclass(kw_only=True)
class Core:
    """Implements ports.Intake. `failing` makes that many of the next posts fail, as a full disk would."""

    posts: dict[tuple[str, str], conversation.Post] = dataclasses.field(default_factory=dict)
    homes_of: dict[str, conversation.Home] = dataclasses.field(default_factory=dict)
    replies: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)  # by conversation
    edits: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    deleted: list[tuple[str, str]] = dataclasses.field(default_factory=list)
    deleted_elsewhere: list[tuple[str, str]] = dataclasses.field(default_factory=list)  # not expected there
    obeyed: list[commands.Command] = dataclasses.field(default_factory=list)
    outcome: commands.Outcome | None = None
    pressed: list[conversation.Press] = dataclasses.field(default_factory=list)
    said: str | None = None  # to who pressed
    signs: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    on_mention: bool = False  # threads need one
    beside: bool = False  # another process is at work
    failing: int = 0
    calls: list[str] = dataclasses.field(default_factory=list)
    answered: Callable[[conversation.Post, conversation.Home], Awaitable[None]] | None = None
    tasks: list[asyncio.Task[None]] = dataclasses.field(default_factory=list)
    changed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Keep a post, and answer it where it wants an answer; see ports.Intake."""
        self._note(f"post {post.id}")
        if self.failing:
            self.failing -= 1
            raise errors.LogUnusable
        key = (post.conversation, post.id)
        if key in self.posts or key in self.deleted:
            return False
        self.posts[key] = post
        self.homes_of[post.conversation] = home
        if post.addressed and self.answered is not None:
            self.tasks.append(asyncio.ensure_future(self.answered(post, home)))
        return True

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
        standing: conversation.Standing | None = None,  # noqa: ARG002 - the port's signature
    ) -> bool:
        """See ports.Intake."""
        self._note(f"edit {post_id}")
        post = self.posts.get((conversation_id, post_id))
        if post is None:
            return False
        held = post.attachments if attachments is None else tuple(attachments)
        if (text, held) == (post.text, post.attachments):
            return False
        self.posts[conversation_id, post_id] = dataclasses.replace(
            post, text=text, attachments=held, edited_at=edited_at
        )
        self.edits.append((conversation_id, post_id, text))
        return True

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """See ports.Intake."""
        self._note(f"delete {post_id}")
        (self.deleted if expected else self.deleted_elsewhere).append((conversation_id, post_id))
        return self.posts.pop((conversation_id, post_id), None) is not None

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """See ports.Intake; no post here holds a file."""
        raise NotImplementedError

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Take every post of a conversation away."""
        posts = [key for key in self.posts if key[0] == conversation_id]
        for key in posts:
            del self.posts[key]
        return len(posts)

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """See ports.Intake."""
        self._note(f"command {command.word} {home.address}")
        self.obeyed.append(command)
        return self.outcome

    async def press(self, press: conversation.Press) -> str | None:
        """Keep a press."""
        self.pressed.append(press)
        return self.said

    async def stop(
        self,
        conversation_id: conversation.ConversationId,
        *,
        standing: conversation.Standing | None = None,  # noqa: ARG002 - the port's signature
    ) -> bool:
        """See ports.Intake."""
        self._note(f"stop {conversation_id}")
        return False

    def refusal(self, standing: conversation.Standing) -> str:  # noqa: ARG002 - the port's signature
        """See ports.Intake."""
        return ""

    async def stop_sign(self, platform: str, post_id: str, *, standing: conversation.Standing) -> bool:
        """Keep it."""
        self.signs.append((platform, post_id, standing.user))
        return True

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """Who looks, and at what."""
        return commands.Front(text=f"{standing.user} {channel.channel if channel else ''}")

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """All that there is to know."""
        return [f"{word} {option} {given.get(option, '')}".strip()]

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:  # noqa: ARG002 - the port's signature
        """As the test says."""
        return self.on_mention

    async def shared(self) -> bool:
        """As the test says."""
        return self.beside

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """See ports.Intake."""
        return conversation_id in self.homes_of

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """See ports.Intake."""
        assert platform == "discord"
        for conversation_id, known in self.posts:
            if known == post_id:
                return conversation.ConversationId(conversation_id)
        for conversation_id, parts in self.replies.items():
            if post_id in parts:
                return conversation.ConversationId(conversation_id)
        return None

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Never asked: Discord's ids are unique."""
        raise NotImplementedError

    async def leave(self, platform: str, workspace: str) -> int:
        """Never told: a guild is not left for good."""
        raise NotImplementedError

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """See ports.Intake."""
        posts = [post for (where, _), post in self.posts.items() if where == conversation_id]
        return [post.id for post in posts if post.role == "user" and post.sent_at >= since]

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[Known]:
        """See ports.Intake."""
        assert platform == "discord"
        listed = []
        for conversation_id, home in self.homes_of.items():
            posts = [post for (of, _), post in self.posts.items() if of == conversation_id]
            newest = max(posts, key=lambda post: post.order, default=None)
            if newest is not None and newest.sent_at >= since:
                listed.append(
                    Known(
                        conversation_id=newest.conversation,
                        home=home,
                        newest_post=newest.id,
                        newest_at=newest.sent_at,
                    )
                )
        return listed

    def texts(self, *, addressed: bool | None = None) -> list[str]:
        """What was posted, in platform order."""
        posts = sorted(self.posts.values(), key=lambda post: post.order)
        return [post.text for post in posts if addressed in (None, post.addressed)]

    async def until(self, predicate: Callable[[Core], bool]) -> None:
        """Wait until it holds; looked at again after each thing the core is told."""
        async with asyncio.timeout(10):
            while not predicate(self):
                self.changed.clear()
                await self.changed.wait()

    async def settled(self) -> None:
        """Wait until every answer that was begun is finished; raises what one raised."""
        while self.tasks:
            await self.tasks.pop(0)

    def _note(self, call: str) -> None:
        self.calls.append(call)
        # Seen after this call has had its effect.
        asyncio.get_running_loop().call_soon(self.changed.set)


def reply_to(
    post: conversation.Post,
    home: conversation.Home,
    *,
    ids: tuple[str, ...] = (),
    resumed: bool = False,
    name: str | None = None,
) -> conversation.Reply:
    """A row of the ledger that answers a post."""
    return conversation.Reply(
        id=name or f"reply-{next(_replies)}",
        conversation=post.conversation,
        home=home,
        place=1,
        asker=post,
        state=conversation.ReplyState.DUE,
        resumed=resumed,
        platform_ids=ids,
    )


def post_in(conversation_id: str, *, at: float) -> conversation.Post:
    """A post that was recorded earlier."""
    return conversation.Post(
        conversation=conversation.ConversationId(conversation_id),
        id="1",
        role="user",
        author="1",
        author_name="Somebody",
        text="earlier",
        sent_at=dt.datetime.fromtimestamp(at, dt.UTC),
    )


def dm_home(channel: str) -> conversation.Home:
    """Where a direct message stands."""
    return conversation.Home(platform="discord", workspace="", channel=channel, address=channel)


@dataclasses.dataclass(kw_only=True)
class Scene:
    """A server with a channel and two people, the adapter on it, and a core behind that."""

    service: emulator.Discord
    core: Core
    adapter: app.Discord
    guild: str
    channel: str
    ada: str
    bob: str

    @property
    def bot(self) -> str:
        """The bot's user id."""
        return self.service.bot_user_id

    def says(self, channel: str) -> list[str]:
        """What the bot has posted in a channel, oldest first."""
        return [m["content"] for m in self.posts(channel)]

    def posts(self, channel: str) -> list[dict[str, Any]]:
        """The bot's own posts in a channel, as Discord has them; system messages in its name left out."""
        messages = self.service.messages(channel)
        return [m for m in messages if m["author"]["id"] == self.bot and m["type"] in WRITTEN]

    def calls(self, method: str, path: str = "/messages$") -> list[emulator.Call]:
        """The API calls of one kind."""
        return [c for c in self.service.calls if c.method == method and re.search(path, c.path)]

    def remember(self, due: conversation.Reply) -> Callable[[tuple[str, ...]], Awaitable[None]]:
        """What keeps a reply's ids, as the ledger does."""

        async def keep(ids: tuple[str, ...]) -> None:
            self.core.replies[due.conversation] = ids

        return keep

    async def answer(self, post: conversation.Post, home: conversation.Home, text: str) -> None:
        """Answer a post in one go."""
        due = reply_to(post, home)
        writing = await self.adapter.open(due, self.remember(due))
        await writing.finish(text)

    async def ask(self, channel: str, text: str = "hello", *, user: str | None = None) -> str:
        """Mention the bot, and wait until the core knows; the message's id."""
        asked = await self.service.post(
            channel=channel, user=user or self.ada, content=f"<@{self.bot}> {text}"
        )
        await self.heard(asked)
        return asked

    async def heard(self, message: str) -> conversation.Post:
        """Wait until the core has a message."""
        await self.core.until(lambda core: any(post_id == message for _, post_id in core.posts))
        return next(post for (_, post_id), post in self.core.posts.items() if post_id == message)

    async def barrier(self) -> None:
        """Wait until the core has dealt with every event so far, by one more that it cannot overlook.

        Events of one channel are in order, but the barrier stands in a channel of its own; lanes take turns
        at each await, and no fake of the core waits, so a lane that began earlier ends earlier.
        """
        dm = self.service.open_dm(self.bob)
        last = await self.service.post(channel=dm, user=self.bob, content="barrier")
        await self.heard(last)
        del self.core.posts[f"discord:{dm}", last]
        self.core.homes_of.pop(f"discord:{dm}", None)


@contextlib.asynccontextmanager
async def connected(
    service: emulator.Discord,
    core: Core,
    *,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
) -> AsyncIterator[app.Discord]:
    """The adapter, connected to the emulator."""
    adapter = app.Discord(
        token=service.token,
        api_url=service.api_url,
        gateway_url=service.gateway_url,
        intake=core,
        sleep=sleep,
        now=now,
    )
    async with adapter:
        yield adapter


@contextlib.asynccontextmanager
async def scene(
    *,
    permissions: set[str] | None = None,
    kind: str = "text",
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.time,
) -> AsyncIterator[Scene]:
    """Everything at once; `permissions` are those taken from the bot in the channel, `clock` is Discord's."""
    async with emulator.Discord(clock=clock) as service:
        guild = service.add_guild("Team")
        channel = service.add_channel(guild, "general", kind=kind, permissions=permissions)
        ada, bob = service.add_user("Ada"), service.add_user("Bob")
        service.join(guild, ada)
        service.join(guild, bob)
        core = Core()
        async with connected(service, core, sleep=sleep) as adapter:
            yield Scene(
                service=service,
                core=core,
                adapter=adapter,
                guild=guild,
                channel=channel,
                ada=ada,
                bob=bob,
            )
            await core.settled()
