"""What the log has of a whole workspace, and taking the last of it away when it removes the bot."""

from __future__ import annotations

import sqlite3

from bot import conversation


def of_workspace(
    db: sqlite3.Connection, *, platform: str, workspace: str
) -> list[conversation.ConversationId]:
    """Every conversation of a workspace, oldest first."""
    found = db.execute(
        "SELECT id FROM conversations WHERE platform = ? AND workspace = ? ORDER BY number",
        (platform, workspace),
    )
    return [conversation.ConversationId(row[0]) for row in found]


def leave(db: sqlite3.Connection, *, platform: str, workspace: str) -> None:
    """Erase what was chosen there: prompts are people's words."""
    for table in ("choices", "choice_changes"):
        db.execute(
            f"DELETE FROM {table} WHERE platform = ? AND workspace = ?",  # noqa: S608 - names from the line above
            (platform, workspace),
        )
    db.execute("UPDATE upkeep SET erasures = erasures + 1")
