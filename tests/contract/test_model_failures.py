"""Contract: errors of the model are retried within bounds; when they last, one sentence, nothing false."""

from __future__ import annotations

import pytest
import sent
import stage

from bot import errors, turns
from emulators import claude

Lasting = tuple[claude.Fault, type[errors.ModelError]]

LASTING: list[Lasting] = [
    (claude.Fault(kind="overloaded", times=None), errors.Overloaded),
    (claude.Fault(kind="rate_limit", times=None, retry_after=1), errors.Overloaded),
    (claude.Fault(kind="server_error", times=None), errors.Overloaded),
    (claude.Fault(kind="spend_cap", times=None), errors.SpendLimit),
    (claude.Fault(kind="unauthorized", times=None), errors.KeyRefused),
    (claude.Fault(kind="bad_request", times=None), errors.Rejected),
    (claude.Fault(kind="too_large", times=None), errors.TooLong),
    (claude.Fault(kind="drop", times=None), errors.Unreachable),
    (claude.Fault(kind="cut", times=None, after=3), errors.Unreachable),
    (claude.Fault(kind="eof", times=None, after=3), errors.Unreachable),  # a clean end with no message_stop
    (claude.Fault(kind="garbage", times=None, after=3), errors.Unreachable),
    (claude.Fault(kind="error_event", times=None, after=3), errors.Overloaded),
    (claude.Fault(kind="refusal", times=None), errors.Declined),
    (claude.Fault(kind="refusal", times=None, text="I was going to say"), errors.Declined),
    (claude.Fault(kind="context_window", times=None), errors.TooLong),
    (claude.Fault(kind="empty", times=None), errors.NoAnswer),
]


def _name(fault: object) -> str:
    return fault.kind if isinstance(fault, claude.Fault) else ""


@pytest.mark.parametrize(("fault", "error"), LASTING, ids=_name)
async def test_a_lasting_failure_is_one_sentence(
    scene: stage.Stage, fault: claude.Fault, error: type[errors.ModelError]
) -> None:
    """The person gets one sentence for an answer, the log nothing, and the next question its answer."""
    scene.claude.answer = lambda body: (
        f"{stage.answer(body)} This is a longer answer than one glance takes in."
    )
    scene.claude.fail(fault)
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [error().sentence]
    assert len(scene.requests) <= 5
    assert await scene.stored() == ["what is WAL?"]
    scene.claude.heal()
    scene.claude.answer = stage.answer
    if error is errors.Declined:
        scene.belongs(turns.WITHHELD, scene.conversation(asked))
        scene.may_break(asked)
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [error().sentence, *stage.answered(2)]
    first = turns.WITHHELD if error is errors.Declined else "what is WAL?"  # no refused turn in the history
    assert sent.dialogue(scene.requests[-1]) == [("user", first), ("user", "and now?")]


PASSING = [
    "overloaded",
    "server_error",
    "rate_limit",
    "drop",
    "cut",
    "eof",
    "garbage",
    "error_event",
    "empty",
]


@pytest.mark.parametrize("kind", PASSING)
async def test_a_passing_failure_is_not_seen(scene: stage.Stage, kind: str) -> None:
    """A failure that passes leaves no trace in the answer, which is whole and stands once."""
    words = " ".join(f"word{number}" for number in range(200))
    scene.claude.answer = lambda _body: words
    scene.claude.fail(claude.Fault(kind=kind, after=30))
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [words]
    assert await scene.stored() == ["what is WAL?", words]
    assert len(scene.requests) == 2


async def test_an_answer_at_its_limit_says_so(empty_stage: stage.Stage) -> None:
    """An answer that is cut at its length limit is kept, and says that it was cut."""
    scene = empty_stage
    await scene.start(bot_max_output_tokens=100)
    scene.claude.answer = lambda _body: "word " * 500
    asked = await scene.mention(scene.channel, "go on for ever")
    await scene.idle()
    (answer,) = scene.answers(scene.under(asked))
    assert answer.startswith("word word")
    assert "go on" in answer.splitlines()[-1]


async def test_a_failed_summary_does_not_stop_the_answer(empty_stage: stage.Stage) -> None:
    """When no summary can be made, the question is answered all the same."""
    scene = empty_stage
    await scene.start(bot_context_tokens=2000, bot_context_floor_tokens=700)
    summarising = claude.Fault(kind="overloaded", times=None, match=lambda body: "haiku" in body["model"])
    scene.claude.fail(summarising)
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    for number in range(8):
        await scene.post(scene.under(asked), f"{number} {'and so the talk goes on and on ' * 40}".strip())
        await scene.idle()
    scene.may_break(asked, times=len(scene.requests))
    assert any("haiku" in call.body["model"] for call in scene.claude.requests)
    assert len(scene.answers(scene.under(asked))) == 9
    assert all(text.startswith("Answer to") for text in scene.answers(scene.under(asked)))


async def test_a_long_wait_is_told_as_it_is(scene: stage.Stage) -> None:
    """Where Claude says that it takes nothing for hours, the person is not told to try in minutes."""
    scene.claude.fail(claude.Fault(kind="rate_limit", times=None, retry_after=7200))
    asked = await scene.mention(scene.channel, "what is WAL?")
    await scene.idle()
    (told,) = scene.answers(scene.under(asked))
    assert "about 2 hours" in told
    assert "minutes" not in told
