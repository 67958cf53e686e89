from __future__ import annotations

import asyncio
import socket

import claude_support
import pytest

from bot import claude, conversation, errors
from emulators import claude as emulator

SAID = "All is well, and it will be well tomorrow too."


@pytest.mark.parametrize(
    ("fault", "error", "calls"),
    [
        (emulator.Fault(kind="unauthorized", times=None), errors.KeyRefused, 1),
        (emulator.Fault(kind="status", status=402, times=None), errors.SpendLimit, 1),
        (emulator.Fault(kind="status", status=403, times=None), errors.KeyRefused, 1),
        (emulator.Fault(kind="status", status=404, times=None), errors.ModelUnknown, 1),
        (emulator.Fault(kind="bad_request", times=None), errors.Rejected, 1),
        (
            emulator.Fault(
                kind="bad_request", message="prompt is too long: 9 tokens > 8 maximum", times=None
            ),
            errors.TooLong,
            1,
        ),
        (emulator.Fault(kind="too_large", times=None), errors.TooLong, 1),
        (emulator.Fault(kind="spend_cap", times=None), errors.SpendLimit, 1),
        (
            emulator.Fault(kind="rate_limit", error_code="contract_spend_limit_reached", times=None),
            errors.SpendLimit,
            1,
        ),
        (emulator.Fault(kind="rate_limit", retry_after=3600, times=None), errors.Overloaded, 1),
        (emulator.Fault(kind="rate_limit", retry_after=25, times=None), errors.Overloaded, 3),
        (emulator.Fault(kind="rate_limit", times=None), errors.Overloaded, 4),
        (emulator.Fault(kind="overloaded", times=None), errors.Overloaded, 4),
        (emulator.Fault(kind="server_error", times=None), errors.Overloaded, 4),
        (emulator.Fault(kind="status", status=503, times=None), errors.Overloaded, 4),
        (emulator.Fault(kind="error_event", after=2, times=None), errors.Overloaded, 4),
        (emulator.Fault(kind="drop", times=None), errors.Unreachable, 4),
        (emulator.Fault(kind="cut", after=2, times=None), errors.Unreachable, 4),
        (emulator.Fault(kind="eof", after=2, times=None), errors.Unreachable, 4),
        (emulator.Fault(kind="garbage", after=2, times=None), errors.Unreachable, 4),
        (emulator.Fault(kind="refusal", times=None), errors.Declined, 1),
        (emulator.Fault(kind="refusal", text="First you", category="bio", times=None), errors.Declined, 1),
        (emulator.Fault(kind="context_window", times=None), errors.TooLong, 1),
        (emulator.Fault(kind="empty", times=None), errors.NoAnswer, 2),
    ],
)
async def test_each_lasting_failure_ends_in_its_error_within_the_bound(
    api: emulator.Claude,
    model: claude.Claude,
    time: claude_support.Time,
    fault: emulator.Fault,
    error: type[errors.ModelError],
    calls: int,
) -> None:
    """What lasts ends in one error of its own, after a bounded number of calls and seconds."""
    api.answer = lambda _: SAID
    api.fail(fault)
    with pytest.raises(errors.ModelError) as raised:
        await model.answer(claude_support.REQUEST, claude_support.Draft())
    assert error is type(raised.value)
    assert calls == len(api.requests)
    assert sum(time.waits) <= 60
    assert SAID not in str(raised.value)


@pytest.mark.parametrize(
    "fault",
    [
        emulator.Fault(kind="rate_limit", retry_after=5),
        emulator.Fault(kind="overloaded", times=3),
        emulator.Fault(kind="server_error"),
        emulator.Fault(kind="drop"),
        emulator.Fault(kind="error_event", after=2),
        emulator.Fault(kind="cut", after=2),
        emulator.Fault(kind="eof", after=2),
        emulator.Fault(kind="garbage", after=2),
        emulator.Fault(kind="empty"),
    ],
)
async def test_each_passing_failure_is_got_over(
    api: emulator.Claude, model: claude.Claude, time: claude_support.Time, fault: emulator.Fault
) -> None:
    """What passes costs a wait and nothing else: the draft holds the last attempt's text alone."""
    api.answer = lambda _: SAID
    api.fail(fault)
    draft = claude_support.Draft()
    answer = await model.answer(claude_support.REQUEST, draft)
    assert (SAID, SAID, fault.times) == (answer.text, draft.text, draft.restarts)
    assert len(api.requests) == 1 + (fault.times or 0)
    assert sum(time.waits) >= float(fault.retry_after or 0)


