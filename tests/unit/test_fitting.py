"""What one request holds of files, and which give way."""

from __future__ import annotations

import dataclasses

import world

from bot import conversation, turns
from bot.planning import context, fitting, sizes

ROOM = 800_000


def with_media(number: int, media: conversation.Media, place: int) -> conversation.Post:
    """A post with one file."""
    file = conversation.Attachment(
        id="F", name=f"{number}.pdf", media_type="x/y", size=9, url="u", media=media
    )
    return dataclasses.replace(world.a_post(number, attachments=(file,)), place=place)


def paper(pages: int) -> conversation.Media:
    """A PDF of so many pages."""
    return conversation.Media(
        kind="pdf",
        digest="d",
        media_type="application/pdf",
        size=1_000,
        pages=pages,
        tokens=pages * 3_000,
        text="w" * 5_000,
    )


def test_what_fits_stays_whole() -> None:
    """Nothing gives way while every limit is kept."""
    posts = [with_media(number, paper(20), number) for number in range(1, 5)]
    assert fitting.described(posts, already=(), room=ROOM) == ()


def test_the_oldest_give_way_and_leave_half_of_it_free() -> None:
    """Past a limit the newest stay, as long as half of the request is free for what comes."""
    posts = [with_media(number, paper(20), number) for number in range(1, 7)]
    left_out = fitting.described(posts, already=(), room=ROOM)
    assert left_out == ("1/0", "2/0", "3/0", "4/0")
    assert fitting.described(posts, already=left_out, room=ROOM) == left_out


def test_what_has_given_way_stays_so_though_there_is_room_again() -> None:
    """What was sent as a description is sent so again: the prefix does not change."""
    posts = [with_media(1, paper(2), 1)]
    assert fitting.described(posts, already=("1/0",), room=ROOM) == ("1/0",)


def test_a_decision_holds_what_gives_way_and_the_request_follows_it() -> None:
    """The plan names the files; the request carries the others as blocks, and these as their descriptions."""
    posts = tuple(with_media(number, paper(60), number) for number in (1, 2))
    thread = conversation.Thread(conversation=world.KEY, posts=posts, summaries=(), last=None)
    facts = conversation.ModelFacts(
        id="m",
        context_tokens=1_000_000,
        max_output_tokens=128_000,
        min_prefix_tokens=512,
        thinking=None,
        efforts=(),
    )
    decision = context.decide(
        thread, policy=world.a_policy(budget_tokens=500_000), facts=facts, system="s", now=posts[0].sent_at
    )
    assert decision.plan.described == ("1/0",)
    built = context.request(thread, decision.plan, system="s").turns
    assert [block.text for turn in built for block in turn.blocks if block.media] == ["2.pdf"]
    text = "".join(block.text for turn in built for block in turn.blocks if not block.media)
    assert 'seen="no longer: its description only"' in text
    assert text.count("w" * turns.DESCRIBED_CHARACTERS) == 1
    assert "w" * (turns.DESCRIBED_CHARACTERS + 1) not in text


def test_a_size_is_never_below_what_is_written() -> None:
    """The estimate of a post with files counts its text, its tags and its blocks."""
    for media in (paper(3), conversation.Media(kind="text", text="word " * 900, tokens=1_500), None):
        post = with_media(1, media, 1) if media else world.a_post(1)
        [size] = sizes.places([dataclasses.replace(post, place=1)])
        [turn] = turns.rebuild([dataclasses.replace(post, place=1)])
        shown = sum(block.media.tokens for block in turn.blocks if block.media)
        text = sum(len(block.text) / 3.5 for block in turn.blocks if not block.media)
        assert size.tokens >= shown + text
