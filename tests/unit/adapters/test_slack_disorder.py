"""What is remembered of events that came too early stays within bounds."""

from __future__ import annotations

from adapters.slack import disorder
from bot import conversation


def where(number: int) -> conversation.ConversationId:
    """A thread."""
    return conversation.ConversationId(f"slack:T1:C1:{number}.0")


def test_what_was_passed_by_is_bounded_over_all_threads() -> None:
    """However many posts each thread has, no more are kept in all; the threads heard of first go."""
    kept = disorder.PassedBy()
    of_each = disorder.MOST_EVENTS // 10
    for number in range(30):
        for ts in range(of_each):
            kept.keep(where(number), {"ts": f"{ts + 2}.0"})
    for number in range(30):
        kept.enter(where(number), "1.0")
    missed = [len(kept.missed(where(number))) for number in range(30)]
    assert sum(missed) <= disorder.MOST_EVENTS
    assert missed[-1] == of_each
    assert missed[0] == 0
