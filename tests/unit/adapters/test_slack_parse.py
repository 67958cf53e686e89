"""Events to posts: the table "What gets an answer", row by row."""

import dataclasses
import datetime as dt
from typing import Any

import pytest
import slack_helpers
from hypothesis import given
from hypothesis import strategies as st

from adapters.slack import address, happenings, parse

RULES = slack_helpers.RULES
FLAT = dataclasses.replace(RULES, dm_mode="flat")
ON_MENTION = dataclasses.replace(RULES, thread_replies="mention")
NAMES = {"U1": "Ada", "U2": "Grace"}


def message(**changes: Any) -> dict[str, Any]:
    """A person's post in a channel, changed as given; None takes a key away."""
    event = {
        "type": "message",
        "channel": "C1",
        "channel_type": "channel",
        "user": "U1",
        "text": "hello",
        "ts": "1700000000.000100",
        "team": "T1",
        **changes,
    }
    return {key: value for key, value in event.items() if value is not None}


def read(event: dict[str, Any], *, rules: parse.Rules = RULES, held: bool = False) -> happenings.Happening:
    """Read it as the bot of T1."""
    return parse.read(event, team="T1", rules=rules, held=held, names=NAMES)


def said(event: dict[str, Any], *, rules: parse.Rules = RULES, held: bool = False) -> happenings.Said:
    """Read it; it must be a post."""
    found = read(event, rules=rules, held=held)
    assert isinstance(found, happenings.Said), found
    return found


THREAD = {"thread_ts": "1690000000.000001"}
MENTION = {"text": "<@UBOT> hello"}


@pytest.mark.parametrize(
    ("event", "held", "rules", "addressed"),
    [
        (message(**MENTION), False, RULES, True),  # channel: mentions it
        (message(**MENTION, type="app_mention"), False, RULES, True),  # the same gesture's twin
        (message(**MENTION, **THREAD), False, RULES, True),  # a thread it is not in: mentions it
        (message(**THREAD), True, RULES, True),  # a thread it is in: no mention needed
        (message(**THREAD), True, ON_MENTION, False),  # … unless the setting wants one
        (message(**THREAD, **MENTION), True, ON_MENTION, True),
        (message(**THREAD, text="<@U2> what about you?"), True, RULES, False),  # opens to somebody else
        (message(**THREAD, text=" <@U2|grace> and you?"), True, RULES, False),
        (message(**THREAD, text="<!subteam^S9|@ops> and you?"), True, RULES, False),
        (message(**THREAD, text="<@U2> and <@UBOT>, both"), True, RULES, True),  # a mention wins
        (message(**THREAD, text="ask <@U2>"), True, RULES, True),  # mentions, but does not open with it
        (message(**THREAD, subtype="thread_broadcast"), True, RULES, True),
        (message(**THREAD, subtype="file_share", text="", files=[{"id": "F1"}]), True, RULES, True),
        (message(**THREAD, subtype="me_message"), True, RULES, True),
        (message(channel="D1", channel_type="im"), False, RULES, True),  # DM: posts
        (message(channel="D1", channel_type="im", text="<@U2> is away"), False, RULES, True),
        (message(channel="D1", channel_type="im"), False, FLAT, True),
        (message(channel="G1", channel_type="mpim", **MENTION), False, RULES, True),  # a group DM: a channel
        (message(**THREAD, bot_id="B9", user="U9"), True, RULES, False),  # another bot: context only
        (message(**THREAD, bot_id="B9", user=None, subtype="bot_message", **MENTION), True, RULES, False),
    ],
)
def test_what_is_recorded_and_what_is_addressed(
    event: dict[str, Any], held: bool, rules: parse.Rules, addressed: bool
) -> None:
    """Each row of the contract's table gives a post, addressed as the row says."""
    assert addressed == said(event, held=held, rules=rules).post.addressed


@pytest.mark.parametrize(
    ("event", "held"),
    [
        (message(), False),  # a channel post outside its threads that does not mention it
        (message(channel="G1", channel_type="mpim"), False),
        (message(**THREAD), False),  # a thread it is not in
        (message(**THREAD, user="UBOT", bot_id="BBOT"), True),  # itself
        (message(**MENTION, user="UBOT", bot_id="BBOT"), False),
        (message(**MENTION, bot_id="B9", user="U9"), False),  # another bot's mention
        (message(**MENTION, user="USLACKBOT"), False),
        (message(subtype="channel_join", text="<@UBOT> has joined"), False),
        (message(subtype="pinned_item", **THREAD), True),
        (message(subtype="message_replied"), True),
        (message(subtype="huddle_thread", **THREAD), True),
        (message(channel="D1", channel_type="im", text=" "), False),  # nothing said
        ({"type": "reaction_added", "user": "U1", "item": {"channel": "C1", "ts": "1.1"}}, True),
    ],
)
def test_what_is_nothing(event: dict[str, Any], held: bool) -> None:
    """What the contract does not name is neither stored nor answered."""
    assert isinstance(read(event, held=held), happenings.Nothing)


