"""`manifest.yml` asks for what the code uses and for nothing else."""

import pathlib
import re
from typing import Any

import pytest
import yaml

from adapters.slack import notices, subject, surface
from bot.desk import commands

ROOT = pathlib.Path(__file__).parents[3]
PACKAGE = ROOT / "adapters" / "slack"


@pytest.fixture
def manifest() -> dict[str, Any]:
    """The manifest as Slack reads it."""
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text(encoding="utf-8"))
    return loaded


def test_the_scopes_are_those_of_the_methods_and_events(manifest: dict[str, Any]) -> None:
    """Every scope the code needs is asked for, and no other."""
    assert sorted(surface.bot_scopes()) == manifest["oauth_config"]["scopes"]["bot"]


def test_the_events_are_those_the_code_takes(manifest: dict[str, Any]) -> None:
    """Every event the code handles is subscribed to, and no other."""
    assert sorted(surface.EVENTS) == manifest["settings"]["event_subscriptions"]["bot_events"]


def test_every_method_of_the_table_is_called() -> None:
    """No method, and so no scope, stands in the table that the code does not call."""
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py") if path.name != "surface.py"]
    named = {name for source in sources for name in re.findall(r'"([a-z]+\.[A-Za-z0-9.]+)"', source)}
    assert sorted(surface.METHODS) == sorted(named & set(surface.METHODS))


def test_no_method_is_called_past_the_table() -> None:
    """What looks like a Web API method in the code stands in the table with its scopes."""
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py") if path.name != "surface.py"]
    named = {name for source in sources for name in re.findall(r'call\(\s*"([^"]+)"', source)}
    assert named <= set(surface.METHODS)
    assert not any(re.search(r"\.(chat|conversations|users|files|views)_[a-z]\w+\(", s) for s in sources)


def test_the_agent_is_declared(manifest: dict[str, Any]) -> None:
    """Agent messaging, a Messages tab to write in, Socket Mode, and buttons that work."""
    features, settings = manifest["features"], manifest["settings"]
    assert features["app_home"] == {
        "home_tab_enabled": True,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    (shortcut,) = features["shortcuts"]
    assert (shortcut["name"], shortcut["type"], shortcut["callback_id"]) == (
        subject.TITLE,
        "message",
        subject.SHORTCUT,
    )
    (slash,) = features["slash_commands"]
    assert slash["command"] == "/threadmate"
    assert all(word.strip() in commands.WORDS for word in slash["usage_hint"].split("|"))
    assert settings["socket_mode_enabled"] is True
    assert settings["interactivity"]["is_enabled"] is True


def test_the_prompts_are_the_same_everywhere(manifest: dict[str, Any]) -> None:
    """The Messages tab offers what the manifest offers."""
    declared = manifest["features"]["agent_view"]["suggested_prompts"]
    assert list(notices.PROMPTS) == [(prompt["title"], prompt["message"]) for prompt in declared]
