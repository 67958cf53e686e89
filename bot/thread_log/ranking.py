"""Which posts fit a question best: BM25 over one conversation.

FTS5 weighs a word by how rare it is in the whole log, where other conversations decide what is rare in
this one. So each word is asked for by itself, and FTS5's part for how often and where it stands in a post
is weighed by how rare the word is in this conversation.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable

from bot.thread_log import index

WEIGHTS = "4.0, 1.0, 0.5"  # of author, text and context (measured on LoCoMo)
LEAST = 1e-6  # the weight of a word that more than half of the posts hold, as in FTS5


def best(db: sqlite3.Connection, *, number: int, words: Iterable[str]) -> list[tuple[int, float]]:
    """(row, score) of the posts that hold any of the words, best first."""
    (posts,) = db.execute("SELECT count(*) FROM posts WHERE conversation = ?", (number,)).fetchone()
    rows = _indexed(db)
    scores: dict[int, float] = {}
    for word in dict.fromkeys(index.words(number, " ".join(words))):
        found = db.execute(
            f"SELECT rowid, -bm25(post_index, {WEIGHTS}) FROM post_index WHERE post_index MATCH ?",  # noqa: S608 - our own weights
            (f'"{word}"',),
        ).fetchall()
        # The weight that FTS5 gave is taken out again.
        scale = _weight(len(found), posts) / _weight(len(found), rows)
        for row, score in found:
            scores[row] = scores.get(row, 0.0) + score * scale
    return sorted(scores.items(), key=lambda each: (-each[1], -each[0]))


def _indexed(db: sqlite3.Connection) -> int:
    """How many rows FTS5 counts: the first number of its record of averages (row 1, see fts5_index.c)."""
    found = db.execute("SELECT block FROM post_index_data WHERE id = 1").fetchone()
    count = 0
    for byte in found[0] if found else b"":
        count = count << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the top bit says that the number goes on
            break
    return count


def _weight(holding: int, posts: int) -> float:
    """BM25's weight of a word that so many of the posts hold."""
    return max(LEAST, math.log((max(0, posts - holding) + 0.5) / (holding + 0.5)))
