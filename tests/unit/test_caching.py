"""The prompt cache's economics: lifetimes, marks, steps, and the reason of every miss."""

import dataclasses
import datetime as dt
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from bot import conversation
from bot.money import prices
from bot.planning import caching

START = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
PLAN = conversation.Plan(
    model="claude-sonnet-5-5", effort="low", max_output_tokens=100, lifetime="5m", first_place=0,
    previous_place=4, expected_read=5000, newest_summary=0,
)  # fmt: skip
BEFORE = conversation.LastRequest(
    place=4, plan=PLAN, usage=conversation.Usage(written_5m=1000, read=4000, fresh=20), at=START
)


def turns(*counts: int) -> list[conversation.Turn]:
    """Turns of so many blocks each, a person's first."""
    roles: tuple[conversation.Role, conversation.Role] = ("user", "assistant")
    return [
        conversation.Turn(
            role=roles[number % 2],
            blocks=tuple(conversation.Block(text="x", posts=(f"{number}.{at}",)) for at in range(count)),
        )
        for number, count in enumerate(counts)
    ]


@hypothesis.given(st.lists(st.integers(1, 30), min_size=1, max_size=9), st.integers(0, 30))
def test_the_look_back_never_misses(counts: list[int], added: int) -> None:
    """Whatever one request adds, its marks are four at most and one finds what the last request wrote."""
    before = turns(*(counts if len(counts) % 2 else counts[:-1] or [1]))
    first = caching.breakpoints(before, sent=frozenset(), lifetime="5m")
    sent = frozenset(post for turn in before if turn.role == "user" for b in turn.blocks for post in b.posts)
    more = [turn.blocks for turn in turns(1, added + 1)][1]
    after = [
        *before,
        conversation.Turn(role="assistant", blocks=(conversation.Block(text="a", posts=("a",)),)),
        conversation.Turn(role="user", blocks=tuple(dataclasses.replace(b, posts=("new",)) for b in more)),
    ]
    marks = caching.breakpoints(after, sent=sent, lifetime="5m")
    assert 2 <= len(marks) <= caching.MOST_MARKS
    assert first[-1] in marks


@hypothesis.given(st.integers(0, 200), st.integers(-1, 200), st.integers(-1, 50))
def test_a_long_run_is_marked_on_its_way(end: int, previous: int, segments: int) -> None:
    """Within 20 blocks before the newest mark stands another, as far as four marks reach."""
    previous, segments = min(previous, end - 1), min(segments, end)
    marks = caching.marked(end=end, previous=previous, segments=segments)
    assert marks == sorted(set(marks))
    assert len(marks) <= caching.MOST_MARKS
    assert {-1, end, previous} <= set(marks)
    assert end - marks[-2] < caching.LOOK_BACK or len(marks) == 1


@pytest.mark.parametrize(
    "model", ["claude-fable-5-2", "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5"]
)
def test_costs_are_the_price_lists(model: str) -> None:
    """Writes cost a quarter more and twice as much, reads a tenth at most, on every current model."""
    costs = prices.costs(model)
    assert (round(costs.write_5m, 6), round(costs.write_1h, 6)) == (1.25, 2.0)
    assert 0 < costs.read <= 0.1


def test_an_unknown_models_costs_are_the_dearest() -> None:
    """Where no price is known the planner counts with the dearest reads."""
    assert prices.costs("claude-unknown-9") == caching.DEAREST


@hypothesis.given(st.lists(st.floats(1, 100_000), max_size=20), st.floats(0, 1))
def test_no_other_lifetime_is_cheaper(gaps: list[float], new: float) -> None:
    """The chosen lifetime's price of a prefix token is the lowest, dearer writes counted."""
    chosen = caching.lifetime(gaps, costs=caching.DEAREST, new=new)
    costs = caching.DEAREST
    paid = {
        each: caching.prefix_price(gaps, each, costs=costs)
        + (new * (costs.write_1h - costs.write_5m) if each == "1h" else 0)
        for each in caching.SECONDS
    }
    assert paid[chosen] == min(paid.values())


@hypothesis.given(st.integers(100, 50_000), st.floats(1, 5000), st.floats(0.05, 2))
def test_the_step_grows_with_what_a_cut_costs(floor: int, growth: float, price: float) -> None:
    """Dearer rewrites and faster threads make longer steps, a dearer prefix shorter ones, to a limit."""

    def step(**changes: Any) -> int:
        fields: dict[str, Any] = {
            "floor": floor, "growth": growth, "price": price, "lifetime": "5m", "costs": caching.DEAREST,
        }  # fmt: skip
        return caching.step(**{**fields, **changes})

    assert step() >= floor / 4
    assert step(lifetime="1h") >= step()
    assert step(growth=growth * 2) >= step() >= step(price=price * 2)


@pytest.mark.parametrize(
    ("plan", "usage", "more", "reason"),
    [
        ({}, {"read": 5000}, {}, ""),  # all of it was there
        ({}, {"read": 4950}, {}, ""),  # counts are rounded
        ({}, {"written_5m": 6000}, {"after": 400}, "expired"),
        ({}, {"written_5m": 6000}, {}, "not found"),
        ({"model": "claude-opus-5-5"}, {"written_5m": 6000}, {}, "model changed"),
        ({"effort": "high"}, {"written_5m": 6000}, {}, "effort changed"),
        ({}, {"written_5m": 6000}, {"said": "system_changed"}, "prompt changed"),
        ({}, {"written_5m": 6000}, {"said": "tools_changed"}, "tools changed"),
        ({}, {"written_5m": 3000, "read": 2000}, {}, "prefix changed"),
        ({}, {"written_5m": 6000}, {"said": "messages_changed"}, "prefix changed"),
        (
            {"previous_place": None, "expected_read": 0},
            {"written_5m": 6000},
            {"changed": True},
            "post changed",
        ),
        ({"newest_summary": 2, "expected_read": 0}, {"written_5m": 3000}, {}, "summarised"),
        ({"first_place": 9, "expected_read": 0}, {"written_5m": 3000}, {}, "older posts left out"),
        ({}, {"fresh": 400}, {"minimum": 9000}, "too short"),
        ({"lifetime": "none"}, {"fresh": 6000}, {}, ""),  # nothing was asked of the cache
    ],
)
def test_every_miss_has_its_reason(
    plan: dict[str, Any], usage: dict[str, Any], more: dict[str, Any], reason: str
) -> None:
    """What was read is held against what the last request left, and a difference is explained."""
    assert (
        caching.explain(
            dataclasses.replace(PLAN, **plan),
            conversation.Usage(**usage),
            before=BEFORE,
            changed=more.get("changed", False),
            now=START + dt.timedelta(seconds=more.get("after", 60)),
            minimum=more.get("minimum", 512),
            said=more.get("said", ""),
        )
        == reason
    )


def test_a_first_request_misses_nothing() -> None:
    """Before the first answer there is nothing to be found."""
    assert (
        caching.explain(PLAN, conversation.Usage(fresh=9), before=None, changed=False, now=START, minimum=512)
        == ""
    )
