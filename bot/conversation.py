"""The values everything else speaks in. Pure: frozen, keyword-only, no behaviour that needs the outside.

Words: a *post* is what a person or the bot wrote on a platform; a *turn* is what the Messages API calls
one; a *conversation* is a thread or a DM; a *reply* is the bot's post being written; a *summary* covers
a run of posts; a *breakpoint* ends a prefix that the prompt cache may keep.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import re
from collections.abc import Mapping
from typing import Any, Literal, NewType

from bot.files import contents

ConversationId = NewType("ConversationId", str)
"""Minted and taken apart by adapters only; everywhere else an opaque key."""

Role = Literal["user", "assistant"]
Lifetime = Literal["none", "5m", "1h"]


Media = contents.Media


@dataclasses.dataclass(frozen=True, kw_only=True)
class Attachment:
    """A file that came with a post, as the platform announced it, and what was read of it."""

    id: str
    name: str
    media_type: str
    size: int  # bytes, as announced
    url: str  # where the platform serves it; fetched only from the platform's own hosts
    media: Media | None = None  # None until it was fetched, or given up
    described: bool = False  # a request has no room for it: what it is stands in its place


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standing:
    """Who somebody is in a place: what access is decided by. Never stored."""

    platform: str
    user: str
    channel: str  # for a thread, the channel it hangs in
    workspaces: tuple[str, ...] = ()  # Slack: the bot's and the person's; Discord: the guild, in a DM theirs
    roles: tuple[str, ...] = ()
    guest: bool = False  # a guest, or from a connected workspace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Post:
    """What somebody wrote on a platform."""

    conversation: ConversationId
    id: str  # the platform's id, unique within the conversation
    role: Role
    author: str  # the platform's user id
    author_name: str
    text: str  # Markdown, mentions as names
    sent_at: dt.datetime  # UTC, by the platform's clock
    addressed: bool = False  # it wants an answer
    attachments: tuple[Attachment, ...] = ()
    edited_at: dt.datetime | None = None
    place: int | None = None  # which request first carried it; fixed by the log, None until then
    withheld: bool = False  # Claude's API refuses it: a word stands in its place
    material: str = ""  # what its links brought in, marked and bounded; see `linking`
    standing: Standing | None = dataclasses.field(default=None, compare=False)  # its author's, as it came

    @property
    def order(self) -> tuple[dt.datetime, int, str]:
        """Platform order: by time, then by id (ids of one platform grow in length, then by digits)."""
        return (self.sent_at, len(self.id), self.id)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Home:
    """Where a conversation lives. The core reads the first three; the address is the adapter's own."""

    platform: str  # "slack" or "discord"
    workspace: str  # Slack team or Discord guild; "" in a Discord DM
    channel: str  # the channel or DM; for a thread, the channel it hangs in
    address: str  # where to post, as the adapter wrote it from the newest post's event


@dataclasses.dataclass(frozen=True, kw_only=True)
class Button:
    """Something to press under what the bot says; it works until it is taken away, restarts included."""

    action: str  # who handles it: a name in the core's table of actions
    value: str  # what the handler is told, opaque; never a person's words, everybody may read it
    label: str  # at most 75 characters, Slack's limit
    style: Literal["plain", "primary", "danger"] = "plain"

    def __post_init__(self) -> None:
        """Refuse what one of the platforms would: Discord keeps 100 characters of action and value."""
        if not re.fullmatch(r"[a-z_]{1,30}", self.action):
            raise ValueError("an action is up to 30 small letters")
        if len(self.action) + len(self.value) > 90 or not 0 < len(self.label) <= 75:  # noqa: PLR2004 - above
            raise ValueError("a button's action and value take 90 characters, its label 75")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Notice:
    """A post of the bot that is no answer: a sentence with something to press."""

    text: str  # Markdown, one post long
    buttons: tuple[Button, ...]  # 1 to 5, no two alike


@dataclasses.dataclass(frozen=True, kw_only=True)
class Press:
    """Somebody pressed a button."""

    id: str  # the platform's id of the press
    post: str  # the platform's id of the post it stands under, "" on Slack's Home tab
    conversation: ConversationId
    home: Home  # its channel is "" on Slack's Home tab
    author: str
    author_name: str
    action: str
    value: str  # the button's, or what was chosen in a menu
    shown: bool = False  # the platform itself shows the person what they pressed
    standing: Standing | None = dataclasses.field(default=None, compare=False)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens as the API billed them. Input is the sum of fresh, written and read tokens."""

    fresh: int = 0  # `input_tokens`: neither read from the cache nor written to it
    written_5m: int = 0
    written_1h: int = 0
    read: int = 0
    output: int = 0
    web_searches: int = 0
    raw: Mapping[str, Any] = dataclasses.field(default_factory=dict)  # the API's own object

    @property
    def input(self) -> int:
        """All input tokens of the request, cached or not."""
        return self.fresh + self.written_5m + self.written_1h + self.read

    @property
    def total(self) -> int:
        """What this request and its answer hold: the size of the next request's prefix."""
        return self.input + self.output

    def __add__(self, other: Usage) -> Usage:
        """Add two bills; the raw object of a sum is empty."""
        return Usage(
            fresh=self.fresh + other.fresh,
            written_5m=self.written_5m + other.written_5m,
            written_1h=self.written_1h + other.written_1h,
            read=self.read + other.read,
            output=self.output + other.output,
            web_searches=self.web_searches + other.web_searches,
        )


