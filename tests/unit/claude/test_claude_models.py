from __future__ import annotations

from typing import Any

import pytest

from bot.claude import models


def capabilities(**thinking: bool) -> dict[str, Any]:
    """Build capabilities with these thinking types and every effort but xhigh."""
    levels = {level: {"supported": level != "xhigh"} for level in models.EFFORTS}
    types = {kind: {"supported": supported} for kind, supported in thinking.items()}
    return {
        "effort": {"supported": True, **levels},
        "thinking": {"supported": True, "types": types},
    }


def test_the_endpoint_is_believed() -> None:
    """Sizes, efforts and thinking are what the endpoint says, not what the table does."""
    said = {
        "id": "claude-haiku-4-5",
        "max_input_tokens": 300_000,
        "max_tokens": 70_000,
        "capabilities": capabilities(adaptive=True, disabled=True),
    }
    facts = models.facts("claude-haiku-4-5", said)
    assert facts is not None
    assert (
        facts.context_tokens,
        facts.max_output_tokens,
        facts.min_prefix_tokens,
    ) == (300_000, 70_000, 4_096)
    assert (facts.thinking, facts.efforts) == ("adaptive", ("low", "medium", "high", "max"))


@pytest.mark.parametrize(
    "thinking",
    [{"enabled": True, "adaptive": False}, {"enabled": True}, {"disabled": True}],
)
def test_a_model_that_does_not_adapt_is_sent_no_thinking(thinking: dict[str, bool]) -> None:
    """A chat gives no thinking budget, so a model that needs one is not told to think."""
    facts = models.facts("m", {"id": "m", "capabilities": capabilities(**thinking)})
    assert facts is not None
    assert facts.thinking is None


def test_each_gap_is_filled_from_the_table() -> None:
    """An endpoint that leaves a field out leaves that field to the table."""
    facts = models.facts("claude-opus-5-5", {"id": "claude-opus-5-5", "max_tokens": 99, "capabilities": None})
    assert facts is not None
    assert (facts.context_tokens, facts.max_output_tokens, facts.thinking) == (1_000_000, 99, "adaptive")


def test_no_effort_support_means_no_efforts() -> None:
    """Efforts count only where effort as such is supported."""
    said = {"id": "m", "capabilities": {"effort": {"supported": False, "low": {"supported": True}}}}
    facts = models.facts("m", said)
    assert facts is not None
    assert facts.efforts == ()


@pytest.mark.parametrize("junk", [None, "<html>", [], {}, {"id": 3}, {"error": {"type": "x"}}])
def test_what_is_no_model_object_is_refused(junk: object) -> None:
    """Whatever a gateway sends, only an object with an id is taken for a model."""
    assert models.facts("m", junk) is None


@pytest.mark.parametrize("capability", [None, 3, "yes", [], {"thinking": 3, "effort": "all"}])
def test_junk_inside_a_model_object_does_no_harm(capability: object) -> None:
    """A malformed field is a missing one."""
    facts = models.facts("m", {"id": "m", "max_tokens": "many", "capabilities": capability})
    assert facts is not None
    assert (facts.thinking, facts.efforts, facts.max_output_tokens) == (None, (), 8_192)


def test_a_dated_name_is_its_model() -> None:
    """A name pinned to a date has the facts of the model it pins."""
    dated = models.table("claude-haiku-4-5-20251001")
    assert (
        dated.id,
        dated.min_prefix_tokens,
        dated.max_output_tokens,
    ) == ("claude-haiku-4-5-20251001", 4_096, 64_000)
