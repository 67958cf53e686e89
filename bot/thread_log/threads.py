"""What a request is built from. Rule: reading costs what is read, whatever the thread's length."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from bot import conversation
from bot.planning import segmenting
from bot.thread_log import bills, links, rows, segments


def thread(db: sqlite3.Connection, *, reply: conversation.Reply, tail_only: bool) -> conversation.Thread:
    """The log before a reply's place: the segments, and the posts that none of those in use covers.

    Leaves out what `new` hid when the reply began; with `tail_only` also the posts before the newest
    plan's first place.
    """
    found = db.execute(
        "SELECT conversation, reset_place, place FROM replies WHERE id = ?", (reply.id,)
    ).fetchone()
    if found is None:  # forgotten meanwhile
        return conversation.Thread(conversation=reply.conversation, posts=(), summaries=(), last=None)
    number, reset_place, place = found
    return _before(
        db,
        conversation_id=reply.conversation,
        number=number,
        reset_place=reset_place,
        place=place,
        tail_only=tail_only,
    )


def overview(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> conversation.Thread:
    """The log as the next request would find it, without the posts that still wait."""
    found = db.execute(
        "SELECT number, reset_place, next_place FROM conversations WHERE id = ?", (conversation_id,)
    ).fetchone()
    if found is None:
        return conversation.Thread(conversation=conversation_id, posts=(), summaries=(), last=None)
    number, reset_place, place = found
    return _before(
        db,
        conversation_id=conversation_id,
        number=number,
        reset_place=reset_place,
        place=place,
        tail_only=False,
    )


def _before(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    number: int,
    reset_place: int,
    place: int,
    tail_only: bool,
) -> conversation.Thread:
    stored = tuple(
        segment
        for segment in segments.stored(db, conversation_id=conversation_id, from_place=reset_place)
        if segment.last_place < place
    )
    plan = bills.newest_plan(db, number=number, from_place=reset_place, before_place=place)
    used = segmenting.in_use(stored, plan.newest_summary if plan else None)
    start = max(reset_place, plan.first_place) if plan and tail_only else reset_place
    materials = links.materials(db, number=number, first=start, last=place - 1)
    posts = [
        _with_material(rows.post(conversation_id, row), materials)
        for first, last in _uncovered(start, place - 1, used)
        for row in _rows(db, number=number, first=first, last=last)
    ]
    before, changed_place = bills.last(db, number=number, from_place=reset_place, before_place=place)
    return conversation.Thread(
        conversation=conversation_id,
        posts=tuple(posts),
        summaries=stored,
        last=None if changed_place is not None else before,
        before=before,
        changed_place=changed_place,
        gaps=bills.gaps(db, number=number),
        first_place=plan.first_place if plan else 0,
        newest_summary=plan.newest_summary if plan else None,
        offers_recall=plan is not None and plan.offers_recall,
        gave_up=plan is not None and plan.gave_up,
        described=plan.described if plan else (),
    )


def _with_material(post: conversation.Post, materials: Mapping[str, str]) -> conversation.Post:
    found = materials.get(post.id)
    return dataclasses.replace(post, material=found) if found else post


def _uncovered(first: int, last: int, segments: Sequence[conversation.Summary]) -> Iterator[tuple[int, int]]:
    """The runs of places from first to last that no segment covers; segments come in order."""
    for segment in segments:
        if first < segment.first_place:
            yield first, min(segment.first_place - 1, last)
        first = max(first, segment.last_place + 1)
    if first <= last:
        yield first, last


def _rows(db: sqlite3.Connection, *, number: int, first: int, last: int) -> sqlite3.Cursor:
    return db.execute(
        f"SELECT {rows.POST} FROM posts WHERE conversation = ? AND place BETWEEN ? AND ?"  # noqa: S608 - our own column list
        " ORDER BY place, sent_at, length(id), id",
        (number, first, last),
    )
