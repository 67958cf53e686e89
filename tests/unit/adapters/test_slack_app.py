"""The adapter on the emulated Slack: events in, connections, commands, reading late."""

import asyncio
import dataclasses
import datetime as dt

import pytest
import slack_helpers

from bot import conversation, errors, ports
from bot.desk import commands
from emulators import slack


async def test_a_mention_is_recorded_once_and_acknowledged() -> None:
    """The two events of a mention, each delivered three times, make one post."""
    async with slack_helpers.scene() as scene:
        scene.workspace.faults.duplicate = 3
        post = await scene.asked(f"hello <@{scene.ada}>")
        assert [post] == scene.intake.told
        assert (post.addressed, post.author_name, post.text) == (True, "Ada", "hello @Ada")
        assert {"acknowledged"} == {delivery.status for delivery in scene.workspace.events}


async def test_what_cannot_be_recorded_is_not_acknowledged() -> None:
    """While the log is broken Slack is told nothing, delivers again, and the post is recorded then."""
    async with slack_helpers.scene() as scene:
        scene.intake.broken = True
        scene.workspace.faults.hold()
        ts = await scene.workspace.post(channel=scene.dm, user=scene.ada, text="hello", subtype=None)
        attempts = scene.workspace.events[-1]
        scene.workspace.deliveries.retry_delays = (0.0,) * 200
        scene.workspace.faults.release()
        await scene.workspace.until(lambda _: attempts.attempts >= 2, timeout_seconds=15)
        assert attempts.acked_at is None
        scene.intake.broken = False
        await scene.workspace.settled(timeout_seconds=15)
        assert [ts] == [post.id for post in scene.intake.told]


async def test_edits_deletions_and_previews() -> None:
    """An edit and a deletion reach the core; a link preview and the bot's own posts do not."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked("see https://example.com", dm=True)
        await scene.workspace.unfurl(channel=scene.dm, ts=post.id)
        await scene.workspace.settled()
        assert scene.intake.edits == []
        await scene.workspace.edit(channel=scene.dm, ts=post.id, text="never mind")
        await scene.workspace.settled()
        assert [(post.conversation, post.id, "never mind")] == scene.intake.edits
        await scene.workspace.delete(channel=scene.dm, ts=post.id)
        await scene.workspace.settled()
        assert {(post.conversation, post.id)} == scene.intake.erased
        assert scene.intake.told == []


async def test_a_root_with_answers_is_erased_when_it_is_deleted() -> None:
    """Slack keeps a tombstone for a root with replies: the post is erased all the same."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        await scene.workspace.post(channel=scene.channel, user=scene.ada, text="more", thread_ts=post.id)
        await scene.workspace.delete(channel=scene.channel, ts=post.id)
        await scene.workspace.settled()
        assert (post.conversation, post.id) in scene.intake.erased


async def test_a_name_that_slack_does_not_give_is_no_obstacle() -> None:
    """The id stands in for the name, and the event is recorded."""
    async with slack_helpers.scene() as scene:
        scene.workspace.fail(slack.Fault(method="users.info", kind="http", times=100))
        post = await scene.asked()
        assert post.author_name == scene.ada


async def test_a_name_is_asked_for_once() -> None:
    """Ten posts of one person cost one users.info."""
    async with slack_helpers.scene() as scene:
        for _ in range(10):
            await scene.workspace.post(channel=scene.dm, user=scene.ada, text="hello")
        await scene.workspace.settled()
        assert len(scene.intake.told) == 10
        assert len(scene.workspace.called("users.info")) == 1


async def test_a_wrong_bot_token_is_told_at_start() -> None:
    """A refused bot token names its variable and no value."""
    async with slack_helpers.scene() as scene:
        scene.workspace.bot_token = "xoxb-other"
        wrong = slack_helpers.adapter(scene.workspace, intake=slack_helpers.Intake(), time=scene.time)
        scene.workspace.bot_token = "xoxb-right"
        with pytest.raises(errors.CredentialError, match=r"^SLACK_BOT_TOKEN") as raised:
            async with wrong:
                pass
        assert "xoxb-" not in str(raised.value)


