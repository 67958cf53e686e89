"""Streaming, faults, stop reasons and the plain endpoints, seen through the unmodified SDK."""

import asyncio
import io
import json
import pathlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import httpx2
import pytest

from emulators import claude

ROOT = pathlib.Path(__file__).parents[3]
ASK: dict[str, Any] = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 1000,
    "messages": [{"role": "user", "content": "Hello"}],
}
TEXT = "The quick brown fox jumps over the lazy dog, and then it does so again."
TOOL: dict[str, Any] = {"name": "recall", "input_schema": {"type": "object", "properties": {}}}


@pytest.fixture
async def api() -> AsyncIterator[claude.Claude]:
    """Run one emulator that says TEXT."""
    async with claude.Claude() as server:
        server.answer = lambda _: TEXT
        yield server


@pytest.fixture
async def client(api: claude.Claude) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Connect the real client, without retries."""
    async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as real:
        yield real


async def streamed(client: anthropic.AsyncAnthropic, **fields: Any) -> anthropic.types.Message:
    """Stream one answer to its end."""
    async with client.messages.stream(**{**ASK, **fields}) as stream:
        return await stream.get_final_message()


async def test_a_stream_tells_the_same_as_a_plain_call(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """Streamed and plain answers agree in content, stop reason and usage."""
    plain = await client.messages.create(**ASK)
    async with client.messages.stream(**ASK) as stream:
        final = await stream.get_final_message()
        assert stream.request_id == api.requests[-1].request_id
    assert [block.to_dict() for block in final.content] == [block.to_dict() for block in plain.content]
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", plain.usage.output_tokens)
    assert final.usage.input_tokens == plain.usage.input_tokens
    assert [call.done for call in api.requests] == [True, True]


async def test_the_events_come_in_the_documented_order(api: claude.Claude) -> None:
    """On the wire: start, ping, per block start, deltas, stop; then the cumulative usage and the end."""
    api.answer = lambda _: claude.Answer(text="Hi there", thinking="Hm", chunk=4)
    headers = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.url}/v1/messages", json={**ASK, "stream": True}, headers=headers) as answer,
    ):
        assert answer.content_type == "text/event-stream"
        wire = (await answer.text()).strip().split("\n\n")
    names = [event.partition("\n")[0].removeprefix("event: ") for event in wire]
    data = [json.loads(event.partition("\ndata: ")[2]) for event in wire]
    assert names == [one["type"] for one in data]
    assert names == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",  # the signature only: thinking is omitted by default
        "content_block_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert data[3]["delta"]["type"] == "signature_delta"
    assert data[0]["message"]["stop_reason"] is None
    assert data[-2]["usage"]["output_tokens"] > data[0]["message"]["usage"]["output_tokens"]


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, ""),  # omitted is the default of newer models
        ({"thinking": {"type": "adaptive", "display": "summarized"}}, "Let me see."),
        ({"model": "claude-sonnet-4-6", "thinking": {"type": "adaptive"}}, "Let me see."),
    ],
)
async def test_thinking_is_shown_as_the_request_and_the_model_have_it(
    api: claude.Claude, client: anthropic.AsyncAnthropic, fields: dict[str, Any], shown: str
) -> None:
    """A thinking block comes signed, with its text only where display says so, and is counted."""
    api.answer = lambda _: claude.Answer(text="Yes.", thinking="Let me see.")
    final = await streamed(client, **fields)
    block = final.content[0]
    assert isinstance(block, anthropic.types.ThinkingBlock)
    assert block.thinking == shown
    assert block.signature
    assert final.usage.output_tokens_details is not None
    assert 0 < final.usage.output_tokens_details.thinking_tokens < final.usage.output_tokens


async def test_without_thinking_none_comes(api: claude.Claude, client: anthropic.AsyncAnthropic) -> None:
    """Where thinking is off a script's thinking is left out."""
    api.answer = lambda _: claude.Answer(text="Yes.", thinking="Let me see.")
    final = await streamed(client, thinking={"type": "between_tools"})
    assert [block.type for block in final.content] == ["text"]


