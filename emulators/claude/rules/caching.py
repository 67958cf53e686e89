"""Cache marks: how many, where, and in which order of lifetimes."""

from collections.abc import Iterator
from typing import Any

from emulators.claude import blocks
from emulators.claude.refusal import Refusal
from emulators.claude.rules import parameters

SLOTS = 4


def check(body: dict[str, Any]) -> None:
    """Refuse marks that the service refuses. Marks on thinking and on empty text fall to ``content``."""
    marks = list(_marks(body))
    for path, mark in marks:
        _shape(mark, path=path)
    automatic = body.get("cache_control")
    if automatic is not None:
        _shape(automatic, path="cache_control")
        marks += _automatic(body, automatic, given=len(marks))
    if len(marks) > SLOTS:
        raise Refusal(f"A maximum of {SLOTS} blocks with cache_control may be provided. Found {len(marks)}.")
    short = False
    for path, mark in marks:
        if (mark.get("ttl") or "5m") == "5m":
            short = True
        elif short:
            raise Refusal(
                f"{path}.ttl: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control "
                "block. Note that blocks are processed in the following order: `tools`, `system`, `messages`."
            )


def _marks(body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for block in blocks.flatten(body):
        inner = block.value.get("content") if block.kind == "tool_result" else None
        for at, part in enumerate(inner if isinstance(inner, list) else []):
            if part.get("cache_control") is not None:
                yield f"{block.path}.content.{at}.cache_control", part["cache_control"]
        if block.value.get("cache_control") is not None:
            yield f"{block.path}.cache_control", block.value["cache_control"]


def _automatic(body: dict[str, Any], mark: dict[str, Any], *, given: int) -> list[tuple[str, dict[str, Any]]]:
    """Give the mark that the top-level parameter adds; none if the last block has the same already."""
    last = next((block for block in reversed(blocks.flatten(body)) if block.markable), None)
    own = last.value.get("cache_control") if last is not None else None
    if own is not None:
        if (own.get("ttl") or "5m") != (mark.get("ttl") or "5m"):
            raise Refusal("cache_control: the last block already has a cache_control with a different ttl")
        return []
    if given >= SLOTS:
        raise Refusal(f"A maximum of {SLOTS} blocks with cache_control may be provided. Found {given + 1}.")
    return [("cache_control", mark)]


def _shape(mark: object, *, path: str) -> None:
    if not isinstance(mark, dict):
        raise Refusal(f"{path}: Input should be a valid dictionary")
    parameters.extra_keys(mark, {"type", "ttl"}, path=f"{path}.")
    if mark.get("type") != "ephemeral":
        raise Refusal(f"{path}.type: Input should be 'ephemeral'")
    if mark.get("ttl") not in (None, "5m", "1h"):
        raise Refusal(f"{path}.ttl: Input should be '5m' or '1h'")
