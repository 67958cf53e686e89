"""Contract: what was missed while the bot was down is caught up on, as far back as a day."""

from __future__ import annotations

import sent
import stage

HOUR = 3600.0


async def test_posts_in_its_threads_are_caught_up(scene: stage.Stage) -> None:
    """What people posted in the bot's thread while it was down is answered once, together and in order."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        await scene.post(scene.under(asked), "anybody?", by=scene.bob)
        await scene.post(scene.under(asked), "hello?")
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "anybody?", "hello?"]
    assert scene.answers(scene.under(asked))[-1:] == stage.answered(3)
    assert [text for text in await scene.stored() if not text.startswith("Answer")] == [
        "what is WAL?",
        "anybody?",
        "hello?",
    ]


async def test_direct_messages_are_caught_up(scene: stage.Stage) -> None:
    """A direct message that came while the bot was down is answered, once."""
    await scene.post(scene.dm(scene.ada), "hello")
    await scene.idle()
    async with scene.away():
        missed = await scene.post(scene.dm(scene.ada), "are you there?")
    await scene.restart()
    await scene.idle()
    assert len(scene.requests) == 2
    assert sent.texts(scene.requests[-1])[-1] == missed.text
    assert len(scene.answers(scene.under(missed))) >= 1


async def test_mentions_where_it_has_answered_are_caught_up(scene: stage.Stage) -> None:
    """A mention in a channel where the bot has answered before is answered; other posts there are not."""
    await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        await scene.post(scene.channel, "good morning")
        missed = await scene.mention(scene.channel, "what is SQL?", by=scene.bob)
    assert scene.answers(scene.under(missed)) == stage.answered(1)
    assert scene.answers(scene.channel) == []
    assert sent.texts(scene.requests[-1]) == ["what is SQL?"]


async def test_mentions_in_threads_of_people_are_caught_up(scene: stage.Stage) -> None:
    """So is a mention in a thread the bot was not in, with the thread so far in view."""
    await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        root = await scene.post(scene.channel, "The build is red.")
        thread = await scene.thread_of_people(root)
        await scene.post(thread, "The linker, I guess.", by=scene.bob)
        await scene.mention(thread, "any idea?")
    assert scene.answers(thread) == stage.answered(3)
    assert sent.texts(scene.requests[-1]) == ["The build is red.", "The linker, I guess.", "any idea?"]


async def test_a_quiet_thread_is_caught_up_too(empty_stage: stage.Stage) -> None:
    """A thread in which nothing was said for days is read as well: what counts is the age of the post."""
    scene = empty_stage
    scene.clock.offset = -6 * stage.DAY
    await scene.start()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        scene.clock.offset = -HOUR
        await scene.post(scene.under(asked), "and is it fast?", by=scene.bob)
        scene.clock.offset = 0
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)


async def test_what_is_older_than_a_day_is_left_alone(empty_stage: stage.Stage) -> None:
    """A post missed longer than a day ago is not answered; a newer one in the same thread is."""
    scene = empty_stage
    scene.clock.offset = -3 * stage.DAY
    await scene.start()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        scene.clock.offset = -2 * stage.DAY
        old_mention = await scene.mention(scene.channel, "an old question", by=scene.bob)
        await scene.post(scene.under(asked), "an old follow-up")
        scene.clock.offset = 0
    assert scene.answers(scene.under(old_mention)) == []
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert len(scene.requests) == 1


async def test_nothing_is_answered_twice_after_restarts(scene: stage.Stage) -> None:
    """Restart upon restart, what was answered stays answered."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    direct = await scene.post(scene.dm(scene.bob), "hello", by=scene.bob)
    await scene.idle()
    before = await scene.stored()
    for _ in range(3):
        await scene.restart()
        await scene.idle()
    assert await scene.stored() == before
    assert scene.answers(scene.under(asked)) == scene.answers(scene.under(direct)) == stage.answered(1)
    assert len(scene.requests) == 2


async def test_an_edit_while_down_is_caught_up(scene: stage.Stage) -> None:
    """A post edited while the bot was down is edited in the log and in the next request."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    async with scene.away():
        await scene.edit(asked, f"{scene.at(scene.bot)} what is SQL?")
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert await scene.stored() == ["what is SQL?", *stage.answered(1)]
    await scene.post(scene.under(asked), "well?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is SQL?", "well?"]


async def test_an_edit_of_a_waiting_question_is_caught_up(scene: stage.Stage) -> None:
    """A question edited while the bot was down in mid-answer is answered as it stands now, in one place."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await gate.reached
    async with scene.away():
        await scene.edit(asked, f"{scene.at(scene.bot)} what is SQL?")
        scene.claude.heal()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert sent.texts(scene.requests[-1]) == ["what is SQL?"]
    assert await scene.stored() == ["what is SQL?", *stage.answered(1)]


async def test_the_deletion_of_a_first_post_is_caught_up(scene: stage.Stage) -> None:
    """So is the deletion of the post that the conversation began with, which leaves the rest as it was."""
    asked = await scene.mention(scene.channel, "my password is hunter2")
    await scene.idle()
    await scene.post(scene.under(asked), "what is WAL?", by=scene.bob)
    await scene.idle()
    async with scene.away():
        await scene.delete(asked)
    assert await scene.stored() == [*stage.answered(1), "what is WAL?", *stage.answered(2)]


async def test_a_deletion_in_direct_messages_is_caught_up(scene: stage.Stage) -> None:
    """And the deletion of a direct message."""
    said = await scene.post(scene.dm(scene.ada), "my password is hunter2")
    await scene.idle()
    async with scene.away():
        await scene.delete(said)
    assert await scene.stored() == stage.answered(1)


async def test_the_deletion_of_an_answer_is_caught_up(scene: stage.Stage) -> None:
    """And of an answer of the bot's, which an admin may delete: it is gone, and is not given again."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    thread = scene.under(asked)
    (answer,) = scene.answer_ids(thread)
    async with scene.away():
        await scene.delete(stage.Said(place=thread, id=answer, text=""))
    assert await scene.stored() == ["what is WAL?"]
    assert scene.answers(thread) == []


async def test_a_deletion_while_down_is_caught_up(scene: stage.Stage) -> None:
    """A post deleted while the bot was down is gone from the log and from the next request."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    secret = await scene.post(scene.under(asked), "my password is hunter2")
    await scene.idle()
    async with scene.away():
        await scene.delete(secret)
    assert "my password is hunter2" not in await scene.stored()
    await scene.post(scene.under(asked), "well?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "well?"]
