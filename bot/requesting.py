"""The request of one answer: decided once, after the summaries it waits for, and the same after a restart."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable

import structlog

from bot import conversation, errors, insisting, ports
from bot.desk import choosing
from bot.money import prices
from bot.operating import tracing
from bot.planning import context, segmenting, summarising
from bot.tools import toolsets

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Planned:
    """What is sent, and what it was made of."""

    request: conversation.Request
    thread: conversation.Thread
    offered: toolsets.Toolset


@dataclasses.dataclass(frozen=True, kw_only=True)
class Requesting:
    """Plans the request of one reply."""

    reply: conversation.Reply
    choices: choosing.Choices
    log: ports.Log
    tools: ports.Tools
    model: ports.Model  # at the reply's expense
    summary_model: str
    bill: summarising.Bill  # of a summary
    now: Callable[[], dt.datetime]
    trace: tracing.Tracer

    async def planned(self) -> Planned:
        """Decide, where that was not done, and where the model or the prompt has changed since."""
        read_at = self.now()
        thread = await self._thread()
        plan, policy = self.reply.plan, self.choices.policy
        if plan is None or plan.model != policy.model or context.other_prompt(plan, self.choices.system):
            offered = await self.tools.offered(self.reply)
            decision = await self._decide(thread, offered)
            for _ in range(summarising.FOR_ONE_REQUEST):
                if decision.summarise_before is None:
                    break
                again = self.now()
                thread = await self._summarise(thread, decision.summarise_before, read_at)
                read_at = again
                decision = await self._decide(thread, offered)
            plan = decision.plan
            await self.tools.keep(offered)
            await self.log.plan(self.reply, plan)
        else:
            offered = await self.tools.kept(plan.tools)
        request = context.request(thread, plan, system=self.choices.system, tools=offered)
        carried = await insisting.carrying(request, self.log)
        return Planned(request=carried, thread=thread, offered=offered)

    async def _thread(self) -> conversation.Thread:
        return await self.log.thread(self.reply, tail_only=self.choices.policy.strategy == "window")

    async def _decide(self, thread: conversation.Thread, offered: toolsets.Toolset) -> context.Decision:
        policy = self.choices.policy
        return context.decide(
            thread,
            policy=policy,
            facts=await self.model.facts(policy.model),
            system=self.choices.system,
            now=self.now(),
            costs=prices.costs(policy.model),
            tools=offered,
        )

    async def _summarise(
        self, thread: conversation.Thread, before: int, read_at: dt.datetime
    ) -> conversation.Thread:
        """Put a segment in the place of the oldest posts before `before`; on failure leave them out.

        `read_at`: when the thread was read. What is changed after that makes the summary untrue.
        """
        work = segmenting.forced(thread, before=before)
        try:
            if work is None:
                raise errors.NoAnswer("there is nothing to summarise")
            with self.trace.span("summarise"):
                summary = await summarising.summarise(
                    work,
                    earlier=segmenting.before(thread, work),
                    model=self.model,
                    name=self.summary_model,
                    now=read_at,
                    bill=self.bill,
                )
        except errors.ModelError as error:
            log.warning("summary.failed", conversation=self.reply.conversation, error=type(error).__name__)
            return dataclasses.replace(thread, first_place=before, gave_up=True, last=None)
        await self.log.add_summary(summary, ())
        return await self._thread()
