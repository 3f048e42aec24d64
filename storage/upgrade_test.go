package storage_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// before is what a database of the version before approvals outside, delegations and
// working hours holds: two people, and a plan that one of its two approvers has approved.
var before = []string{
	`INSERT INTO users (id, name, name_folded, email, role, slack_id, locale, time_zone, created_at)
		VALUES ('u-alice', 'Alice', 'alice', 'alice@example.com', 'member', 'U1', 'en', 'UTC', 1), ('u-bob', 'Bob', 'bob', 'bob@example.com', 'admin', NULL, 'zh', '', 1)`,
	`INSERT INTO plans (id, number, version, seq, round, name, name_folded, manager_id, manager_name, creator_id, creator_name, editor_id, editor_name,
		description, start_time, end_time, schedule_execute_time, approval, phase, gate_event, gate_state, status, instance_code, cancel_reason, schedule_fired,
		run_seq, last_move, updated_by, create_time, update_time, planning_time, finish_planning_time, approval_time, executing_time, success_time)
		VALUES ('0123456789abcdef01234567', 1, 1, 1, 0, 'payments', 'payments', 'u-alice', 'Alice', 'u-alice', 'Alice', 'u-alice', 'Alice', '', 0, 0, 0,
		'{"type":"native","needed_approvers":2,"approvers":[{"id":"u-bob","name":"Bob"},{"id":"u-root","name":"Root"}],"content":"old",
			"votes":[{"by":{"id":"u-bob","name":"Bob"},"approve":true,"comment":"","at":1,"content":"old"}],"result":""}',
		'wait_for_approval', '', '', 'wait_for_approval', 'code', '', FALSE, 1, '{"verb":"approve","by":"Bob","at":1}', 'Bob', 1, 1, 1, 1, 0, 0, 0)`,
	`INSERT INTO plan_people (user_id, plan_id) VALUES ('u-bob', '0123456789abcdef01234567')`,
	`INSERT INTO items (id, plan_id, position, name, type, owner_id, owner_name, workflow, status, run_status, remark, executed_by, executed_time)
		VALUES ('i1', '0123456789abcdef01234567', 1, 'deploy', 'workflow', '', '', '{"engine":"local","name":"deploy"}', 'todo', '', '', '', 0)`,
	`INSERT INTO entries (id, plan_id, request_id, verb, actor_kind, actor_id, actor_name, actor_admin, at, from_status, to_status, version, seq, item_id, item_name, comment, data)
		VALUES ('abcdef0123456789abcdef01', '0123456789abcdef01234567', 'api:1', 'approve', 'person', 'u-bob', 'Bob', FALSE, 1, 'wait_for_approval', 'wait_for_approval', 1, 1, '', '', '', '{"votes":"1/2"}')`,
	`INSERT INTO runs (id, plan_id, item_id, task_id, engine, started_by, at, workflow, phase, status, ref, url, stop, started_at, ended_at, log_lines)
		VALUES ('r1', '0123456789abcdef01234567', 'i1', 1, 'local', 'Alice', 1, '{"engine":"local","name":"deploy"}', 'ended', 'passed', '', 'https://ci.example.com/1', FALSE, 1, 2, 0)`,
}

// What an older version wrote is read, and goes on: an approval of that time is asked for
// anew, because what it was for is written down in another way.
func TestADatabaseOfAnOlderVersionIsBroughtUpToDate(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]storage.Config{
		storage.SQLite: {Dir: t.TempDir()}, storage.Postgres: {URL: storagetest.Postgres(t)},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			s, err := storage.Open(ctx, cfg)
			must(t, err)
			t.Cleanup(func() { must(t, s.Close()) })
			must(t, s.MigrateTo(ctx, 4))
			for _, statement := range before {
				must(t, s.Exec(ctx, statement))
			}
			if n, err := s.Pending(ctx); n == 0 || err != nil {
				t.Fatalf("pending: %d, %v", n, err)
			}
			must(t, s.Migrate(ctx))

			u, err := s.User(ctx, alice.ID)
			want := &slipway.User{ID: "u-alice", Name: "Alice", Email: "alice@example.com", Role: slipway.RoleMember, SlackID: "U1", Locale: slipway.English, TimeZone: "UTC", CreatedAt: 1}
			if diff := cmp.Diff(want, u); err != nil || diff != "" {
				t.Errorf("%v (-want +got)\n%s", err, diff)
			}
			if r, err := s.Run(ctx, "r1"); err != nil || r.Status != slipway.RunPassed {
				t.Errorf("the run is %+v, %v", r, err)
			}
			p := mustPlan(t, s, "0123456789abcdef01234567")
			if got := fmt.Sprintf("%s %d %d", p.Status(), p.Approval.Approvals(), len(mustEntries(t, s, p.ID))); got != "wait_for_approval 1 1" {
				t.Errorf("the plan is %s", got)
			}
			req := ask(root, noRules)
			p = move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Vote(req, true, "") }).Plan
			if got := p.Asked(noRules); p.Status() != slipway.WaitForApproval || len(got) != 1 || got[0].ID != bob.ID {
				t.Fatalf("the plan is %s, asked %v", p.Status(), got)
			}
			req = ask(bob, noRules)
			if p = move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Vote(req, true, "") }).Plan; p.Status() != slipway.Executing {
				t.Errorf("the plan is %s", p.Status())
			}
			must(t, s.PutDelegation(ctx, slipway.Delegation{Of: bob.Ref(), To: alice.Ref(), Start: 1, End: morning.Unix() + 1}, bob.ID, morning))
			if err := s.PutDelegation(ctx, slipway.Delegation{Of: bob.Ref(), To: bob.Ref(), Start: 1, End: 2}, bob.ID, morning); err == nil || !strings.Contains(err.Error(), "delegation") {
				t.Errorf("somebody stands in for themselves: %v", err)
			}
		})
	}
}
