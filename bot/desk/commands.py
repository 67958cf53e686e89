"""The words people can say to the bot, as slash commands or as `!word`: the same everywhere. Pure."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Mapping

from bot import conversation

WORDS: dict[str, str] = {
    "help": "what I can do",
    "new": "start afresh here: what was said before no longer counts",
    "stop": "stop the answer I am writing",
    "retry": "answer the last question again",
    "context": "what Claude sees of this conversation, and what is chosen here; sets the latter, too",
    "summary": "the summary of the older part; `summary` with a sentence corrects it",
    "usage": "tokens and money of this conversation",
    "model": "which model answers here; `model` with a name changes it",
    "prompt": "the instructions I follow here; `prompt` with others changes them",
    "export": "this conversation as a file, Markdown or JSON",
    "forget": "erase this conversation from my memory; `forget me`: what you wrote, everywhere",
}
"""Every command with its one-line description, in the order `help` lists them."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """A part of a command's argument; the parts follow each other in this order, each may be left out."""

    name: str
    description: str  # at most 100 characters, Discord's limit
    choices: tuple[str, ...] = ()  # () where it is free text …
    completes: bool = False  # … some of which the bot can guess


_WHERE = Option(
    name="where", description="this thread (the default) or the whole channel", choices=("thread", "channel")
)
OPTIONS: dict[str, tuple[Option, ...]] = {
    "context": (
        _WHERE,
        Option(
            name="setting",
            description="what to choose; without it you are told what Claude sees",
            choices=("strategy", "replies", "web", "tools"),
        ),
        Option(name="value", description="what it should be; default gives it back", completes=True),
    ),
    "summary": (Option(name="correction", description="what the summary has wrong, as it should be"),),
    "usage": (
        Option(
            name="by",
            description="everybody's, added up by this; for admins",
            choices=("user", "channel", "conversation", "day", "model"),
        ),
    ),
    "model": (
        _WHERE,
        Option(name="name", description="the model to answer with; default gives it back", completes=True),
    ),
    "prompt": (
        _WHERE,
        Option(name="text", description="the instructions to follow; default gives them back"),
    ),
    "export": (Option(name="format", description="of the file", choices=("markdown", "json")),),
    "forget": (
        Option(name="whom", description="me: what you wrote, everywhere; for admins also platform:id"),
        Option(name="sure", description="yes erases for good, without being asked again", choices=("yes",)),
    ),
}
"""What the words that take an argument take."""

_WRITTEN = re.compile(r"!([A-Za-z]+)[!.?]*(?:\s+(.*)|)", re.DOTALL)
_LOOSE = re.compile(r"!(?:!+([A-Za-z]+)[!.?]*(?:\s+(.*)|)|!*\s+([A-Za-z]+)[!.?]*)", re.DOTALL)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """A command as a person gave it."""

    standing: conversation.Standing | None = dataclasses.field(default=None, compare=False)  # its author's
    id: str  # the platform's id of the event or post: a command is carried out once
    word: str  # one of WORDS, lower-case
    argument: str  # what followed it, stripped
    conversation: conversation.ConversationId
    author: str
    author_name: str
    direct: bool = False  # given in a direct message


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the person is told; private where the platform can."""

    text: str  # Markdown
    file_name: str = ""
    file: bytes = b""  # sent along when there is a file name
    buttons: tuple[conversation.Button, ...] = ()  # under it, at most 5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Menu:
    """A choice among a few, made by a press of its `action` with one of its values."""

    name: str
    action: str
    chosen: str  # one of the values
    values: Mapping[str, str]  # with what people see of each


@dataclasses.dataclass(frozen=True, kw_only=True)
class Front:
    """What somebody sees who opens the app."""

    text: str  # Markdown
    picks: str = ""  # the action that picks a channel, "" where there is none to pick
    menus: tuple[Menu, ...] = ()


def parse(text: str) -> tuple[str, str] | None:
    """Take `!word rest` apart into (word, rest), None when the text is not written as a command.

    The word may be unknown: `hint` says what to tell then. "!" alone, "!!" and "!?" are not commands;
    marks at the word's end do not count. `!!word …`, and `! word` alone, are meant as commands where
    the word is one.
    """
    found = _WRITTEN.fullmatch(text.strip())
    if found:
        return found[1].lower(), found[2] or ""
    found = _LOOSE.fullmatch(text.strip())
    word = (found[1] or found[3]).lower() if found else ""
    return (word, found[2] or "") if found and word in WORDS else None


def hint(word: str) -> str:
    """What to say to a word that is no command."""
    close = difflib.get_close_matches(word, WORDS, n=1)
    guess = f" Did you mean `{close[0]}`?" if close else ""
    return f"I know no command `{word}`.{guess} `help` lists what I can do."


def filled(word: str, argument: str) -> dict[str, str]:
    """A command's argument as its options: fixed words where they fit, the rest in the first free one."""
    found: dict[str, str] = {}
    rest = argument.strip()
    for option in OPTIONS.get(word, ()):
        first, _, after = rest.partition(" ")
        if option.choices and first in option.choices:
            found[option.name], rest = first, after.strip()
        elif not option.choices and rest:
            found[option.name], rest = rest, ""
    return found
