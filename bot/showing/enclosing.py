"""Pure: what of a finished answer comes as a file, too. Its posts hold the whole text all the same.

Rule 1: the same text gives the same files, so that finishing twice encloses once.
Rule 2: a file holds what it is made from word for word, and nothing leaves the text for it: an answer is
read, searched and quoted where it was asked for, and a file that cannot be sent loses nobody anything.
Rule 3: an answer of more than `MOST_POSTS` posts is a file, whatever is in it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterator

from bot.showing import fences

MOST_POSTS = 4
LONG_CODE = 60  # lines
LONG_TABLE = 20  # rows
WIDE_TABLE = 8  # columns
MOST_FILES = 5  # of one answer, beside the whole of it
WHOLE = "answer.md"

_EXTENSIONS = {
    "bash": "sh", "c": "c", "c#": "cs", "c++": "cpp", "console": "sh", "cpp": "cpp", "cs": "cs",
    "csharp": "cs", "css": "css", "csv": "csv", "diff": "diff", "go": "go", "golang": "go",
    "graphql": "graphql", "html": "html", "ini": "ini", "java": "java", "javascript": "js", "js": "js",
    "json": "json", "jsonl": "jsonl", "jsx": "jsx", "kotlin": "kt", "latex": "tex", "lua": "lua",
    "markdown": "md", "md": "md", "patch": "diff", "perl": "pl", "php": "php", "powershell": "ps1",
    "proto": "proto", "py": "py", "python": "py", "r": "r", "rb": "rb", "rs": "rs", "ruby": "rb",
    "rust": "rs", "scala": "scala", "sh": "sh", "shell": "sh", "sql": "sql", "svg": "svg",
    "swift": "swift", "tex": "tex", "toml": "toml", "ts": "ts", "tsx": "tsx", "typescript": "ts",
    "xml": "xml", "yaml": "yaml", "yml": "yaml", "zsh": "sh",
}  # fmt: skip
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,\s]*%?\Z)")  # what a spreadsheet would carry out


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """Something to send beside an answer."""

    name: str
    data: bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Part:
    """A stretch of the text that makes a file."""

    start: int
    kind: str  # "code" or "table": what its name begins with
    extension: str
    data: str


def files(text: str, *, posts: int) -> tuple[File, ...]:
    """The files beside an answer that takes so many posts of its platform."""
    made = [
        File(name=f"{part.kind}-{number}.{part.extension}", data=part.data.encode())
        for number, part in enumerate(_parts(text)[:MOST_FILES], start=1)
    ]
    if posts > MOST_POSTS:
        made.append(File(name=WHOLE, data=f"{text}\n".encode()))
    return tuple(made)


def _parts(text: str) -> list[_Part]:
    return sorted([*_codes(text), *_tables(text)], key=lambda part: part.start)


def _codes(text: str) -> Iterator[_Part]:
    """The closed code blocks that are too long to read in a post."""
    for fence in fences.find(text):
        if fence.end == fences.EVER_OPEN:
            continue
        inside = text[fence.body : fence.end].split("\n")
        lines = [_without(fence.prefix, line) for line in inside[:-1]]
        if len(lines) <= LONG_CODE:
            continue
        language = (fence.info.split() or [""])[0].lower()
        yield _Part(
            start=fence.start,
            kind="code",
            extension=_EXTENSIONS.get(language, "txt"),
            data="\n".join(lines) + "\n",
        )


def _without(prefix: str, line: str) -> str:
    """A line of a code block without the quote marks and the indentation that the block stands in."""
    if line.startswith(prefix):
        return line[len(prefix) :]
    return line.lstrip(" \t>") if prefix.strip() else line.lstrip(" ")


def _tables(text: str) -> Iterator[_Part]:
    """The tables at the margin that are too long or too wide to read in a post."""
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text) + 1]
    tokens = fences.PARSER.parse(text + "\n")
    for number, token in enumerate(tokens):
        if token.type != "table_open" or token.level or token.map is None:
            continue
        rows: list[list[str]] = []
        for inner in tokens[number:]:
            if inner.type == "table_close":
                break
            if inner.type == "tr_open":
                rows.append([])
            elif inner.type == "inline":
                rows[-1].append(inner.content)
        if len(rows) - 1 <= LONG_TABLE and max(map(len, rows)) <= WIDE_TABLE:
            continue
        yield _Part(start=starts[token.map[0]], kind="table", extension="csv", data=_csv(rows))


def _csv(rows: list[list[str]]) -> str:
    """The rows as a spreadsheet reads them, one line each; a cell that looks like a formula is made text."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        writer.writerow(["'" + cell if _FORMULA.match(cell) else cell for cell in row])
    return written.getvalue()
