"""Contract: however often files are recalled for one answer, its requests stay within what the API takes."""

from __future__ import annotations

import real_files
import sent
import stage

from bot.planning import fitting
from bot.tools import recalling
from emulators import claude

MEBIBYTE = 2**20


def recalls(times: int, name: str) -> list[claude.Answer]:
    """Claude asks for a file so many times."""
    use = {"type": "tool_use", "name": "recall", "input": {"query": "kumquats", "file": name}}
    return [claude.Answer(content=[use], stop_reason="tool_use")] * times


async def test_a_heavy_paper_is_recalled_while_there_is_room(empty_stage: stage.Stage) -> None:
    """A file is shown as often as one request can hold it; after that its text comes, and the answer."""
    scene = empty_stage
    await scene.start(bot_context_tokens=4_000, bot_context_floor_tokens=1_000)
    paper = real_files.album("The kumquats are ripe.", real_files.photograph(4_600, 3_600))
    assert 7 * MEBIBYTE < len(paper) < 10 * MEBIBYTE  # two of them are legal, three are not
    asked = await scene.mention(scene.channel, "keep this", files=[("a.pdf", paper, "application/pdf")])
    await scene.idle()
    for number in range(6):
        scene.may_break(asked, times=2)
        await scene.post(scene.under(asked), f"line {number} " + "of a long talk " * 120)
        await scene.idle()
    left = recalls(3, "a.pdf")
    scene.claude.answer = lambda body: left.pop() if left and body.get("tools") else "Here it is."
    scene.may_break(asked, times=2)
    await scene.post(scene.under(asked), "show it, thrice")
    await scene.idle()
    assert scene.answers(scene.under(asked))[-1] == "Here it is."
    assert {call.status for call in scene.claude.requests} == {200}
    results = [
        [block["type"] for block in each["content"]]
        for message in scene.requests[-1]["messages"]
        for each in message["content"]
        if each["type"] == "tool_result"
    ]
    assert results == [["document", "text"], ["document", "text"], ["text"]]
    last = str(scene.requests[-1]["messages"][-1])
    assert recalling.NO_ROOM in last
    assert "The kumquats are ripe." in last
    assert sent.goes_on(scene.requests[-1])
    assert 2 * len(paper) < fitting.MOST_BYTES < 3 * len(paper)
