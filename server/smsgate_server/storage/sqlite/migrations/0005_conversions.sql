-- How many one-time passwords were asked for, and how many came back right.

ALTER TABLE usage ADD COLUMN verifications INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage ADD COLUMN verified INTEGER NOT NULL DEFAULT 0;

-- Those that are known still. State 2: APPROVED.
INSERT INTO usage (account, day, country, status, currency, free_requests, paid_requests, messages,
    otp_messages, segments, bundle_segments, unpriced_segments, cost, verifications, verified)
SELECT account, create_time / 86400000000, country, 0, '', 0, 0, 0, 0, 0, 0, 0, 0,
    count(*), sum(state = 2)
FROM verifications WHERE true GROUP BY account, create_time / 86400000000, country
ON CONFLICT (account, day, country, status, currency) DO UPDATE SET
    verifications = excluded.verifications, verified = excluded.verified;
