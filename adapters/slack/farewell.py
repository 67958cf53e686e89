"""When a workspace takes the bot out: its token is erased, and with an uninstall all it ever told the bot.

`tokens_revoked` alone takes the token: somebody may have revoked it to install anew, and goes on where the
conversations stand. `app_uninstalled` is goodbye. Both may come late, after the workspace has installed the
bot again: then they are about a token that is gone already.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from adapters.slack import address, web
from bot import ports
from bot.workspaces import installation

EVENTS = frozenset({"app_uninstalled", "tokens_revoked"})

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Farewell:
    """Takes these two events, of an app that workspaces install by themselves."""

    store: installation.Installations
    intake: ports.Intake
    api: Callable[[str], web.Web]  # with this token
    dropped: Callable[[str], Awaitable[None]]  # told of a workspace that is none any more

    async def take(self, body: Mapping[str, Any]) -> None:
        """Erase; it is committed on return. Raises PlatformUnavailable where Slack does not say how it is."""
        event, team = body.get("event") or {}, str(body.get("team_id") or "")
        kind = event.get("type")
        if not team or (kind == "tokens_revoked" and not (event.get("tokens") or {}).get("bot")):
            return
        found = await self.store.find(address.PLATFORM, team)
        if found is not None and await self._stays(found, int(body.get("event_time") or 0)):
            log.info("slack.farewell_late", team=team, type=kind)
            return
        await self.dropped(team)
        erased = await self.intake.leave(address.PLATFORM, team) if kind == "app_uninstalled" else 0
        log.info("slack.workspace_left", team=team, type=kind, conversations=erased)

    async def _stays(self, found: installation.Installation, event_time: int) -> bool:
        """Erase what was found, unless the workspace has come back, by now or meanwhile."""
        if await self._came_back(found, event_time):
            return True
        # Two of these events come at once: where the other has erased it, there is none.
        return not await self.store.erase(found) and bool(
            await self.store.find(found.platform, found.workspace)
        )

    async def _came_back(self, found: installation.Installation, event_time: int) -> bool:
        """Whether the token that is stored is newer than the event and Slack takes it."""
        if dt.datetime.fromtimestamp(event_time, tz=dt.UTC) >= found.installed_at:
            return False
        try:
            await self.api(found.token).call("auth.test")
        except web.Refused:
            return False
        return True
