"""Who may talk to the page's server, and what the page may do.

Only loopback clients that name a loopback host are served: a page elsewhere that makes its own name point
here (DNS rebinding) still sends that name. `--public` lifts this. Deeds need JSON and the page's own
origin, so that no other site can send them.
"""

from __future__ import annotations

import ipaddress
import urllib.parse
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def middleware(*, public: bool) -> Middleware:
    """Refuse with 403 who may not, and put the headers on every answer."""

    @web.middleware
    async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not public and not (_is_loopback(request.remote) and _hostname(request.host) in HOSTS):
            return web.Response(
                status=403, text="The playground answers on this machine only.", headers=HEADERS
            )
        if request.method == "POST" and not _is_own(request):
            return web.Response(status=403, text="Deeds come from the page itself.", headers=HEADERS)
        try:
            return await handler(request)
        except web.HTTPException as error:
            error.headers.update(HEADERS)
            raise

    return guard


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Put the policy on an answer (a signal of aiohttp's, so that streams have it too)."""
    del request
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


def _is_loopback(address: str | None) -> bool:
    try:
        return ipaddress.ip_address(address or "").is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    return (urllib.parse.urlsplit(f"//{host}").hostname or "").lower()


def _is_own(request: web.Request) -> bool:
    origin = request.headers.get("Origin")
    same = origin is None or urllib.parse.urlsplit(origin).netloc.lower() == request.host.lower()
    return same and request.content_type == "application/json"
