"""The settings: where they come from, and what is said of a wrong one."""

import pathlib

import pytest

from bot import errors, settings

TOKENS = {
    "SLACK_BOT_TOKEN": "xoxb-canary",
    "SLACK_APP_TOKEN": "xapp-canary",
    "ANTHROPIC_API_KEY": "canary-key",
}

DEFAULTS = {
    "ANTHROPIC_API_KEY": None,
    "ANTHROPIC_BASE_URL": "https://api.anthropic.com",
    "SLACK_BOT_TOKEN": None,
    "SLACK_APP_TOKEN": None,
    "SLACK_SIGNING_SECRET": None,
    "SLACK_API_URL": "https://slack.com/api/",
    "SLACK_DM_MODE": "threads",
    "DISCORD_BOT_TOKEN": None,
    "DISCORD_API_URL": "https://discord.com/api/v10",
    "DISCORD_GATEWAY_URL": None,
    "DATABASE_URL": "sqlite:///bot.db",
    "BOT_HTTP_HOST": "127.0.0.1",
    "BOT_HTTP_PORT": 8080,
    "BOT_MODEL": "claude-sonnet-5-5",
    "BOT_SUMMARY_MODEL": "claude-haiku-5-5",
    "BOT_MAX_OUTPUT_TOKENS": 8192,
    "BOT_EFFORT": "low",
    "BOT_SYSTEM_PROMPT_FILE": None,
    "BOT_STRATEGY": "summarise",
    "BOT_CONTEXT_TOKENS": 32000,
    "BOT_CONTEXT_FLOOR_TOKENS": None,
    "BOT_WINDOW_TURNS": 20,
    "BOT_THREAD_REPLIES": "always",
    "BOT_ADMINS": None,
    "BOT_ALLOW": None,
    "BOT_DENY": None,
    "BOT_GUESTS": "deny",
    "BOT_BUDGET_USER_DAY": None,
    "BOT_BUDGET_CHANNEL_DAY": None,
    "BOT_BUDGET_MONTH": None,
    "BOT_RETENTION_DAYS": 0,
    "OTEL_EXPORTER_OTLP_ENDPOINT": None,
    "BOT_SHUTDOWN_SECONDS": 20,
    "BOT_LOG_LEVEL": "info",
    "BOT_LOG_FORMAT": None,
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """An empty working directory and an environment without any of the settings."""
    monkeypatch.chdir(tmp_path)
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def problems(monkeypatch: pytest.MonkeyPatch, **variables: str) -> list[str]:
    """What is said of an environment."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(errors.SettingsError) as raised:
        settings.load()
    return raised.value.problems


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_default_is_the_contracts(name: str) -> None:
    """Without any variable each setting has the default that the contract promises."""
    assert getattr(settings.load(), name.lower()) == DEFAULTS[name]


def test_the_built_in_prompt_is_short_and_there() -> None:
    """Without a prompt of the operator's own a short one says who the bot is."""
    assert 0 < len(settings.load().system_prompt()) < 500


@pytest.mark.parametrize(
    ("name", "value", "should"),
    [
        ("ANTHROPIC_BASE_URL", "canary.example", "a URL that starts with http"),  # no scheme
        ("SLACK_BOT_TOKEN", "canary-xoxb", "starts with xoxb-"),  # some other token
        ("SLACK_BOT_TOKEN", "xoxb-canary…", "no “…”"),  # the placeholder
        ("ANTHROPIC_API_KEY", "canary\nkey", "no line break"),  # two lines were copied
        ("DISCORD_BOT_TOKEN", "Bot canary", "no blank"),  # with what a header has in front
        ("SLACK_APP_TOKEN", "xoxb-canary", "starts with xapp-"),  # the two swapped
        ("SLACK_API_URL", "ftp://canary", "a URL that starts with http"),  # another scheme
        ("BOT_PUBLIC_URL", "http://canary.example", "https://"),  # codes would travel in the open
        ("BOT_ENCRYPTION_KEY", "canary", "Fernet.generate_key()"),  # no key
        ("BOT_ENCRYPTION_KEY", f"{'A' * 43}=,canary", "Fernet.generate_key()"),  # one of two
        ("BOT_ADMINS", "U0CANARY", "slack:U0123"),  # no platform
        ("BOT_ALLOW", "slack:U1,canary", "slack:U0123"),  # one of two
        ("BOT_DENY", "discord:canary", "slack:U0123"),  # a name where an id belongs
        ("BOT_GUESTS", "canary", "'deny' or 'allow'"),
        ("SLACK_DM_MODE", "canary", "'threads' or 'flat'"),  # no such mode
        ("DISCORD_API_URL", "https://", "a URL that starts with http"),  # no host
        ("DISCORD_GATEWAY_URL", "https://canary", "a URL that starts with ws"),  # not a websocket
        ("DATABASE_URL", "postgresql://canary", "sqlite:///FILE"),  # another database
        ("DATABASE_URL", "sqlite:///", "sqlite:///FILE"),  # no file
        ("DATABASE_URL", "sqlite:////no/such/canary/bot.db", "a folder that exists"),
        ("DATABASE_URL", "sqlite:////usr", "should name a file"),  # a folder
        ("BOT_TOOLS_FILE", "canary.toml", "a readable UTF-8 file"),  # there is none
        ("BOT_HTTP_PORT", "canary", "integer"),  # no number
        ("BOT_HTTP_PORT", "65536", "less than or equal to 65535"),  # too large
        ("BOT_MAX_OUTPUT_TOKENS", "0", "greater than or equal to 1"),  # nothing could be said
        ("BOT_HTTP_HOST", "canary host", "a name, without blanks"),
        ("BOT_MODEL", " ", "a name, without blanks"),  # not empty, which counts as unset
        ("BOT_MODEL", "canary 5.5", "a name, without blanks"),
        ("BOT_SUMMARY_MODEL", "\t", "a name, without blanks"),
        ("BOT_SYSTEM_PROMPT", " \n", "say who the bot is"),
        ("BOT_SYSTEM_PROMPT_FILE", "/dev/null", "that is not empty"),  # readable, and empty
        ("BOT_EFFORT", "canary", "'low', 'medium', 'high', 'xhigh' or 'max'"),
        ("BOT_SYSTEM_PROMPT_FILE", "canary.txt", "a readable UTF-8 text file"),  # there is none
        ("BOT_STRATEGY", "canary", "'summarise', 'window' or 'full'"),
        ("BOT_CONTEXT_TOKENS", "999", "greater than or equal to 1000"),
        ("BOT_CONTEXT_FLOOR_TOKENS", "32000", "less than BOT_CONTEXT_TOKENS"),  # the default budget
        ("BOT_WINDOW_TURNS", "0", "greater than or equal to 1"),
        ("BOT_THREAD_REPLIES", "canary", "'always' or 'mention'"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "canary:4317", "a URL that starts with http"),  # gRPC's form
        ("BOT_SHUTDOWN_SECONDS", "-1", "greater than or equal to 0"),
        ("BOT_SHUTDOWN_SECONDS", "inf", "finite"),
        ("BOT_LOG_LEVEL", "canary", "'debug', 'info', 'warning' or 'error'"),
        ("BOT_LOG_FORMAT", "canary", "'json' or 'console'"),
    ],
)
def test_a_wrong_value_is_one_line_that_says_what_it_should_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, should: str
) -> None:
    """One line names the variable and what it should be, and never holds the value."""
    (line,) = [each for each in problems(monkeypatch, **{name: value}) if each.startswith(f"{name}:")]
    assert line.startswith(f"{name}: ")
    assert "should" in line
    assert should in line
    assert "\n" not in line
    assert "canary" not in line


