"""What the emulated Discord remembers: ids are decimal strings, as on the wire, times seconds since 1970."""

from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

TEXT, DM, ANNOUNCEMENT, ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 5, 10, 11, 12, 15
THREADS = (ANNOUNCEMENT_THREAD, PUBLIC_THREAD, PRIVATE_THREAD)
KINDS = {"text": TEXT, "announcement": ANNOUNCEMENT, "forum": FORUM}

DEFAULT, PINNED, THREAD_CREATED, REPLY, CHAT_COMMAND, THREAD_STARTER, MENU_COMMAND = 0, 6, 18, 19, 20, 21, 23

SUPPRESS_EMBEDS, HAS_THREAD, EPHEMERAL, LOADING = 1 << 2, 1 << 5, 1 << 6, 1 << 7
SUPPRESS_NOTIFICATIONS, COMPONENTS_V2 = 1 << 12, 1 << 15


@dataclass(kw_only=True)
class User:
    """An account: a person or a bot."""

    id: str
    username: str
    display_name: str
    bot: bool = False


@dataclass(kw_only=True)
class Member:
    """A user in one server."""

    user: str
    joined_at: float
    nick: str | None = None
    roles: list[str] = field(default_factory=list)


@dataclass(kw_only=True)
class Role:
    """A role of one server."""

    id: str
    name: str
    permissions: int = 0
    mentionable: bool = False


@dataclass(kw_only=True)
class Guild:
    """A server."""

    id: str
    name: str
    owner: str
    roles: dict[str, Role] = field(default_factory=dict)
    members: dict[str, Member] = field(default_factory=dict)


@dataclass(kw_only=True)
class File:
    """An attachment; its bytes are served by the emulator itself."""

    id: str
    filename: str
    content_type: str
    data: bytes
    description: str | None = None


@dataclass(kw_only=True)
class Message:
    """A message as everybody sees it now."""

    id: str
    channel: str
    author: str
    at: float
    kind: int = DEFAULT
    content: str = ""
    edited_at: float | None = None
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    flags: int = 0
    mentions: list[str] = field(default_factory=list)
    mention_roles: list[str] = field(default_factory=list)
    mention_everyone: bool = False
    reference: Json | None = None
    snapshots: list[Json] = field(default_factory=list)
    nonce: str | int | None = None
    pinned_at: float | None = None
    reactions: dict[str, list[str]] = field(default_factory=dict)
    thread: str | None = None
    interaction: Json | None = None
    position: int | None = None


@dataclass(kw_only=True)
class Channel:
    """A channel, a direct message or a thread; the last lines matter to threads only."""

    id: str
    kind: int
    guild: str | None = None
    name: str = ""
    topic: str | None = None
    denied: int = 0  # to the bot
    hidden_from: list[str] = field(default_factory=list)  # people who may not view it
    recipient: str | None = None
    messages: dict[str, Message] = field(default_factory=dict)
    last_message: str | None = None
    parent: str | None = None
    owner: str | None = None
    members: dict[str, float] = field(default_factory=dict)
    archived: bool = False
    archived_at: float = 0
    locked: bool = False
    auto_archive: int = 1440
    created_at: float = 0
    total: int = 0

    @property
    def is_thread(self) -> bool:
        """Whether it is a thread of any kind."""
        return self.kind in THREADS
