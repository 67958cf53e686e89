from __future__ import annotations

import copy
import json
from typing import Any

import claude_support
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import conversation
from bot.claude import wire


def test_body_is_exactly_what_the_plan_says() -> None:
    """Every field of the body comes from the request; what varies follows the last mark, unmarked."""
    request = conversation.Request(
        plan=conversation.Plan(
            model="claude-opus-5-5",
            effort="medium",
            max_output_tokens=9_999,
            lifetime="1h",
            first_place=0,
            thinking="adaptive",
        ),
        system="Be brief.",
        turns=(claude_support.turn("user", "a", "b"), claude_support.turn("user", "c")),
        breakpoints=(
            conversation.Breakpoint(turn=-1, block=0, lifetime="1h"),
            conversation.Breakpoint(turn=0, block=1, lifetime="1h"),
            conversation.Breakpoint(turn=1, block=0, lifetime="5m"),
        ),
        varying="It is noon.",
    )
    hour = {"type": "ephemeral", "ttl": "1h"}
    assert wire.body(request, max_tokens=500) == {
        "model": "claude-opus-5-5",
        "max_tokens": 500,
        "system": [{"type": "text", "text": "Be brief.", "cache_control": hour}],
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a"},
                    {"type": "text", "text": "b", "cache_control": hour},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "c", "cache_control": {"type": "ephemeral"}},
                    {"type": "text", "text": "It is noon."},
                ],
            },
        ],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "medium"},
        "stream": True,
    }


def test_body_leaves_out_what_the_model_cannot_take() -> None:
    """Without a thinking type, an effort or a system prompt the body has no such field."""
    bare = claude_support.request(thinking=None, sends_effort=False)
    body = wire.body(
        conversation.Request(plan=bare.plan, system=" \n", turns=bare.turns, breakpoints=()), max_tokens=5
    )
    assert list(body) == ["model", "max_tokens", "messages", "stream"]


def test_what_varies_needs_a_user_turn_at_the_end() -> None:
    """What varies is never put into a turn of the model's."""
    request = conversation.Request(
        plan=claude_support.PLAN,
        system="",
        turns=(claude_support.turn("assistant", "a"),),
        breakpoints=(),
        varying="now",
    )
    with pytest.raises(ValueError, match="user turn"):
        wire.body(request, max_tokens=5)


@given(
    texts=st.lists(st.lists(st.text(min_size=1), min_size=1, max_size=3), min_size=1, max_size=4),
    data=st.data(),
)
def test_same_request_same_bytes_and_marks_where_asked(texts: list[list[str]], data: st.DataObject) -> None:
    """Equal requests give equal bytes, and exactly the asked blocks carry a mark."""
    places = [(i, j) for i, blocks in enumerate(texts) for j, _ in enumerate(blocks)]
    marked = data.draw(st.lists(st.sampled_from(places), unique=True, max_size=3))
    request = conversation.Request(
        plan=claude_support.PLAN,
        system="s",
        turns=tuple(claude_support.turn("user", *blocks) for blocks in texts),
        breakpoints=tuple(conversation.Breakpoint(turn=i, block=j, lifetime="5m") for i, j in marked),
    )
    body = wire.body(request, max_tokens=9)
    assert json.dumps(body) == json.dumps(wire.body(copy.deepcopy(request), max_tokens=9))
    found = [
        (i, j)
        for i, message in enumerate(body["messages"])
        for j, block in enumerate(message["content"])
        if "cache_control" in block
    ]
    assert sorted(marked) == found
    assert texts == [[block["text"] for block in message["content"]] for message in body["messages"]]


def test_continued_sends_back_all_but_blank_text() -> None:
    """After a pause the model's content goes back as it is; the sent body is left as it was."""
    sent = wire.body(claude_support.REQUEST, max_tokens=5)
    before = copy.deepcopy(sent)
    search = {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}}
    said: list[dict[str, Any]] = [
        {"type": "text", "text": ""},
        {"type": "thinking", "thinking": "", "signature": "s"},
        search,
    ]
    following = wire.continued(sent, said)
    assert before == sent
    assert [*sent["messages"], {"role": "assistant", "content": said[1:]}] == following["messages"]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        # the split by lifetime is told
        (
            {
                "input_tokens": 3,
                "cache_creation_input_tokens": 30,
                "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
                "cache_read_input_tokens": 40,
                "output_tokens": 5,
            },
            conversation.Usage(fresh=3, written_5m=10, written_1h=20, read=40, output=5),
        ),
        # no split: writes are of five minutes, the API's default
        ({"cache_creation_input_tokens": 7}, conversation.Usage(written_5m=7)),
        # the total grew past the split
        (
            {"cache_creation_input_tokens": 9, "cache_creation": {"ephemeral_1h_input_tokens": 5}},
            conversation.Usage(written_5m=4, written_1h=5),
        ),
        # iterations stand for the figures on top, searches do not
        (
            {
                "input_tokens": 1,
                "output_tokens": 1,
                "iterations": [
                    {"input_tokens": 10, "output_tokens": 2},
                    {"input_tokens": 20, "output_tokens": 3},
                ],
                "server_tool_use": {"web_search_requests": 2},
            },
            conversation.Usage(fresh=30, output=5, web_searches=2),
        ),
        # nulls, as the API sends them
        (
            {"input_tokens": 1, "cache_creation": None, "server_tool_use": None, "iterations": None},
            conversation.Usage(fresh=1),
        ),
    ],
)
def test_usage_counts_each_token_once(raw: dict[str, Any], expected: conversation.Usage) -> None:
    """Every billed token is in exactly one figure, and the API's own object is kept."""
    found = wire.usage(raw)
    assert (expected.fresh, expected.written_5m, expected.written_1h) == (
        found.fresh,
        found.written_5m,
        found.written_1h,
    )
    assert (expected.read, expected.output, expected.web_searches) == (
        found.read,
        found.output,
        found.web_searches,
    )
    assert raw == found.raw
