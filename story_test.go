package slipway

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTwoOfThreeApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval.Needed = 2
	d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"dave", "Dave"})
	w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(WaitForApproval)
	w.do(w.plan.Vote(w.req(bob), true, "looks good")).is(WaitForApproval)
	if got := w.last.Entry.Data.Votes; got != "1/2" {
		t.Errorf("the log says %q, want 1/2", got)
	}
	if _, err := w.plan.Vote(w.req(bob), true, ""); CodeOf(err) != Conflict {
		t.Errorf("Bob's second vote: %v", err)
	}
	w.do(w.plan.Vote(w.req(dave), true, "")).is(Executing)
	if w.plan.Approval.Result != ApprovalPassed || w.plan.ApprovalTime != noon.Unix() {
		t.Errorf("approval is %+v at %d", w.plan.Approval, w.plan.ApprovalTime)
	}
}

func TestNobodyApprovesTheirOwnPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Manager = PersonRef{"bob", "Bob"} // Alice creates it, Bob manages it, Carol edits it
	d.Approval.Approvers = []PersonRef{{"alice", "Alice"}, {"bob", "Bob"}, {"root", "Root"}, {"dave", "Dave"}}
	w.create(d)
	edited := w.plan.Draft()
	edited.Name = "payments 4.3"
	w.do(w.plan.Edit(w.req(root), edited))
	w.do(w.plan.Submit(w.req(bob), nil)).is(WaitForApproval)
	for _, a := range []Actor{alice, bob, root} {
		if _, err := w.plan.Vote(w.req(a), true, ""); CodeOf(err) != Forbidden {
			t.Errorf("%s approves their own plan: %v", a.Name, err)
		}
	}
	w.do(w.plan.Vote(w.req(dave), true, "")).is(Executing)
}

func TestThoseWhoHaveNotDecidedAreReminded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval.Needed = 2
	d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"alice", "Alice"}, PersonRef{"root", "Root"})
	w.create(d).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Vote(w.req(bob), true, ""))
	if _, err := w.plan.Remind(w.req(bob)); CodeOf(err) != Forbidden {
		t.Errorf("an approver reminds: %v", err)
	}
	w.do(w.plan.Remind(w.req(root))).is(WaitForApproval)
	var n Notice
	for _, task := range w.last.Tasks {
		if task.Kind == TaskNotice {
			if err := json.Unmarshal(task.Data, &n); err != nil {
				t.Fatal(err)
			}
		}
	}
	// Bob has decided, Alice may not, and Root need not be told by Root.
	if !slices.Equal(n.To, []string{"carol"}) || !n.Urgent || !n.Card || !slices.Equal(w.last.Entry.Data.People, []string{"Carol"}) {
		t.Errorf("told: %+v; noted: %+v", n, w.last.Entry.Data)
	}
	w.at = noon.Add(RemindPause - time.Second)
	_, err := w.plan.Remind(w.req(alice))
	want := "The approvers of plan #1 were reminded at 2026-11-24 12:00 UTC. You can remind them again from 2026-11-24 12:10 UTC."
	if CodeOf(err) != Conflict || TextOf(err).EN != want {
		t.Errorf("reminded twice: %v", err)
	}
	w.at = noon.Add(RemindPause)
	w.do(w.plan.Remind(w.req(alice)))
	w.do(w.plan.Replan(w.req(alice), ""))
	changed := w.plan.Draft()
	changed.EndTime += 60
	w.do(w.plan.Edit(w.req(alice), changed)).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Remind(w.req(alice)))

	w.do(w.plan.Vote(w.req(carol), true, "")).is(WaitForApproval)
	w.at = noon.Add(2 * RemindPause)
	w.do(w.plan.Remind(w.req(alice)))
	if got := w.last.Entry.Data.People; !slices.Equal(got, []string{"Bob", "Root"}) {
		t.Errorf("reminded: %v", got)
	}
}

func TestNobodyRemindsThemselvesAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval.Approvers = []PersonRef{{"root", "Root"}}
	w.create(d).do(w.plan.Submit(w.req(alice), nil))
	if _, err := w.plan.Remind(w.req(root)); CodeOf(err) != Conflict {
		t.Errorf("got %v", err)
	}
}

func TestAPlanThatNobodyMayApproveIsNotSubmitted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval.Approvers = []PersonRef{{"alice", "Alice"}}
	w.create(d)
	_, err := w.plan.Submit(w.req(alice), nil)
	if CodeOf(err) != Unfit || ProblemsOf(err)[0].Path != "approval.approvers" {
		t.Errorf("got %v", err)
	}
}

