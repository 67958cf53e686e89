"""Who answers: the offline stand-in, or a relay in front of a real endpoint that keeps what passes.

The relay changes nothing on the way. It exists so that the page can show the exact request, and so that
an overloaded model can be seen without waiting for one.
"""

from __future__ import annotations

import contextlib
import json
import time
import urllib.parse
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import aiohttp
from aiohttp import web

from emulators import claude
from playground import calls, local_model, loopback, stand_in

Json = dict[str, Any]

HOP_BY_HOP = {
    "host",
    "content-length",
    "connection",
    "transfer-encoding",
    "accept-encoding",
    "content-encoding",
}
OFFICIAL = "api.anthropic.com"
CUT_AFTER = 3  # pieces of a stream that get through before it is cut
RETRY_AFTER = 2  # seconds
_ERRORS = {"rate_limit": (429, "rate_limit_error"), "overloaded": (529, "overloaded_error")}


class StandIn:
    """The emulated endpoint with an answer of our own. Implements calls.Model."""

    label = stand_in.LABEL
    note = "No ANTHROPIC_API_KEY is set: no model answers. Tokens and money are the emulated API's."
    offline = True
    endpoint = f"https://{OFFICIAL}"
    key = "offline"

    def __init__(self, api: claude.Claude) -> None:
        self._api = api
        self.url = api.url
        api.answer = stand_in.answer

    def calls(self) -> list[calls.Call]:
        """Every call so far; the emulated cache tells of each block what happened to it."""
        return [
            calls.Call(
                number=number,
                at=each.at,
                body=each.body,
                status=each.status,
                error=each.error or ("the bot hung up" if each.closed else None),
                usage=each.usage,
                stop_reason=each.stop_reason if each.done else None,
                done=each.done,
                fates=each.cache,
            )
            for number, each in enumerate(self._api.requests)
            if each.body
        ]

    def fail(self, kind: str, *, times: int | None) -> None:
        """Queue a fault."""
        after = RETRY_AFTER if kind == "rate_limit" else None
        self._api.fail(claude.Fault(kind=kind, times=times, retry_after=after, after=CUT_AFTER * 8))

    def heal(self) -> None:
        """Forget the faults."""
        self._api.heal()


