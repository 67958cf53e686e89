"""One worker per busy conversation, none for idle ones.

The log is the queue: a worker asks it for the next reply until nothing is due, then ends. Whatever
arrives meanwhile is recorded first and found by the same question, so a wake-up can be lost, doubled or
early without harm.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from bot import conversation, courtesy, errors
from bot.operating import metrics, pressure

log = structlog.get_logger()

LOOK_SECONDS = 3.0  # between two looks for what another process has left, or asks for
LONGEST_WAIT = 3_600.0  # seconds that a platform may ask to wait; after that it is asked again
LONGEST_PAUSE = 60.0  # seconds between two tries of one reply, when the platform or the log fails


class Queue(Protocol):
    """What workers need of the thread log."""

    async def due(self, most: int) -> Sequence[conversation.ConversationId]:
        """So many conversations with something to answer or to finish, oldest first."""

    async def ask_stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Have another process that writes an answer there stop; False where none does."""

    async def is_to_stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether another process wants the answer stopped that is being written there."""


class Answering(Protocol):
    """What a worker needs of the responder."""

    async def answer(self, conversation_id: conversation.ConversationId, stop: asyncio.Event) -> bool:
        """Take the next reply to its end; False when nothing was due."""

    async def queued(self, conversation_id: conversation.ConversationId) -> None:
        """Say that others are answered first."""

    async def give_up(self, conversation_id: conversation.ConversationId, error: Exception) -> None:
        """Close the next reply as failed: it cannot be delivered."""


@dataclasses.dataclass(kw_only=True)
class _Worker:
    """A conversation that is being answered."""

    task: asyncio.Task[None]
    answer: asyncio.Task[bool] | None = None
    stop: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    again: bool = False  # woken while it was busy


@dataclasses.dataclass(kw_only=True)
class Workers:
    """Everybody who answers. `at_once` bounds the answers written at the same time; waiting is fair."""

    log: Queue
    responder: Answering
    metrics: metrics.Metrics
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    pressure: pressure.Pressure | None = None  # holds answers back while the loop lags
    at_once: int = 100
    most: int = 1_000  # conversations in memory at the same time, those that wait their turn included
    look: float = LOOK_SECONDS
    _workers: dict[conversation.ConversationId, _Worker] = dataclasses.field(default_factory=dict)
    _turnstile: asyncio.Semaphore | None = None
    _closing: bool = False

    def __post_init__(self) -> None:
        self._courtesy = courtesy.Courtesy(tell=self._tell)

    def wake(self, conversation_id: conversation.ConversationId) -> None:
        """See to it that a worker looks at this conversation after now, and that who waits is told.

        Where `most` work or wait already it stays due in the log, and the next look finds it.
        """
        if self._closing:
            return
        worker = self._workers.get(conversation_id)
        if worker is not None:
            worker.again = True
            return
        if len(self._workers) >= self.most:
            self._courtesy.waits(conversation_id)
            return
        task = asyncio.create_task(self._work(conversation_id), name=f"worker {conversation_id}")
        self._workers[conversation_id] = _Worker(task=task)
        self.metrics.busy.set(len(self._workers))

    async def stop(self, conversation_id: conversation.ConversationId) -> bool:
        """Stop the running answer where it is, also another process's; what was written stays."""
        worker = self._workers.get(conversation_id)
        mine = worker is not None and worker.answer is not None
        if worker is not None:
            worker.stop.set()
        return await self.log.ask_stop(conversation_id) or mine

    def restart(self, conversation_id: conversation.ConversationId) -> None:
        """Write the running answer anew: something it rests on has changed."""
        worker = self._workers.get(conversation_id)
        if worker is not None and worker.answer is not None:
            worker.answer.cancel()
        self.wake(conversation_id)

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
            await asyncio.sleep(self.look)
            with contextlib.suppress(errors.LogUnusable):
                await self.resume()

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
        await self._courtesy.aclose()

    async def _tell(self, conversation_id: conversation.ConversationId) -> None:
        await self.responder.queued(conversation_id)

    async def _work(self, conversation_id: conversation.ConversationId) -> None:
        worker = self._workers[conversation_id]
        self._turnstile = self._turnstile or asyncio.Semaphore(self.at_once)
        failures = 0
        try:
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
            self._courtesy.waits_no_more(conversation_id)
            del self._workers[conversation_id]
            self.metrics.busy.set(len(self._workers))

    async def _once(self, conversation_id: conversation.ConversationId, worker: _Worker) -> Exception | None:
        """One reply; what went wrong as a value. A cancelled answer (an edit) is no error: look again."""
        worker.stop = asyncio.Event()
        worker.answer = asyncio.create_task(self.responder.answer(conversation_id, worker.stop))
        try:
            while not (await asyncio.wait([worker.answer], timeout=self.look))[0]:
                with contextlib.suppress(errors.LogUnusable):
                    if await self.log.is_to_stop(conversation_id):
                        worker.stop.set()
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
        is_over = isinstance(error, errors.PostGone | errors.MayNotPost) or failures > 1
        if is_over and not passing:
            try:
                await self.responder.give_up(conversation_id, error)
            except Exception as worse:  # noqa: BLE001 - whatever it is, it must not touch the other workers
                log.error("reply.stuck", conversation=conversation_id, error=type(worse).__name__)  # noqa: TRY400
                return False
            return True
        asked = error.wait if isinstance(error, errors.PlatformUnavailable) else 0.0
        await self.sleep(max(min(LONGEST_PAUSE, 2.0 ** min(failures - 1, 10)), min(LONGEST_WAIT, asked)))
        return True


class _NothingDue(Exception):
    """The log has nothing to answer here. A value, never raised."""
