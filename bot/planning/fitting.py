"""What one request can hold of files, and which give way to their description. Pure.

Rule 1  The oldest give way first, those of the question last, and once one has it stays so: what was sent
        is sent again.
Rule 2  When a limit is passed, so many give way that half of it is free: the prefix then stays as it is for
        many requests.

Source of the figures: the vendor's pages "Vision" and "PDF support" (October 2026): 32 MB a request, 600
pictures and 600 pages, 100 of each where the model's window is below a million tokens.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from bot import conversation

MOST_BYTES = 20 * 2**20  # of pictures and papers before base64, which makes 27 MB of them
MOST_IMAGES = 90
MOST_PAGES = 100
ROOM_SHARE = 0.8  # of the tokens a history may have at all
HALF = 0.5


@dataclasses.dataclass(frozen=True, kw_only=True)
class Load:
    """What files weigh in a request."""

    bytes: int = 0
    images: int = 0
    pages: int = 0
    tokens: int = 0

    def plus(self, media: conversation.Media) -> Load:
        """With one more."""
        return Load(
            bytes=self.bytes + media.size,
            images=self.images + (media.kind == "image"),
            pages=self.pages + media.pages,
            tokens=self.tokens + media.tokens,
        )

    def legal(self, share: float = 1.0) -> bool:
        """Whether it stays within this share of what the API takes in one request."""
        return (
            self.bytes <= MOST_BYTES * share
            and self.images <= MOST_IMAGES * share
            and self.pages <= MOST_PAGES * share
        )

    def fits(self, room: int, share: float = 1.0) -> bool:
        """Whether it stays within this share of every limit; `room`: tokens of history the model reads."""
        return self.legal(share) and self.tokens <= room * ROOM_SHARE * share


def carried(turns: Iterable[conversation.Turn]) -> Load:
    """What the pictures and papers of a request weigh."""
    return _sum(block.media for turn in turns for block in turn.blocks if block.media is not None)


def key(post: conversation.Post, position: int) -> str:
    """A file's name in a plan: the post's id and the file's position there."""
    return f"{post.id}/{position}"


def described(posts: Iterable[conversation.Post], *, already: tuple[str, ...], room: int) -> tuple[str, ...]:
    """The files that stand as their description in the next request; `already` in the last one."""
    newest_first = sorted(posts, key=lambda post: (post.place or 0, post.order), reverse=True)
    whole = [
        (post.place or 0, name, media)
        for post in newest_first
        for position, media in reversed(list(enumerate(_media(post))))
        if media is not None and (name := key(post, position)) not in already
    ]
    if _sum(media for _, _, media in whole).fits(room):
        return already
    question = whole[0][0]
    load, left_out = Load(), list[str]()
    for place, name, media in whole:
        more = load.plus(media)
        if more.fits(room, 1.0 if place == question else HALF):
            load = more
        else:
            left_out.append(name)
    return tuple(sorted({*already, *left_out}))


def apply(posts: Iterable[conversation.Post], names: tuple[str, ...]) -> tuple[conversation.Post, ...]:
    """The posts with these files as their description."""
    if not names:
        return tuple(posts)
    chosen = frozenset(names)
    return tuple(_apply(post, chosen) for post in posts)


def _apply(post: conversation.Post, names: frozenset[str]) -> conversation.Post:
    if not any(key(post, position) in names for position in range(len(post.attachments))):
        return post
    files = tuple(
        dataclasses.replace(file, described=key(post, position) in names)
        for position, file in enumerate(post.attachments)
    )
    return dataclasses.replace(post, attachments=files)


def _media(post: conversation.Post) -> list[conversation.Media | None]:
    """What each of a post's files is sent as, None for nothing but its name."""
    media = [file.media for file in post.attachments if not post.withheld]
    return [each if each is not None and each.kind != "unread" else None for each in media]


def _sum(media: Iterable[conversation.Media]) -> Load:
    load = Load()
    for each in media:
        load = load.plus(each)
    return load