async def test_a_wrong_app_token_is_told_at_start() -> None:
    """A refused app token names its variable, instead of being tried for ever."""
    async with slack_helpers.scene() as scene:
        scene.workspace.app_token = "xapp-other"
        wrong = slack_helpers.adapter(scene.workspace, intake=slack_helpers.Intake(), time=scene.time)
        scene.workspace.app_token = "xapp-right"
        with pytest.raises(errors.CredentialError, match=r"^SLACK_APP_TOKEN"):
            async with wrong:
                pass


async def test_missing_scopes_are_named() -> None:
    """What the manifest asks for and the token lacks can be told to the operator."""
    async with slack_helpers.scene() as scene:
        assert frozenset() == scene.adapter.missing_scopes
        scene.workspace.scopes = scene.workspace.scopes - {"files:write"}
        poorer = slack_helpers.adapter(scene.workspace, intake=slack_helpers.Intake(), time=scene.time)
        async with poorer:
            assert frozenset({"files:write"}) == poorer.missing_scopes


@pytest.mark.parametrize("kind", ["refresh", "warning", "abort", "link_disabled"])
async def test_no_event_is_lost_when_sockets_are_replaced(kind: str) -> None:
    """Both sockets end at once while people post: every post is recorded once, and two sockets are back."""
    async with slack_helpers.scene(ping=0.2) as scene:
        scene.workspace.deliveries.retry_delays = (0.05,) * 100
        expected = []
        for number in range(20):
            if number == 10:
                await scene.workspace.disconnect_sockets(kind)
            expected.append(
                await scene.workspace.post(channel=scene.dm, user=scene.ada, text=f"post {number}")
            )
        await scene.workspace.settled(timeout_seconds=20)
        await scene.workspace.connected(2)
        assert expected == [post.id for post in scene.intake.told]


async def test_a_silent_socket_is_replaced() -> None:
    """Sockets that neither close nor answer pings are found by that and replaced, and events flow again."""
    async with slack_helpers.scene(ping=0.2) as scene:
        opened = len(scene.workspace.called("apps.connections.open"))
        await scene.workspace.disconnect_sockets("silent")
        await scene.workspace.until(
            lambda workspace: len(workspace.called("apps.connections.open")) >= opened + 2,
            timeout_seconds=20,
        )
        scene.workspace.deliveries.retry_delays = (0.05,) * 100
        post = await scene.asked(dm=True)
        assert [post] == scene.intake.told
        assert scene.adapter.healthy() is None


async def test_a_command_in_a_channel_is_answered_to_one_person() -> None:
    """The outcome is an ephemeral post in the thread, once for both events of the mention."""
    async with slack_helpers.scene() as scene:
        scene.intake.outcome = commands.Outcome(text="You used **3** tokens.")
        ts = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text=f"<@{scene.workspace.bot_user_id}> !usage"
        )
        await scene.workspace.until(lambda workspace: len(workspace.ephemerals) > 0)
        await scene.workspace.settled()
        shown = scene.workspace.ephemerals
        assert [(scene.ada, ts, "You used **3** tokens.")] == [
            (each["user"], each["thread_ts"], each["blocks"][0]["text"]) for each in shown
        ]
        assert [command.word for command in scene.intake.ordered] == ["usage"]
        assert scene.intake.told == []


@pytest.mark.parametrize(
    "fault", [slack.Fault(kind="error", error="user_not_in_channel"), slack.Fault(kind="http", status=404)]
)
async def test_what_cannot_be_whispered_is_said_by_dm(fault: slack.Fault) -> None:
    """Where Slack has no post for one person in a channel, a command's outcome comes to their DM."""
    async with slack_helpers.scene() as scene:
        scene.intake.outcome = commands.Outcome(text="Three tokens.")
        scene.workspace.fail(dataclasses.replace(fault, method="chat.postEphemeral"))
        mention = f"<@{scene.workspace.bot_user_id}>"
        await scene.workspace.post(channel=scene.channel, user=scene.ada, text=f"{mention} !usage")
        await scene.workspace.until(lambda workspace: len(workspace.messages(scene.dm)) > 0)
        assert [slack.shown_text(each) for each in scene.workspace.messages(scene.dm)] == ["Three tokens."]
        assert scene.workspace.ephemerals == []


