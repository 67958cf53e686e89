"""The settings: read once at start, frozen, and the only place that reads the environment.

Sources, the first wins: the process environment, `.env` in the working directory, the default below. An
empty value counts as unset. `.env.example` and the README's table are tested against this class.
"""

from __future__ import annotations

import base64
import decimal
import os
import pathlib
import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import dotenv
import pydantic
import pydantic_settings

from bot import access, errors, prompts
from bot.money import accounting
from bot.tools import listing
from bot.workspaces import credentials

Secret = Annotated[pydantic.SecretStr, pydantic.BeforeValidator(credentials.word)]
Tokens = Annotated[int, pydantic.Field(ge=1)]
HTTP_URL = r"^https?://[^\s/]+\S*$"
WEBSOCKET_URL = r"^wss?://[^\s/]+\S*$"
HttpUrl = Annotated[str, pydantic.Field(pattern=HTTP_URL)]
Dollars = Annotated[decimal.Decimal | None, pydantic.Field(gt=0, allow_inf_nan=False)]
Ids = Annotated[frozenset[str] | None, pydantic_settings.NoDecode]
NAME = r"^\S+$"
Name = Annotated[str, pydantic.StringConstraints(strip_whitespace=True, pattern=NAME)]
WebSocketUrl = Annotated[str, pydantic.Field(pattern=WEBSOCKET_URL)]
STAND_INS = {"slack_bot_token": "xoxb-", "slack_app_token": "xapp-"}  # right in form: what they are is set
ID = re.compile(r"slack:\w+|discord:[0-9]+")
SHAPES = {
    NAME: "should be a name, without blanks",
    HTTP_URL: "should be a URL that starts with http:// or https://",
    WEBSOCKET_URL: "should be a URL that starts with ws:// or wss://",
}


