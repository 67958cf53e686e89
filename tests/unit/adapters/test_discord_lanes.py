"""Events of a channel: in order, tried until done, and none forgotten."""

from __future__ import annotations

import asyncio
import types
from typing import Any

import discord
import pytest

from adapters.discord import lanes
from bot import errors

OUTAGE: Any = types.SimpleNamespace(status=503, reason="down")  # what discord.py makes its error of


class Story:
    """Jobs that write down when they ran."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.pauses: list[float] = []
        self.finished = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Pass no time."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    def job(self, name: str, *failures: Exception) -> lanes.Job:
        """A job that fails in these ways before it is done; "end" ends the test's wait."""
        left = list(failures)

        async def run() -> None:
            self.told.append(name)
            if left:
                raise left.pop(0)
            if name == "end":
                self.finished.set()

        return run


async def test_a_failing_event_keeps_its_place() -> None:
    """What comes after an event that cannot be recorded waits for it; other channels do not."""
    story = Story()
    queue = lanes.Lanes(sleep=story.sleep)
    queue.put(1, story.job("a", errors.LogUnusable(), errors.LogUnusable()))
    queue.put(1, story.job("end"))
    queue.put(2, story.job("other"))
    await asyncio.wait_for(story.finished.wait(), 5)
    assert [name for name in story.told if name != "other"] == ["a", "a", "a", "end"]
    assert story.told.index("other") < story.told.index("end")
    assert story.pauses == [1.0, 2.0]
    assert queue.stuck == 0
    await queue.close()


@pytest.mark.parametrize(
    ("failure", "tries"),
    [
        (errors.LogUnusable(), 51),  # passing: as often as it takes
        (discord.DiscordServerError(OUTAGE, "down"), 51),  # so is Discord's own outage
        (discord.RateLimited(60.0), 51),
        (ConnectionResetError(), 51),
        (ValueError("a bug"), lanes.TRIES),  # not known to pass: given up, so that the channel goes on
        (errors.PostGone(), 1),  # there is nothing to try
    ],
)
async def test_how_often_an_event_is_tried(failure: Exception, tries: int) -> None:
    """An outage is waited out, an event that is itself the fault is given up."""
    story = Story()
    queue = lanes.Lanes(sleep=story.sleep)
    queue.put(1, story.job("a", *[failure] * 50))
    queue.put(1, story.job("end"))
    await asyncio.wait_for(story.finished.wait(), 5)
    assert story.told.count("a") == tries
    assert max(story.pauses, default=0) <= lanes.LONGEST_PAUSE
    await queue.close()


async def test_what_is_held_begins_with_what_was_put_first() -> None:
    """While held nothing begins; then what was put first precedes what waited."""
    story = Story()
    queue = lanes.Lanes(sleep=story.sleep)
    queue.hold()
    queue.hold()
    queue.put(1, story.job("end"))
    queue.put(1, story.job("missed"), first=True)
    queue.release()
    await asyncio.sleep(0)
    assert story.told == []
    queue.release()
    await asyncio.wait_for(story.finished.wait(), 5)
    assert story.told == ["missed", "end"]
    await queue.close()


async def test_closing_ends_a_stuck_lane() -> None:
    """Closing does not wait for an event that cannot be recorded; until then it counts as stuck."""
    waiting = asyncio.Event()

    async def forever(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    story = Story()
    queue = lanes.Lanes(sleep=forever)
    queue.put(1, story.job("a", errors.LogUnusable()))
    queue.put(1, story.job("b"))
    await asyncio.wait_for(waiting.wait(), 5)
    assert queue.stuck == 2
    await queue.close()
    assert story.told == ["a"]