async def test_what_is_refused_as_blocks_is_said_in_plain_text() -> None:
    """A server that takes no blocks takes a command's outcome as text."""
    async with slack_helpers.scene() as scene:
        scene.intake.outcome = commands.Outcome(text="You used **3** tokens.")
        scene.workspace.fail(
            slack.Fault(kind="error", error="invalid_blocks", match=lambda args: bool(args.get("blocks")))
        )
        await scene.workspace.post(channel=scene.dm, user=scene.ada, text="!usage")
        await scene.workspace.until(lambda workspace: len(workspace.messages(scene.dm)) == 2)
        said = scene.workspace.messages(scene.dm)[-1]
        assert (said["text"], said["blocks"]) == ("You used *3* tokens.", [])


async def test_a_command_in_a_dm_is_answered_there() -> None:
    """In a DM nobody else is there: the outcome is a plain post, which no answer mistakes for its own."""
    async with slack_helpers.scene(dm_mode="flat") as scene:
        scene.intake.outcome = commands.Outcome(text="Three tokens.")
        await scene.workspace.post(channel=scene.dm, user=scene.ada, text="!usage")
        await scene.workspace.until(lambda workspace: len(workspace.messages(scene.dm)) == 2)
        post = await scene.asked("a question", dm=True)
        await scene.workspace.post(channel=scene.dm, user=scene.ada, text="!usage again")
        await scene.workspace.until(lambda workspace: len(workspace.messages(scene.dm)) == 5)
        reply = await scene.open(post, scene.ledger(post), resumed=True)
        await reply.finish("the answer")
        shown = [slack.shown_text(message) for message in scene.workspace.messages(scene.dm)]
        assert [text for text in shown if text == "Three tokens."] == ["Three tokens."] * 2
        assert shown[-1] == "the answer"


@pytest.mark.parametrize("dm", [True, False])
async def test_a_file_is_sent_where_only_the_asker_sees_it(dm: bool) -> None:
    """An export goes to the DM of the person who asked for it, also when they asked in a channel."""
    async with slack_helpers.scene() as scene:
        scene.intake.outcome = commands.Outcome(text="Here.", file_name="export.jsonl", file=b'{"a": 1}\n')
        place = scene.dm if dm else scene.channel
        text = "!export" if dm else f"<@{scene.workspace.bot_user_id}> !export"
        await scene.workspace.post(channel=place, user=scene.ada, text=text)

        def files(channel: str) -> list[str]:
            shown = scene.workspace.messages(channel)
            return [file["name"] for message in shown for file in message.get("files") or []]

        await scene.workspace.until(lambda _: len(files(scene.dm)) == 1)
        assert files(scene.channel) == []
        assert b'{"a": 1}\n' in scene.workspace.file_data.values()


@pytest.mark.parametrize("dm", [True, False])
async def test_a_file_that_slack_refuses_is_said_to_be_missing(dm: bool) -> None:
    """Who asked for a file that may not be sent hears so, and what to do."""
    async with slack_helpers.scene() as scene:
        scene.workspace.scopes.discard("files:write")
        scene.intake.outcome = commands.Outcome(text="Here.", file_name="export.jsonl", file=b'{"a": 1}\n')
        place = scene.dm if dm else scene.channel
        text = "!export" if dm else f"<@{scene.workspace.bot_user_id}> !export"
        await scene.workspace.post(channel=place, user=scene.ada, text=text)

        def told() -> str:
            posts = scene.workspace.messages(scene.dm) + list(scene.workspace.ephemerals)
            return "\n".join(str(post.get("text")) for post in posts)

        await scene.workspace.until(lambda _: "files:write" in told())
        assert "I sent you the file" not in told()


async def test_opening_the_app() -> None:
    """The Messages tab gets prompts, the Home tab says what the bot can do."""
    async with slack_helpers.scene() as scene:
        await scene.workspace.open_home(scene.ada, tab="messages")
        await scene.workspace.open_home(scene.ada, tab="home")
        await scene.workspace.until(
            lambda workspace: (scene.dm, None) in workspace.prompts and scene.ada in workspace.homes
        )
        assert "!usage" in str(scene.workspace.homes[scene.ada])


