package slipway

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// center is another approval system: it knows nothing of plans, and decides by itself.
type center struct{ instances []*instance }

type instance struct {
	q     Question
	what  string              // the plan was this when it was asked
	votes []map[string]string // of each node: by whose place, who approved
	said  []Opinion
	state QuestionState
}

// take makes instances of what a change asks.
func (e *center) take(w *world, c *Change) {
	for _, q := range c.Questions {
		i := &instance{q: q, what: ran(w.plan, w.rules), state: QuestionOpen}
		for range q.Nodes {
			i.votes = append(i.votes, map[string]string{})
		}
		e.instances = append(e.instances, i)
	}
}

// act lets somebody do something with an instance there, taken back by Slipway or not.
func (e *center) act(r *rand.Rand, actors []Actor) {
	if len(e.instances) == 0 {
		return
	}
	i := e.instances[len(e.instances)-1-r.IntN(min(3, len(e.instances)))]
	if i.state != QuestionOpen {
		return
	}
	switch r.IntN(24) {
	case 0:
		i.state = QuestionWithdrawn
		return
	case 1:
		i.state = QuestionDeleted
		return
	case 2:
		i.said, i.state = append(i.said, no(actors[r.IntN(len(actors))].ID, "no")), QuestionRejected
		return
	}
	n := slices.IndexFunc(i.q.Nodes, func(n QuestionNode) bool { return !i.passed(n) })
	node := i.q.Nodes[n]
	place := node.Approvers[r.IntN(len(node.Approvers))].ID
	who := place
	if r.IntN(12) == 0 { // handed on to somebody else
		who = actors[r.IntN(len(actors))].ID
	}
	if i.votes[n][place] == "" {
		i.votes[n][place] = who
		i.said = append(i.said, yes(who))
	}
	if !slices.ContainsFunc(i.q.Nodes, func(n QuestionNode) bool { return !i.passed(n) }) {
		i.state = QuestionApproved
	}
}

func (i *instance) passed(n QuestionNode) bool {
	at := slices.IndexFunc(i.q.Nodes, func(o QuestionNode) bool { return &o.Approvers[0] == &n.Approvers[0] })
	if n.All {
		return len(i.votes[at]) == len(n.Approvers)
	}
	return len(i.votes[at]) > 0
}

// agreed tells whether an instance about what the plan is has the approvals of a group, none
// of them from people whose plan it is.
func (e *center) agreed(p *Plan, g *Group, now string) bool {
	return slices.ContainsFunc(e.instances, func(i *instance) bool {
		if i.state != QuestionApproved || i.what != now || i.q.Type != g.Type {
			return false
		}
		for _, votes := range i.votes {
			for _, who := range votes {
				if p.involved(who) {
					return false
				}
			}
		}
		return slices.ContainsFunc(i.votes, func(votes map[string]string) bool {
			n := 0
			for place := range votes {
				if g.has(place) {
					n++
				}
			}
			return n >= g.Need()
		})
	})
}

var outsideRows = []string{
	"lark: any b c d", "lark: all c d", "lark: any b c + any d e", "any b c; lark: any c d; lark: all e f", "lark: any b; dingtalk: any c d",
	"lark: any b c + dingtalk: any d e + any f g", "lark: any b c; any d", "lark: all b c + lark: any d e; any f", "any b c",
}

// TestNoOrderOfVerdictsStartsWhatWasNotApproved lets people approve, reject, withdraw and
// delete in other systems, news of it arrive late, twice and in any order, and everything
// else happen that happens to plans. Nothing ever starts without the approvals that its rule
// takes there and here, of exactly what it runs.
func TestNoOrderOfVerdictsStartsWhatWasNotApproved(t *testing.T) {
	t.Parallel()
	var actors []Actor
	for _, id := range strings.Fields("b c d e f g alice root") {
		actors = append(actors, Actor{Kind: Person, ID: id, Name: id, Admin: id == "root"})
	}
	started, again := 0, 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 5))
		w := outside(t, outsideRows[r.IntN(len(outsideRows))])
		w.plan.Approval.TimeRules, w.plan.EndTime = hasty, noon.Add(12*time.Hour).Unix()
		o, e := &oracle{engine: definition("1"), said: map[string]agreed{}, rule: w.plan.Approval.clone()}, &center{}
		for range 200 {
			before := w.plan.Status()
			c, err := e.step(w, o, r, actors)
			if err != nil {
				continue
			}
			e.take(w, c)
			e.check(t, seed, w, o, c)
			if w.plan.Status() == Executing && before != Executing {
				started++
			}
			if c.Entry.Verb == VerbAskAgain && before == WaitForApproval {
				again++
			}
		}
	}
	if started < 100 || again < 10 {
		t.Errorf("only %d plans started, %d questions were asked again: nothing is shown", started, again)
	}
	t.Logf("%d plans started, %d questions were asked again", started, again)
}

