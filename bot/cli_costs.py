"""The commands that count money before it is spent: `estimate` and `recommend`."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator, Sequence

import typer

from bot import advising, conversation, policies, prompts, replay, settings
from bot.claude import models

Batches = AsyncIterator[Sequence[conversation.Post]]


async def estimate(batches: Batches, *, as_json: bool) -> None:
    """What these posts cost under the present settings."""
    row = (await _adviser(batches)).estimate()
    typer.echo(json.dumps(row.json(), indent=2) if as_json else row.line().strip())


async def recommend(batches: Batches, *, as_json: bool) -> None:
    """What these posts cost every way, cheapest first, and which way to choose."""
    adviser = await _adviser(batches)
    rows = adviser.compare()
    reason = adviser.reason(rows)
    if as_json:
        typer.echo(json.dumps([row.json() for row in rows], indent=2))
        typer.echo(reason, err=True)
        return
    for row in rows:
        typer.echo(row.line())
    typer.echo(reason)


async def _adviser(batches: Batches) -> advising.Adviser:
    chosen = settings.load()
    posts: dict[conversation.ConversationId, list[conversation.Post]] = {}
    async for batch in batches:
        for key, run in itertools.groupby(batch, key=lambda post: post.conversation):
            posts.setdefault(key, []).extend(run)
    return advising.Adviser(
        stories=[replay.exchanges(each) for each in posts.values()],
        policy=policies.policy(chosen),
        summary_model=chosen.bot_summary_model,
        system=prompts.system(chosen.system_prompt()),
        facts=models.table,
    )
