"""What people say and press, put together: a part of the composition root with a module of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from bot import conversation, late, parts, settings, thread_log, workers
from bot.desk import (
    choice_desk,
    choosing,
    command_desk,
    commands,
    feedback,
    forgetting,
    front,
    pressing,
    thumbs,
)
from bot.money import budgets
from bot.operating import metrics
from bot.tools import approving, shelf


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desks:
    """What answers to words, to the front page and to buttons."""

    words: command_desk.CommandDesk
    page: front.Desk
    actions: dict[str, pressing.Handler]  # what buttons do, by Button.action

    async def command(self, command: commands.Command, home: conversation.Home) -> commands.Outcome | None:
        """Carry out a command."""
        return await self.words.obey(command, home)

    async def complete(self, word: str, option: str, given: Mapping[str, str]) -> Sequence[str]:
        """What an option of a command can be."""
        return await self.words.choosing.complete(word, option, given)

    async def front(
        self, standing: conversation.Standing, channel: conversation.Home | None
    ) -> commands.Front:
        """What somebody sees who opens the app."""
        return await self.page.of(standing, channel)


def opened(
    working: workers.Workers,
    chosen: settings.Settings,
    *,
    book: thread_log.ThreadLog,
    model: late.Late,
    chooser: choosing.Chooser,
    purse: budgets.Budgets,
    kit: shelf.Tools,
    counted: metrics.Metrics,
) -> Desks:
    """The desks of a bot whose answers these workers write."""
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
        stop=working.stop,
        wake=working.wake,
        now=parts.now,
        rules=rules,
        standing=purse.standing,
        tally=book.ratings.tally,
        facts=model.facts,
    )
    page = front.Desk(book=book, desk=desk.choosing, rules=rules)
    rated = feedback.Feedback(book=book.ratings, metrics=counted, now=parts.now)
    return Desks(
        words=desk,
        page=page,
        actions={
            thumbs.ACTION: rated.pressed,
            forgetting.ACTION: desk.pressed,
            front.PICK: page.picked,
            front.CHOOSE: page.pressed,
            approving.ACTION: kit.desk.press,
        },
    )
