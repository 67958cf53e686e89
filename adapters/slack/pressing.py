"""Presses of buttons on Slack: told to the core, and what comes of them to the person alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import structlog

from adapters import tasks
from adapters.slack import buttons, names, notices, parse, standings
from bot import ports
from bot.desk import commands

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Pressing:
    """Takes block_actions payloads, over a socket or over HTTP."""

    intake: ports.Intake
    rules: parse.Rules
    names: names.Names
    standings: standings.Standings
    notices: notices.Notices
    background: tasks.Background

    async def take(self, body: Mapping[str, Any]) -> None:
        """Carry out what was pressed; raises what the intake raises, and Slack shows that it failed."""
        for pressed in buttons.read(body):
            where = parse.conversation_of(pressed.event, team=pressed.team, rules=self.rules)
            known = await self.names.look_up([pressed.user])
            press = buttons.press(
                pressed,
                where=where,
                name=known.get(pressed.user, ""),
                standing=await self.standings.of(pressed.event, team=pressed.team),
            )
            told = await self.intake.press(press)
            log.info("slack.pressed", conversation=where, action=press.action)
            if told:
                shown = self.notices.outcome(commands.Outcome(text=told), press.home, user=press.author)
                self.background.start(shown, name="command outcome: a press")
