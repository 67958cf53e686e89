"""The Slack adapter: connected, listening, and the door to everything else in this package.

    async with app.Slack(bot_token=…, app_token=…, …) as slack:   # connects, raises CredentialError
        await slack.run(stop)                                     # catches up, then waits for the end

Every part is made here, once, and given what it needs.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Literal, Self

import aiohttp
import structlog
from aiohttp import web as aiohttp_web
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack import (
    address,
    asking,
    bolt,
    catch_up,
    events,
    history,
    http,
    names,
    native,
    notices,
    parse,
    posts,
    pressing,
    reader,
    sockets,
    standings,
    surface,
    web,
)
from adapters.slack import reply as replies
from bot import conversation, errors, pacing, ports

CONNECTIONS = 200  # to the Web API, ours alone, so that no other traffic can starve it
CATCH_UP_AGE = dt.timedelta(days=1)
MEMORY = dt.timedelta(days=30)  # conversations without a post for longer are not looked at
START_SECONDS = 30.0
CLOSE_SECONDS = 3.0

log = structlog.get_logger()


class Slack:
    """Implements ports.Platform. Without `app_token` it is in HTTP mode: mount `handler`."""

    name = address.PLATFORM

    def __init__(
        self,
        *,
        bot_token: str,
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
        self._app_token = app_token
        self._api_url = api_url
        self._dm_mode: Literal["threads", "flat"] = dm_mode
        self._guests_matter = guests_matter  # it must be known who is a guest before a post is told
        self._limited = limited
        self._intake = intake
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._ping = ping
        self._native = native.Native()
        self._background = events.Background()
        self._exits = contextlib.AsyncExitStack()
        self._known: Sequence[ports.Known] = ()
        self._endpoint = http.Endpoint(
            secret=signing_secret or "", now=lambda: now().timestamp(), dispatch=self._dispatch
        )
        self._sockets: sockets.Sockets | None = None
        self._bolt: bolt.Door | None = None
        self.missing_scopes: frozenset[str] = frozenset()

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
        return [] if self._app_token else [aiohttp_web.post("/slack/events", self.handler)]

    async def catch_up(self) -> None:
        """Read what was missed since the log's newest posts as they were before this connection."""
        await self._catch_up.run(self._known, since=self._now() - CATCH_UP_AGE)

    async def handler(self, request: aiohttp_web.Request) -> aiohttp_web.StreamResponse:
        """Slack's HTTP mode: the handler for POST /slack/events."""
        return await self._endpoint.handle(request)

    def healthy(self) -> str | None:
        """None when events can arrive, else what is wrong."""
        if self._bolt is None:
            return "not connected to Slack yet"
        if self._sockets is not None and self._sockets.alive == 0:
            return "no Socket Mode connection to Slack; it is being tried again"
        return None

    async def history(self, home: conversation.Home, reply: conversation.Reply) -> list[conversation.Post]:
        """The posts of the thread before the asker's; see ports.Platform."""
        return await self._history.before(home, reply)

    async def queued(self, home: conversation.Home) -> None:
        """The status under the thread says that others come first; see ports.Platform."""
        await self._notices.queued(home, self._native)

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> ports.ReplyPost:
        """Put a first sign of the answer in place; see ports.Platform."""
        spot = address.read(reply.home)

        async def is_known(ts: str) -> bool:
            return await self._intake.find(self.name, ts) == reply.conversation

        written = posts.Posts(
            api=self._api,
            reading=self._reader,
            spot=spot,
            rules=self._rules,
            reply=reply.id,
            asker=reply.asker.author,
            is_known=is_known,
            sleep=self._sleep,
        )
        streams = bool(spot.thread) and self._native.has(native.START)
        # chat.appendStream may be called over 100 times a minute, chat.update about 50.
        pacer = (
            pacing.Pacer(interval=0.7, stretch=1.0) if streams else pacing.Pacer(interval=1.2, stretch=1.1)
        )
        shown = replies.Reply(
            posts=written,
            reply=reply,
            remember=remember,
            pacer=pacer,
            native=self._native,
            name_of=self._names.known,
            clock=self._clock,
        )
        await shown.open()
        return shown

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """Tell the author of a post that it is not answered; see ports.Platform."""
        shown = self._notices.refusal(sentence, post, home)
        self._background.start(shown, name="command outcome: a refusal")

    async def tell(self, user: str, text: str) -> None:
        """Write to somebody directly; see ports.Platform."""
        await self._notices.direct(user, text)

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """Put a sentence with buttons where a reply stands; see ports.Platform."""
        return await self._asking.put(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """Take such a sentence away; see ports.Platform."""
        await self._asking.take_away(reply, platform_id)

    async def _start(self) -> None:
        session = await self._exits.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS),
                timeout=aiohttp.ClientTimeout(total=web.CALL_SECONDS, connect=10),
            )
        )
        client = self._client(self._bot_token, session)
        self._api = web.Web(client=client, clock=self._clock, sleep=self._sleep, limited=self._limited)
        self._rules, self._team = await self._identity()
        self._reader = reader.Reader(api=self._api, clock=self._clock)
        self._names = names.Names(api=self._api, clock=self._clock, team=self._team)
        self._notices = notices.Notices(api=self._api, name_of=self._names.known)
        self._asking = asking.Asking(
            api=self._api,
            reading=self._reader,
            rules=self._rules,
            name_of=self._names.known,
            sleep=self._sleep,
        )
        who = standings.Standings(people=self._names, matter=self._guests_matter)
        self._exits.push_async_callback(self._names.close)
        self._exits.push_async_callback(self._background.close, seconds=CLOSE_SECONDS)
        self._events = events.Events(
            intake=self._intake,
            rules=self._rules,
            names=self._names,
            standings=who,
            notices=self._notices,
            background=self._background,
            since=f"{self._now().timestamp():.6f}",
        )
        self._history = history.History(
            reader=self._reader, rules=self._rules, names=self._names, standings=who
        )
        self._catch_up = catch_up.CatchUp(
            intake=self._intake,
            events=self._events,
            reader=self._reader,
            rules=self._rules,
            names=self._names,
            standings=who,
        )
        self._events.read_on = self._catch_up.read_on
        # Before anything can arrive: what the log knew when it was last connected.
        self._known = await self._intake.homes(self.name, self._now() - MEMORY)
        self._bolt = self._door(who)
        if self._app_token is not None:
            await self._open_sockets(self._app_token, session)
        log.info("slack.connected", team=self._team, mode="http" if self._sockets is None else "sockets")

    def _door(self, who: standings.Standings) -> bolt.Door:
        presses = pressing.Pressing(
            intake=self._intake,
            rules=self._rules,
            names=self._names,
            standings=who,
            notices=self._notices,
            background=self._background,
        )
        return bolt.Door(
            events=self._events,
            presses=presses,
            rules=self._rules,
            team=self._team,
            bot_token=self._bot_token,
            api_url=self._api_url,
        )

    async def _identity(self) -> tuple[parse.Rules, str]:
        try:
            me, scopes = await self._api.identity(patience=START_SECONDS)
        except web.Refused as refused:
            raise errors.CredentialError(
                f"SLACK_BOT_TOKEN: Slack refuses it ({refused.code}); it should be the bot token of the "
                "installed app"
            ) from refused
        self.missing_scopes = surface.bot_scopes() - scopes if scopes else frozenset()
        if self.missing_scopes:
            log.warning("slack.scopes_missing", scopes=sorted(self.missing_scopes))
        rules = parse.Rules(
            bot_user=str(me.get("user_id") or ""),
            bot_id=str(me.get("bot_id") or ""),
            bot_name=str(me.get("user") or "Threadmate"),
            dm_mode=self._dm_mode,
        )
        return rules, str(me.get("team_id") or "")

    def _client(self, token: str, session: aiohttp.ClientSession) -> AsyncWebClient:
        return AsyncWebClient(
            token=token, base_url=self._api_url, session=session, retry_handlers=[], logger=bolt.sdk_logger()
        )

    async def _open_sockets(self, app_token: str, session: aiohttp.ClientSession) -> None:
        client = self._client(app_token, session)
        self._sockets = sockets.Sockets(
            api=web.Web(client=client, clock=self._clock, sleep=self._sleep, limited=self._limited),
            client=client,
            handle=self._handle_socket,
            on_gap=self._fill_gap,
            sleep=self._sleep,
            logger=bolt.sdk_logger(),
            ping=self._ping,
        )
        self._exits.push_async_callback(self._sockets.stop)
        await self._sockets.start()

    def _fill_gap(self) -> None:
        """For a while there was no connection: events of that time may be lost."""

        async def fill() -> None:
            known = await self._intake.homes(self.name, self._now() - MEMORY)
            await self._catch_up.run(known, since=self._now() - CATCH_UP_AGE)

        self._background.start(fill(), name="fill gap")

    async def _handle_socket(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if self._bolt is not None:  # else it is not acknowledged: Slack sends it again
            await self._bolt.take_envelope(client, request)

    async def _dispatch(self, body: str, request: aiohttp_web.Request) -> aiohttp_web.Response:
        if self._bolt is None:
            return aiohttp_web.Response(status=503)
        return await self._bolt.take_request(body, request)
