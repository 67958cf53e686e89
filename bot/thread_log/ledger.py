"""The rows behind a conversation, for whoever wants to see how an answer came about."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import sqlite3

from bot import conversation
from bot.thread_log import rows


@dataclasses.dataclass(frozen=True, kw_only=True)
class Entry:
    """A row of the reply ledger, with what it was billed."""

    id: str
    place: int
    state: conversation.ReplyState
    note: (
        str  # the error's class where it failed; while unfinished, why its writing ended or is to begin anew
    )
    asker: str  # the newest post it answers
    platform_ids: tuple[str, ...]
    begun_at: dt.datetime
    ended_at: dt.datetime | None
    requests: int
    usage: conversation.Usage


def entries(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId, limit: int
) -> list[Entry]:
    """The newest replies of a conversation, oldest first."""
    found = db.execute(
        "SELECT r.id, r.place, r.state, r.note, r.asker, r.platform_ids, r.begun_at, r.ended_at,"
        " count(q.number), ifnull(sum(q.fresh), 0), ifnull(sum(q.written_5m), 0),"
        " ifnull(sum(q.written_1h), 0), ifnull(sum(q.read), 0), ifnull(sum(q.output), 0)"
        " FROM replies r JOIN conversations c ON c.number = r.conversation"
        " LEFT JOIN requests q ON q.reply = r.id"
        " WHERE c.id = ? GROUP BY r.id ORDER BY r.place DESC LIMIT ?",
        (conversation_id, limit),
    ).fetchall()
    return [_entry(row) for row in reversed(found)]


def _entry(row: tuple[str, int, str, str, str, str, int, int | None, int, int, int, int, int, int]) -> Entry:
    reply, place, state, note, asker, platform_ids, begun, ended, requests, *tokens = row
    fresh, written_5m, written_1h, read, output = tokens
    return Entry(
        id=reply,
        place=place,
        state=conversation.ReplyState(state),
        note=note,
        asker=asker,
        platform_ids=tuple(json.loads(platform_ids)),
        begun_at=rows.moment(begun),
        ended_at=None if ended is None else rows.moment(ended),
        requests=requests,
        usage=conversation.Usage(
            fresh=fresh, written_5m=written_5m, written_1h=written_1h, read=read, output=output
        ),
    )
