"""Brings in what a question links to, once, before Claude is asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog

from bot import conversation, errors, linking, ports

log = structlog.get_logger()

Bring = Callable[[conversation.Reply, ports.Platform], Awaitable[str]]
"""`Bringing.bring`."""


async def nothing(_reply: conversation.Reply, _platform: ports.Platform) -> str:
    """Follow no link."""
    return ""


class Book(Protocol):
    """What this needs of the thread log."""

    async def asked(self, reply: conversation.Reply) -> Sequence[conversation.Post]:
        """The posts that a reply answers."""

    async def keep(self, reply: conversation.Reply, post_id: str, links: Sequence[linking.Link]) -> None:
        """Commit what the links of a post have brought, in the place of what they had."""

    async def refused(self, reply: conversation.Reply) -> Sequence[linking.Link]:
        """The links of the reply's posts that were not brought in."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Bringing:
    """Asks the platform, and keeps what it gives with the question."""

    book: Book

    async def bring(self, reply: conversation.Reply, platform: ports.Platform) -> str:
        """See to it that the log holds what the question links to; what the answer begins with.

        Looked up once: after a restart the request holds the same, whatever the links lead to then.
        """
        if reply.plan is None and reply.state is not conversation.ReplyState.WRITTEN:
            for post in await self.book.asked(reply):
                links = await self._look_up(post, reply.home, platform)
                if links or post.material:
                    await self.book.keep(reply, post.id, links)
        return linking.opening(await self.book.refused(reply))

    async def _look_up(
        self, post: conversation.Post, home: conversation.Home, platform: ports.Platform
    ) -> Sequence[linking.Link]:
        try:
            return await platform.linked(post, home)
        except errors.PlatformError as error:
            log.warning("links.not_looked_up", conversation=post.conversation, error=type(error).__name__)
            return ()
