"""F21: budgets hold, however many ask at once and whenever the process dies."""

from __future__ import annotations

import functools
from decimal import Decimal

from bench.torture import arena, oracle, play
from bot import conversation
from bot.money import prices
from emulators import claude

BUDGET = Decimal("0.02")  # US dollars: the most that one call may cost is more than half of it
MOST_TOKENS = 500  # of an answer
PEOPLE = 100


async def budget(how: play.Run, score: play.Score) -> None:
    """A hundred ask at once where the most that one call may cost is held; then once more after a kill."""
    for scope in ("MONTH",) if how.quick else ("MONTH", "CHANNEL_DAY", "USER_DAY"):
        for killed in (False, True):
            async with arena.opened(how.platform, home=how.home, seed=how.seed) as stage:
                stage.options |= {
                    f"BOT_BUDGET_{scope}": str(BUDGET),
                    "BOT_MAX_OUTPUT_TOKENS": str(MOST_TOKENS),
                }
                if killed:  # between the hold and the bill
                    await stage.start(kill=("in mid answer", 1))
                    await stage.ask()
                    score.check(await stage.died(seconds=10), "it was not killed in mid answer")
                    score.count(kills=1)
                await stage.start()
                for _ in range(20 if how.quick else PEOPLE):
                    await stage.ask(stage.world.channels[0])
                await stage.until(functools.partial(_all_told, stage), seconds=120)
                calls = stage.calls
                await stage.stop()
                await stage.start()  # what was spent outlives the process
                await stage.ask(stage.world.channels[0])
                await stage.until(functools.partial(_all_told, stage))
                score.check(stage.calls == calls, "a question was put to Claude after the budget was used up")
                _judge_money(stage, score)
                refused = _refused(stage)
                stage.asked = [each for each in stage.asked if each.conversation not in refused]
                score.check(killed or stage.asked, "nobody was answered at all")
                score.count(refused=len(refused))
                await score.judge(stage, stage.verdict())


def _judge_money(stage: arena.Arena, score: play.Score) -> None:
    """What Claude's stand-in would bill, every begun call whole, against the budget."""
    spent = sum((_price(each) for each in stage.api.requests if each.usage is not None), Decimal(0))
    score.high(spent_share_of_the_budget=float(spent / BUDGET))
    score.check(spent <= BUDGET, f"{spent} dollars were spent of {BUDGET}")


def _price(call: claude.Request) -> Decimal:
    usage = call.usage or {}
    written = usage.get("cache_creation") or {}
    bill = conversation.Usage(
        fresh=usage.get("input_tokens", 0),
        read=usage.get("cache_read_input_tokens") or 0,
        written_5m=written.get("ephemeral_5m_input_tokens", 0),
        written_1h=written.get("ephemeral_1h_input_tokens", 0),
        output=usage.get("output_tokens", 0),
    )
    usd = prices.cost(str(call.body["model"]), bill)
    if usd is None:
        raise ValueError(f"no price for {call.body['model']}")
    return usd


def _refused(stage: arena.Arena) -> set[str]:
    """Conversations whose question was refused for money."""
    return {
        each.conversation
        for each in stage.world.seen()
        if oracle.END not in each.text and any(words in each.text for words in arena.REFUSALS)
    }


def _all_told(stage: arena.Arena) -> bool:
    whole = {each.conversation for each in stage.world.seen() if oracle.END in each.text}
    return {each.conversation for each in stage.asked} <= whole | _refused(stage)


ROWS = (play.Row(id="F21", title="a budget for one, a hundred ask, and a kill", play=budget),)
