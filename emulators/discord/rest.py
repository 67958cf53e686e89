"""The way of one API call: faults, token, rate limit, endpoint, answer, and a line in the log of calls."""

import asyncio
import dataclasses
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from emulators.discord import (
    drafts,
    errors,
    faults,
    payloads,
    rate_limits,
    records,
    rest_channels,
    rest_interactions,
    rest_messages,
    routing,
)

TABLES = (rest_messages.table, rest_channels.table, rest_interactions.table)
PREFIX = "/api/v10"
_MAJOR = re.compile(r"/(channels|guilds|webhooks)/([^/]+)")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call that reached the server.

    `route` is the path with names in place of ids, `status` is 0 when the connection was cut, `lost` marks
    a call that took effect all the same, `code` is the JSON error code and `answer` the JSON of a success.
    """

    method: str
    route: str
    path: str
    body: Any
    status: int
    at: float
    query: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    lost: bool = False
    answer: Any = None


class Rest:
    """Serves `/api/v10` and the CDN."""

    def __init__(self, *, backend: routing.Backend, changed: Callable[[], None]) -> None:
        self._backend = backend
        self._changed = changed
        self.faults = faults.Book()
        self.calls: list[Call] = []
        self.buckets: rate_limits.Buckets | None = None
        self.outage: int | None = None

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call."""
        path = request.path.removeprefix(PREFIX)
        armed = self.faults.take(request.method, path)
        body, uploads, readable = await _read(request)
        call = Call(
            method=request.method,
            route=path,
            path=path,
            body=body,
            status=0,
            at=self._backend.world.clock(),
            query=dict(request.query),
        )
        if self.outage is not None:
            return self._log(call, _page(self.outage))
        if armed is not None and (injected := await self._inject(armed, request)) is not None:
            return self._log(call, injected)
        call, response = self._answer(request, call, uploads, readable=readable)
        if armed is not None and armed.fault.kind == "lose_response":
            call, response = dataclasses.replace(call, lost=True), _cut(request)
        return self._log(call, response)

    async def _inject(self, armed: faults.Armed, request: web.Request) -> web.Response | None:
        """What the fault answers, or None when the call goes on."""
        fault = armed.fault
        if fault.kind == "hold":
            await armed.released()
        elif fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "drop":
            return _cut(request)
        elif fault.kind == "error":
            return _page(fault.status or 502)
        elif fault.kind == "cloudflare":
            return web.Response(
                status=429, text="error code: 1015", headers={"Retry-After": str(fault.retry_after)}
            )
        elif fault.kind == "http":
            return _json(fault.status or 400, {"message": fault.message, "code": fault.code})
        elif fault.kind in ("ratelimited", "global"):
            return _limited(fault.retry_after, is_global=fault.kind == "global")
        return None

    def _answer(
        self, request: web.Request, call: Call, uploads: list[drafts.Upload], *, readable: bool
    ) -> tuple[Call, web.Response]:
        """Find the endpoint and let it answer; no other call comes in between."""
        headers: dict[str, str] = {}
        try:
            route, ids = routing.find(TABLES, call.method, call.path)
            call = dataclasses.replace(call, route=route.path)
            token = self._backend.world.portal.token
            if not route.public and request.headers.get("Authorization") != f"Bot {token}":
                raise errors.unauthorized()
            routing.check(ids)
            if self.buckets is not None:
                major = _MAJOR.match(call.path)
                verdict = self.buckets.count(f"{call.method} {route.path}", major.group(2) if major else "")
                headers = verdict.headers
                if not verdict.allowed:
                    return call, _limited(verdict.retry_after, is_global=verdict.is_global, headers=headers)
            if not readable:
                raise errors.invalid_json()
            wanted = routing.Request(ids=ids, query=call.query, body=call.body, uploads=uploads)
            reply = route.handler(self._backend, wanted)
        except errors.ApiError as error:
            if error.retry_after:
                headers = headers | rate_limits.refusal(error.retry_after, is_global=False)
            return dataclasses.replace(call, code=error.code), _json(error.status, error.body(), headers)
        if reply.status == 204:
            return call, web.Response(status=204, headers=headers)
        return dataclasses.replace(call, answer=reply.body), _json(reply.status, reply.body, headers)

    def _log(self, call: Call, response: web.Response) -> web.Response:
        status = 0 if call.lost or isinstance(response, _Cut) else response.status
        self.calls.append(dataclasses.replace(call, status=status))
        self._changed()
        return response

    async def cdn(self, request: web.Request) -> web.Response:
        """An attachment, while its signed address holds."""
        armed = self.faults.take(request.method, request.path)
        if armed is not None and (injected := await self._inject(armed, request)) is not None:
            return injected
        world = self._backend.world
        expires = request.query.get("ex", "")
        good = request.query.get("hm") == payloads.signature(world, request.path, expires)
        file = _file(self._backend, request.match_info["channel"], request.match_info["file"])
        if not good or file is None or int(expires, 16) < world.clock():
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=file.data, content_type=file.content_type.partition(";")[0])


class _Cut(web.Response):
    """An answer that cannot be sent, since the connection is gone."""


def _cut(request: web.Request) -> _Cut:
    if request.transport is not None:
        request.transport.abort()
    return _Cut(status=500)


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    """JSON with the exact content type that Discord sends; with a charset discord.py would not read it."""
    response = web.Response(status=status, body=json.dumps(body).encode(), headers=headers)
    response.headers["Content-Type"] = "application/json"
    return response


def _page(status: int) -> web.Response:
    """What a proxy in front of the API answers while that is away."""
    return web.Response(status=status, text=f"<html><title>{status}</title></html>", content_type="text/html")


def _limited(retry_after: float, *, is_global: bool, headers: dict[str, str] | None = None) -> web.Response:
    body = {"message": "You are being rate limited.", "retry_after": retry_after, "global": is_global}
    return _json(429, body, (headers or {}) | rate_limits.refusal(retry_after, is_global=is_global))


async def _read(request: web.Request) -> tuple[Any, list[drafts.Upload], bool]:
    """The JSON body, the files beside it, and whether the body could be read."""
    uploads: list[drafts.Upload] = []
    raw = b""
    if request.content_type.startswith("multipart/"):
        async for part in await request.multipart():
            if not isinstance(part, BodyPartReader):
                continue
            data = bytes(await part.read())
            if part.name == "payload_json":
                raw = data
            else:
                kind = part.headers.get("Content-Type", "application/octet-stream")
                uploads.append(drafts.Upload(filename=part.filename or "file", data=data, content_type=kind))
    else:
        raw = await request.read()
    if not raw:
        return None, uploads, True
    try:
        return json.loads(raw), uploads, True
    except ValueError:
        return None, uploads, False


def _file(backend: routing.Backend, channel: str, file: str) -> records.File | None:
    """An attachment of a message that still exists, or of a response only one person sees."""
    found = backend.world.channels.get(channel)
    kept = list(found.messages.values()) if found else []
    kept += [message for each in backend.desk.all.values() for message in each.messages]
    return next((each for message in kept for each in message.files if each.id == file), None)
