"""What both simple bots do with Claude: send all of it, stream the answer, edit once a second."""

from __future__ import annotations

import itertools
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import anthropic
from anthropic.types import MessageParam

MODEL = "claude-sonnet-5-5"
SYSTEM = "You are a helpful colleague in a team's chat. Answer the newest posts directly and briefly."
MAX_TOKENS = 8192
EDIT_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Post:
    """What somebody wrote; `author` is None for the bot."""

    author: str | None
    text: str


class Claude:
    """The model."""

    def __init__(self, *, api_key: str, base_url: str) -> None:
        self._client = anthropic.AsyncAnthropic(api_key=api_key, base_url=base_url)

    async def answer(self, posts: Sequence[Post], show: Callable[[str], Awaitable[None]]) -> str:
        """Answer a thread; `show` is awaited with the text so far, once a second and at the end."""
        text, shown_at = "", time.monotonic()
        async with self._client.messages.stream(
            model=MODEL,
            max_tokens=MAX_TOKENS,
            system=SYSTEM,
            messages=messages(posts),
            output_config={"effort": "low"},
        ) as stream:
            async for piece in stream.text_stream:
                text += piece
                if time.monotonic() - shown_at >= EDIT_SECONDS:
                    await show(text)
                    shown_at = time.monotonic()
        await show(text)
        return text


def messages(posts: Sequence[Post]) -> list[MessageParam]:
    """Posts as alternating turns, a person's named at its beginning; what the bot said first is left out."""
    said = itertools.dropwhile(lambda post: post.author is None, posts)
    turns: list[MessageParam] = []
    for is_bot, run in itertools.groupby(said, key=lambda post: post.author is None):
        lines = [post.text if is_bot else f"{post.author}: {post.text}" for post in run]
        content = "\n".join(lines)
        turns.append(
            {"role": "assistant", "content": content} if is_bot else {"role": "user", "content": content}
        )
    return turns
