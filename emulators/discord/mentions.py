"""Whom a message notifies: what its text names, cut down to what `allowed_mentions` lets through. Pure."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from emulators.discord import errors

_USER = re.compile(r"<@!?(\d{15,22})>")
_ROLE = re.compile(r"<@&(\d{15,22})>")
KINDS = ("everyone", "roles", "users")


@dataclass(frozen=True, kw_only=True)
class Allowed:
    """`allowed_mentions` of a request; the default is what Discord does when a request has none."""

    parse: frozenset[str] = frozenset(KINDS)
    users: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    replied_user: bool = True


@dataclass(frozen=True, kw_only=True)
class Ping:
    """Who got a notification from one message."""

    everyone: bool = False
    here: bool = False
    roles: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    replied_user: str | None = None

    @property
    def nobody(self) -> bool:
        """Whether nobody was notified."""
        return self == Ping()


def notified(
    content: str,
    *,
    allowed: Allowed,
    replied: str | None,
    may_everyone: bool,
    mentionable: Collection[str],
    present: Collection[str],
) -> Ping:
    """Apply Discord's rules to a text.

    `mentionable` holds the roles the author may ping, `present` the users who are there to be pinged.
    A mention inside code counts too, which is stricter than what people see.
    """
    everyone = may_everyone and "everyone" in allowed.parse
    roles = [r for r in _unique(_ROLE.findall(content)) if "roles" in allowed.parse or r in allowed.roles]
    users = [u for u in _unique(_USER.findall(content)) if "users" in allowed.parse or u in allowed.users]
    return Ping(
        everyone=everyone and "@everyone" in content,
        here=everyone and "@here" in content,
        roles=tuple(role for role in roles if role in mentionable),
        users=tuple(user for user in users if user in present),
        replied_user=replied if allowed.replied_user else None,
    )


def parse(raw: Any) -> Allowed:
    """Read `allowed_mentions`; None means the platform's default, which lets everything through."""
    if raw is None:
        return Allowed()
    if not isinstance(raw, dict):
        raise errors.invalid("allowed_mentions", "MODEL_TYPE_CONVERT", "Only dictionaries may be used")
    kinds = frozenset(raw.get("parse") or ())
    if not kinds <= frozenset(KINDS):
        raise errors.invalid("allowed_mentions.parse", "BASE_TYPE_CHOICES", f"Value must be one of {KINDS}.")
    lists: dict[str, frozenset[str]] = {}
    for name in ("users", "roles"):
        ids = frozenset(str(each) for each in raw.get(name) or ())
        if ids and name in kinds:
            raise errors.invalid(
                "allowed_mentions",
                "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
                f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.',
            )
        if len(ids) > 100:
            raise errors.invalid(f"allowed_mentions.{name}", "BASE_TYPE_BAD_LENGTH", "Must be 100 or fewer.")
        lists[name] = ids
    return Allowed(
        parse=kinds,
        users=lists["users"],
        roles=lists["roles"],
        replied_user=bool(raw.get("replied_user", False)),
    )


def _unique(found: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(found))
