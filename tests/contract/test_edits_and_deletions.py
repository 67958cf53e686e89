"""Contract: what people take back or put right reaches the log, the next request and the answer."""

from __future__ import annotations

import pytest
import sent
import stage

from emulators import claude

SECRET = "the vault opens with the word xyzzyplugh"


async def test_an_edited_post_is_edited_in_the_next_request(scene: stage.Stage) -> None:
    """An edit is in the log and in the next request, under the same speaker; nothing is answered again."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.edit(asked, f"{scene.at(scene.bot)} what is SQL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    await scene.post(scene.under(asked), "well?", by=scene.bob)
    await scene.idle()
    assert [(post.by, post.text) for post in sent.posts(scene.requests[-1])] == [
        ("Ada", "what is SQL?"),
        ("Bob", "well?"),
    ]
    assert await scene.stored() == ["what is SQL?", *stage.answered(1), "well?", *stage.answered(2)]


async def test_an_edit_of_the_question_redoes_the_answer(scene: stage.Stage) -> None:
    """A question edited while it is answered is answered anew, in the same post."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await gate.reached
    await scene.edit(asked, f"{scene.at(scene.bot)} what is SQL?")
    await scene.idle()
    assert [sent.texts(body) for body in scene.requests] == [["what is WAL?"], ["what is SQL?"]]
    assert scene.claude.requests[0].closed
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert await scene.stored() == ["what is SQL?", *stage.answered(1)]


async def test_an_edit_redoes_a_half_shown_answer_in_place(scene: stage.Stage) -> None:
    """The same when half of the answer is already to be seen: it changes where it stands."""
    scene.claude.answer = lambda _body: "I see what you mean. " * 40
    scene.claude.fail(claude.Fault(kind="stall", after=20))
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.until(lambda: any(scene.answers(scene.under(asked))))
    half_shown = scene.answer_ids(scene.under(asked))
    scene.claude.answer = lambda _body: "Quite so."
    await scene.edit(asked, f"{scene.at(scene.bot)} what is SQL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == ["Quite so."]
    assert scene.answer_ids(scene.under(asked)) == half_shown


async def test_a_deleted_post_is_gone_from_the_next_request(scene: stage.Stage) -> None:
    """A deleted post is in no later request, in no answer that repeats its words, and not in the log."""
    scene.claude.answer = lambda body: f"You said: {sent.texts(body)[-1]}"
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    secret = await scene.post(scene.under(asked), SECRET)
    await scene.idle()
    await scene.delete(secret)
    await scene.idle()
    assert not [text for text in await scene.stored() if "xyzzyplugh" in text]
    await scene.post(scene.under(asked), "well?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "well?"]
    assert "xyzzyplugh" not in str(scene.requests[-1])


async def test_a_deleted_question_takes_its_answer_with_it(scene: stage.Stage) -> None:
    """When the only question is deleted while it is answered, the answer is withdrawn and nothing is kept."""
    scene.claude.answer = lambda _body: "I see what you mean. " * 40
    asked = await scene.mention(scene.channel, "first")
    await scene.idle()
    before = scene.answers(scene.under(asked))
    scene.claude.fail(claude.Fault(kind="stall", after=20))
    second = await scene.post(scene.under(asked), "second")
    await scene.until(lambda: any(scene.answers(scene.under(asked))[1:]))
    await scene.delete(second)
    await scene.idle()
    assert scene.answers(scene.under(asked)) == before
    assert [text.strip() for text in await scene.stored()] == ["first", before[0].strip()]


async def test_a_deletion_of_one_of_several_questions(scene: stage.Stage) -> None:
    """When one of several posts that are being answered is deleted, the answer is redone without it."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "first")
    await gate.reached
    await scene.post(scene.under(asked), "second")
    third = await scene.post(scene.under(asked), "third", by=scene.bob)
    await scene.heard()
    later = scene.claude.hold()
    gate.release()
    await later.reached
    await scene.delete(third)
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["first", "second"]
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)


async def test_a_deletion_that_overtakes_its_post(scene: stage.Stage) -> None:
    """A post whose deletion arrives before it does is neither kept nor answered."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    scene.swap_events()
    slip = await scene.post(scene.under(asked), SECRET)
    await scene.delete(slip)
    await scene.idle()
    assert await scene.stored() == ["what is WAL?", *stage.answered(1)]
    assert scene.answers(scene.under(asked)) == stage.answered(1)


@pytest.mark.parametrize("empty_stage", ["slack", "slack_http"], indirect=True)
async def test_an_edit_that_overtakes_its_post(scene: stage.Stage) -> None:
    """A post whose edit arrives before it does is kept as it was edited (Discord sends in order)."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    scene.swap_events()
    slip = await scene.post(scene.under(asked), "what is SQL?")
    await scene.edit(slip, "what is FTS?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "what is FTS?"]


async def test_what_was_deleted_does_not_come_back(scene: stage.Stage) -> None:
    """No catch-up and no repeated event brings a deleted post back."""
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    secret = await scene.post(scene.under(asked), f"{scene.at(scene.bob)} {SECRET}")
    await scene.idle()
    await scene.delete(secret)
    await scene.idle()
    await scene.restart()
    await scene.idle()
    await scene.post(scene.under(asked), "well?")
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["what is WAL?", "well?"]


async def test_a_deletion_reaches_the_summary(empty_stage: stage.Stage) -> None:
    """A summary that covered a deleted post is gone with it: no later request holds its words."""
    scene = empty_stage
    await scene.start(bot_context_tokens=2000, bot_context_floor_tokens=700)
    scene.claude.answer = lambda body: (
        f"They know that {SECRET}." if "xyzzyplugh" in str(body["messages"]) else "They talk."
    )
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    secret = await scene.post(scene.under(asked), f"{scene.at(scene.bob)} {SECRET}")
    for number in range(8):
        await scene.post(scene.under(asked), f"{number} {'and so the talk goes on and on ' * 40}".strip())
        await scene.idle()
    assert "<summary>" in str(scene.requests[-1])
    assert "xyzzyplugh" in str(scene.requests[-1])
    await scene.delete(secret)
    await scene.idle()
    await scene.post(scene.under(asked), "well?")
    await scene.idle()
    scene.may_break(asked, times=len(scene.claude.requests))
    assert "xyzzyplugh" not in str(scene.requests[-1])
    assert not [text for text in await scene.stored() if "xyzzyplugh" in text]
