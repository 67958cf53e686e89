"""Pure: where the fenced code blocks of a Markdown text are."""

import dataclasses
import re

from markdown_it import MarkdownIt

# Chat platforms show HTML as text, so it opens no block here that could hide a fence.
PARSER = MarkdownIt("commonmark", {"html": False, "maxNesting": 100}).enable("table").disable("inline")
EVER_OPEN = 1 << 62
_TAB_STOP = 4  # columns of indentation that make a code block of a line


@dataclasses.dataclass(frozen=True, kw_only=True)
class Fence:
    """A fenced code block by offsets: its opening line [start, body), and `end`, where it is over.

    `end` is `EVER_OPEN` where the text ends inside the block.
    """

    start: int
    body: int
    end: int
    prefix: str  # what a line inside needs before it: indentation and quote marks
    mark: str
    info: str

    @property
    def lead(self) -> str:
        """The prefix, without an indentation so deep that the fence would be none at the top level."""
        return "" if is_deep(self.prefix) else self.prefix


def find(text: str) -> list[Fence]:
    """The fenced code blocks of `text`, in order."""
    starts = [0, *(match.end() for match in re.finditer("\n", text)), len(text) + 1]
    fences = []
    for token in PARSER.parse(text + "\n"):
        if token.type != "fence" or token.map is None:
            continue
        first, last = token.map
        is_closed = last - first == token.content.count("\n") + 2
        is_last = last >= len(starts) - 1
        line = text[starts[first] : starts[first + 1] - 1]
        fences.append(
            Fence(
                start=starts[first],
                body=starts[first + 1],
                end=EVER_OPEN if is_last and not is_closed else starts[min(last, len(starts) - 1)] - 1,
                prefix=re.sub(r"[^>\s]", " ", line[: line.index(token.markup)]),
                mark=token.markup,
                info=token.info,
            )
        )
    return fences


def is_deep(indent: str) -> bool:
    """Whether a line so indented is code at the top level."""
    return ">" not in indent and len(indent.expandtabs(_TAB_STOP)) >= _TAB_STOP