def test_the_two_events_of_a_mention_give_the_same_post() -> None:
    """Whichever of `message` and `app_mention` comes first, the same post is recorded at the same home."""
    twin = message(**MENTION, type="app_mention", channel_type=None)
    assert said(message(**MENTION)) == said(twin)


@pytest.mark.parametrize(
    ("event", "rules", "expected"),
    [
        (message(**MENTION), RULES, "slack:T1:C1:1700000000.000100"),
        (message(**MENTION, **THREAD), RULES, "slack:T1:C1:1690000000.000001"),
        (message(channel="D1"), RULES, "slack:T1:D1:1700000000.000100"),
        (message(channel="D1", **THREAD), RULES, "slack:T1:D1:1690000000.000001"),
        (message(channel="D1"), FLAT, "slack:T1:D1"),
        (message(channel="D1", **THREAD), FLAT, "slack:T1:D1"),
    ],
)
def test_conversation_ids(event: dict[str, Any], rules: parse.Rules, expected: str) -> None:
    """An id is the workspace, the channel and the root's ts; in a flat DM the workspace and the DM."""
    found = said(event, rules=rules)
    assert expected == found.post.conversation


@pytest.mark.parametrize(
    ("event", "rules", "thread"),
    [
        (message(**MENTION), RULES, "1700000000.000100"),
        (message(**MENTION, **THREAD), RULES, "1690000000.000001"),
        (message(channel="D1"), RULES, "1700000000.000100"),
        (message(channel="D1", **THREAD), FLAT, ""),
    ],
)
def test_where_the_answer_goes(event: dict[str, Any], rules: parse.Rules, thread: str) -> None:
    """An answer goes into the thread of the post, in a flat DM to the top level."""
    home = said(event, rules=rules).home
    assert address.Address(channel=event["channel"], thread=thread, user_team="T1") == address.read(home)
    assert ("slack", "T1", event["channel"]) == (home.platform, home.workspace, home.channel)


def test_a_person_of_a_connected_workspace_keeps_their_own() -> None:
    """The conversation belongs to the bot's workspace, the asker to theirs: streaming wants to know both."""
    found = said(message(**MENTION, team="T9", user_team="T9"))
    assert found.post.conversation.startswith("slack:T1:")
    assert address.read(found.home).user_team == "T9"


def test_the_workspace_is_the_one_the_event_was_sent_to() -> None:
    """The authorization names the bot's workspace; `team_id` may be the author's in a shared channel."""
    body = {"team_id": "T9", "authorizations": [{"team_id": "T1"}]}
    assert parse.team_of(body) == "T1"
    assert parse.team_of({"team_id": "T1", "authorizations": [{"team_id": None}]}) == "T1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<@UBOT> what now?", "what now?"),  # the opening mention of the bot is no part of the question
        ("<@UBOT|bot>, what now?", "what now?"),
        ("what now, <@UBOT>?", "what now, @Threadmate?"),
        ("<@UBOT>", "@Threadmate"),  # a bare mention is a question too
        ("<@U2> knows, <@U404> too", "@Grace knows, @U404 too"),
        ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
    ],
)
def test_texts(text: str, expected: str) -> None:
    """People stand in the text by name, escapes are undone once."""
    event = message(text=text, channel="D1")
    assert expected == said(event).post.text


def test_the_author_and_the_time() -> None:
    """A post has its author's name where known, and the platform's time to the microsecond."""
    post = said(message(**MENTION)).post
    assert (post.author, post.author_name, post.role) == ("U1", "Ada", "user")
    assert dt.datetime(2023, 11, 14, 22, 13, 20, 100, tzinfo=dt.UTC) == post.sent_at
    assert said(message(**MENTION, user="U404")).post.author_name == "U404"


def test_files_are_recorded() -> None:
    """A post's files are its attachments; one that was deleted is none."""
    files = [
        {
            "id": "F1",
            "name": "a.png",
            "mimetype": "image/png",
            "size": 9,
            "url_private_download": "https://files.slack.com/a",
        },
        {"id": "F2", "mode": "tombstone"},
        {"id": "F3", "file_access": "check_file_info"},
    ]
    post = said(message(**MENTION, subtype="file_share", files=files)).post
    assert [(file.id, file.name, file.media_type, file.size, file.url) for file in post.attachments[:1]] == [
        ("F1", "a.png", "image/png", 9, "https://files.slack.com/a")
    ]
    assert [file.id for file in post.attachments] == ["F1", "F3"]


def changed(**changes: Any) -> dict[str, Any]:
    """A message_changed event whose message is changed as given."""
    before = message(**THREAD)
    after = {**before, "text": "hello all", "edited": {"user": "U1", "ts": "1700000009.000000"}, **changes}
    place = {"channel": "C1", "channel_type": "channel", "ts": "1700000010.000000"}
    return {
        **place,
        "type": "message",
        "subtype": "message_changed",
        "message": after,
        "previous_message": before,
    }


