"""What was found: bench/results/torture.json, one entry a run, and a page made of it beside.

Rule: a run is in the file from its start on, under the commit it ran on, and stays there whatever becomes of
it. One that fails is not taken out; one that never ends reads "did not end". Runs are numbered without gaps,
so that a missing one shows (a test looks). The page sums each row over the runs of one commit alone: the
newest that the row was played on in full.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import fcntl
import json
import pathlib
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ROOT = pathlib.Path(__file__).parents[2]
JSON = ROOT / "bench" / "results" / "torture.json"
CODE = ("bot", "adapters", "emulators", "bench", "tests/unit/test_state_machine.py", ":!bench/results")
DID_NOT_END = "did not end (or has not yet)"

MOST_CALLS = 1.3  # of Claude per answer, over all shards of a row

Run = dict[str, Any]

HEAD = """\
# The fault matrix: what was run, what came of it

Written by `python -m bench.torture`, which adds to it. The oracle lives in the emulators: posts by people
against posts of the bot, calls counted by Claude's stand-in. Each line adds up the runs of one commit, the
newest on which the row was played in full ("quick" where there is none yet); runs on other commits stay in
[torture.json](torture.json). A call of Claude that a kill cut off is made again: calls per answer should be
at most 1.3 over the shards of a row. Runs that failed are listed below, all of them, and are never taken out.
`python -m bench.torture F1 --platform slack --shard 2/10 --seconds 600` goes on with a row.

This record was begun anew: the one before mixed versions, and failed runs had been taken out of it.

| row | what happens | platform | commit | runs | passed | counts (added up) | worst |
|---|---|---|---|---|---|---|---|"""


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


def commit() -> str:
    """The commit of this tree; RuntimeError where its code differs from that: nobody could repeat it."""
    changed = _git("status", "--porcelain", "--", *CODE)
    if changed:
        raise RuntimeError(f"only a committed tree leaves results: commit, or run with --dry\n{changed}")
    return _git("rev-parse", "--short=9", "HEAD").strip()


def begin(result: Result, *, commit: str, path: pathlib.Path = JSON) -> int:
    """Write a run down before it starts; its number."""
    with _changing(path) as runs:
        number = len(runs) + 1
        begun = dataclasses.replace(result, passed=False, failures=[DID_NOT_END])
        at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        runs.append({"number": number, "commit": commit, "at": at, **dataclasses.asdict(begun), "notes": ""})
    render(path)
    return number


def end(number: int, result: Result, *, path: pathlib.Path = JSON) -> None:
    """Write down what came of a run."""
    with _changing(path) as runs:
        runs[number - 1].update(dataclasses.asdict(result))


def load(path: pathlib.Path = JSON) -> list[Run]:
    """Every run so far."""
    return json.loads(path.read_text()) if path.exists() else []


def page(runs: Sequence[Run]) -> str:
    """The record as Markdown."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run["row"], run["platform"]), []).append(run)
    lines = [HEAD]
    lines += [
        _line(row, platform, chosen(each))
        for (row, platform), each in sorted(groups.items(), key=lambda item: (_number(item[0][0]), item[0]))
    ]
    failed = [run for run in runs if not run["passed"]]
    lines += ["", "## Runs that failed, and what was seen", ""]
    lines += [_failure(run) for run in failed] or ["None so far."]
    return "\n".join(lines) + "\n"


def chosen(runs: Sequence[Run]) -> list[Run]:
    """Of the runs of one row on one platform those that are added up: of one commit, and of one kind."""
    newest = next((run for run in reversed(runs) if not run["quick"]), runs[-1])
    return [run for run in runs if (run["commit"], run["quick"]) == (newest["commit"], newest["quick"])]


def render(path: pathlib.Path = JSON) -> None:
    """Write the page anew."""
    path.with_suffix(".md").write_text(page(load(path)))


def _line(row: str, platform: str, runs: Sequence[Run]) -> str:
    counts: dict[str, int] = {}
    worst: dict[str, float] = {}
    for run in runs:
        for name, value in run["counts"].items():
            counts[name] = counts.get(name, 0) + value
        for name, figure in run["worst"].items():
            worst[name] = max(worst.get(name, figure), figure)
    calls = counts["model calls"] / counts["answers"] if counts.get("answers") else 0.0
    told = ", ".join(f"{name} {value:,}" for name, value in counts.items())
    figures = ", ".join(f"{name} {figure:,.4g}" for name, figure in worst.items())
    if calls:
        over = f" (more than {MOST_CALLS})" if calls > MOST_CALLS else ""
        figures += f"{', ' if figures else ''}**calls of Claude per answer {calls:.2f}**{over}"
    kind = " (quick)" if runs[0]["quick"] else ""
    passed = sum(bool(run["passed"]) for run in runs)
    return (
        f"| {row} | {runs[-1]['title']} | {platform} | {runs[-1]['commit']}{kind} | {len(runs)} | {passed}"
        f" | {told} | {figures} |"
    )


def _failure(run: Run) -> str:
    seen = "; ".join(run["failures"])[:1_000].replace("\n", " ")
    notes = f" **{run['notes']}**" if run["notes"] else ""
    return (
        f"* {run['number']}: {run['at']} {run['row']} {run['platform']} {run['shard']}"
        f" on {run['commit']}: {seen}.{notes}"
    )


@contextlib.contextmanager
def _changing(path: pathlib.Path) -> Iterator[list[Run]]:
    """The runs, to be changed by one process at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        runs = load(path)
        yield runs
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(runs, indent=1) + "\n")
        fresh.replace(path)


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)  # noqa: S603, S607 - our own words
    return done.stdout


def _number(row: str) -> int:
    digits = "".join(character for character in row if character.isdigit())
    return int(digits or 0)
