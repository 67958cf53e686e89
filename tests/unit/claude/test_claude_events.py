from __future__ import annotations

from typing import Any

import pytest

from bot import conversation
from bot.claude import stream

START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "model": "claude-opus-5-5",
        "usage": {
            "input_tokens": 4,
            "cache_creation_input_tokens": 6,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 6},
            "output_tokens": 1,
        },
    },
}


def block(index: int, **content: Any) -> dict[str, Any]:
    """Build the event that opens a block."""
    return {"type": "content_block_start", "index": index, "content_block": content}


def delta(index: int, **change: Any) -> dict[str, Any]:
    """Build the event that lets a block grow."""
    return {"type": "content_block_delta", "index": index, "delta": change}


def test_only_text_is_said() -> None:
    """Text comes out as it comes in; thinking, tool input and what is unknown are not said."""
    message = stream.Message()
    events = [
        START,
        {"type": "ping"},
        block(0, type="thinking", thinking=""),
        delta(0, type="thinking_delta", thinking="hm"),
        delta(0, type="signature_delta", signature="sig"),
        {"type": "content_block_stop", "index": 0},
        block(1, type="text", text="Hel"),
        delta(1, type="text_delta", text="lo"),
        delta(1, type="delta_of_next_year", what="?"),
        delta(1, type="citations_delta", citation={"url": "https://example.org"}),
        {"type": "event_of_next_year"},
        block(2, type="server_tool_use", id="s", name="web_search", input={}),
        delta(2, type="input_json_delta", partial_json='{"query":'),
        delta(2, type="input_json_delta", partial_json=' "x"}'),
        {"type": "content_block_stop", "index": 2},
        {"type": "message_delta", "delta": {"stop_reason": "pause_turn"}, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]
    assert "".join(message.feed(event) for event in events) == "Hello"
    assert message.text == "Hello"
    assert message.content == [
        {"type": "thinking", "thinking": "hm", "signature": "sig"},
        {"type": "text", "text": "Hello", "citations": [{"url": "https://example.org"}]},
        {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"query": "x"}},
    ]
    assert (message.id, message.model, message.stop_reason) == ("msg_1", "claude-opus-5-5", "pause_turn")


def test_later_figures_replace_earlier_ones() -> None:
    """Usage in a stream is cumulative, and a figure that is not told again stays."""
    message = stream.Message()
    message.feed(START)
    usage = {"output_tokens": 20, "input_tokens": 5, "cache_read_input_tokens": None}
    message.feed({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
    found = message.usage
    assert (found.fresh, found.written_1h, found.output) == (5, 6, 20)


def test_a_refusal_says_its_category() -> None:
    """The category of a refusal is kept for the operator."""
    message = stream.Message()
    details = {"type": "refusal", "category": "bio"}
    message.feed({"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": details}})
    assert (message.stop_reason, message.stop_category) == ("refusal", "bio")


def test_nothing_received_is_nothing_billed() -> None:
    """Before the first event there is no bill and no stop reason."""
    message = stream.Message()
    assert conversation.Usage() == message.usage
    assert message.stop_reason is None


@pytest.mark.parametrize(
    "event",
    [
        None,
        [],
        "text",
        {},
        {"type": "message_start"},
        {"type": "message_start", "message": "m"},
        delta(5, type="text_delta", text="no such block"),
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_start", "index": 0, "content_block": None},
        {"type": "message_delta", "delta": None},
    ],
)
def test_a_malformed_event_is_garbled(event: object) -> None:
    """An event that is none is never passed over."""
    with pytest.raises(stream.Garbled):
        stream.Message().feed(event)


def test_tool_input_that_is_no_json_is_garbled() -> None:
    """A tool's input is taken only when it can be read."""
    message = stream.Message()
    message.feed(block(0, type="server_tool_use", id="s", name="web_search", input={}))
    message.feed(delta(0, type="input_json_delta", partial_json='{"query'))
    with pytest.raises(stream.Garbled):
        message.feed({"type": "content_block_stop", "index": 0})
