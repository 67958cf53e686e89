"""The workspaces of one process, and which of them something belongs to.

With one token there is one workspace and everything is its own. With installations each is connected when it
is first needed, and the workspace of an event is that of the installation it was sent to. In a channel that
installed workspaces share, the same post may be told to each of them: there the bot that is mentioned
answers, else the one that is in the thread, so that the answer is one.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

from adapters.slack import markdown, parse, workspace
from bot import errors, ports

log = structlog.get_logger()


Teams = Callable[[], Awaitable[Sequence[str]]]
Connect = Callable[[str], Awaitable[workspace.Workspace]]  # by team


class Roster:
    """Every workspace; `only` where there is one token."""

    def __init__(
        self,
        *,
        intake: ports.Intake,
        only: workspace.Workspace | None = None,
        teams: Teams | None = None,
        connect: Connect | None = None,
    ) -> None:
        """Either `only`, or `teams` (who is installed) with `connect`."""
        self._intake = intake
        self._only = only
        self._teams = teams
        self._connect = connect
        self._places: dict[str, asyncio.Task[workspace.Workspace]] = {}  # connected, or on the way to it

    async def teams(self) -> Sequence[str]:
        """The ids of the workspaces there are."""
        if self._only is not None:
            return [self._only.team]
        return await self._teams() if self._teams is not None else []

    @property
    def many(self) -> bool:
        """Whether there may be several."""
        return self._only is None

    @property
    def missing_scopes(self) -> frozenset[str]:
        """What a connected workspace does not grant."""
        return frozenset[str]().union(*(each.missing_scopes for each in self._connected()))

    def homes(self, known: Sequence[ports.Known], team: str) -> list[ports.Known]:
        """The conversations among these that are a workspace's."""
        return [each for each in known if self._only is not None or each.home.workspace == team]

    async def of_user(self, user: str) -> workspace.Workspace:
        """The workspace somebody belongs to. Raises errors.PostGone where it is none of these."""
        for team in await self.teams():
            place = await self._reached(team)
            if place is not None and (self._only is not None or await _is_of(place, user)):
                return place
        raise errors.PostGone("nobody by this id is in a workspace of the bot")

    async def of_team(self, team: str) -> workspace.Workspace:
        """A workspace, connected. Raises errors.PostGone where it is not installed, and PlatformError."""
        if self._only is not None:
            return self._only
        if self._connect is None:
            raise errors.PlatformUnavailable("the bot is being stopped")
        place = self._places.get(team)
        if place is None:
            place = self._places[team] = asyncio.ensure_future(self._connect(team))
            place.add_done_callback(functools.partial(self._reached_end, team))
        await asyncio.wait([place])  # shared: whoever waits may give up without ending it for the others
        if place.cancelled():
            return await self.of_team(team)  # dropped meanwhile: it is gone, or has another token now
        return place.result()

    async def of_event(self, body: Mapping[str, Any]) -> workspace.Workspace | None:
        """Whom an event is for; None where the bot is not installed. Raises PlatformUnavailable."""
        if self._only is not None:
            return self._only
        installed = await self.teams()
        told = [each for each in parse.teams_of(body) if each in installed]
        if not told:
            log.info("slack.workspace_unknown", event_id=body.get("event_id"))
            return None
        if body.get("is_ext_shared_channel") and len(installed) > 1:
            return await self._of_shared(body.get("event") or {}, told[0], installed)
        return await self._reached(told[0])

    async def of_press(self, body: Mapping[str, Any]) -> workspace.Workspace | None:
        """Whose button was pressed: the one whose bot wrote the post, else the one of the payload."""
        if self._only is not None:
            return self._only
        installed = await self.teams()
        wrote = str((body.get("message") or {}).get("user") or "")
        for each in self._connected():
            if wrote and each.rules.bot_user == wrote:
                return each
        team = str((body.get("team") or {}).get("id") or body.get("team_id") or "")
        return await self._reached(team) if team in installed else None

    async def drop(self, team: str) -> None:
        """Forget a workspace: its token is gone, or another took its place."""
        place = self._places.pop(team, None)
        if place is not None and not place.cancel() and (made := _made(place)) is not None:
            await made.close()

    async def close(self) -> None:
        """Let go of all."""
        if self._only is not None:
            await self._only.close()
        self._connect = None
        for team in list(self._places):
            await self.drop(team)

    async def _of_shared(
        self, event: Mapping[str, Any], told: str, installed: Sequence[str]
    ) -> workspace.Workspace | None:
        """Who wrote it, else is mentioned, is in the thread, was told: the same for each delivery of it."""
        every = [each for team in sorted(installed) if (each := await self._reached(team)) is not None]
        message = event.get("message") or event.get("previous_message") or event
        wrote = [each for each in every if parse.is_own(message, each.rules)]
        if wrote:
            return wrote[0]
        users = markdown.mentioned_users(str(message.get("text") or ""))
        mentioned = [each for each in every if each.rules.bot_user in users]
        inside = [each for each in mentioned or every if await self._is_in(each, event)]
        first = [each for each in every if each.team == told]
        return next(iter([*inside, *mentioned, *first]), None)

    async def _is_in(self, each: workspace.Workspace, event: Mapping[str, Any]) -> bool:
        where = parse.conversation_of(event, team=each.team, rules=each.rules)
        return await self._intake.holds(where)

    async def _reached(self, team: str) -> workspace.Workspace | None:
        """The workspace of an event; None where Slack takes its token no more: there is nobody to answer."""
        try:
            return await self.of_team(team)
        except (errors.MayNotPost, errors.PostGone) as error:
            log.warning("slack.workspace_lost", team=team, fault=str(error))
            return None

    def _connected(self) -> list[workspace.Workspace]:
        if self._only is not None:
            return [self._only]
        return [made for place in self._places.values() if (made := _made(place)) is not None]

    def _reached_end(self, team: str, place: asyncio.Task[workspace.Workspace]) -> None:
        """A connection that failed is made anew by whoever needs it next."""
        if _made(place) is None and self._places.get(team) is place:
            del self._places[team]


def _made(place: asyncio.Task[workspace.Workspace]) -> workspace.Workspace | None:
    """What came of it so far."""
    if not place.done() or place.cancelled() or place.exception() is not None:
        return None
    return place.result()


async def _is_of(place: workspace.Workspace, user: str) -> bool:
    found = await place.names.people([user])
    return user in found and found[user].workspace == place.team
