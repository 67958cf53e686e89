"""The planner: every rule of bot/planning/context.py, over threads that grow as real ones do."""

import dataclasses
import datetime as dt
import itertools
import random as random_module
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st

from bot import conversation, turns
from bot.planning import caching, context, sizes

START = dt.datetime(2026, 11, 22, tzinfo=dt.UTC)
KEY = conversation.ConversationId("c")
SYSTEM = "You are a helpful colleague."
FACTS = conversation.ModelFacts(
    id="claude-sonnet-5-5",
    context_tokens=200_000,
    max_output_tokens=64_000,
    min_prefix_tokens=1024,
    thinking="adaptive",
    efforts=("low", "high"),
)
STRATEGIES: tuple[context.Strategy, ...] = ("summarise", "window", "full")


def a_policy(strategy: context.Strategy = "summarise", **changes: Any) -> context.Policy:
    """A policy with a small budget."""
    fields: dict[str, Any] = {
        "strategy": strategy,
        "model": FACTS.id,
        "effort": "low",
        "max_output_tokens": 8192,
        "budget_tokens": 2000,
        "floor_tokens": 1000,
        "window_turns": 6,
    }
    return context.Policy(**{**fields, **changes})


def a_post(place: int, role: conversation.Role, text: str, number: int = 0) -> conversation.Post:
    """A placed post."""
    return conversation.Post(
        conversation=KEY,
        id=f"{place}.{number}",
        role=role,
        author="U1" if role == "user" else "B",
        author_name="Ada",
        text=text,
        sent_at=START + dt.timedelta(seconds=60 * place + number),
        place=place,
    )


def a_thread(*lengths: int, **changes: Any) -> conversation.Thread:
    """Posts of these lengths in characters, people and bot in turn; the last is the question."""
    roles: tuple[conversation.Role, conversation.Role] = ("user", "assistant")
    posts = tuple(a_post(place, roles[(place - 1) % 2], "x" * size) for place, size in enumerate(lengths, 1))
    return dataclasses.replace(
        conversation.Thread(conversation=KEY, posts=posts, summaries=(), last=None), **changes
    )


def decide(
    thread: conversation.Thread,
    policy: context.Policy,
    facts: conversation.ModelFacts = FACTS,
    now: dt.datetime = START,
) -> context.Decision:
    """The decision with everything that is not in question fixed."""
    return context.decide(
        thread, policy=policy, facts=facts, system=SYSTEM, now=now, costs=caching.Costs(read=0.1)
    )


def a_last(thread: conversation.Thread, place: int, total: int, **plan: Any) -> conversation.LastRequest:
    """A billed request of this thread whose reply stands at `place`."""
    made = decide(thread, a_policy()).plan
    return conversation.LastRequest(
        place=place,
        plan=dataclasses.replace(made, **{"first_place": thread.first_place, "lifetime": "5m", **plan}),
        usage=conversation.Usage(written_5m=total),
        at=START,
    )


lengths = st.lists(st.integers(0, 3000), min_size=1, max_size=40).map(
    lambda lengths: lengths if len(lengths) % 2 else [*lengths, 10]  # the question is a person's
)


@hypothesis.given(lengths, st.sampled_from(STRATEGIES))
def test_nothing_is_cut_before_the_budget_is_passed(lengths: list[int], strategy: context.Strategy) -> None:
    """Rule 1: a history within the budget stays whole, whatever the strategy."""
    thread = a_thread(*lengths)
    whole = decide(thread, a_policy("full")).history_tokens
    decision = decide(thread, a_policy(strategy, budget_tokens=whole, floor_tokens=1))
    assert (decision.plan.first_place, decision.summarise_before) == (0, None)
    assert decision.history_tokens == whole


@hypothesis.given(lengths, st.booleans())
def test_a_cut_reaches_the_floor(lengths: list[int], billed: bool) -> None:
    """Rule 1: past the budget what is kept is at or under the floor, unless the question alone is more."""
    thread = a_thread(*lengths)
    if billed and len(lengths) > 1:  # the bill says that the texts weigh three times the estimate
        place = len(lengths) - 1
        thread = dataclasses.replace(thread, last=a_last(thread, place, sum(lengths)))
    policy = a_policy()
    decision = decide(thread, policy)
    before = decide(thread, a_policy("full")).history_tokens
    if before <= policy.budget_tokens or len(lengths) == 1:
        assert decision.summarise_before is None
        return
    question = thread.posts[-1].place
    assert decision.summarise_before == decision.plan.first_place
    assert decision.history_tokens <= policy.floor_tokens or decision.plan.first_place == question


