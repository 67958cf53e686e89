"""Recall at the size of a busy log: how long a search takes and how large the index is."""

from __future__ import annotations

import datetime as dt
import itertools
import pathlib
import sqlite3
import tempfile
import time

from bench.support import irc, report
from bot import conversation
from bot.thread_log import index, migrations, recall

POSTS = 300_000
THREAD = 1_000  # posts of one conversation
QUERIES = 300
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def measure() -> str:
    """Build the log, search it, say what it took."""
    with tempfile.TemporaryDirectory() as folder:
        db = sqlite3.connect(pathlib.Path(folder) / "bench.db", isolation_level=None)
        migrations.migrate(db, now=0)
        began = time.perf_counter()
        text = _fill(db)
        took = time.perf_counter() - began
        times, cpu = _search(db)
        (size,) = db.execute("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'post_index%'").fetchone() or (
            0,
        )
        db.close()
    rows = [
        ["search, 20 hits, p50", f"{times[len(times) // 2]:.2f} ms"],
        ["search, 20 hits, p95", f"{times[int(len(times) * 0.95)]:.2f} ms"],
        ["the same in CPU time, p95", f"{cpu[int(len(cpu) * 0.95)]:.2f} ms"],
        ["index", f"{size / 2**20:.0f} MiB over {text / 2**20:.0f} MiB of text"],
        ["recording and indexing", f"{POSTS / took:,.0f} posts a second, in one transaction"],
    ]
    head = [f"Recall in {POSTS:,} posts of {POSTS // THREAD} conversations, interleaved", ""]
    return report.table(head, rows)


def _fill(db: sqlite3.Connection) -> int:
    """The posts, one conversation after another in turn; bytes of their text."""
    total = 0
    conversations = POSTS // THREAD
    db.execute("BEGIN")
    for number in range(1, conversations + 1):
        db.execute(
            "INSERT INTO conversations (number, id, platform, workspace, channel, address, newest_at,"
            " created_at) VALUES (?, ?, 'slack', '', '', '', 0, 0)",
            (number, str(number)),
        )
    for number, (who, said) in enumerate(itertools.islice(irc.posts(), POSTS)):
        total += len(said.encode())
        seq = db.execute(
            "INSERT INTO posts (conversation, id, role, author, author_name, text, sent_at, addressed,"
            " attachments, place) VALUES (?, ?, 'user', ?, ?, ?, ?, 0, '[]', ?)",
            (number % conversations + 1, str(number), who, who, said, number, number // conversations + 1),
        ).lastrowid
        index.add(db, [seq or 0])
    db.execute("COMMIT")
    return total


def _search(db: sqlite3.Connection) -> tuple[list[float], list[float]]:
    """Milliseconds of each search, by the clock and of CPU, in order; a question is six words."""
    took, cpu = [], []
    questions = itertools.islice((said for _, said in irc.posts() if len(said) > 40), QUERIES)
    for number, question in enumerate(questions):
        key = conversation.ConversationId(str(number % (POSTS // THREAD) + 1))
        words = " ".join(recall.content_words(question)[:6])
        began, busy = time.perf_counter(), time.thread_time()
        recall.search(db, conversation_id=key, query=words, limit=20)
        took.append((time.perf_counter() - began) * 1e3)
        cpu.append((time.thread_time() - busy) * 1e3)
    return sorted(took), sorted(cpu)
