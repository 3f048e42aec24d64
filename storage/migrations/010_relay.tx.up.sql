-- The relay, tidied up.

-- Where a run is seen is part of what its engine tells of it.
ALTER TABLE runs DROP COLUMN url;

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('010', 10);
