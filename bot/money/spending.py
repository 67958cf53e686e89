"""What `usage` tells: what this conversation cost, what is left of the budgets, and to admins all of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Literal, Protocol

from bot import access, conversation
from bot.desk import commands, feedback
from bot.money import accounting, billing

By = Literal["user", "channel", "conversation", "day", "model"]
MOST = 20  # lines of a list, the dearest first

_SCOPES = {"user": "Your day", "channel": "This channel's day", "all": "The month"}


class Book(Protocol):
    """What usage needs of the thread log."""

    async def bills(
        self, conversation_id: conversation.ConversationId | None = None, *, by: By = "model"
    ) -> Sequence[billing.Bill]:
        """Every billed call of one conversation or of all, each with what it is added up by."""


Standing = Callable[[accounting.Account], Awaitable[Sequence[tuple[accounting.Limit, int]]]]
"""Each limit that a person in a channel has, with what was spent of it."""


Tally = Callable[[conversation.ConversationId | None], Awaitable[feedback.Tally]]
"""What people found of the answers of a conversation, or of all."""


async def usage(
    command: commands.Command,
    home: conversation.Home,
    *,
    book: Book,
    rules: access.Rules,
    standing: Standing | None,
    tally: Tally | None = None,
) -> str:
    """What the person is told. `user`, `channel`, `conversation`, `day` and `model` are for admins."""
    wanted = command.argument.strip().lower()
    by: By | None
    match wanted:
        case "user" | "channel" | "conversation" | "day" | "model" as by:
            pass
        case _:
            by = None
    if by is not None:
        if not rules.is_admin(home.platform, command.author):
            return access.ADMINS_ONLY
        totals = billing.totals(await book.bills(by=by))
        lines = [total.line() for total in totals[:MOST]]
        lines += [f"… and {len(totals) - MOST} more."] if len(totals) > MOST else []
        lines = lines or ["Nothing has been billed yet."]
        return "\n".join([*lines, *await _found(tally, None)])
    lines = [total.line() for total in billing.totals(await book.bills(command.conversation))]
    lines = lines or ["This conversation has cost nothing yet."]
    account = accounting.Account(
        user=f"{home.platform}:{command.author}", channel=f"{home.platform}:{home.channel}"
    )
    for limit, spent in await standing(account) if standing is not None else ():
        of = f"{accounting.dollars(spent)} of {accounting.dollars(limit.nano)} spent"
        lines.append(f"{_SCOPES[limit.scope]}: {of}.")
    return "\n".join([*lines, *await _found(tally, command.conversation)])


async def _found(tally: Tally | None, conversation_id: conversation.ConversationId | None) -> list[str]:
    line = (await tally(conversation_id)).line() if tally is not None else ""
    return [line] if line else []
