"""Sees what changed on a side and tells the pages: posts that are new, other or gone, and who is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from playground import calls, feed, shapes, side

TICK = 0.1  # seconds between two looks


class Watch:
    """Looks at both sides in turn; a look at 5,000 posts takes a few milliseconds."""

    def __init__(
        self,
        *,
        sides: Sequence[side.Side],
        model: calls.Model,
        told: feed.Feed,
    ) -> None:
        self._sides, self._model, self._told = sides, model, told
        self._marks: dict[str, dict[str, Any]] = {each.name: dict(each.marks()) for each in sides}
        self._directories: dict[str, Any] = {}
        self._writing: dict[str, Any] = {}
        self._calls: dict[int, str] = {}

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for each in self._sides:
                self.look(each)
            self._look_at_calls()
            await asyncio.sleep(TICK)

    def look(self, where: side.Side) -> None:
        """Tell what changed on one side since the last look."""
        before, now = self._marks[where.name], dict(where.marks())
        self._marks[where.name] = now
        changed = [key for key, mark in now.items() if before.get(key) != mark]
        gone = [key for key in before if key not in now]
        posts = [post for key in changed if (post := where.post_of(key)) is not None]
        writing = dict(where.writing())
        if posts or gone or writing != self._writing.get(where.name):
            self._writing[where.name] = writing
            self._told.send(
                "posts",
                {"side": where.name, "posts": shapes.plain(posts), "gone": gone, "writing": writing},
            )
        directory = where.directory()
        if directory != self._directories.get(where.name):
            self._directories[where.name] = directory
            self._told.send("directory", {"side": where.name, "directory": directory})

    def _look_at_calls(self) -> None:
        states = {call.number: call.state for call in self._model.calls()[-50:]}
        changed = [number for number, state in states.items() if self._calls.get(number) != state]
        if changed:
            self._calls = states
            self._told.send("calls", {"changed": changed})
