-- What Slack and Feishu need beside the console.

-- The zone in which times are shown where a platform cannot show everybody their own.
ALTER TABLE rooms ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';

-- painted_at: when the message was last changed, in Unix milliseconds. telling: up to which seq the thread is being told.
ALTER TABLE card_refs ADD COLUMN painted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card_refs ADD COLUMN telling BIGINT NOT NULL DEFAULT 0;

-- What was posted under which key, so that no message is sent twice.
CREATE TABLE posts (
  platform TEXT NOT NULL CHECK (platform <> ''),
  key TEXT NOT NULL CHECK (key <> ''),
  room_id TEXT NOT NULL,
  message_id TEXT NOT NULL,
  thread TEXT NOT NULL,
  begun_at BIGINT NOT NULL,
  PRIMARY KEY (platform, key)
);

CREATE INDEX posts_by_age ON posts (begun_at);
