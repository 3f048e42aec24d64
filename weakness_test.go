package slipway

import (
	"encoding/json"
	"slices"
	"testing"
	"time"
)

// The tests that are named W12 to W17 are about what Zadig does badly (its weaknesses
// are numbered in our notes); W10, W11 and W15 are where hooks are sent and answered.

// W12: its instance_code is neither new for each question nor bound to who was asked.
func TestW12_EveryQuestionHasACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = asks(Endpoint{Name: "office"}, Endpoint{Name: "risk"})
	w.create(w.draft())
	seen := map[string]string{w.plan.InstanceCode: "the plan"}
	note := func(what string) {
		t.Helper()
		for _, wait := range w.plan.Gate.Waits {
			if before := seen[wait.Code]; before != "" || len(wait.Code) != 32 {
				t.Errorf("%s of %s has the code of %s: %s", what, wait.Endpoint, before, wait.Code)
			}
			seen[wait.Code] = what + " of " + wait.Endpoint
		}
	}
	w.do(w.plan.Submit(w.req(alice), nil))
	note("the first question")
	office, risk := w.plan.Gate.Waits[0].Code, w.plan.Gate.Waits[1].Code
	if err := w.says("risk", risk, ResultFailed); err != nil || w.plan.Gate.Waits[0].State != GateOpen {
		t.Errorf("risk's answer settles another's share: %v, %+v", err, w.plan.Gate.Waits)
	}
	w.do(w.plan.AskAgain(w.req(alice)))
	note("the question asked again")
	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), nil)) // without an edit
	note("the question of the second round")
	for _, old := range []string{office, risk} {
		if err := w.says("office", old, ResultSuccess); CodeOf(err) != Conflict {
			t.Errorf("an old code is taken: %v", err)
		}
	}
	w.is(WaitFinishPlanning)
}

// W13: what its plans have noted, what is set and what callbacks look at may disagree,
// and an endpoint that was switched off gets a 200 and is ignored.
func TestW13_AnOpenQuestionIsAnsweredWhateverTheSettingsSayNow(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Rules){
		"it is switched off":         func(r *Rules) { r.Endpoints[0].Disabled = true },
		"it hears other events":      func(r *Rules) { r.Endpoints[0].Events = []Event{EventAllJobDone} },
		"it is only informed":        func(r *Rules) { r.Endpoints[0].Wait = false },
		"it is out of configuration": func(r *Rules) { r.Endpoints = nil },
	} {
		w := reach(t, WaitFinishPlanning)
		change(w.rules)
		if err := w.says("office", w.plan.Gate.Waits[0].Code, ResultSuccess); err != nil || w.plan.Status() != WaitForApproval {
			t.Errorf("%s: %v, the plan is in %s", name, err, w.plan.Status())
		}
		w = reach(t, WaitFinishPlanning)
		change(w.rules)
		w.do(w.plan.Override(w.req(root), "nobody answers any more")).is(WaitForApproval)
	}
}

// W14: without an approval its check of the planning jumps over the one before executing.
func TestW14_NoCheckIsJumpedOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, Events()...)
	d := w.draft()
	d.Approval = nil
	w.create(d).do(w.plan.Submit(w.req(alice), nil)).is(WaitFinishPlanning)
	w.answer(ResultSuccess).is(FinishPlanning).do(w.plan.Start(w.req(alice))).is(WaitExecute)
	w.answer(ResultSuccess).is(Executing).finishItems().is(WaitAllDone).answer(ResultSuccess).is(Success)
}

