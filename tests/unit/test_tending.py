"""Summaries made ahead: over long threads nothing is lost, doubled or waited for."""

import asyncio
import contextlib
import dataclasses
import itertools
import pathlib
import random
import tempfile
from collections.abc import AsyncIterator
from typing import Any

import fakes
import hypothesis
import pytest
import world
from hypothesis import strategies as st

from bot import conversation, ports
from bot.planning import outlook, segmenting, sizes, tending

HAIKU = "claude-haiku-5-5"
WORDS = "word " * 240  # 400 tokens


@contextlib.asynccontextmanager
async def tended(
    folder: pathlib.Path, *, model: fakes.Model | None = None, clock: fakes.Clock | None = None, **policy: Any
) -> AsyncIterator[tuple[world.World, tending.Tending]]:
    """A process whose answers are followed by tending, on a small budget."""
    chosen = {"budget_tokens": 6000, "floor_tokens": 3000, **policy}
    async with world.opened(folder, model=model, clock=clock, **chosen) as bot:

        async def bill(key: conversation.ConversationId, name: str, usage: conversation.Usage) -> None:
            await bot.log.billed_beside(key, "summary", name, usage)

        keeper = tending.Tending(
            log=bot.log, model=bot.model, choose=bot.chooser.of, summary_model=HAIKU, bill=bill,
            now=bot.clock.now,
        )  # fmt: skip
        bot.responder.ended = keeper.tend
        bot.intake.tend = keeper.tend
        try:
            yield bot, keeper
        finally:
            await keeper.aclose()


async def talk(bot: world.World, keeper: tending.Tending, first: int, last: int, text: str = WORDS) -> None:
    """Questions, each answered and tended before the next."""
    for number in range(first, last + 1):
        await bot.log.record(world.a_post(number, text), world.HOME)
        await bot.responder.answer(world.KEY, asyncio.Event())
        await keeper.idle()


def answers(bot: world.World) -> list[conversation.Request]:
    """The requests that answered somebody."""
    return [request for request in bot.model.requests if request.plan.model != HAIKU]


async def test_nobody_waits_for_a_summary(tmp_path: pathlib.Path) -> None:
    """In a lively thread every segment is made after an answer; no question ever waits for one."""
    async with tended(tmp_path) as (bot, keeper):
        for number in range(1, 41):
            await bot.log.record(world.a_post(number, WORDS), world.HOME)
            before = len(bot.model.requests)
            await bot.responder.answer(world.KEY, asyncio.Event())
            assert [request.plan.model for request in bot.model.requests[before:][:1]] == [
                "claude-sonnet-5-5"
            ]
            await keeper.idle()
        assert len(bot.model.requests) > len(answers(bot))
        assert answers(bot)[-1].turns[0].blocks[0].text.startswith("<summary>")


async def test_a_segment_made_ahead_waits_until_the_prefix_changes_anyway(tmp_path: pathlib.Path) -> None:
    """While the cache is warm the posts stay word for word; once it is cold the segment takes their place."""
    async with tended(tmp_path, budget_tokens=20_000) as (bot, keeper):
        await talk(bot, keeper, 1, 9)
        assert await bot.log.summaries(world.KEY)
        await talk(bot, keeper, 10, 10)
        assert not answers(bot)[-1].turns[0].blocks[0].text.startswith("<summary>")
        assert answers(bot)[-1].plan.previous_place is not None
        bot.clock.seconds += 7200
        await talk(bot, keeper, 11, 11)
        assert answers(bot)[-1].turns[0].blocks[0].text.startswith("<summary>")
        assert answers(bot)[-1].plan.previous_place is None
        assert [tool.name for tool in answers(bot)[-1].tools] == ["recall"]


@dataclasses.dataclass(kw_only=True)
class Moody(fakes.Model):
    """Claude, whose summaries are useless now and then."""

    useless: bool = False

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Answer, or say nothing where a summary is wanted."""
        if self.useless and request.plan.model == HAIKU:
            self.requests.append(request)
            return fakes.a_reply(request, "")
        return await super().answer(request, draft)


class Wordy(fakes.Model):
    """Claude, whose summaries are long, but for mergers."""

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Answer."""
        if request.plan.model != HAIKU:
            return await super().answer(request, draft)
        self.requests.append(request)
        merge = not request.turns[0].blocks[0].posts
        return fakes.a_reply(request, "merged " * 40 if merge else "fact " * 220)


async def test_old_segments_are_merged(tmp_path: pathlib.Path) -> None:
    """When the segments grow long together the oldest become one, and the request uses it in their place."""
    model = Wordy()
    async with tended(tmp_path, model=model) as (bot, keeper):
        await talk(bot, keeper, 1, 40)
        segments = await bot.log.summaries(world.KEY)
        assert any(segment.text.startswith("merged") for segment in segments)
        assert sum(sizes.estimate(segment.text) for segment in segments) < 2000