@hypothesis.given(lengths, st.sampled_from(STRATEGIES), st.integers(300, 60_000))
def test_a_cut_falls_before_a_person_and_keeps_the_question(
    lengths: list[int], strategy: context.Strategy, window: int
) -> None:
    """Rule 2: the first post that stays is a person's, the last is the question."""
    thread = a_thread(*lengths)
    facts = dataclasses.replace(FACTS, context_tokens=window, max_output_tokens=100)
    plan = decide(thread, a_policy(strategy), facts).plan
    kept = [post for post in thread.posts if (post.place or 0) >= plan.first_place]
    assert kept[0].role == "user"
    assert kept[-1] == thread.posts[-1]


@hypothesis.given(st.integers(1, 60), st.integers(1, 20), st.integers(100, 4000))
def test_the_window_keeps_its_turns_and_moves_in_steps(turns_: int, window: int, size: int) -> None:
    """`window` cuts only past the budget, keeps at least its turns, and never summarises."""
    count = turns_ if turns_ % 2 else turns_ + 1
    thread = a_thread(*[size] * count)
    decision = decide(thread, a_policy("window", window_turns=window))
    kept = sum((post.place or 0) >= decision.plan.first_place for post in thread.posts)
    assert kept >= min(count, window)
    assert decision.summarise_before is None
    if kept < count:
        assert decide(thread, a_policy("full")).history_tokens > 2000
        after = dataclasses.replace(thread, first_place=decision.plan.first_place)
        assert decide(after, a_policy("window", window_turns=window)).plan.first_place == after.first_place


def test_the_window_lets_many_turns_pass_between_two_cuts() -> None:
    """The prefix of a long `window` thread stays the same for half a window of turns, not for one."""
    policy = a_policy("window", window_turns=8)
    first, cuts = 0, []
    for count in range(1, 80, 2):
        first_before, thread = first, a_thread(*[900] * count, first_place=first)
        first = decide(thread, policy).plan.first_place
        if first != first_before:
            cuts.append(count)
    assert len(cuts) > 3
    assert min(later - earlier for earlier, later in itertools.pairwise(cuts)) >= 4


def test_a_thread_too_big_for_the_model_is_cut_even_within_the_window() -> None:
    """Where the window's turns do not fit the model, fewer are kept."""
    facts = dataclasses.replace(FACTS, context_tokens=5000, max_output_tokens=500)
    thread = a_thread(*[3000] * 9)
    decision = decide(thread, a_policy("window", window_turns=9), facts)
    assert decision.plan.first_place > 1
    assert decision.history_tokens <= 4000


@hypothesis.given(st.integers(1, 150))
def test_full_cuts_only_before_the_model_overflows(count: int) -> None:
    """`full` takes no notice of the budget; it cuts when nine tenths of the model's window are full."""
    facts = dataclasses.replace(FACTS, context_tokens=60_000, max_output_tokens=4000)
    thread = a_thread(*[2997] * (count * 2 - 1))  # about a thousand tokens each
    decision = decide(thread, a_policy("full", max_output_tokens=4000), facts)
    whole = sum(
        sizes.estimate(turns.mark(post)) + 4 if post.role == "user" else 1003 for post in thread.posts
    )
    room = 54_000 - 4000 - sizes.estimate(SYSTEM)
    assert (decision.summarise_before is not None) == (whole > room)
    assert decision.history_tokens <= room


def test_an_output_limit_beyond_the_model_leaves_room() -> None:
    """A limit larger than the model's own counts as the model's own."""
    plan = decide(a_thread(30, 30, 30), a_policy(max_output_tokens=10_000_000)).plan
    assert (plan.max_output_tokens, plan.first_place) == (FACTS.max_output_tokens, 0)


def test_counting_is_anchored_on_the_bill() -> None:
    """Rule 3: what the last request billed stands for all it held; only what came after is estimated."""
    thread = a_thread(3000, 3000, 30)
    anchored = dataclasses.replace(thread, last=a_last(thread, 2, 700))
    question = sizes.estimate(turns.mark(thread.posts[-1])) + sizes.TOKENS_PER_BLOCK
    assert decide(anchored, a_policy()).history_tokens == 700 - sizes.estimate(SYSTEM) + question


@pytest.mark.parametrize("strategy", ["summarise", "window"])
def test_a_bill_that_cannot_be_is_not_believed(strategy: context.Strategy) -> None:
    """Rule 3: where an endpoint bills the same few tokens whatever it is sent, the budget still holds."""
    thread = a_thread(3000, 3000, 3000, 3000, 30)
    thread = dataclasses.replace(thread, last=a_last(thread, 4, 10))
    decision = decide(thread, a_policy(strategy, budget_tokens=2000, floor_tokens=500, window_turns=1))
    assert decision.plan.first_place > 0


