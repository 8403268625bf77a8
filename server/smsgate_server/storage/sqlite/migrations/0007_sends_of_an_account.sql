-- The limit of an account looks at its newest sends, not at all of them.
CREATE INDEX code_sends_by_account ON code_sends (account, time);
