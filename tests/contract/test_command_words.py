"""Contract: "Commands": the same words on both platforms, and what each does."""

from __future__ import annotations

import pytest
import sent
import stage

from bot.desk import commands
from emulators import claude


async def _asked(scene: stage.Stage) -> stage.Said:
    """A conversation with one question and its answer."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    return asked


@pytest.mark.parametrize("word", sorted(commands.WORDS))
async def test_every_word_is_answered_without_claude(scene: stage.Stage, word: str) -> None:
    """Each command tells one person something, costs no model call, and is no post of the conversation."""
    asked = await _asked(scene)
    if word == "retry":
        return  # it is the one that asks Claude: see below
    told = await scene.command(scene.under(asked), word)
    await scene.idle()
    assert told.strip()
    assert scene.answers(scene.under(asked)) == stage.answered(1)  # nobody else reads it
    assert len(scene.requests) == 1
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_help_lists_every_word(scene: stage.Stage) -> None:
    """`help` names every command."""
    told = await scene.command(scene.under(await _asked(scene)), "help")
    assert all(f"`{word}`" in told for word in commands.WORDS)


async def test_new_hides_what_came_before(scene: stage.Stage) -> None:
    """After `new` nothing said before is sent; the export still has it."""
    asked = await _asked(scene)
    await scene.command(scene.under(asked), "new")
    scene.may_break(asked)
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert sent.dialogue(scene.requests[-1]) == [("user", "and now?")]
    assert await scene.stored() == ["what is WAL?", *stage.answered(1), "and now?", *stage.answered(1)]


async def test_stop_ends_the_answer_where_it_is(scene: stage.Stage) -> None:
    """`stop` ends a running answer: what was written stays and says so, and the next question is answered."""
    asked = await _asked(scene)
    scene.claude.answer = lambda _body: "So it goes on and on. " * 60
    scene.claude.fail(claude.Fault(kind="stall", after=30))
    await scene.post(scene.under(asked), "tell me more")
    await scene.until(lambda: any(text.startswith("So it") for text in scene.answers(scene.under(asked))))
    await scene.command(scene.under(asked), "stop")
    await scene.idle()
    stopped = next(text for text in scene.answers(scene.under(asked)) if text.startswith("So it"))
    assert "(Stopped.)" in stopped
    assert len(scene.requests) == 2
    scene.claude.answer = stage.answer
    await scene.post(scene.under(asked), "thanks")
    await scene.idle()
    assert scene.answers(scene.under(asked))[-1:] == stage.answered(3)


async def test_retry_answers_the_last_question_again(scene: stage.Stage) -> None:
    """`retry` asks Claude the last question again, without the answer it gave."""
    asked = await _asked(scene)
    scene.may_break(asked)
    await scene.command(scene.under(asked), "retry")
    await scene.idle()
    assert [sent.dialogue(body) for body in scene.requests] == [[("user", "what is WAL?")]] * 2
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_retry_while_it_is_answered_changes_nothing(scene: stage.Stage) -> None:
    """Said again before the answer is there, `retry` says that it is being written, and asks Claude once."""
    asked = await _asked(scene)
    scene.may_break(asked)
    gate = scene.claude.hold()
    await scene.command(scene.under(asked), "retry")
    await gate.reached
    told = await scene.command(scene.under(asked), "retry", by=scene.bob)
    assert "I am answering already" in told
    gate.release()
    await scene.idle()
    assert len(scene.requests) == 2
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_usage_tells_the_bill(scene: stage.Stage) -> None:
    """`usage` names the model and what it cost."""
    told = await scene.command(scene.under(await _asked(scene)), "usage")
    assert "claude-sonnet-5-5" in told
    assert "$" in told


async def test_context_tells_what_is_sent(scene: stage.Stage) -> None:
    """`context` tells how many posts Claude sees, the strategy and the model."""
    told = await scene.command(scene.under(await _asked(scene)), "context")
    assert "2 of 2 posts" in told
    assert "claude-sonnet-5-5" in told


async def test_forget_erases_after_a_yes(scene: stage.Stage) -> None:
    """`forget` asks first; `forget yes` erases the conversation, and no restart brings it back."""
    asked = await _asked(scene)
    await scene.command(scene.under(asked), "forget")
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]
    told = await scene.command(scene.under(asked), "forget", "yes")
    assert "2 posts" in told
    assert await scene.stored() == []
    await scene.restart()
    await scene.idle()
    assert await scene.stored() == []
    assert len(scene.requests) == 1


async def test_forget_erases_by_its_button_also_after_a_restart(scene: stage.Stage) -> None:
    """The button erases what it was asked for and says so, over a restart; pressed again, nothing."""
    asked = await scene.post(scene.dm(scene.ada), "what is WAL?")
    place = scene.under(asked)
    await scene.idle()
    await scene.post(place, "!forget")
    await scene.idle()
    (question,) = [
        post
        for post, text in zip(scene.answer_ids(place), scene.answers(place), strict=True)
        if "cannot be undone" in text
    ]
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]
    await scene.restart()
    assert "Erased 2 posts" in await scene.press(place, question, "Erase it")
    assert await scene.stored() == []
    assert "Erased 0 posts" in await scene.press(place, question, "Erase it")
    assert len(scene.requests) == 1


async def test_forget_leaves_what_others_wrote(empty_stage: stage.Stage) -> None:
    """Where others wrote, only an admin erases all; `forget me` erases the asker's own posts, wherever."""
    scene = empty_stage
    await scene.start(bot_admins=f"{scene.name}:{scene.bob}")
    asked = await _asked(scene)
    place = scene.under(asked)
    scene.may_break(asked)
    await scene.post(place, "is it a log?", by=scene.bob)
    await scene.idle()
    before = await scene.stored()
    assert "Others have written here" in await scene.command(place, "forget", "yes")
    assert await scene.stored() == before
    assert "Erased 1 post" in await scene.command(place, "forget", "me yes")
    assert "what is WAL?" not in await scene.stored()
    assert "is it a log?" in await scene.stored()
    assert "Erased 3 posts" in await scene.command(place, "forget", "yes", by=scene.bob)
    assert await scene.stored() == []


@pytest.mark.parametrize("written", ["!usgae", "!xyzzy"])
async def test_a_mistyped_word_gets_a_hint(scene: stage.Stage, written: str) -> None:
    """A mistyped `!word` gets a hint in its place and costs no model call."""
    asked = await _asked(scene)
    await scene.mention(scene.under(asked), written)
    await scene.idle()
    assert len(scene.requests) == 1
    assert written[1:] in scene.told(scene.under(asked))
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]


async def test_a_word_in_a_direct_message_needs_no_mention(scene: stage.Stage) -> None:
    """`!word` alone is a command in a direct message, and costs no model call."""
    asked = await scene.post(scene.dm(scene.ada), "!help")
    await scene.idle()
    assert scene.requests == []
    assert "`usage`" in scene.told(scene.under(asked))


async def test_a_repeated_event_is_one_command(scene: stage.Stage) -> None:
    """A command whose event comes more than once is carried out once."""
    asked = await _asked(scene)
    scene.repeat_events(2)
    await scene.mention(scene.under(asked), "!help")
    await scene.idle()
    assert scene.told(scene.under(asked)).count("what I can do") == 1
