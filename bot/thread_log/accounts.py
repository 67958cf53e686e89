"""Money that was spent and money that is held, in nano-dollars. Rule: what may be spent is held before.

A hold is the most that one call can cost. It is placed only where spending and all holds leave room under
every limit, in one transaction, and is turned into spending when the call is over. What a crash leaves
behind is counted as spent in full: nobody knows what the call cost.
"""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from bot import conversation
from bot.money import accounting
from bot.thread_log import bills, rows, store

_HELD: dict[accounting.Scope, str] = {
    "user": "user = ? AND day = ?",
    "channel": "channel = ? AND day = ?",
    "all": "'' = ? AND substr(day, 1, 7) = ?",
}


class Accounts:
    """Implements `accounting.Ledger` on the database of the thread log."""

    def __init__(self, *, store: store.Store) -> None:
        self._store = store

    async def start(self, now: dt.datetime, price: accounting.Price) -> None:
        """Begin to keep accounts: with this month's bills, and with the holds that a crash left behind."""
        await self._store.write(functools.partial(_start, now=now, price=price))

    async def stop(self) -> None:
        """Keep no accounts from now on: the next `start` reads the bills anew."""
        await self._store.write(_stop)

    async def place(
        self, account: accounting.Account, limits: Sequence[accounting.Limit], nano: int, now: dt.datetime
    ) -> accounting.Hold | accounting.Full:
        """Hold an amount, or say which limit has no room for it."""
        work = functools.partial(_place, account=account, limits=limits, nano=nano, now=now)
        return await self._store.write(work)

    async def settle(self, hold: accounting.Hold, nano: int | None) -> None:
        """Turn a hold into what the call cost; None where nobody knows: all of it."""
        await self._store.write(functools.partial(_settle, number=hold.number, nano=nano))

    async def spent(self, slots: Sequence[accounting.Slot]) -> list[int]:
        """What was spent in each of these, in nano-dollars."""
        return await self._store.read(functools.partial(_spent_all, slots=slots))

    async def account(self, conversation_id: conversation.ConversationId) -> accounting.Account | None:
        """Who pays for what is done beside answers: whoever asked last in the conversation."""
        return await self._store.read(functools.partial(_account, conversation_id=conversation_id))

    async def alerted(self, slot: accounting.Slot) -> bool:
        """Whether the admins were told of this one."""
        return await self._store.read(functools.partial(_alerted, slot=slot))

    async def alert(self, slot: accounting.Slot) -> None:
        """Keep that the admins were told."""
        await self._store.write(functools.partial(_alert, slot=slot))


def _place(
    db: sqlite3.Connection,
    *,
    account: accounting.Account,
    limits: Sequence[accounting.Limit],
    nano: int,
    now: dt.datetime,
) -> accounting.Hold | accounting.Full:
    for limit in limits:
        slot = accounting.slot(limit.scope, account, now)
        spent = _spent(db, slot)
        (held,) = db.execute(
            f"SELECT ifnull(sum(nano), 0) FROM holds WHERE {_HELD[limit.scope]}",  # noqa: S608 - our own constants
            (slot.key, slot.period),
        ).fetchone()
        if spent + held + nano > limit.nano:
            return accounting.Full(limit=limit, spent=spent, held=held, needed=nano)
    number = db.execute(
        "INSERT INTO holds (user, channel, day, nano) VALUES (?, ?, ?, ?)",
        (account.user, account.channel, accounting.day(now), nano),
    ).lastrowid
    assert number is not None  # noqa: S101 - an INSERT that did not raise has a row
    return accounting.Hold(number=number, nano=nano)


def _settle(db: sqlite3.Connection, *, number: int, nano: int | None) -> None:
    found = db.execute("SELECT user, channel, day, nano FROM holds WHERE number = ?", (number,)).fetchone()
    if found is None:
        return
    user, channel, day, held = found
    db.execute("DELETE FROM holds WHERE number = ?", (number,))
    amount = held if nano is None else nano
    for slot in accounting.slots(user=user, channel=channel, day=day):
        _add(db, slot, amount)


def _add(db: sqlite3.Connection, slot: accounting.Slot, nano: int) -> None:
    db.execute(
        "INSERT INTO spending (scope, key, period, nano) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (scope, key, period) DO UPDATE SET nano = nano + excluded.nano",
        (slot.scope, slot.key, slot.period, nano),
    )


def _start(db: sqlite3.Connection, *, now: dt.datetime, price: accounting.Price) -> None:
    if db.execute("SELECT count(*) FROM accounts").fetchone() == (0,):
        db.execute("DELETE FROM holds")
        db.execute("DELETE FROM spending")
        month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for slot, nano in _billed(db, since=month, price=price):
            _add(db, slot, nano)
        db.execute("INSERT INTO accounts (since) VALUES (?)", (rows.micros(now),))
    for (number,) in db.execute("SELECT number FROM holds").fetchall():
        _settle(db, number=number, nano=None)


def _stop(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM accounts")


def _billed(
    db: sqlite3.Connection, *, since: dt.datetime, price: accounting.Price
) -> Iterator[tuple[accounting.Slot, int]]:
    """What the bills since then add to each slot; a call without a known price adds nothing."""
    found = db.execute(
        "SELECT c.platform || ':' || q.author, c.platform || ':' || c.channel,"  # noqa: S608 - our own columns
        f" date(q.sent_at / 1000000, 'unixepoch'), q.model, {bills.TOKENS}"
        " FROM requests q JOIN conversations c ON c.number = q.conversation WHERE q.sent_at >= ?",
        (rows.micros(since),),
    ).fetchall()
    for user, channel, date, model, *tokens in found:
        nano = price(model, bills.usage(tokens)) or 0
        for slot in accounting.slots(user=user, channel=channel, day=date):
            yield slot, nano


def _spent_all(db: sqlite3.Connection, *, slots: Iterable[accounting.Slot]) -> list[int]:
    return [_spent(db, slot) for slot in slots]


def _spent(db: sqlite3.Connection, slot: accounting.Slot) -> int:
    found = db.execute(
        "SELECT nano FROM spending WHERE scope = ? AND key = ? AND period = ?",
        (slot.scope, slot.key, slot.period),
    ).fetchone()
    return 0 if found is None else int(found[0])


def _alerted(db: sqlite3.Connection, *, slot: accounting.Slot) -> bool:
    found = db.execute(
        "SELECT alerted FROM spending WHERE scope = ? AND key = ? AND period = ?",
        (slot.scope, slot.key, slot.period),
    ).fetchone()
    return found is not None and bool(found[0])


def _alert(db: sqlite3.Connection, *, slot: accounting.Slot) -> None:
    db.execute(
        "UPDATE spending SET alerted = 1 WHERE scope = ? AND key = ? AND period = ?",
        (slot.scope, slot.key, slot.period),
    )


def _account(
    db: sqlite3.Connection, *, conversation_id: conversation.ConversationId
) -> accounting.Account | None:
    found = db.execute(
        "SELECT c.platform || ':' || r.asker_author, c.platform || ':' || c.channel FROM replies r"
        " JOIN conversations c ON c.number = r.conversation WHERE c.id = ? ORDER BY r.place DESC LIMIT 1",
        (conversation_id,),
    ).fetchone()
    return None if found is None else accounting.Account(user=found[0], channel=found[1])
