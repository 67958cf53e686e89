"""A post as the page shows it: one shape for both platforms (pure)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

Json = dict[str, Any]

Format = Literal["mrkdwn", "markdown", "discord", "plain"]
"""How the text is written: by people on Slack, by apps on Slack, on Discord, or as it stands."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """A file under a post; `url` is on the page's own origin."""

    name: str
    media_type: str
    size: int  # bytes
    url: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Button:
    """Something to press under a post; `name` is its label in words."""

    id: str
    label: str
    name: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Thread:
    """The thread that hangs on a post."""

    place: str
    posts: int


@dataclasses.dataclass(frozen=True, kw_only=True)
class Post:
    """One post in one place; `places` has every list it stands in (a thread's root stands in two)."""

    id: str
    places: tuple[str, ...]
    author: str
    text: str
    format: Format
    at: float  # Unix seconds
    edited: bool = False
    files: tuple[File, ...] = ()
    buttons: tuple[Button, ...] = ()
    reactions: tuple[tuple[str, str, int], ...] = ()  # the emoji, in words, and how many people
    thread: Thread | None = None
    only: str | None = None  # the one person who sees it
    asked: str = ""  # the slash command of that person which it answers
    growing: bool = False  # it is being written
    notice: bool = False  # written by the platform, not by somebody


@dataclasses.dataclass(frozen=True, kw_only=True)
class Place:
    """A channel, a thread or a direct message; `person` is whose direct message it is."""

    id: str
    name: str
    kind: Literal["channel", "thread", "dm"]
    parent: str | None = None
    person: str | None = None


def plain(value: Any) -> Any:
    """Dataclasses, tuples and lists as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return value


def title(text: str, *, words: int = 6) -> str:
    """A thread's name from its first post."""
    found = text.split()
    return " ".join(found[:words]) + (" …" if len(found) > words else "") or "thread"
