"""What an image or a PDF says about itself in its first bytes (pure; no imaging library)."""

import re
import struct
import zlib
from dataclasses import dataclass

_JPEG_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}  # SOF markers; the three others are tables
_PAGE = re.compile(rb"/Type\s*/Page(?![s\w])")
_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An image's real type and its size in pixels."""

    media_type: str
    width: int
    height: int


def picture(data: bytes) -> Picture | None:
    """Read the header of a PNG, GIF, JPEG or WebP; ``None`` if it is none of them or broken."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            width, height = struct.unpack(">II", data[16:24])
            return Picture(media_type="image/png", width=width, height=height)
        if data.startswith((b"GIF87a", b"GIF89a")):
            width, height = struct.unpack("<HH", data[6:10])
            return Picture(media_type="image/gif", width=width, height=height)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
    except (struct.error, IndexError):
        return None
    return None


def pdf_pages(data: bytes) -> int:
    """Count the pages of a PDF, roughly: page objects, also inside compressed object streams.

    Raises ``ValueError`` where the service refuses the file: no PDF at all, or an encrypted one.
    """
    if b"%PDF-" not in data[:1024]:
        raise ValueError("The PDF specified was not valid.")
    if b"/Encrypt" in data:
        raise ValueError("The PDF specified is password protected.")
    count = len(_PAGE.findall(data))
    if not count:
        count = sum(len(_PAGE.findall(_inflate(packed))) for packed in _STREAM.findall(data))
    return max(1, count)


def _jpeg(data: bytes) -> Picture | None:
    at = 2
    while at + 9 <= len(data):
        marker, length = data[at + 1], struct.unpack(">H", data[at + 2 : at + 4])[0]
        if data[at] != 0xFF:
            return None
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return Picture(media_type="image/jpeg", width=width, height=height)
        at += 2 + length
    return None


def _webp(data: bytes) -> Picture | None:
    form = data[12:16]
    if form == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
    elif form == b"VP8L":
        bits = struct.unpack("<I", data[21:25])[0]
        width, height = (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1
    elif form == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    else:
        return None
    return Picture(media_type="image/webp", width=width, height=height)


def _inflate(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed)
    except zlib.error:
        return b""
