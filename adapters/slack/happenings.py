"""What an event of Slack can mean to the core."""

from __future__ import annotations

import dataclasses
import datetime as dt

from bot import conversation
from bot.desk import commands

Files = tuple[conversation.Attachment, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Said:
    """Somebody posted."""

    post: conversation.Post
    home: conversation.Home


@dataclasses.dataclass(frozen=True, kw_only=True)
class Edited:
    """Somebody changed the words or the files of a post."""

    conversation: conversation.ConversationId
    post_id: str
    text: str
    attachments: Files  # all it has now
    edited_at: dt.datetime


@dataclasses.dataclass(frozen=True, kw_only=True)
class Erased:
    """A post was deleted."""

    conversation: conversation.ConversationId
    post_id: str
    own: bool = False  # the bot's own: taken away by it, or by somebody who may


@dataclasses.dataclass(frozen=True, kw_only=True)
class Ordered:
    """Somebody gave a command."""

    command: commands.Command
    home: conversation.Home


@dataclasses.dataclass(frozen=True, kw_only=True)
class Stopped:
    """Somebody pressed the stop button of a running answer."""

    conversation: conversation.ConversationId


@dataclasses.dataclass(frozen=True, kw_only=True)
class Nothing:
    """Nothing to record."""

    reason: str


Happening = Said | Edited | Erased | Ordered | Stopped | Nothing
