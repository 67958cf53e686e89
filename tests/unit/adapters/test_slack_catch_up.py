"""What was missed is read from Slack's history, whatever stands in the way; what is gone there goes here."""

from __future__ import annotations

from typing import Any

import pytest
import slack_helpers

from adapters.slack import app
from bot import conversation
from emulators import slack

DAY = 86_400.0


async def caught_up(scene: slack_helpers.Scene, **how: bool) -> set[str]:
    """A second adapter on the same log connects and catches up, as after a restart; what was told."""
    again = app.Slack(
        bot_token=scene.workspace.bot_token,
        app_token=scene.workspace.app_token,
        api_url=scene.workspace.api_url,
        intake=scene.intake,
        clock=scene.time,
        now=scene.time.moment,
        sleep=scene.time.sleep,
        guests_matter=how.get("guests_matter", False),
        dm_mode="flat" if how.get("flat") else "threads",
    )
    async with again:
        await again.catch_up()
    return {post.id for post in scene.intake.told}


async def missed(scene: slack_helpers.Scene, root: conversation.Post, posts: int = 3) -> set[str]:
    """Posts in a thread of the bot's that no event told."""
    return {
        await scene.workspace.post(
            channel=scene.channel,
            user=scene.ada,
            text=f"missed {number}",
            thread_ts=root.id,
            deliver=False,
        )
        for number in range(posts)
    }


@pytest.mark.parametrize(("threads", "posts"), [(1, 50), (8, 1)])
async def test_one_request_a_minute_misses_nothing(threads: int, posts: int) -> None:
    """Where Slack allows one request of fifteen posts a minute, catching up takes long and finds all."""
    async with slack_helpers.scene() as scene:
        roots = [await scene.asked(f"thread {number}") for number in range(threads)]
        lost = set[str]().union(*[await missed(scene, root, posts) for root in roots])
        scene.workspace.history_limit = "commercial"
        assert lost <= await caught_up(scene)


async def test_an_outage_of_the_history_misses_nothing() -> None:
    """Slack fails for two minutes after the start: what was missed is read when it is back."""
    async with slack_helpers.scene() as scene:
        lost = await missed(scene, await scene.asked())
        until = scene.time.now + 120.0
        scene.workspace.fail(
            slack.Fault(
                kind="http", method="conversations.*", times=10_000, match=lambda _: scene.time.now < until
            )
        )
        assert lost <= await caught_up(scene)


@pytest.mark.parametrize(("kind", "times"), [("http", 2), ("ratelimited", 1)])
async def test_who_somebody_is_may_take_a_while(kind: Any, times: int) -> None:
    """A person whom Slack does not name for a moment is asked about again; their posts are not given up."""
    async with slack_helpers.scene() as scene:
        lost = await missed(scene, await scene.asked())
        scene.workspace.fail(slack.Fault(kind=kind, method="users.info", times=times, retry_after=5))
        assert lost <= await caught_up(scene, guests_matter=True)


async def test_a_log_that_is_locked_misses_nothing() -> None:
    """A write that fails once is done again: nobody sends again what is read here."""
    async with slack_helpers.scene() as scene:
        lost = await missed(scene, await scene.asked())
        scene.intake.locked = 1
        assert lost <= await caught_up(scene)


async def test_a_lost_post_is_found_in_an_old_thread() -> None:
    """In a thread that the bot was in before the time that is read, what one event lost is found as well."""
    async with slack_helpers.scene() as scene:
        root = await scene.asked()
        scene.time.now += 2 * DAY
        lost = await missed(scene, root, 1)
        await scene.asked("a later one, that was heard", thread=root.id)
        assert lost <= await caught_up(scene)


@pytest.mark.parametrize("dm", [True, False])
async def test_a_question_that_was_deleted_is_erased(dm: bool) -> None:
    """So is one without replies, of whose thread Slack knows nothing any more."""
    async with slack_helpers.scene() as scene:
        await scene.asked("another", dm=dm)
        secret = await scene.asked("a secret", dm=dm)
        channel = scene.dm if dm else scene.channel
        await scene.workspace.delete(channel=channel, ts=secret.id, deliver=False)
        assert secret.id not in await caught_up(scene)


async def test_a_flat_dm_is_read_with_its_threads() -> None:
    """In a flat DM a missed post that has replies is found, and so are its replies."""
    async with slack_helpers.scene(dm_mode="flat") as scene:
        await scene.asked("hello", dm=True)
        lost = await scene.workspace.post(channel=scene.dm, user=scene.ada, text="lost", deliver=False)
        below = await scene.workspace.post(
            channel=scene.dm, user=scene.ada, text="are you there?", thread_ts=lost, deliver=False
        )
        assert {lost, below} <= await caught_up(scene, flat=True)


async def test_what_stands_below_in_a_flat_dm_is_not_erased() -> None:
    """A reply in a thread of a flat DM, which its top level does not show, stays in the log."""
    async with slack_helpers.scene(dm_mode="flat") as scene:
        root = await scene.asked("hello", dm=True)
        below = await scene.asked("below it", dm=True, thread=root.id)
        assert below.id in await caught_up(scene, flat=True)


async def test_a_deleted_root_of_a_flat_dm_is_erased() -> None:
    """The mark that Slack leaves in the place of a deleted root is no post."""
    async with slack_helpers.scene(dm_mode="flat") as scene:
        await scene.asked("hello", dm=True)
        secret = await scene.asked("a secret", dm=True)
        below = await scene.asked("below it", dm=True, thread=secret.id)
        await scene.workspace.delete(channel=scene.dm, ts=secret.id, deliver=False)
        told = await caught_up(scene, flat=True)
        assert (secret.id in told, below.id in told) == (False, True)
