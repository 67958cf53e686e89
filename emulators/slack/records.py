"""The things a workspace holds and the records it keeps of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

STREAM_SECONDS = 300.0  # python-slack-sdk#1859: Slack ends a stream about five minutes after its start
THINKING_SECONDS = 120.0  # docs.slack.dev, assistant.threads.setStatus: a two-minute timeout applies
TRIGGER_SECONDS = 3.0
PROCESSING_SECONDS = 3600.0  # a session stuck in `processing` clears after about an hour

DEFAULT_SCOPES = frozenset(
    [
        "app_mentions:read",
        "assistant:write",
        "chat:write",
        "commands",
        "channels:history",
        "groups:history",
        "im:history",
        "mpim:history",
        "channels:read",
        "groups:read",
        "im:read",
        "mpim:read",
        "files:read",
        "files:write",
        "reactions:read",
        "reactions:write",
        "users:read",
        "im:write",
    ]
)
DEFAULT_SUBSCRIPTIONS = frozenset(
    [
        "app_mention",
        "message.channels",
        "message.groups",
        "message.im",
        "message.mpim",
        "app_home_opened",
        "file_deleted",
        "app_context_changed",
        "agent_session_stopped",
        "reaction_added",
        "member_joined_channel",
        "app_uninstalled",
        "tokens_revoked",
    ]
)


@dataclass(kw_only=True)
class User:
    """A person or a bot; `team_id` differs from the workspace's for people from connected workspaces."""

    id: str
    name: str
    real_name: str
    display_name: str
    team_id: str
    guest: bool = False
    is_bot: bool = False
    bot_id: str | None = None


@dataclass(kw_only=True)
class Channel:
    """A conversation of `kind` channel, private, mpim or im; `messages` by ts, in ts order.

    `threads` has the replies' ts of each root, so that a thread of 100,000 posts is read in pages.
    """

    id: str
    name: str
    kind: str
    members: list[str]
    created: int
    archived: bool = False
    messages: dict[str, Json] = field(default_factory=dict)
    threads: dict[str, list[str]] = field(default_factory=dict)


@dataclass(kw_only=True)
class Stream:
    """A message being streamed; it lives until it is stopped or STREAM_SECONDS have passed."""

    channel: str
    ts: str
    thread_ts: str | None
    started_at: float
    stopped: bool = False


@dataclass(kw_only=True)
class Session:
    """An agent session of one thread; `thinking` is the free text of assistant.threads.setStatus."""

    status: str = ""
    since: float = 0.0
    title: str = ""
    thinking: str = ""
    thinking_since: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Call:
    """One Web API call as answered; `fault` names the injected fault, `error` Slack's code if refused."""

    method: str
    args: Json
    token: str | None
    ok: bool
    error: str | None
    at: float
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class Ping:
    """Somebody whom a text of the bot would notify: a user or group id, or channel, here, everyone."""

    channel: str
    ts: str
    method: str
    target: str


@dataclass(frozen=True, kw_only=True)
class Unfurl:
    """A link of the bot's post that Slack would fetch in order to preview it."""

    channel: str
    ts: str
    url: str
