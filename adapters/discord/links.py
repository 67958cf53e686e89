"""Links to messages of this guild: what they lead to, for who may see it there."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable

import discord
import structlog

from adapters.discord import backfill, calls, parse, standings
from bot import conversation, errors, linking

PATIENCE = 20.0  # seconds that Discord is asked for one step
MOST_POSTS = 200  # of one thread, the newest

_LINK = re.compile(
    r"https://(?:ptb\.|canary\.)?discord(?:app)?\.com/channels/(?P<guild>\d+|@me)/(?P<channel>\d+)/(?P<message>\d+)"
)

log = structlog.get_logger()


class _RefusedError(Exception):
    """Why a link is not followed: the end of a sentence."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Links:
    """Follows the links in a question."""

    client: discord.Client
    api: Callable[[], calls.Calls]
    resolve: backfill.Resolve
    standing: standings.Find
    me: Callable[[], parse.Me]

    async def linked(self, post: conversation.Post, home: conversation.Home) -> list[linking.Link]:
        """See ports.Platform."""
        found = list(dict.fromkeys((*match.groups(), match[0]) for match in _LINK.finditer(post.text)))
        links = []
        for guild, channel, message, url in found[: linking.MOST_LINKS]:
            try:
                link = await self._follow(url, guild, int(channel), int(message), post, home)
            except _RefusedError as refused:
                link = linking.Link(url=url, refusal=str(refused))
            except errors.MayNotPost:
                link = linking.Link(url=url, refusal=linking.NOT_ME)
            except errors.PostGone:
                link = linking.Link(url=url, refusal=linking.GONE)
            except errors.PlatformError as error:
                log.info("discord.link_refused", channel=channel, error=type(error).__name__)
                link = linking.Link(url=url, refusal=linking.NOT_NOW)
            if link is not None:
                links.append(link)
        return links

    async def _follow(
        self,
        url: str,
        guild: str,
        channel_id: int,
        message_id: int,
        post: conversation.Post,
        home: conversation.Home,
    ) -> linking.Link | None:
        """The link followed; None for one into the post's own conversation."""
        if guild != home.workspace:
            raise _RefusedError(linking.NOT_HERE)
        if parse.conversation_id(channel_id) == post.conversation:
            return None
        channel = await self.api().make(lambda: self.resolve(channel_id), patience=PATIENCE)
        if not isinstance(channel, discord.Thread | discord.TextChannel | discord.VoiceChannel):
            raise _RefusedError(linking.NOT_HERE)
        if str(channel.guild.id) != home.workspace:  # the address may claim another guild
            raise _RefusedError(linking.NOT_HERE)
        await self._check(channel, int(post.author))
        target = await self.api().make(lambda: channel.fetch_message(message_id), patience=PATIENCE)
        where = channel
        if not isinstance(channel, discord.Thread) and target.flags.has_thread:
            opened = await self.api().make(lambda: self.resolve(message_id), patience=PATIENCE)
            where = opened if isinstance(opened, discord.Thread) else channel
        source = parse.conversation_id(where.id if isinstance(where, discord.Thread) else message_id)
        if source == post.conversation:
            return None
        messages = await self._thread(where) if isinstance(where, discord.Thread) else [target]
        posts = []
        there = dataclasses.replace(home, channel=_channel_id(where))  # who may there, not where it was asked
        for message in messages:
            found = parse.past(message, source, self.me())
            if found is not None:
                posts.append(dataclasses.replace(found, standing=await self.standing(message.author, there)))
        link = linking.Link(url=url, posts=tuple(posts), refusal="" if posts else linking.GONE)
        return linking.bounded(link, target=str(message_id))

    async def _check(self, channel: discord.abc.GuildChannel | discord.Thread, user: int) -> None:
        """Raises _RefusedError unless this person may read the channel."""
        guild = channel.guild
        try:
            member = await self.api().make(lambda: guild.fetch_member(user), patience=PATIENCE)
        except errors.PostGone:
            raise _RefusedError(linking.NOT_YOU) from None
        may = channel.permissions_for(member)
        if not (may.view_channel and may.read_message_history):
            raise _RefusedError(linking.NOT_YOU)
        if isinstance(channel, discord.Thread) and channel.is_private() and not may.manage_threads:
            try:
                await self.api().make(lambda: channel.fetch_member(user), patience=PATIENCE)
            except errors.PostGone:
                raise _RefusedError(linking.NOT_YOU) from None

    async def _thread(self, thread: discord.Thread) -> list[discord.Message]:
        async def read() -> list[discord.Message]:
            newest_first = [message async for message in thread.history(limit=MOST_POSTS)]
            messages = newest_first[::-1]
            if len(messages) < MOST_POSTS:
                messages = [*await backfill.starter(thread, self.resolve), *messages]
            return messages

        return await self.api().make(read, patience=PATIENCE)


def _channel_id(where: discord.abc.GuildChannel | discord.Thread) -> str:
    """The channel that rules name: a thread counts as the one it hangs in."""
    return str(where.parent_id if isinstance(where, discord.Thread) else where.id)
