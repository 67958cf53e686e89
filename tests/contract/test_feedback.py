"""Contract: thumbs under answers, kept with them, told by `usage`."""

from __future__ import annotations

import pytest
import stage

from emulators import claude

# Slack's other way in as well: interactive payloads over signed HTTP.
pytestmark = pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)


async def _asked(scene: stage.Stage) -> stage.Place:
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    return scene.under(asked)


async def test_usage_tells_the_thumbs(scene: stage.Stage) -> None:
    """Each person's thumb counts once; who changes their mind has changed it."""
    place = await _asked(scene)
    await scene.rate(place, "up")
    await scene.rate(place, "up", by=scene.bob)
    assert "2 👍, 0 👎" in await scene.command(place, "usage")
    await scene.rate(place, "down", by=scene.bob)
    assert "1 👍, 1 👎" in await scene.command(place, "usage")


async def test_a_thumb_survives_a_restart(scene: stage.Stage) -> None:
    """Thumbs under an old answer work after a restart, and those given before it are kept."""
    place = await _asked(scene)
    await scene.rate(place, "up")
    await scene.restart()
    await scene.rate(place, "down", by=scene.bob)
    assert "1 👍, 1 👎" in await scene.command(place, "usage")


async def test_forgetting_somebody_takes_their_thumbs(scene: stage.Stage) -> None:
    """`forget me` erases the thumbs of who says it, and no one else's."""
    place = await _asked(scene)
    await scene.rate(place, "down")
    await scene.rate(place, "up", by=scene.bob)
    await scene.command(place, "forget", "me yes", by=scene.bob)
    assert "0 👍, 1 👎" in await scene.command(place, "usage")


async def test_a_failed_answer_has_no_thumbs(scene: stage.Stage) -> None:
    """There is nothing to rate where the bot only said that it failed."""
    scene.claude.fail(claude.Fault(kind="bad_request", times=10))
    place = await _asked(scene)
    with pytest.raises(LookupError):
        await scene.rate(place, "up")


async def test_every_answer_has_thumbs_under_its_last_post(scene: stage.Stage) -> None:
    """An answer that was shown while it grew, in several posts, has thumbs once, under the last."""
    words = " ".join(f"w{number:05}" for number in range(500))
    scene.claude.answer = lambda _body: stage.slowly(words)
    place = await _asked(scene)
    await scene.rate(place, "up")
    assert "1 👍, 0 👎" in await scene.command(place, "usage")
