"""The steps of the schema from m011 on; see `migrations`."""

from __future__ import annotations

import sqlite3


def m011_choices(db: sqlite3.Connection) -> None:
    """What was chosen for a channel (conversation '') or a conversation alone, and every change of it."""
    db.execute("""CREATE TABLE choices (
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        conversation TEXT NOT NULL,              -- '' for the channel
        name TEXT NOT NULL,
        value TEXT NOT NULL,
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        set_at INTEGER NOT NULL,
        PRIMARY KEY (platform, workspace, channel, conversation, name)
    ) STRICT, WITHOUT ROWID""")
    db.execute("""CREATE TABLE choice_changes (
        number INTEGER PRIMARY KEY,
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        channel TEXT NOT NULL,
        conversation TEXT NOT NULL,
        name TEXT NOT NULL,
        before TEXT NOT NULL,                    -- '' for no choice
        after TEXT NOT NULL,
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        changed_at INTEGER NOT NULL
    ) STRICT""")
    db.execute(
        "CREATE INDEX choice_changes_place ON choice_changes (platform, workspace, channel, conversation)"
    )


def m012_imported_usage(db: sqlite3.Connection) -> None:
    """What an imported answer cost where it was given; it is in no account of this log."""
    db.execute("ALTER TABLE posts ADD COLUMN usage TEXT")  # JSON, as the API gave it; NULL: none


def m013_feedback(db: sqlite3.Connection) -> None:
    """Thumbs under answers: one for each person and answer."""
    db.execute("""CREATE TABLE feedback (
        reply TEXT NOT NULL,
        author TEXT NOT NULL,                    -- platform:id
        conversation INTEGER NOT NULL REFERENCES conversations,
        thumb TEXT NOT NULL CHECK (thumb IN ('up', 'down')),
        rated_at INTEGER NOT NULL,
        PRIMARY KEY (reply, author)
    ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX feedback_conversation ON feedback (conversation)")


def m014_files(db: sqlite3.Connection) -> None:
    """Files of posts, and what they hold: once for each content."""
    db.execute("""CREATE TABLE files (
        digest TEXT PRIMARY KEY,                 -- SHA-256 of the original
        kind TEXT NOT NULL CHECK (kind IN ('image', 'pdf', 'text')),
        media_type TEXT NOT NULL,
        data BLOB NOT NULL,                      -- as it is sent; of a text nothing
        text TEXT NOT NULL,                      -- what it says, clipped
        note TEXT NOT NULL,
        tokens INTEGER NOT NULL,
        width INTEGER NOT NULL,
        height INTEGER NOT NULL,
        pages INTEGER NOT NULL
    ) STRICT""")
    db.execute("""CREATE TABLE post_files (
        conversation INTEGER NOT NULL REFERENCES conversations,
        post TEXT NOT NULL,
        position INTEGER NOT NULL,               -- among the post's files
        state TEXT NOT NULL CHECK (state IN ('waiting', 'read', 'unread')),
        reason TEXT NOT NULL,                    -- why it is unread
        digest TEXT REFERENCES files,
        PRIMARY KEY (conversation, post, position)
    ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX post_files_digest ON post_files (digest) WHERE digest IS NOT NULL")
    db.execute("CREATE INDEX post_files_waiting ON post_files (conversation) WHERE state = 'waiting'")
    db.execute(
        "INSERT INTO post_files (conversation, post, position, state, reason)"
        " SELECT p.conversation, p.id, file.key, 'unread', 'it came before I could read files'"
        " FROM posts p, json_each(p.attachments) file WHERE p.role = 'user' AND p.attachments <> '[]'"
    )


def m015_tools(db: sqlite3.Connection) -> None:
    """Lists of tools that requests were sent with; calls of tools that write, each with how far it came."""
    db.execute("""CREATE TABLE toolsets (
        id TEXT PRIMARY KEY,                     -- a digest of the list
        tools TEXT NOT NULL,                     -- JSON
        kept_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""")
    db.execute("""CREATE TABLE tool_calls (
        reply TEXT NOT NULL,
        id TEXT NOT NULL,                        -- the API's
        conversation INTEGER NOT NULL REFERENCES conversations,
        tool TEXT NOT NULL,
        state TEXT NOT NULL CHECK
            (state IN ('asked', 'allowed', 'refused', 'expired', 'running', 'ran', 'failed')),
        life TEXT NOT NULL,                      -- which run of the answer made it
        notice TEXT NOT NULL,                    -- where the question stands, '' once it is taken away
        by TEXT NOT NULL,                        -- who was asked
        asked_at INTEGER NOT NULL,
        changed_at INTEGER NOT NULL,
        PRIMARY KEY (reply, id)
    ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX tool_calls_conversation ON tool_calls (conversation)")


def m016_links(db: sqlite3.Connection) -> None:
    """What the links of questions have brought in: a row for each post, or for a refusal."""
    db.execute("""CREATE TABLE links (
        conversation INTEGER NOT NULL REFERENCES conversations,
        post TEXT NOT NULL,                      -- the question
        number INTEGER NOT NULL,                 -- in order
        url TEXT NOT NULL,
        refusal TEXT NOT NULL,                   -- '' where it was brought in
        left_out INTEGER NOT NULL,               -- posts that were too many
        source TEXT NOT NULL,                    -- the id of the conversation it stands in
        source_id TEXT NOT NULL,
        role TEXT NOT NULL,
        author TEXT NOT NULL,
        author_name TEXT NOT NULL,
        text TEXT NOT NULL,
        sent_at INTEGER NOT NULL,
        PRIMARY KEY (conversation, post, number)
    ) STRICT, WITHOUT ROWID""")
    db.execute("CREATE INDEX links_source ON links (source, source_id)")


def m017_installations(db: sqlite3.Connection) -> None:
    """Workspaces that let the bot in by OAuth, and installations that somebody has begun."""
    db.execute("""CREATE TABLE installations (
        platform TEXT NOT NULL,
        workspace TEXT NOT NULL,
        name TEXT NOT NULL,
        sealed BLOB NOT NULL,                    -- the tokens, encrypted
        expires_at INTEGER,                      -- of the token; NULL for one that lasts
        installed_at INTEGER NOT NULL,
        serial INTEGER NOT NULL,                 -- counted up with each token
        renewing_until INTEGER NOT NULL,         -- a process is renewing it; 0 for none
        PRIMARY KEY (platform, workspace)
    ) STRICT, WITHOUT ROWID""")
    db.execute("""CREATE TABLE install_states (
        state TEXT NOT NULL PRIMARY KEY,         -- digests both
        browser TEXT NOT NULL,
        expires_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""")
