"""HTTP control under `/_emulator/`, so that a test's oracle can live in another process than the bot."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.discord import errors, faults

if TYPE_CHECKING:
    from emulators.discord import server

_DEEDS = (
    "add_guild",
    "remove_guild",
    "add_channel",
    "delete_channel",
    "add_user",
    "add_role",
    "grant",
    "join",
    "open_dm",
    "set_permissions",
    "post",
    "create_thread",
    "create_forum_post",
    "join_thread",
    "leave_thread",
    "change_thread",
    "delete_thread",
    "edit",
    "delete",
    "delete_bulk",
    "unfurl",
    "react",
    "pin",
    "type_in",
    "slash",
    "context_menu",
    "button",
    "break_gateway",
    "connected",
    "settled",
    "down",
    "up",
)


def install(app: web.Application, service: "server.Discord") -> None:
    """Add the endpoints.

    GET /_emulator/ tells addresses, ids and token; GET /_emulator/calls, messages?channel=, threads?channel=,
    pings, typing, reactions, commands, handshakes, interactions give the state; POST /_emulator/faults and
    disturbances arm what the JSON body describes; POST /_emulator/do/{deed} calls the service's method of
    that name with the body as keywords and answers {"result": …}.
    """
    control = _Control(service)
    app.router.add_get("/_emulator/", control.about)
    app.router.add_get("/_emulator/{what}", control.show)
    app.router.add_post("/_emulator/faults", control.fail)
    app.router.add_post("/_emulator/disturbances", control.disturb)
    app.router.add_post("/_emulator/do/{deed}", control.do)


class _Control:
    def __init__(self, service: "server.Discord") -> None:
        self._service = service

    async def about(self, _: web.Request) -> web.Response:
        names = ("url", "api_url", "gateway_url", "token", "bot_user_id", "application_id")
        return _json({name: getattr(self._service, name) for name in names})

    async def show(self, request: web.Request) -> web.Response:
        what, service = request.match_info["what"], self._service
        if what in ("messages", "threads"):
            return _json(getattr(service, what)(request.query["channel"]))
        if what == "interactions":
            shown = ("id", "responses", "deferred")
            return _json([{name: getattr(each, name) for name in shown} for each in service.interactions])
        if what in ("calls", "pings", "typing", "reactions", "commands", "handshakes", "channels"):
            return _json(getattr(service, what))
        raise web.HTTPNotFound

    async def fail(self, request: web.Request) -> web.Response:
        self._service.fail(faults.Fault(**await request.json()))
        return _json({"result": None})

    async def disturb(self, request: web.Request) -> web.Response:
        self._service.disturb(faults.Disturbance(**await request.json()))
        return _json({"result": None})

    async def do(self, request: web.Request) -> web.Response:
        deed = request.match_info["deed"]
        if deed not in _DEEDS:
            raise web.HTTPNotFound
        asked = await request.json() if request.can_read_body else {}
        for name in ("permissions", "taken", "names"):
            if isinstance(asked.get(name), list):
                asked[name] = set(asked[name])
        try:
            result = getattr(self._service, deed)(**asked)
            result = await result if hasattr(result, "__await__") else result
        except (errors.ApiError, LookupError, TypeError) as error:
            return _json({"error": str(error)}, status=400)
        return _json({"result": result.id if hasattr(result, "payload") else result})


def _json(body: Any, *, status: int = 200) -> web.Response:
    return web.json_response(body, status=status, dumps=lambda each: json.dumps(each, default=_plain))


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"cannot be shown as JSON: {type(value).__name__}")
