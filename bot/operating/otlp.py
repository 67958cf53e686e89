"""Traces as OpenTelemetry has them, sent by OTLP over HTTP; imported only where an endpoint is set.

The SDK makes the spans and the protobuf. Sending is done here: the SDK's own exporter works in a thread that
sleeps between retries, takes headers, certificates and limits from the environment behind our settings, and
logs every failure. Nothing here is waited for by an answer: spans go into a bounded queue, and what does not
fit is dropped. An endpoint that fails costs one line when it begins to and one when it ends.

Source: https://opentelemetry.io/docs/specs/otlp/ (OTLP/HTTP: `POST /v1/traces`, protobuf).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import contextvars
import dataclasses
import time
from collections.abc import Iterator, Sequence
from typing import Self

import aiohttp
import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common import trace_encoder
from opentelemetry.sdk import resources
from opentelemetry.sdk import trace as sdk
from opentelemetry.sdk.trace import sampling

from bot import conversation
from bot.operating import tracing

log = structlog.get_logger()

MOST = 4_096  # spans that wait to be sent; about 1 kB each
BATCH = 512  # spans in one request
EVERY = 1.0  # seconds between two requests
PATIENCE = 10.0  # seconds for one request
LAST = 2.0  # seconds for what is left when the bot stops
LONGEST_PAUSE = 60.0  # seconds between tries of an endpoint that fails
REMEMBERED = 1_000  # questions that are recorded and not taken up yet

_Came = tuple[int, int]
"""When a question came and when it was in the log, in nanoseconds since 1970."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Within:
    """What spans of this task are part of."""

    parent: Context
    ids: dict[str, tracing.Fact]


_within: contextvars.ContextVar[_Within | None] = contextvars.ContextVar("traced within", default=None)


class Span:
    """Implements tracing.Span."""

    def __init__(self, span: trace.Span) -> None:
        self.inner = span

    def note(self, **facts: tracing.Fact) -> None:
        """See tracing.Span."""
        self.inner.set_attributes(facts)

    def end(self, error: BaseException | None = None) -> None:
        """See tracing.Span; of an error the class is kept, not its words."""
        if error is not None:
            self.inner.set_attribute("error.type", type(error).__name__)
            self.inner.set_status(trace.Status(trace.StatusCode.ERROR))
        self.inner.end()


class Tracer:
    """Implements tracing.Tracer; an async context manager that sends until it is left."""

    def __init__(self, *, endpoint: str, version: str) -> None:
        self._queue = _Queue()
        provider = sdk.TracerProvider(
            sampler=sampling.ALWAYS_ON,
            resource=resources.Resource({"service.name": "threadmate", "service.version": version}),
            shutdown_on_exit=False,
            span_limits=sdk.SpanLimits(
                max_events=1, max_links=1, max_attributes=64, max_span_attributes=64, max_attribute_length=256
            ),
        )
        provider.add_span_processor(self._queue)
        self._tracer = provider.get_tracer("threadmate", version)
        self._sender = _Sender(url=f"{endpoint}/v1/traces", queue=self._queue)
        self._came: collections.OrderedDict[conversation.ConversationId, _Came] = collections.OrderedDict()

    async def __aenter__(self) -> Self:
        self._sender.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._sender.stop()

    def now(self) -> int:
        """See tracing.Tracer; nanoseconds since 1970."""
        return time.time_ns()

    def recorded(self, conversation_id: conversation.ConversationId, came: int) -> None:
        """See tracing.Tracer."""
        self._came.setdefault(conversation_id, (came, self.now()))
        if len(self._came) > REMEMBERED:
            self._came.popitem(last=False)

    @contextlib.contextmanager
    def reply(self, reply: conversation.Reply) -> Iterator[Span]:
        """See tracing.Tracer."""
        ids: dict[str, tracing.Fact] = {
            "threadmate.conversation": reply.conversation,
            "threadmate.reply": reply.id,
        }
        now = self.now()
        came = self._came.pop(reply.conversation, None)
        root = self._tracer.start_span(
            "reply",
            context=Context(),
            start_time=came[0] if came else now,
            attributes={**ids, "threadmate.platform": reply.home.platform},
        )
        within = _Within(parent=trace.set_span_in_context(root, Context()), ids=ids)
        if came:  # not after a restart: only the log knows of the question then
            for name, start, end in (("record", *came), ("wait", came[1], now)):
                part = self._tracer.start_span(name, within.parent, attributes=ids, start_time=start)
                part.end(end)
        yield from self._inside(root, within)

    @contextlib.contextmanager
    def span(self, name: str, **facts: tracing.Fact) -> Iterator[Span]:
        """See tracing.Tracer."""
        span = self._start(name, facts)
        outer = _within.get()
        within = _Within(
            parent=trace.set_span_in_context(span, Context()), ids=dict(outer.ids) if outer else {}
        )
        yield from self._inside(span, within)

    def begin(self, name: str, **facts: tracing.Fact) -> Span:
        """See tracing.Tracer."""
        return Span(self._start(name, facts))

    def _start(self, name: str, facts: dict[str, tracing.Fact]) -> trace.Span:
        outer = _within.get()
        parent = outer.parent if outer else Context()
        return self._tracer.start_span(name, parent, attributes={**(outer.ids if outer else {}), **facts})

    @staticmethod
    def _inside(inner: trace.Span, within: _Within) -> Iterator[Span]:
        span = Span(inner)
        token = _within.set(within)
        try:
            yield span
        except BaseException as error:
            span.end(error)
            raise
        else:
            span.end()
        finally:
            _within.reset(token)


