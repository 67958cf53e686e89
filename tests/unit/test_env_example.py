"""`.env.example` says what the settings are."""

import pathlib
import re

import pydantic_core
import pytest

from bot import settings

FILE = pathlib.Path(__file__).parents[2] / ".env.example"
BUILT_IN = {"bot_system_prompt"}  # its default is a text of several sentences: the file leaves it empty


def lines() -> list[tuple[str, str, str]]:
    """(comment sign or "", variable, value) of each setting's line, in order."""
    return re.findall(r"^(# |)([A-Z][A-Z_]+)=(.*)$", FILE.read_text("utf-8"), re.MULTILINE)


def test_every_setting_stands_in_it_once_and_in_order() -> None:
    """The file names the settings of the class, all of them, in the class's order."""
    assert [name.upper() for name in settings.Settings.model_fields] == [name for _, name, _ in lines()]


def test_each_default_is_the_default() -> None:
    """A commented line carries the setting's default; one without a default is open and empty."""
    for sign, name, value in lines():
        default = settings.Settings.model_fields[name.lower()].default
        assert default is not pydantic_core.PydanticUndefined
        without = default is None or name.lower() in BUILT_IN
        assert (sign, value) == (("", "") if without else ("# ", str(default)))


def test_it_can_be_read_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied without a change, the file gives the defaults."""
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    found = settings.load(_env_file=FILE)
    for name, field in settings.Settings.model_fields.items():
        assert getattr(found, name) == field.default
