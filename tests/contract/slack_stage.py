"""The stage on Slack: Socket Mode, through the real slack-bolt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import stage

from emulators import slack


class SlackStage(stage.Stage):
    """See stage.Stage."""

    name = "slack"
    limit = 4_000

    async def __aenter__(self) -> Self:
        # The second retry comes at once as well: a test waits for no minute.
        self.service = slack.Slack(clock=self.clock, retry_delays=(0.0, 0.0, 0.0))
        await self.service.__aenter__()
        self.bot = self.service.bot_user_id
        self.names[self.bot] = "threadmate"
        self.ada, self.bob = self.person("Ada"), self.person("Bob")
        members = [self.ada, self.bob]
        self.channel = stage.Place(channel=self.service.add_channel("general", members=members))
        self.side_channel = stage.Place(channel=self.service.add_channel("random", members=members))
        return self

    async def __aexit__(self, *error: object) -> None:
        await super().__aexit__(*error)
        await self.service.__aexit__(None, None, None)

    def credentials(self) -> dict[str, str]:
        """See stage.Stage."""
        return {
            "slack_bot_token": self.service.bot_token,
            "slack_app_token": self.service.app_token,
            "slack_api_url": self.service.api_url,
        }

    async def connected(self) -> None:
        """See stage.Stage."""
        await self.service.connected(2)

    def person(self, name: str) -> str:
        """See stage.Stage."""
        user = self.service.add_user(name)
        self.names[user] = name
        return user

    def group(self, name: str) -> str:
        """See stage.Stage."""
        return f"S{name.upper()}"

    def dm(self, user: str) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(channel=self.service.open_dm(user))

    def group_dm(self) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(
            channel=self.service.add_channel("mpdm", members=[self.ada, self.bob], kind="mpim")
        )

    def under(self, said: stage.Said) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(channel=said.place.channel, thread=said.place.thread or said.id)

    async def thread_of_people(self, said: stage.Said) -> stage.Place:
        """See stage.Stage."""
        return self.under(said)

    async def command(
        self, place: stage.Place, word: str, argument: str = "", *, by: str | None = None
    ) -> str:
        """See stage.Stage."""
        before = self.told(place)
        given = f"{self.at(self.bot)} !{word} {argument}".strip()
        await self._post(place, given, by=by or self.ada, to=None, event=True)
        await self.heard()
        await self.until(lambda: self.told(place) != before)
        return self.told(place).removeprefix(before)

    async def press(self, place: stage.Place, post: str, label: str, *, by: str | None = None) -> str:
        """See stage.Stage."""
        message = self.service.channels[place.channel].messages[post]
        elements = [each for block in message["blocks"] for each in block.get("elements", ())]
        pressed = next(each for each in elements if each.get("text", {}).get("text") == label)
        before = self.told(place)
        user = by or self.ada
        await self.service.button(user=user, action_id=pressed["action_id"], channel=place.channel, ts=post)
        await self.idle()
        return self.told(place).removeprefix(before).strip()

    async def rate(self, place: stage.Place, thumb: str, *, by: str | None = None) -> None:
        """See stage.Stage."""
        message = [post for post in self._own(place) if not post.get("files")][-1]
        elements = [each for block in message.get("blocks", ()) for each in block.get("elements", ())]
        pair = next((each for each in elements if each["type"] == "feedback_buttons"), None)
        if pair is None:
            raise LookupError("no thumbs stand there")
        value = pair["positive_button" if thumb == "up" else "negative_button"]["value"]
        await self.service.button(
            user=by or self.ada,
            action_id=pair["action_id"],
            channel=place.channel,
            ts=message["ts"],
            value=value,
        )
        await self.idle()

    def link(self, said: stage.Said) -> str:
        """See stage.Stage."""
        link = f"{self.service.url}/archives/{said.place.channel}/p{said.id.replace('.', '')}"
        thread = said.place.thread
        return f"{link}?thread_ts={thread}&cid={said.place.channel}" if thread else link

    def link_elsewhere(self) -> str:
        """See stage.Stage."""
        return "https://elsewhere.slack.com/archives/C0ELSEWHERE/p1795388826190838"

    def closed_channel(self) -> stage.Place:
        """See stage.Stage."""
        return stage.Place(channel=self.service.add_channel("plans", members=[self.ada], kind="private"))

    async def react(self, place: stage.Place, post: str, *, by: str) -> None:
        """See stage.Stage."""
        await self.service.react_to(channel=place.channel, ts=post, user=by, name="octagonal_sign")

    async def ask_about(self, said: stage.Said, question: str, *, by: str) -> None:
        """See stage.Stage."""
        await self.service.shortcut(user=by, callback_id="ask_about", channel=said.place.channel, ts=said.id)
        await self.until(lambda: bool(self.service.modals))
        (view_id,) = self.service.modals
        values = {"question": {"question": {"type": "plain_text_input", "value": question}}}
        await self.service.submit_view(user=by, view_id=view_id, values=values)
        await self.heard()

    async def preview(self, said: stage.Said) -> None:
        """See stage.Stage."""
        await self.service.unfurl(channel=said.place.channel, ts=said.id)

    async def noise(self, place: stage.Place) -> None:
        """See stage.Stage."""
        robot = self.service.add_user("Robot", is_bot=True)
        newcomer = self.service.add_user("Newcomer")
        await self.service.join(channel=place.channel, user=robot)
        await self.service.join(channel=place.channel, user=newcomer)
        await self.service.post(
            channel=place.channel,
            user=robot,
            text=f"{self.at(self.bot)} beep",
            thread_ts=place.thread or None,
            subtype="bot_message",
        )
        self.belongs("beep", f"{place.channel}/{place.thread}")

    def repeat_events(self, times: int) -> None:
        """See stage.Stage."""
        self.service.faults.duplicate = times

    def swap_events(self, count: int = 2) -> None:
        """See stage.Stage."""
        self.service.faults.reorder(count)

    async def disconnect(self, kind: str) -> None:
        """See stage.Stage."""
        await self.service.disconnect_sockets({"asked": "refresh", "torn": "abort"}[kind])

    def lose_first_sign(self) -> None:
        """See stage.Stage."""
        self.service.fail(slack.Fault(kind="lose_response", method="chat.startStream"))

    def lose_next_file(self) -> None:
        """See stage.Stage."""
        self.service.fail(slack.Fault(kind="lose_response", method="files.completeUploadExternal"))

    async def disconnected(self) -> None:
        """See stage.Stage."""
        await self.until(lambda: not self.service.sockets.open_connections())

    def answers(self, place: stage.Place) -> list[str]:
        """See stage.Stage."""
        return [
            self.service.shown(place.channel, str(post["ts"]))
            for post in self._own(place)
            if not post.get("files")
        ]

    def files(self, place: stage.Place) -> dict[str, bytes]:
        """See stage.Stage."""
        held = [file for post in self._own(place) for file in post.get("files", ())]
        names = [file["name"] for file in held]
        assert len(names) == len(set(names)), names
        return {file["name"]: self.service.file_data[file["id"]] for file in held}

    def hold_downloads(self) -> stage.Held:
        """See stage.Stage."""
        return self.service.fail(slack.Fault(kind="hold", method="download"))

    def refuse_files(self) -> None:
        """See stage.Stage."""
        self.service.scopes.discard("files:write")

    def told(self, place: stage.Place) -> str:
        """See stage.Stage."""
        alone = [
            slack.shown_text({**each, "bot_id": self.service.bot_id}) for each in self.service.ephemerals
        ]
        return "\n".join([*self.answers(place), *alone])

    def answer_ids(self, place: stage.Place) -> list[str]:
        """See stage.Stage."""
        return [str(post["ts"]) for post in self._own(place) if not post.get("files")]

    def pinged(self) -> set[str]:
        """See stage.Stage."""
        return {ping.target for ping in self.service.pings}

    def previews(self) -> int:
        """See stage.Stage."""
        return len(self.service.unfurls)

    async def heard(self) -> None:
        """See stage.Stage."""
        await self.service.settled(timeout_seconds=stage.LIMIT)

    async def until(self, predicate: Callable[[], bool]) -> None:
        """See stage.Stage."""
        await self.service.until(lambda _: predicate(), timeout_seconds=stage.LIMIT)

    def conversation(self, said: stage.Said) -> str:
        """See stage.Stage."""
        return f"{said.place.channel}/{said.place.thread or said.id}"

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
        thread = place.thread or (to.place.thread or to.id if to is not None else None)
        uploaded = [
            self.service.add_file(user=by, name=name, data=data, mimetype=media_type)
            for name, data, media_type in files
        ]
        return await self.service.post(
            channel=place.channel,
            user=by,
            text=_typed(text, self.names),
            thread_ts=thread,
            deliver=event,
            files=uploaded or None,
        )

    async def _edit(self, said: stage.Said, text: str, *, event: bool) -> None:
        await self.service.edit(
            channel=said.place.channel, ts=said.id, text=_typed(text, self.names), deliver=event
        )

    async def _take_away_file(self, said: stage.Said, name: str, *, event: bool) -> None:
        """Slack lets people delete the file itself."""
        posts = self.service.channels[said.place.channel].messages
        file_id = next(file["id"] for file in posts[said.id]["files"] if file.get("name") == name)
        await self.service.delete_file(file_id, deliver=event)

    async def _delete(self, said: stage.Said, *, event: bool) -> None:
        await self.service.delete(channel=said.place.channel, ts=said.id, deliver=event)

    def _own(self, place: stage.Place) -> list[dict[str, Any]]:
        """The bot's posts: those of a thread, or those at the top level of a channel or DM."""
        posts = self.service.messages(place.channel, place.thread or None)
        return [
            post
            for post in posts
            if post.get("user") == self.bot and (place.thread or "thread_ts" not in post)
        ]


class SlackHttpStage(SlackStage):
    """Slack over HTTP with signatures, in a workspace whose plan has no agent features."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        self.service.streaming_allowed = False
        return self

    def credentials(self) -> dict[str, str]:
        """See stage.Stage."""
        socket_mode = super().credentials()
        del socket_mode["slack_app_token"]
        return {**socket_mode, "slack_signing_secret": self.service.signing_secret}

    async def connected(self) -> None:
        """See stage.Stage; the emulator asks the bot to prove itself first, as Slack does."""
        await self.service.deliver_to(f"http://127.0.0.1:{self.port}/slack/events")

    def lose_first_sign(self) -> None:
        """See stage.Stage."""
        self.service.fail(slack.Fault(kind="lose_response", method="chat.postMessage"))


def _typed(text: str, names: dict[str, str]) -> str:
    """What Slack makes of typed text: everything but mentions escaped."""
    for raw, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(raw, safe)
    for user in names:
        text = text.replace(f"&lt;@{user}&gt;", f"<@{user}>")
    return text
