"""A deterministic token estimate (pure).

The real tokenizer is not public. Text is counted by its UTF-8 bytes: four to a token, and 30 % more
tokens since Claude 4.7, which the vendor's migration guide gives as the difference. Images and PDF pages
follow the published formulas.
"""

import base64
import json
import math
from collections.abc import Sequence
from typing import Any

from emulators.claude import blocks, media, models

PER_BLOCK = 4  # role and delimiters
PER_PDF_PAGE = 2_500  # the vendor gives 1,500 to 3,000, the page's picture not included
_RATIO = {False: (1, 4), True: (13, 40)}  # tokens to bytes, by the denser tokenizer or not
FETCHED = 1_500  # a source that the emulator cannot look into


def text(value: str, *, model: models.Model) -> int:
    """Count the tokens of a text for that model's tokenizer."""
    tokens, size = _RATIO[model.dense_tokenizer]
    return -(-len(value.encode()) * tokens // size)  # whole numbers, so that nothing hangs on rounding


def bytes_per_token(model: models.Model) -> float:
    """Give the average length of a token in UTF-8 bytes."""
    tokens, size = _RATIO[model.dense_tokenizer]
    return size / tokens


def block(value: blocks.Block, *, model: models.Model) -> int:
    """Count one block of a request."""
    return PER_BLOCK + _value(value.value, model=model)


def row(values: Sequence[blocks.Block], *, model: models.Model) -> list[int]:
    """Count each block of a request."""
    return [block(value, model=model) for value in values]


def _value(value: dict[str, Any], *, model: models.Model) -> int:
    match value.get("type"):
        case "text":
            return text(value["text"], model=model)
        case "thinking":
            return text(value["thinking"] or value["signature"], model=model)
        case "image":
            return _image(value["source"], model=model)
        case "document":
            title = f"{value.get('title') or ''}{value.get('context') or ''}"
            return text(title, model=model) + _document(value["source"], model=model)
        case "tool_result":
            inner = value.get("content") or ""
            if isinstance(inner, str):
                return text(inner, model=model)
            return sum(_value(part, model=model) for part in inner)
        case _:
            bare = {key: part for key, part in value.items() if key != "cache_control"}
            return text(json.dumps(bare, ensure_ascii=False), model=model)


def _image(source: dict[str, Any], *, model: models.Model) -> int:
    shape = media.picture(base64.b64decode(source["data"])) if source["type"] == "base64" else None
    if shape is None:
        return FETCHED
    return min(model.image_tokens, math.ceil(shape.width / 28) * math.ceil(shape.height / 28))


def _document(source: dict[str, Any], *, model: models.Model) -> int:
    match source["type"]:
        case "base64":
            return media.pdf_pages(base64.b64decode(source["data"])) * PER_PDF_PAGE
        case "text":
            return text(source["data"], model=model)
        case "content":
            inner = source["content"]
            if isinstance(inner, str):
                return text(inner, model=model)
            return sum(_value(part, model=model) for part in inner)
        case _:
            return FETCHED
