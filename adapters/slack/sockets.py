"""Socket Mode on two connections, each replaced by a new one before it is closed.

slack_sdk 3.47 closes a socket before it asks for the next, which leaves a gap at every refresh, and its
`connect` tries for ever. So its client is used for one socket's life only: it says when the socket is worn
out (a `disconnect` from Slack, a close, missing pongs), and a keeper opens the next. Slack sends each event
to one of the connections and an event that is not acknowledged again, so nothing is lost between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator

import structlog
from slack_sdk.socket_mode import aiohttp as socket_mode
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import web
from bot import errors

SOCKETS = 2
PING_SECONDS = 5.0  # a socket whose pongs stay out is given up after four of these
CONNECT_SECONDS = 15.0
DRAIN_SECONDS = 3.0  # how long a worn socket is kept for acknowledgements under way
_BACKOFF = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds between tries to connect

log = structlog.get_logger()

Handle = Callable[[AsyncBaseSocketModeClient, SocketModeRequest], Awaitable[None]]


class _Socket(socket_mode.SocketModeClient):
    """One socket's life. `worn` is set when another should take its place."""

    def __init__(self, *, url: str, client: AsyncWebClient, logger: logging.Logger, ping: float) -> None:
        super().__init__(app_token="", logger=logger, web_client=client, ping_interval=ping)
        self.wss_uri = url
        self.worn = asyncio.Event()
        self.dismissed = False  # Slack itself asked for a new connection and keeps this one until then
        self.idle = asyncio.Event()
        self.idle.set()
        self._busy = 0

    async def connect_to_new_endpoint(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - the SDK's signature
        """The SDK asks for a new connection, with `force` because Slack does; the keeper makes it."""
        self.dismissed = self.dismissed or force
        self.worn.set()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """An envelope is being handled; `idle` is set when none is."""
        self._busy += 1
        self.idle.clear()
        try:
            yield
        finally:
            self._busy -= 1
            if self._busy == 0:
                self.idle.set()

    async def is_sound(self) -> bool:
        """Whether it is connected and its own tasks are alive."""
        tasks = (self.message_receiver, self.current_session_monitor, self.message_processor)
        return await self.is_connected() and not any(task is None or task.done() for task in tasks)

    async def end(self) -> None:
        """Close it and wait for its tasks to be gone."""
        tasks = (self.message_receiver, self.current_session_monitor, self.message_processor)
        with contextlib.suppress(Exception):
            await self.close()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)


class Sockets:
    """Keeps the connections of one app."""

    def __init__(
        self,
        *,
        api: web.Web,
        client: AsyncWebClient,
        handle: Handle,
        on_gap: Callable[[], None],
        sleep: web.Sleep,
        logger: logging.Logger,
        ping: float = PING_SECONDS,
    ) -> None:
        self._api = api
        self._client = client
        self._handle = handle
        self._on_gap = on_gap
        self._sleep = sleep
        self._logger = logger
        self._ping = ping
        self._open: set[_Socket] = set()
        self._keepers: list[asyncio.Task[None]] = []
        self._gap = False

    async def start(self) -> None:
        """Connect; returns with the first connection. Raises CredentialError for a refused app token."""
        try:
            url = await self._new_url()
        except web.Refused as refused:
            raise errors.CredentialError(
                f"SLACK_APP_TOKEN: Slack refuses it ({refused.code}); it should be an app-level token "
                "with the scope connections:write, of an app that has Socket Mode on"
            ) from refused
        first = await self._connect(url)
        self._keepers = [asyncio.create_task(self._keep(first))]
        self._keepers += [asyncio.create_task(self._keep(None)) for _ in range(SOCKETS - 1)]

    async def stop(self) -> None:
        """Close every connection, acknowledgements under way first."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(self._retire(socket) for socket in set(self._open)))

    @property
    def alive(self) -> int:
        """How many connections are up."""
        return sum(not socket.worn.is_set() for socket in self._open)

    async def _keep(self, socket: _Socket | None) -> None:
        """Keep one connection, for ever."""
        while True:
            if socket is None or socket.worn.is_set():
                worn, socket = socket, await self._replace()
                if worn is not None:
                    await self._retire(worn)
            await self._until_worn(socket)

    async def _replace(self) -> _Socket:
        failures = 0
        while True:
            try:
                return await self._connect(await self._new_url())
            except (errors.PlatformError, TimeoutError) as error:
                wait = _BACKOFF[min(failures, len(_BACKOFF) - 1)]
                failures += 1
                log.warning("slack.socket_refused", fault=str(error) or type(error).__name__, wait=wait)
                await self._sleep(wait)

    async def _new_url(self) -> str:
        return str((await self._api.call("apps.connections.open"))["url"])

    async def _connect(self, url: str) -> _Socket:
        socket = _Socket(url=url, client=self._client, logger=self._logger, ping=self._ping)
        socket.socket_mode_request_listeners.append(self._take)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await socket.connect()  # type: ignore[no-untyped-call]  # slack_sdk leaves it untyped
        except BaseException:
            await socket.end()
            raise
        self._open.add(socket)
        log.info("slack.socket_open", alive=self.alive)
        if self._gap:
            self._gap = False
            self._on_gap()
        return socket

    async def _until_worn(self, socket: _Socket) -> None:
        while not socket.worn.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(2 * self._ping):
                    await socket.worn.wait()
            if not await socket.is_sound():
                socket.worn.set()
        log.info("slack.socket_worn", alive=self.alive)
        # A socket that died may have been dead for a while, and the other one, which is thought alive, too.
        self._gap = self._gap or self.alive == 0 or not socket.dismissed

    async def _retire(self, socket: _Socket) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await socket.idle.wait()
        self._open.discard(socket)
        await socket.end()

    async def _take(self, socket: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if not isinstance(socket, _Socket):
            raise TypeError(type(socket).__name__)
        with socket.at_work():
            await self._handle(socket, request)
