package webhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

func TestAPlansLifeThroughTheAPI(t *testing.T) {
	t.Parallel()
	onEach(t, slipway.Events(), aPlansLifeThroughTheAPI)
}

func aPlansLifeThroughTheAPI(t *testing.T, w *world) {
	made := w.send("alice", "POST", "/api/v1/plans", encode(t, document())).want(201)
	p := made.plan()
	w.watch(p.ID)
	if got, want := made.header.Get("Location"), "/api/v1/plans/"+p.ID; got != want {
		t.Errorf("Location is %q, want %q", got, want)
	}
	if p.Status != slipway.Planning || p.Manager != "Alice" || p.Version != 1 || p.Index != 1 || len(p.Jobs) != 2 {
		t.Fatalf("made %+v", p)
	}
	if want := "<p>Tell the <strong>hotline</strong></p>\n"; p.Description != want {
		t.Errorf("description is %q, want %q", p.Description, want)
	}
	if want := []slipway.Verb{slipway.VerbEdit, slipway.VerbSubmit, slipway.VerbCancel}; !slices.Equal(p.Allowed, want) {
		t.Errorf("Alice may %v, want %v", p.Allowed, want)
	}
	if eve := w.show("eve", "1"); eve.ID != p.ID || len(eve.Allowed) != 0 {
		t.Errorf("Eve sees %s and may %v", eve.ID, eve.Allowed)
	}

	doc := document()
	doc["name"] = "payments 4.3"
	changed := w.send("alice", "PUT", "/api/v1/plans/1", encode(t, doc), "If-Match", `"1"`).want(200)
	next := changed.plan()
	if next.Version != 2 || next.Name != "payments 4.3" || next.InstanceCode == p.InstanceCode || next.Jobs[0].ID != p.Jobs[0].ID {
		t.Errorf("after the edit: %+v", next)
	}
	if got := changed.header.Get("ETag"); got != `"2"` {
		t.Errorf("ETag is %s", got)
	}
	stale := w.send("dave", "PUT", "/api/v1/plans/1", encode(t, document()), "If-Match", "1").want(412).refusal()
	if stale.Code != slipway.Stale || !strings.Contains(stale.Message, "Alice") {
		t.Errorf("a stale edit is told %+v", stale)
	}

	p = w.do("alice", "1", "submit", "")
	if p.Status != slipway.WaitFinishPlanning || p.Gate == nil || p.Gate.Waits[0].Endpoint != "office" {
		t.Fatalf("after the submission: %+v", p)
	}
	w.callback(func() map[string]any {
		r := w.asked(p.ID).reply(slipway.ResultExecuting)
		r["description"] = "half way"
		return r
	}()).want(200)
	if p = w.show("bob", "1"); p.Gate.Waits[0].Progress != "half way" {
		t.Errorf("progress is %q", p.Gate.Waits[0].Progress)
	}
	w.reply(p.ID, slipway.ResultSuccess)
	p = w.do("bob", p.ID, "approve", `{"comment":"go"}`)
	if p.Status != slipway.WaitExecute || p.Approval.Votes[0].Comment != "go" {
		t.Fatalf("after the approval: %+v", p)
	}
	w.reply(p.ID, slipway.ResultSuccess)
	p = w.do("dave", p.ID, "jobs/1/complete", `{"remark":"told them"}`)
	if p.Jobs[0].Status != slipway.Done || p.Jobs[0].Remark != "told them" || p.Jobs[0].ExecutedBy != "Dave" {
		t.Errorf("after the completion: %+v", p.Jobs[0])
	}
	p = w.do("alice", p.ID, "jobs/deploy/execute", `{"version":2}`)
	w.finish(p, slipway.RunFailed)
	p = w.show("alice", p.ID)
	if p.Jobs[1].Status != slipway.Failed || p.Jobs[1].Reason != "exit status 1" || p.Status != slipway.Executing {
		t.Errorf("after the failed run: %+v", p.Jobs[1])
	}
	w.finish(w.do("alice", p.ID, "jobs/deploy/retry", ""), slipway.RunPassed)
	if p = w.show("alice", p.ID); p.Status != slipway.WaitAllDone {
		t.Fatalf("when all is done: %s", p.Status)
	}
	w.reply(p.ID, slipway.ResultSuccess)
	if p = w.show("alice", p.ID); p.Status != slipway.Success || len(p.Allowed) != 0 {
		t.Errorf("in the end: %s, Alice may %v", p.Status, p.Allowed)
	}

	var log struct {
		Entries []struct {
			Verb slipway.Verb
			From slipway.Status
			To   slipway.Status
		}
		Total int
	}
	w.send("eve", "GET", "/api/v1/plans/1/log?limit=200", "").want(200).into(&log)
	var verbs []slipway.Verb
	for _, e := range slices.Backward(log.Entries) {
		verbs = append(verbs, e.Verb)
	}
	want := []slipway.Verb{
		"create", "edit", "submit", "answer", "answer", "approve", "answer", "complete", "execute", "run_ended", "retry", "run_ended", "answer",
	}
	if diff := cmp.Diff(want, verbs); diff != "" || log.Total != len(want) {
		t.Errorf("the log differs (-want +got):\n%s", diff)
	}
}

