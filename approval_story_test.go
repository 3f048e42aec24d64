package slipway

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// levelled is a plan that needs any of Bob and Carol, and then all of Dave and Root.
func levelled(t testing.TB) *world {
	t.Helper()
	w := newWorld(t)
	d := w.draft()
	people := func(a ...Actor) []PersonRef {
		out := make([]PersonRef, len(a))
		for i := range a {
			out[i] = PersonRef{a[i].ID, a[i].Name}
		}
		return out
	}
	d.Approval = &Approval{Type: NativeApproval, Levels: []Level{
		{Name: "QA", Groups: []Group{{Approvers: people(bob, carol), Needed: QuorumAny}}},
		{Groups: []Group{{Name: "leads", Approvers: people(dave, root), Needed: QuorumAll}}},
	}}
	return w.create(d)
}

func (w *world) approve(a Actor) *world { w.t.Helper(); return w.do(w.plan.Vote(w.req(a), true, "")) }

func (w *world) edit(a Actor, edit func(*Draft)) *world {
	w.t.Helper()
	d := w.plan.Draft()
	edit(&d)
	return w.do(w.plan.Edit(w.req(a), d))
}

func (w *world) submit() *world { w.t.Helper(); return w.do(w.plan.Submit(w.req(alice), nil)) }

// told lists whom the notices of the last change are for.
func (w *world) told() []string {
	var out []string
	for _, n := range w.notices() {
		out = append(out, n.To...)
	}
	return out
}

func TestLevelsAreAskedInOrder(t *testing.T) {
	t.Parallel()
	w := levelled(t).submit().is(WaitForApproval)
	if diff := cmp.Diff([]string{"bob", "carol"}, w.told()); diff != "" {
		t.Errorf("asked first (-want +got):\n%s", diff)
	}
	for _, approve := range []bool{true, false} {
		_, err := w.plan.Vote(w.req(dave), approve, "")
		wantRefusal(t, err, Conflict)
		if !strings.Contains(TextOf(err).EN, "Level 1, QA") || !strings.Contains(TextOf(err).EN, "any of Bob, Carol") {
			t.Errorf("Dave is told %v", err)
		}
	}
	if got := w.plan.Allowed(dave, nil); slices.Contains(got, VerbApprove) || slices.Contains(got, VerbReject) {
		t.Errorf("Dave may %v before his level is open", got)
	}
	w.approve(carol).is(WaitForApproval)
	if diff := cmp.Diff([]string{"dave", "root"}, w.told()); diff != "" || w.last.Entry.Data.Votes != "1/3" {
		t.Errorf("votes %s, asked then (-want +got):\n%s", w.last.Entry.Data.Votes, diff)
	}
	if _, err := w.plan.Vote(w.req(bob), true, ""); CodeOf(err) != Conflict {
		t.Errorf("Bob approves a level that has passed: %v", err)
	}
	w.approve(dave).is(WaitForApproval)
	w.do(w.plan.Remind(w.req(alice)))
	if diff := cmp.Diff([]string{"root"}, w.told()); diff != "" {
		t.Errorf("reminded (-want +got):\n%s", diff)
	}
	w.approve(root).is(Executing)
}

func TestALevelThatNobodyCanPassIsNotSubmitted(t *testing.T) {
	t.Parallel()
	w := levelled(t)
	w.edit(dave, func(d *Draft) { d.Name = "payments 4.3" }) // Dave edited last, and is of the second level
	_, err := w.plan.Submit(w.req(alice), nil)
	if CodeOf(err) != Unfit || ProblemsOf(err)[0].Path != "approval.levels[1]" {
		t.Errorf("got %v", err)
	}
}

