package standin

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// play runs a workflow of the suite, and returns how to let time pass in it.
func play(t *testing.T, name string, vars map[string]string) (r *Run, after func(time.Duration)) {
	t.Helper()
	now, id := time.UnixMilli(1_795_000_000_000), 0
	for _, w := range Scenarios("team/app", "odd is unknown") {
		if w.Name == name {
			r = NewRun(1, w, vars, now, func() int { id++; return id })
		}
	}
	return r, func(d time.Duration) {
		now = now.Add(d)
		for range 20 {
			if !r.Advance(now) {
				return
			}
		}
		t.Fatal("it never comes to rest")
	}
}

func statuses(r *Run) map[string]Status {
	all := map[string]Status{}
	for _, a := range r.Present() {
		all[a.Job.Name] = a.Status
	}
	return all
}

func want(t *testing.T, r *Run, run Status, jobs map[string]Status) {
	t.Helper()
	if r.Status() != run {
		t.Errorf("the run is %s, want %s", r.Status(), run)
	}
	if diff := cmp.Diff(jobs, statuses(r)); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestEveryScenarioIsOfTheProject(t *testing.T) {
	t.Parallel()
	for _, w := range Scenarios("team/app", "odd is unknown") {
		if w.Project != "team/app" || (w.Broken == "odd is unknown") != (w.Name == "broken") {
			t.Errorf("%+v", w)
		}
	}
}

func TestJobsOfAStageRunSideBySide(t *testing.T) {
	t.Parallel()
	r, after := play(t, "stages", nil)
	want(t, r, Created, map[string]Status{"left": Created, "right": Created, "last": Created})
	after(0)
	want(t, r, Running, map[string]Status{"left": Running, "right": Running, "last": Created})
	after(moment)
	after(0)
	want(t, r, Passed, map[string]Status{"left": Passed, "right": Passed, "last": Passed})
	if r.Started().IsZero() || !r.Updated.After(r.Started()) {
		t.Errorf("it began at %v, and changed at %v", r.Started(), r.Updated)
	}
}

func TestAFailureSkipsLaterStages(t *testing.T) {
	t.Parallel()
	r, after := play(t, "fails", nil)
	after(0)
	want(t, r, Running, map[string]Status{"bad": Failed, "good": Running, "never": Created})
	after(moment)
	want(t, r, Failed, map[string]Status{"bad": Failed, "good": Passed, "never": Skipped})
}

func TestAJobAsksAPerson(t *testing.T) {
	t.Parallel()
	r, after := play(t, "asks", nil)
	after(time.Hour)
	want(t, r, Asking, map[string]Status{"before": Passed, "gate": Asking, "after": Created})
	gate := r.Present()[1]
	if r.Agree(r.Present()[0].ID, r.Updated) || !r.Agree(gate.ID, r.Updated) || r.Agree(gate.ID, r.Updated) {
		t.Error("somebody agreed to what nobody asked")
	}
	after(0)
	want(t, r, Passed, map[string]Status{"before": Passed, "gate": Passed, "after": Passed})
	if diff := cmp.Diff([]string{"through"}, gate.Log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestARunIsCancelled(t *testing.T) {
	t.Parallel()
	r, after := play(t, "asks", nil)
	after(0)
	r.Cancel(r.Updated)
	after(time.Hour)
	want(t, r, Cancelled, map[string]Status{"before": Passed, "gate": Cancelled, "after": Cancelled})
}

func TestAJobThatBlocksIsLetPass(t *testing.T) {
	t.Parallel()
	r, after := play(t, "blocks", nil)
	if r.Pass(r.Updated) {
		t.Error("what has not begun passes")
	}
	after(time.Hour)
	want(t, r, Running, map[string]Status{"one": Running})
	if !r.Pass(r.Updated) || r.Pass(r.Updated) {
		t.Error("it does not pass once")
	}
	want(t, r, Passed, map[string]Status{"one": Passed})
}

func TestARunTakesTooLong(t *testing.T) {
	t.Parallel()
	r, after := play(t, "slow", nil)
	after(0)
	after(timeout - time.Millisecond)
	want(t, r, Running, map[string]Status{"one": Running})
	after(time.Millisecond)
	want(t, r, TimedOut, map[string]Status{"one": TimedOut})
}

func TestWhatFailedIsRunAgain(t *testing.T) {
	t.Parallel()
	r, after := play(t, "flaky", nil)
	after(0)
	want(t, r, Failed, map[string]Status{"one": Failed, "two": Skipped})
	if !r.Retry(r.Updated) {
		t.Fatal("there was nothing to run again")
	}
	after(0)
	want(t, r, Passed, map[string]Status{"one": Passed, "two": Passed})
	if len(r.Attempts()) != 3 || r.Retry(r.Updated) {
		t.Errorf("%d attempts, or what passed is run again", len(r.Attempts()))
	}
}

func TestAJobPrintsParams(t *testing.T) {
	t.Parallel()
	r, after := play(t, "params", map[string]string{"GREETING": "$(hi) ${TARGET}", "TARGET": "b"})
	after(0)
	if diff := cmp.Diff([]string{"[$(hi) ${TARGET}][b]"}, r.Present()[0].Log); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