def test_an_edit() -> None:
    """New words of a post are an edit of that post at the time Slack marks."""
    expected = happenings.Edited(
        conversation=parse.conversation_of(message(**THREAD), team="T1", rules=RULES),
        post_id="1700000000.000100",
        text="hello all",
        attachments=(),
        edited_at=dt.datetime(2023, 11, 14, 22, 13, 29, tzinfo=dt.UTC),
    )
    assert expected == read(changed())


@pytest.mark.parametrize(
    "event",
    [
        changed(text="hello", edited=None, attachments=[{"from_url": "https://example.com"}]),  # link preview
        changed(text="hello"),
        changed(edited=None),
        changed(user="UBOT", bot_id="BBOT"),  # its own edit
    ],
)
def test_a_change_that_is_no_edit(event: dict[str, Any]) -> None:
    """Link previews and the bot's own edits change nothing."""
    assert isinstance(read(event), happenings.Nothing)


def test_deletions() -> None:
    """A deleted post is erased, also a root that Slack keeps as a tombstone, and one of the bot's."""
    where = parse.conversation_of(message(**THREAD), team="T1", rules=RULES)
    expected = happenings.Erased(conversation=where, post_id="1700000000.000100")
    deleted = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "deleted_ts": "1700000000.000100",
        "previous_message": message(**THREAD),
        "ts": "1700000010.000000",
    }
    assert expected == read(deleted)
    assert expected == read(changed(subtype="tombstone", text="This message was deleted."))
    own = {**deleted, "previous_message": message(**THREAD, user="UBOT", bot_id="BBOT")}
    assert dataclasses.replace(expected, own=True) == read(own)


def test_a_deleted_root_belongs_to_its_own_thread() -> None:
    """A root without replies has no thread_ts: its own ts names the conversation."""
    deleted = {
        "type": "message",
        "subtype": "message_deleted",
        "channel": "C1",
        "deleted_ts": "1700000000.000100",
        "previous_message": message(),
        "ts": "1700000010.000000",
    }
    assert said(message(**MENTION)).post.conversation == parse.conversation_of(
        deleted, team="T1", rules=RULES
    )


@pytest.mark.parametrize(
    ("event", "held"),
    [
        (message(text="<@UBOT> !usage today"), False),
        (message(text="!usage today", channel="D1"), False),
        (message(text="!usage today", **THREAD), True),
    ],
)
def test_commands(event: dict[str, Any], held: bool) -> None:
    """`!word` is a command where it is addressed to the bot."""
    found = read(event, held=held)
    assert isinstance(found, happenings.Ordered), found
    assert ("usage", "today", event["ts"]) == (
        found.command.word,
        found.command.argument,
        found.command.id,
    )


def test_the_stop_button() -> None:
    """The stop button of an agent session stops the answer in that thread."""
    event = {"type": "agent_session_stopped", "channel": "C1", "thread_ts": "1.000001", "user": "U1"}
    assert read(event) == happenings.Stopped(
        conversation=address.conversation_id(team="T1", channel="C1", thread="1.000001")
    )


def test_history_has_the_bots_own_answers_as_its_own() -> None:
    """A thread read late holds people's posts as user, the bot's as assistant, and nothing addressed."""
    where = address.conversation_id(team="T1", channel="C1", thread="1.000001")
    own = message(
        user="UBOT", bot_id="BBOT", text="short", blocks=[{"type": "markdown", "text": "**long** answer"}]
    )
    post = parse.history_post(own, where=where, rules=RULES, names=NAMES)
    assert post is not None
    assert (post.role, post.text, post.author_name) == ("assistant", "**long** answer", "Threadmate")
    person = parse.history_post(message(**MENTION), where=where, rules=RULES, names=NAMES)
    assert person is not None
    assert (person.role, person.addressed) == ("user", False)
    notice = {**own, "metadata": {"event_type": parse.NOTICE, "event_payload": {}}}
    assert parse.history_post(notice, where=where, rules=RULES, names=NAMES) is None
    joined = message(subtype="channel_join")
    assert parse.history_post(joined, where=where, rules=RULES, names=NAMES) is None


@given(text=st.text(max_size=200), held=st.booleans(), thread=st.sampled_from([None, "1690000000.000001"]))
def test_no_text_breaks_it(text: str, held: bool, thread: str | None) -> None:
    """Whatever somebody writes, it is read, and the first and the second reading agree on what it is."""
    event = message(text=text, thread_ts=thread, channel="D1")
    unnamed = parse.read(event, team="T1", rules=RULES, held=held)
    named = parse.read(event, team="T1", rules=RULES, held=held, names=NAMES)
    assert type(unnamed) is type(named)
