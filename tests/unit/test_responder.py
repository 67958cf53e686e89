"""The way of one answer: what is asked, shown, logged and billed, and where it goes on after a crash."""

import asyncio
import dataclasses
import pathlib
from collections.abc import Awaitable, Callable

import fakes
import pytest
import world

from bot import conversation, errors, responder
from bot.showing import drafts
from bot.tools import toolsets

SONNET, HAIKU = "claude-sonnet-5-5", "claude-haiku-5-5"
LONG = "word " * 1500  # 2,500 tokens
ERRORS = [
    errors.Overloaded, errors.Unreachable, errors.SpendLimit, errors.KeyRefused,
    errors.TooLong, errors.Declined, errors.NoAnswer, errors.ModelError,
]  # fmt: skip


async def answer(bot: world.World, stop: asyncio.Event | None = None) -> bool:
    """Take the next reply to its end."""
    return await bot.responder.answer(world.KEY, stop or asyncio.Event())


async def test_a_question_gets_its_answer(tmp_path: pathlib.Path) -> None:
    """The answer stands on the platform once, and in the log after its question."""
    async with world.opened(tmp_path, model=fakes.Model(script=["It is noon."])) as bot:
        await bot.log.record(world.a_post(1, "What time is it?"), world.HOME)
        assert await answer(bot)
        assert bot.platform.visible == ["It is noon."]
        assert await bot.said() == [("user", "What time is it?"), ("assistant", "It is noon.")]
        assert not await answer(bot)
        (request,) = bot.model.requests
        assert request.turns[-1].blocks[-1].posts == ("1",)
        assert request.plan.model == SONNET


