"""The command line, run as an operator runs it: a process in a folder, with an environment."""

import contextlib
import csv
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
from typing import Any

import fakes
import pytest
import world

from bot import conversation, settings
from bot.money import prices
from bot.thread_log import migrations

ROOT = pathlib.Path(__file__).parents[2]
KEY = "slack:T1:C1:1712.5"


def bot(
    folder: pathlib.Path, *words: str, given: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run `python -m bot` with these words, in this folder, with nothing set but these variables."""
    unset = {name.upper() for name in settings.Settings.model_fields}
    clean = {name: value for name, value in os.environ.items() if name not in unset}
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "bot", *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "COLUMNS": "200", **variables},
        input=given,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def a_line(number: int, text: str, **fields: Any) -> str:
    """One exported post."""
    data = {
        "conversation": KEY, "id": f"1712.{number}", "role": "user", "author": "U1", "author_name": "Ada",
        "text": text, "sent_at": f"2026-11-22T10:00:{number:02}.000Z",
    }  # fmt: skip
    return json.dumps({**data, **fields}, ensure_ascii=False) + "\n"


POSTS = "".join(
    [
        a_line(5, "Where do we keep the backups?"),
        a_line(6, "In the cellar, on tape.", role="assistant", author="B1", author_name="Threadmate"),
        a_line(7, "Ça marche: «tape» it is.", author="U2", author_name="Bob"),
        a_line(8, "Lunch at noon?"),
        a_line(5, "Another thread about kites.", conversation="discord:77", author="U2", author_name="Bob"),
    ]
)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder whose log holds POSTS."""
    done = bot(tmp_path, "import", "-", given=POSTS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "5 posts imported, 0 known already.\n", "")
    return tmp_path


def test_help_lists_every_command(tmp_path: pathlib.Path) -> None:
    """`--help` names each command, and touches nothing."""
    done = bot(tmp_path, "--help")
    assert done.returncode == 0
    for word in ("usage", "export", "import", "recall", "forget"):
        assert word in done.stdout
    narrow = bot(tmp_path, "--help", COLUMNS="80").stdout
    assert "..." not in narrow.split("Commands:")[1]  # nothing is cut short
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [(), ("usage",), ("export", "--all")])
def test_wrong_settings_end_it_with_status_2(tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    """Each wrong or missing variable has its line on standard error, without a value; the status is 2."""
    done = bot(tmp_path, *words, BOT_HTTP_PORT="canary", SLACK_BOT_TOKEN="canary")
    assert done.returncode == 2
    assert done.stdout == ""
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == [
        "SLACK_BOT_TOKEN",
        "BOT_HTTP_PORT",
        "SLACK_APP_TOKEN",  # missing beside it
        "ANTHROPIC_API_KEY",
    ]
    assert "canary" not in done.stderr


def test_a_platform_without_claude_is_refused(tmp_path: pathlib.Path) -> None:
    """Status 2, and one line that names the key."""
    done = bot(tmp_path, DISCORD_BOT_TOKEN="canary")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("ANTHROPIC_API_KEY: should be set")


def test_what_is_imported_is_exported(folder: pathlib.Path) -> None:
    """The export of everything, and of one conversation, is what was imported, line for line."""
    assert bot(folder, "export", "--all").stdout == POSTS
    assert bot(folder, "export", "discord:77").stdout == POSTS.splitlines(keepends=True)[-1]


def test_what_an_answer_cost_elsewhere_comes_along(folder: pathlib.Path) -> None:
    """The usage of an imported answer is in its export, counts in `recommend`, and was not spent here."""
    billed = {"input_tokens": 900, "output_tokens": 4000, "cache_creation": {"ephemeral_5m_input_tokens": 7}}
    question = json.loads(a_line(1, "When?", id="q", conversation="slack:T1:C1:9"))
    answer = {**question, "id": "r", "role": "assistant", "text": "Friday.", "usage": billed}
    lines = json.dumps(question) + "\n" + json.dumps(answer) + "\n"
    bot(folder, "import", "-", given=lines)
    exported = bot(folder, "export", "slack:T1:C1:9").stdout
    assert [json.loads(line) for line in exported.splitlines()] == [question, answer]
    assert json.loads(bot(folder, "usage", "--json").stdout) == []
    (folder / "exported.jsonl").write_text(exported, "utf-8")
    found = json.loads(bot(folder, "recommend", "--from", "exported.jsonl", "--json").stdout)
    assert {row["output_tokens"] for row in found} == {4000}


@pytest.mark.parametrize("usage", [{"output_tokens": "many"}, {"iterations": 5}, {"cache_creation": [1]}])
def test_a_usage_of_nonsense_is_kept_and_counts_nothing(
    tmp_path: pathlib.Path, usage: dict[str, Any]
) -> None:
    """What a file tells of costs is not trusted: an answer is then as long as its text."""
    question = json.loads(a_line(1, "When?", id="q"))
    lines = [question, {**question, "id": "r", "role": "assistant", "usage": usage}]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert bot(tmp_path, "import", "-", given=text).returncode == 0
    assert bot(tmp_path, "export", "--all").stdout == text
    assert "$" in bot(tmp_path, "estimate").stdout


def test_a_known_post_is_left_alone(folder: pathlib.Path) -> None:
    """Importing again, with other words under known ids, changes nothing; blank lines are no posts."""
    again = POSTS.replace("Lunch", "Dinner") + "\n \n" + a_line(9, "New.")
    (folder / "again.jsonl").write_text("\ufeff" + again, "utf-8")
    done = bot(folder, "import", "again.jsonl")
    assert (done.returncode, done.stdout) == (0, "1 posts imported, 5 known already.\n")
    exported = bot(folder, "export", KEY).stdout
    assert "Dinner" not in exported
    assert exported.endswith(a_line(9, "New."))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\n{}\n", 'line 2 has no text field "conversation". What stands before line 1 is in.'),
        (a_line(1, "Fine.").encode() + b"nonsense\n", "line 2 is not JSON. What stands before line 1 is in."),
        (a_line(1, "Fine.").encode() + b"\xff\n", "is not UTF-8 after line"),
    ],
)
def test_a_bad_line_ends_the_import(tmp_path: pathlib.Path, content: bytes, said: str) -> None:
    """One line on standard error names the file and the line and never quotes it; the status is 1."""
    (tmp_path / "in.jsonl").write_bytes(content)
    done = bot(tmp_path, "import", "in.jsonl")
    assert done.returncode == 1
    assert done.stderr.startswith("in.jsonl: ")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "nonsense" not in done.stderr
    assert bot(tmp_path, "export", "--all").stdout == ""


