"""Contract: who may. Nothing of a denied person comes in, and they are told so privately."""

from __future__ import annotations

import asyncio

import discord_stage
import pytest
import sent
import slack_stage
import stage

from bot import access
from emulators import discord, slack


def refusals(scene: stage.Stage, user: str) -> list[str]:
    """What this person alone was told."""
    if isinstance(scene, slack_stage.SlackStage):
        return [str(each["text"]) for each in scene.service.ephemerals if each["user"] == user]
    return scene.answers(scene.dm(user))


async def test_a_denied_person_is_told_so_alone(empty_stage: stage.Stage) -> None:
    """A denied person's mention is not answered, stored or sent; one short sentence tells them, privately."""
    scene = empty_stage
    await scene.start(bot_deny=f"{scene.name}:{scene.bob}")
    refused = await scene.mention(scene.channel, "the vault code is 4711", by=scene.bob)
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.under(refused)) == scene.answers(scene.channel) == []
    assert refusals(scene, scene.bob) == [access.REFUSAL]
    assert refusals(scene, scene.ada) == []
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_a_denied_person_in_a_thread_is_passed_over(empty_stage: stage.Stage) -> None:
    """In a thread the bot is in, a denied person is told once, however much they write, and never sent."""
    scene = empty_stage
    await scene.start(bot_deny=f"{scene.name}:{scene.bob}")
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    for number in range(3):
        await scene.post(scene.under(asked), f"let me in {number}", by=scene.bob)
    await scene.post(scene.under(asked), "and is it fast?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "and is it fast?"]
    assert refusals(scene, scene.bob) == [access.REFUSAL]


async def test_a_thread_read_late_is_read_without_them(empty_stage: stage.Stage) -> None:
    """What a denied person wrote before the bot was asked is left out of what it reads."""
    scene = empty_stage
    await scene.start(bot_deny=f"{scene.name}:{scene.bob}")
    root = await scene.post(scene.channel, "The build is red again.")
    thread = await scene.thread_of_people(root)
    await scene.post(thread, "It fails in the linker.", by=scene.bob)
    await scene.mention(thread, "any idea?")
    await scene.idle()
    assert sent.texts(scene.requests[0]) == ["The build is red again.", "any idea?"]
    assert "It fails in the linker." not in await scene.stored()


async def test_what_was_missed_is_caught_up_without_them(empty_stage: stage.Stage) -> None:
    """A denied person's posts of the time when the bot was down stay out as well."""
    scene = empty_stage
    await scene.start(bot_deny=f"{scene.name}:{scene.bob}")
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        await scene.post(scene.under(asked), "me too", by=scene.bob)
        await scene.post(scene.under(asked), "and is it fast?")
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    assert "me too" not in await scene.stored()


async def test_an_edit_of_somebody_denied_since_is_not_taken(scene: stage.Stage) -> None:
    """Whoever is denied after the fact brings no new words in by editing an old post; a deletion holds."""
    asked = await scene.mention(scene.channel, "what is WAL?", by=scene.bob)
    await scene.idle()
    await scene.restart(bot_deny=f"{scene.name}:{scene.bob}")
    await scene.edit(asked, f"{scene.at(scene.bot)} the vault code is 4711")
    await scene.idle()
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]
    await scene.delete(asked)
    await scene.idle()
    assert "what is WAL?" not in await scene.stored()


async def test_a_command_of_a_denied_person_does_nothing(empty_stage: stage.Stage) -> None:
    """A denied person's command is refused and changes nothing."""
    scene = empty_stage
    await scene.start(bot_deny=f"{scene.name}:{scene.bob}")
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    told = await scene.command(scene.under(asked), "forget", "yes", by=scene.bob)
    assert told.strip().endswith(access.REFUSAL)
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_the_bot_says_nothing_for_a_denied_person(empty_stage: stage.Stage) -> None:
    """A question that a denied person asks from a post's menu is shown to nobody, and opens no thread."""
    await empty_stage.start(bot_deny=f"{empty_stage.name}:{empty_stage.bob}")
    said = await empty_stage.post(empty_stage.channel, "The tide is at six.")
    await empty_stage.ask_about(said, "who wants my knives?", by=empty_stage.bob)
    await empty_stage.idle()
    assert empty_stage.answers(empty_stage.channel) == empty_stage.answers(empty_stage.under(said)) == []
    assert await empty_stage.stored() == []
    assert empty_stage.requests == []


async def test_an_allowed_channel_is_the_only_one(empty_stage: stage.Stage) -> None:
    """With a channel allowed, its threads are answered and no other place is; deny wins over it."""
    scene = empty_stage
    await scene.start(bot_allow=f"{scene.name}:{scene.channel.channel}", bot_deny=f"{scene.name}:{scene.bob}")
    here = await scene.mention(scene.channel, "here")
    there = await scene.mention(scene.side_channel, "there")
    denied = await scene.mention(scene.channel, "and me", by=scene.bob)
    await scene.idle()
    await scene.post(scene.under(here), "more")
    await scene.idle()
    assert scene.answers(scene.under(here)) == stage.answered(1, 2)
    assert scene.answers(scene.under(there)) == scene.answers(scene.under(denied)) == []


