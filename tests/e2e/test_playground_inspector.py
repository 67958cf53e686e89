"""What stands beside a conversation is what was really sent, billed and kept."""

import asyncio
import json
import re

import pytest
from browsing import Screen
from playwright.async_api import Route, expect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

SIDES = ["slack", "discord"]
LONG = "The harbour report says that the tide was high and the wind came from the west. " * 16


@pytest.mark.parametrize("side", SIDES)
async def test_blocks_are_coloured_by_what_the_cache_did(screen: Screen, side: str) -> None:
    """Once the prefix is long enough it is written, then read; breakpoints stand between the blocks."""
    await screen.open(side)
    await screen.ask(f"first part {LONG}")
    for number in ("second", "third"):
        await screen.say(f"{number} part {LONG}")
        await expect(screen.answers.last).to_contain_text(f"you wrote: “{number} part")
    panel = await screen.tab("Request")
    await expect(panel.get_by_role("combobox", name="Request").locator("option")).to_have_count(3)
    await expect(panel.locator(".block.read").first).to_be_visible()
    await expect(panel.locator(".breakpoint").first).to_contain_text("breakpoint, kept")
    await expect(panel.locator(".hit")).to_contain_text("of the last prefix were read")
    shown = await screen.read("api/requests/" + await _chosen(screen))
    usage = shown["usage"]
    for fate, billed in (("read", usage["read"]), ("fresh", usage["fresh"])):
        counted = sum(block["tokens"] for block in shown["blocks"] if block["fate"] == fate)
        assert counted == pytest.approx(billed, abs=2)


@pytest.mark.parametrize("side", SIDES)
async def test_a_miss_shows_its_reason(screen: Screen, side: str) -> None:
    """An edit of an earlier post breaks the prefix, and the inspector says where and why."""
    await screen.open(side)
    await screen.ask(f"first part {LONG}")
    for number in ("second", "third"):
        await screen.say(f"{number} part {LONG}")
        await expect(screen.answers.last).to_contain_text(f"you wrote: “{number} part")
    # While an answer is being written an edit redoes it: wait for its end.
    panel = await screen.tab("Request")
    await expect(panel.get_by_role("combobox", name="Request").locator("option")).to_have_count(3)
    await expect(panel.locator(".chip.good")).to_have_text("end_turn")
    await screen.box.press("ArrowUp")
    await screen.page.get_by_role("textbox", name="Edit this post").fill(f"changed part {LONG}")
    await screen.page.get_by_role("button", name="Save").click()
    await expect(screen.posts.filter(has_text="(edited)")).to_have_count(1)
    await screen.say("last part")
    await expect(screen.answers.last).to_contain_text("you wrote: “last part")
    panel = await screen.tab("Request")
    await expect(panel.locator(".miss")).to_contain_text("The prefix changed at messages.4.content.0")
    await expect(panel.locator(".miss")).to_contain_text("a post was edited or deleted")


@pytest.mark.parametrize("side", SIDES)
async def test_the_request_that_was_chosen_stays(screen: Screen, side: str) -> None:
    """An earlier request is chosen while the newest is still being read: the chosen one stays."""
    await screen.open(side)
    await screen.ask("what a nice day")
    panel = await screen.tab("Request")
    options, box = panel.locator("option"), panel.get_by_role("combobox", name="Request")
    await expect(options).to_have_count(1)
    first = await box.input_value()
    held, read = asyncio.Event(), asyncio.Event()
    newer = re.compile(rf"/api/requests/(?!{first}$)\d+$")

    async def hold(route: Route) -> None:
        if newer.search(route.request.url):
            held.set()
            await read.wait()
        await route.continue_()

    await screen.page.route("**/api/requests/*", hold)
    await screen.say("and a second one")
    await held.wait()
    await box.select_option(first)
    await expect(screen.answers.last).to_contain_text("you wrote: “and a second one")
    await expect(options).to_have_count(2)
    await expect(panel.locator(".chip.good")).to_have_text("end_turn")
    async with screen.page.expect_response(newer):
        read.set()
    await screen.say("and a third one")
    await expect(options).to_have_count(3)
    await expect(box).to_have_value(first)


