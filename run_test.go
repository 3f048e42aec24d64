package slipway

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ending is a plan whose workflow item, owned by Dave, was executed and ended so.
func ending(t testing.TB, end RunEnd) (*world, *Item) {
	t.Helper()
	w, it := waiting(t)
	it.Workflow.Definition = definition("1")
	return w.do(w.plan.RunEnded(w.req(SystemActor()), it.Workflow.RunID, end)), it
}

// waiting is a plan whose workflow item, owned by Dave, runs and waits at these points.
func waiting(t testing.TB, waits ...RunWait) (*world, *Item) {
	t.Helper()
	w := reach(t, Executing)
	it := w.plan.Items[1]
	it.Owner = PersonRef{ID: dave.ID, Name: dave.Name}
	w.do(w.plan.Execute(w.req(alice), it.ID))
	w.do(w.plan.RunStarted(w.req(SystemActor()), it.Workflow.RunID, "https://engine.example.com/runs/1"))
	if len(waits) > 0 {
		w.do(w.plan.RunWaits(w.req(SystemActor()), it.Workflow.RunID, waits))
	}
	return w, it
}

func definition(version string) *Workflow {
	return &Workflow{Name: "deploy-payments", Params: []Param{{Name: "version", Value: version}}}
}

// run is the only run that the last change brought into being.
func (w *world) run() Run {
	w.t.Helper()
	if len(w.last.Runs) != 1 || !hasTask(w.last, TaskRun) {
		w.t.Fatalf("the runs made are %+v", w.last.Runs)
	}
	return w.last.Runs[0]
}

// notices are those of the last change.
func (w *world) notices() []Notice {
	w.t.Helper()
	var all []Notice
	for _, task := range w.last.Tasks {
		if task.Kind != TaskNotice {
			continue
		}
		var n Notice
		if err := json.Unmarshal(task.Data, &n); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, n)
	}
	return all
}

func TestARetryRunsAgainWhatFailed(t *testing.T) {
	t.Parallel()
	w, it := ending(t, RunEnd{Status: RunFailed, Reason: T("Exit code 1.", "退出码 1。")})
	failed := it.Workflow.RunID
	w.do(w.plan.Retry(w.req(dave), it.ID, "", nil))
	if run := w.run(); run.Again != failed || run.Ref != "" || run.ID == failed {
		t.Errorf("the run is %+v", run)
	}
}

func TestAnUnknownStartIsAdoptedOrStartedAfresh(t *testing.T) {
	t.Parallel()
	unknown := RunEnd{Status: RunFailed, Reason: T("Start outcome unknown.", "启动结果未知。"), Doubt: DoubtUnknownStart}

	w, it := ending(t, unknown)
	if got := w.plan.AllowedItem(dave, it); !slices.Equal(got, []Verb{VerbAdopt, VerbRetry, VerbSkip}) {
		t.Errorf("the owner may %v", got)
	}
	w.do(w.plan.Adopt(w.req(dave), it.ID, "77", "https://engine.example.com/runs/77"))
	if run := w.run(); run.Ref != "77" || run.Again != "" || it.Status != Running || it.Workflow.Doubt != DoubtNone {
		t.Errorf("the run is %+v, the item %s %q", run, it.Status, it.Workflow.Doubt)
	}
	if w.last.Entry.Comment != "https://engine.example.com/runs/77" || w.last.Entry.Data.RunID != it.Workflow.RunID {
		t.Errorf("the entry is %+v", w.last.Entry)
	}
	w.do(w.plan.RunEnded(w.req(SystemActor()), it.Workflow.RunID, RunEnd{Status: RunPassed}))
	if it.Status != Done {
		t.Errorf("the adopted run leaves its item %s", it.Status)
	}

	w, it = ending(t, unknown)
	w.do(w.plan.Retry(w.req(dave), it.ID, "", nil))
	if run := w.run(); run.Again != "" || run.Ref != "" {
		t.Errorf("what may never have started is run again: %+v", run)
	}

	w, it = ending(t, RunEnd{Status: RunFailed})
	_, err := w.plan.Adopt(w.req(dave), it.ID, "77", "77")
	wantRefusal(t, err, Conflict)
}

