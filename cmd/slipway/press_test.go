package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/cmd/slipway/processtest"
)

const pressers = 16

// samePress has 16 people press the same button of a plan at once. Each press arrives
// twice, at both replicas at once.
func samePress(t *testing.T, program string) {
	marks := filepath.Join(t.TempDir(), "marks")
	s := settings{Users: []person{{Name: "Alice", Email: "alice@example.com"}}}
	for n := range pressers {
		s.Users = append(s.Users, person{Name: fmt.Sprintf("Person-%02d", n), Email: emailOf(n), Role: "admin"})
	}
	f := newFleet(t, program, s, map[string]string{"deploy": markingWorkflow(marks)})
	b := &buttons{t: t, fleet: f, client: processtest.NewClient(adminToken)}

	const plans = 5
	for n := range plans {
		p := b.create(n)
		b.press(p, "submit", "")
		b.press(p, "approve", "")
		b.press(p, "complete", p.Jobs[0].ID)
		b.press(p, "execute", p.Jobs[1].ID)
		b.awaitSuccess(p)
		b.judge(p)
	}

	text, err := os.ReadFile(marks)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), "start "); n != plans {
		t.Errorf("scripts began %d times, want once for each of %d plans:\n%s", n, plans, text)
	}
}

func emailOf(n int) string { return fmt.Sprintf("person-%02d@example.com", n) }

// buttons are those of plans that 16 people look at.
type buttons struct {
	*fleet
	t      *testing.T
	client *processtest.Client
}

func (b *buttons) create(n int) processtest.Plan {
	b.t.Helper()
	var everybody []string
	for n := range pressers {
		everybody = append(everybody, emailOf(n))
	}
	a := b.do(0, processtest.Request{Path: "/api/v1/plans", Actor: "alice@example.com", Body: map[string]any{
		"name":     fmt.Sprintf("pressed %d", n),
		"approval": map[string]any{"needed_approvers": 1, "approvers": everybody},
		"jobs": []map[string]any{
			{"name": "announce", "type": "text", "spec": map[string]any{"content": "Tell everybody"}},
			{"name": "deploy", "type": "workflow", "spec": map[string]any{"engine": "local", "workflow": "deploy"}},
		},
	}})
	var p processtest.Plan
	if err := a.Decode(&p); err != nil || a.Status != http.StatusCreated {
		b.t.Fatalf("create: %d %s (%v)", a.Status, a.Message(), err)
	}
	return p
}

func (b *buttons) do(replica int, r processtest.Request) processtest.Answer {
	b.t.Helper()
	a, err := b.client.Do(b.t.Context(), b.bases[replica], r)
	if err != nil {
		b.t.Errorf("%s %s: %v", r.Key, r.Path, err)
	}
	return a
}

// press lets all press one button: one of them has an effect, and is told so twice;
// the others are refused and told who was first.
func (b *buttons) press(p processtest.Plan, verb, item string) {
	b.t.Helper()
	path := "/api/v1/plans/" + p.ID + "/" + verb
	if item != "" {
		path = "/api/v1/plans/" + p.ID + "/jobs/" + item + "/" + verb
	}
	var answers [pressers][2]processtest.Answer
	var all sync.WaitGroup
	begin := make(chan struct{})
	for n := range pressers {
		for replica := range 2 {
			all.Go(func() {
				<-begin
				answers[n][replica] = b.do(replica, processtest.Request{Path: path, Actor: emailOf(n), Key: "press-" + p.ID + verb})
			})
		}
	}
	close(begin)
	all.Wait()

	winner := ""
	for n, got := range answers {
		one, two := got[0].Status, got[1].Status
		switch {
		case one == http.StatusOK && two == http.StatusOK && winner == "":
			winner = fmt.Sprintf("Person-%02d", n)
		case one == http.StatusConflict && two == http.StatusConflict:
		default:
			b.t.Errorf("%s: person %d was answered %d %s and %d %s; the first with an effect was %q",
				verb, n, one, got[0].Message(), two, got[1].Message(), winner)
		}
	}
	if winner == "" {
		b.t.Fatalf("%s: nobody's press had an effect; person 0 was told: %s", verb, answers[0][0].Message())
	}
	for n, got := range answers {
		for _, a := range got {
			if a.Status == http.StatusConflict && !strings.Contains(a.Message(), winner) {
				b.t.Errorf("%s: person %d came after %s and is told %q", verb, n, winner, a.Message())
			}
		}
	}
}

func (b *buttons) awaitSuccess(p processtest.Plan) {
	b.t.Helper()
	patience := time.After(startTimeout)
	for {
		var now processtest.Plan
		a := b.do(0, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + p.ID})
		if err := a.Decode(&now); err != nil {
			b.t.Fatal(err)
		}
		if now.Status == "success" {
			return
		}
		select {
		case <-patience:
			b.t.Fatalf("%s is in status %s with jobs %+v", p.Name, now.Status, now.Jobs)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// judge compares the operation log: each button had one effect.
func (b *buttons) judge(p processtest.Plan) {
	b.t.Helper()
	var log struct{ Entries []struct{ Verb string } }
	a := b.do(1, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + p.ID + "/log"})
	if err := a.Decode(&log); err != nil {
		b.t.Fatal(err)
	}
	verbs := map[string]int{}
	for _, e := range log.Entries {
		verbs[e.Verb]++
	}
	want := map[string]int{"create": 1, "submit": 1, "approve": 1, "complete": 1, "execute": 1, "run_started": 1, "run_ended": 1}
	if diff := cmp.Diff(want, verbs); diff != "" {
		b.t.Errorf("%s: what was done how often (-want +log):\n%s", p.Name, diff)
	}
}
