"""Older posts to one summary: the request, the call, and the check of what came back."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Awaitable, Callable

from bot import context, conversation, errors, ports, prompts, turns

SHARE = 0.25  # a summary is at most this part of what it replaces …
MOST_TOKENS = 1500  # … and at most this long
FEWEST_TOKENS = 150  # shorter runs still get this much
WORDS_PER_TOKEN = 0.6
ROOM = 4  # the cap leaves room for thinking: this many times the summary
CHUNK_SHARE = 0.6  # the part of the summary model's window that posts may fill in one call


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
    thread: conversation.Thread,
    *,
    before: int,
    model: ports.Model,
    name: str,
    now: dt.datetime,
    bill: Callable[[str, conversation.Usage], Awaitable[None]],
) -> conversation.Summary:
    """Summarise the earlier summaries and the posts before place `before` with the model `name`.

    Posts that do not fit one call are taken in several, each continuing the summary of the one before.
    Each call is billed (`bill`: model and usage), used or not. Raises errors.ModelError, also where what
    came back is empty or no shorter than what it replaces.
    """
    facts = await model.facts(name)
    posts = [post for post in thread.posts if (post.place or 0) < before]
    if not posts:
        raise errors.NoAnswer("there is nothing to summarise")
    text = "\n\n".join(summary.text for summary in thread.summaries)
    for chunk in _chunks(posts, limit=int(facts.context_tokens * CHUNK_SHARE)):
        draft = Unshown()
        try:
            answer = await model.answer(_request(chunk, earlier=text, facts=facts), draft)
        finally:
            for name_billed, usage in draft.bills:
                await bill(name_billed, usage)
        await bill(answer.model, answer.usage)
        text = _checked(answer, chunk, earlier=text)
    places = [post.place or 0 for post in posts]
    first = min([summary.first_place for summary in thread.summaries] + places)
    covered = sum(summary.posts for summary in thread.summaries) + len(posts)
    return conversation.Summary(
        conversation=thread.conversation,
        first_place=first,
        last_place=max(places),
        text=text,
        posts=covered,
        model=name,
        created_at=now,
    )


def _request(
    posts: list[conversation.Post], *, earlier: str, facts: conversation.ModelFacts
) -> conversation.Request:
    """One call: the instructions in `system`, everything to be summarised as one user turn."""
    lines = [f"<summary>\n{turns.clean(earlier)}\n</summary>"] if earlier else []
    lines += [
        turns.mark(post)
        if post.role == "user"
        else f'<post by="you, the assistant" id="assistant">{turns.clean(post.text)}</post>'
        for post in posts
    ]
    material = "\n".join(lines)
    target = max(FEWEST_TOKENS, min(MOST_TOKENS, int(context.estimate(material) * SHARE)))
    plan = conversation.Plan(
        model=facts.id,
        effort="low",
        max_output_tokens=min(facts.max_output_tokens, target * ROOM + 1024),
        lifetime="none",
        first_place=0,
        thinking=facts.thinking,
        sends_effort="low" in facts.efforts,
    )
    return conversation.Request(
        plan=plan,
        system=prompts.SUMMARISE.format(words=int(target * WORDS_PER_TOKEN)),
        turns=(
            conversation.Turn(
                role="user",
                blocks=(
                    conversation.Block(text=material, posts=tuple(post.id for post in posts)),
                    conversation.Block(text="Write the new summary now."),
                ),
            ),
        ),
        breakpoints=(),
    )


def _chunks(posts: list[conversation.Post], *, limit: int) -> list[list[conversation.Post]]:
    """Runs of posts that each fit the limit in tokens; a post longer than that is a run of its own."""
    chunks: list[list[conversation.Post]] = [[]]
    size = 0
    for post in posts:
        tokens = context.estimate(post.text) + context.TOKENS_PER_BLOCK
        if chunks[-1] and size + tokens > limit:
            chunks.append([])
            size = 0
        chunks[-1].append(post)
        size += tokens
    return chunks


def _checked(answer: conversation.Answer, posts: list[conversation.Post], *, earlier: str) -> str:
    """The summary's text, if it can stand for the posts."""
    text = turns.clean(answer.text).strip()
    replaced = sum(context.estimate(turns.mark(post)) for post in posts) + context.estimate(earlier)
    if not text:
        raise errors.NoAnswer("the summary is empty")
    if context.estimate(text) >= max(replaced, FEWEST_TOKENS):
        raise errors.NoAnswer("the summary is longer than what it replaces")
    if answer.stop_reason == "max_tokens":
        raise errors.NoAnswer("the summary was cut at its length limit")
    return text
