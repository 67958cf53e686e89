"""The way of one answer, from what is due in the log to a finished reply. The one orchestration.

    begin ─▶ (history) ─▶ open ─▶ plan ─▶ (summarise, plan) ─▶ Claude stream ─▶ written ─▶ finish ─▶ end
                           │                                    │ deltas
                           └────────── the reply on the platform ◀┘ at the pacer's rhythm

Every arrow is committed before the next begins, so that after a crash the same call goes on where it
stopped: a reply with a platform id is completed there, a reply whose text is in the log is only shown.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import structlog

from bot import context, conversation, errors, metrics, ports, prices, summarising

log = structlog.get_logger()

SUMMARIES = 3  # made for one request at most: a long first one can leave too little room
STOPPED_NOTE = "\n\n*(Stopped.)*"
CUT_NOTE = "\n\n*(I stopped here: this is as long as one answer may be. Say “go on” for the rest.)*"


@dataclasses.dataclass(kw_only=True)
class Draft:
    """What Claude has said so far; `changed` wakes whoever shows it."""

    changed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    _parts: list[str] = dataclasses.field(default_factory=list)
    length: int = 0
    bills: list[tuple[str, conversation.Usage]] = dataclasses.field(default_factory=list)

    def add(self, text: str) -> None:
        """Append; see ports.Draft."""
        self._parts.append(text)
        self.length += len(text)
        self.changed.set()

    def restart(self) -> None:
        """Begin again; see ports.Draft."""
        self._parts.clear()
        self.length = 0

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Keep the bill of a call that is not in the answer; see ports.Draft."""
        self.bills.append((model, usage))

    @property
    def text(self) -> str:
        """All of it."""
        if len(self._parts) > 1:
            self._parts[:] = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""


