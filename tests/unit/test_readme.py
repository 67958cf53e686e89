"""The README says what the code does: settings, commands, command line, and the run it shows."""

import pathlib
import re
import subprocess
import sys

from adapters.discord import checking as discord_checking
from bot import cli, settings
from bot.desk import commands
from bot.files import kinds

ROOT = pathlib.Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
COMPUTED = {"BOT_SYSTEM_PROMPT", "BOT_LOG_FORMAT", "BOT_CONTEXT_FLOOR_TOKENS", "DISCORD_GATEWAY_URL"}


def table(heading: str) -> dict[str, list[str]]:
    """The first table under a heading: the first cell's code, and the other cells."""
    section = README.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return {cells[0].split("`")[1]: [cell.strip() for cell in cells[1:]] for cells in rows}


def test_the_settings_table_is_the_settings_class() -> None:
    """Every setting stands in the table with its default, and nothing else does."""
    rows = table("Settings")
    fields = {name.upper(): field.default for name, field in settings.Settings.model_fields.items()}
    assert set(rows) == set(fields)
    for name, default in fields.items():
        if name in COMPUTED:
            continue
        expected = (
            "none" if default is None else f"`{default:g}`" if isinstance(default, float) else f"`{default}`"
        )
        assert rows[name][0] == expected, name


def test_the_commands_table_is_the_commands() -> None:
    """Every word people can say stands in the table with its options, in the order of `help`."""
    rows = table("Commands")
    assert list(rows) == list(commands.WORDS)
    assert {word: cells[0].strip("`") for word, cells in rows.items()} == {
        word: " ".join(
            f"[{'/'.join(option.choices) or option.name}]" for option in commands.OPTIONS.get(word, ())
        )
        for word in commands.WORDS
    }


def test_the_files_table_is_what_is_read_and_what_is_not() -> None:
    """Every kind of file stands in the table, with its endings and the reason where it is not read."""
    rows = table("Files")
    assert [kind.name for kind in kinds.KINDS.values()] == list(rows)
    for kind in kinds.KINDS.values():
        endings, outcome = rows[kind.name]
        assert ", ".join(kind.endings) == endings
        assert (kind.way == "unread") == outcome.startswith("not read: ")
        assert kind.reason in outcome


def test_the_command_line_table_is_the_command_line() -> None:
    """Every command of `python -m bot` stands in the table with its options, and nothing else does."""
    shown = {row.split()[0]: set(re.findall(r"--[\w-]+", row)) for row in table("Command line")}
    shown.pop("python", None)
    there = {
        name: {
            each
            for option in command.params
            for each in option.opts
            if each.startswith("--") and option.name != "help" and option.expose_value
        }
        for name, command in cli.app.commands.items()
    }
    assert shown == there


def test_the_invitation_asks_for_what_check_asks_for() -> None:
    """The address that invites the bot to a Discord server grants what the adapter needs, no more."""
    assert re.findall(r"permissions=(\d+)", README) == [str(discord_checking.PERMISSIONS)]


def test_the_tables_of_figures_are_the_results() -> None:
    """What it costs stands in bench/results, figure for figure, so that no table outlives its run."""
    section = README.split("\n## What it costs\n", 1)[1].split("\n## ", 1)[0]
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in section.splitlines()
        if line.startswith("|") and "---" not in line and "--:" not in line
    ]
    prices, answers = rows[:11], rows[11:]
    assert [prices[0][0], answers[0][0]] == ["$ per 1,000 requests (times ours)", "bot"]
    measured = _rows("context.md")
    assert [row for row in prices if row not in measured] == []
    named = {
        "Threadmate": "Threadmate",
        "refetch": "refetch for every reply",
        "in memory": "in memory, no cache",
    }
    assert len(answers) == 1 + len(named)
    for name, *figures in answers[1:]:
        ours = next(theirs for ours, theirs in named.items() if name.startswith(ours))
        found = [row for row in _rows("answer.md") if row[:2] == ["1,000", ours]]
        assert figures == [row[column].split()[0] for row in found for column in (2, 5, 7)], name


def _rows(page: str) -> list[list[str]]:
    text = (ROOT / "bench" / "results" / page).read_text("utf-8")
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]


def test_the_run_it_shows_is_the_run_there_is() -> None:
    """`python -m bench.transcript` prints the transcript that the README holds."""
    shown = README.split("\n## A real run\n", 1)[1].split("\n## ", 1)[0]
    done = subprocess.run(
        [sys.executable, "-m", "bench.transcript"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout.strip() in shown
