"""The events of the Events API, built from what is stored. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection

    from emulators.slack import records

Json = dict[str, Any]

CHANNEL_TYPES = {"channel": "channel", "private": "group", "im": "im", "mpim": "mpim"}
_MESSAGE_SUBSCRIPTIONS = {
    "channel": "message.channels",
    "private": "message.groups",
    "im": "message.im",
    "mpim": "message.mpim",
}
HISTORY_SCOPES = {
    "channel": "channels:history",
    "private": "groups:history",
    "im": "im:history",
    "mpim": "mpim:history",
}
READ_SCOPES = {"channel": "channels:read", "private": "groups:read", "im": "im:read", "mpim": "mpim:read"}
_EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "file_deleted": "files:read",
    "reaction_added": "reactions:read",
}
# The echo of a post carries no metadata: Slack sends that as an event of its own, message_metadata_posted.
_NOT_IN_EVENTS = {"metadata", "reactions"}


def callback(
    *, event: Json, event_id: str, team_id: str, app_id: str, bot_user_id: str, at: int, shared: bool
) -> Json:
    """The event_callback body around an event; its shape is docs.slack.dev's, apis/events-api."""
    return {
        "token": "emulated-verification-token",
        "team_id": team_id,
        "context_team_id": team_id,
        "context_enterprise_id": None,
        "api_app_id": app_id,
        "event": event,
        "type": "event_callback",
        "event_id": event_id,
        "event_time": at,
        "authorizations": [
            {
                "enterprise_id": None,
                "team_id": team_id,
                "user_id": bot_user_id,
                "is_bot": True,
                "is_enterprise_install": False,
            }
        ],
        "is_ext_shared_channel": shared,
        "event_context": f"4-{event_id}",
    }


def posted(*, channel: records.Channel, message: Json) -> Json:
    """The `message` event of a new post."""
    return _stripped(message) | _place(channel, message["ts"])


def mentioned(*, channel: records.Channel, message: Json) -> Json:
    """The `app_mention` event: another event of the same gesture, same channel and ts, no channel_type."""
    event = _stripped(message) | {"type": "app_mention", "channel": channel.id, "event_ts": message["ts"]}
    event.pop("subtype", None)
    return event


def changed(*, channel: records.Channel, message: Json, previous: Json, ts: str) -> Json:
    """The `message_changed` event of an edit, an unfurl, a bot's update or a tombstone."""
    return {
        "type": "message",
        "subtype": "message_changed",
        "message": _stripped(message),
        "previous_message": _stripped(previous),
        "hidden": True,
        "ts": ts,
    } | _place(channel, ts)


def deleted(*, channel: records.Channel, previous: Json, ts: str) -> Json:
    """The `message_deleted` event."""
    return {
        "type": "message",
        "subtype": "message_deleted",
        "deleted_ts": previous["ts"],
        "previous_message": _stripped(previous),
        "hidden": True,
        "ts": ts,
    } | _place(channel, ts)


def mentions(message: Json, *, user: str) -> bool:
    """Whether the text mentions the user, with or without a label, and the user did not write it."""
    found = re.search(rf"<@{user}(\|[^>]*)?>", str(message.get("text") or ""))
    return found is not None and message.get("user") != user


def wanted(event: Json, *, kind: str | None, subscriptions: Collection[str], scopes: Collection[str]) -> bool:
    """Whether an app with these subscriptions and scopes is sent this event."""
    if event["type"] == "message" and kind is not None:
        return _MESSAGE_SUBSCRIPTIONS[kind] in subscriptions and HISTORY_SCOPES[kind] in scopes
    scope = _EVENT_SCOPES.get(event["type"])
    return event["type"] in subscriptions and (scope is None or scope in scopes)


def _place(channel: records.Channel, ts: str) -> Json:
    return {"channel": channel.id, "channel_type": CHANNEL_TYPES[channel.kind], "event_ts": ts}


def _stripped(message: Json) -> Json:
    return {key: value for key, value in message.items() if key not in _NOT_IN_EVENTS}
