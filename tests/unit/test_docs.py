"""Every code block in README.md and docs/ is claimed by a check here, and holds; so do links and quotes."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Callable

import pytest
import structlog

import bootstrap
from bench import __main__ as bench
from bench.torture import rows
from bot import cli, settings

ROOT = pathlib.Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block."""

    page: pathlib.Path
    section: str
    language: str
    text: str


def blocks(page: pathlib.Path) -> list[Block]:
    """A page's code blocks, in order."""
    found, section, language, inside = [], "", "", list[str]()
    opened = False
    for line in page.read_text("utf-8").splitlines():
        if line.startswith("```"):
            if opened:
                found.append(Block(page=page, section=section, language=language, text="\n".join(inside)))
            opened, language, inside = not opened, line.removeprefix("```"), []
        elif opened:
            inside.append(line)
        elif line.startswith("#"):
            section = line.lstrip("# ")
    assert not opened, f"{page.name}: a block is not closed"
    return found


def shell(text: str, folder: pathlib.Path, *, scripts: str = "") -> str:
    """Run lines as somebody who pastes them, stopping at the first that fails; what they print."""
    done = subprocess.run(  # noqa: S603 - the documentation's own lines
        ["bash", "-euc", scripts + text],  # noqa: S607 - wherever it is
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


PRETEND = """
python3() { test "$1" = bootstrap.py; echo "bootstrap $2 ${3-}"; }
python() { test "$1" = -m && test "$2" = bot; echo "bot ${3-}"; }
"""


def words_are_known(printed: str) -> None:
    """What was asked of bootstrap.py and of `python -m bot` exists."""
    known = set(cli.app.commands)
    for line in printed.splitlines():
        program, word, *more = [*line.split(), ""]
        if program == "bootstrap":
            assert f"python3 bootstrap.py {word} " in (bootstrap.__doc__ or "")
        command = word if program == "bot" else more[0] if word == "run" else ""
        assert command in known | {""}


def installing(block: Block, folder: pathlib.Path) -> None:
    """From a clone of this repository on; what is installed and run is pretended."""
    text = block.text.replace("REPOSITORY", str(ROOT))
    words_are_known(shell(text, folder, scripts=PRETEND))
    assert (folder / "threadmate" / "bootstrap.py").is_file()


def upgrading(block: Block, folder: pathlib.Path) -> None:
    """The same, in a clone that is behind by nothing."""
    shell(f"git clone -q {ROOT} here", folder)
    words_are_known(shell(block.text, folder / "here", scripts=PRETEND))


def picking_lines(block: Block, folder: pathlib.Path) -> None:
    """The log's own renderer writes what the pattern finds."""
    start, pick = block.text.splitlines()
    words_are_known(shell(start, folder, scripts=PRETEND))
    render = structlog.processors.JSONRenderer()
    lines = [str(render(None, "info", {"event": "x", "reply": reply})) for reply in ("THE_ID", "another")]
    (folder / "bot.log").write_text("\n".join(lines) + "\n", "utf-8")
    (found,) = shell(pick, folder).splitlines()
    assert json.loads(found)["reply"] == "THE_ID"


def going_back(block: Block, folder: pathlib.Path) -> None:
    """The copy stands in the database's place, and nothing beside it."""
    for name in ("bot.db", "bot.db-wal", "bot.db-shm"):
        (folder / name).write_text("upgraded", "utf-8")
    (folder / "bot.db.before-upgrade-from-m010_accounts").write_text("as it was", "utf-8")
    shell(block.text, folder)
    assert {path.name: path.read_text("utf-8") for path in folder.iterdir()} == {"bot.db": "as it was"}


def backing_up(block: Block, folder: pathlib.Path) -> None:
    """As it stands, from the project's folder: one copy, with what was in the database."""
    (folder / "ops").symlink_to(ROOT / "ops")
    with contextlib.closing(sqlite3.connect(folder / "bot.db")) as db, db:
        db.execute("CREATE TABLE posts AS SELECT 'kept' AS text")
    shell(block.text, folder)
    (copy,) = (folder / "backups").iterdir()
    with contextlib.closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT text FROM posts").fetchone() == ("kept",)


def tools(block: Block, folder: pathlib.Path) -> None:  # noqa: ARG001 - it writes nothing
    """TOML with tools in it; tests/unit/tools reads it as the bot does."""
    assert all(server["tools"] for server in tomllib.loads(block.text)["servers"].values())


def exchange(block: Block, folder: pathlib.Path) -> None:  # noqa: ARG001 - it writes nothing
    """What `python -m bench.tool_exchange` prints, made anew with the real server."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.tool_exchange"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=100,
    )
    assert done.stdout.strip() == f"```text\n{block.text}\n```"


def drawing(block: Block, folder: pathlib.Path) -> None:  # noqa: ARG001 - it writes nothing
    """Each stage on the left is a module of the bot; the events come from the adapters."""
    stages = re.findall(r"(?m)^ (\w[\w /]*?)(?:  .*)?$", block.text)
    assert stages == ["Slack / Discord event", "thread log", "conversations", "responder"]
    for stage in stages[1:]:
        name = stage.replace(" ", "_")
        assert (ROOT / "bot" / name).is_dir() or (ROOT / "bot" / f"{name}.py").is_file(), stage


def transcript(block: Block, folder: pathlib.Path) -> None:  # noqa: ARG001 - it writes nothing
    """Lines of people and the bot; `test_readme` has it made anew and compares."""
    assert re.fullmatch(r"(\[[^\]]+\] \w+: .+\n?)+", block.text)


Check = Callable[[Block, pathlib.Path], None]

CLAIMS: list[
    tuple[str, str, Check]
] = [  # page, section, and what holds of the blocks of that section in turn
    ("README.md", "Two commands", installing),
    ("README.md", "How it works", drawing),
    ("README.md", "A real run", transcript),
    ("README.md", "A real run", transcript),
    ("tools.md", "Listing them", tools),
    ("tools.md", "An exchange with a tool server", exchange),
    ("operating.md", "Backups", backing_up),
    ("operating.md", "Logs", picking_lines),
    ("operating.md", "Upgrading, and the way back", upgrading),
    ("operating.md", "Upgrading, and the way back", going_back),
]
BLOCKS = [block for page in PAGES for block in blocks(page)]


def test_every_block_is_claimed() -> None:
    """A new block needs a check: nothing stands in the documentation that nobody ever ran."""
    there = [(block.page.name, block.section) for block in BLOCKS]
    assert sorted(there) == sorted((page, section) for page, section, _ in CLAIMS)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page.name}-{block.section}")
def test_the_block_holds(block: Block, tmp_path: pathlib.Path) -> None:
    """Each block does, or is, what its claim above holds it to."""
    where = (block.page.name, block.section)
    mine = [each for each in BLOCKS if (each.page.name, each.section) == where]
    checks = [check for page, section, check in CLAIMS if (page, section) == where]
    checks[mine.index(block)](block, tmp_path)


def anchors(page: pathlib.Path) -> set[str]:
    """The names that a page's headings can be linked by."""
    titles = re.findall(r"(?m)^#+ (.+)$", page.read_text("utf-8"))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: pathlib.Path) -> None:
    """Each link within the project names a file that is there, and a heading that is in it."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_places_it_names_exist(page: pathlib.Path) -> None:
    """Each file and folder of the project that a page names is there; `<platform>` and NAME stand for any."""
    folders = "adapters|bench|bot|docs|emulators|ops|playground|tests"
    for named in re.findall(rf"`((?:{folders})/[\w./<>-]+)`", page.read_text("utf-8")):
        pattern = re.sub(r"<\w+>|NAME", "*", named).rstrip("/")
        assert list(ROOT.glob(pattern)), named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_benches_it_names_exist(page: pathlib.Path) -> None:
    """Whoever wants a figure again finds the command; rows of the fault matrix are rows of it."""
    text = page.read_text("utf-8")
    known = {*bench.benches(), "NAME"}
    assert set(re.findall(r"python\s+-m\s+bench ([\w]+)", text)) <= known
    for module, word in re.findall(r"python\s+-m\s+(bench\.\w+)(?: (\w+))?", text):
        assert importlib.util.find_spec(module) is not None, module
        assert module != "bench.torture" or word in {*rows.ROWS, "all", "mutate", ""}, word


def test_what_it_says_can_be_seen_is_said_by_the_program() -> None:
    """Every sentence that the troubleshooting page quotes stands in the source, and every variable is one."""
    page = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")
    source = "".join(path.read_text("utf-8") for path in (ROOT / "bot").rglob("*.py"))
    plain = re.sub(r'"\s*\n?\s*f?"', "", source)
    for quoted in re.findall(r'\| "([^"]+)" \|', page):
        for piece in quoted.split(" … "):
            assert piece in plain, quoted
    known = {name.upper() for name in settings.Settings.model_fields}
    assert set(re.findall(r"`((?:BOT|SLACK|DISCORD)_[A-Z_]+)", page)) <= known
