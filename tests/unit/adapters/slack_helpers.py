"""A core made by hand for the adapter's tests: it keeps what it is told and answers by script."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Literal

from adapters.slack import address, app, parse
from bot import conversation, errors, ports
from bot.desk import commands
from emulators import slack

RULES = parse.Rules(bot_user="UBOT", bot_id="BBOT", bot_name="Threadmate", dm_mode="threads")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """A row of `ports.Known`."""

    conversation_id: conversation.ConversationId
    home: conversation.Home
    newest_post: str
    newest_at: dt.datetime


@dataclasses.dataclass(kw_only=True)
class Intake:
    """Implements ports.Intake in memory: posts by conversation and id, in the order told."""

    posts: dict[tuple[str, str], conversation.Post] = dataclasses.field(default_factory=dict)
    homes_of: dict[conversation.ConversationId, conversation.Home] = dataclasses.field(default_factory=dict)
    erased: set[tuple[str, str]] = dataclasses.field(default_factory=set)
    edits: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    ordered: list[commands.Command] = dataclasses.field(default_factory=list)
    stopped: list[str] = dataclasses.field(default_factory=list)
    replies: set[tuple[str, str]] = dataclasses.field(default_factory=set)  # conversation, ts of a part
    outcome: commands.Outcome | None = None
    pressed: list[conversation.Press] = dataclasses.field(default_factory=list)
    said: str | None = None  # to who pressed
    signs: list[tuple[str, str, str]] = dataclasses.field(default_factory=list)
    on_mention: bool = False  # threads need one
    beside: bool = False  # another process is at work
    broken: bool = False  # the log cannot be written
    locked: int = 0  # so many writes fail before that
    slow: asyncio.Event | None = None  # what commands wait for

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Keep it unless known."""
        if self.broken:
            raise OSError("the disk is full")
        if self.locked:
            self.locked -= 1
            raise errors.LogUnusable("the log is locked")
        key = (post.conversation, post.id)
        if key in self.posts or key in self.erased:
            return False
        self.posts[key] = post
        self.homes_of[post.conversation] = home
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
        """Change a known post."""
        post = self.posts.get((conversation_id, post_id))
        if post is None:
            return False
        held = post.attachments if attachments is None else tuple(attachments)
        if (text, held) == (post.text, post.attachments):
            return False
        changed = dataclasses.replace(post, text=text, attachments=held, edited_at=edited_at)
        self.posts[conversation_id, post_id] = changed
        self.edits.append((conversation_id, post_id, text))
        return True

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> bool:
        """Take a post away for good."""
        if expected:
            self.erased.add((conversation_id, post_id))
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
        """Keep it; one that was given before is not carried out again."""
        if self.slow is not None:
            await self.slow.wait()
        if self.locked:
            self.locked -= 1
            raise errors.LogUnusable("the log is locked")
        if command.id in {known.id for known in self.ordered}:
            return None
        self.ordered.append(command)
        self.homes_of.setdefault(command.conversation, home)
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
        """Keep it."""
        self.stopped.append(conversation_id)
        return True

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
        """Whether a post of it was told."""
        return conversation_id in self.homes_of

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation of a post or a part of a reply."""
        assert platform == "slack"
        known = [*self.posts, *self.replies]
        return next((conversation.ConversationId(where) for where, ts in known if ts == post_id), None)

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether that conversation has this post or part of a reply."""
        return (conversation_id, post_id) in {*self.posts, *self.replies}

    async def leave(self, platform: str, workspace: str) -> int:
        """Forget every conversation of a workspace."""
        gone = {
            key
            for key, home in self.homes_of.items()
            if (home.platform, home.workspace) == (platform, workspace)
        }
        self.posts = {key: post for key, post in self.posts.items() if key[0] not in gone}
        self.homes_of = {key: home for key, home in self.homes_of.items() if key not in gone}
        return len(gone)

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """See ports.Intake."""
        posts = [post for (where, _), post in self.posts.items() if where == conversation_id]
        return [post.id for post in posts if post.role == "user" and post.sent_at >= since]

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """All conversations with a post since then."""
        assert platform == "slack"
        found = []
        for where, home in self.homes_of.items():
            posts = sorted(
                (post for (key, _), post in self.posts.items() if key == where), key=lambda post: post.order
            )
            if posts and posts[-1].sent_at >= since:
                newest = posts[-1]
                found.append(
                    Known(
                        conversation_id=where,
                        home=home,
                        newest_post=newest.id,
                        newest_at=newest.sent_at,
                    )
                )
        return found

    @property
    def told(self) -> list[conversation.Post]:
        """The posts in platform order."""
        return sorted(self.posts.values(), key=lambda post: post.order)


