"""BOT_TOOLS_FILE: what is in it, and what each mistake is answered with."""

import pathlib
import re
import tomllib

import pytest

from bot import errors, settings
from bot.tools import listing

PAGE = pathlib.Path(__file__).parents[3] / "docs" / "tools.md"


def nothing(_name: str) -> str | None:
    """An environment without variables."""
    return None


def token(name: str) -> str | None:
    """An environment with one."""
    return {"ISSUES_TOKEN": "s3cret"}.get(name)


def test_the_documented_example_is_one() -> None:
    """The list in docs/tools.md is a list, with every key there is but `env` and `fetches`."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    found = listing.parse(text, variable=token)
    assert found.servers["time"].tools == ("get_current_time", "convert_time")
    assert found.servers["issues"].headers == {"Authorization": "Bearer s3cret"}
    assert "s3cret" not in repr(found)
    raw = tomllib.loads(text)
    keys = {*raw["web"], *raw["servers"]["time"], *raw["servers"]["issues"]}
    known = {*listing.Web.model_fields, *listing.Server.model_fields} - {"secrets"}
    assert known - keys == {"env", "fetches"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x =", "should be TOML"),
        ("x = 1", "x: is not a key of this table"),
        ('[servers.a]\ncommand = "x"', "servers.a.tools: field required"),
        ('[servers.a]\ntools = ["a"]', "servers.a: should have either command or url"),
        ('[servers.a]\ncommand = "x"\nurl = "http://x"\ntools = ["a"]', "servers.a: should have either"),
        ('[servers.A__b]\ncommand = "x"\ntools = ["a"]', "servers.A__b: should be lower-case letters"),
        ('[servers.a]\ncommand = "x"\ntools = ["a"]\nwrites = ["b"]', "servers.a: writes names b"),
        ('[servers.a]\ncommand = "x"\ntools = ["a"]\nseconds = 0', "servers.a.seconds: input should be"),
        ('[servers.a]\ncommand = "x"\ntools = ["a"]\nenv = ["NO_SUCH"]', "servers.a: needs the environment"),
        ('[servers.a]\ncommand = "x"\ntools = ["a"]\nsecrets = {a = "b"}', "servers.a.secrets: is not a key"),
        ('[servers.a]\nurl = "ftp://x"\ntools = ["a"]', "servers.a.url: should be a URL"),
        (
            '[servers.a]\nurl = "http://x"\nheader = "Bearer abc"\ntools = ["a"]',
            "servers.a.header: should be",
        ),
        ('[web]\nallowed_domains = ["https://x.org"]', "web.allowed_domains.0: should be a domain"),
    ],
    ids=lambda each: each[:40],
)
def test_a_mistake_is_named(text: str, said: str) -> None:
    """Each mistake is a line that names the key and what it should be."""
    with pytest.raises(listing.Malformed) as caught:
        listing.parse(text, variable=nothing)
    assert any(problem.startswith(said) for problem in caught.value.problems), caught.value.problems


def test_a_wrong_file_ends_the_start(tmp_path: pathlib.Path) -> None:
    """The line names the variable and the key, not the file; a file that is not there is one, too."""
    path = tmp_path / "tools.toml"
    for text, said in (("[web]\nx = 1", "web.x: is not a key"), (None, "should be a readable UTF-8 file")):
        path.unlink(missing_ok=True)
        if text is not None:
            path.write_text(text, "utf-8")
        with pytest.raises(errors.SettingsError) as caught:
            settings.load(_env_file=None, bot_tools_file=path)
        (problem,) = caught.value.problems
        assert problem.startswith(f"BOT_TOOLS_FILE: {said}")
        assert str(path) not in problem
