"""The parts that a bot of many workspaces has and one with a token has not: tokens, pages, farewells."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web as aiohttp_web

from adapters.slack import address, farewell, install, oauth, roster, web, workspace
from bot import ports


@dataclasses.dataclass(frozen=True, kw_only=True)
class Many:
    """Made by `assemble`."""

    roster: roster.Roster
    farewell: farewell.Farewell
    door: install.Door

    async def page(self, request: aiohttp_web.Request) -> aiohttp_web.Response:
        """A page of the installation."""
        if request.path.endswith("/install"):
            return await self.door.install(request)
        return await self.door.redirected(request)


def assemble(
    *,
    app: install.App,
    common: workspace.Common,
    intake: ports.Intake,
    returned: Callable[[str], Awaitable[None]],
) -> Many:
    """`returned` is told of each workspace that installed the bot, for the first time or again."""
    client = oauth.Client(
        client_id=app.client_id,
        client_secret=app.client_secret,
        api=common.web(""),
        revoking=common.web,
        now=common.now,
    )
    tokens = oauth.Tokens(store=app.store, client=client, now=common.now, sleep=common.sleep)

    async def connect(team: str) -> workspace.Workspace:
        token: web.Token = functools.partial(tokens.of, team)
        return await workspace.Workspace.connect(common=common, token=token)

    made = roster.Roster(intake=intake, teams=lambda: app.store.workspaces(address.PLATFORM), connect=connect)

    async def arrived(team: str) -> None:
        await made.drop(team)  # it may have been here before, with another token
        await returned(team)

    return Many(
        roster=made,
        farewell=farewell.Farewell(store=app.store, intake=intake, api=common.web, dropped=made.drop),
        door=install.Door(app=app, api_url=common.api_url, client=client, arrived=arrived),
    )


def routes(
    page: Callable[[aiohttp_web.Request], Awaitable[aiohttp_web.StreamResponse]],
) -> list[aiohttp_web.RouteDef]:
    """What browsers ask for."""
    return [
        aiohttp_web.get(path, page, allow_head=False) for path in ("/slack/install", "/slack/oauth_redirect")
    ]


def is_farewell(body: Mapping[str, Any]) -> bool:
    """Whether an event says that the app or its token was taken away."""
    return (body.get("event") or {}).get("type") in farewell.EVENTS
