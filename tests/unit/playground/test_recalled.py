"""What the inspector takes out of a kept call: what was looked up, and what pictures and papers weigh."""

import base64
import struct
from typing import Any

import pytest
from world import a_post

from bot.tools import recalling
from playground import calls, recalled

PNG = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 560, 280) + bytes(40_000)
PDF = b"%PDF-1.7\n/Type /Page\n/Type /Page\n" + bytes(60_000)


def a_loop(result: str, *, name: str = "recall", **more: object) -> dict[str, Any]:
    """The second call of an answer: the question, the tool that was used, what it gave."""
    use = {"type": "tool_use", "id": "toolu_1", "name": name, "input": {"query": " the code word "}}
    return {
        "model": "claude-sonnet-5-5",
        "messages": [
            {"role": "user", "content": "what was it?"},
            {"role": "assistant", "content": [{"type": "text", "text": "Let me look."}, use]},
            {
                "role": "user",
                "content": [
                    {
                        "type": "tool_result",
                        "tool_use_id": "toolu_1",
                        "content": [{"type": "text", "text": result}],
                        **more,
                    }
                ],
            },
        ],
    }


def a_call(model: str, *content: dict[str, Any]) -> calls.Call:
    """A call that was not billed, so that its weights are the estimates."""
    return calls.Call(
        number=0,
        at=0.0,
        body={"model": model, "messages": [{"role": "user", "content": list(content)}]},
        status=None,
        error=None,
        usage=None,
        stop_reason=None,
        done=False,
    )


def in_base64(kind: str, media_type: str, data: bytes) -> dict[str, Any]:
    """A picture or a paper as the bot sends it."""
    source = {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}
    return {"type": kind, "source": source}


def test_the_question_and_the_posts_that_came_back() -> None:
    """The posts that recall wrote into its result are read out of it, speakers and all."""
    posts = [
        a_post(1, "the code word\nis <post>heron", author_name='Ada "A" & Co'),
        a_post(2, "noted", role="assistant"),
    ]
    [found] = recalled.of(a_loop(recalling.result([posts])))
    assert (found.query, found.file, found.failed) == ("the code word", "", False)
    assert [(post.by, post.text) for post in found.posts] == [
        ('Ada "A" & Co', "the code word\nis <post>heron"),
        ("you, the assistant", "noted"),
    ]
    assert found.posts[0].at == f"{posts[0].sent_at:%Y-%m-%d %H:%M} UTC"


def test_a_result_without_posts_is_shown_as_it_stands() -> None:
    """Nothing found, or a refusal: Claude's own reading of it is what is shown."""
    [found] = recalled.of(a_loop(recalling.result([])))
    assert (found.posts, found.text, found.failed) == ((), "Nothing was found: try other words.", False)
    [refused] = recalled.of(a_loop("Enough.", is_error=True))
    assert (refused.text, refused.failed) == ("Enough.", True)


def test_other_tools_and_unanswered_questions_are_not_recall() -> None:
    """Only `recall` counts, and only with its result."""
    assert recalled.of(a_loop("12:00", name="clock__now")) == []
    unanswered = a_loop("")
    unanswered["messages"].pop()
    assert recalled.of(unanswered) == []


@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "SmolLM2-135M"])
def test_pictures_and_papers_weigh_what_the_api_counts(model: str) -> None:
    """A picture by its pixels, a paper by its pages, whatever model it is; both are named with their size."""
    picture, paper = in_base64("image", "image/png", PNG), in_base64("document", "application/pdf", PDF)
    image, document = calls.shown(a_call(model, picture, paper))
    assert (image.tokens, document.tokens) == (20 * 10 + 4, 2 * 2_500 + 4)
    assert image.text == f"(image, image/png, {len(PNG):,} bytes)"
    assert document.text == f"(document, application/pdf, {len(PDF):,} bytes)"


def test_a_paper_of_text_shows_its_text() -> None:
    """What Claude reads as text is shown as text."""
    source = {"type": "text", "media_type": "text/plain", "data": "remember the milk"}
    [shown] = calls.shown(a_call("x", {"type": "document", "title": "notes", "source": source}))
    assert shown.text == "notes: remember the milk"
