"""Failures on command: what can go wrong, when, how often, and gates to wait at."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from emulators.claude import answers, refusal

BEFORE = {
    "status": (500, "Internal server error"),
    "rate_limit": (429, "This request would exceed your organization's rate limit."),
    "spend_cap": (429, "You have reached your monthly API usage limit."),
    "overloaded": (529, "Overloaded"),
    "server_error": (500, "Internal server error"),
    "unauthorized": (401, "invalid bearer token"),
    "bad_request": (400, "Bad request"),
    "too_large": (413, "Request exceeds the maximum size"),
}
"""Kinds that answer with an error status, with their default status and message."""

DURING = ("error_event", "cut", "eof", "stall", "garbage")
"""Kinds that strike inside a stream, after ``after`` pieces of content."""

INSTEAD = ("refusal", "pause_turn", "context_window", "empty")
"""Kinds that end an otherwise healthy answer with another stop reason."""

PENDING: dict[str, Any] = {"type": "server_tool_use", "name": "web_search", "input": {"query": "more"}}
"""What a paused turn ends in: a server tool that has not answered yet."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One failure to come.

    ``kind`` is a key of :data:`BEFORE`, or one of :data:`DURING` or :data:`INSTEAD`, or ``drop`` (the
    connection closes with no answer). It strikes ``times`` requests (``None``: all) for which ``match``
    holds, given the body. ``status``, ``message``, ``retry_after`` (seconds or a text) and ``error_code``
    belong to the error statuses and ``error_event``; ``text``, ``category`` and ``explanation`` to what is
    still said (a refusal may have partial content).
    """

    kind: str
    times: int | None = 1
    match: Callable[[dict[str, Any]], bool] | None = None
    status: int | None = None
    message: str | None = None
    retry_after: float | str | None = None
    error_code: str | None = None
    after: int = 1
    text: str = ""
    category: str | None = None
    explanation: str | None = None

    def __post_init__(self) -> None:
        if self.kind not in (*BEFORE, *DURING, *INSTEAD, "drop", "hold"):
            raise ValueError(f"no such fault: {self.kind}")

    def refusal(self) -> refusal.Refusal:
        """Build the error of a :data:`BEFORE` kind (or of an ``error_event``)."""
        status, message = BEFORE.get(self.kind, (529, "Overloaded"))
        code = self.error_code or ("enforced_spend_limit_reached" if self.kind == "spend_cap" else None)
        headers = {} if self.retry_after is None else {"retry-after": str(self.retry_after)}
        return refusal.Refusal(
            self.message or message,
            status=self.status or status,
            details={"error_code": code} if code else None,
            headers=headers,
        )

    def answer(self, usual: answers.Answer) -> answers.Answer:
        """Build the answer of an :data:`INSTEAD` kind; any other leaves ``usual`` as it is."""
        match self.kind:
            case "refusal":
                details = {
                    "type": "refusal",
                    "category": self.category,
                    "explanation": self.explanation,
                }
                return answers.Answer(text=self.text, stop_reason="refusal", stop_details=details)
            case "pause_turn":
                said = [{"type": "text", "text": text}] if (text := self.text or usual.text) else []
                return answers.Answer(content=[*said, PENDING], stop_reason="pause_turn")
            case "context_window":
                return answers.Answer(
                    text=self.text or usual.text, stop_reason="model_context_window_exceeded"
                )
            case "empty":
                return answers.Answer(text="", stop_reason="end_turn")
            case _:
                return usual


class Gate:
    """A place where a request waits: ``await gate.reached``, look around, ``gate.release()``.

    ``await gate.closed`` ends when the client has hung up on a request that waited here.
    """

    def __init__(self) -> None:
        self._reached = asyncio.Event()
        self._released = asyncio.Event()
        self._closed = asyncio.Event()

    @property
    def reached(self) -> Awaitable[object]:
        """Awaitable: a request stands at the gate."""
        return self._reached.wait()

    @property
    def closed(self) -> Awaitable[object]:
        """Awaitable: a request that stood here was given up by the client."""
        return self._closed.wait()

    def release(self) -> None:
        """Let everything through, now and later."""
        self._released.set()

    async def stand(self) -> None:
        """Wait here (called by the server)."""
        self._reached.set()
        try:
            await self._released.wait()
        except asyncio.CancelledError:
            self._closed.set()
            raise


class Queue:
    """The faults to come, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Fault, Gate, int | None]] = []

    def add(self, fault: Fault) -> Gate:
        """Queue a fault; the gate matters for ``stall`` and ``hold`` only."""
        gate = Gate()
        self._waiting.append((fault, gate, fault.times))
        return gate

    def take(self, body: dict[str, Any], *, holds: bool) -> tuple[Fault, Gate] | None:
        """Take the first fault that strikes this body: a hold, or anything but a hold."""
        for at, (fault, gate, left) in enumerate(self._waiting):
            if (fault.kind == "hold") != holds or (fault.match is not None and not fault.match(body)):
                continue
            if left is not None and left <= 1:
                del self._waiting[at]
            elif left is not None:
                self._waiting[at] = (fault, gate, left - 1)
            return fault, gate
        return None

    def clear(self) -> None:
        """Forget every fault; what waits at a gate goes on."""
        for _, gate, _ in self._waiting:
            gate.release()
        self._waiting.clear()
