"""Buckets and their headers (developer reference, "Rate Limits"); the figures are observed."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

GLOBAL = (50, 1.0)
DEFAULT = (50, 1.0)
LIMITS = {
    "POST /channels/{channel_id}/messages": (5, 5.0),
    "PATCH /channels/{channel_id}/messages/{message_id}": (5, 5.0),
    "DELETE /channels/{channel_id}/messages/{message_id}": (5, 1.0),
    "POST /channels/{channel_id}/typing": (5, 5.0),
    "PUT /channels/{channel_id}/messages/{message_id}/reactions/{emoji}/@me": (1, 0.25),
    "POST /channels/{channel_id}/messages/{message_id}/threads": (50, 300.0),
    "PATCH /channels/{channel_id}": (2, 600.0),
}
"""Calls and seconds for each route, counted for each channel."""


@dataclass(kw_only=True)
class _Window:
    started: float
    used: int = 0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a call goes through, and the headers that say where the bucket stands."""

    allowed: bool
    headers: dict[str, str]
    retry_after: float = 0.0
    is_global: bool = False


class Buckets:
    """Counts calls in fixed windows."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._windows: dict[str, _Window] = {}

    def count(self, route: str, major: str) -> Verdict:
        """Count one call of a route for a channel, server or webhook."""
        retry = self._use("global", *GLOBAL)
        if retry > 0:
            return Verdict(
                allowed=False, headers=refusal(retry, is_global=True), retry_after=retry, is_global=True
            )
        limit, seconds = LIMITS.get(route, DEFAULT)
        key = f"{route}:{major}"
        retry = self._use(key, limit, seconds)
        headers = self._headers(route, key, limit, seconds)
        if retry > 0:
            return Verdict(
                allowed=False, headers=headers | refusal(retry, is_global=False), retry_after=retry
            )
        return Verdict(allowed=True, headers=headers)

    def _use(self, key: str, limit: int, seconds: float) -> float:
        """Seconds to wait; 0 when the call is counted."""
        now = self._clock()
        window = self._windows.get(key)
        if window is None or now - window.started >= seconds:
            window = self._windows[key] = _Window(started=now)
        if window.used >= limit:
            return round(max(window.started + seconds - now, 0.001), 3)
        window.used += 1
        return 0.0

    def _headers(self, route: str, key: str, limit: int, seconds: float) -> dict[str, str]:
        window = self._windows[key]
        reset = window.started + seconds
        return {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(limit - window.used),
            "X-RateLimit-Reset": f"{reset:.3f}",
            "X-RateLimit-Reset-After": f"{max(reset - self._clock(), 0):.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        }


def refusal(retry_after: float, *, is_global: bool) -> dict[str, str]:
    """Headers of every 429; `Via` is what tells Discord's own from Cloudflare's."""
    headers = {
        "Via": "1.1 google",
        "Retry-After": str(max(1, round(retry_after))),
        "X-RateLimit-Scope": "global" if is_global else "user",
    }
    return headers | ({"X-RateLimit-Global": "true"} if is_global else {})
