"""What the page hears: one stream of events, the same for every open page."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

MOST_WAITING = 5_000  # events a page may lag behind; one that is slower starts afresh


class Feed:
    """Hands each event to every listener."""

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[bytes | None]] = set()

    def send(self, kind: str, data: Any) -> None:
        """Tell every page; one that does not keep up is cut off and will ask for the whole again."""
        if not self._listeners:
            return
        event = f"event: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
        for queue in list(self._listeners):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._listeners.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)

    def close(self) -> None:
        """End every stream."""
        for queue in self._listeners:
            with contextlib.suppress(asyncio.QueueFull):
                queue.put_nowait(None)
        self._listeners.clear()

    @contextlib.contextmanager
    def listening(self) -> Any:
        """A queue of encoded events; None is the end."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue(maxsize=MOST_WAITING)
        self._listeners.add(queue)
        try:
            yield queue
        finally:
            self._listeners.discard(queue)

    @staticmethod
    async def events(queue: asyncio.Queue[bytes | None], *, beat: float) -> AsyncIterator[bytes]:
        """The events of a queue, with a comment whenever nothing came for `beat` seconds."""
        while True:
            try:
                event = await asyncio.wait_for(queue.get(), beat)
            except TimeoutError:
                yield b": still here\n\n"
                continue
            if event is None:
                return
            yield event
