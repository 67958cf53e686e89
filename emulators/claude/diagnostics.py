"""Why a request could not reuse the prefix of the one before it (pure): ``diagnostics.cache_miss_reason``.

Source: the types ``CacheMiss...`` of the anthropic library and the vendor's page "Cache diagnostics".
"""

import hashlib
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from emulators.claude import blocks, cache, models, tokens


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What is remembered of a request: its model, and each part block by block."""

    model: str
    tools: list[bytes]
    system: list[bytes]
    messages: list[bytes]
    sizes: list[int]
    settings: str


def fingerprint(*, model: models.Model, body: dict[str, Any], row: Sequence[blocks.Block]) -> Fingerprint:
    """Take the fingerprint of a valid request."""
    parts: dict[str, list[bytes]] = {"tools": [], "system": [], "messages": []}
    for block in row:
        parts[block.section].append(hashlib.sha256(blocks.canonical(block)).digest())
    return Fingerprint(
        model=model.id,
        tools=parts["tools"],
        system=parts["system"],
        messages=parts["messages"],
        sizes=tokens.row(row, model=model),
        settings=cache.settings(model=model, body=body, row=row),
    )


def reason(before: Fingerprint | None, now: Fingerprint) -> dict[str, Any] | None:
    """Build the ``cache_miss_reason``; ``None`` if ``now`` only appends to ``before``."""
    if before is None:
        return {"type": "previous_message_not_found"}
    head = len(before.tools) + len(before.system)
    if before.model != now.model:
        return _missed("model_changed", before, kept=0)
    if before.system != now.system:
        return _missed("system_changed", before, kept=len(before.tools) if before.tools == now.tools else 0)
    if before.tools != now.tools:
        return _missed("tools_changed", before, kept=_common(before.tools, now.tools))
    same = _common(before.messages, now.messages)
    if same < len(before.messages):
        return _missed("messages_changed", before, kept=head + same)
    if before.settings != now.settings:
        return {"type": "unavailable"}
    return None


def _missed(kind: str, before: Fingerprint, *, kept: int) -> dict[str, Any]:
    return {"type": kind, "cache_missed_input_tokens": sum(before.sizes[kept:])}


def _common(before: Sequence[bytes], now: Sequence[bytes]) -> int:
    pairs = zip(before, now, strict=False)
    return sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