// TestW1NoApprovalSurvivesAnEdit holds against weakness W1 of Zadig: a plan that was
// approved once, was re-planned and edited and then runs without being approved.
func TestW1NoApprovalSurvivesAnEdit(t *testing.T) {
	t.Parallel()
	later := func(d *Draft) { d.EndTime += 60 }
	for what, edit := range map[string]func(*Draft){
		"the window":      later,
		"the schedule":    func(d *Draft) { d.ScheduleExecuteTime = d.StartTime + 60 },
		"item “announce”": func(d *Draft) { d.Items[0].Text.Content = "Tell everybody" },
		"item “deploy”":   func(d *Draft) { d.Items[1].Workflow.Params["version"] = "4.3" },
		"item “more” (new)": func(d *Draft) {
			d.Items = append(d.Items, &Item{Name: "more", Type: TextItem, Text: &TextSpec{Content: "x"}})
		},
		"item “deploy” (removed)": func(d *Draft) { d.Items = d.Items[:1] },
		"the order of the items":  func(d *Draft) { slices.Reverse(d.Items) },
	} {
		w := reach(t, Executing)
		w.do(w.plan.Replan(w.req(alice), "")).edit(alice, edit).submit().is(WaitForApproval)
		if len(w.plan.Approval.Votes) != 0 || w.last.Entry.Data.Kept != nil || !slices.Equal(w.told(), []string{"bob", "carol"}) {
			t.Errorf("%s: votes %v, told %v", what, w.plan.Approval.Votes, w.told())
		}
		if got := w.plan.Approval.ChangedSince("bob"); len(got) != 1 || got[0].EN != what {
			t.Errorf("%s: Bob is shown %v", what, got)
		}
		if got := w.plan.Approval.ChangedSince("carol"); got != nil {
			t.Errorf("%s: Carol never approved, and is shown %v", what, got)
		}
		w.approve(bob)
		if len(w.plan.Approval.Earlier) != 0 || len(w.plan.Approval.Contents) != 1 {
			t.Errorf("%s: what is over is kept: %+v", what, w.plan.Approval)
		}
	}

	for what, edit := range map[string]func(*WorkflowSpec){
		"engine":  func(s *WorkflowSpec) { s.Engine = "zadig" },
		"project": func(s *WorkflowSpec) { s.Project = "other" },
		"name":    func(s *WorkflowSpec) { s.Name = "deploy-all" },
		"inputs":  func(s *WorkflowSpec) { s.Inputs = []byte(`[{"job_name":"build"}]`) },
	} {
		w := reach(t, Executing)
		w.do(w.plan.Replan(w.req(alice), "")).edit(alice, func(d *Draft) { edit(d.Items[1].Workflow) }).submit()
		if got := w.plan.Approval.ChangedSince("bob"); w.plan.Status() != WaitForApproval || len(got) != 1 || got[0].EN != "item “deploy”" {
			t.Errorf("another %s of the workflow: the plan is %s, Bob is shown %v", what, w.plan.Status(), got)
		}
	}

	// What the engine runs is part of it, and so are the checks that hold the plan.
	w := newWorld(t)
	w.create(w.draft())
	frozen := map[string]*Workflow{w.plan.Items[1].ID: definition("1")}
	w.do(w.plan.Submit(w.req(alice), frozen)).approve(bob).is(Executing)
	frozen[w.plan.Items[1].ID] = definition("2")
	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), frozen)).is(WaitForApproval).approve(bob).is(Executing)
	w.rules.Endpoints = []Endpoint{{Name: "office", Events: []Event{EventAllJobDone}, Wait: true}}
	w.do(w.plan.Replan(w.req(alice), "")).do(w.plan.Submit(w.req(alice), frozen)).is(WaitForApproval)
	if got := w.plan.Approval.ChangedSince("bob"); len(got) != 1 || got[0].EN != "the outside checks" {
		t.Errorf("Bob is shown %v", got)
	}
}

func TestAnEditThatChangesNothingThatRunsKeepsTheApproval(t *testing.T) {
	t.Parallel()
	for what, edit := range map[string]func(*Draft){
		"the name":        func(d *Draft) { d.Name = "payments 4.2, at last" },
		"the description": func(d *Draft) { d.Description = "with more words" },
		"an owner":        func(d *Draft) { d.Items[1].Owner = PersonRef{"eve", "Eve"} },
		"another approver": func(d *Draft) {
			d.Approval.Approvers = append(d.Approval.Approvers, PersonRef{"eve", "Eve"})
		},
		"there and back": func(d *Draft) { d.Items[0].Text.Content = "Tell the hotline" },
	} {
		w := reach(t, Executing)
		w.do(w.plan.Replan(w.req(alice), ""))
		if what == "there and back" {
			w.edit(alice, func(d *Draft) { d.Items[0].Text.Content = "Tell everybody" })
		}
		w.edit(alice, edit).submit().is(Executing)
		if !slices.Equal(w.last.Entry.Data.Kept, []string{"Bob"}) || w.plan.Approval.Result != ApprovalPassed || w.plan.ApprovalTime == 0 {
			t.Errorf("%s: %+v, %+v", what, w.last.Entry.Data, w.plan.Approval)
		}
	}
}

