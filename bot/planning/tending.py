"""Summaries made ahead, in the background, so that nobody waits for them.

After an answer, and after a change took a segment away, the conversation is tended: as long as there is a
run of posts worth a segment, or segments to merge, one is made. A task for each conversation at most, few
at once; what a crash or a stop cuts off is due again after the next answer, since what is due is read off
the log.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Protocol

import structlog

from bot import conversation, errors, ports
from bot.desk import choosing
from bot.money import prices
from bot.planning import context, segmenting, summarising

log = structlog.get_logger()

AT_ONCE = 4  # conversations tended at the same time
TOLERATED = 4  # failures in a row
REST_PLACES, MOST_RESTS = 4, 1_000
FRUITLESS = (
    errors.NoAnswer,
    errors.Rejected,
    errors.Declined,
)  # paid for, or refused: soon again it is the same


class Shelf(Protocol):
    """What tending needs of the thread log."""

    async def overview(self, conversation_id: conversation.ConversationId) -> conversation.Thread:
        """The log as the next request would find it."""

    async def add_summary(
        self, summary: conversation.Summary, replaces: tuple[conversation.Summary, ...]
    ) -> None:
        """Commit a segment, where it is still true."""


Lend = Callable[[conversation.ConversationId], Awaitable[ports.Model]]
Bill = Callable[[conversation.ConversationId, str, conversation.Usage], Awaitable[None]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Rest:
    """A conversation whose summary came to nothing."""

    until: int  # place
    failures: int  # in a row


@dataclasses.dataclass(kw_only=True)
class Tending:
    """Keeps the segments of conversations in order."""

    log: Shelf
    model: ports.Model
    choose: choosing.Choose
    summary_model: str
    bill: Bill
    now: Callable[[], dt.datetime]
    lend: Lend | None = None  # the model at somebody's expense
    _tasks: dict[conversation.ConversationId, asyncio.Task[None]] = dataclasses.field(default_factory=dict)
    _rests: collections.OrderedDict[conversation.ConversationId, _Rest] = dataclasses.field(
        default_factory=collections.OrderedDict
    )
    _turnstile: asyncio.Semaphore = dataclasses.field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    def tend(self, conversation_id: conversation.ConversationId) -> None:
        """Look after a conversation in the background; returns at once."""
        if conversation_id in self._tasks:
            return
        task = asyncio.create_task(self._tend(conversation_id), name=f"tending {conversation_id}")
        self._tasks[conversation_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(conversation_id, None))

    async def idle(self) -> None:
        """Return once nothing is being tended."""
        while self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def aclose(self) -> None:
        """Give up what is under way; it is due again."""
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _tend(self, conversation_id: conversation.ConversationId) -> None:
        async with self._turnstile:
            try:
                for _ in range(summarising.AT_A_TIME):
                    if not await self._step(conversation_id):
                        return
            except errors.ModelError as error:
                log.warning("summary.failed", conversation=conversation_id, error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - nobody waits for it: whatever it is, it must be told
                log.error(  # noqa: TRY400 - the class says enough, the traceback may hold words
                    "summary.error", conversation=conversation_id, error=type(error).__name__
                )

    def _let_rest(self, conversation_id: conversation.ConversationId, newest: int) -> None:
        """After some failures in a row, try again when the conversation has grown: each time by more."""
        rest = self._rests.pop(conversation_id, _Rest(until=0, failures=0))
        failures = rest.failures + 1
        grown = REST_PLACES * 2 ** (failures - TOLERATED) if failures > TOLERATED else 0
        self._rests[conversation_id] = _Rest(until=newest + grown, failures=failures)
        if len(self._rests) > MOST_RESTS:
            self._rests.popitem(last=False)

    async def _step(self, conversation_id: conversation.ConversationId) -> bool:
        """Make the next segment; False when nothing is due."""
        choices = await self.choose(conversation_id)
        policy = choices.policy
        if policy.strategy == "window":
            return False
        now = self.now()
        thread = await self.log.overview(conversation_id)
        rest = self._rests.get(conversation_id)
        newest = max((post.place or 0 for post in thread.posts), default=0)
        if rest is not None and newest < rest.until:
            return False
        facts = await self.model.facts(policy.model)
        work = context.ahead(
            thread, policy=policy, facts=facts, system=choices.system, costs=prices.costs(policy.model)
        )
        if work is None:
            return False

        async def bill(model: str, usage: conversation.Usage) -> None:
            await self.bill(conversation_id, model, usage)

        try:
            summary = await summarising.summarise(
                work,
                earlier=segmenting.before(thread, work),
                model=await self.lend(conversation_id) if self.lend is not None else self.model,
                name=self.summary_model,
                now=now,
                bill=bill,
                tries=summarising.TRIES,
            )
        except FRUITLESS:
            self._let_rest(conversation_id, newest)
            raise
        await self.log.add_summary(summary, work.merges)
        self._rests.pop(conversation_id, None)
        log.info("summary.made", conversation=conversation_id, posts=summary.posts, ahead=True)
        return True
