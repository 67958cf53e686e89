"""Conversations lived again: what is asked, what it costs, and which way is recommended."""

import dataclasses
import datetime as dt
from decimal import Decimal

import fakes
import pytest

from bot import conversation
from bot.claude import models
from bot.money import advising, prices, replay
from bot.planning import context, sizes

KEY = conversation.ConversationId("c")
POLICY = context.Policy(
    strategy="summarise", model="claude-sonnet-5-5", effort="low", max_output_tokens=8192,
    budget_tokens=3000, floor_tokens=1500, window_turns=6,
)  # fmt: skip


def posts(*lines: tuple[str, str, float]) -> list[conversation.Post]:
    """Posts of (author, text, seconds since the start); "bot" is the assistant."""
    return [
        conversation.Post(
            conversation=KEY,
            id=str(number),
            role="assistant" if author == "bot" else "user",
            author=author,
            author_name=author,
            text=text,
            sent_at=fakes.START + dt.timedelta(seconds=at),
        )
        for number, (author, text, at) in enumerate(lines)
    ]


def a_talk(count: int, every: float = 60.0) -> list[replay.Exchange]:
    """So many questions and answers of a hundred tokens each."""
    lines = []
    for number in range(count):
        lines += [("Ada", "q " * 150, number * every), ("bot", "a " * 150, number * every + 5)]
    return replay.exchanges(posts(*lines))


def setting(cache: replay.Cache = "auto", **changes: object) -> replay.Setting:
    """A small budget on Sonnet."""
    return replay.Setting(
        policy=dataclasses.replace(POLICY, **changes),  # type: ignore[arg-type] # a table of fields
        cache=cache,
        facts=models.table(POLICY.model),
        costs=prices.costs(POLICY.model),
        system="Be brief. " * 100,
    )


def test_each_answer_is_a_request() -> None:
    """Posts by people up to an answer are one request; what nobody answered is none."""
    story = replay.exchanges(
        posts(
            ("Ada", "1", 0), ("Bob", "2", 1), ("bot", "a", 2), ("bot", "b", 3), ("Ada", "3", 4),
            ("bot", "c", 5), ("Ada", "4", 6),
        )
    )  # fmt: skip
    assert [[post.text for post in exchange.question] for exchange in story] == [["1", "2"], ["3"]]
    assert [exchange.answer.text for exchange in story] == ["a\n\nb", "c"]
    assert [exchange.question[0].place for exchange in story] == [1, 3]


def test_without_the_bot_each_run_of_one_person_is_asked_of_it() -> None:
    """A log of people only: every run of one speaker gets an answer of 500 tokens."""
    story = replay.exchanges(posts(("Ada", "1", 0), ("Ada", "2", 1), ("Bob", "3", 2), ("Ada", "4", 3)))
    assert [[post.text for post in exchange.question] for exchange in story] == [["1", "2"], ["3"], ["4"]]
    assert {sizes.estimate(exchange.answer.text) for exchange in story} == {replay.ANSWER_TOKENS}


@pytest.mark.parametrize("cache", ["none", "5m", "1h", "auto"])
def test_both_ways_to_replay_full_agree(cache: replay.Cache) -> None:
    """What is appended in place is billed as the planner's own requests are, call by call."""
    story = a_talk(40, every=200.0)
    quick = list(replay.run(story, setting(cache, strategy="full")))
    slow = list(replay.run(story, setting(cache, strategy="full"), watch=lambda _thread, _plan: None))
    assert [call.usage for call in quick] == [call.usage for call in slow]


def test_the_cache_setting_is_kept() -> None:
    """With a lifetime set nothing is written for another; without a cache nothing is written or read."""
    story = a_talk(30)
    for cache, field in (("5m", "written_1h"), ("1h", "written_5m")):
        usages = [call.usage for call in replay.run(story, setting(cache))]  # type: ignore[arg-type] # both are settings
        assert sum(getattr(usage, field) for usage in usages) == 0
        assert sum(usage.read for usage in usages) > 0
    plain = [call.usage for call in replay.run(story, setting("none"))]
    assert sum(usage.read + usage.written_5m + usage.written_1h for usage in plain) == 0


def test_a_long_thread_is_summarised_ahead_and_stays_within_the_budget() -> None:
    """Summaries are among the calls; no request of answers holds more history than the budget."""
    calls = list(replay.run(a_talk(80), setting()))
    assert any(call.kind == "summary" for call in calls)
    assert max(call.history for call in calls) <= POLICY.budget_tokens
    assert sum(call.kind == "answer" for call in calls) == 80


def an_adviser(*stories: list[replay.Exchange]) -> advising.Adviser:
    """An adviser on these conversations."""
    return advising.Adviser(
        stories=stories,
        policy=POLICY,
        summary_model="claude-haiku-5-5",
        system="Be brief.",
        facts=models.table,
    )


def test_every_way_is_compared_cheapest_first() -> None:
    """A row for each strategy, cache setting and current model; the money is the price list's."""
    adviser = an_adviser(a_talk(30), a_talk(10, every=1000.0))
    rows = adviser.compare()
    assert len(rows) == 3 * 4 * len(advising.CURRENT)
    costs = [row.usd or Decimal(0) for row in rows]
    assert costs == sorted(costs)
    assert {row.requests for row in rows} == {40}
    full = next(
        row for row in rows if (row.strategy, row.cache, row.model) == ("full", "5m", "claude-opus-5-5")
    )
    assert full.usd == prices.cost("claude-opus-5-5", full.usage)
    assert adviser.estimate().usd == next(
        row.usd for row in rows if (row.strategy, row.cache, row.model) == ("summarise", "auto", POLICY.model)
    )


def test_a_row_has_the_fields_that_were_promised() -> None:
    """The JSON object of a row has the contract's fields and no others, in order."""
    row = an_adviser(a_talk(3)).estimate()
    assert list(row.json()) == [
        "strategy", "cache", "model", "requests", "input_tokens", "cache_write_tokens", "cache_read_tokens",
        "output_tokens", "usd",
    ]  # fmt: skip


def test_the_reason_is_one_sentence() -> None:
    """It names the way, its price, and the pauses it rests on."""
    adviser = an_adviser(a_talk(30))
    reason = adviser.reason(adviser.compare())
    assert reason.startswith("On claude-sonnet-5-5, ")
    assert "100% of the pauses are shorter than 5 minutes" in reason
    assert reason.count(". ") == 0


def test_nothing_gives_no_advice() -> None:
    """Without a request there is nothing to compare."""
    adviser = an_adviser()
    assert adviser.estimate().usd == 0
    assert adviser.reason(adviser.compare()).startswith("There is nothing to compare")


def test_an_unknown_price_is_unknown() -> None:
    """A model that the price list does not know costs nobody knows what, not nothing."""
    adviser = dataclasses.replace(
        an_adviser(a_talk(3)), policy=dataclasses.replace(POLICY, model="claude-unknown-9")
    )
    assert adviser.estimate().usd is None
    assert "unknown price" in adviser.estimate().line()
    assert adviser.compare()[-1].usd is None