func TestAKeptApprovalMustStillBePossible(t *testing.T) {
	t.Parallel()
	for what, change := range map[string]func(*world){
		"Bob is no approver any more": func(w *world) {
			w.edit(alice, func(d *Draft) { d.Approval.Approvers = []PersonRef{{"carol", "Carol"}} })
		},
		"Bob edited last":       func(w *world) { w.edit(bob, func(d *Draft) { d.Description = "by Bob" }) },
		"one more is needed":    func(w *world) { w.edit(alice, func(d *Draft) { d.Approval.Needed = 2 }) },
		"Bob manages it by now": func(w *world) { w.edit(alice, func(d *Draft) { d.Manager = PersonRef{"bob", "Bob"} }) },
	} {
		w := newWorld(t)
		d := w.draft()
		d.Items[1].Owner = PersonRef{"bob", "Bob"}
		w.create(d).submit().approve(bob).is(Executing)
		w.do(w.plan.Replan(w.req(alice), ""))
		change(w)
		if w.do(w.plan.Submit(w.req(root), nil)).plan.Status() != WaitForApproval {
			t.Errorf("%s: the plan is %s", what, w.plan.Status())
		}
		w.approve(carol).is(Executing)
	}
	// A no is not kept, nor is what was said of another plan.
	w := reach(t, Denied)
	w.do(w.plan.Replan(w.req(alice), "")).submit().is(WaitForApproval)
	if len(w.plan.Approval.Votes)+len(w.plan.Approval.Earlier) != 0 {
		t.Errorf("left of the no: %+v", w.plan.Approval)
	}
	w.approve(bob)
	other := newWorld(t).create(w.plan.Draft())
	other.submit().is(WaitForApproval)
}

func TestChecksThatChangeWhileItIsAskedAskAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := w.draft()
	d.Approval.Needed = 2
	w.create(d).submit().approve(bob)
	w.rules.Endpoints = []Endpoint{{Name: "office", Events: []Event{EventStartExecute}, Wait: true}}
	w.approve(carol).is(WaitForApproval)
	if got := w.plan.Approval.votes(); got != "1/2" || !slices.Equal(w.told(), []string{"bob"}) {
		t.Errorf("votes %s, told %v", got, w.told())
	}
	w.approve(bob).is(WaitExecute)
}

// TestW9NobodyApprovesTheirOwnPlanAndSomebodyMust holds against weakness W9 of Zadig:
// managers who approve their own plans, and rules that nobody needs to fulfil.
func TestW9NobodyApprovesTheirOwnPlanAndSomebodyMust(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, needed := range []int{0, -1, 3} {
		d := w.draft()
		d.Approval.Needed = needed
		if problems := ProblemsOf(d.Check()); len(problems) != 1 || problems[0].Path != "approval.needed_approvers" {
			t.Errorf("needed %d: %v", needed, problems)
		}
	}
	d := w.draft()
	d.Approval = ruled(t, "any alice bob + any alice carol; any alice root")
	w.create(d).submit()
	if got := outcome(w.plan); got != "1: bob carol" {
		t.Errorf("asked: %s", got)
	}
	if _, err := w.plan.Vote(w.req(alice), true, ""); CodeOf(err) != Forbidden {
		t.Errorf("the manager approves: %v", err)
	}
	w.approve(bob).approve(carol).approve(root).is(Executing)

	// Nor by way of somebody who is away, or who has something to pass on.
	d = w.draft()
	d.Approval = ruled(t, "any bob dave; any alice root")
	w.create(d).away("bob>alice root>alice").submit()
	if got := outcomeUnder(w.plan, w.rules); got != "1: bob dave" {
		t.Errorf("asked: %s", got)
	}
	for _, approve := range []bool{true, false} {
		_, err := w.plan.Vote(w.req(alice), approve, "")
		wantRefusal(t, err, Forbidden)
	}
	_, err := w.plan.Transfer(w.req(bob), PersonRef{"alice", "Alice"}, "")
	wantRefusal(t, err, Conflict)
	_, err = w.plan.Transfer(w.req(alice), PersonRef{"eve", "Eve"}, "")
	wantRefusal(t, err, Forbidden)
	w.approve(dave).away("alice>bob").approve(bob).is(Executing)
	if v := w.plan.Approval.VoteOf("alice"); v == nil || v.By.ID != "bob" {
		t.Errorf("decided in Alice's place: %+v", v)
	}
}

