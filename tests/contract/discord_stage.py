"""The stage on Discord, through the real discord.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Self

import stage

from bot.desk import commands
from emulators import discord

WRITTEN = (0, 19)  # message types: written, written as a reply
PINNED, JOINED = 6, 7
SUPPRESS_EMBEDS = 1 << 2


class DiscordStage(stage.Stage):
    """See stage.Stage."""

    name = "discord"
    limit = 2000

    async def __aenter__(self) -> Self:
        self.service = discord.Discord(clock=self.clock)
        await self.service.__aenter__()
        self.bot = self.service.bot_user_id
        self.names[self.bot] = "threadmate"
        self.guild = self.service.add_guild("Team")
        self.channel = stage.Place(channel=self.service.add_channel(self.guild, "general"))
        self.side_channel = stage.Place(channel=self.service.add_channel(self.guild, "random"))
        self.ada, self.bob, self._watcher = self.person("Ada"), self.person("Bob"), self.person("Watcher")
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self.service.__aexit__()

    def credentials(self) -> dict[str, str]:
        """See stage.Stage."""
        return {
            "discord_bot_token": self.service.token,
            "discord_api_url": self.service.api_url,
            "discord_gateway_url": self.service.gateway_url,
        }

    async def connected(self) -> None:
        """See stage.Stage."""
        await self.service.connected()

    def person(self, name: str) -> str:
        """See stage.Stage."""
        user = self.service.add_user(name)
        self.service.join(self.guild, user)
        self.names[user] = name
        return user

    def group(self, name: str) -> str:
        """See stage.Stage."""
        return self.service.add_role(self.guild, name, mentionable=True)

    def dm(self, user: str) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(channel=self.service.open_dm(user))

    def under(self, said: stage.Said) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(channel=said.id) if self._is_channel(said.place) else said.place

    async def thread_of_people(self, said: stage.Said) -> stage.Place:
        """See stage.Stage."""
        opened = await self.service.create_thread(
            channel=said.place.channel, user=self.ada, name="A thread of people", message=said.id
        )
        return stage.Place(channel=opened)

    async def command(
        self, place: stage.Place, word: str, argument: str = "", *, by: str | None = None
    ) -> str:
        """See stage.Stage."""
        given = await self.service.slash(by or self.ada, place.channel, word, commands.filled(word, argument))
        return "\n".join(str(each["content"]) for each in await given.answered())

    async def press(self, place: stage.Place, post: str, label: str, *, by: str | None = None) -> str:
        """See stage.Stage."""
        message = next(each for each in self.service.messages(place.channel) if each["id"] == post)
        buttons = [each for row in message["components"] for each in row["components"]]
        custom_id = next(each["custom_id"] for each in buttons if each["label"] == label)
        given = await self.service.button(by or self.ada, post, custom_id)
        await self.until(lambda: given.callback is not None)
        await self.idle()
        return "\n".join(str(each["content"]) for each in given.responses)

    async def rate(self, place: stage.Place, thumb: str, *, by: str | None = None) -> None:
        """See stage.Stage."""
        message = self._own(place)[-1]
        ids = [each["custom_id"] for row in message["components"] for each in row["components"]]
        custom_id = next((each for each in ids if each.endswith(f":{thumb}")), None)
        if custom_id is None:
            raise LookupError("no thumbs stand there")
        given = await self.service.button(by or self.ada, message["id"], custom_id)
        await self.until(lambda: given.callback is not None)
        await self.idle()

    def link(self, said: stage.Said) -> str:
        """See stage.Stage."""
        return f"https://discord.com/channels/{self.guild}/{said.place.channel}/{said.id}"

    def link_elsewhere(self) -> str:
        """See stage.Stage."""
        return "https://discord.com/channels/100000000000000000/100000000000000001/100000000000000002"

    def closed_channel(self) -> stage.Place:
        """See stage.Stage."""
        made = self.service.add_channel(self.guild, "plans")
        self.service.hide_channel(made, self.bob)
        return stage.Place(channel=made)

    async def react(self, place: stage.Place, post: str, *, by: str) -> None:
        """See stage.Stage."""
        await self.service.react(place.channel, post, by, "🛑")

    async def ask_about(self, said: stage.Said, question: str, *, by: str) -> None:
        """See stage.Stage."""
        form = await self.service.context_menu(by, said.id, "Ask about this")
        await self.until(lambda: form.modal is not None)
        sent = await self.service.submit(form, {"question": question})
        await sent.answered(stage.LIMIT)

    async def preview(self, said: stage.Said) -> None:
        """See stage.Stage."""
        await self.service.unfurl(said.place.channel, said.id)

    async def noise(self, place: stage.Place) -> None:
        """See stage.Stage."""
        robot = self.service.add_user("Robot", bot=True)
        self.service.join(self.guild, robot)
        await self.service.post(channel=place.channel, user=robot, content=f"{self.at(self.bot)} beep")
        await self.service.post(channel=place.channel, user=self.ada, type=JOINED)
        await self.service.post(channel=place.channel, user=self.ada, type=PINNED)
        self.belongs("beep", place.channel)

    def forbid_threads(self) -> None:
        """See stage.Stage."""
        self.service.set_permissions(self.channel.channel, {"create_public_threads"})

    def repeat_events(self, times: int) -> None:
        """See stage.Stage; Discord itself sends no event more than twice."""
        self.service.disturb(discord.Disturbance(kind="duplicate", times=times * 100))

    def swap_events(self, count: int = 2) -> None:
        """See stage.Stage."""
        self.service.disturb(discord.Disturbance(kind="reorder", times=count - 1))

    async def disconnect(self, kind: str) -> None:
        """See stage.Stage."""
        await self.service.break_gateway(kind="reconnect" if kind == "asked" else "abort")

    def lose_first_sign(self) -> None:
        """See stage.Stage."""
        self.service.fail(discord.Fault(kind="lose_response", method="POST", path="/messages$"))

    def lose_next_file(self) -> None:
        """See stage.Stage; a file comes with its post."""
        self.service.fail(discord.Fault(kind="lose_response", method="POST|PATCH", path="/messages"))

    async def disconnected(self) -> None:
        """See stage.Stage."""
        await self.until(lambda: not self.service.sessions)

    def answers(self, place: stage.Place) -> list[str]:
        """See stage.Stage."""
        return [str(post["content"]) for post in self._own(place)]

    def files(self, place: stage.Place) -> dict[str, bytes]:
        """See stage.Stage."""
        own = {str(post["id"]) for post in self._own(place)}
        held = [
            file
            for message in self.service.world.channel(place.channel).messages.values()
            if message.id in own
            for file in message.files
        ]
        names = [file.filename for file in held]
        assert len(names) == len(set(names)), names
        return {file.filename: file.data for file in held}

    def hold_downloads(self) -> stage.Held:
        """See stage.Stage."""
        return self.service.fail(discord.Fault(kind="hold", path="^/attachments/"))

    def refuse_files(self) -> None:
        """See stage.Stage."""
        self.service.set_permissions(self.channel.channel, {"attach_files"})

    def told(self, place: stage.Place) -> str:
        """See stage.Stage."""
        return "\n".join(self.answers(place))

    def answer_ids(self, place: stage.Place) -> list[str]:
        """See stage.Stage."""
        return [str(post["id"]) for post in self._own(place)]

    def pinged(self) -> set[str]:
        """See stage.Stage."""
        own = {str(post["id"]) for post in self._all()}
        pings = [ping for message, ping in self.service.pings.items() if message in own]
        return {target for ping in pings for target in _targets(ping)}

    def previews(self) -> int:
        """See stage.Stage."""
        return sum("http" in post["content"] and not post["flags"] & SUPPRESS_EMBEDS for post in self._all())

    async def heard(self) -> None:
        """Events come in order: once a later command is taken up, everything before it is in a lane."""
        barrier = await self.service.slash(self._watcher, self.side_channel.channel, "help", None)
        await barrier.answered(stage.LIMIT)
        if lanes := [task for task in asyncio.all_tasks() if task.get_name().startswith("discord lane ")]:
            await asyncio.wait(lanes, timeout=stage.LIMIT)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """See stage.Stage."""
        await self.service.until(lambda _: predicate(), timeout=stage.LIMIT)

    def conversation(self, said: stage.Said) -> str:
        """See stage.Stage."""
        return said.id if self._is_channel(said.place) else said.place.channel

    async def _post(
        self,
        place: stage.Place,
        text: str,
        *,
        by: str,
        to: stage.Said | None,
        event: bool,
        files: Sequence[stage.File] = (),
    ) -> str:
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose"))
        return await self.service.post(
            channel=place.channel,
            user=by,
            content=text,
            reply_to=None if to is None else to.id,
            attachments=list(files) or None,
        )

    async def _edit(self, said: stage.Said, text: str, *, event: bool) -> None:
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose", event="MESSAGE_UPDATE"))
        await self.service.edit(said.place.channel, said.id, text)

    async def _take_away_file(self, said: stage.Said, name: str, *, event: bool) -> None:
        """On Discord that is an edit of the post."""
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose", event="MESSAGE_UPDATE"))
        message = self.service.world.channel(said.place.channel).messages[said.id]
        keep = [file.filename for file in message.files if file.filename != name]
        await self.service.edit(said.place.channel, said.id, message.content, keep=keep)

    async def _delete(self, said: stage.Said, *, event: bool) -> None:
        if not event:
            self.service.disturb(discord.Disturbance(kind="lose", event="MESSAGE_DELETE"))
        await self.service.delete(said.place.channel, said.id)

    def _is_channel(self, place: stage.Place) -> bool:
        found = next(each for each in self.service.channels if each["id"] == place.channel)
        return bool(found["type"] == 0)

    def _all(self) -> list[dict[str, Any]]:
        """The bot's posts everywhere."""
        everywhere = [stage.Place(channel=each["id"]) for each in self.service.channels]
        return [post for place in everywhere for post in self._own(place)]

    def _own(self, place: stage.Place) -> list[dict[str, Any]]:
        """The bot's posts; nothing stands in a thread that was never opened."""
        if all(each["id"] != place.channel for each in self.service.channels):
            return []
        posts = self.service.messages(place.channel)
        return [post for post in posts if post["author"]["id"] == self.bot and post["type"] in WRITTEN]


def _targets(ping: discord.Ping) -> set[str]:
    words = {"everyone": ping.everyone, "here": ping.here, ping.replied_user or "": bool(ping.replied_user)}
    return {*ping.users, *ping.roles, *(word for word, meant in words.items() if meant)}
