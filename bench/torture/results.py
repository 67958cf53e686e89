"""What was found, added up over shards: bench/results/torture.json, and a table of it beside."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

FOLDER = pathlib.Path(__file__).parents[1] / "results"
JSON = FOLDER / "torture.json"
TABLE = FOLDER / "torture.md"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Result:
    """One run of one row. `counts` are added up over shards; of `worst` the highest is kept."""

    row: str
    platform: str
    passed: bool
    title: str = ""
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    worst: Mapping[str, float] = dataclasses.field(default_factory=dict)
    failures: Sequence[str] = ()
    seconds: float = 0.0
    shard: str = ""
    quick: bool = False


def keep(result: Result, *, path: pathlib.Path = JSON) -> None:
    """Append a run."""
    runs = load(path)
    runs.append({**dataclasses.asdict(result), "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds")})
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(runs, indent=1) + "\n")


def load(path: pathlib.Path = JSON) -> list[dict[str, Any]]:
    """Every run so far."""
    return json.loads(path.read_text()) if path.exists() else []


def table(runs: Sequence[Mapping[str, Any]]) -> str:
    """The sums as Markdown."""
    lines = [
        "# The fault matrix: what was run, what came of it",
        "",
        "Written by `python -m bench.torture`, which adds to it. The oracle lives in the emulators: posts by",
        "people against posts of the bot, calls counted by Claude's stand-in.",
        "`python -m bench.torture F1 --platform slack --shard 2/10 --seconds 600` goes on with a row.",
        "",
        "| row | what happens | platform | runs | passed | counts (added up) | worst |",
        "|---|---|---|---|---|---|---|",
    ]
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for run in runs:
        groups.setdefault((str(run["row"]), str(run["platform"])), []).append(run)
    for (row, platform), each in sorted(groups.items(), key=lambda item: (_number(item[0][0]), item[0])):
        counts: dict[str, int] = {}
        worst: dict[str, float] = {}
        for run in each:
            for name, value in run["counts"].items():
                counts[name] = counts.get(name, 0) + value
            for name, figure in run["worst"].items():
                worst[name] = max(worst.get(name, figure), figure)
        passed = sum(bool(run["passed"]) for run in each)
        told = ", ".join(f"{name} {value:,}" for name, value in counts.items())
        figures = ", ".join(f"{name} {figure:,.3g}" for name, figure in worst.items())
        lines.append(
            f"| {row} | {each[-1]['title']} | {platform} | {len(each)} | {passed} | {told} | {figures} |"
        )
    failed = [run for run in runs if not run["passed"]]
    if failed:
        lines += ["", "Runs that failed, and what was seen:", ""]
        lines += [
            f"* {run['at']} {run['row']} {run['platform']} {run['shard']}: {'; '.join(run['failures'])[:400]}"
            for run in failed
        ]
    return "\n".join(lines) + "\n"


def render() -> None:
    """Write the table anew."""
    TABLE.write_text(table(load()))


def _number(row: str) -> int:
    digits = "".join(character for character in row if character.isdigit())
    return int(digits or 0)