// agreed is who agreed in somebody's place, and to what.
type agreed struct{ by, what string }

// oracle knows, by means of its own, what each person agreed to.
type oracle struct {
	engine   *Workflow         // as the engine has it now
	said     map[string]agreed // by place: what the plan was when it was approved
	rule     *Approval         // as it was written
	passed   string            // what the plan was when its last approval passed
	accepted bool              // a changed workflow, by somebody who could have approved

	stoodIn, took, withdrew, escalated, expired int // how often
}

// clock lets the approval wait for too long. Whoever it is escalated to is asked, whatever
// they said before.
func (o *oracle) clock(w *world, actors []Actor) (*Change, error) {
	var to []PersonRef
	for _, a := range actors {
		to = append(to, PersonRef{a.ID, a.Name})
	}
	c, err := w.plan.LosePatience(w.req(SystemActor()), atAnyHour, to)
	switch {
	case err != nil:
	case c.Entry.Verb == VerbEscalate:
		o.escalated++
		for _, who := range c.Entry.Data.People { // ruled names people as their ids
			delete(o.said, who)
		}
	case c.Entry.Verb == VerbExpireApproval:
		o.expired++
	}
	return c, err
}

func atAnyHour(string) Hours {
	week, _ := ParseWorkingHours("always")
	return Hours{Week: week}
}

// hasty are times after which something happens to an approval that does not come.
var hasty = TimeRules{RemindAfter: Period(20 * time.Minute), EscalateAfter: Period(45 * time.Minute), EscalateTo: []PersonRef{{"g", "g"}}, ExpireAfter: hourly(2)}

// vote notes what somebody said, in the place that the log names.
func (o *oracle) vote(w *world, c *Change, who Actor, approve bool) {
	place := who.ID
	if of := c.Entry.Data.For; of != "" {
		place = of // ruled names people as their ids
		if !slices.ContainsFunc(w.rules.Delegations, func(d Delegation) bool { return d.Of.ID == of && d.To.ID == who.ID }) {
			w.t.Fatalf("%s decides for %s without standing in", who.ID, of)
		}
		o.stoodIn++
	}
	if !w.plan.Approval.Has(place) || w.plan.involved(who.ID) {
		w.t.Fatalf("%s decides in the place of %s of %+v", who.ID, place, w.plan.Approval.Approvers)
	}
	if delete(o.said, place); approve {
		o.said[place] = agreed{who.ID, ran(w.plan, w.rules)}
	}
}

// approver does something that only approvers do.
func (o *oracle) approver(w *world, r *rand.Rand, who, other Actor) (*Change, error) {
	p := w.plan
	switch r.IntN(4) {
	case 0, 1:
		c, err := p.Withdraw(w.req(who), "")
		if err == nil {
			o.withdrew++
			maps.DeleteFunc(o.said, func(place string, a agreed) bool { return place == who.ID || a.by == who.ID })
		}
		return c, err
	case 2:
		before := len(p.Approval.Approvers)
		c, err := p.Transfer(w.req(who), PersonRef{other.ID, other.Name}, "")
		if err == nil {
			o.took++
			delete(o.said, other.ID) // whoever takes a place is asked
			if p.involved(other.ID) || !p.Approval.Has(other.ID) || len(p.Approval.Approvers) > before+1 {
				w.t.Fatalf("%s passed the place to %s: %+v", who.ID, other.ID, p.Approval)
			}
		}
		return c, err
	}
	w.rules.Delegations = slices.DeleteFunc(w.rules.Delegations, func(d Delegation) bool { return d.Of.ID == who.ID || d.Of.ID == other.ID })
	if who.ID != other.ID && r.IntN(3) > 0 {
		w.rules.Delegations = append(w.rules.Delegations, delegated(who.ID+">"+other.ID)...)
	}
	return nil, Unchanged
}

