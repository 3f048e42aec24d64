package webhook_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"slipway"
)

// ways lead a new plan into each status, through the API and callbacks alone but for
// the window's end, which the clock brings.
var ways = map[slipway.Status]struct {
	gate slipway.Event
	lead func(*world, plan)
}{
	slipway.Planning:                  {"", func(*world, plan) {}},
	slipway.WaitFinishPlanning:        {slipway.EventFinishPlanning, submit},
	slipway.FinishPlanningCheckFailed: {slipway.EventFinishPlanning, then(submit, fail)},
	slipway.FinishPlanning:            {"", then(withoutApproval, submit)},
	slipway.WaitForApproval:           {"", submit},
	slipway.Denied:                    {"", then(submit, reject)},
	slipway.WaitExecute:               {slipway.EventStartExecute, then(submit, approve)},
	slipway.ExecuteCheckFailed:        {slipway.EventStartExecute, then(submit, approve, fail)},
	slipway.Executing:                 {"", then(submit, approve)},
	slipway.WaitAllDone:               {slipway.EventAllJobDone, then(submit, approve, (*world).finishItems)},
	slipway.AllDoneCheckFailed:        {slipway.EventAllJobDone, then(submit, approve, (*world).finishItems, fail)},
	slipway.Success:                   {"", then(submit, approve, (*world).finishItems)},
	slipway.Timeout:                   {"", then(submit, approve, timeOut)},
	slipway.Cancelled:                 {"", then(submit, cancel)},
}

func then(steps ...func(*world, plan)) func(*world, plan) {
	return func(w *world, p plan) {
		for _, step := range steps {
			step(w, p)
		}
	}
}

func submit(w *world, p plan)  { w.do("alice", p.ID, "submit", "") }
func approve(w *world, p plan) { w.do("bob", p.ID, "approve", "") }
func reject(w *world, p plan)  { w.do("bob", p.ID, "reject", `{"comment":"not today"}`) }
func cancel(w *world, p plan)  { w.do("alice", p.ID, "cancel", `{"comment":"not needed"}`) }
func fail(w *world, p plan)    { w.reply(p.ID, slipway.ResultFailed) }

func withoutApproval(w *world, p plan) {
	doc := document()
	delete(doc, "approval")
	w.send("alice", "PUT", "/api/v1/plans/"+p.ID, encode(w.t, doc), "If-Match", "*").want(200)
}

func timeOut(w *world, p plan) {
	w.wait(time.Hour + time.Second)
	if _, err := w.cmds.EndWindow(w.t.Context(), fmt.Sprintf("task:%d", w.n.Add(1)), p.ID); err != nil {
		w.t.Fatal(err)
	}
}

// worldFor returns a world in which plans can come into a status.
func worldFor(t *testing.T, s slipway.Status) *world {
	t.Helper()
	if gate := ways[s].gate; gate != "" {
		return newWorld(t, gate)
	}
	return newWorld(t)
}

// reach makes a plan and leads it into a status.
func (w *world) reach(s slipway.Status) plan {
	w.t.Helper()
	w.at.Store(noon.UnixNano())
	p := w.create(document())
	ways[s].lead(w, p)
	p = w.show("alice", p.ID)
	if p.Status != s {
		w.t.Fatalf("the way to %s leads to %s", s, p.Status)
	}
	return p
}

// reach returns a world whose one plan is in a status.
func reach(t *testing.T, s slipway.Status) (*world, plan) {
	t.Helper()
	w := worldFor(t, s)
	return w, w.reach(s)
}

// try uses a verb on the item, if it is one of items, that suits it best.
func (w *world) try(who string, p plan, verb slipway.Verb) answer {
	path, body := "/api/v1/plans/"+p.ID+"/", `{"comment":"because"}`
	switch verb {
	case slipway.VerbEdit:
		doc := document()
		doc["name"] = "payments 5"
		return w.send(who, "PUT", strings.TrimSuffix(path, "/"), encode(w.t, doc), "If-Match", "*")
	case slipway.VerbTransfer:
		body = `{"to":"eve@example.com","comment":"because"}`
	case slipway.VerbComplete, slipway.VerbSkip:
		path, body = path+"jobs/1/", `{"remark":"because"}`
	case slipway.VerbExecute, slipway.VerbRetry:
		path, body = path+"jobs/2/", `{"remark":"because"}`
	case slipway.VerbAdopt:
		path, body = path+"jobs/2/", `{"run":"7"}`
	case slipway.VerbDecide:
		path, body = path+"jobs/2/", `{"approve":true}`
	}
	return w.send(who, "POST", path+string(verb), body)
}

// roles are the people who try everything: manager, approver, nobody, admin.
var roles = []string{"alice", "bob", "eve", "root"}

