package storage_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
)

// morning is when the stories of these tests begin.
var morning = time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)

var (
	alice = slipway.User{ID: "u-alice", Name: "Alice", Email: "alice@example.com", Role: slipway.RoleMember, Locale: slipway.English}
	bob   = slipway.User{ID: "u-bob", Name: "Bob", Email: "bob@example.com", Role: slipway.RoleMember, Locale: slipway.English}
	root  = slipway.User{ID: "u-root", Name: "管理员", Email: "root@example.com", Role: slipway.RoleAdmin, Locale: slipway.Chinese}
)

var noRules = &slipway.Rules{}

// askingRules have one endpoint that is asked after the planning, and one that is only
// told of everything.
var askingRules = &slipway.Rules{Endpoints: []slipway.Endpoint{
	{
		Name: "office", URL: "https://office.example.com", Wait: true, Deadline: time.Hour,
		Events: []slipway.Event{slipway.EventFinishPlanning},
	},
	{Name: "wall", URL: "https://wall.example.com", Events: slipway.Events()},
}}

var requests atomic.Int64

// ask makes a request that was never made before.
func ask(u slipway.User, rules *slipway.Rules) slipway.Request {
	return slipway.Request{
		ID: fmt.Sprintf("test:%d", requests.Add(1)), Actor: u.Actor(), At: morning, Rand: rand.Reader, Rules: rules,
	}
}

// deploy is a small documented workflow.
func deploy(tb testing.TB) *slipway.Workflow {
	tb.Helper()
	w, problems := slipway.DecodeWorkflow([]byte(`{"name": "deploy", "project": "payments", "house_key": {"kept": [1, 2]},
		"stages": [{"name": "all", "jobs": [{"name": "go", "type": "freestyle", "spec": {}}]}]}`))
	if len(problems) > 0 {
		tb.Fatal(problems)
	}
	return w
}

// draft is a plan of Alice's that Bob approves, with a text and a workflow item.
func draft(tb testing.TB, name string) slipway.Draft {
	tb.Helper()
	return slipway.Draft{
		Name: name, Manager: alice.Ref(), Description: "Say **it**.\n\\ 'quoted' \"twice\" ? ?0 :x 发布",
		StartTime: morning.Unix() - 60, EndTime: morning.Unix() + 3600,
		Jira:     &slipway.JiraAssociation{Sprints: []slipway.Sprint{{ProjectKey: "PAY", SprintID: 42}}},
		Approval: &slipway.Approval{Type: slipway.NativeApproval, Needed: 1, Approvers: []slipway.PersonRef{bob.Ref()}},
		Items: []*slipway.Item{
			{Name: "announce", Type: slipway.TextItem, Owner: alice.Ref(), Text: &slipway.TextSpec{Content: "Tell the hotline"}},
			{
				Name: "deploy", Type: slipway.WorkflowItem, Owner: alice.Ref(),
				Workflow: &slipway.WorkflowSpec{Engine: "local", Name: "deploy", Params: map[string]string{"version": "4.2"}},
			},
		},
	}
}

// bare is a plan with nothing but a text item.
func bare(name string) slipway.Draft {
	return slipway.Draft{Name: name, Manager: alice.Ref(), Items: []*slipway.Item{
		{Name: "announce", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "Tell the hotline"}},
	}}
}

func create(tb testing.TB, s *storage.Store, d slipway.Draft) *slipway.Plan {
	tb.Helper()
	req := ask(alice, noRules)
	out, err := s.Create(tb.Context(), req, func() (*slipway.Plan, *slipway.Change, error) { return slipway.NewPlan(req, d) })
	if err != nil {
		tb.Fatal(err)
	}
	return out.Plan
}

// move carries out a transition that must succeed.
func move(tb testing.TB, s *storage.Store, planID string, req slipway.Request, fn func(*slipway.Plan) (*slipway.Change, error)) storage.Outcome {
	tb.Helper()
	out, err := s.Change(tb.Context(), req, planID, fn)
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

func submit(tb testing.TB, s *storage.Store, p *slipway.Plan, rules *slipway.Rules) storage.Outcome {
	tb.Helper()
	req := ask(alice, rules)
	prepared := map[string]*slipway.Workflow{}
	for _, it := range p.Items {
		if it.Workflow != nil {
			prepared[it.ID] = deploy(tb)
		}
	}
	return move(tb, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Submit(req, prepared) })
}

// executing brings a new plan as far as it takes to work on its items.
func executing(tb testing.TB, s *storage.Store, d slipway.Draft) *slipway.Plan {
	tb.Helper()
	p := submit(tb, s, create(tb, s, d), noRules).Plan
	if p.Approval == nil {
		req := ask(alice, noRules)
		return move(tb, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Start(req) }).Plan
	}
	req := ask(bob, noRules)
	return move(tb, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Vote(req, true, "go") }).Plan
}

func mustPlan(tb testing.TB, s *storage.Store, id string) *slipway.Plan {
	tb.Helper()
	p, err := s.Plan(tb.Context(), id)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func mustEntries(tb testing.TB, s *storage.Store, planID string) []slipway.Entry {
	tb.Helper()
	page, err := s.Entries(tb.Context(), planID, "", 200)
	if err != nil {
		tb.Fatal(err)
	}
	return page.Rows
}

// verbs are what the log tells, oldest first.
func verbs(entries []slipway.Entry) []slipway.Verb {
	var vs []slipway.Verb
	for i := len(entries) - 1; i >= 0; i-- {
		vs = append(vs, entries[i].Verb)
	}
	return vs
}

func wantCode(tb testing.TB, err error, want slipway.Code) {
	tb.Helper()
	if got := slipway.CodeOf(err); got != want {
		tb.Fatalf("error %v has code %q, want %q", err, got, want)
	}
}

// told gathers what a store tells after its commits.
type told chan storage.Committed

func listen(s *storage.Store) told {
	c := make(told, 100)
	s.OnCommit(func(_ context.Context, x storage.Committed) { c <- x })
	return c
}