@dataclasses.dataclass(frozen=True, kw_only=True)
class Summary:
    """One segment: a text that stands for a run of posts, which stay in the log word for word."""

    conversation: ConversationId
    first_place: int  # the first place it covers
    last_place: int  # the last place it covers
    text: str
    posts: int  # how many posts it covers
    model: str
    created_at: dt.datetime
    number: int = dataclasses.field(default=0, compare=False)  # in the log, growing; 0 until it is there
    usage: Usage = dataclasses.field(default_factory=Usage, compare=False)  # what it cost


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """One content block of a turn: a text, or a picture or paper that came with a post."""

    text: str = ""
    posts: tuple[str, ...] = ()  # ids of the posts it carries; () for a summary
    media: Media | None = None  # what it shows; `text` is its name then


@dataclasses.dataclass(frozen=True, kw_only=True)
class Turn:
    """One entry of the API's `messages`."""

    role: Role
    blocks: tuple[Block, ...]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Breakpoint:
    """Where a cacheable prefix ends: at a block of a turn, or at the end of `system` (turn -1)."""

    turn: int
    block: int
    lifetime: Literal["5m", "1h"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Plan:
    """The decisions of one request that depend on the clock or the model. Logged before it is sent."""

    model: str
    effort: str
    max_output_tokens: int
    lifetime: Lifetime
    first_place: int  # posts before this place are not sent word for word
    previous_place: int | None = None  # the place the last request ended at: a breakpoint stands there too
    thinking: str | None = None  # the `thinking` type the model takes, None to send none
    sends_effort: bool = True  # whether the model takes `output_config.effort`
    expected_read: int = 0  # tokens this request should read from the cache
    newest_summary: int | None = None  # later segments are not in use yet; None: all are
    offers_recall: bool = False  # whether Claude may search what is not word for word
    gave_up: bool = False  # older posts are left out because no summary of them could be made
    previous_message: str = ""  # the API's id of the last answer: it can say why a prefix was not found
    prompt: str = ""  # which `system` it was made for, as a fingerprint; "" for one of an older version
    described: tuple[str, ...] = ()  # files that stand as their description only: see `fitting.key`
    tools: str = ""  # the id of the list of tools beside recall (toolsets.Toolset), "" for none


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tool:
    """Something Claude may ask for while it answers."""

    name: str
    description: str
    parameters: Mapping[str, Any]  # a JSON schema
    served: Mapping[str, Any] | None = None  # the API's own definition, where its servers carry the tool out


@dataclasses.dataclass(frozen=True, kw_only=True)
class Request:
    """One call of the Messages API, before it is written in the API's own form."""

    plan: Plan
    system: str
    turns: tuple[Turn, ...]
    breakpoints: tuple[Breakpoint, ...]
    varying: str = ""  # what belongs to this request alone; it follows the last breakpoint
    tools: tuple[Tool, ...] = ()
    files: Mapping[str, bytes] = dataclasses.field(default_factory=dict, repr=False)  # by Media.digest


@dataclasses.dataclass(frozen=True, kw_only=True)
class Answer:
    """What Claude said, whole, with its bill."""

    text: str
    usage: Usage
    model: str
    stop_reason: str
    message_id: str
    cache_miss: str = ""  # the API's own reason why the last prefix was not found, "" where it gave none


class ReplyState(enum.StrEnum):
    """The life of a reply; each step is committed before the next begins."""

    DUE = "due"  # the row stands, nothing may have been posted yet
    OPENED = "opened"  # the platform id is known
    WRITTEN = "written"  # the whole text is in the log; showing it is all that is left
    FINISHED = "finished"
    FAILED = "failed"  # the person was told why
    WITHDRAWN = "withdrawn"  # its question was deleted


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reply:
    """A row of the reply ledger: the answer to one or more posts."""

    id: str  # ours, random: the nonce on Discord, the metadata on Slack
    conversation: ConversationId
    home: Home
    place: int  # its own place; its question stands before
    asker: Post  # the newest addressed post it answers
    state: ReplyState
    resumed: bool  # a row from before this call: look before posting
    platform_ids: tuple[str, ...] = ()  # its posts on the platform, in order
    text: str = ""  # whole, once WRITTEN
    stop_reason: str = ""  # why it ended, as with an Answer, once WRITTEN
    plan: Plan | None = None  # the decisions already taken for it
    history_read: bool = True  # False: the thread's earlier posts must be fetched first


@dataclasses.dataclass(frozen=True, kw_only=True)
class LastRequest:
    """The newest billed request of a conversation: the anchor of token counting."""

    place: int  # of its reply
    plan: Plan
    usage: Usage
    at: dt.datetime  # when it was sent
    message_id: str = ""  # the API's id of the answer


@dataclasses.dataclass(frozen=True, kw_only=True)
class Thread:
    """What a request is built from: the tail of the log, up to one reply's place."""

    conversation: ConversationId
    posts: tuple[Post, ...]  # placed, not covered by a segment in use, in order
    summaries: tuple[Summary, ...]  # every segment, those not in use yet included, oldest first
    last: LastRequest | None  # None before the first reply, and where a change broke the prefix
    before: LastRequest | None = None  # the newest billed request, also where its prefix stands no more
    changed_place: int | None = None  # where what `before` carried has changed
    gaps: tuple[float, ...] = ()  # seconds between the newest requests, oldest first
    first_place: int = 0  # where the newest plan began: older posts are not sent word for word
    newest_summary: int | None = None  # the newest plan's; None before the first
    offers_recall: bool = False  # the newest plan's
    gave_up: bool = False  # the newest plan's
    described: tuple[str, ...] = ()  # the newest plan's


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What `/v1/models` says of a model, with what the price list and the docs add."""

    id: str
    context_tokens: int
    max_output_tokens: int
    min_prefix_tokens: int  # shortest prefix the cache keeps
    thinking: str | None  # the `thinking` type to send for a chat, None to send none
    efforts: tuple[str, ...]  # the efforts it takes, () for none
