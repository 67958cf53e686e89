"""Files of posts. Rule: a file's bytes stand once, under the hash of the original, while a post refers to it.

A row of `post_files` is a file of a post: "waiting" until it was fetched, then "read", or "unread" with the
reason. Once a request has been planned without it, a file stays unread: what was sent is sent again.
"""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Collection, Sequence

from bot import conversation
from bot.files import kinds
from bot.thread_log import index, refused, rows

MOST_STORED = 300 * 2**20  # bytes of all files of one conversation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Waiting:
    """A file that was announced and has not been fetched."""

    conversation_id: conversation.ConversationId
    home: conversation.Home
    post: str
    position: int  # among the post's files
    attachment: conversation.Attachment


def expect(db: sqlite3.Connection, *, number: int, post: conversation.Post) -> None:
    """Wait for the files of a new post; one without an address (imported) is not waited for."""
    if post.role != "user":
        return
    for position, file in enumerate(post.attachments):
        state, reason = ("waiting", "") if file.url or file.id else ("unread", "only its name is known")
        db.execute(
            "INSERT OR IGNORE INTO post_files (conversation, post, position, state, reason)"
            " VALUES (?, ?, ?, ?, ?)",
            (number, post.id, position, state, reason),
        )


def waiting(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId | None = None
) -> list[Waiting]:
    """What has to be fetched, of one conversation or of all, that of the newest posts first."""
    found = db.execute(
        "SELECT c.id, c.platform, c.workspace, c.channel, c.address, p.id, a.position, p.attachments"
        " FROM post_files a JOIN conversations c ON c.number = a.conversation"
        " JOIN posts p ON p.conversation = a.conversation AND p.id = a.post"
        " WHERE a.state = 'waiting' AND (?1 IS NULL OR c.id = ?1)"
        " ORDER BY p.sent_at DESC, length(p.id) DESC, p.id DESC, a.position",
        (conversation_id,),
    ).fetchall()
    return [
        Waiting(
            conversation_id=conversation.ConversationId(key),
            home=conversation.Home(platform=platform, workspace=workspace, channel=channel, address=address),
            post=post,
            position=position,
            attachment=rows.announced(attachments)[position],
        )
        for key, platform, workspace, channel, address, post, position, attachments in found
    ]


def keep(db: sqlite3.Connection, *, file: Waiting, media: conversation.Media) -> bool:
    """Keep what a file holds; False where nobody waits for it any more."""
    number = rows.number(db, file.conversation_id)
    found = db.execute(
        "SELECT p.sent_at FROM post_files a JOIN posts p ON p.conversation = a.conversation AND p.id = a.post"
        " WHERE a.conversation = ? AND a.post = ? AND a.position = ? AND a.state = 'waiting'"
        # An edit may have put another file in its position meanwhile.
        " AND json_extract(p.attachments, '$[' || a.position || '].id') = ?",
        (number, file.post, file.position, file.attachment.id),
    ).fetchone()
    if number is None or found is None:
        return False
    if media.kind != "unread" and _stored(db, number) + len(media.data) > MOST_STORED:
        media = conversation.Media(kind="unread", reason="this conversation holds too many files already")
    state, reason = ("unread" if media.kind == "unread" else "read"), rows.clean(media.reason)
    digest = None if media.kind == "unread" else media.digest
    if digest is not None and refused.is_known(db, number=number, digest=digest):
        state, reason = "unread", kinds.REFUSED
    with index.in_step(db, conversation=number, order=(found[0], len(file.post), file.post)):
        if digest is not None:
            _store(db, media)
        db.execute(
            "UPDATE post_files SET state = ?, reason = ?, digest = ?"
            " WHERE conversation = ? AND post = ? AND position = ?",
            (state, reason, digest, number, file.post, file.position),
        )
    return True


def settle(db: sqlite3.Connection, *, reply_id: str, reason: str) -> int:
    """Wait no longer for the files of posts that this reply's request holds; how many that were."""
    return db.execute(
        "UPDATE post_files SET state = 'unread', reason = ?1 WHERE state = 'waiting'"
        " AND conversation = (SELECT conversation FROM replies WHERE id = ?2)"
        " AND post IN (SELECT p.id FROM posts p JOIN replies r ON r.conversation = p.conversation"
        " WHERE r.id = ?2 AND p.place < r.place)",
        (reason, reply_id),
    ).rowcount


def data(db: sqlite3.Connection, *, digests: Sequence[str]) -> dict[str, bytes]:
    """The bytes of files by their hashes; one that was erased meanwhile is left out."""
    found = ((digest, _data(db, digest)) for digest in dict.fromkeys(digests))
    return {digest: held for digest, held in found if held is not None}


