"""What a file is, by its first bytes, and what becomes of it. Pure.

Rule 1  The announced type and the name's ending are never believed: the content decides. Letters that a text
        may begin with as well (BM, RIFF, GIF89a) count only where what follows is no text.
Rule 2  What is not read has a reason that a person understands.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

MEBIBYTE = 2**20
MOST_BYTES = 20 * MEBIBYTE  # of any file, as it comes
MOST_PDF_BYTES = 12 * MEBIBYTE  # in base64 half of what one request may hold
MOST_PAGES = 100
MOST_PIXELS = 36_000_000  # of a picture that has to be decoded whole
MOST_JPEG_PIXELS = 64_000_000  # a JPEG is decoded at a fraction of its size
MOST_SIDE = 2_000  # pixels: legal also where a request holds more than 20 pictures
MOST_PICTURE_TOKENS = (
    2_500  # about 1,600 x 1,200: small print stays legible, past it costs more than it tells
)
MOST_CHARACTERS = 40_000  # of the text of one file: some 13,000 tokens

Way = Literal["picture", "pdf", "word", "excel", "text", "unread"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of file: what people call it, how it is read, or why it is not."""

    name: str
    way: Way
    endings: tuple[str, ...]  # for people; content decides
    reason: str = ""  # after "… was not read:"


KINDS: dict[str, Kind] = {
    "picture": Kind(
        name="pictures", way="picture", endings=("png", "jpg", "gif", "webp", "bmp", "tiff", "avif")
    ),
    "pdf": Kind(name="PDF", way="pdf", endings=("pdf",)),
    "word": Kind(name="Word documents", way="word", endings=("docx",)),
    "excel": Kind(name="Excel workbooks", way="excel", endings=("xlsx",)),
    "text": Kind(
        name="text of any kind",
        way="text",
        endings=("txt", "md", "csv", "json", "html", "xml", "svg", "source code", "logs"),
    ),
    "macros": Kind(
        name="Office files with macros",
        way="unread",
        endings=("docm", "xlsm"),
        reason="it holds macros; save it without them (.docx or .xlsx)",
    ),
    "old office": Kind(
        name="old or locked Office files",
        way="unread",
        endings=("doc", "xls", "ppt"),
        reason="it is an old or a locked Office file; save it as .docx, .xlsx or PDF, without a password",
    ),
    "slides": Kind(
        name="slides and OpenDocument",
        way="unread",
        endings=("pptx", "odt", "ods", "odp"),
        reason="I cannot read this format; save it as PDF",
    ),
    "audio": Kind(
        name="voice notes and other audio",
        way="unread",
        endings=("m4a", "mp3", "ogg", "wav", "flac"),
        reason="I cannot listen to audio; write what it says",
    ),
    "video": Kind(
        name="video",
        way="unread",
        endings=("mp4", "mov", "webm", "avi"),
        reason="I cannot watch video; send pictures of what matters",
    ),
    "heic": Kind(
        name="HEIC pictures",
        way="unread",
        endings=("heic",),
        reason="I cannot read HEIC pictures; send it as JPEG or PNG",
    ),
    "archive": Kind(
        name="archives",
        way="unread",
        endings=("zip", "gz", "7z", "rar", "tar"),
        reason="I do not open archives; send the files themselves",
    ),
    "binary": Kind(
        name="programs and anything else",
        way="unread",
        endings=("exe", "bin", "…"),
        reason="it is of a kind that I do not know",
    ),
}

EMPTY = "it is empty"
TOO_LARGE = f"it is larger than {MOST_BYTES // MEBIBYTE} MB"
PDF_TOO_LARGE = f"a PDF may have up to {MOST_PDF_BYTES // MEBIBYTE} MB"
PDF_LOCKED = "it is locked with a password"
DAMAGED = "it is damaged, or not what its name says"
TOO_MUCH = "reading it takes more memory or time than one file may"
REFUSED = "Claude refuses to take it"
TOO_MANY_PIXELS = "it has too many pixels; send it smaller"

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_MARKS = {
    "picture": (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*"),
    "old office": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",),
    "audio": (
        b"ID3", b"OggS", b"fLaC", b"#!AMR", b"\xff\xfb", b"\xff\xf3", b"\xff\xf2", b"\xff\xf1", b"\xff\xf9",
    ),
    "video": (b"\x1a\x45\xdf\xa3",),
    "archive": (
        b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd",
    ),
}  # fmt: skip
_BRANDS = {  # of files that begin with an `ftyp` box
    b"avif": "picture", b"avis": "picture",
    b"heic": "heic", b"heix": "heic", b"hevc": "heic", b"mif1": "heic", b"msf1": "heic",
    b"M4A ": "audio", b"M4B ": "audio", b"F4A ": "audio",
}  # fmt: skip
_RIFF = {b"WEBP": "picture", b"WAVE": "audio", b"AVI ": "video"}
_HEAD = 1024  # bytes in which a PDF's mark may stand, and its end (ISO 32000, annex H)
_PDF, _BEFORE = b"%PDF-", b"\xef\xbb\xbf\x00\t\n\f\r "
_BOX = 12


def of_bytes(data: bytes) -> str:
    """The key of KINDS by the first bytes; "zip" for what only its inside tells apart."""
    head = data[:_HEAD]
    if data.startswith(_ZIP):
        return "zip"
    if head.lstrip(_BEFORE).startswith(_PDF):
        return "pdf"
    if _is_text(data):  # a PDF may be written in letters alone; a text that tells of its mark is none
        return "pdf" if _PDF in head and b"%%EOF" in data[-_HEAD:] else "text"
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "binary")
    if data[4:8] == b"ftyp" and len(data) >= _BOX:
        return _BRANDS.get(data[8:12], "video")
    known = next((kind for kind, marks in _MARKS.items() if data.startswith(marks)), "binary")
    return "pdf" if known == "binary" and _PDF in head else known


def of_zip(names: frozenset[str]) -> str:
    """The key of KINDS of a zip file, by the names of what is in it."""
    office = "[Content_Types].xml" in names
    if office and any(name.lower().endswith("vbaproject.bin") for name in names):
        return "macros"
    if office and "word/document.xml" in names:
        return "word"
    if office and "xl/workbook.xml" in names:
        return "excel"
    if office or "mimetype" in names:
        return "slides"
    return "archive"


def _is_text(data: bytes) -> bool:
    """Whether it reads as text: no NUL, but in UTF-16, and hardly a control character."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(data) % 2 == 0
    sample = data[: 64 * 1024]
    controls = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in sample)  # noqa: PLR2004 - ASCII's controls
    return b"\x00" not in sample and controls <= len(sample) // 200
