"""Stopping an answer: whose it is, and how another process that writes it learns of that."""

from __future__ import annotations

import sqlite3

from bot import conversation
from bot.thread_log import owners, replies


def asked_by(
    db: sqlite3.Connection, *, platform: str, post_id: str
) -> tuple[conversation.ConversationId, str] | None:
    """The conversation and the asker of the unfinished reply that stands in this post."""
    found = db.execute(
        "SELECT c.id, r.asker_author FROM reply_posts p JOIN replies r ON r.id = p.reply"  # noqa: S608 - our own constant
        " JOIN conversations c ON c.number = r.conversation"
        f" WHERE p.platform = ? AND p.id = ? AND r.{replies.UNFINISHED}",
        (platform, post_id),
    ).fetchone()
    return (conversation.ConversationId(found[0]), found[1]) if found else None


def ask(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, owner: owners.Owner) -> bool:
    """Note for the process that writes a conversation's answer that it is to stop; False where none does."""
    found = db.execute(
        "SELECT r.id, r.owner FROM replies r JOIN conversations c ON c.number = r.conversation"
        " WHERE c.id = ? AND r.note IN ('', ?) AND r.state IN ('due', 'opened')",
        (conversation_id, replies.STOP),
    ).fetchone()
    if found is None or not owner.is_other(found[1]):
        return False
    db.execute("UPDATE replies SET note = ? WHERE id = ?", (replies.STOP, found[0]))
    return True


def are_asked(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> bool:
    """Whether another process has noted that."""
    found = db.execute(
        "SELECT 1 FROM replies r JOIN conversations c ON c.number = r.conversation"
        " WHERE c.id = ? AND r.note = ? AND r.state IN ('due', 'opened')",
        (conversation_id, replies.STOP),
    )
    return found.fetchone() is not None
