"""Slack's HTTP mode: who may speak to us, decided before anything is parsed.

Source: docs.slack.dev, verifying requests from Slack (v0 signatures, five minutes of replay window).
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable

import structlog
from aiohttp import web

MOST_BODY = 1024 * 1024  # bytes; checked before a signature is computed
REPLAY_SECONDS = 300

log = structlog.get_logger()

Dispatch = Callable[[str, web.Request], Awaitable[web.Response]]


def is_signed(*, body: bytes, timestamp: str, signature: str, secret: str, now: float) -> bool:
    """Whether Slack signed this body within the replay window; `now` in seconds since 1970."""
    if not re.fullmatch(r"[0-9]{1,15}", timestamp) or abs(now - int(timestamp)) > REPLAY_SECONDS:
        return False
    base = b"v0:" + timestamp.encode() + b":" + body
    expected = "v0=" + hmac.new(secret.encode(), base, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected.encode(), signature.encode())


class Endpoint:
    """The aiohttp handler for `POST /slack/events`."""

    def __init__(self, *, secret: str, now: Callable[[], float], dispatch: Dispatch) -> None:
        self._secret = secret
        self._now = now
        self._dispatch = dispatch

    async def handle(self, request: web.Request) -> web.Response:
        """413 for too much, 401 for what Slack did not sign just now, 400 for no text; else Bolt's answer."""
        body = await _read(request)
        if body is None:
            return web.Response(status=413)
        signed = is_signed(
            body=body,
            timestamp=request.headers.get("X-Slack-Request-Timestamp", ""),
            signature=request.headers.get("X-Slack-Signature", ""),
            secret=self._secret,
            now=self._now(),
        )
        if not signed:
            log.warning("slack.request_not_signed", remote=request.remote)
            return web.Response(status=401)
        try:
            return await self._dispatch(body.decode(), request)
        except ValueError:  # not UTF-8 or not JSON
            return web.Response(status=400)


async def _read(request: web.Request) -> bytes | None:
    """The body, None when it is too long; a longer one is not read to its end."""
    if (request.content_length or 0) > MOST_BODY:
        return None
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.content.iter_any():
        chunks.append(chunk)
        length += len(chunk)
        if length > MOST_BODY:
            return None
    return b"".join(chunks)