// W16: it has one URL for everything, and no way back from a failed check.
func TestW16_SeveralAreAskedEachItsOwnAndAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []Endpoint{
		{Name: "office", URL: "https://office.example.com", Events: []Event{EventFinishPlanning}, Wait: true},
		{Name: "risk", URL: "https://risk.example.com", Events: []Event{EventFinishPlanning, EventStartExecute}, Wait: true},
		{Name: "pay", URL: "https://pay.example.com", Events: []Event{EventFinishPlanning}, Wait: true, Projects: []string{"payments"}},
		{Name: "wall", URL: "https://wall.example.com", Events: Events()},
	}
	told := func(want ...string) {
		t.Helper()
		var got []string
		for _, d := range w.last.Deliveries {
			got = append(got, d.Endpoint)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("told %v, want %v", got, want)
		}
	}
	w.create(w.draft()).do(w.plan.Submit(w.req(alice), nil)).is(WaitFinishPlanning)
	told("office", "risk", "wall")
	w.answer(ResultFailed).is(FinishPlanningCheckFailed).do(w.plan.AskAgain(w.req(alice))).is(WaitFinishPlanning)
	told("office", "risk")
	for i := range w.plan.Gate.Waits {
		if err := w.says("", w.plan.Gate.Waits[i].Code, ResultSuccess); err != nil {
			t.Fatal(err)
		}
	}
	w.is(WaitForApproval).do(w.plan.Vote(w.req(bob), true, "")).is(WaitExecute)
	told("risk", "wall")
}

// W17: in its payload a run's status stands still, job types that it does not know get
// the spec of the job before, and sprints, approval, version and times are missing.
func TestW17_ThePayloadTellsHowThingsAre(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []Endpoint{{Name: "wall", Events: Events()}}
	d := w.draft()
	d.Jira = &JiraAssociation{Sprints: []Sprint{{ProjectKey: "PAY", SprintID: 42}}}
	w.create(d)
	var def Workflow
	if err := json.Unmarshal([]byte(`{"name":"deploy-payments","project":"payments","stages":[{"name":"s","jobs":[
		{"name":"build","type":"zadig-build","spec":{"source":"runtime"}},
		{"name":"notify","type":"notification","spec":{"webhook":"x"}},
		{"name":"ask","type":"approval"}]}]}`), &def); err != nil {
		t.Fatal(err)
	}
	w.do(w.plan.Submit(w.req(alice), map[string]*Workflow{w.plan.Items[1].ID: &def}))
	w.at = noon.Add(time.Minute)
	w.do(w.plan.Vote(w.req(bob), true, "fine"))
	w.finishItems().is(Success)
	var body struct {
		Plan struct {
			Version  int64            `json:"version"`
			Finished int64            `json:"finish_planning_time"`
			Jira     *JiraAssociation `json:"jira_sprint_association"`
			Approval *Approval        `json:"approval"`
			Jobs     []struct {
				Spec struct {
					Status   RunStatus `json:"status"`
					TaskID   int64     `json:"task_id"`
					Workflow struct {
						Stages []struct {
							Jobs []struct {
								Type string          `json:"type"`
								Spec json.RawMessage `json:"spec"`
							} `json:"jobs"`
						} `json:"stages"`
					} `json:"workflow"`
				} `json:"spec"`
			} `json:"jobs"`
		} `json:"release_plan"`
	}
	if err := json.Unmarshal(w.last.Deliveries[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	p := body.Plan
	if p.Version != 1 || p.Finished != noon.Unix() || p.Jira == nil || p.Jira.Sprints[0].SprintID != 42 {
		t.Errorf("version %d, planning finished at %d, sprints %+v", p.Version, p.Finished, p.Jira)
	}
	if p.Approval == nil || p.Approval.Approvals() != 1 || p.Approval.Votes[0].By.Name != "Bob" {
		t.Errorf("approval %+v", p.Approval)
	}
	run := p.Jobs[1].Spec
	if run.Status != RunPassed || run.TaskID != 1 {
		t.Errorf("the run is %q, number %d", run.Status, run.TaskID)
	}
	jobs := run.Workflow.Stages[0].Jobs
	if string(jobs[1].Spec) != `{"webhook":"x"}` || string(jobs[2].Spec) == string(jobs[1].Spec) {
		t.Errorf("jobs that are not known have the specs %s and %s", jobs[1].Spec, jobs[2].Spec)
	}
}
