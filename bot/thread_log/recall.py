"""Recall: full-text search over one conversation, and the posts around a hit.

A question is searched as the OR of its content words: an AND of them finds next to nothing in chat. The
weights favour the author's name over the text, and the text over its context (measured on LoCoMo).
"""

from __future__ import annotations

import dataclasses
import itertools
import re
import sqlite3

from bot import conversation
from bot.thread_log import ranking, rows

MAX_WORDS = 64  # of one query: past that a question is a pasted document

_WORD = re.compile(r"[^\W_]+")
_FUNCTION_WORDS = """
a about above after again all am an and any are aren as at be because been before being below between both
but by can could couldn d did didn do does doesn doing don down during each few for from further had hadn
has hasn have haven having he her here hers herself him himself his how i if in into is isn it its itself
just ll m ma me mightn more most mustn my myself needn no nor not now o of off on once only or other our
ours ourselves out over own re s same shan she should shouldn so some such t than that the their theirs
them themselves then there these they this those through to too under until up ve very was wasn we were
weren what when where which while who whom whose why will with won would wouldn y you your yours yourself
yourselves
"""
_STOP_WORDS = frozenset(_FUNCTION_WORDS.split())


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hit:
    """A post that a search found; a higher score is a better one."""

    post: conversation.Post
    score: float


def search(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, query: str, limit: int
) -> list[Hit]:
    """The posts that fit a question best, best first; what `new` hid is not found."""
    number = rows.number(db, conversation_id)
    words = content_words(rows.clean(query))
    if number is None or not words:
        return []
    ranked = ranking.best(db, number=number, words=words)
    hits = (
        Hit(post=post, score=score) for seq, score in ranked if (post := _visible(db, conversation_id, seq))
    )
    return list(itertools.islice(hits, limit))


def _visible(
    db: sqlite3.Connection, conversation_id: conversation.ConversationId, seq: int
) -> conversation.Post | None:
    row = db.execute(
        f"SELECT {rows.POST} FROM posts WHERE seq = ? AND (place IS NULL OR place >="  # noqa: S608 - our own column list
        " (SELECT reset_place FROM conversations WHERE number = posts.conversation))"
        # A mark of this conversation can stand in a post of another: SQLite has fewer letters than Python.
        " AND conversation = (SELECT number FROM conversations WHERE id = ?)",
        (seq, conversation_id),
    ).fetchone()
    return None if row is None else rows.post(conversation_id, row)


def content_words(query: str) -> list[str]:
    """The words of a question that carry meaning, each once; all of them where none does."""
    words = list(dict.fromkeys(word.casefold() for word in _WORD.findall(query)))
    return ([word for word in words if word not in _STOP_WORDS] or words)[:MAX_WORDS]


def around(db: sqlite3.Connection, *, post: conversation.Post, posts: int) -> list[conversation.Post]:
    """A post with up to so many before and after it, in platform order; what `new` hid is left out."""
    visible = (
        f"SELECT {rows.POST} FROM posts WHERE conversation = ?1"  # noqa: S608 - our own column list
        " AND (place IS NULL OR place >= (SELECT reset_place FROM conversations WHERE number = ?1))"
        " AND (sent_at, length(id), id)"
    )
    at = (rows.number(db, post.conversation), rows.micros(post.sent_at), len(post.id), post.id)
    before = db.execute(
        visible + " < (?2, ?3, ?4) ORDER BY sent_at DESC, length(id) DESC, id DESC LIMIT ?5", (*at, posts)
    ).fetchall()
    onward = db.execute(
        visible + " >= (?2, ?3, ?4) ORDER BY sent_at, length(id), id LIMIT ?5", (*at, posts + 1)
    ).fetchall()
    return [rows.post(post.conversation, row) for row in [*reversed(before), *onward]]