func TestAnApprovalThatNobodyCarriesOutIsNotSubmitted(t *testing.T) {
	t.Parallel()
	for _, kind := range []ApprovalType{LarkApproval, DingTalkApproval} {
		w := newWorld(t)
		d := w.draft()
		d.Approval.Type = kind
		w.create(d)
		if _, err := w.plan.Submit(w.req(alice), nil); CodeOf(err) != Unfit || ProblemsOf(err)[0].Path != "approval.type" {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestAnEmptyPlanInAnOldWindowNamesBothFaults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Items, d.StartTime, d.EndTime = nil, 0, noon.Add(-time.Minute).Unix()
	w.create(d)
	_, err := w.plan.Submit(w.req(alice), nil)
	var paths []string
	for _, p := range ProblemsOf(err) {
		paths = append(paths, p.Path)
	}
	if !slices.Equal(paths, []string{"jobs", "end_time"}) {
		t.Errorf("problems at %v", paths)
	}
}

func TestEveryWaitingEndpointMustAgree(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventFinishPlanning)
	w.rules.Endpoints = append(w.rules.Endpoints,
		Endpoint{Name: "security", Events: []Event{EventFinishPlanning}, Wait: true},
		Endpoint{Name: "wall", Events: []Event{EventFinishPlanning}},
		Endpoint{Name: "off", Events: []Event{EventFinishPlanning}, Wait: true, Disabled: true})
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).is(WaitFinishPlanning)
	if len(w.last.Deliveries) != 3 {
		t.Fatalf("%d deliveries, want 3", len(w.last.Deliveries))
	}
	codes := map[string]bool{}
	for _, d := range w.last.Deliveries {
		var env HookEnvelope
		if err := json.Unmarshal(d.Body, &env); err != nil {
			t.Fatal(err)
		}
		if env.ReleasePlan.Status != WaitFinishPlanning || env.ReleasePlan.InstanceCode != d.InstanceCode || codes[d.InstanceCode] {
			t.Errorf("%s is told %s with code %s", d.Endpoint, env.ReleasePlan.Status, env.ReleasePlan.InstanceCode)
		}
		codes[d.InstanceCode] = true
	}
	w.answer(ResultSuccess).is(WaitFinishPlanning)
	security := w.plan.Gate.Waits[1].Code
	receiver := Actor{Kind: Receiver, Name: "security"}
	say := func(code string, r Result) error {
		_, err := w.plan.Answer(w.req(receiver), Answer{Event: EventFinishPlanning, Code: code, Result: r, Description: "half way"})
		return err
	}
	if err := say(security, ResultExecuting); err != nil || w.plan.Gate.Waits[1].Progress != "half way" {
		t.Errorf("progress: %v", err)
	}
	if err := say(security, ResultFailed); err != nil || w.plan.Status() != FinishPlanningCheckFailed {
		t.Errorf("failed: %v, now %s", err, w.plan.Status())
	}
	if err := say(security, ResultSuccess); CodeOf(err) != Conflict {
		t.Errorf("a changed mind is taken: %v", err)
	}
	w.do(w.plan.AskAgain(w.req(alice))).is(WaitFinishPlanning)
	if len(w.last.Deliveries) != 1 || w.last.Deliveries[0].Endpoint != "security" || w.last.Deliveries[0].InstanceCode == security {
		t.Errorf("asked again: %+v", w.last.Deliveries)
	}
	if err := say(security, ResultSuccess); CodeOf(err) != Conflict {
		t.Errorf("the old code is taken: %v", err)
	}
	if err := say(w.plan.Gate.Waits[1].Code, ResultSuccess); err != nil || w.plan.Status() != WaitForApproval {
		t.Errorf("passed: %v, now %s", err, w.plan.Status())
	}
}

func TestAskingAgainAfterTheWindowTimesOut(t *testing.T) {
	t.Parallel()
	w := reach(t, ExecuteCheckFailed)
	w.at = noon.Add(2 * time.Hour)
	if _, err := w.plan.EndWindow(w.req(SystemActor())); !errors.Is(err, Unchanged) {
		t.Fatalf("a failed check times out: %v", err)
	}
	w.do(w.plan.AskAgain(w.req(alice))).is(WaitExecute)
	if !hasTask(w.last, TaskWindow) {
		t.Fatal("nobody watches the window")
	}
	w.do(w.plan.EndWindow(w.req(SystemActor()))).is(Timeout)
}

