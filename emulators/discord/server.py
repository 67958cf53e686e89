"""The service as its users hold it: a server on loopback, its people, its log and its faults."""

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Literal, Self

from aiohttp import web

from emulators import dates
from emulators.discord import (
    actions,
    control,
    faults,
    gateway,
    interactions,
    mentions,
    payloads,
    people,
    rate_limits,
    records,
    rest,
    routing,
    sessions,
    state,
    threads,
)

Break = Literal["reconnect", "abort", "cut", "close", "invalid_session", "ready", "silent"]
Predicate = Callable[["Discord"], bool]


class Discord(people.People):
    """Discord on loopback.

    `clock` gives seconds since 1970 and rules ids, times, nonces, sessions and expiry. Every method of
    `People` returns when the state has changed and the events are queued; `settled` waits until they are
    written.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        heartbeat_seconds: float = 41.25,
        timeout: float = 10,
    ) -> None:
        # A token has the shape of a real one, so that redaction by shape is exercised.
        self.token = (
            token or f"{secrets.token_urlsafe(18)}.{secrets.token_urlsafe(5)}.{secrets.token_urlsafe(28)}"
        )
        self._host, self._port, self._timeout = host, port, timeout
        self._changes = asyncio.Event()
        world = state.World(clock=clock, token=self.token)
        self.gateway = gateway.Gateway(
            world=world, heartbeat_seconds=heartbeat_seconds, changed=self._changed
        )
        acts = actions.Actions(world=world, publish=self.gateway.publish)
        backend = routing.Backend(
            world=world,
            acts=acts,
            threads=threads.Threads(world=world, publish=self.gateway.publish, acts=acts),
            desk=interactions.Desk(world=world, publish=self.gateway.publish, acts=acts),
            gateway_url=lambda: self.gateway_url,
        )
        super().__init__(backend=backend, publish=self.gateway.publish)
        self._rest = rest.Rest(backend=backend, changed=self._changed)
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.on_response_prepare.append(dates.by(self._world.clock))
        app.router.add_get("/gateway", self.gateway.handle)
        app.router.add_get("/attachments/{channel}/{file}/{name}", self._rest.cdn)
        app.router.add_route("*", rest.PREFIX + "/{tail:.*}", self._rest.handle)
        control.install(app, self)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self.url = f"http://{self._host}:{self._runner.addresses[0][1]}"
        self._world.cdn = self.url
        self.gateway.url = self.gateway_url
        return self

    async def __aexit__(self, *_: object) -> None:
        self._rest.faults.release_all()
        self.gateway.closed = True
        self.gateway.drop_all()
        if self._runner is not None:
            await self._runner.cleanup()

    def _changed(self) -> None:
        changes, self._changes = self._changes, asyncio.Event()
        changes.set()

    @property
    def api_url(self) -> str:
        """Base of the REST API, as `discord.http.Route.BASE` wants it."""
        return self.url + rest.PREFIX

    @property
    def gateway_url(self) -> str:
        """Address of the gateway."""
        return self.url.replace("http", "ws", 1) + "/gateway"

    @property
    def bot_user_id(self) -> str:
        """The bot's user id."""
        return self._world.bot

    @property
    def application_id(self) -> str:
        """The application's id."""
        return self._world.application_id

    @property
    def world(self) -> state.World:
        """Everything that exists, as records: for those who look often and change nothing."""
        return self._world

    def messages(self, channel: people.Id) -> list[records.Json]:
        """What stands in a channel now, oldest first."""
        found = self._world.channel(channel)
        return [payloads.message(self._world, message) for message in found.messages.values()]

    def threads(self, channel: people.Id) -> list[records.Json]:
        """The threads of a channel, oldest first."""
        return [payloads.channel(self._world, thread) for thread in self._world.threads(parent=str(channel))]

    def thread_members(self, thread: people.Id) -> list[str]:
        """Who is in a thread."""
        return list(self._world.channel(thread).members)

    @property
    def channels(self) -> list[records.Json]:
        """Every channel, thread and direct message."""
        return [payloads.channel(self._world, channel) for channel in self._world.channels.values()]

    @property
    def calls(self) -> list[rest.Call]:
        """Every API call that came in, in the order it was answered."""
        return self._rest.calls

    @property
    def typing(self) -> list[actions.Typing]:
        """Every time somebody, the bot included, began to type."""
        return self._backend.acts.typing

    @property
    def pings(self) -> Mapping[str, mentions.Ping]:
        """Whom each message notified, by message id."""
        return self._world.pings

    @property
    def commands(self) -> list[records.Json]:
        """Registered application commands of every scope."""
        return self._backend.desk.commands.every()

    @property
    def interactions(self) -> list[interactions.Interaction]:
        """Everything people started, oldest first."""
        return list(self._backend.desk.all.values())

    @property
    def reactions(self) -> dict[str, dict[str, list[str]]]:
        """Reactions that stand now: message id, emoji, users."""
        every = (
            message for channel in self._world.channels.values() for message in channel.messages.values()
        )
        return {message.id: dict(message.reactions) for message in every if message.reactions}

    @property
    def missing_intents(self) -> set[str]:
        """Privileged intents off in the portal: members, presences, message_content."""
        return self._world.portal.missing_intents

    @property
    def portal(self) -> state.Portal:
        """Switches: shards advised, people who take no messages, limits."""
        return self._world.portal

    @property
    def rate_limits(self) -> bool:
        """Whether buckets are counted; off at first, for speed."""
        return self._rest.buckets is not None

    @rate_limits.setter
    def rate_limits(self, on: bool) -> None:
        self._rest.buckets = rate_limits.Buckets(clock=self._world.clock) if on else None

    def fail(self, fault: faults.Fault) -> faults.Armed:
        """Arm a fault of the API; what comes back can be waited for and released."""
        return self._rest.faults.arm(fault)

    def disturb(self, disturbance: faults.Disturbance) -> None:
        """Arm a disturbance of gateway events."""
        self.gateway.turbulence.arm(disturbance)

    @property
    def sessions(self) -> list[sessions.Session]:
        """Gateway sessions with an open socket."""
        return self.gateway.live()

    @property
    def handshakes(self) -> list[gateway.Handshake]:
        """What clients did on the gateway: identify, resume, refused, closed."""
        return self.gateway.handshakes

    async def break_gateway(
        self,
        *,
        kind: Break,
        code: int = 4000,
        resumable: bool = True,
        refuse_resume: bool = False,
        shard: int | None = None,
    ) -> None:
        """Break the connections (of one shard) and wait until that is on the wire.

        reconnect: op 7; abort: TCP reset; cut: reset in the middle of a compressed event; close: with
        `code`; invalid_session: op 9; ready: READY once more; silent: nothing is written any more, not even
        heartbeat acknowledgements. `refuse_resume` answers later resumes with op 9 until it is set back.
        """
        self.gateway.refuse_resume = refuse_resume
        broken = [each for each in self.gateway.live() if shard in (None, each.shard[0])]
        pairs = [(each, each.connection) for each in broken if each.connection is not None]
        for session, connection in pairs:
            if kind == "reconnect":
                connection.send({"op": 7, "d": None, "t": None, "s": None})
            elif kind == "abort":
                connection.send(sessions.Abort())
            elif kind == "cut":
                connection.send(
                    sessions.Abort(half={"op": 0, "t": "TYPING_START", "s": session.seq + 1, "d": {}})
                )
            elif kind == "close":
                connection.send(sessions.Close(code=code))
            elif kind == "invalid_session":
                self.gateway.invalidate(session, resumable=resumable)
            elif kind == "ready":
                self.gateway.welcome(session)
            else:
                connection.silent = True
        for _, connection in pairs:
            await connection.written()

    def down(self, *, status: int = 503) -> None:
        """An outage: calls get `status`, sockets are cut, sessions forgotten; posts change the state only."""
        self._rest.outage = status
        self.gateway.closed = True
        self.gateway.drop_all()

    def up(self) -> None:
        """The outage is over."""
        self._rest.outage = None
        self.gateway.closed = False

    async def connected(self) -> None:
        """Wait until every shard of the bot has a session on an open socket."""
        await self.until(lambda service: service.all_shards_live())

    def all_shards_live(self) -> bool:
        """Whether each shard that the newest session counts has an open socket."""
        live = self.gateway.live()
        return bool(live) and len({each.shard[0] for each in live}) == live[-1].shard[1]

    async def settled(self) -> None:
        """Wait until every event is written to the sessions that are live."""
        for connection in list(self.gateway.connections):
            await connection.written()

    async def until(self, predicate: Predicate, *, timeout: float | None = None) -> None:  # noqa: ASYNC109 - a last resort
        """Wait until `predicate(service)` holds; looked at again after each call, event and handshake."""
        limit = self._timeout if timeout is None else timeout
        try:
            async with asyncio.timeout(limit):
                while not predicate(self):
                    await self._changes.wait()
        except TimeoutError:
            last = (
                "; ".join(f"{call.method} {call.route} {call.status}" for call in self.calls[-5:]) or "none"
            )
            text = f"not so after {limit} s; {len(self.sessions)} sessions live, last calls: {last}"
            raise TimeoutError(text) from None