MANY = {
    "SLACK_CLIENT_ID": "1.2",
    "SLACK_CLIENT_SECRET": "s",
    "SLACK_SIGNING_SECRET": "s",
    "BOT_PUBLIC_URL": "https://bot.example/",
    "BOT_ENCRYPTION_KEY": f"{'A' * 43}=",
    "ANTHROPIC_API_KEY": "k",
}


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_BOT_TOKEN"),  # one workspace and many
        ({"SLACK_CLIENT_ID": ""}, "SLACK_CLIENT_ID"),
        ({"SLACK_CLIENT_SECRET": ""}, "SLACK_CLIENT_SECRET"),
        ({"BOT_PUBLIC_URL": ""}, "BOT_PUBLIC_URL"),
        ({"BOT_ENCRYPTION_KEY": ""}, "BOT_ENCRYPTION_KEY"),  # tokens would be stored in the clear
        ({"SLACK_SIGNING_SECRET": ""}, "SLACK_SIGNING_SECRET"),  # no way in for events
    ],
)
def test_installation_needs_all_of_its_settings(
    monkeypatch: pytest.MonkeyPatch, changes: dict[str, str], name: str
) -> None:
    """What is missing, or too much, beside the app's own credentials is one line."""
    (line,) = problems(monkeypatch, **{**MANY, **changes})
    assert line.startswith(f"{name}: should ")


