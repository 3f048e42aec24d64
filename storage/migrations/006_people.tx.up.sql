-- Who decides in the place of people who are away.

-- starts_at and ends_at: Unix seconds; ends_at is the first second in which it is over. set_by: who said so, the person or
-- an admin.
CREATE TABLE delegations (
  user_id TEXT NOT NULL PRIMARY KEY REFERENCES users (id),
  delegate_id TEXT NOT NULL REFERENCES users (id),
  starts_at BIGINT NOT NULL,
  ends_at BIGINT NOT NULL,
  set_by TEXT NOT NULL,
  set_at BIGINT NOT NULL,
  CONSTRAINT delegations_other CHECK (user_id <> delegate_id),
  CONSTRAINT delegations_time CHECK (starts_at < ends_at)
);

CREATE INDEX delegations_by_end ON delegations (ends_at);

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('006', 6);
