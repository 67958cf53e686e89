"""Contract: buttons under what the bot says: each press is carried out once, for those who may."""

from __future__ import annotations

import dataclasses
import datetime as dt

import pytest
import stage

from bot import access, conversation

# Slack's other way in as well: interactive payloads over signed HTTP.
pytestmark = pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)

NOTICE = conversation.Notice(
    text="May I?",
    buttons=(
        conversation.Button(action="allow", value="r1:yes", label="Yes", style="primary"),
        conversation.Button(action="allow", value="r1:no", label="No", style="danger"),
    ),
)


class Handler:
    """Keeps what it is told, and answers."""

    def __init__(self, answer: str | None = None) -> None:
        self.answer = answer
        self.presses: list[conversation.Press] = []

    async def __call__(self, press: conversation.Press) -> str | None:
        """Carry out a press."""
        self.presses.append(press)
        return self.answer


async def _reply(scene: stage.Stage) -> conversation.Reply:
    """A reply of the one conversation there is, as a worker has it."""
    platform = next(iter(scene.running.adapters))
    (known,) = await scene.running.book.homes(platform, dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    (asker, *_) = [post async for post in scene.running.book.posts(known.conversation_id)]
    return conversation.Reply(
        id="r1",
        conversation=known.conversation_id,
        home=known.home,
        place=2,
        asker=asker,
        state=conversation.ReplyState.OPENED,
        resumed=False,
    )


async def _asked(scene: stage.Stage) -> tuple[stage.Place, conversation.Reply, str]:
    """A conversation with a notice in it: where, beside which reply, and the notice's id."""
    asked = await scene.mention(scene.channel, "please do it")
    await scene.idle()
    reply = await _reply(scene)
    (platform,) = scene.running.adapters.values()
    return scene.under(asked), reply, await platform.notice(reply, NOTICE, key="1")


async def test_a_press_reaches_its_action(scene: stage.Stage) -> None:
    """Who pressed what where is told to the handler of the action, and its answer to the person."""
    handler = scene.running.desks.actions["allow"] = Handler("It is done.")
    place, reply, notice = await _asked(scene)
    assert await scene.press(place, notice, "No", by=scene.bob) == "It is done."
    (press,) = handler.presses
    assert (press.action, press.value) == ("allow", "r1:no")
    assert (press.author, press.author_name, press.post) == (scene.bob, "Bob", notice)
    assert press.conversation == reply.conversation
    assert press.home.channel == reply.home.channel


async def test_a_press_may_be_answered_by_nothing(scene: stage.Stage) -> None:
    """A handler that has nothing to say leaves no trace for anybody."""
    scene.running.desks.actions["allow"] = Handler(None)
    place, _, notice = await _asked(scene)
    assert await scene.press(place, notice, "Yes") == ""


async def test_a_button_works_after_a_restart(scene: stage.Stage) -> None:
    """A button that stood before the bot was restarted works after it."""
    place, _, notice = await _asked(scene)
    await scene.restart()
    handler = scene.running.desks.actions["allow"] = Handler("Done.")
    assert await scene.press(place, notice, "Yes") == "Done."
    assert [press.value for press in handler.presses] == ["r1:yes"]


async def test_a_button_nobody_handles_says_so(scene: stage.Stage) -> None:
    """A button whose action is gone tells the person that it does nothing."""
    place, _, notice = await _asked(scene)
    assert "no longer" in await scene.press(place, notice, "Yes")


async def test_who_is_denied_presses_nothing(empty_stage: stage.Stage) -> None:
    """A denied person's press is refused and not carried out."""
    await empty_stage.start(bot_deny=f"{empty_stage.name}:{empty_stage.bob}")
    handler = empty_stage.running.desks.actions["allow"] = Handler("Done.")
    place, _, notice = await _asked(empty_stage)
    assert await empty_stage.press(place, notice, "Yes", by=empty_stage.bob) == access.REFUSAL
    assert handler.presses == []


async def test_a_repeated_notice_is_the_same_post(scene: stage.Stage) -> None:
    """A notice put twice stands once; one that is known is changed in place; one taken away is gone."""
    place, reply, notice = await _asked(scene)
    (platform,) = scene.running.adapters.values()
    again = await platform.notice(dataclasses.replace(reply, resumed=True), NOTICE, key="1")
    assert again == notice
    changed = dataclasses.replace(NOTICE, text="Well?")
    assert await platform.notice(reply, changed, key="1", known=notice) == notice
    assert [text.splitlines()[0] for text in scene.answers(place)[1:]] == ["Well?"]
    await platform.unnotice(reply, notice)
    await platform.unnotice(reply, notice)
    assert scene.answers(place) == stage.answered(1)


async def test_a_notice_is_no_part_of_the_conversation(scene: stage.Stage) -> None:
    """A notice is neither stored nor sent to Claude, and the next question is answered beside it."""
    place, _, _ = await _asked(scene)
    await scene.post(place, "and now?")
    await scene.idle()
    assert await scene.stored() == ["please do it", *stage.answered(1), "and now?", *stage.answered(2)]
