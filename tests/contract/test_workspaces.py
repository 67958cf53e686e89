"""Contract: one bot in several Slack workspaces that install it by OAuth, and never a word between them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import datetime as dt
import pathlib
import re
import sqlite3

import oauth_stage
import pytest
import stage
from cryptography import fernet

from bot import errors, settings
from emulators import slack


@pytest.fixture
def scene(empty_stage: stage.Stage) -> oauth_stage.OAuthStage:
    """The stage before the bot is started."""
    assert isinstance(empty_stage, oauth_stage.OAuthStage)
    return empty_stage


pytestmark = pytest.mark.parametrize("empty_stage", ["slack_oauth"], indirect=True)


@pytest.fixture
async def pair(scene: oauth_stage.OAuthStage) -> tuple[oauth_stage.OAuthStage, oauth_stage.Branch]:
    """The bot in two workspaces whose people and channels have the same ids."""
    await scene.start()
    other = oauth_stage.Branch.of(scene, "Beta", same_ids=True)
    assert (await scene.install(other.workspace)).status == 200
    assert (other.ada, other.channel) == (scene.ada, scene.channel.channel)
    return scene, other


Pair = tuple[oauth_stage.OAuthStage, oauth_stage.Branch]


def files(folder: pathlib.Path) -> bytes:
    """Every byte of the database's files."""
    return b"".join(path.read_bytes() for path in sorted(folder.glob("bot.db*")))


async def test_two_workspaces_are_answered_each_by_its_own_bot(pair: Pair) -> None:
    """A mention in either is answered there, with that workspace's token."""
    scene, other = pair
    asked = await scene.mention(scene.channel, "hello from alpha")
    ts = await other.mention("hello from beta")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert other.answers(ts) == stage.answered(1)
    for workspace in (scene.service, other.workspace):
        assert {call.token for call in workspace.calls if call.method.startswith("chat.")} == {
            workspace.bot_token
        }


async def test_no_word_crosses_where_everything_but_the_team_is_the_same(pair: Pair) -> None:
    """Two threads with the same channel and ts are two conversations, after a restart too."""
    scene, other = pair
    asked = await scene.mention(scene.channel, "the canary word is zebrafinch")
    ts = await other.mention("what is the canary word", ts=asked.id)
    assert ts == asked.id
    await scene.idle()
    await scene.restart()
    await other.mention("and now", thread=ts)
    await scene.post(scene.under(asked), "and here")
    await scene.idle()
    of_beta = [body for body in scene.requests if "what is the canary word" in str(body)]
    assert len(of_beta) == 2
    assert "zebrafinch" not in str(of_beta)
    assert other.answers(ts) == stage.answered(1, 2)
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)


async def test_what_was_missed_is_caught_up_on_in_each(pair: Pair) -> None:
    """After a restart each workspace's own threads are read, with its own token."""
    scene, other = pair
    asked = await scene.mention(scene.channel, "alpha before")
    ts = await other.mention("beta before")
    await scene.idle()
    await scene.stop()
    await scene.post(scene.under(asked), "alpha meanwhile", event=False)
    words = "beta meanwhile"
    scene.belongs(words, f"{other.workspace.team_id}/{other.channel}/{ts}")
    await other.workspace.post(channel=other.channel, user=other.ada, text=words, thread_ts=ts, deliver=False)
    await scene.start()
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
    assert other.answers(ts) == stage.answered(1, 2)


