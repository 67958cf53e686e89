"""Contract: what the operator's signals do to a bot in a process of its own."""

from __future__ import annotations

import signal

import stage


async def test_a_hangup_changes_nothing(empty_stage: stage.Stage) -> None:
    """After SIGHUP, which a closed terminal or a reload sends, the bot answers as before."""
    scene = empty_stage
    await scene.spawn()
    scene.signal(signal.SIGHUP)
    asked = await scene.mention(scene.channel, "still there?")
    await scene.until(lambda: bool(scene.answers(scene.under(asked))))
    await scene.kill()
