"""One gateway event, before it is fitted to a session."""

from collections.abc import Callable
from dataclasses import dataclass

from emulators.discord import records

GUILDS, MEMBERS, GUILD_MESSAGES, GUILD_REACTIONS, GUILD_TYPING = 1 << 0, 1 << 1, 1 << 9, 1 << 10, 1 << 11
DM_MESSAGES, DM_REACTIONS, DM_TYPING, MESSAGE_CONTENT = 1 << 12, 1 << 13, 1 << 14, 1 << 15
_IN_DM = {GUILD_MESSAGES: DM_MESSAGES, GUILD_REACTIONS: DM_REACTIONS, GUILD_TYPING: DM_TYPING}


@dataclass(frozen=True, kw_only=True)
class Event:
    """What happened, whom it concerns and the intent a session needs to hear of it (0: none)."""

    name: str
    data: records.Json
    guild: str | None
    channel: records.Channel | None = None
    intent: int = 0


Publish = Callable[[Event], None]


def about(channel: records.Channel, *, name: str, intent: int, data: records.Json) -> Event:
    """An event of a channel; the intent is the one for servers, direct messages have their own."""
    if channel.guild is None:
        intent = _IN_DM.get(intent, intent)
    return Event(name=name, data=data, guild=channel.guild, channel=channel, intent=intent)
