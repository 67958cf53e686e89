"""Edits and erasures. Rule: they reach the log, the index, the summaries and the answers in one commit."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Sequence

from bot import conversation
from bot.thread_log import (
    choices,
    corrections,
    echoes,
    files,
    index,
    intake,
    links,
    ratings,
    replies,
    rows,
    segments,
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Erased:
    """What a deletion or an edit took out, for the answers that are being written from it."""

    text: str
    running: tuple[str, ...]  # ids of the unfinished replies that have read it


_NOTHING_ERASED = Erased(text="", running=())


@dataclasses.dataclass(frozen=True, kw_only=True)
class EditEffect:
    """What an edit or a deletion did."""

    changed: bool = False
    running_reply: str | None = None  # the unfinished reply that answers this post: redo it
    withdrawn: bool = False  # that reply has no question left: take it away instead
    stale_summaries: int = 0  # segments that covered the post and are gone


def edit(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    post_id: str,
    text: str,
    edited_at: int,
    now: int,
    attachments: Sequence[conversation.Attachment] | None = None,
) -> tuple[EditEffect, Erased]:
    """Give a person's post its new text and files; an older edit than the last changes nothing.

    `attachments`: None leaves them as they are. A file goes with any edit, and comes only with a newer one
    than the last: what was taken away does not come back with the event of an edit before that.
    """
    number = rows.number(db, conversation_id)
    text = rows.clean(text)
    found = db.execute(
        "SELECT sent_at, place, reply, text, attachments, edited_at FROM posts"
        " WHERE conversation = ? AND id = ? AND role = 'user' AND ifnull(edited_at, ?) <= ?",
        (number, post_id, edited_at, edited_at),
    ).fetchone()
    if number is None or found is None:
        return EditEffect(), _NOTHING_ERASED
    sent_at, place, reply, old_text, announced, last_edit = found
    had = {file.id for file in rows.announced(announced)}
    may_come = last_edit is None or edited_at > last_edit
    held = [file for file in attachments or () if file.id in had or may_come]
    staying = had if attachments is None else {file.id for file in held}
    if text == old_text and staying == had:
        return EditEffect(), _NOTHING_ERASED
    gone = "\n".join(files.words(db, number=number, post_id=post_id, staying=staying))
    with index.in_step(db, conversation=number, order=(sent_at, len(post_id), post_id)):
        db.execute(
            "UPDATE posts SET text = ?1, withheld = 0,"
            " edited_at = CASE WHEN ?2 THEN ?3 ELSE edited_at END WHERE conversation = ?4 AND id = ?5",
            (text, text != old_text or not staying <= had, edited_at, number, post_id),
        )
        if staying != had:
            cleaned = [rows.clean_file(file) for file in held]
            files.revise(db, number=number, post_id=post_id, announced=cleaned)
    if gone and place is not None:
        _erase_echoes(db, number=number, place=place, deleted=gone)
    count_erasure(db)
    effect = _carry(db, number=number, place=place, reply=reply, now=now)
    return effect, Erased(text=gone, running=_reading(db, number, place) if gone else ())


def file_gone(
    db: sqlite3.Connection, *, platform: str, workspace: str, file_id: str, now: int
) -> list[tuple[conversation.ConversationId, tuple[EditEffect, Erased]]]:
    """Take a file that was deleted on its platform out of every post that holds it, words and bytes."""
    done = []
    for conversation_id, post_id in files.holders(
        db, platform=platform, workspace=workspace, file_id=file_id
    ):
        text, announced, sent_at, edited_at = db.execute(
            "SELECT text, attachments, sent_at, edited_at FROM posts WHERE id = ?1"
            " AND conversation = (SELECT number FROM conversations WHERE id = ?2)",
            (post_id, conversation_id),
        ).fetchone()
        left = [file for file in rows.announced(announced) if file.id != file_id]
        effect = edit(
            db,
            conversation_id=conversation_id,
            post_id=post_id,
            text=text,
            edited_at=edited_at or sent_at,
            now=now,
            attachments=left,
        )
        done.append((conversation_id, effect))
    return done


def delete(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    post_id: str,
    expected: bool,
    now: int,
) -> tuple[EditEffect, Erased]:
    """Erase a post, or the answer that it is a part of; its id is kept, if it never came where `expected`."""
    brought = links.words(db, conversation_id=conversation_id, post_id=post_id)
    held = links.forget_source(db, conversation_id=conversation_id, post_id=post_id)
    for other, its_place in held:
        if its_place is not None and brought:
            _erase_echoes(db, number=other, place=its_place, deleted=brought)
    _let_go(db, held, now=now)
    number = rows.number(db, conversation_id)
    found = db.execute(
        "SELECT id, role, text, place, reply FROM posts WHERE conversation = ?1 AND (id = ?2 OR seq = ("
        "SELECT p.seq FROM replies r JOIN posts p ON p.reply = r.id AND p.role = 'assistant'"
        " WHERE r.conversation = ?1 AND r.state = 'finished' AND r.id = (SELECT o.reply FROM reply_posts o"
        " WHERE o.conversation = ?1 AND o.id = ?2) AND EXISTS (SELECT 1 FROM json_each(r.platform_ids) part"
        " WHERE part.value = ?2)))",
        (number, post_id),
    ).fetchone()
    nothing = EditEffect(), _NOTHING_ERASED
    if number is None or found is None:
        if expected:
            _keep_id(db, conversation_id, post_id)
        return nothing
    stored_id, role, text, place, reply = found
    if role == "assistant" and _is_unfinished(
        db, reply
    ):  # the adapter tidies up the posts of a running reply
        return nothing
    _keep_id(db, conversation_id, post_id)
    text = "\n".join([text, *files.words(db, number=number, post_id=stored_id)])
    intake.remove(db, number=number, post_id=stored_id)
    if role == "assistant":
        ratings.forget_answer(db, reply_id=reply)
    if role == "user" and place is not None:
        _erase_echoes(db, number=number, place=place, deleted=text)
    count_erasure(db)
    running = _reading(db, number, place)
    return _carry(db, number=number, place=place, reply=reply, now=now), Erased(text=text, running=running)


def forget(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, now: int) -> int:
    """Erase a conversation; how many posts it had.

    What stays: the ids of its posts, so that no catch-up brings them back, and the bills, which hold
    numbers only and which budgets rest on.
    """
    choices.forget(db, conversation_id=conversation_id)
    _let_go(db, links.forget_source(db, conversation_id=conversation_id), now=now)
    number = rows.number(db, conversation_id)
    if number is None:
        return 0
    seqs = [seq for (seq,) in db.execute("SELECT seq FROM posts WHERE conversation = ?", (number,))]
    index.remove(db, seqs)
    db.execute(
        "INSERT OR IGNORE INTO erased (conversation, id)"
        " SELECT ?1, id FROM posts WHERE conversation = ?2 UNION"
        " SELECT ?1, id FROM reply_posts WHERE conversation = ?2",
        (conversation_id, number),
    )
    files.drop(db, number=number)
    tables = (
        "posts",
        "reply_posts",
        "replies",
        "summaries",
        "corrections",
        "feedback",
        "tool_calls",
        "links",
    )
    for table in tables:
        db.execute(f"DELETE FROM {table} WHERE conversation = ?", (number,))  # noqa: S608 - names from the line above
    db.execute(
        "UPDATE conversations SET history_read = 1, reset_place = next_place, changed_at = ?"
        " WHERE number = ?",
        (now, number),
    )
    count_erasure(db)
    return len(seqs)


def reset(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> None:
    """Hide what was said so far. Questions that wait for an answer are not hidden."""
    db.execute(
        "UPDATE posts SET place = (SELECT next_place FROM conversations WHERE id = ?1)"
        " WHERE conversation = (SELECT number FROM conversations WHERE id = ?1) AND place IS NULL"
        " AND NOT (addressed = 1 AND reply IS NULL)",
        (conversation_id,),
    )
    db.execute(
        "UPDATE conversations SET reset_place = next_place + 1, next_place = next_place + 1 WHERE id = ?",
        (conversation_id,),
    )


def erased(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    number: int,
    post_id: str,
    place: int | None,
    now: int,
) -> None:
    """Carry the removal of a post that no answer under way rests on; its id stays."""
    _keep_id(db, conversation_id, post_id)
    count_erasure(db)
    _carry(db, number=number, place=place, reply=None, now=now)


def _carry(
    db: sqlite3.Connection, *, number: int, place: int | None, reply: str | None, now: int
) -> EditEffect:
    """Carry a change at a place into what rests on it."""
    if place is None:
        return EditEffect(changed=True)
    stale = segments.remove_covering(db, number=number, place=place)
    segments.prefix_changed(db, number=number, place=place)
    db.execute("UPDATE conversations SET changed_at = ? WHERE number = ?", (now, number))
    if not _is_unfinished(db, reply):
        return EditEffect(changed=True, stale_summaries=stale)
    assert reply is not None  # noqa: S101 - an unfinished reply has an id
    replies.reopen(db, reply_id=reply)
    left = db.execute("SELECT 1 FROM posts WHERE reply = ? AND role = 'user'", (reply,)).fetchone()
    return EditEffect(changed=True, running_reply=reply, withdrawn=left is None, stale_summaries=stale)


def forget_user(db: sqlite3.Connection, *, user: str, now: int) -> None:
    """Erase what there is of a person besides their posts; `user` may have `platform:` in front."""
    corrections.forget_user(db, user=user)
    choices.forget_user(db, user=user)
    ratings.forget_user(db, user=user)
    _let_go(db, links.forget_user(db, user=user), now=now)
    count_erasure(db)


def expire_links(db: sqlite3.Connection, *, before: int, now: int) -> int:
    """Erase what links brought in of posts older than that; how many questions had any."""
    held = links.expire(db, before=before)
    _let_go(db, held, now=now)
    return len(held)


def _let_go(db: sqlite3.Connection, held: Sequence[tuple[int, int | None]], *, now: int) -> None:
    """Carry that something is gone which questions at these places had brought in."""
    for number, place in held:
        _carry(db, number=number, place=place, reply=None, now=now)
    if held:
        count_erasure(db)


def _erase_echoes(db: sqlite3.Connection, *, number: int, place: int, deleted: str) -> None:
    later = db.execute(
        "SELECT id, sent_at, text, place FROM posts"
        " WHERE conversation = ? AND place > ? AND role = 'assistant'",
        (number, place),
    ).fetchall()
    for post_id, sent_at, text, answer_place in later:
        kept = echoes.without(text, deleted=deleted)
        if kept == text:
            continue
        with index.in_step(db, conversation=number, order=(sent_at, len(post_id), post_id)):
            db.execute("UPDATE posts SET text = ? WHERE conversation = ? AND id = ?", (kept, number, post_id))
        segments.remove_covering(db, number=number, place=answer_place)
    segments.remove_echoing(db, number=number, place=place, deleted=deleted)


def _reading(db: sqlite3.Connection, number: int, place: int | None) -> tuple[str, ...]:
    """The unfinished replies whose requests hold what stands at a place."""
    reading = f"SELECT id FROM replies WHERE conversation = ? AND place > ? AND {replies.UNFINISHED}"  # noqa: S608 - our own constant
    return tuple(found for (found,) in db.execute(reading, (number, place)))


def _is_unfinished(db: sqlite3.Connection, reply: str | None) -> bool:
    unfinished = f"SELECT 1 FROM replies WHERE id = ? AND {replies.UNFINISHED}"  # noqa: S608 - our own constant
    return db.execute(unfinished, (reply,)).fetchone() is not None


def _keep_id(db: sqlite3.Connection, conversation_id: conversation.ConversationId, post_id: str) -> None:
    db.execute(
        "INSERT OR IGNORE INTO erased (conversation, id) VALUES (?, ?)",
        (conversation_id, rows.clean(post_id)),
    )


def count_erasure(db: sqlite3.Connection) -> None:
    """Have the bytes of what was just erased looked for."""
    db.execute("UPDATE upkeep SET erasures = erasures + 1")
