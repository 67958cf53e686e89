"""What people say and press, put together: a part of the composition root with a module of its own."""

from __future__ import annotations

from bot import conversations, late, parts, settings, thread_log
from bot.desk import choice_desk, choosing, command_desk, feedback, forgetting, front, pressing, thumbs
from bot.money import budgets
from bot.operating import metrics
from bot.tools import approving, shelf


def attached(
    intake: conversations.Conversations,
    chosen: settings.Settings,
    *,
    book: thread_log.ThreadLog,
    model: late.Late,
    chooser: choosing.Chooser,
    purse: budgets.Budgets,
    kit: shelf.Tools,
    counted: metrics.Metrics,
) -> dict[str, pressing.Handler]:
    """Give the intake the desk that carries out commands; what buttons do, by Button.action."""
    rules = chosen.access()
    desk = command_desk.CommandDesk(
        book=book,
        choosing=choice_desk.ChoiceDesk(
            book=book.choices,
            choices=chooser,
            rules=rules,
            holds=book.holds,
            models=model.models,
            servers=tuple(kit.servers),
        ),
        stop=intake.stop,
        wake=intake.wake,
        now=parts.now,
        rules=rules,
        standing=purse.standing,
        tally=book.ratings.tally,
        facts=model.facts,
    )
    intake.obey, intake.completes = desk.obey, desk.choosing.complete
    opened = front.Desk(book=book, desk=desk.choosing, rules=rules)
    intake.shows = opened.of
    rated = feedback.Feedback(book=book.ratings, metrics=counted, now=parts.now)
    return {
        thumbs.ACTION: rated.pressed,
        forgetting.ACTION: desk.pressed,
        front.PICK: opened.picked,
        front.CHOOSE: opened.pressed,
        approving.ACTION: kit.desk.press,
    }
