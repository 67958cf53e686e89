"""One call of the Messages API as the inspector shows it, and where such calls come from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bot import conversation
from bot.claude import wire
from emulators.claude import blocks, models, refusal, tokens

Json = dict[str, Any]

ORDINARY = models.find("claude-haiku-4-5")  # weighs for models that the emulator's table does not know


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """A request that reached the endpoint, with what is known of its answer so far."""

    number: int
    at: float  # Unix seconds
    body: Mapping[str, Any]
    status: int | None
    error: str | None
    usage: Mapping[str, Any] | None
    stop_reason: str | None
    done: bool
    fates: Sequence[str] = ()  # of the blocks in their order, where the endpoint tells; else worked out

    @property
    def billed(self) -> conversation.Usage:
        """The bill as the bot reads it."""
        return wire.usage(self.usage or {})

    @property
    def state(self) -> str:
        """Changes whenever there is something new to show."""
        return f"{self.status}/{self.error}/{self.stop_reason}/{self.done}/{bool(self.usage)}"


class Model(Protocol):
    """The endpoint that the bot calls."""

    label: str  # who answers, in a few words
    note: str  # what one should know of these answers, in a sentence
    offline: bool
    url: str  # where the bot calls
    endpoint: str  # where one would call oneself
    key: str

    def calls(self) -> Sequence[Call]:
        """Every call so far, oldest first."""

    def fail(self, kind: str, *, times: int | None) -> None:
        """Make the next calls fail (None: all of them, until `heal`): rate_limit, overloaded or cut."""

    def heal(self) -> None:
        """Let calls succeed again."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Shown:
    """A block of a request with what happened to it."""

    path: str
    role: str
    kind: str
    text: str
    tokens: int
    fate: str
    mark: str | None  # the lifetime of the breakpoint that ends here


def shown(call: Call) -> list[Shown]:
    """The request's blocks in the order in which the cache reads them."""
    row = blocks.flatten(dict(call.body))
    sizes = _sizes(call, row)
    marks = blocks.breakpoints(dict(call.body), row)
    fates = list(call.fates) or worked_out(sizes, marks, call.billed)
    return [
        Shown(
            path=block.path,
            role=block.role or block.section,
            kind=block.kind,
            text=_text(block.value),
            tokens=size,
            fate=fate if call.usage else "unknown",
            mark=marks.get(at),
        )
        for at, (block, size, fate) in enumerate(zip(row, sizes, fates, strict=True))
    ]


def worked_out(sizes: Sequence[int], marks: Mapping[int, str], billed: conversation.Usage) -> list[str]:
    """What a bill says of each block: the API tells how much was read and written, not where it ends.

    It ends at a block; the one whose running total comes nearest is taken.
    """
    ends = [sum(sizes[: at + 1]) for at in range(len(sizes))]
    read_to = _nearest(ends, billed.read)
    written_to = _nearest(ends, billed.read + billed.written_5m + billed.written_1h)
    lifetime = "write1h" if billed.written_1h else "write5m"
    last_mark = max(marks, default=-1)
    return [
        "read" if at < read_to else lifetime if at < written_to and at <= last_mark else "fresh"
        for at in range(len(sizes))
    ]


def _nearest(ends: Sequence[int], tokens_to: int) -> int:
    """How many blocks a number of tokens stands for."""
    if not tokens_to:
        return 0
    distances = [abs(end - tokens_to) for end in ends]
    return distances.index(min(distances)) + 1 if distances else 0


def _sizes(call: Call, row: Sequence[blocks.Block]) -> list[int]:
    """Tokens of each block; estimates, scaled to the bill where there is one."""
    try:
        model = models.find(call.body.get("model"))
    except refusal.Refusal:
        model = ORDINARY
    sizes = tokens.row(row, model=model)
    billed = call.billed.input
    total = sum(sizes)
    if not billed or not total or billed == total:
        return sizes
    return [max(1, round(size * billed / total)) for size in sizes]


def _text(value: Mapping[str, Any]) -> str:
    match value.get("type"):
        case "text":
            return str(value["text"])
        case "thinking":
            return str(value.get("thinking") or "(thinking, not shown)")
        case "tool_use" | "server_tool_use":
            return f"{value.get('name')}({value.get('input')})"
        case "tool_result":
            inner = value.get("content")
            parts = inner if isinstance(inner, list) else [{"type": "text", "text": str(inner or "")}]
            return "\n".join(_text(part) for part in parts if isinstance(part, dict))
        case "image" | "document":
            return _media(value)
        case _:
            return str(value.get("description") or value.get("name") or value.get("type") or "")


def _media(value: Mapping[str, Any]) -> str:
    """A picture or a paper in words; a paper that is text as its text."""
    source = value.get("source") or {}
    data = str(source.get("data") or "")
    title = f"{value['title']}: " if value.get("title") else ""
    match source.get("type"):
        case "text":
            return title + data
        case "base64":
            size = len(data) * 3 // 4 - data.count("=")
            return f"({title}{value['type']}, {source.get('media_type')}, {size:,} bytes)"
        case _:
            return f"({title}{value['type']})"
