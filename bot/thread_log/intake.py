"""Posts: recording them once, and reading them back in order."""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from bot import conversation
from bot.thread_log import bills, files, index, links, places, rows

PostKey = tuple[conversation.ConversationId, str]
"""A post, by its conversation and its id."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Known:
    """A conversation as catch-up sees it.

    The newest post is a person's: the bot's own would hide those that came while it wrote.
    """

    conversation_id: conversation.ConversationId
    home: conversation.Home
    newest_post: str  # its platform id, "" for none
    newest_at: dt.datetime


def record_all(
    db: sqlite3.Connection, *, posts: Sequence[conversation.Post], home: conversation.Home, now: int
) -> int:
    """Record posts of one home; how many were new."""
    return sum(record(db, post=post, home=home, now=now) for post in posts)


def record(db: sqlite3.Connection, *, post: conversation.Post, home: conversation.Home, now: int) -> bool:
    """Record a post and where its conversation lives; False when it is known, erased, or a reply's own."""
    post = rows.cleaned(post)
    number = rows.number(db, post.conversation)
    if not _is_new(db, number=number, post=post, platform=home.platform):
        return False
    sent_at = rows.micros(post.sent_at)
    where = (home.platform, rows.clean(home.workspace), rows.clean(home.channel), rows.clean(home.address))
    if number is None:
        number = db.execute(
            "INSERT INTO conversations (id, platform, workspace, channel, address, newest_at, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (post.conversation, *where, sent_at, now),
        ).lastrowid
        assert number is not None  # noqa: S101 - an INSERT that did not raise has a row
    elif home.platform:  # an imported post does not know where its conversation lives
        db.execute(
            "UPDATE conversations SET platform = ?, workspace = ?, channel = ?, address = ?, newest_at = ?"
            " WHERE number = ? AND newest_at <= ?",
            (*where, sent_at, number, sent_at),
        )
    insert(db, number=number, post=post)
    return True


def insert(
    db: sqlite3.Connection,
    *,
    number: int,
    post: conversation.Post,
    place: int | None = None,
    reply: str | None = None,
) -> None:
    """Store and index a post whose id the conversation does not hold yet."""
    sent_at = rows.micros(post.sent_at)
    with index.in_step(db, conversation=number, order=(sent_at, len(post.id), post.id)):
        db.execute(
            "INSERT INTO posts (conversation, id, role, author, author_name, text, sent_at, addressed,"
            " attachments, edited_at, place, reply) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                post.id,
                post.role,
                post.author,
                post.author_name,
                post.text,
                sent_at,
                post.addressed and post.role == "user",
                rows.dump_files(post.attachments),
                None if post.edited_at is None else rows.micros(post.edited_at),
                place,
                reply,
            ),
        )
        files.expect(db, number=number, post=post)


def remove(db: sqlite3.Connection, *, number: int, post_id: str) -> None:
    """Take a post and its files out of the log and the index."""
    (sent_at,) = db.execute(
        "SELECT sent_at FROM posts WHERE conversation = ? AND id = ?", (number, post_id)
    ).fetchone()
    with index.in_step(db, conversation=number, order=(sent_at, len(post_id), post_id)):
        db.execute("DELETE FROM posts WHERE conversation = ? AND id = ?", (number, post_id))
        files.drop(db, number=number, post_id=post_id)
    links.forget_post(db, number=number, post_id=post_id)


def add_history(db: sqlite3.Connection, *, reply_id: str, posts: Sequence[conversation.Post]) -> None:
    """Record what came before the bot did, at places of its own before everything that has one."""
    found = db.execute(
        "SELECT r.conversation, c.platform FROM replies r JOIN conversations c"
        " ON c.number = r.conversation WHERE r.id = ?",
        (reply_id,),
    ).fetchone()
    if found is None:  # the conversation was forgotten meanwhile
        return
    number, platform = found
    cleaned = sorted(map(rows.cleaned, posts), key=lambda post: post.order)
    new = [post for post in cleaned if _is_new(db, number=number, post=post, platform=platform)]
    laid = places.lay_out([(post.role, len(post.text)) for post in new], first=1)
    places.make_room(db, number=number, places=max(laid, default=0))
    for post, place in zip(new, laid, strict=True):
        insert(db, number=number, post=dataclasses.replace(post, addressed=False), place=place)
    if new:  # whatever was sent before began otherwise, and plans name places that have moved
        bills.break_from(db, number=number, place=0)
        db.execute("UPDATE replies SET plan = NULL WHERE conversation = ?", (number,))
    db.execute("UPDATE conversations SET history_read = 1 WHERE number = ?", (number,))


