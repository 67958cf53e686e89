"""Results as Markdown: tables, the machine they were measured on, and the file they are kept in."""

from __future__ import annotations

import datetime as dt
import os
import pathlib
import platform
import sqlite3
from collections.abc import Sequence
from importlib import metadata

FOLDER = pathlib.Path(__file__).parents[1] / "results"
PACKAGES = ("anthropic", "slack-bolt", "slack-sdk", "discord.py", "aiosqlite", "aiohttp")


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> str:
    """A Markdown table; the first `left` columns are aligned to the left, the others to the right."""
    every = [head, *rows]
    widths = [max(len(row[column]) for row in every) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if column < left else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def machine() -> str:
    """The machine and the versions, in one paragraph."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return (
        f"Machine: {os.cpu_count()} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}, "
        f"shared with other work (load {os.getloadavg()[0]:.1f} when the run ended). "
        f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}, "
        f"{versions}."
    )


def publish(name: str, *, title: str, body: str, source: str = "") -> None:
    """Print a result and keep it in `bench/results/<name>.md`, dated and with how to get it again.

    `source`: what was posted, where that matters, in a sentence.
    """
    day = dt.datetime.now(dt.UTC).date().isoformat()
    told = [f"# {title}", f"Run on {day} with `python -m bench {name}`. {machine()}"]
    text = "\n\n".join([*told, *filter(None, [source]), body.strip()]) + "\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(text, "utf-8")
    print(text)


def number(value: float) -> str:
    """A figure with three digits that count."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"
