-- Times are integer microseconds UTC, money integer micros, absent values NULL.

CREATE TABLE store (
    identity BLOB NOT NULL,                 -- 8 random bytes, part of every cursor
    earliest INTEGER NOT NULL DEFAULT 0,    -- the oldest position that streams may start from
    pruned   INTEGER NOT NULL DEFAULT 0     -- messages and events up to here are deleted
);

-- seq is the position of the message's NEW event in the log: messages and events draw from one gapless
-- sequence, so acceptance writes one row and not two.
CREATE TABLE messages (
    seq               INTEGER PRIMARY KEY,
    id                TEXT NOT NULL UNIQUE,
    account           TEXT NOT NULL,
    sender            TEXT NOT NULL,
    recipient         TEXT NOT NULL,
    country           TEXT NOT NULL,
    country_code      INTEGER NOT NULL,
    text              TEXT NOT NULL,
    encoding          INTEGER NOT NULL,
    characters        INTEGER NOT NULL,
    segments          INTEGER NOT NULL,
    substituted       INTEGER NOT NULL,
    status            INTEGER NOT NULL,
    reason            INTEGER NOT NULL,
    price_status      INTEGER NOT NULL,
    currency          TEXT NOT NULL,
    price_micros      INTEGER NOT NULL,
    tariff_version    INTEGER NOT NULL,
    batch_id          TEXT NOT NULL,
    client_reference  TEXT NOT NULL,
    labels            TEXT NOT NULL,        -- JSON object, '' for none
    on_unknown_submit INTEGER NOT NULL,
    verification_id   TEXT NOT NULL,
    carrier           TEXT NOT NULL,
    create_time       INTEGER NOT NULL,
    update_time       INTEGER NOT NULL,
    expire_time       INTEGER NOT NULL,
    schedule_time     INTEGER,
    sent_time         INTEGER,
    final_time        INTEGER,
    last_seq          INTEGER NOT NULL      -- its newest event
);
CREATE INDEX messages_by_recipient ON messages (recipient, seq);

-- Every event but NEW. prev_seq chains the events of one message, so its history needs no index.
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY,
    message_seq  INTEGER NOT NULL,
    prev_seq     INTEGER NOT NULL,
    from_status  INTEGER NOT NULL,
    to_status    INTEGER NOT NULL,
    reason       INTEGER NOT NULL,
    event_time   INTEGER NOT NULL,
    carrier      TEXT NOT NULL,
    carrier_time INTEGER,
    carrier_code TEXT NOT NULL,
    segment      INTEGER NOT NULL,
    late_status  INTEGER
);

-- What is still to be done: one row per message that is not final.
CREATE TABLE deliveries (
    message_seq INTEGER PRIMARY KEY,
    stage       INTEGER NOT NULL,
    due_time    INTEGER NOT NULL,
    attempts    INTEGER NOT NULL,
    delivered   INTEGER NOT NULL
);
CREATE INDEX deliveries_due ON deliveries (stage, due_time);

-- Which message and segment a carrier's id stands for.
CREATE TABLE parts (
    message_seq INTEGER NOT NULL,
    segment     INTEGER NOT NULL,
    carrier     TEXT NOT NULL,
    carrier_id  TEXT NOT NULL,
    PRIMARY KEY (message_seq, segment, carrier, carrier_id)
) WITHOUT ROWID;
CREATE INDEX parts_by_carrier_id ON parts (carrier, carrier_id, message_seq);

-- Receipts for ids that are not known yet.
CREATE TABLE orphans (
    seq          INTEGER PRIMARY KEY,
    carrier      TEXT NOT NULL,
    carrier_id   TEXT NOT NULL,
    status       INTEGER NOT NULL,
    code         TEXT NOT NULL,
    reason       INTEGER NOT NULL,
    carrier_time INTEGER,
    recipient    TEXT NOT NULL,
    receive_time INTEGER NOT NULL
);
CREATE INDEX orphans_by_carrier_id ON orphans (carrier, carrier_id);

-- A table of its own, pruned by rowid, so that its random keys stay in memory. key is a digest of
-- account, method and request id.
CREATE TABLE requests (
    seq          INTEGER PRIMARY KEY,
    key          BLOB NOT NULL UNIQUE,
    fingerprint  BLOB NOT NULL,
    create_time  INTEGER NOT NULL,
    message_seqs TEXT NOT NULL,             -- in the order of the entries, comma-separated
    refused      TEXT NOT NULL
);

-- The messages of a batch are neighbours in the log.
CREATE TABLE batches (
    id        TEXT PRIMARY KEY,
    first_seq INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE labels (
    key         TEXT NOT NULL,
    value       TEXT NOT NULL,
    message_seq INTEGER NOT NULL,
    PRIMARY KEY (key, value, message_seq)
) WITHOUT ROWID;
