"""How the bot starts: quickly, with little, and with a status that says how it ended."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys

import pytest

from bot import errors, settings, starting

ROOT = pathlib.Path(__file__).parents[2]

# What takes long to import or much memory, and is of use to some or only later.
LATER = {
    "anthropic": "made beside the running bot",
    "slack_bolt": "where Slack is on",
    "discord": "where Discord is on",
    "click": "the command line",
    "opentelemetry": "where traces are exported",
    "mcp": "where tools are listed",
    "cryptography": "where tokens are stored encrypted",
    "PIL": "when a picture is posted",
    "pypdf": "when a PDF is posted",
    "docx": "when a Word document is posted",
    "openpyxl": "when a sheet is posted",
    "emulators": "the playground",
    "playground": "the playground",
    "unittest": "tests",
}


def python(*words: str, folder: pathlib.Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with nothing set but these variables."""
    unset = {name.upper() for name in settings.Settings.model_fields}
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_start_imports_what_every_bot_needs_and_no_more(tmp_path: pathlib.Path) -> None:
    """What only some need, or nobody before the first answer, is not imported with the program."""
    done = python("-c", "import sys, bot.__main__; print(*sys.modules)", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & set(LATER) == set()


@pytest.mark.parametrize(
    ("variables", "status", "named"),
    [
        ({"BOT_HTTP_PORT": "canary"}, 2, "BOT_HTTP_PORT: input should"),
        ({"BOT_HTTP_HOST": "192.0.2.1"}, 2, "BOT_HTTP_HOST: should"),  # found out when it listens
        ({"DATABASE_URL": "sqlite:////no/such/folder/canary.db"}, 2, "DATABASE_URL: should"),
        ({"DATABASE_URL": "sqlite:////proc/canary.db"}, 1, "DATABASE_URL"),  # nobody may write there
    ],
)
def test_it_says_why_it_does_not_start(
    tmp_path: pathlib.Path, variables: dict[str, str], status: int, named: str
) -> None:
    """A wrong setting is status 2, a state of the machine status 1; a line, without the value."""
    done = python(
        "-m",
        "bot",
        folder=tmp_path,
        DISCORD_BOT_TOKEN="canary",
        ANTHROPIC_API_KEY="canary",
        **variables,
    )
    assert done.returncode == status
    assert named in done.stderr.splitlines()[-1]
    assert "canary" not in done.stderr
    assert "Traceback" not in done.stderr


async def _lost() -> None:
    raise errors.PlatformUnavailable("auth.test: no connection")


def test_a_platform_that_cannot_be_reached_is_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    """An operator reads what happened and what to do, no traceback, and the status says that it failed."""
    assert starting.outcome(_lost()) == 1
    said = capsys.readouterr().err
    assert said == f"{starting.UNREACHED} (auth.test: no connection)\n"
    assert "check the network" in said
