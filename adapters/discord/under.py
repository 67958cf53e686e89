"""What stands under the last post of an answer: its thumbs and its files."""

from __future__ import annotations

import dataclasses
import io

import discord

from bot import conversation
from bot.showing import enclosing


@dataclasses.dataclass(frozen=True, kw_only=True)
class Under:
    """What stands under the last post of an answer."""

    buttons: tuple[conversation.Button, ...] = ()
    files: tuple[enclosing.File, ...] = ()

    def attachments(self) -> list[discord.File]:
        """The files as the library sends them, once."""
        return [discord.File(io.BytesIO(file.data), filename=file.name) for file in self.files]

    def stands(self, message: discord.Message) -> bool:
        """Whether a message that was just made has all this."""
        names = [each.filename for each in message.attachments]
        return names == [file.name for file in self.files] and bool(message.components) == bool(self.buttons)
