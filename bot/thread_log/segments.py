"""Summary segments. Rule: a place is covered by one segment at most, and only by a true one."""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Sequence

from bot import conversation
from bot.planning import segmenting
from bot.thread_log import bills, corrections, echoes, replies, rows


def add(
    db: sqlite3.Connection, *, summary: conversation.Summary, replaces: Sequence[conversation.Summary]
) -> bool:
    """Store a segment, beside or in the place of others; requests use it from the next new prefix on.

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
    overlapping = segmenting.in_use(
        (
            each
            for each in stored(db, conversation_id=summary.conversation, from_place=summary.first_place)
            if each.first_place <= summary.last_place
        ),
        None,
    )
    if {_span(each) for each in overlapping} != {_span(each) for each in replaces}:
        return False
    newest = _newest_in_use(db, number=number)
    _tidy(db, number=number, newest=newest)
    db.execute(
        "INSERT INTO summaries (conversation, first_place, last_place, text, posts, model, created_at,"
        " input, output) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            number,
            summary.first_place,
            summary.last_place,
            rows.clean(summary.text),
            summary.posts,
            rows.clean(summary.model),
            rows.micros(summary.created_at),
            summary.usage.input,
            summary.usage.output,
        ),
    )
    if newest is None:  # whatever is there is in use
        prefix_changed(db, number=number, place=summary.first_place)
    return True


def remove_covering(db: sqlite3.Connection, *, number: int, place: int) -> int:
    """Erase the segments that cover a place: its posts are read word for word again. How many."""
    return db.execute(
        "DELETE FROM summaries WHERE conversation = ? AND first_place <= ? AND last_place >= ?",
        (number, place, place),
    ).rowcount


def remove_echoing(db: sqlite3.Connection, *, number: int, place: int, deleted: str) -> int:
    """Erase the later segments that repeat words deleted at a place, or their secrets. How many."""
    found = db.execute(
        "SELECT number, text FROM summaries WHERE conversation = ? AND last_place >= ?", (number, place)
    )
    echoing = [(each,) for each, text in found.fetchall() if echoes.without(text, deleted=deleted) != text]
    db.executemany("DELETE FROM summaries WHERE number = ?", echoing)
    return len(echoing)


def stored(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, from_place: int
) -> tuple[conversation.Summary, ...]:
    """The segments that reach a place or beyond, in order, with what people corrected in them.

    Those that a longer one contains are among them until no request uses them any more.
    """
    found = db.execute(
        "SELECT s.first_place, s.last_place, s.text, s.posts, s.model, s.created_at, s.number, s.input,"
        " s.output, s.conversation FROM summaries s JOIN conversations c ON c.number = s.conversation"
        " WHERE c.id = ? AND s.last_place >= ? ORDER BY s.first_place, s.number",
        (conversation_id, from_place),
    ).fetchall()
    return tuple(
        conversation.Summary(
            conversation=conversation_id,
            first_place=first_place,
            last_place=last_place,
            text="\n".join([text, *corrections.lines(db, number=key, first=first_place, last=last_place)]),
            posts=posts,
            model=model,
            created_at=rows.moment(created_at),
            number=number,
            usage=conversation.Usage(fresh=fresh, output=output),
        )
        for first_place, last_place, text, posts, model, created_at, number, fresh, output, key in found
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
    """The segments that `new` has not hidden, oldest first, the newest cover of each post."""
    found = db.execute("SELECT reset_place FROM conversations WHERE id = ?", (conversation_id,)).fetchone()
    if found is None:
        return ()
    return segmenting.in_use(stored(db, conversation_id=conversation_id, from_place=found[0]), None)


def correct(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    author: str,
    author_name: str,
    text: str,
    now: int,
) -> bool:
    """Put a person's correction under the newest segment; False where nothing is summarised."""
    covered = visible(db, conversation_id=conversation_id)
    if not covered:
        return False
    number = corrections.add(
        db,
        conversation_id=conversation_id,
        place=covered[-1].last_place,
        author=author,
        author_name=author_name,
        text=text,
        now=now,
    )
    if number is not None:
        prefix_changed(db, number=number, place=covered[-1].first_place)
    return number is not None


def _newest_in_use(db: sqlite3.Connection, *, number: int) -> int | None:
    """The newest segment that the newest plan uses, None where it does not say or there is no plan."""
    row = db.execute(
        "SELECT plan FROM replies WHERE conversation = ? AND plan IS NOT NULL ORDER BY place DESC LIMIT 1",
        (number,),
    ).fetchone()
    return None if row is None else rows.load_plan(row[0]).newest_summary


def _tidy(db: sqlite3.Connection, *, number: int, newest: int | None) -> None:
    """Erase the segments that another one in use contains."""
    db.execute(
        "DELETE FROM summaries WHERE conversation = ?1 AND EXISTS (SELECT 1 FROM summaries o"
        " WHERE o.conversation = ?1 AND o.number > summaries.number AND (?2 IS NULL OR o.number <= ?2)"
        " AND o.first_place <= summaries.first_place AND o.last_place >= summaries.last_place)",
        (number, newest),
    )


def _span(summary: conversation.Summary) -> tuple[int, int, dt.datetime]:
    return summary.first_place, summary.last_place, summary.created_at
