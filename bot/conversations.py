"""One worker per busy conversation, none for idle ones; and the door through which adapters come in.

The log is the queue: a worker asks it for the next reply until nothing is due, then ends. Whatever
arrives meanwhile is recorded first and found by the same question, so a wake-up can be lost, doubled or
early without harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

import structlog

from bot import conversation, courtesy, errors, journal, ports
from bot.desk import choosing, commands
from bot.operating import metrics, pressure, tracing

log = structlog.get_logger()

LOOK_SECONDS = 3.0  # between two looks for what another process has left
LONGEST_PAUSE = 60.0  # seconds between two tries of one reply, when the platform or the log fails


class Answering(Protocol):
    """What a worker needs of the responder."""

    async def answer(self, conversation_id: conversation.ConversationId, stop: asyncio.Event) -> bool:
        """Take the next reply to its end; False when nothing was due."""

    async def queued(self, conversation_id: conversation.ConversationId) -> None:
        """Say that others are answered first."""

    async def give_up(self, conversation_id: conversation.ConversationId, error: Exception) -> None:
        """Close the next reply as failed: it cannot be delivered."""


Show = Callable[[conversation.Standing, conversation.Home | None], Awaitable[commands.Front]]
Complete = Callable[[str, str, Mapping[str, str]], Awaitable[Sequence[str]]]
Obey = Callable[[commands.Command, conversation.Home], Awaitable[commands.Outcome | None]]


@dataclasses.dataclass(kw_only=True)
class _Worker:
    """A conversation that is being answered."""

    task: asyncio.Task[None]
    answer: asyncio.Task[bool] | None = None
    stop: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    again: bool = False  # woken while it was busy


@dataclasses.dataclass(kw_only=True)
class Conversations:
    """Implements ports.Intake. `at_once` bounds the answers written at the same time; waiting is fair."""

    log: journal.Journal
    responder: Answering
    metrics: metrics.Metrics
    choose: choosing.Choose | None = None
    shows: Show | None = None  # as `obey`
    completes: Complete | None = None  # as `obey`
    obey: Obey | None = None  # set once at start: the command desk needs the workers, too
    tend: Callable[[conversation.ConversationId], None] = lambda _: None  # after a change took a summary
    fetch: Callable[[conversation.ConversationId], None] = lambda _: None  # a post brought files
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    trace: tracing.Tracer = tracing.OFF
    pressure: pressure.Pressure | None = None  # holds answers back while the loop lags
    at_once: int = 100
    most: int = 1_000  # conversations in memory at the same time, those that wait their turn included
    _workers: dict[conversation.ConversationId, _Worker] = dataclasses.field(default_factory=dict)
    _turnstile: asyncio.Semaphore | None = None
    _courtesy: courtesy.Courtesy | None = None
    _closing: bool = False

    async def post(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Record, then wake; see ports.Intake."""
        came = self.trace.now()
        new = await self.log.record(post, home)
        if new:
            self.metrics.posts.labels(platform=home.platform, addressed=str(post.addressed).lower()).inc()
        if new and post.attachments:
            self.fetch(post.conversation)
        if new and post.addressed:
            self.trace.recorded(post.conversation, came)
            self.wake(post.conversation)
        return new

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
    ) -> bool:
        """Carry an edit into the log; a running answer to that post is redone in place."""
        effect = await self.log.edit(conversation_id, post_id, text, edited_at, attachments=attachments)
        if effect.changed and attachments:
            self.fetch(conversation_id)
        return self._carried(conversation_id, effect)

    async def file_gone(self, platform: str, workspace: str, file_id: str) -> int:
        """Erase a file from every post that holds it; see ports.Intake."""
        touched = await self.log.file_gone(platform, workspace, file_id)
        for conversation_id, effect in touched:
            self._carried(conversation_id, effect)
        return len(touched)

    def _carried(self, conversation_id: conversation.ConversationId, effect: journal.Effect) -> bool:
        """See to what rests on a post that has changed; whether it has."""
        if effect.stale_summaries:
            self.tend(conversation_id)
        if effect.running_reply:
            self._restart(conversation_id)
        return effect.changed

    async def delete(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Erase a post; a running answer to it is redone without it, or withdrawn with it."""
        return self._carried(conversation_id, await self.log.delete(conversation_id, post_id))

    async def gone(self, conversation_id: conversation.ConversationId) -> int:
        """Erase what stood in a deleted thread, and write no answer there any more."""
        posts = await self.log.forget(conversation_id)
        self._restart(conversation_id)
        return posts

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command; see ports.Intake."""
        return await self.obey(command, home) if self.obey else None

    async def stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Stop the running answer where it is; what was written stays."""
        worker = self._workers.get(conversation_id)
        if worker is None or worker.answer is None:
            return False
        worker.stop.set()
        return True

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in that conversation."""
        return await self.log.holds(conversation_id)

    async def asked_by(self, platform: str, post_id: str) -> tuple[conversation.ConversationId, str] | None:
        """The conversation and the asker of the answer that is being written in a post."""
        return await self.log.asked_by(platform, post_id)

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app; see ports.Intake."""
        return await self.shows(standing, channel) if self.shows else commands.Front(text="")

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be; see ports.Intake."""
        return await self.completes(word, option, given) if self.completes else ()

    async def needs_mention(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether a post there wants an answer only where it mentions the bot."""
        return self.choose is not None and (await self.choose(conversation_id)).thread_replies == "mention"

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation that holds a post; see ports.Intake."""
        return await self.log.find(platform, post_id)

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether the conversation holds it; see ports.Intake."""
        return await self.log.has(conversation_id, post_id)

    async def leave(self, platform: str, workspace: str) -> int:
        """Stop and erase every conversation of a workspace; see ports.Intake."""
        found = await self.log.of_workspace(platform, workspace)
        for conversation_id in found:
            await self.gone(conversation_id)
        await self.log.leave(platform, workspace)
        return len(found)

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """The ids of people's posts since then; see ports.Intake."""
        return await self.log.posts_since(conversation_id, since)

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """What to catch up on; see ports.Intake."""
        return await self.log.homes(platform, since)

    async def resume(self) -> int:
        """Take up what is due and there is room for, as after a crash; how many conversations are due."""
        if len(self._workers) >= self.most:
            return 0
        due = await self.log.due(self.most)
        for conversation_id in due:
            self.wake(conversation_id)
        return len(due)

    async def keep_looking(self) -> None:
        """Take up, again and again, what is due and nobody works on: another process may have left it."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(errors.LogUnusable):
                await self.resume()

    def wake(self, conversation_id: conversation.ConversationId) -> None:
        """See to it that a worker looks at this conversation after now.

        Where `most` work or wait already it stays due in the log, and the next look finds it.
        """
        if self._closing:
            return
        worker = self._workers.get(conversation_id)
        if worker is not None:
            worker.again = True
            return
        if len(self._workers) >= self.most:
            return
        task = asyncio.create_task(self._work(conversation_id), name=f"worker {conversation_id}")
        self._workers[conversation_id] = _Worker(task=task)
        self.metrics.busy.set(len(self._workers))

    @property
    def busy(self) -> int:
        """How many conversations are being answered or wait their turn."""
        return len(self._workers)

    async def drain(self, seconds: float) -> None:
        """Take nothing new, let running answers finish for so long, then leave the rest to the log."""
        self._closing = True
        tasks = [worker.task for worker in self._workers.values()]
        running = [worker.answer for worker in self._workers.values() if worker.answer is not None]
        if running:
            await asyncio.wait(running, timeout=seconds)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._courtesy is not None:
            await self._courtesy.aclose()

    async def _work(self, conversation_id: conversation.ConversationId) -> None:
        worker = self._workers[conversation_id]
        self._turnstile = self._turnstile or asyncio.Semaphore(self.at_once)
        failures = 0
        try:
            self._courtesy = self._courtesy or courtesy.Courtesy(tell=self.responder.queued)
            if self._turnstile.locked():
                self._courtesy.waits(conversation_id)
            while not self._closing:
                async with self._turnstile:
                    if self.pressure is not None:
                        await self.pressure.admitted()
                    if self._closing:
                        return
                    self._courtesy.waits_no_more(conversation_id)
                    worker.again = False
                    error = await self._once(conversation_id, worker)
                if isinstance(error, _NothingDue):
                    if not worker.again:
                        return
                elif error is None:
                    failures = 0
                else:
                    failures += 1
                    if not await self._after(error, conversation_id, failures):
                        return
        finally:
            if self._courtesy is not None:
                self._courtesy.waits_no_more(conversation_id)
            del self._workers[conversation_id]
            self.metrics.busy.set(len(self._workers))

    async def _once(self, conversation_id: conversation.ConversationId, worker: _Worker) -> Exception | None:
        """One reply; what went wrong as a value. A cancelled answer (an edit) is no error: look again."""
        worker.stop = asyncio.Event()
        worker.answer = asyncio.create_task(self.responder.answer(conversation_id, worker.stop))
        try:
            await asyncio.wait([worker.answer])
        finally:
            answer, worker.answer = worker.answer, None
            if not answer.done():
                answer.cancel()
                await asyncio.wait([answer])
        if answer.cancelled():
            return None
        error = answer.exception()
        if error is None:
            return None if answer.result() else _NothingDue()
        if not isinstance(error, Exception):
            raise error
        return error

    async def _after(
        self, error: Exception, conversation_id: conversation.ConversationId, failures: int
    ) -> bool:
        """Wait before the next try, or close what can never be delivered; False when not even that works.

        A platform or a log that is away is tried again for as long as it takes.
        """
        passing = isinstance(error, errors.PlatformUnavailable | errors.LogUnusable)
        self.metrics.errors.labels(kind=type(error).__name__).inc()
        log.warning(
            "reply.error",
            conversation=conversation_id,
            error=type(error).__name__,
            failures=failures,
            exc_info=not isinstance(error, errors.ThreadmateError),
        )
        if isinstance(error, errors.PostGone | errors.MayNotPost) or (not passing and failures > 1):
            try:
                await self.responder.give_up(conversation_id, error)
            except Exception as worse:  # noqa: BLE001 - whatever it is, it must not touch the other workers
                log.error("reply.stuck", conversation=conversation_id, error=type(worse).__name__)  # noqa: TRY400
                return False
            return True
        await self.sleep(min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 10)))
        return True

    def _restart(self, conversation_id: conversation.ConversationId) -> None:
        worker = self._workers.get(conversation_id)
        if worker is not None and worker.answer is not None:
            worker.answer.cancel()
        self.wake(conversation_id)


class _NothingDue(Exception):
    """The log has nothing to answer here. A value, never raised."""
