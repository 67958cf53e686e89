"""The parts of a running bot."""

from __future__ import annotations

import fakes
import pytest

from bot import errors, parts

ADMINS = frozenset({"slack:U1", "slack:U2", "discord:3", "elsewhere:4"})


async def test_every_admin_is_told_who_can_be() -> None:
    """On both platforms; one who takes no direct messages keeps it from no other."""
    slack, discord = fakes.Platform(), fakes.Platform(name="discord")
    slack.faults["tell"] = [errors.MayNotPost()]
    await parts.tell_admins(ADMINS, {"slack": slack, "discord": discord}, "nearly spent")
    assert (slack.told, discord.told) == ([("U2", "nearly spent")], [("3", "nearly spent")])


async def test_that_nobody_could_be_told_is_an_error() -> None:
    """Then it is tried again; without any admin there is nobody to try."""
    slack = fakes.Platform(faults={"tell": [errors.MayNotPost(), errors.MayNotPost()]})
    with pytest.raises(errors.MayNotPost):
        await parts.tell_admins(ADMINS, {"slack": slack}, "nearly spent")
    await parts.tell_admins(frozenset(), {"slack": slack}, "nearly spent")
    assert slack.told == []
