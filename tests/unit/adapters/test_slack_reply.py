"""A reply on the emulated Slack: it stands once, whole, whatever goes wrong on the way."""

import asyncio

import pytest
import slack_helpers

from adapters.slack import forms
from bot import conversation, errors
from emulators import slack

LONG = "\n\n".join(f"Paragraph {number}: " + "some words of it. " * 20 for number in range(27))


def joined(parts: list[str]) -> str:
    """Text without its whitespace, to compare what was split."""
    return "".join("".join(parts).split())


async def test_a_reply_is_streamed_where_the_workspace_has_it() -> None:
    """Text is appended to one stream under the question, and the session ends active."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        assert len(ledger.ids) == 1
        assert scene.workspace.status(scene.channel, post.id) == "processing"
        await reply.show("The answer ")
        await reply.show("The answer is **forty")
        assert scene.answers(post) == ["The answer is "]
        await reply.finish("The answer is **forty-two**.")
        assert scene.answers(post) == ["The answer is **forty-two**."]
        assert scene.workspace.status(scene.channel, post.id) == "active"
        assert not scene.workspace.called("chat.update")
        assert not scene.workspace.called("chat.postMessage")


async def test_a_reply_is_posted_and_edited_where_streaming_is_refused() -> None:
    """A lasting refusal is learnt: the first reply turns to edits, the next does not try."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = False
        for name in ("r1", "r2"):
            post = await scene.asked()
            reply = await scene.open(post, scene.ledger(post), name=name)
            assert scene.answers(post) == [forms.THINKING]
            await reply.show("The answer is **forty")
            assert scene.answers(post) == ["The answer is **forty**"]
            await reply.finish("The answer is **forty-two**.")
            assert scene.answers(post) == ["The answer is **forty-two**."]
        assert len(scene.workspace.called("chat.startStream")) == 1
        assert len(scene.workspace.called("assistant.threads.setStatus")) == 1
        assert len(scene.workspace.called("agents.sessions.setStatus")) == 1


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_where_nothing_can_be_streamed_the_answer_is_posted_at_once(status: int) -> None:
    """A server that has no streams and says so by HTTP alone is asked once, and nothing is looked for."""
    async with slack_helpers.scene() as scene:
        scene.workspace.fail(slack.Fault(kind="http", method="chat.startStream", status=status, times=9))
        for name in ("r1", "r2"):
            post = await scene.asked()
            reply = await scene.open(post, scene.ledger(post), name=name)
            await reply.finish("Here.")
            assert scene.answers(post) == ["Here."]
        assert len(scene.workspace.called("chat.startStream")) == 1
        assert not scene.workspace.called("conversations.replies")


