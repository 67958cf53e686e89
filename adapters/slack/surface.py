"""What of Slack this adapter uses: methods with their scopes, events, features. `manifest.yml` says the same.

`web.Web` calls no method that is not listed here, and `events.Events` takes no event that is not, so the
table cannot fall behind the code; a test compares it with the manifest.
Sources: docs.slack.dev, the reference of each method and event.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

READ_SCOPES = ("channels:read", "groups:read", "im:read", "mpim:read")
HISTORY_SCOPES = ("channels:history", "groups:history", "im:history", "mpim:history")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Method:
    """A Web API method: how it is called and the bot scopes it needs."""

    verb: Literal["GET", "POST", "FORM"] = "POST"  # GET: in the query, as methods that read want them
    scopes: tuple[str, ...] = ()
    spare: bool = False  # what stands in for Slack may not have it, and answers stand without


METHODS: dict[str, Method] = {
    "auth.test": Method(),
    "oauth.v2.access": Method(verb="FORM"),  # with the app's client id and secret
    "auth.revoke": Method(),
    "apps.connections.open": Method(),  # with the app token and its scope connections:write
    "chat.postMessage": Method(scopes=("chat:write",)),
    "chat.postEphemeral": Method(scopes=("chat:write",), spare=True),
    "chat.update": Method(scopes=("chat:write",)),
    "chat.delete": Method(scopes=("chat:write",)),
    "chat.startStream": Method(scopes=("chat:write",), spare=True),
    "chat.appendStream": Method(scopes=("chat:write",)),
    "chat.stopStream": Method(scopes=("chat:write",)),
    "assistant.threads.setStatus": Method(scopes=("chat:write",), spare=True),
    "assistant.threads.setSuggestedPrompts": Method(scopes=("assistant:write",)),
    "agents.sessions.setStatus": Method(scopes=("chat:write",), spare=True),
    "conversations.replies": Method(verb="GET", scopes=HISTORY_SCOPES),
    "conversations.info": Method(verb="GET", scopes=READ_SCOPES),
    "conversations.members": Method(verb="GET", scopes=READ_SCOPES),
    "conversations.history": Method(verb="GET", scopes=HISTORY_SCOPES),
    "users.info": Method(verb="GET", scopes=("users:read",), spare=True),
    "bots.info": Method(verb="GET", scopes=("users:read",), spare=True),
    "views.open": Method(),
    "views.publish": Method(),
    "files.info": Method(verb="GET", scopes=("files:read",)),
    "files.getUploadURLExternal": Method(verb="GET", scopes=("files:write",)),
    "files.completeUploadExternal": Method(scopes=("files:write",)),
    "files.delete": Method(scopes=("files:write",)),
}

EVENTS: dict[str, tuple[str, ...]] = {
    "app_mention": ("app_mentions:read",),
    "message.channels": ("channels:history",),
    "message.groups": ("groups:history",),
    "message.im": ("im:history",),
    "message.mpim": ("mpim:history",),
    "app_home_opened": (),
    "file_deleted": ("files:read",),
    "agent_session_stopped": (),
    "reaction_added": ("reactions:read",),
    "app_uninstalled": (),
    "tokens_revoked": (),
}
"""Subscribed bot events with the scopes they need."""

INTERACTIONS = ("commands",)
"""What the slash command and the message shortcut need."""

FILES = ("files:read",)
"""What reading the files that come with a post needs: without it `event.files` holds no addresses."""


def bot_scopes() -> frozenset[str]:
    """Every scope the bot token needs."""
    of_methods = (scope for method in METHODS.values() for scope in method.scopes)
    of_events = (scope for scopes in EVENTS.values() for scope in scopes)
    return frozenset((*of_methods, *of_events, *INTERACTIONS, *FILES))
