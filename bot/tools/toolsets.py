"""What Claude is offered to use, and what a use of it is. Values only, so pure.

A tool list stands at the very front of a request's prefix, so a request names the list it is sent with: the
list's id goes into the plan, the list into the log, and a restart sends the same bytes.
"""

from __future__ import annotations

import dataclasses
import enum
import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bot import conversation

WEB_SEARCH = "web_search"
WEB_FETCH = "web_fetch"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Toolset:
    """A list of tools, by name."""

    tools: tuple[conversation.Tool, ...] = ()

    @functools.cached_property
    def text(self) -> str:
        """The list as JSON: what the log keeps, and what the list's size is estimated by."""
        return dump(self.tools) if self.tools else ""

    @functools.cached_property
    def id(self) -> str:
        """The same for the same list; "" for none."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:32] if self.tools else ""


NONE = Toolset()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """Claude asks for a tool."""

    id: str  # the API's, unique
    tool: str
    asked: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """What a call gave, bounded and marked as data."""

    text: str
    failed: bool = False
    shown: conversation.Block | None = None  # a picture or paper, with its bytes


class State(enum.StrEnum):
    """How far a call that writes has come."""

    ASKED = "asked"
    ALLOWED = "allowed"
    REFUSED = "refused"
    EXPIRED = "expired"  # nobody answered, or the answer was stopped
    RUNNING = "running"  # sent to the server; where it stays so, nobody knows whether it ran
    RAN = "ran"
    FAILED = "failed"  # the server says that it did not


@dataclasses.dataclass(frozen=True, kw_only=True)
class Written:
    """A call that writes, as the log has it."""

    id: str
    tool: str  # as Claude calls it
    state: State
    life: str  # which run of the answer made it
    notice: str = ""  # the platform's id of the question, "" where it was taken away


def made(tools: Mapping[str, conversation.Tool]) -> Toolset:
    """A list of these, in the order of their names: the same tools give the same bytes."""
    return Toolset(tools=tuple(tools[name] for name in sorted(tools)))


def dump(tools: tuple[conversation.Tool, ...]) -> str:
    """JSON of a list."""
    return json.dumps([dataclasses.asdict(tool) for tool in tools], ensure_ascii=False)


def load(text: str) -> Toolset:
    """The list that `dump` wrote; its schemas keep the order of their keys."""
    return Toolset(tools=tuple(conversation.Tool(**each) for each in json.loads(text)))
