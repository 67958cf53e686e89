"""Word documents and Excel workbooks as text.

Runs in the child process. A zip tells how long its parts are: what would unpack to more than `MOST_UNPACKED`,
or to more than `MOST_RATIO` times its size, is not unpacked. XML with a document type, which alone can
define entities, is not read at all.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import IO, Any
from xml.parsers import expat

from bot.files import kinds

MOST_UNPACKED = 100 * kinds.MEBIBYTE
MOST_RATIO = 200
MOST_PARTS = 5_000
CHUNK = 4096  # bytes
MOST_ROWS = 5_000  # of one sheet

# ECMA-376, part 1, 17: marks in a paragraph, and what is not said: settings, what was deleted or moved away
# under review, and the copy of a text box for programs that do not know it.
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MARKS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_UNSAID = {
    *(
        f"{_W}{name}"
        for name in ("pPr", "rPr", "tblPr", "trPr", "tcPr", "sdtPr", "sectPr", "del", "moveFrom")
    ),
    "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback",
}
_LEVELS = frozenset("123456789")


def read(data: bytes, *, way: str) -> dict[str, Any]:
    """`text` and `note`; raises what the readers raise, MemoryError for a bomb."""
    with zipfile.ZipFile(BytesIO(data)) as archive:
        _check(archive)
    return _word(data) if way == "word" else _excel(data)


def _check(archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    unpacked, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(packed, 10_000):
        raise MemoryError
    for part in parts:
        if part.filename.endswith((".xml", ".rels")):
            with archive.open(part) as opened:
                _refuse_dtd(opened)


def _refuse_dtd(opened: IO[bytes]) -> None:
    """Raise ValueError for XML with a document type, which may define entities; it stands before all else."""
    begun: list[str] = []

    def refuse(*_: object) -> None:
        raise ValueError("a document type in an Office file")

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = lambda name, _: begun.append(name)
    while not begun and (piece := opened.read(CHUNK)):
        parser.Parse(piece)


def _word(data: bytes) -> dict[str, Any]:
    """Paragraphs and tables in the order in which they stand, every change under review accepted."""
    import docx  # noqa: PLC0415 - each reader is imported where it is needed

    document = docx.Document(BytesIO(data))
    names = {style.style_id: style.name or "" for style in document.styles}
    said: list[str] = []
    length = 0
    for line in _lines(document.element.body, names):
        said.append(line)
        length += len(line)
        if length > 2 * kinds.MOST_CHARACTERS:
            break
    return {"text": "\n".join(said).strip()}


def _lines(element: Any, names: Mapping[str, str]) -> Iterator[str]:
    """The paragraphs and table rows inside, also of content controls and of what was inserted."""
    for child in element:
        if child.tag == f"{_W}p":
            yield _heading(child, names) + "".join(_pieces(child))
        elif child.tag == f"{_W}tr":
            cells = child.iterchildren(f"{_W}tc", f"{_W}sdt")
            yield " | ".join("\n".join(_lines(cell, names)).strip() for cell in cells)
        elif child.tag not in _UNSAID:
            yield from _lines(child, names)


def _pieces(element: Any) -> Iterator[str]:
    """What a paragraph says, links, text boxes and insertions included."""
    for child in element:
        if child.tag == f"{_W}t":
            yield child.text or ""
        elif child.tag in _MARKS:
            yield _MARKS[child.tag]
        elif child.tag not in _UNSAID:
            yield "\n" if child.tag == f"{_W}p" else ""  # a text box has paragraphs of its own
            yield from _pieces(child)


def _heading(paragraph: Any, names: Mapping[str, str]) -> str:
    found = paragraph.find(f"{_W}pPr/{_W}pStyle")
    name = "" if found is None else names.get(found.get(f"{_W}val", ""), "")
    level = name.removeprefix("Heading ")
    return f"{'#' * int(level)} " if name != level and level in _LEVELS else ""


def _excel(data: bytes) -> dict[str, Any]:
    """Each sheet as comma-separated lines, values as they were last worked out."""
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    import openpyxl  # noqa: PLC0415

    book = openpyxl.load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    cut = ""
    for sheet in book.worksheets:
        out.write(f"{'' if out.tell() == 0 else chr(10)}## {sheet.title}\n")
        for number, row in enumerate(sheet.iter_rows(values_only=True)):
            if number >= MOST_ROWS or out.tell() > 2 * kinds.MOST_CHARACTERS:
                cut = "not all rows"
                break
            values = ["" if value is None else str(value) for value in row]
            while values and not values[-1]:
                values.pop()
            if values:
                lines.writerow(values)
    return {"text": out.getvalue(), "note": cut}
