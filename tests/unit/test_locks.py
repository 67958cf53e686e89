"""The locks are whole: what pip installs from them, looking for nothing else, is all there is to it."""

from __future__ import annotations

import importlib.metadata
import pathlib
import re
import tomllib

import pytest
from packaging import requirements, version

ROOT = pathlib.Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", re.MULTILINE)


def name_of(name: str) -> str:
    """A distribution's name as the index has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def wanted(line: str, *, extras: frozenset[str]) -> requirements.Requirement | None:
    """A requirement that counts on this machine, else None."""
    asked = requirements.Requirement(line)
    counts = asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in {"", *extras})
    return asked if counts else None


@pytest.mark.parametrize(
    ("lock", "roots"),
    [
        ("requirements.lock", PROJECT["dependencies"]),
        ("requirements-dev.lock", PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]),
    ],
)
def test_a_lock_pins_all_that_its_packages_ask_for(lock: str, roots: list[str]) -> None:
    """Whatever a package of the lock needs stands in the lock as well, in a version that it takes."""
    pins = {name_of(name): pin for name, pin in PINNED.findall((ROOT / lock).read_text("utf-8"))}
    open_ends, seen = [(line, frozenset[str]()) for line in roots], set[str]()
    while open_ends:
        line, extras = open_ends.pop()
        asked = wanted(line, extras=extras)
        if asked is None or str(asked) in seen:
            continue
        seen.add(str(asked))
        name = name_of(asked.name)
        assert name in pins, f"{lock} lacks {asked}"
        assert asked.specifier.contains(version.Version(pins[name]), prereleases=True), asked
        needs = importlib.metadata.requires(name) or []
        open_ends += [(need, frozenset(asked.extras)) for need in needs]
    assert len(seen) > len(roots)


def test_the_bot_is_installed_without_rich() -> None:
    """Where rich is installed structlog imports it: 3 MiB in every bot, for nothing that it prints."""
    pins = {name_of(name) for name, _ in PINNED.findall((ROOT / "requirements.lock").read_text("utf-8"))}
    assert pins & {"rich", "typer"} == set()