// ran writes down what a plan runs.
func ran(p *Plan, rules *Rules) string {
	var b strings.Builder
	fmt.Fprintln(&b, p.StartTime, p.EndTime, p.ScheduleExecuteTime)
	for _, e := range rules.Endpoints {
		fmt.Fprintln(&b, e.Name, e.Events)
	}
	for _, it := range p.Items {
		fmt.Fprintln(&b, it.Name, it.Text)
		if w := it.Workflow; w != nil && w.Definition != nil {
			fmt.Fprintln(&b, w.Name, w.Params, w.Definition.Params)
		}
	}
	return b.String()
}

func (o *oracle) step(w *world, r *rand.Rand, actors []Actor) (*Change, error) {
	p, who, leader := w.plan, actors[r.IntN(len(actors))], actors[len(actors)-1-r.IntN(2)]
	it := p.Items[len(p.Items)-1]
	switch r.IntN(23) {
	case 21, 22:
		w.at = w.at.Add(time.Duration(r.IntN(40)) * time.Minute)
		return o.clock(w, []Actor{actors[r.IntN(len(actors))], actors[r.IntN(len(actors))]})
	case 18, 19, 20:
		return o.approver(w, r, who, actors[r.IntN(len(actors))])
	case 0, 1, 2, 3:
		c, err := p.Vote(w.req(who), true, "")
		if err == nil {
			o.vote(w, c, who, true)
		}
		return c, err
	case 4:
		c, err := p.Vote(w.req(who), false, "")
		if err == nil {
			o.vote(w, c, who, false)
		}
		return c, err
	case 5, 6, 7:
		return p.Submit(w.req(leader), map[string]*Workflow{it.ID: o.engine})
	case 8:
		return p.Replan(w.req(leader), "")
	case 9, 10:
		d := p.Draft()
		[]func(){
			func() { d.Name += "!" },
			func() { d.EndTime = w.at.Truncate(12 * time.Hour).Add(24 * time.Hour).Unix() },
			func() { d.Items[0].Text = &TextSpec{Content: fmt.Sprint(r.IntN(2))} },
			func() { d.Items[1].Workflow.Params = map[string]string{"version": fmt.Sprint(r.IntN(2))} },
			func() {
				times := d.Approval.TimeRules
				d.Approval = ruled(w.t, ruleRows[r.IntN(len(ruleRows))].rule)
				d.Approval.TimeRules = times
			},
			func() { d.Manager = PersonRef{who.ID, who.Name} },
		}[r.IntN(6)]()
		c, err := p.Edit(w.req(leader), d)
		if err == nil {
			o.rule = p.Approval.clone()
		}
		return c, err
	case 11:
		o.engine = definition(fmt.Sprint(r.IntN(2)))
	case 12:
		w.rules.Endpoints = []Endpoint{{Name: "office", Events: Events()[r.IntN(3):], Wait: true}}[r.IntN(2):]
	case 13:
		return p.Execute(w.req(who), it.ID)
	case 14:
		return p.RunEnded(w.req(SystemActor()), it.Workflow.RunID, RunEnd{
			Status: RunFailed, Doubt: DoubtChanged, Change: CompareDefinitions(it.Workflow.Definition, o.engine),
		})
	case 15:
		if ch := it.Workflow.Change; ch != nil {
			c, err := p.Retry(w.req(who), it.ID, ch.Digest, o.engine)
			o.accepted = o.accepted || err == nil && (who.Admin || p.Approval.Has(who.ID)) && !p.involved(who.ID)
			return c, err
		}
	case 16:
		if g := p.Gate; g != nil {
			return p.Answer(w.req(Actor{Kind: Receiver}), Answer{Event: g.Event, Code: g.Waits[0].Code, Result: ResultSuccess})
		}
	case 17:
		w.at = w.at.Add(time.Duration(r.IntN(30)) * time.Minute)
		return p.EndWindow(w.req(SystemActor()))
	}
	return nil, Unchanged
}