def test_an_app_for_many_workspaces_is_a_platform(monkeypatch: pytest.MonkeyPatch) -> None:
    """The app's own credentials turn Slack on; Socket Mode serves instead of the signing secret."""
    for name, value in {**MANY, "SLACK_SIGNING_SECRET": "", "SLACK_APP_TOKEN": "xapp-1"}.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert found.platforms == ("slack",)
    assert found.bot_public_url == "https://bot.example"


def test_what_copying_leaves_around_a_credential_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line break at the end, as files of secrets have it, is not sent along."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, f" {value}\r\n")
    chosen = settings.load()
    found = [chosen.slack_bot_token, chosen.slack_app_token, chosen.anthropic_api_key]
    assert [each.get_secret_value() for each in found if each] == list(TOKENS.values())


def test_every_problem_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong values give two lines, in the order of the table."""
    lines = problems(monkeypatch, BOT_HTTP_PORT="x", SLACK_DM_MODE="y")
    assert [line.partition(":")[0] for line in lines] == ["SLACK_DM_MODE", "BOT_HTTP_PORT"]


def test_what_is_missing_is_told_beside_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is wrong by itself does not hide that others are missing, and is not shown."""
    lines = problems(monkeypatch, SLACK_BOT_TOKEN="canary", BOT_CONTEXT_TOKENS="canary")
    named = {line.partition(":")[0] for line in lines}
    assert named == {"SLACK_BOT_TOKEN", "BOT_CONTEXT_TOKENS", "SLACK_APP_TOKEN", "ANTHROPIC_API_KEY"}
    assert "canary" not in "".join(lines)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        (["SLACK_BOT_TOKEN", "SLACK_APP_TOKEN"], "ANTHROPIC_API_KEY"),  # a platform needs Claude
        (["SLACK_BOT_TOKEN", "ANTHROPIC_API_KEY"], "SLACK_APP_TOKEN"),  # no way to hear events
        (["SLACK_APP_TOKEN", "ANTHROPIC_API_KEY"], "SLACK_BOT_TOKEN"),  # no way to answer them
    ],
)
def test_what_belongs_together_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, variables: list[str], missing: str
) -> None:
    """Half of a platform's credentials gives one line that names the other half."""
    (line,) = problems(monkeypatch, **{name: TOKENS[name] for name in variables})
    assert line.startswith(f"{missing}: should be set")
    assert "canary" not in line


def test_a_platform_is_on_with_its_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack and Discord are on where their bot token is set."""
    assert settings.load().platforms == ()
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    assert settings.load().platforms == ("slack",)
    monkeypatch.setenv("DISCORD_BOT_TOKEN", "canary")
    assert settings.load().platforms == ("slack", "discord")


def test_http_mode_needs_no_app_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """A signing secret takes the app token's place."""
    monkeypatch.setenv("SLACK_BOT_TOKEN", TOKENS["SLACK_BOT_TOKEN"])
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "canary")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary")
    assert settings.load().platforms == ("slack",)


