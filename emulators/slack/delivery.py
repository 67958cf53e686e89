"""Delivering events and interactions to the app, and again, until it acknowledges or Slack gives up."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from emulators.slack import changes, faults

Json = dict[str, Any]

# reliability: three retries, nearly at once, after a minute and after five (docs.slack.dev, events-api).
RETRY_DELAYS = (0.0, 60.0, 300.0)
ACK_SECONDS = 3.0


@dataclass(kw_only=True)
class Delivery:
    """One envelope on its way; `status` is pending, acknowledged or lost, `response` the ack's payload."""

    event_id: str
    envelope_id: str
    kind: str
    body: Json
    attempts: int = 0
    acked_at: float | None = None
    status: str = "pending"
    response: Json | None = None

    @property
    def event(self) -> Json:
        """The event of an event_callback, or the whole payload of an interaction or command."""
        return dict(self.body.get("event") or self.body)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How one attempt ended; `final` forbids further attempts (`x-slack-no-retry`)."""

    acknowledged: bool
    reason: str = ""
    response: Json | None = None
    final: bool = False


class Transport(Protocol):
    """Socket Mode or HTTP."""

    async def send(self, delivery: Delivery, *, retry_attempt: int, retry_reason: str) -> Outcome:
        """One attempt; `retry_attempt` 0 is the first."""
        ...


class Deliveries:
    """Starts a task per delivery; the order of first attempts is the order of `dispatch`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        changed: changes.Changes,
        faults: faults.EventFaults,
        retry_delays: Sequence[float] = RETRY_DELAYS,
    ) -> None:
        self._clock = clock
        self._changed = changed
        self._faults = faults
        self.retry_delays = tuple(retry_delays)
        self.transport: Transport | None = None
        self.all: list[Delivery] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.on_response: Callable[[Delivery], None] = lambda _delivery: None

    def dispatch(self, body: Json, *, kind: str, event_id: str) -> Delivery:
        """Start delivering; `kind` is the envelope type: events_api, interactive, slash_commands."""
        first: Delivery | None = None
        copies = self._faults.duplicate if kind == "events_api" else 1
        for _ in range(copies):
            delivery = Delivery(event_id=event_id, envelope_id=str(uuid.uuid4()), kind=kind, body=body)
            self.all.append(delivery)
            first = first or delivery
            self._faults.order(lambda delivery=delivery: self._start(delivery))  # type: ignore[misc] # mypy does not infer a lambda's default
        if first is None:
            raise ValueError("an event is delivered at least once")
        return first

    def pending(self) -> list[Delivery]:
        """What is neither acknowledged nor given up."""
        return [delivery for delivery in self.all if delivery.status == "pending"]

    async def close(self) -> None:
        """Stop all attempts."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, delivery: Delivery) -> None:
        task = asyncio.get_running_loop().create_task(self._deliver(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, delivery: Delivery) -> None:
        # Only events are retried; a person presses a button or types a command again.
        delays = self.retry_delays if delivery.kind == "events_api" else ()
        reason = ""
        for attempt in range(1 + len(delays)):
            if attempt:
                await asyncio.sleep(delays[attempt - 1])
            await self._faults.gate()
            delivery.attempts += 1
            outcome = await self._attempt(delivery, attempt=attempt, reason=reason)
            if outcome.acknowledged:
                delivery.status, delivery.acked_at = "acknowledged", self._clock()
                delivery.response = outcome.response
                self.on_response(delivery)
                self._changed.ring()
                return
            reason = outcome.reason
            self._changed.ring()
            if outcome.final:
                break
        delivery.status = "lost"
        self._changed.ring()

    async def _attempt(self, delivery: Delivery, *, attempt: int, reason: str) -> Outcome:
        if self.transport is None:
            return Outcome(acknowledged=False, reason="connection_failed")
        outcome = await self.transport.send(delivery, retry_attempt=attempt, retry_reason=reason)
        if outcome.acknowledged and self._faults.lose_acks > 0:
            self._faults.lose_acks -= 1
            return Outcome(acknowledged=False, reason="timeout")
        return outcome
