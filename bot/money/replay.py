"""A conversation lived again, on its own clock, under another strategy: what would it have cost? Pure.

The bot's own planner decides each request; only the texts of summaries are made up, at the length that is
asked for, and the cache's bill is simulated. Tokens are estimates, the same for every model.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import types
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Literal

from bot import conversation
from bot.money import simulating
from bot.planning import caching, context, segmenting, sizes, summarising
from bot.tools import recalling

Cache = Literal["none", "5m", "1h", "auto"]
ANSWER_TOKENS = 500  # of an answer that the log does not hold
VARYING_TOKENS = 18  # the time, after the last breakpoint
INSTRUCTIONS_TOKENS = 300  # of a summary's request


@dataclasses.dataclass(frozen=True, kw_only=True)
class Exchange:
    """Posts by people, and what the bot answered."""

    question: tuple[conversation.Post, ...]
    answer: conversation.Post
    billed_output: int = 0  # tokens, thinking included; 0: unknown

    @property
    def output(self) -> int:
        """Tokens that the answer took: as they were billed, else by its length."""
        return self.billed_output or sizes.estimate(self.answer.text)

    @property
    def at(self) -> dt.datetime:
        """When the request was sent."""
        return self.question[-1].sent_at


@dataclasses.dataclass(frozen=True, kw_only=True)
class Call:
    """A simulated request with its bill."""

    kind: Literal["answer", "summary"]
    usage: conversation.Usage
    kept: int = 0  # tokens word for word
    history: int = 0  # tokens of history


Watch = Callable[[conversation.Thread, conversation.Plan], None]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Setting:
    """What is tried."""

    policy: context.Policy
    cache: Cache
    facts: conversation.ModelFacts
    costs: caching.Costs
    system: str


def exchanges(
    posts: Iterable[conversation.Post], outputs: Mapping[str, int] = types.MappingProxyType({})
) -> list[Exchange]:
    """One conversation's posts as exchanges, at places of their own.

    Without a single post by the bot, each run of one person's posts is asked of it. `outputs`: what was
    billed for answers, in tokens by the id of the post.
    """
    posts = list(posts)
    silent = all(post.role == "user" for post in posts)
    found, waiting, place = [], list[conversation.Post](), 1
    for (role, _), run in itertools.groupby(posts, key=lambda post: (post.role, silent and post.author)):
        group = list(run)
        if role == "user":
            waiting += [dataclasses.replace(post, place=place) for post in group]
            answer = _made_up(group[-1]) if silent else None
        else:
            answer = dataclasses.replace(group[0], text="\n\n".join(post.text for post in group))
        if answer is not None and waiting:
            found.append(
                Exchange(
                    question=tuple(waiting),
                    answer=dataclasses.replace(answer, place=place + 1),
                    billed_output=sum(outputs.get(post.id, 0) for post in group),
                )
            )
            waiting, place = [], place + 2
    return found


def run(story: Sequence[Exchange], setting: Setting, watch: Watch | None = None) -> Iterator[Call]:
    """Every call that the story would have made, in order; `watch` is shown each request before it."""
    if setting.policy.strategy == "full" and watch is None:
        limit = context.limits(setting.policy, setting.facts, system=setting.system).limit
        if _tokens(story) < limit * context.FULL_SHARE:
            yield from _whole(story, setting)
            return
    life = _Life(setting=setting, watch=watch)
    for exchange in story:
        yield from life.answer(exchange)


@dataclasses.dataclass(kw_only=True)
class _Life:
    """The log's part, played: posts, segments, the last request."""

    setting: Setting
    watch: Watch | None = None
    cache: simulating.Cache = dataclasses.field(init=False)
    posts: list[conversation.Post] = dataclasses.field(default_factory=list)  # not under a segment in use
    summaries: list[conversation.Summary] = dataclasses.field(default_factory=list)
    last: conversation.LastRequest | None = None
    gaps: list[float] = dataclasses.field(default_factory=list)
    plan: conversation.Plan | None = None
    grown: int = 0  # tokens since tending last looked

    def __post_init__(self) -> None:
        self.cache = simulating.Cache(minimum=self.setting.facts.min_prefix_tokens)

    def answer(self, exchange: Exchange) -> Iterator[Call]:
        """One request, with the summaries it waits for and those made after it."""
        self.posts += exchange.question
        if self.last is not None:
            self.gaps = [*self.gaps, (exchange.at - self.last.at).total_seconds()][-caching.GAPS :]
        decision = self._decide(exchange.at)
        for _ in range(summarising.FOR_ONE_REQUEST):
            if decision.summarise_before is None:
                break
            work = segmenting.forced(self._thread(), before=decision.summarise_before)
            if work is None:
                break
            yield self._summarise(work, exchange.at)
            decision = self._decide(exchange.at)
        plan = decision.plan
        self._settle(plan)
        if self.watch is not None:
            self.watch(self._thread(), plan)
        blocks, kept = self._blocks(plan)
        prompt = self.cache.prompt(blocks)
        marks = self._marks(blocks, plan)
        usage = self.cache.bill(prompt, marks, now=exchange.at.timestamp(), output=exchange.output)
        yield Call(kind="answer", usage=usage, kept=kept, history=decision.history_tokens)
        self.posts.append(exchange.answer)
        self.last = conversation.LastRequest(
            place=exchange.answer.place or 0, plan=plan, usage=usage, at=exchange.at
        )
        self.plan = plan
        yield from self._tend(exchange.at)

    def _decide(self, now: dt.datetime) -> context.Decision:
        setting = self.setting
        return context.decide(
            self._thread(),
            policy=setting.policy,
            facts=setting.facts,
            system=setting.system,
            now=now,
            costs=setting.costs,
            lifetime=None if setting.cache == "auto" else setting.cache,
        )

    def _thread(self) -> conversation.Thread:
        return conversation.Thread(
            conversation=conversation.ConversationId(""),
            posts=tuple(self.posts),
            summaries=tuple(self.summaries),
            last=self.last,
            before=self.last,
            gaps=tuple(self.gaps),
            first_place=self.plan.first_place if self.plan else 0,
            newest_summary=self.plan.newest_summary if self.plan else None,
        )

    def _settle(self, plan: conversation.Plan) -> None:
        """Forget what requests will not carry any more, as the log would not read it."""
        used = segmenting.in_use(self.summaries, plan.newest_summary)
        if used or plan.first_place:
            first = plan.first_place if self.setting.policy.strategy == "window" else 0
            self.posts = segmenting.uncovered(self.posts, used, first_place=first)

    def _blocks(self, plan: conversation.Plan) -> tuple[list[tuple[Hashable, int]], int]:
        """The request as blocks with their tokens, and how many tokens stand word for word."""
        used = segmenting.in_use(self.summaries, plan.newest_summary)
        places = sizes.places(segmenting.uncovered(self.posts, used, first_place=plan.first_place))
        tool = str(recalling.TOOL)
        start: list[tuple[Hashable, int]] = [("tool", sizes.estimate(tool))] if plan.offers_recall else []
        start.append(("system", sizes.estimate(self.setting.system) + sizes.TOKENS_PER_BLOCK))
        start += [(("summary", each.number), sizes.segments([each])) for each in used]
        kept = [(("place", size.place), size.tokens) for size in places]
        return [*start, *kept, ("varying", VARYING_TOKENS)], sum(size.tokens for size in places)

    def _marks(
        self, blocks: Sequence[tuple[Hashable, int]], plan: conversation.Plan
    ) -> dict[int, conversation.Lifetime]:
        """Where the planner's breakpoints stand among these blocks."""
        if plan.lifetime == "none":
            return {}
        system = [says for says, _ in blocks].index("system")
        place = [says[1] if isinstance(says, tuple) and says[0] == "place" else 0 for says, _ in blocks]
        end = len(blocks) - 2  # the varying block follows
        before = plan.previous_place or 0
        asked = [at for at in range(system + 1, end + 1) if 0 < place[at] < before and place[at] % 2]
        previous = asked[-1] if asked else -1
        segments = [
            at for at, (says, _) in enumerate(blocks) if isinstance(says, tuple) and says[0] == "summary"
        ]
        marks = caching.marked(
            end=end - system - 1, previous=previous - system - 1 if asked else -1, segments=len(segments) - 1
        )
        return {system + 1 + at: plan.lifetime for at in marks}

    def _tend(self, now: dt.datetime) -> Iterator[Call]:
        self.grown += sum(size.tokens for size in sizes.places(self.posts[-4:]))
        if self.setting.policy.strategy == "window" or self.grown < segmenting.SHORTEST_RUN:
            return
        self.grown = 0
        for _ in range(summarising.AT_A_TIME):
            setting = self.setting
            work = context.ahead(
                self._thread(),
                policy=setting.policy,
                facts=setting.facts,
                system=setting.system,
                costs=setting.costs,
            )
            if work is None:
                return
            yield self._summarise(work, now)

    def _summarise(self, work: segmenting.Work, now: dt.datetime) -> Call:
        """A segment of the length that would be asked for."""
        if work.merges:
            material, share = sizes.segments(work.merges), summarising.MERGED_SHARE
            spans = [(each.first_place, each.last_place) for each in work.merges]
        else:
            material, share = sum(size.tokens for size in sizes.places(work.posts)), summarising.SHARE
            material += sizes.segments(segmenting.before(self._thread(), work))
            spans = [(post.place or 0, post.place or 0) for post in work.posts]
        target = summarising.target(material, share)
        number = max((each.number for each in self.summaries), default=0) + 1
        self.summaries.append(
            conversation.Summary(
                conversation=conversation.ConversationId(""),
                first_place=min(first for first, _ in spans),
                last_place=max(last for _, last in spans),
                text="x" * int(target * sizes.CHARACTERS_PER_TOKEN),
                posts=len(work.posts),
                model="",
                created_at=now,
                number=number,
            )
        )
        return Call(
            kind="summary", usage=conversation.Usage(fresh=material + INSTRUCTIONS_TOKENS, output=target)
        )


