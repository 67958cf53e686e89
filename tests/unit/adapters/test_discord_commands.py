"""Commands on Discord: registered once, answered privately, and as `!word` where they were written."""

from __future__ import annotations

import discord_helpers

from bot.desk import commands
from emulators import discord as emulator


async def test_every_word_is_a_slash_command() -> None:
    """All words are registered with their descriptions, and not again while nothing differs."""
    async with discord_helpers.scene() as scene:
        await scene.barrier()
        registered = {
            each["name"]: each["description"] for each in scene.service.commands if each["type"] == 1
        }
        assert registered == commands.WORDS
        async with discord_helpers.connected(scene.service, scene.core):
            await scene.barrier()
        assert len(scene.calls("PUT", "/commands$")) == 1
        assert {tuple(each["contexts"]) for each in scene.service.commands} == {(0, 1)}


async def test_a_slash_command_is_answered_privately() -> None:
    """The answer is seen by its author alone, with its file, and names the conversation it was used in."""
    async with discord_helpers.scene() as scene:
        scene.core.outcome = commands.Outcome(text="Here.", file_name="a.md", file=b"# A")
        asked = await scene.ask(scene.channel)
        thread = await scene.service.create_thread(
            channel=scene.channel, user=scene.ada, name="T", message=asked
        )
        cases = {
            thread: (f"discord:{thread}", "markdown"),
            scene.channel: (f"discord:{scene.channel}", ""),
            scene.service.open_dm(scene.ada): (f"discord:{scene.service.open_dm(scene.ada)}", ""),
        }
        for channel, (conversation, argument) in cases.items():
            options = {"format": argument} if argument else {}
            used = await scene.service.slash(scene.ada, channel, "export", options)
            [answer] = await used.answered()
            assert (answer["content"], answer["flags"] & 64) == ("Here.", 64)
            assert [each["filename"] for each in answer["attachments"]] == ["a.md"]
            command = scene.core.obeyed[-1]
            assert (command.word, command.argument, command.conversation) == (
                "export",
                argument,
                conversation,
            )
            assert (command.author, command.author_name) == (scene.ada, "Ada")


async def test_a_long_outcome_arrives_whole() -> None:
    """An outcome over one message's limit comes in several, each private."""
    async with discord_helpers.scene() as scene:
        scene.core.outcome = commands.Outcome(text="\n\n".join(f"Line {n} " + "x" * 90 for n in range(60)))
        used = await scene.service.slash(scene.ada, scene.channel, "context", None)
        await used.answered()
        await scene.service.until(lambda _: "Line 59" in used.responses[-1]["content"])
        assert len(used.responses) > 1
        assert all(each["flags"] & 64 for each in used.responses)


async def test_words_with_a_mark_are_commands() -> None:
    """`!word` said to the bot is obeyed and answered as a reply, once; it is no post."""
    async with discord_helpers.scene(sleep=discord_helpers.at_once) as scene:
        scene.core.outcome = commands.Outcome(text="Tokens: few. @everyone")
        dm = scene.service.open_dm(scene.ada)
        scene.service.fail(emulator.Fault(kind="lose_response", method="POST", path="/messages$"))
        asked = await scene.service.post(channel=dm, user=scene.ada, content="!usage day")
        await scene.service.until(lambda _: len(scene.calls("POST")) == 2)
        [answer] = scene.posts(dm)
        assert answer["message_reference"]["message_id"] == asked
        assert scene.service.pings[answer["id"]].nobody
        [command] = scene.core.obeyed
        assert (command.word, command.argument, command.id) == ("usage", "day", asked)
        assert command.conversation == f"discord:{dm}"
        assert scene.core.texts() == []


async def test_a_command_in_a_channel_opens_no_conversation() -> None:
    """`@bot !help` in a channel is obeyed for the channel; without the mention it is nothing."""
    async with discord_helpers.scene() as scene:
        scene.core.outcome = commands.Outcome(text="I can.")
        await scene.service.post(channel=scene.channel, user=scene.ada, content="!help")
        await scene.service.post(channel=scene.channel, user=scene.ada, content=f"<@{scene.bot}> !help")
        await scene.core.until(lambda core: bool(core.obeyed))
        await scene.service.until(lambda _: scene.says(scene.channel) == ["I can."])
        [command] = scene.core.obeyed
        assert command.conversation == f"discord:{scene.channel}"
        assert scene.service.threads(scene.channel) == []