async def test_the_draft_is_shown_while_it_grows(tmp_path: pathlib.Path) -> None:
    """What Claude has said so far is on the platform before the answer ends."""
    model = fakes.Model(script=["It is noon here."], holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        answering = asyncio.create_task(answer(bot))
        await bot.platform.reached("shown")
        assert bot.platform.visible == ["It is no"]
        model.go.set()
        await answering
        assert bot.platform.visible == ["It is noon here."]


async def test_everything_is_billed(tmp_path: pathlib.Path) -> None:
    """The answer's usage is in the log, as the API gave it, and in the metrics with its money."""
    async with world.opened(tmp_path, model=fakes.Model(script=[fakes.an_answer("ok")])) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        await answer(bot)
        (bill,) = await bot.log.bills(world.KEY)
        assert (bill.model, bill.usage.fresh, bill.usage.output) == (SONNET, 100, 10)
        assert (
            bot.metrics.registry.get_sample_value(
                "threadmate_tokens_total", {"model": SONNET, "kind": "fresh"}
            )
            == 100
        )
        assert (
            bot.metrics.registry.get_sample_value(
                "threadmate_replies_total", {"platform": "slack", "state": "finished"}
            )
            == 1
        )


@pytest.mark.parametrize("error", ERRORS)
async def test_a_failure_is_said_once_and_not_logged_as_an_answer(
    tmp_path: pathlib.Path, error: type[errors.ModelError]
) -> None:
    """The person gets one sentence, nothing false enters the log, and the next question is answered."""
    async with world.opened(tmp_path, model=fakes.Model(script=[error("inner words"), "Better."])) as bot:
        await bot.log.record(world.a_post(1, "First?"), world.HOME)
        assert await answer(bot)
        assert bot.platform.visible == [error().sentence]
        assert await bot.said() == [("user", "First?")]
        assert not await answer(bot)
        await bot.log.record(world.a_post(2, "Second?"), world.HOME)
        await answer(bot)
        assert bot.platform.visible == [error().sentence, "Better."]
        texts = [block.text for turn in bot.model.requests[-1].turns for block in turn.blocks]
        assert not any(error().sentence in text for text in texts)


async def test_a_half_said_answer_gives_way_to_the_failure(tmp_path: pathlib.Path) -> None:
    """When the model fails mid-answer, the sentence takes the place of what was shown, and stays."""
    model = fakes.Model(script=[fakes.an_answer("never")], holding=True)

    async with world.opened(tmp_path, model=model) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        model.script[:] = [errors.Overloaded()]
        answering = asyncio.create_task(answer(bot))
        await model.called(1)
        model.go.set()
        await answering
        assert bot.platform.visible == [errors.Overloaded().sentence]
        assert bot.platform.calls[-1] == "fail"


async def test_an_answer_cut_at_its_limit_says_so(tmp_path: pathlib.Path) -> None:
    """Where the model was cut off, the person is told how to get the rest."""
    model = fakes.Model(script=[fakes.an_answer("One, two", stop_reason="max_tokens")])
    async with world.opened(tmp_path, model=model) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        await answer(bot)
        assert bot.platform.visible == ["One, two" + responder.CUT_NOTE]


async def test_an_answer_cut_at_its_limit_says_so_after_a_crash(tmp_path: pathlib.Path) -> None:
    """Why an answer ended is kept with it until it is shown."""
    platform = fakes.Platform(faults={"finish": [errors.PlatformUnavailable("503")]})
    model = fakes.Model(script=[fakes.an_answer("One, two", stop_reason="max_tokens")])
    async with world.opened(tmp_path, model=model, platform=platform) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        with pytest.raises(errors.PlatformUnavailable):
            await answer(bot)
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await answer(bot)
        assert platform.visible == ["One, two" + responder.CUT_NOTE]
        assert await bot.said() == [("user", "hello"), ("assistant", "One, two")]


@pytest.mark.parametrize(
    ("text", "left", "said"),
    [
        ("Twelve words", "Twelve" + responder.STOPPED_NOTE, "Twelve"),
        ("", responder.STOPPED_NOTE.strip(), ""),
    ],
)
async def test_a_stopped_answer_keeps_what_was_said(
    tmp_path: pathlib.Path, text: str, left: str, said: str
) -> None:
    """`stop` ends the writing at once; what was written stands, shown as stopped, and nothing retries it."""
    model = fakes.Model(script=[text], holding=True)
    async with world.opened(tmp_path, model=model) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        stop = asyncio.Event()
        answering = asyncio.create_task(answer(bot, stop))
        await model.called(1)
        stop.set()
        assert await answering
        assert bot.platform.visible == [left]
        assert (await bot.said())[-1] == ("assistant", said)
        assert model.running == 0
        assert not await answer(bot)


@pytest.mark.parametrize("refusal", [errors.MayNotPost("no scope"), errors.PostGone("no thread")])
async def test_a_thread_that_may_not_be_read_is_answered_all_the_same(
    tmp_path: pathlib.Path, refusal: errors.PlatformError
) -> None:
    """Where the bot may not read what came before, it answers from the mention alone."""
    platform = fakes.Platform(faults={"history": [refusal]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.log.record(world.a_post(9, "What did we agree on?"), world.HOME)
        await answer(bot)
        assert len(bot.platform.visible) == 1


async def test_a_thread_entered_late_is_read_first(tmp_path: pathlib.Path) -> None:
    """What was posted before the bot came stands before the question, once, and is not answered."""
    earlier = [world.a_post(1, "We met."), world.a_post(2, "We agreed.", author="U2", author_name="Bob")]
    async with world.opened(tmp_path, platform=fakes.Platform(earlier=earlier)) as bot:
        await bot.log.record(world.a_post(9, "What did we agree on?"), world.HOME)
        await answer(bot)
        await bot.log.record(world.a_post(10, "And then?"), world.HOME)
        await answer(bot)
        assert bot.platform.calls.count("history") == 1
        sent = [post for turn in bot.model.requests[0].turns for block in turn.blocks for post in block.posts]
        assert sent == ["1", "2", "9"]
        assert not await answer(bot)


async def test_each_request_extends_the_one_before(tmp_path: pathlib.Path) -> None:
    """Over many questions, failures and late posts, a request begins with the one before it."""
    model = fakes.Model(script=["One.", errors.Overloaded(), "Two.", "Three."])
    async with world.opened(tmp_path, model=model) as bot:
        for number in range(1, 5):
            await bot.log.record(world.a_post(10 * number, f"Question {number}?"), world.HOME)
            await bot.log.record(world.a_post(10 * number - 5, "Late.", addressed=False), world.HOME)
            await answer(bot)
        before: list[str] = []
        for request in model.requests:
            sent = [block.text for turn in request.turns for block in turn.blocks]
            assert sent[: len(before)] == before
            before = sent


async def test_past_the_budget_older_posts_become_a_summary(tmp_path: pathlib.Path) -> None:
    """The summary takes the place of the older turns, the newest stay, the posts stay in the log."""
    model = fakes.Model(script=["One.", "Two.", "Ada said words.", "Three.", "Four."])
    async with world.opened(tmp_path, model=model, budget_tokens=6000, floor_tokens=3000) as bot:
        for number in range(1, 4):
            await bot.log.record(world.a_post(number, LONG), world.HOME)
            await answer(bot)
        await bot.log.record(world.a_post(4, "And?"), world.HOME)
        await answer(bot)
        assert [request.plan.model for request in model.requests] == [SONNET, SONNET, HAIKU, SONNET, SONNET]
        third = model.requests[3].turns
        assert third[0].blocks[0].text == "<summary>\nAda said words.\n</summary>"
        assert third[-1].blocks[-1].posts == ("3",)
        assert model.requests[4].turns[0] == third[0]
        assert [text for role, text in await bot.said() if role == "user"] == [LONG, LONG, LONG, "And?"]
        assert {bill.model for bill in await bot.log.bills(world.KEY)} == {SONNET, HAIKU}


async def test_a_failed_summary_delays_no_answer(tmp_path: pathlib.Path) -> None:
    """Where the summary fails the older posts are left out once, and the next summary takes them in."""
    model = fakes.Model(
        script=["One.", "Two.", errors.Overloaded(), "Three.", "Four.", "Ada said words.", "Five."]
    )
    async with world.opened(tmp_path, model=model, budget_tokens=6000, floor_tokens=3000) as bot:
        for number in range(1, 6):
            await bot.log.record(world.a_post(number, LONG), world.HOME)
            await answer(bot)
        assert bot.platform.visible == ["One.", "Two.", "Three.", "Four.", "Five."]
        third, fourth, summary, fifth = model.requests[3:]
        assert third.turns[0].blocks[0].posts == ("3",)
        assert fourth.turns[: len(third.turns)] == third.turns
        assert summary.turns[0].blocks[0].posts[0] == "1"
        assert fifth.turns[0].blocks[0].text == "<summary>\nAda said words.\n</summary>"


async def test_a_useless_summary_is_paid_for(tmp_path: pathlib.Path) -> None:
    """What a summary cost is billed also when it cannot be used."""
    model = fakes.Model(script=["One.", "Two.", "", "Three."])
    async with world.opened(tmp_path, model=model, budget_tokens=6000, floor_tokens=3000) as bot:
        for number in range(1, 4):
            await bot.log.record(world.a_post(number, LONG), world.HOME)
            await answer(bot)
        bills = await bot.log.bills(world.KEY)
        assert [bill.usage.fresh > 5000 for bill in bills if bill.model == HAIKU] == [True]


async def test_the_window_never_summarises(tmp_path: pathlib.Path) -> None:
    """With `window` older turns give way to nothing."""
    async with world.opened(
        tmp_path, strategy="window", window_turns=2, budget_tokens=6000, floor_tokens=3000
    ) as bot:
        for number in range(1, 8):
            await bot.log.record(world.a_post(number, LONG), world.HOME)
            await answer(bot)
        assert {request.plan.model for request in bot.model.requests} == {SONNET}
        assert bot.model.requests[-1].turns[0].role == "user"
        sent = [
            post for turn in bot.model.requests[-1].turns for block in turn.blocks for post in block.posts
        ]
        assert "1" not in sent
        assert sent[-1] == "7"


async def test_a_reply_goes_on_where_it_was_opened(tmp_path: pathlib.Path) -> None:
    """Killed while Claude was speaking, a new process completes the post that stands there."""
    platform, model = fakes.Platform(), fakes.Model(holding=True)
    async with world.opened(tmp_path, model=model, platform=platform) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        answering = asyncio.create_task(answer(bot))
        await model.called(1)
        answering.cancel()
        await asyncio.gather(answering, return_exceptions=True)
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await answer(bot)
        assert platform.visible == ["ok"]
        assert bot.model.requests == model.requests


async def test_a_first_post_whose_id_was_lost_is_found_again(tmp_path: pathlib.Path) -> None:
    """Killed between the first post and the note of its id, a new process posts no second one."""
    platform = fakes.Platform(faults={"opened": [errors.PlatformUnavailable("killed")]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        with pytest.raises(errors.PlatformUnavailable):
            await answer(bot)
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await answer(bot)
        assert platform.visible == ["ok"]


async def test_a_written_answer_is_only_shown(tmp_path: pathlib.Path) -> None:
    """Killed between the log and the platform, a new process shows the answer and asks Claude nothing."""
    platform = fakes.Platform(faults={"finish": [errors.PlatformUnavailable("killed")]})
    async with world.opened(tmp_path, platform=platform, model=fakes.Model(script=["It is noon."])) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        with pytest.raises(errors.PlatformUnavailable):
            await answer(bot)
    async with world.opened(tmp_path, platform=platform) as bot:
        assert await answer(bot)
        assert platform.visible == ["It is noon."]
        assert bot.model.requests == []
        assert not await answer(bot)


async def test_a_deleted_question_takes_its_answer_along(tmp_path: pathlib.Path) -> None:
    """Where every post of the question was deleted the reply is withdrawn, without a call."""
    platform = fakes.Platform(faults={"finish": [errors.PlatformUnavailable("away")]})
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        with pytest.raises(errors.PlatformUnavailable):
            await answer(bot)
        await bot.log.delete(world.KEY, "1")
        assert await answer(bot)
        assert platform.visible == []
        assert len(bot.model.requests) == 1
        assert await bot.said() == []


async def test_what_is_given_up_is_said_where_it_can_be(tmp_path: pathlib.Path) -> None:
    """A fault of our own leaves a sentence in the answer's place, and the reply is over."""
    async with world.opened(tmp_path) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        await bot.responder.give_up(world.KEY, ValueError("a bug"))
        assert bot.platform.visible == [errors.ThreadmateError().sentence]
        assert not await answer(bot)


@pytest.mark.parametrize("error", [errors.MayNotPost("archived"), errors.PostGone("deleted")])
async def test_what_cannot_be_posted_is_given_up(tmp_path: pathlib.Path, error: errors.PlatformError) -> None:
    """Where the platform will not have the reply nothing is posted; who may ask elsewhere is told, aside."""
    async with world.opened(tmp_path) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        await bot.responder.give_up(world.KEY, error)
        assert bot.platform.visible == []
        told = [("U1", error.sentence)] if isinstance(error, errors.MayNotPost) else []
        assert bot.platform.refused == told
        assert not await answer(bot)


class Post:
    """A post whose edit takes until it is told to go."""

    def __init__(self) -> None:
        self.pacer = fakes.Reply(platform=fakes.Platform(), id="B").pacer
        self.go, self.begun = asyncio.Event(), asyncio.Event()
        self.shown: list[str] = []

    async def show(self, text: str) -> None:
        """Show slowly."""
        self.begun.set()
        await self.go.wait()
        self.shown.append(text)


async def test_an_edit_under_way_lands_before_the_failure_does() -> None:
    """Also when the model fails, the block waits for the edit that is on its way: it cannot overwrite."""
    post, draft = Post(), drafts.Draft()

    async def failing() -> None:
        async with drafts.showing(post, draft, lambda: 0.0):  # type: ignore[arg-type] # only what it needs
            draft.add("half")
            await post.begun.wait()
            asyncio.get_running_loop().call_soon(post.go.set)
            raise errors.Overloaded

    with pytest.raises(errors.Overloaded):
        await failing()
    assert post.shown == ["half"]


async def test_a_call_made_again_starts_from_nothing() -> None:
    """A restarted draft holds only what the second call said, and nothing empty is shown meanwhile."""
    draft = drafts.Draft()
    for part in ("one", " two"):
        draft.add(part)
    assert (draft.text, draft.length) == ("one two", 7)
    draft.restart()
    assert (draft.text, draft.length) == ("", 0)
    draft.add("three")
    assert draft.text == "three"


class Slow(fakes.Model):
    """Saying what a model can do takes a while, in which something happens."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def facts(self, model: str) -> conversation.ModelFacts:
        """Let it happen, once."""
        if self.meanwhile is not None:
            work, self.meanwhile = self.meanwhile, None
            await work()
        return await super().facts(model)


async def test_a_deletion_before_a_summary_makes_it_untrue(tmp_path: pathlib.Path) -> None:
    """A post that is deleted after its thread was read, before the summary is asked for, is in no summary."""
    long = "word " * 1500
    model = Slow()
    async with world.opened(tmp_path, model=model, budget_tokens=6000, floor_tokens=3000) as bot:
        for number, text in ((1, f"the vault opens with xyzzyplugh {long}"), (3, long)):
            await bot.log.record(world.a_post(number, text), world.HOME)
            await answer(bot)
        await bot.log.record(world.a_post(5, long), world.HOME)
        model.meanwhile = lambda: bot.intake.delete(world.KEY, "1")
        model.script[:] = ["They know: the vault opens with xyzzyplugh", "answer"]
        await answer(bot)
        assert "xyzzyplugh" not in str(await bot.log.summaries(world.KEY))


async def test_what_a_dead_process_asked_is_taken_away(tmp_path: pathlib.Path) -> None:
    """Its question for leave goes before the answer is written anew, also where that one asks for nothing."""
    platform = fakes.Platform()
    async with world.opened(tmp_path, platform=platform) as bot:
        await bot.log.record(world.a_post(1), world.HOME)
        reply = await bot.log.begin(world.KEY)
        assert reply is not None
        asked = toolsets.Written(id="c1", tool="notes__write", state=toolsets.State.ASKED, life="an earlier")
        shown = await platform.notice(reply, conversation.Notice(text="May I?", buttons=()), key="tool1")
        await bot.log.tools.note_call(reply, dataclasses.replace(asked, notice=shown))
    async with world.opened(tmp_path, platform=platform) as bot:
        bot.workers.wake(world.KEY)
        await bot.idle()
        assert platform.notices == {}
        assert platform.visible == ["ok"]
        (left,) = await bot.log.tools.calls(reply)
        assert (left.state, left.notice) == (toolsets.State.EXPIRED, "")
