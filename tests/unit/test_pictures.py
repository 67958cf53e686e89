"""What becomes of a picture: its size, its orientation, its transparency, and the memory it takes."""

from __future__ import annotations

import io
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from bot.files import pictures

UPRIGHT, RIGHT = 1, 6  # the ways a camera was held, in Exif


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    """A file of it."""
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def shown(data: bytes) -> Image.Image:
    """The picture as it is sent."""
    told = pictures.read(data)
    assert told["kind"] == "image"
    picture = Image.open(io.BytesIO(told["data"]))
    assert picture.size == (told["width"], told["height"])
    return picture


def half_red(size: tuple[int, int], mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right."""
    picture = Image.new(mode, size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    return picture


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("size", [(400, 200), (4_000, 2_000)])
def test_a_picture_stands_upright(form: str, size: tuple[int, int]) -> None:
    """What a camera wrote about how it was held is carried out once, and not sent along."""
    exif = Image.Exif()
    exif[pictures.ORIENTATION] = RIGHT
    upright = shown(saved(half_red(size), form, exif=exif))
    assert upright.width < upright.height
    assert upright.getexif().get(pictures.ORIENTATION, UPRIGHT) == UPRIGHT
    top = upright.convert("RGB").getpixel((upright.width // 2, 5))
    assert isinstance(top, tuple)
    assert top[0] > 200 > top[2]  # what was on the left is on top


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
@pytest.mark.parametrize("size", [(40, 20), (3_000, 1_500)])
def test_every_mode_is_read(mode: str, size: tuple[int, int]) -> None:
    """A picture in any mode that a file can have is sent, at its own size or scaled."""
    picture = Image.new("L", size, 200).convert(mode) if mode != "I;16" else Image.new(mode, size, 50_000)
    form = "TIFF" if mode in {"CMYK", "F", "I"} else "PNG"
    assert shown(saved(picture, form)).width == min(size[0], pictures.fitting(*size)[0])


def test_what_is_transparent_stays_so() -> None:
    """A palette with a transparent colour keeps it, scaled or not."""
    for size in ((40, 20), (3_000, 1_500)):
        picture = Image.new("P", size, 0)
        picture.putpalette([255, 0, 0, 0, 0, 255])
        sent = shown(saved(picture, "PNG", transparency=0))
        assert sent.mode == "RGBA"
        assert sent.getpixel((1, 1))[3] == 0  # type: ignore[index] # of an RGBA picture it is a tuple


def test_a_large_picture_takes_bounded_memory() -> None:
    """The largest picture with transparency is read within 400 MB, all of the process counted."""
    data = saved(Image.new("RGBA", (6_000, 6_000), (9, 9, 9, 9)), "PNG", compress_level=1)
    code = (  # not getrusage: its figure begins with what the process held that started this one
        "import pathlib, sys; from bot.files import pictures; pictures.read(sys.stdin.buffer.read());"
        "print(pathlib.Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"
    )
    ended = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, check=True)  # noqa: S603 - our own code
    assert int(ended.stdout) < 400 * 1024  # kibibytes, on Linux