func TestAChangedWorkflowRunsOnlyOnceItIsAccepted(t *testing.T) {
	t.Parallel()
	frozen, second, third := definition("1"), definition("2"), definition("3")
	change, later := CompareDefinitions(frozen, second), CompareDefinitions(frozen, third)
	changed := RunEnd{Status: RunFailed, Reason: T("It was changed.", "已改动。"), Doubt: DoubtChanged, Change: change}

	w, it := ending(t, changed)
	if diff := cmp.Diff([]string{"params[0].value: 1 → 2"}, w.last.Entry.Data.Changes); diff != "" {
		t.Errorf("the log says (-want +got):\n%s", diff)
	}
	for _, accept := range []string{"", "guessed"} {
		_, err := w.plan.Retry(w.req(dave), it.ID, accept, second)
		wantRefusal(t, err, Conflict)
		if !strings.Contains(err.Error(), "params[0].value: 1 → 2") || !strings.Contains(err.Error(), change.Digest) {
			t.Errorf("the refusal of accept %q is %v", accept, err)
		}
	}
	if _, err := w.plan.Retry(w.req(dave), it.ID, change.Digest, nil); CodeOf(err) != Conflict {
		t.Errorf("accepted although the engine was not asked: %v", err)
	}
	// Dave works on the item, but only those who may approve the plan change what it runs.
	for _, a := range []Actor{dave, alice} {
		if _, err := w.plan.Retry(w.req(a), it.ID, change.Digest, second); CodeOf(err) != Forbidden || !strings.Contains(TextOf(err).EN, "Bob, Carol") {
			t.Errorf("%s changes what was approved: %v", a.Name, err)
		}
	}
	w.do(w.plan.Retry(w.req(bob), it.ID, change.Digest, second))
	if run := w.run(); !run.Workflow.Definition.Equal(second) || run.Again != "" || it.Workflow.Change != nil || it.Workflow.Doubt != DoubtNone {
		t.Errorf("the run is %+v", run)
	}
	if !slices.Equal(w.last.Entry.Data.Changes, change.Lines) {
		t.Errorf("what was accepted is not in the log: %+v", w.last.Entry.Data)
	}

	// It changed yet again after Dave had looked: he is shown that, and nothing runs.
	w, it = ending(t, changed)
	w.do(w.plan.Retry(w.req(dave), it.ID, change.Digest, third))
	if len(w.last.Runs) != 0 || it.Status != Failed || w.last.Entry.Data.Result != ResultChanged || !it.Workflow.Definition.Equal(frozen) {
		t.Errorf("the item is %s, the change %+v", it.Status, w.last)
	}
	if err := it.RefuseChanged(change.Digest); !strings.Contains(err.Error(), later.Digest) || !strings.Contains(err.Error(), "1 → 3") {
		t.Errorf("he is told %v", err)
	}
	w.do(w.plan.Retry(w.req(root), it.ID, later.Digest, third))
	if run := w.run(); !run.Workflow.Definition.Equal(third) {
		t.Errorf("the run is %+v", run)
	}

	// Being an admin lets nobody have their own plan run something else than was approved.
	w, it = ending(t, changed)
	w.plan.Editor = PersonRef{root.ID, root.Name}
	if _, err := w.plan.Retry(w.req(root), it.ID, change.Digest, second); CodeOf(err) != Forbidden {
		t.Errorf("an admin changes what was approved of their own plan: %v", err)
	}
	w.rules.SelfApproval = true
	w.do(w.plan.Retry(w.req(root), it.ID, change.Digest, second))

	// Somebody took the change back: there is nothing to accept.
	w, it = ending(t, changed)
	w.do(w.plan.Retry(w.req(dave), it.ID, change.Digest, definition("1")))
	if run := w.run(); !run.Workflow.Definition.Equal(frozen) || w.last.Entry.Data.Changes != nil {
		t.Errorf("the run is %+v", run)
	}
}

func TestASkippedItemHasNoDoubts(t *testing.T) {
	t.Parallel()
	w, it := ending(t, RunEnd{Status: RunFailed, Doubt: DoubtChanged, Change: CompareDefinitions(definition("1"), definition("2"))})
	w.do(w.plan.Skip(w.req(dave), it.ID, "by hand"))
	if it.Workflow.Doubt != DoubtNone || it.Workflow.Change != nil {
		t.Errorf("the item is %+v", it.Workflow)
	}
}

