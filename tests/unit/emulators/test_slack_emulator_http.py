"""The Events API over HTTP, interactions, response_url, call faults and the control endpoints."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import sys
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from slack_bolt import async_app
from slack_sdk import errors
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.web import async_client

from emulators import slack

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable


@pytest.fixture
async def workspace() -> AsyncIterator[slack.Slack]:
    """The emulated workspace, served on loopback."""
    async with slack.Slack(retry_delays=(0.0, 0.05, 0.05), ack_seconds=0.5) as served:
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


@pytest.fixture
def app(workspace: slack.Slack, client: async_client.AsyncWebClient) -> async_app.AsyncApp:
    """A bolt app for HTTP."""
    return async_app.AsyncApp(client=client, signing_secret=workspace.signing_secret)


@contextlib.asynccontextmanager
async def serving(handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> AsyncIterator[str]:
    """An app's request URL on loopback."""
    server = web.Application()
    server.router.add_post("/slack/events", handler)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


@contextlib.asynccontextmanager
async def mounted(app: async_app.AsyncApp) -> AsyncIterator[str]:
    """The bolt app's own aiohttp server."""
    runner = web.AppRunner(app.web_app("/slack/events"), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    finally:
        await runner.cleanup()


async def error_of(call: Awaitable[Any]) -> Any:
    """Slack's refusal of a call."""
    with pytest.raises(errors.SlackApiError) as raised:
        await call
    return raised.value.response


async def test_signed_events_reach_bolt_over_http(
    workspace: slack.Slack, app: async_app.AsyncApp, channel: str, ada: str
) -> None:
    """Bolt passes the challenge, accepts the signature and gets the event."""
    heard: list[str] = []

    @app.event("message")
    async def hear(event: dict[str, Any]) -> None:
        heard.append(event["text"])
        workspace.changed.ring()

    async with mounted(app) as url:
        await workspace.deliver_to(url)
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
        await workspace.until(lambda _w: heard == ["hello"])
    assert workspace.events[0].status == "acknowledged"


async def test_a_wrong_signature_is_told_by_bolt(workspace: slack.Slack, app: async_app.AsyncApp) -> None:
    """The emulator's signature is the one bolt computes: with another secret, or old, bolt says 401."""
    body = json.dumps({"type": "url_verification", "challenge": "c"}).encode()

    async def status(url: str, *, secret: str, age: int) -> int:
        stamp = str(int(time.time()) - age)
        headers = {
            "Content-Type": "application/json",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": slack.signature(secret=secret, timestamp=stamp, body=body),
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, headers=headers) as answer,
        ):
            return answer.status

    async with mounted(app) as url:
        assert await status(url, secret=workspace.signing_secret, age=0) == 200
        assert await status(url, secret="another", age=0) == 401
        assert await status(url, secret=workspace.signing_secret, age=301) == 401


async def test_http_retries_say_which_and_why(workspace: slack.Slack, channel: str, ada: str) -> None:
    """Failing answers bring the event again with number and reason, three times at most."""
    seen: list[tuple[str | None, str | None]] = []

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        if "challenge" in body:
            return web.Response(text=body["challenge"])
        headers = request.headers
        seen.append((headers.get("X-Slack-Retry-Num"), headers.get("X-Slack-Retry-Reason")))
        return web.Response(status=500)

    async with serving(handle) as url:
        await workspace.deliver_to(url)
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    assert seen == [(None, None), ("1", "http_error"), ("2", "http_error"), ("3", "http_error")]
    assert workspace.events[0].status == "lost"


async def test_no_retry_ends_the_attempts(workspace: slack.Slack, channel: str, ada: str) -> None:
    """x-slack-no-retry on a failing answer stops Slack."""

    async def handle(request: web.Request) -> web.Response:
        body = await request.json()
        if "challenge" in body:
            return web.json_response({"challenge": body["challenge"]})
        return web.Response(status=500, headers={"X-Slack-No-Retry": "1"})

    async with serving(handle) as url:
        await workspace.deliver_to(url)
        await workspace.post(channel=channel, user=ada, text="hello")
        await workspace.settled()
    assert (workspace.events[0].status, workspace.events[0].attempts) == ("lost", 1)


