"""The slash command and 'Ask about this' on the emulated Slack: acknowledged once they are carried out."""

import asyncio
from typing import Self

import slack_helpers

from emulators import slack


class Form:
    """Ada's form about a post in the channel, with her question in it, as Slack keeps it open."""

    def __init__(self, scene: slack_helpers.Scene, view_id: str) -> None:
        self._scene = scene
        self._view_id = view_id

    @classmethod
    async def opened(cls, scene: slack_helpers.Scene) -> Self:
        """Choose 'Ask about this' in a post's menu."""
        about = await scene.workspace.post(channel=scene.channel, user=scene.ada, text="WAL is great")
        await scene.workspace.shortcut(
            user=scene.ada, callback_id="ask_about", channel=scene.channel, ts=about
        )
        await scene.workspace.until(lambda _: bool(scene.workspace.modals))
        (view_id,) = scene.workspace.modals
        return cls(scene, view_id)

    async def send(self, question: str = "is it?") -> slack.Delivery:
        """Press Ask; nothing has come of it yet."""
        values = {"question": {"question": {"type": "plain_text_input", "value": question}}}
        return await self._scene.workspace.submit_view(
            user=self._scene.ada, view_id=self._view_id, values=values
        )

    async def told(self, question: str = "is it?") -> str:
        """Press Ask; what the form says then, "" where it closes."""
        sent = await self.send(question)
        await self._scene.workspace.until(lambda _: sent.status != "pending")
        left = self._scene.workspace.modals.get(self._view_id)
        return "" if left is None else str(left["errors"]["question"])

    def shown(self, question: str = "is it?") -> int:
        """How often the question stands in the channel's threads."""
        messages = self._scene.workspace.channels[self._scene.channel].messages.values()
        return sum(question in str(each.get("text")) for each in messages)


async def test_a_question_by_the_menu_is_acknowledged_once_it_is_kept() -> None:
    """Where the log takes nothing the form stays, and says so; pressed again, it is asked once."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.intake.locked = 1
        assert "press Ask again" in await form.told()
        assert scene.intake.told == []
        assert await form.told() == ""
        assert [post.text.rpartition(": ")[2] for post in scene.intake.told] == ["is it?"]
        assert form.shown() == 1


async def test_a_form_that_a_dead_process_had_shown_is_asked_by_the_next() -> None:
    """Killed between the question's post and its record: the form is open yet, and its post is found."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.intake.locked = 1
        await form.told()
        await scene.adapter.__aexit__(None, None, None)
        async with slack_helpers.adapter(scene.workspace, intake=scene.intake, time=scene.time):
            await scene.workspace.connected(2)
            assert await form.told() == ""
        assert len(scene.intake.told) == form.shown() == 1


async def test_a_form_that_is_delivered_twice_is_one_question() -> None:
    """Slack may send a form again that it was not told to be taken: it is asked once."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        await form.send()
        await form.send()
        await scene.workspace.settled()
        assert len(scene.intake.told) == form.shown() == 1


async def test_a_question_whose_post_has_no_answer_is_looked_for() -> None:
    """Whether it was shown nobody knows: the form says so, and pressing again doubles nothing."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.workspace.fail(slack.Fault(kind="lose_response", method="chat.postMessage"))
        assert "press Ask again" in await form.told()
        assert await form.told() == ""
        assert len(scene.intake.told) == form.shown() == 1


