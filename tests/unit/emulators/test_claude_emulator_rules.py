"""Every refusal of the Messages API, asked for through the real SDK."""

import base64
import json
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest

from emulators import claude

USER = {"role": "user", "content": "Hello"}
ASSISTANT = {"role": "assistant", "content": "Hi"}
TOOL = {"name": "recall", "description": "d", "input_schema": {"type": "object", "properties": {}}}
CALL = {"type": "tool_use", "id": "toolu_1", "name": "recall", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "found"}
MARK = {"type": "ephemeral"}


@pytest.fixture
async def api() -> AsyncIterator[claude.Claude]:
    """Run one emulator."""
    async with claude.Claude() as server:
        yield server


async def ask(api: claude.Claude, **fields: Any) -> anthropic.types.Message:
    """Send one request; ``fields`` replace those of a valid one, ``None`` leaves one out."""
    body: dict[str, Any] = {"model": "claude-sonnet-5-5", "max_tokens": 100, "messages": [USER], **fields}
    body = {name: value for name, value in body.items() if value is not None}
    async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
        message = await client.post(
            "/v1/messages", body=body, cast_to=anthropic.types.Message, options={"timeout": 30}
        )
    assert isinstance(message, anthropic.types.Message)
    return message


def text(value: str, **more: Any) -> dict[str, Any]:
    """Build a text block."""
    return {"type": "text", "text": value, **more}


def said(*blocks: dict[str, Any], role: str = "user") -> dict[str, Any]:
    """Build a message."""
    return {"role": role, "content": list(blocks)}


