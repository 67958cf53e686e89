"""The workers and the intake: every post answered once, whatever happens meanwhile."""

import asyncio
import datetime as dt
import pathlib
from collections.abc import Callable

import fakes
import pytest
import world

from bot import conversation, errors

LATER = fakes.START + dt.timedelta(hours=1)


def other(number: int) -> conversation.ConversationId:
    """Another conversation."""
    return conversation.ConversationId(f"slack:T1:C1:{number}.0")


async def test_a_post_is_answered_once(tmp_path: pathlib.Path) -> None:
    """The same event again, and the same post by another way, bring no second answer."""
    async with world.opened(tmp_path) as bot:
        assert await bot.intake.post(world.a_post(1), world.HOME)
        assert not await bot.intake.post(world.a_post(1), world.HOME)
        await bot.idle()
        assert not await bot.intake.post(world.a_post(1, addressed=False), world.HOME)
        await bot.idle()
        assert bot.platform.visible == ["ok"]
        assert len(bot.model.requests) == 1


async def test_a_post_to_somebody_else_is_kept_and_not_answered(tmp_path: pathlib.Path) -> None:
    """What is not for the bot starts no worker and stands in the next request as context."""
    async with world.opened(tmp_path) as bot:
        await bot.say(1, "@Bob lunch?", addressed=False)
        assert bot.workers.busy == 0
        await bot.say(2)
        await bot.idle()
        assert bot.model.asked() == ["1 2"]


