"""Contract: "What gets an answer", row by row, on both platforms."""

from __future__ import annotations

import pytest
import sent
import stage

# Slack's other way in, and a workspace without streaming, as well.
pytestmark = pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)


async def test_a_mention_in_a_channel_is_answered_in_a_thread(scene: stage.Stage) -> None:
    """A mention in a channel is answered in a thread under that message, and nowhere else."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert scene.answers(scene.channel) == []
    assert sent.posts(scene.requests[0]) == [
        sent.Spoken(by="Ada", account=scene.ada, text="what is WAL?"),
    ]


async def test_a_thread_the_bot_is_in_needs_no_mention(scene: stage.Stage) -> None:
    """In a thread the bot is in, anybody's post is answered there without a mention."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.post(scene.under(asked), "and is it fast?", by=scene.bob)
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    assert [post.by for post in sent.posts(scene.requests[-1])] == ["Ada", "Bob"]


async def test_a_late_mention_brings_the_thread_so_far(scene: stage.Stage) -> None:
    """A mention in a thread the bot is not in has the whole thread in view; nothing before was answered."""
    root = await scene.post(scene.channel, "The build is red again.")
    thread = await scene.thread_of_people(root)
    await scene.post(thread, "It fails in the linker.", by=scene.bob)
    await scene.post(thread, "Since Monday.")
    await scene.mention(thread, "any idea?", by=scene.bob)
    await scene.idle()
    assert scene.answers(thread) == stage.answered(4)
    assert sent.posts(scene.requests[0]) == [
        sent.Spoken(by="Ada", account=scene.ada, text="The build is red again."),
        sent.Spoken(by="Bob", account=scene.bob, text="It fails in the linker."),
        sent.Spoken(by="Ada", account=scene.ada, text="Since Monday."),
        sent.Spoken(by="Bob", account=scene.bob, text="any idea?"),
    ]
    await scene.post(thread, "I see.")
    await scene.idle()
    assert scene.answers(thread) == stage.answered(4, 5)


async def test_a_thread_of_people_is_left_alone(scene: stage.Stage) -> None:
    """A thread that never mentions the bot is neither stored nor answered."""
    root = await scene.post(scene.channel, "Lunch?")
    thread = await scene.thread_of_people(root)
    await scene.post(thread, "At one.", by=scene.bob)
    await scene.idle()
    assert scene.answers(thread) == scene.answers(scene.channel) == []
    assert scene.requests == []
    assert await scene.stored() == []


async def test_a_direct_message_is_answered(scene: stage.Stage) -> None:
    """A direct message needs no mention."""
    asked = await scene.post(scene.dm(scene.ada), "hello there")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_a_direct_conversation_goes_on(scene: stage.Stage) -> None:
    """What follows in the conversation of a direct message has what was said before in view."""
    asked = await scene.post(scene.dm(scene.ada), "hello there")
    await scene.idle()
    await scene.post(scene.under(asked), "one more thing")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)


async def test_a_channel_post_without_a_mention_is_nothing(scene: stage.Stage) -> None:
    """A post in a channel that does not mention the bot is neither answered nor stored."""
    await scene.post(scene.channel, "Good morning, all.")
    asked = await scene.mention(scene.channel, "what day is it?", by=scene.bob)
    await scene.idle()
    assert sent.texts(scene.requests[0]) == ["what day is it?"]
    assert await scene.stored() == ["what day is it?", *stage.answered(1)]
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_a_post_to_somebody_else_is_context_only(scene: stage.Stage) -> None:
    """A post in the bot's thread that opens by mentioning somebody else is kept, and not answered."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    thread = scene.under(asked)
    await scene.post(thread, f"{scene.at(scene.bob)} do you remember?")
    await scene.idle()
    assert scene.answers(thread) == stage.answered(1)
    await scene.post(thread, "never mind", by=scene.bob)
    await scene.idle()
    assert scene.answers(thread) == stage.answered(1, 3)
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "@Bob do you remember?", "never mind"]


async def test_a_mention_among_others_is_answered(scene: stage.Stage) -> None:
    """A post that names somebody further on is for the bot all the same."""
    asked = await scene.mention(scene.channel, f"what did {scene.at(scene.bob)} mean?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert sent.texts(scene.requests[0]) == ["what did @Bob mean?"]


async def test_bots_and_notices_get_no_answer(scene: stage.Stage) -> None:
    """Other bots, joins and pins get no answer, in a channel or in the bot's thread, even with a mention."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.noise(scene.channel)
    await scene.noise(scene.under(asked))
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert scene.answers(scene.channel) == []
    assert len(scene.requests) == 1


async def test_a_link_preview_gets_no_answer(scene: stage.Stage) -> None:
    """An edit that the platform makes, to show a preview, changes nothing."""
    asked = await scene.mention(scene.channel, "see https://example.com/ and tell me")
    await scene.idle()
    await scene.preview(asked)
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert len(scene.requests) == 1


async def test_a_bare_mention_is_answered(scene: stage.Stage) -> None:
    """A mention with nothing else is a summons: it is answered, and no blank block is sent."""
    asked = await scene.post(scene.channel, scene.at(scene.bot))
    scene.belongs("@threadmate", scene.conversation(asked))
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_two_conversations_do_not_mix(scene: stage.Stage) -> None:
    """Two threads of the same person in the same channel share nothing."""
    first = await scene.mention(scene.channel, "about apples")
    second = await scene.mention(scene.channel, "about pears")
    await scene.idle()
    await scene.post(scene.under(first), "more of the first")
    await scene.post(scene.under(second), "more of the second")
    await scene.idle()
    assert sorted(map(sent.texts, scene.requests[2:])) == [
        ["about apples", "more of the first"],
        ["about pears", "more of the second"],
    ]


async def test_threads_can_need_a_mention(empty_stage: stage.Stage) -> None:
    """With BOT_THREAD_REPLIES=mention a post in the bot's thread is context until the bot is mentioned."""
    scene = empty_stage
    await scene.start(bot_thread_replies="mention")
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.post(scene.under(asked), "I think it is a log.", by=scene.bob)
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    await scene.mention(scene.under(asked), "is that so?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 3)
