"""Contract: "Access and money", how much. What Claude bills never exceeds a budget, whatever happens."""

from __future__ import annotations

from decimal import Decimal

import pytest
import stage

from bot import conversation
from bot.money import billing, prices

ONE_REQUEST = Decimal("0.10")  # room for one request at its highest cost: 8,192 tokens are 8 cents
ALERTED = "is used up to"


def billed(scene: stage.Stage) -> Decimal:
    """What the emulated Claude has billed in all."""
    total = Decimal(0)
    for call in scene.claude.requests:
        if call.usage is not None and call.body is not None:
            written = call.usage.get("cache_creation") or {}
            usage = conversation.Usage(
                fresh=call.usage["input_tokens"],
                written_5m=written.get("ephemeral_5m_input_tokens", 0),
                written_1h=written.get("ephemeral_1h_input_tokens", 0),
                read=call.usage.get("cache_read_input_tokens", 0),
                output=call.usage["output_tokens"],
            )
            cost = prices.cost(call.body["model"], usage)
            assert cost is not None
            total += cost
    return total


async def spend(scene: stage.Stage) -> str:
    """Ask, each time anew, until the budget is used up; what the person is told then."""
    for number in range(20):
        asked = await scene.mention(scene.channel, f"question {number}")
        await scene.idle()
        (*_, said) = scene.answers(scene.under(asked))
        if "used up" in said:
            return said
    raise AssertionError("twenty answers are less than the budget")


async def test_a_hundred_at_once_overspend_nothing(empty_stage: stage.Stage) -> None:
    """Of a hundred questions at a one-request budget some are answered, the others told; no overspending."""
    scene = empty_stage
    scene.claude.answer = lambda _body: "word " * 2_000
    await scene.start(bot_budget_month=ONE_REQUEST)
    asked = [await scene.mention(scene.channel, f"question {number}") for number in range(100)]
    await scene.idle()
    answers = [scene.answers(scene.under(each))[0] for each in asked]
    refused = [text for text in answers if "My budget for this month ($0.1000) is used up" in text]
    written = [text for text in answers if text.startswith("word word")]
    assert len(written) + len(refused) == 100
    assert len(written) >= 1
    assert 0 < billed(scene) <= ONE_REQUEST


async def test_a_person_at_the_limit_is_told_when_it_lifts(empty_stage: stage.Stage) -> None:
    """Somebody whose day is spent reads until when; others are answered, and nothing was sent to Claude."""
    scene = empty_stage
    scene.claude.answer = lambda _body: "word " * 2_000
    await scene.start(bot_budget_user_day=ONE_REQUEST)
    assert "I answer again from" in await spend(scene)
    sent = len(scene.requests)
    again = await scene.mention(scene.side_channel, "elsewhere")
    other = await scene.mention(scene.channel, "and I?", by=scene.bob)
    await scene.idle()
    assert "Your budget for today ($0.1000) is used up." in scene.answers(scene.under(again))[0]
    assert scene.answers(scene.under(other))[0].startswith("word")
    assert len(scene.requests) == sent + 1


async def test_a_budget_outlives_a_kill(empty_stage: stage.Stage) -> None:
    """A call that was under way when the bot was killed counts in full: what is left is not spent twice."""
    scene = empty_stage
    scene.options["bot_budget_month"] = ONE_REQUEST
    await scene.spawn()
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "what is WAL?")
    await gate.reached
    await scene.kill()
    await scene.spawn()
    await scene.until(lambda: any("used up" in text for text in scene.answers(scene.under(asked))))
    assert len(scene.requests) == 1


@pytest.mark.parametrize("budget", [Decimal("0.5"), Decimal("0.12")])
async def test_the_admins_are_told_before_it_is_spent(empty_stage: stage.Stage, budget: Decimal) -> None:
    """At four fifths of a budget, or when it refuses first, the admins alone get one direct message."""
    scene = empty_stage
    scene.claude.answer = lambda _body: "word " * 2_000
    await scene.start(bot_budget_channel_day=budget, bot_admins=f"{scene.name}:{scene.bob}")
    await spend(scene)
    (told,) = scene.answers(scene.dm(scene.bob))
    assert ALERTED in told
    assert scene.answers(scene.dm(scene.ada)) == []


async def test_an_unknown_price_keeps_to_no_budget(empty_stage: stage.Stage) -> None:
    """With a budget, a model whose price is not known is not asked, and the person is told why."""
    scene = empty_stage
    await scene.start(bot_budget_month=Decimal(100), bot_model="claude-of-tomorrow")
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert "the price of this model is unknown" in scene.answers(scene.under(asked))[0]
    assert scene.requests == []


async def test_a_budget_changes_no_answer(empty_stage: stage.Stage) -> None:
    """Within a budget everything is as without one, and what is spent is what was billed."""
    scene = empty_stage
    await scene.start(bot_budget_month=Decimal(100))
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    await scene.post(scene.under(asked), "and is it fast?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    (total,) = billing.totals(await scene._bot.book.bills())
    assert total.usd == billed(scene)