func TestEachStatusThroughTheAPI(t *testing.T) {
	t.Parallel()
	if len(ways) != len(slipway.Statuses()) {
		t.Fatalf("%d ways for %d statuses", len(ways), len(slipway.Statuses()))
	}
	for _, status := range slipway.Statuses() {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			w, p := reach(t, status)
			for _, who := range roles {
				allowed := w.show(who, p.ID).Allowed
				for _, verb := range slipway.Verbs() {
					if verb == slipway.VerbCreate || slices.Contains(allowed, verb) {
						continue
					}
					refused(t, w.try(who, p, verb), verb, allowed)
				}
			}
			if now := w.show("alice", p.ID); now.Seq != p.Seq || now.Status != status {
				t.Errorf("what was refused has changed the plan: %s, seq %d, was %d", now.Status, now.Seq, p.Seq)
			}
		})
	}
}

// refused makes sure that a refusal says what is possible instead, or who may.
func refused(t *testing.T, a answer, verb slipway.Verb, allowed []slipway.Verb) {
	t.Helper()
	message := a.refusal().Message
	switch a.status {
	case http.StatusConflict:
		says := slices.ContainsFunc([]string{"Possible: ", "Possible for others: ", "Nothing more can", "Wait for its run", "already", "window", "nothing to take back"}, func(s string) bool {
			return strings.Contains(message, s)
		})
		if !says {
			t.Errorf("%s: the refusal does not say what is possible: %q", a.asked, message)
		}
		if len(allowed) > 0 && strings.Contains(message, "Possible for others: ") {
			t.Errorf("%s: the refusal hides that %v is possible: %q", a.asked, allowed, message)
		}
		if strings.HasPrefix(message, "Plan") && strings.Contains(message, "Possible: ") {
			for _, v := range allowed {
				if !strings.Contains(message, v.Text().EN) {
					t.Errorf("%s: the refusal does not name %s: %q", a.asked, v, message)
				}
			}
		}
	case http.StatusForbidden:
		if !strings.HasPrefix(message, "Only ") && !strings.HasPrefix(message, "Nobody decides on their own plan") {
			t.Errorf("%s: the refusal does not say who may: %q", a.asked, message)
		}
	default:
		t.Errorf("%s: %s is answered with %d %q, want a refusal", a.asked, verb, a.status, message)
	}
}

// What a plan is said to allow is possible, for everybody and in every status.
func TestWhatIsAllowedIsPossible(t *testing.T) {
	t.Parallel()
	for _, status := range slipway.Statuses() {
		t.Run(string(status), func(t *testing.T) {
			t.Parallel()
			w := worldFor(t, status)
			seen := w.reach(status)
			tried := map[slipway.Verb]bool{}
			for _, who := range []string{"alice", "bob", "root"} {
				for _, verb := range w.show(who, seen.ID).Allowed {
					if tried[verb] {
						continue
					}
					tried[verb] = true
					p := w.reach(status)
					after := w.try(who, p, verb).want(200).plan()
					for _, m := range slipway.Moves() {
						if m.Verb == verb && slices.Contains(m.From, status) && !slices.Contains(m.To, after.Status) {
							t.Errorf("%s leads from %s to %s, want one of %v", verb, status, after.Status, m.To)
						}
					}
				}
			}
		})
	}
}

func TestOutsideTheWindowNothingIsWorkedOn(t *testing.T) {
	t.Parallel()
	w, p := reach(t, slipway.Executing)
	w.wait(-2 * time.Hour)
	early := w.show("alice", p.ID)
	if slices.Contains(early.Allowed, slipway.VerbComplete) || len(early.Jobs[0].Allowed) != 0 {
		t.Errorf("before the window Alice may %v", early.Allowed)
	}
	e := w.send("alice", "POST", "/api/v1/plans/1/jobs/1/complete", "").want(409).refusal()
	if !strings.Contains(e.Message, "2026-11-24 11:00 UTC") {
		t.Errorf("the refusal is %q", e.Message)
	}
}

// Who manages a plan is not offered to approve it, though named as approver.
func TestNobodyIsOfferedToApproveTheirOwnPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	doc := document()
	doc["approval"] = map[string]any{"approvers": []any{"Alice", "Bob"}}
	p := w.create(doc)
	p = w.do("alice", p.ID, "submit", "")
	if slices.Contains(p.Allowed, slipway.VerbApprove) {
		t.Errorf("Alice may %v", p.Allowed)
	}
	w.send("alice", "POST", "/api/v1/plans/1/approve", "").want(403)
	w.rules.SelfApproval = true
	if p = w.show("alice", p.ID); !slices.Contains(p.Allowed, slipway.VerbApprove) {
		t.Errorf("with self-approval Alice may %v", p.Allowed)
	}
}
