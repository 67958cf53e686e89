"""The logs: no secret and no text gets out, whatever way it comes in."""

import json
import subprocess
import sys

import pytest

from bot.operating import logs

# One made-up credential of every shape; each holds "canary" so that no part of it can slip out unseen.
SECRETS = {
    "slack bot token": "xoxb-1234-5678-canaryCANARY",
    "slack user token": "xoxp-1234-5678-canaryCANARY",
    "slack app token": "xapp-1-A0B1-1234-canary",
    "slack rotated token": "xoxe.xoxb-1-canaryCANARY",
    "slack refresh token": "xoxe-1-canaryCANARY",
    "claude key": "sk-ant-api03-canary_CANARY-AA",
    "discord token": "MTk4NjIyNDgzNDcxOTI1MjQ4.canary.canaryCANARYcanaryCANARYcanary",
    "authorization": "Bearer canary.CANARY/canary=",
    "discord authorization": "Bot canarycanary",
    "slack webhook": "https://hooks.slack.com/services/T0/B0/canary",
    "discord webhook": "https://discord.com/api/webhooks/123/canary-CANARY",
    "discord webhook, beta": "https://canary.discord.com/api/webhooks/123/canary",
}


def run(script: str, *, style: str = "json") -> str:
    """What a process that logs as the bot does writes to standard error."""
    setting_up = (
        "import logging, warnings, structlog\n"
        f"from bot.operating import logs\nlogs.configure('debug', {style!r})\n"
    )
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", f"{setting_up}log = structlog.get_logger()\n{script}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == ""
    return done.stderr


@pytest.mark.parametrize("kind", SECRETS)
def test_each_shape_of_credential_is_hidden(kind: str) -> None:
    """A credential is found by its shape, at the start, in the middle and in quotes."""
    secret = SECRETS[kind]
    for text in (secret, f"token={secret}", f"a {secret} b", json.dumps({"key": secret})):
        assert "canary" not in logs.hide(text).lower()
        assert logs.HIDDEN in logs.hide(text)


def test_what_is_no_credential_is_left_alone() -> None:
    """Ids, sentences and places in the code stay readable."""
    line = "slack:T1:C1:1712.5 claude-sonnet-5-5 req_011CSHoEeqs5C35K2UUqR7Fy box-office /srv/bot/turns.py:12"
    assert logs.hide(line) == line


@pytest.mark.parametrize("style", ["json", "console"])
@pytest.mark.parametrize(
    "how",
    [
        "log.info('x', value=SECRET)",  # a value
        "log.info('x', value={'deep': [SECRET]})",  # deep in a value
        "log.info('x', value=ValueError(SECRET))",  # an object that is written by its repr
        "log.info('x', value=SECRET.encode())",  # bytes
        "log.info(SECRET)",  # the event itself
        "log.info('x', **{SECRET: 1})",  # a key
        "structlog.contextvars.bind_contextvars(value=SECRET); log.info('x')",  # bound to every line
    ],
)
def test_no_way_into_a_line_lets_a_credential_out(style: str, how: str) -> None:
    """Whatever part of a line holds it, and in whatever type, a credential is redacted."""
    written = "".join(
        run("\n".join(f"SECRET = {secret!r}\n{how}" for secret in SECRETS.values()), style=style)
    )
    assert "canary" not in written.lower()
    assert written.count(logs.HIDDEN) >= len(SECRETS)


RAISING = """
def raising():
    try:
        {}["the person's words"]
    except KeyError as error:
        raise ValueError("sk-ant-canary in the person's words") from error
"""


@pytest.mark.parametrize(
    ("style", "how"),
    [
        ("json", "try:\n    raising()\nexcept ValueError:\n    log.exception('x')"),  # our own line
        ("console", "try:\n    raising()\nexcept ValueError:\n    log.exception('x')"),  # for a terminal
        ("json", "raising()"),  # nobody caught it: what Python itself would have printed
        ("json", "try:\n    raising()\nexcept ValueError as e:\n    raise ExceptionGroup('words', [e])"),
    ],
)
def test_a_traceback_holds_places_and_classes_only(style: str, how: str) -> None:
    """An exception's words may be a person's, so only its class, its causes and its places are logged."""
    written = run(RAISING + how, style=style)
    assert "words" not in written
    assert "canary" not in written
    assert "KeyError" in written
    assert "ValueError" in written
    assert "in raising" in written


@pytest.mark.parametrize(
    "how",
    [
        "logging.getLogger('slack_bolt.App').warning('event: %s', {'text': 'the words'})",
        "logging.getLogger('discord.gateway').error('the words')",
        "logging.getLogger('aiohttp').error('the words', exc_info=OSError('the words'))",
        "warnings.warn('the words')",
        "logging.getLogger('asyncio').error('the words', exc_info=ValueError('the words'))",
    ],
)
def test_a_librarys_words_are_dropped(how: str) -> None:
    """Of a library's record, its name, its place, how bad it is and the error's class are left."""
    (line,) = run(how).splitlines()
    found = json.loads(line)
    assert "words" not in line
    assert found["event"] in {"library.error", "library.warning"}
    assert found["library"]
    assert ":" in found["at"]
    assert found["error"] in {None, "OSError", "ValueError"}


def test_what_libraries_say_in_passing_is_not_logged() -> None:
    """Only warnings and errors of libraries are worth a line."""
    assert run("logging.getLogger('discord').info('the words')\nlogging.getLogger('x').debug('y')") == ""


def test_the_level_is_the_settings() -> None:
    """Lines below the level are not written."""
    written = run("logs.configure('error', 'json')\nlog.warning('quiet')\nlog.error('loud')")
    assert [json.loads(line)["event"] for line in written.splitlines()] == ["loud"]


def test_a_line_says_when_and_how_bad() -> None:
    """Each line is one JSON object with its level and its time in UTC."""
    found = json.loads(run("log.info('reply.ended', reply='r1', seconds=1.5)"))
    assert found.pop("timestamp").endswith("Z")
    assert found == {"event": "reply.ended", "level": "info", "reply": "r1", "seconds": 1.5}
