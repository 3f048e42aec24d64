-- Written by SLIPWAY_UPDATE_GOLDEN=1 go test ./storage; do not edit.

CREATE TABLE attempts (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
  number BIGINT NOT NULL CHECK (number >= 1),
  started_at BIGINT NOT NULL,
  duration_ms BIGINT NOT NULL CHECK (duration_ms >= 0),
  status_code BIGINT NOT NULL CHECK (status_code >= 0),
  error TEXT NOT NULL,
  answer TEXT NOT NULL,
  ended BOOLEAN NOT NULL, sent TEXT NOT NULL DEFAULT '', answer_head TEXT NOT NULL DEFAULT '', first_byte_ms BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT attempts_number UNIQUE (delivery_id, number)
);

CREATE INDEX attempts_by_time ON attempts (started_at);

CREATE TABLE card_refs (
  platform TEXT NOT NULL CHECK (platform <> ''),
  room_id TEXT NOT NULL CHECK (room_id <> ''),
  message_id TEXT NOT NULL CHECK (message_id <> ''),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL CHECK (seq >= 0), painted_at BIGINT NOT NULL DEFAULT 0, told BIGINT NOT NULL DEFAULT 0, telling BIGINT NOT NULL DEFAULT 0, stale_at BIGINT NOT NULL DEFAULT 0, moved TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (platform, room_id, message_id)
);

CREATE INDEX card_refs_by_plan ON card_refs (plan_id);

CREATE TABLE counters (
  name TEXT NOT NULL PRIMARY KEY,
  value BIGINT NOT NULL CHECK (value >= 0)
);

CREATE TABLE "credentials" (
  hash TEXT NOT NULL PRIMARY KEY CHECK (length(hash) = 64),
  kind TEXT NOT NULL CHECK (kind IN ('api', 'session', 'link', 'account')),
  user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
  subject TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL CHECK (expires_at >= 0),
  CONSTRAINT credentials_holder CHECK ((kind = 'account') = (user_id IS NULL) AND (kind = 'account') = (subject <> ''))
);

CREATE INDEX credentials_by_user ON credentials (user_id, kind);

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

CREATE TABLE deliveries (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  endpoint TEXT NOT NULL CHECK (endpoint <> ''),
  event TEXT NOT NULL CHECK (event IN ('finish_planning', 'start_execute', 'all_job_done')),
  instance_code TEXT NOT NULL UNIQUE CHECK (instance_code <> ''),
  waits BOOLEAN NOT NULL,
  body TEXT NOT NULL CHECK (body <> ''),
  at BIGINT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'failed', 'dropped')),
  attempts BIGINT NOT NULL CHECK (attempts >= 0),
  last_error TEXT NOT NULL,
  done_at BIGINT NOT NULL, seq BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT deliveries_done CHECK ((state = 'pending') = (done_at = 0))
);

CREATE INDEX deliveries_by_plan ON deliveries (plan_id, at);

CREATE INDEX deliveries_by_time ON deliveries (at, id);

CREATE INDEX deliveries_in_turn ON deliveries (plan_id, endpoint, seq) WHERE done_at = 0;

CREATE INDEX deliveries_not_delivered ON deliveries (at, id) WHERE state <> 'delivered';

CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint, at, id);

CREATE TABLE disabled_endpoints (
  name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
  reason TEXT NOT NULL,
  at BIGINT NOT NULL
);

CREATE TABLE endpoints (
  name TEXT NOT NULL PRIMARY KEY CHECK (name <> ''),
  settings TEXT NOT NULL,
  version BIGINT NOT NULL CHECK (version >= 1),
  updated_by TEXT NOT NULL,
  updated_at BIGINT NOT NULL
);

CREATE TABLE entries (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 24),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  request_id TEXT NOT NULL UNIQUE CHECK (request_id <> ''),
  verb TEXT NOT NULL CHECK (verb <> ''),
  actor_kind TEXT NOT NULL CHECK (actor_kind IN ('person', 'system', 'receiver')),
  actor_id TEXT NOT NULL,
  actor_name TEXT NOT NULL,
  actor_admin BOOLEAN NOT NULL,
  at BIGINT NOT NULL,
  from_status TEXT NOT NULL,
  to_status TEXT NOT NULL CHECK (to_status <> ''),
  version BIGINT NOT NULL CHECK (version >= 1),
  seq BIGINT NOT NULL CHECK (seq >= 1),
  item_id TEXT NOT NULL,
  item_name TEXT NOT NULL,
  comment TEXT NOT NULL,
  data TEXT NOT NULL,
  CONSTRAINT entries_seq UNIQUE (plan_id, seq),
  CONSTRAINT entries_item CHECK ((item_id = '') = (item_name = ''))
);

