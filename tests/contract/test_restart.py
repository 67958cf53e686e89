"""Contract: a restart gives the same bytes, so that what was cached and what was said stand."""

from __future__ import annotations

import stage


async def test_the_same_request_after_a_restart(scene: stage.Stage) -> None:
    """A request that was under way when the bot stopped is sent again byte for byte."""
    asked = await scene.mention(scene.channel, "first")
    await scene.idle()
    for text in ("second", "third"):
        await scene.post(scene.under(asked), text, by=scene.bob)
        await scene.idle()
    gate = scene.claude.hold()
    await scene.post(scene.under(asked), "fourth")
    await gate.reached
    await scene.stop()
    scene.claude.heal()
    await scene.start()
    await scene.idle()
    *_, before, after = scene.claude.requests
    assert after.raw == before.raw
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2, 3, 4)


async def test_the_same_request_after_a_restart_with_posts_waiting(scene: stage.Stage) -> None:
    """Posts that came while the request was under way, or while the bot was down, do not change it."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "first")
    await gate.reached
    await scene.post(scene.under(asked), "second")
    await scene.heard()
    async with scene.away():
        scene.claude.heal()
        await scene.post(scene.under(asked), "third", by=scene.bob)
    first, again, *_ = scene.claude.requests
    assert again.raw == first.raw
    assert scene.answers(scene.under(asked))[0] == stage.answered(1)[0]
    assert scene.answers(scene.under(asked))[-1] == stage.answered(3)[0]


async def test_the_cache_is_warm_after_a_restart(scene: stage.Stage) -> None:
    """The request after a restart reads what the one before it wrote."""
    long = "The quick brown fox jumps over the lazy dog and the log remembers all of it. " * 20
    asked = await scene.mention(scene.channel, f"1 {long}".strip())
    await scene.idle()
    await scene.restart()
    await scene.post(scene.under(asked), f"2 {long}".strip())
    await scene.idle()
    first, second = [call.usage or {} for call in scene.claude.requests]
    assert first["cache_creation_input_tokens"] > 0
    assert second["cache_read_input_tokens"] == first["cache_creation_input_tokens"]


async def test_a_conversation_extends_itself_over_restarts(scene: stage.Stage) -> None:
    """Restarted after every answer, a conversation's requests extend each other all the same."""
    asked = await scene.mention(scene.channel, "0")
    await scene.idle()
    for number in range(1, 5):
        await scene.restart()
        await scene.post(scene.under(asked), str(number), by=(scene.ada, scene.bob)[number % 2])
        await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2, 3, 4, 5)
    assert len(scene.requests) == 5  # the laws, asserted on all of them, are the point


async def test_a_stop_waits_for_running_answers(scene: stage.Stage) -> None:
    """A stop lets a running answer finish within its patience, and takes up nothing new."""
    gate = scene.claude.hold()
    asked = await scene.mention(scene.channel, "first")
    await gate.reached
    gate.release()
    await scene.stop(patience=10)
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    await scene.start()
    await scene.idle()
    assert len(scene.requests) == 1
