"""Budgets: Claude lent out at somebody's expense."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import pathlib
from collections.abc import AsyncIterator
from typing import Any

import fakes
import pytest
import world

from bot import conversation, errors, ports, thread_log
from bot.money import accounting, budgets

CENT = accounting.NANO // 100
ASKED = conversation.Request(
    plan=conversation.Plan(
        model="claude-sonnet-5-5", effort="low", max_output_tokens=1_000, lifetime="none", first_place=0
    ),
    system="",
    turns=(conversation.Turn(role="user", blocks=(conversation.Block(text="hi"),)),),
    breakpoints=(),
)


@dataclasses.dataclass(kw_only=True)
class Metering(fakes.Model):
    """Claude by script, each call of which costs a cent at most and half a cent in the end."""

    cost: conversation.Usage | None = dataclasses.field(
        default_factory=lambda: conversation.Usage(output=500)
    )

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Ask the draft before the call, and tell it after."""
        assert isinstance(draft, ports.Meter)
        await draft.calling(request.plan.model, conversation.Usage(output=1_000))
        try:
            return await super().answer(request, draft)
        finally:
            draft.called(request.plan.model, self.cost)


class Bank:
    """Budgets on a real log, with what the admins were told."""

    def __init__(self, log: thread_log.ThreadLog, model: ports.Model, cents: int) -> None:
        self.log, self.clock, self.told = log, fakes.Clock(), list[str]()
        self.faults = 0
        self.limits = [accounting.Limit(scope="all", nano=cents * CENT)]
        self.budgets = budgets.Budgets(
            limits=self.limits, ledger=log.accounts, model=model, tell=self.tell, now=self.clock.now
        )
        self.alerts, self.failed = asyncio.Event(), asyncio.Event()

    async def tell(self, text: str) -> None:
        """Reach the admins, or not."""
        if self.faults:
            self.faults -= 1
            self.failed.set()
            raise errors.PlatformUnavailable
        self.told.append(text)
        self.alerts.set()

    def ask(self, author: str = "U1") -> asyncio.Task[conversation.Answer]:
        """A question at somebody's expense."""
        reply = conversation.Reply(
            id="r1",
            conversation=world.KEY,
            home=world.HOME,
            place=1,
            asker=world.a_post(1, author=author),
            state=conversation.ReplyState.DUE,
            resumed=False,
        )
        model = self.budgets.of(reply)
        return asyncio.ensure_future(model.answer(ASKED, fakes_draft()))

    async def spent(self) -> int:
        """What was spent, in tenths of a cent."""
        account = accounting.Account(user="slack:U1", channel="slack:C1")
        ((_, nano),) = await self.budgets.standing(account)
        return nano * 10 // CENT


class Draft:
    """A draft nobody reads."""

    def add(self, text: str) -> None:
        """Drop it."""

    def restart(self) -> None:
        """Nothing to do."""

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Nothing to do."""


def fakes_draft() -> Draft:
    """A new one."""
    return Draft()


@contextlib.asynccontextmanager
async def bank(folder: pathlib.Path, model: ports.Model, *, cents: int) -> AsyncIterator[Bank]:
    """A bank with so much for everybody."""
    async with thread_log.open(f"sqlite:///{folder / 'bot.db'}") as log:
        opened = Bank(log, model, cents)
        yield opened
        await opened.budgets.aclose()


async def test_who_finds_the_rest_held_waits_for_it(tmp_path: pathlib.Path) -> None:
    """A second call waits while the first holds what is left, and is made as soon as that is settled."""
    model = Metering(holding=True)
    async with bank(tmp_path, model, cents=2) as opened:
        first, second, third = opened.ask(), opened.ask(), opened.ask("U2")
        await model.called(2)
        assert len(model.requests) == 2
        model.go.set()
        await asyncio.gather(first, second, third)
        assert len(model.requests) == 3
        assert await opened.spent() == 15
        with pytest.raises(errors.OverBudget) as refused:
            await opened.ask()
        assert "used up" in refused.value.sentence
        assert len(model.requests) == 3


async def test_a_cancelled_call_is_settled(tmp_path: pathlib.Path) -> None:
    """A call that is cancelled gives back what it did not cost, or counts in full where nobody knows."""
    for cost, expected in ((conversation.Usage(output=500), 5), (None, 15)):
        model = Metering(holding=True, cost=cost)
        async with bank(tmp_path, model, cents=5) as opened:
            asked = opened.ask()
            await model.called(1)
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)
            assert await opened.spent() == expected


async def test_the_admins_are_told_once(tmp_path: pathlib.Path) -> None:
    """From four fifths on the admins are told, again after a failure, and then never again in the period."""
    async with bank(tmp_path, Metering(), cents=2) as opened:
        opened.faults = 1
        for _ in range(3):
            await opened.ask()
        with pytest.raises(errors.OverBudget):
            await opened.ask()
        async with asyncio.timeout(5):
            await opened.failed.wait()
            with pytest.raises(errors.OverBudget):
                await opened.ask()
            await opened.alerts.wait()
        assert len(opened.told) == 1
        again = Bank(opened.log, Metering(), cents=2)
        with pytest.raises(errors.OverBudget):
            await again.ask()
        await again.budgets.aclose()
        assert again.told == []


async def test_an_unknown_price_is_no_call(tmp_path: pathlib.Path) -> None:
    """A model without a known price is not asked at anybody's expense."""
    model = Metering()
    async with bank(tmp_path, model, cents=5) as opened:
        purse: Any = budgets.Metered(
            draft=Draft(),
            budgets=opened.budgets,
            account=accounting.Account(user="slack:U1", channel="slack:C1"),
            window=1_000,
        )
        with pytest.raises(errors.UnknownPrice):
            await purse.calling("claude-of-tomorrow", conversation.Usage(output=1))
        assert await opened.spent() == 0


async def test_without_limits_claude_is_as_it_is(tmp_path: pathlib.Path) -> None:
    """Where nothing is limited nothing is held: the model itself is lent."""
    model = fakes.Model()
    async with bank(tmp_path, model, cents=5) as opened:
        free = budgets.Budgets(
            limits=[], ledger=opened.log.accounts, model=model, tell=opened.tell, now=opened.clock.now
        )
        assert await free.beside(world.KEY) is model
