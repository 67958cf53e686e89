"""A model that is made while the bot is at work."""

from __future__ import annotations

import asyncio
import threading

import fakes
import pytest

from bot import late


class Closable(fakes.Model):
    """A model that is asked to close."""

    closed = False

    async def aclose(self) -> None:
        """Remember it."""
        self.closed = True


async def test_it_is_made_once_and_in_a_thread_of_its_own() -> None:
    """Whoever asks first has it made, all others wait for the same, and the loop goes on meanwhile."""
    made: list[Closable] = []
    go_on = threading.Event()

    def make() -> Closable:
        assert go_on.wait(10)
        made.append(Closable())
        return made[-1]

    model = late.Late(make)
    asked = [asyncio.create_task(model.facts("claude-sonnet-5-5")) for _ in range(3)]
    await asyncio.sleep(0)  # they wait by now, and this line is reached
    go_on.set()
    assert len({facts.id for facts in await asyncio.gather(*asked)}) == 1
    assert len(made) == 1
    await model.aclose()
    assert made[0].closed


async def test_who_gives_up_waiting_takes_it_from_nobody() -> None:
    """A cancelled answer leaves the making to the others."""
    go_on = threading.Event()

    def make() -> Closable:
        assert go_on.wait(10)
        return Closable()

    model = late.Late(make)
    first, second = (asyncio.create_task(model.facts("m")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go_on.set()
    assert (await second).id
    with pytest.raises(asyncio.CancelledError):
        await first
    await model.aclose()


async def test_what_was_never_asked_for_is_never_made() -> None:
    """Closing makes nothing."""

    def make() -> Closable:
        raise AssertionError

    await late.Late(make).aclose()
