"""What people saw against what people wrote (pure).

Every question carries a word of its own. Claude's stand-in answers with the words of the questions it was
sent and has not answered yet, and ends with END, so that an answer tells what it answers and whether it is
whole.

    lost        a question that no post of the bot answers
    duplicates  a question that more than one post answers (and no edit made due again)
    stuck       a post of the bot that is neither a whole answer nor a sentence that says what went wrong
    inversions  an answer that stands below one to a later question of the same conversation
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

END = "THE-END"
FILLER = "and this much is said about it so that it takes a while to write it all down"
_WORD = re.compile(r"\bq[0-9]{6}z\b")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asked:
    """A question; `conversation` names its thread or DM, `post` is the id it has on the platform."""

    word: str
    conversation: str
    post: str = ""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Seen:
    """A post of the bot as it stands now."""

    conversation: str
    id: str
    text: str


@dataclasses.dataclass(frozen=True, kw_only=True)
class Verdict:
    """The words or post ids that break each promise; all empty where all is well."""

    lost: tuple[str, ...] = ()
    duplicates: tuple[str, ...] = ()
    stuck: tuple[str, ...] = ()
    misplaced: tuple[str, ...] = ()
    inversions: int = 0
    answers: int = 0  # posts that are whole answers; a burst may be answered in one

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled, stuck or in a foreign conversation."""
        return not (self.lost or self.duplicates or self.stuck or self.misplaced)


def word(number: int) -> str:
    """The word that makes a question unique."""
    return f"q{number:06d}z"


def words(text: str) -> list[str]:
    """The questions' words in a text, in order, each once."""
    return list(dict.fromkeys(_WORD.findall(text)))


def answer(body: Mapping[str, Any]) -> str:
    """What Claude's stand-in says: the words of the last user turn."""
    last = next(turn for turn in reversed(body["messages"]) if turn["role"] == "user")
    content = last["content"]
    text = content if isinstance(content, str) else " ".join(block.get("text", "") for block in content)
    return f"{' '.join(words(text))} {FILLER} {END}"


def judge(asked: Iterable[Asked], seen: Sequence[Seen], *, sentences: Collection[str] = ()) -> Verdict:
    """Compare; `sentences` are what the bot may say in place of an answer."""
    questions = {each.word: each for each in asked}
    whole = [each for each in seen if END in each.text]
    counts = Counter(found for each in whole for found in words(each.text))
    stuck = [
        each.id
        for each in seen
        if END not in each.text and not any(known in each.text for known in sentences)
    ]
    misplaced = [
        found
        for each in whole
        for found in words(each.text)
        if found not in questions or questions[found].conversation != each.conversation
    ]
    return Verdict(
        lost=tuple(found for found in questions if not counts[found]),
        duplicates=tuple(found for found, count in counts.items() if count > 1),
        stuck=tuple(stuck),
        misplaced=tuple(misplaced),
        inversions=_inversions(whole),
        answers=len(whole),
    )


def _inversions(whole: Sequence[Seen]) -> int:
    newest: dict[str, str] = {}
    inverted = 0
    for each in whole:
        found = words(each.text)
        if found and max(found) < newest.get(each.conversation, ""):
            inverted += 1
        if found:
            newest[each.conversation] = max([*found, newest.get(each.conversation, "")])
    return inverted
