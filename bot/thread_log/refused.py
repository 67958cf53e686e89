"""What Claude's API refuses to take. Rule: a refused file's row keeps its hash, to be known when it returns.

Such a row of `post_files` is "unread" like that of any other file that is not read, and the only one of those
with a hash. Its bytes stay with it, so an erasure takes what the file says out of the answers, too.
"""

from __future__ import annotations

import sqlite3

from bot.files import kinds


def withhold(db: sqlite3.Connection, *, reply_id: str, names: frozenset[str]) -> None:
    """Put a word in the place of posts, and leave files unread; the request of this reply was sent so.

    `names`: ids of posts, and files as `fitting.key` names them.
    """
    for name in names:
        db.execute(
            "UPDATE posts SET withheld = 1 WHERE id = ?"
            " AND conversation = (SELECT conversation FROM replies WHERE id = ?)",
            (name, reply_id),
        )
        db.execute(
            "UPDATE post_files SET state = 'unread', reason = ? WHERE post || '/' || position = ?"
            " AND conversation = (SELECT conversation FROM replies WHERE id = ?)",
            (kinds.REFUSED, name, reply_id),
        )


def is_known(db: sqlite3.Connection, *, number: int, digest: str) -> bool:
    """Whether this very file was refused in the conversation before."""
    found = db.execute(
        "SELECT 1 FROM post_files WHERE conversation = ? AND digest = ? AND state = 'unread'",
        (number, digest),
    )
    return found.fetchone() is not None
