"""What Claude gets when it looks for older posts of a conversation, or for a file of theirs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from bot import conversation
from bot.tools import recalling, toolsets


class Hit(Protocol):
    """What a search found."""

    @property
    def post(self) -> conversation.Post:
        """The post."""


class Log(Protocol):
    """What a search needs of the thread log."""

    async def search(
        self, conversation_id: conversation.ConversationId, query: str, limit: int
    ) -> Sequence[Hit]:
        """The posts that fit a question best, best first; of this conversation only."""

    async def around(self, post: conversation.Post, posts: int) -> Sequence[conversation.Post]:
        """A post with up to so many before and after it, in platform order."""

    async def file_data(self, digests: Sequence[str]) -> Mapping[str, bytes]:
        """The bytes of files by their hashes."""


Fits = Callable[[conversation.Media], bool]
"""Whether a request has room for a picture or paper beside what it carries."""


async def search(
    log: Log, conversation_id: conversation.ConversationId, asked: Mapping[str, Any], fits: Fits
) -> toolsets.Result:
    """The posts that fit what is asked, or the file that is asked for by its name."""
    name = recalling.file_name(asked)
    words = f"{name} {recalling.query(asked)}".strip()
    hits = await log.search(conversation_id, words, recalling.HITS)
    found = recalling.file([hit.post for hit in hits], name) if name else None
    if found is None:
        return toolsets.Result(
            text=recalling.result([await log.around(hit.post, recalling.AROUND) for hit in hits])
        )
    post, file, media = found
    if media.kind in recalling.SHOWN and not fits(media):
        return toolsets.Result(text=recalling.read(post, file, media, no_room=True))
    data = await log.file_data([media.digest]) if media.kind in recalling.SHOWN else {}
    if media.digest not in data:
        return toolsets.Result(text=recalling.read(post, file, media))
    block = conversation.Block(
        text=file.name, posts=(post.id,), media=dataclasses.replace(media, data=data[media.digest])
    )
    return toolsets.Result(text=recalling.read(post, file, media, shown=True), shown=block)