func TestARunThatWaitsTellsItsPeopleOnce(t *testing.T) {
	t.Parallel()
	gate := RunWait{Job: "approve", For: T("“approve” waits for two of the operators.", "“approve”等待两位运维人员。"), Answerable: true}
	ticket := RunWait{Job: "ticket", For: T("“ticket” waits for the ticket.", "“ticket”等待工单。")}
	w, it := waiting(t, gate)
	want := []Notice{{To: []string{"alice", "dave"}, Card: true, Text: Text{
		EN: "Item “deploy” of plan #1 payments 4.2 waits for a person. “approve” waits for two of the operators.",
		ZH: "发布计划 #1 payments 4.2 的发布项“deploy”正在等待人工处理。“approve”等待两位运维人员。",
	}}}
	if diff := cmp.Diff(want, w.notices()); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	run := it.Workflow.RunID
	if _, err := w.plan.RunWaits(w.req(SystemActor()), run, []RunWait{gate}); !errors.Is(err, Unchanged) {
		t.Errorf("told the same again: %v", err)
	}
	w.do(w.plan.RunWaits(w.req(SystemActor()), run, []RunWait{gate, ticket}))
	if n := w.notices(); len(n) != 1 || strings.Contains(n[0].Text.EN, "operators") || !strings.Contains(n[0].Text.EN, "ticket") {
		t.Errorf("of a second point they are told %+v", n)
	}
	w.do(w.plan.RunWaits(w.req(SystemActor()), run, nil))
	if it.Workflow.Wait != nil || len(w.notices()) != 0 || it.Status != Running {
		t.Errorf("once it goes on: %+v, %+v", it.Workflow.Wait, w.notices())
	}
	if _, err := w.plan.RunWaits(w.req(SystemActor()), "another", []RunWait{gate}); !errors.Is(err, Unchanged) {
		t.Errorf("a run of nobody waits: %v", err)
	}
}

func TestAPersonAnswersARunThatWaits(t *testing.T) {
	t.Parallel()
	gate := RunWait{Job: "approve", Answerable: true}
	w, it := waiting(t, gate, RunWait{Job: "ticket"})
	w.do(w.plan.Decide(w.req(dave), it.ID, "", false, "not today"))
	i := slices.IndexFunc(w.last.Tasks, func(t Task) bool { return t.Kind == TaskAnswer })
	if i < 0 || w.last.Tasks[i].Ref != it.Workflow.RunID {
		t.Fatalf("the tasks are %+v", w.last.Tasks)
	}
	var d Decision
	if err := json.Unmarshal(w.last.Tasks[i].Data, &d); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Decision{Job: "approve", Comment: "not today", By: PersonRef{"dave", "Dave"}}, d); diff != "" {
		t.Errorf("the decision (-want +got):\n%s", diff)
	}
	if e := w.last.Entry; e.Comment != "not today" || e.Data.Job != "approve" || e.Data.Result != "rejected" {
		t.Errorf("the entry is %+v", e)
	}

	// Alice comes second.
	_, err := w.plan.Decide(w.req(alice), it.ID, "approve", true, "")
	wantRefusal(t, err, Conflict)
	if got := w.plan.AllowedItem(alice, it); len(got) != 0 {
		t.Errorf("she may still %v", got)
	}
	// The engine still waits: it has not heard of the answer yet.
	if _, err := w.plan.RunWaits(w.req(SystemActor()), it.Workflow.RunID, []RunWait{gate, {Job: "ticket"}}); !errors.Is(err, Unchanged) {
		t.Errorf("the answer is forgotten: %v", err)
	}

	w.do(w.plan.DecisionRefused(w.req(SystemActor()), it.Workflow.RunID, d, T("Dave is no approver there.", "Dave 不是该处的审批人。")))
	if n := w.notices(); len(n) != 1 || !slices.Equal(n[0].To, []string{"dave"}) || !strings.Contains(n[0].Text.EN, "no approver there") {
		t.Errorf("the notices are %+v", n)
	}
	if _, err := w.plan.DecisionRefused(w.req(SystemActor()), it.Workflow.RunID, d, Text{}); !errors.Is(err, Unchanged) {
		t.Errorf("refused twice: %v", err)
	}
	w.do(w.plan.Decide(w.req(alice), it.ID, "approve", true, ""))
	if it.Workflow.Wait[0].By != "Alice" || w.last.Entry.Data.Result != "passed" {
		t.Errorf("Alice's answer is %+v", it.Workflow.Wait)
	}
}