class Settings(pydantic_settings.BaseSettings):
    """Every setting, by the lower-case name of its variable."""

    model_config = pydantic_settings.SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    anthropic_api_key: Secret | None = None
    anthropic_base_url: HttpUrl = "https://api.anthropic.com"

    slack_bot_token: Secret | None = None
    slack_app_token: Secret | None = None
    slack_signing_secret: Secret | None = None
    slack_client_id: str | None = None
    slack_client_secret: Secret | None = None
    bot_public_url: HttpUrl | None = None
    bot_encryption_key: pydantic.SecretStr | None = None
    slack_api_url: HttpUrl = "https://slack.com/api/"
    slack_dm_mode: Literal["threads", "flat"] = "threads"

    discord_bot_token: Secret | None = None
    discord_api_url: HttpUrl = "https://discord.com/api/v10"
    discord_gateway_url: WebSocketUrl | None = None

    database_url: str = "sqlite:///bot.db"
    bot_http_host: Name = "127.0.0.1"
    bot_http_port: Annotated[int, pydantic.Field(ge=0, le=65535)] = 8080

    bot_model: Name = "claude-sonnet-5-5"
    bot_summary_model: Name = "claude-haiku-5-5"
    bot_max_output_tokens: Tokens = 8192
    bot_effort: Literal["low", "medium", "high", "xhigh", "max"] = "low"
    bot_system_prompt: str = prompts.SYSTEM
    bot_system_prompt_file: pathlib.Path | None = None

    bot_strategy: Literal["summarise", "window", "full"] = "summarise"
    bot_context_tokens: Annotated[int, pydantic.Field(ge=1000)] = 32_000
    bot_context_floor_tokens: Tokens | None = None  # None: half of the budget
    bot_window_turns: Annotated[int, pydantic.Field(ge=1)] = 20
    bot_thread_replies: Literal["always", "mention"] = "always"

    bot_tools_file: pathlib.Path | None = None
    bot_web_tools: Literal["off", "on"] = "off"

    bot_admins: Ids = None
    bot_allow: Ids = None  # None: everybody
    bot_deny: Ids = None
    bot_guests: Literal["deny", "allow"] = "deny"

    bot_budget_user_day: Dollars = None  # US dollars
    bot_budget_channel_day: Dollars = None
    bot_budget_month: Dollars = None

    bot_retention_days: Annotated[int, pydantic.Field(ge=0)] = 0  # 0: keep

    otel_exporter_otlp_endpoint: HttpUrl | None = None

    bot_shutdown_seconds: Annotated[float, pydantic.Field(ge=0, allow_inf_nan=False)] = 20
    bot_log_level: Literal["debug", "info", "warning", "error"] = "info"
    bot_log_format: Literal["json", "console"] | None = None  # None: console on a terminal, else json

    @pydantic.field_validator("slack_bot_token")
    @classmethod
    def _is_bot_token(cls, token: Secret | None) -> Secret | None:
        return _starts_with(token, "xoxb-", "a Slack bot token")

    @pydantic.field_validator("slack_app_token")
    @classmethod
    def _is_app_token(cls, token: Secret | None) -> Secret | None:
        return _starts_with(token, "xapp-", "a Slack app-level token")

    @pydantic.field_validator("bot_encryption_key")
    @classmethod
    def _is_keys(cls, keys: pydantic.SecretStr | None) -> pydantic.SecretStr | None:
        if keys is not None and not all(map(_is_key, keys.get_secret_value().split(","))):
            raise ValueError(
                f"should be a Fernet key, or several with commas between; {credentials.MAKE_A_KEY}"
            )
        return keys

    @pydantic.field_validator("bot_public_url")
    @classmethod
    def _is_public(cls, url: str | None) -> str | None:
        """Cookies and codes travel there: over https, but for a trial on this machine."""
        if url is not None and not re.match(r"https://|http://(localhost|127\.0\.0\.1)(:|/|$)", url):
            raise ValueError("should start with https://: it is where browsers reach the bot")
        return url.rstrip("/") if url is not None else None

    @pydantic.field_validator("bot_admins", "bot_allow", "bot_deny", mode="before")
    @classmethod
    def _is_list_of_ids(cls, given: Any) -> Any:
        if not isinstance(given, str):
            return given
        ids = frozenset(filter(None, (each.strip() for each in given.split(","))))
        if not all(ID.fullmatch(each) for each in ids):
            raise ValueError("should be ids behind their platform, commas between: slack:U0123,discord:42")
        return ids or None

    @pydantic.field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, url: str) -> str:
        return url.rstrip("/") + "/"

    @pydantic.field_validator("anthropic_base_url", "discord_api_url", "otel_exporter_otlp_endpoint")
    @classmethod
    def _has_no_slash(cls, url: str | None) -> str | None:
        return url.rstrip("/") if url else url

    @pydantic.field_validator("database_url")
    @classmethod
    def _is_sqlite(cls, url: str) -> str:
        if not url.startswith("sqlite:///") or url == "sqlite:///":
            raise ValueError("should be sqlite:///FILE or sqlite:////ABSOLUTE/FILE")
        file = pathlib.Path(url.removeprefix("sqlite:///"))
        if file.is_dir() or not file.parent.is_dir():
            raise ValueError("should name a file in a folder that exists")
        return url

    @pydantic.field_validator(
        "slack_dm_mode",
        "bot_effort",
        "bot_strategy",
        "bot_thread_replies",
        "bot_web_tools",
        "bot_guests",
        "bot_log_level",
        "bot_log_format",
        mode="before",
    )
    @classmethod
    def _lower(cls, word: Any) -> Any:
        return word.lower() if isinstance(word, str) else word

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = credentials.problems(self)
        if self.platforms and not self.anthropic_api_key:
            problems.append("ANTHROPIC_API_KEY: should be set, because a platform is on")
        if self.floor_tokens >= self.bot_context_tokens:
            problems.append("BOT_CONTEXT_FLOOR_TOKENS: should be less than BOT_CONTEXT_TOKENS")
        if not self.bot_system_prompt.strip():
            problems.append("BOT_SYSTEM_PROMPT: should say who the bot is, or be left out")
        problems += self._files()
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _files(self) -> list[str]:
        """What is wrong with the files that settings name."""
        problems = []
        if self.bot_system_prompt_file is not None:
            try:
                empty = not self.bot_system_prompt_file.read_text("utf-8").strip()
            except (OSError, ValueError):  # no such file, not UTF-8, or no file name at all
                empty = True
            if empty:
                problems.append(
                    "BOT_SYSTEM_PROMPT_FILE: should name a readable UTF-8 text file that is not empty"
                )
        try:
            self.tools()
        except listing.Malformed as error:
            problems += [f"BOT_TOOLS_FILE: {each}" for each in error.problems]
        return problems

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms that have credentials."""
        tokens = {"slack": self.slack_bot_token or self.slack_client_id, "discord": self.discord_bot_token}
        return tuple(name for name, token in tokens.items() if token)

    @property
    def floor_tokens(self) -> int:
        """What summarising keeps word for word, in tokens."""
        return self.bot_context_floor_tokens or self.bot_context_tokens // 2

    @property
    def encryption_keys(self) -> tuple[str, ...]:
        """What encrypts stored tokens, the newest first."""
        keys = self.bot_encryption_key
        return tuple(each.strip() for each in keys.get_secret_value().split(",")) if keys else ()

    def access(self) -> access.Rules:
        """Who may do what."""
        return access.Rules(
            admins=self.bot_admins or frozenset(),
            allow=self.bot_allow or frozenset(),
            deny=self.bot_deny or frozenset(),
            guests=self.bot_guests == "allow",
        )

    def limits(self) -> tuple[accounting.Limit, ...]:
        """The budgets that are set."""
        wanted: dict[accounting.Scope, decimal.Decimal | None] = {
            "user": self.bot_budget_user_day,
            "channel": self.bot_budget_channel_day,
            "all": self.bot_budget_month,
        }
        return tuple(
            accounting.Limit(scope=scope, nano=accounting.nano(usd))
            for scope, usd in wanted.items()
            if usd is not None
        )

    def tools(self) -> listing.Listing:
        """The tool servers that the operator lists, with what they need of the environment.

        Raises listing.Malformed, at the start only.
        """
        if self.bot_tools_file is None:
            return listing.EMPTY
        try:
            text = self.bot_tools_file.read_text("utf-8")
        except (OSError, ValueError):  # no such file, not UTF-8, or no file name at all
            raise listing.Malformed(["should be a readable UTF-8 file"]) from None
        return listing.parse(text, variable=_variable)

    def system_prompt(self) -> str:
        """The operator's instructions; the file wins over the variable."""
        if self.bot_system_prompt_file is not None:
            return self.bot_system_prompt_file.read_text("utf-8").strip()
        return self.bot_system_prompt.strip()


