"""Pure: a long Markdown text as pieces that each fit a post, and a growing text made fit to show.

Rule 1: every piece measures at most the limit, and reads as Markdown on its own.
Rule 2: nothing is lost. The pieces without the fence lines added at a seam are the text, whitespace aside.
Rule 3: what was shown stays. A piece depends only on the text up to one character past the limit, so it
never changes once the next piece has begun.
"""

import bisect
import re
import unicodedata
from collections.abc import Callable, Iterator

from bot.showing import fences, healing

HEAL_ROOM = healing.ROOM
heal = healing.heal
"""The last piece, still growing, is shown healed: split at the limit less `HEAL_ROOM` to leave room."""

_BLANK_LINE = re.compile(r"(?=\n[ \t]*\n)")
_LINE_END = re.compile(r"(?=\n)")
_SENTENCE_END = re.compile(r"(?<=[.!?…])[\"'”’)\]*_`]*(?=\s)|(?<=[。！？])")  # noqa: RUF001 - CJK text ends its sentences so
_SPACE = re.compile(r"(?<=\S)(?=\s)")
_INLINE_SPAN = re.compile(r"`+[^`\n]+(?:`+|$)|!?\[[^\[\]\n]*(?:\](?:\([^()\s]*(?:\)|$))?|$)")
_BLOCK_START = re.compile(
    r"[^\S\n]*(?:`{3}|~{3}|[#>|]|[-+*]\s|\d+[.)]\s)"
)  # mid-line it is text, at a line's start not
_JOINER = "\u200d"
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_EXTENDS = re.compile("[\u1160-\u11ff\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")  # Hangul, skin tones, tags


def split(text: str, *, limit: int, measure: Callable[[str], int] = len) -> list[str]:
    """Pieces of `text`, each at most `limit` as `measure` counts, none blank; a blank text has none.

    Breaks, best first: before a table that would be cut, at a blank line, line end, sentence end (each in the
    latter half of the room), at a space; inside a word only where the word alone exceeds the limit, and then
    between graphemes. A fence open at a break is closed there and reopened in the next piece with the same
    info string; where the two lines would take over half of the limit, first the info string, then both are
    left out. The last piece is not closed: see `heal`.

    Stable: for any `a` and `b`, `split(a + b)` begins with `split(a)[:-1]`, provided that `measure` never
    shrinks as text is added. A grapheme that measures more than the limit is cut, a character that does is
    a piece of its own. Raises ValueError for a limit below 1.
    """
    if limit < 1:
        raise ValueError("a limit is at least 1")
    rest = _without_blank_lines(text.replace("\r\n", "\n").replace("\r", "\n").rstrip())
    head = ""
    pieces: list[str] = []
    while rest:
        source = head + rest
        if measure(source) <= limit:
            return [*pieces, source]
        window = _Window(source, start=len(head), limit=limit, measure=measure)
        cut = window.cut()
        if rest[0].isspace() and window.cuts_first_word(cut):
            rest = rest.lstrip()  # whole words matter more than an indentation
            continue
        fence = window.fence_at(cut)
        pieces.append(source[:cut].rstrip() + window.closing(fence))
        head, rest = window.opening(fence, cut), _next_rest(source, cut, fence)
    return pieces


