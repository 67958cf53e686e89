"""Contract: one post, one answer, whatever happens to events, connections and calls."""

from __future__ import annotations

import pytest
import sent
import stage

from emulators import claude

STORY = " ".join(f"word{number}" for number in range(120))  # more than a first glimpse of an answer


async def test_repeated_events_are_one_post(scene: stage.Stage) -> None:
    """Events that come more than once are recorded and answered once."""
    scene.repeat_events(3)
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.post(scene.under(asked), "and is it fast?", by=scene.bob)
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    assert len(scene.requests) == 2


async def test_events_out_of_order_are_put_in_order(scene: stage.Stage) -> None:
    """Two posts whose events come in the wrong order are sent in the order they were posted."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "first")
    await gate.reached
    await scene.heard()
    scene.swap_events()
    await scene.post(scene.under(asked), "second", by=scene.bob)
    await scene.post(scene.under(asked), "third")
    await scene.heard()
    gate.release()
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["first", "second", "third"]
    assert scene.answers(scene.under(asked)) == stage.answered(1, 3)


@pytest.mark.parametrize("empty_stage", ["slack"], indirect=True)
async def test_a_follow_up_may_overtake_the_mention(scene: stage.Stage) -> None:
    """A post in the thread whose event comes before the mention's is neither lost nor answered twice.

    Discord's events come in order, and its thread does not exist before the mention was heard.
    """
    await scene.mention(scene.channel, "something else")
    await scene.idle()
    scene.swap_events(4)  # a mention is two events of its own
    asked = await scene.mention(scene.channel, "first")
    await scene.post(scene.under(asked), "second", by=scene.bob)
    await scene.post(scene.under(asked), "third", by=scene.bob)
    await scene.idle()
    assert sent.texts(scene.requests[-1]) == ["first", "second", "third"]
    assert scene.answers(scene.under(asked))[-1:] == stage.answered(3)
    assert [text for text in await scene.stored() if not text.startswith("Answer")][1:] == [
        "first",
        "second",
        "third",
    ]


async def test_a_burst_is_answered_once(scene: stage.Stage) -> None:
    """Whatever is posted while the bot is busy gets one answer together."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "0")
    await gate.reached
    for number in range(1, 12):
        await scene.post(scene.under(asked), str(number), by=(scene.ada, scene.bob)[number % 2])
    await scene.heard()
    gate.release()
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 12)
    assert len(scene.requests) == 2


@pytest.mark.parametrize("kind", ["asked", "torn"])
async def test_a_reconnect_loses_and_doubles_nothing(scene: stage.Stage, kind: str) -> None:
    """Posts before, during and after a break of the connections are each answered once."""
    asked = await scene.mention(scene.channel, "before")
    await scene.idle()
    await scene.disconnect(kind)
    elsewhere = await scene.mention(scene.channel, "a new thread during the break", by=scene.bob)
    await scene.post(scene.under(asked), "in the thread during the break")
    await scene.connected()
    after = await scene.mention(scene.channel, "after")

    def answers() -> list[list[str]]:
        return [scene.answers(scene.under(each)) for each in (asked, elsewhere, after)]

    await scene.until(lambda: all(answers()) and len(answers()[0]) == len(stage.answered(1, 2)))
    await scene.idle()
    assert answers() == [stage.answered(1, 2), stage.answered(1), stage.answered(1)]


@pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)
async def test_a_lost_outcome_is_no_second_post(scene: stage.Stage) -> None:
    """When the outcome of the call that made the bot's post is lost, that post is found and goes on."""
    scene.lose_first_sign()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_a_stop_in_mid_answer_is_completed_in_place(scene: stage.Stage) -> None:
    """An answer half shown when the bot stops is completed after the start, in the same post."""
    scene.claude.answer = lambda _body: STORY
    asked, half_shown = await _half_shown(scene)
    await scene.restart()
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [STORY]
    assert scene.answer_ids(scene.under(asked)) == half_shown


async def test_a_kill_in_mid_answer_is_completed_in_place(empty_stage: stage.Stage) -> None:
    """The same after `kill -9` of the real program."""
    scene = empty_stage
    await scene.spawn()
    scene.claude.answer = lambda _body: STORY
    asked, half_shown = await _half_shown(scene)
    await scene.kill()
    await scene.spawn()
    await scene.until(lambda: scene.answers(scene.under(asked)) == [STORY])
    follow = await scene.post(scene.under(asked), "and then?")
    await scene.until(lambda: scene.answers(scene.under(follow)) == [STORY, STORY])
    assert scene.answer_ids(scene.under(asked))[:1] == half_shown
    assert sent.dialogue(scene.requests[-1]) == [
        ("user", "tell me a story"),
        ("assistant", STORY),
        ("user", "and then?"),
    ]


async def test_a_kill_before_the_answer_loses_nothing(empty_stage: stage.Stage) -> None:
    """A question that was accepted, and not a word of its answer shown, is answered after the restart."""
    scene = empty_stage
    await scene.spawn()
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await gate.reached
    await scene.kill()
    await scene.spawn()
    await scene.until(lambda: scene.answers(scene.under(asked)) == stage.answered(1))
    await scene.post(scene.under(asked), "thanks")
    await scene.until(lambda: scene.answers(scene.under(asked)) == stage.answered(1, 2))


async def _half_shown(scene: stage.Stage) -> tuple[stage.Said, list[str]]:
    """A question whose answer stands half written; the ids of the posts it stands in."""
    scene.claude.fail(claude.Fault(kind="stall", after=30))
    asked = await scene.mention(scene.channel, "tell me a story")
    await scene.until(lambda: any(text.startswith("word0") for text in scene.answers(scene.under(asked))))
    (shown,) = scene.answers(scene.under(asked))
    assert shown != STORY
    return asked, scene.answer_ids(scene.under(asked))