CREATE TABLE items (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  position BIGINT NOT NULL CHECK (position >= 1),
  name TEXT NOT NULL CHECK (name <> ''),
  type TEXT NOT NULL CHECK (type IN ('text', 'workflow')),
  owner_id TEXT NOT NULL,
  owner_name TEXT NOT NULL,
  text TEXT,
  workflow TEXT,
  definition TEXT,
  status TEXT NOT NULL CHECK (status IN ('todo', 'running', 'done', 'skipped', 'failed')),
  run_status TEXT NOT NULL CHECK (run_status IN ('', 'created', 'running', 'passed', 'failed', 'timeout', 'cancelled')),
  remark TEXT NOT NULL,
  reason TEXT,
  executed_by TEXT NOT NULL,
  executed_time BIGINT NOT NULL,
  CONSTRAINT items_position UNIQUE (plan_id, position),
  CONSTRAINT items_name UNIQUE (plan_id, name),
  CONSTRAINT items_spec CHECK (
    (type = 'text') = (text IS NOT NULL)
    AND (type = 'workflow') = (workflow IS NOT NULL)
    AND (definition IS NULL OR workflow IS NOT NULL)
  ),
  CONSTRAINT items_run CHECK (type = 'workflow' OR run_status = '' AND status NOT IN ('running', 'failed'))
);

CREATE TABLE messages (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  number BIGINT NOT NULL UNIQUE,
  room_id TEXT NOT NULL CHECK (room_id <> ''),
  thread TEXT NOT NULL,
  author_id TEXT NOT NULL,
  only_for TEXT NOT NULL,
  text TEXT NOT NULL,
  card TEXT,
  at BIGINT NOT NULL,
  edited_at BIGINT NOT NULL,
  key TEXT UNIQUE CHECK (key <> '')
);

CREATE INDEX messages_by_room ON messages (room_id, number);

CREATE TABLE plan_people (
  user_id TEXT NOT NULL CHECK (user_id <> ''),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, plan_id)
);

CREATE INDEX plan_people_by_plan ON plan_people (plan_id);

CREATE TABLE plans (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 24),
  number BIGINT NOT NULL UNIQUE CHECK (number >= 1),
  version BIGINT NOT NULL CHECK (version >= 1),
  seq BIGINT NOT NULL CHECK (seq >= 1),
  round BIGINT NOT NULL CHECK (round >= 0),
  name TEXT NOT NULL CHECK (name <> ''),
  name_folded TEXT NOT NULL,
  manager_id TEXT NOT NULL CHECK (manager_id <> ''),
  manager_name TEXT NOT NULL,
  creator_id TEXT NOT NULL,
  creator_name TEXT NOT NULL,
  editor_id TEXT NOT NULL,
  editor_name TEXT NOT NULL,
  description TEXT NOT NULL,
  start_time BIGINT NOT NULL CHECK (start_time >= 0),
  end_time BIGINT NOT NULL CHECK (end_time >= 0),
  schedule_execute_time BIGINT NOT NULL CHECK (schedule_execute_time >= 0),
  jira TEXT,
  approval TEXT,
  phase TEXT NOT NULL CHECK (phase IN (
    'planning', 'finish_planning', 'wait_for_approval', 'executing', 'denied', 'timeout', 'success', 'cancel'
  )),
  gate_event TEXT NOT NULL CHECK (gate_event IN ('', 'finish_planning', 'start_execute', 'all_job_done')),
  gate_state TEXT NOT NULL CHECK (gate_state IN ('', 'waiting', 'failed')),
  gate TEXT,
  status TEXT NOT NULL,
  instance_code TEXT NOT NULL UNIQUE CHECK (instance_code <> ''),
  cancel_reason TEXT NOT NULL,
  overrides TEXT,
  schedule_fired BOOLEAN NOT NULL,
  run_seq BIGINT NOT NULL CHECK (run_seq >= 0),
  last_move TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  create_time BIGINT NOT NULL,
  update_time BIGINT NOT NULL,
  planning_time BIGINT NOT NULL,
  finish_planning_time BIGINT NOT NULL,
  approval_time BIGINT NOT NULL,
  executing_time BIGINT NOT NULL,
  success_time BIGINT NOT NULL, advice TEXT, labels TEXT, origin TEXT,
  CONSTRAINT plans_window CHECK (start_time = 0 OR end_time = 0 OR start_time < end_time),
  CONSTRAINT plans_gate CHECK ((gate_event = '') = (gate_state = '') AND (gate_event = '') = (gate IS NULL)),
  -- The fourteen words: a phase, or the word of a gate that waits or has failed.
  CONSTRAINT plans_status CHECK (status = CASE gate_event
    WHEN '' THEN phase
    WHEN 'finish_planning' THEN 'wait_for_finish_planning_external_check'
    WHEN 'start_execute' THEN 'wait_for_execute_external_check'
    WHEN 'all_job_done' THEN 'wait_for_all_done_external_check'
  END || CASE gate_state WHEN 'failed' THEN '_failed' ELSE '' END)
);

CREATE INDEX plans_by_manager ON plans (manager_id, number);

CREATE INDEX plans_by_status ON plans (status, number);

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