class _Window:
    """What fits of one piece, from `start` on, and where it may end."""

    def __init__(self, source: str, *, start: int, limit: int, measure: Callable[[str], int]) -> None:
        lengths = range(start, len(source))
        self._end = max(
            start + 1,
            start + bisect.bisect_right(lengths, limit, key=lambda n: measure(source[:n])) - 1,
        )
        # One character more than fits tells whether the last word, line or sentence ends there.
        self._seen = source[: self._end + 1]
        self._first = start + len(source[start:]) - len(source[start:].lstrip())
        self._half = start + (self._end - start) // 2
        self._start, self._limit, self._measure = start, limit, measure
        self._fences = fences.find(source[: self._end])
        spans = (match.span() for match in _INLINE_SPAN.finditer(source[: self._end], start))
        self._spans = [(a, b) for a, b in spans if self.fence_at(a) is None]

    def cut(self) -> int:
        """Where the piece ends: the best place there is."""
        table = self._table()
        if table is not None and self._fits(table):
            return table
        for accept in (self._is_good, self._fits):
            for pattern in (_BLANK_LINE, _LINE_END, _SENTENCE_END, _SPACE):
                for place in self._places(pattern):
                    if place >= self._half and self._suits(pattern, place) and accept(place):
                        return place
            for place in self._places(_SPACE):
                if accept(place):
                    return place
        return self._inside_a_word()

    def cuts_first_word(self, place: int) -> bool:
        """Whether the piece would be the beginning of one word, or not even that fits."""
        if place > self._end or not self._fits(place):
            return True
        return len(self._seen[self._start : place].split()) == 1 and not self._seen[place].isspace()

    def fence_at(self, place: int) -> fences.Fence | None:
        """The fence that is open at `place`, its marks written."""
        for fence in self._fences:
            if fence.start + len(fence.prefix) + len(fence.mark) <= place < fence.end:
                return fence
        return None

    def closing(self, fence: fences.Fence | None) -> str:
        """What ends a piece inside `fence`."""
        return f"\n{fence.prefix}{fence.mark}" if fence and self._can_reopen(fence, info="") else ""

    def opening(self, fence: fences.Fence | None, place: int) -> str:
        """What begins the next piece inside `fence`."""
        if fence is None or not self._can_reopen(fence, info=""):
            return ""
        info = fence.info if self._can_reopen(fence, info=fence.info) else ""
        quotes_on = ">" in fence.lead and not _is_line_end(self._seen, place)
        return f"{fence.lead}{fence.mark}{info}\n" + (fence.lead if quotes_on else "")

    def _can_reopen(self, fence: fences.Fence, *, info: str) -> bool:
        added = f"{fence.prefix}{fence.mark}{info}\n{fence.prefix}\n{fence.prefix}{fence.mark}"
        return self._measure(added) <= self._limit // 2

    def _places(self, pattern: re.Pattern[str]) -> Iterator[int]:
        places = [match.end() for match in pattern.finditer(self._seen, self._first)]
        return (place for place in reversed(places) if self._first < place <= self._end)

    def _fits(self, place: int) -> bool:
        piece = self._seen[:place].rstrip() + self.closing(self.fence_at(place))
        return self._measure(piece) <= self._limit

    def _suits(self, pattern: re.Pattern[str], place: int) -> bool:
        """Code knows lines and words, not paragraphs and sentences."""
        return pattern in (_LINE_END, _SPACE) or self.fence_at(place) is None

    def _is_good(self, place: int) -> bool:
        """It fits and leaves no heading, half a link or empty code block behind."""
        fence = self.fence_at(place)
        if fence is None:
            line = self._seen[self._seen.rfind("\n", 0, place) + 1 : place]
            in_span = any(start < place < end for start, end in self._spans)
            becomes_block = _BLOCK_START.match(self._seen, place) is not None
            return not (in_span or becomes_block or line.lstrip().startswith("#")) and self._fits(place)
        after = self._seen[place:].lstrip(" \t\n>")
        has_code_after = after != "" and after[0] != fence.mark[0]
        return has_code_after and self._seen[fence.body : place].strip(" \t\n>") != "" and self._fits(place)

    def _table(self) -> int | None:
        """The line end before a table that may go on past the window; none where it began the piece."""
        end = len(self._seen) - self._seen.endswith("\n")
        top = None
        while True:
            start = self._seen.rfind("\n", 0, end) + 1
            if not _is_row(self._seen[start:end]) or self.fence_at(start) is not None:
                return top
            if start <= self._first:
                return None
            top = end = start - 1

    def _inside_a_word(self) -> int:
        places = range(self._end, self._first, -1)
        whole = [place for place in places if not _is_joined(self._seen, place)]
        good = (place for accept in (self._is_good, self._fits) for place in whole if accept(place))
        character = next((place for place in places if self._fits(place)), self._first + 1)
        return next(good, character)


def _next_rest(source: str, cut: int, fence: fences.Fence | None) -> str:
    """What is left after a cut: without the whitespace at the seam, lists and fences back at the margin."""
    rest = _without_blank_lines(source[cut:])
    line_start = source.rfind("\n", 0, cut) + 1
    if _is_line_end(source, cut):
        done, line = "", rest
    else:
        rest = rest.lstrip()
        done, newline, _ = rest.partition("\n")
        done, line = done + newline, source[line_start:]
    indent = fence.prefix if fence else line[: len(line) - len(line.lstrip(" \t"))]
    return done + _dedent(rest[len(done) :], indent) if fences.is_deep(indent) else rest


def _dedent(text: str, indent: str) -> str:
    """The lines at the start of `text` that begin with `indent` without it."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith(indent):
            lines[number] = line.removeprefix(indent)
        elif line.strip():
            break
    return "\n".join(lines)


def _is_row(line: str) -> bool:
    """Whether the line looks like a table's, told from the line alone so that it holds while text grows."""
    return line.lstrip(" \t>").startswith("|") or " | " in line


def _is_line_end(text: str, place: int) -> bool:
    return re.compile(r"[^\S\n]*\n").match(text, place) is not None


def _is_joined(text: str, place: int) -> bool:
    """Whether the characters on both sides of `place` are one grapheme (UAX 29, as far as chats need it)."""
    before, after = text[place - 1 : place], text[place : place + 1]
    if not before or not after:
        return False
    if _JOINER in (before, after) or unicodedata.category(after) in {"Mn", "Me", "Mc"}:
        return True
    if _FLAG.match(before) and _FLAG.match(after):
        flags = re.compile(r"[\U0001F1E6-\U0001F1FF]*\Z").search(text[:place])
        return flags is not None and len(flags[0]) % 2 == 1
    return _EXTENDS.match(after) is not None or (
        "\ud800" <= before <= "\udbff" and "\udc00" <= after <= "\udfff"
    )


def _without_blank_lines(text: str) -> str:
    return re.sub(r"\A(?:[^\S\n]*\n)+", "", text)
