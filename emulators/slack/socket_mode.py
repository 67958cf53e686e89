"""Socket Mode: tickets, hello, envelopes, acks, disconnects (docs.slack.dev, using-socket-mode)."""

from __future__ import annotations

import asyncio
import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from emulators.slack import delivery

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from emulators.slack import changes

MAX_CONNECTIONS = 10
TICKET_SECONDS = 30.0  # an unused address of apps.connections.open goes stale; how soon is not documented
DISCONNECTS = {"refresh": "refresh_requested", "warning": "warning", "link_disabled": "link_disabled"}


@dataclass(eq=False, kw_only=True)
class Connection:
    """One open websocket; `leaving` gets no new envelopes, `silent` neither sends nor answers."""

    socket: web.WebSocketResponse
    request: web.Request
    leaving: bool = False
    silent: bool = False
    sent: int = 0  # envelopes
    waiting: dict[str, asyncio.Future[delivery.Outcome]] = field(default_factory=dict)

    async def send(self, message: dict[str, Any]) -> None:
        """Send JSON, unless the connection is dead without knowing it."""
        if not self.silent:
            await self.socket.send_str(json.dumps(message))


class SocketMode:
    """The websocket side of the workspace; each envelope goes to one connection, drawn at random."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        changed: changes.Changes,
        draw: random.Random,
        ack_seconds: float,
        app_id: str,
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._draw = draw
        self._ack_seconds = ack_seconds
        self._app_id = app_id
        self._tickets: dict[str, float] = {}
        self.connections: list[Connection] = []
        self.stray: list[str] = []  # what clients sent that acknowledges nothing, for tests to find

    def new_ticket(self) -> str:
        """A ticket for one connection."""
        ticket = str(uuid.uuid4())
        self._tickets[ticket] = self._clock()
        return ticket

    def open_connections(self) -> list[Connection]:
        """The connections that receive envelopes."""
        return [c for c in self.connections if not c.leaving and not c.socket.closed]

    async def send(
        self, envelope: delivery.Delivery, *, retry_attempt: int, retry_reason: str
    ) -> delivery.Outcome:
        """One attempt over one random connection; each attempt has its own envelope_id."""
        candidates = self.open_connections()
        if not candidates:
            return delivery.Outcome(acknowledged=False, reason="connection_failed")
        connection = self._draw.choice(candidates)
        if retry_attempt:
            envelope.envelope_id = str(uuid.uuid4())
        message = {
            "envelope_id": envelope.envelope_id,
            "payload": envelope.body,
            "type": envelope.kind,
            "accepts_response_payload": envelope.kind != "events_api",
        }
        if envelope.kind == "events_api":
            message |= {"retry_attempt": retry_attempt, "retry_reason": retry_reason}
        acknowledged: asyncio.Future[delivery.Outcome] = asyncio.get_running_loop().create_future()
        connection.waiting[envelope.envelope_id] = acknowledged
        connection.sent += 1
        try:
            async with asyncio.timeout(self._ack_seconds):
                await connection.send(message)
                return await acknowledged
        except (TimeoutError, ConnectionError):
            return delivery.Outcome(acknowledged=False, reason="timeout")
        finally:
            connection.waiting.pop(envelope.envelope_id, None)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Serve one websocket from ticket to close."""
        issued = self._tickets.pop(request.query.get("ticket", ""), None)
        if issued is None or self._clock() - issued > TICKET_SECONDS:
            return web.json_response({"ok": False, "error": "invalid_ticket"}, status=404)
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        connection = Connection(socket=socket, request=request)
        if len(self.open_connections()) >= MAX_CONNECTIONS:
            await connection.send(_disconnect("too_many_websockets"))
            await socket.close()
            return socket
        self.connections.append(connection)
        try:
            await connection.send(self._hello())
            await socket.ping(b"Ping from applink-emulated")
            self._changed.ring()
            async for message in socket:
                await self._receive(connection, message)
        finally:
            self._forget(connection)
        return socket

    async def disconnect(self, kind: str) -> None:
        """End every open connection the way `kind` says: refresh, warning, link_disabled, abort or silent."""
        if kind not in {*DISCONNECTS, "abort", "silent"}:
            raise ValueError(f"unknown kind of disconnect {kind!r}")
        for connection in self.open_connections():
            if kind == "silent":
                connection.silent = True
            elif kind == "abort":
                connection.leaving = True
                transport = connection.request.transport
                if transport is not None:
                    transport.abort()
            else:
                # After a warning the connection still serves for a few seconds; the others take no more.
                connection.leaving = kind != "warning"
                await connection.send(_disconnect(DISCONNECTS[kind]))
        self._changed.ring()

    async def close(self) -> None:
        """Close every websocket."""
        for connection in list(self.connections):
            transport = connection.request.transport
            if connection.silent and transport is not None:
                transport.abort()
            else:
                await connection.socket.close()

    async def _receive(self, connection: Connection, message: aiohttp.WSMessage) -> None:
        if connection.silent:
            return
        if message.type is aiohttp.WSMsgType.PING:
            await connection.socket.pong(message.data)
        elif message.type is aiohttp.WSMsgType.TEXT:
            self._acknowledge(message.data)

    def _acknowledge(self, text: str) -> None:
        """Accept `{"envelope_id", "payload"}` from any connection; note everything else as stray."""
        try:
            answer = json.loads(text)
            envelope_id, payload = answer["envelope_id"], answer.get("payload")
        except (ValueError, KeyError, TypeError, AttributeError):
            self._strayed(text)
            return
        for connection in self.connections:
            waiting = connection.waiting.get(envelope_id)
            if waiting is not None and not waiting.done():
                response = payload if isinstance(payload, dict) and payload else None
                waiting.set_result(delivery.Outcome(acknowledged=True, response=response))
                return
        self._strayed(text)

    def _strayed(self, text: str) -> None:
        self.stray.append(text)
        self._changed.ring()

    def _forget(self, connection: Connection) -> None:
        self.connections.remove(connection)
        for waiting in connection.waiting.values():
            if not waiting.done():
                waiting.set_result(delivery.Outcome(acknowledged=False, reason="connection_failed"))
        self._changed.ring()

    def _hello(self) -> dict[str, Any]:
        return {
            "type": "hello",
            "num_connections": len(self.open_connections()),
            "connection_info": {"app_id": self._app_id},
            "debug_info": {
                "host": "applink-emulated",
                "build_number": 1,
                "approximate_connection_time": 18060,
            },
        }


def _disconnect(reason: str) -> dict[str, Any]:
    return {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-emulated"}}
