"""Files of posts as those who fetch and send them see the log: one method, one transaction."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from bot import conversation
from bot.thread_log import files, store


class Files:
    """The files of every conversation, on the database of the thread log."""

    def __init__(self, *, store: store.Store) -> None:
        self._store = store

    async def waiting(
        self, conversation_id: conversation.ConversationId | None = None
    ) -> list[files.Waiting]:
        """Files that have to be fetched, of one conversation or of all, the newest posts' first."""
        return await self._store.read(functools.partial(files.waiting, conversation_id=conversation_id))

    async def keep(self, file: files.Waiting, media: conversation.Media) -> bool:
        """Keep what a file holds, or why it is not read; False where nobody waits for it any more."""
        return await self._store.write(functools.partial(files.keep, file=file, media=media))

    async def settle(self, reply: conversation.Reply, reason: str) -> int:
        """Wait no longer for the files of a reply's request; how many are unread for that reason."""
        return await self._store.write(functools.partial(files.settle, reply_id=reply.id, reason=reason))

    async def data(self, digests: Sequence[str]) -> dict[str, bytes]:
        """The bytes of files by their hashes; one that was erased is left out."""
        return await self._store.read(functools.partial(files.data, digests=digests))
