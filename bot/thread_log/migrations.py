"""The schema as steps. Rule: a step that was released never changes; a change is a new step.

Each step is one transaction and leaves its name in `migrations`. `schema.sql` is what they add up to,
for reading; a test keeps the two equal. A database that names a step unknown here is left untouched.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from bot import errors
from bot.thread_log import index, newer_steps

APPLICATION_ID = 0x54684D74
"""Marks the file as Threadmate's (https://www.sqlite.org/pragma.html#pragma_application_id)."""

Step = Callable[[sqlite3.Connection], None]


def migrate(db: sqlite3.Connection, *, now: int, steps: Sequence[Step] | None = None) -> None:
    """Bring the database up to date; several processes may do so at once.

    Raises LogTooNew for a newer version's database and LogUnusable for another program's.
    """
    steps = STEPS if steps is None else steps
    _check_owner(db)
    db.execute("BEGIN IMMEDIATE")
    try:
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT, WITHOUT ROWID"
        )
        _check_version(db, steps)
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")
    for step in steps:
        _apply(db, step, now)


def waiting(db: sqlite3.Connection) -> int:
    """How many steps `migrate` would take; raises what it would, and changes nothing."""
    _check_owner(db)
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone() is None:
        return len(STEPS)
    _check_version(db, STEPS)
    (done,) = db.execute("SELECT count(*) FROM migrations").fetchone()
    return len(STEPS) - int(done)


def newest(db: sqlite3.Connection) -> str | None:
    """The last step that a database has taken; None for a new one."""
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone() is None:
        return None
    (name,) = db.execute("SELECT max(name) FROM migrations").fetchone()
    return None if name is None else str(name)


