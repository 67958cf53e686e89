"""The emulated Slack's reading methods page, filter and limit as Slack's do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
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
def channel(workspace: slack.Slack, ada: str) -> str:
    """A public channel with Ada and the bot."""
    return workspace.add_channel("general", members=[ada])


async def refusal(call: Awaitable[Any]) -> Any:
    """Slack's refusal of a call."""
    with pytest.raises(errors.SlackApiError) as raised:
        await call
    return raised.value.response


async def test_history_pages_newest_first_without_replies(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """Every page but the last names the next; replies stay out, their count stands on the root."""
    posted = [await workspace.post(channel=channel, user=ada, text=str(n)) for n in range(5)]
    await workspace.post(channel=channel, user=ada, text="reply", thread_ts=posted[0])
    # The SDK's iterator gives one and the same response object again, so each page's data is taken out.
    pages = [page.data async for page in await client.conversations_history(channel=channel, limit=2)]
    seen = [message["ts"] for page in pages for message in page["messages"]]
    assert seen == list(reversed(posted))
    assert [page["has_more"] for page in pages] == [True, True, False]
    root = pages[-1]["messages"][-1]
    assert (root["reply_count"], root["thread_ts"]) == (1, posted[0])


async def test_replies_page_oldest_first_with_the_root_on_each_page(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """A thread comes whole over its pages, in order, the root opening each."""
    root = await workspace.post(channel=channel, user=ada, text="root")
    replies = [await workspace.post(channel=channel, user=ada, text="r", thread_ts=root) for _ in range(3)]
    pages = [
        page.data async for page in await client.conversations_replies(channel=channel, ts=root, limit=2)
    ]
    assert [[m["ts"] for m in page["messages"]] for page in pages] == [
        [root, *replies[:2]],
        [root, replies[2]],
    ]
    late = await client.conversations_replies(channel=channel, ts=root, oldest=replies[1])
    assert [m["ts"] for m in late["messages"]] == [root, replies[2]]
    both = await client.conversations_replies(
        channel=channel, ts=root, oldest=replies[1], latest=replies[2], inclusive=True
    )
    assert [m["ts"] for m in both["messages"]] == [root, *replies[1:]]


async def test_metadata_is_shown_on_request_only(client: async_client.AsyncWebClient, channel: str) -> None:
    """include_all_metadata decides whether a post's metadata comes with it."""
    metadata = {"event_type": "reply", "event_payload": {"turn": "t"}}
    ts = (await client.chat_postMessage(channel=channel, text="x", metadata=metadata))["ts"]
    plain = await client.conversations_replies(channel=channel, ts=ts)
    full = await client.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == metadata


@pytest.mark.parametrize(
    ("args", "error"),
    [
        ({"cursor": "bm9uc2Vuc2U="}, "invalid_cursor"),
        ({"oldest": "soon"}, "invalid_ts_oldest"),
        ({"latest": "soon"}, "invalid_ts_latest"),
        ({"limit": 1_001}, "invalid_limit"),
        ({"channel": "C404"}, "channel_not_found"),
        ({"ts": "1.1"}, "thread_not_found"),
    ],
)
async def test_reading_that_slack_refuses(
    workspace: slack.Slack,
    client: async_client.AsyncWebClient,
    channel: str,
    ada: str,
    args: dict[str, Any],
    error: str,
) -> None:
    """Malformed cursors, times and limits, unknown channels and threads have codes of their own."""
    root = await workspace.post(channel=channel, user=ada, text="root")
    call = client.conversations_replies(**{"channel": channel, "ts": root} | args)
    assert (await refusal(call))["error"] == error


@pytest.mark.parametrize(
    ("kind", "scope"),
    [
        ("channel", "channels:history"),
        ("private", "groups:history"),
        ("mpim", "mpim:history"),
    ],
)
async def test_each_kind_of_channel_has_its_scope(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str, kind: str, scope: str
) -> None:
    """History needs the scope of the channel's kind, and membership."""
    place = workspace.add_channel("place", members=[ada], kind=kind)
    workspace.scopes.discard(scope)
    response = await refusal(client.conversations_history(channel=place))
    assert (response["error"], response["needed"]) == ("missing_scope", scope)
    workspace.scopes.add(scope)
    outside = workspace.add_channel("outside", members=[ada], bot_member=False)
    assert (await refusal(client.conversations_history(channel=outside)))["error"] == "not_in_channel"


async def test_the_commercial_limit_is_one_request_a_minute_of_15(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str, clock: Clock
) -> None:
    """A distributed app reads 15 messages a minute, each of the two methods on its own."""
    workspace.history_limit = "commercial"
    root, *_ = [await workspace.post(channel=channel, user=ada, text="x") for _ in range(16)]
    page = await client.conversations_history(channel=channel, limit=100)
    assert len(page["messages"]) == 15
    await client.conversations_replies(channel=channel, ts=root)
    response = await refusal(client.conversations_history(channel=channel))
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert response.headers["Retry-After"] == "60"
    clock.now += 60
    await client.conversations_history(channel=channel)


async def test_tiers_limit_when_switched_on(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, clock: Clock
) -> None:
    """One post a second and channel; other channels and later seconds are free."""
    workspace.limited_tiers.add("post")
    other = workspace.add_channel("other")
    await client.chat_postMessage(channel=channel, text="x")
    response = await refusal(client.chat_postMessage(channel=channel, text="x"))
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    await client.chat_postMessage(channel=other, text="x")
    clock.now += 1
    await client.chat_postMessage(channel=channel, text="x")
    assert len(workspace.messages(channel)) == 2


async def test_a_deleted_root_leaves_a_tombstone(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """Deleting a root that has replies keeps the thread under a tombstone; without replies nothing stays."""
    lonely = await workspace.post(channel=channel, user=ada, text="secret")
    root = await workspace.post(channel=channel, user=ada, text="secret")
    reply = await workspace.post(channel=channel, user=ada, text="r", thread_ts=root)
    await workspace.delete(channel=channel, ts=lonely)
    await workspace.delete(channel=channel, ts=root)
    thread = await client.conversations_replies(channel=channel, ts=root)
    assert [m.get("subtype") for m in thread["messages"]] == ["tombstone", None]
    assert [m["ts"] for m in thread["messages"]] == [root, reply]
    assert "secret" not in str(workspace.messages(channel))
    assert [d.event["subtype"] for d in workspace.events[-2:]] == ["message_deleted", "message_changed"]


async def test_people_are_told_apart(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """users.info shows guests, bots and people from connected workspaces as such."""
    guest = workspace.add_user("Gus", guest=True)
    stranger = workspace.add_user("Sue", team_id="T0OTHER")
    robot = workspace.add_user("Rob", is_bot=True)
    users = [(await client.users_info(user=u))["user"] for u in (ada, guest, stranger, robot)]
    flags = [(u["is_restricted"], u["is_stranger"], u["is_bot"]) for u in users]
    assert flags == [
        (False, False, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]
    assert (await refusal(client.users_info(user="U404")))["error"] == "user_not_found"
    bot = (await client.bots_info(bot=workspace.bot_id))["bot"]
    assert (bot["user_id"], bot["app_id"]) == (workspace.bot_user_id, workspace.app_id)
    everybody = [u["id"] for u in (await client.users_list())["members"]]
    assert everybody == ["USLACKBOT", workspace.bot_user_id, ada, guest, stranger, robot]


async def test_channels_are_listed_by_kind_and_membership(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """users.conversations has what the bot is in, conversations.list every public channel besides."""
    dm = workspace.open_dm(ada)
    outside = workspace.add_channel("outside", members=[ada], bot_member=False)
    workspace.add_channel("closed", members=[ada], kind="private", bot_member=False)
    own = await client.users_conversations(types="public_channel,private_channel,im")
    every = await client.conversations_list(types="public_channel,private_channel,im")
    assert {c["id"] for c in own["channels"]} == {channel, dm}
    assert {c["id"] for c in every["channels"]} == {channel, dm, outside}
    info = (await client.conversations_info(channel=dm))["channel"]
    assert (info["is_im"], info["user"]) == (True, ada)
    members = await client.conversations_members(channel=channel)
    assert set(members["members"]) == {ada, workspace.bot_user_id}
    assert (await client.conversations_open(users=ada))["channel"]["id"] == dm


async def test_files_come_with_the_token_only(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """A download needs the Bearer token and files:read; else it is a login page with HTTP 200."""
    file = workspace.add_file(user=ada, name="a.txt", mimetype="text/plain", data=b"hello")
    await workspace.post(channel=channel, user=ada, text="look", files=[file])
    assert workspace.messages(channel)[0]["subtype"] == "file_share"
    headers = {"Authorization": f"Bearer {workspace.bot_token}"}

    async def download(headers: dict[str, str]) -> tuple[int, str, bytes]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(file["url_private_download"], headers=headers) as answer,
        ):
            return answer.status, answer.content_type, await answer.read()

    assert await download(headers) == (200, "text/plain", b"hello")
    assert (await download({}))[:2] == (200, "text/html")
    assert (await client.files_info(file=file["id"]))["file"]["size"] == 5
    workspace.scopes.discard("files:read")
    assert (await download(headers))[:2] == (200, "text/html")
    assert (await refusal(client.files_info(file=file["id"])))["error"] == "missing_scope"


async def test_a_hidden_file_is_an_id_until_it_is_looked_up(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """A check_file_info file shows no address in the post; files.info gives it."""
    file = workspace.add_file(
        user=ada, name="a.txt", mimetype="text/plain", data=b"x", access="check_file_info"
    )
    await workspace.post(channel=channel, user=ada, text="look", files=[file])
    (shown,) = workspace.messages(channel)[0]["files"]
    assert shown["file_access"] == "check_file_info"
    assert "url_private_download" not in shown
    full = (await client.files_info(file=file["id"]))["file"]
    assert full["url_private_download"] == file["url_private_download"]


async def test_the_three_steps_of_an_upload_post_the_file(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str, ada: str
) -> None:
    """The SDK's files_upload_v2 ends in a file_share post of the bot in the thread."""
    root = await workspace.post(channel=channel, user=ada, text="root")
    await client.files_upload_v2(
        channel=channel, thread_ts=root, filename="export.md", content="# Log", initial_comment="here"
    )
    post = workspace.messages(channel, root)[-1]
    assert (post["subtype"], post["text"], post["user"]) == ("file_share", "here", workspace.bot_user_id)
    assert workspace.file_data[post["files"][0]["id"]] == b"# Log"


async def test_an_upload_that_was_not_sent_cannot_be_completed(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """Completing needs the announced bytes, all of them."""
    step = await client.files_getUploadURLExternal(filename="a.bin", length=3)
    async with aiohttp.ClientSession() as session, session.post(step["upload_url"], data=b"xx") as answer:
        assert answer.status == 400
    call = client.files_completeUploadExternal(files=[{"id": step["file_id"]}], channel_id=channel)
    assert (await refusal(call))["error"] == "file_not_found"
    assert workspace.messages(channel) == []


async def test_the_home_tab_is_kept_per_person(
    workspace: slack.Slack, client: async_client.AsyncWebClient, ada: str
) -> None:
    """views.publish takes a home view of up to 100 valid blocks."""
    view: dict[str, Any] = {"type": "home", "blocks": [{"type": "divider"}]}
    await client.views_publish(user_id=ada, view=view)
    assert workspace.homes[ada]["blocks"] == [{"type": "divider"}]
    too_many = view | {"blocks": [{"type": "divider"}] * 101}
    assert (await refusal(client.views_publish(user_id=ada, view=too_many)))["error"] == "invalid_arguments"
    assert (await refusal(client.views_publish(user_id="U404", view=view)))["error"] == "user_not_found"
