"""The command that the inspector copies is run as a person would run it: pasted into a shell."""

import asyncio
import os
import shutil

import pytest

from emulators import claude
from playground import copying

KEY = "sk-ant-a-secret"
WORDS = """it's "quoted" $HOME `id` \\n <<'JSON'\nJSON\n"""  # what a shell would like to read


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
@pytest.mark.parametrize(
    "words",
    [
        WORDS,  # nothing is expanded, nothing ends it early
        "a long paper " * 20_000,  # longer than one argument of a command may be
    ],
    ids=["signs", "long"],
)
async def test_the_copied_command_asks_the_very_same_thing(words: str) -> None:
    """Pasted into a shell it sends the same body, with the key that the shell has and the text has not."""
    body = {
        "model": "claude-sonnet-5-5",
        "max_tokens": 200,
        "stream": True,
        "messages": [{"role": "user", "content": words}],
    }
    async with claude.Claude() as api:
        api.answer = lambda _body: "here I am"
        command = copying.curl(body, endpoint=api.url)
        assert KEY not in command
        shell = await asyncio.create_subprocess_exec(
            "/bin/sh",
            env={**os.environ, "ANTHROPIC_API_KEY": KEY},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        told, _ = await shell.communicate(command.encode())
        assert shell.returncode == 0
        assert [each.body for each in api.requests] == [body]
        assert b"message_stop" in told


def test_it_goes_where_the_bot_goes_and_tells_no_secret_of_the_address() -> None:
    """Another endpoint that was named stands in the command, without a password that its address holds."""
    command = copying.curl({}, endpoint="https://user:hush@gateway.example/claude/")
    assert command.startswith("curl https://gateway.example/claude/v1/messages \\\n")
    assert "hush" not in command