async def test_a_burst_is_answered_together(tmp_path: pathlib.Path) -> None:
    """Posts that come while an answer is written get one answer, after it, all of them."""
    model = fakes.Model(script=["First.", "All three."], holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.say(1)
        await model.called(1)
        for number in (4, 2, 3):  # out of order on the way
            await bot.say(number)
        model.go.set()
        await bot.idle()
        assert model.asked() == ["1", "2 3 4"]
        assert bot.platform.visible == ["First.", "All three."]
        assert [text for _, text in await bot.said()] == [
            "hello",
            "First.",
            "hello",
            "hello",
            "hello",
            "All three.",
        ]


async def test_an_edit_redoes_the_answer_in_place(tmp_path: pathlib.Path) -> None:
    """When the question is edited while it is answered, the answer is written anew in the same post."""
    model = fakes.Model(script=["To the first.", "To the second."], holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.say(1, "First version?")
        await model.called(1)
        assert await bot.intake.edit(world.KEY, "1", "Second version?", LATER)
        await model.called(2)
        model.go.set()
        await bot.idle()
        assert bot.platform.visible == ["To the second."]
        assert await bot.said() == [("user", "Second version?"), ("assistant", "To the second.")]
        assert "Second version?" in model.requests[1].turns[-1].blocks[-1].text
        assert model.most_running == 1


async def test_an_edit_of_an_older_post_disturbs_nothing(tmp_path: pathlib.Path) -> None:
    """An edit to what is answered already is logged; no answer is redone; the next request has it."""
    async with world.opened(tmp_path) as bot:
        await bot.say(1, "Before")
        await bot.idle()
        assert await bot.intake.edit(world.KEY, "1", "After", LATER)
        assert not await bot.intake.edit(world.KEY, "1", "After", LATER)
        assert not await bot.intake.edit(world.KEY, "never seen", "After", LATER)
        await bot.idle()
        assert len(bot.model.requests) == 1
        await bot.say(2)
        await bot.idle()
        assert "After" in bot.model.requests[1].turns[0].blocks[0].text


async def test_a_deleted_question_is_withdrawn(tmp_path: pathlib.Path) -> None:
    """When the question is deleted while it is answered, the answer goes with it and nothing is left."""
    model = fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.say(1, "A secret")
        await model.called(1)
        assert await bot.intake.delete(world.KEY, "1")
        await bot.idle()
        assert bot.platform.visible == []
        assert await bot.said() == []
        assert not await bot.intake.post(world.a_post(1, "A secret"), world.HOME)


async def test_a_deletion_in_a_burst_redoes_the_answer_without_it(tmp_path: pathlib.Path) -> None:
    """One of several posts deleted: the answer is redone to those that are left."""
    model = fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.log.record(world.a_post(1, "Keep"), world.HOME)
        await bot.say(2, "Drop")
        await model.called(1)
        await bot.intake.delete(world.KEY, "2")
        await model.called(2)
        model.go.set()
        await bot.idle()
        assert model.asked() == ["1 2", "1"]
        assert bot.platform.visible == ["ok"]


async def test_a_stop_reaches_the_answer_of_another_process(tmp_path: pathlib.Path) -> None:
    """Of two processes on one log either may hear it: the one that writes the answer ends it where it is."""
    model = fakes.Model(script=["Half of it"], holding=True)
    async with world.opened(tmp_path, model=model) as bot, world.opened(tmp_path) as beside:
        bot.workers.look = 0.01
        await bot.say(1)
        await model.called(1)
        assert await beside.workers.stop(world.KEY)
        await bot.idle()
        assert not await beside.workers.stop(world.KEY)
        assert ["Stopped" in text for text in bot.platform.visible] == [True]


async def test_stop_ends_the_answer_where_it_is(tmp_path: pathlib.Path) -> None:
    """A running answer can be stopped, an idle conversation has none; the next question is answered."""
    model = fakes.Model(script=["Half of it", "Whole"], holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        assert not await bot.workers.stop(world.KEY)
        await bot.say(1)
        await model.called(1)
        assert await bot.workers.stop(world.KEY)
        await bot.idle()
        model.go.set()
        await bot.say(2)
        await bot.idle()
        assert bot.platform.visible == ["Half\n\n*(Stopped.)*", "Whole"]


@pytest.mark.parametrize("where", ["open", "opened", "finish", "history"])
@pytest.mark.parametrize("times", [1, 9])
async def test_an_outage_is_waited_out(tmp_path: pathlib.Path, where: str, times: int) -> None:
    """While the platform is away the reply is tried again, ever more slowly, until it stands there once."""
    platform = fakes.Platform(faults={where: [errors.PlatformUnavailable("503") for _ in range(times)]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.say(1)
        await bot.idle()
        assert platform.visible == ["ok"]
        assert bot.clock.slept == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0][:times]
        assert len(bot.model.requests) == 1


@pytest.mark.parametrize("error", [errors.PostGone, errors.MayNotPost])
async def test_what_cannot_be_delivered_is_given_up(
    tmp_path: pathlib.Path, error: type[errors.PlatformError]
) -> None:
    """A thread that is gone or closed to the bot is not tried again; the next question is a new try."""
    platform = fakes.Platform(faults={"open": [error("archived")]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.say(1)
        await bot.idle()
        assert (platform.visible, bot.clock.slept) == ([], [])
        await bot.say(2)
        await bot.idle()
        assert platform.visible == ["ok"]


async def test_a_bug_is_tried_twice_then_said(tmp_path: pathlib.Path) -> None:
    """An error that nobody foresaw ends in one sentence, and touches no other conversation."""
    platform = fakes.Platform(faults={"finish": [KeyError("bug"), KeyError("bug")]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.say(1)
        await bot.idle()
        assert platform.visible == [errors.ThreadmateError().sentence]
        await bot.say(2, conversation=other(2))
        await bot.idle()
        assert platform.visible == [errors.ThreadmateError().sentence, "ok"]


class Broken:
    """A responder in which nothing works for one conversation."""

    def __init__(self) -> None:
        self.tried = 0
        self.answered: list[conversation.ConversationId] = []

    async def answer(self, conversation_id: conversation.ConversationId, _stop: asyncio.Event) -> bool:
        """Fail for one, end for all others."""
        if conversation_id == world.KEY:
            self.tried += 1
            raise ValueError("a bug")
        self.answered.append(conversation_id)
        return self.answered.count(conversation_id) == 1

    async def queued(self, _conversation_id: conversation.ConversationId) -> None:
        """Fail, too."""
        raise ValueError("a third bug")

    async def give_up(self, _conversation_id: conversation.ConversationId, _error: Exception) -> None:
        """Fail, too."""
        raise ValueError("another bug")


async def test_a_conversation_that_cannot_even_be_given_up_ends(tmp_path: pathlib.Path) -> None:
    """Where closing the reply fails as well the worker ends, without a loop, and the others go on."""
    async with world.opened(tmp_path) as bot:
        broken = Broken()
        bot.workers.responder = broken
        bot.workers.wake(world.KEY)
        bot.workers.wake(other(2))
        await bot.idle()
        assert broken.tried == 2
        assert broken.answered == [other(2), other(2)]


class Counting:
    """A responder without a log: it answers each conversation so often, and waits for `go` at every step."""

    def __init__(self, due: dict[conversation.ConversationId, int]) -> None:
        self.due = due
        self.go = asyncio.Event()
        self.gates: dict[conversation.ConversationId, asyncio.Event] = {}  # in the place of `go`
        self.begun: list[conversation.ConversationId] = []
        self.running = 0
        self.most_running = 0
        self.wake: list[Callable[[], None]] = []

    async def answer(self, conversation_id: conversation.ConversationId, _stop: asyncio.Event) -> bool:
        """Answer once more, False when nothing is due."""
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.begun.append(conversation_id)
        self.due[conversation_id] -= 1
        due = self.due[conversation_id] >= 0
        while self.wake:  # something arrives after the look into the log
            self.wake.pop()()
        await self.gates.get(conversation_id, self.go).wait()
        self.running -= 1
        return due

    async def queued(self, _conversation_id: conversation.ConversationId) -> None:
        """Nobody is told here."""

    async def give_up(self, _conversation_id: conversation.ConversationId, _error: Exception) -> None:
        """Nothing is given up here."""


async def test_conversations_are_answered_side_by_side_within_bounds(tmp_path: pathlib.Path) -> None:
    """No more than `at_once` at a time, in the order they came, who was just served behind those who wait."""
    async with world.opened(tmp_path, at_once=3) as bot:
        counting = Counting({other(number): 2 for number in range(7)})
        bot.workers.responder = counting
        for number in range(7):
            bot.workers.wake(other(number))
        for _ in range(20):  # more steps than anything here needs
            await asyncio.sleep(0)
        assert counting.running == 3
        assert bot.workers.busy == 7
        counting.go.set()
        await bot.idle()
        assert counting.most_running == 3
        assert counting.begun == [other(number) for _ in range(3) for number in range(7)]


async def test_a_wake_up_during_the_last_look_is_not_lost(tmp_path: pathlib.Path) -> None:
    """A post that is recorded just after the worker found nothing due makes it look again."""
    async with world.opened(tmp_path) as bot:
        counting = Counting({world.KEY: 0})
        counting.wake.append(lambda: bot.workers.wake(world.KEY))
        counting.go.set()
        bot.workers.responder = counting
        bot.workers.wake(world.KEY)
        await bot.idle()
        assert counting.begun == [world.KEY, world.KEY]


async def test_what_waits_for_its_turn_is_left_to_the_log_when_the_process_stops(
    tmp_path: pathlib.Path,
) -> None:
    """A conversation that has not begun when `drain` is called does not begin any more."""
    async with world.opened(tmp_path, at_once=2) as bot:
        counting = Counting({other(number): 5 for number in (1, 2, 3)})
        counting.gates[other(1)] = asyncio.Event()
        bot.workers.responder = counting
        for number in (1, 2, 3):
            bot.workers.wake(other(number))
        for _ in range(20):
            await asyncio.sleep(0)
        draining = asyncio.create_task(bot.workers.drain(30))
        await asyncio.sleep(0)
        counting.gates[other(1)].set()  # a place is free while the other answer is still being written
        for _ in range(20):
            await asyncio.sleep(0)
        counting.go.set()
        await draining
        assert counting.begun == [other(1), other(2)]
        assert bot.workers.busy == 0


async def test_a_stop_of_the_process_lets_running_answers_end(tmp_path: pathlib.Path) -> None:
    """`drain` waits for what is being written, begins nothing new, and leaves the rest to the log."""
    model = fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.say(1)
        await model.called(1)
        await bot.say(2)  # waits its turn
        draining = asyncio.create_task(bot.workers.drain(30))
        await asyncio.sleep(0)
        await bot.say(3, conversation=other(3))  # comes too late
        model.go.set()
        await draining
        assert bot.platform.visible == ["ok"]
        assert model.asked() == ["1"]
        assert set(await bot.log.due()) == {world.KEY, other(3)}


async def test_a_stop_of_the_process_waits_only_so_long(tmp_path: pathlib.Path) -> None:
    """What does not end in time is cut off; it is due in the log, and a new process finishes it in place."""
    platform, model = fakes.Platform(), fakes.Model(holding=True)
    async with world.opened(tmp_path, platform=platform, model=model) as bot:
        await bot.say(1)
        await model.called(1)
        await bot.workers.drain(0)
        assert model.running == 0
        assert await bot.log.due() == [world.KEY]
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await bot.workers.resume() == 1
        await bot.idle()
        assert platform.visible == ["ok"]
        assert await bot.said() == [("user", "hello"), ("assistant", "ok")]


async def test_a_new_process_takes_up_everything_that_is_due(tmp_path: pathlib.Path) -> None:
    """Posts recorded but not answered, and answers written but not shown, are all finished after a start."""
    faults: dict[str, list[Exception]] = {"finish": [errors.PlatformUnavailable("killed")]}
    platform = fakes.Platform(faults=faults)
    async with world.opened(tmp_path, platform=platform) as bot:
        for number in range(1, 5):
            await bot.log.record(world.a_post(number, conversation=other(number)), world.HOME)
        with pytest.raises(errors.PlatformUnavailable):
            await bot.responder.answer(other(1), asyncio.Event())
        called = len(bot.model.requests)
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await bot.workers.resume() == 4
        await bot.idle()
        assert platform.visible == ["ok"] * 4
        assert called + len(bot.model.requests) == 4
        assert await bot.workers.resume() == 0


async def test_waking_for_nothing_costs_nothing(tmp_path: pathlib.Path) -> None:
    """A wake-up may be doubled or needless: the worker looks into the log and ends."""
    async with world.opened(tmp_path) as bot:
        for _ in range(3):
            bot.workers.wake(world.KEY)
        assert bot.workers.busy == 1
        await bot.idle()
        assert (bot.model.requests, bot.platform.calls) == ([], [])


async def test_what_adapters_ask_is_answered_from_the_log(tmp_path: pathlib.Path) -> None:
    """Where the bot is, which conversation holds a post, and what to catch up on."""
    async with world.opened(tmp_path) as bot:
        assert not await bot.intake.holds(world.KEY)
        await bot.say(1)
        await bot.idle()
        assert await bot.intake.holds(world.KEY)
        assert await bot.intake.find("slack", "1") == world.KEY
        assert await bot.intake.find("slack", "B1") == world.KEY
        assert await bot.intake.find("discord", "1") is None
        (home,) = await bot.intake.homes("slack", fakes.START)
        assert (home.conversation_id, home.home, home.newest_post) == (world.KEY, world.HOME, "1")
        assert await bot.intake.homes("slack", LATER) == []


async def test_posts_are_counted(tmp_path: pathlib.Path) -> None:
    """Each new post is counted once, by platform and by whether it wants an answer."""
    async with world.opened(tmp_path) as bot:
        await bot.say(1)
        await bot.say(1)
        await bot.say(2, addressed=False)
        await bot.idle()
        for addressed in ("true", "false"):
            labels = {"platform": "slack", "addressed": addressed}
            assert bot.metrics.registry.get_sample_value("threadmate_posts_total", labels) == 1
        assert bot.metrics.registry.get_sample_value("threadmate_busy_conversations") == 0


async def test_what_finds_no_room_in_memory_waits_in_the_log(tmp_path: pathlib.Path) -> None:
    """Past the most that may wait in memory a conversation stays due, is told so, and answered later."""
    model = fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        bot.workers.most = 2
        for number in range(1, 4):
            await bot.intake.post(world.a_post(number, conversation=other(number)), world.HOME)
        assert bot.workers.busy == 2
        await bot.platform.reached("queued")
        model.go.set()
        await bot.idle()
        assert await bot.log.due() == [other(3)]
        assert await bot.workers.resume() == 1
        await bot.idle()
        assert len(bot.platform.visible) == 3
        assert await bot.log.due() == []


async def test_people_see_that_they_wait(tmp_path: pathlib.Path) -> None:
    """Whoever has to wait for others is told so on the platform, once, and is answered all the same."""
    model = fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model, at_once=1) as bot:
        await bot.intake.post(world.a_post(1, conversation=other(1)), world.HOME)
        await model.called(1)
        assert "queued" not in bot.platform.calls
        await bot.intake.post(world.a_post(2, conversation=other(2)), world.HOME)
        await bot.platform.reached("queued")
        model.go.set()
        await bot.idle()
        assert bot.platform.calls.count("queued") == 1
        assert len(bot.platform.visible) == 2


async def test_a_platform_that_cannot_say_so_is_no_obstacle(tmp_path: pathlib.Path) -> None:
    """When telling those who wait fails, they are answered all the same."""
    model, platform = fakes.Model(holding=True), fakes.Platform()
    platform.faults["queued"] = [errors.PlatformUnavailable()]
    async with world.opened(tmp_path, model=model, platform=platform, at_once=1) as bot:
        for number in (1, 2):
            await bot.intake.post(world.a_post(number, conversation=other(number)), world.HOME)
        await platform.reached("queued")
        model.go.set()
        await bot.idle()
        assert len(platform.visible) == 2