def test_secrets_never_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither printing nor dumping the settings shows a credential."""
    for name, value in {**TOKENS, "SLACK_SIGNING_SECRET": "canary", "DISCORD_BOT_TOKEN": "canary"}.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert "canary" not in f"{found!r} {found} {found.model_dump_json()}"


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """A variable is taken from the environment, else from `.env`, else from the default."""
    (tmp_path / ".env").write_text("BOT_MODEL=from-file\nBOT_EFFORT=high\n", "utf-8")
    monkeypatch.setenv("BOT_MODEL", "from-environment")
    found = settings.load()
    assert (found.bot_model, found.bot_effort, found.bot_strategy) == (
        "from-environment",
        "high",
        "summarise",
    )


def test_empty_counts_as_unset(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """An empty value, in the environment or in the file, leaves the next source its say."""
    (tmp_path / ".env").write_text("BOT_MODEL=from-file\nBOT_HTTP_PORT=\n", "utf-8")
    monkeypatch.setenv("BOT_MODEL", "")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "")
    found = settings.load()
    assert (found.bot_model, found.bot_http_port, found.platforms) == ("from-file", 8080, ())


def test_a_file_that_cannot_be_read_is_a_problem_of_its_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    """A `.env` that is not UTF-8 gives one line."""
    (tmp_path / ".env").write_bytes(b"BOT_MODEL=caf\xe9\n")
    assert problems(monkeypatch) == [".env: should be a readable UTF-8 text file"]


def test_words_may_be_capital(monkeypatch: pytest.MonkeyPatch) -> None:
    """A choice of words is read whatever its case."""
    for name, value in {"BOT_STRATEGY": "Window", "BOT_EFFORT": "MAX", "SLACK_DM_MODE": "Flat"}.items():
        monkeypatch.setenv(name, value)
    found = settings.load()
    assert (found.bot_strategy, found.bot_effort, found.slack_dm_mode) == ("window", "max", "flat")


def test_urls_end_as_their_users_need_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slack's base gets its closing slash; the others lose theirs."""
    monkeypatch.setenv("SLACK_API_URL", "http://127.0.0.1:1/api")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:2/")
    monkeypatch.setenv("DISCORD_API_URL", "http://127.0.0.1:3/api/v10/")
    found = settings.load()
    assert found.slack_api_url == "http://127.0.0.1:1/api/"
    assert found.anthropic_base_url == "http://127.0.0.1:2"
    assert found.discord_api_url == "http://127.0.0.1:3/api/v10"


def test_the_floor_is_half_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is set, what stays word for word is half of the budget."""
    monkeypatch.setenv("BOT_CONTEXT_TOKENS", "5000")
    assert settings.load().floor_tokens == 2500
    monkeypatch.setenv("BOT_CONTEXT_FLOOR_TOKENS", "100")
    assert settings.load().floor_tokens == 100


def test_the_prompts_file_wins(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    """Instructions come from the file where one is named, else from the variable."""
    monkeypatch.setenv("BOT_SYSTEM_PROMPT", "From the variable. ")
    assert settings.load().system_prompt() == "From the variable."
    (tmp_path / "prompt.md").write_text("From the file.\n", "utf-8")
    monkeypatch.setenv("BOT_SYSTEM_PROMPT_FILE", "prompt.md")
    assert settings.load().system_prompt() == "From the file."


def test_it_cannot_be_changed() -> None:
    """The settings are frozen."""
    with pytest.raises(ValueError, match="frozen"):
        settings.load().bot_model = "other"


def test_ids_are_read_from_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commas and blanks separate ids; nothing between them is no id."""
    monkeypatch.setenv("BOT_ADMINS", " slack:U1, discord:42,,")
    monkeypatch.setenv("BOT_DENY", " , ")
    chosen = settings.load()
    assert chosen.access().admins == {"slack:U1", "discord:42"}
    assert chosen.access().deny == frozenset()
