"""A person talks to the bot in the browser, on both sides: through the emulators and the real adapters."""

import re

import pytest
from browsing import Screen, Served, looking
from playwright.async_api import Browser, FilePayload, Locator, expect

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(400)]

SIDES = ["slack", "discord"]
PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)


@pytest.mark.parametrize("side", SIDES)
async def test_a_thread_is_followed(screen: Screen, side: str) -> None:
    """The page says that no model answers; the answer in the thread names the earlier posts it was sent."""
    await screen.open(side)
    await expect(screen.page.get_by_text("Offline stand-in, not Claude").first).to_be_visible()
    await screen.ask("our launch is on Thursday")
    await screen.say("and the venue is the old mill")
    await expect(screen.answers.nth(1)).to_contain_text("our launch is on Thursday")
    await expect(screen.answers.nth(1)).to_contain_text("the venue is the old mill")


@pytest.mark.parametrize("side", SIDES)
async def test_a_mention_is_completed(screen: Screen, side: str) -> None:
    """`@thr` and Tab make a mention; what is sent reaches the bot as one and is shown as a name."""
    await screen.open(side)
    await screen.box.press_sequentially("hello @thr")
    await expect(screen.page.get_by_role("option", name="@Threadmate")).to_have_attribute(
        "aria-selected", "true"
    )
    await screen.box.press("Tab")
    await screen.box.press_sequentially("there")
    await screen.box.press("Enter")
    await expect(screen.posts.last.locator(".mention")).to_have_text("@Threadmate")
    await expect(screen.posts.last.get_by_role("button", name=re.compile("1 reply"))).to_be_visible()


@pytest.mark.parametrize("side", SIDES)
async def test_what_was_begun_waits_where_it_was_begun(screen: Screen, side: str) -> None:
    """Words not sent yet stand in their place's box when one comes back, and nowhere else."""
    await screen.open(side)
    await screen.box.press_sequentially("half a thought")
    places = screen.page.get_by_role("navigation", name="Channels and messages")
    await places.get_by_role("button", name="random").click()
    await expect(screen.box).to_have_value("")
    await places.get_by_role("button", name="general").click()
    await expect(screen.box).to_have_value("half a thought")
    await screen.box.press("Enter")
    await expect(screen.posts.last).to_contain_text("half a thought")
    await expect(screen.box).to_have_value("")


@pytest.mark.parametrize("side", SIDES)
async def test_an_answer_is_seen_while_it_is_written(screen: Screen, side: str) -> None:
    """The bot shows that it is at work, its post grows, and `stop` ends it."""
    await screen.open(side)
    await screen.ask("hi")
    await screen.say("please give me a long answer")
    await expect(screen.posts.last).to_contain_text("Line 2 of a long answer")
    if side == "slack":
        await expect(screen.page.locator(".writing")).to_contain_text("Threadmate")
        await screen.page.locator(".writing").get_by_role("button", name="Stop").click()
    else:
        await screen.say("/stop")
    await expect(screen.answers.nth(1)).to_contain_text("(Stopped.)")
    await expect(screen.answers.nth(1)).not_to_contain_text("Line 60 of a long answer")


@pytest.mark.parametrize("side", SIDES)
async def test_a_reaction_is_put_under_a_post_and_a_stop_sign_stops(screen: Screen, side: str) -> None:
    """Who presses an emoji sees it under the post, named in words; 🛑 under a running answer ends it."""
    await screen.open(side)
    await screen.ask("hi")
    await _react(screen.answers.first, "thumbs up")
    under = screen.answers.first.locator(".reactions")
    await expect(under).to_contain_text("👍 1")
    await expect(under.locator(".sr")).to_have_text("thumbs up, 1 person")
    await _react(screen.answers.first, "thumbs up")
    await screen.say("please give me a long answer")
    await expect(screen.posts.last).to_contain_text("Line 2 of a long answer")
    await _react(screen.posts.last, "stop sign")
    await expect(screen.answers.nth(1)).to_contain_text("(Stopped.)")
    await expect(screen.answers.nth(1)).not_to_contain_text("Line 60 of a long answer")
    await expect(screen.answers.nth(1).locator(".reactions")).to_contain_text("🛑 1")
    await expect(under).to_contain_text("👍 1")  # once is enough