@pytest.mark.parametrize("side", SIDES)
async def test_a_request_can_be_copied(screen: Screen, side: str) -> None:
    """As JSON it is the request; as a curl command it has a variable where the key goes."""
    await screen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await screen.open(side)
    await screen.ask("what a nice day")
    panel = await screen.tab("Request")
    await panel.get_by_role("button", name="Copy as JSON").click()
    await expect(screen.page.get_by_text("is on the clipboard")).to_be_visible()
    body = json.loads(await screen.page.evaluate("navigator.clipboard.readText()"))
    assert body["messages"][0]["role"] == "user"
    assert "what a nice day" in json.dumps(body["messages"])
    await panel.get_by_role("button", name="Copy as curl").click()
    await expect(screen.page.get_by_text("without the key")).to_be_visible()
    command = await screen.page.evaluate("navigator.clipboard.readText()")
    assert command.startswith("curl https://api.anthropic.com/v1/messages")
    assert "authorization: Bearer $ANTHROPIC_API_KEY" in command


@pytest.mark.parametrize("side", SIDES)
async def test_money_memory_and_log(screen: Screen, side: str) -> None:
    """Money is what the bot's own `usage` says; recall finds words; the rows name each post's place."""
    await screen.open(side)
    await screen.ask("the zebra is at the gate")
    await screen.say("and the giraffe sleeps")
    await expect(screen.answers).to_have_count(2)
    panel = await screen.tab("Log")
    await expect(panel.get_by_role("cell", name="finished")).to_have_count(2)
    panel = await screen.tab("Money")
    await expect(panel).to_contain_text("for 2 requests")
    await expect(panel.locator(".costs li")).to_have_count(5)
    await expect(panel.locator(".costs .current")).to_contain_text("summarise (now)")
    await screen.say("/usage" if side == "discord" else "!usage")
    told = screen.posts.filter(has_text="only you see this")
    await expect(told).to_contain_text("2 requests")
    said = float((re.search(r"\$(\d+\.\d+)", await told.inner_text()) or [0, 0])[1])
    counted = float((re.search(r"\$(\d+\.\d+)", await panel.locator(".sum").inner_text()) or [0, 1])[1])
    assert counted == pytest.approx(said, abs=0.0001)
    panel = await screen.tab("Memory")
    await panel.get_by_role("searchbox").fill("zebras")
    await panel.get_by_role("button", name="Search").click()
    await expect(panel.locator(".hits")).to_contain_text("the zebra is at the gate")
    panel = await screen.tab("Log")
    await expect(panel).to_contain_text(f"Conversation {side}:")
    await expect(panel.get_by_role("region", name="Replies")).to_contain_text("finished")
    await expect(panel.get_by_role("region", name="Posts")).to_contain_text("and the giraffe sleeps")
    await expect(panel.get_by_label("Log lines of the bot")).to_contain_text("reply.ended")


