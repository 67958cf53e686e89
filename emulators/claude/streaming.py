"""Sending an answer as server-sent events, and the ways in which a stream can end badly."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web

from emulators.claude import events, faults, records

TYPE = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
GARBAGE = b'event: content_block_delta\ndata: {"type": "content_block_del\n\n'


@dataclass(frozen=True, kw_only=True)
class Stream:
    """One streamed answer to one call."""

    http: web.Request
    call: records.Request
    headers: dict[str, str]

    async def send(
        self,
        sequence: Iterable[events.Event],
        *,
        delay: float,
        strike: tuple[faults.Fault, faults.Gate] | None,
    ) -> web.StreamResponse:
        """Send all events; ``strike`` is a fault that hits once ``after`` pieces of content are out.

        An answer with fewer pieces is hit at its end, so that a fault is never passed over.
        """
        response = web.StreamResponse(headers={**TYPE, **self.headers})
        await response.prepare(self.http)
        pieces = 0
        if strike is not None and strike[0].kind not in faults.DURING:
            strike = None
        for event in sequence:
            if strike is not None and (pieces >= strike[0].after or event.name == "message_delta"):
                if strike[0].kind != "stall":
                    return await self._end(response, strike[0])
                await strike[1].stand()
                strike = None
            if event.piece:
                pieces += 1
                if delay:
                    await asyncio.sleep(delay)
            self.call.done = event.name == "message_stop"
            await response.write(event.encode())
        await response.write_eof()
        return response

    async def _end(self, response: web.StreamResponse, fault: faults.Fault) -> web.StreamResponse:
        self.call.error = fault.kind
        match fault.kind:
            case "cut":
                return hang_up(self.http, self.call, response)
            case "garbage":
                await response.write(GARBAGE)
            case "error_event":
                body = fault.refusal().body(self.call.request_id)
                await response.write(events.error(body).encode())
        await response.write_eof()
        return response


def hang_up(
    http: web.Request, call: records.Request, response: web.StreamResponse | None = None
) -> web.StreamResponse:
    """Close the connection under the client's feet; what was written before still arrives."""
    call.error = call.error or "connection closed"
    if http.transport is not None:
        http.transport.close()
    return response or web.Response()
