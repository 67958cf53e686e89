"""Reading a thread that the bot enters late: what was said before its question."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses

import structlog

from adapters.slack import address, names, parse, reader, standings, web
from bot import conversation

HISTORY_SECONDS = 130.0  # two waits of a minute, where Slack allows one request in a minute
FLAT_POSTS = 200  # of a flat DM, which has no beginning

log = structlog.get_logger()


class History:
    """The posts before a question, as context."""

    def __init__(
        self,
        *,
        reader: reader.Reader,
        rules: parse.Rules,
        names: names.Names,
        standings: standings.Standings,
    ) -> None:
        self._reader = reader
        self._rules = rules
        self._names = names
        self._standings = standings

    async def before(self, home: conversation.Home, reply: conversation.Reply) -> list[conversation.Post]:
        """See ports.Platform.history. What Slack does not give in time is left out."""
        messages = await self._messages(address.read(home), before=reply.asker.id)
        people = frozenset[str]().union(*(parse.people(message) for message in messages))
        known = await self._names.look_up(people - {self._rules.bot_user})
        known_people = await self._standings.known(messages)
        posts = []
        for message in messages:
            post = parse.history_post(message, where=reply.conversation, rules=self._rules, names=known)
            if post is not None:
                standing = self._standings.late(
                    message, known_people, channel=home.channel, team=home.workspace
                )
                posts.append(dataclasses.replace(post, standing=standing))
        return posts

    async def _messages(self, spot: address.Address, *, before: str) -> list[reader.Message]:
        if spot.thread == before:
            return []
        messages: list[reader.Message] = []
        try:
            async with asyncio.timeout(HISTORY_SECONDS):
                await self._collect(messages, spot, before=before)
        except (web.Busy, TimeoutError):
            log.warning("slack.history_cut", channel=spot.channel, posts=len(messages))
        return messages if spot.thread else messages[::-1]

    async def _collect(self, messages: list[reader.Message], spot: address.Address, *, before: str) -> None:
        """Into `messages`, so that what came in time is kept: oldest first in a thread, newest in a DM."""
        if spot.thread:
            pages = self._reader.thread(spot.channel, spot.thread, before=before, patience=HISTORY_SECONDS)
            async for message in pages:
                messages.append(message)  # noqa: PERF401 - extending by a comprehension loses all on an error
            return
        latest = self._reader.channel(spot.channel, before=before, patience=HISTORY_SECONDS)
        async with contextlib.aclosing(latest) as newest_first:
            async for message in newest_first:
                messages.append(message)
                if len(messages) == FLAT_POSTS:
                    return
