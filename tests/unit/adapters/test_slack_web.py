"""Calls of the Web API: outcomes told apart, waits bounded."""

import asyncio
import contextlib
import functools
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
import slack_helpers
from aiohttp import test_utils
from aiohttp import web as aiohttp_web
from slack_sdk.web import async_client

from adapters.slack import address, names, posts, reader, web
from bot import errors
from emulators import slack


@contextlib.asynccontextmanager
async def api(url: str, token: str, time: slack_helpers.Time) -> AsyncIterator[web.Web]:
    """The Web API at this address."""
    async with aiohttp.ClientSession() as session:
        client = async_client.AsyncWebClient(token=token, base_url=url, session=session, retry_handlers=[])
        yield web.Web(client=client, clock=time, sleep=time.sleep)


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[tuple[slack.Slack, web.Web, slack_helpers.Time]]:
    """A workspace and its Web API."""
    time = slack_helpers.Time()
    async with (
        slack.Slack(clock=time) as workspace,
        api(workspace.api_url, workspace.bot_token, time) as calls,
    ):
        yield workspace, calls, time


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (slack.Fault(kind="error", error="channel_not_found"), web.Gone),
        (slack.Fault(kind="error", error="not_in_channel"), web.Refused),
        (slack.Fault(kind="error", error="invalid_auth"), web.Shut),
        (slack.Fault(kind="error", error="ratelimited"), web.Busy),
        (slack.Fault(kind="ratelimited", retry_after=7), web.Busy),
        (slack.Fault(kind="error", error="internal_error"), web.Unknown),
        (slack.Fault(kind="http", status=502), web.Unknown),
        (slack.Fault(kind="lose_response"), web.Unknown),
        (slack.Fault(kind="lose_request"), web.Unknown),
    ],
)
async def test_outcomes(fault: slack.Fault, expected: type[errors.PlatformError]) -> None:
    """Each way a call can end has its own error, and the core sees the ones it knows."""
    passing = errors.PlatformUnavailable
    async with connected() as (workspace, calls, _):
        workspace.fail(fault)
        with pytest.raises(expected) as raised:
            await calls.call("auth.test", patience=0)
        assert expected is type(raised.value)
        core = {web.Gone: errors.PostGone, web.Refused: errors.MayNotPost}
        assert isinstance(raised.value, next((core[each] for each in core if each is expected), passing))


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_a_method_that_is_not_there_is_not_waited_for(status: int) -> None:
    """A server without a method that the bot can spare says so by HTTP alone; a post is still tried again."""
    async with connected() as (workspace, calls, _):
        workspace.fail(slack.Fault(kind="http", status=status, times=2))
        with pytest.raises(web.Refused) as raised:
            await calls.call("users.info", user="U1", patience=60)
        assert raised.value.code == "unknown_method"
        with pytest.raises(web.Unknown):
            await calls.call("chat.postMessage", channel="C1", text="x", patience=0)


async def test_a_yes_without_a_stream_is_none() -> None:
    """A stand-in that says yes to every method has no streams: it names none that it began."""
    server = test_utils.TestServer(aiohttp_web.Application())
    server.app.router.add_post("/{method}", yes)
    async with server, api(str(server.make_url("/")), "xoxb-1", time := slack_helpers.Time()) as calls:
        spot = address.Address(channel="C1", thread="1.0", user_team="T1")
        made = posts.Posts(
            api=calls,
            reading=reader.Reader(api=calls, clock=time),
            spot=spot,
            rules=slack_helpers.RULES,
            reply="r1",
            asker="U1",
            is_known=never,
            sleep=time.sleep,
        )
        with pytest.raises(web.Refused, match="unknown_method"):
            await made.start_stream(part=0, after="1.0", patience=5)


async def yes(_request: aiohttp_web.Request) -> aiohttp_web.Response:
    """Whatever it is."""
    return aiohttp_web.json_response({"ok": True})


async def never(_ts: str) -> bool:
    """Nothing is known."""
    return False