async def test_in_a_flat_dm_answers_stand_at_the_top_level() -> None:
    """Without a thread there is no stream: the answer is posted below the question and edited."""
    async with slack_helpers.scene(dm_mode="flat") as scene:
        post = await scene.asked(dm=True)
        reply = await scene.open(post, scene.ledger(post))
        await reply.finish("Here.")
        own = scene.workspace.messages(scene.dm)[-1]
        assert (slack.shown_text(own), own.get("thread_ts")) == ("Here.", None)
        assert not scene.workspace.called("chat.startStream")


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("dm", [True, False])
async def test_a_long_answer_arrives_whole_in_parts(streams: bool, dm: bool) -> None:
    """Parts follow each other, each whole in its blocks and in its text; one that was shown stays."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post = await scene.asked(dm=dm)
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        for end in range(0, len(LONG), 800):
            await reply.show(LONG[:end])
        await reply.finish(LONG)
        shown = scene.answers(post)
        assert len(shown) == len(ledger.ids) == 3
        assert joined([LONG]) == joined(shown)
        assert max(len(part) for part in shown) <= 4_000
        assert joined([LONG]) == joined([each["text"] for each in scene.own_posts(post)])
        assert all(old == ledger.ids[: len(old)] for old in ledger.states)


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("chat.postMessage", "lose_response"),  # it stands, the answer was lost
        ("chat.postMessage", "lose_request"),  # it does not stand
        ("chat.postMessage", "http"),
        ("chat.postMessage", "ratelimited"),
        ("chat.update", "lose_response"),
        ("chat.update", "http"),
        ("chat.update", "ratelimited"),
    ],
)
@pytest.mark.parametrize("flat", [True, False])
async def test_an_edited_answer_stands_once_whatever_call_fails(method: str, kind: str, flat: bool) -> None:
    """A post whose outcome is unknown is looked for before it is posted again."""
    async with slack_helpers.scene(dm_mode="flat" if flat else "threads") as scene:
        scene.workspace.streaming_allowed = False
        post = await scene.asked(dm=True)
        scene.workspace.fail(slack.Fault(method=method, kind=kind, times=1, retry_after=2))
        reply = await scene.open(post, scene.ledger(post))
        await reply.show("half of")
        await reply.show("half of it, and more")
        await reply.finish("half of it, and the rest")
        assert scene.answers(post) == ["half of it, and the rest"]


@pytest.mark.parametrize(
    ("method", "kind"),
    [
        ("chat.startStream", "lose_response"),
        ("chat.startStream", "lose_request"),
        ("chat.startStream", "http"),
        ("chat.startStream", "ratelimited"),
        ("chat.startStream", "error"),
        ("chat.appendStream", "lose_response"),
        ("chat.appendStream", "lose_request"),
        ("chat.appendStream", "http"),
        ("chat.appendStream", "ratelimited"),
        ("chat.stopStream", "lose_response"),
        ("chat.stopStream", "http"),
        ("chat.stopStream", "ratelimited"),
        ("assistant.threads.setStatus", "http"),
        ("agents.sessions.setStatus", "lose_response"),
        ("*", "ratelimited"),
        ("*", "lose_response"),
    ],
)
async def test_a_streamed_answer_stands_once_whatever_call_fails(method: str, kind: str) -> None:
    """A lost call neither doubles a word nor a post, and the session is left active."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        scene.workspace.fail(slack.Fault(method=method, kind=kind, times=1, retry_after=2, error="oops"))
        reply = await scene.open(post, scene.ledger(post))
        await reply.show("half of ")
        await reply.show("half of it, and more ")
        await reply.finish("half of it, and more than that")
        assert scene.answers(post) == ["half of it, and more than that"]
        assert scene.workspace.status(scene.channel, post.id) == "active"


async def test_a_long_stream_goes_on_by_edits_before_slack_ends_it() -> None:
    """After four minutes the same post is edited: no text is lost and no second post is made."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        text = ""
        for number in range(20):
            text += f"line {number}\n"
            scene.time.now += 30
            await reply.show(text)
        await reply.finish(text)
        assert [joined([text])] == [joined([part]) for part in scene.answers(post)]
        assert len(ledger.ids) == 1
        assert all(call.error is None for call in scene.workspace.called("chat.appendStream"))
        assert scene.workspace.status(scene.channel, post.id) == "active"


async def test_a_stream_that_slack_ended_is_completed_in_place() -> None:
    """Somebody pressed Stop: what the core makes of it still arrives in the same post."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        await reply.show("half of ")
        await scene.workspace.stop_session(channel=scene.channel, thread_ts=post.id, user=scene.ada)
        await scene.workspace.settled()
        assert scene.intake.stopped == [post.conversation]
        await reply.finish("half of it *(stopped)*")
        assert scene.answers(post) == ["half of it *(stopped)*"]
        assert scene.workspace.status(scene.channel, post.id) == "active"


async def test_what_was_shown_can_be_taken_back() -> None:
    """When the model is asked again the new text replaces the old in the same post."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        await reply.show("a first beginning ")
        await reply.show("")
        await reply.show("another ")
        await reply.finish("another beginning")
        assert scene.answers(post) == ["another beginning"]


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize("remembered", [True, False])
async def test_after_a_crash_the_answer_is_completed_in_place(streams: bool, remembered: bool) -> None:
    """A half shown answer is finished in its own post, whether or not its id was committed in time."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post = await scene.asked()
        ledger = scene.ledger(post)
        crashed = await scene.open(post, ledger)
        await crashed.show("half of ")
        if not remembered:
            ledger.states.clear()
            scene.intake.replies.clear()
        reply = await scene.open(post, ledger, resumed=True)
        await reply.finish("half of it, and the rest")
        assert scene.answers(post) == ["half of it, and the rest"]
        await reply.finish("half of it, and the rest")
        assert scene.answers(post) == ["half of it, and the rest"]
        if streams:
            assert scene.workspace.status(scene.channel, post.id) == "active"


async def crashed_in_the_second_part(
    scene: slack_helpers.Scene,
) -> tuple[conversation.Post, slack_helpers.Ledger]:
    """A question whose answer has two posts, of which the log knows the first alone."""
    post = await scene.asked()
    ledger = scene.ledger(post)
    crashed = await scene.open(post, ledger)
    await crashed.show(LONG[:5_000])
    assert len(ledger.ids) == 2
    scene.intake.replies.discard((post.conversation, ledger.ids[1]))
    ledger.states[:] = [ledger.ids[:1]]
    return post, ledger


