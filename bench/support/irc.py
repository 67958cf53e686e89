"""Real posts of real people to measure with: the Ubuntu IRC conversations of the test fixtures.

From the disentanglement corpus of Kummerfeld et al., "A Large-Scale Corpus for Conversation Disentanglement"
(ACL 2019), CC BY 4.0. One JSON object a line: `{"id", "turns": [[unix_seconds, speaker, text], …]}`.
"""

from __future__ import annotations

import functools
import gzip
import itertools
import json
import pathlib
from collections.abc import Iterator

FIXTURE = pathlib.Path(__file__).parents[2] / "tests" / "fixtures" / "irc_conversations.jsonl.gz"

Said = tuple[str, str]
"""(speaker, text), the text not blank."""


def posts() -> Iterator[Said]:
    """Posts, conversation after conversation, without end: past the last one it begins again."""
    return itertools.cycle(_all())


def words(count: int) -> str:
    """So many plain words of real posts: a text of ordinary length and vocabulary, without any markup."""
    found = (word for _, text in posts() for word in text.split() if word.isalpha() and word.isascii())
    return " ".join(itertools.islice(found, count))


def source() -> str:
    """What the posts are, for a result."""
    return f"{len(_all()):,} posts of Ubuntu IRC (`tests/fixtures/{FIXTURE.name}`), again when used up."


@functools.cache
def _all() -> tuple[Said, ...]:
    with gzip.open(FIXTURE, "rt", encoding="utf-8") as lines:
        conversations = [json.loads(line)["turns"] for line in lines]
    return tuple((who, text.strip()) for turns in conversations for _, who, text in turns if text.strip())