def _check_owner(db: sqlite3.Connection) -> None:
    (owner,) = db.execute("PRAGMA application_id").fetchone()
    (tables,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and owner != APPLICATION_ID:
        raise errors.LogUnusable(
            "The database belongs to another program: name another file in DATABASE_URL."
        )


def _check_version(db: sqlite3.Connection, steps: Sequence[Step]) -> None:
    known = {step.__name__ for step in steps}
    unknown = sorted(name for (name,) in db.execute("SELECT name FROM migrations") if name not in known)
    if unknown:
        raise errors.LogTooNew(
            f"The database was written by a newer version of Threadmate (it knows {unknown[-1]}): "
            "run that version, or restore a backup."
        )


def _apply(db: sqlite3.Connection, step: Step, now: int) -> None:
    name = step.__name__
    db.execute("BEGIN IMMEDIATE")
    try:
        if db.execute("SELECT 1 FROM migrations WHERE name = ?", (name,)).fetchone() is None:
            step(db)
            db.execute("INSERT INTO migrations (name, applied_at) VALUES (?, ?)", (name, now))
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def m001_posts(db: sqlite3.Connection) -> None:
    """Who wrote what where. Times are microseconds since 1970, UTC."""
    db.execute("""CREATE TABLE conversations (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        address TEXT NOT NULL,
        newest_at INTEGER NOT NULL,              -- of the newest recorded post: the address is from its event
        history_read INTEGER NOT NULL DEFAULT 0,
        next_place INTEGER NOT NULL DEFAULT 1,
        reset_place INTEGER NOT NULL DEFAULT 0,  -- places before it are hidden (`new`)
        changed_at INTEGER NOT NULL DEFAULT 0,   -- last edit or deletion of a post that had been sent
        created_at INTEGER NOT NULL
    ) STRICT""")
    db.execute("CREATE INDEX conversations_newest ON conversations (platform, newest_at)")
    db.execute("""CREATE TABLE posts (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used again: the search index names rows by it
        conversation INTEGER NOT NULL REFERENCES conversations,
        id TEXT NOT NULL,
        role TEXT NOT NULL CHECK (role IN ('user', 'assistant')),
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        text TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        addressed INTEGER NOT NULL,
        attachments TEXT NOT NULL,               -- JSON list
        edited_at INTEGER,
        place INTEGER,                           -- NULL until it is first sent to Claude
        reply TEXT,                              -- the reply that answers it, or whose post it is
        UNIQUE (conversation, id)
    ) STRICT""")
    db.execute("CREATE INDEX posts_order ON posts (conversation, sent_at, length(id), id)")
    db.execute("CREATE INDEX posts_place ON posts (conversation, place) WHERE place IS NOT NULL")
    db.execute("CREATE INDEX posts_waiting ON posts (conversation) WHERE place IS NULL")
    db.execute("CREATE INDEX posts_due ON posts (conversation) WHERE addressed = 1 AND reply IS NULL")
    db.execute("CREATE INDEX posts_reply ON posts (reply) WHERE reply IS NOT NULL")
    db.execute("CREATE INDEX posts_id ON posts (id)")
    db.execute("""CREATE TABLE erased (          -- all that is left of a deleted post
        conversation TEXT NOT NULL,
        id TEXT NOT NULL,
        PRIMARY KEY (conversation, id)
    ) STRICT, WITHOUT ROWID""")


def m002_replies(db: sqlite3.Connection) -> None:
    """The ledger of answers, where their posts stand, and what each call cost."""
    db.execute("""CREATE TABLE replies (
        id TEXT PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations,
        place INTEGER NOT NULL,
        reset_place INTEGER NOT NULL,            -- the conversation's when the reply began
        state TEXT NOT NULL
            CHECK (state IN ('due', 'opened', 'written', 'finished', 'failed', 'withdrawn')),
        asker TEXT NOT NULL,                     -- id, author and time of the newest post it answers
        asker_author TEXT NOT NULL,
        asked_at INTEGER NOT NULL,
        platform_ids TEXT NOT NULL DEFAULT '[]', -- JSON list, in order
        plan TEXT,                               -- JSON; NULL again when what it rests on has changed
        planned_at INTEGER,
        note TEXT NOT NULL DEFAULT '',
        begun_at INTEGER NOT NULL,
        ended_at INTEGER,
        UNIQUE (conversation, place)
    ) STRICT, WITHOUT ROWID""")
    db.execute(
        "CREATE UNIQUE INDEX replies_unfinished ON replies (conversation)"
        " WHERE state IN ('due', 'opened', 'written')"
    )
    db.execute("""CREATE TABLE reply_posts (
        platform TEXT NOT NULL,
        id TEXT NOT NULL,
        conversation INTEGER NOT NULL REFERENCES conversations,
        reply TEXT NOT NULL,
        PRIMARY KEY (platform, id, conversation)
    ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX reply_posts_conversation ON reply_posts (conversation)")
    db.execute("""CREATE TABLE requests (
        number INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations,
        reply TEXT NOT NULL,
        place INTEGER NOT NULL,
        author TEXT NOT NULL,                    -- who asked: the bill survives the post
        kind TEXT NOT NULL,
        model TEXT NOT NULL,
        plan TEXT,
        broken INTEGER NOT NULL DEFAULT 0,       -- something it covered has changed
        fresh INTEGER NOT NULL,
        written_5m INTEGER NOT NULL,
        written_1h INTEGER NOT NULL,
        read INTEGER NOT NULL,
        output INTEGER NOT NULL,
        web_searches INTEGER NOT NULL,
        raw TEXT NOT NULL,                       -- JSON: usage as the API gave it
        sent_at INTEGER NOT NULL
    ) STRICT""")
    db.execute("CREATE INDEX requests_place ON requests (conversation, kind, place)")
    db.execute("CREATE INDEX requests_sent ON requests (conversation, kind, sent_at)")


def m003_summaries(db: sqlite3.Connection) -> None:
    """Active segments only: one that is replaced or no longer true is erased."""
    db.execute("""CREATE TABLE summaries (
        number INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations,
        first_place INTEGER NOT NULL,
        last_place INTEGER NOT NULL,
        text TEXT NOT NULL,
        posts INTEGER NOT NULL,
        model TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        CHECK (first_place <= last_place)
    ) STRICT""")
    db.execute("CREATE INDEX summaries_place ON summaries (conversation, first_place)")


def m004_search(db: sqlite3.Connection) -> None:
    """A first full-text index (m009 makes it anew), and the account of erasures."""
    db.execute("""CREATE VIRTUAL TABLE post_index USING fts5(
        thread, author, text, context, content='', tokenize='porter unicode61 remove_diacritics 2'
    )""")
    db.execute("""CREATE TABLE upkeep (          -- one row
        erasures INTEGER NOT NULL,               -- how often something was erased
        scrubbed INTEGER NOT NULL                -- up to which erasure the bytes are gone too
    ) STRICT""")
    db.execute("INSERT INTO upkeep VALUES (0, 0)")


def m005_commands(db: sqlite3.Connection) -> None:
    """Commands that were carried out."""
    db.execute("""CREATE TABLE commands (
        conversation TEXT NOT NULL,
        id TEXT NOT NULL,
        claimed_at INTEGER NOT NULL,
        PRIMARY KEY (conversation, id)
    ) STRICT, WITHOUT ROWID""")


def m006_context(db: sqlite3.Connection) -> None:
    """What a summary cost and what people corrected in it; why a request missed the cache."""
    db.execute("ALTER TABLE summaries ADD COLUMN input INTEGER NOT NULL DEFAULT 0")  # tokens
    db.execute("ALTER TABLE summaries ADD COLUMN output INTEGER NOT NULL DEFAULT 0")
    db.execute("ALTER TABLE requests ADD COLUMN message_id TEXT NOT NULL DEFAULT ''")  # of the API
    db.execute("ALTER TABLE requests ADD COLUMN miss TEXT NOT NULL DEFAULT ''")  # '' for none
    db.execute("""CREATE TABLE corrections (
        number INTEGER PRIMARY KEY,
        conversation INTEGER NOT NULL REFERENCES conversations,
        place INTEGER NOT NULL,                  -- it belongs to the segment that covers this place
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        text TEXT NOT NULL,
        made_at INTEGER NOT NULL
    ) STRICT""")
    db.execute("CREATE INDEX corrections_place ON corrections (conversation, place)")


def m007_withheld(db: sqlite3.Connection) -> None:
    """Posts that Claude's API refuses: a word stands in their place until they are edited."""
    db.execute("ALTER TABLE posts ADD COLUMN withheld INTEGER NOT NULL DEFAULT 0")


def m008_owners(db: sqlite3.Connection) -> None:
    """Which process is at work on a reply; two share the database while one takes over from the other."""
    db.execute("ALTER TABLE replies ADD COLUMN owner TEXT NOT NULL DEFAULT ''")


def m009_local_words(db: sqlite3.Connection) -> None:
    """The full-text index with each word under its conversation, filled from the posts that are there."""
    db.execute("DROP TABLE post_index")
    db.execute("""CREATE VIRTUAL TABLE post_index USING fts5(
        author, text, context, content='', tokenize='porter unicode61 remove_diacritics 2'
    )""")
    index.add(db, [seq for (seq,) in db.execute("SELECT seq FROM posts ORDER BY seq")])


def m010_accounts(db: sqlite3.Connection) -> None:
    """What was spent by whom and what is held for calls under way, in nano-dollars."""
    db.execute("""CREATE TABLE spending (
        scope TEXT NOT NULL CHECK (scope IN ('user', 'channel', 'all')),
        key TEXT NOT NULL,
        period TEXT NOT NULL,                    -- a day, or a month for all; UTC
        nano INTEGER NOT NULL,
        alerted INTEGER NOT NULL DEFAULT 0,      -- the admins were told
        PRIMARY KEY (scope, key, period)
    ) STRICT, WITHOUT ROWID""")
    db.execute("""CREATE TABLE holds (
        number INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: a late settlement must find nothing
        user TEXT NOT NULL,
        channel TEXT NOT NULL,
        day TEXT NOT NULL,
        nano INTEGER NOT NULL                    -- the most that one call can cost
    ) STRICT""")
    db.execute("""CREATE TABLE accounts (        -- one row while accounts are kept
        since INTEGER NOT NULL
    ) STRICT""")


STEPS: Sequence[Step] = (
    m001_posts,
    m002_replies,
    m003_summaries,
    m004_search,
    m005_commands,
    m006_context,
    m007_withheld,
    m008_owners,
    m009_local_words,
    m010_accounts,
    newer_steps.m011_choices,
    newer_steps.m012_imported_usage,
    newer_steps.m013_feedback,
    newer_steps.m014_files,
    newer_steps.m015_tools,
    newer_steps.m016_links,
    newer_steps.m017_installations,
)


def schema(db: sqlite3.Connection) -> str:
    """The schema as SQL, in the order it came to be; what FTS5 keeps for itself is left out."""
    found = db.execute(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE 'post_index_%' ORDER BY rowid"
    )
    return "".join(sql.replace("\n    ", "\n") + ";\n" for (sql,) in found)
