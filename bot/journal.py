"""What the intake needs of the thread log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Protocol

from bot import conversation, ports


class Effect(Protocol):
    """What an edit or a deletion touched."""

    @property
    def changed(self) -> bool:
        """Whether the log changed at all."""

    @property
    def running_reply(self) -> str | None:
        """The unfinished reply whose question it was part of."""

    @property
    def stale_summaries(self) -> int:
        """How many segments covered the post and are gone."""


class Journal(Protocol):
    """The log as the intake sees it."""

    async def record(self, post: conversation.Post, home: conversation.Home) -> bool:
        """Commit a post; False when it was known."""

    async def edit(
        self,
        conversation_id: conversation.ConversationId,
        post_id: str,
        text: str,
        edited_at: dt.datetime,
        *,
        attachments: Sequence[conversation.Attachment] | None = None,
    ) -> Effect:
        """Commit an edit; with `attachments` None the post's files stay as they are."""

    async def file_gone(
        self, platform: str, workspace: str, file_id: str
    ) -> Sequence[tuple[conversation.ConversationId, Effect]]:
        """Take a file out of every post that holds it; what that did to each."""

    async def delete(
        self, conversation_id: conversation.ConversationId, post_id: str, *, expected: bool = True
    ) -> Effect:
        """Erase a post."""

    async def asked_by(self, platform: str, post_id: str) -> tuple[conversation.ConversationId, str] | None:
        """The conversation and the asker of the answer that is being written in a post."""

    async def holds(self, conversation_id: conversation.ConversationId) -> bool:
        """Whether the bot is in the conversation."""

    async def shared(self) -> bool:
        """Whether another process works on it now."""

    async def find(self, platform: str, post_id: str) -> conversation.ConversationId | None:
        """The conversation of a post or a part of a reply."""

    async def has(self, conversation_id: conversation.ConversationId, post_id: str) -> bool:
        """Whether the conversation holds a post or a part of a reply."""

    async def of_workspace(self, platform: str, workspace: str) -> Sequence[conversation.ConversationId]:
        """Every conversation of a workspace."""

    async def leave(self, platform: str, workspace: str) -> None:
        """Erase what was chosen in a workspace."""

    async def posts_since(
        self, conversation_id: conversation.ConversationId, since: dt.datetime
    ) -> Sequence[str]:
        """The ids of people's posts and of answers since then."""

    async def homes(self, platform: str, since: dt.datetime) -> Sequence[ports.Known]:
        """Conversations with a post since then."""

    async def forget(self, conversation_id: conversation.ConversationId) -> int:
        """Erase a conversation but for the ids of its posts; how many it had."""
