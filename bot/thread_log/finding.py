"""Which conversation holds what. Rule: a post's id is unique within its conversation, on Slack no further."""

from __future__ import annotations

import sqlite3

from bot import conversation


def holds(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> bool:
    """Whether any post of the conversation is in the log."""
    found = db.execute(
        "SELECT 1 FROM conversations c JOIN posts p ON p.conversation = c.number WHERE c.id = ? LIMIT 1",
        (conversation_id,),
    )
    return found.fetchone() is not None


def find(db: sqlite3.Connection, *, platform: str, post_id: str) -> conversation.ConversationId | None:
    """The conversation of a post, or of any part of a reply."""
    found = db.execute(
        "SELECT c.id FROM posts p JOIN conversations c ON c.number = p.conversation"
        " WHERE p.id = ?2 AND c.platform = ?1 UNION ALL"
        " SELECT c.id FROM reply_posts r JOIN conversations c ON c.number = r.conversation"
        " WHERE r.platform = ?1 AND r.id = ?2 LIMIT 1",
        (platform, post_id),
    ).fetchone()
    return None if found is None else conversation.ConversationId(found[0])


def has(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, post_id: str) -> bool:
    """Whether a conversation holds a post or a part of a reply: ids may be others' elsewhere."""
    found = db.execute(
        "SELECT 1 FROM conversations c WHERE c.id = ?1 AND ("
        "EXISTS (SELECT 1 FROM posts p WHERE p.conversation = c.number AND p.id = ?2) OR"
        " EXISTS (SELECT 1 FROM reply_posts r WHERE r.platform = c.platform AND r.id = ?2"
        " AND r.conversation = c.number))",
        (conversation_id, post_id),
    )
    return found.fetchone() is not None


def posts_since(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, since: int
) -> list[str]:
    """The ids of people's posts and of finished answers since then, oldest first."""
    found = db.execute(
        "SELECT p.id FROM posts p JOIN conversations c ON c.number = p.conversation"
        " WHERE c.id = ?1 AND (p.role = 'user' AND p.sent_at >= ?2 OR EXISTS ("
        "SELECT 1 FROM replies r JOIN reply_posts s ON s.reply = r.id AND s.conversation = p.conversation"
        " WHERE r.id = p.reply AND p.role = 'assistant' AND r.state = 'finished' AND r.asked_at >= ?2"
        " AND s.platform = c.platform AND s.id = p.id))"
        " ORDER BY p.sent_at, length(p.id), p.id",
        (conversation_id, since),
    )
    return [post_id for (post_id,) in found]
