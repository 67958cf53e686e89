"""What is alive in a bot beside what its process holds, told from within once a second.

Resident memory also counts what the allocators keep for the next time, and tables that are made larger
before they are full: it goes up in steps that say nothing of a leak, and a small leak could hide between
them. What is in use hides nothing: Python's live blocks, and the bytes in use of the C library's heap,
where large objects and those of C code (SQLite's) live. Both also hold the answers under way and garbage
that waits for its collection, so that the least of some seconds counts.
"""

from __future__ import annotations

import ctypes
import dataclasses
import json
import os
import pathlib
import statistics
import sys
import threading
import time
from collections.abc import Callable, Sequence

EVERY_SECONDS = 1.0
QUIETEST_OF = 15  # looks


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look:
    """One moment."""

    at: float  # s, by the host's monotonic clock
    resident: int  # bytes
    blocks: int  # Python's, of any size up to 512 bytes
    heap: int  # bytes in use


class _Mallinfo(ctypes.Structure):
    """glibc's `struct mallinfo2` (mallinfo(3)), bytes; of all its arenas together."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    )


def tell(path: str, *, every: float = EVERY_SECONDS) -> None:
    """Write a line each so many seconds from now on, in a thread of its own."""
    threading.Thread(target=_go_on_telling, args=(path, every), name="memory", daemon=True).start()


def told(path: pathlib.Path) -> list[Look]:
    """What was told so far."""
    lines = path.read_text(encoding="ascii").split("\n")[:-1]  # the last one may be half written
    return [Look(**json.loads(line)) for line in lines]


def slope(looks: Sequence[Look], of: Callable[[Look], float]) -> float:
    """By how much a figure grows a second: the line through the least of each few looks."""
    groups = [looks[first : first + QUIETEST_OF] for first in range(0, len(looks), QUIETEST_OF)]
    moments = [statistics.fmean(each.at for each in group) for group in groups]
    return statistics.linear_regression(moments, [min(map(of, group)) for group in groups]).slope


def _go_on_telling(path: str, every: float) -> None:
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = _Mallinfo
    page = os.sysconf("SC_PAGE_SIZE")
    statm = pathlib.Path("/proc/self/statm")
    with pathlib.Path(path).open("a", encoding="ascii", buffering=1) as file:
        while True:
            heap = mallinfo()
            look = Look(
                at=time.monotonic(),
                resident=page * int(statm.read_text(encoding="ascii").split()[1]),
                blocks=sys.getallocatedblocks(),
                heap=heap.uordblks + heap.hblkhd,
            )
            file.write(json.dumps(dataclasses.asdict(look)) + "\n")
            time.sleep(every)
