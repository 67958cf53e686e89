"""A platform as the page needs it; one implementation for each emulator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from playground import shapes

Json = dict[str, Any]


class Side(Protocol):
    """What can be seen and done on one platform. Deeds raise LookupError or ValueError for what cannot be."""

    name: str
    bot: str  # its user id
    longest: int  # characters of one post by a person

    def directory(self) -> Json:
        """People, places, commands: everything but posts."""

    def posts(self, place: str) -> Sequence[shapes.Post]:
        """What stands in a place, oldest first, what only one person sees included."""

    def marks(self) -> Iterable[tuple[str, Any]]:
        """For every post its key and something that changes, or is another object, when the post does."""

    def post_of(self, key: str) -> shapes.Post | None:
        """The post of such a key; None when it is gone."""

    def writing(self) -> Mapping[str, str]:
        """Places where the bot shows that it is at work, with what it says there."""

    async def post(
        self,
        *,
        place: str,
        user: str,
        text: str,
        files: Sequence[tuple[str, str, bytes]] = (),
        reply_to: str | None = None,
    ) -> str:
        """Somebody posts; files are (name, media type, bytes). The id."""

    async def edit(self, *, place: str, id: str, text: str) -> None:  # noqa: A002 - the word of the page
        """The author edits."""

    async def delete(self, *, place: str, id: str) -> None:  # noqa: A002 - the word of the page
        """Somebody deletes a post."""

    async def command(self, *, place: str, user: str, word: str, argument: str) -> None:
        """Somebody uses a slash command."""

    async def press(self, *, place: str, user: str, id: str, button: str) -> None:  # noqa: A002 - the word of the page
        """Somebody presses a button."""

    async def react(self, *, place: str, user: str, id: str, sign: str) -> None:  # noqa: A002 - the word of the page
        """Somebody puts an emoji under a post; doing so again changes nothing."""

    async def stop(self, *, place: str, user: str) -> None:
        """Somebody presses the platform's own stop."""

    def open_thread(self, *, place: str, id: str, user: str) -> Any:  # noqa: A002 - the word of the page
        """The place of the thread under a post, opened where need be (awaitable)."""

    def add_user(self, name: str) -> str:
        """Somebody new, in every channel; the id."""

    def add_channel(self, name: str) -> str:
        """A new channel with everybody and the bot in it; the id."""

    async def file(self, *, place: str, id: str, number: int) -> tuple[str, str, bytes]:  # noqa: A002 - the word of the page
        """A file of a post: name, media type, bytes."""

    async def drop_socket(self) -> None:
        """Cut the bot's connection."""

    def duplicate_next(self) -> None:
        """Deliver the next post twice."""

    def refuse_writes(self, *, seconds: float) -> None:
        """Answer the bot's next call that writes a post with the platform's rate limit."""
