"""What the tests of the Claude client share: a draft that remembers, a sleep that does not sleep."""

from __future__ import annotations

import asyncio
import dataclasses
import random

from bot import claude, conversation

IDLE_SECONDS = 20.0


class Draft:
    """Keeps what a reader would see, how often it began again, and what was billed beside the answer."""

    def __init__(self) -> None:
        self.text = ""
        self.restarts = 0
        self.bills: list[conversation.Usage] = []
        self.begun = asyncio.Event()

    def add(self, text: str) -> None:
        """Show more."""
        self.text += text
        self.begun.set()

    def restart(self) -> None:
        """Show nothing again."""
        self.text = ""
        self.restarts += 1

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Keep the bill of a call that is in no answer."""
        assert model
        self.bills.append(usage)


class Time:
    """A clock that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Seconds slept so far."""
        return self.now

    async def sleep(self, seconds: float) -> None:
        """Let the time pass at once."""
        self.waits.append(seconds)
        self.now += seconds


def chance() -> random.Random:
    """Jitter that is the same in every run."""
    return random.Random(7)  # noqa: S311 - jitter, not a secret


def client(url: str, time: Time, *, idle_seconds: float = IDLE_SECONDS, key: str = "test") -> claude.Claude:
    """Build the client under test."""
    return claude.Claude(
        api_key=key,
        base_url=url,
        idle_seconds=idle_seconds,
        sleep=time.sleep,
        clock=time,
        chance=chance(),
    )


def turn(role: conversation.Role, *texts: str) -> conversation.Turn:
    """Build a turn with a block for each text."""
    return conversation.Turn(role=role, blocks=tuple(conversation.Block(text=text) for text in texts))


PLAN = conversation.Plan(
    model="claude-sonnet-5-5",
    effort="low",
    max_output_tokens=1_000,
    lifetime="5m",
    first_place=0,
    thinking="adaptive",
)
REQUEST = conversation.Request(
    plan=PLAN,
    system="Be brief.",
    turns=(turn("user", "Ada: hello"), turn("assistant", "Hello."), turn("user", "Ada: and now?")),
    breakpoints=(
        conversation.Breakpoint(turn=-1, block=0, lifetime="5m"),
        conversation.Breakpoint(turn=2, block=0, lifetime="5m"),
    ),
)


def request(**changes: object) -> conversation.Request:
    """REQUEST with another plan."""
    return dataclasses.replace(REQUEST, plan=dataclasses.replace(PLAN, **changes))  # type: ignore[arg-type]  # a test's own field names
