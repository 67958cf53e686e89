"""Requests and what they cost: the anchor of token counting, the rhythm of a conversation, the sums."""

from __future__ import annotations

import itertools
import json
import sqlite3
from collections.abc import Sequence
from typing import Literal

from bot import conversation
from bot.money import billing
from bot.planning import caching
from bot.thread_log import rows

By = Literal["user", "channel", "conversation", "day", "model"]
"""What bills are added up by; days are UTC."""

_KEYS: dict[By, str] = {
    "user": "c.platform || ':' || q.author",
    "channel": "c.platform || ':' || c.channel",
    "conversation": "c.id",
    "day": "date(q.sent_at / 1000000, 'unixepoch')",  # UTC
    "model": "q.model",
}


TOKENS = "q.fresh, q.written_5m, q.written_1h, q.read, q.output, q.web_searches"
"""The columns that `usage` reads, in its order."""


def billed(
    db: sqlite3.Connection,
    *,
    reply_id: str,
    kind: str,
    model: str,
    usage: conversation.Usage,
    now: int,
    message_id: str = "",
    miss: str = "",
) -> None:
    """Keep one call's bill; it was sent when its plan was committed."""
    db.execute(
        "INSERT INTO requests (conversation, reply, place, author, kind, model, plan, fresh, written_5m,"
        " written_1h, read, output, web_searches, raw, message_id, miss, sent_at)"
        " SELECT conversation, id, place, asker_author, ?, ?, plan, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
        " ifnull(planned_at, ?) FROM replies WHERE id = ?",
        (
            kind,
            rows.clean(model),
            usage.fresh,
            usage.written_5m,
            usage.written_1h,
            usage.read,
            usage.output,
            usage.web_searches,
            json.dumps(dict(usage.raw)),
            rows.clean(message_id),
            miss,
            now,
            reply_id,
        ),
    )


def billed_beside(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    kind: str,
    model: str,
    usage: conversation.Usage,
    now: int,
) -> None:
    """Keep the bill of a call that no reply waited for, with the conversation's newest."""
    newest = db.execute(
        "SELECT r.id FROM replies r JOIN conversations c ON c.number = r.conversation WHERE c.id = ?"
        " ORDER BY r.place DESC LIMIT 1",
        (conversation_id,),
    ).fetchone()
    if newest is not None:
        billed(db, reply_id=newest[0], kind=kind, model=model, usage=usage, now=now)


def last(
    db: sqlite3.Connection, *, number: int, from_place: int, before_place: int
) -> tuple[conversation.LastRequest | None, int | None]:
    """The newest request whose answer stands in the log, and where what it carried has changed since."""
    row = db.execute(
        "SELECT q.place, q.plan, q.broken, q.sent_at, q.fresh, q.written_5m, q.written_1h, q.read, q.output,"
        " q.web_searches, q.raw, q.message_id FROM requests q JOIN replies r ON r.id = q.reply"
        " WHERE q.conversation = ? AND q.kind = 'answer' AND q.place >= ? AND q.place < ?"
        " AND r.state IN ('written', 'finished') ORDER BY q.place DESC, q.number DESC LIMIT 1",
        (number, from_place, before_place),
    ).fetchone()
    if row is None or row[1] is None:
        return None, None
    place, plan, broken, sent_at, *tokens, raw, message_id = row
    request = conversation.LastRequest(
        place=place,
        plan=rows.load_plan(plan),
        usage=usage(tokens, raw=raw),
        at=rows.moment(sent_at),
        message_id=message_id,
    )
    return request, broken or None


def gaps(db: sqlite3.Connection, *, number: int) -> tuple[float, ...]:
    """Seconds between the newest answer requests, oldest first."""
    found = db.execute(
        "SELECT DISTINCT sent_at FROM requests WHERE conversation = ? AND kind = 'answer'"
        " ORDER BY sent_at DESC LIMIT ?",
        (number, caching.GAPS + 1),
    )
    times = [sent_at for (sent_at,) in found][::-1]
    return tuple((later - earlier) / 1_000_000 for earlier, later in itertools.pairwise(times))


def break_from(db: sqlite3.Connection, *, number: int, place: int) -> None:
    """What stands at a place is no longer what the requests from there on carried or were answered."""
    db.execute(
        "UPDATE requests SET broken = CASE broken WHEN 0 THEN ?1 ELSE min(broken, ?1) END"
        " WHERE conversation = ?2 AND kind = 'answer' AND place >= ?3",
        (max(place, 1), number, place),
    )


def bills(
    db: sqlite3.Connection, *, by: By, conversation_id: conversation.ConversationId | None
) -> list[billing.Bill]:
    """Every billed call, answers and summaries, of one conversation or of all."""
    found = db.execute(
        f"SELECT {_KEYS[by]}, q.model, q.fresh, q.written_5m, q.written_1h, q.read, q.output, q.web_searches,"  # noqa: S608 - our own expressions
        " q.miss FROM requests q JOIN conversations c ON c.number = q.conversation"
        " WHERE ?1 IS NULL OR c.id = ?1 ORDER BY q.number",
        (conversation_id,),
    )
    return [
        billing.Bill(key=key, model=model, usage=usage(tokens), miss=miss)
        for key, model, *tokens, miss in found
    ]


def answer_usage(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId
) -> dict[str, dict[str, object]]:
    """The API's own usage object of each answer that stands in the log, by the id of its post."""
    brought = db.execute(
        "SELECT p.id, p.usage FROM posts p JOIN conversations c ON c.number = p.conversation"
        " WHERE c.id = ? AND p.usage IS NOT NULL",
        (conversation_id,),
    )
    found = db.execute(
        "SELECT p.id, q.raw FROM requests q JOIN posts p ON p.reply = q.reply AND p.role = 'assistant'"
        " JOIN conversations c ON c.number = p.conversation"
        " WHERE c.id = ? AND q.kind = 'answer' ORDER BY q.number",
        (conversation_id,),
    )
    return {post_id: json.loads(raw) for post_id, raw in [*brought, *found]}


def newest_plan(
    db: sqlite3.Connection, *, number: int, from_place: int, before_place: int
) -> conversation.Plan | None:
    """What was decided last, answered or not; None before the first."""
    row = db.execute(
        "SELECT plan FROM replies WHERE conversation = ? AND place >= ?"
        " AND place < ? AND plan IS NOT NULL ORDER BY place DESC LIMIT 1",
        (number, from_place, before_place),
    ).fetchone()
    return None if row is None else rows.load_plan(row[0])


def usage(tokens: Sequence[int], *, raw: str = "{}") -> conversation.Usage:
    """The bill in a row's columns."""
    fresh, written_5m, written_1h, read, output, web_searches = tokens
    return conversation.Usage(
        fresh=fresh,
        written_5m=written_5m,
        written_1h=written_1h,
        read=read,
        output=output,
        web_searches=web_searches,
        raw=json.loads(raw),
    )