func (e *center) step(w *world, o *oracle, r *rand.Rand, actors []Actor) (*Change, error) {
	switch r.IntN(8) {
	case 0, 1, 2:
		e.act(r, actors)
		return nil, Unchanged
	case 3, 4, 5:
		if len(e.instances) == 0 {
			return nil, Unchanged
		}
		i := e.instances[len(e.instances)-1-r.IntN(min(4, len(e.instances)))]
		return w.plan.See(w.req(SystemActor()), i.q.Mark, Sighting{Ref: "i", State: i.state, Said: i.said})
	case 6:
		if w.plan.Status() == WaitForApproval {
			return w.plan.AskAgain(w.req(actors[len(actors)-1]))
		}
		if w.plan.Status() == Planning && r.IntN(3) == 0 {
			d := w.plan.Draft()
			d.Approval = ruledIn(w.t, outsideRows[r.IntN(len(outsideRows))])
			d.Approval.TimeRules = hasty
			o.rule = d.Approval.clone()
			return w.plan.Edit(w.req(actors[len(actors)-1]), d)
		}
	}
	// The rules of this step are asked here alone.
	if w.plan.Status() == Planning && r.IntN(2) == 0 {
		it := w.plan.Items[len(w.plan.Items)-1]
		return w.plan.Submit(w.req(actors[len(actors)-1]), map[string]*Workflow{it.ID: o.engine})
	}
	return o.step(w, r, actors)
}

func (e *center) check(t *testing.T, seed uint64, w *world, o *oracle, c *Change) {
	t.Helper()
	p, now := w.plan, ran(w.plan, w.rules)
	open := 0
	for i := range p.Approval.Outside {
		if p.Approval.Outside[i].UnderWay() {
			open++
		}
	}
	if open > 0 && p.Status() != WaitForApproval {
		t.Fatalf("seed %d: after %s %d questions are open in %s", seed, c.Entry.Verb, open, p.Status())
	}
	if p.Status() == WaitForApproval && open == 0 && len(p.Asked(w.rules)) == 0 && !p.lapsedQuestions() {
		t.Fatalf("seed %d: after %s nobody is asked and nothing can be asked again: %+v", seed, c.Entry.Verb, p.Approval)
	}
	begun := []Status{WaitExecute, ExecuteCheckFailed, Executing, WaitAllDone, AllDoneCheckFailed, Success}
	if !slices.Contains(begun, p.Status()) || slices.Contains(begun, c.Entry.From) {
		return
	}
	votes := map[string]string{}
	for place, a := range o.said {
		if a.what == now && !p.involved(a.by) {
			votes[place] = a.by
		}
	}
	for n, l := range p.Approval.Rule() {
		here, said := Level{StandIns: l.StandIns}, maps.Clone(votes)
		for _, g := range l.Groups {
			switch {
			case !g.Type.Outside():
				here.Groups = append(here.Groups, g)
			case e.agreed(p, &g, now):
				// Whoever is asked there decides here for nobody.
				maps.DeleteFunc(said, func(_, by string) bool { return g.has(by) })
			default:
				t.Fatalf("seed %d: %s starts the plan, but nobody in %s agreed to what it runs at level %d: %+v", seed, c.Entry.Verb, g.Type, n+1, g)
			}
		}
		if seated(here, said) < here.Need() {
			t.Fatalf("seed %d: %s starts the plan, but only %v agreed here at level %d", seed, c.Entry.Verb, said, n+1)
		}
	}
}
