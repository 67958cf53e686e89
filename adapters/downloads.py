"""Downloads of files, for every platform: from the hosts it is given, and nowhere else.

Rule 1  Only `https` addresses of the platform's own hosts are asked, or those of the one origin that stands
        for all of them where the API has another address than usual. Every redirect is held to the same.
Rule 2  What goes with a request (a token) goes to these hosts only.
Rule 3  No more than `limit` bytes are read, whatever was announced.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import aiohttp
import yarl

from bot import errors

REDIRECTS = 5
SECONDS = 60.0  # of one download
READ_SECONDS = 15.0  # between two pieces
CHUNK = 64 * 1024  # bytes
_MOVED = frozenset({301, 302, 303, 307, 308})
_PASSING = frozenset({408, 425, 429})
_FAULT = 500
_OK = 200

GONE = "the platform no longer has it"
FOREIGN = "it is not stored on the platform itself"
TOO_LARGE = "it is larger than {limit} MB"


class Gone(errors.FileRefused):
    """Nothing is served at this address any more."""


class Elsewhere(errors.FileRefused):
    """A redirect leads to a host that is not asked."""

    def __init__(self, url: yarl.URL) -> None:
        super().__init__(FOREIGN)
        self.url = url


@dataclasses.dataclass(frozen=True, kw_only=True)
class Got:
    """What was downloaded."""

    data: bytes
    media_type: str  # as the server says, "" where it does not


@dataclasses.dataclass(frozen=True, kw_only=True)
class Hosts:
    """Where files may come from: these hosts, or one origin in the place of all of them."""

    names: frozenset[str]
    origin: yarl.URL | None = None

    @classmethod
    def of(cls, names: frozenset[str], *, api_url: str, usual: str) -> Hosts:
        """The platform's own, unless the API's address is another than usual."""
        origin = yarl.URL(api_url).origin()
        return cls(names=names, origin=None if origin == yarl.URL(usual).origin() else origin)

    def hold(self, url: yarl.URL) -> bool:
        """Whether an address may be asked."""
        if url.user is not None or url.password is not None or not url.absolute:
            return False
        if self.origin is not None:
            return url.origin() == self.origin
        return url.scheme == "https" and url.host in self.names and url.is_default_port()


async def get(
    session: aiohttp.ClientSession,
    address: str,
    *,
    hosts: Hosts,
    headers: Mapping[str, str],
    limit: int,
) -> Got:
    """Download at most `limit` bytes.

    Raises FileRefused (Gone, Elsewhere) with the reason, or PlatformUnavailable.
    """
    try:
        url = yarl.URL(address)
    except ValueError:
        raise errors.FileRefused(FOREIGN) from None
    timeout = aiohttp.ClientTimeout(total=SECONDS, connect=10, sock_read=READ_SECONDS)
    sent = {**headers, "Accept-Encoding": "identity"}
    if not hosts.hold(url):
        raise errors.FileRefused(FOREIGN)
    try:
        for _ in range(REDIRECTS + 1):
            async with session.get(url, headers=sent, allow_redirects=False, timeout=timeout) as response:
                if response.status not in _MOVED:
                    return await _read(response, limit=limit)
                url = url.join(yarl.URL(response.headers.get("Location", "")))
            if not hosts.hold(url):
                raise Elsewhere(url)
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise errors.PlatformUnavailable(f"download: {type(error).__name__}") from error
    raise errors.FileRefused(GONE)


async def _read(response: aiohttp.ClientResponse, *, limit: int) -> Got:
    if response.status >= _FAULT or response.status in _PASSING:
        raise errors.PlatformUnavailable(f"download: http {response.status}")
    if response.status != _OK:
        raise Gone(GONE)
    too_large = TOO_LARGE.format(limit=limit // 2**20)
    if (response.content_length or 0) > limit:
        raise errors.FileRefused(too_large)
    data = bytearray()
    async for piece in response.content.iter_chunked(CHUNK):
        data += piece
        if len(data) > limit:
            raise errors.FileRefused(too_large)
    return Got(
        data=bytes(data), media_type=response.content_type if "Content-Type" in response.headers else ""
    )
