-- Accounts, keys, money, usage, one-time passwords, tariffs.

ALTER TABLE messages ADD COLUMN billing INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN bundle_segments INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN refunded INTEGER NOT NULL DEFAULT 0;

-- 1: an earlier attempt may have reached the carrier, though nobody knows.
ALTER TABLE deliveries ADD COLUMN exposed INTEGER NOT NULL DEFAULT 0;

-- What of a request could not be paid, by the index of its entry, so that a repeat tells it again.
ALTER TABLE requests ADD COLUMN declined TEXT NOT NULL DEFAULT '';

-- Grows with every change of accounts, keys or tariffs, by whichever process.
ALTER TABLE store ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
ALTER TABLE store ADD COLUMN had_keys INTEGER NOT NULL DEFAULT 0;

CREATE TABLE accounts (
    id       TEXT PRIMARY KEY,
    version  INTEGER NOT NULL,
    document TEXT NOT NULL                 -- JSON; few accounts, read as a whole
) WITHOUT ROWID;

-- Request ids of operators, kept for ever: what they made must never be made twice.
CREATE TABLE account_requests (
    key         BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    account     TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE api_keys (
    id             TEXT PRIMARY KEY,
    account        TEXT NOT NULL,
    display_name   TEXT NOT NULL,
    scopes         TEXT NOT NULL,          -- numbers, comma-separated
    digest         BLOB NOT NULL,          -- SHA-256 of the secret, which is 256 random bits
    create_time    INTEGER NOT NULL,
    expire_time    INTEGER,
    revoke_time    INTEGER,
    last_used_time INTEGER
) WITHOUT ROWID;

CREATE TABLE standings (
    account     TEXT PRIMARY KEY,
    balance     INTEGER NOT NULL,
    month       INTEGER NOT NULL,          -- year * 12 + month - 1
    spent       INTEGER NOT NULL,
    bundle_used INTEGER NOT NULL,
    entries     INTEGER NOT NULL           -- how many the ledger has: the id of the newest
) WITHOUT ROWID;

-- Every change of a balance. The charges of one commit are one entry; each message has its own part.
-- One B-tree and no index: each page that a commit touches is written.
CREATE TABLE ledger (
    account     TEXT NOT NULL,
    id          INTEGER NOT NULL,          -- 1, 2, 3 … in each account
    kind        INTEGER NOT NULL,
    micros      INTEGER NOT NULL,
    balance     INTEGER NOT NULL,
    time        INTEGER NOT NULL,
    note        TEXT NOT NULL,
    messages    INTEGER NOT NULL,
    first_seq   INTEGER NOT NULL,
    last_seq    INTEGER NOT NULL,
    PRIMARY KEY (account, id)
) WITHOUT ROWID;

CREATE TABLE top_ups (
    key         BLOB PRIMARY KEY,          -- of its request, kept for ever
    fingerprint BLOB NOT NULL,
    account     TEXT NOT NULL,
    entry       INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE usage (
    account           TEXT NOT NULL,
    day               INTEGER NOT NULL,    -- from 1970-01-01
    country           TEXT NOT NULL,
    status            INTEGER NOT NULL,    -- 0: requests
    currency          TEXT NOT NULL,
    free_requests     INTEGER NOT NULL,
    paid_requests     INTEGER NOT NULL,
    messages          INTEGER NOT NULL,
    otp_messages      INTEGER NOT NULL,
    segments          INTEGER NOT NULL,
    bundle_segments   INTEGER NOT NULL,
    unpriced_segments INTEGER NOT NULL,
    cost              INTEGER NOT NULL,
    PRIMARY KEY (account, day, country, status, currency)
) WITHOUT ROWID;

-- The messages that were accepted before there was usage.
INSERT INTO usage
SELECT account, create_time / 86400000000, country, status, currency, 0, 0, count(*), 0,
    sum(segments), 0, sum(CASE WHEN price_status = 1 THEN segments ELSE 0 END),
    sum(price_micros * segments)
FROM messages GROUP BY account, create_time / 86400000000, country, status, currency;

CREATE TABLE verifications (
    id               TEXT PRIMARY KEY,
    account          TEXT NOT NULL,
    recipient        TEXT NOT NULL,
    country          TEXT NOT NULL,
    purpose          TEXT NOT NULL,
    length           INTEGER NOT NULL,
    alphabet         INTEGER NOT NULL,
    key_id           TEXT NOT NULL,
    locale           TEXT NOT NULL,
    brand            TEXT NOT NULL,
    sender           TEXT NOT NULL,
    create_time      INTEGER NOT NULL,
    update_time      INTEGER NOT NULL,
    expire_time      INTEGER NOT NULL,
    next_send_time   INTEGER NOT NULL,
    state            INTEGER NOT NULL,
    final_time       INTEGER,
    attempts         INTEGER NOT NULL,
    max_attempts     INTEGER NOT NULL,
    sends            INTEGER NOT NULL,
    max_sends        INTEGER NOT NULL,
    client_reference TEXT NOT NULL,
    labels           TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX verifications_by_recipient ON verifications (recipient, account, purpose, id);

-- Every time a code was sent: what the limits count, and the messages of a verification.
CREATE TABLE code_sends (
    message_seq     INTEGER PRIMARY KEY,
    verification_id TEXT NOT NULL,
    account         TEXT NOT NULL,
    recipient       TEXT NOT NULL,
    prefix          TEXT NOT NULL,
    country         TEXT NOT NULL,
    time            INTEGER NOT NULL
);
CREATE INDEX code_sends_by_verification ON code_sends (verification_id);
CREATE INDEX code_sends_by_recipient ON code_sends (account, recipient, time);
CREATE INDEX code_sends_by_prefix ON code_sends (account, prefix, time);
CREATE INDEX code_sends_by_country ON code_sends (account, country, time);

-- Answers to attempts that had a request id. The fingerprint of the code is keyed.
CREATE TABLE attempts (
    key             BLOB PRIMARY KEY,
    fingerprint     BLOB NOT NULL,
    verification_id TEXT NOT NULL,
    result          INTEGER NOT NULL,
    time            INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE tariffs (
    version     INTEGER PRIMARY KEY,
    text        TEXT NOT NULL,             -- the CSV as it was imported
    import_time INTEGER NOT NULL
);
