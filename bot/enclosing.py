"""Pure: what of a finished answer is better as a file, and what stands in its place.

Rule 1: the same text gives the same files, so that finishing twice encloses once.
Rule 2: nothing is lost: what leaves the text is in a file, word for word.
Rule 3: an answer of more than `MOST_POSTS` posts is a file, whatever is in it.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Callable, Iterator

from bot import fences, splitting

MOST_POSTS = 4
LONG_CODE = 60  # lines
LONG_TABLE = 20  # rows
WIDE_TABLE = 8  # columns
MOST_FILES = 5  # of one answer; what follows stays in the text
BEGINNING = 1_000  # characters of an answer that stand beside its file
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
_NOTE = re.compile(r"\n\n(\*\([^\n]+\)\*)\s*\Z")  # what the bot itself says under an answer
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d.,\s]*%?\Z)")  # what a spreadsheet would carry out


@dataclasses.dataclass(frozen=True, kw_only=True)
class File:
    """Something to send beside an answer."""

    name: str
    data: bytes


@dataclasses.dataclass(frozen=True, kw_only=True)
class Enclosed:
    """An answer as it is shown: what stands in its posts, and the files beside it."""

    text: str
    files: tuple[File, ...] = ()


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Part:
    """A stretch of the text that goes into a file."""

    start: int
    end: int
    lead: str  # what a line there begins with
    extension: str
    what: str
    data: str


def enclose(text: str, *, posts: Callable[[str], int]) -> Enclosed:
    """An answer and its files; `posts` says how many posts of the platform a text takes."""
    parts = _parts(text)[:MOST_FILES]
    files, pieces, end = [], [], 0
    for number, part in enumerate(parts, start=1):
        name = f"{'table' if part.extension == 'csv' and part.what == 'table' else 'code'}-{number}"
        file = File(name=f"{name}.{part.extension}", data=part.data.encode())
        files.append(file)
        pieces += [text[end : part.start], f"{part.lead}*({_sentence(part, file)})*"]
        end = part.end
    shown = "".join([*pieces, text[end:]])
    if posts(shown) <= MOST_POSTS:
        return Enclosed(text=shown, files=tuple(files))
    words = len(text.split())
    said = f"*(This is the beginning. The whole answer, {words:,} words, is in the file `{WHOLE}`.)*"
    note = _NOTE.search(text)
    beside = "\n\n".join([_beginning(text), said, *([note[1]] if note else [])])
    return Enclosed(text=beside, files=(File(name=WHOLE, data=f"{text}\n".encode()),))


def _sentence(part: _Part, file: File) -> str:
    if part.what == "table":
        return f"The table, {part.data.count(chr(10)) - 1} rows, is in the file `{file.name}`."
    return f"The code, {part.data.count(chr(10))} lines, is in the file `{file.name}`."


def _beginning(text: str) -> str:
    """The first paragraphs, whole, with what they left open closed."""
    first = next(iter(splitting.split(text, limit=BEGINNING)), "")
    return splitting.heal(first)


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
            end=fence.end,
            lead=fence.lead,
            extension=_EXTENSIONS.get(language, "txt"),
            what="code",
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
        first, last = token.map
        yield _Part(
            start=starts[first],
            end=starts[min(last, len(starts) - 1)] - 1,
            lead="",
            extension="csv",
            what="table",
            data=_csv(rows),
        )


def _csv(rows: list[list[str]]) -> str:
    """The rows as a spreadsheet reads them, one line each; a cell that looks like a formula is made text."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    for row in rows:
        writer.writerow(["'" + cell if _FORMULA.match(cell) else cell for cell in row])
    return written.getvalue()
