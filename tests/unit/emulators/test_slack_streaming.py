"""The emulated Slack's streams and agent sessions live and die as the real ones are reported to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from slack_sdk import errors
from slack_sdk.web import async_client

from emulators import slack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable


class Clock:
    """A clock that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        """The seconds now."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The clock of the workspace."""
    return Clock()


@pytest.fixture
async def workspace(clock: Clock) -> AsyncIterator[slack.Slack]:
    """The emulated workspace, served on loopback."""
    async with slack.Slack(clock=clock, retry_delays=()) as served:
        yield served


@pytest.fixture
def client(workspace: slack.Slack) -> async_client.AsyncWebClient:
    """The SDK's client without retries, as the bot uses it."""
    return async_client.AsyncWebClient(
        token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[]
    )


@pytest.fixture
def ada(workspace: slack.Slack) -> str:
    """A person of the workspace."""
    return workspace.add_user("Ada")


@pytest.fixture
async def thread(workspace: slack.Slack, ada: str) -> dict[str, Any]:
    """The arguments of a stream in a channel's thread."""
    channel = workspace.add_channel("general", members=[ada])
    root = await workspace.post(channel=channel, user=ada, text="question")
    team = workspace.team_id
    return {
        "channel": channel,
        "thread_ts": root,
        "recipient_user_id": ada,
        "recipient_team_id": team,
    }


async def refusal(call: Awaitable[Any]) -> Any:
    """Slack's refusal of a call."""
    with pytest.raises(errors.SlackApiError) as raised:
        await call
    return raised.value.response["error"]


