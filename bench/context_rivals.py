"""The other ways to live with a stateless API, billed by the same simulated cache as ours.

Each gives, for every request of a thread, its calls. All carry the instructions and the time; a breakpoint
stands after the instructions and after the newest turn, as their authors would put them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Iterator, Sequence

from bot import conversation
from bot.money import replay, simulating
from bot.planning import sizes

Blocks = list[tuple[Hashable, int]]
Cut = Callable[[Blocks, int], tuple[Blocks, int]]
"""What of the turns is shown, given where the last request began; and where this one begins."""

SUMMARY_TOKENS = 600  # of the naive summary


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tried:
    """A thread to be lived, and what every request carries."""

    story: Sequence[replay.Exchange]
    system: int  # tokens of the instructions
    minimum: int  # shortest cached prefix


def full(tried: Tried, lifetime: conversation.Lifetime) -> Iterator[replay.Call]:
    """Everything, every time."""
    yield from _windowed(tried, lifetime, lambda turns, _: (turns, 0))


def last_turns(tried: Tried, lifetime: conversation.Lifetime, count: int = 20) -> Iterator[replay.Call]:
    """`messages[-20:]`: the window moves with every turn, so no prefix lasts."""
    yield from _windowed(tried, lifetime, lambda turns, _: (turns[-count + 1 :], 0))


def stepped(tried: Tried, low: int = 20, high: int = 60) -> Iterator[replay.Call]:
    """A window that moves in steps, from `high` turns down to `low`; what leaves it is forgotten."""

    def cut(turns: Blocks, first: int) -> tuple[Blocks, int]:
        if len(turns) - first > high:
            first = len(turns) - low
        return turns[first:], first

    yield from _windowed(tried, "5m", cut)


def naive(tried: Tried, lifetime: conversation.Lifetime, kept: int) -> Iterator[replay.Call]:
    """Past `kept` tokens the oldest turns go into the one summary, before the answer."""
    cache = simulating.Cache(minimum=tried.minimum)
    turns: Blocks = []
    summarised, version = 0, 0
    for number, exchange in enumerate(tried.story):
        turns += _question(number, exchange)
        over = 0
        while len(turns) > 1 and sum(size for _, size in turns) > kept:
            over += turns.pop(0)[1]
        if over:
            summarised, version = min(SUMMARY_TOKENS, summarised + over), version + 1
            material = over + (summarised if version > 1 else 0) + replay.INSTRUCTIONS_TOKENS
            yield replay.Call(
                kind="summary", usage=conversation.Usage(fresh=material, output=max(150, summarised))
            )
        summary: Blocks = [(("summary", version), max(150, summarised))] if version else []
        yield _call(cache, tried, [*summary, *turns], lifetime, exchange)
        turns += _answer(number, exchange)


def _windowed(tried: Tried, lifetime: conversation.Lifetime, cut: Cut) -> Iterator[replay.Call]:
    cache = simulating.Cache(minimum=tried.minimum)
    turns: Blocks = []
    first = 0
    for number, exchange in enumerate(tried.story):
        turns += _question(number, exchange)
        shown, first = cut(turns, first)
        yield _call(cache, tried, shown, lifetime, exchange)
        turns += _answer(number, exchange)


def _call(
    cache: simulating.Cache,
    tried: Tried,
    shown: Blocks,
    lifetime: conversation.Lifetime,
    exchange: replay.Exchange,
) -> replay.Call:
    blocks: Blocks = [("system", tried.system), *shown, ("varying", replay.VARYING_TOKENS)]
    marks = {} if lifetime == "none" else {0: lifetime, len(blocks) - 2: lifetime}
    usage = cache.bill(cache.prompt(blocks), marks, now=exchange.at.timestamp())
    return replay.Call(kind="answer", usage=usage, kept=sum(size for _, size in shown))


def _question(number: int, exchange: replay.Exchange) -> Blocks:
    return [((number, "q"), sum(size.tokens for size in sizes.places(exchange.question)))]


def _answer(number: int, exchange: replay.Exchange) -> Blocks:
    return [((number, "a"), sizes.places([exchange.answer])[0].tokens)]