func TestReplanKeepsWhatIsDone(t *testing.T) {
	t.Parallel()
	w := reach(t, Executing)
	p := w.plan
	w.do(p.Complete(w.req(dave), p.Items[0].ID, "told"))
	w.do(p.Execute(w.req(alice), p.Items[1].ID))
	run, code, version := p.Items[1].Workflow.RunID, p.InstanceCode, p.Version
	w.do(p.Replan(w.req(alice), "one more thing")).is(Planning)
	if !slices.Equal(w.last.StopRuns, []string{run}) || p.Items[0].Status != Done || p.Items[1].Status != Todo {
		t.Errorf("stops %v, items %s and %s", w.last.StopRuns, p.Items[0].Status, p.Items[1].Status)
	}
	if p.InstanceCode == code || p.Version == version || p.Approval.Votes != nil {
		t.Error("code, version or votes are left from before")
	}
	if _, err := p.RunEnded(w.req(SystemActor()), run, RunEnd{Status: RunPassed}); !errors.Is(err, Unchanged) {
		t.Errorf("the given up run settles: %v", err)
	}
	// A second re-plan keeps it too; an edit of the item does not.
	w.do(p.Submit(w.req(alice), nil)).do(p.Replan(w.req(alice), "")).is(Planning)
	if p.Items[0].Status != Done {
		t.Error("the second re-plan forgot what was done")
	}
	d := p.Draft()
	d.Items[0].Text.Content = "Tell everybody"
	w.do(p.Edit(w.req(alice), d))
	if p.Items[0].Status != Todo {
		t.Error("an edited item stays done")
	}
}

func TestAPlanWhoseItemsAreAllDoneEndsAfterAReplan(t *testing.T) {
	t.Parallel()
	w := reach(t, AllDoneCheckFailed)
	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), nil)).is(WaitAllDone)
	w.answer(ResultSuccess).is(Success)
}

func TestAFailedItemHoldsThePlanBack(t *testing.T) {
	t.Parallel()
	for _, goOn := range []bool{false, true} {
		w := reach(t, Executing)
		w.rules.ContinueOnFailure = goOn
		p := w.plan
		w.do(p.Complete(w.req(dave), p.Items[0].ID, ""))
		w.do(p.Execute(w.req(alice), p.Items[1].ID))
		w.do(p.RunEnded(w.req(SystemActor()), p.Items[1].Workflow.RunID, RunEnd{Status: RunFailed, Reason: T("Exit code 1.", "退出码 1。")}))
		if goOn {
			w.is(Success)
			continue
		}
		w.is(Executing)
		if _, err := p.Skip(w.req(alice), p.Items[1].ID, " "); CodeOf(err) != Invalid {
			t.Errorf("a failed item is skipped without a reason: %v", err)
		}
		w.do(p.Retry(w.req(alice), p.Items[1].ID, "", nil))
		if p.Items[1].Workflow.TaskID != 2 || len(w.last.Runs) != 1 {
			t.Errorf("the second run is %+v", w.last.Runs)
		}
		w.do(p.RunEnded(w.req(SystemActor()), p.Items[1].Workflow.RunID, RunEnd{Status: RunTimeout}))
		w.do(p.Skip(w.req(alice), p.Items[1].ID, "by hand")).is(Success)
	}
}

func TestTheScheduleStartsEveryWorkflow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.ScheduleExecuteTime = noon.Add(10 * time.Minute).Unix()
	w.create(d).do(w.plan.Submit(w.req(alice), nil))
	if _, err := w.plan.FireSchedule(w.req(SystemActor())); !errors.Is(err, Unchanged) {
		t.Errorf("it fires before its time: %v", err)
	}
	w.at = noon.Add(10 * time.Minute)
	w.do(w.plan.FireSchedule(w.req(SystemActor()))).is(WaitForApproval)
	if !hasTask(w.last, TaskNotice) {
		t.Error("the manager is not told that the schedule waits")
	}
	w.do(w.plan.Vote(w.req(bob), true, "")).is(Executing)
	if !hasTask(w.last, TaskSchedule) {
		t.Error("the schedule is not armed again")
	}
	w.do(w.plan.FireSchedule(w.req(SystemActor())))
	it := w.plan.Items[1]
	if it.Status != Running || it.ExecutedBy != SystemName || len(w.last.Runs) != 1 || w.plan.Items[0].Status != Todo {
		t.Errorf("item is %s by %s", it.Status, it.ExecutedBy)
	}
	if _, err := w.plan.FireSchedule(w.req(SystemActor())); !errors.Is(err, Unchanged) {
		t.Errorf("it fires twice: %v", err)
	}
}

func TestTheScheduleIsMootWhenEveryItemIsDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventAllJobDone)
	d := w.draft()
	d.ScheduleExecuteTime = noon.Add(10 * time.Minute).Unix()
	w.create(d).do(w.plan.Submit(w.req(alice), nil)).do(w.plan.Vote(w.req(bob), true, "")).finishItems().is(WaitAllDone)
	w.at = noon.Add(10 * time.Minute)
	if _, err := w.plan.FireSchedule(w.req(SystemActor())); !errors.Is(err, Unchanged) {
		t.Errorf("it says something: %v", err)
	}
}

