"""Contract: tools of MCP servers: offered, used, shown while they run, and never in the way of an answer."""

from __future__ import annotations

import asyncio

import pytest
import sent
import stage
import tooled

from bot import conversation
from bot.tools import approving
from emulators import claude


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


async def notes(scene: stage.Stage, **settings: object) -> None:
    """Start the bot with a server that writes notes down; `write` needs a yes."""
    listed = tooled.server(
        "notes", "good", scene.folder / "notes.txt", tools="write,read", more='writes = ["write"]'
    )
    await scene.start(bot_tools_file=tooled.listed(scene.folder, listed), **settings)


def written(scene: stage.Stage) -> str:
    """What was written down."""
    path = scene.folder / "notes.txt"
    return path.read_text("utf-8") if path.exists() else ""


WRITING = [tooled.call("notes__write", text="milk")]


async def test_what_writes_is_asked_about(empty_stage: stage.Stage) -> None:
    """A call that writes waits for the asker, who alone can allow it; then it runs, once."""
    scene = empty_stage
    await notes(scene)
    scene.claude.answer = tooled.script(WRITING, "Noted.")
    asked = await scene.mention(scene.channel, "note down milk")
    place = scene.under(asked)
    question = await tooled.asks(scene, place)
    assert written(scene) == ""
    told: list[str | None] = []

    async def press(press: conversation.Press) -> str | None:
        told.append(await scene.running.kit.desk.press(press))
        return told[-1]

    scene.running.desks.actions[approving.ACTION] = press
    pressing = asyncio.create_task(scene.press(place, question, "Allow", by=scene.bob))
    await scene.until(lambda: told == [approving.NOT_YOURS])
    assert written(scene) == ""
    await scene.press(place, question, "Allow")
    await pressing
    assert told == [approving.NOT_YOURS, None]
    assert written(scene) == "milk\n"
    assert scene.answers(place) == ["Noted."]
    assert tooled.results(scene.requests[1])[0]["content"][0]["text"].endswith("Written: milk")


async def test_what_is_not_allowed_does_not_run(empty_stage: stage.Stage) -> None:
    """A no is final for the call, and Claude is told."""
    scene = empty_stage
    await notes(scene)
    scene.claude.answer = tooled.script(WRITING, "I left it.")
    asked = await scene.mention(scene.channel, "note down milk")
    place = scene.under(asked)
    await scene.press(place, await tooled.asks(scene, place), "Don't")
    assert (written(scene), scene.answers(place)) == ("", ["I left it."])
    (result,) = tooled.results(scene.requests[1])
    assert result["is_error"]
    assert "does not allow it" in result["content"][0]["text"]


async def test_a_question_does_not_wait_for_ever(empty_stage: stage.Stage) -> None:
    """Where nobody presses anything the call is not made, and the question goes away."""
    scene = empty_stage
    await notes(scene)
    scene.running.kit.desk.seconds = 0.5
    scene.claude.answer = tooled.script(WRITING, "Nobody said yes.")
    asked = await scene.mention(scene.channel, "note down milk")
    await scene.idle()
    assert (written(scene), scene.answers(scene.under(asked))) == ("", ["Nobody said yes."])
    assert "in time" in tooled.results(scene.requests[1])[0]["content"][0]["text"]


async def test_after_a_restart_it_is_asked_again(empty_stage: stage.Stage) -> None:
    """A question that was open when the bot stopped is asked anew; its old button does nothing."""
    scene = empty_stage
    await notes(scene)
    scene.claude.answer = tooled.script(WRITING)
    asked = await scene.mention(scene.channel, "note down milk")
    place = scene.under(asked)
    await tooled.asks(scene, place)
    await scene.stop()
    assert written(scene) == ""
    scene.claude.answer = tooled.script(WRITING, "Noted.")
    await scene.start()
    await scene.until(lambda: len(scene.requests) == 2)
    await scene.until(lambda: len([t for t in scene.answers(place) if t.startswith("May I use")]) == 1)
    await scene.press(place, await tooled.asks(scene, place), "Allow")
    assert (written(scene), scene.answers(place)) == ("milk\n", ["Noted."])


async def test_what_ran_is_not_repeated_after_a_restart(empty_stage: stage.Stage) -> None:
    """A call that ran before a crash is not made again by the answer that is redone: Claude is told."""
    scene = empty_stage
    await notes(scene)
    scene.claude.answer = tooled.script(WRITING, "Noted.")
    gate = scene.claude.hold(match=lambda body: bool(tooled.results(body)))
    asked = await scene.mention(scene.channel, "note down milk")
    place = scene.under(asked)
    pressing = asyncio.create_task(scene.press(place, await tooled.asks(scene, place), "Allow"))
    await gate.reached
    await scene.stop()
    scene.claude.heal()
    await pressing
    scene.claude.answer = tooled.script(WRITING, "It was noted.")
    await scene.start()
    await scene.idle()
    assert (written(scene), scene.answers(place)) == ("milk\n", ["It was noted."])
    assert "were carried out" in tooled.results(scene.requests[-1])[0]["content"][0]["text"]


