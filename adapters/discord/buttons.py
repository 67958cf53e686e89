"""Buttons in Discord's form. Their custom ids say all, so that they work after a restart as before it."""

from __future__ import annotations

from collections.abc import Sequence

import discord

from bot import conversation
from bot.desk import thumbs

_PREFIX = "press"
_STYLES = {
    "plain": discord.ButtonStyle.secondary,
    "primary": discord.ButtonStyle.primary,
    "danger": discord.ButtonStyle.danger,
}


def view(buttons: Sequence[conversation.Button]) -> discord.ui.View:
    """The buttons; the library does not wait for them: presses come in by `Client.on_interaction`."""
    made = discord.ui.View(timeout=None)
    for each in buttons:
        made.add_item(
            discord.ui.Button(style=_STYLES[each.style], label=each.label, custom_id=custom_id(each))
        )
    made.stop()
    return made


def custom_id(button: conversation.Button) -> str:
    """At most 100 characters; see `conversation.Button`."""
    return f"{_PREFIX}:{button.action}:{button.value}"


def read(custom_id: str) -> tuple[str, str] | None:
    """Action and value of a button of ours, None for any other."""
    prefix, _, rest = custom_id.partition(":")
    action, colon, value = rest.partition(":")
    return (action, value) if prefix == _PREFIX and colon else None


def is_notice(message: discord.Message) -> bool:
    """Whether a message of ours is a notice: buttons other than an answer's thumbs stand under it."""
    found = set()
    for row in message.components:
        for each in getattr(row, "children", ()):
            if known := read(getattr(each, "custom_id", None) or ""):
                found.add(known[0])
    return bool(found - {thumbs.ACTION})
