"""Places: which request first carried a post. Rule: a place is given once and never changes its order.

Posts that are first sent together share a place, which becomes one content block of one turn. A long run is
laid over several places, because a conversation can only be cut between two of them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

POSTS = 20  # at one place
CHARACTERS = 8_000  # of text at one place; a longer post has a place of its own


def lay_out(posts: Sequence[tuple[str, int]], *, first: int) -> list[int]:
    """Places for posts in platform order, given as (role, length of the text), from `first` on."""
    laid: list[int] = []
    place, count, length, before = first, 0, 0, None
    for role, characters in posts:
        full = count == POSTS or length + characters > CHARACTERS
        if before is not None and (role != before or full):
            place, count, length = place + 1, 0, 0
        laid.append(place)
        count, length, before = count + 1, length + characters, role
    return laid


def place_waiting(db: sqlite3.Connection, *, number: int) -> int:
    """Give every waiting post of a conversation its place; the place that is free after them."""
    (first,) = db.execute("SELECT next_place FROM conversations WHERE number = ?", (number,)).fetchone()
    waiting = db.execute(
        "SELECT seq, role, length(text) FROM posts WHERE conversation = ? AND place IS NULL"
        " ORDER BY sent_at, length(id), id",
        (number,),
    ).fetchall()
    laid = lay_out([(role, characters) for _, role, characters in waiting], first=first)
    db.executemany(
        "UPDATE posts SET place = ? WHERE seq = ?",
        [(place, seq) for place, (seq, _, _) in zip(laid, waiting, strict=True)],
    )
    free = laid[-1] + 1 if laid else first
    db.execute("UPDATE conversations SET next_place = ? WHERE number = ?", (free, number))
    return free


def make_room(db: sqlite3.Connection, *, number: int, places: int) -> None:
    """Free the first so many places: whatever has one moves up, its order unchanged."""
    if places == 0:
        return
    for table in ("posts", "replies", "requests"):
        # Two steps, through numbers below zero, because a place is unique while the rows move.
        db.execute(
            f"UPDATE {table} SET place = -(place + ?) WHERE conversation = ? AND place IS NOT NULL",  # noqa: S608 - names from the line above
            (places, number),
        )
        db.execute(f"UPDATE {table} SET place = -place WHERE conversation = ? AND place < 0", (number,))  # noqa: S608 - as above
    db.execute(
        "UPDATE summaries SET first_place = first_place + ?1, last_place = last_place + ?1"
        " WHERE conversation = ?2",
        (places, number),
    )
    db.execute(
        "UPDATE corrections SET place = place + ? WHERE conversation = ?",
        (places, number),
    )
    db.execute(
        "UPDATE conversations SET next_place = next_place + ?1,"
        " reset_place = CASE reset_place WHEN 0 THEN 0 ELSE reset_place + ?1 END WHERE number = ?2",
        (places, number),
    )
    db.execute(
        "UPDATE replies SET reset_place = reset_place + ? WHERE conversation = ? AND reset_place > 0",
        (places, number),
    )
