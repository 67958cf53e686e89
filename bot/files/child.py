"""The process that reads one file: `standard input ─▶ header and bytes ─▶ standard output`.

It is given nothing but the file: no environment, no working directory of its own, and limits on memory,
time and writing that it sets before it looks at a byte. Whatever a file does to it ends with it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import resource
import sys
import zipfile
from io import BytesIO

from bot.files import kinds

# Of address space. A picture of 36 million pixels with transparency takes 330 MB, as WebP 540.
MEMORY_BYTES = 640 * kinds.MEBIBYTE
CPU_SECONDS = 20


@dataclasses.dataclass(frozen=True, kw_only=True)
class Read:
    """What became of a file."""

    kind: str  # "image", "pdf", "text" or "unread"
    media_type: str = ""
    data: bytes = b""  # what is sent of an image or a PDF
    text: str = ""  # what it says, clipped
    note: str = ""  # what was left out or changed
    reason: str = ""  # why it is not read
    width: int = 0
    height: int = 0
    pages: int = 0


def main() -> None:
    """Read the file on standard input and tell the outcome on standard output."""
    limit()
    try:
        outcome = read(sys.stdin.buffer.read())
    except (MemoryError, RecursionError):
        outcome = Read(kind="unread", reason=kinds.TOO_MUCH)
    except Exception:  # noqa: BLE001 - parsers of strangers' files raise anything at all
        outcome = Read(kind="unread", reason=kinds.DAMAGED)
    header = {name: value for name, value in dataclasses.asdict(outcome).items() if name != "data"}
    sys.stdout.buffer.write(json.dumps(header).encode() + b"\n" + outcome.data)
    sys.stdout.buffer.flush()


def limit() -> None:
    """Bound what this process may use, for good; where memory runs out all the same, it is the one to end."""
    with contextlib.suppress(OSError):  # no such file but on Linux
        pathlib.Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def read(data: bytes) -> Read:
    """Read a file by what it holds; may raise anything."""
    if not data:
        return Read(kind="unread", reason=kinds.EMPTY)
    key = kinds.of_bytes(data)
    if key == "zip":
        with zipfile.ZipFile(BytesIO(data)) as archive:
            key = kinds.of_zip(frozenset(archive.namelist()))
    kind = kinds.KINDS[key]
    # Each reader is imported where it is needed: a text needs no imaging library.
    if kind.way == "picture":
        from bot.files import pictures  # noqa: PLC0415

        return Read(**pictures.read(data))
    if kind.way == "pdf":
        from bot.files import papers  # noqa: PLC0415

        return Read(**papers.read(data))
    if kind.way in {"word", "excel"}:
        from bot.files import offices  # noqa: PLC0415

        return _as_text(**offices.read(data, way=kind.way))
    if kind.way == "text":
        from bot.files import texts  # noqa: PLC0415

        return _as_text(text=texts.decode(data))
    return Read(kind="unread", reason=kind.reason)


def _as_text(*, text: str, note: str = "") -> Read:
    from bot.files import texts  # noqa: PLC0415

    clipped, cut = texts.clip(text)
    if not clipped.strip():
        return Read(kind="unread", reason="there is no text in it")
    return Read(kind="text", media_type="text/plain", text=clipped, note="; ".join(filter(None, (note, cut))))