async def test_where_the_bot_may_not_write_the_form_says_what_to_do() -> None:
    """Of a channel it is not in: invite me, and press again."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.workspace.fail(slack.Fault(kind="error", method="chat.postMessage", error="not_in_channel"))
        assert "invite me" in await form.told()
        assert scene.intake.told == []


async def test_a_form_waits_no_longer_than_slack_does() -> None:
    """A post that takes its time: the form says it is late, and pressing again waits for the same one."""
    async with slack_helpers.scene(ack_seconds=30.0) as scene:
        form = await Form.opened(scene)
        slow = scene.workspace.fail(slack.Fault(kind="hold", method="chat.postMessage"))
        assert "not be asked twice" in await form.told()
        slow.release()
        assert await form.told() == ""
        assert len(scene.intake.told) == form.shown() == 1


async def test_other_words_replace_those_that_were_not_kept() -> None:
    """Changed before Ask is pressed again: the post that stands gets the new words, and they are asked."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.intake.locked = 1
        await form.told("is it?")
        assert await form.told("how is it?") == ""
        assert [post.text.rpartition(": ")[2] for post in scene.intake.told] == ["how is it?"]
        assert (form.shown(": is it?"), form.shown("how is it?")) == (0, 1)


async def test_other_words_than_those_that_were_asked_are_not_dropped() -> None:
    """Changed while the first are on their way: the form stays with them, and says what was asked."""
    async with slack_helpers.scene(ack_seconds=30.0) as scene:
        form = await Form.opened(scene)
        slow = scene.workspace.fail(slack.Fault(kind="hold", method="chat.postMessage"))
        await form.told("is it?")
        slow.release()
        assert "as you had it before" in await form.told("how is it?")
        assert [post.text.rpartition(": ")[2] for post in scene.intake.told] == ["is it?"]


async def test_a_command_that_fails_is_not_acknowledged() -> None:
    """Where the log takes nothing Slack tells the person that it failed; given again, it is carried out."""
    async with slack_helpers.scene(ack_seconds=0.5) as scene:
        scene.intake.locked = 1
        for status in ("lost", "acknowledged"):
            given = await scene.workspace.command(
                channel=scene.channel, user=scene.ada, command="/threadmate", text="forget yes"
            )
            await scene.workspace.settled()
            assert given.status == status
        assert [command.word for command in scene.intake.ordered] == ["forget"]


async def test_a_command_that_fails_late_is_told() -> None:
    """Slack was told by then that it was taken: its author reads that it was not, and what to do."""
    async with slack_helpers.scene(ack_seconds=30.0) as scene:
        scene.intake.locked, scene.intake.slow = 1, asyncio.Event()
        given = await scene.workspace.command(
            channel=scene.channel, user=scene.ada, command="/threadmate", text="forget yes"
        )
        await scene.workspace.settled()
        assert (given.status, scene.workspace.ephemerals) == ("acknowledged", [])
        scene.intake.slow.set()
        await scene.workspace.until(lambda _: bool(scene.workspace.ephemerals))
        assert "give the command again" in str(scene.workspace.ephemerals)


async def test_a_question_that_was_kept_and_not_acknowledged_is_not_asked_again() -> None:
    """Killed before Slack was told: the form is open yet; the same words close it, others are told of."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        ((view_id, view),) = scene.workspace.modals.items()
        assert await form.told("is it?") == ""
        await scene.adapter.__aexit__(None, None, None)
        async with slack_helpers.adapter(scene.workspace, intake=scene.intake, time=scene.time):
            await scene.workspace.connected(2)
            scene.workspace.modals[view_id] = view
            assert "as you had it before" in await form.told("how is it?")
            assert await form.told("is it?") == ""
        assert len(scene.intake.told) == form.shown() == 1


async def test_where_no_post_may_be_edited_the_question_is_put_anew() -> None:
    """The post that was not kept is taken away, and the question stands once, in its new words."""
    async with slack_helpers.scene() as scene:
        form = await Form.opened(scene)
        scene.intake.locked = 1
        await form.told("is it?")
        scene.workspace.fail(slack.Fault(kind="error", method="chat.update", error="edit_window_closed"))
        assert await form.told("how is it?") == ""
        assert (form.shown(": is it?"), form.shown("how is it?")) == (0, 1)
        assert [post.text.rpartition(": ")[2] for post in scene.intake.told] == ["how is it?"]
