"""Contract: the rows of "What gets an answer" that one platform alone knows."""

from __future__ import annotations

import discord_stage
import pytest
import sent
import stage

from bot import errors


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_without_threads_the_reply_chain_is_the_conversation(empty_stage: stage.Stage) -> None:
    """Where the bot may open no thread it answers inline, and replies to its answers go on (Discord)."""
    scene = empty_stage
    scene.forbid_threads()
    await scene.start()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.channel) == stage.answered(1)
    answer = stage.Said(place=scene.channel, id=scene.answer_ids(scene.channel)[0], text="")
    follow = await scene.post(scene.channel, "and is it fast?", by=scene.bob, to=answer)
    scene.belongs(follow.text, scene.conversation(asked))
    await scene.idle()
    assert scene.answers(scene.channel) == stage.answered(1, 2)
    await scene.restart()
    await scene.idle()
    assert scene.answers(scene.channel) == stage.answered(1, 2)
    assert await scene.stored() == ["what is WAL?", *stage.answered(1), "and is it fast?", *stage.answered(2)]


@pytest.mark.parametrize("empty_stage", ["slack", "slack_http"], indirect=True)
async def test_a_flat_direct_message_is_one_conversation(empty_stage: stage.Stage) -> None:
    """With SLACK_DM_MODE=flat the whole DM is one conversation, answered at its top level (Slack)."""
    scene = empty_stage
    await scene.start(slack_dm_mode="flat")
    place = scene.dm(scene.ada)
    for text in ("hello", "one more thing"):
        said = await scene.post(place, text)
        scene.belongs(text, "flat")
        await scene.idle()
        scene.belongs(text, scene.conversation(said))
    assert scene.answers(place) == stage.answered(1, 2)
    assert sent.texts(scene.requests[-1]) == ["hello", "one more thing"]
    async with scene.away():
        await scene.post(place, "still there?")
        scene.belongs("still there?", "flat")
    assert scene.answers(place) == stage.answered(1, 2, 3)


@pytest.mark.parametrize("empty_stage", ["slack", "slack_http"], indirect=True)
async def test_a_group_dm_behaves_as_a_channel(scene: stage.Stage) -> None:
    """In a group DM the bot answers where it is mentioned, in a thread, and leaves the rest alone (Slack)."""
    group = scene.group_dm()
    await scene.post(group, "just us talking", by=scene.bob)
    asked = await scene.mention(group, "what is WAL?")
    await scene.idle()
    assert scene.answers(group) == []
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
@pytest.mark.parametrize("deleted", ["thread", "channel"])
async def test_what_stood_in_a_deleted_thread_is_gone(empty_stage: stage.Stage, deleted: str) -> None:
    """A thread deleted as a whole, by itself or with its channel, is erased; others stay (Discord)."""
    scene = empty_stage
    assert isinstance(scene, discord_stage.DiscordStage)
    await scene.start()
    asked = await scene.mention(scene.channel, "what is WAL?")
    kept = await scene.mention(scene.side_channel, "what is a page?")
    await scene.idle()
    gate = scene.claude.hold()
    await scene.post(scene.under(asked), "and is it fast?")
    await gate.reached
    if deleted == "thread":
        await scene.service.delete_thread(asked.id)
    else:
        await scene.service.delete_channel(scene.channel.channel)
    await scene.heard()
    gate.release()
    await scene.idle()
    assert await scene.stored() == ["what is a page?", *scene.answers(scene.under(kept))]


@pytest.mark.parametrize("archived", [True, False])
@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_a_locked_thread_costs_no_call_and_is_told(scene: stage.Stage, archived: bool) -> None:
    """Where a thread was locked meanwhile Claude is not asked; the person hears of it, once (Discord)."""
    assert isinstance(scene, discord_stage.DiscordStage)
    asked = await scene.mention(scene.channel, "first")
    await scene.idle()
    thread = scene.under(asked)
    async with scene.away():
        await scene.post(thread, "second")
        await scene.service.change_thread(thread.channel, archived=archived, locked=True)
    await scene.restart()
    await scene.idle()
    assert scene.answers(thread) == stage.answered(1)
    assert len(scene.requests) == 1
    assert scene.answers(scene.dm(scene.ada)) == [errors.MayNotPost().sentence]


@pytest.mark.parametrize("empty_stage", ["discord"], indirect=True)
async def test_an_archived_thread_is_no_locked_one(scene: stage.Stage) -> None:
    """A thread that was archived only is answered in, which wakes it (Discord)."""
    assert isinstance(scene, discord_stage.DiscordStage)
    asked = await scene.mention(scene.channel, "first")
    await scene.idle()
    thread = scene.under(asked)
    async with scene.away():
        await scene.post(thread, "second")
        await scene.service.change_thread(thread.channel, archived=True)
    assert scene.answers(thread) == stage.answered(1, 2)
