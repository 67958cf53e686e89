"""``/_emulator/``: the emulator by remote control, for tests in which it is a process of its own.

``GET requests?since=N``, ``POST answer``, ``POST faults``, ``DELETE faults``, ``POST holds``,
``GET holds/{id}/reached`` (answers once a request waits there), ``POST holds/{id}/release``.
"""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from emulators.claude import answers, faults

if TYPE_CHECKING:
    from emulators.claude import server

FAULT_FIELDS = {
    "kind",
    "times",
    "status",
    "message",
    "retry_after",
    "error_code",
    "after",
    "text",
    "category",
    "explanation",
}


class Control:
    """The control endpoints of one emulator."""

    def __init__(self, api: "server.Claude") -> None:
        self._api = api
        self._gates: list[faults.Gate] = []

    def mount(self, app: web.Application) -> None:
        """Add the endpoints."""
        app.router.add_get("/_emulator/requests", self._requests)
        app.router.add_post("/_emulator/answer", self._answer)
        app.router.add_post("/_emulator/faults", self._fault)
        app.router.add_delete("/_emulator/faults", self._heal)
        app.router.add_post("/_emulator/holds", self._hold)
        app.router.add_get("/_emulator/holds/{id}/reached", self._reached)
        app.router.add_post("/_emulator/holds/{id}/release", self._release)

    async def _requests(self, http: web.Request) -> web.Response:
        since = int(http.query.get("since", "0"))
        return web.json_response([call.public() for call in self._api.requests[since:]])

    async def _answer(self, http: web.Request) -> web.Response:
        """Take ``{"echo": true}``, the fields of an Answer, or ``{}`` for the default."""
        wanted = await http.json()
        if wanted.pop("echo", False):
            self._api.answer = answers.echo
        elif wanted:
            answer = answers.Answer(**wanted)
            self._api.answer = lambda _body: answer
        else:
            self._api.answer = answers.default
        return web.json_response({})

    async def _fault(self, http: web.Request) -> web.Response:
        """Take the fields of a Fault; ``contains`` is a text that the request's JSON must hold."""
        wanted = await http.json()
        match = _containing(wanted.pop("contains", None))
        unknown = set(wanted) - FAULT_FIELDS
        if unknown:
            return web.json_response({"error": f"unknown: {sorted(unknown)}"}, status=400)
        return self._gate(self._api.fail(faults.Fault(**wanted, match=match)))

    async def _heal(self, _http: web.Request) -> web.Response:
        self._api.heal()
        return web.json_response({})

    async def _hold(self, http: web.Request) -> web.Response:
        wanted = await http.json() if http.can_read_body else {}
        match = _containing(wanted.get("contains"))
        return self._gate(self._api.hold(match=match, times=wanted.get("times", 1)))

    async def _reached(self, http: web.Request) -> web.Response:
        await self._gates[int(http.match_info["id"])].reached
        return web.json_response({})

    async def _release(self, http: web.Request) -> web.Response:
        self._gates[int(http.match_info["id"])].release()
        return web.json_response({})

    def _gate(self, gate: faults.Gate) -> web.Response:
        self._gates.append(gate)
        return web.json_response({"id": len(self._gates) - 1})


def _containing(text: str | None) -> Callable[[dict[str, Any]], bool] | None:
    if text is None:
        return None
    return lambda body: text in json.dumps(body, ensure_ascii=False)
