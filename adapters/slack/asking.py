"""Sentences with buttons beside an answer: made once, found again by their metadata, taken away."""

from __future__ import annotations

import dataclasses
from typing import Any

from adapters.slack import address, buttons, forms, parse, reader, web
from bot import conversation

PATIENCE = 60.0  # seconds that Slack is tried for
_SECOND_LOOK = 1.0  # seconds: a post whose answer was lost may show up a little later


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asking:
    """Writes notices; see ports.Platform.notice."""

    api: web.Web
    reading: reader.Reader
    rules: parse.Rules
    name_of: forms.NameOf
    sleep: web.Sleep

    async def put(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str
    ) -> str:
        """Post a notice, or change it where it stands; its ts."""
        spot = address.read(reply.home)
        text = forms.tame(notice.text, name_of=self.name_of)
        content = forms.BLOCKS.content(text)
        content["blocks"] = [*content["blocks"], *buttons.blocks(notice.buttons)]
        content |= {"parse": "none", "link_names": False, "metadata": _metadata(reply, key)}
        if not known and reply.resumed:
            known = await self._look(reply, spot, key)
        if not known:
            return await self._post(reply, spot, content, key)
        await self.api.call("chat.update", patience=PATIENCE, channel=spot.channel, ts=known, **content)
        return known

    async def take_away(self, reply: conversation.Reply, ts: str) -> None:
        """Delete a notice, be it gone already."""
        try:
            await self.api.call(
                "chat.delete", patience=PATIENCE, channel=address.read(reply.home).channel, ts=ts
            )
        except web.Refused as refused:
            if refused.code != "message_not_found":
                raise

    async def _post(
        self, reply: conversation.Reply, spot: address.Address, content: dict[str, Any], key: str
    ) -> str:
        try:
            return await self._post_once(spot, content)
        except web.Unknown:
            for _ in range(2):
                if found := await self._look(reply, spot, key):
                    return found
                await self.sleep(_SECOND_LOOK)
            return await self._post_once(spot, content)

    async def _post_once(self, spot: address.Address, content: dict[str, Any]) -> str:
        answer = await self.api.call(
            "chat.postMessage",
            patience=PATIENCE,
            repeatable=False,
            channel=spot.channel,
            thread_ts=spot.thread or None,
            unfurl_links=False,
            unfurl_media=False,
            **content,
        )
        return str(answer["ts"])

    async def _look(self, reply: conversation.Reply, spot: address.Address, key: str) -> str:
        """The ts of this notice where it stands already, "" where not."""
        after, wanted = reply.asker.id, _metadata(reply, key)
        found = self.reading.since(spot.channel, spot.thread, after=after, patience=PATIENCE)
        async for message in found:
            if parse.is_own(message, self.rules) and message.get("metadata") == wanted:
                return str(message["ts"])
        return ""


def _metadata(reply: conversation.Reply, key: str) -> dict[str, Any]:
    """Anybody in the workspace may read it: opaque ids only."""
    return {"event_type": parse.NOTICE, "event_payload": {"reply": reply.id, "notice": key}}
