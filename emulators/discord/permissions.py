"""Permission names and their bits (developer reference, "Permissions"), named as discord.py names them."""

from collections.abc import Iterable

BITS = {
    "manage_channels": 1 << 4,
    "add_reactions": 1 << 6,
    "view_channel": 1 << 10,
    "send_messages": 1 << 11,
    "manage_messages": 1 << 13,
    "embed_links": 1 << 14,
    "attach_files": 1 << 15,
    "read_message_history": 1 << 16,
    "mention_everyone": 1 << 17,
    "use_external_emojis": 1 << 18,
    "change_nickname": 1 << 26,
    "use_application_commands": 1 << 31,
    "manage_threads": 1 << 34,
    "create_public_threads": 1 << 35,
    "create_private_threads": 1 << 36,
    "send_messages_in_threads": 1 << 38,
    "pin_messages": 1 << 51,
}

ALIASES = {"read_messages": "view_channel"}

NOT_BY_DEFAULT = ("manage_channels", "manage_messages", "manage_threads", "pin_messages")

EVERYONE = sum(bit for name, bit in BITS.items() if name not in NOT_BY_DEFAULT)
"""What a new server grants its members; mention_everyone is among it, as in a real new server."""


def mask(names: Iterable[str]) -> int:
    """Join names into bits; a name that is not known raises LookupError."""
    bits = 0
    for name in names:
        known = ALIASES.get(name, name)
        if known not in BITS:
            raise LookupError(f"no permission is called {name!r}; there are {', '.join(BITS)}")
        bits |= BITS[known]
    return bits
