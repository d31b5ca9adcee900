-- What a chat database holds, as the newest migration leaves it. A test compares the two.
--
-- Numbers of a room (seq, rev, ord) are explained at chat_core::store. Times are milliseconds since 1970. Hashes
-- (epoch, chain, digests, requests) are 64 bits kept as signed numbers. Metadata and attachments are JSON. Kinds,
-- roles and the like are the numbers of src/rows/code.rs. A user of '' is nobody: the host, or everybody.
--
-- A place is (room number << 32) + seq, or + rev: rows of one room lie side by side, in order, and one integer
-- names them. `digest` is the keyed hash of its row, which `verify` compares.

-- One row about the file itself. A backup takes another epoch when it is first opened for writing, and so does a file
-- into which rooms are imported.
CREATE TABLE meta (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    digest_key BLOB NOT NULL,
    backup INTEGER NOT NULL
) STRICT;

-- Rooms: what they are, and the head of their history. `number` stands for the id in all other tables.
-- `ids_ascend`: whether each message's id is above the one before, as the engine gives them.
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

-- The host's list of rooms.
CREATE INDEX room_by_activity ON room (last_at, id);

-- What is known of a user in a room, also when they are gone or banned.
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

-- The rooms that a user is in.
CREATE INDEX member_in ON member (user, room) WHERE standing = 0;

-- Messages, tombstones included. A row is also the change that posted it (`post_rev`, `actor`, `created_at`,
-- `chain`), and the operation that did (`actor`, `client_id`, `request`), so that a send writes one row.
-- `actor` is absent where the sender posted it themself, as nearly always.
-- `request` is absent where no operation stands here.
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

-- Where an operation is that a message's row records. `key` is the room's number and 32 bits of a hash of actor and
-- name; what is found under it is then compared.
CREATE TABLE name (
    key INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;

-- The last names, a row for each transaction: keys and seqs, 8 bytes each. They move to `name` by thousands.
CREATE TABLE fresh (
    number INTEGER PRIMARY KEY,
    names BLOB NOT NULL
) STRICT;

-- Changes that are no posts: place is room and rev. No content; `seq` or `user` names what it is about, neither
-- the room itself. `posted` is how many messages there were before it: between two of these rows all changes are
-- posts, so this leads from any rev to its row. The old ones of a room are removed, but the last of them: from its rev
-- on the history is whole, and who stands before it begins anew.
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

-- Operations that no message row records. `scope` is a room's id, or zeros for one that made a room. They are removed
-- some time after `at`, as changes are.
CREATE TABLE operation (
    scope BLOB NOT NULL,
    actor TEXT NOT NULL,
    name TEXT NOT NULL,
    request INTEGER NOT NULL,
    room BLOB NOT NULL,
    message BLOB,
    seq INTEGER,
    user TEXT,
    at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (scope, actor, name)
) STRICT, WITHOUT ROWID;

-- How many countable messages a user had posted by the end of a block of 64 places in which they posted.
CREATE TABLE own (
    room INTEGER NOT NULL,
    user TEXT NOT NULL,
    block INTEGER NOT NULL,
    ord INTEGER NOT NULL,
    PRIMARY KEY (room, user, block)
) STRICT, WITHOUT ROWID;

-- How many countable messages of everybody, or of a user, were deleted in a block of 64^level places.
CREATE TABLE tally (
    room INTEGER NOT NULL,
    user TEXT NOT NULL,
    level INTEGER NOT NULL,
    block INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (room, user, level, block)
) STRICT, WITHOUT ROWID;