@pytest.fixture
async def on_slack(empty_stage: stage.Stage) -> slack_stage.SlackStage:
    """The Slack stage; what follows has no counterpart on Discord."""
    if not isinstance(empty_stage, slack_stage.SlackStage):
        pytest.skip("of Slack alone")
    return empty_stage


@pytest.fixture
async def on_discord(empty_stage: stage.Stage) -> discord_stage.DiscordStage:
    """The Discord stage; what follows has no counterpart on Slack."""
    if not isinstance(empty_stage, discord_stage.DiscordStage):
        pytest.skip("of Discord alone")
    return empty_stage


@pytest.mark.parametrize("guests", ["deny", "allow"])
async def test_guests_and_connected_workspaces_stay_out(
    on_slack: slack_stage.SlackStage, guests: str
) -> None:
    """Slack's guests and people of connected workspaces are denied unless BOT_GUESTS lets them in."""
    scene = on_slack
    await scene.start(bot_guests=guests)
    people = [
        scene.service.add_user("Guest", guest=True),
        scene.service.add_user("Stranger", team_id="T0OTHER"),
    ]
    scene.names |= dict(zip(people, ("Guest", "Stranger"), strict=True))
    asked = [await scene.mention(scene.channel, f"hello from {user}", by=user) for user in people]
    await scene.idle()
    expected = stage.answered(1) if guests == "allow" else []
    assert [scene.answers(scene.under(each)) for each in asked] == [expected, expected]
    assert [bool(refusals(scene, user)) for user in people] == [guests == "deny"] * 2


async def test_who_is_not_known_to_be_a_guest_waits(on_slack: slack_stage.SlackStage) -> None:
    """While Slack does not say who somebody is, their post is not taken; it is answered once Slack does."""
    scene = on_slack
    await scene.start()
    scene.service.fail(slack.Fault(method="users.info", kind="http", times=2))
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.until(lambda: scene.answers(scene.under(asked)) == stage.answered(1))
    assert len(scene.requests) == 1


async def test_a_role_counts_wherever_its_holder_writes(on_discord: discord_stage.DiscordStage) -> None:
    """A denied role shuts its holders out of channels, of threads read late, and of direct messages."""
    scene = on_discord
    role = scene.service.add_role(scene.guild, "muted")
    mallory = scene.service.add_user("Mallory")
    scene.service.join(scene.guild, mallory, roles=[role])
    scene.names[mallory] = "Mallory"
    await scene.start(bot_deny=f"discord:{role}")
    root = await scene.post(scene.channel, "The build is red again.")
    thread = await scene.thread_of_people(root)
    await scene.post(thread, "It is my fault.", by=mallory)
    await scene.mention(thread, "any idea?")
    await scene.mention(scene.side_channel, "hello", by=mallory)
    await scene.idle()
    private = await scene.post(scene.dm(mallory), "hello again", by=mallory)
    await scene.post(scene.dm(scene.ada), "hello from Ada")
    await scene.idle()
    assert sent.texts(scene.requests[0]) == ["The build is red again.", "any idea?"]
    assert len(scene.requests) == 2
    assert set(scene.answers(scene.under(private))) == {access.REFUSAL}
    assert scene.answers(scene.dm(scene.ada)) == stage.answered(1)


async def test_an_allowed_guild_is_allowed_in_direct_messages(
    on_discord: discord_stage.DiscordStage,
) -> None:
    """Members of an allowed guild may write directly; somebody of another may not."""
    scene = on_discord
    outsider = scene.service.add_user("Otto")
    scene.service.join(scene.service.add_guild("Elsewhere"), outsider)
    scene.names[outsider] = "Otto"
    await scene.start(bot_allow=f"discord:{scene.guild}")
    await scene.post(scene.dm(scene.ada), "hello")
    await scene.post(scene.dm(outsider), "hello", by=outsider)
    await scene.idle()
    assert scene.answers(scene.dm(scene.ada)) == stage.answered(1)
    assert scene.answers(scene.dm(outsider)) == [access.REFUSAL]


async def test_who_takes_no_messages_gets_a_reaction(on_discord: discord_stage.DiscordStage) -> None:
    """Where a direct message is refused, a reaction on the post is the refusal."""
    scene = on_discord
    await scene.start(bot_deny=f"discord:{scene.bob}")
    closed = discord.Fault(method="POST", path=r"^/users/@me/channels$", kind="http", status=403, code=50007)
    scene.service.fail(closed)
    refused = await scene.mention(scene.channel, "hello", by=scene.bob)
    async with asyncio.timeout(stage.LIMIT):
        await scene.idle()
        await scene.until(lambda: any("/reactions/" in call.path for call in scene.service.calls))
    (call,) = [call for call in scene.service.calls if "/reactions/" in call.path]
    assert (call.status, refused.id in call.path) == (204, True)
    assert scene.answers(scene.dm(scene.bob)) == []
