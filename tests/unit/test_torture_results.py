"""The record of the fault matrix: nothing is taken out, and a sum is of one commit."""

from __future__ import annotations

import pathlib
from typing import Any

import pytest

from bench.torture import results


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    """Where the record is kept."""
    return tmp_path / "torture.json"


def play(path: pathlib.Path, commit: str, *, kills: int = 0, slowest: float = 0.0, **fields: Any) -> None:
    """Write down a run from its start to its end."""
    result = results.Result(
        row="F1",
        platform="slack",
        passed=not fields.get("failures"),
        counts={"kills": kills},
        worst={"slowest": slowest},
        **fields,
    )
    results.end(results.begin(result, commit=commit, path=path), result, path=path)


def test_shards_of_one_commit_add_up(path: pathlib.Path) -> None:
    """Counts are added, of figures the worst is kept."""
    play(path, "aaa", kills=10, slowest=0.5)
    play(path, "aaa", kills=20, slowest=0.25)
    assert "| F1 |  | slack | aaa | 2 | 2 | kills 30 | slowest 0.5 |" in results.page(results.load(path))


def test_another_commit_is_not_added(path: pathlib.Path) -> None:
    """The newest commit with a full run counts alone; a quick run of a later one changes nothing."""
    play(path, "aaa", kills=10)
    play(path, "bbb", kills=20)
    play(path, "ccc", kills=1, quick=True)
    assert "| F1 |  | slack | bbb | 1 | 1 | kills 20 |" in results.page(results.load(path))


def test_a_failed_run_is_listed_for_ever(path: pathlib.Path) -> None:
    """Also when newer runs on other commits have passed, with the note that was written to it."""
    play(path, "aaa", failures=["lost one"])
    runs = results.load(path)
    play(path, "bbb", kills=5)
    page = results.page([{**runs[0], "notes": "mended by bbb"}, *results.load(path)[1:]])
    assert "on aaa: lost one. **mended by bbb**" in page
    assert "| bbb | 1 | 1 | kills 5 |" in page


def test_a_run_that_never_ends_is_a_failure(path: pathlib.Path) -> None:
    """It is in the record from its start on, and reads so until it has ended."""
    result = results.Result(row="F1", platform="slack", passed=True)
    number = results.begin(result, commit="aaa", path=path)
    assert "on aaa: did not end" in results.page(results.load(path))
    results.end(number, result, path=path)
    assert "None so far." in results.page(results.load(path))


def test_the_kept_record_has_no_gap() -> None:
    """The runs in the repository are numbered one by one, and the page beside is made of them."""
    runs = results.load()
    assert [run["number"] for run in runs] == list(range(1, len(runs) + 1))
    assert results.page(runs) == results.JSON.with_suffix(".md").read_text()
