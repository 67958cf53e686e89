"""The laws themselves: each fails on a request that breaks it, so that the suite cannot pass by blindness."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import laws
import pytest
import sent

Body = dict[str, Any]
MARK = {"type": "ephemeral"}


def _body(*said: str) -> Body:
    """A request in which Ada and the assistant take turns, the last word with Ada."""
    messages: list[Body] = [
        {
            "role": ("user", "assistant")[number % 2],
            "content": [{"type": "text", "text": _marked(number, text)}],
        }
        for number, text in enumerate(said)
    ]
    messages[-1]["content"][-1]["cache_control"] = MARK
    messages[-1]["content"].append({"type": "text", "text": "<now>Monday 2026-11-23 10:00 UTC</now>"})
    system = [{"type": "text", "text": "You are helpful.", "cache_control": MARK}]
    return {"model": "claude-sonnet-5-5", "max_tokens": 100, "system": system, "messages": messages}


def _marked(number: int, text: str) -> str:
    return text if number % 2 else f'<post by="Ada" id="U1">{text}</post>'


def _same(_body: sent.Body) -> str:
    return "one conversation"


def _check(*bodies: Body, breaks: int = 0) -> None:
    laws.check(bodies, conversation_of=_same, breaks={"one conversation": breaks})


def test_a_conversation_that_extends_itself_is_lawful() -> None:
    """Two requests of which the second extends the first, marks and time aside, break no law."""
    _check(_body("one"), _body("one", "yes", "two"))


def _assistant_first(body: Body) -> None:
    body["messages"].insert(0, {"role": "assistant", "content": [{"type": "text", "text": "Hm."}]})


def _two_user_turns(body: Body) -> None:
    body["messages"].append({"role": "user", "content": [{"type": "text", "text": "More."}]})


def _ends_with_assistant(body: Body) -> None:
    body["messages"].append({"role": "assistant", "content": [{"type": "text", "text": "Well"}]})


def _blank(body: Body) -> None:
    body["messages"][0]["content"].append({"type": "text", "text": " \n"})


def _five_marks(body: Body) -> None:
    body["messages"][0]["content"][:0] = [
        {"type": "text", "text": str(number), "cache_control": MARK} for number in range(4)
    ]


def _marked_time(body: Body) -> None:
    body["messages"][-1]["content"][-1]["cache_control"] = MARK


def _sampling(body: Body) -> None:
    body["temperature"] = 1.0


def _thinking(body: Body) -> None:
    body["messages"][1]["content"].insert(0, {"type": "thinking", "thinking": "Hm.", "signature": "abc"})


@pytest.mark.parametrize(
    "spoil",
    [
        _assistant_first,
        _two_user_turns,
        _ends_with_assistant,
        _blank,
        _five_marks,
        _marked_time,
        _sampling,
        _thinking,
    ],
)
def test_a_spoilt_request_is_found(spoil: Callable[[Body], None]) -> None:
    """Each way to spoil the shape of a request is found."""
    spoilt = copy.deepcopy(_body("one", "yes", "two"))
    spoil(spoilt)
    with pytest.raises(AssertionError):
        _check(spoilt)


@pytest.mark.parametrize(
    "later",
    [
        _body("one!", "yes", "two"),  # an earlier post changed
        _body("one", "yes!", "two"),  # an earlier answer changed
        _body("two"),  # what was said is gone
        {**_body("one", "yes", "two"), "system": [{"type": "text", "text": "You are a parrot."}]},
    ],
)
def test_a_changed_past_is_found_unless_announced(later: Body) -> None:
    """A request that does not extend the one before is found, and let through when it was announced."""
    with pytest.raises(AssertionError):
        _check(_body("one"), _body("one", "yes", "two"), later)
    _check(_body("one"), _body("one", "yes", "two"), later, breaks=1)
