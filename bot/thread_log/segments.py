"""Summary segments. Rule: a place is covered by one segment at most, and only by a true one."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bot import conversation
from bot.thread_log import bills, replies, rows


def add(
    db: sqlite3.Connection, *, summary: conversation.Summary, replaces: Sequence[conversation.Summary]
) -> bool:
    """Store a segment in the place of others.

    False, and nothing changes, when it is no longer true: a post that had been sent was edited or deleted
    since `created_at` (the time its posts were read), a segment it replaces is gone, or the places are
    covered by another.
    """
    found = db.execute(
        "SELECT number, changed_at FROM conversations WHERE id = ?", (summary.conversation,)
    ).fetchone()
    if found is None or found[1] >= rows.micros(summary.created_at):
        return False
    number = found[0]
    replaced = {(old.first_place, old.last_place, rows.micros(old.created_at)) for old in replaces}
    overlapping = db.execute(
        "SELECT first_place, last_place, created_at FROM summaries"
        " WHERE conversation = ? AND first_place <= ? AND last_place >= ?",
        (number, summary.last_place, summary.first_place),
    ).fetchall()
    if set(overlapping) != replaced:
        return False
    db.execute(
        "DELETE FROM summaries WHERE conversation = ? AND first_place <= ? AND last_place >= ?",
        (number, summary.last_place, summary.first_place),
    )
    db.execute(
        "INSERT INTO summaries (conversation, first_place, last_place, text, posts, model, created_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            summary.first_place,
            summary.last_place,
            rows.clean(summary.text),
            summary.posts,
            rows.clean(summary.model),
            rows.micros(summary.created_at),
        ),
    )
    prefix_changed(db, number=number, place=summary.first_place)
    return True


def remove_covering(db: sqlite3.Connection, *, number: int, place: int) -> int:
    """Erase the segments that cover a place: its posts are read word for word again. How many."""
    return db.execute(
        "DELETE FROM summaries WHERE conversation = ? AND first_place <= ? AND last_place >= ?",
        (number, place, place),
    ).rowcount


def active(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, from_place: int
) -> tuple[conversation.Summary, ...]:
    """The segments that reach a place or beyond, oldest first."""
    found = db.execute(
        "SELECT s.first_place, s.last_place, s.text, s.posts, s.model, s.created_at FROM summaries s"
        " JOIN conversations c ON c.number = s.conversation"
        " WHERE c.id = ? AND s.last_place >= ? ORDER BY s.first_place",
        (conversation_id, from_place),
    )
    return tuple(
        conversation.Summary(
            conversation=conversation_id,
            first_place=first_place,
            last_place=last_place,
            text=text,
            posts=posts,
            model=model,
            created_at=rows.moment(created_at),
        )
        for first_place, last_place, text, posts, model, created_at in found
    )


def prefix_changed(db: sqlite3.Connection, *, number: int, place: int) -> None:
    """What requests carried at this place reads differently now: neither their bills nor plans hold."""
    bills.break_from(db, number=number, place=place)
    db.execute(
        f"UPDATE replies SET plan = NULL WHERE conversation = ? AND place >= ? AND {replies.UNFINISHED}",  # noqa: S608 - our own constant
        (number, place),
    )


def visible(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId
) -> tuple[conversation.Summary, ...]:
    """The segments that `new` has not hidden, oldest first."""
    found = db.execute("SELECT reset_place FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    return () if found is None else active(db, conversation_id=conversation_id, from_place=found[0])
