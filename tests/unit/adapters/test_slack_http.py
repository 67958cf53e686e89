"""HTTP mode: only what Slack signed just now is read."""

import asyncio
import contextlib
import datetime as dt
import io
import json
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import slack_helpers
from aiohttp import test_utils, web
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import app, http
from emulators import slack

SECRET = "shh"
NOW = 1_790_000_000.0


def signed(body: bytes, timestamp: str = "1790000000", secret: str = SECRET) -> str:
    """The signature Slack would send, computed by the emulator."""
    return slack.signature(secret=secret, timestamp=timestamp, body=body)


def accepted(body: bytes, timestamp: str, signature: str) -> bool:
    """Whether the endpoint takes it at NOW."""
    return http.is_signed(body=body, timestamp=timestamp, signature=signature, secret=SECRET, now=NOW)


@pytest.mark.parametrize("age", [0, 299, -299])
def test_a_fresh_signature_is_accepted(age: int) -> None:
    """Five minutes either way are let pass, as clocks differ."""
    timestamp = str(int(NOW) - age)
    assert accepted(b"{}", timestamp, signed(b"{}", timestamp))


@pytest.mark.parametrize(
    ("timestamp", "signature"),
    [
        ("1789999699", signed(b"{}", "1789999699")),  # replayed after five minutes
        ("1790000301", signed(b"{}", "1790000301")),  # from the future
        ("1790000000", signed(b"{ }")),  # another body
        ("1790000000", signed(b"{}", secret="other")),
        ("1790000001", signed(b"{}")),  # another time
        ("soon", signed(b"{}", "soon")),
        ("", signed(b"{}", "")),
        ("1790000000.0", signed(b"{}", "1790000000.0")),
        ("-1790000000", signed(b"{}", "-1790000000")),
        ("１７９００００００００", signed(b"{}", "１７９００００００００")),  # noqa: RUF001 - digits to str.isdigit
        ("1790000000", ""),
        ("1790000000", "v0=é"),
    ],
)
def test_everything_else_is_refused(timestamp: str, signature: str) -> None:
    """A wrong, stale or unreadable signature is refused, and nothing raises."""
    assert not accepted(b"{}", timestamp, signature)


@given(body=st.binary(max_size=100), timestamp=st.text(max_size=20), signature=st.text(max_size=80))
def test_no_header_breaks_the_check(body: bytes, timestamp: str, signature: str) -> None:
    """Whatever a stranger sends, the answer is no."""
    assert not accepted(body, timestamp, signature)


@contextlib.asynccontextmanager
async def served(
    workspace: slack.Slack, intake: slack_helpers.Intake, *, ahead: dt.timedelta = dt.timedelta(0)
) -> AsyncIterator[tuple[app.Slack, str]]:
    """The adapter in HTTP mode, its host's clock so far ahead, and the address of its endpoint."""
    wall = slack_helpers.Time()
    wall.now = time.time()  # the emulator signs by the wall clock
    adapter = slack_helpers.adapter(workspace, intake=intake, time=wall, sockets=False, ahead=ahead)
    async with adapter:
        routes = web.Application()
        routes.router.add_post("/slack/events", adapter.handler)
        async with test_utils.TestServer(routes) as server:
            yield adapter, str(server.make_url("/slack/events"))


async def test_events_over_http() -> None:
    """Slack's challenge is answered, and its signed events are recorded before the 200."""
    intake = slack_helpers.Intake()
    async with slack.Slack() as workspace, served(workspace, intake) as (adapter, url):
        ada = workspace.add_user("Ada")
        channel = workspace.add_channel("general", members=[ada])
        await workspace.deliver_to(url)
        ts = await workspace.post(channel=channel, user=ada, text=f"<@{workspace.bot_user_id}> hello")
        await workspace.settled()
        assert [(ts, "hello", True)] == [(post.id, post.text, post.addressed) for post in intake.told]
        assert {"acknowledged"} == {delivery.status for delivery in workspace.events}
        assert adapter.healthy() is None


async def test_a_wrong_clock_of_the_host_turns_no_event_away() -> None:
    """How old a signature is is told by Slack's clock, which its answers bring along."""
    intake = slack_helpers.Intake()
    ahead = dt.timedelta(hours=1)
    async with slack.Slack() as workspace, served(workspace, intake, ahead=ahead) as (_, url):
        ada = workspace.add_user("Ada")
        await workspace.deliver_to(url)
        await workspace.post(channel=workspace.open_dm(ada), user=ada, text="hello")
        await workspace.settled()
        assert [post.text for post in intake.told] == ["hello"]


