"""What a request is built from. Rule: reading costs what is read, whatever the thread's length."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence

from bot import conversation
from bot.thread_log import bills, rows, segments


def thread(db: sqlite3.Connection, *, reply: conversation.Reply, from_place: int) -> conversation.Thread:
    """The log before a reply's place: active summaries, and the posts that none of them covers.

    Leaves out what `new` hid when the reply began, and posts before `from_place`.
    """
    found = db.execute(
        "SELECT r.conversation, r.reset_place FROM replies r WHERE r.id = ?", (reply.id,)
    ).fetchone()
    if found is None:  # forgotten meanwhile
        return conversation.Thread(conversation=reply.conversation, posts=(), summaries=(), last=None)
    number, reset_place = found
    active = tuple(
        segment
        for segment in segments.active(db, conversation_id=reply.conversation, from_place=reset_place)
        if segment.last_place < reply.place
    )
    posts = [
        rows.post(reply.conversation, row)
        for first, last in _uncovered(max(reset_place, from_place), reply.place - 1, active)
        for row in _rows(db, number=number, first=first, last=last)
    ]
    return conversation.Thread(
        conversation=reply.conversation,
        posts=tuple(posts),
        summaries=active,
        last=bills.last(db, number=number, from_place=reset_place, before_place=reply.place),
        gaps=bills.gaps(db, number=number),
    )


def _uncovered(first: int, last: int, segments: Sequence[conversation.Summary]) -> Iterator[tuple[int, int]]:
    """The runs of places from first to last that no segment covers; segments come in order."""
    for segment in segments:
        if first < segment.first_place:
            yield first, min(segment.first_place - 1, last)
        first = max(first, segment.last_place + 1)
    if first <= last:
        yield first, last


def _rows(db: sqlite3.Connection, *, number: int, first: int, last: int) -> sqlite3.Cursor:
    return db.execute(
        f"SELECT {rows.POST} FROM posts WHERE conversation = ? AND place BETWEEN ? AND ?"  # noqa: S608 - our own column list
        " ORDER BY place, sent_at, length(id), id",
        (number, first, last),
    )
