"""``GET /v1/models``: the model table as the API lists it (pure)."""

from collections.abc import Mapping
from typing import Any

from emulators.claude import models, refusal


def info(model: models.Model) -> dict[str, Any]:
    """Build what ``GET /v1/models/{id}`` answers: ``anthropic.types.ModelInfo``."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "line": model.line,
        "created_at": model.created_at,
        "lifecycle": "deprecated" if model.deprecated_at else "active",
        "deprecated_at": model.deprecated_at,
        "retires_at": model.retires_at,
        "max_input_tokens": model.context,
        "max_tokens": model.max_output,
        "capabilities": _capabilities(model),
    }


def page(query: Mapping[str, str]) -> dict[str, Any]:
    """Build one page of ``GET /v1/models`` for its query: ``limit``, ``after_id``, ``before_id``, lifecycle.

    ``before_id`` gives the page that ends right before that model.
    """
    asked = query.get("limit", "20")
    limit = int(asked) if asked.isdecimal() else 0
    if not 1 <= limit <= 1000:
        raise refusal.Refusal("limit: Input should be a valid integer between 1 and 1000")
    wanted = {value for name, value in query.items() if name.removesuffix("[]") == "lifecycle"}
    rows = [row for row in map(info, models.MODELS) if not wanted or row["lifecycle"] in wanted]
    if after := query.get("after_id"):
        rows = rows[_place(rows, after) + 1 :]
    data = rows[:limit]
    if before := query.get("before_id"):
        end = _place(rows, before)
        data = rows[max(0, end - limit) : end]
        rows = rows[:end]
    return {
        "data": data,
        "has_more": len(rows) > limit,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def _place(rows: list[dict[str, Any]], wanted: str) -> int:
    for place, row in enumerate(rows):
        if row["id"] == wanted:
            return place
    raise refusal.Refusal(f"no model `{wanted}` to page from")


def _capabilities(model: models.Model) -> dict[str, Any]:
    """Build ``anthropic.types.ModelCapabilities``; only what the emulator serves is said to be supported."""
    yes, no = {"supported": True}, {"supported": False}
    return {
        "batch": no,
        "citations": yes,
        "code_execution": no,
        "context_management": {
            "supported": False,
            "clear_thinking_20251015": no,
            "clear_tool_uses_20250919": no,
            "compact_20260112": no,
        },
        "effort": {"supported": bool(model.effort)}
        | {level: {"supported": level in model.effort} for level in models.EVERY},
        "image_input": yes,
        "pdf_input": yes,
        "server_tools": {"supported": True, "web_search": yes, "code_execution": no},
        "structured_outputs": yes,
        "thinking": {
            "supported": True,
            "types": {
                kind: {"supported": kind in model.thinking}
                for kind in ("adaptive", "between_tools", "disabled", "enabled")
            },
        },
    }
