"""The Discord-like side: the emulated server as the page sees and moves it. Implements side.Side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.desk import commands
from emulators import discord
from emulators.discord import records
from playground import shapes, signs

Json = dict[str, Any]

TYPING_SECONDS = 10.0  # how long Discord's own client shows it
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
_SYSTEM = {
    records.PINNED: "pinned a message",
    records.THREAD_CREATED: "started a thread",
}


class DiscordSide:
    """One server, its threads and the direct messages."""

    name = "discord"
    longest = 2_000  # without Nitro

    def __init__(self, service: discord.Discord, *, guild: str) -> None:
        self._discord = service
        self._guild = guild
        self.bot = service.bot_user_id

    @property
    def _channels(self) -> Mapping[str, records.Channel]:
        return self._discord.world.channels

    def directory(self) -> Json:
        """People and places, and the slash commands that the bot has registered."""
        members = self._discord.world.guild(self._guild).members
        owner = self._discord.world.guild(self._guild).owner
        people = [
            {"id": user.id, "name": self._name(user.id), "bot": user.bot}
            for user in self._discord.world.users.values()
            if user.id in members and user.id != owner
        ]
        known = [
            {
                "name": each["name"],
                "description": each["description"],
                "argument": next((option["name"] for option in each["options"]), None),
            }
            for each in self._discord.commands
            if each["type"] == 1
        ]
        places = [self._place(channel) for channel in self._channels.values()]
        return {"bot": self.bot, "people": people, "places": shapes.plain(places), "commands": known}

    def posts(self, place: str) -> list[shapes.Post]:
        """Everything in a channel, thread or DM, and what only one person sees there."""
        channel = self._channel(place)
        shown = [self._post(message) for message in channel.messages.values()]
        shown += [
            self._post(message, only=each.user, asked=each.typed)
            for each in self._discord.interactions
            if each.channel == place
            for message in each.messages
            if message.id not in channel.messages
        ]
        return sorted(shown, key=lambda post: (post.at, int(post.id)))

    def marks(self) -> Iterator[tuple[str, Any]]:
        """Messages are changed in place, so their figures tell."""
        for channel in self._channels.values():
            for message in channel.messages.values():
                yield f"{channel.id}/{message.id}", self._mark(message)
        for each in self._discord.interactions:
            for message in each.messages:
                if message.flags & records.EPHEMERAL:
                    yield f"{each.channel}/{message.id}", self._mark(message)

    def post_of(self, key: str) -> shapes.Post | None:
        """By channel and message."""
        channel, _, wanted = key.partition("/")
        found = self._channels.get(channel)
        if found is not None and wanted in found.messages:
            return self._post(found.messages[wanted])
        for each in self._discord.interactions:
            for message in each.messages:
                if message.id == wanted:
                    return self._post(message, only=each.user, asked=each.typed)
        return None

    def writing(self) -> Mapping[str, str]:
        """Where the bot types, until it has posted."""
        now = self._discord.world.clock()
        found = {}
        for typing in reversed(self._discord.typing):
            if now - typing.at > TYPING_SECONDS:
                break
            channel = self._channels.get(typing.channel)
            if typing.user != self.bot or channel is None:
                continue
            newest = channel.messages.get(channel.last_message or "")
            if newest is None or newest.author != self.bot or newest.at < typing.at:
                found[typing.channel] = "is typing…"
        return found

    async def post(
        self,
        *,
        place: str,
        user: str,
        text: str,
        files: Sequence[tuple[str, str, bytes]] = (),
        reply_to: str | None = None,
    ) -> str:
        """Somebody posts; see side.Side."""
        attachments = [(name, data, kind) for name, kind, data in files]
        return await self._discord.post(
            channel=place,
            user=user,
            content=self._typed(text),
            attachments=attachments or None,
            reply_to=reply_to,
        )

    async def edit(self, *, place: str, id: str, text: str) -> None:  # noqa: A002 - see side.Side
        """The author edits."""
        await self._discord.edit(place, id, self._typed(text))

    async def delete(self, *, place: str, id: str) -> None:  # noqa: A002 - see side.Side
        """Somebody deletes a post."""
        await self._discord.delete(place, id)

    async def command(self, *, place: str, user: str, word: str, argument: str) -> None:
        """A slash command, its options filled in from what was typed."""
        if all(each["name"] != word for each in self._discord.commands):
            raise LookupError(f"/{word} is not a command here")
        await self._discord.slash(user, place, word, commands.filled(word, argument))

    async def press(self, *, place: str, user: str, id: str, button: str) -> None:  # noqa: A002, ARG002 - see side.Side
        """Somebody presses a button."""
        await self._discord.button(user, id, button)

    async def react(self, *, place: str, user: str, id: str, sign: str) -> None:  # noqa: A002 - see side.Side
        """Somebody puts an emoji under a post."""
        await self._discord.react(place, id, user, sign)

    async def stop(self, *, place: str, user: str) -> None:
        """Discord has no stop of its own: the command."""
        await self.command(place=place, user=user, word="stop", argument="")

    async def open_thread(self, *, place: str, id: str, user: str) -> str:  # noqa: A002 - see side.Side
        """A thread from a message, made where there is none."""
        if id in self._channels:
            return id
        message = self._discord.world.message(place, id)
        name = shapes.title(self._shown(message.content).removeprefix("@Threadmate "))[:100]
        return await self._discord.create_thread(channel=place, user=user, name=name, message=id)

    def add_user(self, name: str) -> str:
        """Somebody new in the server, with a DM to the bot."""
        user = self._discord.add_user(name)
        self._discord.join(self._guild, user)
        self._discord.open_dm(user)
        return user

    def add_channel(self, name: str) -> str:
        """A new text channel."""
        found = re.sub(r"[^\w-]+", "-", name.lower()).strip("-")
        if not found:
            raise ValueError("a channel's name needs a letter or a digit")
        return self._discord.add_channel(self._guild, found[:100])

    async def file(self, *, place: str, id: str, number: int) -> tuple[str, str, bytes]:  # noqa: A002 - see side.Side
        """A file of a post, or of what only one person sees."""
        message = self._channel(place).messages.get(id)
        if message is None:
            every = (each for action in self._discord.interactions for each in action.messages)
            message = next(each for each in every if each.id == id)
        file = message.files[number]
        return file.filename, file.content_type, file.data

    async def drop_socket(self) -> None:
        """Reset the gateway connection."""
        await self._discord.break_gateway(kind="abort")

    def duplicate_next(self) -> None:
        """Deliver the next post twice."""
        self._discord.disturb(discord.Disturbance(kind="duplicate"))

    def refuse_writes(self, *, seconds: float) -> None:
        """The next writes of messages meet the rate limit."""
        self._discord.fail(
            discord.Fault(
                kind="ratelimited", method="POST|PATCH", path="/messages", times=2, retry_after=seconds
            )
        )

    def _channel(self, place: str) -> records.Channel:
        if place not in self._channels:
            raise LookupError(f"there is no place {place}")
        return self._channels[place]

    def _place(self, channel: records.Channel) -> shapes.Place:
        if channel.kind == records.DM:
            return shapes.Place(id=channel.id, name="Threadmate", kind="dm", person=channel.recipient)
        if channel.is_thread:
            return shapes.Place(id=channel.id, name=channel.name, kind="thread", parent=channel.parent)
        return shapes.Place(id=channel.id, name=channel.name, kind="channel")

    def _mark(self, message: records.Message) -> Any:
        thread = self._channels.get(message.thread or "")
        return (
            message.content,
            message.edited_at,
            message.flags,
            thread.total if thread else 0,
            sum(map(len, message.reactions.values())),
            len(message.files),
            len(message.components),
        )

    def _post(self, message: records.Message, *, only: str | None = None, asked: str = "") -> shapes.Post:
        shown, author, notice = message.content, message.author, False
        if message.kind == records.THREAD_STARTER and message.reference:
            parent = self._channels.get(message.reference["channel_id"])
            root = parent.messages.get(message.reference["message_id"]) if parent else None
            shown, author = (root.content, root.author) if root else ("(the first post is gone)", author)
            notice = root is None
        elif message.kind in _SYSTEM:
            shown, notice = _SYSTEM[message.kind], True
        thread = self._channels.get(message.thread or "")
        files = [
            shapes.File(
                name=file.filename,
                media_type=file.content_type,
                size=len(file.data),
                url=f"api/discord/file/{message.channel}/{message.id}/{number}",
            )
            for number, file in enumerate(message.files)
        ]
        return shapes.Post(
            id=message.id,
            places=(message.channel,),
            author=author,
            text=shown,
            format="discord",
            at=message.at,
            edited=message.edited_at is not None and message.author != self.bot,
            files=tuple(files),
            buttons=tuple(_buttons(message.components)),
            reactions=signs.counted(message.reactions),
            thread=shapes.Thread(place=thread.id, posts=thread.total) if thread else None,
            only=only,
            asked=asked,
            growing=bool(message.flags & records.LOADING),
            notice=notice,
        )

    def _name(self, user: str) -> str:
        return "Threadmate" if user == self.bot else self._discord.world.user(user).display_name

    def _typed(self, text: str) -> str:
        """Mentions by id outside code, as Discord's own client sends them."""
        names = sorted(
            ((self._name(user), user) for user in self._discord.world.guild(self._guild).members),
            key=lambda pair: -len(pair[0]),
        )
        parts = _CODE.split(text)
        for at in range(0, len(parts), 2):
            for name, user in names:
                parts[at] = re.sub(rf"@{re.escape(name)}\b", f"<@{user}>", parts[at], flags=re.IGNORECASE)
        return "".join(parts)

    def _shown(self, text: str) -> str:
        """A text with names in place of ids."""
        for user in self._discord.world.guild(self._guild).members:
            text = text.replace(f"<@{user}>", f"@{self._name(user)}")
        return text


def _buttons(components: Sequence[Json]) -> Iterator[shapes.Button]:
    for each in components:
        if each.get("type") == 2 and each.get("custom_id"):  # noqa: PLR2004 - Discord's number of a button
            yield signs.button(each["custom_id"], each.get("label") or "button")
        yield from _buttons(each.get("components") or ())
