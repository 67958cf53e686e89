"""A request as one flat row of blocks, in the order in which the service reads them (pure).

Order: tools, system, messages. Prompt cache, token count and thinking signatures all stand on this row.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

THINKING = ("thinking", "redacted_thinking")


@dataclass(frozen=True, kw_only=True)
class Block:
    """One block; ``path`` is its place as error messages write it, ``role`` that of its message."""

    section: str
    path: str
    role: str
    value: dict[str, Any]

    @property
    def kind(self) -> str:
        """The block's ``type``; a tool definition without one is ``custom``."""
        return str(self.value.get("type", "custom"))

    @property
    def marks(self) -> list[str]:
        """Lifetimes of the cache marks on the block or inside it (a tool result's content)."""
        inner = self.value.get("content") if self.kind == "tool_result" else None
        values = [*(inner if isinstance(inner, list) else []), self.value]
        return [_ttl(value["cache_control"]) for value in values if value.get("cache_control")]

    @property
    def markable(self) -> bool:
        """Whether a cache mark may stand on it: not on thinking."""
        return self.kind not in THINKING


def flatten(body: dict[str, Any]) -> list[Block]:
    """Lay out a valid request body; a string counts as one text block, as it does on the service."""
    row = [
        Block(section="tools", path=f"tools.{at}", role="", value=value)
        for at, value in enumerate(body.get("tools") or [])
    ]
    row += _texts(body.get("system"), section="system", path="system", role="system")
    for at, message in enumerate(body["messages"]):
        role, path = message["role"], f"messages.{at}.content"
        row += _texts(message["content"], section="messages", path=path, role=role)
    return row


def answered(row: Sequence[Block], content: list[dict[str, Any]]) -> list[Block]:
    """Extend a request's row by the content of its answer, as the next request will hold it."""
    return [*row, *_texts(content, section="messages", path="answer.content", role="assistant")]


def breakpoints(body: dict[str, Any], row: Sequence[Block]) -> dict[int, str]:
    """Map the place of each marked block to its lifetime, the top-level automatic mark included."""
    marks = {at: block.marks[-1] for at, block in enumerate(row) if block.marks}
    automatic = body.get("cache_control")
    if automatic:
        last = next((at for at in reversed(range(len(row))) if row[at].markable), None)
        if last is not None:
            marks.setdefault(last, _ttl(automatic))
    return marks


def canonical(block: Block) -> bytes:
    """Give the bytes that decide whether two blocks are the same prompt.

    Cache marks and unset fields do not count. The order of a block's own fields does not count either;
    the order of keys inside tool inputs and schemas does, as the vendor warns under "Prompt caching".
    """
    return json.dumps(
        [block.section, block.role, _bare(block.value)], ensure_ascii=False, separators=(",", ":")
    ).encode()


def _texts(content: object, *, section: str, path: str, role: str) -> list[Block]:
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    values = content if isinstance(content, list) else []
    return [
        Block(section=section, path=f"{path}.{at}", role=role, value=value) for at, value in enumerate(values)
    ]


def _bare(value: dict[str, Any]) -> dict[str, Any]:
    bare = {key: value[key] for key in sorted(value) if key != "cache_control" and value[key] is not None}
    if value.get("type") == "tool_result":
        inner = bare.get("content", "")
        if isinstance(inner, str):
            inner = [{"type": "text", "text": inner}]
        bare["content"] = [_bare(part) for part in inner]
    return bare


def _ttl(mark: dict[str, Any]) -> str:
    return str(mark.get("ttl") or "5m")
