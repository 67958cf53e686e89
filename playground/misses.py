"""Why a request did not find in the cache what the one before left there (pure)."""

from __future__ import annotations

import dataclasses
from typing import Any

from bot.claude import models
from emulators.claude import blocks
from playground import calls

SECONDS = {"5m": 300.0, "1h": 3600.0}
_SUMMARY = "<summary>"
_COMPACTED = "a summary took the place of older posts"
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
    if not expected:  # what is read all the same was cached by the endpoint's own choice
        return Reading(expected=0, read=read, reason="" if read else _nothing_cached(before))
    if read >= expected * _ENOUGH:
        return Reading(expected=expected, read=read, reason="")
    return Reading(expected=expected, read=read, reason=_lost(call, before))


def _nothing_cached(before: calls.Call) -> str:
    row = calls.shown(before)
    marks = [at for at, block in enumerate(row) if block.mark]
    if not marks:
        return "the request before asked for no caching"
    model = str(before.body.get("model"))
    offered, least = (
        sum(block.tokens for block in row[: marks[-1] + 1]),
        models.table(model).min_prefix_tokens,
    )
    if model not in models.names() or offered >= least:
        return "the request before was not cached: its endpoint caches nothing, or nothing so short"
    return (
        f"the request before was too short: {offered:,} tokens to cache, and {model} caches {least:,} or more"
    )


def _lost(call: calls.Call, before: calls.Call) -> str:
    if call.body.get("model") != before.body.get("model"):
        return f"another model answers now: {before.body.get('model')} before"
    if _plain(call.body.get("tools")) != _plain(before.body.get("tools")):
        return _tools_changed(call, before)
    if _plain(call.body.get("system")) != _plain(before.body.get("system")):
        return "the instructions changed"
    marks = blocks.breakpoints(dict(before.body), blocks.flatten(dict(before.body)))
    lifetime = "1h" if "1h" in marks.values() else "5m"
    if call.at - before.at > SECONDS[lifetime]:
        waited = (call.at - before.at) / 60
        return f"it had expired: {waited:.0f} minutes passed, and it was kept for {lifetime}"
    if changed := _first_change(call, before):
        return changed
    return "the prefix is the same; the endpoint did not keep it"


def _tools_changed(call: calls.Call, before: calls.Call) -> str:
    """Tools stand before everything else, so that any change of them changes the whole prefix."""
    now, then = _tools(call), _tools(before)
    parts = [f"{name} was added" for name in now if name not in then]
    parts += [f"{name} was taken away" for name in then if name not in now]
    told = f"the list of tools changed ({', '.join(parts) or 'in what it says'})"
    return f"{told}, as {_COMPACTED}" if _summaries(call) != _summaries(before) else told


def _first_change(call: calls.Call, before: calls.Call) -> str:
    old = blocks.flatten(dict(before.body))
    new = blocks.flatten(dict(call.body))
    last = max(blocks.breakpoints(dict(before.body), old), default=-1)
    for at, block in enumerate(old[: last + 1]):
        if at >= len(new) or blocks.canonical(new[at]) != blocks.canonical(block):
            now = str(new[at].value.get("text", "")) if at < len(new) else ""
            why = (
                _COMPACTED
                if now.startswith(_SUMMARY)
                else "a post was edited or deleted, or older ones count no more (the window moved, `new`)"
            )
            return f"the prefix changed at {block.path}: {why}"
    return ""


def _tools(call: calls.Call) -> list[str]:
    return [str(tool.get("name")) for tool in call.body.get("tools") or ()]


def _summaries(call: calls.Call) -> list[str]:
    texts = [str(block.value.get("text", "")) for block in blocks.flatten(dict(call.body))]
    return [text for text in texts if text.startswith(_SUMMARY)]


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if key != "cache_control"}
    return value
