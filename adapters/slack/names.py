"""People's names for their ids: asked of Slack once in a while, and never waited for long.

An event must be recorded and acknowledged within three seconds, so a name that Slack does not give in half of
that gives way to the id.
"""

from __future__ import annotations

import asyncio
import collections
from collections.abc import Iterable, Mapping
from typing import Any

import structlog

from adapters.slack import web
from bot import errors

KEPT = 10_000  # names, the least recently used go first
FRESH_SECONDS = 3_600.0
WAIT_SECONDS = 1.5

log = structlog.get_logger()


class Names:
    """The display names of a workspace's people and bots."""

    def __init__(self, *, api: web.Web, clock: web.Clock) -> None:
        self._api = api
        self._clock = clock
        self._kept: collections.OrderedDict[str, tuple[str, float]] = collections.OrderedDict()
        self._asking: dict[str, asyncio.Task[str | None]] = {}

    async def look_up(self, ids: Iterable[str]) -> Mapping[str, str]:
        """Names by id within `WAIT_SECONDS`; an id whose name is not known by then is left out."""
        wanted = dict.fromkeys(ids)
        tasks = [self._ask(user) for user in wanted if not self._is_fresh(user)]
        if tasks:
            await asyncio.wait(tasks, timeout=WAIT_SECONDS)
        return {user: self._kept[user][0] for user in wanted if user in self._kept}

    def known(self, user: str) -> str | None:
        """The name if it was asked before."""
        kept = self._kept.get(user)
        return kept[0] if kept else None

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

    def _ask(self, user: str) -> asyncio.Task[str | None]:
        """One question for each id, however many wait for it."""
        task = self._asking.get(user)
        if task is None:
            task = self._asking[user] = asyncio.create_task(self._fetch(user))
            task.add_done_callback(lambda _: self._asking.pop(user, None))
        return task

    async def _fetch(self, user: str) -> str | None:
        try:
            if user.startswith("B"):
                answer = await self._api.call("bots.info", bot=user, patience=0)
                name = str((answer.get("bot") or {}).get("name") or "")
            else:
                answer = await self._api.call("users.info", user=user, patience=0)
                name = _name(answer.get("user") or {})
        except errors.PlatformError as error:
            log.info("slack.name_unknown", user=user, fault=str(error))
            return None
        if not name:
            return None
        self._kept[user] = (name, self._clock())
        self._kept.move_to_end(user)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return name


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
