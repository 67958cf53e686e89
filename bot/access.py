"""Who may do what: pure rules over ids, as the operator wrote them.

Rule 1  Who is denied is denied: by person, channel, workspace, guild or role, whatever else allows them.
Rule 2  With an allow list, somebody is let in by any one of their ids; without one, everybody is.
Rule 3  Guests, and people from connected workspaces, stay out unless `guests` lets all of them in or the
        allow list names the person.
"""

from __future__ import annotations

import dataclasses

from bot import conversation

REFUSAL = "I may not talk with you here; whoever runs me can change that."
ADMINS_ONLY = "Only an admin of mine may do that."


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rules:
    """The operator's lists; every id stands as `platform:id`."""

    admins: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()  # empty: everybody
    deny: frozenset[str] = frozenset()
    guests: bool = False

    def admits(self, standing: conversation.Standing) -> bool:
        """Whether this person may talk with the bot in this place."""
        ids = _ids(standing)
        if ids & self.deny:
            return False
        if standing.guest and not self.guests:
            return _named(standing.platform, standing.user) in self.allow
        return not self.allow or bool(ids & self.allow)

    def is_admin(self, platform: str, user: str) -> bool:
        """Whether this person is an admin, wherever they are."""
        return _named(platform, user) in self.admins

    def ids(self, platform: str) -> frozenset[str]:
        """The platform's ids that decide who is let in: what else an adapter need not find out."""
        pairs = (each.partition(":") for each in self.allow | self.deny)
        return frozenset(found for of, _, found in pairs if of == platform)


def standing(author: str, home: conversation.Home) -> conversation.Standing:
    """What is known of somebody from their post alone."""
    return conversation.Standing(
        platform=home.platform,
        user=author,
        channel=home.channel,
        workspaces=(home.workspace,) if home.workspace else (),
    )


def _ids(standing: conversation.Standing) -> frozenset[str]:
    own = (standing.user, standing.channel, *standing.workspaces, *standing.roles)
    return frozenset(_named(standing.platform, each) for each in own if each)


def _named(platform: str, identity: str) -> str:
    return f"{platform}:{identity}"
