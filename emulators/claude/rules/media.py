"""Images and documents: count, weight, size in pixels, pages, and whether the type is the real one."""

import base64
import binascii
from typing import Any

from emulators.claude import media, models
from emulators.claude.refusal import Refusal
from emulators.claude.rules import content, parameters

IMAGE_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
IMAGE_BYTES = 10 * 1024 * 1024  # of the base64 text
SIDE = 8000
MANY, MANY_SIDE = 20, 2000  # past 20 images each side is limited to 2000 pixels
SOURCE_FIELDS = {
    "base64": {"type", "media_type", "data"},
    "url": {"type", "url"},
    "file": {"type", "file_id"},
    "text": {"type", "media_type", "data"},
    "content": {"type", "content"},
}
IMAGE_SOURCES = ("base64", "url", "file")


def check(body: dict[str, Any], *, model: models.Model) -> None:
    """Refuse what the service cannot or will not look at."""
    images = [(path, block) for path, block in content.placed(body) if block["type"] == "image"]
    if len(images) > model.images_per_request:
        raise Refusal(f"messages: too many images: {len(images)} > {model.images_per_request}")
    shapes = [(path, _image(block["source"], path=f"{path}.image.source")) for path, block in images]
    limit = MANY_SIDE if len(images) > MANY else SIDE
    large = [path for path, shape in shapes if max(shape.width, shape.height) > limit]
    if large:
        many = " for many-image requests" if limit == MANY_SIDE else ""
        raise Refusal(
            f"{large[0]}.image.source.base64.data: At least one of the image dimensions exceed max "
            f"allowed size{many}: {limit} pixels",
            details={
                "error_code": "image_dimensions_too_large",
                "max_side_length_pixels": limit,
                "paths": large,
            },
        )
    documents = [(path, block) for path, block in content.placed(body) if block["type"] == "document"]
    pages = sum(_document(block["source"], path=f"{path}.document.source") for path, block in documents)
    if pages > model.images_per_request:
        raise Refusal(f"A maximum of {model.images_per_request} PDF pages may be provided.")


def _image(source: dict[str, Any], *, path: str) -> media.Picture:
    if source.get("type") not in IMAGE_SOURCES:
        raise Refusal(f"{path}.type: Input should be 'base64', 'url' or 'file'")
    _reachable(source, path=path)
    if source.get("media_type") not in IMAGE_TYPES:
        raise Refusal(f"{path}.base64.media_type: Input should be {', '.join(map(repr, IMAGE_TYPES))}")
    raw = source.get("data")
    if isinstance(raw, str) and len(raw) > IMAGE_BYTES:
        raise Refusal(f"{path}.base64: image exceeds 10 MB maximum: {len(raw)} bytes > {IMAGE_BYTES} bytes")
    shape = media.picture(_decode(raw, path=path))
    if shape is None or not shape.width or not shape.height:
        raise Refusal("Could not process image")
    if shape.media_type != source["media_type"]:
        raise Refusal(
            f"{path}.base64.data: The image was specified using the {source['media_type']} media type, "
            f"but the image appears to be a {shape.media_type} image"
        )
    return shape


def _document(source: dict[str, Any], *, path: str) -> int:
    """Check one document and return its pages (0 for text)."""
    kind = source.get("type")
    if kind not in SOURCE_FIELDS:
        raise Refusal(f"{path}.type: Input should be 'base64', 'text', 'content', 'url' or 'file'")
    _reachable(source, path=path)
    if kind == "base64":
        if source.get("media_type") != "application/pdf":
            raise Refusal(f"{path}.base64.media_type: Input should be 'application/pdf'")
        try:
            return media.pdf_pages(_decode(source.get("data"), path=path))
        except ValueError as error:
            raise Refusal(f"{path}.base64.data: {error}") from None
    if kind == "text":
        if source.get("media_type") != "text/plain":
            raise Refusal(f"{path}.text.media_type: Input should be 'text/plain'")
        if not isinstance(source.get("data"), str) or not source["data"].strip():
            raise Refusal(f"{path}.text.data: text documents must be non-empty")
    return 0


def _reachable(source: dict[str, Any], *, path: str) -> None:
    kind = source["type"]
    parameters.extra_keys(source, SOURCE_FIELDS[kind], path=f"{path}.{kind}.")
    if kind == "url":
        raise Refusal("Unable to download the file. Please verify the URL and try again.")
    if kind == "file":
        raise Refusal(f"File not found: {source.get('file_id')}", status=404)


def _decode(raw: object, *, path: str) -> bytes:
    try:
        data = base64.b64decode(raw, validate=True) if isinstance(raw, str) else b""
    except binascii.Error:
        data = b""
    if not data:
        raise Refusal(f"{path}.base64.data: Invalid base64 data")
    return data
