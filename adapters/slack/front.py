"""The Home tab: what the bot can do, what is set, what was spent; for admins a channel's choices in menus.

Shapes: docs.slack.dev, Home tabs and the elements of an actions block.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.slack import address, buttons, markdown, parse, pressing, web
from bot import errors
from bot.desk import commands

VIEW = "front"  # callback id
_HOME = (
    "*Ask me anything.* Mention me in a channel, or write to me under *Messages*; in a thread I am in, "
    "I answer without a mention and remember what was said.\n\n"
    "These words, written to me with a `!` in front, do more:"
)
_PICKER = "*Choose for a channel.* Pick one to see what is chosen there, and to change it."
SECTION = 3000  # characters of a section: Slack's limit

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Front:
    """Shows the Home tab, and shows it again after each press on it."""

    api: web.Web
    presses: pressing.Pressing  # with the parts of the workspace

    def opened(self, event: parse.Event, *, team: str) -> None:
        """Somebody opened it, or the Messages tab beside it."""
        if event.get("tab") == "messages":
            prompts = self.presses.notices.app_opened(event)
            self.presses.background.start(prompts, name="command outcome: prompts")
            return
        shown = self._show(str(event.get("user") or ""), team=team, channel="")
        self.presses.background.start(shown, name="command outcome: the Home tab")

    def take(self, body: Mapping[str, Any]) -> None:
        """Something was pressed on it: what it shows may have changed."""
        view = body.get("view") or {}
        if body.get("type") != "block_actions" or view.get("callback_id") != VIEW:
            return
        channel = str(view.get("private_metadata") or "")
        for action in body.get("actions") or ():
            channel = str(action.get("selected_conversation") or channel)
        user, team = body.get("user") or {}, body.get("team") or {}
        shown = self._show(str(user.get("id") or ""), team=str(team.get("id") or ""), channel=channel)
        self.presses.background.start(shown, name="command outcome: the Home tab")

    async def _show(self, user: str, *, team: str, channel: str) -> None:
        try:
            standing = await self.presses.standings.of({"user": user, "channel": channel}, team=team)
            spot = address.Address(channel=channel, thread="", user_team=team)
            home = address.home(spot, team=team) if channel else None
            front = await self.presses.intake.front(standing, home)
            await self.api.call("views.publish", user_id=user, view=_view(front, channel=channel))
        except errors.PlatformError as error:
            log.info("slack.app_home_skipped", tab="home", fault=str(error))


def _view(front: commands.Front, *, channel: str) -> dict[str, Any]:
    words = "\n".join(f"• `!{word}`: {what}" for word, what in commands.WORDS.items())
    blocks = [_section(text) for text in (_HOME, words, markdown.to_mrkdwn(front.text))]
    if front.picks:
        picker: dict[str, Any] = {
            "type": "conversations_select",
            "action_id": buttons.action_id(front.picks),
            "placeholder": _plain("A channel"),
            "filter": {"include": ["public", "private"], "exclude_bot_users": True},
        }
        chosen = {"initial_conversation": channel} if channel else {}
        blocks += [_section(_PICKER), {"type": "actions", "elements": [picker | chosen]}]
    blocks += [_menu(number, each) for number, each in enumerate(front.menus)]
    return {"type": "home", "callback_id": VIEW, "private_metadata": channel, "blocks": blocks}


def _menu(number: int, menu: commands.Menu) -> dict[str, Any]:
    options = {value: {"text": _plain(shown[:75]), "value": value} for value, shown in menu.values.items()}
    select = {
        "type": "static_select",
        "action_id": buttons.action_id(menu.action, number),
        "options": list(options.values()),
        "initial_option": options[menu.chosen],
    }
    return {**_section(f"`{menu.name}`"), "accessory": select}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text[:SECTION]}}


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
