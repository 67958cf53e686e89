"""What one answer is made of, as spans: where they are made, and where none are (`OFF`).

    reply ─┬─ record     the post is committed
           ├─ wait       until a worker takes it up
           ├─ history    what was said before the bot came is read
           ├─ open       the first sign on the platform
           ├─ links      what the question links to is read
           ├─ plan       what the request holds ── summarise
           ├─ budget     waiting for money that other answers hold
           ├─ claude     each call, with its tokens
           ├─ tool       what Claude looked up meanwhile
           ├─ show       each text shown while it grows
           ├─ notice     a sentence with buttons beside it
           └─ finish     or fail, or withdraw

A file that is read as it comes, and a summary made ahead, belong to no reply and stand alone.

Rule: names, ids, figures and classes of errors only. No span holds a word that anybody wrote.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from bot import conversation

Fact = str | int | float | bool


class Span(Protocol):
    """Something that takes time."""

    def note(self, **facts: Fact) -> None:
        """Add what is known by now."""

    def end(self, error: BaseException | None = None) -> None:
        """It is over."""


class Tracer(Protocol):
    """Where spans are kept. No method waits, and none raises."""

    def now(self) -> int:
        """The time, as `recorded` wants it."""

    def recorded(self, conversation_id: conversation.ConversationId, came: int) -> None:
        """A question that came then is in the log now: its reply begins there."""

    def reply(self, reply: conversation.Reply) -> contextlib.AbstractContextManager[Span]:
        """The block that takes a reply to its end; spans within it are parts of it."""

    def span(self, name: str, **facts: Fact) -> contextlib.AbstractContextManager[Span]:
        """A block within."""

    def begin(self, name: str, **facts: Fact) -> Span:
        """A part that is no block: somebody calls its `end`."""


class _Nothing:
    def note(self, **facts: Fact) -> None:
        pass

    def end(self, error: BaseException | None = None) -> None:
        pass


class Off:
    """Keeps nothing."""

    def now(self) -> int:
        """See Tracer."""
        return 0

    def recorded(self, conversation_id: conversation.ConversationId, came: int) -> None:
        """See Tracer."""

    @contextlib.contextmanager
    def reply(self, reply: conversation.Reply) -> Iterator[Span]:  # noqa: ARG002 - nothing is kept of it
        """See Tracer."""
        yield _NOTHING

    @contextlib.contextmanager
    def span(self, name: str, **facts: Fact) -> Iterator[Span]:  # noqa: ARG002 - nothing is kept of it
        """See Tracer."""
        yield _NOTHING

    def begin(self, name: str, **facts: Fact) -> Span:  # noqa: ARG002 - nothing is kept of it
        """See Tracer."""
        return _NOTHING


_NOTHING = _Nothing()
OFF = Off()
