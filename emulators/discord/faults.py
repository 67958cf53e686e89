"""Faults that a test arms: on calls of the API, and on events of the gateway."""

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

from emulators.discord import events

Kind = Literal[
    "ratelimited", "global", "cloudflare", "error", "http", "drop", "lose_response", "delay", "hold"
]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What goes wrong with the next `times` calls whose method is `method` and whose path `path` is found in.

    ratelimited: 429 with `retry_after` seconds; global: the same for the whole bot; cloudflare: 429 as
    text without `Via`, as when an address is banned; error: `status` (502) as an HTML page; http: `status`
    and JSON error `code`; drop: the connection is cut before anything happened; lose_response: it happened,
    then the connection is cut; delay: `seconds` pass first; hold: nothing happens until it is released.
    """

    kind: Kind
    method: str = ".*"
    path: str = ""
    times: int = 1
    retry_after: float = 1.0
    seconds: float = 0.1
    status: int | None = None
    code: int = 0
    message: str = "Injected"


class Armed:
    """A fault that lies in wait; `hits` counts the calls it met."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.hits = 0
        self._reached = asyncio.Event()
        self._released = asyncio.Event()

    async def reached(self, timeout: float = 10) -> None:  # noqa: ASYNC109 - a test's last resort, not control flow
        """Wait until a call has run into it."""
        await asyncio.wait_for(self._reached.wait(), timeout)

    def release(self) -> None:
        """Let held calls go on; the fault is over."""
        self._released.set()

    async def released(self) -> None:
        """What a held call waits for."""
        await self._released.wait()

    def take(self, method: str, path: str) -> bool:
        """Whether this call runs into the fault."""
        if self.hits >= self.fault.times or self._released.is_set():
            return False
        if not (re.fullmatch(self.fault.method, method) and re.search(self.fault.path, path)):
            return False
        self.hits += 1
        self._reached.set()
        return True


class Book:
    """The faults that are armed, oldest first."""

    def __init__(self) -> None:
        self.armed: list[Armed] = []

    def arm(self, fault: Fault) -> Armed:
        """Add a fault."""
        self.armed.append(Armed(fault))
        return self.armed[-1]

    def take(self, method: str, path: str) -> Armed | None:
        """The first fault that this call runs into."""
        return next((armed for armed in self.armed if armed.take(method, path)), None)

    def release_all(self) -> None:
        """Let everything go on, so that a server can stop."""
        for armed in self.armed:
            armed.release()


@dataclass(frozen=True, kw_only=True)
class Disturbance:
    """What happens to the next `times` gateway events called `event`.

    duplicate: sent twice, under two sequence numbers; reorder: kept back until after the event that
    follows; lose: never sent.
    """

    kind: Literal["duplicate", "reorder", "lose"]
    event: str = "MESSAGE_CREATE"
    times: int = 1


class Turbulence:
    """Applies disturbances to the stream of events."""

    def __init__(self) -> None:
        self._left: list[tuple[Disturbance, int]] = []
        self._kept: list[events.Event] = []

    def arm(self, disturbance: Disturbance) -> None:
        """Add a disturbance."""
        self._left.append((disturbance, disturbance.times))

    def through(self, event: events.Event) -> list[events.Event]:
        """What goes out in place of an event."""
        kind = self._take(event.name)
        if kind == "reorder":
            self._kept.append(event)
            return []
        kept, self._kept = self._kept, []
        copies = {"duplicate": 2, "lose": 0}.get(kind, 1)
        return [event] * copies + kept

    def _take(self, name: str) -> str:
        for place, (disturbance, left) in enumerate(self._left):
            if disturbance.event == name and left:
                self._left[place] = (disturbance, left - 1)
                return disturbance.kind
        return ""
