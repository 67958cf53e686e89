"""Pure: the thumbs under an answer."""

from __future__ import annotations

from typing import Literal

from bot import conversation

ACTION = "thumbs"

Thumb = Literal["up", "down"]
SIGNS: dict[Thumb, str] = {"up": "\N{THUMBS UP SIGN}", "down": "\N{THUMBS DOWN SIGN}"}


def buttons(reply_id: str) -> tuple[conversation.Button, conversation.Button]:
    """What stands under a finished answer: up, then down."""
    up, down = (
        conversation.Button(action=ACTION, value=f"{reply_id}:{thumb}", label=sign)
        for thumb, sign in SIGNS.items()
    )
    return up, down
