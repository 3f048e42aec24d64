-- What engines that are reached over the network need.

-- project, name: the workflow's, to compare durations. again: the run that this one runs again in its engine. whole: it
-- was begun by Slipway, from its beginning. attempt: the engine's word for how often it was run. doubt: what a person
-- has to decide. change: how the workflow differs from the plan's. report: the last thing its engine reported by itself.
ALTER TABLE runs ADD COLUMN project TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN again TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN whole BOOLEAN NOT NULL DEFAULT TRUE;
ALTER TABLE runs ADD COLUMN attempt TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN doubt TEXT NOT NULL DEFAULT '' CHECK (doubt IN ('', 'unknown_start', 'changed'));
ALTER TABLE runs ADD COLUMN change TEXT;
ALTER TABLE runs ADD COLUMN report TEXT;

CREATE INDEX runs_by_ref ON runs (engine, ref) WHERE ref <> '';
CREATE INDEX runs_by_workflow ON runs (engine, project, name, ended_at) WHERE status = 'passed';

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('003', 3);