@pytest.mark.parametrize("streams", [True, False])
async def test_a_second_part_posted_before_a_crash_is_found(streams: bool) -> None:
    """A later part whose id was not committed is found too, not posted again."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post, ledger = await crashed_in_the_second_part(scene)
        reply = await scene.open(post, ledger, resumed=True)
        await reply.finish(LONG)
        assert joined([LONG]) == joined(scene.answers(post))


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(
    ("end", "left"),
    [("finish", ["A short answer."]), ("fail", ["Claude is overloaded."]), ("withdraw", [])],
)
async def test_a_part_that_no_log_knows_does_not_stay(streams: bool, end: str, left: list[str]) -> None:
    """Where the answer is shorter after a crash, a later part whose id was not committed is taken away."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post, ledger = await crashed_in_the_second_part(scene)
        reply = await scene.open(post, ledger, resumed=True)
        await getattr(reply, end)(*left)
        assert scene.answers(post) == left


@pytest.mark.parametrize("method", ["chat.startStream", "chat.postMessage"])
async def test_a_cancelled_answer_leaves_no_second_post(method: str) -> None:
    """An answer that is cut off while its post is on the way, and begun anew, stands once."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = method == "chat.startStream"
        post = await scene.asked()
        ledger = scene.ledger(post)
        held = scene.workspace.fail(slack.Fault(kind="hold", method=method))
        opening = asyncio.create_task(scene.open(post, ledger))
        await held.reached()
        opening.cancel()
        held.release()
        await asyncio.gather(opening, return_exceptions=True)
        reply = await scene.open(post, ledger, resumed=True)
        await reply.finish("New text")
        assert scene.answers(post) == ["New text"]


async def test_an_id_is_kept_though_the_log_was_away() -> None:
    """Where the log could not keep a post's id while the text grew, it has all of them at the end."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        ledger.locked = True
        with pytest.raises(errors.LogUnusable):
            await reply.show(LONG[:5_000])
        ledger.locked = False
        await reply.finish(LONG[:5_000])
        assert len(ledger.ids) == len(scene.own_posts(post)) == 2


async def test_an_earlier_answer_is_not_mistaken_for_this_one() -> None:
    """Looking for a lost post passes over posts of other replies, the bot's files and its notices."""
    async with slack_helpers.scene() as scene:
        first = await scene.asked()
        done = await scene.open(first, scene.ledger(first))
        await done.finish("the first answer")
        second = await scene.asked("and now?", thread=first.id)
        ledger = scene.ledger(second)
        reply = await scene.open(second, ledger, resumed=True, name="r2")
        await reply.finish("the second answer")
        assert scene.answers(second) == ["the first answer", "the second answer"]


async def test_a_stream_that_another_reply_gave_up_is_not_taken_over() -> None:
    """What the ledger knows belongs to its own reply, though it stands after the question and is unmarked."""
    async with slack_helpers.scene() as scene:
        first = await scene.asked()
        second = await scene.asked("and now?", thread=first.id)
        given_up = await scene.open(first, scene.ledger(first))
        await given_up.show("half of ")
        reply = await scene.open(second, scene.ledger(second), resumed=True, name="r2")
        await reply.finish("the second answer")
        assert scene.answers(second) == ["half ", "the second answer"]


async def test_the_last_words_are_not_doubled_when_their_call_is_lost() -> None:
    """Adding to a stream is not repeated, not even by `finish`, which is patient with everything else."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        await reply.show("half of ")
        scene.workspace.fail(slack.Fault(method="chat.appendStream", kind="lose_response"))
        await reply.finish("half of it, and the rest")
        assert scene.answers(post) == ["half of it, and the rest"]


async def test_a_session_is_ended_though_its_stream_died_long_ago() -> None:
    """After a crash of ten minutes the stop button goes away with the completed answer."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        crashed = await scene.open(post, ledger)
        await crashed.show("half of ")
        scene.time.now += 600
        assert scene.workspace.status(scene.channel, post.id) == "processing"
        reply = await scene.open(post, ledger, resumed=True)
        await reply.finish("half of it, and the rest")
        assert scene.answers(post) == ["half of it, and the rest"]
        assert scene.workspace.status(scene.channel, post.id) == "active"


