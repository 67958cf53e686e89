"""A gateway session: what it may hear, what it was sent, and the socket it is on, if any."""

import asyncio
import json
import zlib
from dataclasses import dataclass, field

from aiohttp import web

from emulators.discord import events, records

Json = records.Json


@dataclass(frozen=True, kw_only=True)
class Abort:
    """Cut the TCP connection; with `half` after the first half of a compressed event."""

    half: Json | None = None


@dataclass(frozen=True, kw_only=True)
class Close:
    """Close the socket with a code."""

    code: int
    reason: str = ""


class Connection:
    """One websocket: everything goes through one queue and one zlib stream, so the order holds."""

    def __init__(self, *, socket: web.WebSocketResponse, compressed: bool) -> None:
        self.socket = socket
        self.session: Session | None = None
        self.silent = False
        self.heartbeats = 0
        self.code: int | None = None
        self._zlib = zlib.compressobj() if compressed else None
        self._queue: asyncio.Queue[Json | Abort | Close] = asyncio.Queue()

    def send(self, item: Json | Abort | Close) -> None:
        """Queue a payload or an end."""
        self._queue.put_nowait(item)

    async def written(self) -> None:
        """Wait until all that was queued is on the wire."""
        await self._queue.join()

    async def write(self) -> None:
        """Write what is queued until the socket ends; what comes after that is thrown away."""
        while True:
            item = await self._queue.get()
            try:
                if not self.socket.closed:
                    await self._write(item)
            except ConnectionError:
                self.cut()
            finally:
                self._queue.task_done()

    async def _write(self, item: Json | Abort | Close) -> None:
        if isinstance(item, Close):
            self.code = item.code
            await self.socket.close(code=item.code, message=item.reason.encode(), drain=True)
        elif isinstance(item, Abort):
            if item.half is not None:
                frame = self._frame(item.half)
                await self.socket.send_bytes(frame[: len(frame) // 2])
            self.cut()
        elif not self.silent:
            if self._zlib is None:
                await self.socket.send_str(json.dumps(item))
            else:
                await self.socket.send_bytes(self._frame(item))

    def _frame(self, item: Json) -> bytes:
        packer = self._zlib or zlib.compressobj()
        return packer.compress(json.dumps(item).encode()) + packer.flush(zlib.Z_SYNC_FLUSH)

    def cut(self) -> None:
        """Reset the TCP connection."""
        request = self.socket._req  # noqa: SLF001 - aiohttp has no public way to abort a websocket
        if request is not None and request.transport is not None:
            request.transport.abort()


@dataclass(kw_only=True)
class Session:
    """What survives a lost socket: everything sent stays to be replayed."""

    id: str
    intents: int
    shard: tuple[int, int]
    sharded: bool
    bot: str
    sent: list[Json] = field(default_factory=list)
    connection: Connection | None = None
    lost_at: float | None = None

    @property
    def live(self) -> bool:
        """Whether a socket is open for it."""
        return self.connection is not None

    @property
    def seq(self) -> int:
        """Number of the last event."""
        return len(self.sent)

    def hears(self, event: events.Event) -> bool:
        """Whether the event is for this shard and its intents."""
        mine = 0 if event.guild is None else (int(event.guild) >> 22) % self.shard[1]
        return mine == self.shard[0] and (not event.intent or bool(self.intents & event.intent))

    def dispatch(self, name: str, data: Json) -> None:
        """Number an event, keep it for a replay and send it if a socket is open."""
        payload = {"op": 0, "t": name, "s": self.seq + 1, "d": data}
        self.sent.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def fit(self, event: events.Event) -> Json:
        """The event's data, its content emptied where the session may not read it."""
        if event.name not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or self.intents & events.MESSAGE_CONTENT:
            return event.data
        return readable(event.data, bot=self.bot, private=event.guild is None)


def readable(message: Json, *, bot: str, private: bool) -> Json:
    """A message without the message-content intent.

    It is empty, but for direct messages, the bot's own and those that mention it.
    """
    mentioned = any(user["id"] == bot for user in message["mentions"])
    if private or message["author"]["id"] == bot or mentioned:
        body = message
    else:
        body = message | {"content": "", "embeds": [], "attachments": [], "components": []}
    if body.get("referenced_message"):
        inner = readable(body["referenced_message"], bot=bot, private=private)
        body = body | {"referenced_message": inner}
    return body
