"""The commands that choose: `model`, `prompt` and `context`, for a thread or for its channel.

Rule 1  A thread's model, prompt, strategy and replies are chosen by anybody who talks with the bot there; a
        channel's by admins, in a direct message by whoever it is with.
Rule 2  Web and other tools are given by admins only; everybody may take them away where Rule 1 lets them.
Rule 3  A model is stored only when the endpoint knows it.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from bot import access, conversation, errors
from bot.desk import choosing, commands
from bot.money import prices

DEFAULT = "default"  # what gives a choice back to the channel or the settings
MOST_PROMPT = 16_000  # characters
SETTINGS = ("strategy", "replies", "web", "tools")  # what `context` sets
COMPLETION_SECONDS = 1.5
NEWEST = 3  # changes that `context` tells
SCOPES: dict[str, choosing.Scope] = {"channel": "channel", "thread": "thread"}

NOT_HERE = (
    "There is no conversation here yet to choose this for. Say it in a thread I have answered in, "
    "or for the whole channel: `{word} channel …`."
)
ADMINS = "Only an admin of mine (`BOT_ADMINS`) may choose {what}."
_WHERE = {"thread": "in this thread", "channel": "in this channel"}


class Book(choosing.Book, Protocol):
    """What choosing needs of the thread log."""

    async def put(
        self,
        conversation_id: conversation.ConversationId,
        home: conversation.Home,
        *,
        scope: choosing.Scope,
        name: str,
        value: str,
        author: str,
        author_name: str,
    ) -> choosing.Change | None:
        """Choose; "" to choose nothing. What has changed, None for nothing."""

    async def changes(
        self, conversation_id: conversation.ConversationId, home: conversation.Home, *, limit: int
    ) -> Sequence[choosing.Change]:
        """The newest changes in a conversation and its channel, newest first."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class ChoiceDesk:
    """Shows choices and makes them, for those who may."""

    book: Book
    choices: choosing.Chooser
    rules: access.Rules
    holds: Callable[[conversation.ConversationId], Awaitable[bool]]
    models: Callable[[], Awaitable[Sequence[str]]] | None = None  # that the endpoint knows
    servers: Sequence[str] = ()  # tool servers that the operator lists

    async def model(self, command: commands.Command, home: conversation.Home) -> str:
        """`model`, `model NAME`, `model channel NAME`; NAME may be `default`."""
        scope, name = scoped(command.argument)
        if not name:
            chosen = await self.choices.of(command.conversation, home)
            policy, by = chosen.policy, origin(chosen, "model")
            return f"`{policy.model}` answers here, effort `{policy.effort}` ({by})."
        return await self.put(command, home, scope=scope, name="model", value=name)

    async def prompt(self, command: commands.Command, home: conversation.Home) -> str:
        """`prompt`, `prompt TEXT`, `prompt channel TEXT`; TEXT may be `default`."""
        scope, text = scoped(command.argument)
        if not text:
            chosen = await self.choices.of(command.conversation, home)
            return f"I follow these instructions ({origin(chosen, 'prompt')}):\n\n{chosen.instructions}"
        return await self.put(command, home, scope=scope, name="prompt", value=text)

    async def setting(self, command: commands.Command, home: conversation.Home) -> str:
        """`context NAME VALUE`, `context channel NAME VALUE`; VALUE may be `default`."""
        scope, rest = scoped(command.argument)
        name, _, value = rest.partition(" ")
        late, value = scoped(value)  # `context web channel on` is understood as well
        if name.lower() not in SETTINGS or not value:
            known = ", ".join(f"`{each} {'|'.join(self.values(each))}`" for each in SETTINGS)
            return (
                f"With `context` one chooses {known}, each also `{DEFAULT}`; first `channel` for all of it."
            )
        return await self.put(command, home, scope=scope or late, name=name.lower(), value=value.lower())

    async def put(
        self,
        command: commands.Command,
        home: conversation.Home,
        *,
        scope: choosing.Scope | None,
        name: str,
        value: str,
    ) -> str:
        """Make one choice, where it may be made; what the person is told. Without `scope`: this thread's."""
        if scope is None:
            scope = "channel" if command.direct and not await self.holds(command.conversation) else "thread"
        if scope == "thread" and not await self.holds(command.conversation):
            return NOT_HERE.format(word=command.word)
        if problem := self._may_not(command, home, scope=scope, name=name, value=value):
            return problem
        note = ""
        if value.lower() == DEFAULT:
            value = ""
        elif name == "model":
            value, note, problem = await self._model_named(value)
            if problem:
                return problem
        elif problem := self._unfit(name, value):
            return problem
        change = await self.book.put(
            command.conversation,
            home,
            scope=scope,
            name=name,
            value=value,
            author=command.author,
            author_name=command.author_name,
        )
        where = "in this direct message" if scope == "channel" and command.direct else _WHERE[scope]
        if change is None:
            return f"That is so {where} already."
        said = "as it is by default" if not value else "yours" if name == "prompt" else f"`{value}`"
        return f"From now on `{name}` {where} is {said}.{note}{_consequence(name)}"

    async def told(self, command: commands.Command, home: conversation.Home, chosen: choosing.Choices) -> str:
        """Every choice in force with who made it and when, and the newest changes."""
        lines = ["**Chosen here**"]
        lines += [f"- `{name}`: {shown} ({origin(chosen, name)})" for name, shown in in_force(chosen).items()]
        changes = await self.book.changes(command.conversation, home, limit=NEWEST)
        lines += ["**Newest changes**"] if changes else []
        lines += [f"- {changed(each)}" for each in changes]
        return "\n".join(lines)

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What can follow what is typed, for the options that are no fixed list."""
        typed = given.get(option, "").lower()
        known: Sequence[str] = ()
        if (word, option) == ("model", "name"):
            # Whoever types waits, Discord for three seconds; the next letter asks again.
            with contextlib.suppress(errors.ModelError, TimeoutError):
                async with asyncio.timeout(COMPLETION_SECONDS):
                    known = await self.models() if self.models is not None else ()
        elif (word, option) == ("context", "value"):
            known = self.values(given["setting"]) if given.get("setting") in SETTINGS else ()
        return [each for each in (*known, DEFAULT) if typed in each]

    def values(self, name: str) -> tuple[str, ...]:
        """What a setting of `context` can be."""
        return choosing.WORDS.get(name) or (choosing.ALL, choosing.NONE, *self.servers)

    def _may_not(
        self,
        command: commands.Command,
        home: conversation.Home,
        *,
        scope: choosing.Scope,
        name: str,
        value: str,
    ) -> str:
        """Why this person may not choose that; "" where they may."""
        if self.rules.is_admin(home.platform, command.author):
            return ""
        if name in {"web", "tools"} and value not in {"off", choosing.NONE}:
            return ADMINS.format(what=f"`{name}`")
        if scope == "channel" and not command.direct:
            return ADMINS.format(what="for a whole channel") + " Without `channel` it is for this thread."
        return ""

    def _unfit(self, name: str, value: str) -> str:
        """Why a value means nothing; "" where it does."""
        if name == "prompt":
            too_long = len(value) > MOST_PROMPT
            return f"That is too long: a prompt has at most {MOST_PROMPT:,} characters." if too_long else ""
        known = self.values(name)
        asked = [each.strip() for each in value.split(",")] if name == "tools" else [value]
        if all(each in known for each in asked):
            return ""
        return f"`{name}` can be " + ", ".join(f"`{each}`" for each in (*known, DEFAULT)) + "."

    async def _model_named(self, given: str) -> tuple[str, str, str]:
        """A model's whole name and what there is to say of it, or else the problem with it."""
        try:
            known = await self.models() if self.models is not None else ()
        except errors.ModelError as error:
            return "", "", f"I could not check that model, and left everything as it was. {error.sentence}"
        names = (given.lower(), f"claude-{given.lower()}")
        name = next((each for each in names if each in known), None)
        if name is None:
            return "", "", f"I know no model `{given[:80]}`. These are known: {', '.join(known) or 'none'}."
        if prices.rates(name) is None:
            return name, " I know no price for it, so nobody can tell what it costs.", ""
        return name, "", ""


