"""Links to posts of this workspace: what they lead to, for who may see it there.

A public channel is open to every member of the workspace; guests, private channels, group DMs and DMs go by
who is in them (docs.slack.dev, conversations.info and conversations.members).
"""

from __future__ import annotations

import dataclasses
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

import structlog

from adapters.slack import names, parse, reader, standings, web
from bot import conversation, errors, linking

PATIENCE = 20.0  # seconds that Slack is asked for one link
MOST_POSTS = 200  # of one thread, the newest
PAGE, MOST_PAGES = 1000, 20  # of a channel's members

_LINK = re.compile(
    r"(?P<host>https?://[^\s/<>|]+)/archives/(?P<channel>[CDG][A-Z0-9]+)/p(?P<seconds>\d{10})(?P<micros>\d{6})"
    r"(?:\?(?P<query>[^\s<>|)\]]*))?"
)

log = structlog.get_logger()


class _RefusedError(Exception):
    """Why a link is not followed: the end of a sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Target:
    url: str
    channel: str
    ts: str
    root: str
    here: bool  # whether it is in this workspace


@dataclasses.dataclass(frozen=True, kw_only=True)
class Links:
    """Follows the links in a question."""

    api: web.Web
    reading: reader.Reader
    rules: parse.Rules
    names: names.Names
    standings: standings.Standings
    team: str
    url: str  # the workspace's own, as Slack tells it

    async def linked(self, post: conversation.Post, home: conversation.Home) -> list[linking.Link]:
        """See ports.Platform."""
        found = list(dict.fromkeys(self._targets(post.text)))
        own = [each for each in found if self._conversation(each) != post.conversation]
        return [await self._follow(each, post, home) for each in own[: linking.MOST_LINKS]]

    def _targets(self, text: str) -> list[_Target]:
        host = urllib.parse.urlsplit(self.url).netloc
        targets = []
        for match in _LINK.finditer(text):
            there = urllib.parse.urlsplit(match["host"]).netloc
            if there != host and not there.endswith(".slack.com"):
                continue
            ts = f"{match['seconds']}.{match['micros']}"
            query = urllib.parse.parse_qs(match["query"] or "")
            root = query.get("thread_ts", [ts])[0]
            targets.append(
                _Target(url=match[0], channel=match["channel"], ts=ts, root=root, here=there == host)
            )
        return targets

    def _conversation(self, target: _Target) -> conversation.ConversationId:
        event = {"channel": target.channel, "ts": target.ts, "thread_ts": target.root}
        return parse.conversation_of(event, team=self.team, rules=self.rules)

    async def _follow(
        self, target: _Target, post: conversation.Post, home: conversation.Home
    ) -> linking.Link:
        try:
            await self._check(target, post.author)
            posts, left_out = await self._read(target, home)
        except _RefusedError as refused:
            return linking.Link(url=target.url, refusal=str(refused))
        except web.Refused as refused:
            gone = refused.code in ("thread_not_found", "message_not_found")
            log.info("slack.link_refused", channel=target.channel, code=refused.code)
            return linking.Link(url=target.url, refusal=linking.GONE if gone else linking.NOT_ME)
        except errors.PlatformUnavailable:
            return linking.Link(url=target.url, refusal=linking.NOT_NOW)
        if not posts:
            return linking.Link(url=target.url, refusal=linking.GONE)
        whole = linking.Link(url=target.url, posts=tuple(posts), left_out=left_out)
        return linking.bounded(whole, target=target.ts)

    async def _check(self, target: _Target, user: str) -> None:
        """Raises _RefusedError unless this person may read the channel."""
        if not target.here:
            raise _RefusedError(linking.NOT_HERE)
        channel = target.channel
        answer = await self.api.call("conversations.info", patience=PATIENCE, channel=channel)
        found: Mapping[str, Any] = answer.get("channel") or {}
        if found.get("is_im"):
            if found.get("user") != user:
                raise _RefusedError(linking.NOT_YOU)
            return
        person = (await self.names.people([user])).get(user)
        is_open = not (found.get("is_private") or found.get("is_mpim") or found.get("is_group"))
        if is_open and person is not None and not person.guest:
            return
        if not await self._is_member(channel, user):
            raise _RefusedError(linking.NOT_YOU)

    async def _is_member(self, channel: str, user: str) -> bool:
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            answer = await self.api.call(
                "conversations.members", patience=PATIENCE, channel=channel, limit=PAGE, cursor=cursor
            )
            if user in (answer.get("members") or ()):
                return True
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return False
        return False

    async def _read(self, target: _Target, home: conversation.Home) -> tuple[list[conversation.Post], int]:
        """The thread that the post opens or stands in, or the post alone; and how many were too many."""
        messages = [
            message async for message in self.reading.thread(target.channel, target.root, patience=PATIENCE)
        ]
        if all(message.get("ts") != target.ts for message in messages):
            raise _RefusedError(linking.GONE)
        kept = messages[:1] + messages[1:][-MOST_POSTS:]
        people = frozenset[str]().union(*(parse.people(message) for message in kept))
        known = await self.names.look_up(people - {self.rules.bot_user})
        who = await self.standings.known(kept)
        posts = []
        for message in kept:
            event = {"channel": target.channel, **message}  # a link need not tell the thread of a reply
            where = parse.conversation_of(event, team=self.team, rules=self.rules)
            post = parse.history_post(message, where=where, rules=self.rules, names=known)
            if post is not None:
                standing = self.standings.late(message, who, channel=target.channel, team=home.workspace)
                posts.append(dataclasses.replace(post, standing=standing))
        return posts, len(messages) - len(kept)
