"""What the torture's long load tells of memory: a small leak shows beside garbage that comes and goes."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import subprocess
import sys

import pytest

from bench.torture import memory
from bench.torture.rows import load

ROOT = pathlib.Path(__file__).parents[2]
RATE = 60.0  # answers a second
HOARDER = """
import sys
from bench.torture import memory
memory.tell("/dev/stdout", every=0.02)
kept = []
for line in sys.stdin:
    kept.append([object() for _ in range(100_000)])
    kept.append([bytes(1_000) for _ in range(10_000)])
"""


def ten_minutes(*, blocks: float = 0.0, heap: float = 0.0) -> list[memory.Look]:
    """Ten minutes in which each answer keeps so much, and garbage waits for its collection."""
    return [
        memory.Look(
            at=float(second),
            resident=130 * 2**20,
            blocks=780_000 + 997 * (second % 13) + int(blocks * RATE * second),
            heap=36 * 2**20 + 10_007 * (second % 11) + int(heap * RATE * second),
        )
        for second in range(600)
    ]


@pytest.mark.parametrize("kept", [0.0, 1.0, 0.25])
def test_an_object_that_answers_leave_behind_is_seen(kept: float) -> None:
    """One block for every fourth answer is past the bound, garbage alone is not."""
    grows = memory.slope(ten_minutes(blocks=kept), lambda each: each.blocks) / RATE
    assert grows == pytest.approx(kept, abs=load.KEPT_BLOCKS / 2)


@pytest.mark.parametrize("kept", [0.0, 20.0])
def test_bytes_that_answers_leave_on_the_heap_are_seen(kept: float) -> None:
    """Twenty bytes an answer are past the bound, garbage alone is not."""
    grows = memory.slope(ten_minutes(heap=kept), lambda each: each.heap) / RATE
    assert grows == pytest.approx(kept, abs=load.KEPT_BYTES / 2)


def test_a_process_tells_what_it_keeps() -> None:
    """Small objects are counted as blocks, large ones as bytes of the heap, and both are resident."""
    command = [sys.executable, "-c", HOARDER]
    with subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        looks = (memory.Look(**json.loads(line)) for line in process.stdout)
        before = next(looks)
        process.stdin.write("more\n")
        process.stdin.flush()
        after = next(look for look in looks if look.heap >= before.heap + 10_000_000)
        process.stdin.close()
    assert after.blocks >= before.blocks + 100_000
    assert after.resident >= before.resident + 10_000_000


def test_a_line_that_is_being_written_is_not_read_yet(tmp_path: pathlib.Path) -> None:
    """What was told before it is."""
    path = tmp_path / "memory.jsonl"
    look = memory.Look(at=1.0, resident=3, blocks=4, heap=5)
    line = json.dumps(dataclasses.asdict(look))
    path.write_text(f"{line}\n{line[:20]}")
    assert memory.told(path) == [look]
