"""The container file keeps the rules of a hardened image, as far as its text can tell."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]


def instructions() -> list[tuple[str, str]]:
    """(instruction, arguments), lines joined and comments left out."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8")).replace("\\\n", " ")
    pairs = (line.split(maxsplit=1) for line in text.splitlines() if line.strip())
    return [(word, " ".join(rest.split())) for word, rest in pairs]


def of(word: str) -> list[str]:
    """The arguments of every instruction of a kind, in order."""
    return [rest for name, rest in instructions() if name == word]


LINTER = pathlib.Path(sys.executable).with_name("hadolint")


@pytest.mark.skipif(not LINTER.exists(), reason="hadolint comes for Linux on x86_64 only")
def test_the_linter_of_container_files_finds_nothing() -> None:
    """hadolint, with the shell linter that it brings, has nothing to say at any level."""
    said = subprocess.run([LINTER, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)  # noqa: S603 - our own file
    assert (said.stdout, said.returncode) == ("", 0)


def test_it_does_not_run_as_root() -> None:
    """The last user is a number that is not root's: an orchestrator can tell without looking inside."""
    (user,) = of("USER")
    assert all(int(part) >= 10_000 for part in user.split(":"))
    names = [name for name, _ in instructions()]
    assert "RUN" not in names[names.index("USER") :]


def test_what_is_installed_is_locked_by_hash() -> None:
    """Only wheels whose hashes are in the lock get in, and nothing is fetched in another way."""
    runs = " ".join(of("RUN"))
    assert "--require-hashes" in runs
    assert "--only-binary :all:" in runs
    assert "requirements.lock" in runs
    assert not re.search(r"\b(curl|wget|apt-get|git clone|pip install (?!--no-cache-dir))", runs)
    assert not of("ADD")
    lock = (ROOT / "requirements.lock").read_text("utf-8")
    named = [line for line in lock.splitlines() if re.match(r"[a-z0-9]", line)]
    assert named
    assert lock.count("--hash=sha256:") >= len(named)


def test_bases_are_named_with_a_version() -> None:
    """No image is taken as it happens to be today."""
    for base in of("FROM"):
        image = base.split()[0]
        assert ":" in image
        assert not image.endswith(":latest")


def test_it_writes_to_its_volume_alone() -> None:
    """The database lies on the volume, which is its user's alone; the code leaves no compiled files."""
    assert json.loads(of("VOLUME")[0]) == ["/data"]
    settings = " ".join(of("ENV"))
    assert "DATABASE_URL=sqlite:////data/" in settings
    assert "PYTHONDONTWRITEBYTECODE=1" in settings
    assert "--mode 0700 /data" in " ".join(of("RUN"))


def test_no_secret_is_built_in() -> None:
    """Nothing that looks like a credential is set or copied, and neither is the folder as a whole."""
    assert not re.search(r"(TOKEN|SECRET|API_KEY|PASSWORD)\s*=", " ".join([*of("ENV"), *of("ARG")]))
    assert not [rest for rest in of("COPY") if rest.split()[0] in {".", "./", ".env"}]


def test_its_health_is_that_of_the_connections() -> None:
    """The health check asks /readyz (test_ops runs it), and the program gets its signals itself."""
    (health,) = of("HEALTHCHECK")
    (port,) = re.findall(r"BOT_HTTP_PORT=(\d+)", " ".join(of("ENV")))
    assert f"or {port}}}/readyz" in health
    assert json.loads(of("ENTRYPOINT")[0]) == ["python", "-m", "bot"]
    assert of("STOPSIGNAL") == ["SIGTERM"]


def test_every_package_it_runs_is_copied() -> None:
    """The folders that `python -m bot` imports from are in the image, and exist."""
    copied = {rest.split()[0] for rest in of("COPY") if not rest.startswith("--from")}
    assert {"bot", "adapters", "emulators", "playground"} <= copied
    assert all((ROOT / name).exists() for name in copied)
