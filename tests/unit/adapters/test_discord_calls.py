"""Laws of what is asked of discord.py's own client."""

from __future__ import annotations

import discord

from adapters.discord import calls


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        """The time."""
        return self.at


async def test_idle_limits_are_forgotten_now_and_then() -> None:
    """Limits that were not met for five minutes go, but are not looked for with each new one."""
    client, clock = discord.Client(intents=discord.Intents.none()), Clock()
    calls.bound(client.http, clock=clock)
    limits = client.http._buckets
    client.http.get_ratelimit("the first look")
    for number in range(1_000):
        client.http.get_ratelimit(str(number))._last_request -= 400.0
    client.http.get_ratelimit("one more")
    assert len(limits) == 1_002
    clock.at += calls.FORGET_EVERY
    client.http.get_ratelimit("and one more")
    assert set(limits) == {"the first look", "one more", "and one more"}
