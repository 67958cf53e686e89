"""Slack's rate limits, off until a tier is switched on (docs.slack.dev, apis/web-api/rate-limits)."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from emulators.slack import api_error

if TYPE_CHECKING:
    from collections.abc import Callable

# tier: (calls, seconds). `post` is chat.postMessage's own rule, one a second and channel.
TIERS = {
    "1": (1, 60.0),
    "2": (20, 60.0),
    "3": (50, 60.0),
    "4": (100, 60.0),
    "post": (1, 1.0),
    "commercial": (1, 60.0),
}


class RateLimitedError(api_error.ApiError):
    """HTTP 429; `retry_after` in whole seconds."""

    def __init__(self, *, retry_after: int) -> None:
        super().__init__("ratelimited")
        self.retry_after = retry_after


class Limits:
    """Sliding windows per key, by the clock."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: dict[tuple[str, str], deque[float]] = {}

    def spend(self, *, tier: str, key: str) -> None:
        """Count one call of this key; raise RateLimitedError when the tier's window is full."""
        calls, seconds = TIERS[tier]
        now = self._clock()
        seen = self._seen.setdefault((tier, key), deque())
        while seen and now - seen[0] >= seconds:
            seen.popleft()
        if len(seen) >= calls:
            raise RateLimitedError(retry_after=max(1, math.ceil(seconds - (now - seen[0]))))
        seen.append(now)
