"""Who has to wait on Discord sees it at the question."""

from __future__ import annotations

import asyncio

import discord_helpers

from adapters.discord import waiting
from emulators import discord as emulator


def signs(scene: discord_helpers.Scene, channel: str, message: str) -> list[str]:
    """Who has put the hourglass under a message."""
    found = scene.service.world.message(channel, message)
    return found.reactions.get(waiting.HOURGLASS, [])


async def test_the_hourglass_stands_until_the_answer_begins() -> None:
    """Under a mention in a channel and under a post in a thread; asked for twice it is one sign."""
    async with discord_helpers.scene() as scene:
        asked = await scene.ask(scene.channel)
        post = await scene.heard(asked)
        home = scene.core.homes_of[post.conversation]
        for _ in range(2):
            await scene.adapter.queued(post.conversation, home, asked)
        assert signs(scene, scene.channel, asked) == [scene.bot]
        await scene.answer(post, home, "Here it is.")
        async with asyncio.timeout(10):
            while signs(scene, scene.channel, asked):
                await scene.barrier()
        followed = await scene.service.post(channel=asked, user=scene.bob, content="and me?")
        await scene.heard(followed)
        home = scene.core.homes_of[post.conversation]
        await scene.adapter.queued(post.conversation, home, followed)
        assert signs(scene, asked, followed) == [scene.bot]


async def test_where_it_may_not_react_it_types() -> None:
    """A refusal of the sign is no fault: people see at least that the bot is at work."""
    async with discord_helpers.scene() as scene:
        asked = await scene.ask(scene.channel)
        post = await scene.heard(asked)
        scene.service.fail(
            emulator.Fault(kind="http", status=403, code=50013, method="PUT", path="/reactions/")
        )
        await scene.adapter.queued(post.conversation, scene.core.homes_of[post.conversation], asked)
        assert not signs(scene, scene.channel, asked)
        assert scene.calls("POST", "/typing$")
