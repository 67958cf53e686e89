"""People's names for their ids, and whether they are guests: asked of Slack once in a while.

An event must be recorded and acknowledged within three seconds, so a name that Slack does not give in half of
that gives way to the id. Not so the rest: whether somebody is let in is never guessed.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from adapters.slack import web
from bot import errors

KEPT = 10_000  # names, the least recently used go first
FRESH_SECONDS = 3_600.0
WAIT_SECONDS = 1.5
_LASTING = frozenset(  # said of the person, or of the app for good; any other refusal is of the moment
    {"bot_not_found", "missing_scope", "unknown_method", "user_not_found", "user_not_visible"}
)

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody as `users.info` shows them."""

    name: str  # "" where Slack gives none
    workspace: str = ""  # their own; "" for a bot
    guest: bool = False  # a guest, or of a connected workspace; also where Slack will not say


class Names:
    """The people and bots that a workspace (`team`) sees."""

    def __init__(self, *, api: web.Web, clock: web.Clock, team: str) -> None:
        self._api = api
        self._clock = clock
        self._team = team
        self._kept: collections.OrderedDict[str, tuple[Person, float]] = collections.OrderedDict()
        self._asking: dict[str, asyncio.Task[Person | None]] = {}

    async def look_up(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id within `WAIT_SECONDS`; an id whose name is not known by then is left out."""
        found = await self.people(ids)
        return {user: person.name for user, person in found.items() if person.name}

    def at_hand(self, ids: Iterable[str]) -> Mapping[str, str] | None:
        """Names by id where nobody has to be asked for one, else None."""
        wanted = list(ids)
        if not all(self._is_fresh(user) for user in wanted):
            return None
        return {user: name for user in wanted if (name := self._kept[user][0].name)}

    async def people(self, ids: Iterable[str], *, seconds: float = WAIT_SECONDS) -> Mapping[str, Person]:
        """People by id within so many seconds; who is not known by then is left out."""
        wanted = dict.fromkeys(ids)
        tasks = [self._ask(user) for user in wanted if not self._is_fresh(user)]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        return {user: self._kept[user][0] for user in wanted if user in self._kept}

    def known(self, user: str) -> str | None:
        """The name if it was asked before."""
        kept = self._kept.get(user)
        return kept[0].name or None if kept else None

    async def close(self) -> None:
        """Give up what is still being asked."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_fresh(self, user: str) -> bool:
        kept = self._kept.get(user)
        if kept is None:
            return False
        self._kept.move_to_end(user)
        return self._clock() - kept[1] < FRESH_SECONDS

    def _ask(self, user: str) -> asyncio.Task[Person | None]:
        """One question for each id, however many wait for it."""
        task = self._asking.get(user)
        if task is None:
            task = self._asking[user] = asyncio.create_task(self._fetch(user))
            task.add_done_callback(lambda _: self._asking.pop(user, None))
        return task

    async def _fetch(self, user: str) -> Person | None:
        try:
            if user.startswith("B"):
                answer = await self._api.call("bots.info", bot=user, patience=0)
                person = Person(name=str((answer.get("bot") or {}).get("name") or ""))
            else:
                answer = await self._api.call("users.info", user=user, patience=0)
                person = _person(answer.get("user") or {}, team=self._team)
        except web.Refused as refused:
            log.warning("slack.person_refused", user=user, fault=str(refused))
            if refused.code not in _LASTING:
                return None
            # Slack itself always has the method; what stands in for it and has not knows no guests.
            known_to_have_none = refused.code == "unknown_method"
            person = Person(name="", guest=not user.startswith("B") and not known_to_have_none)
        except errors.PlatformError as error:
            log.info("slack.name_unknown", user=user, fault=str(error))
            return None
        self._kept[user] = (person, self._clock())
        self._kept.move_to_end(user)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return person


def _person(user: Mapping[str, Any], *, team: str) -> Person:
    """Guests and strangers as docs.slack.dev, the user object, tells them apart.

    In an Enterprise organisation a person's own workspace may be another one of the same organisation: then
    the bot's is among theirs.
    """
    own = str(user.get("team_id") or "")
    enterprise = user.get("enterprise_user") or {}
    foreign = bool(own) and own != team and team not in (enterprise.get("teams") or [])
    guest = foreign or any(user.get(flag) for flag in ("is_restricted", "is_ultra_restricted", "is_stranger"))
    return Person(name=_name(user), workspace=own, guest=guest)


def _name(user: Mapping[str, Any]) -> str:
    """The name people see: display name, else real name, else handle."""
    profile = user.get("profile") or {}
    for name in (
        profile.get("display_name"),
        profile.get("real_name"),
        user.get("real_name"),
        user.get("name"),
    ):
        if isinstance(name, str) and name.strip():
            return name.strip()
    return ""
