-- Lanes, parts that a carrier has of a message, ids in several writings, the health of carriers.

ALTER TABLE deliveries ADD COLUMN lane TEXT NOT NULL DEFAULT 'default';
ALTER TABLE deliveries ADD COLUMN accepted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN awaited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN reference INTEGER NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN carrier TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN expire_time INTEGER NOT NULL DEFAULT 0;
UPDATE deliveries SET expire_time = (SELECT expire_time FROM messages WHERE seq = message_seq);

-- What waits, lane by lane (1 is WAITING); and everything by when it expires, which never changes.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_waiting ON deliveries (lane, due_time) WHERE stage = 1;
CREATE INDEX deliveries_by_expiry ON deliveries (expire_time);

-- carrier_key is what an id is looked up by: neither case nor leading zeros count.
ALTER TABLE parts ADD COLUMN carrier_key TEXT NOT NULL DEFAULT '';
UPDATE parts SET carrier_key = CASE ltrim(carrier_id, '0') WHEN '' THEN '0' ELSE ltrim(lower(carrier_id), '0') END;
DROP INDEX parts_by_carrier_id;
CREATE INDEX parts_by_carrier_key ON parts (carrier, carrier_key, message_seq);

ALTER TABLE orphans ADD COLUMN carrier_key TEXT NOT NULL DEFAULT '';
ALTER TABLE orphans ADD COLUMN exact_id INTEGER NOT NULL DEFAULT 0;
UPDATE orphans SET carrier_key = CASE ltrim(carrier_id, '0') WHEN '' THEN '0' ELSE ltrim(lower(carrier_id), '0') END;
DROP INDEX orphans_by_carrier_id;
CREATE INDEX orphans_by_carrier_key ON orphans (carrier, carrier_key);

-- How the carriers of the server were doing when it last said so.
CREATE TABLE carrier_reports (
    carrier     TEXT PRIMARY KEY,
    report_time INTEGER NOT NULL,
    document    TEXT NOT NULL               -- JSON
) WITHOUT ROWID;
