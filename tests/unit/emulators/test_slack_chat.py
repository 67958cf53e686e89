"""The emulated Slack's chat methods refuse and keep what Slack refuses and keeps; driven by slack_sdk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from slack_sdk import errors
from slack_sdk.web import async_client

from emulators import slack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable


@pytest.fixture
async def workspace() -> AsyncIterator[slack.Slack]:
    """The emulated workspace, served on loopback."""
    async with slack.Slack(retry_delays=()) as served:
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
def channel(workspace: slack.Slack, ada: str) -> str:
    """A public channel with Ada and the bot."""
    return workspace.add_channel("general", members=[ada])


async def refusal(call: Awaitable[Any]) -> Any:
    """Slack's refusal of a call."""
    with pytest.raises(errors.SlackApiError) as raised:
        await call
    return raised.value.response


def section(text: str) -> dict[str, Any]:
    """A section block of mrkdwn."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def test_a_post_is_stored_as_a_bot_users(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """A post of the bot carries user and bot_id, no subtype, and its metadata."""
    metadata = {"event_type": "reply", "event_payload": {"turn": "t1"}}
    answer = await client.chat_postMessage(channel=channel, text="hello", metadata=metadata)
    (post,) = workspace.messages(channel)
    assert post["ts"] == answer["ts"]
    assert (post["user"], post["bot_id"]) == (workspace.bot_user_id, workspace.bot_id)
    assert "subtype" not in post
    assert post["metadata"] == metadata


@pytest.mark.parametrize(
    ("token", "error"),
    [
        ("", "not_authed"),
        ("xoxb-wrong", "invalid_auth"),
        ("xapp-1-emulated-app-token", "not_allowed_token_type"),  # the app-level token on a bot's method
    ],
)
async def test_a_wrong_token_is_refused(workspace: slack.Slack, token: str, error: str) -> None:
    """Each way of being the wrong token has Slack's own code."""
    client = async_client.AsyncWebClient(token=token, base_url=workspace.api_url, retry_handlers=[])
    response = await refusal(client.auth_test())
    assert response["error"] == error


async def test_a_revoked_token_is_refused(
    workspace: slack.Slack, client: async_client.AsyncWebClient
) -> None:
    """After an uninstall every call says so."""
    workspace.token_error = "token_revoked"
    assert (await refusal(client.auth_test()))["error"] == "token_revoked"


async def test_auth_test_tells_the_bot_and_its_scopes(
    workspace: slack.Slack, client: async_client.AsyncWebClient
) -> None:
    """auth.test names user, bot and team, and the scopes stand in the header."""
    answer = await client.auth_test()
    assert (answer["user_id"], answer["bot_id"]) == (workspace.bot_user_id, workspace.bot_id)
    assert answer["team_id"] == workspace.team_id
    assert set(answer.headers["X-OAuth-Scopes"].split(",")) == workspace.scopes


