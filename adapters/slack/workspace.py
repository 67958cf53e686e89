"""One workspace on Slack: everything that belongs to it alone, made here once.

Names, rules, rate limits and what was passed by are a workspace's own, so that nothing of one can reach
another: its posts are read and written with its own token, and its conversation ids carry its id.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Literal, Self

import aiohttp
import structlog
from slack_sdk.web.async_client import AsyncWebClient

from adapters import tasks
from adapters.slack import (
    address,
    asking,
    bolt,
    catch_up,
    downloads,
    events,
    front,
    history,
    links,
    names,
    native,
    notices,
    parse,
    posts,
    pressing,
    reader,
    standings,
    subject,
    surface,
    web,
)
from adapters.slack import reply as replies
from bot import conversation, linking, ports
from bot.showing import pacing

START_SECONDS = 30.0

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Common:
    """What the workspaces of a process share."""

    api_url: str
    session: aiohttp.ClientSession
    intake: ports.Intake
    background: tasks.Background
    dm_mode: Literal["threads", "flat"]
    guests_matter: bool  # it must be known who is a guest before a post is told
    limited: Callable[[], None]
    clock: web.Clock
    now: Callable[[], dt.datetime]
    sleep: web.Sleep

    def web(self, token: str | web.Token) -> web.Web:
        """The Web API with this token, a lasting one or one that is asked for before each call."""
        return web.Web(
            client=self.client("" if callable(token) else token),
            clock=self.clock,
            sleep=self.sleep,
            limited=self.limited,
            token=token if callable(token) else None,
        )

    def client(self, token: str) -> AsyncWebClient:
        """The SDK's client on our session; it repeats nothing by itself."""
        return AsyncWebClient(
            token=token,
            base_url=self.api_url,
            session=self.session,
            retry_handlers=[],
            logger=bolt.sdk_logger(),
        )


class Workspace:
    """The bot in one workspace; made by `connect`."""

    def __init__(
        self,
        *,
        common: Common,
        api: web.Web,
        rules: parse.Rules,
        team: str,
        url: str,
        scopes: frozenset[str],
    ) -> None:
        self.team = team
        self.rules = rules
        self.missing_scopes = surface.bot_scopes() - scopes if scopes else frozenset[str]()
        self._common = common
        self._api = api
        self._native = native.Native()
        self._reader = reader.Reader(api=api, clock=common.clock)
        self.names = names.Names(api=api, clock=common.clock, team=team)
        self.notices = notices.Notices(api=api, name_of=self.names.known)
        self._asking = asking.Asking(
            api=api, reading=self._reader, rules=rules, name_of=self.names.known, sleep=common.sleep
        )
        who = standings.Standings(people=self.names, matter=common.guests_matter)
        self.events = events.Events(
            intake=common.intake,
            rules=rules,
            names=self.names,
            standings=who,
            notices=self.notices,
            background=common.background,
            since=f"{common.now().timestamp():.6f}",
        )
        self.presses = pressing.Pressing(
            intake=common.intake,
            rules=rules,
            names=self.names,
            standings=who,
            notices=self.notices,
            background=common.background,
        )
        self._downloads = downloads.Downloads(session=common.session, api=api, api_url=common.api_url)
        self.front = front.Front(api=api, presses=self.presses)
        self.events.opened = self.front.opened
        self.subject = subject.Subject(
            api=api, presses=self.presses, reading=self._reader, sleep=common.sleep
        )
        self._history = history.History(reader=self._reader, rules=rules, names=self.names, standings=who)
        self._links = links.Links(
            api=api, reading=self._reader, rules=rules, names=self.names, standings=who, team=team, url=url
        )
        self.catching_up = catch_up.CatchUp(
            intake=common.intake,
            events=self.events,
            reader=reader.Reader(api=api, clock=common.clock, yields=True),  # answers go first
            rules=rules,
            names=self.names,
            standings=who,
            sleep=common.sleep,
        )
        self.events.read_on = self.catching_up.read_on

    @classmethod
    async def connect(cls, *, common: Common, token: str | web.Token) -> Self:
        """Find out who the bot is there. Raises web.Refused for a bad token, errors.PlatformError else."""
        api = common.web(token)
        me, scopes = await api.identity(patience=START_SECONDS)
        rules = parse.Rules(
            bot_user=str(me.get("user_id") or ""),
            bot_id=str(me.get("bot_id") or ""),
            bot_name=str(me.get("user") or "Threadmate"),
            dm_mode=common.dm_mode,
        )
        made = cls(
            common=common,
            api=api,
            rules=rules,
            team=str(me.get("team_id") or ""),
            url=str(me.get("url") or ""),
            scopes=scopes,
        )
        if made.missing_scopes:
            log.warning("slack.scopes_missing", team=made.team, scopes=sorted(made.missing_scopes))
        log.info("slack.workspace_connected", team=made.team)
        return made

    async def close(self) -> None:
        """Give up what is still being asked."""
        await self.names.close()

    async def history(self, home: conversation.Home, reply: conversation.Reply) -> list[conversation.Post]:
        """See ports.Platform."""
        return await self._history.before(home, reply)

    async def fetch(self, attachment: conversation.Attachment, limit: int) -> bytes:
        """See ports.Platform."""
        return await self._downloads.fetch(attachment, limit=limit)

    async def queued(self, home: conversation.Home) -> None:
        """See ports.Platform."""
        await self.notices.queued(home, self._native)

    async def open(self, reply: conversation.Reply, remember: ports.Remember) -> ports.ReplyPost:
        """See ports.Platform."""
        spot = address.read(reply.home)

        async def is_known(ts: str) -> bool:
            return await self._common.intake.has(reply.conversation, ts)

        written = posts.Posts(
            api=self._api,
            reading=self._reader,
            spot=spot,
            rules=self.rules,
            reply=reply.id,
            asker=reply.asker.author,
            is_known=is_known,
            sleep=self._common.sleep,
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
            name_of=self.names.known,
            clock=self._common.clock,
        )
        await shown.open()
        return shown

    async def linked(self, post: conversation.Post, home: conversation.Home) -> list[linking.Link]:
        """See ports.Platform."""
        return await self._links.linked(post, home)

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str
    ) -> str:
        """See ports.Platform."""
        return await self._asking.put(reply, notice, key=key, known=known)

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """See ports.Platform."""
        await self._asking.take_away(reply, platform_id)
