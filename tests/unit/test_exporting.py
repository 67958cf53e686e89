"""Posts as lines and lines as posts."""

import dataclasses
import datetime as dt
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import conversation, exporting

POST = conversation.Post(
    conversation=conversation.ConversationId("slack:T1:C1:1712.5"),
    id="1712.5",
    role="user",
    author="U1",
    author_name="Ada",
    text="Ça va?\nYes.",
    sent_at=dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC),
)
LINE = (
    '{"conversation": "slack:T1:C1:1712.5", "id": "1712.5", "role": "user", "author": "U1", '
    '"author_name": "Ada", "text": "Ça va?\\nYes.", "sent_at": "2026-11-22T10:00:00.000Z"}'
)
texts = st.text(st.characters(exclude_categories=["Cs"]))
posts = st.builds(
    conversation.Post,
    conversation=texts.filter(bool).map(conversation.ConversationId),
    id=texts.filter(bool),
    role=st.sampled_from(["user", "assistant"]),
    author=texts,
    author_name=texts,
    text=texts,
    sent_at=st.datetimes(timezones=st.just(dt.UTC)),
)
usages = st.none() | st.dictionaries(texts, st.integers() | texts, min_size=1)


def changed(**fields: Any) -> str:
    """The line with other fields; None takes one out."""
    data = {**json.loads(LINE), **fields}
    return json.dumps({name: value for name, value in data.items() if value is not None})


def test_a_line_is_the_contracts() -> None:
    """The fields, their order and their form are those that the contract shows."""
    assert exporting.to_json(POST) == LINE


@given(posts, usages)
def test_what_goes_out_comes_back(post: conversation.Post, usage: dict[str, Any] | None) -> None:
    """Whatever a post holds, its line is one line, and reading that gives the post and its usage."""
    line = exporting.to_json(post, usage)
    assert line.splitlines() == [line]
    assert exporting.from_json(line) == (post, usage)


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
def test_any_line_is_read_or_refused(line: str) -> None:
    """A line that is no post is refused as such, and no other way."""
    with pytest.raises(exporting.BadLine):
        exporting.from_json(line)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),  # deeper than the parser goes
        ("[]", "is not a JSON object"),
        (changed(text=None), 'has no text field "text"'),
        (changed(id=5), 'has no text field "id"'),
        (changed(role="system"), 'has a "role" other than user or assistant'),
        (changed(id=""), 'has an empty "conversation" or "id"'),
        (changed(sent_at="yesterday"), 'has a "sent_at" that is not ISO 8601'),
        (
            changed(sent_at="0001-01-01T00:00:00+01:00"),
            'has a "sent_at" that is not ISO 8601',
        ),  # before year 1
        (changed(usage=[1]), 'has a "usage" that is not an object'),
    ],
)
def test_a_bad_line_says_what_is_wrong_with_it(line: str, why: str) -> None:
    """The reason names the field and never quotes the line."""
    with pytest.raises(exporting.BadLine) as raised:
        exporting.from_json(line)
    assert str(raised.value) == why


@pytest.mark.parametrize("nobody", [{"author": None, "author_name": None}, {"author_name": None}])
def test_an_answer_needs_no_author(nobody: dict[str, None]) -> None:
    """Who answered is told by the role; what a person posted without an author is refused."""
    post, _ = exporting.from_json(changed(role="assistant", **nobody))
    assert (post.role, post.author_name) == ("assistant", "")
    with pytest.raises(exporting.BadLine, match="author"):
        exporting.from_json(changed(**nobody))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-22T10:00:00Z", "2026-11-22T10:00:00.000Z"),  # without fractions
        ("2026-11-22T12:00:00.5+02:00", "2026-11-22T10:00:00.500Z"),  # another zone
        ("2026-11-22T10:00:00", "2026-11-22T10:00:00.000Z"),  # no zone: UTC
        ("2026-11-22T10:00:00.123456Z", "2026-11-22T10:00:00.123456Z"),  # microseconds are kept
    ],
)
def test_times_are_utc(written: str, meant: str) -> None:
    """Any ISO 8601 time is read; it is written in UTC, to the millisecond unless it is finer."""
    post, _ = exporting.from_json(changed(sent_at=written))
    assert exporting.stamp(post.sent_at) == meant


def test_usage_stands_with_an_answer() -> None:
    """An answer's line carries what it cost, as the API billed it."""
    answer = dataclasses.replace(POST, role="assistant")
    line = exporting.to_json(answer, {"input_tokens": 5, "cache_creation": {"ephemeral_5m_input_tokens": 2}})
    assert json.loads(line)["usage"] == {
        "input_tokens": 5,
        "cache_creation": {"ephemeral_5m_input_tokens": 2},
    }


def test_markdown_is_for_people() -> None:
    """In Markdown a post is its speaker, its time and its text."""
    assert exporting.to_markdown(POST) == "**Ada**, 2026-11-22 10:00:00 UTC\n\nÇa va?\nYes.\n"
    nameless = dataclasses.replace(POST, author_name="")
    assert exporting.to_markdown(nameless).startswith("**U1**, ")
    answer = dataclasses.replace(POST, role="assistant", author_name="assistant")
    assert exporting.to_markdown(answer).startswith("**Threadmate**, ")