def test_lines_before_the_bad_one_are_in_as_far_as_it_says(tmp_path: pathlib.Path) -> None:
    """Whole batches before the bad line stay imported, and the message says up to where."""
    lines = "".join(a_line(n % 60, "x", id=f"{n}") + "\n" for n in range(500)) + a_line(1, "y") + "{\n"
    (tmp_path / "in.jsonl").write_text(lines, "utf-8")
    done = bot(tmp_path, "import", "in.jsonl")
    assert done.stderr == "in.jsonl: line 1002 is not JSON. What stands before line 1000 is in.\n"
    assert len(bot(tmp_path, "export", "--all").stdout.splitlines()) == 500


def test_a_missing_file_is_one_line(tmp_path: pathlib.Path) -> None:
    """A file that is not there is said so, with status 1."""
    done = bot(tmp_path, "import", "none.jsonl")
    assert (done.returncode, done.stderr) == (1, "none.jsonl: No such file or directory.\n")


def test_markdown_is_for_people(folder: pathlib.Path) -> None:
    """As Markdown each post is its speaker, its time and its text."""
    done = bot(folder, "export", KEY, "--format", "markdown")
    assert done.stdout.startswith(
        "**Ada**, 2026-11-22 10:00:05 UTC\n\nWhere do we keep the backups?\n\n**Threadmate**"
    )


@pytest.mark.parametrize("words", [("export", "slack:none"), ("recall", "slack:none", "tape")])
def test_an_unknown_conversation_is_one_line(folder: pathlib.Path, words: tuple[str, ...]) -> None:
    """A conversation that the log has not is said so, with status 1."""
    done = bot(folder, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "slack:none: no such conversation in the log.\n"


def test_recall_finds_posts_of_one_conversation(folder: pathlib.Path) -> None:
    """Hits come best first, in the export's form with a score, and from this conversation only."""
    done = bot(folder, "recall", KEY, "where is the tape?", "--json")
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert {hit["id"] for hit in hits} <= {"1712.5", "1712.6", "1712.7", "1712.8"}
    assert hits[0]["id"] in {"1712.6", "1712.7"}
    scores = [hit["score"] for hit in hits]
    assert scores == sorted(scores, reverse=True)
    assert len(bot(folder, "recall", KEY, "tape", "--limit", "1").stdout.splitlines()) == 1
    assert bot(folder, "recall", KEY, "kites").stdout == ""


def test_recall_shows_what_stands_around(folder: pathlib.Path) -> None:
    """With `--around` the posts before and after a hit come along, without a score, each once."""
    done = bot(folder, "recall", KEY, "backups", "--limit", "1", "--around", "1")
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(hit["id"], hit["score"] is None) for hit in hits] == [("1712.5", False), ("1712.6", True)]


