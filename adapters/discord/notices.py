"""What the bot says beside answers: a direct message, where that is refused a reaction, a thread's title."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import discord
import structlog

from adapters import tasks
from adapters.discord import calls, markup, places
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

    def erase_title(self, thread_id: int) -> None:
        """Begin to take a deleted question's words out of its thread's title; a failure is logged."""
        self._background.start(self._erase_title(thread_id), name="command outcome: a title")

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

    async def _erase_title(self, thread_id: int) -> None:
        try:
            thread = await self._api().make(lambda: self._own_thread(thread_id), patience=PATIENCE)
            if thread is None:
                return
            was_archived = thread.archived  # none of those can be renamed
            await self._api().make(
                lambda: thread.edit(name=markup.UNNAMED, archived=False), patience=PATIENCE
            )
            if was_archived:
                await self._api().make(lambda: thread.edit(archived=True), patience=PATIENCE)
        except errors.PostGone:
            return  # no thread was opened from it, or it is gone, too
        except errors.PlatformError as error:
            log.warning("discord.title_kept", thread=str(thread_id), error=type(error).__name__)

    async def _own_thread(self, thread_id: int) -> discord.Thread | None:
        """A thread that the bot has opened, None for a person's: that bears a person's title."""
        thread = self._client.get_channel(thread_id) or await self._client.fetch_channel(thread_id)
        me = self._client.user
        is_own = isinstance(thread, discord.Thread) and me is not None and thread.owner_id == me.id
        return thread if isinstance(thread, discord.Thread) and is_own else None

    async def _react(self, post: conversation.Post, home: conversation.Home) -> None:
        channel = places.partial(self._client, home.address, home.workspace)
        await channel.get_partial_message(int(post.id)).add_reaction(REFUSED)
