"""The operator's list of tools (BOT_TOOLS_FILE) as values. Pure: text in; values or problems out.

    [web]
    allowed_domains = ["docs.python.org"]

    [servers.time]
    command = "python"
    args = ["-m", "mcp_server_time"]
    tools = ["get_current_time"]

A server is a program (`command`) or an address (`url`). It offers the tools that are listed and no others.
Secrets are named, not written: `env` and `header` name variables of the bot's own environment.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Self

import pydantic

NAME = r"^[a-z0-9]+(?:[_-][a-z0-9]+)*$"  # no two underscores in a row: they part server and tool
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
DOMAIN = r"^[a-z0-9.-]+\.[a-z]{2,}(?:/\S*)?$"
URL = r"^https?://[^\s/@]+(?:/\S*)?$"

Word = Annotated[str, pydantic.Field(min_length=1, max_length=200)]
Variable = Annotated[str, pydantic.Field(pattern=VARIABLE)]
_FORM = pydantic.ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

_MEANINGS = {
    NAME: "should be lower-case letters and digits, single _ or - between",
    VARIABLE: "should be the name of an environment variable",
    DOMAIN: "should be a domain such as docs.python.org",
    URL: "should be a URL that starts with http:// or https://, with no name or password in it",
}


class Malformed(ValueError):
    """The file is not as it should be; `problems` holds `key: should be …` for each fault."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Web(pydantic.BaseModel):
    """How the web may be used, where it may."""

    model_config = _FORM

    allowed_domains: tuple[Annotated[str, pydantic.Field(pattern=DOMAIN)], ...] = ()  # (): all
    searches: Annotated[int, pydantic.Field(ge=1, le=20)] = 5  # in one answer
    fetches: Annotated[int, pydantic.Field(ge=1, le=20)] = 5


class Server(pydantic.BaseModel):
    """One MCP server."""

    model_config = _FORM

    command: Word | None = None
    args: tuple[str, ...] = ()
    env: tuple[Variable, ...] = ()  # handed on to the program
    url: Annotated[str, pydantic.Field(pattern=URL)] | None = None
    header: Annotated[str, pydantic.Field(pattern=r"^[A-Za-z0-9-]+: .*\$[A-Za-z_][A-Za-z0-9_]*$")] | None = (
        None
    )
    tools: Annotated[tuple[Word, ...], pydantic.Field(min_length=1)]
    writes: tuple[Word, ...] = ()  # those of them that need a person's yes
    calls: Annotated[int, pydantic.Field(ge=1, le=20)] = 5  # in one answer
    seconds: Annotated[float, pydantic.Field(gt=0, le=600, allow_inf_nan=False)] = 20  # for one call
    secrets: Mapping[str, pydantic.SecretStr] = {}  # by variable; filled in by `parse`

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.command is None) == (self.url is None):
            raise ValueError("should have either command or url")
        if self.command is None and (self.args or self.env):
            raise ValueError("args and env belong to a command")
        if self.url is None and self.header:
            raise ValueError("header belongs to a url")
        if unlisted := sorted(set(self.writes) - set(self.tools)):
            raise ValueError(f"writes names {unlisted[0]}, which tools does not")
        return self

    @property
    def variables(self) -> tuple[str, ...]:
        """The environment variables it needs."""
        return (*self.env, *([self.header.rpartition("$")[2]] if self.header else []))

    @property
    def headers(self) -> dict[str, str]:
        """What is sent along to a url, secrets included."""
        if self.header is None:
            return {}
        name, _, value = self.header.partition(": ")
        prefix, _, variable = value.rpartition("$")
        return {name: prefix + self.secrets[variable].get_secret_value()}

    @property
    def environment(self) -> dict[str, str]:
        """What is handed to a command, secrets included."""
        return {name: self.secrets[name].get_secret_value() for name in self.env}


class Listing(pydantic.BaseModel):
    """The whole file."""

    model_config = _FORM

    web: Web = Web()
    servers: Mapping[Annotated[str, pydantic.Field(pattern=NAME, max_length=24)], Server] = {}


EMPTY = Listing()


def parse(text: str, *, variable: Callable[[str], str | None]) -> Listing:
    """The file's values; `variable` gives an environment variable. Raises Malformed."""
    try:
        found = Listing.model_validate(_without_secrets(tomllib.loads(text)))
    except tomllib.TOMLDecodeError as error:
        raise Malformed([f"should be TOML: {error}"]) from None
    except pydantic.ValidationError as error:
        raise Malformed([_line(each) for each in error.errors()]) from None
    problems: list[str] = []
    servers: dict[str, Server] = {}
    for name, server in found.servers.items():
        given = {each: variable(each) for each in server.variables}
        problems += [
            f"servers.{name}: needs the environment variable {each}, which is not set"
            for each, value in given.items()
            if not value
        ]
        secrets = {each: pydantic.SecretStr(value) for each, value in given.items() if value}
        servers[name] = server.model_copy(update={"secrets": secrets})
    if problems:
        raise Malformed(problems)
    return found.model_copy(update={"servers": servers})


def _without_secrets(raw: dict[str, Any]) -> dict[str, Any]:
    """Refuse what the file cannot give: `secrets` is ours."""
    servers = raw.get("servers")
    for name, server in (servers if isinstance(servers, dict) else {}).items():
        if isinstance(server, dict) and "secrets" in server:
            raise Malformed([f"servers.{name}.secrets: is not a key of this table; name variables in env"])
    return raw


def _line(error: Any) -> str:
    """One pydantic error as `key: should be …`."""
    key = ".".join(str(each) for each in error["loc"] if each != "[key]")
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        text = "is not a key of this table"
    elif error["type"] == "string_pattern_mismatch":
        text = _MEANINGS.get(error["ctx"]["pattern"], "should be `Name: words $VARIABLE`")
    return f"{key}: {text[:1].lower()}{text[1:]}"