async def test_the_bill_of_a_cut_call_is_told(api: emulator.Claude, model: claude.Claude) -> None:
    """What a cut attempt read is paid, so it is told; the answer's bill is its own call's alone."""
    api.answer = lambda _: SAID
    api.fail(emulator.Fault(kind="cut", after=2))
    draft = claude_support.Draft()
    answer = await model.answer(claude_support.REQUEST, draft)
    assert [answer.usage.fresh] == [bill.fresh for bill in draft.bills]
    assert answer.usage.output > draft.bills[0].output


async def test_a_silent_stream_is_left_and_tried_once_more(
    api: emulator.Claude, time: claude_support.Time
) -> None:
    """A stream without a byte for the idle time is given up; twice in a row, and Claude is unreachable."""
    api.answer = lambda _: SAID
    gate = api.fail(emulator.Fault(kind="stall", times=None))
    async with claude_support.client(api.url, time, idle_seconds=0.3) as model:
        with pytest.raises(errors.Unreachable):
            await model.answer(claude_support.REQUEST, claude_support.Draft())
    await gate.closed
    assert len(api.requests) == 2


async def test_a_stream_without_end_is_left(api: emulator.Claude, time: claude_support.Time) -> None:
    """However lively, one call takes no longer than it may."""
    api.fail(emulator.Fault(kind="stall", times=None))
    async with claude.Claude(
        api_key="k",
        base_url=api.url,
        stream_seconds=0.3,
        sleep=time.sleep,
        clock=time,
        chance=claude_support.chance(),
    ) as model:
        with pytest.raises(errors.Unreachable):
            await model.answer(claude_support.REQUEST, claude_support.Draft())
    assert len(api.requests) == 1


async def test_nobody_listening_is_unreachable(time: claude_support.Time) -> None:
    """Where nothing listens, facts and answer both end in Unreachable, after bounded waits."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        async with claude_support.client(url, time) as model:
            with pytest.raises(errors.Unreachable):
                await model.facts("claude-opus-5-5")
            assert 0 < sum(time.waits) <= 60
            time.waits.clear()
            with pytest.raises(errors.Unreachable):
                await model.answer(claude_support.REQUEST, claude_support.Draft())
            assert (len(time.waits), sum(time.waits) <= 60) == (3, True)


@pytest.mark.parametrize("key", ["", " ", "two\nlines"])
async def test_a_key_that_cannot_be_sent_is_refused_at_once(
    api: emulator.Claude, time: claude_support.Time, key: str
) -> None:
    """A key that fits no header is the operator's to mend: it is neither sent nor tried again."""
    async with claude_support.client(api.url, time, key=key) as model:
        with pytest.raises(errors.KeyRefused):
            await model.facts("claude-opus-5-5")
        with pytest.raises(errors.KeyRefused):
            await model.answer(claude_support.REQUEST, claude_support.Draft())
    assert (api.requests, time.waits) == ([], [])


async def test_an_unknown_model_is_named_to_the_operator(api: emulator.Claude, model: claude.Claude) -> None:
    """A model that the API does not know is the operator's to change, and the error names it."""
    with pytest.raises(errors.ModelUnknown, match="claude-omega-9: 404"):
        await model.answer(claude_support.request(model="claude-omega-9"), claude_support.Draft())
    assert len(api.requests) == 1


async def test_a_lone_surrogate_is_rejected_before_it_is_sent(
    api: emulator.Claude, model: claude.Claude
) -> None:
    """Text that is no Unicode cannot be sent; the person is told, the program goes on."""
    request = conversation.Request(
        plan=claude_support.PLAN, system="s", turns=(claude_support.turn("user", "\ud800"),), breakpoints=()
    )
    with pytest.raises(errors.Rejected):
        await model.answer(request, claude_support.Draft())
    assert api.requests == []


async def test_stopping_while_waiting_to_retry_stops(api: emulator.Claude, time: claude_support.Time) -> None:
    """An answer that waits for its next attempt can be stopped; no further call is made."""
    waiting = asyncio.Event()

    async def sleep(_: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    api.fail(emulator.Fault(kind="overloaded", times=None))
    async with claude.Claude(
        api_key="k", base_url=api.url, sleep=sleep, clock=time, chance=claude_support.chance()
    ) as model:
        answering = asyncio.ensure_future(model.answer(claude_support.REQUEST, claude_support.Draft()))
        await waiting.wait()
        answering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await answering
    assert len(api.requests) == 1
