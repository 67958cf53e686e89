"""Who somebody is in a place, as far as access goes: their guild and their roles there.

A gateway event carries its author's roles, history does not, and a direct message has no guild at all. So
where access depends on a guild or a role, membership is asked of Discord, for those guilds only, and kept
for a few minutes.
"""

from __future__ import annotations

import collections
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import discord

from adapters.discord import calls, parse
from bot import conversation, errors

FRESH_SECONDS = 300.0
KEPT = 10_000  # memberships, the oldest go first
PATIENCE = 20.0  # seconds that Discord is asked for

Key = tuple[int, int]  # guild, user


class Author(Protocol):
    """A user, or a member with roles."""

    @property
    def id(self) -> int:
        """Its id."""


class Standings:
    """Finds out standings; `ids` are the guilds, roles and people that access names."""

    def __init__(
        self,
        *,
        client: discord.Client,
        api: Callable[[], calls.Calls],
        ids: frozenset[str],
        clock: Callable[[], float],
    ) -> None:
        self._client, self._api, self._ids, self._clock = client, api, ids, clock
        self._kept: collections.OrderedDict[Key, tuple[discord.Member | None, float]] = (
            collections.OrderedDict()
        )

    async def of(self, author: Author, home: conversation.Home) -> conversation.Standing:
        """Somebody's standing where they wrote. Raises PlatformError while Discord does not say."""
        if isinstance(author, discord.Member):
            return _standing(author.id, home, [author])
        wanted = [guild for guild in self._guilds(home) if self._matters(guild)]
        found = [await self._member(guild, author.id) for guild in wanted]
        return _standing(author.id, home, [member for member in found if member is not None])

    def _guilds(self, home: conversation.Home) -> Iterable[discord.Guild]:
        if not home.workspace:
            return self._client.guilds
        guild = self._client.get_guild(int(home.workspace))
        return [guild] if guild is not None else []

    def _matters(self, guild: discord.Guild) -> bool:
        return str(guild.id) in self._ids or any(str(role.id) in self._ids for role in guild.roles)

    async def _member(self, guild: discord.Guild, user: int) -> discord.Member | None:
        key = (guild.id, user)
        kept = self._kept.get(key)
        if kept is not None and self._clock() - kept[1] < FRESH_SECONDS:
            return kept[0]

        async def fetch() -> discord.Member:
            return await guild.fetch_member(user)

        member: discord.Member | None
        try:
            member = await self._api().make(fetch, patience=PATIENCE)
        except errors.PostGone:  # no member
            member = None
        self._kept[key] = (member, self._clock())
        self._kept.move_to_end(key)
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return member


Find = Callable[[Any, conversation.Home], Awaitable[conversation.Standing]]
"""`Standings.of`."""


def _standing(user: int, home: conversation.Home, members: list[discord.Member]) -> conversation.Standing:
    guilds = [str(member.guild.id) for member in members]
    return conversation.Standing(
        platform=parse.PLATFORM,
        user=str(user),
        channel=home.channel,
        workspaces=tuple(dict.fromkeys(filter(None, (home.workspace, *guilds)))),
        roles=tuple(each for member in members for each in _roles(member)),
        # A guest of a guild was invited to a voice channel for a while ("Guild Member Flags" in the docs).
        guest=bool(home.workspace) and any(member.flags.guest for member in members),
    )


def _roles(member: discord.Member) -> tuple[str, ...]:
    """The ids of somebody's roles, of everybody's first, also where the client does not know the roles."""
    return (str(member.guild.id), *map(str, member._roles))  # noqa: SLF001 - `roles` leaves unknown ones out
