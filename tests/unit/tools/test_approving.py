"""What the asker reads before a tool may write."""

from __future__ import annotations

import pytest

from bot import conversation
from bot.tools import approving, describing, toolsets

OFFER = describing.Offer(
    tool=conversation.Tool(name="notes__write", description="", parameters={}),
    server="notes",
    name="write",
    writes=True,
)


def question(text: str) -> str:
    """What is asked about a note with this text."""
    return approving.question(OFFER, toolsets.Call(id="c1", tool="notes__write", asked={"text": text}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("milk", '"milk"'),
        ("mi\u200blk", '"mi\\u200blk"'),  # of no width
        ("mi\U000e0041lk", '"mi\\udb40\\udc41lk"'),  # a tag: letters that no program draws
        ("\u202eklim", '"\\u202eklim"'),  # turns the direction of what follows
        ("```\nmilk", "\"'''\\nmilk\""),  # cannot end the block it stands in
        ("Grüße 日本", '"Grüße 日本"'),
    ],
)
def test_who_allows_a_call_sees_all_of_it(text: str, shown: str) -> None:
    """Nothing of what would be sent is invisible, or shown in another order than it is sent in."""
    assert shown in question(text)


def test_a_long_call_says_how_much_is_not_shown() -> None:
    """What does not fit is counted: nobody takes the beginning for the whole."""
    assert "more characters]" in question("x" * 5_000)
