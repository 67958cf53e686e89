"""What somebody sees who opens the app: settings, money, and for admins the choices of a channel."""

from __future__ import annotations

import contextlib
import dataclasses
from typing import Protocol

from bot import access, conversation, errors
from bot.desk import choice_desk, choosing, commands
from bot.money import billing, spending

PICK, CHOOSE = "front_channel", "front_choose"  # actions: of the channel's picker, and of each menu
NAMES: tuple[choosing.Name, ...] = ("model", "strategy", "replies", "web", "tools")
NO_CONVERSATION = conversation.ConversationId("")
MOST = 10  # lines of everybody's usage, the dearest first
MOST_VALUES = 100  # of a menu: Slack's limit


class Book(spending.Book, Protocol):
    """What this needs of the thread log."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Desk:
    """Tells what there is to see, and takes what is chosen there."""

    book: Book
    desk: choice_desk.ChoiceDesk
    rules: access.Rules

    async def of(self, standing: conversation.Standing, channel: conversation.Home | None) -> commands.Front:
        """For this person; with a channel its choices, for admins."""
        chosen = self.desk.choices.base
        is_admin = self.rules.is_admin(standing.platform, standing.user)
        if is_admin and channel is not None:
            chosen = await self.desk.choices.of(NO_CONVERSATION, channel)
        where = "In that channel" if is_admin and channel is not None else "Where nobody chose otherwise"
        lines = [f"**{where}**"]
        lines += [f"- `{name}`: {shown}" for name, shown in choice_desk.in_force(chosen).items()]
        lines += ["", *await self._money(standing, is_admin=is_admin)]
        menus: tuple[commands.Menu, ...] = ()
        if is_admin and channel is not None:
            menus = tuple([await self._menu(name, chosen, channel) for name in NAMES])
        return commands.Front(text="\n".join(lines), picks=PICK if is_admin else "", menus=menus)

    async def pressed(self, press: conversation.Press) -> str | None:
        """Something was chosen for a channel; what the person is told."""
        channel, _, rest = press.value.partition("|")
        name, _, value = rest.partition("|")
        command = commands.Command(
            id=press.id,
            word="context",
            argument="",
            conversation=NO_CONVERSATION,
            author=press.author,
            author_name=press.author_name,
            standing=press.standing,
        )
        home = dataclasses.replace(press.home, channel=channel, address="")
        if name not in NAMES or not channel:
            return None
        return await self.desk.put(command, home, scope="channel", name=name, value=value)

    async def picked(self, _press: conversation.Press) -> str | None:
        """A channel was picked: the platform shows it."""
        return None

    async def _money(self, standing: conversation.Standing, *, is_admin: bool) -> list[str]:
        totals = billing.totals(await self.book.bills(by="user"))
        own = [each for each in totals if each.key == f"{standing.platform}:{standing.user}"]
        lines = ["**Your usage**", *(each.line() for each in own)]
        lines += [] if own else ["Nothing yet."]
        if is_admin:
            lines += ["", "**Everybody's usage**", *(each.line() for each in totals[:MOST])]
        return lines

    async def _menu(
        self, name: choosing.Name, chosen: choosing.Choices, channel: conversation.Home
    ) -> commands.Menu:
        values: list[str] = []
        if name == "model":
            with contextlib.suppress(errors.ModelError):
                values = list(await self.desk.models()) if self.desk.models is not None else []
        else:
            values = list(self.desk.values(name))
        made = {each.name: each.value for each in chosen.made}
        now = made.get(name, choice_desk.DEFAULT)
        shown = dict.fromkeys([now, choice_desk.DEFAULT, *values])
        return commands.Menu(
            name=name,
            action=CHOOSE,
            chosen=f"{channel.channel}|{name}|{now}",
            values={f"{channel.channel}|{name}|{value}": value for value in list(shown)[:MOST_VALUES]},
        )
