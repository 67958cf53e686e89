"""The commands that count money: `usage` what was spent, `estimate` and `recommend` what would be."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal

import click

from bot import cli_log, conversation, policies, prompts, settings
from bot.money import advising, billing, replay, spending

Billed = tuple[conversation.Post, Mapping[str, Any] | None]
"""A post, and the usage that stands with it."""
Batches = AsyncIterator[Sequence[Billed]]


async def usage(by: spending.By, *, form: Literal["table", "json", "csv"]) -> None:
    """What was billed, dearest first; days in their order."""
    async with cli_log.existing() as book:
        totals = billing.totals(await book.bills(by=by))
    if by == "day":
        totals = sorted(totals, key=lambda total: total.key)
    rows = [_total(total) for total in totals]
    if form == "json":
        click.echo(json.dumps(rows, indent=2))
    elif form == "csv":
        click.echo(_csv(rows), nl=False)
    elif totals:
        click.echo(_table(by, totals))
    else:
        click.echo("Nothing has been billed yet.")


def _total(total: billing.Total) -> dict[str, Any]:
    return {
        "key": total.key,
        "requests": total.requests,
        "input_tokens": total.usage.fresh,
        "cache_write_tokens": total.usage.written_5m + total.usage.written_1h,
        "cache_read_tokens": total.usage.read,
        "output_tokens": total.usage.output,
        "cache_read_share": round(total.cached_share, 4),
        "cache_misses": dict(total.misses),
        "usd": float(total.usd) if total.unpriced < total.requests else None,
        "requests_without_price": total.unpriced,
    }


def _csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """One line a row under a line of names; of the cache's misses the number, an unknown sum is empty."""
    names = list(_total(billing.EMPTY))
    written = io.StringIO()
    lines = csv.DictWriter(written, names, lineterminator="\n")
    lines.writeheader()
    for row in rows:
        lines.writerow({**row, "cache_misses": sum(row["cache_misses"].values())})
    return written.getvalue()


def _table(by: str, totals: Sequence[billing.Total]) -> str:
    """Aligned columns, figures to the right."""
    rows = [(by, "requests", "tokens in", "cached", "tokens out", "money")]
    rows += [
        (
            total.key,
            f"{total.requests:,}",
            f"{total.usage.input:,}",
            f"{total.cached_share:.0%}",
            f"{total.usage.output:,}",
            total.money,
        )
        for total in totals
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            [
                row[0].ljust(widths[0]),
                *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
            ]
        )
        for row in rows
    )


async def estimate(batches: Batches, *, as_json: bool) -> None:
    """What these posts cost under the present settings."""
    row = (await _adviser(batches)).estimate()
    click.echo(json.dumps(row.json(), indent=2) if as_json else row.line().strip())


async def recommend(batches: Batches, *, as_json: bool) -> None:
    """What these posts cost every way, cheapest first, and which way to choose."""
    adviser = await _adviser(batches)
    rows = adviser.compare()
    reason = adviser.reason(rows)
    if as_json:
        click.echo(json.dumps([row.json() for row in rows], indent=2))
        click.echo(reason, err=True)
        return
    for row in rows:
        click.echo(row.line())
    click.echo(reason)


def _output(billed: Mapping[str, Any]) -> int:
    """The tokens of an answer as a file tells them; 0 where it tells nonsense."""
    from bot.claude import wire  # noqa: PLC0415 - with it comes the SDK

    try:
        return wire.usage(billed).output
    except (AttributeError, TypeError):
        return 0


async def _adviser(batches: Batches) -> advising.Adviser:
    from bot.claude import models  # noqa: PLC0415 - with it comes the SDK

    chosen = settings.load()
    posts: dict[conversation.ConversationId, list[conversation.Post]] = {}
    outputs: dict[tuple[conversation.ConversationId, str], int] = {}
    async for batch in batches:
        for key, run in itertools.groupby(batch, key=lambda each: each[0].conversation):
            for post, billed in run:
                posts.setdefault(key, []).append(post)
                if billed and (output := _output(billed)):
                    outputs[key, post.id] = output
    return advising.Adviser(
        stories=[
            replay.exchanges(
                each, {post.id: outputs[key, post.id] for post in each if (key, post.id) in outputs}
            )
            for key, each in posts.items()
        ],
        policy=policies.policy(chosen),
        summary_model=chosen.bot_summary_model,
        system=prompts.system(chosen.system_prompt()),
        facts=models.table,
    )