@pytest.mark.parametrize("side", SIDES)
async def test_an_edit_and_a_deletion_reach_the_next_request(screen: Screen, side: str) -> None:
    """What a person edits or deletes on the page is edited or gone in what Claude is sent next."""
    await screen.open(side)
    await screen.ask("the code word is heron")
    await screen.say("and the number is seventeen")
    await expect(screen.answers).to_have_count(2)
    await screen.box.press("ArrowUp")
    field = screen.page.get_by_role("textbox", name="Edit this post")
    await field.fill("and the number is eighteen")
    await field.press("Enter")
    await expect(screen.page.get_by_text("(edited)").first).to_be_visible()
    first = screen.posts.first
    await first.hover()
    if side == "slack":  # in Discord the thread's first post stands in the channel above
        await first.get_by_role("button", name="Delete this post").click()
        await expect(first).to_contain_text("This message was deleted.")
    await screen.say("what do you know")
    await expect(screen.answers.last).to_contain_text("what do you know")
    sent = await _sent(screen, "what do you know")
    assert "eighteen" in sent
    assert "seventeen</post>" not in sent
    assert ("heron" in sent) == (side == "discord")


@pytest.mark.parametrize("side", SIDES)
async def test_people_channels_and_direct_messages(screen: Screen, side: str) -> None:
    """One can add a person and a channel, be that person, and talk to the bot alone."""
    await screen.open(side)
    answers = iter(["Dora", "Project X"])
    screen.page.on("dialog", lambda dialog: dialog.accept(next(answers)))
    await screen.page.get_by_role("button", name="Add a person").click()
    await screen.page.get_by_label("You are").select_option(label="Dora")
    await screen.page.get_by_role("button", name="Add a channel").click()
    await screen.page.get_by_role("button", name="project-x").click()
    await screen.ask("I am new here")
    await expect(screen.answers.first).to_contain_text("Dora, you wrote")
    await screen.page.get_by_role("button", name="Threadmate", exact=True).click()
    await expect(screen.page.get_by_text("Write to the bot; it answers every post here.")).to_be_visible()
    await screen.say("just between us")
    if side == "slack":
        await screen.page.get_by_role("button", name=re.compile("1 reply")).click()
    await expect(screen.answers.first).to_contain_text("just between us")


@pytest.mark.parametrize("side", SIDES)
async def test_commands(screen: Screen, side: str) -> None:
    """Commands are completed and answered for the person alone, under what was asked; a file can be had."""
    await screen.open(side)
    await screen.ask("count this")
    sign = "/" if side == "discord" else "!"
    await screen.box.press_sequentially(f"{sign}usa")
    await expect(screen.page.get_by_role("option", name=f"{sign}usage")).to_be_visible()
    await screen.box.press("Tab")
    await screen.box.press("Enter")
    private = screen.page.locator("article:has-text('only you see this')")
    await expect(private.last).to_contain_text("1 request")
    if side == "discord":  # on Slack the command is a post of its own
        await screen.say("/usage channel")
        await expect(private.first).to_contain_text("Ada used /usage")
        await expect(private.last).to_contain_text("Ada used /usage channel")
        await expect(private.last.get_by_text("only you see this")).to_be_visible()
    await screen.page.get_by_label("You are").select_option(label="Ben")
    await expect(private).to_have_count(0)
    if side == "discord":
        await screen.say("/export")
        async with screen.page.expect_download() as download:
            await screen.page.get_by_role("link", name=re.compile("conversation.jsonl")).click()
        assert "count this" in (await (await download.value).path()).read_text("utf-8")


@pytest.mark.parametrize("side", SIDES)
async def test_a_button_erases_and_the_inspector_has_nothing_left(screen: Screen, side: str) -> None:
    """`forget` asks with a button; once it is pressed no request and no row of the conversation is shown."""
    await screen.open(side)
    await screen.ask("the code word is heron")
    panel = await screen.tab("Request")
    await expect(panel.locator(".turns")).to_contain_text("heron")
    await screen.say("/forget" if side == "discord" else "!forget")
    await screen.page.get_by_role("button", name="Erase it").click()
    await expect(screen.posts.last).to_contain_text("Erased 2 posts")
    await expect(panel).to_contain_text("As soon as the bot takes part in this conversation")
    panel = await screen.tab("Log")
    await expect(panel).to_contain_text("The log holds nothing of")


