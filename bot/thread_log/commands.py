"""Commands are carried out once: the first to claim one's id has it."""

from __future__ import annotations

import sqlite3

from bot import conversation
from bot.thread_log import rows


def claim(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, command_id: str, now: int
) -> bool:
    """True for the first claim of a command, False ever after."""
    claimed = db.execute(
        "INSERT OR IGNORE INTO commands (conversation, id, claimed_at) VALUES (?, ?, ?)",
        (conversation_id, rows.clean(command_id), now),
    )
    return claimed.rowcount == 1


def unclaim(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, command_id: str) -> None:
    """Forget a claim."""
    db.execute(
        "DELETE FROM commands WHERE conversation = ? AND id = ?", (conversation_id, rows.clean(command_id))
    )
