"""What the links of questions have brought in: kept with the question, gone with it and with its source."""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot import conversation, linking
from bot.thread_log import rows, store

_COLUMNS = "post, url, refusal, left_out, source, source_id, role, author, author_name, text, sent_at"


class LinkBook:
    """Implements `bringing.Book` on the database of the thread log."""

    def __init__(self, *, store: store.Store) -> None:
        self._store = store

    async def asked(self, reply: conversation.Reply) -> Sequence[conversation.Post]:
        """The posts that a reply answers, oldest first."""
        return await self._store.read(functools.partial(_asked, reply=reply))

    async def keep(self, reply: conversation.Reply, post_id: str, links: Sequence[linking.Link]) -> None:
        """Commit what the links of a post have brought; without effect where the post is gone."""
        await self._store.write(functools.partial(_keep, reply=reply, post_id=post_id, links=links))

    async def refused(self, reply: conversation.Reply) -> Sequence[linking.Link]:
        """The links of the reply's posts that were not brought in."""
        return await self._store.read(functools.partial(_refused, reply=reply))


def materials(db: sqlite3.Connection, *, number: int, first: int, last: int) -> Mapping[str, str]:
    """What stands behind the posts between two places, by their ids; posts without links are left out."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM links WHERE conversation = ?1 AND post IN (SELECT id FROM posts"  # noqa: S608 - our own column list
        " WHERE conversation = ?1 AND place BETWEEN ?2 AND ?3) ORDER BY post, number",
        (number, first, last),
    ).fetchall()
    return {
        post: linking.material(list(_links(group)))
        for post, group in itertools.groupby(found, key=lambda row: str(row[0]))
    }


def forget_post(db: sqlite3.Connection, *, number: int, post_id: str) -> None:
    """Erase what a post that is gone has brought in."""
    db.execute("DELETE FROM links WHERE conversation = ? AND post = ?", (number, post_id))


def forget_source(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, post_id: str | None = None
) -> list[tuple[int, int | None]]:
    """Erase what was brought in of a post, or of a conversation; (conversation, place) of what held it."""
    return _forget(db, "source = ?1 AND (?2 IS NULL OR source_id = ?2)", (conversation_id, post_id))


def words(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, post_id: str) -> str:
    """What was brought in of a post."""
    found = db.execute(
        "SELECT DISTINCT text FROM links WHERE source = ? AND source_id = ?", (conversation_id, post_id)
    )
    return "\n".join(text for (text,) in found)


def forget_user(db: sqlite3.Connection, *, user: str) -> list[tuple[int, int | None]]:
    """Erase what was brought in of a person, an id with or without its platform in front; see above."""
    platform, _, author = user.rpartition(":")
    return _forget(
        db, "author = ?1 AND (?2 = '' OR substr(source, 1, instr(source, ':') - 1) = ?2)", (author, platform)
    )


def expire(db: sqlite3.Connection, *, before: int) -> list[tuple[int, int | None]]:
    """Erase what was brought in of posts older than that; an answer under way keeps it. See above."""
    return _forget(
        db,
        "source_id <> '' AND sent_at < ?1 AND NOT EXISTS (SELECT 1 FROM posts p JOIN replies r"
        " ON r.id = p.reply WHERE p.conversation = links.conversation AND p.id = links.post"
        " AND r.ended_at IS NULL)",
        (before,),
    )


def _forget(
    db: sqlite3.Connection, where: str, values: tuple[str | int | None, ...]
) -> list[tuple[int, int | None]]:
    held: list[tuple[int, int | None]] = db.execute(
        "SELECT conversation, place FROM posts WHERE (conversation, id) IN"  # noqa: S608 - our own conditions
        f" (SELECT conversation, post FROM links WHERE {where})",
        values,
    ).fetchall()
    if held:
        db.execute(f"DELETE FROM links WHERE {where}", values)  # noqa: S608 - our own conditions
    return held


def _asked(db: sqlite3.Connection, *, reply: conversation.Reply) -> list[conversation.Post]:
    found = db.execute(
        f"SELECT {rows.POST} FROM posts WHERE reply = ? AND role = 'user'"  # noqa: S608 - our own column list
        " ORDER BY sent_at, length(id), id",
        (reply.id,),
    )
    return [rows.post(reply.conversation, row) for row in found]


def _keep(
    db: sqlite3.Connection, *, reply: conversation.Reply, post_id: str, links: Sequence[linking.Link]
) -> None:
    number = rows.number(db, reply.conversation)
    standing = "SELECT 1 FROM posts WHERE conversation = ? AND id = ? AND reply = ?"
    if number is None or db.execute(standing, (number, post_id, reply.id)).fetchone() is None:
        return
    forget_post(db, number=number, post_id=post_id)
    for place, row in enumerate(row for link in links for row in _rows(link)):
        db.execute(
            f"INSERT INTO links (conversation, number, {_COLUMNS})"  # noqa: S608 - our own column list
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (number, place, post_id, *row),
        )


def _refused(db: sqlite3.Connection, *, reply: conversation.Reply) -> list[linking.Link]:
    found = db.execute(
        "SELECT l.url, l.refusal FROM links l JOIN posts p ON p.conversation = l.conversation"
        " AND p.id = l.post WHERE p.reply = ? AND l.refusal <> '' ORDER BY p.sent_at, l.post, l.number",
        (reply.id,),
    )
    return [linking.Link(url=url, refusal=refusal) for url, refusal in found]


def _rows(link: linking.Link) -> Iterator[tuple[Any, ...]]:
    if link.refusal:
        yield (rows.clean(link.url), link.refusal, 0, "", "", "user", "", "", "", 0)
    for post in map(rows.cleaned, link.posts):
        yield (
            rows.clean(link.url),
            "",
            link.left_out,
            post.conversation,
            post.id,
            post.role,
            post.author,
            post.author_name,
            post.text,
            rows.micros(post.sent_at),
        )


def _links(found: Iterator[tuple[Any, ...]]) -> Iterator[linking.Link]:
    for (url, refusal, left_out), group in itertools.groupby(found, key=lambda row: row[1:4]):
        posts = [
            conversation.Post(
                conversation=conversation.ConversationId(source),
                id=source_id,
                role=role,
                author=author,
                author_name=author_name,
                text=text,
                sent_at=rows.moment(sent_at),
            )
            for *_, source, source_id, role, author, author_name, text, sent_at in group
            if source_id
        ]
        yield linking.Link(url=url, posts=tuple(posts), left_out=left_out, refusal=refusal)
