"""Pure: finding in an answer the words of a post that was deleted.

A run counts from five words on, or from the whole text where it has fewer, and from twelve characters:
less than that is language, not a repetition. Letters of scripts without spaces count as words of their own.
What looks like a secret (letters and digits in one word, or a long number) counts alone: passwords, keys and
numbers are what people delete.
"""

from __future__ import annotations

import re

RUN_WORDS = 5
RUN_CHARACTERS = 12
MARK = "[deleted]"

_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff"  # Thai to Han
_SECRET = re.compile(r"(?=\w*\d)(?=\w*[^\W\d_])\w{8,}|\d{6,}")
_RUN = re.compile(r"\w{6,}")
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")


def without(text: str, *, deleted: str) -> str:
    """The text, with each run of the deleted text's words, and each secret, replaced by `[deleted]`."""
    secrets = {secret.casefold() for secret in _SECRET.findall(deleted)}
    if secrets:
        text = _RUN.sub(lambda found: MARK if found[0].casefold() in secrets else found[0], text)
    wanted = [match[0].casefold() for match in _WORD.finditer(deleted)]
    length = min(RUN_WORDS, len(wanted))
    if length == 0:
        return text
    runs = {tuple(wanted[start : start + length]) for start in range(len(wanted) - length + 1)}
    found = list(_WORD.finditer(text))
    words = [match[0].casefold() for match in found]
    spans: list[tuple[int, int]] = []
    for start in range(len(words) - length + 1):
        if tuple(words[start : start + length]) in runs:
            begin, end = found[start].start(), found[start + length - 1].end()
            if spans and start and begin <= spans[-1][1]:
                begin = spans.pop()[0]
            spans.append((begin, end))
    for begin, end in reversed(spans):
        if end - begin >= RUN_CHARACTERS:
            text = text[:begin] + MARK + text[end:]
    return text
