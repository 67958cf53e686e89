"""What the core asks of an adapter besides answers: to say something beside them, to look something up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from bot import conversation, linking


class Asides(Protocol):
    """The part of `ports.Platform` that no answer is written with."""

    async def refuse(self, post: conversation.Post, home: conversation.Home, sentence: str) -> None:
        """Tell the author of a post that it is not answered, so that nobody else sees it if possible.

        Returns at once; a failure is logged and harms nothing.
        """

    async def tell(self, user: str, text: str) -> None:
        """Write to somebody directly. Raises PlatformError."""

    async def fetch(
        self, home: conversation.Home, post_id: str, attachment: conversation.Attachment, limit: int
    ) -> bytes:
        """The bytes of a post's file, at most `limit`, from the platform's own hosts; one try.

        Raises FileRefused, whose message is the reason for people, and PlatformUnavailable.
        """

    async def linked(self, post: conversation.Post, home: conversation.Home) -> Sequence[linking.Link]:
        """What the links in a post lead to, where its author and the bot may see it, else why not.

        Links to elsewhere than the platform, and into the post's own conversation, are none. Raises
        PlatformError.
        """

    async def notice(
        self, reply: conversation.Reply, notice: conversation.Notice, *, key: str, known: str = ""
    ) -> str:
        """Put a sentence with buttons where this reply stands, or change the one `known`; its platform id.

        Repeatable: `key` names the notice within the reply, so that a repetition finds the first one. Store
        the id, and take the notice away when it is settled. Raises PlatformError.
        """

    async def unnotice(self, reply: conversation.Reply, platform_id: str) -> None:
        """Take a notice away, be it gone already. Raises PlatformError."""
