"""Events reach the unmodified slack-bolt over Socket Mode as Slack sends them, faults included."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from slack_bolt import async_app
from slack_bolt.adapter.socket_mode import async_handler
from slack_sdk import errors
from slack_sdk.web import async_client

from emulators import slack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from slack_bolt.request import async_request

PING_SECONDS = 0.2  # how soon the SDK notices a dead socket


@pytest.fixture
async def workspace() -> AsyncIterator[slack.Slack]:
    """The emulated workspace, served on loopback."""
    async with slack.Slack(retry_delays=(0.0, 0.1, 0.2), ack_seconds=0.5) as served:
        yield served


@pytest.fixture
def ada(workspace: slack.Slack) -> str:
    """A person of the workspace."""
    return workspace.add_user("Ada")


@pytest.fixture
def channel(workspace: slack.Slack, ada: str) -> str:
    """A public channel with Ada and the bot."""
    return workspace.add_channel("general", members=[ada])


class Bot:
    """A bolt app that keeps every body it is handed, before and after the acknowledgement."""

    def __init__(self, workspace: slack.Slack) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.headers: list[dict[str, Any]] = []
        self.refusals = 0  # how many requests to answer with 500, as a failing log would
        client = async_client.AsyncWebClient(
            token=workspace.bot_token, base_url=workspace.api_url, retry_handlers=[]
        )
        self.app = async_app.AsyncApp(client=client, signing_secret=workspace.signing_secret)
        self.app.use(self._keep)
        for kind in ("message", "app_mention"):
            # bolt answers 404, which is no acknowledgement, where no listener matches.
            self.app.event(kind)(self._listen)

    def types(self) -> list[str]:
        """The types of the events so far."""
        return [body["event"]["type"] for body in self.bodies]

    async def _listen(self, event: dict[str, Any]) -> None:
        assert event["type"] in {"message", "app_mention"}

    async def _keep(self, req: async_request.AsyncBoltRequest, next_: Callable[[], Awaitable[None]]) -> None:
        self.bodies.append(req.body)
        self.headers.append(dict(req.headers))
        if self.refusals:
            self.refusals -= 1
            raise RuntimeError("the log is not writable")
        await next_()


@contextlib.asynccontextmanager
async def connected(workspace: slack.Slack, bot: Bot, *, sockets: int = 1) -> AsyncIterator[None]:
    """The bot on this many Socket Mode connections."""
    handlers = [
        async_handler.AsyncSocketModeHandler(bot.app, workspace.app_token, ping_interval=PING_SECONDS)
        for _ in range(sockets)
    ]
    try:
        for handler in handlers:
            await handler.connect_async()  # type: ignore[no-untyped-call] # bolt leaves it untyped
        await workspace.connected(sockets)
        yield
    finally:
        for handler in handlers:
            await handler.close_async()  # type: ignore[no-untyped-call] # bolt leaves it untyped


@pytest.fixture
def bot(workspace: slack.Slack) -> Bot:
    """A bot that is not connected yet."""
    return Bot(workspace)


async def test_a_mention_arrives_twice_under_two_event_ids(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """A mention in a channel is a message and an app_mention of the same ts."""
    async with connected(workspace, bot):
        ts = await workspace.post(channel=channel, user=ada, text=f"<@{workspace.bot_user_id}> hello")
        await workspace.settled()
    assert sorted(bot.types()) == ["app_mention", "message"]
    assert {body["event"]["ts"] for body in bot.bodies} == {ts}
    assert len({body["event_id"] for body in bot.bodies}) == 2
    assert all(delivery.status == "acknowledged" for delivery in workspace.events)


async def test_a_mention_in_a_dm_is_a_message_only(workspace: slack.Slack, bot: Bot, ada: str) -> None:
    """app_mention is not sent for DMs."""
    dm = workspace.open_dm(ada)
    async with connected(workspace, bot):
        await workspace.post(channel=dm, user=ada, text=f"<@{workspace.bot_user_id}> hello")
        await workspace.settled()
    (body,) = bot.bodies
    assert (body["event"]["type"], body["event"]["channel_type"]) == ("message", "im")


async def test_the_bots_own_posts_come_back(workspace: slack.Slack, bot: Bot, channel: str) -> None:
    """A post of the bot is an event with its bot_id, and without its metadata."""
    metadata = {"event_type": "reply", "event_payload": {}}
    async with connected(workspace, bot):
        await bot.app.client.chat_postMessage(channel=channel, text="x", metadata=metadata)
        await workspace.settled()
    # bolt's own guard against self events stands before the app's middleware.
    assert bot.bodies == []
    (delivery,) = workspace.events
    assert delivery.event["bot_id"] == workspace.bot_id
    assert "metadata" not in delivery.event
    assert delivery.status == "acknowledged"


async def test_edits_unfurls_and_deletions_are_told_apart(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """An edit changes text and `edited`, a preview changes neither, a deletion names what is gone."""
    async with connected(workspace, bot):
        ts = await workspace.post(channel=channel, user=ada, text="see https://a.example/")
        await workspace.settled()
        await workspace.unfurl(channel=channel, ts=ts)
        await workspace.settled()
        await workspace.edit(channel=channel, ts=ts, text="changed")
        await workspace.settled()
        await workspace.delete(channel=channel, ts=ts)
        await workspace.settled()
    _, unfurl, edit, deletion = [body["event"] for body in bot.bodies]
    assert unfurl["message"]["text"] == unfurl["previous_message"]["text"]
    assert "edited" not in unfurl["message"]
    assert edit["message"]["text"] == "changed"
    assert edit["message"]["edited"]["user"] == ada
    assert (deletion["subtype"], deletion["deleted_ts"]) == ("message_deleted", ts)


async def test_a_mention_added_by_an_edit_is_an_app_mention(
    workspace: slack.Slack, channel: str, ada: str
) -> None:
    """The edit that first mentions the bot mentions it; a later one does not do so again."""
    ts = await workspace.post(channel=channel, user=ada, text="hello")
    for text in ("oh <@{}> hello", "ah <@{}> hello"):
        await workspace.edit(channel=channel, ts=ts, text=text.format(workspace.bot_user_id))
    types = [delivery.event["type"] for delivery in workspace.events]
    assert types == ["message", "message", "app_mention", "message"]


async def test_subscriptions_scopes_and_membership_decide_what_is_sent(
    workspace: slack.Slack, ada: str
) -> None:
    """Without subscription, scope or membership there is no event."""
    outside = workspace.add_channel("outside", members=[ada], bot_member=False)
    private = workspace.add_channel("private", members=[ada], kind="private")
    dm = workspace.open_dm(ada)
    workspace.subscriptions.discard("message.im")
    workspace.scopes.discard("groups:history")
    for place in (outside, private, dm):
        await workspace.post(channel=place, user=ada, text="hello")
    assert workspace.events == []


async def test_other_bots_and_strangers_are_recognisable(workspace: slack.Slack, channel: str) -> None:
    """Another bot's post has its bot_id, a stranger's its own team, and the envelope says shared."""
    robot = workspace.add_user("Rob", is_bot=True)
    stranger = workspace.add_user("Sue", team_id="T0OTHER")
    await workspace.post(channel=channel, user=robot, text="beep")
    await workspace.post(channel=channel, user=stranger, text="hi")
    beep, greeting = workspace.events
    assert beep.event["bot_id"] not in {None, workspace.bot_id}
    assert greeting.event["user_team"] == "T0OTHER"
    assert greeting.body["is_ext_shared_channel"] is True


async def test_an_event_that_fails_is_sent_again(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """A middleware that raises gives no ack, and Slack comes back with the same event_id."""
    bot.refusals = 1
    async with connected(workspace, bot):
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    first, second = bot.bodies
    assert first["event_id"] == second["event_id"]
    assert [headers.get("x-slack-retry-num") for headers in bot.headers] == [["0"], ["1"]]
    assert bot.headers[1]["x-slack-retry-reason"] == ["timeout"]
    assert workspace.events[0].attempts == 2


async def test_an_event_nobody_hears_is_lost_but_can_be_read(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """With no socket open, Slack gives up after its retries; the channel's history still has the post."""
    ts = await workspace.post(channel=channel, user=ada, text="hello")
    await workspace.settled()
    assert [(d.status, d.attempts) for d in workspace.events] == [("lost", 4)]
    history = await bot.app.client.conversations_history(channel=channel)
    assert [m["ts"] for m in history["messages"]] == [ts]