func TestADecisionNamesItsJobIfThereAreSeveral(t *testing.T) {
	t.Parallel()
	w, it := waiting(t, RunWait{Job: "a", Answerable: true}, RunWait{Job: "b", Answerable: true}, RunWait{Job: "c"})
	for _, job := range []string{"", "c", "d"} {
		_, err := w.plan.Decide(w.req(dave), it.ID, job, true, "")
		wantRefusal(t, err, Invalid)
		if !strings.Contains(err.Error(), "a, b") {
			t.Errorf("%q: %v", job, err)
		}
	}
	w.do(w.plan.Decide(w.req(dave), it.ID, "b", true, ""))
	w.do(w.plan.Decide(w.req(dave), it.ID, "", true, ""))
	if it.Workflow.Wait[0].By != "Dave" || it.Workflow.Wait[1].By != "Dave" || it.Workflow.Wait[2].By != "" {
		t.Errorf("answered: %+v", it.Workflow.Wait)
	}
}

func TestARunRestartedInItsEngineIsFollowed(t *testing.T) {
	t.Parallel()
	w, it := ending(t, RunEnd{Status: RunFailed, Reason: T("Exit code 1.", "退出码 1。")})
	failed := it.Workflow.RunID
	w.do(w.plan.RunResumed(w.req(SystemActor()), failed, "77"))
	if run := w.run(); run.Ref != "77" || run.Again != "" || it.Status != Running || it.Reason != (Text{}) || it.Workflow.RunID != run.ID {
		t.Errorf("the run is %+v, the item %+v", run, it)
	}
	if n := w.notices(); len(n) != 1 || !slices.Equal(n[0].To, []string{"alice", "dave"}) {
		t.Errorf("the notices are %+v", n)
	}
	if _, err := w.plan.RunResumed(w.req(SystemActor()), failed, "77"); !errors.Is(err, Unchanged) {
		t.Errorf("resumed twice: %v", err)
	}

	w, it = ending(t, RunEnd{Status: RunFailed})
	w.do(w.plan.Cancel(w.req(alice), "not needed"))
	if _, err := w.plan.RunResumed(w.req(SystemActor()), it.Workflow.RunID, "77"); !errors.Is(err, Unchanged) {
		t.Errorf("resumed in a plan that is over: %v", err)
	}
}

func TestRunsAreLeftAloneIfTheRulesSaySo(t *testing.T) {
	t.Parallel()
	for _, leave := range []bool{false, true} {
		w, it := waiting(t, RunWait{Job: "approve", Answerable: true})
		w.rules.LeaveRuns = leave
		run := it.Workflow.RunID
		w.do(w.plan.Decide(w.req(alice), it.ID, "", true, ""))
		w.do(w.plan.Cancel(w.req(alice), "not needed"))
		stopped, left, status := []string{run}, []string(nil), RunCancelled
		if leave {
			stopped, left, status = nil, []string{"deploy"}, RunRunning
		}
		if !slices.Equal(w.last.StopRuns, stopped) || !slices.Equal(w.last.Entry.Data.Left, left) || it.Workflow.RunStatus != status || it.Status != Failed || it.Workflow.Wait != nil {
			t.Errorf("leave %t, cancel: %+v, item %+v", leave, w.last, it.Workflow)
		}
		if strings.Contains(it.Reason.EN, "goes on") != leave {
			t.Errorf("leave %t: the reason is %q", leave, it.Reason.EN)
		}
		if !slices.Contains(w.last.Drop, TaskAnswer) || !slices.Contains(w.last.Drop, TaskRecheck) {
			t.Errorf("dropped: %v", w.last.Drop)
		}

		w, it = waiting(t)
		w.rules.LeaveRuns = leave
		stopped = []string{it.Workflow.RunID}
		if leave {
			stopped = nil
		}
		w.do(w.plan.Replan(w.req(alice), ""))
		if !slices.Equal(w.last.StopRuns, stopped) || !slices.Equal(w.last.Entry.Data.Left, left) || it.Status != Todo || it.Workflow.RunID != "" {
			t.Errorf("leave %t, replan: %+v, item %+v", leave, w.last, it.Workflow)
		}
	}
}

