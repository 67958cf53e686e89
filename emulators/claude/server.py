"""The Messages API on loopback: HTTP, server-sent events, and the order in which a call is dealt with."""

import asyncio
import dataclasses
import hashlib
import inspect
import time
import uuid
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from emulators.claude import (
    answers,
    blocks,
    cache,
    catalogue,
    control,
    diagnostics,
    events,
    faults,
    models,
    records,
    refusal,
    rules,
    serving,
    streaming,
    tokens,
)

BODY_LIMIT = 32 * 1024 * 1024
VERSIONS = ("2023-06-01", "2026-10-21")
Said = answers.Answer | str | list[dict[str, Any]]
AnswerFunction = Callable[[dict[str, Any]], Said | Awaitable[Said]]


class Claude:
    """A Messages API server, started and stopped by ``async with``.

    ``clock`` gives seconds and rules the lifetimes in the prompt cache. ``answer`` may be replaced at any
    time by a function of the request's body; an exception in it is answered with a 500 and raised again
    when the emulator is left, so that a check in it cannot go unnoticed.
    """

    def __init__(
        self, *, clock: Callable[[], float] = time.monotonic, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.requests: list[records.Request] = []
        self.answer: AnswerFunction = answers.default
        self.keys: set[str] | None = None  # accepted API keys; None accepts any
        self.web = True  # whether the organisation has the web tools turned on
        self.errors: list[Exception] = []
        self._clock = clock
        self._host, self._port = host, port
        self._cache = cache.Cache(clock=clock)
        self._fingerprints: dict[str, diagnostics.Fingerprint] = {}
        self._faults = faults.Queue()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Base URL for the client, such as ``http://127.0.0.1:40123``."""
        return f"http://{self._host}:{self._port}"

    def fail(self, fault: faults.Fault) -> faults.Gate:
        """Queue a fault; the gate returned is where a ``stall`` waits."""
        return self._faults.add(fault)

    def hold(
        self, *, match: Callable[[dict[str, Any]], bool] | None = None, times: int | None = 1
    ) -> faults.Gate:
        """Make the next matching request wait, recorded and valid, before anything is answered."""
        return self._faults.add(faults.Fault(kind="hold", times=times, match=match))

    def heal(self) -> None:
        """Forget all faults and holds; what waits goes on."""
        self._faults.clear()

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=0)  # no limit of aiohttp's own: ours answers as the service
        app.router.add_post("/v1/messages", self._messages)
        app.router.add_post("/v1/messages/count_tokens", self._count_tokens)
        app.router.add_get("/v1/models", self._models)
        app.router.add_get("/v1/models/{id}", self._model)
        control.Control(self).mount(app)
        app.router.add_route("*", "/{path:.*}", self._nothing)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if error is None and self.errors:
            raise self.errors[0]

    async def _messages(self, http: web.Request) -> web.StreamResponse:
        call = await self._receive(http)
        self.requests.append(call)
        try:
            return await self._serve(http, call)
        except refusal.Refusal as refused:
            return _refused(call, refused)
        except asyncio.CancelledError:
            call.closed = not call.done
            raise
        except ConnectionResetError:  # the client hung up while it was being answered
            call.closed = True
            return streaming.hang_up(http, call)
        except Exception as error:  # noqa: BLE001 - an answer function may raise anything; see the class
            self.errors.append(error)
            return _refused(call, refusal.Refusal("Internal server error", status=500))

    async def _serve(self, http: web.Request, call: records.Request) -> web.StreamResponse:
        self._admit(call)
        body = call.body = records.parse(call.raw)
        model = rules.check(body)
        serving.admit(body, web=self.web)
        row = blocks.flatten(body)
        plan = self._cache.plan(key=_digest(call.key), model=model, body=body, row=row)
        call.paths = [block.path for block in row]
        held = self._faults.take(body, holds=True)
        if held is not None:
            await held[1].stand()
        fault, gate = self._faults.take(body, holds=False) or (None, None)
        if fault is not None and fault.kind == "drop":
            return streaming.hang_up(http, call)
        if fault is not None and fault.kind in faults.BEFORE:
            raise fault.refusal()
        said = self.answer(body)
        answer = answers.coerce(await said if inspect.isawaitable(said) else said)
        serving.check(answer.content or (), body=body)
        if fault is not None:
            answer = fault.answer(answer)
        spoken = answers.speak(answer, body=body, row=row, model=model, input_tokens=plan.total)
        plan = dataclasses.replace(plan, fresh=plan.fresh + answer.web_tokens)
        message = self._message(call, model=model, row=row, plan=plan, spoken=spoken)
        strike = (fault, gate) if fault is not None and gate is not None else None
        if body.get("stream"):
            self._begin(call, plan, message)
            stream = streaming.Stream(http=http, call=call, headers=_headers(call))
            return await stream.send(events.sequence(message, spoken), delay=spoken.delay, strike=strike)
        if strike is not None and strike[0].kind in faults.DURING:
            if strike[0].kind == "error_event":
                raise strike[0].refusal()
            if strike[0].kind != "stall":
                return streaming.hang_up(http, call)
            await strike[1].stand()
        await asyncio.sleep(spoken.delay)
        self._begin(call, plan, message)
        call.done = True
        return web.json_response(message, headers=_headers(call))

    def _begin(self, call: records.Request, plan: cache.Plan, message: dict[str, Any]) -> None:
        """Mark the moment in which the answer begins: the cache changes, and the call is billed."""
        self._cache.commit(plan)
        call.status, call.usage, call.cache = 200, message["usage"], plan.fates
        call.message_id, call.content = message["id"], message["content"]
        call.stop_reason = message["stop_reason"]

    def _message(
        self,
        call: records.Request,
        *,
        model: models.Model,
        row: list[blocks.Block],
        plan: cache.Plan,
        spoken: answers.Spoken,
    ) -> dict[str, Any]:
        identity = f"msg_01{uuid.uuid4().hex[:22]}"
        now = diagnostics.fingerprint(model=model, body=call.body, row=row)
        self._fingerprints[identity] = now
        previous = (call.body.get("diagnostics") or {}).get("previous_message_id")
        reason = diagnostics.reason(self._fingerprints.get(previous), now) if previous else None
        searches, fetches = spoken.searches("web_search"), spoken.searches("web_fetch")
        served = {"web_search_requests": searches, "web_fetch_requests": fetches}
        return {
            "id": identity,
            "type": "message",
            "role": "assistant",
            "model": model.id,
            "content": spoken.content,
            "stop_reason": spoken.stop_reason,
            "stop_sequence": spoken.stop_sequence,
            "stop_details": spoken.stop_details,
            "container": None,
            "diagnostics": {"cache_miss_reason": reason} if reason else None,
            "usage": {
                **plan.usage(),
                "output_tokens": spoken.output_tokens,
                "output_tokens_details": {"thinking_tokens": spoken.thinking_tokens},
                "server_tool_use": served if searches or fetches else None,
                "service_tier": "standard",
                "inference_geo": call.body.get("inference_geo") or "not_available",
            },
        }

    async def _count_tokens(self, http: web.Request) -> web.Response:
        def count(call: records.Request) -> dict[str, Any]:
            body = records.parse(call.raw)
            model = rules.check(body, counting=True)
            return {"input_tokens": sum(tokens.row(blocks.flatten(body), model=model))}

        return await self._plain(http, count)

    async def _models(self, http: web.Request) -> web.Response:
        return await self._plain(http, lambda _: catalogue.page(http.query))

    async def _model(self, http: web.Request) -> web.Response:
        return await self._plain(http, lambda _: catalogue.info(models.find(http.match_info["id"])))

    async def _nothing(self, http: web.Request) -> web.Response:
        call = await self._receive(http)
        return _refused(call, refusal.Refusal(f"Not found: {http.path}", status=404))

    async def _plain(
        self, http: web.Request, make: Callable[[records.Request], dict[str, Any]]
    ) -> web.Response:
        """Answer an endpoint that has no state, no faults and no record."""
        call = await self._receive(http)
        try:
            self._admit(call)
            return web.json_response(make(call), headers=_headers(call))
        except refusal.Refusal as refused:
            return _refused(call, refused)

    async def _receive(self, http: web.Request) -> records.Request:
        return records.Request(
            raw=await http.read(),
            headers={name.lower(): value for name, value in http.headers.items()},
            at=self._clock(),
            request_id=f"req_01{uuid.uuid4().hex[:22]}",
        )

    def _admit(self, call: records.Request) -> None:
        """Refuse by key, version, beta header and weight, before the body is looked at."""
        if not call.key or (self.keys is not None and call.key not in self.keys):
            raise refusal.Refusal("invalid bearer token", status=401)
        version = call.headers.get("anthropic-version")
        if version is None:
            raise refusal.Refusal("anthropic-version: header is required")
        if version not in VERSIONS:
            raise refusal.Refusal(f'anthropic-version: "{version}" is not a valid version')
        if beta := call.headers.get("anthropic-beta"):
            raise refusal.Refusal(f"Unexpected value(s) `{beta}` for the `anthropic-beta` header.")
        if len(call.raw) > BODY_LIMIT:
            raise refusal.Refusal("Request exceeds the maximum size", status=413)


def _refused(call: records.Request, refused: refusal.Refusal) -> web.Response:
    call.status, call.error = refused.status, refused.message
    return web.json_response(
        refused.body(call.request_id), status=refused.status, headers={**_headers(call), **refused.headers}
    )


def _headers(call: records.Request) -> dict[str, str]:
    """Headers of every answer; the emulator counts no rates, so the allowance never shrinks."""
    headers = {"request-id": call.request_id, "anthropic-organization-id": "emulated"}
    for what, limit in (
        ("requests", "4000"),
        ("tokens", "2400000"),
        ("input-tokens", "2000000"),
        ("output-tokens", "400000"),
    ):
        headers[f"anthropic-ratelimit-{what}-limit"] = limit
        headers[f"anthropic-ratelimit-{what}-remaining"] = limit
        headers[f"anthropic-ratelimit-{what}-reset"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return headers


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
