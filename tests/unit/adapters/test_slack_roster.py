"""Which workspace something belongs to, while workspaces come, go and come back."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest
import slack_helpers as helpers

from adapters.slack import roster, workspace
from bot import errors


@dataclasses.dataclass(kw_only=True)
class Place(workspace.Workspace):
    """All that the roster asks of a connected workspace here."""

    team: str
    closed: bool = False

    async def close(self) -> None:
        """See workspace.Workspace."""
        self.closed = True


class Slack:
    """Connects when it is let; keeps what it made."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.fault: Exception | None = None
        self.made: list[Place] = []

    async def connect(self, team: str) -> Place:
        """See roster.Connect."""
        await self.let.wait()
        if self.fault is not None:
            raise self.fault
        self.made.append(Place(team=team))
        return self.made[-1]


def opened(slack: Slack) -> roster.Roster:
    """A roster of one workspace."""

    async def teams() -> list[str]:
        return ["T1"]

    return roster.Roster(intake=helpers.Intake(), teams=teams, connect=slack.connect)


@pytest.fixture
def slack() -> Slack:
    """The service."""
    return Slack()


@pytest.fixture
def places(slack: Slack) -> roster.Roster:
    """The roster on it."""
    return opened(slack)


async def test_whoever_asks_at_any_moment_of_connecting_gets_the_workspace(
    slack: Slack, places: roster.Roster
) -> None:
    """There is no moment between the connection and its being known in which a workspace is missing."""
    asking = [asyncio.ensure_future(places.of_team("T1"))]
    await asyncio.sleep(0)
    slack.let.set()
    for _ in range(12):
        asking.append(asyncio.ensure_future(places.of_team("T1")))
        await asyncio.sleep(0)
    assert await asyncio.gather(*asking) == slack.made * len(asking)
    assert len(slack.made) == 1


async def test_a_workspace_dropped_while_it_is_awaited_is_connected_anew(
    slack: Slack, places: roster.Roster
) -> None:
    """Who waits for a workspace that installs the bot again gets it with its new token, not an end."""
    waiting = [asyncio.ensure_future(places.of_team("T1")) for _ in range(2)]
    await asyncio.sleep(0)
    await places.drop("T1")
    slack.let.set()
    assert await asyncio.gather(*waiting) == slack.made * 2
    assert len(slack.made) == 1


async def test_a_failure_is_told_to_all_who_wait_and_not_kept(slack: Slack, places: roster.Roster) -> None:
    """A connection that fails fails for those who asked; the next one is tried afresh."""
    slack.fault = errors.PlatformUnavailable("not now")
    slack.let.set()
    results = await asyncio.gather(*(places.of_team("T1") for _ in range(2)), return_exceptions=True)
    assert results == [slack.fault] * 2
    slack.fault = None
    assert await places.of_team("T1") == slack.made[0]


async def test_a_waiter_that_gives_up_ends_nothing_for_the_others(
    slack: Slack, places: roster.Roster
) -> None:
    """Of two that wait for one connection one may be cancelled; the other gets it."""
    gone, stays = (asyncio.ensure_future(places.of_team("T1")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    slack.let.set()
    assert await stays == slack.made[0]


async def test_a_closed_roster_connects_nothing_more(slack: Slack, places: roster.Roster) -> None:
    """While the bot stops, what is connected is closed, and an event is turned away to come again."""
    slack.let.set()
    await places.of_team("T1")
    await places.close()
    assert [place.closed for place in slack.made] == [True]
    with pytest.raises(errors.PlatformUnavailable):
        await places.of_team("T1")
