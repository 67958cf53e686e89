CREATE TABLE migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE conversations (
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
) STRICT;
CREATE INDEX conversations_newest ON conversations (platform, newest_at);
CREATE TABLE posts (
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
    reply TEXT, withheld INTEGER NOT NULL DEFAULT 0, usage TEXT,                              -- the reply that answers it, or whose post it is
    UNIQUE (conversation, id)
) STRICT;
CREATE INDEX posts_order ON posts (conversation, sent_at, length(id), id);
CREATE INDEX posts_place ON posts (conversation, place) WHERE place IS NOT NULL;
CREATE INDEX posts_waiting ON posts (conversation) WHERE place IS NULL;
CREATE INDEX posts_due ON posts (conversation) WHERE addressed = 1 AND reply IS NULL;
CREATE INDEX posts_reply ON posts (reply) WHERE reply IS NOT NULL;
CREATE INDEX posts_id ON posts (id);
CREATE TABLE erased (          -- all that is left of a deleted post
    conversation TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE replies (
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
    ended_at INTEGER, owner TEXT NOT NULL DEFAULT '',
    UNIQUE (conversation, place)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX replies_unfinished ON replies (conversation) WHERE state IN ('due', 'opened', 'written');
CREATE TABLE reply_posts (
    platform TEXT NOT NULL,
    id TEXT NOT NULL,
    conversation INTEGER NOT NULL REFERENCES conversations,
    reply TEXT NOT NULL,
    PRIMARY KEY (platform, id, conversation)
) STRICT, WITHOUT ROWID;
CREATE INDEX reply_posts_conversation ON reply_posts (conversation);
CREATE TABLE requests (
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
, message_id TEXT NOT NULL DEFAULT '', miss TEXT NOT NULL DEFAULT '') STRICT;
CREATE INDEX requests_place ON requests (conversation, kind, place);
CREATE INDEX requests_sent ON requests (conversation, kind, sent_at);
CREATE TABLE summaries (
    number INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations,
    first_place INTEGER NOT NULL,
    last_place INTEGER NOT NULL,
    text TEXT NOT NULL,
    posts INTEGER NOT NULL,
    model TEXT NOT NULL,
    created_at INTEGER NOT NULL, input INTEGER NOT NULL DEFAULT 0, output INTEGER NOT NULL DEFAULT 0,
    CHECK (first_place <= last_place)
) STRICT;
CREATE INDEX summaries_place ON summaries (conversation, first_place);
CREATE TABLE upkeep (          -- one row
    erasures INTEGER NOT NULL,               -- how often something was erased
    scrubbed INTEGER NOT NULL                -- up to which erasure the bytes are gone too
) STRICT;
CREATE TABLE commands (
    conversation TEXT NOT NULL,
    id TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (conversation, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE corrections (
    number INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations,
    place INTEGER NOT NULL,                  -- it belongs to the segment that covers this place
    author TEXT NOT NULL,
    author_name TEXT NOT NULL,
    text TEXT NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;
CREATE INDEX corrections_place ON corrections (conversation, place);
CREATE VIRTUAL TABLE post_index USING fts5(
    author, text, context, content='', tokenize='porter unicode61 remove_diacritics 2'
);
CREATE TABLE spending (
    scope TEXT NOT NULL CHECK (scope IN ('user', 'channel', 'all')),
    key TEXT NOT NULL,
    period TEXT NOT NULL,                    -- a day, or a month for all; UTC
    nano INTEGER NOT NULL,
    alerted INTEGER NOT NULL DEFAULT 0,      -- the admins were told
    PRIMARY KEY (scope, key, period)
) STRICT, WITHOUT ROWID;
CREATE TABLE holds (
    number INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again: a late settlement must find nothing
    user TEXT NOT NULL,
    channel TEXT NOT NULL,
    day TEXT NOT NULL,
    nano INTEGER NOT NULL                    -- the most that one call can cost
) STRICT;
CREATE TABLE accounts (        -- one row while accounts are kept
    since INTEGER NOT NULL
) STRICT;
CREATE TABLE choices (
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
) STRICT, WITHOUT ROWID;
CREATE TABLE choice_changes (
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
) STRICT;
CREATE INDEX choice_changes_place ON choice_changes (platform, workspace, channel, conversation);
CREATE TABLE feedback (
    reply TEXT NOT NULL,
    author TEXT NOT NULL,                    -- platform:id
    conversation INTEGER NOT NULL REFERENCES conversations,
    thumb TEXT NOT NULL CHECK (thumb IN ('up', 'down')),
    rated_at INTEGER NOT NULL,
    PRIMARY KEY (reply, author)
) STRICT, WITHOUT ROWID;
CREATE INDEX feedback_conversation ON feedback (conversation);
CREATE TABLE files (
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
) STRICT;
CREATE TABLE post_files (
    conversation INTEGER NOT NULL REFERENCES conversations,
    post TEXT NOT NULL,
    position INTEGER NOT NULL,               -- among the post's files
    state TEXT NOT NULL CHECK (state IN ('waiting', 'read', 'unread')),
    reason TEXT NOT NULL,                    -- why it is unread
    digest TEXT REFERENCES files,
    PRIMARY KEY (conversation, post, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX post_files_digest ON post_files (digest) WHERE digest IS NOT NULL;
CREATE INDEX post_files_waiting ON post_files (conversation) WHERE state = 'waiting';
CREATE TABLE toolsets (
    id TEXT PRIMARY KEY,                     -- a digest of the list
    tools TEXT NOT NULL,                     -- JSON
    kept_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE tool_calls (
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
) STRICT, WITHOUT ROWID;
CREATE INDEX tool_calls_conversation ON tool_calls (conversation);
CREATE TABLE links (
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
) STRICT, WITHOUT ROWID;
CREATE INDEX links_source ON links (source, source_id);
CREATE TABLE installations (
    platform TEXT NOT NULL,
    workspace TEXT NOT NULL,
    name TEXT NOT NULL,
    sealed BLOB NOT NULL,                    -- the tokens, encrypted
    expires_at INTEGER,                      -- of the token; NULL for one that lasts
    installed_at INTEGER NOT NULL,
    serial INTEGER NOT NULL,                 -- counted up with each token
    renewing_until INTEGER NOT NULL,         -- a process is renewing it; 0 for none
    PRIMARY KEY (platform, workspace)
) STRICT, WITHOUT ROWID;
CREATE TABLE install_states (
    state TEXT NOT NULL PRIMARY KEY,         -- digests both
    browser TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