@dataclasses.dataclass(kw_only=True)
class Ledger:
    """What `ports.Remember` was told, newest last; tells the intake, as the log would."""

    intake: Intake
    where: conversation.ConversationId
    states: list[tuple[str, ...]] = dataclasses.field(default_factory=list)
    locked: bool = False

    async def remember(self, ids: tuple[str, ...]) -> None:
        """Keep the ids."""
        if self.locked:
            raise errors.LogUnusable("the log is locked")
        self.states.append(ids)
        self.intake.replies |= {(self.where, ts) for ts in ids}

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids as they stand."""
        return self.states[-1] if self.states else ()


def reply_to(
    post: conversation.Post,
    home: conversation.Home,
    *,
    name: str = "r1",
    resumed: bool = False,
    platform_ids: tuple[str, ...] = (),
) -> conversation.Reply:
    """The row of an answer to this post."""
    return conversation.Reply(
        id=name,
        conversation=post.conversation,
        home=home,
        place=1,
        asker=post,
        state=conversation.ReplyState.OPENED if platform_ids else conversation.ReplyState.DUE,
        resumed=resumed,
        platform_ids=platform_ids,
    )


async def until(predicate: Callable[[], bool]) -> None:
    """Return once it holds, giving way to everybody else between two questions; ten seconds at most."""
    async with asyncio.timeout(10):
        while not predicate():  # noqa: ASYNC110 - what is waited for has no event to wait on
            await asyncio.sleep(0)


class Time:
    """A clock that moves only when something sleeps on it or a test moves it."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        """Seconds, for a monotonic clock and for Slack's own."""
        return self.now

    def moment(self) -> dt.datetime:
        """The same as a time of day."""
        return dt.datetime.fromtimestamp(self.now, tz=dt.UTC)

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once, and let others work."""
        self.now += seconds
        await asyncio.sleep(0)


@dataclasses.dataclass(kw_only=True)
class Scene:
    """A workspace with Ada, a channel and a DM, and the adapter connected to it."""

    workspace: slack.Slack
    time: Time
    intake: Intake
    adapter: app.Slack
    ada: str
    channel: str
    dm: str

    async def asked(
        self, text: str = "a question", *, dm: bool = False, thread: str | None = None
    ) -> conversation.Post:
        """Ada asks; the post as the core was told."""
        mention = "" if dm else f"<@{self.workspace.bot_user_id}> "
        place = self.dm if dm else self.channel
        ts = await self.workspace.post(channel=place, user=self.ada, text=mention + text, thread_ts=thread)
        await self.workspace.settled()
        return next(post for post in self.intake.told if post.id == ts)

    async def open(
        self, post: conversation.Post, ledger: Ledger, *, resumed: bool = False, name: str = "r1"
    ) -> ports.ReplyPost:
        """The adapter's reply to this post; it goes on in the posts the ledger has."""
        home = self.intake.homes_of[post.conversation]
        row = reply_to(post, home, name=name, resumed=resumed, platform_ids=ledger.ids)
        return await self.adapter.open(row, ledger.remember)

    def ledger(self, post: conversation.Post) -> Ledger:
        """A new reply's ledger."""
        return Ledger(intake=self.intake, where=post.conversation)

    def answers(self, post: conversation.Post) -> list[str]:
        """What people read under this post, of the bot's own words."""
        return [slack.shown_text(message).replace("\u2060", "") for message in self.own_posts(post)]

    def own_posts(self, post: conversation.Post) -> list[dict[str, Any]]:
        """The bot's posts under this one, as Slack's API has them."""
        place = address.read(self.intake.homes_of[post.conversation])
        return [
            message
            for message in self.workspace.messages(place.channel, place.thread or None)
            if message.get("bot_id") == self.workspace.bot_id
        ]


@contextlib.asynccontextmanager
async def scene(
    *,
    dm_mode: Literal["threads", "flat"] = "threads",
    intake: Intake | None = None,
    time: Time | None = None,
    ping: float = 5.0,
    ack_seconds: float = 3.0,
) -> AsyncIterator[Scene]:
    """The emulated Slack and the adapter on two sockets."""
    time = time or Time()
    intake = intake or Intake()
    async with slack.Slack(clock=time, retry_delays=(0.0, 0.0, 0.0), ack_seconds=ack_seconds) as workspace:
        ada = workspace.add_user("Ada")
        channel = workspace.add_channel("general", members=[ada])
        dm = workspace.open_dm(ada)
        async with adapter(workspace, intake=intake, time=time, dm_mode=dm_mode, ping=ping) as connected:
            await workspace.connected(2)
            yield Scene(
                workspace=workspace,
                time=time,
                intake=intake,
                adapter=connected,
                ada=ada,
                channel=channel,
                dm=dm,
            )


def adapter(
    workspace: slack.Slack,
    *,
    intake: Intake,
    time: Time,
    dm_mode: Literal["threads", "flat"] = "threads",
    ping: float = 5.0,
    sockets: bool = True,
    ahead: dt.timedelta = dt.timedelta(0),
) -> app.Slack:
    """The adapter for this workspace, not connected yet; `ahead`: by how much its host's clock is wrong."""
    return app.Slack(
        bot_token=workspace.bot_token,
        app_token=workspace.app_token if sockets else None,
        signing_secret=None if sockets else workspace.signing_secret,
        api_url=workspace.api_url,
        dm_mode=dm_mode,
        intake=intake,
        clock=time,
        now=lambda: time.moment() + ahead,
        sleep=time.sleep,
        ping=ping,
    )
