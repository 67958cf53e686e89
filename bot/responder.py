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
from collections.abc import AsyncIterator, Callable, Mapping, Sequence

import structlog

from bot import context, conversation, errors, ports, prices, summarising

log = structlog.get_logger()

CUT_NOTE = "\n\n*(I stopped here: this is as long as one answer may be. Say “go on” for the rest.)*"


@dataclasses.dataclass(kw_only=True)
class Draft:
    """What Claude has said so far; `changed` wakes whoever shows it."""

    changed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    _parts: list[str] = dataclasses.field(default_factory=list)
    length: int = 0

    def add(self, text: str) -> None:
        """Append; see ports.Draft."""
        self._parts.append(text)
        self.length += len(text)
        self.changed.set()

    def restart(self) -> None:
        """Begin again; see ports.Draft."""
        self._parts.clear()
        self.length = 0

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
    now: Callable[[], dt.datetime]
    monotonic: Callable[[], float]

    async def answer(self, conversation_id: conversation.ConversationId) -> bool:
        """Take the conversation's next reply to its end; False when nothing was due.

        Raises errors.PlatformError or errors.LogUnusable when the reply has to be taken up again later.
        """
        reply = await self.log.begin(conversation_id)
        if reply is None:
            return False
        platform = self.platforms[reply.home.platform]
        if not reply.history_read:
            await self.log.add_history(reply, await platform.history(reply.home, reply))
        post = await platform.open(reply, lambda ids: self.log.posted(reply, ids))
        try:
            if reply.state is conversation.ReplyState.WRITTEN:
                await post.finish(reply.text)
            else:
                await self._write(reply, post)
        except errors.ModelError as error:
            log.warning("reply.failed", conversation=conversation_id, reply=reply.id, error=type(error).__name__)
            await post.fail(error.sentence)
            await self.log.end(reply, conversation.ReplyState.FAILED, type(error).__name__)
            return True
        await self.log.end(reply, conversation.ReplyState.FINISHED)
        log.info("reply.finished", conversation=conversation_id, reply=reply.id)
        return True

    async def withdraw(self, reply: conversation.Reply) -> None:
        """Take away a reply whose question is gone."""
        post = await self.platforms[reply.home.platform].open(reply, lambda ids: self.log.posted(reply, ids))
        await post.withdraw()
        await self.log.end(reply, conversation.ReplyState.WITHDRAWN)

    async def _write(self, reply: conversation.Reply, post: ports.ReplyPost) -> None:
        request = await self._request(reply)
        draft = Draft()
        async with showing(post, draft, self.monotonic):
            answer = await self.model.answer(request, draft)
        await self.log.billed(reply, "answer", answer.model, answer.usage)
        if answer.stop_reason == "max_tokens":
            answer = dataclasses.replace(answer, text=answer.text + CUT_NOTE)
        await self.log.written(reply, answer)
        await post.finish(answer.text)

    async def _request(self, reply: conversation.Reply) -> conversation.Request:
        """The request of this reply; decided once, then the same after every restart."""
        thread = await self._thread(reply)
        plan = reply.plan
        if plan is None:
            decision = await self._decide(thread)
            if decision.summarise_before is not None:
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
            read_ratio=prices.read_ratio(self.policy.model),
        )

    async def _summarise(
        self, reply: conversation.Reply, thread: conversation.Thread, before: int
    ) -> conversation.Thread:
        """Put a summary in the place of the posts before `before`; on failure leave them out this once."""
        try:
            summary, usage = await summarising.summarise(
                thread, before=before, model=self.model, name=self.summary_model, now=self.now()
            )
        except errors.ModelError as error:
            log.warning("summary.failed", conversation=reply.conversation, error=type(error).__name__)
            kept = tuple(post for post in thread.posts if (post.place or 0) >= before)
            return dataclasses.replace(thread, posts=kept, last=None)
        await self.log.billed(reply, "summary", summary.model, usage)
        await self.log.add_summary(summary, thread.summaries)
        return await self._thread(reply)


@contextlib.asynccontextmanager
async def showing(post: ports.ReplyPost, draft: Draft, monotonic: Callable[[], float]) -> AsyncIterator[None]:
    """Show a draft while it grows, as often as the platform bears; stop when the block ends."""

    async def show() -> None:
        shown = 0
        while True:
            await draft.changed.wait()
            draft.changed.clear()
            if post.pacer.due(monotonic(), shown, draft.length):
                shown = draft.length
                await post.show(draft.text)

    task = asyncio.create_task(show())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


__all__: Sequence[str] = ("Draft", "Responder", "showing")
