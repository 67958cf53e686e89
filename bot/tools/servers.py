"""MCP servers: each kept connected by a task of its own; what it lists is looked at again and again.

A server that is down takes nothing with it: its tools are left out until it is back, which is tried ever
less often. A steady connection that is lost is made anew at once, and its tools stay offered meanwhile, so
that a server's restart does not rewrite every thread's prefix.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import httpx2
import mcp_types
import structlog
from mcp.client import client as mcp_client
from mcp.client import streamable_http
from mcp.shared import exceptions

from bot.tools import describing, listing, pipes

CONNECT_SECONDS = 20.0  # for a server to start, and to list its tools
LOOK_SECONDS = 60.0  # between two looks at what a server lists: not every one says that it has changed
QUIET_SECONDS = 5.0  # at least, also where it says again and again that it has changed
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 300.0  # seconds between two tries to connect
STEADY_SECONDS = 10.0  # a connection that lasted so long is made anew at once when it is lost
MOST_PAGES = 20  # of a list of tools

log = structlog.get_logger()


@dataclasses.dataclass(kw_only=True)
class Server:
    """One server, as long as `run` runs."""

    name: str
    settings: listing.Server
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    changed: Callable[[str], None] = lambda _: None  # told when its list changed while it was connected
    offers: Mapping[str, describing.Offer] = dataclasses.field(default_factory=dict)
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)  # by tool: why
    problem: str | None = "not connected yet"
    tried: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)  # set after the first try
    _client: mcp_client.Client | None = None
    _look: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    _broken: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while True:
            since = None
            try:
                async with self._connected() as client:
                    self._client, since = client, loop.time()
                    self.tried.set()
                    await self._watch(client)
            except Exception as error:  # noqa: BLE001 - whatever a server does must not end the bot
                at_once = since is not None and loop.time() - since > STEADY_SECONDS
                self._lost(error, at_once=at_once)
            finally:
                self._client = None
                self.tried.set()
            task = asyncio.current_task()
            if task is not None and task.cancelling():  # a broken connection can swallow the cancellation
                raise asyncio.CancelledError
            if at_once:
                pause = FIRST_PAUSE
                continue
            await self.sleep(pause)
            pause = min(LONGEST_PAUSE, 2 * pause)

    async def call(self, name: str, asked: Mapping[str, Any]) -> describing.Given:
        """Have a tool carried out within its time. Raises Gone and Unsure."""
        client = self._client
        if client is None:
            raise describing.Gone(self.problem or "not connected")
        try:
            async with asyncio.timeout(self.settings.seconds):
                return _given(
                    await client.call_tool(name, dict(asked), read_timeout_seconds=self.settings.seconds)
                )
        except TimeoutError:
            raise describing.Unsure(f"no answer within {self.settings.seconds:g} s") from None
        except exceptions.MCPError as error:
            if error.error.code in (mcp_types.INVALID_PARAMS, mcp_types.METHOD_NOT_FOUND):
                said = {"type": "text", "text": error.error.message}
                return describing.Given(content=[said], failed=True)
            if error.error.code == mcp_types.CONNECTION_CLOSED:
                self._broken.set()
                raise describing.Unsure("the connection was lost") from None
            raise describing.Unsure("the server reported an error of its own") from None
        except Exception as error:  # noqa: BLE001 - whatever a server does is the call's outcome
            # A result that is not as the server itself described it, or a transport that broke.
            raise describing.Unsure(f"what came back was of no use ({type(error).__name__})") from None

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[mcp_client.Client]:
        """A client that has listed the tools once."""
        self._look, self._broken = asyncio.Event(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            async with asyncio.timeout(CONNECT_SECONDS):
                client = await stack.enter_async_context(
                    mcp_client.Client(
                        await self._transport(stack),
                        read_timeout_seconds=CONNECT_SECONDS,
                        message_handler=self._told,
                        cache=None,
                    )
                )
                await self._list(client)
            yield client

    async def _transport(self, stack: contextlib.AsyncExitStack) -> Any:
        chosen = self.settings
        if chosen.command is not None:
            return pipes.piped(chosen.command, chosen.args, chosen.environment)
        http = httpx2.AsyncClient(
            headers={**chosen.headers, "Accept-Encoding": "identity"},
            timeout=httpx2.Timeout(CONNECT_SECONDS, read=chosen.seconds + CONNECT_SECONDS),
            transport=Bounded(httpx2.AsyncHTTPTransport()),
        )
        await stack.enter_async_context(http)
        return streamable_http.streamable_http_client(
            str(chosen.url), http_client=http, max_sse_event_size=pipes.MOST
        )

    async def _watch(self, client: mcp_client.Client) -> None:
        """Look at the list when the server says so, and now and then; raises when it is gone."""
        while True:
            await self._until_broken(self.sleep(QUIET_SECONDS))
            await self._until_broken(self._look.wait())
            self._look.clear()
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._list(client)

    async def _until_broken(self, other: Awaitable[object]) -> None:
        """Wait for that, or until a call finds the connection broken, or until it is time for a look."""
        tasks = [asyncio.ensure_future(each) for each in (other, self._broken.wait())]
        try:
            await asyncio.wait(tasks, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()

    async def _list(self, client: mcp_client.Client) -> None:
        described: list[describing.Described] = []
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await client.list_tools(cursor=cursor)
            described += [_described(tool) for tool in page.tools]
            cursor = page.next_cursor
            if not cursor:
                break
        allowed = self.settings.tools
        offers, left_out = describing.offers(
            self.name, described, allowed=allowed, writes=self.settings.writes
        )
        again = self.problem is None
        if again and offers != self.offers:
            names = sorted(
                name for name in {*offers, *self.offers} if offers.get(name) != self.offers.get(name)
            )
            log.warning("tools.changed", server=self.name, tools=names)
            self.changed(self.name)
        elif not again:
            log.info("tools.connected", server=self.name, tools=sorted(offers))
        if left_out != self.left_out:
            for name, reason in left_out.items():
                log.warning("tools.left_out", server=self.name, tool=name, reason=reason)
        self.offers, self.left_out, self.problem = offers, left_out, None

    async def _told(self, message: Any) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._look.set()

    def _lost(self, error: Exception, *, at_once: bool) -> None:
        """Note that there is no connection; where it is tried again at once its tools stay offered."""
        reason = _reason(error)
        log.warning("tools.server_down", server=self.name, reason=reason)
        if not at_once:
            self.offers, self.problem = {}, reason


class Bounded(httpx2.AsyncBaseTransport):
    """HTTP whose answers end at so many bytes; an event stream is bounded by its reader, event by event."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass the request on; an answer that is packed though not asked to be is a RemoteProtocolError."""
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            await response.aclose()
            raise httpx2.RemoteProtocolError("packed though not asked to")
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            response.stream = _BoundedStream(response.stream)  # type: ignore[arg-type] # an asynchronous one
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _BoundedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        left = pipes.MOST
        async for chunk in self._inner:
            left -= len(chunk)
            if left < 0:
                log.warning("tools.message_too_long", most=pipes.MOST)
                raise httpx2.ReadError("longer than is read")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


def _given(gave: mcp_types.CallToolResult) -> describing.Given:
    return describing.Given(
        content=[block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in gave.content],
        structured=gave.structured_content,
        failed=bool(gave.is_error),
    )


def _described(tool: mcp_types.Tool) -> describing.Described:
    hints = tool.annotations
    read_only = hints.read_only_hint if hints is not None else None
    return describing.Described(
        name=tool.name,
        description=tool.description or "",
        schema=tool.input_schema,
        writes=None if read_only is None else not read_only,
    )


def _reason(error: BaseException) -> str:
    """Why there is no connection, in a few words that hold nothing a server said."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case FileNotFoundError():
            return "there is no such program"
        case OSError() if error.strerror:
            return error.strerror
        case TimeoutError():
            return f"no answer within {CONNECT_SECONDS:g} s"
        case httpx2.HTTPStatusError():
            return f"status {error.response.status_code}"
        case _:
            return f"{type(error).__name__}"
