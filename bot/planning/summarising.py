"""Older posts to a segment, or several segments to one: the request, the call, and its check."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable, Sequence

from bot import conversation, errors, ports, prompts, turns
from bot.planning import segmenting, sizes

SHARE = 0.15  # a summary is at most this part of what it replaces …
MERGED_SHARE = 0.5  # (of segments: half)
MOST_TOKENS = 1500  # … and at most this long
FEWEST_TOKENS = 150  # shorter runs still get this much
WORDS_PER_TOKEN = 0.6
ROOM = 4  # the cap leaves room for thinking: this many times the summary
CHUNK_SHARE = 0.6  # the part of the summary model's window that posts may fill in one call …
CHUNK_TOKENS = 80_000  # … and the most: above 100,000 tokens some models charge five times as much
FOR_ONE_REQUEST = 4  # segments made before it at most: an edit can take several away
AT_A_TIME = 6  # made ahead for one conversation before the next has its turn
TRIES = 2  # calls that may fail the check, where nobody waits

Bill = Callable[[str, conversation.Usage], Awaitable[None]]
"""Keeps what one call cost: model and usage."""


def target(replaced: int, share: float) -> int:
    """How many tokens a text should have that stands for so many."""
    return max(FEWEST_TOKENS, min(MOST_TOKENS, int(replaced * share)))


@dataclasses.dataclass(kw_only=True)
class Unshown:
    """A draft nobody sees; it keeps the bills that are not in the answer."""

    bills: list[tuple[str, conversation.Usage]] = dataclasses.field(default_factory=list)

    def add(self, text: str) -> None:
        """Drop it: the answer carries the whole text."""

    def restart(self) -> None:
        """Nothing to restart."""

    def billed(self, model: str, usage: conversation.Usage) -> None:
        """Keep a bill; see ports.Draft."""
        self.bills.append((model, usage))


async def summarise(
    work: segmenting.Work,
    *,
    earlier: Sequence[conversation.Summary] = (),
    model: ports.Model,
    name: str,
    now: dt.datetime,
    bill: Bill,
    tries: int = 1,
) -> conversation.Summary:
    """Write the segment that stands for a run of posts, or for the segments to merge, with the model `name`.

    `earlier`: the segments before it, which tell what its posts are about; `now`: when all was read from
    the log. Posts that do not fit one call are taken in several, merged at the end. Each call is billed,
    used or not. Raises errors.ModelError, also where what came back was of no use `tries` times.
    """
    facts = await model.facts(name)
    call = _Calls(model=model, facts=facts, bill=bill, tries=tries)
    if work.merges:
        text = await call.merge([each.text for each in work.merges])
        spans = [(each.first_place, each.last_place) for each in work.merges]
        posts = sum(each.posts for each in work.merges)
    elif work.posts:
        before = "\n\n".join(each.text for each in earlier)
        limit = min(CHUNK_TOKENS, int(facts.context_tokens * CHUNK_SHARE))
        texts: list[str] = []
        for chunk in _chunks(work.posts, limit=limit):
            texts.append(await call.summarise(chunk, earlier="\n\n".join([before, *texts]).strip()))
        text = texts[0] if len(texts) == 1 else await call.merge(texts)
        spans = [(post.place or 0, post.place or 0) for post in work.posts]
        posts = len(work.posts)
    else:
        raise errors.NoAnswer("there is nothing to summarise")
    return conversation.Summary(
        conversation=(work.posts or work.merges)[0].conversation,
        first_place=min(first for first, _ in spans),
        last_place=max(last for _, last in spans),
        text=text,
        posts=posts,
        model=name,
        created_at=now,
        usage=call.usage,
    )


class _Calls:
    """The calls of one segment, and what they cost together."""

    def __init__(self, *, model: ports.Model, facts: conversation.ModelFacts, bill: Bill, tries: int) -> None:
        self._tries = tries
        self.usage = conversation.Usage()
        self._model = model
        self._facts = facts
        self._bill = bill

    async def summarise(self, posts: Sequence[conversation.Post], *, earlier: str) -> str:
        lines = [f"<summary>\n{turns.clean(earlier)}\n</summary>"] if earlier else []
        marked = [_mark(post) for post in posts]
        size = sizes.estimate("\n".join(marked))
        return await self._checked(
            prompts.SUMMARISE,
            "\n".join([*lines, *marked]),
            posts=tuple(post.id for post in posts),
            replaced=size,
            share=SHARE,
        )

    async def merge(self, texts: Sequence[str]) -> str:
        material = "\n".join(f"<summary>\n{turns.clean(text)}\n</summary>" for text in texts)
        size = sizes.estimate(material)
        return await self._checked(prompts.MERGE, material, posts=(), replaced=size, share=MERGED_SHARE)

    async def _checked(
        self, instructions: str, material: str, *, posts: tuple[str, ...], replaced: int, share: float
    ) -> str:
        """A text that can stand for what it replaces."""
        length = target(replaced, share)
        request = _request(instructions, material, posts=posts, target=length, facts=self._facts)
        for left in reversed(range(self._tries)):
            answer = await self._answer(request)
            text = turns.clean(answer.text).strip()
            problem = _problem(answer, text, replaced=replaced)
            if problem is None:
                return text
            if left == 0:
                raise errors.NoAnswer(problem)
        raise AssertionError("unreachable: the last try returns or raises")

    async def _answer(self, request: conversation.Request) -> conversation.Answer:
        draft = Unshown()
        try:
            answer = await self._model.answer(request, draft)
            draft.billed(answer.model, answer.usage)
        finally:
            for model, usage in draft.bills:
                self.usage += usage
                await self._bill(model, usage)
        return answer


def _request(
    instructions: str,
    material: str,
    *,
    posts: tuple[str, ...],
    target: int,
    facts: conversation.ModelFacts,
) -> conversation.Request:
    """One call: the instructions in `system`, everything to be summarised as one user turn."""
    plan = conversation.Plan(
        model=facts.id,
        effort="low",
        max_output_tokens=min(facts.max_output_tokens, target * ROOM + 1024),
        lifetime="none",
        first_place=0,
        thinking=facts.thinking,
        sends_effort="low" in facts.efforts,
    )
    blocks = (
        conversation.Block(text=material, posts=posts),
        conversation.Block(text="Write the summary now."),
    )
    return conversation.Request(
        plan=plan,
        system=instructions.format(words=int(target * WORDS_PER_TOKEN)),
        turns=(conversation.Turn(role="user", blocks=blocks),),
        breakpoints=(),
    )


def _problem(answer: conversation.Answer, text: str, *, replaced: int) -> str | None:
    """Why a text cannot stand for so many tokens, None where it can."""
    if not text:
        return "the summary is empty"
    if sizes.estimate(text) >= max(replaced, FEWEST_TOKENS):
        return "the summary is longer than what it replaces"
    if answer.stop_reason == "max_tokens":
        return "the summary was cut at its length limit"
    return None


def _mark(post: conversation.Post) -> str:
    if post.role == "user":
        return turns.mark(post)
    return f'<post by="you, the assistant" id="assistant">{turns.clean(post.text)}</post>'


def _chunks(posts: Sequence[conversation.Post], *, limit: int) -> list[list[conversation.Post]]:
    """Runs of posts that each fit the limit in tokens; a post longer than that is a run of its own."""
    chunks: list[list[conversation.Post]] = [[]]
    size = 0
    for post in posts:
        tokens = sizes.estimate(post.text) + sizes.TOKENS_PER_BLOCK
        if chunks[-1] and size + tokens > limit:
            chunks.append([])
            size = 0
        chunks[-1].append(post)
        size += tokens
    return chunks
