"""What a Discord message means: text, names, threads' names; pure, on the library's own message objects."""

from __future__ import annotations

from typing import Any

import discord
import hypothesis
import pytest
from hypothesis import strategies

from adapters.discord import markup, parse, people

ME = parse.Me(id=900, name="Threadmate")
NAMES = markup.Names(user={1: "Ada", 2: "Bob"}.get, role={5: "Ops"}.get, channel={7: "general"}.get)


def message(**fields: Any) -> discord.Message:
    """A direct message as the gateway describes it, with some fields set."""
    state = discord.Client(intents=discord.Intents.none())._connection
    ada = {"id": "1", "username": "ada", "global_name": "Ada", "discriminator": "0", "avatar": None}
    data: Any = {
        "id": "1500000000000000000",
        "channel_id": "70",
        "type": 0,
        "content": "",
        "author": ada,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "attachments": [],
        "embeds": [],
        "pinned": False,
        "tts": False,
        "timestamp": "2026-11-22T10:00:00.000000+00:00",
        "edited_timestamp": None,
        "flags": 0,
        "components": [],
    } | fields
    channel: Any = discord.PartialMessageable(state=state, id=70)
    return discord.Message(state=state, channel=channel, data=data)


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        ("hi <@1> and <@!2>", "hi @Ada and @Bob"),  # people, the old form too
        ("<@&5> in <#7>", "@Ops in #general"),  # roles and channels
        ("<@99> <@&99> <#99>", "@unknown-user @unknown-role #unknown-channel"),  # left or deleted
        ("<:wave:123> <a:spin:456>", ":wave: :spin:"),  # custom emojis
        ("use </help:123>", "use /help"),  # a command
        ("at <t:0:R>", "at 1970-01-01 00:00 UTC"),  # a time
        ("at <t:999999999999>", "at <t:999999999999>"),  # a time no calendar has
        ("a < b > c `<@>`", "a < b > c `<@>`"),  # not a mark
    ],
)
def test_marks_become_text(content: str, shown: str) -> None:
    """Discord's marks read as a person would see them."""
    assert markup.readable(content, NAMES) == shown


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("@Ada hi", "<@1> hi"),  # one name
        ("@Ada Lovelace!", "<@3>!"),  # the longest name wins
        ("@Adam and x@Ada.org", "@Adam and x@Ada.org"),  # part of a word
        ("`@Ada`\n```\n@Ada\n```\n@Ada", "`@Ada`\n```\n@Ada\n```\n<@1>"),  # code stays
        ("```\n@Ada", "```\n@Ada"),  # a fence still open
        ("nobody", "nobody"),
    ],
)
def test_names_become_marks(text: str, sent: str) -> None:
    """A known name after an @ is Discord's mention, outside code."""
    assert markup.wire(text, {"Ada": "1", "Ada Lovelace": "3"}) == sent


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("What is a B-tree?", "What is a B-tree?"),
        ("\n\n# **Title** here\nmore", "Title here"),  # the first line with words, without markup
        ("", "Conversation"),
        ("```\n", "Conversation"),  # nothing but markup
        ("x" * 200, "x" * 99 + "…"),  # one long word
        ("word " * 40, ("word " * 19).strip() + "…"),  # cut between words
        ("a\u202eb\x00c", "abc"),  # what turns or hides text
    ],
)
def test_threads_are_named_from_the_question(text: str, name: str) -> None:
    """A thread's name is one readable line of at most 100 characters, and never empty."""
    assert markup.thread_name(text) == name


@hypothesis.given(strategies.text())
def test_every_question_gives_a_name(text: str) -> None:
    """Whatever was asked, the name is of 1 to 100 printable characters."""
    name = markup.thread_name(text)
    assert 1 <= len(name) <= 100
    assert name.isprintable()
    assert name.strip() == name


def test_the_opening_run_of_mentions() -> None:
    """Only mentions before the first word open a post."""
    assert markup.opening("<@1>, <@&5> @here: hi <@2>") == markup.Opening(
        users=(1,), roles=(5,), everybody=True
    )
    assert markup.opening("hi <@1>") == markup.Opening()


def test_the_bots_own_mention_is_left_out() -> None:
    """The mentions of the bot that open a post are no part of its text; a bare one stays as a name."""
    assert parse.text(message(content="<@900>, <@!900> hello <@900>"), ME) == "hello @Threadmate"
    assert parse.text(message(content="<@900>"), ME) == "@Threadmate"
    assert parse.text(message(content="  "), ME) == ""


def test_what_is_not_words_is_described() -> None:
    """Forwards are quoted; stickers, polls and bots' cards are told; link previews are not."""
    snapshot = {
        "message": {
            "type": 0,
            "content": "first\nsecond",
            "embeds": [],
            "attachments": [],
            "timestamp": "2026-11-22T09:00:00.000000+00:00",
            "edited_timestamp": None,
            "flags": 0,
            "mentions": [],
            "mention_roles": [],
        }
    }
    reference = {"type": 1, "channel_id": "71", "message_id": "3"}
    forwarded = message(message_snapshots=[snapshot], message_reference=reference)
    assert parse.text(forwarded, ME) == "Forwarded:\n> first\n> second"
    sticker = message(sticker_items=[{"id": "8", "name": "Wave", "format_type": 1}])
    assert parse.text(sticker, ME) == "(sticker: Wave)"
    cards = [
        {
            "type": "rich",
            "title": "Build 7",
            "description": "failed",
            "fields": [{"name": "in", "value": "3"}],
        },
        {"type": "link", "title": "Preview", "description": "of a page"},
    ]
    assert parse.text(message(content="look", embeds=cards), ME) == "look\nBuild 7\nfailed\nin: 3"
    poll = {
        "question": {"text": "Tea?"},
        "answers": [
            {"answer_id": 1, "poll_media": {"text": "yes"}},
            {"answer_id": 2, "poll_media": {"text": "no"}},
        ],
        "expiry": "2026-11-23T10:00:00.000000+00:00",
        "allow_multiselect": False,
        "layout_type": 1,
    }
    assert parse.text(message(poll=poll), ME) == "(poll: Tea?)\n- yes\n- no"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"author": {"id": "900", "username": "t", "discriminator": "0", "avatar": None}}, "own"),
        ({"type": 6}, "system"),  # a pin
        ({"type": 7}, "system"),  # a join
        ({"type": 18}, "system"),  # a thread was created
        ({"type": 20}, "system"),  # a slash command's answer
        ({"flags": 64}, "ephemeral"),
        ({"type": 19}, None),  # a reply
        ({}, None),
    ],
)
def test_what_is_never_a_post(fields: dict[str, Any], reason: str | None) -> None:
    """Its own messages, system messages and ephemeral ones are sorted out first."""
    assert parse.ignored(message(**fields), ME) == reason


def test_ids_are_minted_and_taken_apart_here() -> None:
    """A conversation's id holds its root."""
    assert parse.root(parse.conversation_id("123")) == 123


def test_a_shared_name_stands_for_nobody() -> None:
    """A name of two people in one scope is no mention; scopes do not mix."""
    names = people.People()
    names.saw("1", "Ada", "10")
    names.saw("1", "Bob", "11")
    names.saw("1", "Ada", "12")
    names.saw("2", "Ada", "13")
    assert names.known("1") == {"Bob": "11"}
    assert names.known("2") == {"Ada": "13"}
