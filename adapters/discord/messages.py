"""What `parse` reads of the library's objects: enough to stay pure, and to be checked against the library."""
# ruff: noqa: D102 - the names and meanings are the library's own

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, Protocol

DEFAULT, REPLY = 0, 19
"""Message types that people write; all others are the system's ("Message Types" in Discord's reference)."""

REPLY_REFERENCE = 0
"""The type of a reply's reference; a forward's is 1."""


class Person(Protocol):
    """A user, a member of a guild, or a webhook."""

    @property
    def id(self) -> int: ...
    @property
    def display_name(self) -> str: ...
    @property
    def bot(self) -> bool: ...


class Named(Protocol):
    """A role, a channel or a thread."""

    @property
    def id(self) -> int: ...
    @property
    def name(self) -> str: ...


class Guild(Protocol):
    """A server, as far as the client knows it."""

    @property
    def id(self) -> int: ...
    @property
    def self_role(self) -> Named | None: ...
    def get_member(self, user_id: int, /) -> Person | None: ...
    def get_role(self, role_id: int, /) -> Named | None: ...
    def get_channel_or_thread(self, channel_id: int, /) -> Named | None: ...


class Thread(Protocol):
    """A thread, also a forum's post."""

    @property
    def id(self) -> int: ...
    @property
    def parent_id(self) -> int: ...


class File(Protocol):
    """An attachment."""

    @property
    def id(self) -> int: ...
    @property
    def filename(self) -> str: ...
    @property
    def content_type(self) -> str | None: ...
    @property
    def size(self) -> int: ...
    @property
    def url(self) -> str: ...


class Snapshot(Protocol):
    """What a forward carries."""

    @property
    def content(self) -> str: ...
    @property
    def attachments(self) -> Sequence[File]: ...


class Card(Protocol):
    """An embed; of type `rich` where a bot wrote it, else the preview of a link."""

    @property
    def type(self) -> str: ...
    @property
    def title(self) -> str | None: ...
    @property
    def description(self) -> str | None: ...
    @property
    def fields(self) -> Sequence[Any]: ...  # each with a name and a value


class Answer(Protocol):
    """One choice of a poll."""

    @property
    def text(self) -> str: ...


class Poll(Protocol):
    """A poll."""

    @property
    def question(self) -> str: ...
    @property
    def answers(self) -> Sequence[Answer]: ...


class Reference(Protocol):
    """What a message replies to or forwards."""

    @property
    def type(self) -> Any: ...  # an enum of the library's own making
    @property
    def message_id(self) -> int | None: ...
    @property
    def resolved(self) -> object: ...  # the message itself, what is left of a deleted one, or None


class Place(Protocol):
    """Where a message stands."""

    @property
    def id(self) -> int: ...


class Message(Protocol):
    """A message, from the gateway or from history."""

    @property
    def id(self) -> int: ...
    @property
    def type(self) -> Any: ...  # an enum of the library's own making
    @property
    def author(self) -> Person: ...
    @property
    def content(self) -> str: ...
    @property
    def created_at(self) -> dt.datetime: ...
    @property
    def edited_at(self) -> dt.datetime | None: ...
    @property
    def guild(self) -> Guild | None: ...
    @property
    def channel(self) -> Place: ...
    @property
    def mentions(self) -> Sequence[Person]: ...
    @property
    def raw_role_mentions(self) -> Sequence[int]: ...
    @property
    def reference(self) -> Reference | None: ...
    @property
    def attachments(self) -> Sequence[File]: ...
    @property
    def message_snapshots(self) -> Sequence[Snapshot]: ...
    @property
    def embeds(self) -> Sequence[Card]: ...
    @property
    def stickers(self) -> Sequence[Named]: ...
    @property
    def poll(self) -> Poll | None: ...
    @property
    def flags(self) -> Any: ...
