"""What Slack refuses in a message: blocks, metadata, lengths. Pure.

Limits from docs.slack.dev (Block Kit reference, chat.postMessage), slack_sdk 3.47's validators and
bolt-js#2509 (a message of about 13,200 characters in blocks fails whole with msg_blocks_too_long).
"""

from __future__ import annotations

import json
from typing import Any

from emulators.slack import api_error, pings

MAX_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000
MAX_MARKDOWN = 12_000
MAX_BLOCKS_TOTAL = 13_200
MAX_METADATA = 8_000
_KNOWN = frozenset(
    [
        "actions",
        "alert",
        "card",
        "carousel",
        "context",
        "context_actions",
        "divider",
        "file",
        "header",
        "image",
        "input",
        "markdown",
        "plan",
        "rich_text",
        "section",
        "table",
        "task_card",
        "video",
    ]
)
_ELEMENTS = {"actions": 25, "context": 10, "context_actions": 5}


def blocks(value: Any, *, most: int = 50) -> list[dict[str, Any]]:
    """The blocks if a message may carry them; ApiError with Slack's code if not."""
    if not isinstance(value, list) or not all(isinstance(block, dict) for block in value):
        raise api_error.ApiError("invalid_blocks_format")
    if len(value) > most:
        raise api_error.invalid_blocks(f"no more than {most} items allowed", pointer="/blocks")
    ids = [block["block_id"] for block in value if block.get("block_id")]
    if len(ids) != len(set(ids)):
        raise api_error.invalid_blocks("block_id must be unique", pointer="/blocks")
    for index, block in enumerate(value):
        _block(block, pointer=f"/blocks/{index}")
    if sum(block["type"] == "table" for block in value) > 1:
        raise api_error.ApiError("only_one_table_allowed")
    markdown = sum(len(block["text"]) for block in value if block["type"] == "markdown")
    total = sum(len(text) for text in pings.block_texts(value, notifying=False))
    if markdown > MAX_MARKDOWN or total > MAX_BLOCKS_TOTAL:
        raise api_error.ApiError("msg_blocks_too_long")
    return value


def metadata(value: Any) -> dict[str, Any]:
    """Message metadata if it is well formed: an event_type and an event_payload object."""
    if not isinstance(value, dict):
        raise api_error.ApiError("invalid_metadata_format")
    if not isinstance(value.get("event_type"), str) or not value["event_type"]:
        raise api_error.ApiError("invalid_metadata_schema")
    if not isinstance(value.get("event_payload"), dict):
        raise api_error.ApiError("invalid_metadata_schema")
    if len(json.dumps(value)) > MAX_METADATA:
        raise api_error.ApiError("metadata_too_large")
    return {"event_type": value["event_type"], "event_payload": value["event_payload"]}


def _block(block: dict[str, Any], *, pointer: str) -> None:
    kind = block.get("type")
    if kind not in _KNOWN:
        raise api_error.invalid_blocks("unsupported type", pointer=f"{pointer}/type")
    if len(str(block.get("block_id") or "")) > 255:
        raise api_error.invalid_blocks("must be less than 256 characters", pointer=f"{pointer}/block_id")
    if kind == "section":
        _section(block, pointer=pointer)
    elif kind in _ELEMENTS:
        _elements(block.get("elements"), kind=kind, most=_ELEMENTS[kind], pointer=f"{pointer}/elements")
    elif kind == "table":
        _table(block.get("rows"), pointer=f"{pointer}/rows")
    else:
        _plain_block(block, kind=kind, pointer=pointer)


def _plain_block(block: dict[str, Any], *, kind: str, pointer: str) -> None:
    if kind == "header":
        _text_object(block.get("text"), most=150, kinds={"plain_text"}, pointer=f"{pointer}/text")
    elif kind == "markdown":
        _string(block.get("text"), most=MAX_MARKDOWN, pointer=f"{pointer}/text")
    elif kind == "rich_text" and not isinstance(block.get("elements"), list):
        raise api_error.invalid_blocks("missing required field: elements", pointer=pointer)
    elif kind == "image":
        _string(block.get("alt_text"), most=2_000, pointer=f"{pointer}/alt_text")
        if not block.get("image_url") and not block.get("slack_file"):
            raise api_error.invalid_blocks("missing required field: image_url", pointer=pointer)


