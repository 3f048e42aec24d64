-- no_mail: the person wants no mail when they are asked for an approval.
ALTER TABLE users ADD COLUMN no_mail BOOLEAN NOT NULL DEFAULT FALSE;

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('009', 9);