@pytest.mark.parametrize("side", SIDES)
async def test_files(screen: Screen, side: str) -> None:
    """A text file and a picture go along, are shown, and the request names them."""
    await screen.open(side)
    await screen.ask("hello")
    await screen.page.locator("input[type=file]").first.set_input_files(
        [
            FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"remember the milk"),
            FilePayload(name="dot.png", mimeType="image/png", buffer=PICTURE),
        ]
    )
    await screen.say("two files for you")
    await expect(screen.page.get_by_role("link", name=re.compile("notes.txt"))).to_be_visible()
    await expect(screen.page.get_by_role("img", name="dot.png")).to_be_visible()
    await expect(screen.answers.nth(1)).to_contain_text("two files for you")
    sent = await _sent(screen, "two files for you")
    assert "notes.txt" in sent
    assert "dot.png" in sent


@pytest.mark.parametrize(("side", "most"), [("slack", "12,000"), ("discord", "2,000")])
async def test_what_is_refused_is_not_lost(browser: Browser, served: Served, side: str, most: str) -> None:
    """A post that is too long is refused with the reason; words and files stand in the box again."""
    async with looking(browser, served.url, forgive=["400"]) as screen:
        await screen.open(side)
        await screen.ask("hello")
        await screen.page.locator("input[type=file]").first.set_input_files(
            [FilePayload(name="notes.txt", mimeType="text/plain", buffer=b"remember the milk")]
        )
        text = "far too long " * 1_000
        await screen.say(text)
        await expect(screen.page.get_by_role("status").filter(has_text=f"{most} characters")).to_be_visible()
        await expect(screen.box).to_have_value(text.strip())
        await expect(screen.page.get_by_role("button", name="Leave out notes.txt")).to_be_visible()
        await screen.say("short enough")
        await expect(screen.answers.nth(1)).to_contain_text("short enough")
        await expect(screen.page.get_by_role("link", name=re.compile("notes.txt"))).to_be_visible()


@pytest.mark.parametrize("side", SIDES)
async def test_text_is_shown_as_the_platform_shows_it_and_never_as_markup(screen: Screen, side: str) -> None:
    """Each platform's own notation is rendered; HTML in a post stays text."""
    await screen.open(side)
    bold = "*strong*" if side == "slack" else "**strong**"
    await screen.say(
        f"{bold} `a<b` <img src=x onerror=alert(1)> https://example.com/?q=1\n```\nif a < b: pass\n```"
    )
    post = screen.posts.last
    await expect(post.locator("strong").last).to_have_text("strong")
    await expect(post.locator("code").first).to_have_text("a<b")
    await expect(post.locator("pre code")).to_contain_text("if a < b: pass")
    await expect(post).to_contain_text("<img src=x onerror=alert(1)>")
    await expect(post.locator("img")).to_have_count(0)
    await expect(post.get_by_role("link")).to_have_attribute("rel", "noopener noreferrer")


@pytest.mark.parametrize("side", SIDES)
async def test_a_thumb_under_an_answer_counts(screen: Screen, side: str) -> None:
    """A thumb pressed under an answer is told by `usage`."""
    await screen.open(side)
    await screen.ask("hi")
    name = "Good answer" if side == "slack" else "thumbs up"
    await screen.answers.first.get_by_role("button", name=name, exact=True).click()
    told = screen.posts.filter(has_text="only you see this").filter(has_text="Feedback: 1 👍")
    for _ in range(5):  # the press is on its way while one asks
        if await told.count():
            break
        await screen.say("/usage" if side == "discord" else "!usage")
        await expect(screen.posts.filter(has_text="request").last).to_be_visible()
    await expect(told.first).to_be_visible()


async def _react(post: Locator, words: str) -> None:
    """Put an emoji under a post, as a person does."""
    await post.get_by_role("button", name="Add a reaction").click()
    await post.get_by_role("button", name=f"React with {words}").click()


async def _sent(screen: Screen, words: str) -> str:
    """The body of the request whose question has these words, once the inspector shows it."""
    await expect(screen.page.locator(".turns")).to_contain_text(words)
    number = await screen.page.get_by_role("combobox", name="Request").input_value()
    return str((await screen.read(f"api/requests/{number}"))["json"])