async def test_an_edit_remakes_only_what_covers_it(tmp_path: pathlib.Path) -> None:
    """The segment over the edited post is made anew, in the background; the others stand as they were."""
    async with tended(tmp_path) as (bot, keeper):
        await talk(bot, keeper, 1, 40)
        before = await bot.log.summaries(world.KEY)
        assert len(before) > 2
        made = len(bot.model.requests)
        await bot.intake.edit(world.KEY, "1", "swordfish", bot.clock.now())
        await keeper.idle()
        after = await bot.log.summaries(world.KEY)
        assert after[1:] == before[1:]
        assert (after[0].first_place, after[0].created_at > before[0].created_at) == (1, True)
        remade = bot.model.requests[made:]
        assert any("swordfish" in request.turns[0].blocks[0].text for request in remade)


async def test_a_failing_summariser_costs_nobody_an_answer(tmp_path: pathlib.Path) -> None:
    """When no summary can be made older posts are left out for now, and come back under one later."""
    model = Moody(useless=True)
    async with tended(tmp_path, model=model) as (bot, keeper):
        await talk(bot, keeper, 1, 30)
        assert len(answers(bot)) == 30
        last = answers(bot)[-1]
        assert last.plan.gave_up
        forced = [r for r in model.requests if r.plan.model == HAIKU]
        assert len(forced) < 60  # one try after an answer, one now and then before one: no storm
        model.useless = False
        await talk(bot, keeper, 31, 33)
        assert not answers(bot)[-1].plan.gave_up
        covered = {post.id for post in await everything(bot)} - set(words(answers(bot)[-1]))
        assert covered
        await whole(bot, answers(bot)[-1])


async def test_a_stop_cuts_tending_and_it_is_due_again(tmp_path: pathlib.Path) -> None:
    """Cancelled in the middle of a call nothing is stored; after the next answer the segment is made."""
    async with tended(tmp_path, budget_tokens=20_000) as (bot, keeper):
        await talk(bot, keeper, 1, 6)
        made = len(await bot.log.summaries(world.KEY))
        bot.model.holding = False
        bot.responder.ended = lambda _: None
        await talk(bot, keeper, 7, 12)
        bot.model.holding = True
        keeper.tend(world.KEY)
        await bot.model.called(len(bot.model.requests) + 1)
        await keeper.aclose()
        assert len(await bot.log.summaries(world.KEY)) == made
        bot.model.holding = False
        keeper.tend(world.KEY)
        await keeper.idle()
        assert len(await bot.log.summaries(world.KEY)) > made


async def everything(bot: world.World) -> list[conversation.Post]:
    """Every post of the log."""
    return [post async for post in bot.log.posts(world.KEY)]


def words(request: conversation.Request) -> list[str]:
    """The ids of the posts that a request carries word for word, in order."""
    return [post for turn in request.turns for block in turn.blocks for post in block.posts]


async def whole(bot: world.World, request: conversation.Request) -> None:
    """Every post before the answer is word for word or under exactly one of the segments in use."""
    thread = await bot.log.overview(world.KEY)
    used = segmenting.in_use(thread.summaries, request.plan.newest_summary)
    carried = words(request)
    assert len(carried) == len(set(carried))
    end = max(post.place or 0 for post in await everything(bot) if post.id in carried)
    for post in await everything(bot):
        if post.place is None or post.place > end:
            continue
        under = sum(each.first_place <= post.place <= each.last_place for each in used)
        assert under + (post.id in carried) == 1, (post.id, under, request.plan)


