-- Where the events of a message go beside the stream: JSON, '' for nowhere.
ALTER TABLE messages ADD COLUMN callback TEXT NOT NULL DEFAULT '';

-- What callers want of a webhook is one document; its place in the log and its health change often
-- and stand beside it.
CREATE TABLE webhooks (
    seq         INTEGER PRIMARY KEY,
    key         TEXT NOT NULL UNIQUE,
    document    TEXT NOT NULL,
    position    INTEGER NOT NULL,
    health      TEXT NOT NULL,
    request     BLOB UNIQUE,                -- digest of the request id that made it
    fingerprint BLOB
);

-- Events that did not get through. They are copied: the log may forget them first.
CREATE TABLE webhook_events (
    webhook    TEXT NOT NULL,               -- key
    seq        INTEGER NOT NULL,
    message_id TEXT NOT NULL,
    attempts   INTEGER NOT NULL,
    due_time   INTEGER NOT NULL,
    first_time INTEGER NOT NULL,
    error      TEXT NOT NULL,
    status     INTEGER NOT NULL,
    fail_time  INTEGER,                     -- NULL while it is being tried
    callback   TEXT NOT NULL,
    body       TEXT NOT NULL,
    PRIMARY KEY (webhook, seq)
) WITHOUT ROWID;
