"""Budgets kept: before each call of Claude the most it can cost is held, after it what it cost is spent.

The log holds the accounts (see accounting.Ledger), so that limits hold across a crash and for any number of
answers at once. Where other calls hold what is left, a call waits for them a while before it is refused.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from bot import conversation, errors, ports
from bot.money import accounting
from bot.showing import drafts

log = structlog.get_logger()

WAIT_SECONDS = 60.0  # for calls under way, before a call is refused on their account


class Ledger(Protocol):
    """What budgets need of the thread log. Each call has been committed when it returns."""

    async def place(
        self, account: accounting.Account, limits: Sequence[accounting.Limit], nano: int, now: dt.datetime
    ) -> accounting.Hold | accounting.Full:
        """Hold an amount, or say which limit has no room for it."""

    async def settle(self, hold: accounting.Hold, nano: int | None) -> None:
        """Turn a hold into what the call cost; None where nobody knows: all of it."""

    async def spent(self, slots: Sequence[accounting.Slot]) -> list[int]:
        """What was spent in each of these."""

    async def account(self, conversation_id: conversation.ConversationId) -> accounting.Account | None:
        """Who pays for what is done beside answers."""

    async def alerted(self, slot: accounting.Slot) -> bool:
        """Whether the admins were told of this one."""

    async def alert(self, slot: accounting.Slot) -> None:
        """Keep that the admins were told."""


class Budgets:
    """Lends out Claude to those who pay. Without limits it lends Claude as it is."""

    def __init__(
        self,
        *,
        limits: Sequence[accounting.Limit],
        ledger: Ledger,
        model: ports.Model,
        tell: Callable[[str], Awaitable[None]],
        now: Callable[[], dt.datetime],
    ) -> None:
        """`tell` reaches the admins; raises where it cannot, and is tried again then."""
        self._limits, self._ledger, self._model = limits, ledger, model
        self._tell, self._now = tell, now
        self._settled = asyncio.Event()
        self._alerting: set[accounting.Slot] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, reply: conversation.Reply) -> ports.Model:
        """Claude at the expense of a reply's asker."""
        platform = reply.home.platform
        account = accounting.Account(
            user=f"{platform}:{reply.asker.author}", channel=f"{platform}:{reply.home.channel}"
        )
        return Payer(budgets=self, model=self._model, account=account) if self._limits else self._model

    async def beside(self, conversation_id: conversation.ConversationId) -> ports.Model:
        """Claude for what nobody waits for, at the expense of whoever asked last."""
        account = await self._ledger.account(conversation_id) if self._limits else None
        if account is None:
            return self._model
        return Payer(budgets=self, model=self._model, account=account)

    async def standing(self, account: accounting.Account) -> list[tuple[accounting.Limit, int]]:
        """Each limit with what was spent of it."""
        slots = [accounting.slot(limit.scope, account, self._now()) for limit in self._limits]
        return list(zip(self._limits, await self._ledger.spent(slots), strict=True))

    async def hold(self, account: accounting.Account, nano: int) -> accounting.Hold:
        """Hold the most that a call can cost. Raises errors.OverBudget."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while True:
                    settled = self._settled
                    held = await self._ledger.place(account, self._limits, nano, self._now())
                    if isinstance(held, accounting.Hold):
                        return held
                    full = held
                    if not full.passes:
                        break
                    await settled.wait()
        except TimeoutError:
            pass
        log.info("budget.refused", scope=full.limit.scope, held=full.held > 0)
        if not (full.passes or full.hopeless):
            self._warn(accounting.slot(full.limit.scope, account, self._now()), full.spent, full.limit)
        raise errors.OverBudget(accounting.refusal(full, self._now()))

    async def settle(self, account: accounting.Account, hold: accounting.Hold, nano: int | None) -> None:
        """Turn a hold into spending, let those who wait look again, and tell the admins if it is time."""
        await self._ledger.settle(hold, nano)
        settled, self._settled = self._settled, asyncio.Event()
        settled.set()
        for limit, spent in await self.standing(account):
            slot = accounting.slot(limit.scope, account, self._now())
            if spent >= accounting.ALERT * limit.nano:
                self._warn(slot, spent, limit)

    def _warn(self, slot: accounting.Slot, spent: int, limit: accounting.Limit) -> None:
        """Tell the admins, once in a period, without letting anybody wait for it."""
        if slot in self._alerting:
            return
        self._alerting.add(slot)
        task = asyncio.create_task(self._alert(slot, spent, limit), name="budget alert")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Give up alerts that are under way; they are due again."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _alert(self, slot: accounting.Slot, spent: int, limit: accounting.Limit) -> None:
        try:
            if await self._ledger.alerted(slot):
                return
            log.warning("budget.nearly_spent", scope=slot.scope, period=slot.period)
            await self._tell(accounting.alert(slot, spent, limit))
            await self._ledger.alert(slot)
        except errors.ThreadmateError as error:
            self._alerting.discard(slot)  # the next call tries again
            log.warning("budget.alert_failed", scope=slot.scope, error=type(error).__name__)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Payer:
    """Implements ports.Model: Claude, at somebody's expense."""

    budgets: Budgets
    model: ports.Model
    account: accounting.Account

    async def facts(self, model: str) -> conversation.ModelFacts:
        """See ports.Model."""
        return await self.model.facts(model)

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """See ports.Model; raises errors.OverBudget before a call that might cost too much."""
        window = (await self.model.facts(request.plan.model)).context_tokens
        metered = Metered(draft=draft, budgets=self.budgets, account=self.account, window=window)
        try:
            return await self.model.answer(request, metered)
        finally:
            # Also when this is being cancelled: the account must be true before anybody else asks.
            await asyncio.shield(asyncio.ensure_future(metered.settle()))


@dataclasses.dataclass(kw_only=True)
class Metered(drafts.Around):
    """A draft that pays for the calls that fill it; see ports.Meter."""

    budgets: Budgets
    account: accounting.Account
    window: int  # tokens that the model reads
    _hold: accounting.Hold | None = None
    _cost: int | None = None

    async def calling(self, model: str, most: conversation.Usage) -> None:
        """Hold what the call can cost; the one before it is settled first."""
        await self.settle()
        nano = accounting.price(model, _within(most, self.window))
        if nano is None:
            raise errors.UnknownPrice(model)
        self._hold, self._cost = await self.budgets.hold(self.account, nano), None

    def called(self, model: str, usage: conversation.Usage | None) -> None:
        """Note what the call cost, None where nobody knows."""
        self._cost = None if usage is None else accounting.price(model, usage)

    async def settle(self) -> None:
        """Turn what is held into spending."""
        hold, self._hold = self._hold, None
        if hold is not None:
            await self.budgets.settle(self.account, hold, self._cost)


def _within(most: conversation.Usage, window: int) -> conversation.Usage:
    """No more input than the model reads: a longer request is refused, and costs nothing."""
    return dataclasses.replace(
        most,
        fresh=min(most.fresh, window),
        written_5m=min(most.written_5m, window),
        written_1h=min(most.written_1h, window),
    )