def posts_by(db: sqlite3.Connection, *, user: str) -> list[tuple[conversation.ConversationId, str]]:
    """(conversation, post id) of every post by a person; `user` may have `platform:` in front."""
    platform, _, author = user.rpartition(":")
    found = db.execute(
        "SELECT c.id, p.id FROM posts p JOIN conversations c ON c.number = p.conversation"
        " WHERE p.role = 'user' AND p.author = ?1 AND (?2 = '' OR c.platform IN (?2, '')) ORDER BY p.seq",
        (author, platform),
    )
    return [(conversation.ConversationId(conversation_id), post_id) for conversation_id, post_id in found]


def import_posts(
    db: sqlite3.Connection,
    *,
    posts: Sequence[conversation.Post],
    usages: Mapping[PostKey, Mapping[str, Any]],
    now: int,
) -> int:
    """Record exported posts, one conversation's or several's, at places of their own; how many were new.

    They are never due. Where a conversation is being answered, they wait for its next request. What an
    answer cost stands with it: it was billed elsewhere, and is in no account here.
    """
    new = 0
    for key, group in itertools.groupby(posts, key=lambda post: post.conversation):
        number = rows.number(db, key)
        fresh = [
            post for post in map(rows.cleaned, group) if _is_new(db, number=number, post=post, platform="")
        ]
        home = conversation.Home(platform="", workspace="", channel="", address="")
        for post in fresh:
            new += record(db, post=dataclasses.replace(post, addressed=False), home=home, now=now)
            if (usage := usages.get((key, post.id))) and post.role == "assistant":
                db.execute(
                    "UPDATE posts SET usage = ? WHERE id = ? AND conversation ="
                    " (SELECT number FROM conversations WHERE id = ?)",
                    (json.dumps(usage), post.id, key),
                )
        number = rows.number(db, key)
        if number is not None and not _is_busy(db, number):
            places.place_waiting(db, number=number)
    return new


def _is_busy(db: sqlite3.Connection, number: int) -> bool:
    waits = db.execute(
        "SELECT 1 FROM posts WHERE conversation = ?1 AND addressed = 1 AND reply IS NULL UNION ALL"
        " SELECT 1 FROM replies WHERE conversation = ?1 AND state IN ('due', 'opened', 'written') LIMIT 1",
        (number,),
    )
    return waits.fetchone() is not None


_KNOWN = (
    "SELECT c.id, c.platform, c.workspace, c.channel, c.address, p.id, ifnull(p.sent_at, c.newest_at)"
    " FROM conversations c LEFT JOIN posts p ON p.seq = (SELECT n.seq FROM posts n"
    " WHERE n.conversation = c.number AND n.role = 'user'"
    " ORDER BY n.sent_at DESC, length(n.id) DESC, n.id DESC LIMIT 1) WHERE "
)


def homes(db: sqlite3.Connection, *, platform: str, since: int) -> list[Known]:
    """Conversations with a post since then, the most recent first."""
    found = db.execute(
        _KNOWN + "c.platform = ? AND c.newest_at >= ?"  # noqa: S608 - our own constant
        " AND EXISTS (SELECT 1 FROM posts p WHERE p.conversation = c.number)"
        " ORDER BY c.newest_at DESC, c.number",
        (platform, since),
    )
    return [_known(row) for row in found]


