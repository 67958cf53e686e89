"""What answers when there is no key: no model, and it says so (pure).

It shows that the context works: it names the earlier posts it was sent, by speaker, and quotes how they
begin. A summary it writes holds the first words of each post. Asked to recall something, it does, where the
request offers the tool. It never pretends to know anything.
"""

from __future__ import annotations

import re
from typing import Any

from bot.tools import recalling
from emulators.claude import answers
from playground import matching, recalled

LABEL = "Offline stand-in, not Claude"
NAMED = 6  # earlier posts that are named
WORDS = 9  # of each
PACE = 0.012  # seconds between pieces, so that one sees it stream
PIECE = 7  # characters

_POST = re.compile(r'<post by="([^"]*)" id="[^"]*">(.*?)</post>', re.DOTALL)
_FILE = re.compile(r'<file name="([^"]*)"[^>]*/>')
_SUMMARY = re.compile(r"<summary>\n?(.*?)</summary>", re.DOTALL)
_TAG = re.compile(r"<[^<>]*>")
_RECALL = re.compile(r"\brecall\s+(.+)", re.IGNORECASE | re.DOTALL)
_WORDS_ALLOWED = re.compile(r"fewer than (\d+) words")

Json = dict[str, Any]


def answer(body: Json) -> answers.Answer:
    """Answer a request by telling what it holds; streamed at a reading pace."""
    texts = [_text(turn["content"]) for turn in body["messages"] if turn["role"] == "user"]
    whole = "\n".join(texts)
    if matching.is_summary(body):
        return answers.Answer(text=_summary(body, whole))
    if (body.get("output_config") or {}).get("format"):
        return answers.coerce(answers.default(body))
    posts = [(_plain(who), _body(text)) for who, text in _POST.findall(whole)]
    if query := _to_recall(body, posts):
        use = {"type": "tool_use", "name": recalling.TOOL.name, "input": {"query": query}}
        return answers.Answer(content=[use])
    return answers.Answer(text=_answer(body, whole, posts), delay=PACE, chunk=PIECE)


def _to_recall(body: Json, posts: list[tuple[str, str]]) -> str:
    """What to look up first: what stands behind the word in the question; "" for nothing."""
    asked = _RECALL.search(posts[-1][1]) if posts else None
    offered = any(tool.get("name") == recalling.TOOL.name for tool in body.get("tools") or ())
    return asked[1].strip() if asked and offered and not recalled.of(body) else ""


def _answer(body: Json, whole: str, posts: list[tuple[str, str]]) -> str:
    who, question = posts[-1] if posts else ("somebody", "")
    own = sum(turn["role"] == "assistant" and _text(turn["content"]) != "" for turn in body["messages"])
    parts = [f"*{LABEL}.* {who}, you wrote: “{_begin(question)}”."]
    earlier = posts[:-1]
    if earlier:
        shown = earlier[-NAMED:]
        left = len(earlier) - len(shown)
        mine = f" and {_count(own, 'answer')} of mine" if own else ""
        parts.append(
            f"With it I was sent {_count(len(earlier), 'earlier post')}"
            f"{mine}"
            f"{f', of which these are the newest {len(shown)}' if left else ''}:"
        )
        parts.append("\n".join(f"- **{name}**: “{_begin(text)}”" for name, text in shown))
    else:
        parts.append("It is the first post I was sent of this conversation.")
    if summaries := _SUMMARY.findall(whole):
        lines = sum(len(text.strip().splitlines()) for text in summaries)
        parts.append(f"Older posts reached me as a summary of {_count(lines, 'line')}.")
    for each in recalled.of(body):
        found = "\n".join(f"- **{post.by}**: “{_begin(post.text)}”" for post in each.posts) or each.text
        parts.append(f"I looked up “{each.query}” and got:\n{found}")
    if files := _FILE.findall(whole):
        parts.append(f"Files that came along: {', '.join(f'`{_plain(name)}`' for name in files[-NAMED:])}.")
    if "code" in question.lower():
        parts.append('Code looks like this:\n```python\nprint("I am not a model")\n```')
    if "long" in question.lower().split():
        long = (f"{n}. Line {n} of a long answer, to see it split." for n in range(1, 61))
        parts.append("\n".join(long))
    return "\n\n".join(parts)


def _summary(body: Json, whole: str) -> str:
    """The first words of each post, oldest first, within what the instructions allow."""
    found = _WORDS_ALLOWED.search(_text(body.get("system") or ""))
    room = int(found[1]) if found else 150
    lines = [f"{_plain(who)}: {_begin(_body(text))}" for who, text in _POST.findall(whole)]
    if not lines:  # summaries are to be merged
        lines = [line for text in _SUMMARY.findall(whole) for line in text.strip().splitlines()]
    kept: list[str] = []
    for line in reversed(lines):
        room -= len(line.split()) + 1
        if room < 0:
            break
        kept.append(line)
    return "\n".join([f"({LABEL}: the first words of each post.)", *reversed(kept)])


def _begin(text: str) -> str:
    words = text.split()
    return " ".join(words[:WORDS]) + (" …" if len(words) > WORDS else "")


def _body(text: str) -> str:
    return _plain(_TAG.sub(" ", text)).strip()


def _plain(text: str) -> str:
    for safe, raw in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(safe, raw)
    return text


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")


def _text(content: object) -> str:
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(part["text"] for part in parts if part.get("type") == "text")
