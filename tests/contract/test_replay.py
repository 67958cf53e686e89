"""Real conversations, replayed through each adapter with the bot in the place of who answered most.

Posts of many conversations arrive interleaved. In each round every conversation gets the next run of posts by
people: the first post while the bot is free, the others while it is busy. So a run of one post is one answer,
a longer one is two, and nothing about the count depends on timing.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import gzip
import itertools
import json
import pathlib
import re

import pytest
import sent
import stage

FILE = pathlib.Path(__file__).parents[1] / "fixtures" / "irc_conversations.jsonl.gz"
SHARDS = 4

Turn = tuple[str, str]  # speaker, text


@dataclasses.dataclass(kw_only=True)
class Talk:
    """A conversation: runs of posts by people, between which the bot answers."""

    runs: list[list[Turn]]
    opened: stage.Said | None = None

    @property
    def answers(self) -> int:
        """How many answers it must get."""
        return sum(min(2, len(run)) for run in self.runs)


class Conductor:
    """Claude with a baton: requests come in, and are answered when it says so."""

    def __init__(self) -> None:
        self.playing = asyncio.Event()
        self._begun = 0
        self._changed = asyncio.Event()

    async def answer(self, body: sent.Body) -> str:
        """Answer a request, once the conductor lets it."""
        self._begun += 1
        self._changed.set()
        await self.playing.wait()
        return stage.answer(body)

    async def begun(self, count: int) -> None:
        """Wait for so many requests in all."""
        while self._begun < count:
            self._changed.clear()
            await asyncio.wait_for(self._changed.wait(), stage.LIMIT)


def _talks(shard: int) -> list[Talk]:
    with gzip.open(FILE, "rt", encoding="utf-8") as lines:
        read = [json.loads(line)["turns"] for line in itertools.islice(lines, shard, None, SHARDS)]
    return [Talk(runs=_runs([(speaker.strip(), text) for _, speaker, text in turns])) for turns in read]


def _runs(turns: list[Turn]) -> list[list[Turn]]:
    """The posts of all but who answers most (of those who did not open it), cut where that one spoke."""
    counts = collections.Counter(speaker for speaker, _ in turns if speaker != turns[0][0])
    most = max(counts, key=lambda speaker: (counts[speaker], speaker))
    parts = itertools.groupby(turns, key=lambda turn: turn[0] == most)
    return [list(part) for is_bot, part in parts if not is_bot]


def _letters(text: str) -> str:
    """A text without what is markup to one of the platforms."""
    return re.sub(r"[\W_]+", "", text)


@pytest.mark.parametrize("shard", range(SHARDS))
async def test_real_conversations(scene: stage.Stage, shard: int) -> None:
    """Every post reaches Claude exactly once, in order, under its speaker; every run gets its answers."""
    talks = _talks(shard)
    speakers = {speaker for talk in talks for run in talk.runs for speaker, _ in run}
    people = {speaker: scene.person(speaker) for speaker in sorted(speakers)}
    conductor = Conductor()
    scene.claude.answer = conductor.answer
    expected = 0
    for number in range(max(len(talk.runs) for talk in talks)):
        conductor.playing.clear()
        playing = [talk for talk in talks if number < len(talk.runs)]
        for talk in playing:
            await _say(scene, talk, talk.runs[number][0], people)
        await conductor.begun(expected + len(playing))
        for row in itertools.zip_longest(*(talk.runs[number][1:] for talk in playing)):
            for talk, turn in zip(playing, row, strict=True):
                if turn is not None:
                    await _say(scene, talk, turn, people)
        await scene.heard()
        conductor.playing.set()
        await scene.idle()
        expected += sum(min(2, len(talk.runs[number])) for talk in playing)
    assert len(scene.requests) == expected
    _check(scene, talks)


async def _say(scene: stage.Stage, talk: Talk, turn: Turn, people: dict[str, str]) -> None:
    speaker, text = turn
    if talk.opened is None:
        talk.opened = await scene.mention(scene.channel, text, by=people[speaker])
    else:
        await scene.post(scene.under(talk.opened), text, by=people[speaker])


def _check(scene: stage.Stage, talks: list[Talk]) -> None:
    last = {scene.conversation_of(body): body for body in scene.requests}
    assert len(last) == len(talks)
    for talk in talks:
        assert talk.opened is not None
        posts = sent.posts(last[scene.conversation(talk.opened)])
        told = [(post.by, _letters(post.text)) for post in posts]
        assert told == [(speaker, _letters(text)) for run in talk.runs for speaker, text in run]
        answers = scene.answers(scene.under(talk.opened))
        assert len(answers) == talk.answers
        assert all(answer.startswith("Answer to") for answer in answers)