def load(**overrides: Any) -> Settings:
    """Read the settings; raises errors.SettingsError with a line for each problem, never with a value."""
    try:
        return Settings(**overrides)
    except pydantic.ValidationError as error:
        raise errors.SettingsError([*_problems(error), *_beside(error, overrides)]) from None
    except (OSError, UnicodeDecodeError):
        raise errors.SettingsError([".env: should be a readable UTF-8 text file"]) from None


def _beside(error: pydantic.ValidationError, overrides: Mapping[str, Any]) -> list[str]:
    """What does not fit together beside the values that are wrong by themselves, which hide it."""
    wrong = {str(each["loc"][0]) for each in error.errors() if each["loc"]}
    if not wrong:
        return []
    mended = {name: STAND_INS.get(name, Settings.model_fields[name].default) for name in wrong}
    try:
        Settings(**{**overrides, **mended})
    except pydantic.ValidationError as second:
        return [line for line in _problems(second) if line.partition(":")[0].lower() not in wrong]
    return []


def _starts_with(token: Secret | None, prefix: str, what: str) -> Secret | None:
    if token is not None and not token.get_secret_value().startswith(prefix):
        raise ValueError(f"should be {what}, which starts with {prefix}")
    return token


def _variable(name: str) -> str | None:
    """A variable of the process environment, else of `.env`: one that a tool server needs."""
    return os.environ.get(name) or dotenv.dotenv_values(".env").get(name)


def _is_key(key: str) -> bool:
    """Whether this is a Fernet key: 32 bytes in URL-safe base64."""
    try:
        return len(base64.b64decode(key.strip().encode(), altchars=b"-_", validate=True)) == 32  # noqa: PLR2004
    except ValueError:
        return False


def _problems(error: pydantic.ValidationError) -> list[str]:
    return [line for each in error.errors() for line in _lines(each)]


def _lines(error: Mapping[str, Any]) -> list[str]:
    """One pydantic error as lines of `VARIABLE: should be …`."""
    text = str(error["msg"]).removeprefix("Value error, ")
    if not error["loc"]:
        return text.splitlines()  # from _fits_together: complete lines already
    text = SHAPES.get(error.get("ctx", {}).get("pattern"), text)
    return [f"{str(error['loc'][0]).upper()}: {text[:1].lower()}{text[1:]}"]
