"""Pure: a Markdown text that is still being written, made fit to show as it stands."""

import re
import unicodedata

from bot.showing import fences

ROOM = 32
"""The most characters that `heal` adds."""

_ROUNDS = 20  # how often leaving an end out may show another end to leave out
_UNFINISHED_LINES = re.compile(r"(?:(?:^|\n)[ \t>]*(?:[-*+_=~`]{1,2}|#{1,6}))+\Z")
_ROWS = re.compile(r"(?:(?:^|\n)[ \t>]*\|[^\n]*)+\Z")
_ESCAPE_OR_TICKS = re.compile(r"\\[^\w\s]|`+")
_DELIMITERS = re.compile(r"[*_]+|~~")
_LABEL = r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)"
_HALF_LINK = re.compile(_LABEL + r"\]\((?:[^()\n]|\([^()\n]*\))*(?:\([^()\n]*)?\Z")
_HALF_LABEL = re.compile(_LABEL + r"\Z")
_HALF_AUTOLINK = re.compile(r"<((?:https?|mailto):[^\s<>]*)\Z")


def heal(text: str) -> str:
    """`text`, still being written, with half-open markup closed or held back, for one showing.

    An open fence, code span, bold, italic or strikethrough is closed, a half-written link shown as its label,
    and a last line that may still become a fence, list item or table is left out, so the outcome can be
    blank. At most `ROOM` characters are added; a text that would need more stays as it is. Finished markup
    is returned unchanged, trailing whitespace and carriage returns aside.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for _ in range(_ROUNDS):
        text, is_whole = _heal_end(text.rstrip())
        if is_whole:
            break
    return text


def _heal_end(text: str) -> tuple[str, bool]:
    """The text healed, and whether that is all; not so when an end was left out, as another shows then."""
    if (fence := _open_fence(text)) is not None:
        return _heal_fence(text, fence)
    if unfinished := _UNFINISHED_LINES.search(text):
        return text[: unfinished.start()], False
    content, is_paragraph = _last_inline(text)
    last_line = content.rpartition("\n")[2]
    if not content or not text.endswith(last_line):
        return text, True
    if is_paragraph and last_line.startswith("|") and (rows := _ROWS.search(text)):
        # The parser sees no table yet: its delimiter row is still to come.
        return text[: rows.start()], False
    healed = _heal_emphasis(_heal_link(_heal_code(content)))
    if healed == content or len(healed) - len(content) > ROOM:
        return text, True
    kept = len(content) - len(last_line)
    if not healed.startswith(content[:kept]):  # marks were all that stood on the last line
        return text[: text.rfind("\n")], False
    shown = (text[: len(text) - len(last_line)] + healed[kept:]).rstrip()
    # Marks that are added can make a fence of those that stood there.
    return shown, _UNFINISHED_LINES.search(shown) is None and _open_fence(shown) is None


def _open_fence(text: str) -> fences.Fence | None:
    blocks = fences.find(text)
    return blocks[-1] if blocks and blocks[-1].end == fences.EVER_OPEN else None


def _heal_fence(text: str, fence: fences.Fence) -> tuple[str, bool]:
    body, newline, last_line = text[fence.body :].rpartition("\n")
    marks = last_line.lstrip(" \t>")
    if marks and not marks.strip(fence.mark[0]):
        text = text[: fence.body] + body + newline
    if not text[fence.body :].strip(" \t\n>"):
        return text[: fence.start], False
    closing = f"\n{fence.prefix}{fence.mark}"
    return (text.rstrip() + closing if len(closing) <= ROOM else text), True


def _last_inline(text: str) -> tuple[str, bool]:
    """The source of the last block when it holds inline markup, else "", and whether it is a paragraph."""
    tokens = fences.PARSER.parse(text)
    for number in range(len(tokens) - 1, -1, -1):
        token = tokens[number]
        if token.type == "inline" and token.content:
            return token.content, tokens[number - 1].type == "paragraph_open"
        if token.nesting == 0 and token.type != "inline":
            break
    return "", False


def _heal_code(content: str) -> str:
    _, ticks = _masked(content)
    if ticks is None:
        return content
    if not content[ticks.end() :].strip("` "):
        return content[: ticks.start()].rstrip()
    return content.rstrip("`").rstrip() + ticks[0]


def _heal_link(content: str) -> str:
    masked, _ = _masked(content)
    for pattern in (_HALF_LINK, _HALF_LABEL, _HALF_AUTOLINK):
        if link := pattern.search(masked):
            return content[: link.start()] + content[link.start(1) : link.end(1)]
    return content


def _heal_emphasis(content: str) -> str:
    """Close what is open at the end; a run of marks there that nothing follows or precedes is dropped."""
    content = content.rstrip()
    masked, _ = _masked(content)
    opened: list[tuple[str, int]] = []
    dangling = 0
    for run in _DELIMITERS.finditer(masked):
        opens, closes = _flanks(masked, run)
        left = len(run[0])
        while closes and left and any(mark == run[0][0] for mark, _ in opened):
            mark, count = opened.pop()
            if mark == run[0][0]:
                used = min(left, count)
                left -= used
                opened += [(mark, count - used)] if count > used else []
        if opens and left:
            opened.append((run[0][0], left))
        dangling = left if run.end() == len(masked) else 0
    if dangling:
        return _heal_emphasis(content[: len(content) - dangling])
    closers = "".join(mark * count for mark, count in reversed(opened))
    return content + closers


def _flanks(text: str, run: re.Match[str]) -> tuple[bool, bool]:
    """Whether a run of marks can open and can close (CommonMark 0.31, section 6.2)."""
    before, after = text[run.start() - 1 : run.start()] or " ", text[run.end() : run.end() + 1] or " "
    left = not after.isspace() and (not _is_mark(after) or before.isspace() or _is_mark(before))
    right = not before.isspace() and (not _is_mark(before) or after.isspace() or _is_mark(after))
    if run[0][0] == "_":
        return left and (not right or _is_mark(before)), right and (not left or _is_mark(after))
    # 2*3 opens italics by the letter of CommonMark, but nearly always multiplies.
    is_product = len(run[0]) == 1 and before.isascii() and before.isalnum()
    return left and not is_product, right


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] in "PS"


def _masked(content: str) -> tuple[str, re.Match[str] | None]:
    """`content` with escapes and code spans blotted out at the same length, and the first open code mark."""
    masked, at, ticks = "", 0, None
    while found := _ESCAPE_OR_TICKS.search(content, at):
        end = found.end()
        if found[0][0] == "`":
            closing = re.compile(rf"(?<!`){found[0]}(?!`)").search(content, end)
            ticks = ticks if closing else ticks or found
            end = closing.end() if closing else end
        masked += content[at : found.start()] + "x" * (end - found.start())
        at = end
    return masked + content[at:], ticks