async def test_a_socket_opened_in_time_gets_the_retry(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """An event sent while nothing was connected arrives with a later attempt."""
    workspace.deliveries.retry_delays = (0.0, 1.0)
    await workspace.post(channel=channel, user=ada, text="hello")
    await workspace.until(lambda w: w.events[0].attempts == 2)
    async with connected(workspace, bot):
        await workspace.settled()
    assert [(d.status, d.attempts) for d in workspace.events] == [("acknowledged", 3)]


async def test_duplicates_carry_one_event_id(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """A duplicated event is the same event in another envelope."""
    workspace.faults.duplicate = 3
    async with connected(workspace, bot):
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    assert len(bot.bodies) == 3
    assert len({body["event_id"] for body in bot.bodies}) == 1
    assert len({delivery.envelope_id for delivery in workspace.events}) == 3


async def test_a_lost_acknowledgement_brings_the_event_again(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """When Slack does not see an ack, an event that was handled comes once more."""
    workspace.faults.lose_acks = 1
    async with connected(workspace, bot):
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    assert len(bot.bodies) == 2


async def test_events_can_be_reordered_and_held(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """Reordering reverses the next events; held ones wait for their release."""
    async with connected(workspace, bot):
        workspace.faults.reorder(3)
        posted = [await workspace.post(channel=channel, user=ada, text=str(n)) for n in range(3)]
        await workspace.settled()
        assert [body["event"]["ts"] for body in bot.bodies] == list(reversed(posted))
        workspace.faults.hold()
        await workspace.post(channel=channel, user=ada, text="held")
        with pytest.raises(slack.NotReachedError, match="pending"):
            await workspace.settled(timeout_seconds=0.05)
        assert len(bot.bodies) == 3
        workspace.faults.release()
        await workspace.settled()
    assert bot.bodies[-1]["event"]["text"] == "held"


@pytest.mark.parametrize("kind", ["refresh", "warning", "link_disabled", "abort", "silent"])
async def test_the_sdk_comes_back_after_every_kind_of_disconnect(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str, kind: str
) -> None:
    """Whatever ends a socket, slack_sdk opens another one and events arrive over it."""
    async with connected(workspace, bot):
        (old,) = workspace.sockets.open_connections()
        await workspace.disconnect_sockets(kind)
        await workspace.until(lambda w: any(c is not old for c in w.sockets.open_connections()))
        await workspace.until(lambda w: old not in w.sockets.connections)
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    assert bot.types() == ["message"]


async def test_events_are_spread_over_the_sockets(
    workspace: slack.Slack, bot: Bot, channel: str, ada: str
) -> None:
    """With two connections each envelope goes to one of them, and both get some."""
    async with connected(workspace, bot, sockets=2):
        used = set()
        for number in range(12):
            before = {c: c.sent for c in workspace.sockets.open_connections()}
            await workspace.post(channel=channel, user=ada, text=str(number))
            await workspace.settled()
            (grown,) = [c for c, sent in before.items() if c.sent > sent]
            used.add(grown)
    assert len(bot.bodies) == 12
    assert len(used) == 2


async def test_the_eleventh_socket_is_turned_away(workspace: slack.Slack) -> None:
    """Ten connections are served; the next is told too_many_websockets and closed."""
    client = async_client.AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
    async with aiohttp.ClientSession() as session, contextlib.AsyncExitStack() as stack:
        for _ in range(10):
            url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
            socket = await stack.enter_async_context(session.ws_connect(url))
            assert (await socket.receive_json())["type"] == "hello"
        url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
        async with session.ws_connect(url) as extra:
            assert (await extra.receive_json())["reason"] == "too_many_websockets"
            assert (await extra.receive()).type is aiohttp.WSMsgType.CLOSE


async def test_a_ticket_opens_one_socket_and_needs_the_app_token(workspace: slack.Slack) -> None:
    """apps.connections.open takes the app-level token; its address works once."""
    client = async_client.AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
    with pytest.raises(errors.SlackApiError) as raised:
        await client.apps_connections_open(app_token=workspace.bot_token)
    assert raised.value.response["error"] == "not_allowed_token_type"
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
    async with aiohttp.ClientSession() as session:
        async with session.ws_connect(url) as socket:
            assert (await socket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_what_acknowledges_nothing_is_kept_as_stray(workspace: slack.Slack) -> None:
    """A frame that is no acknowledgement, or of an unknown envelope, is found by tests."""
    client = async_client.AsyncWebClient(base_url=workspace.api_url, retry_handlers=[])
    url = (await client.apps_connections_open(app_token=workspace.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        await socket.send_str("hello")
        await socket.send_json({"envelope_id": "unknown"})
        await workspace.until(lambda w: len(w.sockets.stray) == 2)


async def test_joining_and_reacting_are_events_too(workspace: slack.Slack, channel: str, ada: str) -> None:
    """A join is a channel_join message and member_joined_channel; a reaction names the post."""
    bob = workspace.add_user("Bob")
    await workspace.join(channel=channel, user=bob)
    ts = await workspace.post(channel=channel, user=bob, text="hi")
    await workspace.react_to(channel=channel, ts=ts, user=ada, name="eyes")
    seen = [(d.event["type"], d.event.get("subtype")) for d in workspace.events]
    assert seen == [
        ("message", "channel_join"),
        ("member_joined_channel", None),
        ("message", None),
        ("reaction_added", None),
    ]


async def test_an_uninstalled_app_is_told_and_shut_out(workspace: slack.Slack, bot: Bot) -> None:
    """Removing the app sends both events and ends its token."""
    await workspace.uninstall()
    assert [d.event["type"] for d in workspace.events] == ["tokens_revoked", "app_uninstalled"]
    with pytest.raises(errors.SlackApiError) as raised:
        await bot.app.client.auth_test()
    assert raised.value.response["error"] == "account_inactive"


async def test_an_undelivered_post_changes_the_channel_only(
    workspace: slack.Slack, channel: str, ada: str
) -> None:
    """deliver=False is a post whose event never comes."""
    await workspace.post(channel=channel, user=ada, text="hello", deliver=False)
    assert (len(workspace.messages(channel)), workspace.events) == (1, [])
