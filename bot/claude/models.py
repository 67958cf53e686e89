"""What a model can do, from `GET /v1/models/{id}`, else from a table (pure).

The endpoint is asked first; a gateway may not have it, or may leave fields out, so each field falls back
on its own. The shortest prefix that the cache keeps is told by no endpoint and stands here.

Sources: the vendor's pages "Models overview", "Thinking", "Effort" and "Prompt caching" (October 2026).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

from bot import conversation

EFFORTS = ("low", "medium", "high", "xhigh", "max")
_MOST_EFFORTS = ("low", "medium", "high", "max")


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Known:
    """A row of the table; its defaults suit a model that nothing is known of."""

    context_tokens: int = 200_000
    max_output_tokens: int = 8_192  # every Claude since 3.5 can write as much
    # A mark on a prefix that is too short costs nothing and does nothing, so the guess is low.
    min_prefix_tokens: int = 512
    thinking: str | None = None
    efforts: tuple[str, ...] = ()


_CURRENT = _Known(context_tokens=1_000_000, max_output_tokens=128_000, thinking="adaptive", efforts=EFFORTS)
_UNKNOWN = _Known()
_TABLE: dict[str, _Known] = {
    "claude-fable-5-2": _CURRENT,
    "claude-fable-5-1": _CURRENT,
    "claude-opus-5-5": _CURRENT,
    "claude-sonnet-5-5": _CURRENT,
    "claude-haiku-5-5": _CURRENT,
    # Of these no page gave every size: the smaller stands.
    "claude-fable-5": _Known(max_output_tokens=64_000, thinking="adaptive"),
    "claude-opus-5": _Known(max_output_tokens=64_000, thinking="adaptive"),
    "claude-sonnet-5": _Known(max_output_tokens=64_000, min_prefix_tokens=1_024, thinking="adaptive"),
    "claude-opus-4-8": _Known(max_output_tokens=64_000, min_prefix_tokens=1_024, thinking="adaptive"),
    "claude-opus-4-7": _Known(max_output_tokens=64_000, min_prefix_tokens=2_048, thinking="adaptive"),
    "claude-opus-4-6": _Known(
        max_output_tokens=64_000, min_prefix_tokens=4_096, thinking="adaptive", efforts=_MOST_EFFORTS
    ),
    "claude-sonnet-4-6": _Known(
        max_output_tokens=64_000, min_prefix_tokens=1_024, thinking="adaptive", efforts=_MOST_EFFORTS
    ),
    "claude-haiku-4-5": _Known(max_output_tokens=64_000, min_prefix_tokens=4_096),
    "claude-opus-4-5": _Known(max_output_tokens=64_000, min_prefix_tokens=4_096),
    "claude-sonnet-4-5": _Known(max_output_tokens=64_000, min_prefix_tokens=1_024),
}


def table(model: str) -> conversation.ModelFacts:
    """What the table knows of a model; a modest guess for one it has not."""
    known = _TABLE.get(_undated(model), _UNKNOWN)
    return conversation.ModelFacts(
        id=model,
        context_tokens=known.context_tokens,
        max_output_tokens=known.max_output_tokens,
        min_prefix_tokens=known.min_prefix_tokens,
        thinking=known.thinking,
        efforts=known.efforts,
    )


def names() -> tuple[str, ...]:
    """The models of the table."""
    return tuple(_TABLE)


def facts(model: str, answer: object) -> conversation.ModelFacts | None:
    """What the endpoint said of a model, the table filling gaps; None when it is no such object."""
    if not isinstance(answer, Mapping) or not isinstance(answer.get("id"), str):
        return None
    fallback = table(model)
    capabilities = _mapping(answer.get("capabilities"))
    return dataclasses.replace(
        fallback,
        context_tokens=_positive(answer.get("max_input_tokens")) or fallback.context_tokens,
        max_output_tokens=_positive(answer.get("max_tokens")) or fallback.max_output_tokens,
        thinking=_thinking(capabilities["thinking"]) if "thinking" in capabilities else fallback.thinking,
        efforts=_efforts(capabilities["effort"]) if "effort" in capabilities else fallback.efforts,
    )


def _thinking(capability: Any) -> str | None:
    """`adaptive` where the model takes it, else nothing is sent.

    How much an adaptive model thinks is then set by the effort alone, which `BOT_EFFORT` promises;
    switching it off (`disabled`, `between_tools`) is refused at the higher efforts. Older models think
    only when given a budget, and a chat gives none.
    """
    return "adaptive" if _supported(_mapping(_mapping(capability).get("types")).get("adaptive")) else None


def _efforts(capability: Any) -> tuple[str, ...]:
    if not _supported(capability):
        return ()
    return tuple(effort for effort in EFFORTS if _supported(capability.get(effort)))


def _supported(capability: Any) -> bool:
    return _mapping(capability).get("supported") is True


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _positive(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0


def _undated(model: str) -> str:
    """The name without the date that pins a version: `claude-haiku-4-5-20251001`."""
    return re.sub(r"-\d{8}$", "", model)