async def test_a_thread_entered_late_is_read() -> None:
    """The posts before the mention come oldest first with their authors, the bot's own as the assistant's."""
    async with slack_helpers.scene() as scene:
        grace = scene.workspace.add_user("Grace")
        first = await scene.asked("the first question")
        done = await scene.open(first, scene.ledger(first))
        await done.finish("the **first** answer")
        for number in range(250):
            await scene.workspace.post(
                channel=scene.channel, user=grace, text=f"post {number}", thread_ts=first.id, deliver=False
            )
        asked = await scene.asked("what do you think?", thread=first.id)
        await scene.workspace.post(channel=scene.channel, user=grace, text="later", thread_ts=first.id)
        home = scene.intake.homes_of[asked.conversation]
        read = await scene.adapter.history(home, slack_helpers.reply_to(asked, home))
        texts = [(post.role, post.author_name, post.text) for post in read]
        expected = [
            ("user", "Ada", "the first question"),
            ("assistant", "threadmate", "the **first** answer"),
            *(("user", "Grace", f"post {number}") for number in range(250)),
        ]
        assert expected == texts
        assert not any(post.addressed for post in read)


async def test_a_question_that_opens_a_thread_has_no_history() -> None:
    """Nothing is asked of Slack where nothing can be before the question."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        home = scene.intake.homes_of[post.conversation]
        assert await scene.adapter.history(home, slack_helpers.reply_to(post, home)) == []
        assert not scene.workspace.called("conversations.replies")


async def test_history_of_an_app_held_to_one_request_a_minute() -> None:
    """What comes in about two minutes is taken, the rest left out: an answer is held up no longer."""
    async with slack_helpers.scene() as scene:
        scene.workspace.history_limit = "commercial"
        root = await scene.workspace.post(channel=scene.channel, user=scene.ada, text="root")
        for number in range(100):
            await scene.workspace.post(
                channel=scene.channel, user=scene.ada, text=f"{number}", thread_ts=root, deliver=False
            )
        asked = await scene.asked("well?", thread=root)
        home = scene.intake.homes_of[asked.conversation]
        before = scene.time.now
        read = await scene.adapter.history(home, slack_helpers.reply_to(asked, home))
        assert 15 <= len(read) < 100
        assert scene.time.now - before < 200


async def test_missed_posts_edits_and_mentions_are_caught_up() -> None:
    """After a stop everything within a day that concerns the bot is told once, oldest first in a thread."""
    time, intake = slack_helpers.Time(), slack_helpers.Intake()
    async with slack_helpers.scene(time=time, intake=intake) as scene:
        workspace, mention = scene.workspace, f"<@{scene.workspace.bot_user_id}> "
        other = workspace.add_channel("unknown", members=[scene.ada])
        thread = await scene.asked("a thread it is in")
        dm = await scene.asked("a DM", dm=True)
        early = await workspace.post(channel=scene.channel, user=scene.ada, text="a root it is not in")
        await scene.adapter.__aexit__(None, None, None)

        missed = slack_helpers.Intake(posts=dict(intake.posts), homes_of=dict(intake.homes_of))
        time.now += 60

        async def post(channel: str, text: str, thread_ts: str | None = None) -> str:
            return await workspace.post(channel=channel, user=scene.ada, text=text, thread_ts=thread_ts)

        expected = [
            await post(scene.channel, "a post in the thread", thread.id),
            await post(scene.dm, "more in the DM's thread", dm.id),
            await post(scene.dm, "a new DM"),
            await post(scene.channel, mention + "a new mention"),
            await post(scene.channel, mention + "a mention in a thread it is not in", early),
        ]
        await post(scene.channel, "nothing for the bot")
        await post(other, mention + "in a channel where it never answered")
        await workspace.edit(channel=scene.channel, ts=thread.id, text=mention + "an edited question")

        again = slack_helpers.adapter(workspace, intake=missed, time=time)
        async with again:
            live = await post(scene.dm, "live")
            await workspace.until(lambda _: any(each.id == live for each in missed.told))
            await again.catch_up()
            await again.catch_up()
        new = [each for each in missed.told if (each.conversation, each.id) not in intake.posts]
        assert sorted([*expected, live]) == sorted(each.id for each in new)
        assert all(each.addressed for each in new)
        assert [(thread.conversation, thread.id, "an edited question")] == missed.edits


async def test_what_is_older_than_a_day_is_left_alone() -> None:
    """A stop of two days: what was missed on the first is not answered on the third."""
    time, intake = slack_helpers.Time(), slack_helpers.Intake()
    async with slack_helpers.scene(time=time, intake=intake) as scene:
        await scene.asked("a DM", dm=True)
        await scene.adapter.__aexit__(None, None, None)
        missed = slack_helpers.Intake(posts=dict(intake.posts), homes_of=dict(intake.homes_of))
        await scene.workspace.post(channel=scene.dm, user=scene.ada, text="old")
        time.now += 2 * 24 * 3600
        again = slack_helpers.adapter(scene.workspace, intake=missed, time=time)
        async with again:
            await again.catch_up()
        assert len(missed.told) == 1


async def test_posts_before_the_bot_came_are_not_answered_late() -> None:
    """In a thread that it joined, catching up tells what came after, not the context before."""
    async with slack_helpers.scene() as scene:
        root = await scene.workspace.post(channel=scene.channel, user=scene.ada, text="before")
        await scene.workspace.post(channel=scene.channel, user=scene.ada, text="also before", thread_ts=root)
        post = await scene.asked("a mention", thread=root)
        await caught_up(scene)
        assert [post] == scene.intake.told


async def test_a_post_lost_before_a_later_one_arrived_is_caught_up() -> None:
    """Not only what is newer than the newest known post counts as missed."""
    async with slack_helpers.scene() as scene:
        first = await scene.asked("a mention")
        lost = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text="lost", thread_ts=first.id, deliver=False
        )
        later = await scene.asked("later", thread=first.id)
        await caught_up(scene)
        assert [first.id, lost, later.id] == [post.id for post in scene.intake.told]


async def test_what_followed_a_late_mention_is_read() -> None:
    """A mention heard only after a restart brings what an earlier process passed by in its thread."""
    async with slack_helpers.scene() as scene:
        scene.workspace.faults.hold()
        mention = f"<@{scene.workspace.bot_user_id}> hello"
        root = await scene.workspace.post(channel=scene.channel, user=scene.ada, text=mention)
        passed_by = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text="and this", thread_ts=root, deliver=False
        )
        scene.time.now += 5.0
        again = slack_helpers.adapter(scene.workspace, intake=scene.intake, time=scene.time)
        async with again:
            await scene.adapter.__aexit__(None, None, None)
            scene.workspace.faults.release()
            await slack_helpers.until(lambda: len(scene.intake.told) == 2)
        assert [root, passed_by] == [post.id for post in scene.intake.told]


async def test_what_another_process_passed_by_is_read() -> None:
    """While two run, a follow-up may go to the one that does not know of its thread's mention yet."""
    async with slack_helpers.scene() as scene:
        scene.intake.beside = True
        scene.workspace.faults.hold()
        mention = f"<@{scene.workspace.bot_user_id}> hello"
        root = await scene.workspace.post(channel=scene.channel, user=scene.ada, text=mention)
        passed_by = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text="and this", thread_ts=root, deliver=False
        )
        scene.workspace.faults.release()
        await slack_helpers.until(lambda: len(scene.intake.told) == 2)
        assert [root, passed_by] == [post.id for post in scene.intake.told]