// check holds what became of the plan against what people agreed to.
func (o *oracle) check(t *testing.T, seed uint64, w *world, c *Change) {
	t.Helper()
	p, now := w.plan, ran(w.plan, w.rules)
	begun := slices.Contains([]Status{WaitExecute, ExecuteCheckFailed, Executing, WaitAllDone, AllDoneCheckFailed, Success}, p.Status())
	was := slices.Contains([]Status{WaitExecute, ExecuteCheckFailed, Executing, WaitAllDone, AllDoneCheckFailed, Success}, c.Entry.From)
	if begun && !was {
		votes := map[string]string{}
		for place, a := range o.said {
			if a.what == now && !p.involved(a.by) {
				votes[place] = a.by
			}
		}
		for i, l := range p.Approval.Rule() {
			if seated(l, votes) < l.Need() {
				t.Fatalf("seed %d: %s by %s starts the plan, but only %v agreed to what it runs at level %d of %+v",
					seed, c.Entry.Verb, c.Entry.Actor.Name, votes, i+1, p.Approval.Rule())
			}
		}
		o.passed, o.accepted = ran(p, &Rules{}), false
	}
	if begun && !o.accepted && ran(p, &Rules{}) != o.passed {
		t.Fatalf("seed %d: after %s the plan runs\n%snot\n%s", seed, c.Entry.Verb, ran(p, &Rules{}), o.passed)
	}
	if p.Seq%5 == 0 && p.Status() == WaitForApproval && p.content(w.rules).Digest == p.Approval.Content { // the checks are as they were
		for _, who := range p.Asked(w.rules) {
			if _, err := p.Clone().Vote(w.req(Actor{Kind: Person, ID: who.ID, Name: who.Name}), true, ""); err != nil {
				t.Fatalf("seed %d: after %s %s is asked and may not decide: %v", seed, c.Entry.Verb, who.Name, err)
			}
		}
	}
	if p.Status() == Planning && !p.Approval.sameRule(o.rule) {
		t.Fatalf("seed %d: after %s the rule is %+v, not %+v", seed, c.Entry.Verb, p.Approval.Levels, o.rule.Levels)
	}
	if begun && !was && c.Entry.Actor.Kind == System {
		t.Fatalf("seed %d: %s starts the plan by itself", seed, c.Entry.Verb)
	}
	if len(c.Runs) > 0 && !begun {
		t.Fatalf("seed %d: %s starts a run in %s", seed, c.Entry.Verb, p.Status())
	}
}

// TestNoOrderOfEventsStartsWhatWasNotApproved clicks, takes approvals back, passes places
// on, lets people be away, edits, re-plans, changes workflows and checks, and lets windows
// and the patience with approvers end, in random order. Nothing ever starts without the approvals that its rule takes, of
// exactly what it runs.
func TestNoOrderOfEventsStartsWhatWasNotApproved(t *testing.T) {
	t.Parallel()
	var actors []Actor
	for _, id := range strings.Fields("b c d e f g alice root") {
		actors = append(actors, Actor{Kind: Person, ID: id, Name: id, Admin: id == "root"})
	}
	started, kept, total := 0, 0, oracle{}
	for seed := range uint64(220) {
		r := rand.New(rand.NewPCG(seed, 3))
		w := newWorld(t)
		d := w.draft()
		d.Approval = ruled(t, ruleRows[r.IntN(len(ruleRows))].rule)
		d.Approval.TimeRules, d.EndTime = hasty, noon.Add(12*time.Hour).Unix()
		w.create(d)
		o := &oracle{engine: definition("1"), said: map[string]agreed{}, rule: w.plan.Approval.clone()}
		for range 150 {
			before := w.plan.Status()
			c, err := o.step(w, r, actors)
			if err != nil {
				continue
			}
			o.check(t, seed, w, c)
			if w.plan.Status() == Executing && before != Executing {
				started++
				if c.Entry.Verb == VerbSubmit {
					kept++
				}
			}
		}
		total.stoodIn, total.took, total.withdrew = total.stoodIn+o.stoodIn, total.took+o.took, total.withdrew+o.withdrew
		total.escalated, total.expired = total.escalated+o.escalated, total.expired+o.expired
	}
	t.Logf("%d plans started, %d of them by approvals of before; %d times somebody stood in, %d places were passed on, %d approvals taken back; %d were escalated, %d expired",
		started, kept, total.stoodIn, total.took, total.withdrew, total.escalated, total.expired)
	if started < 100 || kept < 10 || total.stoodIn < 25 || total.took < 50 || total.withdrew < 50 || total.escalated < 50 || total.expired < 20 {
		t.Error("so little happened that nothing is shown")
	}
}
