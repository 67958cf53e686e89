"""What Claude may use in one answer: recall, tools of MCP servers, and what Anthropic's servers carry out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import structlog

from bot import conversation
from bot.operating import metrics
from bot.planning import fitting
from bot.tools import approving, describing, recalling, searching, toolsets

RECALLS = 6  # in one answer
ENOUGH = "You have used this tool as often as one answer may: go on with what you know."
LOST = (
    "Nobody knows whether it was carried out ({reason}): find out or tell the person, do not just repeat it."
)

_SERVED = {toolsets.WEB_SEARCH: "Searching the web", toolsets.WEB_FETCH: "Reading a page"}

log = structlog.get_logger()

Tell = Callable[[str], None]
"""Shows a line of progress; "" takes it away."""


class Server(Protocol):
    """What a call needs of a server; see servers.Server."""

    async def call(self, name: str, asked: Mapping[str, Any]) -> describing.Given:
        """Have a tool carried out."""


@dataclasses.dataclass(kw_only=True)
class Toolbox:
    """The tools of one answer, with what of each has been used up. Implements ports.Toolbox."""

    offers: Callable[[], Mapping[str, describing.Offer]]  # by the name Claude calls it, as of now
    servers: Mapping[str, Server]
    caps: Mapping[str, int]  # by server: calls in one answer
    search: Callable[[Mapping[str, Any], searching.Fits], Awaitable[toolsets.Result]]
    approval: approving.Approval
    metrics: metrics.Metrics
    monotonic: Callable[[], float]
    carried: fitting.Load = dataclasses.field(default_factory=fitting.Load)  # what the request holds of files
    _recalled: list[conversation.Media] = dataclasses.field(default_factory=list)  # what came beside that
    _used: dict[str, int] = dataclasses.field(default_factory=dict)  # by server
    _wrote: list[tuple[str, str, toolsets.Result]] = dataclasses.field(default_factory=list)
    _again: list[tuple[str, str, toolsets.Result]] = dataclasses.field(default_factory=list)

    async def use(self, call: toolsets.Call, tell: Tell) -> toolsets.Result:
        """Carry out a call; whatever goes wrong is the result."""
        began = self.monotonic()
        offer = self.offers().get(call.tool)
        server, tool = ("threadmate", call.tool) if offer is None else (offer.server, offer.name)
        self._used[server] = self._used.get(server, 0) + 1
        if self._used[server] > self.caps.get(server, RECALLS):
            result, outcome = toolsets.Result(text=ENOUGH, failed=True), "capped"
        elif call.tool == recalling.TOOL.name:
            tell("Looking at older posts")
            result, outcome = await self._search(call), "ran"
        elif offer is None:
            text = f"There is no tool {call.tool!r} any more: go on without it."
            result, outcome, tool = toolsets.Result(text=text, failed=True), "unknown", "unknown"
        else:
            tell(f"Using {offer.label}")
            result, outcome = await (self._write if offer.writes else self._read)(call, offer)
        tell("")
        self._count(server, tool, outcome, self.monotonic() - began)
        return result

    def served(self, tool: str, tell: Tell, *, done: bool) -> None:
        """Anthropic's servers begin or have ended a use of a tool."""
        tell("" if done else _SERVED.get(tool, "Working"))
        if done:
            self._count("anthropic", tool if tool in _SERVED else "other", "ran", None)

    def restart(self) -> None:
        """The call of Claude is made again from its beginning: what was written stays written."""
        self._again += self._wrote
        self._wrote = []
        self._recalled = []

    async def _search(self, call: toolsets.Call) -> toolsets.Result:
        result = await self.search(call.asked, self._fits)
        if result.shown is not None and result.shown.media is not None:
            self._recalled.append(result.shown.media)
        return result

    def _fits(self, media: conversation.Media) -> bool:
        """Whether one more file is legal: each call of an answer carries all that came before."""
        load = self.carried
        for each in (*self._recalled, media):
            load = load.plus(each)
        return load.legal()

    async def _read(self, call: toolsets.Call, offer: describing.Offer) -> tuple[toolsets.Result, str]:
        result, sure = await self._run(call, offer)
        return result, ("failed" if result.failed else "ran") if sure else "unsure"

    async def _write(self, call: toolsets.Call, offer: describing.Offer) -> tuple[toolsets.Result, str]:
        asked = json.dumps(call.asked, sort_keys=True)
        for before in self._again:
            if before[:2] == (offer.tool.name, asked):
                self._again.remove(before)
                self._wrote.append(before)
                return before[2], "repeated"

        async def run() -> tuple[toolsets.Result, bool]:
            result, sure = await self._run(call, offer)
            self._wrote.append((offer.tool.name, asked, result))
            return result, sure

        return await self.approval.carry_out(call, offer, run)

    async def _run(self, call: toolsets.Call, offer: describing.Offer) -> tuple[toolsets.Result, bool]:
        """What a call gives, and whether that is sure."""
        try:
            gave = await self.servers[offer.server].call(offer.name, call.asked)
        except (KeyError, describing.Gone):
            text = f"The server {offer.server} is not reachable now; nothing was carried out."
            return toolsets.Result(text=text, failed=True), True
        except describing.Unsure as error:
            if offer.writes:
                return toolsets.Result(text=LOST.format(reason=error), failed=True), False
            return toolsets.Result(text=f"It did not work: {error}.", failed=True), False
        return describing.result(offer, gave), True

    def _count(self, server: str, tool: str, outcome: str, seconds: float | None) -> None:
        self.metrics.tools.labels(server=server, tool=tool, outcome=outcome).inc()
        if seconds is not None:
            self.metrics.tool_seconds.labels(server=server).observe(seconds)
        log.info("tools.used", server=server, tool=tool, outcome=outcome, seconds=seconds)
