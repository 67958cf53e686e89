"""Reading what stands in a thread or a channel, page by page, oldest page bound first.

Commercial apps outside the Marketplace may ask once a minute for fifteen posts (docs.slack.dev, rate limits
of conversations.history and .replies): a caller gets what its patience buys and the rest as Busy.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Any

from adapters.slack import web

PAGE = 200  # what Slack recommends for one request
MOST_PAGES = 50

Message = Mapping[str, Any]


def order(ts: str) -> tuple[int, int]:
    """A `ts` as something to compare: seconds and microseconds."""
    seconds, _, micros = ts.partition(".")
    return int(seconds or 0), int((micros + "000000")[:6])


class Reader:
    """Reads posts through `conversations.replies` and `conversations.history`.

    `patience` is for a whole reading: the seconds after which a refusal or a fault is no longer waited out.
    """

    def __init__(self, *, api: web.Web, clock: web.Clock, yields: bool = False) -> None:
        """`yields`: where Slack asks to wait, everybody else goes first."""
        self._api = api
        self._clock = clock
        self._yields = yields

    async def thread(
        self, channel: str, root: str, *, after: str = "", before: str = "", patience: float
    ) -> AsyncGenerator[Message, None]:
        """Posts of a thread between two `ts`, both excluded, oldest first; and the root if between."""
        seen: set[str] = set()
        pages = self._pages(
            "conversations.replies", channel, after=after, before=before, patience=patience, ts=root
        )
        async for message in pages:
            ts = str(message["ts"])
            # Slack puts the root at the head of every page, whatever the bounds.
            if ts not in seen and _is_between(ts, after, before):
                seen.add(ts)
                yield message

    async def channel(
        self, channel: str, *, after: str = "", before: str = "", patience: float
    ) -> AsyncGenerator[Message, None]:
        """Posts of a channel's top level between two `ts`, both excluded, newest first, as given."""
        pages = self._pages("conversations.history", channel, after=after, before=before, patience=patience)
        async for message in pages:
            if _is_between(str(message["ts"]), after, before):
                yield message

    def since(
        self, channel: str, thread: str, *, after: str, patience: float
    ) -> AsyncGenerator[Message, None]:
        """Posts after a `ts`: of a thread, or of the channel's top level where that is ""."""
        if thread:
            return self.thread(channel, thread, after=after, patience=patience)
        return self.channel(channel, after=after, patience=patience)

    async def stands(self, channel: str, ts: str, *, thread: str, patience: float) -> bool:
        """Whether a post is still there; False also for the mark that a deleted root leaves behind."""
        method = "conversations.replies" if thread else "conversations.history"
        try:
            answer = await self._api.call(
                method,
                patience=patience,
                yields=self._yields,
                channel=channel,
                ts=thread or None,
                oldest=ts,
                latest=ts,
                inclusive=True,
                limit=2,  # the root comes with every page
            )
        except web.Refused as refused:
            if refused.code == "thread_not_found":
                return False
            raise
        found = [message for message in answer.get("messages") or [] if message.get("ts") == ts]
        return any(message.get("subtype") != "tombstone" for message in found)

    async def _pages(
        self,
        method: str,
        channel: str,
        *,
        after: str,
        before: str,
        patience: float,
        ts: str | None = None,
    ) -> AsyncGenerator[Message, None]:
        cursor: str | None = None
        until = self._clock() + patience
        for _ in range(MOST_PAGES):
            answer = await self._api.call(
                method,
                patience=max(0.0, until - self._clock()),
                yields=self._yields,
                channel=channel,
                ts=ts,
                cursor=cursor,
                oldest=after or None,
                latest=before or None,
                limit=PAGE,
                include_all_metadata=True,
            )
            for message in answer.get("messages") or []:
                yield message
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or None
            if cursor is None:
                return


def _is_between(ts: str, after: str, before: str) -> bool:
    place = order(ts)
    return (not after or order(after) < place) and (not before or place < order(before))
