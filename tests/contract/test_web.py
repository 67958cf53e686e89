"""Contract: web search and fetch: off by default, shown while they run, sources as links, paid, bounded."""

from __future__ import annotations

import stage
import tooled

from emulators import claude

PAGE = "https://docs.python.org/3/whatsnew/3.14.html"
FOUND = claude.searched(
    "python release",
    [PAGE, "https://peps.python.org/pep-0745/"],
    [("Python 3.14 came out in October", PAGE), (".", None)],
)
SAID = f"Python 3.14 came out in October ([docs.python.org]({PAGE}))."


async def test_the_web_is_off_unless_it_is_on(scene: stage.Stage) -> None:
    """Without the setting no web tool is offered."""
    await scene.mention(scene.channel, "hello")
    await scene.idle()
    assert tooled.offered(scene.requests[0]) == []


async def test_the_web_is_given_by_admins_and_taken_away_by_anybody(empty_stage: stage.Stage) -> None:
    """An admin turns it on for a channel; in a thread of it anybody does without, nobody else turns it on."""
    scene = empty_stage
    await scene.start(bot_admins=f"{scene.name}:{scene.ada}")
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    place = scene.under(asked)
    assert "Only an admin of mine" in await scene.command(place, "context", "web on", by=scene.bob)
    await scene.command(place, "context", "channel web on")
    other = await scene.mention(scene.channel, "and here?")
    await scene.idle()
    assert tooled.offered(scene.requests[-1]) == ["web_fetch", "web_search"]
    await scene.command(scene.under(other), "context", "web off", by=scene.bob)
    scene.may_break(other)
    await scene.post(scene.under(other), "still?")
    await scene.idle()
    assert tooled.offered(scene.requests[-1]) == []
    scene.may_break(asked)
    await scene.post(place, "and there?")
    await scene.idle()
    assert tooled.offered(scene.requests[-1]) == ["web_fetch", "web_search"]


async def test_an_answer_names_its_sources(empty_stage: stage.Stage) -> None:
    """What rests on a page is followed by a link to it, on the platform and in the log."""
    scene = empty_stage
    domains = '[web]\nallowed_domains = ["python.org"]\nsearches = 2'
    await scene.start(bot_web_tools="on", bot_tools_file=tooled.listed(scene.folder, domains))
    scene.claude.answer = tooled.script(claude.Answer(content=FOUND), "You are welcome.")
    asked = await scene.mention(scene.channel, "when did Python 3.14 come out?")
    await scene.idle()
    assert PAGE in scene.answers(scene.under(asked))[0]
    assert await scene.stored() == ["when did Python 3.14 come out?", SAID]
    search = scene.requests[0]["tools"][1]
    assert tooled.offered(scene.requests[0]) == ["web_fetch", "web_search"]
    assert (search["max_uses"], search["allowed_domains"]) == (2, ["python.org"])
    assert search["allowed_callers"] == ["direct"]
    model = {"model": "claude-sonnet-5-5"}
    counted = scene.running.kit.metrics.registry
    assert (counted.get_sample_value("threadmate_dollars_total", model) or 0) > 0.01  # what a search costs
    await scene.post(scene.under(asked), "thanks")
    await scene.idle()
    assert scene.answers(scene.under(asked))[-1] == "You are welcome."


async def test_a_search_is_seen_while_it_runs(empty_stage: stage.Stage) -> None:
    """The thread says that the web is searched, and the answer takes the place of that."""
    scene = empty_stage
    await scene.start(bot_web_tools="on")
    scene.claude.answer = lambda _body: claude.Answer(content=FOUND)
    gate = scene.claude.fail(claude.Fault(kind="stall", after=2))
    asked = await scene.mention(scene.channel, "when did Python 3.14 come out?")
    place = scene.under(asked)
    await scene.until(lambda: any("*Searching the web*" in text for text in scene.answers(place)))
    gate.release()
    await scene.idle()
    (answer,) = scene.answers(place)
    assert "Searching" not in answer
    assert PAGE in answer


async def test_a_paused_turn_goes_on(empty_stage: stage.Stage) -> None:
    """A turn that pauses amid its searches goes back unchanged, encrypted results and all."""
    scene = empty_stage
    await scene.start(bot_web_tools="on")
    scene.claude.answer = tooled.script(
        claude.Answer(content=FOUND[:2], stop_reason="pause_turn"), "It came out in October."
    )
    asked = await scene.mention(scene.channel, "when did Python 3.14 come out?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == ["It came out in October."]
    first, second = scene.claude.requests
    assert second.body["messages"][-1]["content"] == first.content


async def test_an_organisation_without_the_web_gets_its_answers(empty_stage: stage.Stage) -> None:
    """Where the API refuses the web tools the answer comes without them, and so do those that follow."""
    scene = empty_stage
    await scene.start(bot_web_tools="on", bot_tools_file=tooled.listed(scene.folder, tooled.TIME))
    scene.claude.web = False
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    offers = [tooled.offered(body) for body in scene.requests]
    rest = ["time__convert_time"]
    assert offers == [[*rest, "web_fetch", "web_search"], rest, rest]


async def test_pages_that_were_read_do_not_count_as_history(empty_stage: stage.Stage) -> None:
    """What the web adds to one call is in that bill alone: the next request is neither cut nor summarised."""
    scene = empty_stage
    await scene.start(bot_web_tools="on")
    scene.claude.answer = tooled.script(claude.Answer(content=FOUND, web_tokens=60_000), "You are welcome.")
    asked = await scene.mention(scene.channel, "when did Python 3.14 come out?")
    await scene.idle()
    await scene.post(scene.under(asked), "thanks")
    await scene.idle()
    assert len(scene.claude.requests) == len(scene.requests) == 2
    metrics = scene.running.kit.metrics.registry
    assert metrics.get_sample_value("threadmate_cache_misses_total", {"reason": "prefix changed"}) is None
