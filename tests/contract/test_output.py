"""Contract: what people see. Nobody is pinged by accident, long answers are whole, Markdown stands."""

from __future__ import annotations

import re

import pytest
import stage

# Slack's other way in, and a workspace without streaming, as well.
pytestmark = pytest.mark.parametrize("empty_stage", ["slack", "slack_http", "discord"], indirect=True)

BROADCASTS = [
    "@everyone",
    "@here",
    "<!channel> <!here> <!everyone>",
    "<!subteam^S0123ABCD>",
    "<@&{role}>",
    "&lt;!channel&gt; and \\@everyone",
    "`<!channel>` and ```\n<!here>\n```",
]
ROW = "| name | size |\n|---|---|\n| log | 3 |\n| index | 5 |"


@pytest.mark.parametrize("text", BROADCASTS)
async def test_an_answer_pings_no_crowd(scene: stage.Stage, text: str) -> None:
    """Whatever Claude was talked into, no answer notifies a channel, everybody, or a group."""
    role = scene.group("Engineers")
    scene.claude.answer = lambda _body: f"Attention {text.format(role=role)} please. " + "So it goes. " * 30
    asked = await scene.mention(scene.channel, "wake them all up")
    await scene.idle()
    assert len(scene.answers(scene.under(asked))) == 1
    assert scene.pinged() <= {scene.ada}


async def test_a_growing_answer_pings_no_crowd(scene: stage.Stage) -> None:
    """Nor does an answer that is shown while it grows, wherever it is cut."""
    words = " ".join(["<!channel>", "@everyone", "@here"] * 40)
    scene.claude.answer = lambda _body: stage.slowly(words)
    await scene.mention(scene.channel, "wake them all up")
    await scene.idle()
    assert scene.pinged() <= {scene.ada}


@pytest.mark.parametrize("size", [1_900, 2_100, 7_000])
async def test_a_long_answer_arrives_whole(scene: stage.Stage, size: int) -> None:
    """A long answer is split within the platform's limit, never inside a word; no word is lost or moved."""
    words = [f"w{number:05}" for number in range(size // 7)]
    scene.claude.answer = lambda _body: " ".join(words)
    asked = await scene.mention(scene.channel, "tell me everything")
    await scene.idle()
    parts = scene.answers(scene.under(asked))
    assert all(len(part) <= scene.limit for part in parts)
    assert " ".join(parts).split() == words
    assert len(parts) == 1 or size > 0.9 * scene.limit


async def test_a_long_answer_that_grows_arrives_whole(scene: stage.Stage) -> None:
    """So it does when it is shown while it grows."""
    words = [f"w{number:05}" for number in range(1_000)]
    scene.claude.answer = lambda _body: stage.slowly(" ".join(words))
    asked = await scene.mention(scene.channel, "tell me everything")
    await scene.idle()
    assert " ".join(scene.answers(scene.under(asked))).split() == words


async def test_code_fences_are_closed_and_reopened(scene: stage.Stage) -> None:
    """A fence that is split is closed at the end of one post and reopened, in its language, in the next."""
    width = 3 * scene.limit // 100  # of 50 lines, which are no file yet
    lines = [f"print({number:2}, '{'room' * (width // 4)}')" for number in range(50)]
    scene.claude.answer = lambda _body: "Here:\n\n```python\n" + "\n".join(lines) + "\n```\n\nThat is all."
    asked = await scene.mention(scene.channel, "write me a program")
    await scene.idle()
    parts = scene.answers(scene.under(asked))
    assert len(parts) > 1
    for part in parts:
        fences = re.findall(r"^```(\w*)$", part, re.MULTILINE)
        assert len(fences) % 2 == 0
        assert set(fences[::2]) <= {"python"}
        assert not any(fences[1::2])
    shown = [line for part in parts for line in part.splitlines() if line.startswith("print(")]
    assert shown == lines
    assert parts[-1].rstrip().endswith("That is all.")


@pytest.mark.parametrize(
    "text",
    [
        "A **bold** word, an *italic* one and `some code`.",
        "See [the docs](https://example.com/a?b=c&d=e) for more.",
        "1. one\n2. two\n   - nested\n3. three",
        "```sql\nSELECT a < b AND c > d FROM t WHERE x <> '&amp;';\n```",
        "> quoted\n\nand answered",
        "a < b && c > d",
    ],
)
async def test_markdown_reaches_people(scene: stage.Stage, text: str) -> None:
    """Markdown that the platform shows is handed to it as it is; signs stay what they are."""
    scene.claude.answer = lambda _body: text
    asked = await scene.mention(scene.channel, "show me")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [text]
    assert (await scene.stored())[-1] == text


async def test_a_table_keeps_its_cells(scene: stage.Stage) -> None:
    """A table arrives with all its cells, in order."""
    scene.claude.answer = lambda _body: f"Sizes:\n\n{ROW}\n\nSo there."
    asked = await scene.mention(scene.channel, "show me")
    await scene.idle()
    (shown,) = scene.answers(scene.under(asked))
    assert re.findall(r"\w+", shown) == ["Sizes", "name", "size", "log", "3", "index", "5", "So", "there"]


async def test_no_link_preview_of_an_answer(scene: stage.Stage) -> None:
    """A link in an answer is never fetched by the platform: a preview could carry words to a stranger."""
    scene.claude.answer = lambda _body: "See https://evil.example/?q=secret for more."
    asked = await scene.mention(scene.channel, "show me")
    await scene.idle()
    assert len(scene.answers(scene.under(asked))) == 1
    assert scene.previews() == 0


async def test_a_person_named_in_an_answer_is_mentioned_by_name(scene: stage.Stage) -> None:
    """Mentions reach Claude as names, and a name Claude writes is shown to people as that person."""
    scene.claude.answer = lambda _body: "Ask @Bob about it."
    asked = await scene.mention(scene.channel, f"who knows, {scene.at(scene.bob)}?")
    await scene.idle()
    (shown,) = scene.answers(scene.under(asked))
    assert shown in {"Ask @Bob about it.", f"Ask {scene.at(scene.bob)} about it."}
