"""Posts to turns: what the Messages API is sent of a thread, as a pure function of the log.

Rule 1  The first turn is a user turn, turns alternate, no block is blank.
Rule 2  Every post stands in exactly one text block, in order: by place, then in platform order. Just before
        that block stand the pictures and papers of its posts, in the same order; the text numbers them.
Rule 3  Posts by people that were first sent together are one block; the blocks of consecutive ones are
        one user turn. So a later request adds blocks and turns and never changes an earlier block.
Rule 4  Each post is marked with its speaker. Neither a name nor a text can contain that mark, whatever
        invisible, wide or look-alike characters are used, so nobody can pass for somebody else.
Rule 5  The same posts give the same bytes.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence

from bot import conversation

TAGS = ("post", "summary", "now", "file", "linked", "said")
WITHHELD = "(left out: the Claude API refuses to take this post)"
OPENING = "(This thread begins with your own post.)"
NAME_LENGTH = 80  # characters of a display name that are kept
REASON_LENGTH = 200
DESCRIBED_CHARACTERS = 600  # of a file's text, where it stands as its description only

# Characters that show nothing and can hide inside a word.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff"
)
# Letters of other alphabets that look like those of a tag.
_LOOK_ALIKES = {
    "a": "а\u03b1", "d": "ԁ\u217e", "e": "е\u03b5", "f": "ƒ\u03dd", "i": "іı\u03b9", "k": "к\u03ba",
    "l": "1Iӏ", "m": "м", "n": "ո\u03b7",
    "o": "0о\u03bf", "p": "р\u03c1", "r": "г", "s": "ѕ", "t": "т\u03c4", "u": "υս", "w": "ѡԝ", "y": "у\u03b3",
}  # fmt: skip
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def _like(tag: str) -> str:
    """A pattern for whatever reads like this tag's name."""
    letters = (f"[{each}{chr(ord(each) + 0xFEE0)}{_LOOK_ALIKES.get(each, '')}]" for each in tag)
    return f"[{_INVISIBLE}]*".join(letters)


_FORGED = re.compile(
    "[<\uff1c\ufe64\u2039\u3008\u27e8\u276e]" + rf"(?=[\s/{_INVISIBLE}]*(?:{'|'.join(map(_like, TAGS))}))",
    re.IGNORECASE,
)


def rebuild(
    posts: Iterable[conversation.Post], summaries: Sequence[conversation.Summary] = ()
) -> tuple[conversation.Turn, ...]:
    """The turns of these placed posts; a summary stands where the posts it covers stood."""
    blocks: list[tuple[float, conversation.Role, conversation.Block]] = [
        (summary.first_place, "user", conversation.Block(text=f"<summary>\n{text}\n</summary>"))
        for summary in summaries
        if (text := clean(summary.text).strip())
    ]
    ordered = sorted(posts, key=lambda post: (_place(post), post.order))
    for (place, role), group in itertools.groupby(ordered, key=lambda post: (_place(post), post.role)):
        blocks += [(place, role, block) for block in _blocks(role, list(group))]
    blocks.sort(key=lambda each: each[0])
    if blocks and blocks[0][1] == "assistant":
        blocks.insert(0, (0, "user", conversation.Block(text=OPENING)))
    return tuple(
        conversation.Turn(role=role, blocks=tuple(block for _, _, block in run))
        for role, run in itertools.groupby(blocks, key=lambda each: each[1])
    )


def clean(text: str) -> str:
    """A text that any encoder and any reader takes: no controls, no lone surrogates, no forged marks."""
    text = _SURROGATE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _FORGED.sub("&lt;", _BIDI.sub("", _CONTROL.sub("", text)))


def escaped(text: str) -> str:
    """A text in which what shows nothing is written out, as JSON escapes it, so that people see it."""
    return _HIDDEN.sub(lambda found: json.dumps(found[0])[1:-1], text)


def attribute(text: str, length: int = NAME_LENGTH) -> str:
    """A name as the value of an attribute: one line, at most `length` characters, nothing hidden."""
    line = " ".join(_HIDDEN.sub("", _CONTROL.sub(" ", _SURROGATE.sub("\ufffd", text))).split())
    for raw, safe in (("&", "&amp;"), ('"', "&quot;"), ("<", "&lt;"), (">", "&gt;")):
        line = line[:length].replace(raw, safe) if raw == "&" else line.replace(raw, safe)
    return line


def mark(post: conversation.Post, numbers: Iterator[int] | None = None) -> str:
    """One person's post as Claude reads it.

    `numbers` are those of the pictures and papers before its block, in order; without them files stand as
    their descriptions.
    """
    speaker = f'by="{attribute(post.author_name) or attribute(post.author)}" id="{attribute(post.author)}"'
    if post.withheld:
        return f"<post {speaker}>{WITHHELD}</post>"
    files = [_file(file, numbers) for file in post.attachments]
    body = "\n".join([*files, clean(post.text).strip()]).strip()
    marked = f"<post {speaker}>{body}</post>"
    return f"{marked}\n{post.material}" if post.material else marked


def shown(post: conversation.Post) -> Iterator[tuple[conversation.Attachment, conversation.Media]]:
    """The pictures and papers of a post that are sent as blocks of their own."""
    if post.withheld or post.role != "user":
        return
    for file in post.attachments:
        if file.media is not None and file.media.kind in {"image", "pdf"} and not file.described:
            yield file, file.media


def _file(file: conversation.Attachment, numbers: Iterator[int] | None) -> str:
    """A file as a tag: what it says inside it, or the number of its block, or what is known of it."""
    media = file.media
    tag = f'<file name="{attribute(file.name)}" type="{attribute(file.media_type)}" bytes="{file.size}"'
    if media is None:
        return f"{tag}/>"
    if media.kind == "unread":
        return f'{tag} unread="{attribute(media.reason, REASON_LENGTH)}"/>'
    if media.note:
        tag += f' note="{attribute(media.note)}"'
    if media.pages:
        tag += f' pages="{media.pages}"'
    whole = numbers is not None and not file.described
    if whole and media.kind in {"image", "pdf"} and numbers is not None:
        return f'{tag} block="{next(numbers)}"/>'
    if not whole:
        tag += ' seen="no longer: its description only"'
    text = clean(media.text).strip()
    if not whole and len(text) > DESCRIBED_CHARACTERS:
        text = f"{text[:DESCRIBED_CHARACTERS]} […]"
    return f"{tag}>\n{text}\n</file>" if text else f"{tag}/>"


def _blocks(role: conversation.Role, posts: list[conversation.Post]) -> list[conversation.Block]:
    if role == "user":
        media = [
            conversation.Block(text=attribute(file.name), posts=(post.id,), media=media)
            for post in posts
            for file, media in shown(post)
        ]
        numbers = itertools.count(1)
        marked = "\n".join(mark(post, numbers) for post in posts)
        return [*media, conversation.Block(text=marked, posts=tuple(post.id for post in posts))]
    said = [WITHHELD if post.withheld else text for post in posts if (text := clean(post.text).strip())]
    if not said:
        return []
    return [conversation.Block(text="\n\n".join(said), posts=tuple(post.id for post in posts))]


def _place(post: conversation.Post) -> float:
    return float("inf") if post.place is None else post.place
