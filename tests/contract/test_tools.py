"""Contract: tools of MCP servers: offered, used, shown while they run, and never in the way of an answer."""

from __future__ import annotations

import sent
import stage
import tooled


async def test_a_tool_is_used(empty_stage: stage.Stage) -> None:
    """Claude is offered the allowed tool of a real server, uses it, and answers with what it gave."""
    scene = empty_stage
    await scene.start(bot_tools_file=tooled.listed(scene.folder, tooled.TIME))
    scene.claude.answer = tooled.script([tooled.call("time__convert_time", **tooled.CONVERT)], "At 00:30.")
    asked = await scene.mention(scene.channel, "16:30 in Paris is when in Tokyo?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == ["At 00:30."]
    first, second = scene.requests
    assert tooled.offered(first) == ["time__convert_time"] == tooled.offered(second)
    (result,) = tooled.results(second)
    assert "time_difference" in result["content"][0]["text"]
    assert "is_error" not in result
    assert await scene.stored() == ["16:30 in Paris is when in Tokyo?", "At 00:30."]


async def test_the_tool_list_is_part_of_the_prefix(empty_stage: stage.Stage) -> None:
    """The same list goes along with every request, over a restart as well, so that the cache holds."""
    scene = empty_stage
    long = "The quick brown fox jumps over the lazy dog and the log remembers all of it. " * 20
    await scene.start(bot_tools_file=tooled.listed(scene.folder, tooled.TIME))
    asked = await scene.mention(scene.channel, f"1 {long}".strip())
    await scene.idle()
    await scene.restart()
    await scene.post(scene.under(asked), f"2 {long}".strip())
    await scene.idle()
    first, second = scene.requests
    assert first["tools"] == second["tools"]
    usage = [call.usage or {} for call in scene.claude.requests]
    assert usage[1]["cache_read_input_tokens"] == usage[0]["cache_creation_input_tokens"] > 0
    assert sent.texts(second) == [f"1 {long}".strip(), f"2 {long}".strip()]
