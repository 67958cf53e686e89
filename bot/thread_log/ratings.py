"""What people found of answers. Rule: one thumb for each person and answer, gone with either."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3

from bot import conversation
from bot.desk import feedback, thumbs
from bot.thread_log import rows, store


class Ratings:
    """Implements `feedback.Book` on the database of the thread log."""

    def __init__(self, *, store: store.Store) -> None:
        self._store = store

    async def rate(self, reply_id: str, author: str, thumb: thumbs.Thumb, at: dt.datetime) -> bool:
        """Keep a thumb in the place of the one before; False where the answer is no longer in the log."""
        work = functools.partial(
            _rate, reply_id=reply_id, author=rows.clean(author), thumb=thumb, now=rows.micros(at)
        )
        return await self._store.write(work)

    async def tally(self, conversation_id: conversation.ConversationId | None = None) -> feedback.Tally:
        """The thumbs of one conversation or of all."""
        return await self._store.read(functools.partial(_tally, conversation_id=conversation_id))


def forget_user(db: sqlite3.Connection, *, user: str) -> None:
    """Erase what a person found; `user` may have `platform:` in front."""
    db.execute(
        "DELETE FROM feedback WHERE author = ?1 OR substr(author, instr(author, ':') + 1) = ?1", (user,)
    )


def forget_answer(db: sqlite3.Connection, *, reply_id: str | None) -> None:
    """Erase what people found of an answer that is gone."""
    db.execute("DELETE FROM feedback WHERE reply = ?", (reply_id,))


def _rate(db: sqlite3.Connection, *, reply_id: str, author: str, thumb: str, now: int) -> bool:
    found = db.execute(
        "SELECT r.conversation FROM replies r JOIN posts p ON p.reply = r.id AND p.role = 'assistant'"
        " WHERE r.id = ? AND r.state IN ('written', 'finished')",
        (reply_id,),
    ).fetchone()
    if found is None:
        return False
    db.execute(
        "INSERT OR REPLACE INTO feedback (reply, author, conversation, thumb, rated_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (reply_id, author, found[0], thumb, now),
    )
    return True


def _tally(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId | None) -> feedback.Tally:
    found = db.execute(
        "SELECT thumb, count(*) FROM feedback WHERE ?1 IS NULL"
        " OR conversation = (SELECT number FROM conversations WHERE id = ?1) GROUP BY thumb",
        (conversation_id,),
    )
    return feedback.tally(found.fetchall())
