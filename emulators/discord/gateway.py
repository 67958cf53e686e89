"""The gateway: a websocket to identify on, resume, and hear events from (developer reference, "Gateway")."""

import asyncio
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import WSMsgType, web

from emulators.discord import events, faults, payloads, sessions, state

KNOWN_INTENTS = sum(1 << bit for bit in (*range(17), 20, 21, 24, 25))
FATAL = (1000, 1001, 4003, 4004, 4005, 4007, 4009, 4010, 4011, 4012, 4013, 4014)
"""Close codes that end the session; after any other it can be resumed."""
RESUMABLE_SECONDS = 180.0
"""Discord gives no figure: "a few minutes"."""
READ_LIMIT = 4096


@dataclass(frozen=True, kw_only=True)
class Handshake:
    """What a client did on the gateway: kind is identify, resume, refused (a resume) or closed."""

    kind: str
    shard: int
    session: str
    at: float
    code: int | None = None


class Refused(Exception):
    """The client gets this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gateway:
    """Every session and every socket."""

    def __init__(self, *, world: state.World, heartbeat_seconds: float, changed: Callable[[], None]) -> None:
        self._world = world
        self._heartbeat = heartbeat_seconds
        self._changed = changed
        self.turbulence = faults.Turbulence()
        self.sessions: dict[str, sessions.Session] = {}
        self.connections: set[sessions.Connection] = set()
        self.handshakes: list[Handshake] = []
        self.refuse_resume = False
        self.closed = False
        self.url = ""

    def publish(self, event: events.Event) -> None:
        """Send an event to every session that may hear it."""
        for each in self.turbulence.through(event):
            self._send(each)
        self._changed()

    def _send(self, event: events.Event) -> None:
        self._forget_lost()
        if event.channel is not None and not self._world.sees(event.channel):
            return
        for session in self.sessions.values():
            if session.hears(event):
                session.dispatch(event.name, session.fit(event))

    def _forget_lost(self) -> None:
        now = self._world.clock()
        for session in list(self.sessions.values()):
            if session.lost_at is not None and now - session.lost_at > RESUMABLE_SECONDS:
                del self.sessions[session.id]

    def live(self) -> list[sessions.Session]:
        """Sessions with an open socket."""
        return [session for session in self.sessions.values() if session.live]

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one socket from HELLO to its end."""
        compress = request.query.get("compress")
        if self.closed or compress not in (None, "zlib-stream"):
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(compress=False, max_msg_size=0)
        await socket.prepare(request)
        connection = sessions.Connection(socket=socket, compressed=compress is not None)
        self.connections.add(connection)
        writer = asyncio.create_task(connection.write())
        try:
            await self._serve(connection, request.query)
        except Refused as refusal:
            connection.send(sessions.Close(code=refusal.code, reason=refusal.reason))
            self._end(connection, refusal.code)
            await connection.written()
        finally:
            if connection.code is not None:
                await connection.written()
            self._end(connection, connection.code or socket.close_code)
            self.connections.discard(connection)
            writer.cancel()
            self._changed()
        return socket

    async def _serve(self, connection: sessions.Connection, query: Any) -> None:
        if query.get("v") not in ("9", "10") or query.get("encoding") != "json":
            raise Refused(4012, "Invalid API version")
        connection.send(
            {"op": 10, "d": {"heartbeat_interval": int(self._heartbeat * 1000)}, "t": None, "s": None}
        )
        while True:
            try:
                raw = await connection.socket.receive(timeout=self._heartbeat * 2)
            except TimeoutError:
                raise Refused(4009, "Session timed out") from None
            if raw.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            self._receive(connection, raw.data)
            self._changed()

    def _receive(self, connection: sessions.Connection, raw: str | bytes) -> None:
        try:
            message = json.loads(raw)
            op, data = message["op"], message.get("d")
        except (ValueError, KeyError, TypeError):
            raise Refused(4002, "Error while decoding payload") from None
        if len(raw) > READ_LIMIT:
            raise Refused(4002, "Payload too large")
        if op == 1:
            connection.heartbeats += 1
            connection.send({"op": 11, "d": None, "t": None, "s": None})
        elif op == 2:
            self._identify(connection, data)
        elif op == 6:
            self._resume(connection, data)
        elif connection.session is None:
            raise Refused(4003, "Not authenticated")
        elif op == 8:
            self._chunk(connection.session, data)
        elif op not in (3, 4, 31):
            raise Refused(4001, "Unknown opcode")

    def _identify(self, connection: sessions.Connection, data: Any) -> None:
        if connection.session is not None:
            raise Refused(4005, "Already authenticated")
        if not isinstance(data, dict) or data.get("token") != self._world.portal.token:
            raise Refused(4004, "Authentication failed")
        if not isinstance(data.get("properties"), dict):
            raise Refused(4002, "Error while decoding payload")
        session = sessions.Session(
            id=secrets.token_hex(16),
            intents=self._intents(data.get("intents")),
            shard=self._shard(data.get("shard")),
            sharded="shard" in data,
            bot=self._world.bot,
        )
        self.sessions[session.id] = session
        self._attach(session, connection, "identify")
        self.welcome(session)

    def _intents(self, intents: Any) -> int:
        if not isinstance(intents, int) or intents & ~KNOWN_INTENTS:
            raise Refused(4013, "Invalid intent(s)")
        if any(intents & state.PRIVILEGED[name] for name in self._world.portal.missing_intents):
            raise Refused(4014, "Disallowed intent(s)")
        return intents

    def _shard(self, shard: Any) -> tuple[int, int]:
        if shard is None:
            if self._world.portal.shards > 1 and len(self._world.guilds) >= 2500:
                raise Refused(4011, "Sharding required")
            return (0, 1)
        if not (isinstance(shard, list) and len(shard) == 2 and 0 <= shard[0] < shard[1]):
            raise Refused(4010, "Invalid shard")
        return (shard[0], shard[1])

    def welcome(self, session: sessions.Session) -> None:
        """Send READY and, with the intent for it, each server of the shard."""
        world = self._world
        mine = [
            guild
            for guild in world.guilds.values()
            if session.hears(events.Event(name="", data={}, guild=guild.id))
        ]
        application = payloads.application(world)
        ready = {
            "v": 10,
            "user": payloads.user(world, world.bot) | {"verified": True, "mfa_enabled": True, "email": None},
            "guilds": [{"id": guild.id, "unavailable": True} for guild in mine],
            "private_channels": [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "application": {"id": application["id"], "flags": application["flags"]},
        }
        session.dispatch("READY", ready | ({"shard": list(session.shard)} if session.sharded else {}))
        for guild in mine if session.intents & events.GUILDS else []:
            members = bool(session.intents & events.MEMBERS)
            session.dispatch("GUILD_CREATE", payloads.guild(world, guild, members=members, gateway=True))

    def _resume(self, connection: sessions.Connection, data: Any) -> None:
        """Replay what was missed, or answer op 9 so that the client starts anew."""
        self._forget_lost()
        if connection.session is not None:
            raise Refused(4005, "Already authenticated")
        if not isinstance(data, dict) or data.get("token") != self._world.portal.token:
            raise Refused(4004, "Authentication failed")
        session = self.sessions.get(str(data.get("session_id")))
        if session is None or self.refuse_resume:
            self.handshakes.append(Handshake(kind="refused", shard=0, session="", at=self._world.clock()))
            connection.send({"op": 9, "d": False, "t": None, "s": None})
            if session is not None:
                self._forget(session)
            return
        seq = data.get("seq")
        if not isinstance(seq, int) or not 0 <= seq <= session.seq:
            self._forget(session)
            raise Refused(4007, "Invalid seq")
        missed = session.sent[seq:]
        self._attach(session, connection, "resume")
        for payload in missed:
            connection.send(payload)
        session.dispatch("RESUMED", {"_trace": []})

    def _attach(self, session: sessions.Session, connection: sessions.Connection, kind: str) -> None:
        if session.connection is not None and session.connection is not connection:
            session.connection.session = None
            session.connection.send(sessions.Close(code=4000, reason="Resumed elsewhere"))
        session.connection, session.lost_at, connection.session = connection, None, session
        self.handshakes.append(
            Handshake(kind=kind, shard=session.shard[0], session=session.id, at=self._world.clock())
        )

    def _chunk(self, session: sessions.Session, data: Any) -> None:
        """Answer REQUEST_GUILD_MEMBERS in one chunk."""
        guild = self._world.guilds.get(str(data.get("guild_id")))
        if guild is None:
            return
        wanted = {str(user) for user in data.get("user_ids") or ()}
        found = [user for user in guild.members if not wanted or user in wanted]
        body = {
            "guild_id": guild.id,
            "members": [payloads.member(self._world, guild, user) for user in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": sorted(wanted - set(found)),
            "nonce": data.get("nonce"),
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", body)

    def _end(self, connection: sessions.Connection, code: int | None) -> None:
        """A socket is over; its session waits for a resume unless the code ends it."""
        session = connection.session
        if session is None:
            return
        connection.session = None
        session.connection, session.lost_at = None, self._world.clock()
        self.handshakes.append(
            Handshake(
                kind="closed", shard=session.shard[0], session=session.id, at=self._world.clock(), code=code
            )
        )
        if code in FATAL:
            self._forget(session)

    def _forget(self, session: sessions.Session) -> None:
        self.sessions.pop(session.id, None)

    def invalidate(self, session: sessions.Session, *, resumable: bool) -> None:
        """Send op 9; a session that is not resumable is forgotten."""
        if session.connection is not None:
            session.connection.send({"op": 9, "d": resumable, "t": None, "s": None})
        if not resumable:
            self._forget(session)

    def drop_all(self) -> None:
        """Cut every socket and forget every session, as a long outage does."""
        self.sessions.clear()
        for connection in self.connections:
            connection.session = None
            connection.cut()