@pytest.mark.parametrize("method", ["chat.update", "chat.*"])
async def test_blocks_that_slack_refuses_give_way_to_plain_text(method: str) -> None:
    """The answer lands in mrkdwn, in as many shorter parts as it takes; the first sign, too."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = False
        post = await scene.asked()
        scene.workspace.fail(
            slack.Fault(
                method=method,
                kind="error",
                error="invalid_blocks",
                times=100,
                match=lambda arguments: bool(arguments.get("blocks")),
            )
        )
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        await reply.finish(LONG[:9_000])
        shown = scene.answers(post)
        assert joined([LONG[:9_000]]) == joined(shown)
        assert len(shown) == len(ledger.ids) == 3


async def test_an_error_takes_the_place_of_the_answer() -> None:
    """One sentence stands where the answer was begun; further parts of it are gone."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        await reply.show(LONG[:5_000])
        await reply.fail("Claude is overloaded.")
        assert scene.answers(post) == ["Claude is overloaded."]
        assert len(ledger.ids) == 1


@pytest.mark.parametrize("streams", [True, False])
async def test_a_withdrawn_answer_leaves_nothing(streams: bool) -> None:
    """The posts are taken away, also one still streaming, and withdrawing again does no harm."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        await reply.show("half of ")
        await reply.withdraw()
        assert scene.answers(post) == []
        again = await scene.open(post, ledger, resumed=True)
        await again.withdraw()
        assert scene.answers(post) == []


@pytest.mark.parametrize("streams", [True, False])
async def test_an_answer_alerts_nobody(streams: bool) -> None:
    """Whatever the model writes, no channel, group or person is notified and no link fetched."""
    text = (
        "<!channel> <!here|here> <!subteam^S1|@ops> <@{ada}> @here @channel @everyone "
        "https://example.com\n\n```\n<!channel> <@{ada}>\n```\n`<!everyone>` &lt;!here> <!channel"
    )
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        whole = text.replace("{ada}", scene.ada)
        for end in range(0, len(whole), 7):
            await reply.show(whole[:end])
        await reply.finish(whole)
        assert scene.workspace.pings == []
        assert scene.workspace.unfurls == []
        assert "@Ada" in scene.answers(post)[0]
        raw = slack.shown_text(scene.workspace.messages(scene.channel, post.id)[-1])
        assert "&lt;\u2060!here>" in raw  # spelt as an entity it is defused too


async def test_a_rate_limited_step_is_left_out_and_the_end_is_not() -> None:
    """`show` gives way to a rate limit at once; `finish` waits it out."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        scene.workspace.fail(
            slack.Fault(method="chat.appendStream", kind="ratelimited", times=3, retry_after=30)
        )
        before = scene.time.now
        await reply.show("half of ")
        assert before == scene.time.now
        assert reply.pacer.wait(scene.time.now, 1, 9) >= 30
        await reply.finish("half of it")
        assert scene.answers(post) == ["half of it"]
        assert scene.time.now >= before + 60


async def test_a_thread_that_is_gone_says_so() -> None:
    """Where nothing can be posted any more the core is told that it is pointless to try again."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        reply = await scene.open(post, scene.ledger(post))
        scene.workspace.channels[scene.channel].archived = True
        with pytest.raises(errors.PostGone):
            await reply.finish("too late")


async def test_slack_being_down_is_a_passing_error() -> None:
    """After the bounded time `finish` raises what the core tries again later, and then it lands."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        outage = scene.workspace.fail(slack.Fault(method="*", kind="http", times=10_000))
        with pytest.raises(errors.PlatformUnavailable):
            await reply.finish("at last")
        outage.left = 1
        again = await scene.open(post, ledger, resumed=True)
        await again.finish("at last")
        assert scene.answers(post) == ["at last"]


@pytest.mark.parametrize("streams", [True, False])
async def test_where_nothing_may_be_edited_the_answer_is_posted_whole(streams: bool) -> None:
    """In a workspace that lets no post be edited the placeholder goes, and the whole answer stands."""
    async with slack_helpers.scene() as scene:
        scene.workspace.streaming_allowed = streams
        scene.workspace.fail(
            slack.Fault(kind="error", method="chat.update", error="edit_window_closed", times=1_000)
        )
        post = await scene.asked()
        ledger = scene.ledger(post)
        reply = await scene.open(post, ledger)
        await reply.show("The beginning")
        await reply.finish(f"Another beginning.\n\n{LONG}")
        assert joined([f"Another beginning.\n\n{LONG}"]) == joined(scene.answers(post))
