"""What the rows share: how a row is run and judged."""

from __future__ import annotations

import dataclasses
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence

from bench.torture import arena, nursery, oracle, results


@dataclasses.dataclass(frozen=True, kw_only=True)
class Run:
    """How much is asked of a row."""

    platform: str
    home: nursery.Nursery
    quick: bool = False
    seconds: float = 120.0  # rows that repeat themselves stop after that
    seed: int = 0
    shard: str = ""

    @property
    def deadline(self) -> float:
        """When to stop repeating, by the monotonic clock."""
        return time.monotonic() + self.seconds


class Score:
    """Counts and failures of one run, gathered while it goes on."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.worst: dict[str, float] = {}
        self.failures: list[str] = []

    def count(self, **figures: int) -> None:
        """Add figures that add up over shards."""
        for name, value in figures.items():
            shown = name.replace("_", " ")
            self.counts[shown] = self.counts.get(shown, 0) + value

    def high(self, **figures: float) -> None:
        """Note figures of which the highest counts."""
        for name, value in figures.items():
            shown = name.replace("_", " ")
            self.worst[shown] = round(max(value, self.worst.get(shown, value)), 4)

    def check(self, holds: object, what: str) -> None:
        """Note a failure unless it holds."""
        if not holds:
            self.failures.append(what)

    async def judge(
        self, stage: arena.Arena, verdict: oracle.Verdict, *, most_calls: float | None = None
    ) -> None:
        """Judge an arena at its end: the promises, and what is asserted after every row."""
        asked = len(stage.asked)
        self.count(
            questions=asked,
            answers=verdict.answers,
            lost=len(verdict.lost),
            duplicates=len(verdict.duplicates),
            stuck=len(verdict.stuck),
            misplaced=len(verdict.misplaced),
            inversions=verdict.inversions,
            model_calls=stage.calls,
        )
        self.check(
            verdict.good,
            f"lost {verdict.lost[:3]}, doubled {verdict.duplicates[:3]}, stuck {verdict.stuck[:3]},"
            f" misplaced {verdict.misplaced[:3]}",
        )
        if most_calls is not None and verdict.answers:
            calls = stage.calls / verdict.answers
            self.high(calls_per_answer=calls)
            self.check(calls <= most_calls, f"{calls:.2f} calls of Claude per answer")
        health = await stage.health()
        self.high(peak_MiB=health.peak_mib)
        self.check(health.good, f"health: {health}")


Play = Callable[[Run, Score], Awaitable[None]]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Row:
    """A row of the matrix."""

    id: str
    title: str
    play: Play
    platforms: Sequence[str] = ("slack", "discord")
    quick: bool = True  # whether it belongs to the quick subset


async def run(row: Row, how: Run) -> results.Result:
    """Play a row and say what came of it; what it raises is a failure."""
    score, began = Score(), time.monotonic()
    try:
        await row.play(how, score)
    except Exception as error:  # noqa: BLE001 - a row that breaks is a row that failed, and the next one goes on
        where = " < ".join(
            f"{each.name}:{each.lineno}" for each in traceback.extract_tb(error.__traceback__)[::-1][:6]
        )
        notes = " ".join(getattr(error, "__notes__", ()))
        score.failures.append(f"{type(error).__name__}: {error} ({where}) {notes}".strip())
    return dataclasses.replace(
        outline(row, how),
        passed=not score.failures,
        counts=score.counts,
        worst=score.worst,
        failures=score.failures,
        seconds=round(time.monotonic() - began, 1),
    )


def outline(row: Row, how: Run) -> results.Result:
    """A run before anything is known of it."""
    return results.Result(
        row=row.id, platform=how.platform, title=row.title, passed=False, shard=how.shard, quick=how.quick
    )
