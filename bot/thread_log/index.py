"""The full-text index, kept in step with the posts. Rule: it changes in the transaction that changes them.

A row holds the author's name, the text with the names and the words of its files, and as context the texts
of the two posts before it. Every word is written with its conversation in front, so that a search never
leaves the conversation and costs what that holds, however large the log is. FTS5 keeps no copy of the text
(`content=''`), so taking a row out needs the very values it was put in with: they are always worked out
from the posts, before the change for the old and after it for the new.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator

CONTEXT_POSTS = 2
CONTEXT_CHARACTERS = 1000
"""How much of each post before goes into the context: long answers would else stand in the index thrice."""

_WORD = re.compile(r"[^\W_]+")

Order = tuple[int, int, str]
"""Platform order within a conversation: sent_at, length of the id, id (as `conversation.Post.order`)."""


def words(number: int, text: str) -> list[str]:
    """The words of a text as the index holds them for a conversation.

    What stands in front has no vowel, so that a word is stemmed as it would be alone.
    """
    return [f"t{number}z{word}" for word in _WORD.findall(unicodedata.normalize("NFC", text))]


@contextlib.contextmanager
def in_step(db: sqlite3.Connection, *, conversation: int, order: Order) -> Iterator[None]:
    """Around a change of one post (stored, edited, or removed): reindex it and those it is context of."""
    followers = _followers(db, conversation, order)
    remove(db, [*_at(db, conversation, order), *followers])
    yield
    add(db, [*_at(db, conversation, order), *followers])


def add(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Index stored posts."""
    for seq in seqs:
        db.execute(
            "INSERT INTO post_index (rowid, author, text, context) VALUES (?, ?, ?, ?)",
            (seq, *_values(db, seq)),
        )


def remove(db: sqlite3.Connection, seqs: Iterable[int]) -> None:
    """Take posts, as they are stored now, out of the index."""
    for seq in seqs:
        db.execute(
            "INSERT INTO post_index (post_index, rowid, author, text, context) VALUES ('delete', ?, ?, ?, ?)",
            (seq, *_values(db, seq)),
        )


def _values(db: sqlite3.Connection, seq: int) -> tuple[str, ...]:
    number, author, text, attachments, *order = db.execute(
        "SELECT conversation, author_name, text, attachments, sent_at, length(id), id"
        " FROM posts WHERE seq = ?",
        (seq,),
    ).fetchone()
    if attachments != "[]":
        names = [file["name"] for file in json.loads(attachments)]
        text = "\n".join([text, *names, *_file_texts(db, number, order[2])])
    before = db.execute(
        "SELECT substr(text, 1, ?) FROM posts"
        " WHERE conversation = ? AND (sent_at, length(id), id) < (?, ?, ?)"
        " ORDER BY sent_at DESC, length(id) DESC, id DESC LIMIT ?",
        (CONTEXT_CHARACTERS, number, *order, CONTEXT_POSTS),
    ).fetchall()
    columns = (author, text, "\n".join(text for (text,) in before))
    return tuple(" ".join(words(number, column)) for column in columns)


def _file_texts(db: sqlite3.Connection, number: int, post_id: str) -> list[str]:
    """What the files of a post say; nothing while m009 indexes posts from before there were such tables."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'post_files'").fetchone() is None:
        return []
    found = db.execute(
        "SELECT f.text FROM post_files a JOIN files f ON f.digest = a.digest"
        " WHERE a.conversation = ? AND a.post = ? ORDER BY a.position",
        (number, post_id),
    )
    return [text for (text,) in found]


def _at(db: sqlite3.Connection, conversation: int, order: Order) -> list[int]:
    found = db.execute("SELECT seq FROM posts WHERE conversation = ? AND id = ?", (conversation, order[2]))
    return [seq for (seq,) in found]


def _followers(db: sqlite3.Connection, conversation: int, order: Order) -> list[int]:
    found = db.execute(
        "SELECT seq FROM posts WHERE conversation = ? AND (sent_at, length(id), id) > (?, ?, ?)"
        " ORDER BY sent_at, length(id), id LIMIT ?",
        (conversation, *order, CONTEXT_POSTS),
    )
    return [seq for (seq,) in found]
