"""What Claude may ask of a thread's older posts, and the form in which it gets them. Pure.

Rule 1  Only this conversation is searched; what comes back is material with its date and speaker.
Rule 2  A hit comes with the posts around it, and all of it stays within RESULT_TOKENS.
Rule 3  The same log and question give the same bytes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from bot import conversation, turns
from bot.planning import sizes

HITS = 20
AROUND = 1  # posts before and after each hit
RESULT_TOKENS = 4_000
POST_CHARACTERS = 2_000  # of one post in a result
QUERY_CHARACTERS = 1_000
FILE_CHARACTERS = 30_000  # of a file that is asked for by its name: some 10,000 tokens
NO_ROOM = (
    "(It cannot be shown: one request has no room for it beside the other files. What text it has follows.)"
)

SHOWN = frozenset({"image", "pdf"})  # kinds that come as they are, not as their text

Found = tuple[conversation.Post, conversation.Attachment, conversation.Media]

TOOL = conversation.Tool(
    name="recall",
    description=(
        "Search the older posts of this conversation, which you no longer see word for word. Use it when "
        "an answer depends on something said earlier that neither the summary nor the posts you see hold "
        "exactly: a number, a name, a decision, a command, who said what. Give the words that the post "
        "itself would contain; search again with other words where nothing fits. You get posts with "
        "date and speaker, and those around them. Files whose description alone you see are found by their "
        "words, and come whole when you give their name as `file`."
    ),
    parameters={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "A few words, as the post would have them"},
            "file": {"type": "string", "description": "A file's name: what it says comes with it, whole"},
        },
        "required": ["query"],
        "additionalProperties": False,
    },
)


def query(asked: Mapping[str, Any]) -> str:
    """The words that Claude asks for, "" where it gave none."""
    words = asked.get("query")
    return words[:QUERY_CHARACTERS].strip() if isinstance(words, str) else ""


def file_name(asked: Mapping[str, Any]) -> str:
    """The file that Claude asks for by its name, "" where it asks for none."""
    name = asked.get("file")
    return name[:QUERY_CHARACTERS].strip() if isinstance(name, str) else ""


def file(posts: Sequence[conversation.Post], name: str) -> Found | None:
    """The newest file of that name among these posts, None for no such file."""
    for post in sorted(posts, key=lambda post: post.order, reverse=True):
        for each in post.attachments:
            if each.name.casefold() == name.casefold() and each.media is not None:
                return post, each, each.media
    return None


def result(excerpts: Sequence[Sequence[conversation.Post]]) -> str:
    """What a search found: for each hit, best first, the run of posts around it.

    Runs that touch become one, in the order of the thread; the best are taken first while there is room.
    """
    chosen: dict[str, tuple[conversation.Post, str]] = {}
    left = RESULT_TOKENS
    for excerpt in excerpts:
        new = [(post, text) for post in excerpt if post.id not in chosen and (text := _written(post))]
        tokens = sum(sizes.estimate(text) + 1 for _, text in new)
        if tokens > left:
            break
        left -= tokens
        chosen.update((post.id, (post, text)) for post, text in new)
    if not chosen:
        return "Nothing was found: try other words."
    return "\n".join(text for _, text in sorted(chosen.values(), key=lambda each: each[0].order))


def read(
    post: conversation.Post,
    attachment: conversation.Attachment,
    media: conversation.Media,
    *,
    shown: bool = False,
    no_room: bool = False,
) -> str:
    """A file with who posted it and what it says; nothing of that where it is `shown` beside."""
    text = "" if shown else turns.clean(media.text).strip()[:FILE_CHARACTERS]
    said = text or turns.clean(media.reason) or ("(It stands above.)" if shown else "(It has no text.)")
    if no_room:
        said = f"{NO_ROOM}\n{text}".strip()
    who, name = turns.attribute(post.author_name or post.author), turns.attribute(attachment.name)
    return f'<file name="{name}" by="{who}" at="{post.sent_at:%Y-%m-%d %H:%M} UTC">\n{said}\n</file>'


def _written(post: conversation.Post) -> str:
    """A post with its date, clipped."""
    if len(post.text) > POST_CHARACTERS:
        post = dataclasses.replace(post, text=post.text[:POST_CHARACTERS] + " […]")
    if post.role == "assistant":
        body = turns.clean(post.text).strip()
        text = f'<post by="you, the assistant" id="assistant">{body}</post>' if body else ""
    else:
        text = turns.mark(post)
    return text.replace("<post ", f'<post at="{post.sent_at:%Y-%m-%d %H:%M} UTC" ', 1)
