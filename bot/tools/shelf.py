"""Every tool there is: what is offered where, and the box of one answer."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Protocol

import structlog

from bot import conversation, ports
from bot.desk import choosing
from bot.operating import metrics
from bot.planning import fitting
from bot.tools import approving, box, describing, listing, searching, toolsets

START_SECONDS = 15.0  # how long a first request waits for servers that have just been started
REFUSED_SECONDS = 3_600.0  # how long the web is left out once Claude's API has refused it

log = structlog.get_logger()


class Server(box.Server, Protocol):
    """What this needs of a server; see servers.Server."""

    settings: listing.Server
    offers: Mapping[str, describing.Offer]
    left_out: Mapping[str, str]
    problem: str | None
    tried: asyncio.Event

    async def run(self) -> None:
        """Stay connected until cancelled."""


class Lists(Protocol):
    """What this needs of the thread log. Each call has been committed when it returns."""

    async def keep_list(self, offered: toolsets.Toolset) -> None:
        """Keep a list of tools."""

    async def tool_list(self, list_id: str) -> toolsets.Toolset:
        """The list of that id."""


@dataclasses.dataclass(kw_only=True)
class Tools:
    """Every tool there is beside recall. Implements ports.Tools."""

    servers: Mapping[str, Server]
    web: listing.Web
    choose: choosing.Choose
    log: searching.Log
    book: Lists
    desk: approving.Desk
    metrics: metrics.Metrics
    monotonic: Callable[[], float]
    _refused: float | None = None  # when the web was refused
    _started: float | None = None

    async def offered(self, reply: conversation.Reply) -> toolsets.Toolset:
        """What is offered in a conversation now; the same while nothing changes."""
        await self._settled()
        chosen = await self.choose(reply.conversation)
        tools = {name: offer.tool for name, offer in self._offers().items() if chosen.allows(offer.server)}
        refused = self._refused is not None and self.monotonic() - self._refused < REFUSED_SECONDS
        if chosen.web and not refused:
            tools |= {tool.name: tool for tool in web(self.web)}
        return toolsets.made(tools)

    async def kept(self, list_id: str) -> toolsets.Toolset:
        """The list that a plan names."""
        if list_id:
            await self._settled()
        return await self.book.tool_list(list_id)

    async def keep(self, offered: toolsets.Toolset) -> None:
        """Commit a list before a plan names it."""
        await self.book.keep_list(offered)

    def box(self, reply: conversation.Reply, request: conversation.Request) -> box.Toolbox:
        """The tools of one answer, which begins with this request."""
        return box.Toolbox(
            offers=self._offers,
            servers=self.servers,
            caps={name: server.settings.calls for name, server in self.servers.items()},
            search=functools.partial(searching.search, self.log, reply.conversation),
            approval=approving.Approval(reply=reply, desk=self.desk),
            metrics=self.metrics,
            monotonic=self.monotonic,
            carried=fitting.carried(request.turns),
        )

    async def tidy(self, reply: conversation.Reply) -> None:
        """Take away the questions that an earlier life of this answer has left."""
        await self.desk.clear(reply)

    def refused(self, offered: toolsets.Toolset, taken: toolsets.Toolset) -> None:
        """Claude's API took a request only without some of its tools."""
        gone = sorted({tool.name for tool in offered.tools} - {tool.name for tool in taken.tools})
        log.error("tools.refused_by_claude", tools=gone)
        if any(tool.served for tool in offered.tools) and not any(tool.served for tool in taken.tools):
            self._refused = self.monotonic()

    def problems(self) -> dict[str, str]:
        """What is wrong now, by server and tool; {} where all is well."""
        down = {f"tools.{name}": each.problem for name, each in self.servers.items() if each.problem}
        missing = {
            f"tools.{name}.{tool}": why
            for name, each in self.servers.items()
            for tool, why in each.left_out.items()
        }
        return down | missing

    def _offers(self) -> dict[str, describing.Offer]:
        return {name: offer for server in self.servers.values() for name, offer in server.offers.items()}

    async def _settled(self) -> None:
        """Give servers that have just been started a moment, so that a restart offers the same list."""
        if self._started is None:
            self._started = self.monotonic()
        waiting = [server.tried.wait() for server in self.servers.values() if not server.tried.is_set()]
        left = START_SECONDS - (self.monotonic() - self._started)
        if waiting and left > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.gather(*waiting), left)
        else:
            for each in waiting:
                each.close()


def web(chosen: listing.Web) -> tuple[conversation.Tool, ...]:
    """Anthropic's own web tools, called directly (platform facts, A12)."""
    domains = {"allowed_domains": list(chosen.allowed_domains)} if chosen.allowed_domains else {}
    return tuple(
        conversation.Tool(
            name=name,
            description="",
            parameters={},
            served={
                "type": kind,
                "name": name,
                "max_uses": uses,
                "allowed_callers": ["direct"],
                **more,
                **domains,
            },
        )
        for name, kind, uses, more in (
            (toolsets.WEB_SEARCH, "web_search_20260318", chosen.searches, {}),
            (toolsets.WEB_FETCH, "web_fetch_20260318", chosen.fetches, {"max_content_tokens": 20_000}),
        )
    )


@contextlib.asynccontextmanager
async def connected(chosen: listing.Listing) -> AsyncIterator[dict[str, Server]]:
    """Every listed server, kept connected while the block runs; their processes end with it."""
    made = await asyncio.to_thread(_servers, chosen) if chosen.servers else {}
    tasks = [asyncio.create_task(each.run(), name=f"tool server {name}") for name, each in made.items()]
    try:
        yield made
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.asynccontextmanager
async def opened(
    chosen: listing.Listing,
    *,
    choose: choosing.Choose,
    book: searching.Log,
    lists: Lists,
    calls: approving.Book,
    platforms: Mapping[str, ports.Platform],
    counted: metrics.Metrics,
    monotonic: Callable[[], float],
) -> AsyncIterator[Tools]:
    """Every tool, its server kept connected while the block runs; servers' processes end with it."""
    async with connected(chosen) as made:
        yield Tools(
            servers=made,
            web=chosen.web,
            choose=choose,
            log=book,
            book=lists,
            desk=approving.Desk(book=calls, platforms=platforms),
            metrics=counted,
            monotonic=monotonic,
        )


def _servers(chosen: listing.Listing) -> dict[str, Server]:
    """Each listed server, not connected yet."""
    from bot.tools import servers  # noqa: PLC0415 - its library takes a second that others need not wait

    listed = sorted(chosen.servers.items())
    return {name: servers.Server(name=name, settings=settings) for name, settings in listed}