async def test_over_http_what_cannot_be_recorded_is_delivered_again() -> None:
    """A broken log answers 500, and the next attempt records the post."""
    intake = slack_helpers.Intake(broken=True)
    async with (
        slack.Slack(retry_delays=(0.01,) * 500) as workspace,
        served(workspace, intake) as (_, url),
    ):
        ada = workspace.add_user("Ada")
        await workspace.deliver_to(url)
        ts = await workspace.post(channel=workspace.open_dm(ada), user=ada, text="hello")
        await workspace.until(lambda workspace: workspace.events[-1].attempts >= 2)
        intake.broken = False
        await workspace.settled()
        assert [ts] == [post.id for post in intake.told]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {}, 401),  # not signed at all
        (b"{}", {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=0"}, 401),
        (b"x" * (http.MOST_BODY + 1), {}, 413),
    ],
)
async def test_strangers_are_turned_away(body: bytes, headers: dict[str, str], status: int) -> None:
    """An unsigned request is 401 and an oversized one 413, before any of it is parsed."""
    intake = slack_helpers.Intake()
    async with slack.Slack() as workspace, served(workspace, intake) as (_, url):
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=io.BytesIO(body), headers=headers) as answer,
        ):
            assert status == answer.status
        assert intake.told == []


async def test_a_body_without_a_length_is_cut_off() -> None:
    """A chunked body is not read beyond the cap."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(3 * http.MOST_BODY // 65_536):
            yield b"x" * 65_536
            await asyncio.sleep(0)

    async with (
        slack.Slack() as workspace,
        served(workspace, slack_helpers.Intake()) as (_, url),
        aiohttp.ClientSession() as session,
        session.post(url, data=endless()) as answer,
    ):
        assert answer.status == 413


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"payload=%7B"])
async def test_a_signed_body_that_is_no_json_is_a_bad_request(body: bytes) -> None:
    """Not even Slack's signature makes nonsense an error of ours."""
    async with slack.Slack() as workspace, served(workspace, slack_helpers.Intake()) as (_, url):
        timestamp = str(int(time.time()))
        headers = {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": slack.signature(
                secret=workspace.signing_secret, timestamp=timestamp, body=body
            ),
            "Content-Type": "application/json"
            if body != b"payload=%7B"
            else "application/x-www-form-urlencoded",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            assert answer.status == 400


async def test_what_is_no_event_is_acknowledged_and_left() -> None:
    """A signed request of a kind the app does not use is answered 200 and records nothing."""
    intake = slack_helpers.Intake()
    async with slack.Slack() as workspace, served(workspace, intake) as (_, url):
        timestamp, body = str(int(time.time())), json.dumps({"type": "block_actions"}).encode()
        headers = {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": slack.signature(
                secret=workspace.signing_secret, timestamp=timestamp, body=body
            ),
            "Content-Type": "application/json",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            assert answer.status == 200
        assert intake.told == []


async def test_an_event_that_names_no_workspace_is_of_the_tokens() -> None:
    """With one token there is one workspace, whose conversations have one id however an event is written."""
    intake = slack_helpers.Intake()
    async with slack.Slack() as workspace, served(workspace, intake) as (_, url):
        ada = workspace.add_user("Ada")
        dm = workspace.open_dm(ada)
        event = {"type": "message", "channel": dm, "user": ada, "text": "hello", "ts": "1790000000.000100"}
        timestamp, body = (
            str(int(time.time())),
            json.dumps({"type": "event_callback", "event": event}).encode(),
        )
        secret = workspace.signing_secret
        headers = {
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": slack.signature(secret=secret, timestamp=timestamp, body=body),
            "Content-Type": "application/json",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            assert answer.status == 200
        [post] = intake.told
        assert post.conversation == f"slack:{workspace.team_id}:{dm}:{event['ts']}"


async def test_no_timestamp_is_too_long_to_be_turned_away() -> None:
    """A header with more digits than Python reads as a number is refused like any other."""
    assert not http.is_signed(body=b"{}", timestamp="9" * 5000, signature="v0=", secret=SECRET, now=NOW)
