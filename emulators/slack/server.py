"""The workspace as a server on loopback, and the public face that tests, playground and benchmarks use."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any, Self

import aiohttp
from aiohttp import web

from emulators import dates
from emulators.slack import (
    changes,
    control,
    delivery,
    faults,
    files,
    http_events,
    installs,
    interactive,
    limits,
    methods,
    socket_mode,
    web_api,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from emulators.slack import records

Json = dict[str, Any]

_MAX_UPLOAD = 64 * 1024 * 1024


class Slack(interactive.Interactive):
    """One emulated workspace with the bot installed; an async context manager that serves while open.

    `clock` gives Unix seconds and rules timestamps, streams, triggers and limits. `retry_delays` are the
    seconds before each further attempt at an unacknowledged event, `ack_seconds` how long an attempt waits.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        port: int = 0,
        retry_delays: Sequence[float] = delivery.RETRY_DELAYS,
        ack_seconds: float = delivery.ACK_SECONDS,
        seed: int = 0,
    ) -> None:
        changed = changes.Changes()
        self.faults = faults.EventFaults()
        self._call_faults = faults.CallFaults()
        deliveries = delivery.Deliveries(
            clock=clock, changed=changed, faults=self.faults, retry_delays=retry_delays
        )
        super().__init__(clock=clock, changed=changed, deliveries=deliveries)
        self.app = installs.App(first=self)
        self._host, self._port = host, port
        self._ack_seconds = ack_seconds
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None
        self.sockets = socket_mode.SocketMode(
            clock=clock,
            changed=changed,
            draw=random.Random(seed),  # noqa: S311 -- which socket gets an event, not a secret
            ack_seconds=ack_seconds,
            app_id=self.app_id,
        )
        deliveries.transport = self.sockets
        deliveries.on_response = self.answered

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=_MAX_UPLOAD)
        app.on_response_prepare.append(dates.by(self.clock))
        file_server = files.FileServer(state=self, call_faults=self._call_faults)
        open_socket = methods.Method(handler=self._open_connection, tier="1", app_token=True)
        consent = installs.Consent(app=self.app)
        app.router.add_get("/oauth/v2/authorize", consent.show)
        app.router.add_post("/oauth/v2/authorize", consent.decide)
        api = web_api.WebApi(
            workspace=self,
            app=self.app,
            call_faults=self._call_faults,
            spent=limits.Limits(clock=self.clock),
            extra={"apps.connections.open": open_socket},
        )
        app.router.add_route("*", "/api/{method}", api.handle)
        app.router.add_get("/link/", self.sockets.handle)
        app.router.add_route("*", "/upload/v1/{file}", file_server.upload)
        app.router.add_get("/files-pri/{file}/download/{name}", file_server.download)
        app.router.add_get("/files-pri/{file}/{name}", file_server.download)
        app.router.add_post("/response/{token}", interactive.ResponseUrls(workspace=self).handle)
        app.router.add_route("*", "/_emulator/{deed}", control.Control(workspace=self).handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://{self._host}:{self._port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call_faults.release_all()
        await self.deliveries.close()
        await self.sockets.close()
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def events(self) -> list[delivery.Delivery]:
        """Every delivery so far, in order of dispatch."""
        return self.deliveries.all

    def fail(self, fault: faults.Fault) -> faults.Planned:
        """Plan a fault for coming Web API calls; the result steers a `hold`."""
        return self._call_faults.plan(fault)

    def called(self, method: str) -> list[records.Call]:
        """The calls of one method, in order of their answers."""
        return [call for call in self.calls if call.method == method]

    def another(self, name: str, *, same_ids: bool = False) -> interactive.Interactive:
        """A further workspace, where the app is not installed yet; `same_ids`: of people and channels.

        Only team ids are unique on Slack. Its files are not served.
        """
        number = len(self.app.workspaces)
        made = interactive.Interactive(
            clock=self.clock, changed=self.changed, deliveries=self.deliveries, first_id=1000 * number
        )
        made.app, made.app_id, made.url, made.installed = self.app, self.app_id, self.url, False
        made.bot_token = ""
        if same_ids:
            made.number_from(4)  # where the first workspace's people begin
        self.app.workspaces.append(made)
        self.app.names[made.team_id] = name
        return made

    async def deliver_to(self, url: str) -> None:
        """Deliver to this request URL from now on; VerificationError unless it answers the challenge."""
        if self._session is None:
            self._session = aiohttp.ClientSession()
        transport = http_events.HttpEvents(
            url=url, secret=self.signing_secret, session=self._session, ack_seconds=self._ack_seconds
        )
        await transport.verify()
        self.deliveries.transport = transport

    async def disconnect_sockets(self, kind: str = "refresh") -> None:
        """End the open sockets: refresh, warning, link_disabled, abort (TCP reset) or silent (half open)."""
        await self.sockets.disconnect(kind)

    async def connected(self, n: int = 1, *, timeout_seconds: float = 10.0) -> None:
        """Return once at least `n` sockets are open."""
        await self._wait(lambda: len(self.sockets.open_connections()) >= n, timeout_seconds)

    async def settled(self, *, timeout_seconds: float = 10.0) -> None:
        """Return once every delivery is acknowledged or given up."""
        await self._wait(lambda: not self.deliveries.pending(), timeout_seconds)

    async def until(self, predicate: Callable[[Slack], bool], *, timeout_seconds: float = 10.0) -> None:
        """Return once `predicate(workspace)` holds; it is asked again at every change of state."""
        await self._wait(lambda: predicate(self), timeout_seconds)

    async def _wait(self, predicate: Callable[[], bool], timeout_seconds: float) -> None:
        await self.changed.until(predicate, timeout_seconds=timeout_seconds, describe=self._summary)

    def _summary(self) -> str:
        """What a failed wait says: figures and method names, no text of posts."""
        calls = ", ".join(f"{call.method} {call.error or 'ok'}" for call in self.calls[-8:]) or "none"
        waiting = [delivery.event.get("type", delivery.kind) for delivery in self.deliveries.pending()]
        posts = sum(len(channel.messages) for channel in self.channels.values())
        return (
            f"{len(self.sockets.open_connections())} sockets open, {posts} posts, "
            f"{len(self.events)} deliveries of which pending {waiting}, last calls: {calls}"
        )

    def _open_connection(self, _request: methods.Request) -> Json:
        """apps.connections.open: an address for one websocket."""
        ticket = self.sockets.new_ticket()
        return {"url": f"ws://{self._host}:{self._port}/link/?ticket={ticket}&app_id={self.app_id}"}
