from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import claude_support
import pytest
from aiohttp import web

from bot import claude, errors
from bot.claude import models
from emulators import claude as emulator


class Gateway:
    """An endpoint that answers questions about models as it is told, and counts them."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer: Callable[[], web.Response] = lambda: web.json_response({"id": "m", "max_tokens": 123})
        self.reached = asyncio.Event()
        self.free = asyncio.Event()
        self.free.set()
        self.url = ""

    async def respond(self, request: web.Request) -> web.Response:
        """Count the question and answer it when free."""
        self.asked.append(request.rel_url.raw_path)
        self.reached.set()
        await self.free.wait()
        return self.answer()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """Run a gateway of another make."""
    running = Gateway()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", running.respond)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    running.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield running
    running.free.set()
    await runner.cleanup()


@pytest.fixture
async def model(gateway: Gateway, time: claude_support.Time) -> AsyncIterator[claude.Claude]:
    """Connect the client under test to the gateway."""
    async with claude_support.client(gateway.url, time) as connected:
        yield connected


@pytest.mark.parametrize(
    ("name", "context", "output", "prefix", "thinking"),
    [
        ("claude-sonnet-5-5", 1_000_000, 128_000, 512, "adaptive"),
        ("claude-opus-5-5", 1_000_000, 128_000, 512, "adaptive"),
        ("claude-haiku-5-5", 1_000_000, 128_000, 512, "adaptive"),
        ("claude-fable-5-2", 1_000_000, 128_000, 512, "adaptive"),
        ("claude-haiku-4-5", 200_000, 64_000, 4_096, None),
    ],
)
async def test_facts_are_what_the_api_says(
    api: emulator.Claude,
    time: claude_support.Time,
    name: str,
    context: int,
    output: int,
    prefix: int,
    thinking: str | None,
) -> None:
    """Facts hold the windows and the thinking type that the API and the docs give for each model."""
    async with claude_support.client(api.url, time) as connected:
        facts = await connected.facts(name)
    assert (context, output) == (facts.context_tokens, facts.max_output_tokens)
    assert (name, prefix, thinking) == (facts.id, facts.min_prefix_tokens, facts.thinking)
    assert ("low" in facts.efforts) == (thinking is not None)


async def test_a_model_is_asked_about_once(gateway: Gateway, model: claude.Claude) -> None:
    """Callers at the same time share one question, and later ones its answer, also when one gives up."""
    gateway.free.clear()
    impatient = asyncio.ensure_future(model.facts("m"))
    patient = [asyncio.ensure_future(model.facts("m")) for _ in range(5)]
    await gateway.reached.wait()
    impatient.cancel()
    gateway.free.set()
    found = await asyncio.gather(*patient)
    assert {123} == {facts.max_output_tokens for facts in [*found, await model.facts("m")]}
    assert gateway.asked == ["/v1/models/m"]


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=404),
        lambda: web.Response(status=405),
        lambda: web.Response(status=403),
        lambda: web.Response(status=500),
        lambda: web.Response(status=429),
        lambda: web.Response(text="<html>hello</html>", content_type="text/html"),
        lambda: web.Response(text="{broken", content_type="application/json"),
        lambda: web.json_response([1, 2]),
        lambda: web.json_response({"object": "list", "data": []}),
        lambda: web.Response(status=204),
    ],
)
async def test_an_endpoint_without_models_costs_no_answer(
    gateway: Gateway, model: claude.Claude, time: claude_support.Time, answer: Callable[[], web.Response]
) -> None:
    """Where the endpoint is of no use the table answers, and the endpoint is asked again minutes later."""
    gateway.answer = answer
    expected = models.table("claude-opus-5-5")
    assert expected == await model.facts("claude-opus-5-5")
    assert expected == await model.facts("claude-opus-5-5")
    assert len(gateway.asked) == 1
    time.now += claude.FACTS_LIFETIME
    gateway.answer = lambda: web.json_response({"id": "claude-opus-5-5", "max_tokens": 77})
    assert (await model.facts("claude-opus-5-5")).max_output_tokens == 77


async def test_a_refused_key_is_said_at_once_and_not_kept(gateway: Gateway, model: claude.Claude) -> None:
    """A key that is refused is no reason for a guess; once it is accepted the facts are there."""
    gateway.answer = lambda: web.Response(status=401)
    with pytest.raises(errors.KeyRefused):
        await model.facts("m")
    gateway.answer = lambda: web.json_response({"id": "m", "max_tokens": 5})
    assert (await model.facts("m")).max_output_tokens == 5


async def test_a_name_is_one_part_of_the_path(gateway: Gateway, model: claude.Claude) -> None:
    """A model's name cannot point the question elsewhere."""
    await model.facts("../messages?x=1")
    assert gateway.asked == ["/v1/models/..%2Fmessages%3Fx%3D1"]


async def test_closing_ends_what_is_asked(gateway: Gateway, time: claude_support.Time) -> None:
    """A client that closes leaves no question behind."""
    gateway.free.clear()
    async with claude_support.client(gateway.url, time) as closing:
        asking = asyncio.ensure_future(closing.facts("m"))
        await gateway.reached.wait()
    with pytest.raises(asyncio.CancelledError):
        await asking