async def test_max_tokens_cuts_thinking_and_text_alike(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """Thinking counts toward ``max_tokens``: a small limit can leave no text at all."""
    final = await streamed(client, max_tokens=5)
    block = final.content[0]
    assert isinstance(block, anthropic.types.TextBlock)
    assert TEXT.startswith(block.text)
    assert block.text != TEXT
    assert (final.stop_reason, final.usage.output_tokens) == ("max_tokens", 5)
    api.answer = lambda _: claude.Answer(text="Yes.", thinking=TEXT)
    final = await streamed(client, max_tokens=5)
    assert [block.type for block in final.content] == ["thinking"]
    assert final.stop_reason == "max_tokens"


async def test_the_end_of_the_window_cuts_too(api: claude.Claude, client: anthropic.AsyncAnthropic) -> None:
    """A prompt that leaves less room than the answer needs ends as model_context_window_exceeded."""
    api.answer = lambda _: TEXT * 1000
    long = [{"role": "user", "content": "x" * (4 * 199_990)}]
    message = await client.messages.create(**{**ASK, "model": "claude-haiku-4-5", "messages": long})
    assert message.stop_reason == "model_context_window_exceeded"
    assert message.model == "claude-haiku-4-5-20251001"


async def test_a_stop_sequence_ends_the_text(client: anthropic.AsyncAnthropic) -> None:
    """The text ends before the sequence, which is named."""
    final = await streamed(client, stop_sequences=[" dog", " jumps"])
    block = final.content[0]
    assert isinstance(block, anthropic.types.TextBlock)
    assert block.text == "The quick brown fox"
    assert (final.stop_reason, final.stop_sequence) == ("stop_sequence", " jumps")


async def test_tool_calls_stream_with_their_input(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """A script's tool call comes with an id, its input in pieces, and stop reason tool_use.

    On the 5.5 generation text before a call turns into thinking; before, it stays text.
    """
    call = {"type": "tool_use", "name": "recall", "input": {"query": "where is the invoice of May"}}
    api.answer = lambda _: [{"type": "text", "text": "One moment."}, call]
    for model, kinds in (
        ("claude-sonnet-5-5", ["thinking", "tool_use"]),
        ("claude-sonnet-4-6", ["text", "tool_use"]),
    ):
        final = await streamed(client, model=model, tools=[TOOL])
        assert [block.type for block in final.content] == kinds
        block = final.content[1]
        assert isinstance(block, anthropic.types.ToolUseBlock)
        assert block.input == call["input"]
        assert block.id.startswith("toolu_")
        assert final.stop_reason == "tool_use"


async def test_an_error_in_the_stream_is_a_status_error_with_200(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """The overload event in the middle raises the base class, after what was said so far."""
    api.fail(claude.Fault(kind="error_event", after=2))
    seen: list[str] = []
    async with client.messages.stream(**ASK) as stream:
        with pytest.raises(anthropic.APIStatusError) as broken:  # noqa: PT012 - what comes before counts too
            async for text in stream.text_stream:
                seen.append(text)  # noqa: PERF401 - a comprehension would lose what came before the error
    assert type(broken.value) is anthropic.APIStatusError
    assert (broken.value.status_code, broken.value.type) == (200, "overloaded_error")
    assert "".join(seen) == TEXT[:32]


@pytest.mark.parametrize(
    ("kind", "error"),
    [("cut", httpx2.RemoteProtocolError), ("garbage", json.JSONDecodeError)],
)
async def test_a_broken_stream_raises_what_the_sdk_lets_through(
    api: claude.Claude, client: anthropic.AsyncAnthropic, kind: str, error: type[Exception]
) -> None:
    """A cut connection and a corrupt chunk are no anthropic errors, and the next request is healthy."""
    api.fail(claude.Fault(kind=kind, after=2))
    with pytest.raises(error):
        await streamed(client)
    assert not api.requests[-1].done
    assert (await streamed(client)).stop_reason == "end_turn"


async def test_a_clean_end_without_message_stop_is_silent(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """The SDK sees nothing wrong; only the missing stop reason tells."""
    api.fail(claude.Fault(kind="eof", after=1))
    final = await streamed(client)
    assert final.stop_reason is None
    assert not api.requests[-1].done


async def test_a_stall_lasts_until_it_is_released(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """A stalled stream goes on where it stood."""
    gate = api.fail(claude.Fault(kind="stall", after=1))
    task = asyncio.create_task(streamed(client))
    await gate.reached
    assert not task.done()
    gate.release()
    assert (await task).stop_reason == "end_turn"


async def test_a_client_that_hangs_up_is_noticed(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """Cancelling the reader ends the request at the gate it stood at, and says so in the record."""
    gate = api.fail(claude.Fault(kind="stall", after=1))
    task = asyncio.create_task(streamed(client))
    await gate.reached
    task.cancel()
    await asyncio.wait([task])
    await asyncio.wait_for(gate.closed, 10)
    assert task.cancelled()
    assert api.requests[-1].closed


async def test_a_stall_runs_into_the_read_timeout(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """An idle stream ends as httpx2.ReadTimeout, raw."""
    api.fail(claude.Fault(kind="stall", after=1))
    with pytest.raises(httpx2.ReadTimeout):
        await streamed(client.with_options(timeout=0.05))


async def test_a_held_request_is_recorded_and_waits(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """``hold`` stops a matching request before its answer begins; others pass."""
    gate = api.hold(match=lambda body: body["max_tokens"] == 7)
    held = asyncio.create_task(client.messages.create(**{**ASK, "max_tokens": 7}))
    await gate.reached
    await client.messages.create(**ASK)
    assert [call.status for call in api.requests] == [None, 200]
    gate.release()
    await held
    assert api.requests[0].status == 200


@pytest.mark.parametrize(
    ("fault", "error", "kind"),
    [
        (claude.Fault(kind="rate_limit", retry_after=7), anthropic.RateLimitError, "rate_limit_error"),
        (claude.Fault(kind="overloaded"), anthropic.OverloadedError, "overloaded_error"),
        (claude.Fault(kind="server_error"), anthropic.InternalServerError, "api_error"),
        (claude.Fault(kind="unauthorized"), anthropic.AuthenticationError, "authentication_error"),
        (claude.Fault(kind="bad_request", message="no"), anthropic.BadRequestError, "invalid_request_error"),
        (claude.Fault(kind="too_large"), anthropic.ContentTooLargeError, "request_too_large"),
        (claude.Fault(kind="status", status=403), anthropic.PermissionDeniedError, "permission_error"),
        (claude.Fault(kind="status", status=402), anthropic.PaymentRequiredError, "billing_error"),
    ],
)
async def test_error_statuses_come_on_command(
    api: claude.Claude,
    client: anthropic.AsyncAnthropic,
    fault: claude.Fault,
    error: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    """Each is the SDK's own class, on streams as on plain calls, and is over after ``times`` requests."""
    api.fail(fault)
    with pytest.raises(error) as failed:
        await streamed(client)
    assert failed.value.type == kind
    assert failed.value.request_id == api.requests[-1].request_id
    retry_after = None if fault.retry_after is None else str(fault.retry_after)
    assert failed.value.response.headers.get("retry-after") == retry_after
    assert (await streamed(client)).stop_reason == "end_turn"


async def test_a_spend_cap_has_a_code_and_no_retry_after(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """The monthly limit is a 429 of its own class, without a time to come back."""
    api.fail(claude.Fault(kind="spend_cap", times=None))
    for _ in range(2):
        with pytest.raises(anthropic.RateLimitError) as capped:
            await client.messages.create(**ASK)
        assert type(capped.value).__name__ == "EnforcedSpendLimitReachedError"
        assert capped.value.error_code == "enforced_spend_limit_reached"
        assert "retry-after" not in capped.value.response.headers
    api.heal()
    await client.messages.create(**ASK)


async def test_a_dropped_connection_has_no_answer(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """``drop`` is the SDK's connection error, and the request was received."""
    api.fail(claude.Fault(kind="drop"))
    with pytest.raises(anthropic.APIConnectionError):
        await client.messages.create(**ASK)
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("fault", "stop", "text"),
    [
        (claude.Fault(kind="refusal", category="cyber", explanation="no"), "refusal", ""),
        (claude.Fault(kind="refusal", text="Well,"), "refusal", "Well,"),
        (claude.Fault(kind="pause_turn"), "pause_turn", TEXT),
        (claude.Fault(kind="context_window"), "model_context_window_exceeded", TEXT),
        (claude.Fault(kind="empty"), "end_turn", ""),
    ],
)
async def test_odd_ends_come_on_command(
    api: claude.Claude, client: anthropic.AsyncAnthropic, fault: claude.Fault, stop: str, text: str
) -> None:
    """Every other stop reason is a healthy 200, streamed or not."""
    for ask in (lambda: streamed(client), lambda: client.messages.create(**ASK)):
        api.fail(fault)
        message = await ask()
        assert message.stop_reason == stop
        assert "".join(getattr(block, "text", "") for block in message.content) == text
        assert (message.stop_details is not None) == (stop == "refusal")
        if message.stop_details is not None:
            assert message.stop_details.category == fault.category


async def test_a_paused_turn_goes_on_when_sent_back(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """A paused turn ends in a server tool, so it is no prefill; the same turn ending in text would be."""
    api.fail(claude.Fault(kind="pause_turn"))
    paused = await client.messages.create(**ASK)
    back = {"role": "assistant", "content": [block.to_dict() for block in paused.content]}
    again = await client.messages.create(**{**ASK, "messages": [*ASK["messages"], back]})
    assert (paused.stop_reason, again.stop_reason) == ("pause_turn", "end_turn")
    back["content"] = back["content"][:1]
    with pytest.raises(anthropic.BadRequestError, match="prefill"):
        await client.messages.create(**{**ASK, "messages": [*ASK["messages"], back]})


async def test_a_fault_strikes_only_what_it_matches(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """A fault with ``match`` waits for its request and leaves the others alone."""
    api.fail(claude.Fault(kind="overloaded", match=lambda body: body["model"] == "claude-haiku-5-5"))
    await client.messages.create(**ASK)
    with pytest.raises(anthropic.OverloadedError):
        await client.messages.create(**{**ASK, "model": "claude-haiku-5-5"})
    with pytest.raises(ValueError, match="no such fault"):
        claude.Fault(kind="nonsense")


async def test_a_failing_script_cannot_go_unnoticed() -> None:
    """An exception in an answer function is a 500 at once, and is raised when the emulator is left."""

    def check(body: dict[str, Any]) -> str:
        assert body["max_tokens"] == 1, "the oracle's complaint"
        return TEXT

    with pytest.raises(AssertionError, match="the oracle's complaint"):  # noqa: PT012 - it is raised on leaving
        async with claude.Claude() as api:
            api.answer = check
            async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
                with pytest.raises(anthropic.InternalServerError):
                    await client.messages.create(**ASK)


async def test_the_stand_in_tells_what_it_was_sent(
    api: claude.Claude, client: anthropic.AsyncAnthropic
) -> None:
    """The default answer names speakers, turns and posts and quotes the last one; it is deterministic."""
    api.answer = claude.default
    posts = '<post by="Ada" id="U1">Hello</post>\n<post by="Ben" id="U2">Note: hi both</post>'
    question = '<post by="Ada" id="U1"><file name="a.txt"/>What did Ben say just now?</post>'
    messages = [
        {"role": "user", "content": posts},
        {"role": "assistant", "content": "Good morning."},
        {"role": "user", "content": [{"type": "text", "text": t} for t in (question, "<now>noon</now>")]},
    ]
    said = [(await client.messages.create(**{**ASK, "messages": messages})).content for _ in range(2)]
    assert said[0] == said[1]
    block = said[0][0]
    assert isinstance(block, anthropic.types.TextBlock)
    assert "3 turns with 3 posts by Ada, Ben" in block.text
    assert "“What did Ben say just now?”" in block.text


async def test_the_stand_in_keeps_to_a_schema(api: claude.Claude, client: anthropic.AsyncAnthropic) -> None:
    """Where the request asks for JSON the default answer is JSON of that shape."""
    api.answer = claude.default
    fields = {"summary": {"type": "string"}, "topics": {"type": "array"}, "sure": {"type": "boolean"}}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    shape = {"format": {"type": "json_schema", "schema": schema}}
    message = await client.messages.create(**ASK, output_config=shape)  # type: ignore[call-overload]  # a dict will do
    answer = json.loads(message.content[0].text)
    assert set(answer) == set(fields)
    assert (answer["topics"], answer["sure"]) == ([], False)


async def test_the_door_is_kept(api: claude.Claude) -> None:
    """No key, a wrong key, no version, a beta, a body past 32 MB and an unknown model are refused."""
    good = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    old = {"x-api-key": "k", "anthropic-version": "2023-06-01"}
    wrong = {**good, "authorization": "Bearer other"}
    heavy = json.dumps({**ASK, "system": "x" * 33_554_432}).encode()
    body = json.dumps(ASK).encode()
    api.keys = {"k"}
    async with aiohttp.ClientSession() as session:
        for headers, raw, status, kind in (
            (good, body, 200, None),
            (old, body, 200, None),
            ({"anthropic-version": "2026-10-21"}, body, 401, "authentication_error"),
            (wrong, body, 401, "authentication_error"),
            ({"authorization": "Bearer k"}, body, 400, "invalid_request_error"),
            ({**good, "anthropic-version": "2020-01-01"}, body, 400, "invalid_request_error"),
            ({**good, "anthropic-beta": "x-2026-01-01"}, body, 400, "invalid_request_error"),
            (good, heavy, 413, "request_too_large"),
            (good, body.replace(b"sonnet-5-5", b"sonnet-9"), 404, "not_found_error"),
        ):
            async with session.post(
                f"{api.url}/v1/messages", data=io.BytesIO(raw), headers=headers
            ) as answer:
                told = await answer.json()
                assert (answer.status, told.get("error", {}).get("type")) == (status, kind)
                assert answer.headers["request-id"].startswith("req_")
                assert "anthropic-ratelimit-input-tokens-remaining" in answer.headers
                if kind:
                    assert told["request_id"] == answer.headers["request-id"]
        async with session.get(f"{api.url}/v1/batches", headers=good) as answer:
            assert (answer.status, (await answer.json())["error"]["type"]) == (404, "not_found_error")


async def test_the_models_are_listed_and_tell_what_they_can(client: anthropic.AsyncAnthropic) -> None:
    """Pages add up to the whole list, aliases resolve, and capabilities agree with what is accepted."""
    listed = [model async for model in client.models.list(limit=4)]
    assert len({model.id for model in listed}) == len(listed) > 10
    assert [model.id async for model in client.models.list(lifecycle=["deprecated"])] == [
        "claude-sonnet-4-5-20250929"
    ]
    haiku = await client.models.retrieve("claude-haiku-4-5")
    assert (haiku.id, haiku.max_input_tokens, haiku.max_tokens) == (
        "claude-haiku-4-5-20251001",
        200_000,
        64_000,
    )
    with pytest.raises(anthropic.NotFoundError):
        await client.models.retrieve("claude-9")
    for model in listed:
        if model.lifecycle != "active":
            continue  # the SDK itself warns of a deprecated model
        assert model.capabilities is not None
        types = model.capabilities.thinking.types
        for kind in ("adaptive", "between_tools", "disabled"):
            attempt = client.messages.create(**{**ASK, "model": model.id, "thinking": {"type": kind}})
            if getattr(types, kind).supported:
                assert (await attempt).stop_reason == "end_turn"
            else:
                with pytest.raises(anthropic.BadRequestError):
                    await attempt
        for level in ("low", "medium", "high", "xhigh", "max"):
            supported = getattr(model.capabilities.effort, level)
            effort = {"output_config": {"effort": level}}
            attempt = client.messages.create(**{**ASK, "model": model.id, **effort})
            if supported.supported:
                assert (await attempt).stop_reason == "end_turn"
            else:
                with pytest.raises(anthropic.BadRequestError):
                    await attempt


async def test_it_runs_as_a_process_and_is_controlled_over_http() -> None:
    """``python -m emulators.claude`` serves; requests, answers, faults and holds work from outside."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "emulators.claude", stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        url = (await process.stdout.readline()).decode().strip()
        async with (
            aiohttp.ClientSession(f"{url}/_emulator/", raise_for_status=True) as session,
            anthropic.AsyncAnthropic(api_key="secret-key", base_url=url, max_retries=0) as client,
        ):
            await session.post("answer", json={"echo": True})
            await session.post("faults", json={"kind": "overloaded", "contains": "Hello"})
            with pytest.raises(anthropic.OverloadedError):
                await client.messages.create(**ASK)
            async with session.post("holds", json={}) as answer:
                gate = (await answer.json())["id"]
            held = asyncio.create_task(client.messages.create(**ASK))
            await session.get(f"holds/{gate}/reached")
            await session.post(f"holds/{gate}/release")
            block = (await held).content[0]
            assert isinstance(block, anthropic.types.TextBlock)
            assert block.text == "Hello"
            async with session.get("requests", params={"since": "1"}) as answer:
                told = await answer.text()
        calls = json.loads(told)
        assert [(call["status"], call["body"]["messages"]) for call in calls] == [(200, ASK["messages"])]
        assert "secret-key" not in told
    finally:
        process.terminate()
        await process.wait()
