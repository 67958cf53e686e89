"""The laws of every request to Claude, checked over all that the emulator received in a test.

Law 1  Each is valid for the real service (the emulator's rules), starts and ends with a user turn, alternates
       strictly, holds no blank block, at most four breakpoints, no sampling parameter and no thinking.
Law 2  What varies stands last, after the last breakpoint.
Law 3  No request mixes conversations.
       A request that goes on with an answer after a tool extends the one that began it, thinking and all.
Law 4  Within a conversation each request extends the one before byte for byte, but for as many breaks as the
       test has announced (an edit, a deletion, a summary, a forgotten past, a changed prompt).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

import sent

from bot import prompts
from emulators.claude import refusal, rules

SAMPLING = {"temperature", "top_p", "top_k"}
MOST_MARKS = 4

_SUMMARISE = prompts.SUMMARISE.partition("{")[0]

ConversationOf = Callable[[sent.Body], str]


def check(
    requests: Iterable[sent.Body], *, conversation_of: ConversationOf, breaks: Mapping[str, int]
) -> None:
    """Assert the laws; `requests` in the order they came, `breaks` how often each prefix may change.

    `conversation_of` names the conversation of a request by its posts, and raises where they mix.
    """
    newest: dict[str, list[str]] = {}
    broken: dict[str, int] = {}
    began: sent.Body | None = None
    for body in requests:
        check_shape(body)
        if is_summary(body):
            continue
        if sent.goes_on(body):
            assert began is not None
            assert body["messages"][: len(began["messages"])] == began["messages"]
            assert body.get("tools") == began.get("tools")
            continue
        began = body
        key = conversation_of(body)
        now = sent.lasting(body)
        before = newest.get(key, now)
        if now[: len(before)] != before:
            broken[key] = broken.get(key, 0) + 1
            assert broken[key] <= breaks.get(key, 0), _difference(before, now)
        newest[key] = now


def check_shape(body: sent.Body) -> None:
    """Assert what holds for a request alone (Laws 1 and 2)."""
    try:
        rules.check(json.loads(json.dumps(body)))
    except refusal.Refusal as refused:
        raise AssertionError(f"the service would refuse this request: {refused.message}") from None
    roles = [message["role"] for message in body["messages"]]
    assert roles == [("user", "assistant")[number % 2] for number in range(len(roles))], roles
    goes_on = sent.goes_on(body)
    assert goes_on or roles[-1] == "user"
    kinds = {block["type"] for _, block in sent.blocks(body)}
    assert goes_on or not kinds & {"thinking", "redacted_thinking"}, "thinking is never replayed"
    assert all(block["text"].strip() for _, block in sent.blocks(body) if block["type"] == "text")
    assert not SAMPLING & set(body), "sampling parameters are never sent"
    marks = sent.marks(body)
    assert len(marks) <= MOST_MARKS
    assert not marks or marks[-1] < len(sent.lasting(body)), "what varies follows the last breakpoint"


def is_summary(body: sent.Body) -> bool:
    """Whether the request asks for a summary: that one extends nothing."""
    return any(block.get("text", "").startswith(_SUMMARISE) for block in body.get("system") or [])


def _difference(before: list[str], now: list[str]) -> str:
    """Where two requests part, shown from the first block that differs."""
    for number, old in enumerate(before):
        new = now[number] if number < len(now) else "(nothing)"
        if old != new:
            return f"block {number} of the request before is\n  {old}\nand came back as\n  {new}"
    return "the requests are the same"
