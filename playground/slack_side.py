"""The Slack-like side: the emulated workspace as the page sees and moves it. Implements side.Side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from emulators import slack
from playground import shapes, signs, slack_blocks

Json = dict[str, Any]

_SEPARATOR = ":"  # between channel and root in the id of a thread's place
_CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)


class SlackSide:
    """One workspace."""

    name = "slack"
    longest = 12_000  # the client makes a file of longer ones

    def __init__(self, workspace: slack.Slack) -> None:
        self._slack = workspace
        self.bot = workspace.bot_user_id
        self._twice = False

    def directory(self) -> Json:
        """People and places; threads with the newest post first."""
        space = self._slack
        people = [
            {"id": user.id, "name": user.display_name or user.real_name, "bot": user.is_bot}
            for user in space.users.values()
            if user.id != "USLACKBOT"
        ]
        places: list[shapes.Place] = []
        for channel in space.channels.values():
            if channel.kind == "im":
                person = next(member for member in channel.members if member != self.bot)
                places.append(shapes.Place(id=channel.id, name="Threadmate", kind="dm", person=person))
            else:
                person = None
                places.append(shapes.Place(id=channel.id, name=channel.name, kind="channel"))
            places += [
                shapes.Place(
                    id=f"{channel.id}{_SEPARATOR}{root}",
                    name=self._title(channel.messages[root]),
                    kind="thread",
                    parent=channel.id,
                    person=person,
                )
                for root, replies in channel.threads.items()
                if replies and root in channel.messages
            ]
        return {"bot": self.bot, "people": people, "places": shapes.plain(places), "commands": []}

    def posts(self, place: str) -> list[shapes.Post]:
        """A channel's posts without replies, or a thread with its root."""
        channel, root = self._where(place)
        messages = self._slack.channels[channel].messages
        if root:
            replies = self._slack.channels[channel].threads.get(root, [])
            chosen = [messages[ts] for ts in [root, *replies] if ts in messages]
        else:
            chosen = [each for each in messages.values() if each.get("thread_ts", each["ts"]) == each["ts"]]
        shown = [self._post(channel, each) for each in chosen]
        shown += [self._notice(each) for each in self._slack.ephemerals if self._place_of(each) == place]
        return sorted(shown, key=lambda post: post.at)

    def marks(self) -> Iterator[tuple[str, Any]]:
        """An edit makes another object of a message, a stream another text."""
        for channel in self._slack.channels.values():
            for ts, message in channel.messages.items():
                replies = channel.threads.get(ts)
                reactions = message.get("reactions")
                count = sum(map(len, reactions.values())) if reactions else 0
                yield (
                    f"{channel.id}/{ts}",
                    (id(message), message.get("text"), len(replies) if replies else 0, count, message),
                )
        for notice in self._slack.ephemerals:
            yield f"{notice['channel']}/{notice['ts']}", (id(notice), notice)

    def post_of(self, key: str) -> shapes.Post | None:
        """By channel and ts."""
        channel, _, ts = key.partition("/")
        message = self._slack.channels[channel].messages.get(ts)
        if message is not None:
            return self._post(channel, message)
        notices = (each for each in self._slack.ephemerals if each["channel"] == channel and each["ts"] == ts)
        return next((self._notice(each) for each in notices), None)

    def writing(self) -> Mapping[str, str]:
        """Threads whose agent session is at work."""
        found = {}
        for channel, thread in list(self._slack.sessions):
            session = self._slack.session(channel, thread)
            if session.thinking or session.status == "processing":
                found[f"{channel}{_SEPARATOR}{thread}"] = session.thinking or "is writing…"
        return found

    async def post(
        self,
        *,
        place: str,
        user: str,
        text: str,
        files: Sequence[tuple[str, str, bytes]] = (),
        reply_to: str | None = None,  # noqa: ARG002 - Slack has no replies but threads
    ) -> str:
        """Somebody posts; see side.Side."""
        channel, root = self._where(place)
        uploaded = [
            self._slack.add_file(user=user, name=name, mimetype=kind, data=data) for name, kind, data in files
        ]
        self._slack.faults.duplicate = 2 if self._twice else 1
        try:
            return await self._slack.post(
                channel=channel,
                user=user,
                text=self._typed(text),
                thread_ts=root or None,
                files=uploaded or None,
            )
        finally:
            self._slack.faults.duplicate, self._twice = 1, False

    async def edit(self, *, place: str, id: str, text: str) -> None:  # noqa: A002 - see side.Side
        """The author edits."""
        await self._slack.edit(channel=self._where(place)[0], ts=id, text=self._typed(text))

    async def delete(self, *, place: str, id: str) -> None:  # noqa: A002 - see side.Side
        """Somebody deletes a post."""
        await self._slack.delete(channel=self._where(place)[0], ts=id)

    async def command(self, *, place: str, user: str, word: str, argument: str) -> None:
        """The app has no slash commands on Slack, where threads take none: it is written as `!word`."""
        channel, _ = self._where(place)
        mention = "" if self._slack.channels[channel].kind == "im" else "@Threadmate "
        await self.post(place=place, user=user, text=f"{mention}!{word} {argument}".rstrip())

    async def press(self, *, place: str, user: str, id: str, button: str) -> None:  # noqa: A002 - see side.Side
        """Somebody presses a button."""
        action, _, value = button.partition(slack_blocks.CHOICE)
        channel = self._where(place)[0]
        await self._slack.button(user=user, action_id=action, channel=channel, ts=id, value=value or None)

    async def react(self, *, place: str, user: str, id: str, sign: str) -> None:  # noqa: A002 - see side.Side
        """Somebody puts an emoji under a post."""
        channel, name = self._where(place)[0], signs.slack_name(sign)
        already = self._slack.channels[channel].messages[id].get("reactions") or {}
        if user not in already.get(name, ()):
            await self._slack.react_to(channel=channel, ts=id, user=user, name=name)

    async def stop(self, *, place: str, user: str) -> None:
        """The stop button of an agent session."""
        channel, root = self._where(place)
        await self._slack.stop_session(channel=channel, thread_ts=root, user=user)

    async def open_thread(self, *, place: str, id: str, user: str) -> str:  # noqa: A002, ARG002 - see side.Side
        """A thread is there as soon as somebody replies."""
        return f"{self._where(place)[0]}{_SEPARATOR}{id}"

    def add_user(self, name: str) -> str:
        """Somebody new, in every channel, with a DM to the bot."""
        user = self._slack.add_user(name)
        for channel in self._slack.channels.values():
            if channel.kind == "channel":
                channel.members.append(user)
        self._slack.open_dm(user)
        return user

    def add_channel(self, name: str) -> str:
        """A new channel."""
        people = [user.id for user in self._slack.users.values() if user.id not in {self.bot, "USLACKBOT"}]
        return self._slack.add_channel(_channel_name(name), members=people)

    async def file(self, *, place: str, id: str, number: int) -> tuple[str, str, bytes]:  # noqa: A002 - see side.Side
        """A file of a post."""
        channel, _ = self._where(place)
        file = self._slack.channels[channel].messages[id]["files"][number]
        return str(file["name"]), str(file["mimetype"]), self._slack.file_data[file["id"]]

    async def drop_socket(self) -> None:
        """Reset the Socket Mode connections."""
        await self._slack.disconnect_sockets("abort")

    def duplicate_next(self) -> None:
        """Deliver the next post twice."""
        self._twice = True

    def refuse_writes(self, *, seconds: float) -> None:
        """The next calls of chat.* meet the rate limit."""
        self._slack.fail(
            slack.Fault(kind="ratelimited", method="chat.*", times=2, retry_after=max(1, round(seconds)))
        )

    def _where(self, place: str) -> tuple[str, str]:
        channel, _, root = place.partition(_SEPARATOR)
        if channel not in self._slack.channels:
            raise LookupError(f"there is no place {place}")
        return channel, root

    def _place_of(self, notice: Json) -> str:
        thread = notice.get("thread_ts")
        return f"{notice['channel']}{_SEPARATOR}{thread}" if thread else str(notice["channel"])

    def _post(self, channel: str, message: Json) -> shapes.Post:
        ts = str(message["ts"])
        root = str(message.get("thread_ts") or ts)
        replies = len(self._slack.channels[channel].threads.get(ts, []))
        thread = f"{channel}{_SEPARATOR}{root}"
        text, form = slack_blocks.content(message)
        files = [
            shapes.File(
                name=file["name"],
                media_type=file["mimetype"],
                size=file["size"],
                url=f"api/slack/file/{channel}/{ts}/{number}",
            )
            for number, file in enumerate(message.get("files") or [])
        ]
        return shapes.Post(
            id=ts,
            places=(channel, thread) if root == ts else (thread,),
            author=str(message.get("user") or message.get("bot_id") or ""),
            text=text,
            format=form,
            at=float(ts),
            edited="edited" in message and message.get("user") != self.bot,
            files=tuple(files),
            buttons=slack_blocks.buttons(message),
            reactions=signs.counted(
                {signs.from_slack(name): who for name, who in (message.get("reactions") or {}).items()}
            ),
            thread=shapes.Thread(place=thread, posts=replies) if replies and root == ts else None,
            growing=(channel, ts) in self._slack.streams and self._slack.open_stream(channel, ts) is not None,
            notice=message.get("subtype") in {"tombstone", "channel_join"},
        )

    def _notice(self, notice: Json) -> shapes.Post:
        text, form = slack_blocks.content(notice | {"bot_id": self._slack.bot_id})
        return shapes.Post(
            id=str(notice["ts"]),
            places=(self._place_of(notice),),
            author=self.bot,
            text=text,
            format=form,
            at=float(notice["ts"]),
            buttons=slack_blocks.buttons(notice),
            only=str(notice["user"]),
        )

    def _typed(self, text: str) -> str:
        """What Slack's own client makes of typed text: escapes, and mentions by id outside code."""
        names = sorted(
            (((user.display_name or user.real_name), user.id) for user in self._slack.users.values()),
            key=lambda pair: -len(pair[0]),
        )
        escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        parts = _CODE.split(escaped)
        for at in range(0, len(parts), 2):
            for name, user in names:
                parts[at] = re.sub(rf"@{re.escape(name)}\b", f"<@{user}>", parts[at], flags=re.IGNORECASE)
        return "".join(parts)

    def _title(self, root: Json) -> str:
        """A thread's name: how its first post begins, without the mention that opens most of them."""
        return shapes.title(self._shown(str(root.get("text") or "")).removeprefix("@Threadmate "))

    def _shown(self, text: str) -> str:
        """One line of a text with names in place of ids."""
        for user in self._slack.users.values():
            text = text.replace(f"<@{user.id}>", f"@{user.display_name or user.real_name}")
        return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _channel_name(name: str) -> str:
    found = re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")
    if not found:
        raise ValueError("a channel's name needs a letter or a digit")
    return found[:80]
