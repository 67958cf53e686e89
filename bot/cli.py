"""The command line: `python -m bot` runs the bot, `python -m bot COMMAND` looks into its log.

Status 0: done. Status 1: it could not be done, one line says why. Status 2: a setting is wrong or missing.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import pathlib
import sys
from collections.abc import AsyncIterator, Awaitable
from typing import Any, get_args

import click

from adapters.discord import checking as discord_checking
from adapters.slack import checking as slack_checking
from bot import cli_costs, cli_log, conversation, errors, exporting, settings, starting, thread_log
from bot.desk import wording
from bot.money import spending
from bot.operating import checking, findings, logs
from bot.tools import checking as tool_checking
from bot.workspaces import installing, sealing

SCRUB_SECONDS = 120.0  # that `forget` waits until nothing erased is left in the files
BATCH = 500  # lines imported in one transaction

FILE = click.Path(allow_dash=True, path_type=pathlib.Path)


def main(*, run: starting.Run) -> None:
    """Parse the command line and do what it says; ends the process."""
    app(prog_name="python -m bot", obj=run)


@click.group(invoke_without_command=True)
@click.pass_context
def app(context: click.Context) -> None:
    """Threadmate, the Claude bot for Slack and Discord. Without a command it runs."""
    if context.invoked_subcommand is None:
        _finish(starting.start(context.obj))
    else:
        logs.configure("info", None)  # to standard error: what a command prints is its answer alone


@app.command()
@click.option("--public", is_flag=True, help="Answer other machines too")
@click.option("--local-model", is_flag=True, help="A small real model answers")
def playground(*, public: bool, local_model: bool) -> None:
    """Talk to the bot in the browser, on emulated platforms. No credentials are needed."""
    _finish(starting.play(public=public, local=local_model))


@app.command()
def check() -> None:
    """Try every credential, scope, model and budget. Status 0 only if all is well."""
    _finish(_check())


@app.command()
@click.option("--by", type=click.Choice(get_args(spending.By)), default="day", help="Add up by")
@click.option("--json", "as_json", is_flag=True, help="A list of objects instead of lines")
@click.option("--csv", "as_csv", is_flag=True, help="Comma-separated values instead of lines")
def usage(*, by: spending.By, as_json: bool, as_csv: bool) -> None:
    """Tokens, the share read from the cache, and money."""
    if as_json and as_csv:
        raise click.UsageError("say --json or --csv, not both")
    _finish(cli_costs.usage(by, form="json" if as_json else "csv" if as_csv else "table"))


@app.command()
@click.argument("conversation_id", metavar="CONVERSATION", required=False)
@click.option("--all", "everything", is_flag=True, help="Every conversation")
@click.option("--format", "form", type=click.Choice(["jsonl", "markdown"]), default="jsonl")
def export(*, conversation_id: str | None, everything: bool, form: str) -> None:
    """A conversation, or all of them, to standard output."""
    if (conversation_id is None) != everything:
        raise click.UsageError("name a conversation, or say --all, not both")
    _finish(_export(conversation_id, form))


@app.command(name="import")
@click.argument("file", type=FILE, metavar="FILE")
def import_(*, file: pathlib.Path) -> None:
    """Read exported JSON lines; a post that is known is left alone."""
    _finish(_import(file))


@app.command()
@click.argument("conversation_id", metavar="CONVERSATION")
@click.argument("query", metavar="QUERY")
@click.option("--limit", type=click.IntRange(min=1), default=20)
@click.option("--around", type=click.IntRange(min=0), default=0, help="Also so many before and after a hit")
@click.option("--json", is_flag=True, expose_value=False, help="JSON lines (always so)")
def recall(*, conversation_id: str, query: str, limit: int, around: int) -> None:
    """What the recall search finds in a conversation. Best first, as JSON lines with a score."""
    _finish(_recall(conversation_id, query, limit=limit, around=around))


@app.command()
@click.option("--conversation", "conversation_id", metavar="ID")
@click.option("--user", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask")
def forget(*, conversation_id: str | None, user: str | None, yes: bool) -> None:
    """Erase a conversation, or all posts of a person. From the log, the index and the summaries."""
    if (conversation_id is None) == (user is None):
        raise click.UsageError("name --conversation or --user, one of them")
    what = f"conversation {conversation_id}" if conversation_id else f"every post by {user}"
    if not yes:
        click.confirm(f"Erase {what}? This cannot be undone.", abort=True)
    _finish(_forget(conversation_id, user))


@app.command()
@click.option("--from", "file", type=FILE, metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="An object instead of a line")
def estimate(*, file: pathlib.Path | None, as_json: bool) -> None:
    """What conversations cost under the present settings. They are a file of JSON lines, else the log."""
    _finish(cli_costs.estimate(_source(file), as_json=as_json))


@app.command()
@click.option("--from", "file", type=FILE, metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="A list of objects instead of lines")
def recommend(*, file: pathlib.Path | None, as_json: bool) -> None:
    """The same under every strategy, cache setting and model. Cheapest first, with the reason."""
    _finish(cli_costs.recommend(_source(file), as_json=as_json))


async def _source(file: pathlib.Path | None) -> AsyncIterator[list[cli_costs.Billed]]:
    """Posts in order with what answers cost, from a file or from the log."""
    if file is not None:
        async for batch in _batches(file):
            yield batch
        return
    async with cli_log.existing() as book:
        for each in await book.conversations():
            usages = await book.answer_usage(each)
            yield [(post, usages.get(post.id)) async for post in book.posts(each)]


async def _check() -> None:
    chosen = settings.load()
    now = dt.datetime.now(dt.UTC)
    found = [
        *await checking.database(chosen),
        *await checking.port(chosen),
        *await checking.claude(chosen, now),
    ]
    if chosen.slack_bot_token:
        app_token = chosen.slack_app_token
        found += await slack_checking.check(
            bot_token=chosen.slack_bot_token.get_secret_value(),
            app_token=app_token.get_secret_value() if app_token else None,
            api_url=chosen.slack_api_url,
            now=now,
        )
    if chosen.slack_client_id and found[0].state != "wrong":  # the database holds the workspaces
        found += await _check_workspaces(chosen, now)
    if chosen.discord_bot_token:
        found += await discord_checking.check(
            token=chosen.discord_bot_token.get_secret_value(), api_url=chosen.discord_api_url, now=now
        )
    found += await tool_checking.check(chosen)
    if not chosen.platforms:
        how = "neither Slack nor Discord is set: the bot starts its playground"
        found.append(findings.Finding(what="platforms", how=how, state="note"))
    for line in dict.fromkeys(finding.line for finding in found):
        click.echo(line)
    if any(finding.state == "wrong" for finding in found):
        raise click.exceptions.Exit(1)


async def _check_workspaces(chosen: settings.Settings, now: dt.datetime) -> list[findings.Finding]:
    """Slack as workspaces install it; the database was found to be good before."""
    secret, app_token = chosen.slack_client_secret, chosen.slack_app_token
    sealer = sealing.Sealer(chosen.encryption_keys)
    try:
        rows = await asyncio.to_thread(thread_log.installed, chosen.database_url)
        installed = [installing.unsealed(row, sealer) for row in rows]
    except errors.CredentialError as error:
        name, _, how = str(error).partition(": ")
        return [findings.Finding(what=name, how=how, state="wrong")]
    return await slack_checking.many(
        client_id=chosen.slack_client_id or "",
        client_secret=secret.get_secret_value() if secret else "",
        app_token=app_token.get_secret_value() if app_token else None,
        installed=installed,
        install_url=f"{chosen.bot_public_url}/slack/install",
        api_url=chosen.slack_api_url,
        now=now,
    )


async def _export(conversation_id: str | None, form: str) -> None:
    async with cli_log.existing() as book:
        if conversation_id is None:
            wanted = await book.conversations()
        else:
            wanted = [conversation.ConversationId(conversation_id)]
            if not await book.holds(wanted[0]):
                raise errors.OperatorError(f"{conversation_id}: no such conversation in the log.")
        for each in wanted:
            usages = await book.answer_usage(each)
            async for post in book.posts(each):
                if form == "markdown":
                    click.echo(exporting.to_markdown(post))
                else:
                    click.echo(exporting.to_json(post, usages.get(post.id)))


async def _import(file: pathlib.Path) -> None:
    new = known = 0
    async with thread_log.open(settings.load().database_url) as book:
        async for batch in _batches(file):
            usages = {(post.conversation, post.id): usage for post, usage in batch if usage}
            added = await book.import_posts([post for post, _ in batch], usages)
            new, known = new + added, known + len(batch) - added
    click.echo(f"{new} posts imported, {known} known already.")


async def _batches(file: pathlib.Path) -> AsyncIterator[list[tuple[conversation.Post, Any]]]:
    """The file's posts, checked; a bad line ends the import and names its number."""
    batch: list[tuple[conversation.Post, Any]] = []
    number, begun = 0, 1  # the line that was read last, and the one that the batch begins with
    try:
        with sys.stdin if str(file) == "-" else file.open(encoding="utf-8-sig") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    batch.append(exporting.from_json(line))
                if len(batch) == BATCH:
                    yield batch
                    batch, begun = [], number + 1
    except OSError as error:
        raise errors.OperatorError(f"{file}: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise errors.OperatorError(
            f"{file}: is not UTF-8 after line {number}. What stands before line {begun} is in."
        ) from None
    except exporting.BadLine as error:
        raise errors.OperatorError(
            f"{file}: line {number} {error}. What stands before line {begun} is in."
        ) from None
    if batch:
        yield batch


