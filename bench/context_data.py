"""Long threads to measure with: real people, real pauses, and a bot that is asked among them.

`conversation`: the longest disentangled conversations, the speaker who answers most standing for the bot.
`channel`: whole channel days, joined day after day; after every fifth post the bot answers, at a length
drawn once from a lognormal distribution with a mean of 500 tokens.
"""

from __future__ import annotations

import collections
import datetime as dt
import functools
import gzip
import json
import pathlib
import random
from collections.abc import Iterator
from typing import Any

from bot import conversation
from bot.planning import sizes

FIXTURES = pathlib.Path(__file__).parents[1] / "tests" / "fixtures"
SOURCE = (
    "Threads: conversations (`tests/fixtures/irc_long_conversations.jsonl.gz`) and whole channel days"
    " (`irc_channel_logs.jsonl.gz`) of Ubuntu IRC."
)
EVERY = 5  # posts by people between two answers of a channel
MEAN_TOKENS = 500
SPREAD = 0.6  # of the logarithm of an answer's length
DAY = 86_400.0


def threads(posts: int) -> tuple[str, list[list[conversation.Post]]]:
    """What threads of so many posts are made of, and some of them."""
    if posts <= 100:
        found = [_conversation(row)[:posts] for row in _rows("irc_long_conversations")]
        return "conversations, one speaker for the bot", [each for each in found if len(each) == posts][:12]
    days = _rows("irc_channel_logs")
    starts = range(0, len(days), 1 if posts <= 1_000 else 4)
    label = "channel day, bot after every 5th post" if posts <= 1_000 else "channel days joined, bot as above"
    return label, [_channel([*days[start:], *days[:start]], posts, seed=start) for start in starts]


@functools.cache
def _rows(name: str) -> list[Any]:
    with gzip.open(FIXTURES / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [json.loads(line)["turns"] for line in lines]


def _conversation(turns: list[Any]) -> list[conversation.Post]:
    first = turns[0][1]
    spoken = collections.Counter(who for _, who, _ in turns if who != first)
    bot = spoken.most_common(1)[0][0]
    return [
        _post(number, who, text, at, role="assistant" if who == bot else "user")
        for number, (at, who, text) in enumerate(turns)
    ]


def _channel(days: list[Any], posts: int, *, seed: int) -> list[conversation.Post]:
    """So many posts, the bot's among them."""
    chance = random.Random(seed)  # noqa: S311 - lengths of answers, no secret
    made: list[conversation.Post] = []
    for at, who, text in _joined(days):
        made.append(_post(len(made), who, text, at, role="user"))
        if len(made) % (EVERY + 1) == EVERY:
            tokens = MEAN_TOKENS * chance.lognormvariate(-SPREAD * SPREAD / 2, SPREAD)
            answer = "word " * max(2, int(tokens * sizes.CHARACTERS_PER_TOKEN / 5))
            made.append(_post(len(made), "bot", answer, at + 8, role="assistant"))
        if len(made) >= posts:
            break
    return made[:posts]


def _joined(days: list[Any]) -> Iterator[tuple[float, str, str]]:
    """The days as if each had begun a day after the one before, at its own hour and rhythm."""
    start = days[0][0][0]
    for number, turns in enumerate(days):
        hour = (turns[0][0] - start) % DAY
        for at, who, text in turns:
            if text.strip():
                yield start + number * DAY + hour + at - turns[0][0], who, text.strip()


def _post(number: int, who: str, text: str, at: float, *, role: conversation.Role) -> conversation.Post:
    return conversation.Post(
        conversation=conversation.ConversationId("bench"),
        id=str(number),
        role=role,
        author=who,
        author_name=who,
        text=text,
        sent_at=dt.datetime.fromtimestamp(at, dt.UTC),
    )
