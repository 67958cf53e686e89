"""What is chosen for one conversation: the settings, over them its channel's choices, over those its own.

Rule 1  A choice is a name and a text, kept in the log with who made it and when; whoever needs one asks the
        log at that moment, so that two processes on one database never differ.
Rule 2  What a stored choice no longer means (a strategy of another version) counts as not chosen.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Literal, Protocol, cast

from bot import conversation, prompts
from bot.planning import context

Scope = Literal["channel", "thread"]
Name = Literal["model", "prompt", "strategy", "replies", "web", "tools"]
Replies = Literal["always", "mention"]

WORDS: dict[str, tuple[str, ...]] = {
    "strategy": ("summarise", "window", "full"),
    "replies": ("always", "mention"),
    "web": ("on", "off"),
}
"""The values of those choices that have only a few."""

ALL, NONE = "all", "none"  # of `tools`; else names of tool servers with commas between


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choice:
    """What somebody chose."""

    scope: Scope
    name: str
    value: str
    author: str
    author_name: str
    at: dt.datetime


@dataclasses.dataclass(frozen=True, kw_only=True)
class Change:
    """One change of a choice; "" before or after stands for what the settings or the channel say."""

    scope: Scope
    name: str
    before: str
    after: str
    author: str
    author_name: str
    at: dt.datetime


@dataclasses.dataclass(frozen=True, kw_only=True)
class Choices:
    """All that is chosen for one conversation."""

    policy: context.Policy
    instructions: str
    thread_replies: Replies = "always"
    web: bool = False  # web search and fetch
    servers: frozenset[str] | None = None  # the tool servers it may use; None: all that the operator lists
    made: tuple[Choice, ...] = ()  # those of people, the channel's first

    @property
    def system(self) -> str:
        """What goes in `system`."""
        return prompts.system(self.instructions)

    def allows(self, server: str) -> bool:
        """Whether the conversation may use this tool server."""
        return self.servers is None or server in self.servers


class Book(Protocol):
    """What choosing needs of the thread log."""

    async def of(
        self, conversation_id: conversation.ConversationId, home: conversation.Home | None = None
    ) -> Sequence[Choice]:
        """The choices for a conversation, its channel's first; `home`: else as the log knows it."""


Choose = Callable[[conversation.ConversationId], Awaitable[Choices]]
"""The choices of a conversation that the log knows."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Chooser:
    """Tells what is chosen, asked anew each time. `base`: what the settings say."""

    base: Choices
    book: Book

    async def of(
        self, conversation_id: conversation.ConversationId, home: conversation.Home | None = None
    ) -> Choices:
        """The choices in force; `home` where the log may not know the conversation."""
        return overlay(self.base, await self.book.of(conversation_id, home))


def overlay(base: Choices, made: Iterable[Choice]) -> Choices:
    """The settings under what people chose; of two choices of one name the later counts."""
    kept = tuple(choice for choice in made if is_known(choice))
    said = {choice.name: choice.value for choice in kept}
    policy = dataclasses.replace(
        base.policy,
        model=said.get("model", base.policy.model),
        strategy=cast("context.Strategy", said.get("strategy", base.policy.strategy)),
    )
    return dataclasses.replace(
        base,
        policy=policy,
        instructions=said.get("prompt", base.instructions),
        thread_replies=cast("Replies", said.get("replies", base.thread_replies)),
        web=said["web"] == "on" if "web" in said else base.web,
        servers=_servers(said["tools"]) if "tools" in said else base.servers,
        made=kept,
    )


def where(choices: Choices, name: str) -> Scope | Literal[""]:
    """Where the choice in force was made; "" for what the settings say."""
    return next((choice.scope for choice in reversed(choices.made) if choice.name == name), "")


def is_known(choice: Choice) -> bool:
    """Whether a choice means something to this version."""
    if choice.name in WORDS:
        return choice.value in WORDS[choice.name]
    return choice.name in {"model", "prompt", "tools"} and bool(choice.value)


def _servers(value: str) -> frozenset[str] | None:
    if value == ALL:
        return None
    return frozenset(filter(None, (name.strip() for name in value.split(",")))) - {NONE}
