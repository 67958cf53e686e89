"""A workspace takes the bot out while it, or somebody else, is doing something else with it."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import pathlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, cast

import pytest
import slack_helpers as helpers
from cryptography import fernet

from adapters.slack import farewell, web
from bot import conversation, thread_log
from bot.workspaces import installation, installing

NOW = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
MADE = installation.Installation(
    platform="slack", workspace="T1", name="Alpha", token="xoxb-1", installed_at=NOW
)
AGAIN = dataclasses.replace(MADE, token="xoxb-2", installed_at=NOW + dt.timedelta(seconds=9))
HERE = conversation.ConversationId("slack:T1:C1:1.0")
HOME = conversation.Home(platform="slack", workspace="T1", channel="C1", address="C1/1.0")


@dataclasses.dataclass(kw_only=True)
class Api:
    """Refuses the token, after what happens meanwhile."""

    meanwhile: Callable[[], Awaitable[None]]

    async def call(self, method: str) -> Any:
        """See web.Web."""
        await self.meanwhile()
        raise web.Refused(method, "account_inactive")


@pytest.fixture
async def store(tmp_path: pathlib.Path) -> AsyncIterator[installing.Installations]:
    """Installations in a log of their own, with one workspace."""
    async with thread_log.open(f"sqlite:///{tmp_path / 'bot.db'}") as book:
        key = fernet.Fernet.generate_key().decode()
        made = await installing.opened(book.installs, keys=[key], now=lambda: NOW)
        await made.save(MADE)
        yield made


def of(
    store: installing.Installations, intake: helpers.Intake, meanwhile: Callable[[], Awaitable[None]]
) -> farewell.Farewell:
    """What takes the events."""

    async def dropped(_team: str) -> None:
        pass

    return farewell.Farewell(
        store=store, intake=intake, api=lambda _: cast("web.Web", Api(meanwhile=meanwhile)), dropped=dropped
    )


def event(kind: str, *, at: dt.datetime) -> dict[str, Any]:
    """One of the two events."""
    told = {"type": kind, "tokens": {"bot": ["U0BOT"]}}
    return {"team_id": "T1", "event": told, "event_time": int(at.timestamp())}


async def nothing() -> None:
    """Nothing happens meanwhile."""


async def test_a_workspace_that_comes_back_meanwhile_stays(store: installing.Installations) -> None:
    """What is installed while Slack is asked about the old token is not erased for the old one's end."""
    intake = helpers.Intake(homes_of={HERE: HOME})

    async def installs_again() -> None:
        await store.save(AGAIN)

    late = event("app_uninstalled", at=NOW - dt.timedelta(seconds=5))
    await of(store, intake, installs_again).take(late)
    found = await store.find("slack", "T1")
    assert found is not None
    assert found.token == AGAIN.token
    assert list(intake.homes_of) == [HERE]


@pytest.mark.parametrize("renewed", [False, True])
async def test_both_events_of_an_uninstall_may_come_at_once(
    store: installing.Installations, *, renewed: bool
) -> None:
    """Token and conversations go, whichever event is first, and also where the token was just renewed."""
    intake = helpers.Intake(homes_of={HERE: HOME})
    known = await store.find("slack", "T1")
    assert known is not None
    if renewed:
        assert await store.replace(dataclasses.replace(known, token="xoxb-3"))
    taking = of(store, intake, nothing)
    at = NOW + dt.timedelta(seconds=5)
    await asyncio.gather(
        taking.take(event("tokens_revoked", at=at)), taking.take(event("app_uninstalled", at=at))
    )
    assert await store.find("slack", "T1") is None
    assert intake.homes_of == {}