@pytest.mark.parametrize("side", SIDES)
async def test_a_loaded_conversation_is_compacted_before_ones_eyes(screen: Screen, side: str) -> None:
    """What `export` writes is posted again by its people, until a summary stands for its older posts.

    What Claude then looks up among those is shown with its question, beside the answer and for all answers.
    """
    await screen.open(side)
    who = f"Enid {side}"
    # What is looked up stands past the words that answers quote: one post alone has it.
    seen = "The tide was high when the heron came."
    lines = [_line("user", who, f"part {at} of the report. {LONG * 3}") for at in range(9)]
    lines[2] = _line("user", who, f"part 2 of the report. {seen} {LONG * 3}")
    for at in (1, 3, 5, 7, 9):  # where an answer stood, the bot's own is waited for
        lines.insert(at, _line("assistant", "bot", "I see."))
    text = "\n".join(json.dumps(line | {"id": str(at)}) for at, line in enumerate(lines))
    await screen.page.get_by_role("button", name="Load a conversation").click()
    dialog = screen.page.get_by_role("dialog")
    await dialog.get_by_label(re.compile("A file that")).check()
    await dialog.get_by_label("Exported file").set_input_files(
        {"name": "conversation.jsonl", "mimeType": "application/jsonl", "buffer": text.encode()}
    )
    await dialog.get_by_label("Into").select_option(label="#random")
    await dialog.get_by_label("Speed").select_option(label="as fast as it goes")
    await dialog.get_by_role("button", name="Load it").click()
    status = screen.page.get_by_role("status").filter(has_text="posts")
    await expect(status).to_contain_text("9 of 9 posts, done")
    await status.get_by_role("button", name="Look").click()
    await expect(screen.answers.last).to_contain_text("part 8 of the report")
    panel = await screen.tab("Memory")
    await expect(panel.locator(".summary").first).to_contain_text("Stands for")
    await expect(screen.page.get_by_label("Budget")).to_contain_text("in the summary")
    await _agrees_with_the_bot(screen, side)
    panel = await screen.tab("Request")
    await expect(panel.get_by_role("combobox", name="Request")).to_contain_text("summary,")
    answers = panel.locator("option").filter(has_text="answer,")
    before = await answers.count()
    await screen.say("please recall the heron")
    await expect(screen.answers.last).to_contain_text("I looked up “the heron” and got")
    await expect(answers).to_have_count(before + 2)
    asked = answers.nth(before)  # the call that asked, not the one after it
    await panel.get_by_role("combobox", name="Request").select_option(await asked.get_attribute("value"))
    for tab in ("Request", "Memory"):
        found = (await screen.tab(tab)).get_by_role("region", name="Recall: the heron")
        await expect(found).to_contain_text("Claude asked: the heron")
        await expect(found.locator(".hits")).to_contain_text(f"part 2 of the report. {seen}")


@pytest.mark.parametrize("side", SIDES)
async def test_a_sample_is_loaded_and_stopped(screen: Screen, side: str) -> None:
    """The samples that come along can be replayed at a chosen speed, watched and ended."""
    await screen.open(side)
    await screen.page.get_by_role("button", name="Load a conversation").click()
    dialog = screen.page.get_by_role("dialog")
    await expect(dialog.get_by_role("radio")).to_have_count(3)
    await dialog.get_by_label(re.compile("A long support thread")).check()
    await dialog.get_by_label("Speed").select_option(label="1 post a second")
    await dialog.get_by_role("button", name="Load it").click()
    status = screen.page.get_by_role("status").filter(has_text=" posts")
    await status.get_by_role("button", name="Stop").click()
    await expect(status).to_contain_text("stopped")
    await status.get_by_role("button", name="Dismiss").click()
    await expect(status).to_have_count(0)


async def _agrees_with_the_bot(screen: Screen, side: str) -> None:
    """The gauge counts as `context` does: no post is both word for word and in the summary."""
    await screen.say("/context" if side == "discord" else "!context")
    told = await screen.posts.filter(has_text="Claude sees").last.inner_text()
    found = re.search(r"Claude sees (\d+) of (\d+) posts .*?about ([\d,]+) tokens", told)
    assert found is not None
    shown, every, tokens = found.groups()
    gauge = screen.page.get_by_label("Budget")
    await expect(gauge).to_contain_text(f"{tokens} of 6,000 tokens of history")
    covered = int(every) - int(shown)
    await expect(gauge).to_contain_text(f"{shown} posts word for word, {covered} in the summary")


def _line(role: str, who: str, text: str) -> dict[str, str]:
    """A line of an exported conversation, without its id."""
    sent = "2026-11-22T10:00:00Z"
    return {
        "conversation": "x", "role": role, "author": who, "author_name": who, "text": text, "sent_at": sent,
    }  # fmt: skip


async def _chosen(screen: Screen) -> str:
    return await screen.page.get_by_role("combobox", name="Request").input_value()