async def test_an_uninstall_erases_the_workspace_and_no_other(pair: Pair) -> None:
    """Token and words of the workspace that leaves are gone from the database's bytes; the other goes on."""
    scene, other = pair
    asked = await scene.mention(scene.channel, "alpha keeps quetzalcoatl")
    await other.mention("beta leaves xylophonist")
    await scene.idle()
    token = other.workspace.bot_token
    row = await scene.running.book.installs.find("slack", other.workspace.team_id)
    assert row is not None
    assert b"xylophonist" in files(scene.folder)
    await other.workspace.uninstall()
    await scene.idle()
    await scene.running.book.scrubbed()
    await scene.stop()
    left = files(scene.folder)
    assert (b"xylophonist" in left, row.sealed in left, token.encode() in left) == (False, False, False)
    assert b"quetzalcoatl" in left
    await scene.start()
    await scene.post(scene.under(asked), "still there?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)


async def test_a_late_uninstall_spares_a_workspace_that_came_back(pair: Pair) -> None:
    """An uninstall that is delivered after the workspace installed again erases nothing."""
    scene, other = pair
    scene.service.faults.hold()
    await other.workspace.uninstall()
    await asyncio.sleep(1.1)  # the event carries whole seconds
    assert (await scene.install(other.workspace)).status == 200
    scene.service.faults.release()
    await scene.idle()
    ts = await other.mention("here again")
    await scene.idle()
    assert other.answers(ts) == stage.answered(1)


async def test_a_revoked_token_is_erased_and_the_conversations_stay(pair: Pair) -> None:
    """`tokens_revoked` takes the token; after the next installation the thread goes on."""
    scene, other = pair
    ts = await other.mention("before")
    await scene.idle()
    other.workspace.app.end(other.workspace, "token_revoked")
    tokens = {"oauth": [], "bot": [other.workspace.bot_user_id]}
    other.workspace.send_event({"type": "tokens_revoked", "tokens": tokens, "event_ts": "1.0"})
    await scene.idle()
    assert await scene.running.book.installs.find("slack", other.workspace.team_id) is None
    await scene.install(other.workspace)
    await other.mention("after", thread=ts)
    await scene.idle()
    assert other.answers(ts) == stage.answered(1, 2)


async def test_a_token_is_renewed_in_the_middle_of_an_answer(scene: oauth_stage.OAuthStage) -> None:
    """Two hours before its end a token is renewed once, however many calls need it; the answer goes on."""
    scene.service.app.rotates = True
    await scene.start()
    scene.claude.answer = lambda _: stage.slowly(("one long answer " * 20).strip())
    first = scene.service.bot_token
    asked = await scene.mention(scene.channel, "tell me")
    await scene.until(lambda: any(scene.answers(scene.under(asked))))
    installs = scene.running.book.installs
    row = await installs.find("slack", scene.service.team_id)
    assert row is not None
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=90)
    assert await installs.replace(dataclasses.replace(row, expires_at=soon))
    await scene.idle()
    assert scene.answers(scene.under(asked)) == [("one long answer " * 20).strip()]
    renewals = [call for call in scene.service.called("oauth.v2.access") if call.args.get("refresh_token")]
    assert len(renewals) == 1
    assert {call.token for call in scene.service.calls if call.method.startswith("chat.")} == {
        first,
        scene.service.bot_token,
    }


async def test_a_token_that_slack_calls_expired_is_renewed(scene: oauth_stage.OAuthStage) -> None:
    """Where Slack's clock and ours differ, its word counts: the call is made again with a new token."""
    scene.service.app.rotates = True
    await scene.start()
    scene.service.app.tokens[scene.service.bot_token].expires_at = 0.0
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)


async def test_a_renewal_that_a_crash_cut_is_made_after_it(scene: oauth_stage.OAuthStage) -> None:
    """A claim whose process died holds nobody up for longer than the token serves."""
    scene.service.app.rotates = True
    await scene.start()
    installs = scene.running.book.installs
    row = await installs.find("slack", scene.service.team_id)
    assert row is not None
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=90)
    assert await installs.replace(dataclasses.replace(row, expires_at=soon))
    row = await installs.find("slack", scene.service.team_id)
    assert row is not None
    long_ago = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=61)
    assert await installs.claim(row, now=long_ago, seconds=60)  # and then the process died
    await scene.restart()
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    renewed = await scene.running.book.installs.find("slack", scene.service.team_id)
    assert renewed is not None
    assert renewed.serial == row.serial + 1


