-- What Jira told last of the sprints behind plans. It is shown and decides nothing; it may be deleted at any time.
CREATE TABLE sprints (
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  sprint_id BIGINT NOT NULL CHECK (sprint_id > 0),
  look TEXT NOT NULL,
  PRIMARY KEY (plan_id, sprint_id)
);

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('008', 8);
