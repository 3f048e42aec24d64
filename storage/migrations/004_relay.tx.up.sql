-- What the relay of hooks needs: order, endpoints that admins manage, and what an attempt looked like.

-- advice: what was asked without holding the plan back. labels: what endpoints may be limited to. origin: the plan of
-- another system that this one shows.
ALTER TABLE plans ADD COLUMN advice TEXT;
ALTER TABLE plans ADD COLUMN labels TEXT;
ALTER TABLE plans ADD COLUMN origin TEXT;

-- seq: the order in which an endpoint gets the deliveries of a plan; zero before this was kept.
ALTER TABLE deliveries ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;

CREATE INDEX deliveries_in_turn ON deliveries (plan_id, endpoint, seq) WHERE state = 'pending';
CREATE INDEX deliveries_by_time ON deliveries (at, id);
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, at, id);

-- sent: the head of the request, without its secrets. answer_head: that of the answer. first_byte_ms: how long the answer
-- took to begin.
ALTER TABLE attempts ADD COLUMN sent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN answer_head TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN first_byte_ms BIGINT NOT NULL DEFAULT 0;

CREATE INDEX attempts_by_time ON attempts (started_at);

-- parked: what a task waits for besides its time; whoever makes that happen sets it free.
ALTER TABLE tasks ADD COLUMN parked TEXT NOT NULL DEFAULT '';

CREATE INDEX tasks_parked ON tasks (parked, created_at) WHERE parked <> '';

-- The endpoints that admins manage; those of the configuration win.
CREATE TABLE endpoints (
  name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
  settings TEXT NOT NULL,
  version BIGINT NOT NULL CHECK (version >= 1),
  updated_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('004', 4);
