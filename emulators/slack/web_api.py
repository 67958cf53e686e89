"""The Web API over HTTP: arguments, token, scope, limits, faults, the method, and the record of the call."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.slack import (
    agents,
    api_error,
    chat,
    conversations,
    directory,
    files,
    installs,
    limits,
    methods,
    records,
    state,
    streaming,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from emulators.slack import faults

Json = dict[str, Any]


class WebApi:
    """Answers `/api/{method}` by GET, form or JSON, always as Slack does: HTTP 200 but for rate limits."""

    def __init__(
        self,
        *,
        workspace: state.State,
        app: installs.App,
        call_faults: faults.CallFaults,
        spent: limits.Limits,
        extra: Mapping[str, methods.Method],
    ) -> None:
        self._state = workspace
        self._app = app
        self._faults = call_faults
        self._limits = spent
        self._methods: dict[str, methods.Method] = {
            **chat.METHODS,
            **streaming.METHODS,
            **agents.METHODS,
            **conversations.METHODS,
            **directory.METHODS,
            **files.METHODS,
            **installs.METHODS,
            "oauth.v2.access": methods.Method(handler=app.access),
            **extra,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one call, with the fault that was planned for it, if any."""
        name = request.match_info["method"]
        at = self._state.clock()
        try:
            args = await _arguments(request)
        except api_error.ApiError as error:
            return self._respond({"ok": False, "error": error.code})
        token = _token(request, args)
        planned = self._faults.take(name, args)
        if planned is None:
            status, answer, headers = self._run(name, args, token)
            self._record(name, args, token, answer, at=at, fault=None)
            return self._respond(answer, status=status, headers=headers, token=token)
        return await self._faulty(request, name, args, token, planned=planned, at=at)

    async def _faulty(
        self,
        request: web.Request,
        name: str,
        args: Json,
        token: str | None,
        *,
        planned: faults.Planned,
        at: float,
    ) -> web.StreamResponse:
        """The same call while something goes wrong."""
        fault = planned.fault
        if fault.kind == "delay":
            await asyncio.sleep(fault.delay)
        if fault.kind == "hold" and not fault.effect:
            await planned.hold()
        answer: Json = {"ok": False, "error": fault.error}
        status, headers = 200, dict[str, str]()
        if fault.kind in {"delay", "hold", "lose_response"} or fault.effect:
            status, answer, headers = self._run(name, args, token)
        self._record(name, args, token, answer, at=at, fault=fault.kind)
        if fault.kind == "hold" and fault.effect:
            await planned.hold()
        if fault.kind in {"lose_request", "lose_response"}:
            transport = request.transport
            if transport is not None:
                transport.abort()
            return web.Response()  # goes nowhere: the connection is gone
        if fault.kind == "http":
            return web.Response(status=fault.status, text="<html>error</html>", content_type="text/html")
        if fault.kind == "ratelimited":
            return self._respond(*_rate_limited(fault.retry_after))
        if fault.kind == "error":
            return self._respond({"ok": False, "error": fault.error})
        return self._respond(answer, status=status, headers=headers, token=token)

    def _run(self, name: str, args: Json, token: str | None) -> tuple[int, Json, dict[str, str]]:
        """Status, answer and headers of the call itself."""
        holder = self._app.holder(token) or self._state
        request = methods.Request(state=holder, name=name, args=args)
        try:
            method = self._admit(request, token)
            return 200, {"ok": True, **method.handler(request)}, {}
        except limits.RateLimitedError as error:
            answer, status, headers = _rate_limited(error.retry_after)
            return status, answer, headers
        except api_error.ApiError as error:
            return 200, {"ok": False, "error": error.code, **error.fields}, {}

    def _admit(self, request: methods.Request, token: str | None) -> methods.Method:
        """Token, method, kind of token, scope, then limits, in the order in which Slack refuses."""
        workspace = request.state
        if request.name in installs.NO_TOKEN:
            return self._methods[request.name]
        if not token:
            raise api_error.ApiError("not_authed")
        is_bot = self._app.holder(token) is not None
        if not is_bot and token != workspace.app_token:
            raise api_error.ApiError("invalid_auth")
        refusal = self._app.refusal(token) or workspace.token_error
        if is_bot and refusal:
            raise api_error.ApiError(refusal)
        if is_bot and not workspace.installed:
            raise api_error.ApiError("invalid_auth")
        method = self._methods.get(request.name)
        if method is None:
            raise api_error.ApiError("unknown_method", req_method=request.name)
        if method.app_token == is_bot:
            raise api_error.ApiError("not_allowed_token_type")
        if method.scope:
            request.need(method.scope)
        conversations.commercial_window(request, self._limits)
        if method.tier in workspace.limited_tiers:
            key = f"{request.name} {request.args.get('channel')}" if method.tier == "post" else request.name
            self._limits.spend(tier=method.tier, key=f"{workspace.team_id} {key}")
        return method

    def _record(
        self, name: str, args: Json, token: str | None, answer: Json, *, at: float, fault: str | None
    ) -> None:
        call = records.Call(
            method=name,
            args=args,
            token=token,
            ok=bool(answer["ok"]),
            error=answer.get("error"),
            at=at,
            fault=fault,
        )
        (self._app.holder(token) or self._state).calls.append(call)
        self._state.changed.ring()

    def _respond(
        self,
        answer: Json,
        status: int = 200,
        headers: dict[str, str] | None = None,
        token: str | None = None,
    ) -> web.Response:
        holder = self._app.holder(token) or self._state
        scopes = {"X-OAuth-Scopes": ",".join(sorted(holder.scopes))}
        return web.json_response(answer, status=status, headers=scopes | (headers or {}))


def _rate_limited(retry_after: int) -> tuple[Json, int, dict[str, str]]:
    return {"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(retry_after)}


async def _arguments(request: web.Request) -> Json:
    """The arguments of a call: the query, joined by the form or the JSON object of the body."""
    args: Json = dict(request.query)
    if request.method != "POST":
        return args
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError as error:
            raise api_error.ApiError("invalid_json") from error
        if not isinstance(body, dict):
            raise api_error.ApiError("json_not_object")
        return args | body
    form = await request.post()
    return args | {key: value for key, value in form.items() if isinstance(value, str)}


def _token(request: web.Request, args: Json) -> str | None:
    """The Bearer token, or the form's `token`; JSON bodies must not carry one (it is ignored there)."""
    header = request.headers.get("Authorization", "")
    sent = args.pop("token", None)
    if header.startswith("Bearer "):
        return header.removeprefix("Bearer ")
    return sent if isinstance(sent, str) and request.content_type != "application/json" else None
