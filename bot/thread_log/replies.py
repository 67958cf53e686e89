"""The reply ledger. Rule: a reply is a row before it is a post; a conversation has at most one unfinished.

A place is a step in a conversation's order: a question's posts share one, its reply has the next.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
import sqlite3
from typing import Any

from bot import conversation
from bot.thread_log import intake, owners, places, ratings, rows

UNFINISHED = "state IN ('due', 'opened', 'written')"
REOPENED = "reopened"  # the note of one whose question has changed since it was begun
STOP = "stop"  # the note of one that another process than its owner was told to stop


def begin(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    now: int,
    owner: owners.Owner,
) -> conversation.Reply | None:
    """The unfinished reply, else a new one for what waits, else None (see `ports.Log.begin`).

    None, too, while another process that lives is at work on it.
    """
    found = db.execute(
        "SELECT number, reset_place FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if found is None:
        return None
    number, reset_place = found
    unfinished = db.execute(
        f"SELECT id, owner FROM replies WHERE conversation = ? AND {UNFINISHED}",  # noqa: S608 - our own constant
        (number,),
    ).fetchone()
    if unfinished is not None:
        if owner.is_other(unfinished[1]):
            return None
        db.execute(
            "UPDATE replies SET owner = ?1, note = CASE WHEN state = 'written' OR note = ?2 AND owner = ?1"
            " THEN note ELSE '' END WHERE id = ?3",
            (owner.name, STOP, unfinished[0]),
        )
        return _load(db, reply_id=unfinished[0], resumed=True)
    asker = db.execute(
        "SELECT id, author, sent_at FROM posts WHERE conversation = ? AND addressed = 1 AND reply IS NULL"
        " ORDER BY sent_at DESC, length(id) DESC, id DESC LIMIT 1",
        (number,),
    ).fetchone()
    if asker is None:
        return None
    reply_id = secrets.token_hex(8)  # short enough for a Discord nonce (25 characters) with a part's number
    place = places.place_waiting(db, number=number)
    db.execute(
        "UPDATE posts SET reply = ? WHERE conversation = ? AND addressed = 1 AND reply IS NULL",
        (reply_id, number),
    )
    db.execute(
        "INSERT INTO replies (id, conversation, place, reset_place, state, asker, asker_author, asked_at,"
        " begun_at, owner) VALUES (?, ?, ?, ?, 'due', ?, ?, ?, ?, ?)",
        (reply_id, number, place, reset_place, *asker, now, owner.name),
    )
    db.execute("UPDATE conversations SET next_place = ? WHERE number = ?", (place + 1, number))
    return _load(db, reply_id=reply_id, resumed=False)


def reopen_others(db: sqlite3.Connection, *, reply_id: str, owner: str) -> None:
    """An answer that a process other than this owner is writing is not taken: it may hold what is gone."""
    db.execute(
        "UPDATE replies SET note = ? WHERE id = ? AND owner NOT IN ('', ?) AND state <> 'written'",
        (REOPENED, reply_id, owner),
    )


def let_go(db: sqlite3.Connection, *, reply_id: str) -> None:
    """Nobody is at work on it: another process may take it up."""
    db.execute("UPDATE replies SET owner = '' WHERE id = ?", (reply_id,))


def plan(db: sqlite3.Connection, *, reply_id: str, plan: conversation.Plan, now: int) -> None:
    """Keep the decisions of the next request, and when they were taken."""
    db.execute(
        "UPDATE replies SET plan = ?, planned_at = ? WHERE id = ?", (rows.dump_plan(plan), now, reply_id)
    )


def posted(db: sqlite3.Connection, *, reply_id: str, platform_ids: tuple[str, ...]) -> None:
    """Keep where the reply stands; an echo of it that was recorded before gives way."""
    row = _row(db, reply_id)
    if row is None:
        return
    number, platform, state = row
    ids = tuple(rows.clean(platform_id) for platform_id in platform_ids)
    for platform_id in ids:
        db.execute(
            "INSERT OR REPLACE INTO reply_posts (platform, id, conversation, reply) VALUES (?, ?, ?, ?)",
            (platform, platform_id, number, reply_id),
        )
        _remove_echo(db, number=number, post_id=platform_id)
    db.execute(
        "UPDATE replies SET platform_ids = ?, state = ? WHERE id = ?",
        (json.dumps(ids), "opened" if state == "due" and ids else state, reply_id),
    )
    if ids:
        _name_answer(db, number=number, reply_id=reply_id, post_id=ids[0])


def written(db: sqlite3.Connection, *, reply_id: str, text: str, stop_reason: str, now: int) -> None:
    """Store the whole answer as the bot's post, and until it is shown why it ended.

    Without effect on a reply that is over or forgotten, or reopened since it was begun: whoever wrote this
    has not read the question as it is now.
    """
    row = _row(db, reply_id)
    if row is None or row[2] not in ("due", "opened", "written"):
        return
    (note,) = db.execute("SELECT note FROM replies WHERE id = ?", (reply_id,)).fetchone()
    if note == REOPENED:
        return
    number = row[0]
    remove_answer(db, reply_id=reply_id)
    conversation_id, place, asked_at, platform_ids = db.execute(
        "SELECT c.id, r.place, r.asked_at, r.platform_ids FROM replies r"
        " JOIN conversations c ON c.number = r.conversation WHERE r.id = ?",
        (reply_id,),
    ).fetchone()
    post = conversation.Post(
        conversation=conversation_id,
        id=_unnamed(reply_id),
        role="assistant",
        author="assistant",
        author_name="assistant",
        text=rows.clean(text),
        sent_at=rows.moment(max(now, asked_at + 1)),
    )
    intake.insert(db, number=number, post=post, place=place, reply=reply_id)
    for post_id in json.loads(platform_ids)[:1]:
        _name_answer(db, number=number, reply_id=reply_id, post_id=post_id)
    db.execute("UPDATE replies SET state = 'written', note = ? WHERE id = ?", (stop_reason, reply_id))


def end(
    db: sqlite3.Connection, *, reply_id: str, state: conversation.ReplyState, note: str, now: int
) -> None:
    """Close the row; a closed one stays as it is.

    FINISHED has no effect where no answer is in the log: an edit took it back, so it is still due.
    """
    row = _row(db, reply_id)
    if row is None or row[2] not in ("due", "opened", "written"):
        return
    if state is conversation.ReplyState.FINISHED:
        if row[2] != "written":
            return
    else:
        remove_answer(db, reply_id=reply_id)
    db.execute(
        "UPDATE replies SET state = ?, note = ?, ended_at = ? WHERE id = ?",
        (state.value, rows.clean(note), now, reply_id),
    )


def retry(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, at: int) -> bool:
    """Make the last answered question due again and take its answer out of the log.

    False while something is due or being answered, and where there is no question to answer again. The
    question keeps its place.
    """
    number = rows.number(db, conversation_id)
    due = "SELECT 1 FROM posts WHERE conversation = ? AND addressed = 1 AND reply IS NULL"
    found = db.execute(
        "SELECT r.id, r.state FROM replies r"
        " JOIN conversations c ON c.number = r.conversation AND r.place >= c.reset_place"
        " WHERE r.conversation = ? AND r.state <> 'withdrawn' ORDER BY r.place DESC LIMIT 1",
        (number,),
    ).fetchone()
    if found is None or found[1] not in ("finished", "failed") or db.execute(due, (number,)).fetchone():
        return False
    reply_id = found[0]
    asked = db.execute("UPDATE posts SET reply = NULL WHERE reply = ? AND role = 'user'", (reply_id,))
    if asked.rowcount == 0:
        return False
    remove_answer(db, reply_id=reply_id)
    db.execute(
        "UPDATE replies SET state = 'withdrawn', note = 'retry', ended_at = ? WHERE id = ?", (at, reply_id)
    )
    return True


def reopen(db: sqlite3.Connection, *, reply_id: str) -> None:
    """Take back the answer and the plan of an unfinished reply: what it rests on has changed."""
    remove_answer(db, reply_id=reply_id)
    db.execute(
        f"UPDATE replies SET plan = NULL, note = '{REOPENED}',"  # noqa: S608 - our own constant
        " state = CASE platform_ids WHEN '[]' THEN 'due' ELSE 'opened' END WHERE id = ?",
        (reply_id,),
    )


def remove_answer(db: sqlite3.Connection, *, reply_id: str) -> None:
    """Take the bot's post of a reply out of the log; its parts stay known as the bot's own."""
    ratings.forget_answer(db, reply_id=reply_id)
    found = db.execute(
        "SELECT conversation, id FROM posts WHERE reply = ? AND role = 'assistant'", (reply_id,)
    ).fetchone()
    if found is not None:
        intake.remove(db, number=found[0], post_id=found[1])


def _load(db: sqlite3.Connection, *, reply_id: str, resumed: bool) -> conversation.Reply:
    row = db.execute(
        "SELECT c.id, c.platform, c.workspace, c.channel, c.address, c.history_read,"
        " r.place, r.state, r.platform_ids, r.plan, r.asker, r.asked_at, r.note"
        " FROM replies r JOIN conversations c ON c.number = r.conversation WHERE r.id = ?",
        (reply_id,),
    ).fetchone()
    conversation_id, platform, workspace, channel, address, history_read, place, state = row[:8]
    platform_ids, plan_json, asker_id, asked_at, note = row[8:]
    asker = _asker(db, conversation_id=conversation_id, reply_id=reply_id)
    answer = db.execute(
        "SELECT text FROM posts WHERE reply = ? AND role = 'assistant'", (reply_id,)
    ).fetchone()
    return conversation.Reply(
        id=reply_id,
        conversation=conversation_id,
        home=conversation.Home(platform=platform, workspace=workspace, channel=channel, address=address),
        place=place,
        asker=asker or _erased_asker(conversation_id, asker_id, asked_at, place),
        state=conversation.ReplyState.WITHDRAWN if asker is None else conversation.ReplyState(state),
        resumed=resumed,
        platform_ids=tuple(json.loads(platform_ids)),
        text="" if answer is None else answer[0],
        stop_reason="" if answer is None else note,
        plan=None if plan_json is None else rows.load_plan(plan_json),
        history_read=bool(history_read),
    )


def _asker(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, reply_id: str
) -> conversation.Post | None:
    row: tuple[Any, ...] | None = db.execute(
        f"SELECT {rows.POST} FROM posts WHERE reply = ? AND role = 'user'"  # noqa: S608 - our own column list
        " ORDER BY sent_at DESC, length(id) DESC, id DESC LIMIT 1",
        (reply_id,),
    ).fetchone()
    return None if row is None else rows.post(conversation_id, row)


def _erased_asker(
    conversation_id: conversation.ConversationId, post_id: str, asked_at: int, place: int
) -> conversation.Post:
    """What is left of a deleted question: enough to find the reply's posts on the platform."""
    return conversation.Post(
        conversation=conversation_id,
        id=post_id,
        role="user",
        author="",
        author_name="",
        text="",
        sent_at=rows.moment(asked_at),
        place=place - 1,
    )


