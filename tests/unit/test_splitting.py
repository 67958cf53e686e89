import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.showing import splitting

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"
FLAGS = "\U0001f1eb\U0001f1f7\U0001f1e9\U0001f1ea"

_FRAGMENTS = st.sampled_from(
    [
        "word ", "another word, ", "A sentence ends. ", "Has it? ", "\n", "\n\n", "# Heading\n\n",
        "```python\n", "```\n", "~~~\n", "````md\n", "   ```js\n", "  indented = 1\n", "print('x')\n",
        "- item\n", "  - nested\n", "    - deeper\n", "1. first\n", "   ```sh\n", "     ```\n",
        "> quoted\n", "> ```\n", "\t", "``", "\r\n", "`", "\x00", "\u2028",
        "| a | b |\n", "|---|---|\n", "| 1 | 2 |\n", "**bold** ", "`code` ", "[link](https://example.com/a) ",
        "averyverylongwordthatfillsapiece", FAMILY, FLAGS, "e\u0301", "\u00a0",
    ]
)  # fmt: skip
_MARKDOWN = st.lists(st.one_of(_FRAGMENTS, st.text(max_size=8)), max_size=60).map("".join)
_LIMITS = st.integers(min_value=40, max_value=200)


def _utf16(text: str) -> int:
    """The length of a text as JavaScript and Discord's clients count it."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _bare(text: str) -> str:
    """The text without whitespace, quote marks and the characters that fences are made of."""
    return re.sub(r"[\s>`~]", "", text)


def _holds(pieces: list[str], text: str) -> bool:
    """Whether the pieces, some without a reopening fence line, are the (bare) text, in order."""
    if not pieces:
        return text == ""
    first_line, _, body = pieces[0].partition("\n")
    is_fence = re.match(r"[ >]*(?:`{3}|~{3})", first_line) is not None
    ways = {_bare(pieces[0]), *([_bare(body)] if is_fence else [])}
    return any(text.startswith(way) and _holds(pieces[1:], text[len(way) :]) for way in ways)


def _open_fence(piece: str) -> bool:
    """Whether a CommonMark parser finds the piece's last fence unclosed: it swallows a line set after it."""
    parser = MarkdownIt("commonmark", {"html": False})
    tokens = [token for token in parser.parse(piece + "\nprobe") if token.type == "fence"]
    return bool(tokens) and tokens[-1].content.endswith("probe")


@given(text=_MARKDOWN, limit=_LIMITS, measure=st.sampled_from([len, _utf16]))
@settings(max_examples=300)
def test_pieces_fit_and_are_not_blank(text: str, limit: int, measure: type[int]) -> None:
    """Every piece measures at most the limit and shows something."""
    pieces = splitting.split(text, limit=limit, measure=measure)
    assert [piece for piece in pieces if measure(piece) > limit or not piece.strip()] == []
    assert bool(pieces) == bool(text.strip())


@given(text=_MARKDOWN, limit=st.integers(min_value=1, max_value=12))
def test_absurd_limits_hold(text: str, limit: int) -> None:
    """A limit too small for words or fences is still kept, one character at the least."""
    assert all(len(piece) <= limit for piece in splitting.split(text, limit=limit))


@given(text=_MARKDOWN, limit=_LIMITS)
@settings(max_examples=300)
def test_nothing_is_lost(text: str, limit: int) -> None:
    """Without the added fence lines and whitespace the pieces joined are the text, in order."""
    assert _holds(splitting.split(text, limit=limit), _bare(text))


@given(text=st.text(alphabet="ab .\n\t", max_size=400), limit=st.integers(min_value=1, max_value=60))
def test_plain_text_comes_back_up_to_whitespace(text: str, limit: int) -> None:
    """Text without markup keeps every visible character, and words shorter than the limit stay whole."""
    pieces = splitting.split(text, limit=limit)
    assert "".join("".join(pieces).split()) == "".join(text.split())
    if all(len(word) <= limit for word in text.split()):
        assert [word for piece in pieces for word in piece.split()] == text.split()


@given(text=_MARKDOWN, more=_MARKDOWN, limit=_LIMITS)
@settings(max_examples=400)
@example(text="```\ncode", more="\n```\nafter", limit=40)
def test_a_begun_next_piece_freezes_the_pieces_before(text: str, more: str, limit: int) -> None:
    """Whatever text is added, all pieces but the last stay exactly as they were."""
    before = splitting.split(text, limit=limit)[:-1]
    assert splitting.split(text + more, limit=limit)[: len(before)] == before


@given(text=_MARKDOWN, limit=_LIMITS)
@settings(max_examples=300)
def test_pieces_are_closed(text: str, limit: int) -> None:
    """No piece but the last leaves a code fence open."""
    pieces = splitting.split(text, limit=limit)
    assert [piece for piece in pieces[:-1] if _open_fence(piece)] == []


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\t\r\n"])
def test_blank_text_has_no_pieces(text: str) -> None:
    """A blank text makes no post."""
    assert splitting.split(text, limit=100) == []


