from __future__ import annotations

import asyncio
import dataclasses
import json
from typing import Any

import claude_support
import pytest

from bot import claude, conversation, errors
from bot.tools import listing, shelf
from emulators import claude as emulator

MODELS = (
    "claude-sonnet-5-5",
    "claude-opus-5-5",
    "claude-haiku-5-5",
    "claude-fable-5-2",
    "claude-sonnet-4-6",
    "claude-haiku-4-5",
)
SAID = "All is well, and it will be well tomorrow too."
SEARCHING = dataclasses.replace(claude_support.REQUEST, tools=shelf.web(listing.Web()))


@pytest.mark.parametrize("effort", ["low", "high", "max"])
@pytest.mark.parametrize("name", MODELS)
async def test_each_model_gets_a_request_it_takes(
    api: emulator.Claude, model: claude.Claude, name: str, effort: str
) -> None:
    """A request built from the model's own facts is accepted, whatever the model and the effort."""
    facts = await model.facts(name)
    request = claude_support.request(
        model=name,
        effort=effort,
        max_output_tokens=10_000_000,
        thinking=facts.thinking,
        sends_effort=effort in facts.efforts,
    )
    answer = await model.answer(request, claude_support.Draft())
    assert (200, facts.max_output_tokens) == (api.requests[-1].status, api.requests[-1].body["max_tokens"])
    assert answer.model.startswith(name)  # the API may answer with the dated name
    assert answer.stop_reason == "end_turn"


async def test_an_answer_streams_into_the_draft(api: emulator.Claude, model: claude.Claude) -> None:
    """The draft holds what the answer holds, and the answer holds the API's id and bill."""
    api.answer = lambda _: emulator.Answer(text=SAID, thinking="Let me see.", chunk=3)
    draft = claude_support.Draft()
    answer = await model.answer(claude_support.REQUEST, draft)
    call = api.requests[-1]
    assert (answer.text, draft.text, draft.restarts, draft.bills) == (SAID, SAID, 0, [])
    assert call.message_id == answer.message_id
    assert call.usage is not None
    assert (call.usage["input_tokens"], call.usage["output_tokens"]) == (
        answer.usage.fresh,
        answer.usage.output,
    )


async def test_the_same_request_goes_out_as_the_same_bytes(
    api: emulator.Claude, model: claude.Claude, time: claude_support.Time
) -> None:
    """Another process sends the same request byte for byte, and nothing but the bearer key."""
    await model.answer(claude_support.REQUEST, claude_support.Draft())
    async with claude_support.client(api.url, time, key="other") as restarted:
        await restarted.answer(claude_support.REQUEST, claude_support.Draft())
    first, second = api.requests
    assert first.raw == second.raw
    assert (
        first.headers["authorization"],
        second.headers["authorization"],
    ) == ("Bearer test", "Bearer other")
    assert "x-api-key" not in first.headers
    assert "anthropic-beta" not in first.headers
    assert not {"temperature", "top_p", "top_k", "metadata"} & set(json.loads(first.raw))


