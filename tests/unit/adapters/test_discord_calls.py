"""Laws of what is asked of discord.py's own client."""

from __future__ import annotations

import asyncio

import discord

from adapters.discord import calls


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.at


async def test_limits_that_are_over_are_forgotten_now_and_then() -> None:
    """Limits that are over, were never told or not met for long go; they are not looked for each time."""
    client, clock = discord.Client(intents=discord.Intents.none()), Clock()
    calls.bound(client.http, clock=clock)
    limits = client.http._buckets
    now = asyncio.get_running_loop().time()

    def met(name: str, *, ago: float, expires: float | None) -> discord.http.Ratelimit:
        limit = client.http.get_ratelimit(name)
        limit._last_request, limit.expires = now - ago, expires
        return limit

    for number in range(500):
        met(f"not told {number}", ago=20.0, expires=None)
        met(f"over {number}", ago=20.0, expires=now - 15.0)
        met(f"goes on, but nobody asks {number}", ago=400.0, expires=now + 60.0)
    met("goes on", ago=20.0, expires=now + 60.0)
    met("over just now", ago=2.0, expires=now - 1.0)
    met("used", ago=20.0, expires=now - 15.0).outgoing = 1
    assert len(limits) == 1_503
    clock.at += calls.FORGET_EVERY
    client.http.get_ratelimit("new")
    assert set(limits) == {"goes on", "over just now", "used", "new"}