CREATE TABLE rooms (
  platform TEXT NOT NULL CHECK (platform <> ''),
  id TEXT NOT NULL CHECK (id <> ''),
  name TEXT NOT NULL,
  locale TEXT NOT NULL CHECK (locale IN ('en', 'zh')),
  direct TEXT NOT NULL,
  created_at BIGINT NOT NULL, time_zone TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (platform, id)
);

CREATE TABLE run_log (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  seq BIGINT NOT NULL CHECK (seq >= 1),
  at BIGINT NOT NULL,
  job TEXT NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE runs (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  item_id TEXT NOT NULL CHECK (item_id <> ''),
  task_id BIGINT NOT NULL CHECK (task_id >= 1),
  engine TEXT NOT NULL CHECK (engine <> ''),
  started_by TEXT NOT NULL,
  at BIGINT NOT NULL,
  workflow TEXT NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('created', 'starting', 'started', 'ended')),
  status TEXT NOT NULL CHECK (status IN ('created', 'running', 'passed', 'failed', 'timeout', 'cancelled')),
  ref TEXT NOT NULL,
  stop BOOLEAN NOT NULL,
  progress TEXT,
  reason TEXT,
  started_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  log_lines BIGINT NOT NULL CHECK (log_lines >= 0), project TEXT NOT NULL DEFAULT '', name TEXT NOT NULL DEFAULT '', again TEXT NOT NULL DEFAULT '', whole BOOLEAN NOT NULL DEFAULT TRUE, attempt TEXT NOT NULL DEFAULT '', doubt TEXT NOT NULL DEFAULT '' CHECK (doubt IN ('', 'unknown_start', 'changed')), change TEXT, report TEXT,
  CONSTRAINT runs_task_id UNIQUE (plan_id, task_id),
  CONSTRAINT runs_phase CHECK (
    (phase IN ('created', 'starting')) = (status = 'created')
    AND (phase = 'started') = (status = 'running')
    AND (phase = 'ended') = (ended_at <> 0)
  )
);

CREATE INDEX runs_by_ref ON runs (engine, ref) WHERE ref <> '';

CREATE INDEX runs_by_workflow ON runs (engine, project, name, ended_at) WHERE status = 'passed';

CREATE TABLE settings (
  key TEXT NOT NULL PRIMARY KEY CHECK (key <> ''),
  value TEXT NOT NULL
);

CREATE TABLE sprints (
  plan_id TEXT NOT NULL REFERENCES plans (id) ON DELETE CASCADE,
  sprint_id BIGINT NOT NULL CHECK (sprint_id > 0),
  look TEXT NOT NULL,
  PRIMARY KEY (plan_id, sprint_id)
);

CREATE TABLE tasks (
  id TEXT NOT NULL PRIMARY KEY CHECK (length(id) = 36),
  kind TEXT NOT NULL CHECK (kind <> ''),
  key TEXT NOT NULL UNIQUE CHECK (key <> ''),
  plan_id TEXT NOT NULL,
  round BIGINT NOT NULL CHECK (round >= 0),
  ref TEXT NOT NULL,
  data TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  run_at BIGINT NOT NULL,
  offer_at BIGINT NOT NULL,
  offers BIGINT NOT NULL CHECK (offers >= 0),
  attempt BIGINT NOT NULL CHECK (attempt >= 0),
  lease_owner TEXT NOT NULL,
  lease_until BIGINT NOT NULL,
  leases BIGINT NOT NULL CHECK (leases >= 0), parked TEXT NOT NULL DEFAULT '',
  CONSTRAINT tasks_lease CHECK ((lease_owner = '') = (lease_until = 0))
);

CREATE INDEX tasks_by_plan ON tasks (plan_id, kind);

CREATE INDEX tasks_due ON tasks (run_at);

CREATE INDEX tasks_parked ON tasks (parked, created_at) WHERE parked <> '';

CREATE INDEX tasks_to_offer ON tasks (offer_at);

CREATE TABLE users (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  name TEXT NOT NULL CHECK (name <> ''),
  name_folded TEXT NOT NULL,
  email TEXT UNIQUE CHECK (email <> '' AND email = lower(email)),
  role TEXT NOT NULL CHECK (role IN ('member', 'admin')),
  slack_id TEXT UNIQUE CHECK (slack_id <> ''),
  feishu_open_id TEXT UNIQUE CHECK (feishu_open_id <> ''),
  locale TEXT NOT NULL CHECK (locale IN ('en', 'zh')),
  time_zone TEXT NOT NULL,
  created_at BIGINT NOT NULL
, locale_guessed BOOLEAN NOT NULL DEFAULT FALSE, dingtalk_id TEXT CHECK (dingtalk_id <> ''), working_hours TEXT NOT NULL DEFAULT '', holidays TEXT NOT NULL DEFAULT '', no_mail BOOLEAN NOT NULL DEFAULT FALSE);

CREATE INDEX users_by_name ON users (name_folded);

CREATE UNIQUE INDEX users_dingtalk_id ON users (dingtalk_id);