async def test_key_and_address_never_come_from_the_environment(
    api: emulator.Claude, time: claude_support.Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What other tools leave in the environment changes neither where a request goes nor as whom."""
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.setenv(name, "wrong")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    async with claude_support.client(api.url, time, key="right") as model:
        await model.answer(claude_support.REQUEST, claude_support.Draft())
    assert [call.key for call in api.requests] == ["right"]


async def test_a_marked_prefix_is_read_the_next_time(api: emulator.Claude, model: claude.Claude) -> None:
    """What one answer wrote to the cache, the next one reads, and the bill says so."""
    first = conversation.Request(
        plan=claude_support.PLAN,
        system="Be brief. " * 400,
        turns=(claude_support.turn("user", "hello"),),
        breakpoints=(
            conversation.Breakpoint(turn=-1, block=0, lifetime="5m"),
            conversation.Breakpoint(turn=0, block=0, lifetime="5m"),
        ),
        varying="It is noon.",
    )
    second = conversation.Request(
        plan=claude_support.PLAN,
        system=first.system,
        turns=(*first.turns, claude_support.turn("assistant", "Hi."), claude_support.turn("user", "more")),
        breakpoints=(*first.breakpoints, conversation.Breakpoint(turn=2, block=0, lifetime="5m")),
        varying="It is one.",
    )
    written = await model.answer(first, claude_support.Draft())
    read = await model.answer(second, claude_support.Draft())
    assert written.usage.written_5m == read.usage.read > 512
    assert api.requests[-1].cache[-1] == "fresh"


async def test_an_answer_cut_at_its_limit_is_an_answer(api: emulator.Claude, model: claude.Claude) -> None:
    """A text that hits the token limit stands, with its stop reason."""
    api.answer = lambda _: "word " * 500
    answer = await model.answer(claude_support.request(max_output_tokens=20), claude_support.Draft())
    assert answer.stop_reason == "max_tokens"
    assert answer.text.startswith("word word")
    assert len(api.requests) == 1


async def test_thinking_that_eats_all_tokens_gets_twice_the_room_once(
    api: emulator.Claude, model: claude.Claude, time: claude_support.Time
) -> None:
    """Without a word before the limit the call is made once more with twice the limit, at once."""
    api.answer = lambda _: emulator.Answer(text=SAID, thinking="hm " * 50)
    draft = claude_support.Draft()
    answer = await model.answer(claude_support.request(max_output_tokens=40), draft)
    assert [call.body["max_tokens"] for call in api.requests] == [40, 80]
    assert (answer.text, time.waits, len(draft.bills)) == (SAID, [], 1)
    assert draft.bills[0].output == 40


async def test_thinking_without_end_is_no_answer(api: emulator.Claude, model: claude.Claude) -> None:
    """A model that only thinks, twice the room or not, ends in NoAnswer."""
    api.answer = lambda _: emulator.Answer(text=SAID, thinking="hm " * 9_000)
    with pytest.raises(errors.NoAnswer):
        await model.answer(claude_support.request(max_output_tokens=40), claude_support.Draft())
    assert [call.body["max_tokens"] for call in api.requests] == [40, 80]


async def test_the_room_never_exceeds_the_models_own(api: emulator.Claude, model: claude.Claude) -> None:
    """Where the limit is already the model's, no second call is made."""
    api.answer = lambda _: emulator.Answer(text=SAID, thinking="hm " * 200_000)
    with pytest.raises(errors.NoAnswer):
        await model.answer(claude_support.request(max_output_tokens=128_000), claude_support.Draft())
    assert [call.body["max_tokens"] for call in api.requests] == [128_000]


async def test_a_paused_turn_goes_on(api: emulator.Claude, model: claude.Claude) -> None:
    """After a pause the model gets its own words back and goes on; both parts are the answer."""
    search = {"type": "server_tool_use", "name": "web_search", "input": {"query": "x"}}
    parts = iter(
        [
            emulator.Answer(content=[{"type": "text", "text": "First, "}, search], stop_reason="pause_turn"),
            emulator.Answer(text="then."),
        ]
    )
    api.answer = lambda _: next(parts)
    draft = claude_support.Draft()
    answer = await model.answer(SEARCHING, draft)
    assert (answer.text, draft.text, draft.restarts) == ("First, then.", "First, then.", 0)
    before, after = api.requests
    assert before.usage is not None
    assert before.usage["input_tokens"] == draft.bills[0].fresh
    assert len(after.body["messages"]) == len(before.body["messages"]) + 1


async def test_a_stopped_answer_hangs_up_and_tells_its_bill(
    api: emulator.Claude, model: claude.Claude
) -> None:
    """A cancelled answer closes its connection at once, and what it cost so far is told."""
    gate = api.fail(emulator.Fault(kind="stall", after=1))
    draft = claude_support.Draft()
    answering = asyncio.ensure_future(model.answer(SEARCHING, draft))
    await draft.begun.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    await gate.closed
    assert draft.bills[0].fresh > 0
    answer = await model.answer(claude_support.REQUEST, claude_support.Draft())  # the pool is sound
    assert answer.text


async def test_many_answers_at_once_do_not_mix(api: emulator.Claude, model: claude.Claude) -> None:
    """Concurrent answers each get their own text."""

    def echo(body: dict[str, Any]) -> str:
        return str(body["messages"][0]["content"][0]["text"])

    api.answer = echo
    asked = [
        conversation.Request(
            plan=claude_support.PLAN,
            system="s",
            turns=(claude_support.turn("user", f"q{n}"),),
            breakpoints=(),
        )
        for n in range(20)
    ]
    answers = await asyncio.gather(*(model.answer(one, claude_support.Draft()) for one in asked))
    assert [f"q{n}" for n in range(20)] == [answer.text for answer in answers]


async def test_a_turn_that_pauses_for_ever_is_bounded(api: emulator.Claude, model: claude.Claude) -> None:
    """A model that keeps pausing is continued a bounded number of times; what it said stands."""
    search = {"type": "server_tool_use", "name": "web_search", "input": {"query": "x"}}
    api.answer = lambda _: emulator.Answer(
        content=[{"type": "text", "text": "again "}, search], stop_reason="pause_turn"
    )
    answer = await model.answer(SEARCHING, claude_support.Draft())
    calls = 1 + claude.MAX_CONTINUATIONS
    assert (answer.text, answer.stop_reason, len(api.requests)) == ("again " * calls, "pause_turn", calls)
