"""Tool lists that requests were sent with, and calls that write: names and states, no words."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Callable

from bot import conversation
from bot.thread_log import rows, store
from bot.tools import toolsets


class ToolBook:
    """The part of the thread log that tools need; one method, one transaction."""

    def __init__(self, *, store: store.Store, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._clock = store, clock

    async def keep_list(self, offered: toolsets.Toolset) -> None:
        """Keep a list of tools before a plan names it."""
        if offered.tools:
            await self._store.write(functools.partial(keep_list, offered=offered, now=self._now()))

    async def tool_list(self, list_id: str) -> toolsets.Toolset:
        """The list that a plan names; the empty one for ""."""
        if not list_id:
            return toolsets.NONE
        text = await self._store.read(functools.partial(tool_list, list_id=list_id))
        return toolsets.NONE if text is None else toolsets.load(text)

    async def note_call(self, reply: conversation.Reply, call: toolsets.Written, *, by: str = "") -> None:
        """Keep how far a call that writes has come; `by`: who was asked."""
        await self._store.write(functools.partial(note, reply_id=reply.id, call=call, by=by, now=self._now()))

    async def calls(self, reply: conversation.Reply) -> list[toolsets.Written]:
        """The calls that write of an answer, oldest first."""
        return await self._store.read(functools.partial(of, reply_id=reply.id))

    def _now(self) -> int:
        return rows.micros(self._clock())


def keep_list(db: sqlite3.Connection, *, offered: toolsets.Toolset, now: int) -> None:
    """Keep a list of tools, once."""
    db.execute(
        "INSERT OR IGNORE INTO toolsets (id, tools, kept_at) VALUES (?, ?, ?)",
        (offered.id, rows.clean(offered.text), now),
    )


def tool_list(db: sqlite3.Connection, *, list_id: str) -> str | None:
    """The list of that id as it was kept."""
    found = db.execute("SELECT tools FROM toolsets WHERE id = ?", (list_id,)).fetchone()
    return None if found is None else str(found[0])


def note(db: sqlite3.Connection, *, reply_id: str, call: toolsets.Written, by: str, now: int) -> None:
    """Keep how far a call has come; without effect for a reply that was forgotten."""
    db.execute(
        "INSERT INTO tool_calls"
        " (reply, id, conversation, tool, state, life, notice, by, asked_at, changed_at)"
        " SELECT ?1, ?2, conversation, ?3, ?4, ?5, ?6, ?7, ?8, ?8 FROM replies WHERE id = ?1"
        " ON CONFLICT (reply, id) DO UPDATE SET state = ?4, notice = ?6, changed_at = ?8,"
        " by = CASE ?7 WHEN '' THEN by ELSE ?7 END",
        (reply_id, rows.clean(call.id), call.tool, call.state.value, call.life, call.notice, by, now),
    )


def of(db: sqlite3.Connection, *, reply_id: str) -> list[toolsets.Written]:
    """The calls of an answer, oldest first."""
    found = db.execute(
        "SELECT id, tool, state, life, notice FROM tool_calls WHERE reply = ? ORDER BY asked_at, id",
        (reply_id,),
    )
    return [
        toolsets.Written(id=call, tool=tool, state=toolsets.State(state), life=life, notice=notice)
        for call, tool, state, life, notice in found
    ]