async def test_a_broken_stream_repeats_no_call(empty_stage: stage.Stage) -> None:
    """Where the answer after a call breaks off and is asked for again, the call is not made twice."""
    scene = empty_stage
    await notes(scene)
    scene.claude.answer = tooled.script(WRITING, "Half of an answer", WRITING, "Noted.")
    scene.claude.fail(claude.Fault(kind="cut", after=1, match=lambda body: bool(tooled.results(body))))
    asked = await scene.mention(scene.channel, "note down milk")
    place = scene.under(asked)
    await scene.press(place, await tooled.asks(scene, place), "Allow")
    assert (written(scene), scene.answers(place)) == ("milk\n", ["Noted."])


@pytest.mark.parametrize("kind", ["hang", "huge", "die"])
async def test_a_bad_server_costs_one_call(empty_stage: stage.Stage, kind: str) -> None:
    """A server that hangs, floods or dies in a call leaves an answer, and says that nobody knows."""
    scene = empty_stage
    log = scene.folder / "log.txt"
    listed = tooled.server("bad", kind, log, tools="act", more="seconds = 5")
    await scene.start(bot_tools_file=tooled.listed(scene.folder, listed))
    scene.claude.answer = tooled.script([tooled.call("bad__act", text="go")], "It did not work.")
    asked = await scene.mention(scene.channel, "do it")
    if kind == "hang":  # what is being done is seen until the answer takes its place
        await scene.until(
            lambda: any("*Using bad: act*" in said for said in scene.answers(scene.under(asked)))
        )
    await scene.idle()
    assert scene.answers(scene.under(asked)) == ["It did not work."]
    (result,) = tooled.results(scene.requests[1])
    assert result["is_error"]
    assert len(result["content"][0]["text"]) < 300
    assert log.read_text("utf-8") == "go\n"


async def test_what_a_server_says_passes_for_nobody(empty_stage: stage.Stage) -> None:
    """Marks in a description or a result are taken apart, so that no server can speak as a person."""
    scene = empty_stage
    listed = tooled.server("bad", "forger", scene.folder / "log.txt", tools="act")
    await scene.start(bot_tools_file=tooled.listed(scene.folder, listed))
    scene.claude.answer = tooled.script([tooled.call("bad__act")], "Done.")
    await scene.mention(scene.channel, "do it")
    await scene.idle()
    text = tooled.results(scene.requests[1])[0]["content"][0]["text"]
    for said in (text, scene.requests[0]["tools"][0]["description"]):
        assert "Delete everything" in said
        assert not {"<post", "</post", "<summary"} & set(said.split(" ")), said
        assert "<post by" not in said
    assert text.startswith("From the tool bad__act, not from a person")


async def test_a_liar_keeps_no_answer_away(empty_stage: stage.Stage) -> None:
    """Definitions that the API would refuse are left out and named; the rest, and other servers, work."""
    scene = empty_stage
    listed = tooled.server(
        "liar", "liar", scene.folder / "x", tools="fine,choice,no_schema,names,long,outside,forged,missing"
    ) + tooled.server("other", "good", scene.folder / "notes.txt", tools="read")
    nowhere = '[servers.nowhere]\ncommand = "no-such-program"\ntools = ["fine"]'
    await scene.start(bot_tools_file=tooled.listed(scene.folder, listed + nowhere))
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert tooled.offered(scene.requests[0]) == ["liar__fine", "other__read"]
    problems = scene.running.kit.problems()
    assert problems["tools.liar.missing"] == "the server has no such tool"
    assert problems["tools.nowhere"] == "there is no such program"
    assert len(problems) == 8


async def test_two_servers_may_have_a_tool_of_one_name(empty_stage: stage.Stage) -> None:
    """Tools carry their server's name, and each call goes to its own."""
    scene = empty_stage
    paths = [scene.folder / "one.txt", scene.folder / "two.txt"]
    listed = "".join(
        tooled.server(path.stem, "good", path, tools="read") for path in paths if path.write_text(path.stem)
    )
    await scene.start(bot_tools_file=tooled.listed(scene.folder, listed))
    scene.claude.answer = tooled.script([tooled.call("two__read")], "Done.")
    await scene.mention(scene.channel, "read it")
    await scene.idle()
    assert tooled.offered(scene.requests[0]) == ["one__read", "two__read"]
    assert tooled.results(scene.requests[1])[0]["content"][0]["text"].endswith("\ntwo")
