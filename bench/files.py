"""What files cost: time and memory of reading each kind, and how often a thread pays for its files.

    python -m bench files

Every file is made by a real program. The readers are measured from outside: one child process for each file,
its peak memory as the kernel tells it. The thread is the whole bot on the emulators of Slack and Claude.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import io
import json
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from typing import Any

import docx
import fpdf
import openpyxl
from PIL import Image

from bench.support import report
from bot import __main__ as program
from bot import settings
from bot.files import preparing
from emulators import claude, slack

# Between the bench and the reader stands a small process: a child is said to have used what its parent had.
MEASURE = """
import json, os, subprocess, sys, time
words, environment = json.loads(sys.argv[1])
began = time.perf_counter()
process = subprocess.Popen(words, stdin=0, stdout=subprocess.PIPE, env=environment)
head = process.stdout.readline()
process.stdout.read()
_, status, usage = os.wait4(process.pid, 0)
seconds = time.perf_counter() - began
print(json.dumps({"seconds": seconds, "memory": usage.ru_maxrss * 1024, "kind": json.loads(head)["kind"]}))
"""
TURNS = 20
RUNS = 3
LIMIT = 60.0  # seconds for one answer
MEBIBYTE = 2**20
WORDS = "The release is on Thursday, if the tests of the importer pass by then. "


@dataclasses.dataclass(frozen=True, kw_only=True)
class Reading:
    """One file, read once."""

    seconds: float
    memory: int  # bytes, the peak of the child process
    kind: str


def noise(width: int, height: int, form: str) -> bytes:
    """A picture that compresses as badly as a photograph."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(out, form)
    return out.getvalue()


def pdf(pages: int, *, pictures: bool) -> bytes:
    """A PDF of text, with a photograph on each page if wanted."""
    paper = fpdf.FPDF()
    paper.set_font("helvetica", size=11)
    for _ in range(pages):
        paper.add_page()
        paper.multi_cell(0, text=WORDS * 40)
        if pictures:
            paper.image(Image.effect_noise((900, 700), 40).convert("RGB"), w=150)
    return bytes(paper.output())