def png(width: int, height: int) -> str:
    """Build the base64 of a PNG whose header gives that size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return base64.b64encode(data).decode()


def image(width: int = 10, height: int = 10, kind: str = "image/png") -> dict[str, Any]:
    """Build an image block."""
    source = {"type": "base64", "media_type": kind, "data": png(width, height)}
    return {"type": "image", "source": source}


def pdf(pages: int, extra: bytes = b"") -> dict[str, Any]:
    """Build a document block around a PDF of that many page objects."""
    data = b"%PDF-1.7\n" + b"<< /Type /Page >>\n" * pages + b"<< /Type /Pages >>" + extra
    source = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(data).decode()}
    return {"type": "document", "source": source}


REFUSED: list[tuple[dict[str, Any], str]] = [
    # required, unknown and sampling parameters
    ({"max_tokens": None}, "max_tokens: Field required"),
    ({"messages": None}, "messages: Field required"),
    ({"foo": 1}, "foo: Extra inputs are not permitted"),
    ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
    ({"temperature": 1.0}, "`temperature` is deprecated"),
    ({"top_p": 1}, "`top_p` is deprecated"),
    ({"top_k": 1}, "`top_k` is deprecated"),
    ({"metadata": {"name": "Ada"}}, "metadata.name: Extra inputs"),
    ({"stop_sequences": [" "]}, "non-whitespace"),
    # room
    ({"max_tokens": 128_001}, "128001 > 128000, which is the maximum allowed"),
    ({"max_tokens": -1}, "greater than or equal to 0"),
    ({"max_tokens": "100"}, "valid integer"),
    ({"max_tokens": 0, "stream": True}, "max_tokens: 0 cannot be combined with `stream`"),
    (
        {"max_tokens": 0, "output_config": {"format": {"type": "json_schema", "schema": {}}}},
        "output_config.format",
    ),
    ({"messages": [{"role": "user", "content": "x" * 3_200_000}]}, "prompt is too long: 1040"),
    # thinking and effort by model
    ({"thinking": {"type": "disabled"}}, '"thinking.type.disabled" is not supported'),
    ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, '"thinking.type.enabled"'),
    ({"thinking": {"type": "between_tools", "display": "omitted"}}, "between_tools.display: Extra inputs"),
    ({"thinking": {"type": "between_tools"}, "output_config": {"effort": "max"}}, "effort level 'max'"),
    ({"model": "claude-opus-5-5", "thinking": {"type": "between_tools"}}, "not supported"),
    ({"model": "claude-haiku-4-5", "thinking": {"type": "adaptive"}}, "adaptive thinking is not supported"),
    ({"model": "claude-haiku-4-5", "output_config": {"effort": "low"}}, "effort parameter"),
    ({"model": "claude-sonnet-4-6", "output_config": {"effort": "xhigh"}}, "effort level 'xhigh'"),
    ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    (
        {
            "model": "claude-haiku-5-5",
            "thinking": {"type": "disabled"},
            "output_config": {"effort": "xhigh"},
        },
        "effort level 'xhigh'",
    ),
    (
        {"model": "claude-haiku-4-5", "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "greater than `thinking.budget_tokens`",
    ),
    # tools
    ({"tools": [TOOL], "tool_choice": {"type": "any"}}, "tool_choice: `any` is not supported"),
    (
        {"model": "claude-fable-5-2", "tools": [TOOL], "tool_choice": {"type": "tool", "name": "recall"}},
        "tool_choice: `tool` is not supported",
    ),
    ({"tool_choice": {"type": "auto"}}, "only be specified while providing tools"),
    ({"tools": [TOOL, TOOL]}, "Tool names must be unique"),
    ({"tools": [{**TOOL, "name": "a b"}]}, "should match pattern"),
    ({"tools": [{"name": "recall"}]}, "input_schema: Field required"),
    (
        {
            "tools": [
                {
                    "type": "web_search_20250305",
                    "name": "web_search",
                    "allowed_domains": ["a.org"],
                    "blocked_domains": ["b.org"],
                }
            ]
        },
        "only one of",
    ),
    (
        {"tools": [TOOL], "messages": [USER, said(CALL, role="assistant"), USER]},
        "without `tool_result` blocks",
    ),
    (
        {"tools": [TOOL], "messages": [USER, said(CALL, role="assistant"), said(text("so"), RESULT)]},
        "without `tool_result` blocks",
    ),
    ({"tools": [TOOL], "messages": [said(RESULT)]}, "unexpected `tool_use_id`"),
    (
        {"tools": [TOOL], "messages": [USER, said(CALL, role="assistant"), said(RESULT, RESULT)]},
        "single result",
    ),
    ({"messages": [USER, said(CALL, role="assistant"), said(RESULT)]}, "must define tools"),
    # order of the messages
    ({"messages": []}, "at least one message"),
    ({"messages": [ASSISTANT, USER]}, "first message must use the `user` role"),
    ({"messages": [USER, ASSISTANT]}, "does not support assistant message prefill"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role"),
    (
        {
            "model": "claude-haiku-4-5",
            "messages": [USER, {"role": "assistant", "content": "Hi "}],
        },
        "trailing whitespace",
    ),
    ({"messages": [{"role": "system", "content": "x"}, USER]}, "first message must use the `user` role"),
    (
        {"model": "claude-haiku-5-5", "messages": [USER, {"role": "system", "content": "x"}]},
        "role 'system' is not supported",
    ),
    (
        {"messages": [USER, ASSISTANT, {"role": "system", "content": "x"}, USER]},
        "must directly follow a `user` message",
    ),
    ({"messages": [USER, {"role": "system", "content": "x"}, USER]}, "be last or be followed by"),
    # blocks
    ({"messages": [said(text(""))]}, "text content blocks must be non-empty"),
    ({"messages": [said(text(" \n"))]}, "must contain non-whitespace text"),
    ({"messages": [{"role": "user", "content": " "}]}, "must contain non-whitespace text"),
    ({"messages": [{"role": "user", "content": ""}]}, "must have non-empty content"),
    ({"messages": [{"role": "user", "content": []}]}, "must have non-empty content"),
    ({"system": [text("")]}, "system: text content blocks must be non-empty"),
    ({"messages": [said(text("x", citations=[{"a": 1}]))]}, "citations"),
    ({"messages": [{**USER, "id": "1"}]}, "messages.0.id: Extra inputs"),
    ({"messages": [said(text("x", parsed=None))]}, "messages.0.content.0.text.parsed: Extra inputs"),
    ({"messages": [USER, said(pdf(1), role="assistant"), USER]}, "`document` blocks are not allowed"),
    ({"messages": [said({"type": "thinking", "thinking": "", "signature": "x"})]}, "not allowed in `user`"),
    ({"messages": [said({"type": "video"})]}, "does not match any of the expected tags"),
    # cache marks
    (
        {"messages": [said(*(text(f"{n}", cache_control=MARK) for n in range(5)))]},
        "A maximum of 4 blocks with cache_control may be provided. Found 5.",
    ),
    (
        {
            "cache_control": MARK,
            "messages": [said(*(text(f"{n}", cache_control=MARK) for n in range(4)), text("end"))],
        },
        "Found 5.",
    ),
    (
        {"messages": [said(text("a", cache_control=MARK), text("b", cache_control={**MARK, "ttl": "1h"}))]},
        "must not come after a ttl='5m'",
    ),
    (
        {"cache_control": {**MARK, "ttl": "1h"}, "messages": [said(text("a", cache_control=MARK))]},
        "different ttl",
    ),
    (
        {
            "cache_control": {**MARK, "ttl": "1h"},
            "messages": [said(text("a", cache_control=MARK), text("b"))],
        },
        "must not come after a ttl='5m'",
    ),
    ({"messages": [said(text("", cache_control=MARK))]}, "cannot be set for empty text blocks"),
    ({"messages": [said(text("x", cache_control={**MARK, "ttl": "2h"}))]}, "ttl: Input should be"),
    (
        {
            "messages": [
                USER,
                said(
                    {"type": "thinking", "thinking": "", "signature": "x", "cache_control": MARK},
                    role="assistant",
                ),
                USER,
            ]
        },
        "thinking.cache_control: Extra inputs",
    ),
    # media
    ({"messages": [said(image(8001, 10))]}, "max allowed size: 8000 pixels"),
    ({"messages": [said(*[image(2001, 10)] * 21)]}, "many-image requests: 2000 pixels"),
    ({"messages": [said(image(kind="image/jpeg"))]}, "appears to be a image/png image"),
    ({"messages": [said(image(kind="image/tiff"))]}, "media_type: Input should be"),
    ({"messages": [said(*[image()] * 601)]}, "too many images: 601 > 600"),
    ({"model": "claude-haiku-4-5", "messages": [said(*[image()] * 101)]}, "too many images: 101 > 100"),
    (
        {"messages": [said({"type": "image", "source": {**image()["source"], "data": "eA=="}})]},
        "Could not process image",
    ),
    (
        {"messages": [said({"type": "image", "source": {**image()["source"], "data": "A" * 10_485_764}})]},
        "image exceeds 10 MB maximum",
    ),
    ({"messages": [said({"type": "image", "source": {"type": "url", "url": "http://x"}})]}, "download"),
    ({"messages": [said(pdf(601))]}, "A maximum of 600 PDF pages"),
    ({"messages": [said(pdf(1, b"/Encrypt"))]}, "password protected"),
    (
        {
            "messages": [
                said(
                    {
                        "type": "document",
                        "source": {"type": "base64", "media_type": "application/pdf", "data": "eA=="},
                    }
                )
            ]
        },
        "was not valid",
    ),
]


@pytest.mark.parametrize(("fields", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
async def test_what_the_service_refuses_is_a_400(
    api: claude.Claude, fields: dict[str, Any], sentence: str
) -> None:
    """Each refused request is a 400 invalid_request_error that says why, and is recorded so."""
    with pytest.raises(anthropic.BadRequestError) as refused:
        await ask(api, **fields)
    assert sentence in (refused.value.api_message or "")
    assert refused.value.type == "invalid_request_error"
    assert api.requests[-1].status == 400
    assert sentence in (api.requests[-1].error or "")


ACCEPTED: list[dict[str, Any]] = [
    {"messages": [USER, USER]},  # neighbours of one role are combined
    {"messages": [USER, ASSISTANT, ASSISTANT, USER]},
    {"messages": [USER, {"role": "system", "content": "Be brief."}]},
    {"messages": [USER, {"role": "system", "content": "Be brief."}, ASSISTANT, USER]},
    {"model": "claude-haiku-4-5", "messages": [USER, ASSISTANT]},  # prefill, before 4.6
    {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}},
    {"model": "claude-haiku-5-5", "thinking": {"type": "disabled"}},
    {"model": "claude-opus-4-6", "thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    {"model": "claude-haiku-5-5", "tools": [TOOL], "tool_choice": {"type": "any"}},
    {"tools": [TOOL], "messages": [USER, said(CALL, role="assistant"), said(RESULT, text("go on"))]},
    {"tools": [{"type": "web_search_20260318", "name": "web_search", "allowed_callers": ["direct"]}]},
    {"messages": [said(*[image(2000, 2000)] * 21)]},
    {"messages": [said(image(8000, 10), text("What is it?"))]},
    {"messages": [said(pdf(3), text("What is it?"))]},
    {"cache_control": MARK, "messages": [said(*(text(f"{n}", cache_control=MARK) for n in range(4)))]},
    {"system": [text("s", cache_control={**MARK, "ttl": "1h"})], "cache_control": MARK},
    {"max_tokens": 0},
]


@pytest.mark.parametrize("fields", ACCEPTED)
async def test_what_the_service_takes_is_taken(api: claude.Claude, fields: dict[str, Any]) -> None:
    """A request that stands right at a limit is answered."""
    message = await ask(api, **fields)
    assert message.stop_reason == ("max_tokens" if fields.get("max_tokens") == 0 else "end_turn")
    assert api.requests[-1].status == 200


async def test_an_image_too_large_names_its_place(api: claude.Claude) -> None:
    """The SDK gets its typed error, with the limit and the path of each image over it."""
    with pytest.raises(anthropic.BadRequestError) as refused:
        await ask(
            api, messages=[said(text("a"), image(9000, 1)), ASSISTANT, said(image(1, 1), image(1, 8001))]
        )
    assert type(refused.value).__name__ == "ImageDimensionsTooLargeError"
    details = json.loads(json.dumps(refused.value.body))["error"]["details"]
    assert details["max_side_length_pixels"] == 8000
    assert details["paths"] == ["messages.0.content.1", "messages.2.content.1"]


@pytest.mark.parametrize(
    "raw",
    [
        b"{",  # no JSON
        b"[]",  # no object
        b'{"model": NaN}',  # no number of JSON
        b'{"model": "\xff"}',  # no UTF-8
        b'{"model":"claude-sonnet-5-5","max_tokens":9,"messages":[{"role":"user","content":"\\ud83d"}]}',
    ],
)
async def test_a_body_that_is_not_json_is_refused(api: claude.Claude, raw: bytes) -> None:
    """Broken JSON, and a lone surrogate, which no UTF-8 text can hold, are 400s."""
    headers = {"authorization": "Bearer k", "anthropic-version": "2026-10-21"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{api.url}/v1/messages", data=raw, headers=headers) as answer,
    ):
        assert answer.status == 400
        assert (await answer.json())["error"]["type"] == "invalid_request_error"
    assert api.requests[-1].raw == raw


async def thought(api: claude.Claude, model: str, messages: list[Any], **fields: Any) -> list[Any]:
    """Ask once with thinking and return the conversation with the answer appended, thinking included."""
    api.answer = lambda _: claude.Answer(text="Yes.", thinking="Let me see.")
    message = await ask(api, model=model, messages=messages, **fields)
    assert [block.type for block in message.content] == ["thinking", "text"]
    return [*messages, {"role": "assistant", "content": [block.to_dict() for block in message.content]}]


async def test_thinking_may_be_replayed_on_its_own_prefix(api: claude.Claude) -> None:
    """An untouched conversation takes its thinking back, turn after turn, and without the oldest."""
    first = [*await thought(api, "claude-opus-5-5", [USER]), USER]
    second = [*await thought(api, "claude-opus-5-5", first), USER]
    await ask(api, model="claude-opus-5-5", messages=second)
    without_oldest = [USER, said(text("Yes."), role="assistant"), *second[2:]]
    await ask(api, model="claude-opus-5-5", messages=without_oldest)
    await ask(api, model="claude-opus-5-5", messages=second, cache_control=MARK)
    third = [*await thought(api, "claude-opus-5-5", second), USER]
    no_middle = [*third[:3], said(text("Yes."), role="assistant"), *third[4:]]
    with pytest.raises(anthropic.BadRequestError, match="bound to a different conversation"):
        await ask(api, model="claude-opus-5-5", messages=no_middle)


async def test_thinking_is_bound_to_prefix_model_and_text(api: claude.Claude) -> None:
    """A changed earlier post, system, tool list, model or signature makes replayed thinking a 400."""
    replay = [*await thought(api, "claude-opus-5-5", [USER], system="S", tools=[TOOL]), USER]
    good: dict[str, Any] = {
        "model": "claude-opus-5-5",
        "system": "S",
        "tools": [TOOL],
        "messages": replay,
    }
    await ask(api, **good)
    forged = json.loads(json.dumps(replay).replace(replay[1]["content"][0]["signature"], "forged"))
    edited = [{"role": "user", "content": "Hello (edited)"}, *replay[1:]]
    longer = [said(text("Hello"), text("PS")), *replay[1:]]
    for change, sentence in (
        ({"messages": edited}, "bound to a different conversation"),
        ({"messages": longer}, "bound to a different conversation"),
        ({"system": "S2"}, "bound to a different conversation"),
        ({"tools": [{**TOOL, "description": "other"}]}, "bound to a different conversation"),
        ({"model": "claude-sonnet-5-5"}, "bound to a different model"),
        ({"messages": forged}, "Invalid `signature`"),
    ):
        with pytest.raises(anthropic.BadRequestError, match=sentence):
            await ask(api, **{**good, **change})


async def test_older_models_do_not_bind_thinking_to_the_prefix(api: claude.Claude) -> None:
    """Before the 5.5 generation an edited post leaves thinking valid, but its words may not change."""
    adaptive = {"type": "adaptive"}
    replay = [*await thought(api, "claude-sonnet-4-6", [USER], thinking=adaptive), USER]
    assert replay[1]["content"][0]["thinking"] == "Let me see."
    edited = [{"role": "user", "content": "Hello (edited)"}, *replay[1:]]
    await ask(api, model="claude-sonnet-4-6", messages=edited)
    replay[1]["content"][0]["thinking"] = "Let me lie."
    with pytest.raises(anthropic.BadRequestError, match="cannot be modified"):
        await ask(api, model="claude-sonnet-4-6", messages=replay)


async def test_search_results_come_back_unchanged(api: claude.Claude) -> None:
    """A web search result is taken back as it was given, and refused once its content is touched."""
    use = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}}
    found = {"type": "web_search_result", "url": "https://a.org", "title": "A", "page_age": None}
    results = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": [found]}
    api.answer = lambda _: [use, results, text("Found.")]
    tools = [{"type": "web_search_20250305", "name": "web_search"}]
    message = await ask(api, tools=tools)
    assert message.usage.server_tool_use is not None
    assert message.usage.server_tool_use.web_search_requests == 1
    replay = {"role": "assistant", "content": [block.to_dict() for block in message.content]}
    await ask(api, tools=tools, messages=[USER, replay, USER])
    replay["content"][1]["content"][0]["encrypted_content"] = "x"  # type: ignore[index]  # a dict by now
    with pytest.raises(anthropic.BadRequestError, match="Invalid `encrypted_content`"):
        await ask(api, tools=tools, messages=[USER, replay, USER])
