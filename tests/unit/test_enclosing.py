"""What of an answer becomes a file: the same for the same text, and nothing is lost."""

from __future__ import annotations

import pytest

from bot import enclosing, splitting


def _posts(text: str) -> int:
    return len(splitting.split(text, limit=1_900))


def _enclosed(text: str) -> enclosing.Enclosed:
    return enclosing.enclose(text, posts=_posts)


def _code(lines: int, *, info: str = "python", indent: str = "") -> str:
    body = "\n".join(f"{indent}x = {number}" for number in range(lines))
    return f"{indent}```{info}\n{body}\n{indent}```"


@pytest.mark.parametrize(
    "text",
    [
        "A short answer.",
        _code(enclosing.LONG_CODE),  # as long as a post may have it
        "```python\n" + "x\n" * 100,  # never closed: it may go on
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "",
    ],
)
def test_what_reads_well_stays(text: str) -> None:
    """What a post can hold stays in it, word for word."""
    assert _enclosed(text) == enclosing.Enclosed(text=text)


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ("python", "code-1.py"),
        ("Rust", "code-1.rs"),
        ("js title=x", "code-1.js"),
        ("", "code-1.txt"),
        ("../../etc", "code-1.txt"),  # the table decides, not the answer
    ],
)
def test_the_language_gives_the_extension(info: str, name: str) -> None:
    """A file's name comes from the table of languages alone."""
    assert [file.name for file in _enclosed(_code(100, info=info)).files] == [name]


def test_code_in_a_list_loses_its_indentation() -> None:
    """The file holds the code as it is meant, and the sentence stands in the list."""
    enclosed = _enclosed("1. first\n\n" + _code(100, indent="   ") + "\n\n2. second")
    assert enclosed.files[0].data.startswith(b"x = 0\nx = 1\n")
    assert "   *(The code, 100 lines, is in the file `code-1.py`.)*" in enclosed.text
    assert enclosed.text.endswith("2. second")


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    """A spreadsheet carries nothing out; numbers stay numbers."""
    rows = "\n".join("| =HYPERLINK(1) | -5 | -1+2 | @x |" for _ in range(30))
    table = f"| a | b | c | d |\n|---|---|---|---|\n{rows}"
    lines = _enclosed(table).files[0].data.decode().splitlines()
    assert lines[1] == "'=HYPERLINK(1),-5,'-1+2,'@x"


def test_a_wide_table_is_a_file() -> None:
    """A table of many columns is a file, however short."""
    row = "|" + " x |" * 9
    assert [file.name for file in _enclosed(f"{row}\n|{'---|' * 9}\n{row}").files] == ["table-1.csv"]


def test_the_note_under_a_long_answer_is_still_seen() -> None:
    """What the bot says under an answer stands beside the file, too."""
    enclosed = _enclosed("word " * 3_000 + "\n\n*(Stopped.)*")
    assert [file.name for file in enclosed.files] == ["answer.md"]
    assert enclosed.text.endswith("*(Stopped.)*")
    assert _posts(enclosed.text) == 1
