-- When people work, for reminders that wait for it.

-- working_hours: as "Mon-Fri 09:00-18:00"; '' is the default of the configuration. holidays: days and ranges of them, with
-- commas between.
ALTER TABLE users ADD COLUMN working_hours TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN holidays TEXT NOT NULL DEFAULT '';

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('007', 7);
