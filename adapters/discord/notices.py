"""What the bot says to one person alone: a direct message, and where that is refused, a reaction."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import discord
import structlog

from adapters import tasks
from adapters.discord import calls, places
from bot import conversation, errors
from bot.showing import splitting

LIMIT = 2000  # characters of a message
PATIENCE = 20.0  # seconds
REFUSED = "\N{NO ENTRY SIGN}"

log = structlog.get_logger()


class Notices:
    """Says things that are not answers."""

    def __init__(self, *, client: discord.Client, api: Callable[[], calls.Calls]) -> None:
        self._client, self._api = client, api
        self._background = tasks.Background()

    def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """Begin to tell the author of a post that it is not answered; a failure is logged."""
        self._background.start(self._refuse(post, home, sentence), name="command outcome: a refusal")

    async def tell(self, user: str, text: str) -> None:
        """Write to somebody directly. Raises PlatformError; MayNotPost where they take no messages."""
        person = discord.Object(id=int(user))

        async def open_dm() -> discord.DMChannel:
            return await self._client.create_dm(person)

        channel = await self._api().make(open_dm, patience=PATIENCE)
        for piece in splitting.split(text, limit=LIMIT):
            nonce = secrets.token_hex(8)  # a repetition after a lost answer is no second message

            async def send(piece: str = piece, nonce: str = nonce) -> None:
                await channel.send(
                    piece,
                    nonce=nonce,
                    suppress_embeds=True,
                    allowed_mentions=discord.AllowedMentions.none(),
                )

            await self._api().make(send, patience=PATIENCE)

    async def close(self) -> None:
        """Give up what is still being said."""
        await self._background.close(seconds=0)

    async def _refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        try:
            try:
                await self.tell(post.author, sentence)
            except errors.MayNotPost:
                await self._api().make(lambda: self._react(post, home), patience=PATIENCE)
        except errors.PlatformError as error:
            log.warning("discord.refusal_not_shown", channel=home.channel, error=type(error).__name__)

    async def _react(self, post: conversation.Post, home: conversation.Home) -> None:
        channel = places.partial(self._client, home.address, home.workspace)
        await channel.get_partial_message(int(post.id)).add_reaction(REFUSED)
