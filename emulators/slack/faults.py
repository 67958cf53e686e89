"""Faults on command: on Web API calls (`Fault`, queued) and on the way of events (`EventFaults`)."""

from __future__ import annotations

import asyncio
import fnmatch
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = frozenset({"ratelimited", "error", "http", "lose_request", "lose_response", "delay", "hold"})


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` calls of `method` (an fnmatch pattern) that `match` accepts.

    `ratelimited`: HTTP 429 with Retry-After `retry_after` (seconds). `error`: `{"ok": false}` with `error`.
    `http`: `status` with an HTML body. `lose_request`, `lose_response`: the connection breaks before or after
    the call took effect. `delay`: `delay` seconds. `hold`: until `Planned.release()`.
    `effect`: the call takes effect before an `error`, `http` or `hold`.
    """

    kind: str
    method: str = "*"
    times: int = 1
    retry_after: int = 1
    error: str = "fatal_error"
    status: int = 503
    delay: float = 0.0
    effect: bool = False
    match: Callable[[dict[str, Any]], bool] | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"unknown kind of fault {self.kind!r}, known: {', '.join(sorted(KINDS))}")


@dataclass(kw_only=True)
class Planned:
    """A fault in the queue; a `hold` is steered with `reached` and `release`."""

    fault: Fault
    left: int
    _reached: asyncio.Event = field(default_factory=asyncio.Event)
    _released: asyncio.Event = field(default_factory=asyncio.Event)

    async def reached(self) -> None:
        """Return once a call has met this fault."""
        await self._reached.wait()

    def release(self) -> None:
        """Let the held calls go on."""
        self._released.set()

    async def hold(self) -> None:
        """Wait for the release."""
        await self._released.wait()


class CallFaults:
    """The queue of faults on Web API calls."""

    def __init__(self) -> None:
        self._planned: list[Planned] = []
        self._all: list[Planned] = []

    def plan(self, fault: Fault) -> Planned:
        """Queue a fault."""
        planned = Planned(fault=fault, left=fault.times)
        self._planned.append(planned)
        self._all.append(planned)
        return planned

    def take(self, method: str, args: dict[str, Any]) -> Planned | None:
        """The first fault that applies to this call, used up once."""
        for planned in self._planned:
            fault = planned.fault
            if not fnmatch.fnmatchcase(method, fault.method) or (fault.match and not fault.match(args)):
                continue
            planned.left -= 1
            if planned.left == 0:
                self._planned.remove(planned)
            planned._reached.set()  # noqa: SLF001 -- the queue and its entries are one thing
            return planned
        return None

    def release_all(self) -> None:
        """Let every held call go, so that the server can stop."""
        for planned in self._all:
            planned.release()


class EventFaults:
    """What goes wrong on the way of events to the app."""

    def __init__(self) -> None:
        self.duplicate = 1  # how often each event is delivered, each copy with the same event_id
        self.lose_acks = 0  # acknowledgements that Slack will not see, so that it delivers again
        self._open = asyncio.Event()
        self._open.set()
        self._wanted = 0
        self._kept: list[Callable[[], None]] = []

    def hold(self) -> None:
        """Keep events back until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Deliver what was held, in order."""
        self._open.set()

    def reorder(self, count: int) -> None:
        """Deliver the next `count` events in reverse order, once all of them have happened."""
        self._wanted = count

    async def gate(self) -> None:
        """Pass when events are not held."""
        await self._open.wait()

    def order(self, start: Callable[[], None]) -> None:
        """Start a delivery now, or keep it for the reversed batch."""
        if not self._wanted:
            start()
            return
        self._kept.append(start)
        if len(self._kept) >= self._wanted:
            kept, self._kept, self._wanted = self._kept, [], 0
            for begin in reversed(kept):
                begin()
