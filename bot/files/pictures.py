"""A picture as it is sent: upright, without metadata, scaled once to what the model looks at.

Runs in the child process. Only the header is read before the size in pixels is judged.
Source of the figures: the vendor's page "Vision": a token is a patch of 28 x 28 pixels; past 20 pictures
in a request each side is limited to 2,000 pixels; 10 MB of base64 each.
"""

from __future__ import annotations

import math
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps

from bot.files import kinds

PATCH = 28  # pixels
MOST_PNG_BYTES = 1_500_000  # a picture that is longer as PNG is a photograph
QUALITY = 85
ORIENTATION = 0x0112  # the tag of Exif
SCALABLE = frozenset({"L", "LA", "La", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "F", "I"})
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")


def read(data: bytes) -> dict[str, Any]:
    """The fields of a `child.Read`; raises what Pillow raises."""
    Image.MAX_IMAGE_PIXELS = kinds.MOST_JPEG_PIXELS  # Pillow itself refuses at twice this
    try:
        picture = Image.open(BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError:
        return {"kind": "unread", "reason": kinds.TOO_MANY_PIXELS}
    with picture:
        most = kinds.MOST_JPEG_PIXELS if picture.format == "JPEG" else kinds.MOST_PIXELS
        width, height = picture.size
        if width * height > most:
            return {"kind": "unread", "reason": kinds.TOO_MANY_PIXELS}
        held = getattr(picture, "n_frames", 1)  # of an animation, or a scan of several pages
        note = f"the first of {held:,} pictures" if held > 1 else ""
        size = fitting(width, height)
        picture.draft("RGB", size)  # a JPEG is decoded at the next larger fraction of its size
        picture.load()
        if _turned(picture.size, (width, height)):  # Pillow sets a TIFF upright as it reads it
            size = size[1], size[0]
        shown = _plain(ImageOps.exif_transpose(_scaled(picture, size)))
    encoded, media_type = _encoded(shown, photograph=picture.format in {"JPEG", "AVIF"})
    return {
        "kind": "image",
        "media_type": media_type,
        "data": encoded,
        "width": shown.width,
        "height": shown.height,
        "note": note,
    }


def fitting(width: int, height: int) -> tuple[int, int]:
    """The size at which a picture is sent: its own, or the largest that keeps both limits."""
    scale = min(1.0, kinds.MOST_SIDE / max(width, height))
    while True:
        size = max(1, int(width * scale)), max(1, int(height * scale))
        if tokens(*size) <= kinds.MOST_PICTURE_TOKENS:
            return size
        scale *= min(0.99, math.sqrt(kinds.MOST_PICTURE_TOKENS / tokens(*size)))


def _scaled(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    """The picture at this size, with what it says of its own orientation.

    It is scaled before anything else is done to it: a copy of 36 million pixels takes 144 MB.
    """
    orientation = picture.getexif().get(ORIENTATION, 1)
    small = _plain(picture) if picture.mode not in SCALABLE else picture
    small = small.resize(size, Image.Resampling.LANCZOS) if small.size != size else small
    small.getexif()[ORIENTATION] = orientation
    return small


def tokens(width: int, height: int) -> int:
    """What a picture of this size costs."""
    return math.ceil(width / PATCH) * math.ceil(height / PATCH)


def _turned(now: tuple[int, int], before: tuple[int, int]) -> bool:
    return (now[0] < now[1]) != (before[0] < before[1])


def _plain(picture: Image.Image) -> Image.Image:
    """In a mode that PNG and JPEG share, what was transparent kept as such."""
    if picture.mode in {"RGB", "L", "RGBA"}:
        return picture
    transparent = picture.mode in {"LA", "PA", "La"} or "transparency" in picture.info
    return picture.convert("RGBA" if transparent else "RGB")


def _encoded(picture: Image.Image, *, photograph: bool) -> tuple[bytes, str]:
    """The bytes, written from the pixels alone, and their type."""
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())  # without what `info` carries along
    if not photograph:
        out = BytesIO()
        bare.save(out, "PNG", optimize=True)
        if out.tell() <= MOST_PNG_BYTES:
            return out.getvalue(), "image/png"
    if bare.mode == "RGBA":
        white = Image.new("RGB", bare.size, "white")
        white.paste(bare, mask=bare.getchannel("A"))
        bare = white
    out = BytesIO()
    bare.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue(), "image/jpeg"
