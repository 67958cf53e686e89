"""The two platforms as a bench uses them: threads that stand before the bot comes, and questions in them."""

from __future__ import annotations

import abc
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

from bench.support import irc
from emulators import discord, slack

LIMIT = 60.0  # seconds a bench waits for an answer before it fails


@dataclass(frozen=True, kw_only=True)
class Thread:
    """A thread of people."""

    channel: str
    id: str  # Slack: the ts of its root; Discord: the thread's own id
    people: tuple[str, ...]  # the first two to speak in it


class Stage(abc.ABC):
    """An emulated platform with one channel; an async context manager."""

    name: str

    @abc.abstractmethod
    async def __aenter__(self) -> Self: ...

    @abc.abstractmethod
    async def __aexit__(self, *error: object) -> None: ...

    @abc.abstractmethod
    async def thread(self, posts: Sequence[irc.Said]) -> Thread:
        """Have people write a thread; do it before the bot is connected."""

    @property
    @abc.abstractmethod
    def environment(self) -> dict[str, str]:
        """What points a bot at this platform."""

    @abc.abstractmethod
    async def connected(self) -> None:
        """Wait until events reach the bot."""

    @abc.abstractmethod
    async def ask(self, thread: Thread, text: str, *, mention: bool = False) -> None:
        """Post a question in a thread; it returns when the event is on its way."""

    @abc.abstractmethod
    def newest(self, thread: Thread) -> str:
        """The text of the thread's newest post, in constant time: it is asked at every change."""

    @abc.abstractmethod
    async def until(self, predicate: Callable[[], bool]) -> None:
        """Wait until it holds; looked at whenever the platform changes."""

    @property
    @abc.abstractmethod
    def calls(self) -> int:
        """How many calls of its API the platform has answered."""


class Slack(Stage):
    """Slack in Socket Mode."""

    name = "Slack"

    async def __aenter__(self) -> Self:
        self.service = slack.Slack()
        await self.service.__aenter__()
        self._channel = self.service.add_channel("general")
        self._people: dict[str, str] = {}
        self._turns = itertools.count()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.service.__aexit__(None, None, None)

    async def thread(self, posts: Sequence[irc.Said]) -> Thread:
        """See Stage."""
        root: str | None = None
        people: list[str] = []
        for who, text in posts:
            user = self._people.setdefault(who, "") or self.service.add_user(who)
            self._people[who] = user
            people.append(user)
            ts = await self.service.post(
                channel=self._channel, user=user, text=_escaped(text), thread_ts=root, deliver=False
            )
            root = root or ts
        assert root is not None
        return Thread(channel=self._channel, id=root, people=tuple(dict.fromkeys(people))[:2])

    @property
    def environment(self) -> dict[str, str]:
        """See Stage."""
        return {
            "SLACK_BOT_TOKEN": self.service.bot_token,
            "SLACK_APP_TOKEN": self.service.app_token,
            "SLACK_API_URL": self.service.api_url,
        }

    async def connected(self) -> None:
        """See Stage."""
        await self.service.connected(timeout_seconds=LIMIT)

    async def ask(self, thread: Thread, text: str, *, mention: bool = False) -> None:
        """See Stage."""
        opening = f"<@{self.service.bot_user_id}> " if mention else ""
        await self.service.post(
            channel=thread.channel,
            user=thread.people[next(self._turns) % len(thread.people)],
            text=opening + _escaped(text),
            thread_ts=thread.id,
        )

    def newest(self, thread: Thread) -> str:
        """See Stage."""
        return self.service.shown(
            thread.channel, self.service.channels[thread.channel].threads[thread.id][-1]
        )

    async def until(self, predicate: Callable[[], bool]) -> None:
        """See Stage."""
        await self.service.until(lambda _: predicate(), timeout_seconds=LIMIT)

    @property
    def calls(self) -> int:
        """See Stage."""
        return len(self.service.calls)


class Discord(Stage):
    """Discord on its gateway."""

    name = "Discord"

    async def __aenter__(self) -> Self:
        self.service = discord.Discord()
        await self.service.__aenter__()
        self._guild = self.service.add_guild("Team")
        self._channel = self.service.add_channel(self._guild, "general")
        self._people: dict[str, str] = {}
        self._turns = itertools.count()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.service.__aexit__()

    async def thread(self, posts: Sequence[irc.Said]) -> Thread:
        """See Stage."""
        people = [self._person(who) for who, _ in posts]
        made = await self.service.create_thread(
            channel=self._channel, user=people[0], name="A thread of people"
        )
        for user, (_, text) in zip(people, posts, strict=True):
            await self.service.post(channel=made, user=user, content=text)
        return Thread(channel=made, id=made, people=tuple(dict.fromkeys(people))[:2])

    @property
    def environment(self) -> dict[str, str]:
        """See Stage."""
        return {
            "DISCORD_BOT_TOKEN": self.service.token,
            "DISCORD_API_URL": self.service.api_url,
            "DISCORD_GATEWAY_URL": self.service.gateway_url,
        }

    async def connected(self) -> None:
        """See Stage."""
        await self.service.until(lambda service: service.all_shards_live(), timeout=LIMIT)

    async def ask(self, thread: Thread, text: str, *, mention: bool = False) -> None:
        """See Stage."""
        opening = f"<@{self.service.bot_user_id}> " if mention else ""
        user = thread.people[next(self._turns) % len(thread.people)]
        await self.service.post(channel=thread.id, user=user, content=opening + text)

    def newest(self, thread: Thread) -> str:
        """The text of the newest call that wrote one there: the state itself is read at a thread's length."""
        for call in reversed(self.service.calls[-8:]):
            if thread.id in call.path and call.status == 200 and isinstance(call.body, dict):
                return str(call.body.get("content") or "")
        return ""

    async def until(self, predicate: Callable[[], bool]) -> None:
        """See Stage."""
        await self.service.until(lambda _: predicate(), timeout=LIMIT)

    @property
    def calls(self) -> int:
        """See Stage."""
        return len(self.service.calls)

    def _person(self, name: str) -> str:
        if name not in self._people:
            self._people[name] = self.service.add_user(name)
            self.service.join(self._guild, self._people[name])
        return self._people[name]


def _escaped(text: str) -> str:
    """What Slack makes of typed text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
