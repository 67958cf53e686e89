"""Sentences with buttons beside an answer: made once by their nonce, changed, taken away."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import discord

from adapters.discord import buttons, calls, places, reply
from bot import conversation, errors

PATIENCE = 60.0  # seconds that Discord is tried for
LIMIT = 2000  # characters of a message


@dataclasses.dataclass(frozen=True, kw_only=True)
class Asking:
    """Writes notices; see ports.Platform.notice."""

    client: discord.Client
    api: Callable[[], calls.Calls]
    forget_own: Callable[[int], None]
    wire: Callable[[conversation.Reply, str], str]

    async def put(self, due: conversation.Reply, notice: conversation.Notice, *, key: str, known: str) -> str:
        """Post a notice, or change it where it stands; its id."""
        place = await self._place(due)
        text = self.wire(due, notice.text)[:LIMIT]

        async def attempt() -> str:
            view = buttons.view(notice.buttons)
            if known:
                await self._change(place, known, text, view)
                return known
            message = await place.channel.send(
                text,
                view=view,
                nonce=reply.nonce(due.id, f"notice {key}"),
                suppress_embeds=True,
                allowed_mentions=discord.AllowedMentions.none(),
            )
            return str(message.id)

        return await self.api().make(attempt, patience=PATIENCE)

    async def take_away(self, due: conversation.Reply, post_id: str) -> None:
        """Delete a notice, be it gone already."""
        place = await self._place(due)
        self.forget_own(int(post_id))
        try:
            await self.api().make(place.channel.get_partial_message(int(post_id)).delete, patience=PATIENCE)
        except errors.PostGone:
            return

    async def _change(self, place: places.Place, post_id: str, text: str, view: discord.ui.View) -> None:
        # `PartialMessage.edit` cannot say that previews stay off, and an edit may bring them back.
        with discord.http.handle_message_parameters(
            content=text,
            view=view,
            flags=discord.MessageFlags(suppress_embeds=True),
            allowed_mentions=discord.AllowedMentions.none(),
        ) as parameters:
            await self.client.http.edit_message(place.channel.id, int(post_id), params=parameters)

    async def _place(self, due: conversation.Reply) -> places.Place:
        """Where the reply stands: its first post has made its thread already."""
        return await places.find(self.client, self.api(), dataclasses.replace(due, resumed=True))
