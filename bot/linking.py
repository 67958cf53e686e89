"""Pure: what the links in a question bring in, as Claude reads it and as people are told.

Rule 1: what was brought stands behind its question, marked as material, each post with author and date.
Rule 2: nobody can write such a mark: `turns.clean` takes it out of every text.
Rule 3: a link brings in at most `MOST_CHARACTERS`: the post it leads to first, then the newest of its thread.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bot import conversation, turns

MOST_LINKS = 3  # of one post; the others are left alone
MOST_CHARACTERS = 16_000  # of one link, about 4,000 tokens
ONE_POST = 8_000  # characters that are kept of one post
MOST_FILES = 10  # of one post that are named
NO_FILES = "files of this post that were not brought in, and can be posted here:"

NOT_HERE = "it leads elsewhere, and I read only what is in this place"
NOT_ME = "I cannot see it; somebody may have to invite me there"
NOT_YOU = "you cannot see it yourself, as far as I can tell"
NOT_NOW = "the platform does not give it to me right now"
GONE = "it is no longer there"
SHUT_OUT = "I may not read what stands there; whoever runs me can change that"


@dataclasses.dataclass(frozen=True, kw_only=True)
class Link:
    """A link in a question, with what it leads to, oldest first, or why that was not brought in."""

    url: str
    posts: tuple[conversation.Post, ...] = ()
    left_out: int = 0  # posts of the thread that were too many
    refusal: str = ""  # the end of a sentence; "" where it was brought in


def bounded(link: Link, *, target: str) -> Link:
    """The link with no more than fits; `target`: the id of the post it leads to."""
    posts = [dataclasses.replace(post, text=_text(post)) for post in link.posts]
    newest_first = sorted(posts, key=lambda post: (post.id == target, post.order), reverse=True)
    room = MOST_CHARACTERS
    kept: set[str] = set()
    for post in newest_first:
        room -= len(post.text)
        if room < 0 and kept:
            break
        kept.add(post.id)
    left = tuple(post for post in posts if post.id in kept)
    return dataclasses.replace(link, posts=left, left_out=link.left_out + len(posts) - len(left))


def material(links: Sequence[Link]) -> str:
    """What stands behind a question for its links, "" for nothing."""
    return "\n".join(_shown(link) for link in links if link.posts)


def opening(links: Sequence[Link]) -> str:
    """What an answer begins with for the links that were not brought in, "" for none."""
    lines = [f"*(I did not read {link.url}: {link.refusal}.)*" for link in links if link.refusal]
    return "\n".join(lines) + "\n\n" if lines else ""


def _shown(link: Link) -> str:
    left_out = f' left-out="{link.left_out}"' if link.left_out else ""
    posts = "\n".join(_post(post) for post in link.posts)
    return f'<linked from="{turns.attribute(link.url)}"{left_out}>\n{posts}\n</linked>'


def _post(post: conversation.Post) -> str:
    speaker = "the assistant" if post.role == "assistant" else post.author_name or post.author
    by, account = turns.attribute(speaker), turns.attribute(post.author)
    said = f'<said by="{by}" id="{account}" at="{post.sent_at:%Y-%m-%d %H:%M} UTC">'
    return f"{said}{turns.clean(post.text).strip()}</said>"


def _text(post: conversation.Post) -> str:
    """What a post says, bounded; its files are named, so that nobody takes it for all there was."""
    text = post.text if len(post.text) <= ONE_POST else f"{post.text[:ONE_POST]} (cut here)"
    names = [turns.attribute(file.name) for file in post.attachments]
    more = f", and {len(names) - MOST_FILES} more" if len(names) > MOST_FILES else ""
    files = f"({NO_FILES} {', '.join(names[:MOST_FILES])}{more})" if names else ""
    return "\n".join(filter(None, (text, files)))
