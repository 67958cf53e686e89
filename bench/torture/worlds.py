"""The two platforms as the rows see them: people write, and what the bot has posted can be read."""

from __future__ import annotations

import abc
import dataclasses
import random
import time
from typing import Any, Literal, Self

from bench.torture import oracle
from emulators import discord, slack

# Slack's schedule is at once, after a minute and after five; a hundredth of it here.
RETRIES = (0.0, 0.6, 3.0)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """Where people write: a channel, a thread or a DM."""

    channel: str
    thread: str = ""  # Slack: the root's ts; on Discord a thread is a channel


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """A post of a person, and the thread its conversation goes on in."""

    place: Place
    id: str
    thread: Place
    conversation: str


class World(abc.ABC):
    """A platform with two people, some channels and a DM."""

    name: str
    bot: str
    ada: str
    channels: list[Place]
    dm: Place
    offset: float = 0.0  # seconds by which the platform's clock is ahead
    doubled: int = 1  # how often each event is sent

    def clock(self) -> float:
        """The platform's clock, seconds since 1970."""
        return time.time() + self.offset

    @abc.abstractmethod
    def credentials(self) -> dict[str, str]:
        """Settings that point a bot here, by variable."""

    @abc.abstractmethod
    def secrets(self) -> list[str]:
        """What must stand in no log."""

    @abc.abstractmethod
    async def post(self, place: Place, text: str, *, event: bool = True, by: str = "") -> Said:
        """Somebody writes; `event=False` keeps it from the bot for now."""

    async def mention(self, place: Place, text: str, *, event: bool = True, by: str = "") -> Said:
        """Somebody writes to the bot."""
        return await self.post(place, f"<@{self.bot}> {text}", event=event, by=by)

    @abc.abstractmethod
    async def edit(self, said: Said, text: str, *, event: bool = True) -> None:
        """The author changes a post."""

    @abc.abstractmethod
    async def delete(self, said: Said, *, event: bool = True) -> None:
        """The author takes a post away."""

    @abc.abstractmethod
    def seen(self) -> list[oracle.Seen]:
        """Every answer and other word of the bot, conversation by conversation, in order."""

    @abc.abstractmethod
    def person(self, name: str) -> str:
        """One more person, who is in every channel."""

    @abc.abstractmethod
    def channel(self, name: str) -> Place:
        """One more channel."""

    @abc.abstractmethod
    def private(self, user: str) -> Place:
        """The DM of somebody with the bot."""

    def reachable(self, _place: Place) -> bool:
        """Whether people can write there yet: a Discord thread is opened by the bot."""
        return True

    async def close(self, _place: Place) -> None:
        """Put a thread away in which nobody writes any more, where a platform does so."""
        return

    @abc.abstractmethod
    def listening(self) -> bool:
        """Whether the bot is connected."""

    @abc.abstractmethod
    def deaf(self) -> bool:
        """Whether no connection of the bot is left."""

    @abc.abstractmethod
    async def disconnect(self, kind: str) -> None:
        """Break the bot's connections: "asked", "torn" or "silent"."""

    @abc.abstractmethod
    def trouble(self, chance: random.Random) -> None:
        """One small misfortune for a coming call: a lost answer, a limit, an error."""

    @abc.abstractmethod
    def lose_first_sign(self, times: int) -> None:
        """The next calls that put a post of the bot in place take effect, and their outcome is lost."""

    @abc.abstractmethod
    def pinged(self) -> set[str]:
        """Whom posts of the bot have notified."""

    @abc.abstractmethod
    def acknowledged(self) -> set[str]:
        """Ids of the posts whose event the bot has acknowledged; all of them where nothing is."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


class SlackWorld(World):
    """Slack over Socket Mode."""

    name = "slack"

    def __init__(self, *, offset: float = 0.0) -> None:
        self.offset = offset  # before anything has an id: ids never go back
        self.service = slack.Slack(clock=self.clock, retry_delays=RETRIES)

    async def __aenter__(self) -> Self:
        await self.service.__aenter__()
        self.bot = self.service.bot_user_id
        self._people: list[str] = []
        self.channels = []
        self.ada = self.person("Ada")
        self.channels = [self.channel("general"), self.channel("random")]
        self.dm = self.private(self.ada)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.service.__aexit__(None, None, None)

    def credentials(self) -> dict[str, str]:
        """See World."""
        return {
            "SLACK_BOT_TOKEN": self.service.bot_token,
            "SLACK_APP_TOKEN": self.service.app_token,
            "SLACK_API_URL": self.service.api_url,
        }

    def secrets(self) -> list[str]:
        """See World."""
        return [self.service.bot_token, self.service.app_token]

    async def post(self, place: Place, text: str, *, event: bool = True, by: str = "") -> Said:
        """See World."""
        self.service.faults.duplicate = self.doubled
        ts = await self.service.post(
            channel=place.channel,
            user=by or self.ada,
            text=text,
            thread_ts=place.thread or None,
            deliver=event,
        )
        thread = Place(channel=place.channel, thread=place.thread or ts)
        return Said(place=place, id=ts, thread=thread, conversation=f"{thread.channel}/{thread.thread}")

    async def edit(self, said: Said, text: str, *, event: bool = True) -> None:
        """See World."""
        await self.service.edit(channel=said.place.channel, ts=said.id, text=text, deliver=event)

    async def delete(self, said: Said, *, event: bool = True) -> None:
        """See World."""
        await self.service.delete(channel=said.place.channel, ts=said.id, deliver=event)

    def seen(self) -> list[oracle.Seen]:
        """See World; the parts of a long answer, which their metadata tells, are one post."""
        seen: list[oracle.Seen] = []
        begun: dict[tuple[Any, Any], int] = {}  # (reply, the part that comes next): where it began
        for channel in self.service.channels.values():
            for message in sorted(channel.messages.values(), key=lambda each: str(each["ts"])):
                if message.get("user") != self.bot:
                    continue
                post = oracle.Seen(
                    conversation=f"{channel.id}/{message.get('thread_ts') or message['ts']}",
                    id=str(message["ts"]),
                    text=self.service.shown(channel.id, str(message["ts"])),
                )
                told = (message.get("metadata") or {}).get("event_payload") or {}
                reply, part = told.get("reply"), told.get("part")
                place = begun.pop((reply, part), len(seen))
                if place < len(seen):
                    seen[place] = dataclasses.replace(seen[place], text=f"{seen[place].text}\n{post.text}")
                else:
                    seen.append(post)
                if part is not None:
                    begun[reply, part + 1] = place
        return seen

    def person(self, name: str) -> str:
        """See World."""
        user = self.service.add_user(name)
        self._people.append(user)
        for place in self.channels:
            self.service.channels[place.channel].members.append(user)
        return user

    def channel(self, name: str) -> Place:
        """See World."""
        return Place(channel=self.service.add_channel(name, members=self._people))

    def private(self, user: str) -> Place:
        """See World."""
        return Place(channel=self.service.open_dm(user))

    def listening(self) -> bool:
        """See World."""
        return len(self.service.sockets.open_connections()) >= 2

    def deaf(self) -> bool:
        """See World."""
        return not self.service.sockets.open_connections()

    async def disconnect(self, kind: str) -> None:
        """See World."""
        await self.service.disconnect_sockets({"asked": "refresh", "torn": "abort"}.get(kind, kind))

    def trouble(self, chance: random.Random) -> None:
        """See World."""
        kind = chance.choice(["ratelimited", "lose_request", "lose_response", "http", "error"])
        code = chance.choice(["ratelimited", "internal_error", "fatal_error"])
        self.service.fail(slack.Fault(kind=kind, method="chat.*", retry_after=1, error=code))

    def lose_first_sign(self, times: int) -> None:
        """See World."""
        self.service.fail(slack.Fault(kind="lose_response", method="chat.startStream", times=times))

    def pinged(self) -> set[str]:
        """See World."""
        return {ping.target for ping in self.service.pings}

    def acknowledged(self) -> set[str]:
        """See World."""
        return {
            str(each.event.get("ts"))
            for each in self.service.events
            if each.status == "acknowledged" and each.event.get("type") in ("message", "app_mention")
        }


class DiscordWorld(World):
    """Discord over its gateway."""

    name = "discord"

    def __init__(self, *, offset: float = 0.0) -> None:
        self.offset = offset  # before anything has an id: ids never go back
        self.service = discord.Discord(clock=self.clock)

    async def __aenter__(self) -> Self:
        await self.service.__aenter__()
        self.bot = self.service.bot_user_id
        self._guild = self.service.add_guild("Team")
        self.ada = self.person("Ada")
        self.channels = [self.channel("general"), self.channel("random")]
        self.dm = self.private(self.ada)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.service.__aexit__()

    def credentials(self) -> dict[str, str]:
        """See World."""
        return {
            "DISCORD_BOT_TOKEN": self.service.token,
            "DISCORD_API_URL": self.service.api_url,
            "DISCORD_GATEWAY_URL": self.service.gateway_url,
        }

    def secrets(self) -> list[str]:
        """See World."""
        return [self.service.token]

    async def post(self, place: Place, text: str, *, event: bool = True, by: str = "") -> Said:
        """See World."""
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose"))
        elif self.doubled > 1:
            self.service.disturb(discord.Disturbance(kind="duplicate"))
        made = await self.service.post(channel=place.channel, user=by or self.ada, content=text)
        top = self.service.world.channels[place.channel].kind == 0
        thread = Place(channel=made) if top else place
        return Said(place=place, id=made, thread=thread, conversation=thread.channel)

    async def edit(self, said: Said, text: str, *, event: bool = True) -> None:
        """See World."""
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose", event="MESSAGE_UPDATE"))
        await self.service.edit(said.place.channel, said.id, text)

    async def delete(self, said: Said, *, event: bool = True) -> None:
        """See World."""
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose", event="MESSAGE_DELETE"))
        await self.service.delete(said.place.channel, said.id)

    def reachable(self, place: Place) -> bool:
        """See World."""
        return place.channel in self.service.world.channels

    def seen(self) -> list[oracle.Seen]:
        """See World."""
        return [
            oracle.Seen(conversation=channel.id, id=message.id, text=message.content)
            for channel in self.service.world.channels.values()
            for message in channel.messages.values()
            if message.author == self.bot and message.kind in (0, 19)
        ]

    def person(self, name: str) -> str:
        """See World."""
        user = self.service.add_user(name)
        self.service.join(self._guild, user)
        return user

    def channel(self, name: str) -> Place:
        """See World."""
        return Place(channel=self.service.add_channel(self._guild, name))

    def private(self, user: str) -> Place:
        """See World."""
        return Place(channel=self.service.open_dm(user))

    async def close(self, place: Place) -> None:
        """See World: it is archived."""
        if self.reachable(place):
            await self.service.change_thread(place.channel, archived=True)

    def listening(self) -> bool:
        """See World."""
        return self.service.all_shards_live()

    def deaf(self) -> bool:
        """See World."""
        return not self.service.sessions

    async def disconnect(self, kind: str) -> None:
        """See World."""
        breaks: dict[str, Any] = {"asked": {"kind": "reconnect"}, "torn": {"kind": "abort"}}
        await self.service.break_gateway(**breaks.get(kind, {"kind": kind}))

    def trouble(self, chance: random.Random) -> None:
        """See World."""
        kinds: list[Literal["ratelimited", "global", "error", "drop", "lose_response"]]
        kinds = ["ratelimited", "global", "error", "drop", "lose_response"]
        self.service.fail(discord.Fault(kind=chance.choice(kinds), path="/messages", retry_after=0.5))

    def lose_first_sign(self, times: int) -> None:
        """See World."""
        self.service.fail(discord.Fault(kind="lose_response", method="POST", path="/messages$", times=times))

    def pinged(self) -> set[str]:
        """See World."""
        own = {each.id for each in self.seen()}
        found = {message: ping for message, ping in self.service.pings.items() if message in own}
        words = {
            word
            for ping in found.values()
            for word, meant in (("everyone", ping.everyone), ("here", ping.here))
            if meant
        }
        return words.union(*([*ping.users, *ping.roles] for ping in found.values()))

    def acknowledged(self) -> set[str]:
        """Discord knows no acknowledgement: whatever was written is owed an answer."""
        return {
            message.id
            for channel in self.service.world.channels.values()
            for message in channel.messages.values()
            if message.author != self.bot
        }


WORLDS: dict[str, type[SlackWorld | DiscordWorld]] = {"slack": SlackWorld, "discord": DiscordWorld}