def _row(db: sqlite3.Connection, reply_id: str) -> tuple[int, str, str] | None:
    """Conversation, platform and state of a reply; None once it was forgotten."""
    found: tuple[int, str, str] | None = db.execute(
        "SELECT r.conversation, c.platform, r.state FROM replies r"
        " JOIN conversations c ON c.number = r.conversation WHERE r.id = ?",
        (reply_id,),
    ).fetchone()
    return found


def _unnamed(reply_id: str) -> str:
    return f"reply:{reply_id}"


def _name_answer(db: sqlite3.Connection, *, number: int, reply_id: str, post_id: str) -> None:
    """Give an answer the id of the first post it stands in, unless another post has it."""
    taken = "SELECT 1 FROM posts WHERE conversation = ? AND id = ?"
    row = db.execute(
        f"SELECT {rows.POST} FROM posts WHERE reply = ? AND role = 'assistant'",  # noqa: S608 - our own column list
        (reply_id,),
    ).fetchone()
    if row is None or db.execute(taken, (number, post_id)).fetchone() is not None:
        return
    post = rows.post(conversation.ConversationId(""), row)  # `insert` goes by the number
    intake.remove(db, number=number, post_id=post.id)
    intake.insert(
        db, number=number, post=dataclasses.replace(post, id=post_id), place=post.place, reply=reply_id
    )


def _remove_echo(db: sqlite3.Connection, *, number: int, post_id: str) -> None:
    echo = db.execute(
        "SELECT 1 FROM posts WHERE conversation = ? AND id = ? AND role = 'assistant' AND reply IS NULL",
        (number, post_id),
    ).fetchone()
    if echo is not None:
        intake.remove(db, number=number, post_id=post_id)