@dataclasses.dataclass(kw_only=True)
class Responder:
    """Answers conversations. Holds no state of its own: all of it is in the log."""

    log: ports.Log
    model: ports.Model
    platforms: Mapping[str, ports.Platform]
    policy: context.Policy
    summary_model: str
    system: str
    metrics: metrics.Metrics
    now: Callable[[], dt.datetime]
    monotonic: Callable[[], float]

    async def answer(self, conversation_id: conversation.ConversationId, stop: asyncio.Event) -> bool:
        """Take the conversation's next reply to its end; False when nothing was due.

        `stop` ends the writing early: what was written by then is the answer. Raises
        errors.PlatformError or errors.LogUnusable when the reply has to be taken up again later.
        """
        reply = await self.log.begin(conversation_id)
        if reply is None:
            return False
        began = self.monotonic()
        platform = self.platforms[reply.home.platform]
        if not reply.history_read:
            await self.log.add_history(reply, await platform.history(reply.home, reply))
        post = await platform.open(reply, functools.partial(self.log.posted, reply))
        state, note = conversation.ReplyState.FINISHED, ""
        try:
            if reply.state is conversation.ReplyState.WITHDRAWN:  # its whole question was deleted
                state = conversation.ReplyState.WITHDRAWN
                await post.withdraw()
            elif reply.state is conversation.ReplyState.WRITTEN:
                await post.finish(reply.text)
            else:
                await post.finish(await self._write(reply, post, stop))
        except errors.ModelError as error:
            state, note = conversation.ReplyState.FAILED, type(error).__name__
            await post.fail(error.sentence)
        await self.log.end(reply, state, note)
        self.metrics.replies.labels(platform=platform.name, state=state.value).inc()
        self.metrics.seconds.observe(self.monotonic() - began)
        log.info("reply.ended", conversation=conversation_id, reply=reply.id, state=state.value, note=note)
        return True

    async def give_up(self, conversation_id: conversation.ConversationId, error: Exception) -> None:
        """Close the next reply as failed: trying again would not help. The person is told if they can be."""
        reply = await self.log.begin(conversation_id)
        if reply is None:
            return
        if not isinstance(error, errors.PlatformError):
            with contextlib.suppress(Exception):
                platform = self.platforms[reply.home.platform]
                post = await platform.open(reply, functools.partial(self.log.posted, reply))
                await post.fail(errors.ThreadmateError().sentence)
        await self.log.end(reply, conversation.ReplyState.FAILED, type(error).__name__)

    async def _write(self, reply: conversation.Reply, post: ports.ReplyPost, stop: asyncio.Event) -> str:
        """Have the answer written, shown meanwhile, and commit it whole; its text."""
        request = await self._request(reply)
        draft = Draft()
        try:
            async with showing(post, draft, self.monotonic):
                answer = await self._until(stop, self.model.answer(request, draft))
        finally:
            for model, usage in draft.bills:
                await self._bill(reply, "lost", model, usage)
        if answer is None:
            answer = conversation.Answer(
                text=(draft.text.rstrip() + STOPPED_NOTE).lstrip(),
                usage=conversation.Usage(),
                model=request.plan.model,
                stop_reason="stopped",
                message_id="",
            )
        else:
            await self._bill(reply, "answer", answer.model, answer.usage)
        if answer.stop_reason == "max_tokens":
            answer = dataclasses.replace(answer, text=answer.text + CUT_NOTE)
        await self.log.written(reply, answer)
        return answer.text

    @staticmethod
    async def _until(
        stop: asyncio.Event, call: Coroutine[Any, Any, conversation.Answer]
    ) -> conversation.Answer | None:
        """The call's answer, or None when `stop` came first; the call is cancelled then."""
        answering = asyncio.ensure_future(call)
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([answering, stopping], return_when=asyncio.FIRST_COMPLETED)
            return answering.result() if answering.done() else None
        finally:
            for task in (answering, stopping):
                task.cancel()
            await asyncio.gather(answering, stopping, return_exceptions=True)

    async def _bill(
        self, reply: conversation.Reply, kind: str, model: str, usage: conversation.Usage
    ) -> None:
        await self.log.billed(reply, kind, model, usage)
        usd = prices.cost(model, usage)
        self.metrics.bill(model, usage, None if usd is None else float(usd))

    async def _request(self, reply: conversation.Reply) -> conversation.Request:
        """The request of this reply; decided once, then the same after every restart."""
        thread = await self._thread(reply)
        plan = reply.plan
        if plan is None:
            decision = await self._decide(thread)
            for _ in range(SUMMARIES):
                if decision.summarise_before is None:
                    break
                thread = await self._summarise(reply, thread, decision.summarise_before)
                decision = await self._decide(thread)
            plan = decision.plan
            await self.log.plan(reply, plan)
        return context.request(thread, plan, system=self.system)

    async def _thread(self, reply: conversation.Reply) -> conversation.Thread:
        thread = await self.log.thread(reply)
        return dataclasses.replace(thread, summaries=()) if self.policy.strategy == "window" else thread

    async def _decide(self, thread: conversation.Thread) -> context.Decision:
        return context.decide(
            thread,
            policy=self.policy,
            facts=await self.model.facts(self.policy.model),
            system=self.system,
            now=self.now(),
            read_ratio=_read_ratio(self.policy.model),
        )

    async def _summarise(
        self, reply: conversation.Reply, thread: conversation.Thread, before: int
    ) -> conversation.Thread:
        """Put a summary in the place of the posts before `before`; on failure leave them out this once."""
        try:
            summary = await summarising.summarise(
                thread,
                before=before,
                model=self.model,
                name=self.summary_model,
                now=self.now(),
                bill=functools.partial(self._bill, reply, "summary"),
            )
        except errors.ModelError as error:
            log.warning("summary.failed", conversation=reply.conversation, error=type(error).__name__)
            kept = tuple(post for post in thread.posts if (post.place or 0) >= before)
            return dataclasses.replace(thread, posts=kept, first_place=before, last=None)
        await self.log.add_summary(summary, thread.summaries)
        return await self._thread(reply)


def _read_ratio(model: str) -> float:
    """The price of a cached token in fresh ones; 0.1, the dearest there is, where prices are unknown."""
    rates = prices.rates(model)
    return float(rates.read / rates.fresh) if rates and rates.fresh else 0.1


@contextlib.asynccontextmanager
async def showing(post: ports.ReplyPost, draft: Draft, monotonic: Callable[[], float]) -> AsyncIterator[None]:
    """Show a draft while it grows, as often as the platform bears it.

    When the block ends, also by an error of the model, the edit under way is let through, so that it
    cannot land after what follows.
    """
    done = False

    async def show() -> None:
        shown = 0
        while not done:
            await draft.changed.wait()
            draft.changed.clear()
            wait = post.pacer.wait(monotonic(), shown, draft.length)
            if wait > 0 and not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), wait)
            if draft.length not in {0, shown} and not done:  # 0: the call is being made again
                shown = draft.length
                await post.show(draft.text)

    over = asyncio.Event()
    task = asyncio.create_task(show())
    try:
        yield
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        done = True
        over.set()
        draft.changed.set()
        await asyncio.gather(task, return_exceptions=True)
