"""The simulated prompt cache bills as the real one is documented to, seen through the SDK's usage."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import pytest

from emulators import claude

MARK = {"type": "ephemeral"}
HOUR = {"type": "ephemeral", "ttl": "1h"}
LONG = "word " * 800  # 4,000 bytes: 1,300 tokens by the dense tokenizer, 1,000 by the older one
TOOL = {"name": "recall", "description": LONG, "input_schema": {"type": "object", "properties": {}}}


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Tell the time in seconds."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """Make a clock."""
    return Clock()


@pytest.fixture
async def api(clock: Clock) -> AsyncIterator[claude.Claude]:
    """Run one emulator on that clock."""
    async with claude.Claude(clock=clock) as server:
        yield server


async def message(api: claude.Claude, *, key: str = "k", **fields: Any) -> anthropic.types.Message:
    """Send one request and return the answer."""
    body = {"model": "claude-sonnet-5-5", "max_tokens": 50, **fields}
    async with anthropic.AsyncAnthropic(api_key=key, base_url=api.url, max_retries=0) as client:
        answer = await client.post("/v1/messages", body=body, cast_to=anthropic.types.Message)
    assert isinstance(answer, anthropic.types.Message)
    return answer


async def bill(api: claude.Claude, **fields: Any) -> tuple[int, int, int, int]:
    """Send one request; return the tokens read, written for 5 minutes, written for 1 hour, and fresh."""
    usage = (await message(api, **fields)).usage
    assert usage.cache_creation is not None
    short, long = (
        usage.cache_creation.ephemeral_5m_input_tokens,
        usage.cache_creation.ephemeral_1h_input_tokens,
    )
    assert usage.cache_creation_input_tokens == short + long
    return usage.cache_read_input_tokens or 0, short, long, usage.input_tokens


def user(*texts: str, mark: dict[str, str] | None = None) -> dict[str, Any]:
    """Build a user message of text blocks, the last one marked."""
    content: list[dict[str, Any]] = [{"type": "text", "text": text} for text in texts]
    if mark:
        content[-1]["cache_control"] = mark
    return {"role": "user", "content": content}


def says(text: str) -> dict[str, Any]:
    """Build an assistant message."""
    return {"role": "assistant", "content": text}


async def test_a_prefix_is_written_once_and_then_read(api: claude.Claude) -> None:
    """The first request pays the write, the same prefix is read, and only what is new is fresh."""
    first = await bill(api, messages=[user(LONG, mark=MARK)])
    assert first == (0, 1304, 0, 0)
    again = await bill(api, messages=[user(LONG, mark=MARK), says("ok"), user("next")])
    assert again[:3] == (1304, 0, 0)
    assert again[3] > 0
    assert api.requests[-1].cache == ["read", "fresh", "fresh"]
    assert api.requests[-1].paths == ["messages.0.content.0", "messages.1.content.0", "messages.2.content.0"]


async def test_without_a_mark_nothing_is_cached(api: claude.Claude) -> None:
    """A request without breakpoints neither writes nor reads."""
    await bill(api, messages=[user(LONG)])
    assert await bill(api, messages=[user(LONG)]) == (0, 0, 0, 1304)
    await bill(api, messages=[user(LONG, mark=MARK)])
    assert (await bill(api, messages=[user(LONG)]))[0] == 0


async def test_each_request_extends_the_cache(api: claude.Claude) -> None:
    """A growing conversation with the mark at its end reads the old part and writes the new one."""
    conversation = [user(LONG, mark=MARK)]
    await bill(api, messages=conversation)
    longer = [user(LONG), says("ok"), user(LONG, mark=MARK)]
    read, written, _, fresh = await bill(api, messages=longer)
    assert (read, fresh) == (1304, 0)
    assert written == 1304 + 5
    assert api.requests[-1].cache == ["read", "write5m", "write5m"]


async def test_a_lifetime_counts_from_the_last_request_that_used_it(api: claude.Claude, clock: Clock) -> None:
    """Five minutes from the start of the last write or read; one second later it is written again."""
    prompt = {"messages": [user(LONG, mark=MARK)]}
    await bill(api, **prompt)
    clock.now += 299
    assert (await bill(api, **prompt))[0] == 1304
    clock.now += 299  # 598 s after the write, 299 s after the read
    assert (await bill(api, **prompt))[0] == 1304
    clock.now += 300
    assert await bill(api, **prompt) == (0, 1304, 0, 0)


async def test_the_long_lifetime_lasts_an_hour(api: claude.Claude, clock: Clock) -> None:
    """A mark with ttl 1h is billed apart and outlives the short one."""
    prompt = {"system": [{"type": "text", "text": LONG, "cache_control": HOUR}]}
    turn = {"messages": [user(LONG, mark=MARK)]}
    assert await bill(api, **prompt, **turn) == (0, 1304, 1304, 0)
    assert api.requests[-1].cache == ["write1h", "write5m"]
    clock.now += 3599
    assert await bill(api, **prompt, **turn) == (1304, 1304, 0, 0)
    clock.now += 3600
    assert await bill(api, **prompt, **turn) == (0, 1304, 1304, 0)


async def test_the_lifetime_starts_when_the_request_does(api: claude.Claude, clock: Clock) -> None:
    """An answer that takes long eats into the lifetime of what it wrote."""

    def slow(_: dict[str, Any]) -> str:
        clock.now += 200
        return "done"

    api.answer = slow
    prompt = {"messages": [user(LONG, mark=MARK)]}
    await bill(api, **prompt)
    api.answer = claude.default
    clock.now += 101
    assert (await bill(api, **prompt))[0] == 0


async def test_a_breakpoint_looks_back_twenty_blocks(api: claude.Claude) -> None:
    """An entry 19 blocks before the mark is found; one block further it is missed."""
    texts = [f"post {number}" for number in range(25)]
    await bill(api, messages=[user(LONG, mark=MARK)])
    assert (await bill(api, messages=[user(LONG, *texts[:19], mark=MARK)]))[0] == 1304
    await bill(api, messages=[user(LONG + "!", mark=MARK)])
    missed = await bill(api, messages=[user(LONG + "!", *texts[:20], mark=MARK)])
    assert missed[0] == 0
    assert missed[1] > 1304


async def test_a_second_breakpoint_carries_the_look_back(api: claude.Claude) -> None:
    """A mark in the middle finds what the one at the end is too far away to see."""
    texts = [f"post {number}" for number in range(30)]
    await bill(api, messages=[user(LONG, mark=MARK)])
    middle = user(LONG, *texts[:5], mark=MARK)
    read, written, _, _ = await bill(api, messages=[middle, user(*texts[5:], mark=MARK)])
    assert read == 1304
    assert written > 0


@pytest.mark.parametrize(
    ("model", "words", "cached"),
    [
        ("claude-sonnet-5-5", 311, False),  # 512 at least: 311 words are 506 tokens
        ("claude-sonnet-5-5", 315, True),
        ("claude-sonnet-4-6", 815, False),  # 1,024
        ("claude-sonnet-4-6", 817, True),
        ("claude-haiku-4-5", 3270, False),  # 4,096
        ("claude-haiku-4-5", 3275, True),
    ],
)
async def test_a_prefix_below_the_minimum_is_silently_not_cached(
    api: claude.Claude, model: str, words: int, *, cached: bool
) -> None:
    """Each model has a smallest prefix; below it nothing is written and nothing complains."""
    prompt = {"model": model, "messages": [user("word " * words, mark=MARK)]}
    assert ((await bill(api, **prompt))[1] > 0) is cached
    assert ((await bill(api, **prompt))[0] > 0) is cached


async def test_the_top_level_mark_is_one_on_the_last_block(api: claude.Claude) -> None:
    """``cache_control`` at the top writes at the end of the request and reads next time."""
    assert (await bill(api, messages=[user(LONG)], cache_control=MARK))[1] == 1304
    grown = [user(LONG), says("ok"), user("next")]
    assert (await bill(api, messages=grown, cache_control=MARK))[0] == 1304


CHANGES: list[tuple[str, dict[str, Any], list[str]]] = [
    ("tools", {"tools": [{**TOOL, "description": LONG + "!"}]}, ["write5m", "write5m", "write5m"]),
    (
        "system",
        {"system": [{"type": "text", "text": LONG + "!", "cache_control": MARK}]},
        ["read", "write5m"],
    ),
    ("model", {"model": "claude-opus-5-5"}, ["write5m", "write5m", "write5m"]),
    ("key", {"key": "another"}, ["write5m", "write5m", "write5m"]),
    ("effort", {"output_config": {"effort": "low"}}, ["read", "read", "write5m"]),
    ("thinking", {"thinking": {"type": "between_tools"}}, ["read", "read", "write5m"]),
    ("tool choice", {"tool_choice": {"type": "none"}}, ["read", "read", "write5m"]),
    ("nothing", {}, ["read", "read", "read"]),
    ("default effort spelt out", {"output_config": {"effort": "high"}}, ["read", "read", "read"]),
    ("room for the answer", {"max_tokens": 90, "metadata": {"user_id": "u"}}, ["read", "read", "read"]),
]


@pytest.mark.parametrize(("change", "fates"), [row[1:] for row in CHANGES], ids=[row[0] for row in CHANGES])
async def test_what_restarts_the_cache(api: claude.Claude, change: dict[str, Any], fates: list[str]) -> None:
    """Tools restart all of it, system what follows, thinking, effort and tool choice the messages."""
    prompt: dict[str, Any] = {
        "tools": [{**TOOL, "cache_control": MARK}],
        "system": [{"type": "text", "text": LONG, "cache_control": MARK}],
        "messages": [user(LONG, mark=MARK)],
    }
    await bill(api, **prompt)
    if "tools" in change:
        change = {"tools": [{**change["tools"][0], "cache_control": MARK}]}
    await bill(api, **{**prompt, **change})
    assert api.requests[-1].cache[: len(fates)] == fates


async def test_marks_and_message_borders_are_not_part_of_the_prefix(api: claude.Claude) -> None:
    """Moving the mark, a string for a block, and splitting a turn in two keep the prefix the same."""
    await bill(api, messages=[user(LONG, "more", mark=MARK)])
    split = [{"role": "user", "content": LONG}, {"role": "user", "content": "more"}, user("end", mark=MARK)]
    assert (await bill(api, messages=split))[0] == 1304 + 6


async def test_an_entry_is_readable_once_the_first_answer_has_begun(api: claude.Claude) -> None:
    """Of two requests at once the second pays the write too; the third reads."""
    prompt = {"messages": [user(LONG, mark=MARK)]}
    gate = api.hold()
    async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
        body = {"model": "claude-sonnet-5-5", "max_tokens": 50, **prompt}
        held = asyncio.create_task(client.post("/v1/messages", body=body, cast_to=anthropic.types.Message))
        await gate.reached
        assert await bill(api, **prompt) == (0, 1304, 0, 0)
        gate.release()
        usage = (await held).usage
    assert usage.cache_creation_input_tokens == 1304
    assert (await bill(api, **prompt))[0] == 1304


async def test_a_request_that_failed_wrote_nothing(api: claude.Claude) -> None:
    """An overload before the first byte leaves no entry behind."""
    prompt = {"messages": [user(LONG, mark=MARK)]}
    api.fail(claude.Fault(kind="overloaded"))
    with pytest.raises(anthropic.APIStatusError):
        await bill(api, **prompt)
    assert api.requests[-1].usage is None
    assert (await bill(api, **prompt))[0] == 0


async def test_warming_writes_without_an_answer(api: claude.Claude) -> None:
    """``max_tokens`` 0 fills the cache, says nothing and costs no output."""
    prompt: dict[str, Any] = {"messages": [user(LONG, mark=MARK)]}
    answer = await message(api, **prompt, max_tokens=0)
    assert (answer.content, answer.stop_reason, answer.usage.output_tokens) == ([], "max_tokens", 0)
    assert (await bill(api, **prompt))[0] == 1304


async def test_diagnostics_name_what_changed(api: claude.Claude) -> None:
    """Each kind of divergence from the named request gets its own reason; a mere extension gets none."""
    prompt: dict[str, Any] = {"system": "S", "tools": [TOOL], "messages": [user(LONG), says("ok"), user("b")]}
    before = await message(api, **prompt)
    assert before.diagnostics is None
    extended = [*prompt["messages"], says("ok"), user("c")]
    for change, expected in (
        ({"messages": extended}, None),
        ({"model": "claude-opus-5-5"}, "model_changed"),
        ({"system": "S2"}, "system_changed"),
        ({"tools": [{**TOOL, "name": "other"}]}, "tools_changed"),
        ({"messages": [user(LONG + "edited"), *extended[1:]]}, "messages_changed"),
        ({"output_config": {"effort": "low"}}, "unavailable"),
        ({"diagnostics": {"previous_message_id": "msg_gone"}}, "previous_message_not_found"),
    ):
        named: dict[str, Any] = {"diagnostics": {"previous_message_id": before.id}}
        found = (await message(api, **{**named, **prompt, **change})).diagnostics
        reason = found.cache_miss_reason if found else None
        assert (reason.type if reason else None) == expected
        if reason and reason.type == "messages_changed":
            assert reason.cache_missed_input_tokens == 1304 + 5 + 5


async def test_counting_tokens_agrees_with_the_bill(api: claude.Claude) -> None:
    """``count_tokens`` gives the sum of all input that the same request is billed for."""
    prompt: dict[str, Any] = {
        "system": "S",
        "tools": [TOOL],
        "messages": [user(LONG, mark=MARK), says("ok"), user("b")],
    }
    async with anthropic.AsyncAnthropic(api_key="k", base_url=api.url, max_retries=0) as client:
        counted = await client.messages.count_tokens(model="claude-sonnet-5-5", **prompt)
    assert counted.input_tokens == sum(await bill(api, **prompt))
    assert len(api.requests) == 1
