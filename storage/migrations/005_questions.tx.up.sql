-- What is asked in other approval systems.

-- Somebody's account in DingTalk.
ALTER TABLE users ADD COLUMN dingtalk_id TEXT CHECK (dingtalk_id <> '');
CREATE UNIQUE INDEX users_dingtalk_id ON users (dingtalk_id);

-- body: the question as it was put, written before it is. asking: the other system may have it, and is asked for it by
-- its mark. stop: it is to be taken back.
CREATE TABLE questions (
  mark TEXT NOT NULL PRIMARY KEY CHECK (length(mark) = 36),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  type TEXT NOT NULL CHECK (type IN ('lark', 'dingtalk')),
  phase TEXT NOT NULL CHECK (phase IN ('created', 'asking', 'asked', 'ended')),
  body TEXT,
  ref TEXT NOT NULL,
  stop BOOLEAN NOT NULL,
  at BIGINT NOT NULL,
  asking_at BIGINT NOT NULL,
  CONSTRAINT questions_body CHECK (phase NOT IN ('asking', 'asked') OR body IS NOT NULL),
  CONSTRAINT questions_ref CHECK (phase <> 'asked' OR ref <> '')
);

CREATE INDEX questions_by_ref ON questions (type, ref) WHERE ref <> '';
CREATE INDEX questions_of_plan ON questions (plan_id) WHERE phase <> 'ended';

-- Noted in the same transaction, as in 002.
INSERT INTO bun_migrations (name, group_id) VALUES ('005', 5);
