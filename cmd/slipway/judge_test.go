package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"slipway/cmd/slipway/processtest"
)

// connect opens a connection to a fleet's database for the rest of the test.
func (f *fleet) connect(t *testing.T) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), f.database.URL)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// collect returns the rows of a query.
func collect[T any](t *testing.T, conn *pgx.Conn, query string, args ...any) []T {
	t.Helper()
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return list
}

// awaitNoTasks waits until the table of tasks is empty. What a killed process had
// leased is free again after 20 seconds.
func awaitNoTasks(t *testing.T, f *fleet) {
	t.Helper()
	conn := f.connect(t)
	type row struct {
		Kind, Key  string
		RunAt      int64
		Attempt    int64
		LeaseOwner string
	}
	// A hook that has failed five times, some of them because its process was killed, rests
	// for five minutes and a fifth.
	patience := time.After(7 * time.Minute)
	for {
		left := collect[row](t, conn, "SELECT kind, key, run_at, attempt, lease_owner FROM tasks ORDER BY run_at")
		if len(left) == 0 {
			return
		}
		select {
		case <-patience:
			t.Errorf("%d tasks are left, the first: %+v", len(left), left[:min(len(left), 10)])
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// judge looks at all that is left behind.
func judge(t *testing.T, f *fleet, people *crowd, marks string) {
	conn := f.connect(t)
	type row struct {
		ID, Name, Status string
		Seq              int64
	}
	plans := collect[row](t, conn, "SELECT id, name, status, seq FROM plans ORDER BY name")
	if len(plans) != crashedPlans {
		t.Errorf("there are %d plans, want %d", len(plans), crashedPlans)
	}
	runs := map[string]string{}
	for i, p := range plans {
		if p.Status != "success" {
			t.Errorf("%s is in status %s", p.Name, p.Status)
		}
		judgeLog(t, conn, people, shapeOf(i), p.ID, p.Seq, runs)
	}
	judgeList(t, f, people)
	judgeHooks(t, conn, people)
	judgeMarks(t, conn, marks, runs)
}

// judgeList compares with what people are shown.
func judgeList(t *testing.T, f *fleet, people *crowd) {
	for _, base := range f.bases {
		for _, filter := range []string{"", "&status=success"} {
			a, err := people.client.Do(t.Context(), base, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans?limit=1" + filter})
			if err != nil {
				t.Error(err)
				continue
			}
			var list struct{ Total int }
			if err := a.Decode(&list); err != nil || list.Total != crashedPlans {
				t.Errorf("%s lists %d plans with filter %q, want %d (%v)", base, list.Total, filter, crashedPlans, err)
			}
		}
	}
}

// logRow is a line of the operation log.
type logRow struct {
	Seq                                          int64
	RequestID, Verb, Actor, From, To, Item, Data string
}

// judgeLog looks at one plan's operation log: every press that was answered is there
// once, nothing that nobody did is there, and the lines are one chain without a gap.
func judgeLog(t *testing.T, conn *pgx.Conn, people *crowd, s shape, id string, seq int64, runs map[string]string) {
	t.Helper()
	rows := collect[logRow](t, conn, `SELECT seq, request_id, verb, actor_kind, from_status, to_status, item_name, data
		FROM entries WHERE plan_id = $1 ORDER BY seq`, id)
	if int64(len(rows)) != seq {
		t.Errorf("%s: the log has %d entries, the plan has changed %d times", s.name, len(rows), seq)
	}
	verbs, pressed, before := map[string]int{}, []string{}, ""
	for i, r := range rows {
		if r.Seq != int64(i)+1 {
			t.Errorf("%s: entry %d has number %d", s.name, i+1, r.Seq)
		}
		if r.From != before && i > 0 {
			t.Errorf("%s: entry %d begins in %s, the one before ended in %s", s.name, r.Seq, r.From, before)
		}
		before = r.To
		verbs[r.Verb]++
		if r.Actor == "person" {
			pressed = append(pressed, strings.SplitN(r.RequestID, ":", 3)[2])
		}
		noteRun(t, s, r, runs)
	}
	if before != "success" {
		t.Errorf("%s: the log ends in %s", s.name, before)
	}
	judgeVerbs(t, people, s, id, verbs)
	var want []string
	for key, plan := range people.pressed {
		if plan == id {
			want = append(want, key)
		}
	}
	slices.Sort(want)
	slices.Sort(pressed)
	if diff := cmp.Diff(want, pressed); diff != "" {
		t.Errorf("%s: presses that were answered, and those in the log (-answered +log):\n%s", s.name, diff)
	}
}

// noteRun remembers which item a run was for, from the entry that made it.
func noteRun(t *testing.T, s shape, r logRow, runs map[string]string) {
	if r.Verb != "execute" && r.Verb != "retry" {
		return
	}
	var data struct {
		RunID string `json:"run_id"`
	}
	if err := json.Unmarshal([]byte(r.Data), &data); err != nil || data.RunID == "" || runs[data.RunID] != "" {
		t.Errorf("%s: entry %d (%s) names no new run: %s", s.name, r.Seq, r.Verb, r.Data)
	}
	runs[data.RunID] = s.name + "/" + r.Item
}

// judgeVerbs compares how often each thing was done with what the plan is like.
func judgeVerbs(t *testing.T, people *crowd, s shape, id string, verbs map[string]int) {
	t.Helper()
	want := map[string]int{
		"create": 1, "submit": 1, "approve": s.needed, "complete": s.texts, "execute": s.workflows,
		"answer": len(hookEvents), "retry": verbs["retry"], "run_ended": s.workflows + verbs["retry"],
		"run_started": verbs["run_started"],
	}
	if s.needed == 0 {
		want["start"] = 1
	}
	// A run that was interrupted early has ended without having begun.
	if n := verbs["run_started"]; n < s.workflows || n > verbs["run_ended"] {
		t.Errorf("%s: %d runs have started, %d have ended", s.name, n, verbs["run_ended"])
	}
	for _, arrivals := range people.hooks {
		h := arrivals[0]
		if h.Plan.ID == id && h.Endpoint == askedEndpoint && chance(h.Plan.InstanceCode, 5) {
			want["answer"]++
		}
	}
	for verb, n := range want {
		if n == 0 {
			delete(want, verb)
		}
	}
	if diff := cmp.Diff(want, verbs); diff != "" {
		t.Errorf("%s: what was done how often (-want +log):\n%s", s.name, diff)
	}
}

// judgeHooks looks at the deliveries and at what arrived.
func judgeHooks(t *testing.T, conn *pgx.Conn, people *crowd) {
	type row struct {
		ID, Plan, Endpoint, Event, State, Body string
		Attempts                               int
	}
	rows := collect[row](t, conn, `SELECT d.id, p.name, d.endpoint, d.event, d.state, d.body,
			(SELECT count(*) FROM attempts a WHERE a.delivery_id = d.id)
		FROM deliveries d JOIN plans p ON p.id = d.plan_id`)
	told, known, again := map[string]int{}, map[string]bool{}, 0
	for _, d := range rows {
		name := d.Plan + " " + d.Endpoint + " " + d.Event
		told[name]++
		known[d.ID] = true
		arrivals := people.hooks[d.ID]
		if d.State != "delivered" {
			t.Errorf("hook %s is %s", name, d.State)
		}
		if len(arrivals) == 0 || len(arrivals) > d.Attempts {
			t.Errorf("hook %s arrived %d times, with %d attempts written down", name, len(arrivals), d.Attempts)
		}
		again += max(0, len(arrivals)-1)
		for _, h := range arrivals {
			if !bytes.Equal(h.Body, []byte(d.Body)) {
				t.Errorf("hook %s arrived with other bytes than were frozen:\n%s\n%s", name, h.Body, d.Body)
			}
			if h.Plan.Name != d.Plan || h.Endpoint != d.Endpoint || h.Plan.Event != d.Event {
				t.Errorf("hook %s arrived as %s of %s at %s", name, h.Plan.Event, h.Plan.Name, h.Endpoint)
			}
		}
	}
	t.Logf("%d hooks, %d of them arrived again", len(rows), again)
	for n := range crashedPlans {
		for _, endpoint := range []string{askedEndpoint, toldEndpoint} {
			for _, event := range hookEvents {
				if name := shapeOf(n).name + " " + endpoint + " " + event; told[name] != 1 {
					t.Errorf("there are %d hooks for %s, want 1", told[name], name)
				}
			}
		}
	}
	for id := range people.hooks {
		if !known[id] {
			t.Errorf("hook %s arrived, but nothing is known of it", id)
		}
	}
	judgeAnswers(t, conn, people)
}

// judgeAnswers finds the record of every callback that was accepted.
func judgeAnswers(t *testing.T, conn *pgx.Conn, people *crowd) {
	type row struct{ ID string }
	var recorded, answered []string
	for _, r := range collect[row](t, conn, "SELECT id FROM entries WHERE verb = 'answer'") {
		recorded = append(recorded, r.ID)
	}
	for _, id := range people.answers {
		answered = append(answered, id)
	}
	slices.Sort(recorded)
	slices.Sort(answered)
	if diff := cmp.Diff(answered, recorded); diff != "" {
		t.Errorf("records of callbacks (-answered +log):\n%s", diff)
	}
}

// judgeMarks looks at what the scripts left: no run began twice, runs of one item did
// not overlap, and each item's last run, and only that, came to its end as passed.
func judgeMarks(t *testing.T, conn *pgx.Conn, path string, runs map[string]string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	started, ended, underWay := map[string]bool{}, map[string]bool{}, map[string]string{}
	for line := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n") {
		var word, item, mark string
		if n, err := fmt.Sscan(line, &word, &item, &mark); n != 3 {
			t.Errorf("a script left %q: %v", line, err)
		}
		switch {
		case word == "start" && started[mark]:
			t.Errorf("run %s of %s was started twice", mark, runs[mark])
		case word == "start":
			started[mark], underWay[item] = true, mark
		case underWay[item] != mark:
			t.Errorf("run %s of %s ended after run %s of the same item had begun", mark, runs[mark], underWay[item])
		default:
			ended[mark] = true
		}
		if runs[mark] == "" {
			t.Errorf("run %s is in no plan's log", mark)
		}
	}
	type row struct{ ID, Status, Phase string }
	passed := map[string]int{}
	for _, r := range collect[row](t, conn, "SELECT id, status, phase FROM runs") {
		if r.Phase != "ended" || r.Status != "passed" && r.Status != "failed" {
			t.Errorf("run %s of %s is %s, %s", r.ID, runs[r.ID], r.Phase, r.Status)
		}
		if r.Status != "passed" {
			continue
		}
		passed[runs[r.ID]]++
		if !started[r.ID] || !ended[r.ID] {
			t.Errorf("run %s of %s passed, but its script did not come to its end", r.ID, runs[r.ID])
		}
	}
	items := 0
	for n := range crashedPlans {
		items += shapeOf(n).workflows
	}
	if len(passed) != items {
		t.Errorf("%d items have a run that passed, want %d", len(passed), items)
	}
	for item, n := range passed {
		if n != 1 {
			t.Errorf("%s passed %d times", item, n)
		}
	}
	t.Logf("%d runs for %d items; %d scripts began, %d came to their end", len(runs), items, len(started), len(ended))
}
