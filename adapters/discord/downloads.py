"""Files of Discord messages: from its two hosts for files, without any token.

Their addresses are signed and hold for about a day.
"""

from __future__ import annotations

import aiohttp

from adapters import downloads
from bot import conversation

API_URL = "https://discord.com/api/v10"
HOSTS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})


class Downloads:
    """Implements `fetch` of ports.Platform; close it."""

    def __init__(self, *, api_url: str) -> None:
        self._hosts = downloads.Hosts.of(HOSTS, api_url=api_url, usual=API_URL)
        self._session: aiohttp.ClientSession | None = None

    async def fetch(self, attachment: conversation.Attachment, *, limit: int) -> bytes:
        """The file's bytes. Raises FileRefused and PlatformUnavailable."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        got = await downloads.get(self._session, attachment.url, hosts=self._hosts, headers={}, limit=limit)
        return got.data

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
