"""Tools: their definitions, and every tool call answered right after it was made."""

import re
from collections.abc import Iterator
from typing import Any

from emulators.claude.refusal import Refusal
from emulators.claude.rules import parameters

Placed = list[tuple[str, dict[str, Any]]]  # a combined turn: (path, block)
NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
CUSTOM = {
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "allowed_callers",
    "defer_loading",
    "eager_input_streaming",
    "input_examples",
}
WEB = {
    "type",
    "name",
    "max_uses",
    "allowed_domains",
    "blocked_domains",
    "user_location",
    "cache_control",
    "allowed_callers",
    "defer_loading",
    "strict",
    "citations",
    "max_content_tokens",
    "url_sources",
    "use_cache",
}
SERVER = {
    "web_search_20250305": "web_search",
    "web_search_20260209": "web_search",
    "web_search_20260318": "web_search",
    "web_fetch_20250910": "web_fetch",
    "web_fetch_20260209": "web_fetch",
    "web_fetch_20260309": "web_fetch",
    "web_fetch_20260318": "web_fetch",
    "memory_20250818": "memory",
}


def definitions(body: dict[str, Any]) -> None:
    """Refuse malformed tool definitions."""
    tools = body.get("tools")
    if tools is None:
        return
    if not isinstance(tools, list):
        raise Refusal("tools: Input should be a valid list")
    names: set[str] = set()
    for at, tool in enumerate(tools):
        path = f"tools.{at}"
        if not isinstance(tool, dict):
            raise Refusal(f"{path}: Input should be a valid dictionary")
        kind = tool.get("type") or "custom"
        if kind == "custom":
            _custom(tool, path=f"{path}.custom")
        elif kind in SERVER:
            _server(tool, kind=kind, path=f"{path}.{kind}")
        else:
            raise Refusal(f"{path}: Input tag '{kind}' does not match any of the expected tags")
        if tool["name"] in names:
            raise Refusal("tools: Tool names must be unique.")
        names.add(tool["name"])


def pairing(body: dict[str, Any]) -> None:
    """Refuse a tool call without its result in the next turn, and a result without its call."""
    turns = list(_turns(body["messages"]))
    seen: set[str] = set()
    for at, (role, start, placed) in enumerate(turns):
        calls = [block["id"] for _, block in placed if block["type"] == "tool_use"]
        for call in calls:
            if call in seen:
                raise Refusal(f"messages.{start}: `tool_use` ids must be unique")
            seen.add(call)
        if calls:
            _answered(calls, following=turns[at + 1] if at + 1 < len(turns) else None, start=start)
        if role == "user":
            _asked(placed, before=turns[at - 1] if at else None)
    if seen and not body.get("tools"):
        raise Refusal("Requests which include `tool_use` or `tool_result` blocks must define tools.")


def _custom(tool: dict[str, Any], *, path: str) -> None:
    parameters.extra_keys(tool, CUSTOM, path=f"{path}.")
    for field in ("name", "input_schema"):
        if field not in tool:
            raise Refusal(f"{path}.{field}: Field required")
    if not isinstance(tool["name"], str) or not NAME.fullmatch(tool["name"]):
        raise Refusal(f"{path}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")
    schema = tool["input_schema"]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise Refusal(f"{path}.input_schema.type: Input should be 'object'")


def _server(tool: dict[str, Any], *, kind: str, path: str) -> None:
    parameters.extra_keys(tool, WEB, path=f"{path}.")
    if tool.get("name") != SERVER[kind]:
        raise Refusal(f"{path}.name: Input should be '{SERVER[kind]}'")
    if tool.get("allowed_domains") and tool.get("blocked_domains"):
        raise Refusal(f"{path}: only one of `allowed_domains` and `blocked_domains` may be given")
    uses = tool.get("max_uses")
    if uses is not None and (not isinstance(uses, int) or uses < 1):
        raise Refusal(f"{path}.max_uses: Input should be greater than 0")


def _turns(messages: list[dict[str, Any]]) -> Iterator[tuple[str, int, Placed]]:
    """Combine neighbours of one role, as the service does; mid-conversation system text is passed over."""
    placed: Placed = []
    role, start = "", 0
    for at, message in enumerate(messages):
        if message["role"] == "system":
            continue
        if message["role"] != role:
            if role:
                yield role, start, placed
            role, start, placed = message["role"], at, []
        content = message["content"]
        if isinstance(content, str):
            content = [{"type": "text", "text": content}]
        placed += [(f"messages.{at}.content.{place}", block) for place, block in enumerate(content)]
    yield role, start, placed


def _answered(calls: list[str], *, following: tuple[str, int, Placed] | None, start: int) -> None:
    blocks = [block for _, block in following[2]] if following else []
    results: list[str] = []
    for block in blocks:
        if block["type"] != "tool_result":
            break  # results come first; one that follows other content does not count
        results.append(block["tool_use_id"])
    missing = [call for call in calls if call not in results]
    if missing:
        raise Refusal(
            f"messages.{start}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in "
            "the next message."
        )


def _asked(placed: Placed, *, before: tuple[str, int, Placed] | None) -> None:
    calls = {block["id"] for _, block in before[2] if block["type"] == "tool_use"} if before else set()
    found: set[str] = set()
    for path, block in placed:
        if block["type"] != "tool_result":
            continue
        call = block["tool_use_id"]
        if call not in calls:
            raise Refusal(
                f"{path}: unexpected `tool_use_id` found in `tool_result` blocks: {call}. Each "
                "`tool_result` block must have a corresponding `tool_use` block in the previous message."
            )
        if call in found:
            raise Refusal(
                f"{path}: each tool_use must have a single result. Found multiple `tool_result` blocks "
                f"with id: {call}"
            )
        found.add(call)