def test_a_text_that_fits_is_one_piece() -> None:
    """A text of exactly the limit is left as it is."""
    assert splitting.split("x" * 2000, limit=2000) == ["x" * 2000]
    assert splitting.split("a\n\n```\nb\n```", limit=14) == ["a\n\n```\nb\n```"]


def test_a_limit_below_one_is_refused() -> None:
    """There is no piece of nothing."""
    with pytest.raises(ValueError, match="at least 1"):
        splitting.split("a", limit=0)


@pytest.mark.parametrize(
    ("text", "limit", "expected"),
    [
        # a blank line before a line end
        ("one two\nthree\n\nfour five\nsix", 22, ["one two\nthree", "four five\nsix"]),
        # a line end before a sentence end
        ("One. Two. Three\nfour. five", 21, ["One. Two. Three", "four. five"]),
        # a sentence end before a space
        ("One two. Three four five", 15, ["One two.", "Three four five"]),
        # a space before a word's inside
        ("one two three", 8, ["one two", "three"]),
        # a word that exceeds the limit by itself
        ("ab abcdefghij", 5, ["ab", "abcde", "fghij"]),
        # a sentence may end without a space in Chinese
        ("你好世界今天。很好很好", 10, ["你好世界今天。", "很好很好"]),
        # a heading goes with what it heads
        ("Some text here.\n\n# Head\n\nBody body body", 27, ["Some text here.", "# Head\n\nBody body body"]),
        # a link is not cut in half
        ("See all of [the docs](https://x.io/a)", 30, ["See all of", "[the docs](https://x.io/a)"]),
    ],
)
def test_breaks_at_the_best_place(text: str, limit: int, expected: list[str]) -> None:
    """Paragraphs first, then lines, sentences, words, characters."""
    assert splitting.split(text, limit=limit) == expected


def test_a_fence_is_closed_and_reopened() -> None:
    """Both halves of a cut code block are code of the same language, and no line of it is lost."""
    code = "\n".join(f"print({number})" for number in range(10))
    assert splitting.split(f"Look:\n\n```python title=a\n{code}\n```\n\nDone.", limit=80) == [
        "Look:\n\n```python title=a\nprint(0)\nprint(1)\nprint(2)\nprint(3)\nprint(4)\n```",
        "```python title=a\nprint(5)\nprint(6)\nprint(7)\nprint(8)\nprint(9)\n```\n\nDone.",
    ]


def test_a_longer_fence_holds_a_shorter_one() -> None:
    """What closes and reopens is the outer fence, however it is written."""
    inner = "```py\n1\n```\n" * 5
    pieces = splitting.split(f"~~~~md\n{inner}~~~~", limit=50)
    assert len(pieces) > 1
    assert {(piece.split("\n")[0], piece.split("\n")[-1]) for piece in pieces} == {("~~~~md", "~~~~")}


def test_code_keeps_its_indentation_at_a_seam() -> None:
    """The first line of a reopened fence stands where it stood."""
    pieces = splitting.split("```\nif x:\n" + "    pass  # y\n" * 6 + "```", limit=60)
    assert [line for piece in pieces for line in piece.split("\n") if "`" not in line] == [
        "if x:",
        *["    pass  # y"] * 6,
    ]


def test_no_empty_code_block_is_left() -> None:
    """A cut falls neither right after an opening fence nor right before a closing one."""
    text = "word " * 8 + "\n```\n" + "x" * 30 + "\n```\nend"
    for limit in range(41, 90):
        assert [piece for piece in splitting.split(text, limit=limit) if "```\n```" in piece] == []


def test_a_fence_deep_in_a_list_is_code_in_the_next_piece() -> None:
    """A fence indented past what a fence may be is reopened at the margin, its lines with it."""
    text = "1. a\n   - b\n     ```py\n" + "     x = 1\n" * 8 + "     ```\n   - c"
    pieces = splitting.split(text, limit=70)
    assert pieces[1].startswith("```py\nx = 1\n")
    assert not any(_open_fence(piece) for piece in pieces)


def test_a_quoted_fence_is_reopened_quoted() -> None:
    """The code of a quotation stays in the quotation."""
    pieces = splitting.split("> ```\n" + "> code\n" * 12 + "> ```", limit=50)
    assert all(line.startswith(">") for piece in pieces for line in piece.split("\n"))
    assert [(piece.split("\n")[0], piece.split("\n")[-1]) for piece in pieces] == [("> ```", "> ```")] * len(
        pieces
    )


