"""What people corrected in a summary. Rule: it stays with its place, however often that is summarised."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from bot import conversation, turns
from bot.thread_log import bills, rows


def add(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    place: int,
    author: str,
    author_name: str,
    text: str,
    now: int,
) -> int | None:
    """Store a correction; the number of its conversation, None where that is unknown."""
    number = rows.number(db, conversation_id)
    if number is None:
        return None
    db.execute(
        "INSERT INTO corrections (conversation, place, author, author_name, text, made_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (number, place, rows.clean(author), rows.clean(author_name), rows.clean(text), now),
    )
    return number


def lines(db: sqlite3.Connection, *, number: int, first: int, last: int) -> list[str]:
    """The corrections of these places as lines of a summary, oldest first."""
    found = db.execute(
        "SELECT author_name, author, text FROM corrections WHERE conversation = ? AND place BETWEEN ? AND ?"
        " ORDER BY number",
        (number, first, last),
    )
    return [
        f"Corrected by {turns.attribute(name or author)}: {' '.join(text.split())}"
        for name, author, text in found
    ]


def forget_user(db: sqlite3.Connection, *, user: str) -> None:
    """Erase what a person corrected; `user` may have `platform:` in front."""
    platform, _, author = user.rpartition(":")
    found = db.execute(
        "SELECT k.number, k.conversation, k.place FROM corrections k"
        " JOIN conversations c ON c.number = k.conversation"
        " WHERE k.author = ?1 AND (?2 = '' OR c.platform IN (?2, ''))",
        (author, platform),
    ).fetchall()
    _erase(db, found)


def expire(db: sqlite3.Connection, *, before: int) -> int:
    """Erase what was corrected before then; how many corrections."""
    found = db.execute(
        "SELECT number, conversation, place FROM corrections WHERE made_at < ?", (before,)
    ).fetchall()
    _erase(db, found)
    return len(found)


def _erase(db: sqlite3.Connection, found: Sequence[tuple[int, int, int]]) -> None:
    for key, number, place in found:
        db.execute("DELETE FROM corrections WHERE number = ?", (key,))
        bills.break_from(db, number=number, place=place)
