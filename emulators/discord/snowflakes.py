"""Ids and times as Discord writes them, taken from a clock that is passed in."""

import datetime as dt
from collections.abc import Callable

EPOCH_MS = 1_420_070_400_000
"""First millisecond of 2015, from which Discord's ids count (developer reference, "Snowflakes")."""


class Snowflakes:
    """Hands out ids that rise strictly, also while the clock stands still."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 0

    def next(self, *, own_millisecond: bool = False) -> str:
        """Give the next id; with `own_millisecond` no other id shares its time, so shards can differ."""
        wanted = (round(self._clock() * 1000) - EPOCH_MS) << 22
        if own_millisecond:
            wanted = max(wanted, ((self._last >> 22) + 1) << 22)
        self._last = max(wanted, self._last + 1)
        return str(self._last)


def seconds(snowflake: str) -> float:
    """When an id was made, in seconds since 1970."""
    return ((int(snowflake) >> 22) + EPOCH_MS) / 1000


def stamp(at: float) -> str:
    """A time in seconds since 1970 as the ISO 8601 text that Discord sends."""
    return dt.datetime.fromtimestamp(at, dt.UTC).isoformat(timespec="microseconds")