async def test_what_was_forgotten_is_not_answered_again() -> None:
    """A thread the bot has answered in, but that the log no longer holds, stays forgotten."""
    async with slack_helpers.scene() as scene:
        for dm in (True, False):
            post = await scene.asked(dm=dm)
            reply = await scene.open(post, scene.ledger(post))
            await reply.finish("an answer")
            del scene.intake.posts[post.conversation, post.id]
            del scene.intake.homes_of[post.conversation]
        kept = [await scene.asked("another", dm=True), await scene.asked("another")]
        await caught_up(scene)
        assert kept == scene.intake.told


async def test_an_imported_conversation_does_not_hinder_catching_up() -> None:
    """A conversation without an address of ours, with ids of another kind, is passed over."""
    async with slack_helpers.scene() as scene:
        known = await scene.asked("a mention")
        home = scene.intake.homes_of[known.conversation]
        strange = dataclasses.replace(known, conversation=conversation.ConversationId("x"), id="post-1")
        await scene.intake.post(strange, dataclasses.replace(home, address="", channel=""))
        lost = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text="lost", thread_ts=known.id, deliver=False
        )
        await caught_up(scene)
        assert lost in {post.id for post in scene.intake.told}


async def test_a_wrong_clock_of_the_host_leaves_nothing_alone() -> None:
    """What is too old is told by Slack's clock: a host that lives years ahead misses nothing."""
    async with slack_helpers.scene() as scene:
        known = await scene.asked("a mention")
        lost = await scene.workspace.post(
            channel=scene.channel, user=scene.ada, text="lost", thread_ts=known.id, deliver=False
        )
        await caught_up(scene, ahead=dt.timedelta(days=4_000))
        assert lost in {post.id for post in scene.intake.told}


