"""What people say and press, put together: a part of the composition root with a module of its own."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from bot import (
    budgets,
    choice_desk,
    choosing,
    command_desk,
    conversations,
    late,
    settings,
    thread_log,
)


def commands(
    chosen: settings.Settings,
    *,
    book: thread_log.ThreadLog,
    model: late.Late,
    chooser: choosing.Chooser,
    intake: conversations.Conversations,
    purse: budgets.Budgets,
    now: Callable[[], dt.datetime],
) -> command_desk.CommandDesk:
    """The desk that carries out commands."""
    rules = chosen.access()
    return command_desk.CommandDesk(
        book=book,
        choosing=choice_desk.ChoiceDesk(
            book=book.choices, choices=chooser, rules=rules, holds=book.holds, models=model.models
        ),
        stop=intake.stop,
        wake=intake.wake,
        now=now,
        rules=rules,
        standing=purse.standing,
        tally=book.ratings.tally,
        facts=model.facts,
    )