async def test_a_missing_scope_is_named(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """missing_scope tells what is needed and what is provided."""
    workspace.scopes.discard("chat:write")
    response = await refusal(client.chat_postMessage(channel=channel, text="hello"))
    assert (response["error"], response["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in response["provided"].split(",")
    assert workspace.messages(channel) == []


async def test_an_unknown_method_is_refused(client: async_client.AsyncWebClient) -> None:
    """A method that does not exist is unknown_method."""
    assert (await refusal(client.api_call("chat.shout", json={})))["error"] == "unknown_method"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"text": "x", "channel": "C404"}, "channel_not_found"),
        ({"text": ""}, "no_text"),
        ({"text": "x", "thread_ts": "1.1"}, "thread_not_found"),
        ({"text": "x", "thread_ts": "yesterday"}, "invalid_thread_ts"),
        ({"text": "x", "markdown_text": "y"}, "markdown_text_conflict"),
        ({"markdown_text": "y" * 12_001}, "msg_too_long"),
        ({"text": "x", "blocks": [section("")]}, "invalid_blocks"),
        ({"text": "x", "blocks": [section("y" * 3_001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "poem"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "divider", "block_id": "a"}] * 2}, "invalid_blocks"),
        ({"text": "x", "blocks": [{"type": "markdown", "text": "y" * 12_001}]}, "invalid_blocks"),
        # Each block is short enough, their sum is not.
        ({"text": "x", "blocks": [{"type": "markdown", "text": "y" * 6_001}] * 2}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [section("y" * 3_000)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
        ({"text": "x", "metadata": {"event_type": "t"}}, "invalid_metadata_schema"),
        ({"text": "x", "metadata": ["t"]}, "invalid_metadata_format"),
        (
            {"text": "x", "metadata": {"event_type": "t", "event_payload": {"k": "v" * 8_000}}},
            "metadata_too_large",
        ),
        ({"text": "x", "username": "Somebody"}, "missing_scope"),
    ],
)
async def test_posts_that_slack_refuses(
    workspace: slack.Slack,
    client: async_client.AsyncWebClient,
    channel: str,
    args: dict[str, Any],
    error: str,
) -> None:
    """A refused post has Slack's code and leaves nothing behind."""
    response = await refusal(client.api_call("chat.postMessage", json={"channel": channel, **args}))
    assert response["error"] == error
    assert workspace.messages(channel) == []
    assert [(call.ok, call.error) for call in workspace.calls] == [(False, error)]


async def test_a_reply_to_a_reply_is_refused(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """Threads have one level: the ts of a reply is no thread."""
    root = await workspace.post(channel=channel, user=ada, text="root")
    reply = await workspace.post(channel=channel, user=ada, text="reply", thread_ts=root)
    response = await refusal(client.chat_postMessage(channel=channel, text="x", thread_ts=reply))
    assert response["error"] == "thread_not_found"


async def test_membership_decides_where_the_bot_may_post(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """A public channel without the bot is not_in_channel, a private one does not exist for it."""
    public = workspace.add_channel("open", members=[ada], bot_member=False)
    private = workspace.add_channel("closed", members=[ada], kind="private", bot_member=False)
    codes = [
        (await refusal(client.chat_postMessage(channel=place, text="x")))["error"]
        for place in (public, private)
    ]
    assert codes == ["not_in_channel", "channel_not_found"]
    workspace.scopes.add("chat:write.public")
    await client.chat_postMessage(channel=public, text="x")
    assert len(workspace.messages(public)) == 1


async def test_a_user_id_posts_into_the_dm(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """Posting to a person opens the DM with them, always the same one."""
    answer = await client.chat_postMessage(channel=ada, text="x")
    assert answer["channel"] == workspace.open_dm(ada)


async def test_long_text_is_cut_and_the_loss_is_recorded(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """chat.postMessage cuts at 40,000 characters without an error, which tests can see."""
    answer = await client.chat_postMessage(channel=channel, text="y" * 40_001)
    assert len(workspace.messages(channel)[0]["text"]) == 40_000
    assert workspace.truncated == [(channel, answer["ts"])]


async def test_an_update_keeps_metadata_and_blocks_that_it_does_not_send(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """chat.update with text alone leaves metadata and the shown blocks; an empty list removes the blocks."""
    metadata = {"event_type": "reply", "event_payload": {"turn": "t1"}}
    post = await client.chat_postMessage(
        channel=channel, text="old", blocks=[section("old block")], metadata=metadata
    )
    await client.chat_update(channel=channel, ts=post["ts"], text="new")
    assert workspace.shown(channel, post["ts"]) == "old block"
    await client.chat_update(channel=channel, ts=post["ts"], text="new", blocks=[])
    assert workspace.shown(channel, post["ts"]) == "new"
    assert workspace.messages(channel)[0]["metadata"] == metadata


async def test_updates_that_slack_refuses(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """Others' posts, unknown posts, long texts and empty texts cannot be updated, nor others' deleted."""
    theirs = await workspace.post(channel=channel, user=ada, text="mine")
    own = (await client.chat_postMessage(channel=channel, text="x"))["ts"]
    codes = [
        (await refusal(client.chat_update(channel=channel, ts=ts, text=text)))["error"]
        for ts, text in ((theirs, "y"), ("1.1", "y"), (own, "y" * 4_001))
    ]
    assert codes == ["cant_update_message", "message_not_found", "msg_too_long"]
    empty = client.api_call("chat.update", json={"channel": channel, "ts": own, "text": ""})
    assert (await refusal(empty))["error"] == "no_text"
    assert (await refusal(client.chat_delete(channel=channel, ts=theirs)))["error"] == "cant_delete_message"
    await client.chat_delete(channel=channel, ts=own)
    assert [post["ts"] for post in workspace.messages(channel)] == [theirs]


async def test_accidental_pings_are_found_wherever_they_stand(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """Broadcasts and mentions count in text, mrkdwn, Markdown and rich text; escaped ones do not."""
    await client.chat_postMessage(channel=channel, text="&lt;!channel&gt; @here @ada")
    assert workspace.pings == []
    await client.chat_postMessage(channel=channel, text="<!here> @channel", link_names=True)
    await client.chat_postMessage(channel=channel, text="x", blocks=[section(f"<@{ada}>")])
    await client.chat_postMessage(
        channel=channel, text="x", blocks=[{"type": "markdown", "text": "<!everyone>"}]
    )
    rich = {"type": "broadcast", "range": "channel"}
    block = {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [rich]}]}
    await client.chat_postMessage(channel=channel, text="x", blocks=[block])
    assert [ping.target for ping in workspace.pings] == ["here", "channel", ada, "everyone", "channel"]


async def test_links_are_fetched_unless_both_unfurls_are_off(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """A link in the bot's post makes Slack fetch it, which leaks, unless the post forbids it."""
    text = "see <https://a.example/x|this>"
    await client.chat_postMessage(channel=channel, text=text, unfurl_links=False, unfurl_media=False)
    assert workspace.unfurls == []
    await client.chat_postMessage(channel=channel, text=text, unfurl_links=False)
    assert [unfurl.url for unfurl in workspace.unfurls] == ["https://a.example/x"]


async def test_an_ephemeral_reaches_one_member_only(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """chat.postEphemeral is not in the channel, and needs a member as its reader."""
    await client.chat_postEphemeral(channel=channel, user=ada, text="only you")
    assert [(e["user"], e["text"]) for e in workspace.ephemerals] == [(ada, "only you")]
    assert workspace.messages(channel) == []
    bob = workspace.add_user("Bob")
    response = await refusal(client.chat_postEphemeral(channel=channel, user=bob, text="x"))
    assert response["error"] == "user_not_in_channel"


async def test_permalinks_name_the_thread(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """A reply's permalink leads into its thread; an unknown post has none."""
    root = await workspace.post(channel=channel, user=ada, text="root")
    reply = await workspace.post(channel=channel, user=ada, text="reply", thread_ts=root)
    answer = await client.chat_getPermalink(channel=channel, message_ts=reply)
    assert answer["permalink"].endswith(f"?thread_ts={root}&cid={channel}")
    response = await refusal(client.chat_getPermalink(channel=channel, message_ts="1.1"))
    assert response["error"] == "message_not_found"


async def test_a_token_in_json_is_no_token(workspace: slack.Slack) -> None:
    """Slack takes a token from the header or the form, never from a JSON body."""
    async with aiohttp.ClientSession() as session:
        url = f"{workspace.api_url}auth.test"
        async with session.post(url, json={"token": workspace.bot_token}) as answer:
            assert (await answer.json())["error"] == "not_authed"
        async with session.post(url, data={"token": workspace.bot_token}) as answer:
            assert (await answer.json())["ok"] is True


async def test_reactions_once_each(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """A reaction is added once, removed once, and needs a message and a name."""
    ts = await workspace.post(channel=channel, user=ada, text="x")
    await client.reactions_add(channel=channel, timestamp=ts, name="eyes")
    assert workspace.messages(channel)[0]["reactions"] == [
        {"name": "eyes", "users": [workspace.bot_user_id], "count": 1}
    ]
    again = await refusal(client.reactions_add(channel=channel, timestamp=ts, name="eyes"))
    await client.reactions_remove(channel=channel, timestamp=ts, name="eyes")
    gone = await refusal(client.reactions_remove(channel=channel, timestamp=ts, name="eyes"))
    nowhere = await refusal(client.reactions_add(channel=channel, timestamp="1.1", name="eyes"))
    assert [r["error"] for r in (again, gone, nowhere)] == [
        "already_reacted",
        "no_reaction",
        "message_not_found",
    ]