@pytest.mark.parametrize("broken", ["no bill", "cut since"])
def test_without_an_anchor_everything_is_estimated(broken: str) -> None:
    """Rule 3: a bill of nothing, and one from before a cut, say nothing of this history."""
    thread = a_thread(300, 300, 30, first_place=1)
    last = a_last(
        thread, 2, 0 if broken == "no bill" else 9000, first_place=0 if broken == "cut since" else 1
    )
    billed = decide(dataclasses.replace(thread, last=last), a_policy())
    assert billed.history_tokens == decide(thread, a_policy()).history_tokens


@hypothesis.given(lengths, st.sampled_from(STRATEGIES), st.randoms(use_true_random=False))
def test_the_same_thread_gives_the_same_decision(
    lengths: list[int], strategy: context.Strategy, random: random_module.Random
) -> None:
    """Rule 5: neither a second call nor the order in which posts are handed over changes the request."""
    thread, policy = a_thread(*lengths), a_policy(strategy)
    shuffled = list(thread.posts)
    random.shuffle(shuffled)
    other = dataclasses.replace(thread, posts=tuple(shuffled))
    decision = decide(thread, policy)
    assert decide(other, policy) == decision
    assert context.request(other, decision.plan, system=SYSTEM) == context.request(
        thread, decision.plan, system=SYSTEM
    )


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[int, bool, int]]:
    """How a thread grows: for each request (posts asked together, whether it was answered, length)."""
    step = st.tuples(st.integers(1, 4), st.booleans() | st.just(True), st.integers(1, 2500))
    return draw(st.lists(step, min_size=1, max_size=40))


def grow(
    story: list[tuple[int, bool, int]], policy: context.Policy
) -> list[tuple[context.Decision, conversation.Request]]:
    """Every request of a thread that grows, with the log's part played: what was cut stays cut.

    A summary takes the place of what was cut, as the responder makes it.
    """
    posts: list[conversation.Post] = []
    summaries: tuple[conversation.Summary, ...] = ()
    last: conversation.LastRequest | None = None
    first_place, place, made = 0, 1, []
    for asked, answered, size in story:
        posts += [a_post(place, "user", "q" * size, number) for number in range(asked)]
        uncovered = tuple(post for post in posts if (post.place or 0) >= first_place)
        thread = conversation.Thread(
            conversation=KEY, posts=uncovered, summaries=summaries, last=last, first_place=first_place
        )
        now = START + dt.timedelta(minutes=place)
        decision = decide(thread, policy, now=now)
        if decision.summarise_before is not None:
            before = decision.summarise_before
            summaries = (
                conversation.Summary(
                    conversation=KEY, first_place=1, last_place=before - 1, text=f"Until {before}.",
                    posts=1, model="m", created_at=now,
                ),
            )  # fmt: skip
            kept = tuple(post for post in posts if (post.place or 0) >= before)
            thread = dataclasses.replace(
                thread, posts=kept, summaries=summaries, last=None, first_place=before
            )
            decision = dataclasses.replace(decision, plan=decide(thread, policy, now=now).plan)
        first_place = decision.plan.first_place
        request = context.request(thread, decision.plan, system=SYSTEM)
        made.append((decision, request))
        if answered:
            posts.append(a_post(place + 1, "assistant", "a" * size))
            last = conversation.LastRequest(
                place=place + 1,
                plan=decision.plan,
                usage=conversation.Usage(
                    written_5m=decision.history_tokens, output=sizes.estimate("a" * size)
                ),
                at=now,
            )
        place += 2
    return made


def blocks(
    request: conversation.Request, until: conversation.Breakpoint | None = None
) -> list[tuple[str, str]]:
    """(role, text) of each block up to a breakpoint, or of all."""
    end = (until.turn, until.block) if until else (len(request.turns), 0)
    return [
        (turn.role, block.text)
        for i, turn in enumerate(request.turns)
        for j, block in enumerate(turn.blocks)
        if (i, j) <= end
    ]


@hypothesis.given(stories(), st.sampled_from(STRATEGIES))
@hypothesis.settings(deadline=None)
def test_each_request_extends_the_one_before(
    story: list[tuple[int, bool, int]], strategy: context.Strategy
) -> None:
    """Save across a cut, a request begins with the one before, block for block, up to its last mark."""
    for (_, earlier), (_, later) in itertools.pairwise(grow(story, a_policy(strategy))):
        if later.plan.first_place == earlier.plan.first_place:
            start = blocks(earlier, earlier.breakpoints[-1])
            assert blocks(later)[: len(start)] == start
            assert len(start) == len(blocks(earlier))