def _whole(story: Sequence[Exchange], setting: Setting) -> Iterator[Call]:
    """What `_Life` does where nothing is ever cut, in steps that do not grow with the thread."""
    cache = simulating.Cache(minimum=setting.facts.min_prefix_tokens)
    prompt = cache.prompt([("system", sizes.estimate(setting.system) + sizes.TOKENS_PER_BLOCK)])
    gaps: list[float] = []
    previous, sent_at = -1, None
    for number, exchange in enumerate(story):
        if sent_at is not None:
            gaps = [*gaps, (exchange.at - sent_at).total_seconds()][-caching.GAPS :]
        sent_at = exchange.at
        lifetime = (
            setting.cache
            if setting.cache != "auto"
            else caching.lifetime(gaps, costs=setting.costs, new=1 / number if number else 0.0)
        )
        asked = [(("place", size.place), size.tokens) for size in sizes.places(exchange.question)]
        cache.extend(prompt, asked)
        end = len(prompt.chain) - 2  # among the messages; the instructions stand before them
        places = caching.marked(end=end, previous=previous, segments=-1) if lifetime != "none" else ()
        cache.extend(prompt, [("varying", VARYING_TOKENS)])
        answer = sizes.places([exchange.answer])[0]
        usage = cache.bill(
            prompt,
            {at + 1: lifetime for at in places},
            now=exchange.at.timestamp(),
            output=exchange.output,
        )
        yield Call(kind="answer", usage=usage, kept=usage.input, history=usage.input)
        prompt.chain.pop()
        prompt.upto.pop()
        cache.extend(prompt, [(("place", answer.place), answer.tokens)])
        previous = end


def _tokens(story: Sequence[Exchange]) -> int:
    return sum(
        size.tokens for exchange in story for size in sizes.places([*exchange.question, exchange.answer])
    )


def _made_up(question: conversation.Post) -> conversation.Post:
    return dataclasses.replace(
        question,
        id=f"{question.id} answered",
        role="assistant",
        text="x" * int(ANSWER_TOKENS * sizes.CHARACTERS_PER_TOKEN),
    )
