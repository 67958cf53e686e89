"""What a file is taken for, by its content alone."""

from __future__ import annotations

import io
import zipfile

import pytest
import real_files
from PIL import Image

from bot.files import kinds


def picture_of_a_pdf() -> bytes:
    """A JPEG whose comment tells what it shows."""
    out = io.BytesIO()
    Image.new("RGB", (90, 60)).save(out, "JPEG", comment=b"made from %PDF-1.7")
    assert b"%PDF-" in out.getvalue()[:1024]
    return out.getvalue()


def zip_of_a_pdf() -> bytes:
    """A zip in which a PDF stands unpacked at the beginning."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.pdf", real_files.pdf("hello"))
    return out.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        "BMI,weight\n22,70\n",  # BM: a bitmap
        "RIFF files are made of chunks.\n",  # RIFF: sound or a WebP
        "GIF89a is from 1989.\n",
        "BZh opens what bzip2 has packed.\n",
        "see ftypical things\n",  # ftyp from the fifth byte on: a film
        "ID3 tags hold a title.\n",
        "# How a PDF begins\nWith %PDF-1.7, in the first kilobyte.\n",
    ],
)
def test_a_text_is_a_text_whatever_it_begins_with(text: str) -> None:
    """Letters that also open a file of another kind do not make one of what people can read."""
    assert kinds.of_bytes(text.encode()) == "text"


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (real_files.picture(form="BMP"), "picture"),
        (real_files.picture(1, 1, form="GIF"), "picture"),
        (real_files.picture(form="WEBP"), "picture"),
        (real_files.picture(1, 1), "picture"),
        (real_files.pdf("hello"), "pdf"),
        (b"some mailer's words\n" + real_files.pdf("hello"), "pdf"),  # annex H of ISO 32000 allows it
        (b"\xef\xbb\xbf\n%PDF-1.4\n1 0 obj\n<< /Type /Catalog >>\nendobj\n", "pdf"),  # letters alone
        (b"junk\n%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer\n<< >>\n%%EOF\n", "pdf"),
        (picture_of_a_pdf(), "picture"),
        (zip_of_a_pdf(), "zip"),
        (real_files.word("hello"), "zip"),
        (b"PK\x03\x04", "zip"),
        (b"ID3\x03\x00\x00\x00\x00\x00\x00", "audio"),
        (b"\xff\xfb\x90\x00" + bytes(64), "audio"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00", "audio"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00\x00\x00", "video"),
        (b"\x1f\x8b\x08\x00" + bytes(8), "archive"),
        (b"\x7fELF\x02\x01\x01\x00", "binary"),
    ],
)
def test_the_content_tells_the_kind(data: bytes, kind: str) -> None:
    """Real files are told by their first bytes, a PDF also where others stand before it."""
    assert kinds.of_bytes(data) == kind
