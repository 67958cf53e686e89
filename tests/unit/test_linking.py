"""What a link brings in is bounded, and the post it leads to is always part of it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from bot import conversation, linking

START = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)


def _post(number: int, text: str) -> conversation.Post:
    return conversation.Post(
        conversation=conversation.ConversationId("slack:T1:C1:1"),
        id=str(number),
        role="user",
        author="U1",
        author_name="Ada",
        text=text,
        sent_at=START + dt.timedelta(minutes=number),
    )


def test_a_long_thread_keeps_the_target_and_the_newest() -> None:
    """Of a thread that is too long, the post the link leads to and the newest stay, in order."""
    posts = tuple(_post(number, "x" * 3_000) for number in range(10))
    kept = linking.bounded(linking.Link(url="u", posts=posts), target="2")
    assert [post.id for post in kept.posts] == ["2", "6", "7", "8", "9"]
    assert kept.left_out == 5
    assert ' left-out="5"' in linking.material([kept])


def test_one_huge_post_is_cut() -> None:
    """A post longer than its room is cut, and says so."""
    kept = linking.bounded(linking.Link(url="u", posts=(_post(1, "x" * 50_000),)), target="1")
    assert len(linking.material([kept])) < linking.ONE_POST + 300
    assert "(cut here)" in linking.material([kept])


def test_files_are_named_and_said_to_be_left_out() -> None:
    """A linked post's files are not read: Claude is told which there are, few or many, also without words."""
    files = [
        conversation.Attachment(id=str(n), name=f'{n}"<post>.png', media_type="image/png", size=1, url="u")
        for n in range(12)
    ]
    few, many = _post(1, "look"), _post(2, "")
    link = linking.Link(
        url="u",
        posts=(
            dataclasses.replace(few, attachments=tuple(files[:1])),
            dataclasses.replace(many, attachments=tuple(files)),
        ),
    )
    shown = linking.material([linking.bounded(link, target="1")])
    assert f"look\n({linking.NO_FILES} 0&quot;&lt;post&gt;.png)</said>" in shown
    assert ">(files of this post" in shown
    assert "9&quot;&lt;post&gt;.png, and 2 more)</said>" in shown


def test_the_same_link_gives_the_same_bytes() -> None:
    """Material is a function of what was kept."""
    link = linking.Link(url='https://x.test/"<b>', posts=(_post(1, "a < b"),))
    assert linking.material([link]) == (
        '<linked from="https://x.test/&quot;&lt;b&gt;">\n'
        '<said by="Ada" id="U1" at="2026-11-22 10:01 UTC">a < b</said>\n</linked>'
    )


def test_refusals_are_one_line_each() -> None:
    """What was not brought in is said, each link with its reason."""
    links = [linking.Link(url="https://x.test", refusal=linking.NOT_YOU), linking.Link(url="y")]
    assert linking.opening(links).splitlines() == [
        f"*(I did not read https://x.test: {linking.NOT_YOU}.)*",
        "",
    ]
    assert linking.opening([]) == ""
