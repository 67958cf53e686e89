"""Files of Discord messages: from its two hosts for files, without any token.

Their addresses are signed and hold for about a day. One that has run out, while the bot was down, is read
anew from its message: Discord signs what it shows.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import discord

from adapters import downloads
from adapters.discord import calls, parse, places
from bot import conversation, errors

API_URL = "https://discord.com/api/v10"
HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
PATIENCE = 20.0  # seconds that a message is asked for


class Downloads:
    """Implements `fetch` of ports.Platform; close it."""

    def __init__(
        self,
        *,
        client: discord.Client,
        api: Callable[[], calls.Calls],
        api_url: str,
    ) -> None:
        self._client, self._api = client, api
        self._hosts = downloads.Hosts.of(HOSTS, api_url=api_url, usual=API_URL)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, *, limit: int
    ) -> bytes:
        """The file's bytes. Raises FileRefused and PlatformUnavailable."""
        try:
            return await self._get(attachment.url, limit)
        except downloads.Gone:
            fresh = await self._fresh(home, post_id, attachment)
            if fresh in (None, attachment.url):
                raise
            return await self._get(str(fresh), limit)

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def _get(self, address: str, limit: int) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        got = await downloads.get(self._session, address, hosts=self._hosts, headers={}, limit=limit)
        return got.data

    async def _fresh(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment
    ) -> str | None:
        """The file's address as its message says now, None where neither is there any more."""
        # The first post of a thread stands in the channel above.
        for address in dict.fromkeys((home.address, home.channel)):
            message = places.partial(self._client, address, home.workspace).get_partial_message(int(post_id))
            try:
                found = await self._api().make(message.fetch, patience=PATIENCE)
            except (errors.PostGone, errors.MayNotPost):
                continue
            return next((file.url for file in parse.files(found) if file.id == attachment.id), None)
        return None
