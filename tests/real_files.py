"""Real files, made by real programs: what people attach, and what an attacker would."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

import docx
import fpdf
import openpyxl
from PIL import Image


def picture(
    width: int = 640, height: int = 480, *, form: str = "PNG", exif: Mapping[int, object] | None = None
) -> bytes:
    """A picture with something on it; `exif`: tags by their numbers."""
    made = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    out, tags = io.BytesIO(), Image.Exif()
    for tag, value in (exif or {}).items():
        tags[tag] = value
    made.save(out, form, **({"exif": tags} if exif else {}))
    return out.getvalue()


def photograph(width: int, height: int, *, exif: Mapping[int, object] | None = None) -> bytes:
    """A JPEG that compresses as badly as a real photograph."""
    out, tags = io.BytesIO(), Image.Exif()
    for tag, value in (exif or {}).items():
        tags[tag] = value
    made = Image.effect_noise((width, height), 40).convert("RGB")
    made.save(out, "JPEG", quality=90, exif=tags)
    return out.getvalue()


def pdf(*texts: str, pages: int = 0, password: str = "") -> bytes:
    """A PDF with a page for each text, or so many pages."""
    paper = fpdf.FPDF()
    paper.set_font("helvetica", size=12)
    for text in texts or [f"page {number}" for number in range(1, pages + 1)]:
        paper.add_page()
        paper.multi_cell(0, text=text)
    if password:
        paper.set_encryption(owner_password=password, user_password=password)
    return bytes(paper.output())


def album(text: str, *photographs: bytes) -> bytes:
    """A PDF with photographs, as heavy as these are."""
    paper = fpdf.FPDF()
    paper.set_font("helvetica", size=12)
    paper.add_page()
    paper.multi_cell(0, text=text)
    for each in photographs:
        paper.image(io.BytesIO(each), w=40)
    return bytes(paper.output())


def word(*paragraphs: str) -> bytes:
    """A Word document."""
    document = docx.Document()
    for paragraph in paragraphs:
        document.add_paragraph(paragraph)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def excel(*rows: list[str | float]) -> bytes:
    """An Excel workbook with one sheet."""
    book = openpyxl.Workbook()
    sheet = book.create_sheet("Sums", 0)
    for row in rows:
        sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def with_parts(office: bytes, parts: Mapping[str, bytes]) -> bytes:
    """An Office file with these parts added or put in the place of its own."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(office)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, data in parts.items():
            new.writestr(name, data)
    return out.getvalue()


def bomb_png(side: int) -> bytes:
    """A PNG of a few kilobytes that says, truthfully, that it is that wide and high."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer = zlib.compressobj(9)
    row = bytes(1 + (side + 7) // 8)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def entity_bomb() -> bytes:
    """The `document.xml` of a billion laughs."""
    entities = '<!ENTITY a0 "ha">' + "".join(
        f'<!ENTITY a{number} "{f"&a{number - 1};" * 10}">' for number in range(1, 10)
    )
    return f"<?xml version='1.0'?><!DOCTYPE x [{entities}]><x>&a9;</x>".encode()
