-- What Slack and Feishu need beside the console.

-- The zone in which times are shown where a platform cannot show everybody their own.
ALTER TABLE rooms ADD COLUMN time_zone TEXT NOT NULL DEFAULT '';

-- seq is what the message shows. painted_at: when it was last changed, or until when somebody is at it, in Unix
-- milliseconds. told, telling: up to which seq its thread was told, and is being told. stale_at: since when it has to be
-- painted although it shows the newest state, in Unix milliseconds; 0: not. moved: the message that took its place.
ALTER TABLE card_refs ADD COLUMN painted_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card_refs ADD COLUMN told BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card_refs ADD COLUMN telling BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card_refs ADD COLUMN stale_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE card_refs ADD COLUMN moved TEXT NOT NULL DEFAULT '';

UPDATE card_refs SET told = seq, telling = seq;

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

-- Nobody has chosen the language yet: the first platform that tells it decides.
ALTER TABLE users ADD COLUMN locale_guessed BOOLEAN NOT NULL DEFAULT FALSE;

-- An account that asks to be linked has no user yet: subject says which account it is, as JSON.
CREATE TABLE credentials_anew (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  kind TEXT NOT NULL CHECK (kind IN ('api', 'session', 'link', 'account')),
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL CHECK (expires_at >= 0),
  CONSTRAINT credentials_holder CHECK ((kind = 'account') = (user_id IS NULL) AND (kind = 'account') = (subject <> ''))
);
INSERT INTO credentials_anew SELECT hash, kind, user_id, '', created_at, expires_at FROM credentials;
DROP TABLE credentials;
ALTER TABLE credentials_anew RENAME TO credentials;
CREATE INDEX credentials_by_user ON credentials (user_id, kind);

-- Noted in the same transaction: a column cannot be added twice, neither by two processes at once nor after a crash
-- just before the note.
INSERT INTO bun_migrations (name, group_id) VALUES ('002', 2);
