import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.showing import pacing


def _edits(pacer: pacing.Pacer, *, number: int) -> list[float]:
    """When the first edits of a reply happen that is written without a pause from 0 on."""
    times: list[float] = []
    now = 0.0
    for shown in range(number):
        now += pacer.wait(now, shown, shown + 1)
        times.append(now)
    return times


def test_the_first_text_shows_quickly() -> None:
    """The first edit waits `first`, not `interval`, counted from the first text."""
    pacer = pacing.Pacer(interval=1.2, first=0.3)
    assert pacer.wait(7.0, 0, 5) == pytest.approx(0.3)
    assert pacer.wait(7.3, 5, 9) == pytest.approx(1.2)


def test_edits_are_coalesced_at_the_interval() -> None:
    """Without a stretch edits keep exactly the interval, however much text arrives."""
    times = _edits(pacing.Pacer(interval=1.2, first=0.3, stretch=1.0), number=9)
    assert times == pytest.approx([0.3 + 1.2 * number for number in range(9)])


def test_a_long_reply_slows_down_to_the_longest_gap() -> None:
    """Gaps grow edit by edit and stop growing at the longest."""
    times = _edits(pacing.Pacer(interval=1.0, stretch=1.5, longest=4.0), number=8)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps == pytest.approx([1.0, 1.5, 2.25, 3.375, 4.0, 4.0, 4.0])


def test_after_a_pause_text_shows_at_once() -> None:
    """An edit waits only for its distance to the one before."""
    pacer = pacing.Pacer(interval=1.2, first=0.3)
    pacer.wait(0.0, 0, 5)
    assert pacer.due(60.0, 5, 6) is True
    assert pacer.wait(60.0, 5, 6) == 0


def test_nothing_new_books_nothing() -> None:
    """Asking without new text puts no edit off."""
    pacer = pacing.Pacer(interval=1.2, first=0.0)
    pacer.wait(0.0, 0, 5)
    assert pacer.due(2.0, 5, 5) is False
    assert [pacer.wait(2.0, 5, 5), pacer.wait(2.0, 5, 6)] == [0, 0]


def test_a_rate_limit_is_waited_out_and_halves_the_pace() -> None:
    """After a refusal nothing is due before the time asked for, and gaps are twice as long."""
    pacer = pacing.Pacer(interval=1.0, first=0.0, stretch=1.0)
    pacer.limited(30.0, 2.0)
    assert pacer.due(31.9, 3, 100) is False
    assert pacer.due(32.0, 3, 100) is True
    assert pacer.wait(2.0, 3, 100) == pytest.approx(30.0)
    assert pacer.wait(32.0, 100, 101) == pytest.approx(2.0)


def test_a_shorter_limit_does_not_bring_the_next_edit_forward() -> None:
    """A refusal can only put the next edit off."""
    pacer = pacing.Pacer(interval=5.0, first=0.0)
    pacer.wait(10.0, 0, 1)
    pacer.limited(1.0, 10.0)
    assert pacer.wait(10.0, 1, 2) == pytest.approx(5.0)


@given(
    interval=st.floats(min_value=0.1, max_value=20),
    stretch=st.floats(min_value=1, max_value=2),
    steps=st.lists(st.tuples(st.floats(min_value=0, max_value=5), st.booleans()), max_size=50),
)
def test_edits_never_come_faster_than_the_interval(
    interval: float, stretch: float, steps: list[tuple[float, bool]]
) -> None:
    """Whatever pauses and refusals there are, two edits are at least the interval apart."""
    pacer = pacing.Pacer(interval=interval, first=0.0, stretch=stretch)
    now = 0.0
    times = []
    for shown, (pause, is_limited) in enumerate(steps):
        now += pause
        if is_limited:
            pacer.limited(pause, now)
        now += pacer.wait(now, shown, shown + 1)
        times.append(now)
    assert all(later - earlier >= interval - 1e-6 for earlier, later in itertools.pairwise(times))
