package storage_test

import (
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// The schema refuses what the domain promises never to write, should the program ever
// try.
func TestTheSchemaKeepsWhatTheDomainPromises(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u := alice
		u.SlackID, u.FeishuOpenID = "U1", "ou_1"
		must(t, s.CreateUser(ctx, &u))
		other := bob
		must(t, s.CreateUser(ctx, &other))
		must(t, s.PutCredential(ctx, storage.Credential{Hash: strings.Repeat("a", 64), Kind: storage.CredentialAPI, UserID: u.ID}))
		must(t, s.PutRoom(ctx, storage.Room{Platform: "web", ID: "general", Locale: slipway.English}))
		for _, key := range []string{"m1", "m2"} {
			_, err := s.PutMessage(ctx, &storage.Message{ID: key, RoomID: "general", Key: key})
			must(t, err)
		}
		p := executing(t, s, draft(t, "one"))
		req := ask(alice, noRules)
		run := move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Execute(req, p.Items[1].ID) })
		must(t, s.AppendRunLog(ctx, run.Plan.Items[1].Workflow.RunID, []storage.LogLine{{Text: "line"}}))
		two := submit(t, s, create(t, s, draft(t, "two")), askingRules).Plan
		_, err := s.BeginAttempts(ctx, map[string]time.Time{two.Gate.Waits[0].DeliveryID: morning})
		must(t, err)
		_, err = s.PutCard(ctx, storage.CardRef{PlanID: p.ID, Platform: "web", RoomID: "general", MessageID: "m1"}, morning)
		must(t, err)

		_, _, err = s.BeginPost(ctx, "slack", "key", morning)
		must(t, err)

		for _, test := range []struct{ promise, statement string }{
			{"a plan's id has 24 digits", "UPDATE plans SET id = 'x'"},
			{"an index is positive", "UPDATE plans SET number = 0 WHERE number = 1"},
			{"an index is one plan's", "UPDATE plans SET number = 2 WHERE number = 1"},
			{"versions begin at 1", "UPDATE plans SET version = 0"},
			{"changes begin at 1", "UPDATE plans SET seq = 0"},
			{"rounds are not negative", "UPDATE plans SET round = -1"},
			{"a plan has a name", "UPDATE plans SET name = ''"},
			{"a plan has a manager", "UPDATE plans SET manager_id = ''"},
			{"times are not negative", "UPDATE plans SET start_time = -1"},
			{"the end is not negative", "UPDATE plans SET end_time = -1"},
			{"the schedule is not negative", "UPDATE plans SET schedule_execute_time = -1"},
			{"a window ends after it starts", "UPDATE plans SET end_time = start_time"},
			{"a phase is one of eight words", "UPDATE plans SET phase = 'done', status = 'done' WHERE number = 1"},
			{"a status is one of fourteen words", "UPDATE plans SET status = 'done'"},
			{"the status is the phase's", "UPDATE plans SET status = 'success' WHERE number = 1"},
			{"the status is the gate's", "UPDATE plans SET status = phase WHERE number = 2"},
			{"a failed gate has its own status", "UPDATE plans SET gate_state = 'failed' WHERE number = 2"},
			{"a gate has an event", "UPDATE plans SET gate_event = '', status = phase WHERE number = 2"},
			{"a gate's event is a documented one", "UPDATE plans SET gate_event = 'start' WHERE number = 2"},
			{"a gate has a state", "UPDATE plans SET gate_state = '' WHERE number = 2"},
			{"a gate that passed is gone", "UPDATE plans SET gate_state = 'passed' WHERE number = 2"},
			{"no gate has no state", "UPDATE plans SET gate_state = 'waiting' WHERE number = 1"},
			{"a gate's words come with the gate", "UPDATE plans SET gate = NULL WHERE number = 2"},
			{"no gate's words without a gate", "UPDATE plans SET gate = '{}' WHERE number = 1"},
			{"a plan has an instance code", "UPDATE plans SET instance_code = '' WHERE number = 1"},
			{"an instance code is one plan's", "UPDATE plans SET instance_code = 'x'"},
			{"runs are counted from 0", "UPDATE plans SET run_seq = -1"},
			{"only users are involved", "UPDATE plan_people SET user_id = '' WHERE user_id = 'u-bob'"},
			{"nobody is involved twice", "UPDATE plan_people SET user_id = 'u'"},
			{"involvement is with a plan", "UPDATE plan_people SET plan_id = 'x'"},
			{"an item has an id", "UPDATE items SET id = '' WHERE name = 'deploy'"},
			{"an item's id is its own", "UPDATE items SET id = 'x'"},
			{"an item is a plan's", "UPDATE items SET plan_id = 'x'"},
			{"positions begin at 1", "UPDATE items SET position = 0 WHERE position = 1"},
			{"a position is one item's", "UPDATE items SET position = 2 WHERE position = 1"},
			{"an item has a name", "UPDATE items SET name = '' WHERE position = 1"},
			{"a name is one item's", "UPDATE items SET name = 'same'"},
			{"an item's type is text or workflow", "UPDATE items SET type = 'other'"},
			{"a text item has a text", "UPDATE items SET text = NULL"},
			{"a text item has no workflow", "UPDATE items SET workflow = '{}'"},
			{"a workflow item has a workflow", "UPDATE items SET workflow = NULL, definition = NULL"},
			{"a workflow item has no text", "UPDATE items SET text = '{}'"},
			{"a definition is a workflow's", "UPDATE items SET definition = '{}'"},
			{"an item's status is one of five words", "UPDATE items SET status = 'ready'"},
			{"a run's status is a documented one", "UPDATE items SET run_status = 'ready' WHERE type = 'workflow'"},
			{"a text item does not run", "UPDATE items SET status = 'running'"},
			{"a text item does not fail", "UPDATE items SET status = 'failed'"},
			{"a text item has no run", "UPDATE items SET run_status = 'created'"},
			{"an entry's id has 24 digits", "UPDATE entries SET id = 'x' WHERE seq = 3"},
			{"an entry is a plan's", "UPDATE entries SET plan_id = 'x'"},
			{"a request has one entry", "UPDATE entries SET request_id = 'same'"},
			{"an entry has a request", "UPDATE entries SET request_id = '' WHERE seq = 3"},
			{"an entry has a verb", "UPDATE entries SET verb = ''"},
			{"an actor is of a known kind", "UPDATE entries SET actor_kind = 'robot'"},
			{"an entry leads to a status", "UPDATE entries SET to_status = ''"},
			{"an entry's version begins at 1", "UPDATE entries SET version = 0"},
			{"an entry's change begins at 1", "UPDATE entries SET seq = 0 WHERE seq = 1"},
			{"a change has one entry", "UPDATE entries SET seq = 9"},
			{"an item's entry names it", "UPDATE entries SET item_name = '' WHERE verb = 'execute'"},
			{"a task's id is a UUID", "UPDATE tasks SET id = 'x'"},
			{"a task has a kind", "UPDATE tasks SET kind = ''"},
			{"a task has a key", "UPDATE tasks SET key = '' WHERE kind = 'deadline'"},
			{"a key is one task's", "UPDATE tasks SET key = 'same'"},
			{"a task's round is not negative", "UPDATE tasks SET round = -1"},
			{"offers are counted from 0", "UPDATE tasks SET offers = -1"},
			{"tries are counted from 0", "UPDATE tasks SET attempt = -1"},
			{"leases are counted from 0", "UPDATE tasks SET leases = -1"},
			{"a lease has an end", "UPDATE tasks SET lease_owner = 'w'"},
			{"a lease has an owner", "UPDATE tasks SET lease_until = 1"},
			{"a delivery has an id", "UPDATE deliveries SET id = '' WHERE waits = FALSE"},
			{"a delivery is a plan's", "UPDATE deliveries SET plan_id = 'x'"},
			{"a delivery has an endpoint", "UPDATE deliveries SET endpoint = ''"},
			{"a delivery's event is a documented one", "UPDATE deliveries SET event = 'start'"},
			{"a delivery has a code", "UPDATE deliveries SET instance_code = '' WHERE waits = TRUE"},
			{"a code is one delivery's", "UPDATE deliveries SET instance_code = 'same'"},
			{"a delivery has a body", "UPDATE deliveries SET body = ''"},
			{"a delivery's state is one of four words", "UPDATE deliveries SET state = 'done', done_at = 1"},
			{"a pending delivery is not done", "UPDATE deliveries SET done_at = 1"},
			{"an ended delivery is done", "UPDATE deliveries SET state = 'failed'"},
			{"attempts are counted from 0", "UPDATE deliveries SET attempts = -1"},
			{"an attempt has an id", "UPDATE attempts SET id = ''"},
			{"an attempt is a delivery's", "UPDATE attempts SET delivery_id = 'x'"},
			{"attempts begin at 1", "UPDATE attempts SET number = 0"},
			{"an attempt's number is its own", "INSERT INTO attempts SELECT 'new', delivery_id, number, 0, 0, 0, '', '', TRUE, '', '', 0 FROM attempts"},
			{"an attempt takes time", "UPDATE attempts SET duration_ms = -1"},
			{"an attempt's answer is a status code", "UPDATE attempts SET status_code = -1"},
			{"an endpoint has a name", "INSERT INTO disabled_endpoints VALUES ('', '', 1)"},
			{"a run has an id", "UPDATE runs SET id = ''"},
			{"a run is a plan's", "UPDATE runs SET plan_id = 'x'"},
			{"a run is an item's", "UPDATE runs SET item_id = ''"},
			{"runs begin at 1", "UPDATE runs SET task_id = 0"},
			{
				"a run's number is its own",
				"INSERT INTO runs SELECT 'new', plan_id, item_id, task_id, engine, '', 1, '', 'created', 'created', '', FALSE, NULL, NULL, 0, 0, 0, '', '', '', TRUE, '', '', NULL, NULL FROM runs",
			},
			{"a run has an engine", "UPDATE runs SET engine = ''"},
			{"a run's doubt is one of two words", "UPDATE runs SET doubt = 'doubtful'"},
			{"a run's phase is one of four words", "UPDATE runs SET phase = 'lost'"},
			{"a run's status is one of six words", "UPDATE runs SET status = 'lost', phase = 'ended', ended_at = 1"},
			{"a run that is created has not begun", "UPDATE runs SET status = 'running'"},
			{"a run that has begun is running", "UPDATE runs SET phase = 'started'"},
			{"a run that passed has ended", "UPDATE runs SET status = 'passed', phase = 'starting'"},
			{"a run that ended has an end", "UPDATE runs SET status = 'passed', phase = 'ended'"},
			{"lines are counted from 0", "UPDATE runs SET log_lines = -1"},
			{"a line is a run's", "UPDATE run_log SET run_id = 'x'"},
			{"lines begin at 1", "UPDATE run_log SET seq = 0"},
			{"a line's number is its own", "INSERT INTO run_log SELECT run_id, seq, 0, '', '' FROM run_log"},
			{"a user has an id", "UPDATE users SET id = '' WHERE id = 'u-bob'"},
			{"a user has a name", "UPDATE users SET name = ''"},
			{"an e-mail is one user's", "UPDATE users SET email = 'same@example.com'"},
			{"an e-mail is in lower case", "UPDATE users SET email = 'Bob@example.com' WHERE id = 'u-bob'"},
			{"no e-mail is not an empty one", "UPDATE users SET email = '' WHERE id = 'u-bob'"},
			{"a Slack account is one user's", "UPDATE users SET slack_id = 'U1'"},
			{"no Slack account is not an empty one", "UPDATE users SET slack_id = '' WHERE id = 'u-bob'"},
			{"a DingTalk account is named", "UPDATE users SET dingtalk_id = ''"},
			{"a DingTalk account is one person's", "UPDATE users SET dingtalk_id = 'same'"},
			{"a question has a mark", "INSERT INTO questions SELECT 'x', id, 'lark', 'created', NULL, '', FALSE, 1, 0 FROM plans WHERE number = 1"},
			{"a question is asked in a system that is known", "INSERT INTO questions SELECT '00000000-0000-4000-8000-000000000001', id, 'native', 'created', NULL, '', FALSE, 1, 0 FROM plans WHERE number = 1"},
			{"a question's phase is one of four words", "INSERT INTO questions SELECT '00000000-0000-4000-8000-000000000001', id, 'lark', 'open', NULL, '', FALSE, 1, 0 FROM plans WHERE number = 1"},
			{"what is asked is written down before", "INSERT INTO questions SELECT '00000000-0000-4000-8000-000000000001', id, 'lark', 'asking', NULL, '', FALSE, 1, 0 FROM plans WHERE number = 1"},
			{"what was asked has an instance", "INSERT INTO questions SELECT '00000000-0000-4000-8000-000000000001', id, 'lark', 'asked', '{}', '', FALSE, 1, 0 FROM plans WHERE number = 1"},
			{"a question is a plan's", "INSERT INTO questions VALUES ('00000000-0000-4000-8000-000000000001', 'x', 'lark', 'created', NULL, '', FALSE, 1, 0)"},
			{"a Feishu account is one user's", "UPDATE users SET feishu_open_id = 'ou_1'"},
			{"no Feishu account is not an empty one", "UPDATE users SET feishu_open_id = '' WHERE id = 'u-bob'"},
			{"a role is member or admin", "UPDATE users SET role = 'owner'"},
			{"a language is English or Chinese", "UPDATE users SET locale = 'de'"},
			{"a credential's hash is whole", "UPDATE credentials SET hash = 'x'"},
			{"a hash is one credential's", "INSERT INTO credentials SELECT hash, kind, user_id, subject, 0, 0 FROM credentials"},
			{"a credential is of a known kind", "UPDATE credentials SET kind = 'password'"},
			{"a credential is a user's", "UPDATE credentials SET user_id = 'x'"},
			{"a credential is a user's or about an account", "UPDATE credentials SET subject = '{}'"},
			{"a credential's end is not negative", "UPDATE credentials SET expires_at = -1"},
			{"a room has a platform", "UPDATE rooms SET platform = ''"},
			{"a room has an id", "UPDATE rooms SET id = ''"},
			{"a room is there once", "INSERT INTO rooms SELECT * FROM rooms"},
			{"a room's language is English or Chinese", "UPDATE rooms SET locale = 'de'"},
			{"a card is on a platform", "UPDATE card_refs SET platform = ''"},
			{"a card is in a room", "UPDATE card_refs SET room_id = ''"},
			{"a card is a message", "UPDATE card_refs SET message_id = ''"},
			{"a card is a plan's", "UPDATE card_refs SET plan_id = 'x'"},
			{"a message is one card", "INSERT INTO card_refs SELECT * FROM card_refs"},
			{"a card shows a change", "UPDATE card_refs SET seq = -1"},
			{"a post is on a platform", "UPDATE posts SET platform = ''"},
			{"a post has a key", "UPDATE posts SET key = ''"},
			{"a key is one post's", "INSERT INTO posts SELECT * FROM posts"},
			{"a message has an id", "UPDATE messages SET id = '' WHERE id = 'm1'"},
			{"a message's number is its own", "UPDATE messages SET number = 1"},
			{"a message is in a room", "UPDATE messages SET room_id = ''"},
			{"a key is one message's", "UPDATE messages SET key = 'same'"},
			{"no key is not an empty one", "UPDATE messages SET key = '' WHERE id = 'm1'"},
			{"a setting has a key", "INSERT INTO settings VALUES ('', '')"},
			{"counters do not go below 0", "UPDATE counters SET value = -1"},
		} {
			err := s.Exec(ctx, test.statement)
			switch {
			case err == nil:
				t.Fatalf("%s: %s went through", test.promise, test.statement)
			case !strings.Contains(err.Error(), "constraint"):
				t.Errorf("%s: %v", test.promise, err)
			}
		}
	})
}

// What belongs to a plan goes with it.
func TestNothingOutlivesItsPlan(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := submit(t, s, create(t, s, draft(t, "gone")), askingRules).Plan
		must(t, s.Exec(t.Context(), "DELETE FROM plans WHERE id = ?", p.ID))
		for _, table := range []string{"items", "plan_people", "entries", "deliveries", "questions"} {
			var n int
			must(t, s.Query(t.Context(), &n, "SELECT count(*) FROM "+table))
			if n != 0 {
				t.Errorf("%d rows are left in %s", n, table)
			}
		}
	})
}
