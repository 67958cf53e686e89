"""What a call can cost is told before it, and what it cost after it."""

from __future__ import annotations

import contextlib

import claude_support
import pytest

from bot import claude, conversation, errors, ports
from bot.claude import metering
from bot.money import accounting
from emulators import claude as emulator

MODELS = ["claude-sonnet-5-5", "claude-opus-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-haiku-4-5"]


class Purse(claude_support.Draft):
    """A draft that pays: keeps each call's highest bill beside its real one."""

    def __init__(self, *, calls: int = 100) -> None:
        super().__init__()
        self.left = calls
        self.calls: list[tuple[conversation.Usage, conversation.Usage | None]] = []
        self._most = conversation.Usage()

    async def calling(self, model: str, most: conversation.Usage) -> None:
        """Let so many calls pass."""
        assert model
        if not self.left:
            raise errors.OverBudget("no")
        self.left -= 1
        self._most = most

    def called(self, model: str, usage: conversation.Usage | None) -> None:
        """Keep a call."""
        assert model
        self.calls.append((self._most, usage))


def test_the_purse_is_a_meter() -> None:
    """What stands in here for budgets is what Claude looks for."""
    assert isinstance(Purse(), ports.Meter)
    assert not isinstance(claude_support.Draft(), ports.Meter)


@pytest.mark.parametrize("model_name", MODELS)
@pytest.mark.parametrize("lifetime", ["none", "5m", "1h"])
@pytest.mark.parametrize("text", ["why? " * 3_000, "äöü漢字🙂" * 500, "\x00\ud800" * 50 + "x"])
async def test_no_bill_exceeds_what_was_told(
    model: claude.Claude, model_name: str, lifetime: conversation.Lifetime, text: str
) -> None:
    """Whatever is asked of whichever model, cached or not, the bill is at most what was told before."""
    purse = Purse()
    marks = [conversation.Breakpoint(turn=0, block=0, lifetime=lifetime)] if lifetime != "none" else []
    asked = conversation.Request(
        plan=conversation.Plan(
            model=model_name,
            effort="low",
            max_output_tokens=500,
            lifetime=lifetime,
            first_place=0,
            sends_effort=model_name != "claude-haiku-4-5",
        ),
        system="Be brief.",
        turns=(claude_support.turn("user", text.encode("utf-8", "replace").decode()),),
        breakpoints=tuple(marks),
    )
    await model.answer(asked, purse)
    ((most, usage),) = purse.calls
    assert usage is not None
    highest, paid = accounting.price(model_name, most), accounting.price(model_name, usage)
    assert highest is not None
    assert paid is not None
    assert 0 < paid <= highest


@pytest.mark.parametrize(
    ("kind", "usages"),
    [
        ("rate_limit", "free"),  # refused before it began
        ("bad_request", "free"),
        ("cut", "all it could write"),  # begun: input known, output not
        ("eof", "all it could write"),
        ("error_event", "all it could write"),
        ("drop", "unknown"),  # no answer at all
    ],
)
async def test_a_call_that_fails_counts_as_what_it_may_have_cost(
    api: emulator.Claude, model: claude.Claude, kind: str, usages: str
) -> None:
    """A refused call is free; a cut one counts all it could have written; one without a sign is unknown."""
    api.fail(emulator.Fault(kind=kind, after=1))
    purse = Purse()
    with contextlib.suppress(errors.ModelError):
        await model.answer(claude_support.REQUEST, purse)
    most, usage = purse.calls[0]
    if usages == "free":
        assert usage == conversation.Usage()
    elif usages == "unknown":
        assert usage is None
    else:
        assert usage is not None
        assert usage.output == claude_support.PLAN.max_output_tokens
        assert 0 < usage.input <= most.input


async def test_a_call_that_may_not_be_made_is_not_made(api: emulator.Claude, model: claude.Claude) -> None:
    """Where the purse says no, nothing is sent; each repetition is asked for as well."""
    with pytest.raises(errors.OverBudget):
        await model.answer(claude_support.REQUEST, Purse(calls=0))
    assert api.requests == []
    api.fail(emulator.Fault(kind="overloaded", times=5))
    with pytest.raises(errors.OverBudget):
        await model.answer(claude_support.REQUEST, Purse(calls=2))
    assert len(api.requests) == 2


def test_what_is_no_text_has_a_bound_of_its_own() -> None:
    """A picture and a page cost a bounded number; of what nobody can measure all that a model reads is it."""
    body = {"max_tokens": 9, "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}
    assert metering.most(body).fresh < 200
    picture = {"type": "tool_result", "content": [{"type": "image", "source": {}}]}
    seen = {**body, "messages": [{"role": "user", "content": [picture]}]}
    assert metering.IMAGE_TOKENS < metering.most(seen).fresh < metering.IMAGE_TOKENS + 300
    source = {"type": "base64", "media_type": "application/pdf", "data": "J" * 100_000}
    for paper, least in (({"context": "3 pages"}, 3 * metering.PAGE_TOKENS), ({}, metering.UNREAD)):
        block = {"type": "document", "source": source, **paper}
        papers = {**body, "messages": [{"role": "user", "content": [block]}]}
        assert least < metering.most(papers).fresh < least + 400
    searching = {**body, "tools": [{"type": "web_search_20260209", "name": "web_search", "max_uses": 3}]}
    assert metering.most(searching) == conversation.Usage(fresh=metering.UNREAD, output=9, web_searches=3)
