"""Who somebody is in a channel, as far as access goes: asked of Slack, and never guessed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

import structlog

from adapters.slack import address, names, parse
from bot import conversation, errors

HISTORY_SECONDS = 20.0  # for everybody in a thread that is read late

log = structlog.get_logger()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Standings:
    """`matter` is false where guests are let in anyway: then nobody is asked for."""

    people: names.Names
    matter: bool

    async def of(self, event: parse.Event, *, team: str) -> conversation.Standing:
        """The author's of an event with a channel. Raises PlatformUnavailable where it is not known yet."""
        author = parse.author(event)
        found = await self.people.people([author]) if self.matter and author else {}
        if self.matter and author and author not in found:
            # The event is not acknowledged then, and Slack sends it again.
            raise errors.PlatformUnavailable("Slack does not say yet whether this is a guest")
        return _standing(event, author, found.get(author), team=team)

    async def known(self, messages: Iterable[parse.Event]) -> Mapping[str, names.Person]:
        """The authors of a thread's messages; who is not known in time counts as a guest."""
        if not self.matter:
            return {}
        authors = dict.fromkeys(filter(None, map(parse.author, messages)))
        found = await self.people.people(authors, seconds=HISTORY_SECONDS)
        unknown = names.Person(name="", guest=True)
        return {author: found.get(author, unknown) for author in authors}

    def late(
        self, message: parse.Event, found: Mapping[str, names.Person], *, channel: str, team: str
    ) -> conversation.Standing:
        """The author's of a message that was read late, given what `known` found."""
        author = parse.author(message)
        return _standing({**message, "channel": channel}, author, found.get(author), team=team)


def _standing(
    event: parse.Event, author: str, person: names.Person | None, *, team: str
) -> conversation.Standing:
    message = event.get("message") or event
    told = [str(message.get(field) or "") for field in ("user_team", "source_team", "team")]
    own = person.workspace if person else ""
    return conversation.Standing(
        platform=address.PLATFORM,
        user=author,
        channel=str(event.get("channel") or ""),
        workspaces=tuple(dict.fromkeys(filter(None, (team, own, *told)))),
        guest=person.guest if person else False,
    )