async def test_streamed_text_is_seen_while_it_grows(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """The SDK's own helper shows each part at once, and the finished text once."""
    stream = await client.chat_stream(buffer_size=1, **thread)
    await stream.append(markdown_text="Hello ")
    (post,) = workspace.messages(thread["channel"])[1:]
    assert (post["text"], post["streaming_state"]) == ("Hello ", "in_progress")
    assert workspace.status(thread["channel"], thread["thread_ts"]) == "processing"
    await stream.append(markdown_text="world")
    await stream.stop(markdown_text="!", metadata={"event_type": "reply", "event_payload": {}})
    (post,) = workspace.messages(thread["channel"], thread["thread_ts"])[1:]
    assert (post["text"], post["streaming_state"]) == ("Hello world!", "completed")
    assert post["metadata"]["event_type"] == "reply"
    assert workspace.status(thread["channel"], thread["thread_ts"]) == "active"


@pytest.mark.parametrize(
    ("left_out", "error"),
    [
        ("recipient_team_id", "missing_recipient_team_id"),
        ("recipient_user_id", "missing_recipient_user_id"),
    ],
)
async def test_a_channel_stream_names_its_reader(
    client: async_client.AsyncWebClient, thread: dict[str, Any], left_out: str, error: str
) -> None:
    """In channels the person and their team are required."""
    del thread[left_out]
    assert await refusal(client.chat_startStream(**thread)) == error


async def test_a_recipient_must_be_of_the_team_that_is_named(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """A person from a connected workspace is not found under the bot's own team."""
    guest = workspace.add_user("Eve", team_id="T0OTHER")
    await workspace.post(channel=thread["channel"], user=guest, text="hi")
    args = thread | {"recipient_user_id": guest}
    assert await refusal(client.chat_startStream(**args)) == "user_not_found"
    await client.chat_startStream(**args | {"recipient_team_id": "T0OTHER"})


async def test_a_dm_stream_needs_a_thread_but_no_recipient(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """In a DM the reader is known, but a stream answers a post."""
    dm = workspace.open_dm(ada)
    root = await workspace.post(channel=dm, user=ada, text="question")
    error = await refusal(client.api_call("chat.startStream", json={"channel": dm, "markdown_text": "x"}))
    assert error == "invalid_arguments"
    await client.chat_startStream(channel=dm, thread_ts=root)
    assert len(workspace.messages(dm, root)) == 2


async def test_a_stream_dies_after_five_minutes(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any], clock: Clock
) -> None:
    """Past five minutes append and stop fail, and only chat.update brings the text to its end."""
    ts = (await client.chat_startStream(**thread, markdown_text="half"))["ts"]
    place = {"channel": thread["channel"], "ts": ts}
    clock.now += 299
    await client.chat_appendStream(**place, markdown_text=" more")
    assert await refusal(client.chat_update(**place, text="all")) == "streaming_state_conflict"
    assert await refusal(client.chat_delete(**place)) == "cant_delete_message"
    clock.now += 1
    for call in (client.chat_appendStream(**place, markdown_text="x"), client.chat_stopStream(**place)):
        assert await refusal(call) == "message_not_in_streaming_state"
    await client.chat_update(**place, text="all")
    assert workspace.shown(thread["channel"], ts) == "all"


async def test_a_stopped_stream_takes_no_more(
    client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """After stop, and on an ordinary post, append is refused."""
    ts = (await client.chat_startStream(**thread, markdown_text="x"))["ts"]
    await client.chat_stopStream(channel=thread["channel"], ts=ts)
    post = (await client.chat_postMessage(channel=thread["channel"], text="x"))["ts"]
    for other in (ts, post):
        call = client.chat_appendStream(channel=thread["channel"], ts=other, markdown_text="y")
        assert await refusal(call) == "message_not_in_streaming_state"


async def test_a_part_has_at_most_12000_characters(
    client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """One call carries 12,000 characters of Markdown, chunks counted together, and something at least."""
    ts = (await client.chat_startStream(**thread))["ts"]
    place = {"channel": thread["channel"], "ts": ts}
    chunk = {"type": "markdown_text", "text": "y" * 6_001}
    assert await refusal(client.chat_appendStream(**place, chunks=[chunk, chunk])) == "msg_too_long"
    assert await refusal(client.chat_appendStream(**place)) == "no_text"
    odd = {"type": "task_update", "id": "1", "title": "t", "status": "perhaps"}
    assert await refusal(client.chat_appendStream(**place, chunks=[odd])) == "invalid_arguments"


async def test_blocks_at_the_end_stand_below_the_text(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """StopStream's blocks follow the text, checked like any others."""
    ts = (await client.chat_startStream(**thread, markdown_text="answer"))["ts"]
    place = {"channel": thread["channel"], "ts": ts}
    assert await refusal(client.chat_stopStream(**place, blocks=[{"type": "poem"}])) == "invalid_blocks"
    context = {"type": "context", "elements": [{"type": "mrkdwn", "text": "footnote"}]}
    await client.chat_stopStream(**place, blocks=[context])
    assert workspace.shown(thread["channel"], ts) == "answer\nfootnote"


async def test_a_ping_cut_in_two_by_parts_is_found(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """A broadcast that spans two parts counts, once."""
    ts = (await client.chat_startStream(**thread, markdown_text="<!chan"))["ts"]
    for part in ("nel>", " and more"):
        await client.chat_appendStream(channel=thread["channel"], ts=ts, markdown_text=part)
    assert [ping.target for ping in workspace.pings] == ["channel"]


async def test_a_workspace_without_agents_refuses_all_of_it(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """With streaming_allowed off, streams, statuses and sessions are refused, plain posts are not."""
    workspace.streaming_allowed = False
    where = {"channel_id": thread["channel"], "thread_ts": thread["thread_ts"]}
    calls = (
        client.chat_startStream(**thread),
        client.assistant_threads_setStatus(**where, status="thinks"),
        client.agents_sessions_setStatus(**where, status="processing"),
    )
    assert [await refusal(call) for call in calls] == [workspace.streaming_refusal] * 3
    await client.chat_postMessage(channel=thread["channel"], text="x", thread_ts=thread["thread_ts"])


async def test_a_thinking_status_ends_with_a_post_or_after_two_minutes(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any], clock: Clock
) -> None:
    """The free-text status is cleared by the bot's post, by the clock, and by an empty text."""
    channel, root = thread["channel"], thread["thread_ts"]

    async def think(status: str) -> str:
        await client.assistant_threads_setStatus(channel_id=channel, thread_ts=root, status=status)
        return workspace.status(channel, root)

    assert await think("is thinking") == "is thinking"
    await client.chat_postMessage(channel=channel, thread_ts=root, text="done")
    assert workspace.status(channel, root) == ""
    assert await think("is thinking") == "is thinking"
    assert await think("") == ""
    assert await think("is thinking") == "is thinking"
    clock.now += 120
    assert workspace.status(channel, root) == ""


async def test_sessions_are_created_titled_and_renamed(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any], clock: Clock
) -> None:
    """A session's title counts at its creation, rename changes it, and processing clears after an hour."""
    where = {"channel_id": thread["channel"], "thread_ts": thread["thread_ts"]}
    assert await refusal(client.agents_sessions_rename(**where, title="t")) == "session_not_found"
    first = await client.agents_sessions_setStatus(**where, status="processing", title="One")
    second = await client.agents_sessions_setStatus(**where, status="processing", title="Two")
    assert (first["title"], second["title"]) == ("One", "One")
    assert (await client.agents_sessions_rename(**where, title="Two"))["title"] == "Two"
    assert await refusal(client.agents_sessions_setStatus(**where, status="busy")) == "invalid_arguments"
    assert await refusal(client.agents_sessions_rename(**where, title="t" * 201)) == "invalid_arguments"
    clock.now += 3_600
    assert workspace.status(thread["channel"], thread["thread_ts"]) == "active"


async def test_an_unsubscribed_app_is_warned(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any]
) -> None:
    """Without agent_session_stopped the status call works and warns that nobody can press Stop."""
    workspace.subscriptions.discard("agent_session_stopped")
    answer = await client.agents_sessions_setStatus(
        channel_id=thread["channel"], thread_ts=thread["thread_ts"], status="processing"
    )
    assert answer["warning"] == "missing_agent_session_stopped_event_subscription"


async def test_stop_ends_streams_and_leaves_the_status(
    workspace: slack.Slack, client: async_client.AsyncWebClient, thread: dict[str, Any], ada: str
) -> None:
    """The Stop button closes the streams of the thread, names them, and moves no status."""
    ts = (await client.chat_startStream(**thread, markdown_text="x"))["ts"]
    ended = await workspace.stop_session(channel=thread["channel"], thread_ts=thread["thread_ts"], user=ada)
    assert ended == [ts]
    assert workspace.status(thread["channel"], thread["thread_ts"]) == "processing"
    event = workspace.events[-1].event
    assert (event["type"], event["streaming_message_ts"]) == ("agent_session_stopped", [ts])
    call = client.chat_appendStream(channel=thread["channel"], ts=ts, markdown_text="y")
    assert await refusal(call) == "message_not_in_streaming_state"


async def test_suggested_prompts_are_at_most_four(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """Prompts go to the Messages tab without a thread, four at most, under assistant:write."""
    dm = workspace.open_dm(ada)
    prompt = {"title": "Sum up", "message": "Sum up the thread"}
    await client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=[prompt])
    assert workspace.prompts[dm, None] == [prompt]
    call = client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=[prompt] * 5)
    assert await refusal(call) == "invalid_arguments"
    workspace.scopes.discard("assistant:write")
    call = client.assistant_threads_setSuggestedPrompts(channel_id=dm, prompts=[prompt])
    assert await refusal(call) == "missing_scope"
