"""Tokens by OAuth: a code becomes an installation, a token that runs out is renewed in time.

Source: docs.slack.dev, installing with OAuth, and using token rotation: a token lasts twelve hours, and the
refresh token it came with is good for one renewal. So each renewal is claimed in the log first and made by
one process alone; the token it replaces stays in use until the new one is stored, and where a renewal fails
it is tried again until that token runs out.
"""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from adapters.slack import address, web
from bot import errors
from bot.workspaces import installation

MARGIN = dt.timedelta(hours=2)  # renewed so long before it runs out, as Slack's own SDK does
_LAST = dt.timedelta(minutes=1)  # a token that runs out sooner is not used any more
_TURN = 0.5  # seconds between two looks at a renewal that another process makes
_TURNS = 120

log = structlog.get_logger()


class OrganisationInstall(errors.PlatformError):
    """Somebody installed the bot for a whole organisation at once, which it does not take."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Client:
    """The app towards Slack's `oauth.v2.access`."""

    client_id: str
    client_secret: str = dataclasses.field(repr=False)
    api: web.Web  # without a token
    revoking: Callable[[str], web.Web]  # with this token
    now: Callable[[], dt.datetime]

    async def exchange(self, code: str, *, redirect_uri: str) -> installation.Installation:
        """What a consent gave. Raises web.Refused for a bad code, OrganisationInstall, PlatformError."""
        answer = await self._call(code=code, redirect_uri=redirect_uri)
        team = answer.get("team") or {}
        if answer.get("is_enterprise_install") or not team.get("id"):
            await self.revoke(str(answer.get("access_token") or ""))
            raise OrganisationInstall("installed for a whole organisation")
        return installation.Installation(
            platform=address.PLATFORM,
            workspace=str(team["id"]),
            name=str(team.get("name") or team["id"]),
            installed_at=self.now(),
            **self._tokens(answer),
        )

    async def renew(self, old: installation.Installation) -> installation.Installation:
        """The same installation with a new token. Raises web.Refused and PlatformError."""
        answer = await self._call(grant_type="refresh_token", refresh_token=old.refresh_token)
        return dataclasses.replace(old, **self._tokens(answer))

    async def revoke(self, token: str) -> None:
        """Give a token back that is not wanted; a failure is logged and harms nothing."""
        try:
            await self.revoking(token).call("auth.revoke")
        except errors.PlatformError as error:
            log.warning("slack.token_not_revoked", fault=str(error))

    async def _call(self, **arguments: Any) -> Mapping[str, Any]:
        # An answer that was lost cannot be asked for again: a code and a refresh token are good once.
        return await self.api.call(
            "oauth.v2.access",
            repeatable=False,
            client_id=self.client_id,
            client_secret=self.client_secret,
            **arguments,
        )

    def _tokens(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        seconds = int(answer.get("expires_in") or 0)
        return {
            "token": str(answer["access_token"]),
            "refresh_token": str(answer.get("refresh_token") or ""),
            "expires_at": self.now() + dt.timedelta(seconds=seconds) if seconds else None,
        }


class Tokens:
    """The tokens of the installed workspaces, read from the log each time: another process may renew them."""

    def __init__(
        self,
        *,
        store: installation.Installations,
        client: Client,
        now: Callable[[], dt.datetime],
        sleep: web.Sleep,
    ) -> None:
        self._store = store
        self._client = client
        self._now = now
        self._sleep = sleep
        self._turns: collections.defaultdict[str, asyncio.Lock] = collections.defaultdict(asyncio.Lock)

    async def of(self, team: str, *, refused: str = "") -> str:
        """A workspace's token as it is good now. Raises errors.PostGone where it is not installed.

        `refused`: a token that Slack takes no more, whatever the time.
        """
        known = await self._known(team)
        if self._is_due(known, refused):
            async with self._turns[team]:
                known = await self._renewed(team, refused)
        return known.token

    async def _known(self, team: str) -> installation.Installation:
        try:
            known = await self._store.find(address.PLATFORM, team)
        except errors.CredentialError as error:
            log.error("slack.token_sealed", team=team, fault=str(error))  # noqa: TRY400 - the key is the news
            raise errors.PlatformUnavailable("the token of this workspace cannot be read") from error
        if known is None:
            raise errors.PostGone("the bot is not installed in this workspace any more")
        return known

    async def _renewed(self, team: str, refused: str) -> installation.Installation:
        """With a new token, or with the old one where that still serves and the new one is not to be had."""
        for _ in range(_TURNS):
            known = await self._known(team)
            if not self._is_due(known, refused):
                return known
            if await self._store.claim(known):
                return await self._renew(known)
            if self._serves(known) and known.token != refused:
                return known  # somebody else is at it, or it failed a moment ago
            await self._sleep(_TURN)
        raise errors.PlatformUnavailable("the token of this workspace is being renewed")

    async def _renew(self, known: installation.Installation) -> installation.Installation:
        try:
            fresh = await self._client.renew(known)
        except errors.PlatformError as error:
            log.error(  # noqa: TRY400 - the outcome is the news, there is no bug to trace
                "slack.token_not_renewed",
                team=known.workspace,
                fault=str(error),
                until=str(known.expires_at),
                mend="it is tried again; if it goes on, the workspace has to install the app anew",
            )
            if self._serves(known):
                return known
            raise
        if not await self._store.replace(fresh):
            return await self._known(known.workspace)  # reinstalled or removed meanwhile
        log.info("slack.token_renewed", team=known.workspace)
        return fresh

    def _is_due(self, known: installation.Installation, refused: str) -> bool:
        if not known.refresh_token or known.expires_at is None:
            return False
        return known.token == refused or known.expires_at - self._now() < MARGIN

    def _serves(self, known: installation.Installation) -> bool:
        return known.expires_at is None or known.expires_at - self._now() > _LAST