@hypothesis.given(st.integers(0, 2**32))
@hypothesis.example(434)  # what was left out is summarised while the cache is warm
@hypothesis.settings(max_examples=12, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
def test_long_threads_come_to_no_harm(seed: int) -> None:
    """Whatever is said, edited, deleted or fails: each post stands once, a request extends or renews."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(a_long_life(pathlib.Path(folder), random.Random(seed)))  # noqa: S311 - a story, no secret


async def a_long_life(folder: pathlib.Path, chance: random.Random) -> None:
    """Sixty exchanges with everything that can happen in between."""
    clock, model = fakes.Clock(), Moody()
    async with tended(folder, model=model, clock=clock, budget_tokens=3000, floor_tokens=1500) as (
        bot,
        keeper,
    ):
        for number in range(1, 61):
            clock.seconds += chance.choice([20, 20, 60, 400, 5000])
            model.useless = chance.random() < 0.1
            text = "word " * chance.choice([5, 60, 150, 400])
            await bot.log.record(world.a_post(number, text, sent_at=clock.now()), world.HOME)
            await bot.responder.answer(world.KEY, asyncio.Event())
            await keeper.idle()
            model.useless = False
            request = answers(bot)[-1]
            if not request.plan.gave_up:
                await whole(bot, request)
            if chance.random() < 0.15:
                victim = str(chance.randint(1, number))
                if chance.random() < 0.5:
                    await bot.intake.edit(world.KEY, victim, f"new {number}", clock.now())
                else:
                    await bot.intake.delete(world.KEY, victim)
                await keeper.idle()
        extends(answers(bot))
        assert len(bot.model.requests) < 60 * 4


def extends(requests: list[conversation.Request]) -> None:
    """Where a plan says that it extends the last request it does, block for block, up to its last mark."""
    held = 0
    for earlier, later in itertools.pairwise(requests):
        if later.plan.previous_place is not None:
            start = [block.text for turn in earlier.turns for block in turn.blocks]
            assert [block.text for turn in later.turns for block in turn.blocks][: len(start)] == start
            held += 1
    assert held > 10


@pytest.mark.parametrize("strategy", ["window", "full"])
async def test_other_strategies_summarise_nothing_early(tmp_path: pathlib.Path, strategy: str) -> None:
    """`window` never asks for a summary, `full` not before the model's window is nearly full."""
    async with tended(tmp_path, strategy=strategy) as (bot, keeper):
        await talk(bot, keeper, 1, 30)
        assert len(bot.model.requests) == len(answers(bot)) == 30


async def test_a_correction_stands_under_its_summary_at_once_and_stays(tmp_path: pathlib.Path) -> None:
    """The next request carries it with its author, a remade segment keeps it, an erasure takes it."""
    async with tended(tmp_path) as (bot, keeper):
        assert not await bot.log.correct(world.KEY, author="U1", author_name="Ada", text="too early")
        await talk(bot, keeper, 1, 30)
        assert await bot.log.correct(world.KEY, author="U9", author_name="Zoe", text="it was\nTuesday")
        line = "Corrected by Zoe: it was Tuesday"
        await talk(bot, keeper, 31, 31)
        sent = [block.text for block in answers(bot)[-1].turns[0].blocks if not block.posts]
        assert sum(line in text for text in sent) == 1
        last = (await bot.log.summaries(world.KEY))[-1]
        edited = next(p.id for p in await everything(bot) if p.place == last.first_place and p.role == "user")
        await bot.intake.edit(world.KEY, edited, "other words", bot.clock.now())
        await keeper.idle()
        assert any(line in each.text for each in await bot.log.summaries(world.KEY))
        await bot.log.forget_user("U9")
        assert not any("Tuesday" in each.text for each in await bot.log.summaries(world.KEY))


async def test_claude_finds_what_it_no_longer_sees(tmp_path: pathlib.Path) -> None:
    """Once posts are summarised the tool is there; they are found word for word, other threads are not."""
    async with tended(tmp_path) as (bot, keeper):
        await bot.log.record(world.a_post(1, "The port is 8443, said the swordfish."), world.HOME)
        await bot.responder.answer(world.KEY, asyncio.Event())
        assert answers(bot)[-1].tools == ()
        await talk(bot, keeper, 2, 30)
        elsewhere = conversation.ConversationId("slack:T1:C1:2.0")
        other = world.a_post(99, "The swordfish swims elsewhere.", conversation=elsewhere, addressed=False)
        await bot.log.record(other, world.HOME)
        assert [tool.name for tool in answers(bot)[-1].tools] == ["recall"]
        assert "1" not in words(answers(bot)[-1])
        reply = await bot.log.begin(world.KEY)
        assert reply is None
        hits = await bot.log.search(world.KEY, "which port did the swordfish name?", 20)
        assert hits[0].post.id == "1"
        assert {hit.post.conversation for hit in hits} == {world.KEY}


async def test_context_is_honest_about_what_comes_next(tmp_path: pathlib.Path) -> None:
    """Word for word, summarised, tokens, price and cache of the next request are told."""
    async with tended(tmp_path) as (bot, keeper):
        await talk(bot, keeper, 1, 30)
        thread = await bot.log.overview(world.KEY)
        told = outlook.tell(
            thread, policy=bot.chooser.base.policy, facts=fakes.facts("claude-sonnet-5-5"),
            system=world.SYSTEM, now=bot.clock.now(),
        )  # fmt: skip
        shown = len(words(answers(bot)[-1])) + 1  # and the answer
        assert f"Claude sees {shown} of 60 posts word for word, {60 - shown} in the summary" in told
        assert "The next request sends about " in told
        assert "none of it is in the cache now" in told  # the stand-in for Claude bills no cache


async def test_what_comes_to_nothing_is_not_paid_for_again_and_again(tmp_path: pathlib.Path) -> None:
    """Where no summary passes its check, the next try waits until the thread has grown, ever longer."""

    class Useless(fakes.Model):
        async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
            got = await super().answer(request, draft)
            return dataclasses.replace(got, text="") if request.plan.model == HAIKU else got

    async with tended(tmp_path, model=Useless(), budget_tokens=60_000, strategy="full") as (bot, keeper):
        bot.model.known["claude-sonnet-5-5"] = dataclasses.replace(
            fakes.facts("claude-sonnet-5-5"), context_tokens=12_000
        )
        await talk(bot, keeper, 1, 60)
        tried = sum(request.plan.model == HAIKU for request in bot.model.requests)
        assert 0 < tried < 40
