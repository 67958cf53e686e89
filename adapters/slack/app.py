"""The Slack adapter: connected, listening, and the door to everything else in this package.

    async with app.Slack(bot_token=…, app_token=…, …) as slack:   # connects, raises CredentialError
        await slack.run()                                         # catches up, then waits for the end

What belongs to one workspace is in `workspace`, which one is meant is found out in `roster`; here is what a
process has once, however many workspaces there are.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import functools
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, Self

import aiohttp
import structlog
from aiohttp import web as aiohttp_web
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest

from adapters import platform_time, tasks
from adapters.slack import (
    address,
    bolt,
    http,
    install,
    many,
    parse,
    roster,
    sockets,
    web,
    workspace,
)
from bot import conversation, errors, linking, ports

CONNECTIONS = 200  # to the Web API, ours alone, so that no other traffic can starve it
CATCH_UP_AGE = dt.timedelta(days=1)
MEMORY = dt.timedelta(days=30)  # conversations without a post for longer are not looked at
CLOSE_SECONDS = 3.0

log = structlog.get_logger()


class Slack:
    """Implements ports.Platform. Without `app_token` it is in HTTP mode: mount `handler`.

    With `bot_token` it is in that token's workspace, with `workspaces` in those that install it.
    """

    name = address.PLATFORM

    def __init__(
        self,
        *,
        bot_token: str | None = None,
        workspaces: install.App | None = None,
        app_token: str | None = None,
        signing_secret: str | None = None,
        api_url: str = "https://slack.com/api/",
        dm_mode: Literal["threads", "flat"] = "threads",
        guests_matter: bool = False,
        limited: Callable[[], None] = lambda: None,
        intake: ports.Intake,
        clock: web.Clock = time.monotonic,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        sleep: web.Sleep = asyncio.sleep,
        ping: float = sockets.PING_SECONDS,
    ) -> None:
        self._bot_token = bot_token
        self._many = workspaces
        self._app_token = app_token
        self._intake = intake
        self._now = platform_time.Clock(api_url=api_url, now=now, monotonic=clock)
        self._ping = ping
        self._background = tasks.Background()
        self._common = functools.partial(
            workspace.Common,
            api_url=api_url,
            intake=intake,
            background=self._background,
            dm_mode=dm_mode,
            guests_matter=guests_matter,
            limited=limited,
            clock=clock,
            now=self._now,
            sleep=sleep,
        )
        self._exits = contextlib.AsyncExitStack()
        self._known: Sequence[ports.Known] = ()
        self._endpoint = http.Endpoint(
            secret=signing_secret or "", now=lambda: self._now().timestamp(), dispatch=self._dispatch
        )
        self._sockets: sockets.Sockets | None = None
        self._door = bolt.Door(event=self._take_event, press=self._take_press, api_url=api_url)
        self._roster: roster.Roster | None = None
        self._installed: many.Many | None = None

    async def __aenter__(self) -> Self:
        """Connect. Raises errors.CredentialError for a token Slack refuses, errors.PlatformError else."""
        try:
            await self._start()
        except BaseException:
            await self._exits.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect; events under way are acknowledged or come again."""
        await self._exits.aclose()

    async def run(self) -> None:
        """Catch up on what was missed, then stay: the sockets mend themselves."""
        self._background.start(self.catch_up(), name="catch up")
        await asyncio.Event().wait()

    def routes(self) -> list[aiohttp_web.RouteDef]:
        """What Slack's HTTP mode needs served on the bot's own port."""
        routes = [] if self._app_token else [aiohttp_web.post("/slack/events", self.handler)]
        if self._many is not None:
            routes += many.routes(self._page)
        return routes

    async def catch_up(self) -> None:
        """Read what was missed since the log's newest posts as they were before this connection."""
        await self._read_missed(self._known)

    async def handler(self, request: aiohttp_web.Request) -> aiohttp_web.StreamResponse:
        """Slack's HTTP mode: the handler for POST /slack/events."""
        return await self._endpoint.handle(request)

    def healthy(self) -> str | None:
        """None when events can arrive, else what is wrong."""
        if self._roster is None:
            return "not connected to Slack yet"
        if self._sockets is not None and self._sockets.alive == 0:
            return "no Socket Mode connection to Slack; it is being tried again"
        return None

    async def history(self, home: conversation.Home, reply: conversation.Reply) -> list[conversation.Post]:
        """The posts of the thread before the asker's; see ports.Platform."""
        return await (await self._of(home)).history(home, reply)

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes of a file; see ports.Platform."""
        del post_id  # its address holds as long as the file does
        return await (await self._of(home)).fetch(attachment, limit)

    async def queued(
        self, _conversation_id: conversation.ConversationId, home: conversation.Home, _post_id: str
    ) -> None:
        """The status under the thread says that others come first; see ports.Platform."""
        with contextlib.suppress(errors.PlatformError):
            await (await self._of(home)).queued(home)

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> ports.ReplyPost:
        """Put a first sign of the answer in place; see ports.Platform."""
        return await (await self._of(reply.home)).open(reply, remember)

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """Tell the author of a post that it is not answered; see ports.Platform."""

        async def shown() -> None:
            await (await self._of(home)).notices.refusal(sentence, post, home)

        self._background.start(shown(), name="command outcome: a refusal")

    async def tell(self, user: str, text: str) -> None:
        """Write to somebody directly, in the workspace they belong to; see ports.Platform."""
        place = await self._workspaces().of_user(user)
        await place.notices.direct(user, text)

    async def linked(self, post: conversation.Post, home: conversation.Home) -> list[linking.Link]:
        """What the links in a post lead to; see ports.Platform."""
        return await (await self._of(home)).linked(post, home)

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """Put a sentence with buttons where a reply stands; see ports.Platform."""
        return await (await self._of(reply.home)).notice(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """Take such a sentence away; see ports.Platform."""
        await (await self._of(reply.home)).unnotice(reply, platform_id)

    async def _start(self) -> None:
        session = await self._exits.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=web.CALL_SECONDS, connect=10),
                trace_configs=[self._now.trace()],
            )
        )
        common = self._common(session=session)
        if self._many is not None:
            self._installed = many.assemble(
                app=self._many, common=common, intake=self._intake, returned=self._returned
            )
            made = self._installed.roster
        else:
            made = roster.Roster(intake=self._intake, only=await self._connect_only(common))
        self._exits.push_async_callback(made.close)
        self._exits.push_async_callback(self._background.close, seconds=CLOSE_SECONDS)
        # Before anything can arrive: what the log knew when it was last connected.
        self._known = await self._intake.homes(self.name, self._now() - MEMORY)
        self._roster = made
        if self._app_token is not None:
            await self._open_sockets(self._app_token, common)
        log.info("slack.connected", mode="http" if self._sockets is None else "sockets")

    async def _connect_only(self, common: workspace.Common) -> workspace.Workspace:
        try:
            return await workspace.Workspace.connect(common=common, token=self._bot_token or "")
        except web.Refused as refused:
            raise errors.CredentialError(
                f"SLACK_BOT_TOKEN: Slack refuses it ({refused.code}); it should be the bot token of the "
                "installed app"
            ) from refused

    async def _open_sockets(self, app_token: str, common: workspace.Common) -> None:
        self._sockets = sockets.Sockets(
            api=common.web(app_token),
            client=common.client(app_token),
            handle=self._handle_socket,
            on_gap=self._fill_gap,
            sleep=common.sleep,
            logger=bolt.sdk_logger(),
            ping=self._ping,
        )
        self._exits.push_async_callback(self._sockets.stop)
        await self._sockets.start()

    @property
    def missing_scopes(self) -> frozenset[str]:
        """What the bot needs and a connected workspace does not grant."""
        return self._roster.missing_scopes if self._roster is not None else frozenset()

    def _workspaces(self) -> roster.Roster:
        if self._roster is None:
            raise errors.PlatformUnavailable("not connected to Slack yet")
        return self._roster

    async def _of(self, home: conversation.Home) -> workspace.Workspace:
        return await self._workspaces().of_team(home.workspace)

    async def _read_missed(self, known: Sequence[ports.Known], *, only: str = "") -> None:
        """Of each workspace what was missed in the conversations it has, in one after the other."""
        for team in [only] if only else await self._workspaces().teams():
            homes = self._workspaces().homes(known, team)
            try:
                place = await self._workspaces().of_team(team)
            except errors.PlatformError as error:
                log.warning("slack.workspace_skipped", team=team, fault=str(error))
                continue
            await place.catching_up.run(homes, since=self._now() - CATCH_UP_AGE)

    async def _returned(self, team: str) -> None:
        """A workspace has installed the bot: catch up on what it has of it from before."""

        async def catch_up() -> None:
            known = await self._intake.homes(self.name, self._now() - MEMORY)
            await self._read_missed(known, only=team)

        self._background.start(catch_up(), name="catch up")

    def _fill_gap(self) -> None:
        """For a while there was no connection: events of that time may be lost."""

        async def fill() -> None:
            await self._read_missed(await self._intake.homes(self.name, self._now() - MEMORY))

        self._background.start(fill(), name="fill gap")

    async def _page(self, request: aiohttp_web.Request) -> aiohttp_web.StreamResponse:
        if self._installed is None:
            return aiohttp_web.Response(status=503, text="The bot is starting; try again in a moment.")
        return await self._installed.page(request)

    async def _take_event(self, body: Mapping[str, Any]) -> None:
        if many.is_farewell(body):
            if self._installed is not None:
                await self._installed.farewell.take(body)
            else:
                log.error("slack.token_gone", mend="install the app again and set its new SLACK_BOT_TOKEN")
            return
        place = await self._workspaces().of_event(body)
        if place is not None:
            team = place.team if self._workspaces().many else parse.team_of(body) or place.team
            await place.events.take(body.get("event") or {}, team=team)

    async def _take_press(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        place = await self._workspaces().of_press(body)
        if place is None:
            return None
        mine = {"team": {"id": place.team}, "team_id": place.team} if self._workspaces().many else {}
        await place.presses.take({**body, **mine})
        said = await place.subject.take({**body, **mine})
        place.front.take({**body, **mine})
        return said

    async def _handle_socket(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if self._roster is not None:  # else it is not acknowledged: Slack sends it again
            await self._door.take_envelope(client, request)

    async def _dispatch(self, body: str, request: aiohttp_web.Request) -> aiohttp_web.Response:
        if self._roster is None:
            return aiohttp_web.Response(status=503)
        return await self._door.take_request(body, request)