// TestEveryItemVerbInEveryStateOfARun tries the verbs of items by every role on a
// workflow item in each state that its run can leave it in.
func TestEveryItemVerbInEveryStateOfARun(t *testing.T) {
	t.Parallel()
	states := map[string]struct {
		reach func() (*world, *Item)
		verbs []Verb
	}{
		"to do": {func() (*world, *Item) {
			w := reach(t, Executing)
			it := w.plan.Items[1]
			it.Owner = PersonRef{ID: dave.ID, Name: dave.Name}
			return w, it
		}, []Verb{VerbExecute, VerbSkip}},
		"running":         {func() (*world, *Item) { return waiting(t) }, nil},
		"waiting outside": {func() (*world, *Item) { return waiting(t, RunWait{Job: "j"}) }, nil},
		"waiting":         {func() (*world, *Item) { return waiting(t, RunWait{Job: "j", Answerable: true}) }, []Verb{VerbDecide}},
		"answered": {func() (*world, *Item) {
			w, it := waiting(t, RunWait{Job: "j", Answerable: true})
			return w.do(w.plan.Decide(w.req(alice), it.ID, "j", true, "")), it
		}, nil},
		"failed": {func() (*world, *Item) { return ending(t, RunEnd{Status: RunFailed}) }, []Verb{VerbRetry, VerbSkip}},
		"unknown start": {func() (*world, *Item) {
			return ending(t, RunEnd{Status: RunFailed, Doubt: DoubtUnknownStart})
		}, []Verb{VerbAdopt, VerbRetry, VerbSkip}},
		"changed": {func() (*world, *Item) {
			return ending(t, RunEnd{Status: RunFailed, Doubt: DoubtChanged, Change: CompareDefinitions(definition("1"), definition("2"))})
		}, []Verb{VerbRetry, VerbSkip}},
		"done": {func() (*world, *Item) { return ending(t, RunEnd{Status: RunPassed}) }, nil},
	}
	may := map[string]Actor{"manager": alice, "owner": dave, "admin": root}
	w, it := states["changed"].reach()
	if got := w.plan.AllowedItem(bob, it); !slices.Equal(got, []Verb{VerbRetry}) {
		t.Errorf("changed: the approver may %v", got)
	}
	w.do(w.itemVerb(VerbRetry, bob, it))
	mayNot := map[string]Actor{"stranger": eve, "receiver": {Kind: Receiver, Name: "office"}, "system": SystemActor()}
	for name, state := range states {
		for role, a := range may {
			w, it := state.reach()
			if got := w.plan.AllowedItem(a, it); !slices.Equal(got, state.verbs) {
				t.Errorf("%s: the %s may %v, want %v", name, role, got, state.verbs)
			}
			for _, verb := range Verbs() {
				if !itemVerb(verb) || verb == VerbComplete {
					continue
				}
				w, it := state.reach()
				before := w.plan.Seq
				_, err := w.itemVerb(verb, a, it)
				if name == "changed" && verb == VerbRetry && role != "admin" {
					wantRefusal(t, err, Forbidden) // who may approve the plan accepts it
					continue
				}
				if allowed := slices.Contains(state.verbs, verb); allowed != (err == nil) {
					t.Errorf("%s, %s by the %s: %v", name, verb, role, err)
				}
				if err != nil {
					wantRefusal(t, err, Conflict)
				}
				if (err == nil) != (w.plan.Seq == before+1) {
					t.Errorf("%s, %s: seq went from %d to %d with %v", name, verb, before, w.plan.Seq, err)
				}
			}
		}
		for role, a := range mayNot {
			w, it := state.reach()
			if got := w.plan.AllowedItem(a, it); len(got) > 0 {
				t.Errorf("%s: the %s may %v", name, role, got)
			}
			for _, verb := range state.verbs {
				_, err := w.itemVerb(verb, a, it)
				wantRefusal(t, err, Forbidden)
			}
		}
	}
}

// itemVerb does a verb to an item in the way that is most likely to work.
func (w *world) itemVerb(verb Verb, a Actor, it *Item) (*Change, error) {
	switch verb {
	case VerbSkip:
		return w.plan.Skip(w.req(a), it.ID, "because")
	case VerbRetry:
		return w.plan.Retry(w.req(a), it.ID, CompareDefinitions(definition("1"), definition("2")).Digest, definition("2"))
	}
	return w.try(verb, a)
}

func TestACopyOfAnItemSharesNoWaitPoints(t *testing.T) {
	t.Parallel()
	_, it := waiting(t, RunWait{Job: "approve", Answerable: true})
	c := it.Clone()
	c.Workflow.Wait[0].By = "Dave"
	if it.Workflow.Wait[0].By != "" {
		t.Error("a copy answers for the original")
	}
}
