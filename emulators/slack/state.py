"""What the workspace holds: people, channels, messages, files, sessions, and the records that tests read."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from emulators.slack import api_error, events, pings, records

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from emulators.slack import changes, delivery, installs

Json = dict[str, Any]


class State:
    """The whole workspace in memory. Every change rings `changes`; every event goes to `deliveries`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        changed: changes.Changes,
        deliveries: delivery.Deliveries,
        first_id: int = 0,
    ) -> None:
        self.clock = clock
        self.changed = changed
        self.deliveries = deliveries
        self._ids = first_id
        self._last_ts = 0
        self.url = ""
        self.team_id = self.new_id("T")
        self.app_id = self.new_id("A")
        self.bot_user_id = self.new_id("U")
        self.bot_id = self.new_id("B")
        self.bot_token = "xoxb-emulated-bot-token"
        self.app_token = "xapp-1-emulated-app-token"
        self.signing_secret = "emulated-signing-secret"
        self.installed = True
        self.app: installs.App  # set by the server, which all workspaces share
        self.token_error: str | None = None  # e.g. "token_revoked" or "account_inactive"
        self.scopes: set[str] = set(records.DEFAULT_SCOPES)
        self.subscriptions: set[str] = set(records.DEFAULT_SUBSCRIPTIONS)
        self.signs_in_elsewhere = False  # a download without leave: led to another host, else a page here
        self.streaming_allowed = True
        self.streaming_refusal = "unknown_method"
        self.history_limit: str | None = None  # "commercial": 1 request a minute, 15 items
        self.limited_tiers: set[str] = set()  # of limits.TIERS
        self.users: dict[str, records.User] = {}
        self.channels: dict[str, records.Channel] = {}
        self.files: dict[str, Json] = {}
        self.file_data: dict[str, bytes] = {}
        self.uploads: dict[str, Json] = {}  # announced, not yet completed
        self.triggers: dict[str, tuple[str, float]] = {}  # trigger_id: user, made at
        self.response_urls: dict[str, Json] = {}
        self.streams: dict[tuple[str, str], records.Stream] = {}
        self.sessions: dict[tuple[str, str], records.Session] = {}
        self.prompts: dict[tuple[str, str | None], list[Json]] = {}
        self.homes: dict[str, Json] = {}
        self.modals: dict[str, Json] = {}
        self.ephemerals: list[Json] = []
        self.calls: list[records.Call] = []
        self.pings: list[records.Ping] = []
        self.unfurls: list[records.Unfurl] = []
        self.truncated: list[tuple[str, str]] = []  # (channel, ts) of posts cut at 40,000 characters
        self._add_robots()

    @property
    def api_url(self) -> str:
        """The Web API's base, as `AsyncWebClient(base_url=…)` takes it."""
        return f"{self.url}/api/"

    def new_id(self, prefix: str) -> str:
        """An id of Slack's shape, unique in this workspace."""
        self._ids += 1
        return f"{prefix}0EMU{self._ids:06d}"

    def number_from(self, number: int) -> None:
        """The ids after this one are given next."""
        self._ids = number

    def new_ts(self) -> str:
        """A message timestamp by the clock, unique and rising in this workspace."""
        self._last_ts = max(int(self.clock() * 1_000_000), self._last_ts + 1)
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def is_member(self, channel: records.Channel) -> bool:
        """Whether the bot is in the channel."""
        return self.bot_user_id in channel.members

    def visible_channel(self, channel_id: str) -> records.Channel:
        """The channel as the bot sees it; private ones it is not in do not exist for it."""
        channel = self.channels.get(channel_id)
        if channel is None or (channel.kind != "channel" and not self.is_member(channel)):
            raise api_error.ApiError("channel_not_found")
        return channel

    def direct_channel(self, user: str) -> records.Channel:
        """The DM of the bot and one person, opened if need be."""
        for channel in self.channels.values():
            if channel.kind == "im" and user in channel.members:
                return channel
        channel = records.Channel(
            id=self.new_id("D"),
            name="",
            kind="im",
            members=[user, self.bot_user_id],
            created=int(self.clock()),
        )
        self.channels[channel.id] = channel
        self.changed.ring()
        return channel

    def new_channel(self, *, kind: str, name: str, members: list[str]) -> records.Channel:
        """A new channel of kind channel, private or mpim."""
        if kind not in {"channel", "private", "mpim"}:
            raise ValueError(f"unknown kind of channel {kind!r}")
        channel = records.Channel(
            id=self.new_id("C"), name=name, kind=kind, members=members, created=int(self.clock())
        )
        self.channels[channel.id] = channel
        self.changed.ring()
        return channel

    def _add_robots(self) -> None:
        self.users["USLACKBOT"] = records.User(
            id="USLACKBOT",
            name="slackbot",
            real_name="Slackbot",
            display_name="Slackbot",
            team_id=self.team_id,
        )
        self.users[self.bot_user_id] = records.User(
            id=self.bot_user_id,
            name="threadmate",
            real_name="Threadmate",
            display_name="Threadmate",
            team_id=self.team_id,
            is_bot=True,
            bot_id=self.bot_id,
        )

    def replies(self, channel: records.Channel, root: str) -> list[Json]:
        """The replies of a thread, without its root, in ts order."""
        return [channel.messages[ts] for ts in channel.threads.get(root, [])]

    def rendered(self, channel: records.Channel, message: Json, *, metadata: bool = True) -> Json:
        """A copy of the message as the API shows it, with the thread's figures on its root."""
        shown = dict(message)
        if "reactions" in shown:
            shown["reactions"] = [
                {"name": name, "users": users, "count": len(users)}
                for name, users in shown["reactions"].items()
            ]
        if not metadata:
            shown.pop("metadata", None)
        replies = self.replies(channel, message["ts"])
        if replies:
            people = list(dict.fromkeys(str(r.get("user") or r.get("bot_id")) for r in replies))
            shown |= {
                "thread_ts": message["ts"],
                "reply_count": len(replies),
                "reply_users_count": len(people),
                "latest_reply": replies[-1]["ts"],
                "reply_users": people,
                "is_locked": False,
                "subscribed": any(r.get("user") == self.bot_user_id for r in replies),
            }
        return shown

    def store(self, channel: records.Channel, message: Json, *, announce: bool = True) -> None:
        """Put a new message into the channel and, unless told otherwise, send the events it causes."""
        channel.messages[message["ts"]] = message
        root = message.get("thread_ts")
        if root is not None:
            channel.threads.setdefault(root, []).append(message["ts"])
            channel.messages[root]["thread_ts"] = root
        for each in self._seeing(channel) if announce else ():
            each.send_event(events.posted(channel=channel, message=message), channel=channel)
            if channel.kind != "im" and events.mentions(message, user=each.bot_user_id):
                each.send_event(events.mentioned(channel=channel, message=message), channel=channel)
        self.changed.ring()

    def _seeing(self, channel: records.Channel) -> list[State]:
        """The workspaces a channel is in; each installation is told of what happens there."""
        return [each for each in self.app.workspaces if each.channels.get(channel.id) is channel]

    def change(self, channel: records.Channel, message: Json, *, announce: bool = True) -> None:
        """Replace a message by a newer version of itself and send `message_changed`."""
        previous = self.rendered(channel, channel.messages[message["ts"]])
        channel.messages[message["ts"]] = message
        for each in self._seeing(channel) if announce else ():
            current = self.rendered(channel, message)
            event = events.changed(channel=channel, message=current, previous=previous, ts=self.new_ts())
            each.send_event(event, channel=channel)
            added = events.mentions(message, user=each.bot_user_id) and not events.mentions(
                previous, user=each.bot_user_id
            )
            if added and channel.kind != "im":
                each.send_event(events.mentioned(channel=channel, message=current), channel=channel)
        self.changed.ring()

    def remove(self, channel: records.Channel, ts: str, *, announce: bool = True) -> None:
        """Delete a message; a root that has replies leaves a tombstone, as on Slack."""
        message = channel.messages[ts]
        if self.replies(channel, ts):
            tombstone = {
                "type": "message",
                "subtype": "tombstone",
                "user": "USLACKBOT",
                "text": "This message was deleted.",
                "hidden": True,
                "ts": ts,
                "thread_ts": ts,
            }
            self.change(channel, tombstone, announce=announce)
            return
        previous = self.rendered(channel, message)
        del channel.messages[ts]
        root = message.get("thread_ts", ts)
        if root != ts:
            channel.threads[root].remove(ts)
        if announce:
            event = events.deleted(channel=channel, previous=previous, ts=self.new_ts())
            for each in self._seeing(channel):
                each.send_event(event, channel=channel)
        self.changed.ring()

    def send_event(self, event: Json, *, channel: records.Channel | None = None) -> None:
        """Deliver an Events API event if the app subscribed to it, has its scope and is in the channel."""
        if not self.installed or (channel is not None and not self.is_member(channel)):
            return
        kind = channel.kind if channel is not None else None
        if not events.wanted(event, kind=kind, subscriptions=self.subscriptions, scopes=self.scopes):
            return
        event_id = self.new_id("Ev")
        foreign = channel is not None and any(
            self.users[m].team_id != self.team_id for m in channel.members if m in self.users
        )
        body = events.callback(
            event=event,
            event_id=event_id,
            team_id=self.team_id,
            app_id=self.app_id,
            bot_user_id=self.bot_user_id,
            at=int(self.clock()),
            shared=foreign,
        )
        self.deliveries.dispatch(body, kind="events_api", event_id=event_id)

    def react(self, channel: records.Channel, message: Json, *, user: str, name: str) -> None:
        """Add a person's or the bot's emoji to a message and send `reaction_added`."""
        message.setdefault("reactions", {}).setdefault(name, []).append(user)
        item = {"type": "message", "channel": channel.id, "ts": message["ts"]}
        event: Json = {"type": "reaction_added", "user": user, "reaction": name, "item": item}
        event |= {"item_user": message.get("user"), "event_ts": self.new_ts()}
        self.send_event(event, channel=channel)
        self.changed.ring()

    def new_trigger(self, user: str) -> str:
        """A trigger_id for one modal within three seconds."""
        trigger = f"{self.new_id('')}.{self.team_id}"
        self.triggers[trigger] = (user, self.clock())
        return trigger

    def use_trigger(self, trigger: str) -> str:
        """Spend a trigger_id; returns whose it was."""
        if trigger not in self.triggers:
            raise api_error.ApiError("invalid_trigger_id")
        user, made_at = self.triggers[trigger]
        if self.clock() - made_at > records.TRIGGER_SECONDS:
            raise api_error.ApiError("expired_trigger_id")
        self.triggers[trigger] = (user, float("-inf"))
        return user

    def new_response_url(self, *, channel: str, user: str, message_ts: str | None = None) -> str:
        """An address where the app may answer an interaction."""
        token = uuid.uuid4().hex
        target = {"channel": channel, "user": user, "message_ts": message_ts, "uses": 0}
        self.response_urls[token] = target | {"made_at": self.clock()}
        return f"{self.url}/response/{token}"

    def note_pings(
        self,
        channel: records.Channel,
        ts: str,
        *,
        method: str,
        texts: Iterable[str],
        link_names: bool = False,
    ) -> None:
        """Record whom these texts of the bot would notify, each once per message."""
        names = {user.name: user.id for user in self.users.values()}
        for text in texts:
            for target in pings.targets(text, names=names if link_names else {}):
                ping = records.Ping(channel=channel.id, ts=ts, method=method, target=target)
                if ping not in self.pings:
                    self.pings.append(ping)

    def note_unfurl(self, channel: records.Channel, ts: str, url: str) -> None:
        """Record a link that Slack would fetch for a preview."""
        self.unfurls.append(records.Unfurl(channel=channel.id, ts=ts, url=url))

    def new_stream(self, *, channel: str, ts: str, thread_ts: str | None) -> None:
        """Remember that this message is being streamed from now on."""
        self.streams[channel, ts] = records.Stream(
            channel=channel, ts=ts, thread_ts=thread_ts, started_at=self.clock()
        )

    def open_stream(self, channel: str, ts: str) -> records.Stream | None:
        """The stream behind this message while it is still alive by the clock."""
        stream = self.streams.get((channel, ts))
        if stream is None or stream.stopped or self.clock() - stream.started_at >= records.STREAM_SECONDS:
            return None
        return stream

    def session(self, channel: str, thread_ts: str) -> records.Session:
        """The agent session of a thread, expired by the clock where Slack expires it."""
        session = self.sessions.setdefault((channel, thread_ts), records.Session())
        now = self.clock()
        if session.status == "processing" and now - session.since >= records.PROCESSING_SECONDS:
            session.status = "active"
        if session.thinking and now - session.thinking_since >= records.THINKING_SECONDS:
            session.thinking = ""
        return session