def newest(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> Known | None:
    """One conversation as catch-up sees it."""
    row = db.execute(_KNOWN + "c.id = ?", (conversation_id,)).fetchone()
    return None if row is None else _known(row)


def due(db: sqlite3.Connection, *, most: int | None = None) -> list[conversation.ConversationId]:
    """Conversations with an unfinished reply or an unanswered question, those that wait longest first."""
    # As one row: the interpreter changes hands once, not a thousand times under a loop that is busy anyway.
    (found,) = db.execute(
        "SELECT json_group_array(id) FROM (SELECT c.id FROM"
        " (SELECT conversation, asked_at AS since FROM replies"
        " WHERE state IN ('due', 'opened', 'written') UNION ALL"
        " SELECT conversation, sent_at FROM posts WHERE addressed = 1 AND reply IS NULL) waiting"
        " JOIN conversations c ON c.number = waiting.conversation GROUP BY c.number"
        " ORDER BY min(since), c.number LIMIT ?)",
        (-1 if most is None else most,),
    ).fetchone()
    return [conversation.ConversationId(key) for key in json.loads(found)]


def waiting(db: sqlite3.Connection, *, platforms: Sequence[str]) -> tuple[int, dt.datetime | None]:
    """How many conversations of these platforms are due, and since when the oldest is.

    A question waits from when it was posted until its reply is begun; then the reply counts.
    """
    count, since = db.execute(
        "SELECT count(DISTINCT c.number), min(since) FROM"
        " (SELECT conversation, begun_at AS since FROM replies"
        " WHERE state IN ('due', 'opened', 'written') UNION ALL"
        " SELECT conversation, sent_at FROM posts WHERE addressed = 1 AND reply IS NULL) waiting"
        " JOIN conversations c ON c.number = waiting.conversation"
        " WHERE c.platform IN (SELECT value FROM json_each(?))",
        (json.dumps(list(platforms)),),
    ).fetchone()
    return count, None if since is None else rows.moment(since)


def ids(db: sqlite3.Connection) -> list[conversation.ConversationId]:
    """Every conversation that has posts, oldest first."""
    found = db.execute(
        "SELECT id FROM conversations c"
        " WHERE EXISTS (SELECT 1 FROM posts p WHERE p.conversation = c.number) ORDER BY number"
    )
    return [conversation.ConversationId(row[0]) for row in found]


def page(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    after: conversation.Post | None,
    limit: int,
) -> list[conversation.Post]:
    """The next posts in the order Claude saw them, those not sent yet last; `after` is the last one had."""
    number = rows.number(db, conversation_id)
    found: list[conversation.Post] = []
    if after is None or after.place is not None:
        place = -1 if after is None or after.place is None else after.place
        placed = db.execute(
            f"SELECT {rows.POST} FROM posts WHERE conversation = ? AND place IS NOT NULL"  # noqa: S608 - our own columns
            " AND (place, sent_at, length(id), id) > (?, ?, ?, ?)"
            " ORDER BY place, sent_at, length(id), id LIMIT ?",
            (number, place, *_order(after), limit),
        )
        found = [rows.post(conversation_id, row) for row in placed]
        after = None
    waiting = db.execute(
        f"SELECT {rows.POST} FROM posts WHERE conversation = ? AND place IS NULL"  # noqa: S608 - our own columns
        " AND (sent_at, length(id), id) > (?, ?, ?) ORDER BY sent_at, length(id), id LIMIT ?",
        (number, *_order(after), limit - len(found)),
    )
    return found + [rows.post(conversation_id, row) for row in waiting]


def _order(post: conversation.Post | None) -> index.Order:
    return (-1 << 62, 0, "") if post is None else (rows.micros(post.sent_at), len(post.id), post.id)


def _is_new(db: sqlite3.Connection, *, number: int | None, post: conversation.Post, platform: str) -> bool:
    erased = "SELECT 1 FROM erased WHERE conversation = ? AND id = ?"
    if db.execute(erased, (post.conversation, post.id)).fetchone() is not None:
        return False
    if number is None:
        return True
    stored = "SELECT 1 FROM posts WHERE conversation = ? AND id = ?"
    if db.execute(stored, (number, post.id)).fetchone() is not None:
        return False
    own = "SELECT 1 FROM reply_posts WHERE platform = ? AND id = ? AND conversation = ?"
    return post.role == "user" or db.execute(own, (platform, post.id, number)).fetchone() is None


def _known(row: tuple[str, str, str, str, str, str | None, int]) -> Known:
    conversation_id, platform, workspace, channel, address, newest_post, newest_at = row
    return Known(
        conversation_id=conversation.ConversationId(conversation_id),
        home=conversation.Home(platform=platform, workspace=workspace, channel=channel, address=address),
        newest_post=newest_post or "",
        newest_at=rows.moment(newest_at),
    )