async def test_a_url_that_does_not_answer_the_challenge_is_refused(workspace: slack.Slack) -> None:
    """deliver_to verifies the request URL first."""

    async def handle(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    async with serving(handle) as url:
        with pytest.raises(slack.VerificationError):
            await workspace.deliver_to(url)


async def test_a_command_is_answered_by_ack_and_by_response_url(
    workspace: slack.Slack, app: async_app.AsyncApp, channel: str, ada: str
) -> None:
    """The ack's text and what respond() sends are seen by the person alone, five times at most."""
    statuses: list[int] = []

    @app.command("/usage")
    async def usage(ack: Any, respond: Any) -> None:
        await ack("counting")
        statuses.extend([(await respond(text=f"part {n}")).status_code for n in range(6)])
        workspace.changed.ring()

    async with mounted(app) as url:
        await workspace.deliver_to(url)
        await workspace.command(channel=channel, user=ada, command="/usage")
        await workspace.until(lambda _w: len(statuses) == 6)
        await workspace.settled()
    assert statuses == [200] * 5 + [404]
    assert {e["user"] for e in workspace.ephemerals} == {ada}
    assert sorted(e["text"] for e in workspace.ephemerals) == ["counting", *(f"part {n}" for n in range(5))]
    assert workspace.messages(channel) == []


async def test_a_command_nobody_takes_is_not_repeated(workspace: slack.Slack, channel: str, ada: str) -> None:
    """Only events are retried; a command that is not acknowledged has failed."""
    delivery = await workspace.command(channel=channel, user=ada, command="/usage")
    await workspace.settled()
    assert (delivery.status, delivery.attempts) == ("lost", 1)


async def test_a_button_must_be_shown_to_be_pressed(
    workspace: slack.Slack,
    app: async_app.AsyncApp,
    client: async_client.AsyncWebClient,
    channel: str,
    ada: str,
) -> None:
    """Pressing what a post shows reaches the app with its value; what is not shown cannot be pressed."""
    pressed: list[str] = []

    @app.action("retry")
    async def retry(ack: Any, action: dict[str, Any], respond: Any) -> None:
        await ack()
        pressed.append(action["value"])
        await respond(text="again", replace_original=True)

    button: dict[str, Any] = {"type": "button", "action_id": "retry", "value": "t1"}
    button |= {"text": {"type": "plain_text", "text": "Retry"}}
    block: dict[str, Any] = {"type": "actions", "elements": [button]}
    ts = (await client.chat_postMessage(channel=channel, text="failed", blocks=[block]))["ts"]
    async with mounted(app) as url:
        await workspace.deliver_to(url)
        await workspace.button(channel=channel, ts=ts, user=ada, action_id="retry")
        await workspace.until(lambda w: w.shown(channel, ts) == "again")
    assert pressed == ["t1"]
    with pytest.raises(LookupError, match="retry"):
        await workspace.button(channel=channel, ts=ts, user=ada, action_id="retry")


async def test_shortcuts_open_a_modal_within_three_seconds(
    workspace: slack.Slack, app: async_app.AsyncApp, channel: str, ada: str
) -> None:
    """A message shortcut brings the post and a trigger that opens one modal, whose values come back."""
    view = {
        "type": "modal",
        "callback_id": "model",
        "title": {"type": "plain_text", "text": "Model"},
        "blocks": [],
    }
    codes: list[str] = []
    values: list[Any] = []

    @app.shortcut("settings")
    async def settings(ack: Any, body: dict[str, Any], client: async_client.AsyncWebClient) -> None:
        await ack()
        codes.append(body["message"]["text"])
        await client.views_open(trigger_id=body["trigger_id"], view=view)
        codes.append((await error_of(client.views_open(trigger_id=body["trigger_id"], view=view)))["error"])

    @app.view("model")
    async def submit(ack: Any, view: dict[str, Any]) -> None:
        await ack()
        values.append(view["state"]["values"])
        workspace.changed.ring()

    ts = await workspace.post(channel=channel, user=ada, text="hello")
    async with mounted(app) as url:
        await workspace.deliver_to(url)
        await workspace.shortcut(user=ada, callback_id="settings", channel=channel, ts=ts)
        await workspace.until(lambda w: len(w.modals) == 1 and len(w.called("views.open")) == 2)
        view_id = next(iter(workspace.modals))
        await workspace.submit_view(user=ada, view_id=view_id, values={"b": {"a": {"value": "x"}}})
        await workspace.until(lambda _w: len(values) == 1)
    assert values == [{"b": {"a": {"value": "x"}}}]
    assert codes[0] == "hello"
    assert workspace.called("views.open")[1].error == "expired_trigger_id"


async def test_opening_the_app_is_an_event(workspace: slack.Slack, ada: str) -> None:
    """app_home_opened names tab and DM, and brings the published view on the Home tab."""
    await workspace.open_home(ada, tab="messages")
    event = workspace.events[0].event
    assert (event["type"], event["tab"]) == ("app_home_opened", "messages")
    assert event["channel"] == workspace.open_dm(ada)


async def test_rate_limits_and_errors_on_command(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """A planned fault meets its method only, as often as planned, and leaves no post."""
    workspace.fail(slack.Fault(method="chat.postMessage", kind="ratelimited", retry_after=7))
    workspace.fail(slack.Fault(method="chat.postMessage", kind="error", error="fatal_error"))
    workspace.fail(slack.Fault(method="chat.*", kind="http", status=503))
    await client.auth_test()
    limited = await error_of(client.chat_postMessage(channel=channel, text="x"))
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert (await error_of(client.chat_postMessage(channel=channel, text="x")))["error"] == "fatal_error"
    assert (await error_of(client.chat_postMessage(channel=channel, text="x"))).status_code == 503
    assert workspace.messages(channel) == []
    await client.chat_postMessage(channel=channel, text="x")
    assert len(workspace.messages(channel)) == 1


async def test_a_lost_response_leaves_the_post(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """After lose_response the caller knows nothing and the post is there; after lose_request it is not."""
    for kind, posts in (("lose_request", 0), ("lose_response", 1)):
        workspace.fail(slack.Fault(method="chat.postMessage", kind=kind))
        with pytest.raises(aiohttp.ClientConnectionError):
            await client.chat_postMessage(channel=channel, text="x")
        assert len(workspace.messages(channel)) == posts


async def test_the_sdks_default_retry_posts_twice(workspace: slack.Slack, channel: str) -> None:
    """The SDK's own connection retry repeats a post whose answer was lost: the trap our bot must avoid."""
    client = async_client.AsyncWebClient(
        token=workspace.bot_token,
        base_url=workspace.api_url,
        retry_handlers=[AsyncConnectionErrorRetryHandler()],
    )
    workspace.fail(slack.Fault(method="chat.postMessage", kind="lose_response"))
    await client.chat_postMessage(channel=channel, text="x")
    assert len(workspace.messages(channel)) == 2


async def test_a_held_call_waits_for_its_release(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """A hold stops a call before its effect, or with `effect` before its answer, without any sleep."""
    for effect, posts in ((False, 0), (True, 2)):
        held = workspace.fail(slack.Fault(method="chat.postMessage", kind="hold", effect=effect))
        call = asyncio.create_task(client.chat_postMessage(channel=channel, text="x"))
        await held.reached()
        await workspace.until(lambda w, posts=posts: len(w.messages(channel)) == posts)  # type: ignore[misc] # mypy does not infer a lambda's default
        assert not call.done()
        held.release()
        assert (await call)["ok"] is True


async def test_a_fault_can_pick_its_call(
    workspace: slack.Slack, client: async_client.AsyncWebClient, channel: str
) -> None:
    """`match` sees the arguments; an unknown kind of fault is a mistake of the test."""
    fault = slack.Fault(kind="error", error="fatal_error", match=lambda args: args.get("text") == "b")
    workspace.fail(fault)
    await client.chat_postMessage(channel=channel, text="a")
    assert (await error_of(client.chat_postMessage(channel=channel, text="b")))["error"] == "fatal_error"
    with pytest.raises(ValueError, match="unknown kind"):
        slack.Fault(kind="gremlin")


async def test_a_failed_wait_says_where_things_stand(workspace: slack.Slack) -> None:
    """until() ends with a readable error that holds figures and method names."""
    with pytest.raises(slack.NotReachedError, match="0 sockets open, 0 posts"):
        await workspace.until(lambda w: len(w.calls) > 0, timeout_seconds=0.01)


async def test_the_workspace_runs_in_a_process_of_its_own() -> None:
    """`python -m emulators.slack` tells its address and tokens and is steered over /_emulator/."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulators.slack", "--retry-delays", "0", stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        told = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession(base_url=told["url"]) as session:

            async def do(deed: str, status: int = 200, **args: Any) -> Any:
                async with session.post(f"/_emulator/{deed}", json=args) as answer:
                    assert answer.status == status
                    return (await answer.json()).get("result")

            async def read(name: str) -> Any:
                async with session.get(f"/_emulator/{name}") as answer:
                    return (await answer.json())["result"]

            ada = await do("add_user", name="Ada")
            channel = await do("add_channel", name="general", members=[ada])
            data = base64.b64encode(b"hello").decode()
            file = await do("add_file", user=ada, name="a.txt", mimetype="text/plain", data=data)
            ts = await do("post", channel=channel, user=ada, text="hello", files=[file])
            await do("edit", channel=channel, ts=ts, text="changed")
            await do("fail", method="auth.test", kind="error", error="fatal_error")
            client = async_client.AsyncWebClient(
                token=told["bot_token"], base_url=told["api_url"], retry_handlers=[]
            )
            assert (await error_of(client.auth_test()))["error"] == "fatal_error"
            await do("settled")
            assert [m["text"] for m in await do("messages", channel=channel)] == ["changed"]
            assert [c["method"] for c in await read("calls")] == ["auth.test"]
            assert [e["status"] for e in await read("events")] == ["lost", "lost"]
            assert (await read("info"))["bot_user_id"] == told["bot_user_id"]
            await do("set", streaming_allowed=False)
            await do("event_faults", duplicate=2, hold=True)
            await do("steal", status=400)
            await do("post", status=400, channel="C404", user=ada, text="x")
    finally:
        process.terminate()
        assert await process.wait() == 0
