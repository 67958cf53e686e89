"""From an event to the core: recorded when `take` returns, so that it can be acknowledged."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import structlog

from adapters import tasks
from adapters.slack import address, disorder, happenings, names, notices, parse, reader, standings
from bot import conversation, ports

log = structlog.get_logger()

STOP_SIGN = "octagonal_sign"


class Opened(Protocol):
    """Shows the app to who opened it."""

    def __call__(self, event: parse.Event, *, team: str) -> None:
        """Begin to."""


ReadOn = Callable[[parse.Event, str], Coroutine[Any, Any, None]]
"""Reads what followed in the thread of an event, in a team."""


class Events:
    """Tells the core what happened, live or read late."""

    def __init__(
        self,
        *,
        intake: ports.Intake,
        rules: parse.Rules,
        names: names.Names,
        standings: standings.Standings,
        notices: notices.Notices,
        background: tasks.Background,
        since: str = "",
    ) -> None:
        """`since`: the ts from which on this process has heard everything itself."""
        self._intake = intake
        self._rules = rules
        self._names = names
        self._standings = standings
        self._notices = notices
        self._background = background
        self._passed_by = disorder.PassedBy()
        self._early_edits = disorder.EarlyEdits()
        self._twins = disorder.Twins()
        self._since = since
        self.opened: Opened | None = None  # as `read_on`
        self.read_on: ReadOn | None = None  # set once at start: what reads threads needs these events

    async def take(self, event: parse.Event, *, team: str) -> None:
        """Record one event; it is committed on return. Raises what the intake raises."""
        match event.get("type"):
            case "app_home_opened":
                if self.opened is not None:
                    self.opened(event, team=team)
            case "reaction_added":
                await self._reacted(event, team=team)
            case "file_deleted":
                posts = await self._intake.file_gone(address.PLATFORM, team, str(event.get("file_id") or ""))
                log.info("slack.file_deletion_recorded", posts=posts)
            case _:
                await self._happened(event, team=team)

    async def _happened(self, event: parse.Event, *, team: str) -> None:
        """Record what happened to a post."""
        where = parse.conversation_of(event, team=team, rules=self._rules)
        if self._twins.know(where, _posted(event)):
            log.debug("slack.event_ignored", conversation=where, reason="recorded already")
            return
        held = bool(event.get("thread_ts")) and await self._intake.holds(where)
        rules = self._rules
        if held and await self._intake.needs_mention(where):
            rules = dataclasses.replace(rules, thread_replies="mention")
        people = parse.people(event) - {self._rules.bot_user}
        known = self._names.at_hand(people)
        found = parse.read(event, team=team, rules=rules, held=held, names=known or {})
        if isinstance(found, happenings.Nothing):
            log.debug("slack.event_ignored", conversation=where, reason=found.reason)
            if event.get("thread_ts") and event.get("ts") and not held:
                self._passed_by.keep(where, event)
                await self._turn_back(where, team=team)  # the mention may have come meanwhile
            return
        if known is None:
            known = await self._names.look_up(people)
            found = parse.read(event, team=team, rules=rules, held=held, names=known)
        standing = None
        if not isinstance(found, happenings.Erased):  # what is deleted is erased, whoever wrote it
            standing = await self._standings.of(event, team=team)
        await self._tell(found, standing)
        if isinstance(found, happenings.Said | happenings.Ordered):
            self._twins.note(where, _posted(event))
        if isinstance(found, happenings.Said) and not held:
            self._passed_by.enter(where, found.post.id)
            await self._turn_back(where, team=team)
            is_older = reader.order(found.post.id) < reader.order(self._since)
            if self.read_on is not None and (is_older or await self._intake.shared()):
                # Another process may have passed by what followed: one before this, or one beside it.
                self._background.start(self.read_on(event, team), name="fill gap")

    async def _reacted(self, event: parse.Event, *, team: str) -> None:
        """A stop sign under an answer stops it."""
        item = event.get("item") or {}
        if event.get("reaction") != STOP_SIGN or item.get("type") != "message":
            return
        channel, ts = str(item.get("channel") or ""), str(item.get("ts") or "")
        standing = await self._standings.of({"user": event.get("user"), "channel": channel}, team=team)
        stopped = await self._intake.stop_sign(address.PLATFORM, ts, standing=standing)
        log.info("slack.stop_sign", channel=channel, stopped=stopped)

    async def _turn_back(self, where: conversation.ConversationId, *, team: str) -> None:
        """Take what was passed by in a thread the bot is in now (and has not been told to forget)."""
        if self._passed_by.waits(where) and await self._intake.holds(where):
            for event in self._passed_by.missed(where):
                await self.take(event, team=team)

    async def _erase(self, found: happenings.Erased) -> None:
        if await self._intake.delete(found.conversation, found.post_id) or not found.own:
            log.info("slack.deletion_recorded", conversation=found.conversation, post=found.post_id)

    async def _tell(self, found: happenings.Happening, standing: conversation.Standing | None) -> None:
        match found:
            case happenings.Said(post=post, home=home):
                new = await self._intake.post(dataclasses.replace(post, standing=standing), home)
                log.info(
                    "slack.post_recorded",
                    conversation=post.conversation,
                    post=post.id,
                    addressed=post.addressed,
                    new=new,
                )
                edit = self._early_edits.take(post.conversation, post.id)
                if new and edit is not None:
                    await self._edit(edit, standing)
            case happenings.Edited():
                self._early_edits.keep(found)  # before it is told: the post may be recorded meanwhile
                if await self._edit(found, standing):
                    self._early_edits.take(found.conversation, found.post_id)
            case happenings.Erased():
                await self._erase(found)
            case happenings.Stopped():
                stopped = await self._intake.stop(found.conversation, standing=standing)
                log.info("slack.stop_pressed", conversation=found.conversation, stopped=stopped)
            case happenings.Ordered(command=command, home=home):
                outcome = await self._intake.command(dataclasses.replace(command, standing=standing), home)
                log.info("slack.command", conversation=command.conversation, word=command.word)
                if outcome is not None:
                    shown = self._notices.outcome(outcome, home, user=command.author)
                    self._background.start(shown, name="command outcome")
            case happenings.Nothing():
                pass

    async def _edit(self, edit: happenings.Edited, standing: conversation.Standing | None) -> bool:
        changed = await self._intake.edit(
            edit.conversation,
            edit.post_id,
            edit.text,
            edit.edited_at,
            attachments=edit.attachments,
            standing=standing,
        )
        log.info("slack.edit_recorded", conversation=edit.conversation, post=edit.post_id, changed=changed)
        return changed


def _posted(event: parse.Event) -> str:
    """The ts of the post that an event tells of, "" where it tells of a change."""
    return "" if event.get("subtype") in parse.CHANGES else str(event.get("ts") or "")