func hasTask(c *Change, k TaskKind) bool {
	return slices.ContainsFunc(c.Tasks, func(t Task) bool { return t.Kind == k })
}

func TestOutsideTheWindowNothingIsExecuted(t *testing.T) {
	t.Parallel()
	w := reach(t, Executing)
	for at, what := range map[time.Time]string{noon.Add(-2 * time.Hour): "early", noon.Add(2 * time.Hour): "late"} {
		w.at = at
		for _, v := range []Verb{VerbExecute, VerbComplete, VerbSkip} {
			if _, err := w.try(v, alice); CodeOf(err) != Conflict {
				t.Errorf("%s %s: %v", what, v, err)
			}
		}
	}
}

func TestAStaleClickIsToldWhoWasFirst(t *testing.T) {
	t.Parallel()
	w := reach(t, Planning)
	seen := w.plan.Version
	d := w.plan.Draft()
	d.Name = "payments 4.3"
	w.do(w.plan.Edit(w.req(dave), d))
	req := w.req(alice)
	req.Version = seen
	_, err := w.plan.Submit(req, nil)
	if want := "Plan #1 payments 4.3 has changed since you saw it (Dave: edit, 2026-11-24 12:00 UTC). Look at it again, then decide."; CodeOf(err) != Stale || TextOf(err).EN != want {
		t.Errorf("got %v", err)
	}
}

func TestEditingWithoutADifferenceIsNoChange(t *testing.T) {
	t.Parallel()
	w := reach(t, Planning)
	if _, err := w.plan.Edit(w.req(alice), w.plan.Draft()); !errors.Is(err, Unchanged) {
		t.Errorf("got %v", err)
	}
	d := w.plan.Draft()
	slices.Reverse(d.Items)
	ids := []string{d.Items[0].ID, d.Items[1].ID}
	w.do(w.plan.Edit(w.req(alice), d))
	if w.plan.Items[0].ID != ids[0] || !slices.Equal(w.last.Entry.Data.Fields, []string{"jobs"}) {
		t.Errorf("moved items: %v", w.last.Entry.Data.Fields)
	}
}

func TestAnEditNamesItsItems(t *testing.T) {
	t.Parallel()
	w := reach(t, Planning)
	last := w.plan.Items[1].Name
	edit := func(change func(*Draft), want EntryData) {
		t.Helper()
		d := w.plan.Draft()
		change(&d)
		w.do(w.plan.Edit(w.req(alice), d))
		if diff := cmp.Diff(want, w.last.Entry.Data); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	}
	edit(func(d *Draft) { slices.Reverse(d.Items) }, EntryData{Fields: []string{"jobs"}})
	edit(func(d *Draft) {
		d.Items[1].Name = "renamed"
		d.Items = append(d.Items, &Item{Name: "new", Type: TextItem, Text: &TextSpec{Content: "new"}})
	}, EntryData{Fields: []string{"jobs[1]", "jobs[2]"}, Items: []string{"renamed", "new"}})
	edit(func(d *Draft) { d.Items = d.Items[1:] }, EntryData{Fields: []string{"jobs"}, Items: []string{last}, Result: ItemsRemoved})
	edit(func(d *Draft) {
		d.Items = append(d.Items, &Item{Name: "newer", Type: TextItem, Text: &TextSpec{Content: "new"}})
	}, EntryData{Fields: []string{"jobs[2]"}, Items: []string{"newer"}, Result: ItemsAdded})
	edit(func(d *Draft) {
		d.Name = "payments 4.3"
		d.Items[1].Owner = PersonRef{ID: bob.ID, Name: bob.Name}
	}, EntryData{Fields: []string{"name", "jobs[1]"}, Items: []string{"new"}})
}

func TestABodyIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, EventFinishPlanning)
	w.rules.Endpoints[0].Credentials = true
	d := w.draft()
	d.Items[1].Workflow.Inline = true
	d.Items[1].Workflow.Definition = decode(t, `{"name":"w","params":[{"name":"token","type":"string","value":"hunter2","is_credential":true}]}`)
	w.create(d).do(w.plan.Submit(w.req(alice), nil))
	got := w.last.Deliveries[0]
	if !strings.Contains(string(got.Body), "hunter2") || !strings.Contains(string(got.Body), got.InstanceCode) {
		t.Fatal("the endpoint is not told what it is allowed")
	}
	if shown := got.Shown(); strings.Contains(shown, "hunter2") || strings.Contains(shown, got.InstanceCode) || !strings.Contains(shown, `"name": "payments 4.2"`) {
		t.Errorf("shown: %s", shown)
	}
}