def test_a_hit_beside_a_hit_is_printed_once(folder: pathlib.Path) -> None:
    """A post that is found and stands around another one comes once, with its score."""
    done = bot(folder, "recall", KEY, "backups tape", "--around", "3")
    hits = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [hit["id"] for hit in hits]
    assert len(ids) == len(set(ids))
    found = {
        json.loads(line)["id"] for line in bot(folder, "recall", KEY, "backups tape").stdout.splitlines()
    }
    assert len(found) > 1
    assert {hit["id"] for hit in hits if hit["score"] is not None} == found


def test_forget_asks_first(folder: pathlib.Path) -> None:
    """Without a yes nothing is erased."""
    done = bot(folder, "forget", "--conversation", KEY, given="n\n")
    assert done.returncode == 1
    assert bot(folder, "export", "--all").stdout == POSTS


def test_forget_erases_a_conversation(folder: pathlib.Path) -> None:
    """Its posts leave the log, the search and the file itself, and cannot be imported again."""
    done = bot(folder, "forget", "--conversation", KEY, "--yes")
    assert (done.returncode, done.stdout) == (0, "Erased 4 posts.\n")
    assert bot(folder, "export", "--all").stdout == POSTS.splitlines(keepends=True)[-1]
    for path in folder.iterdir():
        assert b"backups" not in path.read_bytes()
    assert bot(folder, "import", "-", given=POSTS).stdout == "0 posts imported, 5 known already.\n"


def test_forget_names_what_is_not_there(folder: pathlib.Path) -> None:
    """A mistyped conversation is said so, with status 1: nobody shall think that it was forgotten."""
    done = bot(folder, "forget", "--conversation", "slack:T1:C1:9", "--yes")
    assert (done.returncode, done.stderr) == (1, "slack:T1:C1:9: no such conversation in the log.\n")


def test_forget_erases_a_person(folder: pathlib.Path) -> None:
    """Their posts leave every conversation; those of others stay."""
    done = bot(folder, "forget", "--user", "U2", "--yes")
    assert (done.returncode, done.stdout) == (0, "Erased 2 posts.\n")
    left = [json.loads(line)["id"] for line in bot(folder, "export", "--all").stdout.splitlines()]
    assert left == ["1712.5", "1712.6", "1712.8"]


@pytest.mark.parametrize(
    "words",
    [
        ("usage",),
        ("export", "--all"),
        ("recall", KEY, "tape"),
        ("forget", "--user", "U1", "--yes"),
        ("estimate",),
        ("recommend", "--json"),
    ],
)
def test_no_log_is_made_by_looking(tmp_path: pathlib.Path, words: tuple[str, ...]) -> None:
    """In a folder without the bot's log a command says so; it finds nothing and makes none."""
    done = bot(tmp_path, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path / 'bot.db'}: there is no such database." in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_logged_is_no_part_of_the_answer(tmp_path: pathlib.Path) -> None:
    """That a command brought the log up to date stands on standard error, not in its output."""
    with contextlib.closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as db:
        migrations.migrate(db, now=0, steps=migrations.STEPS[:-1])
    done = bot(tmp_path, "usage", "--json")
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert "upgrade.copied" in done.stderr


@pytest.mark.parametrize(
    "words", [("forget",), ("forget", "--conversation", "a", "--user", "b"), ("export",)]
)
def test_what_is_ambiguous_is_refused(folder: pathlib.Path, words: tuple[str, ...]) -> None:
    """A command that could mean everything or nothing does nothing."""
    assert bot(folder, *words).returncode == 2
    assert bot(folder, "export", "--all").stdout == POSTS


def test_usage_of_nothing(folder: pathlib.Path) -> None:
    """Without a bill it says so, or prints an empty list."""
    assert bot(folder, "usage").stdout == "Nothing has been billed yet.\n"
    assert json.loads(bot(folder, "usage", "--by", "user", "--json").stdout) == []


