"""What Claude has said so far, how it is shown while it grows, and who stands between it and Claude."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable

from bot import conversation, ports
from bot.tools import toolsets


def unknown(call: toolsets.Call) -> toolsets.Result:
    """What Claude is told where it has no tools at all."""
    return toolsets.Result(text=f"There is no tool {call.tool!r}.", failed=True)


@dataclasses.dataclass(kw_only=True)
class Around:
    """A draft that passes everything on to another; who watches or pays overrides what that is about."""

    draft: ports.Draft

    def add(self, text: str) -> None:
        """See ports.Draft."""
        self.draft.add(text)

    def restart(self) -> None:
        """See ports.Draft."""
        self.draft.restart()

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """See ports.Draft."""
        self.draft.billed(model, usage)

    async def use(self, call: toolsets.Call) -> toolsets.Result:
        """See ports.Helper."""
        return await self.draft.use(call) if isinstance(self.draft, ports.Helper) else unknown(call)

    def served(self, tool: str, *, done: bool) -> None:
        """See ports.Helper."""
        if isinstance(self.draft, ports.Helper):
            self.draft.served(tool, done=done)


@dataclasses.dataclass(kw_only=True)
class Draft:
    """What Claude has said so far; `changed` wakes whoever shows it."""

    changed: asyncio.Event = dataclasses.field(default_factory=asyncio.Event)
    box: ports.Toolbox | None = None  # what Claude may use
    progress: str = ""  # what is being done now; shown under the text until there is more of it
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
        self.progress = ""
        if self.box is not None:
            self.box.restart()

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Keep the bill of a call that is not in the answer; see ports.Draft."""
        self.bills.append((model, usage))

    async def use(self, call: toolsets.Call) -> toolsets.Result:
        """Carry out what Claude asks for while it answers; see ports.Helper."""
        return unknown(call) if self.box is None else await self.box.use(call, self.tell)

    def served(self, tool: str, *, done: bool) -> None:
        """See ports.Helper."""
        if self.box is not None:
            self.box.served(tool, self.tell, done=done)

    def tell(self, line: str) -> None:
        """Show what is being done now, "" for nothing in particular."""
        self.progress = line
        self.changed.set()

    @property
    def shown(self) -> str:
        """What people see: the text so far, and what is being done."""
        if not self.progress:
            return self.text
        # A growing text may be held back at its last word: that is the dots here.
        return "\n\n".join(filter(None, (self.text.rstrip(), f"*{self.progress}* …")))

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
        shown, length, seen = "", 0, False
        while not done:
            await draft.changed.wait()
            draft.changed.clear()
            if not draft.progress and not draft.length:  # nothing yet, or the call is being made again
                continue
            # A line of progress changes the text without making it longer: it counts as one character.
            wait = post.pacer.wait(monotonic(), length if seen else 0, max(length + 1, draft.length))
            if wait > 0 and not done:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(over.wait(), wait)
            if draft.shown.strip() and draft.shown != shown and not done:
                shown, length, seen = draft.shown, draft.length, True
                await post.show(draft.head + shown)

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