async def test_a_shared_channel_gets_one_answer(pair: Pair) -> None:
    """In a channel of two installed workspaces the bot that is mentioned answers, once, and goes on alone."""
    scene, _ = pair
    other = oauth_stage.Branch.of(scene, "Gamma")
    await scene.install(other.workspace)
    place = stage.Place(channel=scene.service.add_channel("shared", members=[scene.ada]))
    scene.service.share(place.channel, other.workspace)
    await scene.restart(bot_guests="allow")  # to each workspace the other's people are guests
    words = f"<@{other.workspace.bot_user_id}> hello both"
    ts = await scene.service.post(channel=place.channel, user=scene.ada, text=words)
    scene.belongs("hello both", "shared")
    await scene.idle()
    scene.belongs("go on", "shared")
    await scene.service.post(channel=place.channel, user=scene.ada, text="go on", thread_ts=ts)
    await scene.idle()
    posts = scene.service.messages(place.channel, ts)
    wrote = [post["user"] for post in posts if post["user"] != scene.ada]
    assert wrote == [other.workspace.bot_user_id] * 2


async def test_a_denied_and_a_forged_installation_store_nothing(scene: oauth_stage.OAuthStage) -> None:
    """A no, a state of nobody and a state of another browser each get a page that says what to do."""
    scene.by_itself = False
    await scene.start()
    denied = await scene.install(scene.service, say="no")
    assert (denied.status, "Nothing was installed" in denied.text) == (403, True)
    forged = await scene.fetch("/slack/oauth_redirect?code=c&state=s")
    assert (forged.status, "Please start again" in forged.text) == (400, True)
    stolen = await scene.fetch(await scene.way_back_of_somebody_else())
    assert stolen.status == 400
    assert await scene.running.book.installs.all() == []


async def test_a_code_that_slack_refuses_is_told(scene: oauth_stage.OAuthStage) -> None:
    """The page names Slack's reason and the way to start again."""
    scene.by_itself = False
    await scene.start()
    scene.service.fail(slack.Fault(kind="error", method="oauth.v2.access", error="invalid_code"))
    page = await scene.install(scene.service)
    assert (page.status, "invalid_code" in page.text, "/slack/install" in page.text) == (502, True, True)


async def test_a_wrong_key_ends_the_start(scene: oauth_stage.OAuthStage) -> None:
    """Where no key opens a stored token, the operator is told which variable and what to do."""
    await scene.start()
    await scene.stop()
    other = fernet.Fernet.generate_key().decode()
    with pytest.raises(errors.CredentialError, match="BOT_ENCRYPTION_KEY"):
        await scene.start(bot_encryption_key=other)
    await scene.start(bot_encryption_key=f"{other},{oauth_stage.KEY}")
    await scene.stop()
    await scene.start(bot_encryption_key=other)  # everything is under the new key now
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1)
    assert settings.load(_env_file=None, **scene.settings).encryption_keys == (other,)


async def test_a_lost_key_costs_the_tokens_alone(scene: oauth_stage.OAuthStage) -> None:
    """With what the page says the bot starts under a new key; who installs again goes on in the thread."""
    page = pathlib.Path(__file__).parents[2] / "docs" / "many-workspaces.md"
    (statement,) = re.findall(r"`sqlite3 bot.db '(.+)'`", page.read_text("utf-8"))
    await scene.start()
    asked = await scene.mention(scene.channel, "hello")
    await scene.idle()
    await scene.stop()
    with contextlib.closing(sqlite3.connect(scene.folder / "bot.db")) as db, db:
        db.execute(statement)
    await scene.start(bot_encryption_key=fernet.Fernet.generate_key().decode())
    assert (await scene.install(scene.service)).status == 200
    await scene.post(scene.under(asked), "and now?")
    await scene.idle()
    assert scene.answers(scene.under(asked)) == stage.answered(1, 2)
