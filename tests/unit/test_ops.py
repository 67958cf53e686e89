"""What is in ops/ does what it says, as far as a machine without a container engine can tell."""

from __future__ import annotations

import asyncio
import configparser
import contextlib
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
from typing import Any

import pytest
import test_dockerfile
import yaml

from bot import cli, settings
from emulators import claude, discord

ROOT = pathlib.Path(__file__).parents[2]
UNIT = ROOT / "ops" / "threadmate.service"


class Many(dict[str, Any]):
    """A key that stands several times keeps all its values, as systemd reads it."""

    def __setitem__(self, key: str, value: Any) -> None:
        if isinstance(value, list) and key in self:
            value = [*self[key], *value]
        super().__setitem__(key, value)


def service() -> dict[str, list[str]]:
    """The [Service] section."""
    parser = configparser.RawConfigParser(strict=False, dict_type=Many)
    parser.optionxform = str  # type: ignore[assignment,method-assign] # keys are case-sensitive
    parser.read(UNIT)
    return {key: value.splitlines() for key, value in parser.items("Service")}


@pytest.fixture
def compose() -> dict[str, Any]:
    """The one service of the compose file."""
    loaded = yaml.safe_load((ROOT / "ops" / "compose.yml").read_text("utf-8"))
    assert list(loaded["services"]) == ["bot"]
    return dict(loaded["services"]["bot"])


def test_the_backup_in_the_container_is_a_backup(tmp_path: pathlib.Path) -> None:
    """The script comes in by standard input, since the image has it not, and the line makes a whole copy."""
    text = (ROOT / "ops" / "compose.yml").read_text("utf-8")
    (line,) = re.findall(r"exec -T bot python (- .+) < ops/backup.py\n", text)
    with contextlib.closing(sqlite3.connect(tmp_path / "bot.db")) as db, db:
        db.execute("CREATE TABLE posts AS SELECT 'kept' AS text")
    script = f"{sys.executable} {line} < {ROOT / 'ops' / 'backup.py'}"
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)  # noqa: S603, S607 - the file's own line
    (copy,) = tmp_path.glob("copy-*.db")
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT text FROM posts").fetchone() == ("kept",)


def test_a_command_beside_the_service_looks_into_its_log(tmp_path: pathlib.Path) -> None:
    """The line in the unit, with its paths put elsewhere, finds the log that the unit's settings name."""
    (lines,) = re.findall(r"(?m)^#   sudo (env .+ \\\n# .+)$", UNIT.read_text("utf-8"))
    script = lines.replace("\\\n# ", "")
    set_here = dict(pair.split("=", 1) for each in service()["Environment"] for pair in each.split())
    for name in ("PYTHONPATH", "DATABASE_URL"):
        assert f" {name}={set_here[name]} " in script
    (tmp_path / "bot.db").touch()
    elsewhere = {
        "/opt/threadmate/.venv/bin/python": sys.executable,
        "/opt/threadmate": str(ROOT),
        "/var/lib/threadmate": str(tmp_path),
    }
    for place, other in elsewhere.items():
        script = script.replace(place, other)
    done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=True)  # noqa: S603, S607
    assert done.stdout == "Nothing has been billed yet.\n"


def test_a_command_in_the_container_is_one() -> None:
    """What compose.yml says to `exec` is a command of the bot."""
    text = (ROOT / "ops" / "compose.yml").read_text("utf-8")
    (word,) = re.findall(r"exec bot python -m bot (\w+)", text)
    assert word in cli.app.commands


def test_compose_takes_every_right_away_that_it_can(compose: dict[str, Any]) -> None:
    """Read-only but for its volume, without capabilities, bounded, and reachable from this machine alone."""
    assert compose["read_only"] is True
    assert compose["cap_drop"] == ["ALL"]
    assert compose["security_opt"] == ["no-new-privileges:true"]
    assert compose["volumes"] == ["data:/data"]
    assert {"mem_limit", "pids_limit", "tmpfs"} <= set(compose)
    assert all(port.startswith("127.0.0.1:") for port in compose["ports"])
    assert not {"privileged", "user", "network_mode", "devices"} & set(compose)