async def test_no_connection_means_nothing_was_done() -> None:
    """A refused connection is told apart from a lost answer: repeating is safe."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/api/"
        async with api(url, "xoxb-1", slack_helpers.Time()) as calls:
            with pytest.raises(web.Unreached):
                await calls.call("auth.test", patience=0)


async def test_what_may_be_repeated_is() -> None:
    """Faults are waited out with growing pauses, a rate limit for as long as Slack asks."""
    async with connected() as (workspace, calls, time):
        workspace.fail(slack.Fault(kind="http", times=3))
        workspace.fail(slack.Fault(kind="ratelimited", retry_after=9))
        before = time.now
        await calls.call("auth.test", patience=60)
        assert pytest.approx(time.now - before) == 9 + 0.2 + 0.5 + 1
        assert len(workspace.called("auth.test")) == 5


async def test_a_post_is_not_repeated_after_an_unknown_outcome() -> None:
    """A call that may not be repeated is tried again only when it was surely not carried out."""
    async with connected() as (workspace, calls, _):
        dm = workspace.open_dm(workspace.add_user("Ada"))
        workspace.fail(slack.Fault(kind="ratelimited", method="chat.postMessage"))
        workspace.fail(slack.Fault(kind="lose_response", method="chat.postMessage"))
        with pytest.raises(web.Unknown):
            await calls.call("chat.postMessage", repeatable=False, patience=60, channel=dm, text="once")
        assert len(workspace.messages(dm)) == 1


async def test_waits_are_bounded() -> None:
    """Slack asking for an hour is not waited for: the call ends within its patience."""
    async with connected() as (workspace, calls, time):
        workspace.fail(slack.Fault(kind="ratelimited", retry_after=3600, times=100))
        before = time.now
        with pytest.raises(web.Busy):
            await calls.call("auth.test", patience=150)
        assert time.now - before <= 150


async def test_names_are_kept_within_bounds() -> None:
    """A name is asked once while fresh, many askers share a question, and old names give way."""
    async with connected() as (workspace, calls, time):
        people = [workspace.add_user(f"Person {number}", display_name="") for number in range(3)]
        known = names.Names(api=calls, clock=time, team=workspace.team_id)
        assert (await known.look_up(people))[people[0]] == "Person 0"
        await known.look_up(people)
        assert len(workspace.called("users.info")) == 3
        time.now += names.FRESH_SECONDS + 1
        workspace.fail(slack.Fault(kind="http", method="users.info", times=3))
        assert (await known.look_up(people))[people[0]] == "Person 0"  # better stale than an id
        assert known.known("U404") is None
        assert await known.look_up(["U404"]) == {}
        await known.close()


@pytest.mark.parametrize(("code", "guest"), [("unknown_method", False), ("missing_scope", True)])
async def test_only_slack_itself_can_refuse_to_say_who_is_a_guest(code: str, *, guest: bool) -> None:
    """Where Slack will not say, somebody counts as a guest; a stand-in without the method has no guests."""
    async with connected() as (workspace, calls, time):
        ada = workspace.add_user("Ada")
        workspace.fail(slack.Fault(kind="error", method="users.info", error=code))
        known = names.Names(api=calls, clock=time, team=workspace.team_id)
        assert await known.people([ada]) == {ada: names.Person(name="", guest=guest)}
        await known.close()


@pytest.mark.parametrize("code", ["invalid_auth", "team_added_to_org", "org_login_required"])
async def test_a_refusal_of_the_moment_makes_nobody_a_guest(code: str) -> None:
    """Where Slack refuses the token and not the person, it is not known who they are, and asked again."""
    async with connected() as (workspace, calls, time):
        ada = workspace.add_user("Ada")
        workspace.fail(slack.Fault(kind="error", method="users.info", error=code))
        known = names.Names(api=calls, clock=time, team=workspace.team_id)
        assert await known.people([ada]) == {}
        assert (await known.people([ada]))[ada].guest is False
        await known.close()


async def test_who_yields_goes_last() -> None:
    """Of those who wait for one limit, who can wait lets the others go first."""
    async with connected() as (workspace, calls, _):
        workspace.fail(slack.Fault(kind="ratelimited", method="conversations.replies", retry_after=30))
        order: list[str] = []

        async def ask(name: str, *, yields: bool) -> None:
            with contextlib.suppress(web.Refused):
                await calls.call("conversations.replies", channel="C1", ts="1.0", patience=60, yields=yields)
            order.append(name)

        await asyncio.gather(ask("catching up", yields=True), ask("an answer", yields=False))
        assert order == ["an answer", "catching up"]


async def test_a_wait_that_slack_asks_for_holds_for_every_caller() -> None:
    """Who comes before it is over is told so without a call; what is limited apart goes on."""
    async with connected() as (workspace, calls, time):
        workspace.fail(slack.Fault(kind="ratelimited", method="conversations.replies", retry_after=30))
        asked = functools.partial(calls.call, "conversations.replies", channel="C1", ts="1.0", patience=0)
        with pytest.raises(web.Busy):
            await asked()
        with pytest.raises(web.Busy) as raised:
            await asked(channel="C2")
        assert 0 < raised.value.retry_after <= 30
        await calls.call("auth.test", patience=0)
        assert len(workspace.called("conversations.replies")) == 1
        time.now += 31
        with pytest.raises(web.Refused):
            await asked()


async def test_a_limited_channel_holds_up_no_other() -> None:
    """Posts are limited by channel: where one has to wait, the next one is posted at once."""
    async with connected() as (workspace, calls, _):
        slow, quick = (workspace.add_channel(name, members=[]) for name in ("slow", "quick"))
        workspace.fail(slack.Fault(kind="ratelimited", method="chat.postMessage", retry_after=30))
        for _ in range(2):
            with pytest.raises(web.Busy):
                await calls.call("chat.postMessage", channel=slow, text="one", patience=0)
        await calls.call("chat.postMessage", channel=quick, text="two", patience=0)
        assert len(workspace.called("chat.postMessage")) == 2


async def test_a_long_wait_is_honoured() -> None:
    """Told to wait an hour, nobody calls before it is over, however often it is tried; then it is called."""
    async with connected() as (workspace, calls, time):
        channel = workspace.add_channel("general", members=[workspace.add_user("Ada")])
        began = time.now
        workspace.fail(slack.Fault(kind="ratelimited", method="chat.postMessage", retry_after=3_500))
        while time.now < began + 3_400:
            with pytest.raises(web.Busy) as busy:
                await calls.call("chat.postMessage", patience=60.0, channel=channel, text="x")
            assert busy.value.wait > 0
            time.now += 60.0
        assert len(workspace.called("chat.postMessage")) == 1
        time.now = began + 3_501
        await calls.call("chat.postMessage", patience=0.0, channel=channel, text="x")


def test_a_refusal_is_told_in_a_sentence() -> None:
    """What a person is told of what Slack refuses is not how the class is described."""
    assert web.Refused("chat.postMessage", "restricted_action").sentence == errors.MayNotPost().sentence
