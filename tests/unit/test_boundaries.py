"""The rules of the house, read off the code: who may import whom, and how large things may grow."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).parents[2]
PACKAGES = ("bot", "adapters", "emulators", "playground")
FILES = sorted(path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
TREES = {path: ast.parse((ROOT / path).read_text("utf-8")) for path in FILES}

PURE = [path for path in FILES if re.search(r"\bpure\b", ast.get_docstring(TREES[path]) or "", re.IGNORECASE)]
NOT_PURE = {
    "aiohttp", "aiosqlite", "anthropic", "asyncio", "discord", "logging", "os", "random", "secrets",
    "slack_bolt", "slack_sdk", "socket", "sqlite3", "structlog", "subprocess", "time", "uuid",
}  # fmt: skip
VENDORS = {
    "anthropic": "bot/claude",
    "aiosqlite": "bot/thread_log",
    "sqlite3": "bot/thread_log",
    "cryptography": "bot/workspaces/sealing.py",
    "slack_bolt": "adapters/slack",
    "slack_sdk": "adapters/slack",
    "discord": "adapters/discord",
    "opentelemetry": "bot/operating/otlp.py",
    "PIL": "bot/files",
    "pypdf": "bot/files",
    "docx": "bot/files",
    "openpyxl": "bot/files",
    "defusedxml": "bot/files",
    "mcp": "bot/tools",
    "mcp_types": "bot/tools",
}
LONGEST_MODULE = 330  # lines
LONGEST_FUNCTION = 60  # lines
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def module(path: pathlib.Path) -> str:
    """`bot/thread_log/__init__.py` as `bot.thread_log`."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def imports(tree: ast.AST) -> set[str]:
    """Every module a tree imports; `from bot import turns` counts as `bot.turns`."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def roots(names: set[str]) -> set[str]:
    """The top-level packages of these modules."""
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=str)
def test_each_vendor_sdk_has_one_importing_package(path: pathlib.Path) -> None:
    """Outside the emulators, a vendor's SDK is imported in one package only."""
    if path.parts[0] in {"emulators", "playground"}:
        return
    strays = {
        vendor
        for vendor in roots(imports(TREES[path])) & VENDORS.keys()
        if not str(path).startswith(VENDORS[vendor])
    }
    assert strays == set()


@pytest.mark.parametrize("path", PURE, ids=str)
def test_pure_modules_do_no_io_and_know_no_clock(path: pathlib.Path) -> None:
    """A module that calls itself pure imports no I/O, clock, randomness or logging, and has no coroutine."""
    assert roots(imports(TREES[path])) & NOT_PURE == set()
    assert [node.lineno for node in ast.walk(TREES[path]) if isinstance(node, ast.AsyncFunctionDef)] == []
    assert re.findall(r"\b(?:datetime|dt\.datetime)\.now\(", (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "bot"], ids=str)
def test_the_core_knows_no_platform(path: pathlib.Path) -> None:
    """Only the composition root and the command line import adapters, emulators and the playground."""
    # `starting` starts the playground.
    if path.name in {"__main__.py", "connecting.py", "cli.py", "starting.py"}:
        return
    assert roots(imports(TREES[path])) & {"adapters", "emulators", "playground"} == set()


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "adapters"], ids=str)
def test_adapters_know_neither_each_other_nor_the_log_nor_claude(path: pathlib.Path) -> None:
    """An adapter imports values, ports and pure helpers of the core, and nothing else of ours."""
    mine = ".".join(path.parts[:2])
    allowed = {
        "bot",
        "bot.conversation",
        "bot.ports",
        "bot.operating.findings",
        "bot.errors",
        "bot.workspaces.installation",
        "bot.desk.commands",
        "bot.showing.splitting",
        "bot.showing.pacing",
        "bot.showing.enclosing",  # how many posts an answer takes is the platform's
        "bot.desk.thumbs",
        "adapters.tasks",
        "adapters.platform_time",  # what time it is, by what a platform tells
        "adapters.downloads",  # from which hosts files come, and how much of them: one law for all platforms
        "bot.linking",
    }
    ours = {name for name in imports(TREES[path]) if name.split(".")[0] in PACKAGES}
    strays = {
        name
        for name in ours
        if not name.startswith((mine, *(f"{each}." for each in allowed if each != "bot")))
        and name not in allowed | {"adapters"}
        and not any(each.startswith(f"{name}.") for each in allowed)  # its package
    }
    assert strays == set()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_settings_reads_the_environment(path: pathlib.Path) -> None:
    """No other module of the bot or an adapter looks at the process environment."""
    if path.parts[0] not in {"bot", "adapters"} or module(path) == "bot.settings":
        return
    assert re.findall(r"\bos\.(?:environ|getenv)\b", (ROOT / path).read_text("utf-8")) == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_only_the_thread_log_knows_sql(path: pathlib.Path) -> None:
    """No SQL statement stands outside the thread log."""
    if str(path).startswith("bot/thread_log"):
        return
    texts = [
        node.value
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    statement = re.compile(
        r"^\s*(SELECT\s.+\sFROM|INSERT\s+INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM)\b", re.DOTALL
    )
    assert [text for text in texts if statement.match(text)] == []


@pytest.mark.parametrize("path", [path for path in FILES if path.parts[0] == "bot"], ids=str)
def test_only_adapters_mint_or_take_apart_a_conversation_id(path: pathlib.Path) -> None:
    """No module of the core writes or matches the prefix of a conversation id."""
    texts = [
        node.value
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [text for text in texts if re.match(r"(slack|discord):$", text)] == []


@pytest.mark.parametrize("path", FILES, ids=str)
def test_modules_and_functions_stay_small(path: pathlib.Path) -> None:
    """Past these sizes a module or a function has two jobs."""
    assert len((ROOT / path).read_text("utf-8").splitlines()) <= LONGEST_MODULE
    long = [
        (node.name, (node.end_lineno or 0) - node.lineno + 1)
        for node in ast.walk(TREES[path])
        if isinstance(node, FUNCTIONS) and (node.end_lineno or 0) - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert long == []
