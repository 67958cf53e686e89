"""What Claude has said so far, and how it is shown while it grows."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

from bot import conversation, ports, recalling


@dataclasses.dataclass(kw_only=True)
class Draft:
    """What Claude has said so far; `changed` wakes whoever shows it."""

    changed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    search: Callable[[Mapping[str, Any]], Awaitable[str]] | None = None  # answers Claude's recall
    _parts: list[str] = dataclasses.field(default_factory=list)
    length: int = 0
    bills: list[tuple[str, conversation.Usage]] = dataclasses.field(default_factory=list)
    head: str = ""  # what is shown before it, and is not Claude's
    note: str = ""  # what is shown after the answer, and is not Claude's

    def add(self, text: str) -> None:
        """Append; see ports.Draft."""
        self._parts.append(text)
        self.length += len(text)
        self.changed.set()

    def restart(self) -> None:
        """Begin again; see ports.Draft."""
        self._parts.clear()
        self.length = 0

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Keep the bill of a call that is not in the answer; see ports.Draft."""
        self.bills.append((model, usage))

    async def use(self, tool: str, asked: Mapping[str, Any]) -> str:
        """Carry out what Claude asks for while it answers."""
        if tool != recalling.TOOL.name or self.search is None:
            return f"There is no tool {tool!r}."
        return await self.search(asked)

    @property
    def text(self) -> str:
        """All of it."""
        if len(self._parts) > 1:
            self._parts[:] = ["".join(self._parts)]
        return self._parts[0] if self._parts else ""


@contextlib.asynccontextmanager
async def showing(post: ports.ReplyPost, draft: Draft, monotonic: Callable[[], float]) -> AsyncIterator[None]:
    """Show a draft while it grows, as often as the platform bears it.

    When the block ends, also by an error of the model, the edit under way is let through, so that it
    cannot land after what follows.
    """
    done = False

    async def show() -> None:
        shown = 0
        while not done:
            await draft.changed.wait()
            draft.changed.clear()
            wait = post.pacer.wait(monotonic(), shown, draft.length)
            if wait > 0 and not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), wait)
            if draft.length not in {0, shown} and not done:  # 0: the call is being made again
                shown = draft.length
                await post.show(draft.head + draft.text)

    over = asyncio.Event()
    task = asyncio.create_task(show())
    try:
        yield
    except asyncio.CancelledError:
        task.cancel()
        raise
    finally:
        done = True
        over.set()
        draft.changed.set()
        await asyncio.gather(task, return_exceptions=True)
