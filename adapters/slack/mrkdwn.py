"""Pure: a Markdown syntax tree written as Slack's mrkdwn."""

import re
import unicodedata
from collections.abc import Sequence

from markdown_it.tree import SyntaxTreeNode

from adapters.slack import mentions

_LINKABLE = re.compile(r"(?:https?://|mailto:|tel:)", re.IGNORECASE)
_BREAK_TAG = re.compile(r"<br ?/?>", re.IGNORECASE)
_ZERO_WIDTH_SPACE = "\u200b"
_TICK_ALIKE = "\u02cb"


class Writer:
    """Writes a syntax tree as mrkdwn."""

    def __init__(self, people: mentions.Mentions) -> None:
        self._people = people

    def blocks(self, nodes: Sequence[SyntaxTreeNode], *, gap: str = "\n\n") -> str:
        """Blocks one after the other."""
        return gap.join(text for node in nodes if (text := self._block(node)).strip())

    def _block(self, node: SyntaxTreeNode) -> str:
        match node.type:
            case "paragraph":
                return self._inline(node.children[0].children)
            case "heading":
                line = self._inline(node.children[0].children, within=frozenset("*"))
                return _wrapped(line.replace("\n", " "), "*")
            case "bullet_list" | "ordered_list":
                return self._list(node)
            case "blockquote":
                lines = self.blocks(node.children).split("\n")
                return "\n".join(line if line.startswith(">") else f"> {line}".rstrip() for line in lines)
            case "fence" | "code_block":
                return _code_block(node.content)
            case "table":
                return _table(node)
            case _:
                return "─" * 10

    def _list(self, node: SyntaxTreeNode) -> str:
        first = int(node.attrs.get("start", 1))
        items = []
        for number, item in enumerate(node.children, start=first):
            mark = f"{number}. " if node.type == "ordered_list" else "• "
            text = re.sub(r"\A\[([ xX])\] ", _checkbox, self.blocks(item.children, gap="\n"))
            items.append(mark + _indented(text))
        return "\n".join(items)

    def _inline(self, nodes: Sequence[SyntaxTreeNode], *, within: frozenset[str] = frozenset()) -> str:
        """Inline markup; `within` holds the marks that are open already, and "link" inside a link."""
        written, was_marked = "", False
        for node in nodes:
            text = self._span(node, within)
            is_marked = node.type in {"strong", "em", "s", "code_inline"}
            # Slack sees a mark only at the edge of a word; a zero-width space is such an edge.
            if (is_marked and written[-1:].isalnum()) or (was_marked and text[:1].isalnum()):
                written += _ZERO_WIDTH_SPACE
            written, was_marked = written + text, is_marked
        return written

    def _span(self, node: SyntaxTreeNode, within: frozenset[str]) -> str:
        match node.type:
            case "text":
                text = _BREAK_TAG.sub("\n", node.content)
                return escaped(text) if "link" in within else self._people.write(text, escaped)
            case "softbreak" | "hardbreak":
                return "\n"
            case "code_inline":
                return f"`{escaped(node.content.replace('`', _TICK_ALIKE))}`"
            case "strong" | "em" | "s":
                mark = {"strong": "*", "em": "_", "s": "~"}[node.type]
                text = self._inline(node.children, within=within | {mark})
                return text if mark in within else _wrapped(text, mark)
            case "image":
                alt = escaped(_plain(node))
                return alt if "link" in within else _link(str(node.attrs["src"]), alt)
            case _:
                return _link(str(node.attrs["href"]), self._inline(node.children, within=within | {"link"}))


def _link(url: str, label: str) -> str:
    """A link; an address that Slack could take for a control sequence is text."""
    label = label.replace("\n", " ").strip()
    address = escaped(url).replace("|", "%7C")
    if not _LINKABLE.match(url):
        return f"{label} ({address})" if address and label != address else label
    return f"<{address}|{label}>" if label and label != address else f"<{address}>"


def _table(node: SyntaxTreeNode) -> str:
    """Columns aligned by what a monospace font shows, two spaces apart, the header underlined."""
    rows = [row for part in node.children for row in part.children]
    cells = [[_plain(cell).strip() for cell in row.children] for row in rows]
    is_right = ["right" in str(cell.attrs.get("style", "")) for cell in rows[0].children]
    widths = [max(1, *(_width(row[column]) for row in cells)) for column in range(len(is_right))]
    cells.insert(1, ["-" * width for width in widths])
    lines = []
    for row in cells:
        padded = [
            " " * (width - _width(cell)) + cell if right else cell + " " * (width - _width(cell))
            for cell, width, right in zip(row, widths, is_right, strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return _code_block("\n".join(lines))


def _plain(node: SyntaxTreeNode) -> str:
    """The words of a node without their markup."""
    if node.type in {"softbreak", "hardbreak"}:
        return " "
    if node.children:
        return "".join(_plain(child) for child in node.children)
    return _BREAK_TAG.sub(" ", node.content) if node.type in {"text", "code_inline"} else ""


def _width(text: str) -> int:
    """Columns that a monospace font gives the text (UAX 11)."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in text)
    hidden = sum(unicodedata.category(character) in {"Mn", "Me", "Cf"} for character in text)
    return len(text) + wide - hidden


def _code_block(code: str) -> str:
    shown = escaped(code.rstrip("\n")).replace("```", f"``{_ZERO_WIDTH_SPACE}`")
    return f"```\n{shown}\n```"


def _indented(text: str) -> str:
    """All lines but the first indented, code as it is."""
    lines = text.split("\n")
    is_code = False
    for number, line in enumerate(lines):
        is_edge = line.lstrip().startswith("```")
        if number and not is_code and not is_edge:
            lines[number] = f"    {line}"
        is_code = is_code != is_edge
    return "\n".join(lines)


def _checkbox(match: re.Match[str]) -> str:
    return "☐ " if match[1] == " " else "☑ "


def _wrapped(text: str, mark: str) -> str:
    """Each line between marks: Slack's do not reach past a line's end."""
    return "\n".join(f"{mark}{line.strip()}{mark}" if line.strip() else line for line in text.split("\n"))


def escaped(text: str) -> str:
    """The text as Slack wants it between its own marks."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
