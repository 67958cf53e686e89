"""The Discord adapter against an independent stand-in for Discord, so that ours is not the only judge."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import discord_helpers
import simcord

from adapters.discord import app
from bot import conversation
from bot.desk import commands


class Sim:
    """The adapter in simcord's world; it answers each addressed post with what it was asked."""

    def __init__(self) -> None:
        self.core = discord_helpers.Core(answered=self.answer)
        self.adapter = app.Discord(token="unused", intake=self.core)

    async def answer(self, post: conversation.Post, home: conversation.Home) -> None:
        """Show some of the answer, then all of it."""
        due = discord_helpers.reply_to(post, home)

        async def keep(ids: tuple[str, ...]) -> None:
            self.core.replies[post.conversation] = ids

        writing = await self.adapter.open(due, keep)
        await writing.show("You asked")
        await writing.finish(f"You asked: {post.text}")


@contextlib.asynccontextmanager
async def simulated() -> AsyncIterator[tuple[Sim, simcord.Env]]:
    """The adapter, connected to simcord."""
    sim = Sim()
    async with simcord.run(sim.adapter.client, shard_count=1) as env:
        yield sim, env


async def test_a_mention_is_answered_in_its_thread() -> None:
    """A mention opens a thread with the message's id, and the answer stands there, edited in place."""
    async with simulated() as (sim, env):
        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        ada = guild.add_member(env.create_user("ada"))
        me = sim.adapter.client.user
        assert me is not None
        asked = await ada.send(channel, f"<@{me.id}> what is WAL?")
        [post] = sim.core.posts.values()
        assert (post.conversation, post.text) == (f"discord:{asked.id}", "what is WAL?")
        thread = sim.adapter.client.get_channel(asked.id)
        assert thread is not None
        assert getattr(thread, "name", None) == "what is WAL?"
        history = [each async for each in thread.history()]  # type: ignore[union-attr] # a thread has one
        texts = [each.content for each in history if each.author.id == me.id and each.content]
        assert texts == ["You asked: what is WAL?"]


async def test_a_direct_message_is_answered_there() -> None:
    """A DM is answered in the DM, and what follows belongs to the same conversation."""
    async with simulated() as (sim, env):
        ada = env.create_user("ada")
        first = await ada.send_dm("hello")
        await ada.send_dm("again")
        channel = first.channel
        texts = [each.content async for each in channel.history(oldest_first=True)]
        assert texts == ["hello", "You asked: hello", "again", "You asked: again"]
        assert {post.conversation for post in sim.core.posts.values()} == {f"discord:{channel.id}"}


async def test_edits_and_deletions_are_told() -> None:
    """An edited question reaches the core with its new text, a deleted one with its id."""
    async with simulated() as (sim, env):
        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        ada = guild.add_member(env.create_user("ada"))
        me = sim.adapter.client.user
        assert me is not None
        asked = await ada.send(channel, f"<@{me.id}> red?")
        await ada.edit(asked, f"<@{me.id}> blue?")
        assert sim.core.edits == [(f"discord:{asked.id}", str(asked.id), "blue?")]
        await ada.delete(asked)
        assert sim.core.deleted == [(f"discord:{asked.id}", str(asked.id))]


async def test_slash_commands_are_registered_and_private() -> None:
    """Simcord refuses commands that were not registered; the answer is for its author alone."""
    async with simulated() as (sim, env):
        sim.core.outcome = commands.Outcome(text="Few tokens.")
        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        ada = guild.add_member(env.create_user("ada"))
        result = await ada.slash(channel, "usage", by="day")
        assert result.ephemeral
        assert result.response is not None
        assert result.response.content == "Few tokens."
        [command] = sim.core.obeyed
        assert (command.word, command.argument) == ("usage", "day")
