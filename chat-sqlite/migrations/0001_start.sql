CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    digest_key BLOB NOT NULL,
    backup INTEGER NOT NULL
) STRICT;

CREATE TABLE room (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    key TEXT UNIQUE,
    pair_first TEXT,
    pair_second TEXT,
    kind INTEGER NOT NULL,
    name TEXT,
    topic TEXT,
    avatar TEXT,
    metadata TEXT,
    state INTEGER NOT NULL,
    history INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    last_seq INTEGER NOT NULL,
    last_rev INTEGER NOT NULL,
    last_ord INTEGER NOT NULL,
    chain INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    policy_rev INTEGER NOT NULL,
    info_rev INTEGER NOT NULL,
    members INTEGER NOT NULL,
    owners INTEGER NOT NULL,
    ids_ascend INTEGER NOT NULL,
    digest INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX room_of_pair ON room (pair_first, pair_second) WHERE pair_first IS NOT NULL;

CREATE INDEX room_by_activity ON room (last_at, id);

CREATE TABLE member (
    room INTEGER NOT NULL,
    user TEXT NOT NULL,
    rev INTEGER NOT NULL,
    standing INTEGER NOT NULL,
    role INTEGER NOT NULL,
    name TEXT,
    avatar TEXT,
    joined_at INTEGER NOT NULL,
    joined_seq INTEGER NOT NULL,
    joined_rev INTEGER NOT NULL,
    visible_from INTEGER NOT NULL,
    muted_until INTEGER,
    read_seq INTEGER NOT NULL,
    delivered_seq INTEGER NOT NULL,
    marker_seq INTEGER NOT NULL,
    pinned INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    level INTEGER NOT NULL,
    private_reading INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    PRIMARY KEY (room, user)
) STRICT, WITHOUT ROWID;

CREATE INDEX member_in ON member (user, room) WHERE standing = 0;

CREATE TABLE message (
    place INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    rev INTEGER NOT NULL,
    post_rev INTEGER NOT NULL,
    ord INTEGER NOT NULL,
    own_ord INTEGER NOT NULL,
    chain INTEGER NOT NULL,
    sender TEXT,
    actor TEXT,
    message_type INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    client_id TEXT,
    request INTEGER,
    content TEXT,
    metadata TEXT,
    attachments TEXT,
    reply_to BLOB,
    edited_at INTEGER,
    version INTEGER,
    deleted_at INTEGER,
    deleted_by TEXT,
    content_digest INTEGER NOT NULL,
    digest INTEGER NOT NULL
) STRICT;

CREATE TABLE name (
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE fresh (
    number INTEGER PRIMARY KEY,
    names BLOB NOT NULL
) STRICT;

CREATE TABLE change (
    place INTEGER PRIMARY KEY,
    posted INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    seq INTEGER,
    user TEXT,
    actor TEXT,
    at INTEGER NOT NULL,
    chain INTEGER NOT NULL
) STRICT;

CREATE TABLE operation (
    scope BLOB NOT NULL,
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    request INTEGER NOT NULL,
    room BLOB NOT NULL,
    message BLOB,
    seq INTEGER,
    user TEXT,
    PRIMARY KEY (scope, actor, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE own (
    room INTEGER NOT NULL,
    user TEXT NOT NULL,
    block INTEGER NOT NULL,
    ord INTEGER NOT NULL,
    PRIMARY KEY (room, user, block)
) STRICT, WITHOUT ROWID;

CREATE TABLE tally (
    room INTEGER NOT NULL,
    user TEXT NOT NULL,
    level INTEGER NOT NULL,
    block INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (room, user, level, block)
) STRICT, WITHOUT ROWID;