async def caught_up(scene: slack_helpers.Scene, *, ahead: dt.timedelta = dt.timedelta(0)) -> None:
    """A second adapter on the same log connects and catches up, as after a restart; its host may be ahead."""
    async with slack_helpers.adapter(
        scene.workspace, intake=scene.intake, time=scene.time, ahead=ahead
    ) as again:
        await again.catch_up()


async def test_the_next_socket_is_open_before_the_old_one_is_closed() -> None:
    """Warned of a disconnect, the app never has fewer connections than it keeps."""
    async with slack_helpers.scene() as scene:
        opened = len(scene.workspace.called("apps.connections.open"))
        counts: list[int] = []

        def replaced(workspace: slack.Slack) -> bool:
            counts.append(len(workspace.sockets.connections))
            return len(workspace.called("apps.connections.open")) >= opened + 2 and counts[-1] == 2

        await scene.workspace.disconnect_sockets("warning")
        await scene.workspace.until(replaced)
        assert min(counts) == 2


async def test_it_is_a_platform() -> None:
    """The adapter has the shape that the core asks for, names of arguments included."""
    async with slack_helpers.scene() as scene:
        platform: ports.Platform = scene.adapter
        assert platform.name == "slack"


async def test_a_stop_leaves_nothing_behind() -> None:
    """`run` goes on until it is cancelled, and no task of a socket outlives the adapter."""
    time = slack_helpers.Time()
    async with slack.Slack(clock=time) as workspace:
        connected = slack_helpers.adapter(workspace, intake=slack_helpers.Intake(), time=time)
        assert connected.healthy() is not None
        async with connected:
            assert connected.healthy() is None
            running = asyncio.create_task(connected.run())
            await slack_helpers.until(lambda: running.done() or connected.healthy() is None)
            assert not running.done()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        assert [task for task in asyncio.all_tasks() if "SocketModeClient" in repr(task)] == []


async def test_without_a_connection_it_is_not_healthy() -> None:
    """While Slack takes no connection readiness says so, and recovers with it."""
    async with slack_helpers.scene(ping=0.2) as scene:
        outage = scene.workspace.fail(
            slack.Fault(method="apps.connections.open", kind="http", times=1_000_000)
        )
        await scene.workspace.disconnect_sockets("abort")
        await slack_helpers.until(lambda: scene.adapter.healthy() is not None)
        outage.left = 1
        await slack_helpers.until(lambda: scene.adapter.healthy() is None)


async def test_a_gap_without_any_connection_is_filled() -> None:
    """What Slack gave up delivering while no socket was open is read when one is open again."""
    async with slack_helpers.scene(ping=0.2) as scene:
        await scene.asked("a DM", dm=True)
        outage = scene.workspace.fail(
            slack.Fault(method="apps.connections.open", kind="http", times=1_000_000)
        )
        await scene.workspace.disconnect_sockets("abort")
        await slack_helpers.until(lambda: scene.adapter.healthy() is not None)
        scene.workspace.deliveries.retry_delays = ()
        ts = await scene.workspace.post(channel=scene.dm, user=scene.ada, text="into the void")
        await scene.workspace.settled()
        assert {"lost"} == {each.status for each in scene.workspace.events if each.event["ts"] == ts}
        outage.left = 1
        await slack_helpers.until(lambda: ts in {post.id for post in scene.intake.told})


async def test_who_has_to_wait_sees_it() -> None:
    """The status under the thread tells that others are answered first; a refusal of it is no fault."""
    async with slack_helpers.scene() as scene:
        post = await scene.asked()
        await scene.adapter.queued(post.conversation, scene.intake.homes_of[post.conversation], post.id)
        (call,) = scene.workspace.called("assistant.threads.setStatus")
        assert call.args["thread_ts"] == post.id
        assert "turn" in call.args["status"]
        scene.workspace.fail(slack.Fault(kind="error", method="assistant.*", error="not_allowed"))
        await scene.adapter.queued(post.conversation, scene.intake.homes_of[post.conversation], post.id)