def test_compose_and_unit_let_running_answers_finish(compose: dict[str, Any]) -> None:
    """Both wait longer before they kill than the bot waits for its answers."""
    patience = settings.Settings.model_fields["bot_shutdown_seconds"].default
    assert int(compose["stop_grace_period"].removesuffix("s")) > patience
    assert int(service()["TimeoutStopSec"][0]) > patience


def test_compose_sets_only_what_there_is(compose: dict[str, Any]) -> None:
    """Its variables are settings of the bot; secrets come from the file that is not in the image."""
    assert {name.lower() for name in compose["environment"]} <= set(settings.Settings.model_fields)
    assert compose["env_file"] == "../.env"
    assert (ROOT / "ops" / compose["build"]["context"] / "Dockerfile").is_file()


def test_a_wrong_setting_is_not_started_again_and_again() -> None:
    """Status 2 is what the bot ends with then; everything else is tried again."""
    assert service()["RestartPreventExitStatus"] == ["2"]
    assert service()["Restart"] == ["always"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: pathlib.Path) -> None:
    """`systemd-analyze verify` is silent, and `security` calls the exposure small."""
    unit = tmp_path / UNIT.name
    real = UNIT.read_text("utf-8").replace("/opt/threadmate/.venv/bin/python", sys.executable)
    unit.write_text(re.sub("(?m)^(Documentation|EnvironmentFile)=.*\n", "", real), "utf-8")
    verified = subprocess.run(  # noqa: S603 - systemd's own tool
        ["systemd-analyze", "verify", "--man=no", str(unit)],  # noqa: S607 - wherever it is
        capture_output=True,
        text=True,
        check=False,
    )
    mine = [line for line in verified.stderr.splitlines() if UNIT.name in line]
    assert mine == []
    judged = subprocess.run(  # noqa: S603 - systemd's own tool
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", str(unit)],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-400:] + judged.stderr


async def test_what_the_image_holds_is_enough_to_run(tmp_path: pathlib.Path) -> None:
    """The container file's COPY, ENV, ENTRYPOINT and HEALTHCHECK, carried out in a bare, read-only folder."""
    app, data = tmp_path / "app", tmp_path / "data"
    data.mkdir(mode=0o700)
    for copied in test_dockerfile.of("COPY"):
        source, target = copied.split()[-2:]
        if target.startswith("/app/"):
            shutil.copytree(ROOT / source, app / pathlib.PurePath(target).relative_to("/app"))
    for path in [app, *app.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    built = dict(pair.split("=", 1) for pair in " ".join(test_dockerfile.of("ENV")).split())
    (entry,) = test_dockerfile.of("ENTRYPOINT")
    (health,) = test_dockerfile.of("HEALTHCHECK")
    async with claude.Claude() as api, discord.Discord() as service:
        port = 18_000 + os.getpid() % 2_000
        environment = {
            **built,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": built["PYTHONPATH"].replace("/app", str(app)),
            "DATABASE_URL": built["DATABASE_URL"].replace("/data", str(data)),
            "BOT_HTTP_PORT": str(port),
            "ANTHROPIC_API_KEY": "sk-ant-emulated",
            "ANTHROPIC_BASE_URL": api.url,
            "DISCORD_BOT_TOKEN": service.token,
            "DISCORD_API_URL": service.api_url,
            "DISCORD_GATEWAY_URL": service.gateway_url,
        }
        words = [sys.executable if word == "python" else word for word in yaml.safe_load(entry)]
        process = await asyncio.create_subprocess_exec(*words, cwd=data, env=environment)
        try:
            await service.until(lambda each: each.all_shards_live(), timeout=30)
            asked = yaml.safe_load(health[health.index("[") :])
            checking = await asyncio.create_subprocess_exec(sys.executable, *asked[1:], env=environment)
            assert await checking.wait() == 0
        finally:
            process.terminate()
            assert await process.wait() == 0
    assert (data / "bot.db").is_file()
    for path in [app, *app.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
