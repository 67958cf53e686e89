"""The relay in front of real Claude: changes nothing, keeps what passes, and gives the key to nobody."""

import contextlib
import json
from collections.abc import AsyncIterator

import aiohttp
import anthropic
import httpx2
import pytest

from bot.claude import wire
from emulators import claude
from playground import copying, models

KEY = "sk-ant-a-secret"
BODY = {
    "model": "claude-sonnet-5-5",
    "max_tokens": 200,
    "messages": [{"role": "user", "content": "hello there"}],
}


@contextlib.asynccontextmanager
async def relaying() -> AsyncIterator[tuple[claude.Claude, models.Relay, anthropic.AsyncAnthropic]]:
    """The emulated API, standing in for the real address, behind a relay; and the real SDK in front."""
    async with (
        claude.Claude() as api,
        models.real(upstream=api.url, key=KEY) as relay,
        anthropic.AsyncAnthropic(api_key=KEY, base_url=relay.url, max_retries=0) as client,
    ):
        api.answer = lambda _body: "a real answer, piece by piece"
        yield api, relay, client


async def test_a_stream_passes_whole_and_its_bill_is_kept() -> None:
    """The SDK gets every word, the endpoint the very body and key, the page the billed usage."""
    async with relaying() as (api, relay, client):
        async with client.messages.stream(**BODY) as stream:  # type: ignore[arg-type] # a plain dict
            said = await stream.get_final_message()
        assert said.content[0].text == "a real answer, piece by piece"  # type: ignore[union-attr] # a text
        kept = relay.calls()[-1]
        assert {**BODY, "stream": True} == kept.body == api.requests[-1].body
        assert kept.billed.output == said.usage.output_tokens
        assert kept.billed == wire.usage(api.requests[-1].usage or {})
        assert (kept.status, kept.stop_reason, kept.done) == (200, "end_turn", True)


async def test_the_key_is_in_nothing_that_is_shown() -> None:
    """Neither label, kept call nor copied command has it; an address that holds one is shown without."""
    async with relaying() as (_, relay, client):
        await client.messages.create(**BODY)  # type: ignore[call-overload] # a plain dict
        kept = relay.calls()[-1]
        command = copying.curl(kept.body, endpoint=relay.endpoint)
        shown = [relay.label, relay.note, json.dumps(vars(kept), default=str), command]
        assert KEY not in "".join(shown)
    async with models.real(upstream="https://user:hush@gateway.example/v1", key=KEY) as relay:
        assert relay.label == "Messages API at gateway.example"
    async with models.real(upstream="https://api.anthropic.com", key=KEY) as relay:
        assert (relay.label, relay.note) == ("Claude (api.anthropic.com)", "Real answers, real money.")


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("rate_limit", anthropic.RateLimitError, 429),  # waits as told
        ("overloaded", anthropic.OverloadedError, 529),
    ],
)
async def test_trouble_on_demand_reaches_the_bot_and_not_the_endpoint(
    kind: str, error: type[anthropic.APIStatusError], status: int
) -> None:
    """A refusal from the page costs nothing; it lasts as long as asked, or until it is healed."""
    async with relaying() as (api, relay, client):
        relay.fail(kind, times=1)
        with pytest.raises(error):
            await client.messages.create(**BODY)  # type: ignore[call-overload] # a plain dict
        assert (relay.calls()[-1].status, len(api.requests)) == (status, 0)
        await client.messages.create(**BODY)  # type: ignore[call-overload] # a plain dict
        relay.fail(kind, times=None)
        for _ in range(3):
            with pytest.raises(error):
                await client.messages.create(**BODY)  # type: ignore[call-overload] # a plain dict
        relay.heal()
        await client.messages.create(**BODY)  # type: ignore[call-overload] # a plain dict
        assert len(api.requests) == 2


async def test_a_cut_stream_breaks_off() -> None:
    """Some of the answer arrives, its end does not, and the call is kept as cut."""
    async with relaying() as (api, relay, client):
        api.answer = lambda _body: claude.Answer(text="word " * 400, delay=0.001, chunk=5)
        relay.fail("cut", times=1)
        with pytest.raises((anthropic.APIError, httpx2.RemoteProtocolError)):
            async with client.messages.stream(**BODY | {"max_tokens": 900}) as stream:  # type: ignore[arg-type] # a plain dict
                await stream.get_final_message()
        assert (relay.calls()[-1].error, relay.calls()[-1].done) == ("cut", False)


async def test_what_the_endpoint_refuses_is_passed_on() -> None:
    """A wrong request keeps the endpoint's own words, and the page names its kind."""
    async with relaying() as (_, relay, client):
        with pytest.raises(anthropic.BadRequestError):
            await client.messages.create(**BODY, extra_body={"temperature": 0.5})  # type: ignore[call-overload] # a plain dict
        assert (relay.calls()[-1].status, relay.calls()[-1].error) == (400, "invalid_request_error")


async def test_an_endpoint_that_is_not_there_is_a_lost_connection() -> None:
    """The bot sees what it would see without the relay, and the page the reason."""
    async with models.real(upstream="http://127.0.0.1:9", key=KEY) as relay:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.ClientError):
                await session.post(relay.url + "/v1/messages", json=BODY)
        assert relay.calls()[-1].error == "ClientConnectorError"