class _Queue(sdk.SpanProcessor):
    """Spans that are over and not sent yet."""

    def __init__(self) -> None:
        self.spans: collections.deque[sdk.ReadableSpan] = collections.deque(maxlen=MOST)
        self.some = asyncio.Event()

    def on_end(self, span: sdk.ReadableSpan) -> None:
        """Keep it; when too many wait the oldest goes."""
        self.spans.append(span)
        self.some.set()


class _Sender:
    """Sends what is in the queue, a batch at a time."""

    def __init__(self, *, url: str, queue: _Queue) -> None:
        self._url = url
        self._queue = queue
        self._failing = False
        self._task: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession

    def start(self) -> None:
        """Begin to send."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))
        self._task = asyncio.create_task(self._run(), name="traces")

    async def stop(self) -> None:
        """Send what is left, as far as that is possible at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST):
                while self._queue.spans and await self._send():
                    pass
        if left := len(self._queue.spans):
            log.warning("traces.dropped", spans=left, why="the collector did not take them while stopping")
        await self._session.close()

    async def _run(self) -> None:
        pause = EVERY
        while True:
            await self._queue.some.wait()
            await asyncio.sleep(pause)
            pause = EVERY if await self._send() else min(LONGEST_PAUSE, 2 * pause)

    async def _send(self) -> bool:
        """One batch; it stays in the queue until the endpoint has taken it, or will never."""
        batch = [self._queue.spans.popleft() for _ in range(min(BATCH, len(self._queue.spans)))]
        if not self._queue.spans:
            self._queue.some.clear()
        try:
            status = await self._post(batch)
        except BaseException as error:
            self._put_back(batch)
            if not isinstance(error, aiohttp.ClientError | TimeoutError):
                raise
            self._failed(type(error).__name__)
            return False
        if status >= 500 or status in {408, 429}:  # noqa: PLR2004 - passing, says the source above
            self._put_back(batch)
        if status >= 400:  # noqa: PLR2004 - refused
            self._failed(f"status {status}")
            return False
        if self._failing:
            self._failing = False
            log.info("traces.sent_again")
        return True

    async def _post(self, batch: Sequence[sdk.ReadableSpan]) -> int:
        body = await asyncio.to_thread(lambda: trace_encoder.encode_spans(batch).SerializeToString())
        headers = {"Content-Type": "application/x-protobuf"}
        async with self._session.post(self._url, data=body, headers=headers, allow_redirects=False) as told:
            return told.status

    def _put_back(self, batch: Sequence[sdk.ReadableSpan]) -> None:
        room = MOST - len(self._queue.spans)
        self._queue.spans.extendleft(reversed(batch[max(0, len(batch) - room) :]))
        self._queue.some.set()

    def _failed(self, why: str) -> None:
        if not self._failing:
            log.warning("traces.unsent", why=why, do="look at the collector of OTEL_EXPORTER_OTLP_ENDPOINT")
        self._failing = True
