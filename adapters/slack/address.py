"""Conversation ids and addresses: minted here, taken apart here, opaque elsewhere."""

from __future__ import annotations

import dataclasses
import json

from bot import conversation, errors

PLATFORM = "slack"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Address:
    """Where an answer goes."""

    channel: str
    thread: str  # the root's ts; "" for the top level of a flat DM
    user_team: str  # the asker's own workspace: in a shared channel not the bot's

    @property
    def is_dm(self) -> bool:
        """Whether only one person and the bot are there."""
        return is_dm(self.channel)


def is_dm(channel: str) -> bool:
    """A DM's id begins with D, a channel's and a group DM's with C or G."""
    return channel.startswith("D")


def conversation_id(*, team: str, channel: str, thread: str) -> conversation.ConversationId:
    """The id of a thread, or of a whole DM where `thread` is ""."""
    return conversation.ConversationId(":".join(filter(None, (PLATFORM, team, channel, thread))))


def home(address: Address, *, team: str) -> conversation.Home:
    """The home that `read` takes apart again."""
    written = json.dumps(dataclasses.asdict(address), separators=(",", ":"))
    return conversation.Home(platform=PLATFORM, workspace=team, channel=address.channel, address=written)


def read(where: conversation.Home) -> Address:
    """The address in a home this adapter wrote. Raises errors.PostGone for any other, as of an import."""
    try:
        return Address(**json.loads(where.address))
    except (ValueError, TypeError) as error:
        raise errors.PostGone("this conversation has no address on Slack") from error
