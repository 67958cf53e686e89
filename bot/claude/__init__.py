"""Claude over the Messages API; the only importer of its SDK.

The SDK carries the bytes and types the refusals. What it would decide by itself is decided here: it
repeats nothing (it would wait as long as `retry-after` says, hours included), traces nothing, and reads
neither key nor address from the environment. Stream events are taken as plain objects, which costs less
than its typed ones and passes over what is new.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import math
import random
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import anthropic
import httpx2
import structlog

from bot import conversation, errors, ports
from bot.claude import catalogue, failures, metering, models, retry, stream, wire
from bot.tools import toolsets

MAX_CONTINUATIONS = 16  # calls that may follow `pause_turn` or a tool call in one attempt
MAX_TOOL_CALLS = 12  # carried out in one attempt; those beyond are told so
NO_MORE = "You have used tools often enough: answer now with what you know."
FACTS_LIFETIME = 300.0  # seconds until a model is asked about again where the endpoint was of no use
BREAK = "\n\n"
log = structlog.get_logger()


class Claude:
    """`ports.Model` over a Messages API endpoint. Use as a context manager, or call `aclose`."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        idle_seconds: float = 60.0,
        stream_seconds: float = 1_800.0,
        connect_seconds: float = 10.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float],
        chance: random.Random,
    ) -> None:
        """Connect to nothing yet.

        `idle_seconds`: how long a stream may send nothing, pings included. `stream_seconds`: the longest
        one call may take, pings or not. `clock`: monotonic seconds. `chance` spreads the retries.
        """
        self._stream_seconds = stream_seconds
        self._sleep = sleep
        self._clock = clock
        self._chance = chance
        self._diagnoses = True  # until the endpoint says that it does not
        self._listed: tuple[float, tuple[str, ...]] = (-math.inf, ())
        self._facts: dict[str, tuple[float | None, asyncio.Task[conversation.ModelFacts]]] = {}
        timeout = httpx2.Timeout(idle_seconds, connect=connect_seconds)
        limits = httpx2.Limits(max_connections=1_000, max_keepalive_connections=50, keepalive_expiry=60.0)
        self._client = anthropic.AsyncAnthropic(
            api_key=api_key,
            base_url=base_url,
            timeout=timeout,
            max_retries=0,
            open_telemetry=False,
            http_client=anthropic.DefaultAsyncHttpxClient(limits=limits, timeout=timeout),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give up what is still asked and close the connections."""
        asked = [task for _, task in self._facts.values()]
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
        await self._client.close()

    async def answer(self, request: conversation.Request, draft: ports.Draft) -> conversation.Answer:
        """Stream one answer into the draft; raises ModelError.

        An answer that ran into its token limit comes back as it stands, with stop reason "max_tokens".
        Where Claude uses a tool the draft carries it out (`ports.Helper`); one that pays is asked
        before each call (`ports.Meter`). The answer's usage is the bill of the
        call whose prompt the next request extends: the first of a tool loop, else the one that ended it.
        Calls that were billed beside it are told to the draft.
        """
        model = request.plan.model
        room = await self._most_output(model)
        max_tokens = min(request.plan.max_output_tokens, room)
        state = _Attempts()
        while True:
            body = wire.body(request, max_tokens=max_tokens, diagnoses=self._diagnoses)
            calls: list[stream.Message] = []
            try:
                failure = await self._attempt(body, draft, calls)
                if failure is None:
                    looped = any(call.stop_reason == "tool_use" for call in calls)
                    text, last = _said(calls), calls[-1]
                    return _answer(text=text, last=last, billed=calls.pop(0 if looped else -1))
            except (anthropic.AnthropicError, httpx2.HTTPError, ValueError, TimeoutError) as error:
                if self._diagnoses and failures.is_no_diagnostics(error):
                    self._diagnoses = False
                    continue
                failure = failures.failure(error, model)
            finally:
                _pay(draft, calls)
            if failure.more_room:
                if max_tokens >= room:
                    raise failure.error
                max_tokens = min(2 * max_tokens, room)
            await self._wait_or_raise(failure, state, model)
            draft.restart()

    async def facts(self, model: str) -> conversation.ModelFacts:
        """What a model can do; asked once and kept, callers at the same time share the question.

        Raises KeyRefused and Unreachable; whatever else goes wrong, the built-in table answers.
        """
        return await self._known(model, patient=True)

    async def models(self) -> tuple[str, ...]:
        """The models the endpoint offers, asked at most every few minutes. Raises ModelError."""
        until, names = self._listed
        if self._clock() >= until:
            names = await catalogue.listed(self._client)
            self._listed = (self._clock() + FACTS_LIFETIME, names)
        return names

    async def _known(self, model: str, *, patient: bool) -> conversation.ModelFacts:
        until, task = self._facts.get(model, (None, None))
        if task is None or (until is not None and self._clock() >= until):
            task = asyncio.create_task(self._ask(model, patient=patient))
            task.add_done_callback(lambda asked: self._keep_or_drop(model, asked))
            self._facts[model] = (None, task)
        return await asyncio.shield(task)

    async def _attempt(
        self, body: Mapping[str, Any], draft: ports.Draft, calls: list[stream.Message]
    ) -> retry.Failure | None:
        """Make the call and those that continue it; `calls` holds what came, also when it fails."""
        for _ in range(1 + MAX_CONTINUATIONS):
            message = stream.Message()
            calls.append(message)
            await self._stream(body, draft, message)
            if message.stop_reason == "tool_use":
                body = wire.answered(body, message.content, await self._results(draft, calls))
                if message.text.strip():
                    draft.add(BREAK)
            elif message.stop_reason == "pause_turn":
                body = wire.continued(body, message.content)
            else:
                break
        return retry.ended(calls[-1].stop_reason, _said(calls), detail=calls[-1].stop_category or "")

    @staticmethod
    async def _results(draft: ports.Draft, calls: Sequence[stream.Message]) -> dict[str, toolsets.Result]:
        """What the tool calls of the newest message give, by their ids."""
        made = sum(len(call.tool_calls) for call in calls[:-1])
        results = {}
        for asked in calls[-1].tool_calls:
            made += 1
            if made > MAX_TOOL_CALLS or not isinstance(draft, ports.Helper):
                results[asked["id"]] = toolsets.Result(text=NO_MORE, failed=True)
            else:
                call = toolsets.Call(id=asked["id"], tool=asked["name"], asked=asked["input"])
                results[asked["id"]] = await draft.use(call)
        return results

    async def _stream(self, body: Mapping[str, Any], draft: ports.Draft, message: stream.Message) -> None:
        # Leaving either block, also by cancellation, closes the connection.
        async with metering.metered(draft, body, message), asyncio.timeout(self._stream_seconds):
            events = await self._client.post(
                "/v1/messages",
                cast_to=object,
                body=body,
                stream=True,
                stream_cls=anthropic.AsyncStream[object],
            )
            async with events:
                async for event in events:
                    if text := message.feed(event):
                        draft.add(text)
                    if message.service is not None and isinstance(draft, ports.Helper):
                        tool, done = message.service
                        draft.served(tool, done=done)

    async def _wait_or_raise(self, failure: retry.Failure, state: _Attempts, model: str) -> None:
        state.failures[failure.kind] += 1
        decision = retry.decide(
            failure=failure,
            failures=state.failures.total(),
            alike=state.failures[failure.kind],
            waited=state.waited,
            chance=self._chance.random(),
        )
        log.warning(
            "claude.failed",
            model=model,
            error=type(failure.error).__name__,
            kind=failure.kind,
            failures=state.failures.total(),
            wait=decision.wait,
        )
        if decision.wait is None:
            raise failure.error
        state.waited += decision.wait
        if decision.wait > 0:
            await self._sleep(decision.wait)

    async def _most_output(self, model: str) -> int:
        """The model's own limit. Where asking fails, once, the call itself will tell why."""
        try:
            return (await self._known(model, patient=False)).max_output_tokens
        except errors.ModelError:
            return models.table(model).max_output_tokens

    async def _ask(self, model: str, *, patient: bool) -> conversation.ModelFacts:
        state = _Attempts()
        while True:
            try:
                said: object = await self._client.get(
                    f"/v1/models/{urllib.parse.quote(model, safe='')}", cast_to=object
                )
            except (anthropic.AnthropicError, httpx2.HTTPError) as error:
                failure = failures.failure(error, model)
                if isinstance(error, anthropic.AuthenticationError):
                    raise failure.error from error
                if isinstance(error, anthropic.APIStatusError):
                    return self._from_table(model, reason=f"status {error.status_code}")
                if not patient:
                    raise failure.error from error
                await self._wait_or_raise(failure, state, model)
            except ValueError:
                return self._from_table(model, reason="no JSON")
            else:
                facts = models.facts(model, said)
                return facts or self._from_table(model, reason="no model object")

    def _keep_or_drop(self, model: str, asked: asyncio.Task[conversation.ModelFacts]) -> None:
        """Only an answer is kept: after a failure the next caller asks again."""
        failed = asked.cancelled() or asked.exception() is not None
        if failed and self._facts.get(model, (None, None))[1] is asked:
            del self._facts[model]

    def _from_table(self, model: str, *, reason: str) -> conversation.ModelFacts:
        log.warning("claude.model_unknown_to_endpoint", model=model, reason=reason)
        _, task = self._facts[model]
        self._facts[model] = (self._clock() + FACTS_LIFETIME, task)
        return models.table(model)


@dataclasses.dataclass(kw_only=True)
class _Attempts:
    """What the attempts at one answer have used up."""

    failures: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    waited: float = 0.0  # seconds


def _answer(*, text: str, last: stream.Message, billed: stream.Message) -> conversation.Answer:
    return conversation.Answer(
        text=text,
        usage=billed.usage,
        model=billed.model,
        stop_reason=last.stop_reason or "",
        message_id=billed.id,
        cache_miss=billed.cache_miss,
    )


def _said(calls: Sequence[stream.Message]) -> str:
    """The text of successive calls; what stood before a tool call is a paragraph of its own."""
    parts = [
        call.text + (BREAK if call.stop_reason == "tool_use" and call.text.strip() else "") for call in calls
    ]
    return "".join(parts)


def _pay(draft: ports.Draft, calls: Sequence[stream.Message]) -> None:
    """Tell the bills of calls that are in no answer: failed, stopped half-way, or gone on from."""
    for call in calls:
        if call.usage.total:
            draft.billed(call.model, call.usage)