def words(db: sqlite3.Connection, *, number: int, post_id: str, staying: Collection[str] = ()) -> list[str]:
    """What the files of a post say, but for those whose ids are in `staying`."""
    found = db.execute(
        "SELECT f.text, json_extract(p.attachments, '$[' || a.position || '].id') FROM post_files a"
        " JOIN files f ON f.digest = a.digest"
        " JOIN posts p ON p.conversation = a.conversation AND p.id = a.post"
        " WHERE a.conversation = ? AND a.post = ? AND f.text <> '' ORDER BY a.position",
        (number, post_id),
    )
    return [text for text, file_id in found if file_id not in staying]


def holders(
    db: sqlite3.Connection, *, platform: str, workspace: str, file_id: str
) -> list[tuple[conversation.ConversationId, str]]:
    """(conversation, post) of every post that holds a file of a workspace."""
    found = db.execute(
        "SELECT c.id, p.id FROM post_files a JOIN conversations c ON c.number = a.conversation"
        " JOIN posts p ON p.conversation = a.conversation AND p.id = a.post"
        " WHERE c.platform = ? AND c.workspace = ?"
        " AND json_extract(p.attachments, '$[' || a.position || '].id') = ?",
        (platform, workspace, file_id),
    )
    return [(conversation.ConversationId(key), post_id) for key, post_id in found]


def revise(
    db: sqlite3.Connection,
    *,
    number: int,
    post_id: str,
    announced: Sequence[conversation.Attachment],
) -> None:
    """Give a post these files: those it had stay as they are, others go with their bytes, new ones wait."""
    (text,) = db.execute(
        "SELECT attachments FROM posts WHERE conversation = ? AND id = ?", (number, post_id)
    ).fetchone()
    had = {file.id: position for position, file in enumerate(rows.announced(text))}
    known = {
        position: (state, reason, digest)
        for position, state, reason, digest in db.execute(
            "SELECT position, state, reason, digest FROM post_files WHERE conversation = ? AND post = ?",
            (number, post_id),
        )
    }
    db.execute("DELETE FROM post_files WHERE conversation = ? AND post = ?", (number, post_id))
    for position, file in enumerate(announced):
        state, reason, digest = known.get(had.get(file.id, -1), ("waiting", "", None))
        db.execute(
            "INSERT INTO post_files (conversation, post, position, state, reason, digest)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, post_id, position, state, reason, digest),
        )
    db.execute(
        "UPDATE posts SET attachments = ? WHERE conversation = ? AND id = ?",
        (rows.dump_files(tuple(announced)), number, post_id),
    )
    _erase([digest for _, _, digest in known.values() if digest], db)


def drop(db: sqlite3.Connection, *, number: int, post_id: str | None = None) -> None:
    """Let go of the files of a post, or of a conversation; bytes that nobody refers to are erased."""
    held = db.execute(
        "SELECT DISTINCT digest FROM post_files WHERE conversation = ?1 AND (?2 IS NULL OR post = ?2)"
        " AND digest IS NOT NULL",
        (number, post_id),
    ).fetchall()
    db.execute(
        "DELETE FROM post_files WHERE conversation = ?1 AND (?2 IS NULL OR post = ?2)", (number, post_id)
    )
    _erase([digest for (digest,) in held], db)


def _erase(digests: Sequence[str], db: sqlite3.Connection) -> None:
    """Erase the bytes of these files where no post refers to them any more."""
    for digest in digests:
        db.execute(
            "DELETE FROM files WHERE digest = ?1 AND NOT EXISTS (SELECT 1 FROM post_files WHERE digest = ?1)",
            (digest,),
        )


def _store(db: sqlite3.Connection, media: conversation.Media) -> None:
    db.execute(
        "INSERT OR IGNORE INTO files"
        " (digest, kind, media_type, data, text, note, tokens, width, height, pages)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            media.digest,
            media.kind,
            media.media_type,
            media.data,
            rows.clean(media.text),
            rows.clean(media.note),
            media.tokens,
            media.width,
            media.height,
            media.pages,
        ),
    )


def _stored(db: sqlite3.Connection, number: int) -> int:
    (total,) = db.execute(
        "SELECT ifnull(sum(length(data)), 0) FROM files WHERE digest IN"
        " (SELECT digest FROM post_files WHERE conversation = ?)",
        (number,),
    ).fetchone()
    return int(total)


def _data(db: sqlite3.Connection, digest: str) -> bytes | None:
    found = db.execute("SELECT data FROM files WHERE digest = ?", (digest,)).fetchone()
    return None if found is None else bytes(found[0])