class Relay:
    """Passes calls on to a real endpoint and keeps them. Implements calls.Model."""

    offline = False

    def __init__(
        self,
        *,
        upstream: str,
        key: str,
        label: str,
        note: str,
        session: aiohttp.ClientSession,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.label, self.note = label, note
        self.key = key
        self.url = ""
        self.endpoint = upstream.rstrip("/")
        self._session, self._clock = session, clock
        self._kept: list[calls.Call] = []
        self._faults: list[str] = []
        self._lasting: str | None = None

    def calls(self) -> list[calls.Call]:
        """Every call so far."""
        return self._kept

    def fail(self, kind: str, *, times: int | None) -> None:
        """Make the next calls fail before, or while, they are passed on."""
        if times is None:
            self._lasting = kind
        else:
            self._faults += [kind] * times

    def heal(self) -> None:
        """Pass calls on again."""
        self._lasting = None
        self._faults.clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass one call on."""
        raw = await request.read()
        asks = request.method == "POST" and request.path.endswith("/messages")
        fault = (self._faults.pop(0) if self._faults else self._lasting) if asks else None
        number = self._keep(raw) if asks else None
        if fault in _ERRORS:
            return self._refuse(fault, number)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = self.endpoint + request.path_qs
        try:
            async with self._session.request(request.method, url, data=raw, headers=headers) as answer:
                return await self._pass(request, answer, number, cut=fault == "cut")
        except aiohttp.ClientError as error:
            self._note(number, error=type(error).__name__)
            if request.transport is not None:
                request.transport.close()
            raise ConnectionResetError from None

    async def _pass(
        self, request: web.Request, answer: aiohttp.ClientResponse, number: int | None, *, cut: bool
    ) -> web.StreamResponse:
        headers = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        self._note(number, status=answer.status)
        held, pieces = b"", 0
        async for chunk in answer.content.iter_any():
            pieces += 1
            if cut and pieces > CUT_AFTER:
                self._note(number, error="cut")
                if request.transport is not None:
                    request.transport.close()
                return response
            await response.write(chunk)
            held = self._read(number, held + chunk, status=answer.status)
        self._note(number, done=True)
        await response.write_eof()
        return response

    def _read(self, number: int | None, text: bytes, *, status: int) -> bytes:
        """Take usage and stop reason out of whole lines of a stream (or the error); what is left over."""
        if number is None:
            return b""
        if status >= 400:  # noqa: PLR2004 - HTTP's refusals
            with contextlib.suppress(ValueError, KeyError, TypeError):
                self._note(number, error=json.loads(text)["error"]["type"])
            return text
        *lines, rest = text.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                with contextlib.suppress(ValueError):
                    self._learn(number, json.loads(line[5:]))
        return rest

    def _learn(self, number: int, event: Mapping[str, Any]) -> None:
        match event.get("type"):
            case "message_start":
                self._note(number, usage=event["message"]["usage"])
            case "message_delta":
                told = {
                    name: value for name, value in (event.get("usage") or {}).items() if value is not None
                }
                usage = {**(self._kept[number].usage or {}), **told}
                self._note(number, usage=usage, stop_reason=event["delta"].get("stop_reason"))
            case "error":
                self._note(number, error=str((event.get("error") or {}).get("type")))

    def _keep(self, raw: bytes) -> int:
        body: Json = {}
        with contextlib.suppress(ValueError):
            body = json.loads(raw)
        number = len(self._kept)
        self._kept.append(
            calls.Call(
                number=number,
                at=self._clock(),
                body=body,
                status=None,
                error=None,
                usage=None,
                stop_reason=None,
                done=False,
            )
        )
        return number

    def _note(self, number: int | None, **known: Any) -> None:
        if number is not None:
            kept = self._kept[number]
            self._kept[number] = calls.Call(**{**vars(kept), **known})

    def _refuse(self, fault: str, number: int | None) -> web.Response:
        status, kind = _ERRORS[fault]
        self._note(number, status=status, error=kind)
        headers = {"retry-after": str(RETRY_AFTER)} if fault == "rate_limit" else {}
        error = {"type": kind, "message": "Caused from the playground."}
        return web.json_response({"type": "error", "error": error}, status=status, headers=headers)


@contextlib.asynccontextmanager
async def real(*, upstream: str, key: str) -> AsyncIterator[Relay]:
    """Real Claude, or whoever answers at the address that was named instead."""
    host = urllib.parse.urlsplit(upstream).netloc.rpartition("@")[2]  # what stands before @ is a secret
    label = f"Claude ({host})" if host == OFFICIAL else f"Messages API at {host}"
    note = "Real answers, real money." if host == OFFICIAL else "ANTHROPIC_BASE_URL names this address."
    async with relayed(upstream=upstream, key=key, label=label, note=note) as relay:
        yield relay


@contextlib.asynccontextmanager
async def local() -> AsyncIterator[Relay]:
    """The small model on this machine. Raises OperatorError where its extra is not installed."""
    note = "A very small real model: quick to run, seldom right. Nothing leaves this machine."
    async with (
        local_model.serving() as address,
        relayed(upstream=address, key="local", label=local_model.LABEL, note=note) as relay,
    ):
        yield relay


@contextlib.asynccontextmanager
async def offline() -> AsyncIterator[StandIn]:
    """The stand-in, running."""
    async with claude.Claude(clock=time.time) as api:
        yield StandIn(api)


@contextlib.asynccontextmanager
async def relayed(*, upstream: str, key: str, label: str, note: str) -> AsyncIterator[Relay]:
    """A relay in front of an endpoint, running."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        relay = Relay(upstream=upstream, key=key, label=label, note=note, session=session)
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", relay.handle)
        async with loopback.serving(app) as relay.url:
            yield relay