func TestARequestThatArrivesTwiceHasOneEffect(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const key = "Idempotency-Key"
	first := w.send("alice", "POST", "/api/v1/plans", encode(t, document()), key, "k1").want(201).plan()
	again := w.send("alice", "POST", "/api/v1/plans", encode(t, document()), key, "k1").want(201).plan()
	if first.ID != again.ID {
		t.Errorf("two plans were made: %s and %s", first.ID, again.ID)
	}
	if other := w.send("eve", "POST", "/api/v1/plans", encode(t, document()), key, "k1").want(201).plan(); other.ID == first.ID {
		t.Error("the key of another person was taken for this one's")
	}

	w.do("alice", first.ID, "submit", "")
	for range 2 {
		p := w.send("bob", "POST", "/api/v1/plans/1/approve", "", key, "yes").want(200).plan()
		if p.Status != slipway.Executing || len(p.Approval.Votes) != 1 {
			t.Errorf("%s with %d votes", p.Status, len(p.Approval.Votes))
		}
	}
	for range 2 {
		w.send("dave", "POST", "/api/v1/plans/1/jobs/1/complete", "", key, "done").want(200)
	}
	copied := w.send("alice", "POST", "/api/v1/plans/1/copy", "", key, "c1").want(201).plan()
	if again := w.send("alice", "POST", "/api/v1/plans/1/copy", "", key, "c1").want(201).plan(); again.ID != copied.ID {
		t.Error("two copies were made")
	}
	for _, c := range [][3]string{
		{"alice", "/api/v1/plans/1/cancel", "k1"},
		{"alice", "/api/v1/plans/2/submit", "c1"},
		{"alice", "/api/v1/plans/1/copy", "k1"},
		{"dave", "/api/v1/plans/1/jobs/2/execute", "done"},
		{"bob", "/api/v1/plans/1/reject", "yes"},
	} {
		body := ""
		if strings.HasSuffix(c[1], "cancel") {
			body = `{"comment":"no"}`
		}
		if e := w.send(c[0], "POST", c[1], body, key, c[2]).want(409).refusal(); e.Code != slipway.Conflict {
			t.Errorf("%s with a used key: %+v", c[1], e)
		}
	}
	for _, bad := range []string{"", strings.Repeat("k", 129), "with blank", "schlüssel"} {
		a := w.send("alice", "POST", "/api/v1/plans", encode(t, document()), key, bad).want(400)
		if diff := cmp.Diff([]string{key}, a.paths()); diff != "" {
			t.Errorf("key %q: %s", bad, diff)
		}
	}
}

// Sixteen admins press "complete" at once, and each press is delivered twice.
func TestSixteenPressesAreOneEffect(t *testing.T) {
	t.Parallel()
	onEach(t, nil, sixteenPressesAreOneEffect)
}

func sixteenPressesAreOneEffect(t *testing.T, w *world) {
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	w.do("bob", p.ID, "approve", "")
	people := make([]string, 16)
	for i := range people {
		people[i] = fmt.Sprintf("presser%d", i)
		var u struct{ Token string }
		w.send("root", "POST", "/api/v1/users", fmt.Sprintf(`{"name":"P%d","email":"p%d@example.com","role":"admin"}`, i, i)).want(201).into(&u)
		w.tokens[people[i]] = u.Token
	}
	var wg sync.WaitGroup
	statuses := make([][2]int, len(people))
	for i, who := range people {
		for n := range 2 {
			wg.Go(func() {
				statuses[i][n] = w.send(who, "POST", "/api/v1/plans/1/jobs/1/complete", "", "Idempotency-Key", "press").status
			})
		}
	}
	wg.Wait()
	won := 0
	for i, s := range statuses {
		switch s {
		case [2]int{200, 200}:
			won++
		case [2]int{409, 409}:
		default:
			t.Errorf("person %d was answered %v", i, s)
		}
	}
	if won != 1 {
		t.Errorf("%d people completed the item, want 1", won)
	}
	page, err := w.store.Entries(t.Context(), p.ID, "", 200)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range page.Rows {
		if e.Verb == slipway.VerbComplete {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the log has %d completions, want 1", n)
	}
}

func TestTitlesAreTextEverywhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, title := range []string{"<script>alert(1)</script>", "<!channel>", "a & b \"quoted\" \\ 发布", "</script>\u2028"} {
		doc := document()
		doc["name"] = title
		doc["description"] = "x <script>alert(1)</script> y"
		a := w.send("alice", "POST", "/api/v1/plans", encode(t, doc)).want(201)
		p := a.plan()
		if got := w.show("eve", p.ID).Name; got != title {
			t.Errorf("title is %q, want %q", got, title)
		}
		if strings.Contains(p.Description, "<script") {
			t.Errorf("description is %q", p.Description)
		}
		if got := a.header.Get("X-Content-Type-Options") + " " + a.header.Get("Content-Type"); got != "nosniff application/json; charset=utf-8" {
			t.Errorf("an answer with markup is of type %q", got)
		}
	}
}

