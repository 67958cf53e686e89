"""What the service once said and now gets back: thinking and search results, unchanged and in place."""

import itertools
from collections.abc import Sequence
from typing import Any

from emulators.claude import blocks, models, signing
from emulators.claude.refusal import Refusal


def check(body: dict[str, Any], *, row: Sequence[blocks.Block], model: models.Model) -> None:
    """Refuse replayed blocks that were changed, moved, or never said."""
    for at, block in enumerate(row):
        if block.kind == "thinking":
            problem = signing.problem(block, before=row[:at], model=model)
            if problem is not None:
                raise Refusal(problem)
        elif block.kind == "redacted_thinking":
            raise Refusal(f"{block.path}: Invalid `data` in `redacted_thinking` block")
        elif block.kind == "web_search_tool_result":
            _search_results(block)
        elif block.kind == "text":
            _citations(block)
    if (body.get("thinking") or {}).get("type") == "enabled":
        _starts_with_thinking(row)


def _search_results(block: blocks.Block) -> None:
    found = block.value.get("content")
    for result in found if isinstance(found, list) else []:
        if result.get("encrypted_content") != signing.search_result(result):
            raise Refusal(f"{block.path}: Invalid `encrypted_content` in `search_result` block")


def _citations(block: blocks.Block) -> None:
    for cited in block.value.get("citations") or ():
        if cited.get("type") == "web_search_result_location" and cited.get(
            "encrypted_index"
        ) != signing.citation(cited):
            raise Refusal(f"{block.path}: Invalid `encrypted_index` in `citations`")


def _starts_with_thinking(row: Sequence[blocks.Block]) -> None:
    """Inside a tool loop with manual thinking the last assistant turn keeps its thinking block."""
    turns = [list(run) for _, run in itertools.groupby(row, key=lambda block: block.role)]
    if len(turns) < 2 or turns[-1][0].kind != "tool_result":
        return
    first = turns[-2][0]
    if first.kind not in blocks.THINKING:
        raise Refusal(
            f"{first.path}: Expected `thinking` or `redacted_thinking`, but found `{first.kind}`. When "
            "`thinking` is enabled, a final `assistant` message must start with a thinking block."
        )
