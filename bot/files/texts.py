"""Bytes to text, and a long text to its beginning. Pure."""

from __future__ import annotations

from bot.files import kinds


def decode(data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16 with its mark, or else Windows-1252."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def clip(text: str, most: int = kinds.MOST_CHARACTERS) -> tuple[str, str]:
    """The beginning of a text, whole lines where it can be, and what is said about the cut ("" for none)."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text) <= most:
        return text, ""
    end = text.rfind("\n", most // 2, most)
    kept = text[: end if end > 0 else most]
    return kept, f"the first {len(kept):,} of {len(text):,} characters"
