"""The stages, each on its emulators; the laws are asserted on every request when a test is over."""

from __future__ import annotations

import pathlib
from collections.abc import AsyncIterator

import discord_stage
import oauth_stage
import pytest
import slack_stage
import stage

from emulators import claude

STAGES: dict[str, type[stage.Stage]] = {
    "slack": slack_stage.SlackStage,
    "slack_http": slack_stage.SlackHttpStage,
    "slack_oauth": oauth_stage.OAuthStage,
    "discord": discord_stage.DiscordStage,
}
PLATFORMS = ["discord", "slack"]  # what a test runs on that does not ask for more


@pytest.fixture(params=PLATFORMS)
async def empty_stage(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> AsyncIterator[stage.Stage]:
    """A platform with people and Claude; the bot is not running yet."""
    async with claude.Claude() as api, STAGES[request.param](api=api, folder=tmp_path) as made:
        made.clock.offset = 0.0
        yield made
        api.heal()
        await made.stop()
        made.check()


@pytest.fixture
async def scene(empty_stage: stage.Stage) -> stage.Stage:
    """A platform with people, Claude, and the bot running."""
    await empty_stage.start()
    return empty_stage