@hypothesis.given(stories(), st.sampled_from(STRATEGIES))
@hypothesis.settings(deadline=None)
def test_breakpoints_end_what_stays(story: list[tuple[int, bool, int]], strategy: context.Strategy) -> None:
    """Rule 4: at most four, in order; the instructions, the end, and the last answered request's end."""
    answered_end: int | None = None
    first_place = 0
    for (_, request), (_, answered, _) in zip(grow(story, a_policy(strategy)), story, strict=True):
        marks = [(each.turn, each.block) for each in request.breakpoints]
        assert marks == sorted(set(marks))
        assert len(marks) <= 4
        assert marks[0] == (-1, 0)
        assert marks[-1] == (len(request.turns) - 1, len(request.turns[-1].blocks) - 1)
        ends = [len(blocks(request, each)) for each in request.breakpoints[1:]]
        if request.plan.first_place != first_place:
            answered_end, first_place = None, request.plan.first_place
        if answered_end is not None:
            assert answered_end in ends  # found at once: the API looks back 20 blocks only
        if answered:
            answered_end = ends[-1]


@pytest.mark.parametrize(
    ("gaps", "lifetime"),
    [
        ((), "5m"),  # nothing known: most threads go on within minutes
        ((20.0,) * 10, "5m"),  # a lively thread
        ((1200.0,) * 10, "1h"),  # every twenty minutes: five would be paid for in vain
        ((20_000.0,) * 10, "none"),  # a few posts a day: writing costs and is never read
        ((20_000.0,) * 10 + (30.0,) * 10, "5m"),  # it woke up: the newest gaps count most
        ((30.0,) * 10 + (20_000.0,) * 10, "none"),  # it fell asleep
    ],
)
def test_the_lifetime_follows_the_threads_rhythm(
    gaps: tuple[float, ...], lifetime: conversation.Lifetime
) -> None:
    """Rule 5 and the price list: the lifetime is the cheapest for gaps like the newest."""
    assert decide(a_thread(30, gaps=gaps), a_policy()).plan.lifetime == lifetime


def test_without_a_lifetime_nothing_is_marked() -> None:
    """A thread whose prefix would never be read again carries no breakpoint."""
    thread = a_thread(30, 30, 30, gaps=(20_000.0,) * 10)
    plan = decide(thread, a_policy()).plan
    assert context.request(thread, plan, system=SYSTEM).breakpoints == ()


@pytest.mark.parametrize(
    ("seconds", "total", "model", "expected"),
    [
        (10, 5000, FACTS.id, 5000),  # warm
        (301, 5000, FACTS.id, 0),  # cold after five minutes
        (10, 900, FACTS.id, 0),  # shorter than the model keeps
        (10, 5000, "claude-other", 0),  # another model's cache
    ],
)
def test_what_the_cache_should_give_is_known(seconds: int, total: int, model: str, expected: int) -> None:
    """The last request's cached input is expected while it is kept, and only then."""
    thread = a_thread(30, 30, 30)
    thread = dataclasses.replace(thread, last=a_last(thread, 2, total, model=model))
    policy = a_policy(budget_tokens=100_000)
    decision = decide(thread, policy, now=START + dt.timedelta(seconds=seconds))
    assert decision.plan.expected_read == expected


def test_a_model_is_sent_only_what_it_takes() -> None:
    """Effort and thinking follow the model's own facts."""
    plain = dataclasses.replace(FACTS, thinking=None, efforts=())
    plan = decide(a_thread(30), a_policy(), plain).plan
    assert (plan.sends_effort, plan.thinking) == (False, None)
    plan = decide(a_thread(30), a_policy(effort="max"), FACTS).plan
    assert (plan.sends_effort, plan.thinking) == (False, "adaptive")


def test_the_time_stands_last_and_is_the_newest_posts() -> None:
    """What varies is the time of the newest post by a person, so that a restart gives the same bytes."""
    thread = a_thread(30, 30, 30)
    request = context.request(thread, decide(thread, a_policy()).plan, system=SYSTEM)
    assert request.varying == "<now>Sunday 2026-11-22 00:03 UTC</now>"
    assert all("<now>" not in text for _, text in blocks(request))


@hypothesis.given(st.text())
def test_an_estimate_errs_upwards(text: str) -> None:
    """A third of a token a Latin letter, one for any wider character: no text counts as nothing."""
    tokens = sizes.estimate(text)
    assert (tokens == 0) == (not text)
    assert len(text) / 3 <= tokens <= len(text)
