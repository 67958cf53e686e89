"""What people do in the workspace; each deed changes the state and sends the events that Slack sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emulators.slack import files, pings, records, state

if TYPE_CHECKING:
    from collections.abc import Sequence

Json = dict[str, Any]


class People(state.State):
    """The workspace as people use it. Deeds of people are checked too: a test's mistake raises."""

    def add_user(
        self,
        name: str,
        *,
        display_name: str | None = None,
        guest: bool = False,
        is_bot: bool = False,
        team_id: str | None = None,
    ) -> str:
        """Add somebody (or another bot), return the id; a foreign `team_id` is a connected workspace."""
        user = records.User(
            id=self.new_id("U"),
            name=name.lower().replace(" ", "."),
            real_name=name,
            display_name=name if display_name is None else display_name,
            team_id=team_id or self.team_id,
            guest=guest,
            is_bot=is_bot,
            bot_id=self.new_id("B") if is_bot else None,
        )
        self.users[user.id] = user
        self.changed.ring()
        return user.id

    def add_channel(
        self, name: str, *, members: Sequence[str] = (), kind: str = "channel", bot_member: bool = True
    ) -> str:
        """Add a channel of kind channel, private or mpim, return its id; the bot is in it by default."""
        people = [*members, self.bot_user_id] if bot_member else list(members)
        return self.new_channel(kind=kind, name=name, members=people).id

    def share(self, channel: str, other: People) -> None:
        """Slack Connect: another workspace joins a channel, with everybody and its bot."""
        place = self.channels[channel]
        other.channels[channel] = place
        place.members.append(other.bot_user_id)
        known = {**self.users, **other.users}
        self.users.update(known)
        other.users.update(known)

    def open_dm(self, user: str) -> str:
        """The id of the DM between the bot and this person."""
        self.users[user]
        return self.direct_channel(user).id

    def add_file(
        self,
        *,
        user: str,
        name: str,
        mimetype: str,
        data: bytes,
        access: str = "visible",
        external_url: str | None = None,
    ) -> Json:
        """Upload a file and return its object; post it with `post(files=[…])`."""
        size = len(data)
        file = files.described(
            self, user=user, name=name, mimetype=mimetype, size=size, external_url=external_url
        )
        file["file_access"] = access
        self.files[file["id"]] = file
        self.file_data[file["id"]] = data
        return file

    async def post(
        self,
        *,
        channel: str,
        user: str,
        text: str,
        thread_ts: str | None = None,
        files: Sequence[Json] | None = None,
        subtype: str | None = None,
        deliver: bool = True,
        ts: str | None = None,
    ) -> str:
        """Somebody posts; returns the ts. `deliver=False` changes the channel without any event.

        `ts`: that of a post in another workspace, which this one is to share.
        """
        place = self._place(channel, user)
        if thread_ts is not None and thread_ts not in place.messages:
            raise LookupError(f"there is no message {thread_ts} in {channel} to reply to")
        person = self.users[user]
        ts = ts or self.new_ts()
        message: Json = {"type": "message", "user": user, "text": text, "ts": ts, "team": person.team_id}
        message["client_msg_id"] = f"emulated-{ts}"
        if text:
            message["blocks"] = pings.rich_text(text)
        if person.team_id != self.team_id:
            message |= {"user_team": person.team_id, "source_team": person.team_id}
        if person.is_bot:
            message |= {"bot_id": person.bot_id, "bot_profile": {"id": person.bot_id, "name": person.name}}
            del message["client_msg_id"]
        if thread_ts is not None:
            root = place.messages[thread_ts]
            message |= {"thread_ts": root.get("thread_ts", thread_ts), "parent_user_id": root.get("user")}
        if files:
            message |= {"files": [_file_in_message(f) for f in files], "upload": False}
        if subtype or files:
            message["subtype"] = subtype or "file_share"
        if subtype == "bot_message":
            message["username"] = person.name
            del message["user"]
        self.store(place, message, announce=deliver)
        return ts

    async def edit(self, *, channel: str, ts: str, text: str, deliver: bool = True) -> None:
        """The author edits a post; a mention of the bot that was not there before is an app_mention too."""
        place, message = self._found(channel, ts)
        edited = {"user": message["user"], "ts": self.new_ts()}
        changed = message | {"text": text, "blocks": pings.rich_text(text), "edited": edited}
        self.change(place, changed, announce=deliver)

    async def delete(self, *, channel: str, ts: str, deliver: bool = True) -> None:
        """Somebody deletes a post, their own or, as an admin, the bot's."""
        place, _ = self._found(channel, ts)
        self.remove(place, ts, announce=deliver)

    async def delete_file(self, file_id: str, *, deliver: bool = True) -> None:
        """Somebody deletes a file: file_deleted, and message_changed of the posts that held it."""
        files.remove(self, file_id, announce=deliver)

    async def unfurl(self, *, channel: str, ts: str, deliver: bool = True) -> None:
        """Slack attaches a link preview: message_changed with the same text and no `edited`."""
        place, message = self._found(channel, ts)
        found = pings.links(str(message["text"])) or ["https://example.com/"]
        preview = {"id": 1, "from_url": found[0], "title": "A page", "fallback": "A page"}
        self.change(place, message | {"attachments": [preview]}, announce=deliver)

    async def join(self, *, channel: str, user: str) -> str:
        """Somebody, or the bot, joins a channel: a channel_join message and member_joined_channel."""
        place = self.channels[channel]
        place.members.append(user)
        ts = self.new_ts()
        text = f"<@{user}> has joined the channel"
        message = {"type": "message", "subtype": "channel_join", "user": user, "text": text, "ts": ts}
        self.store(place, message)
        event = {"type": "member_joined_channel", "user": user, "channel": channel, "team": self.team_id}
        self.send_event(event | {"event_ts": ts, "channel_type": channel[0]}, channel=place)
        return ts

    async def react_to(self, *, channel: str, ts: str, user: str, name: str) -> None:
        """Somebody adds an emoji to a post."""
        place, message = self._found(channel, ts)
        self.react(place, message, user=user, name=name)

    async def stop_session(self, *, channel: str, thread_ts: str, user: str) -> list[str]:
        """Somebody presses Stop: Slack ends the bot's streams in the thread and says so; returns their ts.

        The session's status stays as it is: moving it on is the app's duty.
        """
        ended = []
        for stream in self.streams.values():
            here = stream.channel == channel and (stream.thread_ts or stream.ts) == thread_ts
            if here and self.open_stream(channel, stream.ts):
                stream.stopped = True
                ended.append(stream.ts)
        event = {"type": "agent_session_stopped", "channel": channel, "thread_ts": thread_ts, "user": user}
        self.send_event(
            event | {"streaming_message_ts": ended, "event_ts": self.new_ts()}, channel=self.channels[channel]
        )
        self.changed.ring()
        return ended

    async def uninstall(self) -> None:
        """An admin removes the app: its tokens die, tokens_revoked and app_uninstalled are sent."""
        self.token_error = "account_inactive"
        self.app.end(self, "account_inactive")
        tokens = {"oauth": [], "bot": [self.bot_user_id]}
        self.send_event({"type": "tokens_revoked", "tokens": tokens, "event_ts": self.new_ts()})
        self.send_event({"type": "app_uninstalled", "event_ts": self.new_ts()})
        self.installed = False
        self.changed.ring()

    def messages(self, channel: str, thread_ts: str | None = None) -> list[Json]:
        """What people see now, in ts order: the whole channel, or one thread with its root."""
        place = self.channels[channel]
        shown = list(place.messages.values())
        if thread_ts is not None:
            shown = [m for m in shown if thread_ts in {m["ts"], m.get("thread_ts")}]
        return [self.rendered(place, m) for m in sorted(shown, key=lambda m: str(m["ts"]))]

    def shown(self, channel: str, ts: str) -> str:
        """The text a person reads in this message, blocks included."""
        return pings.shown_text(self.channels[channel].messages[ts])

    def status(self, channel: str, thread_ts: str) -> str:
        """The agent session's status (processing, active, suspended, closed) or else the free-text status."""
        session = self.session(channel, thread_ts)
        return session.status or session.thinking

    def _place(self, channel: str, user: str) -> records.Channel:
        place = self.channels[channel]
        if user == self.bot_user_id or user not in self.users:
            raise LookupError(f"{user} is nobody who can post here; the bot posts through the Web API")
        if user not in place.members:
            if place.kind != "channel":
                raise LookupError(f"{user} is not in {channel}")
            place.members.append(user)
        return place

    def _found(self, channel: str, ts: str) -> tuple[records.Channel, Json]:
        place = self.channels[channel]
        if ts not in place.messages:
            raise LookupError(f"there is no message {ts} in {channel}")
        return place, place.messages[ts]


def _file_in_message(file: Json) -> Json:
    """In Slack Connect a file may come as its id alone, to be looked up with files.info."""
    if file["file_access"] == "check_file_info":
        return {"id": file["id"], "mode": "file_access", "file_access": "check_file_info"}
    return file