def scoped(argument: str) -> tuple[choosing.Scope | None, str]:
    """The place that an argument opens with, None for none, and what follows."""
    first, _, rest = argument.strip().partition(" ")
    scope = SCOPES.get(first.lower())
    return (scope, rest.strip()) if scope else (None, argument.strip())


def in_force(chosen: choosing.Choices) -> dict[str, str]:
    """Each choice as a person reads it."""
    tools = "all" if chosen.servers is None else ", ".join(sorted(chosen.servers)) or "none"
    return {
        "model": f"`{chosen.policy.model}`",
        "prompt": f"{len(chosen.instructions):,} characters",
        "strategy": f"`{chosen.policy.strategy}`",
        "replies": f"`{chosen.thread_replies}`",
        "web": "`on`" if chosen.web else "`off`",
        "tools": f"`{tools}`",
    }


def origin(chosen: choosing.Choices, name: str) -> str:
    """Who chose that, where and when."""
    made = next((each for each in reversed(chosen.made) if each.name == name), None)
    if made is None:
        return "setting"
    who = made.author_name or made.author or "somebody"
    return f"{_WHERE[made.scope]}, by {who}, {made.at:%Y-%m-%d %H:%M} UTC"


def changed(change: choosing.Change) -> str:
    """A change as one line; of a prompt its length."""
    before, after = (
        "the default"
        if not value
        else f"{len(value):,} characters"
        if change.name == "prompt"
        else f"`{value}`"
        for value in (change.before, change.after)
    )
    who = change.author_name or change.author or "somebody"
    return (
        f"{change.at:%Y-%m-%d %H:%M} UTC, {who}: `{change.name}` {_WHERE[change.scope]} "
        f"from {before} to {after}"
    )


def _consequence(name: str) -> str:
    if name in {"model", "prompt"}:
        return " The next answer sends the conversation anew: the prompt cache begins afresh."
    return ""
