"""Posts past their time. Rule: they go as a deletion takes them, but newer answers keep their words.

So do other words of people that are as old: what links brought in, corrections of summaries, and the
account of choices that were changed. What is chosen stays, as a setting does.
"""

from __future__ import annotations

import sqlite3

from bot import conversation
from bot.thread_log import changes, choices, corrections, intake, ratings, replies

_PAST = (
    "p.sent_at < ? AND (p.reply IS NULL OR NOT EXISTS (SELECT 1 FROM replies r"  # noqa: S608 - our own constant
    f" WHERE r.id = p.reply AND r.{replies.UNFINISHED}))"
)
BATCH = 200  # posts in one transaction: other writes come between


def due(db: sqlite3.Connection, *, before: int) -> list[conversation.ConversationId]:
    """Conversations with posts older than that, but for those of an answer under way."""
    found = db.execute(
        f"SELECT DISTINCT c.id FROM posts p JOIN conversations c ON c.number = p.conversation WHERE {_PAST}"  # noqa: S608 - our own constant
        " ORDER BY c.number",
        (before,),
    )
    return [conversation.ConversationId(key) for (key,) in found]


def expire(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, before: int, now: int
) -> int:
    """Erase the oldest such posts of a conversation, with every summary of them; how many."""
    found = db.execute(
        "SELECT p.conversation, p.id, p.place, p.reply, p.role FROM posts p"  # noqa: S608 - our own constant
        f" JOIN conversations c ON c.number = p.conversation WHERE {_PAST} AND c.id = ?"
        f" ORDER BY p.sent_at LIMIT {BATCH}",
        (before, conversation_id),
    ).fetchall()
    for number, post_id, place, reply, role in found:
        intake.remove(db, number=number, post_id=post_id)
        if role == "assistant":
            ratings.forget_answer(db, reply_id=reply)
        changes.erased(
            db, conversation_id=conversation_id, number=number, post_id=post_id, place=place, now=now
        )
    return len(found)


def expire_words(db: sqlite3.Connection, *, before: int, now: int) -> bool:
    """Erase what else people said before then; whether there was any."""
    brought = changes.expire_links(db, before=before, now=now)
    said = corrections.expire(db, before=before)
    changed = choices.expire(db, before=before)
    if brought or said or changed:
        changes.count_erasure(db)
    return bool(brought or said or changed)
