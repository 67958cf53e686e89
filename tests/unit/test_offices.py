"""What a Word document and a workbook say, as Claude gets it."""

from __future__ import annotations

import io

import docx
import pytest
import real_files
from docx.enum import style
from openpyxl import chart, workbook

from bot.files import offices

BODY = "word/document.xml"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def saved(document: docx.document.Document) -> bytes:
    """A file of it."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def with_body(inside: str) -> bytes:
    """A Word document whose body holds this XML and nothing else."""
    made = real_files.word("x")
    xml = f'<w:document {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
    return real_files.with_parts(made, {BODY: f"{xml}<w:body>{inside}</w:body></w:document>".encode()})


def read(data: bytes, way: str = "word") -> str:
    """What it says."""
    return str(offices.read(data, way=way)["text"])


def p(*inside: str) -> str:
    """A paragraph."""
    return f"<w:p>{''.join(inside)}</w:p>"


def r(text: str, tag: str = "t") -> str:
    """A run of text."""
    return f'<w:r><w:{tag} xml:space="preserve">{text}</w:{tag}></w:r>'


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        # Under review: what was inserted counts, what was deleted or moved away does not.
        (
            p(r("I pay "), f"<w:ins>{r('nine')}</w:ins><w:del>{r('ten', 'delText')}</w:del>"),
            "I pay nine",
        ),
        (p(f"<w:moveFrom>{r('here')}</w:moveFrom><w:moveTo>{r('there')}</w:moveTo>"), "there"),
        # Forms and covers stand in content controls.
        (f"<w:sdt><w:sdtPr/><w:sdtContent>{p(r('Name: Ada'))}</w:sdtContent></w:sdt>", "Name: Ada"),
        (p(f"<w:hyperlink>{r('a link')}</w:hyperlink>"), "a link"),
        (p(r("a"), "<w:r><w:tab/></w:r>", r("b"), "<w:r><w:br/></w:r>", r("c")), "a\tb\nc"),
        (p("<w:pPr><w:tabs><w:tab/></w:tabs></w:pPr>", r("no tab")), "no tab"),
        # A text box has a copy for programs that do not know it.
        (
            p(
                r("beside"),
                f"<mc:AlternateContent><mc:Choice>{p(r('in a')) + p(r('box'))}</mc:Choice>"
                f"<mc:Fallback>{p(r('in a')) + p(r('box'))}</mc:Fallback></mc:AlternateContent>",
            ),
            "beside\nin a\nbox",
        ),
    ],
)
def test_all_that_a_word_document_says_is_read(inside: str, text: str) -> None:
    """Whatever somebody sees who opens it is read, once."""
    assert read(with_body(inside)) == text


def test_a_table_is_read_by_rows_with_what_is_inside() -> None:
    """A merged cell is told once, and a table in a table is not lost."""
    document = docx.Document()
    document.add_heading("Sums", 2)
    table = document.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(0, 2)).text = "this year"
    for column, text in enumerate(("ada", "12", "13")):
        table.cell(1, column).text = text
    inner = table.cell(1, 2).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "left", "right"
    assert read(saved(document)) == "## Sums\nthis year\nada | 12 | 13\nleft | right"


def test_a_style_of_any_name_is_read() -> None:
    """A style that is only called like a heading does no harm."""
    document = docx.Document()
    for name in ("Heading A", "Heading 10"):
        document.styles.add_style(name, style.WD_STYLE_TYPE.PARAGRAPH)
        document.add_paragraph("appendix", style=name)
    assert read(saved(document)) == "appendix\nappendix"


def test_a_cell_that_says_it_spans_millions_costs_no_more() -> None:
    """A table's cells are those that are there."""
    cell = f'<w:tc><w:tcPr><w:gridSpan w:val="9000000"/></w:tcPr>{p(r("one"))}</w:tc>'
    assert read(with_body(f"<w:tbl><w:tr>{cell}</w:tr></w:tbl>")) == "one"


def test_a_workbook_with_a_chart_sheet_is_read() -> None:
    """A sheet that is a picture has no rows and stops nothing; a hidden one is read."""
    book = workbook.Workbook()
    sums = book.active
    assert sums is not None
    sums.append([1, 2])
    bars = chart.BarChart()
    bars.add_data(chart.Reference(sums, 1, 1, 2, 1))
    book.create_chartsheet("Chart").add_chart(bars)
    hidden = book.create_sheet("Hidden")
    hidden.append(["old"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    assert read(out.getvalue(), "excel") == "## Sheet\n1,2\n\n## Hidden\nold\n"
