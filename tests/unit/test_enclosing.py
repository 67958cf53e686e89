"""What of an answer comes as a file, too: the same for the same text."""

from __future__ import annotations

import pytest

from bot.showing import enclosing


def _files(text: str, *, posts: int = 1) -> dict[str, bytes]:
    return {file.name: file.data for file in enclosing.files(text, posts=posts)}


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
def test_what_reads_well_in_posts_makes_no_file(text: str) -> None:
    """An answer that is easily read where it stands has no files beside it."""
    assert _files(text, posts=enclosing.MOST_POSTS) == {}


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
    assert list(_files(_code(100, info=info))) == [name]


def test_code_in_a_list_loses_its_indentation() -> None:
    """The file holds the code as it is meant."""
    code = _files("1. first\n\n" + _code(100, indent="   ") + "\n\n2. second")["code-1.py"]
    assert code == b"".join(b"x = %d\n" % number for number in range(100))


def test_a_cell_that_looks_like_a_formula_is_text() -> None:
    """A spreadsheet carries nothing out; numbers stay numbers."""
    rows = "\n".join("| =HYPERLINK(1) | -5 | -1+2 | @x |" for _ in range(30))
    table = f"| a | b | c | d |\n|---|---|---|---|\n{rows}"
    lines = _files(table)["table-1.csv"].decode().splitlines()
    assert lines[1] == "'=HYPERLINK(1),-5,'-1+2,'@x"


def test_a_wide_table_is_a_file() -> None:
    """A table of many columns is a file, however short."""
    row = "|" + " x |" * 9
    assert list(_files(f"{row}\n|{'---|' * 9}\n{row}")) == ["table-1.csv"]


def test_more_posts_than_four_bring_the_whole_as_well() -> None:
    """An answer of more posts than are easily read is a file, its code beside it."""
    text = f"Here:\n\n{_code(100)}\n\nThat is all."
    assert list(_files(text, posts=enclosing.MOST_POSTS)) == ["code-1.py"]
    files = _files(text, posts=enclosing.MOST_POSTS + 1)
    assert list(files) == ["code-1.py", "answer.md"]
    assert files["answer.md"] == f"{text}\n".encode()