func TestApproversAreRemindedOnceInAWhile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	w.send("alice", "POST", "/api/v1/plans/1/remind", "").want(409)
	w.do("alice", p.ID, "submit", "")
	w.send("bob", "POST", "/api/v1/plans/1/remind", "").want(403)
	p = w.do("alice", p.ID, "remind", "")
	if p.Status != slipway.WaitForApproval || p.Approval.RemindedAt == 0 {
		t.Errorf("after the reminder: %s, %+v", p.Status, p.Approval)
	}
	w.send("alice", "POST", "/api/v1/plans/1/remind", "").want(409)
}

func TestAFailedCheckIsAskedAgainOrOverridden(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	old := w.asked(p.ID)
	w.callback(func() map[string]any {
		r := old.reply(slipway.ResultFailed)
		r["failed_reason"] = "no change ticket"
		return r
	}()).want(200)
	p = w.show("alice", p.ID)
	if p.Status != slipway.FinishPlanningCheckFailed || p.Gate.Reason != "office: no change ticket" {
		t.Errorf("after the failure: %s, %+v", p.Status, p.Gate)
	}
	w.do("alice", p.ID, "ask_again", "")
	if w.asked(p.ID).ReleasePlan.InstanceCode == old.ReleasePlan.InstanceCode {
		t.Error("the same code is asked for again")
	}
	w.callback(old.reply(slipway.ResultSuccess)).want(409)
	if e := w.send("root", "POST", "/api/v1/plans/1/override", "").want(400); !slices.Equal(e.paths(), []string{"comment"}) {
		t.Errorf("an override without a reason: %s", e.body)
	}
	w.send("alice", "POST", "/api/v1/plans/1/override", `{"comment":"now"}`).want(403)
	p = w.do("root", p.ID, "override", `{"comment":"the office is closed"}`)
	if p.Status != slipway.WaitForApproval || len(p.Overrides) != 1 || p.Overrides[0].Reason != "the office is closed" {
		t.Errorf("after the override: %s, %+v", p.Status, p.Overrides)
	}
}

func TestWhatNobodyCanCarryOutIsNotSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := document()
	doc["approval"] = map[string]any{"approvers": []any{"alice@example.com"}}
	doc["jobs"].([]any)[1].(map[string]any)["spec"].(map[string]any)["workflow"] = "unknown"
	p := w.create(doc)
	a := w.send("alice", "POST", "/api/v1/plans/1/submit", "").want(http.StatusUnprocessableEntity)
	if want := []string{"approval.approvers", "jobs[1].spec.workflow"}; !slices.Equal(a.paths(), want) {
		t.Errorf("problems at %v, want %v", a.paths(), want)
	}
	doc["jobs"].([]any)[1].(map[string]any)["spec"].(map[string]any)["workflow"] = "unreachable"
	doc["approval"] = nil
	w.send("alice", "PUT", "/api/v1/plans/1", encode(t, doc), "If-Match", "*").want(200)
	w.send("alice", "POST", "/api/v1/plans/1/submit", "").want(http.StatusServiceUnavailable)
	if got := w.show("alice", p.ID); got.Status != slipway.Planning || got.Version != 2 {
		t.Errorf("the plan is in %s, version %d", got.Status, got.Version)
	}
}

func TestWorkflowsAreShownWithoutTheirCredentials(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.create(document())
	p = w.do("alice", p.ID, "submit", "")
	spec := string(p.Jobs[1].Spec)
	for _, part := range []string{`"name":"token"`, `"value":"***"`, `"value":"4.2"`} {
		if !strings.Contains(spec, part) {
			t.Errorf("%s is not in %s", part, spec)
		}
	}
}

func TestACopyIsANewPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := document()
	doc["name"] = strings.Repeat("长", 200)
	p := w.create(doc)
	w.do("alice", p.ID, "cancel", `{"comment":"moved"}`)
	c := w.send("eve", "POST", "/api/v1/plans/1/copy", `{"name":"payments, again"}`).want(201).plan()
	if c.ID == p.ID || c.Name != "payments, again" || c.Status != slipway.Planning || c.Manager != "Alice" || c.Jobs[0].ID == p.Jobs[0].ID {
		t.Errorf("the copy is %+v", c)
	}
	c = w.send("eve", "POST", "/api/v1/plans/1/copy", "").want(201).plan()
	if n := len([]rune(c.Name)); n > 200 || !strings.HasSuffix(c.Name, " (copy)") {
		t.Errorf("the copy is called %q, %d characters", c.Name, n)
	}
}
