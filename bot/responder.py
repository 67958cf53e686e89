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
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import structlog

from bot import bringing, conversation, errors, insisting, ports, requesting, withholding
from bot.desk import choosing
from bot.files import attaching
from bot.operating import metrics, tracing
from bot.planning import caching, context
from bot.showing import drafts

log = structlog.get_logger()

Collect = Callable[[conversation.Reply], Awaitable[None]]
T = TypeVar("T")

STOPPED_NOTE = "\n\n*(Stopped.)*"
CUT_NOTE = "\n\n*(I stopped here: this is as long as one answer may be. Say “go on” for the rest.)*"
NOTES = {"stopped": STOPPED_NOTE, "max_tokens": CUT_NOTE}


@dataclasses.dataclass(kw_only=True)
class Responder:
    """Answers conversations. Holds no state of its own: all of it is in the log."""

    log: ports.Log
    model: ports.Model
    platforms: Mapping[str, ports.Platform]
    tools: ports.Tools
    choose: choosing.Choose
    summary_model: str
    metrics: metrics.Metrics
    now: Callable[[], dt.datetime]
    monotonic: Callable[[], float]
    lend: Callable[[conversation.Reply], ports.Model] | None = None  # the model at a reply's expense
    ended: Callable[[conversation.ConversationId], None] = lambda _: None  # told of each finished answer
    trace: tracing.Tracer = tracing.OFF
    collect: Collect | None = None  # waits, bounded, for the files of a reply's question
    bring: bringing.Bring = bringing.nothing  # what the question links to; what the answer begins with

    async def answer(self, conversation_id: conversation.ConversationId, stop: asyncio.Event) -> bool:
        """Take the conversation's next reply to its end; False when nothing was due.

        `stop` ends the writing early: what was written by then is the answer. Raises
        errors.PlatformError or errors.LogUnusable when the reply has to be taken up again later.
        """
        reply = await self.log.begin(conversation_id)
        if reply is None:
            return False
        platform = self.platforms.get(reply.home.platform)
        if platform is None:  # switched off: it stays due until the platform is back, or for another process
            await self.log.let_go(reply)
            return False
        ids = structlog.contextvars.bound_contextvars(conversation=conversation_id, reply=reply.id)
        with ids, self.trace.reply(reply) as span:
            state = await self._answer(reply, platform, stop)
            span.note(state=state.value)
        self.ended(conversation_id)
        return True

    async def _answer(
        self, reply: conversation.Reply, platform: ports.Platform, stop: asyncio.Event
    ) -> conversation.ReplyState:
        """Take this reply to its end; which end."""
        began = self.monotonic()
        if reply.resumed:
            await self.tools.tidy(reply)
        if not reply.history_read:
            await self.log.add_history(reply, await self._history(reply, platform))
        post = await platform.open(reply, functools.partial(self.log.posted, reply))
        state, note = conversation.ReplyState.FINISHED, ""
        try:
            if reply.state is conversation.ReplyState.WITHDRAWN:  # its whole question was deleted
                state = conversation.ReplyState.WITHDRAWN
                await post.withdraw()
            elif reply.state is conversation.ReplyState.WRITTEN:
                brought = await self.bring(reply, platform)
                head = brought + attaching.opening((await self.log.thread(reply)).posts, reply.plan)
                said = (head + reply.text + NOTES.get(reply.stop_reason, "")).strip()
                await post.finish(said or STOPPED_NOTE.strip())
            else:
                await post.finish(await self._write(reply, post, stop))
        except errors.ModelError as error:
            state, note = conversation.ReplyState.FAILED, type(error).__name__
            if isinstance(error, errors.ModelUnknown):
                error.chosen = choosing.where(await self.choose(reply.conversation), "model")
            if isinstance(error, errors.Declined):  # kept in the thread it would be declined again and again
                asked = withholding.unanswered(await self.log.thread(reply))
                await self.log.withhold(reply, frozenset(asked))
            await post.fail(error.sentence)
        await self.log.end(reply, state, note)
        self.metrics.replies.labels(platform=platform.name, state=state.value).inc()
        self.metrics.seconds.observe(self.monotonic() - began)
        log.info("reply.ended", state=state.value, note=note)
        return state

    async def _history(
        self, reply: conversation.Reply, platform: ports.Platform
    ) -> Sequence[conversation.Post]:
        """What was said before the bot came; nothing where it may not read that: it answers all the same."""
        try:
            return await platform.history(reply.home, reply)
        except (errors.MayNotPost, errors.PostGone) as error:
            log.warning("history.unreadable", conversation=reply.conversation, error=str(error))
            return ()

    async def queued(self, conversation_id: conversation.ConversationId) -> None:
        """Let the people of a conversation know that others are answered first."""
        known = await self.log.newest(conversation_id)
        platform = self.platforms.get(known.home.platform) if known else None
        if known and platform:
            await platform.queued(conversation_id, known.home, known.newest_post)

    async def give_up(self, conversation_id: conversation.ConversationId, error: Exception) -> None:
        """Close the next reply as failed: trying again would not help. The person is told if they can be.

        Where the bot may not post, beside the thread.
        """
        reply = await self.log.begin(conversation_id)
        if reply is None:
            return
        if isinstance(error, errors.MayNotPost) and reply.home.platform in self.platforms:
            platform = self.platforms[reply.home.platform]
            await platform.refuse(reply.asker, reply.home, error.sentence)
        elif not isinstance(error, errors.PlatformError):
            with contextlib.suppress(Exception):
                platform = self.platforms[reply.home.platform]
                post = await platform.open(reply, functools.partial(self.log.posted, reply))
                await post.fail(errors.ThreadmateError().sentence)
        await self.log.end(reply, conversation.ReplyState.FAILED, type(error).__name__)

    async def _write(self, reply: conversation.Reply, post: ports.ReplyPost, stop: asyncio.Event) -> str:
        """Have the answer written, shown meanwhile, and commit it whole; its text.

        Where the request is more than the model reads, it is planned again in half the room; the next ones go
        on from there.
        """
        choices = await self.choose(reply.conversation)
        brought = await self.bring(reply, self.platforms[reply.home.platform])
        if reply.plan is None and self.collect is not None:
            await self.collect(reply)
        planned = await self._planned(reply, choices)
        while True:
            try:
                return await self._said(reply, post, stop, planned, brought)
            except errors.TooLong:
                policy = context.halved(choices.policy, planned.request)
                smaller = dataclasses.replace(choices, policy=policy)
                less = await self._planned(dataclasses.replace(reply, plan=None), smaller)
                if less.request.turns == planned.request.turns:  # the question alone is too long
                    raise
                log.warning("reply.too_long", conversation=reply.conversation)
                planned = less

    async def _planned(self, reply: conversation.Reply, choices: choosing.Choices) -> requesting.Planned:
        planning = requesting.Requesting(
            reply=reply,
            choices=choices,
            log=self.log,
            tools=self.tools,
            model=self._paid(reply),
            summary_model=self.summary_model,
            bill=functools.partial(self._bill, reply, "summary"),
            now=self.now,
            trace=self.trace,
        )
        with self.trace.span("plan"):
            return await planning.planned()

    async def _said(
        self,
        reply: conversation.Reply,
        post: ports.ReplyPost,
        stop: asyncio.Event,
        planned: requesting.Planned,
        brought: str,
    ) -> str:
        request, thread = planned.request, planned.thread
        head = brought + attaching.opening(thread.posts, request.plan)
        draft = drafts.Draft(box=self.tools.box(reply, request), head=head)
        asking = insisting.Insisting(
            log=self.log, tools=self.tools, reply=reply, model=self._paid(reply), draft=draft
        )
        sent_at = self.now()
        try:
            async with drafts.showing(post, draft, self.monotonic):
                got = await self._until(stop, asking.ask(request, thread, planned.offered))
        finally:
            for model, usage in draft.bills:
                await self._bill(reply, "lost", model, usage)
        if got is None:
            answer = conversation.Answer(
                text=draft.text.strip(),
                usage=conversation.Usage(),
                model=request.plan.model,
                stop_reason="stopped",
                message_id="",
            )
        else:
            answer, plan = got
            miss = await self._missed(plan, answer, thread, sent_at)
            await self._bill(
                reply, "answer", answer.model, answer.usage, message_id=answer.message_id, miss=miss
            )
        # What is ours to say is shown, and not logged as Claude's words.
        text = await self.log.written(reply, answer)
        return (draft.head + text + NOTES.get(answer.stop_reason, "") + draft.note).strip()

    def _paid(self, reply: conversation.Reply) -> ports.Model:
        return self.lend(reply) if self.lend is not None else self.model

    @staticmethod
    async def _until(stop: asyncio.Event, call: Coroutine[Any, Any, T]) -> T | None:
        """What the call gives, or None when `stop` came first; the call is cancelled then."""
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
        self,
        reply: conversation.Reply,
        kind: str,
        model: str,
        usage: conversation.Usage,
        *,
        message_id: str = "",
        miss: str = "",
    ) -> None:
        await self.log.billed(reply, kind, model, usage, message_id=message_id, miss=miss)
        self.metrics.bill(kind, model, usage)

    async def _missed(
        self,
        plan: conversation.Plan,
        answer: conversation.Answer,
        thread: conversation.Thread,
        sent_at: dt.datetime,
    ) -> str:
        """Why the cache gave less than it held, told and counted; "" for no miss."""
        facts = await self.model.facts(plan.model)
        miss = caching.explain(
            plan,
            answer.usage,
            before=thread.before,
            changed=thread.changed_place is not None,
            now=sent_at,
            minimum=facts.min_prefix_tokens,
            said=answer.cache_miss,
        )
        if miss:
            self.metrics.misses.labels(reason=miss).inc()
            log.info(
                "cache.missed",
                conversation=thread.conversation,
                reason=miss,
                expected=plan.expected_read,
                read=answer.usage.read,
                changed_place=thread.changed_place,
            )
        return miss
