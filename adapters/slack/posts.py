"""The bot's posts in one place: made once, found again, changed, taken away.

A post is never repeated blindly. `chat.postMessage` carries metadata (reply, part), so after a lost answer
the thread is read for it first. `chat.startStream` takes no metadata; a stream whose start was lost is the
bot's own post after the question (or the part before) that carries no metadata and that no log row knows:
a conversation has one worker, so nothing else of ours can be there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from typing import Any

import structlog

from adapters.slack import address, native, parse, reader, web

REPLY = "threadmate_reply"  # metadata event type of an answer's posts
_SECOND_LOOK = 1.0  # seconds: a post whose answer was lost may show up a little later
_STREAM_OPEN = "streaming_state_conflict"
_STREAM_OVER = frozenset({"message_not_in_streaming_state", "message_not_found"})

log = structlog.get_logger()

IsKnown = Callable[[str], Awaitable[bool]]  # whether the log has this ts in this conversation


@dataclasses.dataclass(kw_only=True)
class Posts:
    """Writes one reply's posts; every method takes the seconds it may wait for Slack."""

    api: web.Web
    reading: reader.Reader
    spot: address.Address
    rules: parse.Rules
    reply: str  # its id
    asker: str  # user id
    is_known: IsKnown
    sleep: web.Sleep

    async def add(self, content: dict[str, Any], *, part: int, after: str, patience: float) -> str:
        """Post a part and return its ts; looks for it after an unknown outcome, before posting again."""
        try:
            return await self._add_once(content, part=part, patience=patience)
        except web.Unknown:
            found = await self.look_twice(part=part, after=after, patience=patience)
            if found is None:
                return await self._add_once(content, part=part, patience=patience)
            return found

    async def start_stream(self, *, part: int, after: str, patience: float) -> str | None:
        """Open a stream and return its ts; None after a lost answer when none can be seen."""
        try:
            answer = await self.api.call(
                native.START,
                patience=patience,
                repeatable=False,
                channel=self.spot.channel,
                thread_ts=self.spot.thread,
                recipient_user_id=self.asker,
                recipient_team_id=self.spot.user_team,
            )
        except web.Unknown:
            return await self.look_twice(part=part, after=after, patience=patience)
        if not answer.get("ts"):
            raise web.Refused(native.START, "unknown_method")  # it says yes to what it does not know
        return str(answer["ts"])

    async def append(self, ts: str, text: str, *, patience: float) -> None:
        """Add to a stream. Unknown: it may have been added; adding again would double it."""
        await self.api.call(
            native.APPEND,
            patience=patience,
            repeatable=False,
            channel=self.spot.channel,
            ts=ts,
            markdown_text=text,
        )

    async def stop(
        self,
        ts: str,
        *,
        part: int,
        status: str,
        patience: float,
        under: Sequence[dict[str, Any]] = (),
    ) -> None:
        """End a stream, open or not; it gets its metadata, and blocks under its text, with that."""
        try:
            await self.api.call(
                native.STOP,
                patience=patience,
                channel=self.spot.channel,
                ts=ts,
                metadata=self._metadata(part),
                session_status=status,
                blocks=list(under) or None,
            )
        except web.Refused as refused:
            if refused.code not in _STREAM_OVER:
                raise

    async def edit(
        self, ts: str, content: dict[str, Any], *, part: int, status: str, patience: float
    ) -> None:
        """Put other words into a post; a stream still open is ended first, its session left at `status`."""
        arguments = {
            "channel": self.spot.channel,
            "ts": ts,
            "metadata": self._metadata(part),  # a stream that Slack ended has none yet
            "parse": "none",
            "link_names": False,
            **content,
        }
        try:
            await self.api.call("chat.update", patience=patience, **arguments)
        except web.Refused as refused:
            if refused.code != _STREAM_OPEN:
                raise
            await self.stop(ts, part=part, status=status, patience=patience)
            await self.api.call("chat.update", patience=patience, **arguments)

    async def delete(self, ts: str, *, part: int, patience: float) -> None:
        """Take a post away, be it gone already or a stream still open."""
        try:
            await self.api.call("chat.delete", patience=patience, channel=self.spot.channel, ts=ts)
        except web.Refused as refused:
            if refused.code == "message_not_found":
                return
            if refused.code != "cant_delete_message":
                raise
            await self.stop(ts, part=part, status="active", patience=patience)
            await self.api.call("chat.delete", patience=patience, channel=self.spot.channel, ts=ts)

    async def look(self, *, part: int, after: str, patience: float) -> str | None:
        """The ts of this part if it already stands after `after`; None if not."""
        candidate = None
        async for message in self._since(after, patience=patience):
            if not parse.is_own(message, self.rules):
                continue
            ts, metadata = str(message["ts"]), message.get("metadata") or {}
            if metadata.get("event_type") == REPLY:
                if metadata.get("event_payload") == self._metadata(part)["event_payload"]:
                    return ts
            elif not metadata and not message.get("files") and not await self.is_known(ts):
                candidate = min(filter(None, (candidate, ts)), key=reader.order)
        return candidate

    async def look_twice(self, *, part: int, after: str, patience: float) -> str | None:
        """`look`, once more after a moment when nothing is there."""
        found = await self.look(part=part, after=after, patience=patience)
        if found is None:
            await self.sleep(_SECOND_LOOK)
            found = await self.look(part=part, after=after, patience=patience)
        log.info("slack.looked_for_own_post", reply=self.reply, part=part, found=found is not None)
        return found

    async def _add_once(self, content: dict[str, Any], *, part: int, patience: float) -> str:
        answer = await self.api.call(
            "chat.postMessage",
            patience=patience,
            repeatable=False,
            channel=self.spot.channel,
            thread_ts=self.spot.thread or None,
            metadata=self._metadata(part),
            unfurl_links=False,
            unfurl_media=False,
            parse="none",
            link_names=False,
            **content,
        )
        return str(answer["ts"])

    def _since(self, after: str, *, patience: float) -> AsyncGenerator[reader.Message, None]:
        return self.reading.since(self.spot.channel, self.spot.thread, after=after, patience=patience)

    def _metadata(self, part: int) -> dict[str, Any]:
        """Anybody in the workspace may read it: opaque ids only."""
        return {"event_type": REPLY, "event_payload": {"reply": self.reply, "part": part}}