def test_a_table_is_kept_whole_where_it_fits() -> None:
    """A table that would be cut begins the next piece, even where the blank line comes early."""
    table = "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 5
    pieces = splitting.split(f"Intro.\n\n{table}\nOutro " + "x " * 20, limit=75)
    assert pieces[:2] == ["Intro.", pieces[1]]
    assert pieces[1].startswith(table.rstrip())


def test_a_table_too_long_is_cut_between_rows() -> None:
    """Where a table exceeds the limit by itself, its rows stay whole."""
    pieces = splitting.split("| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 20, limit=65)
    assert all(line.startswith("|") and line.endswith("|") for piece in pieces for line in piece.split("\n"))


@pytest.mark.parametrize("cluster", [FAMILY, FLAGS[:2], "e\u0301", "\U0001f44d\U0001f3fd", "\ud83d\ude00"])
def test_graphemes_stay_whole(cluster: str) -> None:
    """A word of many graphemes is cut between them: families, flags, accents, skin tones, surrogate pairs."""
    for limit in range(12, 30):
        for piece in splitting.split(cluster * 20, limit=limit):
            assert piece == cluster * (len(piece) // len(cluster))


def test_long_texts_split_quickly() -> None:
    """A very long answer is no heavy work: pieces grow with the text, not with its square."""
    text = ("Some words make a sentence. " * 20 + "\n\n```py\n" + "x = 1\n" * 100 + "```\n\n") * 60
    pieces = splitting.split(text, limit=1900)
    assert len(text) / 1900 <= len(pieces) <= len(text) / 700


@pytest.mark.parametrize(
    ("growing", "shown"),
    [
        ("a **bold", "a **bold**"),
        ("a **bold ", "a **bold**"),
        ("a **bold*", "a **bold**"),
        ("a **", "a"),
        ("a *it", "a *it*"),
        ("an _it", "an _it_"),
        ("***both", "***both***"),
        ("**b *i", "**b *i***"),
        ("~~gone", "~~gone~~"),
        ("a `code", "a `code`"),
        ("a `", "a"),
        ("a ``co`de`", "a ``co`de``"),
        ("**b `c", "**b `c`**"),
        ("see [lab", "see lab"),
        ("see [label](", "see label"),
        ("see [label](http://exa", "see label"),
        ("see [label](http://en.org/a_(b", "see label"),
        ("![pic](http", "pic"),
        ("**see [label](http", "**see label**"),
        ("<https://exam", "https://exam"),
        # held back: what it will be is not yet known
        ("para\n-", "para"),
        ("para\n``", "para"),
        ("para\n```py", "para"),
        ("para\n```py\n", "para"),
        ("intro\n- [", "intro"),
        ("intro\n\n| a | b |\n|--", "intro"),
        # open fences
        ("```py\nx = **1", "```py\nx = **1\n```"),
        ("```py\nx\n``", "```py\nx\n```"),
        ("~~~~\nx", "~~~~\nx\n~~~~"),
        ("- a\n  ```\n  x", "- a\n  ```\n  x\n  ```"),
        # lists, quotes, tables: only the last block is looked at
        ("* one\n* **two", "* one\n* **two**"),
        ("> **q", "> **q**"),
        ("| a | b |\n|---|---|\n| 1 | **x", "| a | b |\n|---|---|\n| 1 | **x**"),
        # not markup
        ("2*3 = 6", "2*3 = 6"),
        ("snake_case_name", "snake_case_name"),
        ("5 * 4", "5 * 4"),
        (r"a \*b", r"a \*b"),
        ("`[a` b", "`[a` b"),
    ],
)
def test_a_growing_text_shows_no_broken_markup(growing: str, shown: str) -> None:
    """Half-open markup is closed or held back."""
    assert splitting.heal(growing) == shown


@pytest.mark.parametrize("line", ["-\n", "|\n", "```\n", "**\n", "[\n", "> ", "-\n|\n", "**a "])
def test_healing_is_bounded(line: str) -> None:
    """No heap of half-open markup ends the program or takes long."""
    assert len(splitting.heal("a\n\n" + line * 3000)) <= 3 + 3000 * len(line) + splitting.HEAL_ROOM


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        "**b** *i* `c` ~~s~~ [l](https://x.io) [1]",
        "# Head",
        "```py\nx\n```",
        "- a\n- b\n\n> q",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "a\n\n---",
        "- [ ] todo",
    ],
)
def test_finished_markup_is_left_alone(text: str) -> None:
    """Healing a whole text changes nothing."""
    assert splitting.heal(text) == text


@given(text=_MARKDOWN)
@settings(max_examples=300)
@example(text="word ````md\n     ```\n")
@example(text="`\n``     ```\n")
@example(text="`x\n``     ```\n")
def test_healing_closes_fences_within_its_room(text: str) -> None:
    """A healed text has no open fence and is at most the room longer."""
    healed = splitting.heal(text)
    assert not _open_fence(healed)
    assert len(healed) <= len(text) + splitting.HEAL_ROOM
