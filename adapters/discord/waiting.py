"""The sign under a question that others are answered first: an hourglass, taken away when its turn comes.

A sentence would be a post that a crash could leave behind, or leave doubled; a reaction is set and taken away
by name, so that either can be repeated.
"""

from __future__ import annotations

import collections
from collections.abc import Callable

import discord
import structlog

from adapters import tasks
from adapters.discord import calls, places
from bot import conversation, errors

HOURGLASS = "\N{HOURGLASS WITH FLOWING SAND}"
MOST = 2_000  # signs kept in mind; of older ones the hourglass stays

log = structlog.get_logger()


class Waiting:
    """Which questions carry the sign."""

    def __init__(self, *, client: discord.Client, api: Callable[[], calls.Calls]) -> None:
        self._client, self._api = client, api
        self._marked: collections.OrderedDict[conversation.ConversationId, discord.PartialMessage]
        self._marked = collections.OrderedDict()
        self._background = tasks.Background()

    async def mark(
        self, conversation_id: conversation.ConversationId, home: conversation.Home, post_id: str
    ) -> None:
        """Put the sign under a question, else type; a courtesy that never raises."""
        # A thread has the id of the message it is opened from, which stands in the channel.
        where = home.channel if post_id == home.address else home.address
        channel = places.partial(self._client, where, home.workspace)
        try:
            message = channel.get_partial_message(int(post_id))
            await self._api().make(lambda: message.add_reaction(HOURGLASS), patience=0)
        except errors.MayNotPost:
            await self._type(home)
        except (errors.PlatformError, ValueError) as error:
            log.info("discord.sign_not_shown", error=type(error).__name__)
        else:
            self._marked[conversation_id] = message
            if len(self._marked) > MOST:
                self._marked.popitem(last=False)

    def over(self, conversation_id: conversation.ConversationId) -> None:
        """Its turn has come: take the sign away, in the background."""
        message = self._marked.pop(conversation_id, None)
        if message is not None:
            self._background.start(self._take_away(message), name="turn has come")

    async def close(self) -> None:
        """Give up what is still being taken away."""
        await self._background.close(seconds=0)

    async def _take_away(self, message: discord.PartialMessage) -> None:
        user = self._client.user
        if user is None:
            return
        try:
            await self._api().make(lambda: message.remove_reaction(HOURGLASS, user), patience=20.0)
        except errors.PlatformError as error:
            log.info("discord.sign_stays", error=type(error).__name__)

    async def _type(self, home: conversation.Home) -> None:
        try:
            channel = self._client.get_partial_messageable(int(home.channel))
            await self._api().make(channel.typing, patience=0)
        except errors.PlatformError as error:
            log.info("discord.no_typing", error=type(error).__name__)