def word(paragraphs: int) -> bytes:
    """A Word document."""
    document = docx.Document()
    for number in range(paragraphs):
        document.add_paragraph(f"{number}. {WORDS * 4}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def excel(rows: int) -> bytes:
    """An Excel workbook."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Sums")
    for number in range(rows):
        sheet.append([number, f"item {number * 7919}", number * 1.37, WORDS[: number % 40]])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


FILES: Mapping[str, Callable[[], bytes]] = {
    "nothing but a short text": lambda: b"hello",
    "JPEG, 12 megapixels": lambda: noise(4000, 3000, "JPEG"),
    "JPEG, 36 megapixels": lambda: noise(7200, 5000, "JPEG"),
    "PNG, 2 megapixels": lambda: noise(1920, 1080, "PNG"),
    "WebP, 12 megapixels": lambda: noise(4000, 3000, "WEBP"),
    "PDF, 100 pages of text": lambda: pdf(100, pictures=False),
    "PDF, 12 pages with photographs": lambda: pdf(12, pictures=True),
    "Word, 4,000 paragraphs": lambda: word(4_000),
    "Excel, 40,000 rows": lambda: excel(40_000),
    "text, 5 MB": lambda: (WORDS * 80_000).encode()[: 5 * MEBIBYTE],
}


def read(data: bytes) -> Reading:
    """Read a file as the bot does, in a child process of its own, and measure that."""
    with tempfile.TemporaryFile() as given:
        given.write(data)
        given.seek(0)
        words = [sys.executable, "-I", "-c", MEASURE, json.dumps([preparing.COMMAND, preparing.ENVIRONMENT])]
        told = subprocess.run(words, stdin=given, stdout=subprocess.PIPE, check=True).stdout  # noqa: S603 - our own words
    return Reading(**json.loads(told))


def readers() -> str:
    """The table of time and memory."""
    rows = []
    for name, make in FILES.items():
        data = make()
        runs = sorted((read(data) for _ in range(RUNS)), key=lambda run: run.seconds)
        best, size = runs[len(runs) // 2], len(data) / MEBIBYTE
        per = (best.seconds / size, best.memory / MEBIBYTE / size) if size > 0.05 else (0.0, 0.0)
        rows.append(
            [
                name,
                best.kind,
                f"{size:.2f}",
                f"{best.seconds * 1000:,.0f}",
                f"{best.memory / MEBIBYTE:,.0f}",
                *(f"{figure:.2f}" if figure else "" for figure in per),
            ]
        )
    head = ["file", "read as", "MB", "ms", "peak MB", "s per MB", "peak MB per MB"]
    return report.table(head, rows, left=2)


async def thread() -> str:
    """The table of a thread with three pictures and a PDF over so many turns."""
    usages: list[Mapping[str, Any]] = []
    async with claude.Claude() as api, slack.Slack() as service:
        api.answer = lambda body: f"Answer {len(body['messages'])}."
        ada = service.add_user("Ada")
        channel = service.add_channel("general", members=[ada])
        with tempfile.TemporaryDirectory() as folder:
            chosen = settings.load(
                _env_file=None,
                anthropic_api_key="sk-ant-emulated",
                anthropic_base_url=api.url,
                database_url=f"sqlite:///{pathlib.Path(folder) / 'bot.db'}",
                bot_http_port=0,
                slack_bot_token=service.bot_token,
                slack_app_token=service.app_token,
                slack_api_url=service.api_url,
            )
            async with program.running(chosen) as bot:
                await service.connected(2)
                root = await ask(service, bot, channel, ada, f"<@{service.bot_user_id}> look at these", None)
                for number in range(1, TURNS):
                    await ask(service, bot, channel, ada, f"question {number}", root)
            usages = [call.usage for call in api.requests if call.usage]
    return _shares(usages)


async def ask(
    service: slack.Slack, bot: program.Bot, channel: str, user: str, text: str, root: str | None
) -> str:
    """Post, the files with the first post, and wait until it is answered."""
    files = None
    if root is None:
        pictures = [noise(1600, 1200, "JPEG"), noise(2400, 1800, "JPEG"), noise(800, 600, "PNG")]
        files = [
            service.add_file(user=user, name=f"{number}.jpg", mimetype="image/jpeg", data=data)
            for number, data in enumerate(pictures)
        ]
        paper = pdf(3, pictures=False)
        files.append(service.add_file(user=user, name="a.pdf", mimetype="application/pdf", data=paper))
    ts = await service.post(channel=channel, user=user, text=text, thread_ts=root, files=files)
    thread_ts = root or ts
    async with asyncio.timeout(LIMIT):
        await service.settled(timeout_seconds=LIMIT)
        await service.until(lambda _: _answered(service, channel, thread_ts, after=ts), timeout_seconds=LIMIT)
        while bot.workers.busy:  # noqa: ASYNC110 - it has no event, and a bench may look
            await asyncio.sleep(0.01)
    return thread_ts


def _answered(service: slack.Slack, channel: str, root: str, *, after: str) -> bool:
    posts = service.messages(channel, root)
    return any(post.get("user") == service.bot_user_id and str(post["ts"]) > after for post in posts)


def _shares(usages: list[Mapping[str, Any]]) -> str:
    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    fresh, written, read_ = (sum(int(usage.get(name) or 0) for usage in usages) for name in names)
    first, rest = usages[0], usages[1:]
    later = sum(int(usage.get("cache_creation_input_tokens") or 0) for usage in rest)
    rows = [
        ["requests", f"{len(usages)}"],
        ["written to the cache by the first request, the files included", f"{first[names[1]]:,}"],
        ["written by all later requests together", f"{later:,}"],
        ["read from the cache", f"{read_:,}"],
        ["fresh", f"{fresh:,}"],
        ["share of the input read from the cache, all requests", f"{read_ / (fresh + written + read_):.1%}"],
        [
            "the same from the second request on",
            f"{read_ / (read_ + later + sum(int(usage[names[0]]) for usage in rest)):.1%}",
        ],
    ]
    return report.table(["tokens", "of the thread"], rows)


def main() -> None:
    """Run both and keep the result."""
    text = "\n\n".join(
        [
            "# Files",
            f"Run on {dt.datetime.now(dt.UTC).date()} with `python -m bench files`. {report.machine()}",
            "## Reading them\n\nA process for each file (the median of three runs); the bot keeps nothing.",
            readers(),
            f"## Paying for them\n\nThree pictures and a PDF of three pages, then {TURNS - 1} questions.",
            asyncio.run(thread()),
        ]
    )
    (report.FOLDER / "files.md").write_text(text + "\n", "utf-8")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
