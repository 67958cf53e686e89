"""What was chosen for channels and conversations, and every change of it. Rule: no change without author."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Callable, Sequence

from bot import conversation
from bot.desk import choosing
from bot.thread_log import rows, store

_HOME = "platform = ? AND workspace = ? AND channel = ?"
Place = tuple[str, str, str, str]  # platform, workspace, channel, and the conversation or ""


class ChoiceBook:
    """Implements `choosing.Book` on the database of the thread log."""

    def __init__(self, *, store: store.Store, clock: Callable[[], dt.datetime]) -> None:
        self._store, self._clock = store, clock

    async def of(
        self, conversation_id: conversation.ConversationId, home: conversation.Home | None = None
    ) -> Sequence[choosing.Choice]:
        """The choices for a conversation, its channel's first; `home`: else as the log knows it."""
        return await self._store.read(functools.partial(_of, conversation_id=conversation_id, home=home))

    async def put(
        self,
        conversation_id: conversation.ConversationId,
        home: conversation.Home,
        *,
        scope: choosing.Scope,
        name: str,
        value: str,
        author: str,
        author_name: str,
    ) -> choosing.Change | None:
        """Choose, "" to choose nothing; what has changed, None for nothing."""
        work = functools.partial(
            _put,
            place=_place(home, conversation_id if scope == "thread" else ""),
            name=name,
            value=rows.clean(value),
            author=rows.clean(author),
            author_name=rows.clean(author_name),
            now=rows.micros(self._clock()),
        )
        return await self._store.write(work)

    async def changes(
        self,
        conversation_id: conversation.ConversationId,
        home: conversation.Home,
        *,
        limit: int = 20,
    ) -> Sequence[choosing.Change]:
        """The newest changes in a conversation and its channel, newest first."""
        work = functools.partial(_changes, conversation_id=conversation_id, home=home, limit=limit)
        return await self._store.read(work)


def forget(db: sqlite3.Connection, *, conversation_id: conversation.ConversationId) -> None:
    """Erase what was chosen for a conversation alone, and the account of it: a prompt is people's words."""
    for table in ("choices", "choice_changes"):
        db.execute(f"DELETE FROM {table} WHERE conversation = ?", (conversation_id,))  # noqa: S608 - names from the line above


def forget_user(db: sqlite3.Connection, *, user: str) -> None:
    """Take a person out of the account of changes; `user` may have `platform:` in front.

    What they chose goes on, as a setting does; of the prompts they wrote only those in force are left.
    """
    platform, _, author = user.rpartition(":")
    where = "author = ?1 AND (?2 = '' OR platform = ?2)"
    db.execute(  # what others have put in the place of their words
        "UPDATE choice_changes SET before = '(erased)' WHERE name = 'prompt' AND before <> '' AND before IN"  # noqa: S608
        f" (SELECT after FROM choice_changes WHERE name = 'prompt' AND {where})",
        (author, platform),
    )
    db.execute(
        f"UPDATE choice_changes SET before = iif(before = '', '', '(erased)'),"  # noqa: S608 - our own condition
        f" after = iif(after = '', '', '(erased)') WHERE name = 'prompt' AND {where}",
        (author, platform),
    )
    for table in ("choices", "choice_changes"):
        db.execute(
            f"UPDATE {table} SET author = '', author_name = '' WHERE {where}",  # noqa: S608 - our own names
            (author, platform),
        )


def expire(db: sqlite3.Connection, *, before: int) -> int:
    """Erase the account of changes made before then; how many. What is chosen goes on."""
    return db.execute("DELETE FROM choice_changes WHERE changed_at < ?", (before,)).rowcount


def _place(home: conversation.Home, conversation_id: str) -> Place:
    clean = rows.clean
    return (home.platform, clean(home.workspace), clean(home.channel), clean(conversation_id))


def _of(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    home: conversation.Home | None,
) -> list[choosing.Choice]:
    where: tuple[str, ...] | None
    if home is not None:
        where = _place(home, "")[:3]
    else:
        where = db.execute(
            "SELECT platform, workspace, channel FROM conversations WHERE id = ?", (conversation_id,)
        ).fetchone()
    if where is None or not where[0]:  # unknown, or imported: it has no home
        return []
    found = db.execute(
        "SELECT conversation, name, value, author, author_name, set_at FROM choices"  # noqa: S608 - our own condition
        f" WHERE {_HOME} AND conversation IN ('', ?) ORDER BY conversation, name",
        (*where, conversation_id),
    )
    return [
        choosing.Choice(
            scope="thread" if thread else "channel",
            name=name,
            value=value,
            author=author,
            author_name=author_name,
            at=rows.moment(set_at),
        )
        for thread, name, value, author, author_name, set_at in found
    ]


def _put(
    db: sqlite3.Connection,
    *,
    place: Place,
    name: str,
    value: str,
    author: str,
    author_name: str,
    now: int,
) -> choosing.Change | None:
    found = db.execute(
        f"SELECT value FROM choices WHERE {_HOME} AND conversation = ? AND name = ?",  # noqa: S608 - our own condition
        (*place, name),
    ).fetchone()
    before = found[0] if found else ""
    if before == value:
        return None
    if value:
        db.execute(
            "INSERT OR REPLACE INTO choices (platform, workspace, channel, conversation, name, value,"
            " author, author_name, set_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*place, name, value, author, author_name, now),
        )
    else:
        db.execute(
            f"DELETE FROM choices WHERE {_HOME} AND conversation = ? AND name = ?",  # noqa: S608 - our own condition
            (*place, name),
        )
    db.execute(
        "INSERT INTO choice_changes (platform, workspace, channel, conversation, name, before, after,"
        " author, author_name, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*place, name, before, value, author, author_name, now),
    )
    return choosing.Change(
        scope="thread" if place[3] else "channel",
        name=name,
        before=before,
        after=value,
        author=author,
        author_name=author_name,
        at=rows.moment(now),
    )


def _changes(
    db: sqlite3.Connection,
    *,
    conversation_id: conversation.ConversationId,
    home: conversation.Home,
    limit: int,
) -> list[choosing.Change]:
    found = db.execute(
        "SELECT conversation, name, before, after, author, author_name, changed_at FROM choice_changes"  # noqa: S608 - our own condition
        f" WHERE {_HOME} AND conversation IN ('', ?) ORDER BY number DESC LIMIT ?",
        (*_place(home, "")[:3], conversation_id, limit),
    )
    return [
        choosing.Change(
            scope="thread" if thread else "channel",
            name=name,
            before=before,
            after=after,
            author=author,
            author_name=author_name,
            at=rows.moment(at),
        )
        for thread, name, before, after, author, author_name, at in found
    ]