def _section(block: dict[str, Any], *, pointer: str) -> None:
    fields = block.get("fields")
    if block.get("text") is None and not fields:
        raise api_error.invalid_blocks("missing required field: text", pointer=pointer)
    if block.get("text") is not None:
        _text_object(
            block["text"], most=3_000, kinds={"mrkdwn", "plain_text"}, pointer=f"{pointer}/text/text"
        )
    if fields is not None:
        if not isinstance(fields, list) or not 0 < len(fields) <= 10:
            raise api_error.invalid_blocks("1 to 10 items allowed", pointer=f"{pointer}/fields")
        for index, item in enumerate(fields):
            where = f"{pointer}/fields/{index}"
            _text_object(item, most=2_000, kinds={"mrkdwn", "plain_text"}, pointer=where)
    if isinstance(block.get("accessory"), dict):
        _element(block["accessory"], pointer=f"{pointer}/accessory")


def _elements(value: Any, *, kind: str, most: int, pointer: str) -> None:
    if not isinstance(value, list) or not 0 < len(value) <= most:
        raise api_error.invalid_blocks(f"1 to {most} items allowed", pointer=pointer)
    actions = [item.get("action_id") for item in value if isinstance(item, dict) and item.get("action_id")]
    if len(actions) != len(set(actions)):
        raise api_error.invalid_blocks("action_id must be unique", pointer=pointer)
    for index, item in enumerate(value):
        where = f"{pointer}/{index}"
        if not isinstance(item, dict):
            raise api_error.invalid_blocks("must be an object", pointer=where)
        if kind == "context":
            if item.get("type") != "image":
                _text_object(item, most=2_000, kinds={"mrkdwn", "plain_text"}, pointer=where)
        elif kind == "context_actions" and item.get("type") not in {"feedback_buttons", "icon_button"}:
            raise api_error.invalid_blocks("unsupported element type", pointer=where)
        else:
            _element(item, pointer=where)


def _element(item: dict[str, Any], *, pointer: str) -> None:
    if not isinstance(item.get("type"), str):
        raise api_error.invalid_blocks("missing required field: type", pointer=pointer)
    if len(str(item.get("action_id") or "")) > 255:
        raise api_error.invalid_blocks("must be less than 256 characters", pointer=f"{pointer}/action_id")
    if item["type"] == "static_select":
        options = item.get("options")
        if not isinstance(options, list) or not 0 < len(options) <= 100:
            raise api_error.invalid_blocks("1 to 100 options allowed", pointer=f"{pointer}/options")
        for index, option in enumerate(options):
            where = f"{pointer}/options/{index}"
            _text_object(option.get("text"), most=75, kinds={"plain_text"}, pointer=f"{where}/text")
            _string(option.get("value"), most=150, pointer=f"{where}/value")
        if "initial_option" in item and item["initial_option"] not in options:
            raise api_error.invalid_blocks("must be one of the options", pointer=f"{pointer}/initial_option")
    if item["type"] == "button":
        _text_object(item.get("text"), most=75, kinds={"plain_text"}, pointer=f"{pointer}/text")
        if len(str(item.get("value") or "")) > 2_000:
            raise api_error.invalid_blocks("must be less than 2001 characters", pointer=f"{pointer}/value")


def _table(rows: Any, *, pointer: str) -> None:
    if not isinstance(rows, list) or not 0 < len(rows) <= 100:
        raise api_error.invalid_blocks("1 to 100 rows allowed", pointer=pointer)
    for index, row in enumerate(rows):
        if not isinstance(row, list) or not 0 < len(row) <= 20:
            raise api_error.invalid_blocks("1 to 20 cells allowed", pointer=f"{pointer}/{index}")
        for cell in row:
            if not isinstance(cell, dict) or cell.get("type") not in {"raw_text", "raw_number", "rich_text"}:
                raise api_error.invalid_blocks("unsupported cell", pointer=f"{pointer}/{index}")


def _text_object(value: Any, *, most: int, kinds: set[str], pointer: str) -> None:
    if not isinstance(value, dict) or value.get("type") not in kinds:
        raise api_error.invalid_blocks("must be a text object", pointer=pointer)
    _string(value.get("text"), most=most, pointer=pointer)


def _string(value: Any, *, most: int, pointer: str) -> None:
    if not isinstance(value, str) or not value:
        raise api_error.invalid_blocks("must be more than 0 characters", pointer=pointer)
    if len(value) > most:
        raise api_error.invalid_blocks(f"must be less than {most + 1} characters", pointer=pointer)
