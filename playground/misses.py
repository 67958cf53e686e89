"""Why a request did not find in the cache what the one before left there (pure)."""

from __future__ import annotations

import dataclasses
from typing import Any

from bot import conversation
from emulators.claude import blocks
from playground import calls

SECONDS = {"5m": 300.0, "1h": 3600.0}
_ENOUGH = 0.9  # of what was cached; the estimate of where it ends is not exact


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """What could have been read, what was, and why it was less."""

    expected: int
    read: int
    reason: str  # "" when nothing is missing


def explain(call: calls.Call, before: calls.Call | None) -> Reading:
    """Compare a request with the last one of its conversation that was billed."""
    read = call.billed.read
    if before is None:
        return Reading(
            expected=0, read=read, reason="the first request of this conversation: nothing was cached"
        )
    held = before.billed
    expected = held.read + held.written_5m + held.written_1h
    if not expected:
        return Reading(expected=0, read=read, reason=_nothing_cached(before))
    if read >= expected * _ENOUGH:
        return Reading(expected=expected, read=read, reason="")
    return Reading(expected=expected, read=read, reason=_lost(call, before, held))


def _nothing_cached(before: calls.Call) -> str:
    if not blocks.breakpoints(dict(before.body), blocks.flatten(dict(before.body))):
        return "the request before asked for no caching"
    return "the request before was shorter than what the model caches at least"


def _lost(call: calls.Call, before: calls.Call, held: conversation.Usage) -> str:
    if call.body.get("model") != before.body.get("model"):
        return f"another model answers now: {before.body.get('model')} before"
    if call.body.get("tools") != before.body.get("tools"):
        return "the list of tools changed"
    if _plain(call.body.get("system")) != _plain(before.body.get("system")):
        return "the instructions changed"
    lifetime = "1h" if held.written_1h else "5m"
    if call.at - before.at > SECONDS[lifetime]:
        waited = (call.at - before.at) / 60
        return f"it had expired: {waited:.0f} minutes passed, and it was kept for {lifetime}"
    if changed := _first_change(call, before):
        return changed
    return "the prefix is the same; the endpoint did not keep it"


def _first_change(call: calls.Call, before: calls.Call) -> str:
    old = blocks.flatten(dict(before.body))
    new = blocks.flatten(dict(call.body))
    last = max(blocks.breakpoints(dict(before.body), old), default=-1)
    for at, block in enumerate(old[: last + 1]):
        if at >= len(new) or blocks.canonical(new[at]) != blocks.canonical(block):
            now = str(new[at].value.get("text", "")) if at < len(new) else ""
            why = (
                "a summary took the place of older posts"
                if now.startswith("<summary>")
                else ("a post was edited or deleted, or older ones left the window")
            )
            return f"the prefix changed at {block.path}: {why}"
    return ""


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key != "cache_control"}
    return value