async def _recall(conversation_id: str, query: str, *, limit: int, around: int) -> None:
    key = conversation.ConversationId(conversation_id)
    async with cli_log.existing() as book:
        if not await book.holds(key):
            raise errors.OperatorError(f"{conversation_id}: no such conversation in the log.")
        hits = await book.search(key, query, limit=limit)
        known = {hit.post.id for hit in hits}  # each post once: a hit beside a hit comes with its score alone
        for hit in hits:
            near = await book.around(hit.post, around) if around else [hit.post]
            for post in near:
                score = hit.score if post.id == hit.post.id else None
                if score is None and post.id in known:
                    continue
                known.add(post.id)
                click.echo(exporting.to_line({**json.loads(exporting.to_json(post)), "score": score}))


async def _forget(conversation_id: str | None, user: str | None) -> None:
    async with cli_log.existing() as book:
        if conversation_id is not None:
            count = await book.forget(conversation.ConversationId(conversation_id))
            if not count:
                raise errors.OperatorError(f"{conversation_id}: no such conversation in the log.")
        else:
            count = await book.forget_user(user or "")
        try:
            await asyncio.wait_for(book.scrubbed(), SCRUB_SECONDS)
        except TimeoutError:
            later = "The last traces in the files go while the bot runs; does the disk have room?"
            click.echo(f"Erased {wording.counted(count, 'post')}. {later}")
            return
    click.echo(f"Erased {wording.counted(count, 'post')}.")


def _finish(work: Awaitable[None]) -> None:
    """Run to the end, and end with the status it has."""
    if status := starting.outcome(work):
        raise click.exceptions.Exit(status)
