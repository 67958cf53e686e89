"""Why the cache was missed is told in words that a person can act on, and never wrongly."""

from typing import Any

import pytest

from playground import calls, misses

MODEL = "claude-sonnet-5-5"
LONG = "the tide was high " * 400
MARK = {"cache_control": {"type": "ephemeral"}}
HOUR = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
RECALL = {"name": "recall", "description": "Search.", "input_schema": {"type": "object"}}
SUMMARY = "<summary>\nshort\n</summary>"
NOTHING = {"input_tokens": 400, "output_tokens": 9}
WRITTEN = {"input_tokens": 9, "output_tokens": 9, "cache_creation_input_tokens": 2_000}
READ = {"input_tokens": 9, "output_tokens": 9, "cache_read_input_tokens": 2_000}


def a_call(
    *texts: str, number: int = 1, at: float = 0.0, usage: dict[str, int], mark: Any = MARK, **body: Any
) -> calls.Call:
    """A request whose turns are these texts, a mark on the last one."""
    turns = [
        {"role": ("user", "assistant")[place % 2], "content": [{"type": "text", "text": text}]}
        for place, text in enumerate(texts)
    ]
    turns[-1]["content"][-1] |= mark  # type: ignore[index] # a block of a plain dict
    whole = {"model": MODEL, "max_tokens": 99, "messages": turns, **body}
    end: dict[str, Any] = {"error": None, "stop_reason": "end_turn", "done": True}
    return calls.Call(number=number, at=at, body=whole, status=200, usage=usage, **end)


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (  # too short to be cached, with the figure that was missing
            a_call("hello", usage=NOTHING),
            a_call("hello", "hi", "so?", usage=NOTHING),
            "too short: 400 tokens to cache, and claude-sonnet-5-5 caches 512 or more",
        ),
        (  # long enough, and still not cached: not the length's fault
            a_call(LONG, usage={"input_tokens": 2_000, "output_tokens": 9}),
            a_call(LONG, "hi", "so?", usage=NOTHING),
            "its endpoint caches nothing",
        ),
        (  # nothing is known of this model's least
            a_call("hello", usage=NOTHING, model="small-1"),
            a_call("hello", "hi", "so?", usage=NOTHING, model="small-1"),
            "its endpoint caches nothing",
        ),
        (
            a_call("hello", usage=NOTHING, mark={}),
            a_call("hello", "hi", "so?", usage=NOTHING),
            "asked for no caching",
        ),
        (  # the tool that comes with the first summary is not the reason, the summary is
            a_call(LONG, "hi", "so?", usage=WRITTEN),
            a_call(SUMMARY, "hi", "so?", usage=NOTHING, tools=[RECALL]),
            "(recall was added), as a summary took the place of older posts",
        ),
        (
            a_call(LONG, usage=WRITTEN, tools=[RECALL]),
            a_call(LONG, "hi", "so?", usage=NOTHING),
            "the list of tools changed (recall was taken away)",
        ),
        (  # a mark on a tool is no change of it
            a_call(LONG, usage=WRITTEN, tools=[RECALL | MARK]),
            a_call(LONG + "!", "hi", "so?", usage=NOTHING, tools=[RECALL]),
            "the prefix changed at messages.0.content.0: a post was edited or deleted",
        ),
        (  # what was only read is kept as long as its mark says
            a_call(LONG, usage=READ, mark=HOUR),
            a_call(LONG + "!", "hi", "so?", at=600.0, usage=NOTHING),
            "the prefix changed",
        ),
        (
            a_call(LONG, usage=READ),
            a_call(LONG, "hi", "so?", at=600.0, usage=NOTHING),
            "it had expired: 10 minutes passed, and it was kept for 5m",
        ),
    ],
)
def test_the_reason_of_a_miss(before: calls.Call, now: calls.Call, reason: str) -> None:
    """Each kind of miss has its own reason, with the figure or the name that explains it."""
    assert reason in misses.explain(now, before).reason


def test_an_endpoint_that_caches_by_itself_has_missed_nothing() -> None:
    """What was read though no bill said that it was written is no miss (llama.cpp does so)."""
    before = a_call(LONG, usage={"input_tokens": 2_000, "output_tokens": 9}, model="small-1")
    reading = misses.explain(a_call(LONG, "hi", "so?", usage=READ, model="small-1"), before)
    assert reading == misses.Reading(expected=0, read=2_000, reason="")