def test_a_conversation_is_priced_under_every_choice(folder: pathlib.Path) -> None:
    """`recommend` lists every choice, cheapest first, with the contract's fields; `estimate` prices one."""
    posts = [
        {
            "id": "1",
            "role": "user",
            "author": "U1",
            "text": "when is it?",
            "sent_at": "2026-11-22T10:00:00.000Z",
        },
        {
            "id": "2",
            "role": "assistant",
            "author": "B",
            "text": "Friday.",
            "sent_at": "2026-11-22T10:00:05.000Z",
        },
        {"id": "3", "role": "user", "author": "U2", "text": "who?", "sent_at": "2026-11-22T10:02:00.000Z"},
        {
            "id": "4",
            "role": "assistant",
            "author": "B",
            "text": "Ada.",
            "sent_at": "2026-11-22T10:02:05.000Z",
        },
    ]
    file = folder / "exported.jsonl"
    lines = [json.dumps({"conversation": "slack:T1:C1:1", "author_name": "A", **post}) for post in posts]
    file.write_text("\n".join(lines))
    choices = json.loads(bot(folder, "recommend", "--from", str(file), "--json").stdout)
    fields = (
        "strategy cache model requests input_tokens cache_write_tokens cache_read_tokens output_tokens usd"
    )
    assert all(list(choice) == fields.split() for choice in choices)
    assert [choice["usd"] for choice in choices] == sorted(choice["usd"] for choice in choices)
    assert {choice["strategy"] for choice in choices} == {"summarise", "window", "full"}
    assert {choice["cache"] for choice in choices} == {"none", "5m", "1h", "auto"}
    assert {choice["requests"] for choice in choices} == {2}
    assert "$" in bot(folder, "estimate", "--from", str(file)).stdout


async def test_usage_comes_as_values_for_a_spreadsheet(tmp_path: pathlib.Path) -> None:
    """`--csv` prints a line of names and one for each key, with the figures of `--json`."""
    async with world.opened(tmp_path, model=fakes.Model()) as bot_:
        await bot_.say(1)
        await bot_.idle()
    (row,) = csv.DictReader(bot(tmp_path, "usage", "--by", "user", "--csv").stdout.splitlines())
    (total,) = json.loads(bot(tmp_path, "usage", "--by", "user", "--json").stdout)
    assert list(row) == list(total)
    assert (row["key"], float(row["usd"])) == ("slack:U1", total["usd"])
    assert bot(tmp_path, "usage", "--csv", "--json").returncode == 2


async def test_usage_adds_up_what_was_billed(tmp_path: pathlib.Path) -> None:
    """Tokens, cached share and money, by person or by whatever is asked; JSON holds the same figures."""
    usage = conversation.Usage(fresh=1000, read=3000, output=100)
    async with world.opened(tmp_path, model=fakes.Model(script=[fakes.an_answer("ok", usage=usage)])) as bot_:
        await bot_.say(1)
        await bot_.idle()
    cost = prices.cost("claude-sonnet-5-5", usage)
    done = bot(tmp_path, "usage", "--by", "user")
    assert [line.split() for line in done.stdout.splitlines()] == [
        ["user", "requests", "tokens", "in", "cached", "tokens", "out", "money"],
        ["slack:U1", "1", "4,000", "75%", "100", f"${cost:.4f}"],
    ]
    (total,) = json.loads(bot(tmp_path, "usage", "--by", "conversation", "--json").stdout)
    assert total == {
        "key": world.KEY,
        "requests": 1,
        "input_tokens": 1000,
        "cache_write_tokens": 0,
        "cache_read_tokens": 3000,
        "output_tokens": 100,
        "cache_read_share": 0.75,
        "cache_misses": {},
        "usd": float(cost or 0),
        "requests_without_price": 0,
    }


def test_a_newer_database_is_left_alone(folder: pathlib.Path) -> None:
    """A log that a newer version wrote is refused in one line, with status 1."""
    database = sqlite3.connect(folder / "bot.db")
    database.execute("INSERT INTO migrations VALUES ('m999_future', 0)")
    database.commit()
    database.close()
    done = bot(folder, "export", "--all")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (1, "", 1)
    assert "newer version" in done.stderr


def test_a_reader_that_goes_away_is_no_error(folder: pathlib.Path) -> None:
    """`export | head -1` ends without a traceback."""
    with (folder / "many.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(a_line(n % 60, "x" * 1000, id=f"m{n}") for n in range(600))
    bot(folder, "import", "many.jsonl")
    command = f"{sys.executable} -m bot export --all | head -1"
    done = subprocess.run(  # noqa: S602 - a pipe is what is tested
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
