"""Steering the workspace over HTTP (`/_emulator/…`), for when it runs in a process of its own.

POST with a JSON object of keyword arguments does a deed, GET reads; answers are `{"result": …}`.
"""

from __future__ import annotations

import base64
import dataclasses
import inspect
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.slack import faults, http_events

if TYPE_CHECKING:
    from emulators.slack import server

Json = dict[str, Any]

DEEDS = frozenset(
    [
        "add_user",
        "add_channel",
        "open_dm",
        "post",
        "edit",
        "delete",
        "unfurl",
        "join",
        "react_to",
        "stop_session",
        "uninstall",
        "command",
        "shortcut",
        "button",
        "submit_view",
        "open_home",
        "deliver_to",
        "disconnect_sockets",
        "connected",
        "settled",
        "messages",
        "shown",
        "status",
    ]
)
READINGS = frozenset(
    ["info", "calls", "events", "ephemerals", "pings", "unfurls", "truncated", "homes", "modals"]
)
SETTINGS = frozenset(["streaming_allowed", "streaming_refusal", "history_limit", "token_error"])


class Control:
    """The HTTP face of `server.Slack`'s own methods; unknown deeds are 404, mistakes 400 with the reason."""

    def __init__(self, *, workspace: server.Slack) -> None:
        self._workspace = workspace

    async def handle(self, request: web.Request) -> web.Response:
        """Serve one deed or reading."""
        deed = request.match_info["deed"]
        if request.method == "GET":
            if deed not in READINGS:
                return web.json_response({"error": f"unknown reading {deed}"}, status=404)
            return web.json_response({"result": self._reading(deed)})
        try:
            result = await self._do(deed, await request.json() if request.can_read_body else {})
        except (TypeError, ValueError, LookupError, TimeoutError, http_events.VerificationError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)
        return web.json_response({"result": _plain(result)})

    async def _do(self, deed: str, args: Json) -> Any:
        workspace = self._workspace
        if deed in DEEDS:
            result = getattr(workspace, deed)(**args)
            return await result if inspect.isawaitable(result) else result
        if deed == "add_file":
            return workspace.add_file(**args | {"data": base64.b64decode(args["data"])})
        if deed == "fail":
            workspace.fail(faults.Fault(**args))
            return None
        if deed == "set" and set(args) <= SETTINGS:
            for name, value in args.items():
                setattr(workspace, name, value)
            return None
        if deed == "event_faults":
            return self._event_faults(**args)
        raise LookupError(f"unknown deed {deed}")

    def _event_faults(
        self,
        *,
        duplicate: int | None = None,
        lose_acks: int | None = None,
        reorder: int | None = None,
        hold: bool | None = None,
    ) -> None:
        event_faults = self._workspace.faults
        if duplicate is not None:
            event_faults.duplicate = duplicate
        if lose_acks is not None:
            event_faults.lose_acks = lose_acks
        if reorder is not None:
            event_faults.reorder(reorder)
        if hold is not None:
            (event_faults.hold if hold else event_faults.release)()

    def _reading(self, name: str) -> Any:
        workspace = self._workspace
        if name == "info":
            names = [
                "url",
                "api_url",
                "team_id",
                "bot_user_id",
                "bot_id",
                "bot_token",
                "app_token",
                "signing_secret",
            ]
            return {key: getattr(workspace, key) for key in names}
        return _plain(getattr(workspace, name))


def _plain(value: Any) -> Any:
    """Dataclasses and containers as JSON."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
