"""The words people can say to the bot: the same on both platforms, as slash commands or as `!word`."""

from __future__ import annotations

import dataclasses
import difflib
import re

from bot import conversation

WORDS: dict[str, str] = {
    "help": "what I can do",
    "new": "start afresh here: what was said before no longer counts",
    "stop": "stop the answer I am writing",
    "retry": "answer the last question again",
    "context": "what Claude sees of this conversation, and what was left out",
    "summary": "the summary of the older part; `summary` with a sentence corrects it",
    "usage": "tokens and money of this conversation",
    "model": "which model answers here",
    "prompt": "the instructions I follow here",
    "export": "this conversation as a file",
    "forget": "erase this conversation from my memory; `forget me`: what you wrote, everywhere",
}
"""Every command with its one-line description, in the order `help` lists them."""

_WRITTEN = re.compile(r"!([A-Za-z]+)[!.?]*(?:\s+(.*)|)", re.DOTALL)


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


@dataclasses.dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the person is told; private where the platform can."""

    text: str  # Markdown
    file_name: str = ""
    file: bytes = b""  # sent along when there is a file name
    buttons: tuple[conversation.Button, ...] = ()  # under it, at most 5


def parse(text: str) -> tuple[str, str] | None:
    """Take `!word rest` apart into (word, rest), None when the text is not written as a command.

    The word may be unknown: `hint` says what to tell then. "!" alone, "!!" and "!?" are not commands;
    marks at the word's end do not count.
    """
    found = _WRITTEN.fullmatch(text.strip())
    return (found[1].lower(), found[2] or "") if found else None


def hint(word: str) -> str:
    """What to say to a word that is no command."""
    close = difflib.get_close_matches(word, WORDS, n=1)
    guess = f" Did you mean `{close[0]}`?" if close else ""
    return f"I know no command `{word}`.{guess} `help` lists what I can do."
