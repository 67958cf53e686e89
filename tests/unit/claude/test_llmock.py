"""The same client against a stand-in that others wrote: it judges how failures are borne."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import claude_support
import pytest
from llmock import pytest_plugin, scenarios

from bot import claude, errors

SAID = "All is well, and it will be well tomorrow too."


class AtOnce(random.Random):
    """Adds nothing to the wait that the server asked for."""

    def random(self) -> float:
        """Pick the least of all chances."""
        return 0.0


def fail(status: int, *, retry_after: float | None = None) -> scenarios.Fail:
    """One error for a call of the Messages endpoint; questions about models are left alone."""
    return scenarios.Fail(status, retry_after=retry_after, match=scenarios.Match(path="*/messages"))


@pytest.fixture
async def model(llmock: pytest_plugin.LLMock, time: claude_support.Time) -> AsyncIterator[claude.Claude]:
    """Connect the client under test."""
    llmock.reply(SAID, times=None)
    async with claude_support.client(llmock.base_url("anthropic"), time) as connected:
        yield connected


REQUEST = claude_support.request(model="claude-sonnet-4-6")


async def test_a_plain_answer(llmock: pytest_plugin.LLMock, model: claude.Claude) -> None:
    """Another server's stream gives the same text, a bill and an id."""
    draft = claude_support.Draft()
    answer = await model.answer(REQUEST, draft)
    assert (answer.text, draft.text, answer.stop_reason) == (SAID, SAID, "end_turn")
    assert answer.usage.input > 0
    assert answer.message_id
    llmock.assert_resilient(strict=True)


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 504, 529])
async def test_a_passing_error_is_got_over(
    llmock: pytest_plugin.LLMock, model: claude.Claude, status: int
) -> None:
    """Each error that may pass is tried again, and the answer is whole."""
    llmock.add(fail(status))
    assert (await model.answer(REQUEST, claude_support.Draft())).text == SAID


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, errors.Rejected),
        (401, errors.KeyRefused),
        (402, errors.SpendLimit),
        (403, errors.KeyRefused),
        (404, errors.ModelUnknown),
        (413, errors.TooLong),
        (422, errors.Rejected),
    ],
)
async def test_a_lasting_error_is_not_repeated(
    llmock: pytest_plugin.LLMock, model: claude.Claude, status: int, error: type[errors.ModelError]
) -> None:
    """An error that repeating cannot mend is sent once."""
    llmock.add(fail(status))
    with pytest.raises(errors.ModelError) as raised:
        await model.answer(REQUEST, claude_support.Draft())
    assert error is type(raised.value)
    assert sum(record.path.endswith("/messages") for record in llmock.requests) == 1


@pytest.mark.parametrize("fault", ["disconnect", "truncate", "corrupt"])
async def test_a_broken_stream_is_never_taken_for_an_answer(
    llmock: pytest_plugin.LLMock, model: claude.Claude, fault: str
) -> None:
    """A stream that breaks, ends early or turns to rubbish is begun again."""
    getattr(llmock, fault)(after_chunks=4)  # the fourth is a piece of text
    draft = claude_support.Draft()
    answer = await model.answer(REQUEST, draft)
    assert (answer.text, draft.text, draft.restarts) == (SAID, SAID, 1)
    llmock.assert_resilient()


async def test_a_lasting_outage_ends_within_the_bound(
    llmock: pytest_plugin.LLMock, model: claude.Claude, time: claude_support.Time
) -> None:
    """When nothing helps, four attempts and a minute are the end of it."""
    llmock.outage(status=529)
    with pytest.raises(errors.Overloaded):
        await model.answer(REQUEST, claude_support.Draft())
    assert sum(record.path.endswith("/messages") for record in llmock.requests) == 4
    assert sum(time.waits) <= 60


async def test_the_wait_that_was_asked_for_is_kept(llmock: pytest_plugin.LLMock) -> None:
    """On a real clock the next attempt comes no sooner than `retry-after` says."""
    llmock.reply(SAID, times=None)
    llmock.add(fail(429, retry_after=0.2))
    async with claude.Claude(
        api_key="k",
        base_url=llmock.base_url("anthropic"),
        clock=asyncio.get_running_loop().time,
        chance=AtOnce(),
    ) as model:
        assert (await model.answer(REQUEST, claude_support.Draft())).text == SAID
    llmock.assert_resilient(strict=True)
