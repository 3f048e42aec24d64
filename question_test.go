package slipway

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// outside is a plan with a rule such as "lark: any bob carol; dingtalk: all dave root +
// any bob": levels and groups as ruled takes them, each with the system in front.
func outside(t testing.TB, rule string) *world {
	t.Helper()
	w := newWorld(t)
	w.rules.Outside = []ApprovalType{LarkApproval, DingTalkApproval}
	d := w.draft()
	d.Approval = ruledIn(t, rule)
	return w.create(d)
}

func ruledIn(t testing.TB, rule string) *Approval {
	t.Helper()
	var types []ApprovalType
	for group := range strings.SplitSeq(strings.ReplaceAll(rule, ";", "+"), "+") {
		system, _, found := strings.Cut(group, ":")
		if !found {
			system = ""
		}
		types = append(types, ApprovalType(strings.TrimSpace(system)))
	}
	for _, system := range []string{"lark:", "dingtalk:", "native:"} {
		rule = strings.ReplaceAll(rule, system, "")
	}
	a := ruled(t, rule)
	for i := range a.Levels {
		for j := range a.Levels[i].Groups {
			a.Levels[i].Groups[j].Type, types = types[0], types[1:]
		}
	}
	return a
}

// asked shows what is under way in other systems: "lark 1-2: any bob carol, all dave root".
func (w *world) asked() []string {
	var out []string
	for _, q := range w.plan.Approval.Outside {
		if q.UnderWay() {
			out = append(out, q.shown())
		}
	}
	return out
}

func (q *Question) shown() string {
	nodes := make([]string, len(q.Nodes))
	for i, n := range q.Nodes {
		nodes[i] = map[bool]string{true: "all", false: "any"}[n.All]
		for _, p := range n.Approvers {
			nodes[i] += " " + p.ID
		}
	}
	levels := strconv.Itoa(q.Level + 1)
	if q.Levels > 1 {
		levels += "-" + strconv.Itoa(q.Level+q.Levels)
	}
	return string(q.Type) + " " + levels + ": " + strings.Join(nodes, ", ")
}

// open returns the only question that is under way.
func (w *world) open() *Question {
	w.t.Helper()
	var open []*Question
	for i := range w.plan.Approval.Outside {
		if q := &w.plan.Approval.Outside[i]; q.UnderWay() {
			open = append(open, q)
		}
	}
	if len(open) != 1 {
		w.t.Fatalf("%d questions are under way: %v", len(open), w.asked())
	}
	return open[0]
}

func yes(who string) Opinion {
	return Opinion{By: PersonRef{who, strings.ToUpper(who[:1]) + who[1:]}, Account: "ou_" + who, Approve: true, At: noon.Unix()}
}

func no(who, why string) Opinion {
	o := yes(who)
	o.Approve, o.Comment = false, why
	return o
}

// sees tells the plan how a question stands, until nothing is new, and returns how many
// entries that took.
func (w *world) sees(mark string, s Sighting) int {
	w.t.Helper()
	for n := 0; ; n++ {
		c, err := w.plan.See(w.req(SystemActor()), mark, s)
		if err == Unchanged { //nolint:errorlint // a control value that is never wrapped
			return n
		}
		w.do(c, err)
	}
}

// ends tells the plan that its only question ended.
func (w *world) ends(s QuestionState, said ...Opinion) *world {
	w.t.Helper()
	q := w.open()
	w.sees(q.Mark, Sighting{Ref: "i-" + q.Mark, URL: "https://feishu.example.com/" + q.Mark, State: s, Said: said})
	return w
}

func TestWhatARuleAsksInOtherSystems(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string][]string{
		"any bob carol":                                             nil,
		"lark: any bob carol":                                       {"lark 1: any bob carol"},
		"lark: all bob carol":                                       {"lark 1: all bob carol"},
		"lark: 2 bob carol":                                         {"lark 1: all bob carol"},
		"lark: any alice bob":                                       {"lark 1: any bob"},
		"lark: any bob; lark: all carol dave":                       {"lark 1-2: any bob, all carol dave"},
		"lark: any bob + lark: any carol; lark: any dave":           {"lark 1-2: any bob, any carol, any dave"},
		"lark: any bob; any carol; lark: any dave":                  {"lark 1: any bob"},
		"any bob; lark: any dave":                                   nil,
		"lark: any bob; dingtalk: any dave":                         {"lark 1: any bob"},
		"lark: any bob + dingtalk: any dave":                        {"lark 1: any bob", "dingtalk 1: any dave"},
		"lark: any bob + any carol + lark: any dave; lark: any eve": {"lark 1: any bob, any dave"},
	} {
		w := outside(t, rule).submit().is(WaitForApproval)
		if diff := cmp.Diff(want, w.asked()); diff != "" {
			t.Errorf("%q (-want +got):\n%s", rule, diff)
		}
		if len(w.last.Questions) != len(want) {
			t.Errorf("%q: %d are to be asked", rule, len(w.last.Questions))
		}
	}
	// The documented rule.
	w := newWorld(t)
	w.rules.Outside = []ApprovalType{DingTalkApproval}
	d := w.draft()
	d.Approval.Type, d.Approval.Needed = DingTalkApproval, 2
	w.create(d).submit().is(WaitForApproval)
	if diff := cmp.Diff([]string{"dingtalk 1: all bob carol"}, w.asked()); diff != "" {
		t.Errorf("the documented rule (-want +got):\n%s", diff)
	}
}

func TestARuleThatTheOtherSystemCannotAskIsNotSubmitted(t *testing.T) {
	t.Parallel()
	for rule, path := range map[string]string{
		"lark: 2 bob carol dave":           "approval.levels[0].groups[0].needed",
		"lark: all bob alice":              "approval.levels[0].groups[0].approvers",
		"any bob; dingtalk: any alice":     "approval.levels[1].groups[0].approvers",
		"any alice + lark: any bob":        "approval.levels[0]",
		"lark: any bob; dingtalk: any eve": "approval.levels[1].groups[0].type",
	} {
		w := outside(t, rule)
		if strings.Contains(rule, "eve") {
			w.rules.Outside = []ApprovalType{LarkApproval}
		}
		_, err := w.plan.Submit(w.req(alice), nil)
		if problems := ProblemsOf(err); CodeOf(err) != Unfit || len(problems) != 1 || problems[0].Path != path {
			t.Errorf("%q: %v", rule, err)
		}
	}
	w := newWorld(t)
	d := w.draft()
	d.Approval.Type = LarkApproval
	w.create(d)
	_, err := w.plan.Submit(w.req(alice), nil)
	problems := ProblemsOf(err)
	if len(problems) != 1 || problems[0].Path != "approval.type" || !strings.Contains(problems[0].Text.EN, "approvals.lark") ||
		!strings.Contains(problems[0].Text.ZH, "飞书") {
		t.Errorf("not set up: %v", problems)
	}
	d.Approval = ruledIn(t, "lark: any bob + any bob carol")
	if problems := ProblemsOf(d.Check()); len(problems) != 1 || problems[0].Path != "approval.levels[0].groups[1].approvers[0]" {
		t.Errorf("twice in a level: %v", problems)
	}
	d.Approval = ruledIn(t, "lark: any bob")
	d.Approval.Levels[0].Groups[0].Type = "workwx"
	if problems := ProblemsOf(d.Check()); len(problems) != 1 || problems[0].Path != "approval.levels[0].groups[0].type" {
		t.Errorf("an unknown system: %v", problems)
	}
}

func TestAnApprovalInAnotherSystemStartsThePlan(t *testing.T) {
	t.Parallel()
	w := outside(t, "any bob; lark: all carol dave; lark: any root").submit().approve(bob).is(WaitForApproval)
	q := w.open()
	if got := q.shown(); got != "lark 2-3: all carol dave, any root" || w.last.Questions[0].Mark != q.Mark {
		t.Fatalf("asked %s", got)
	}
	mark := q.Mark
	seen := Sighting{Ref: "i-1", URL: "https://feishu.example.com/1", State: QuestionOpen}
	if n := w.sees(mark, seen); n != 1 || w.open().State != QuestionOpen || w.last.Entry.Data.Channel != LarkApproval {
		t.Fatalf("%d entries, %+v", n, w.open())
	}
	for _, who := range []Actor{carol, root} {
		_, err := w.plan.Vote(w.req(who), true, "")
		wantRefusal(t, err, Conflict)
		if who == carol && !strings.Contains(TextOf(err).EN, "Decide there: https://feishu.example.com/1") {
			t.Errorf("Carol is told %v", err)
		}
	}
	_, err := w.plan.Remind(w.req(alice))
	wantRefusal(t, err, Conflict)
	if !strings.Contains(TextOf(err).EN, "in Feishu") || !strings.Contains(TextOf(err).EN, q.URL) {
		t.Errorf("Alice is told %v", err)
	}
	if got := w.plan.Allowed(carol, w.rules); slices.Contains(got, VerbApprove) {
		t.Errorf("Carol may %v", got)
	}
	seen.Said = []Opinion{yes("carol")}
	seen.Said[0].Comment = "fine"
	if n := w.sees(mark, seen); n != 1 || w.last.Entry.Actor.Name != "Carol" || w.last.Entry.Comment != "fine" || w.last.Entry.Data.Votes != "2/4" {
		t.Errorf("%d entries, the last: %+v", n, w.last.Entry)
	}
	if n := w.sees(mark, seen); n != 0 {
		t.Errorf("the same again makes %d entries", n)
	}
	seen.Said, seen.State = append(seen.Said, yes("dave"), yes("root"), yes("dave")), QuestionApproved
	if n := w.sees(mark, seen); n != 3 || w.plan.Status() != Executing || w.plan.Approval.Result != ApprovalPassed {
		t.Errorf("%d entries, now %s", n, w.plan.Status())
	}
	if n := w.sees(mark, seen); n != 0 {
		t.Errorf("an approval that arrives twice makes %d entries", n)
	}
}

func TestBothTheDirectorsElsewhereAndTheOnCallHereAreNeeded(t *testing.T) {
	t.Parallel()
	for _, first := range []string{"here", "elsewhere"} {
		w := outside(t, "lark: any carol dave + any bob").submit()
		if !slices.Equal(w.told(), []string{"bob"}) {
			t.Errorf("told %v", w.told())
		}
		steps := []func(){func() { w.approve(bob) }, func() { w.ends(QuestionApproved, yes("dave")) }}
		if first == "elsewhere" {
			slices.Reverse(steps)
		}
		steps[0]()
		w.is(WaitForApproval)
		steps[1]()
		w.is(Executing)
	}
	// A no here ends the question there, and the other way round.
	w := outside(t, "lark: any carol + any bob").submit()
	mark := w.open().Mark
	w.do(w.plan.Vote(w.req(bob), false, "not today")).is(Denied)
	if diff := cmp.Diff([]string{mark}, w.last.StopQuestions); diff != "" {
		t.Errorf("taken back (-want +got):\n%s", diff)
	}
	if n := w.sees(mark, Sighting{Ref: "i", State: QuestionApproved, Said: []Opinion{yes("carol")}}); n != 0 || w.plan.Status() != Denied {
		t.Errorf("the late approval makes %d entries; now %s", n, w.plan.Status())
	}
}

// One person is one, though they are asked there and stand in for somebody here.
func TestWhoeverIsAskedElsewhereDecidesHereForNobody(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any carol dave + any bob").away("bob>carol").submit()
	if got := outcomeUnder(w.plan, w.rules); got != "1: bob" {
		t.Errorf("asked %s", got)
	}
	_, err := w.plan.Vote(w.req(carol), true, "")
	wantRefusal(t, err, Conflict)
	w.ends(QuestionApproved, yes("carol")).approve(bob).is(Executing)

	// Nor if it is escalated to them.
	w = outside(t, "lark: any carol dave + any bob")
	w.plan.Approval.TimeRules = TimeRules{EscalateAfter: hourly(1), EscalateTo: []PersonRef{{"carol", "Carol"}}}
	w.submit()
	w.at = w.at.Add(time.Hour)
	if err := w.look(PersonRef{"carol", "Carol"}); err != nil || len(w.plan.Approval.Escalations[0].To) != 0 {
		t.Errorf("%v, escalated to %+v", err, w.plan.Approval.Escalations)
	}
}

// Who is found in groups of people is not asked in two systems at once either.
func TestMembersOfTwoGroupsAreAskedInOneSystemOnly(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any carol dave + any bob")
	w.plan.Approval.Levels[0].Groups[1].From = []Source{"slack:S0OPS"}
	req := w.req(alice)
	req.Members = map[Source][]PersonRef{"slack:S0OPS": {{"eve", "Eve"}, {"carol", "carol"}}}
	_, err := w.plan.Submit(req, nil)
	if problems := ProblemsOf(err); CodeOf(err) != Unfit || len(problems) != 1 || problems[0].Path != "approval.levels[0].groups[1].approvers[2]" {
		t.Errorf("%v: %v", err, problems)
	}
}

func TestARejectionInAnotherSystemDeniesThePlan(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any bob carol").submit().ends(QuestionRejected, no("carol", "not on a Friday")).is(Denied)
	if w.last.Entry.Comment != "not on a Friday" || len(w.notices()) != 1 || !strings.Contains(w.notices()[0].Text.EN, "Carol rejected plan #1 payments 4.2. not on a Friday") {
		t.Errorf("entry %+v, notices %+v", w.last.Entry, w.notices())
	}
	// Re-plan and second approval, with a new instance.
	before := w.plan.Approval.Outside[0].Mark
	w.do(w.plan.Replan(w.req(alice), "")).submit().is(WaitForApproval)
	if q := w.open(); q.Mark == before || len(q.Said) != 0 || len(w.plan.Approval.Outside) != 1 {
		t.Errorf("asked %+v", w.plan.Approval.Outside)
	}
	w.ends(QuestionApproved, yes("bob")).is(Executing)
}

func TestOnlyAnApprovalOfWhatRunsCounts(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any bob carol").submit()
	first := w.open().Mark
	// The checks that hold the plan are part of what is approved.
	w.rules.Endpoints = []Endpoint{{Name: "office", Events: []Event{EventAllJobDone}, Wait: true}}
	w.ends(QuestionApproved, yes("bob")).is(WaitForApproval)
	if q := w.open(); q.Mark == first || w.last.Entry.Data.Result != string(QuestionClosed) {
		t.Errorf("asked %+v, entry %+v", q, w.last.Entry)
	}
	w.ends(QuestionApproved, yes("bob")).is(Executing)

	// An approval counts again for the same content, and not for another, or from other people.
	again := func(what string, edit func(*Draft), want Status) {
		w := outside(t, "lark: any bob carol").submit().ends(QuestionApproved, yes("bob")).is(Executing)
		w.do(w.plan.Replan(w.req(alice), ""))
		if edit != nil {
			w.edit(alice, edit)
		}
		if w.submit().plan.Status() != want {
			t.Errorf("%s: the plan is %s", what, w.plan.Status())
		}
		if want == Executing && !slices.Equal(w.last.Entry.Data.Kept, []string{"Bob"}) {
			t.Errorf("%s: kept %v", what, w.last.Entry.Data.Kept)
		}
	}
	again("nothing changed", nil, Executing)
	again("another name", func(d *Draft) { d.Name = "payments 4.2!" }, Executing)
	again("another item", func(d *Draft) { d.Items[0].Text.Content = "x" }, WaitForApproval)
	again("other people", func(d *Draft) { d.Approval = ruledIn(t, "lark: any bob dave") }, WaitForApproval)
	again("another system", func(d *Draft) { d.Approval = ruledIn(t, "dingtalk: any bob carol") }, WaitForApproval)
	again("one level more", func(d *Draft) { d.Approval = ruledIn(t, "lark: any bob carol; any dave") }, WaitForApproval)

	w = outside(t, "lark: any bob carol").submit().ends(QuestionApproved, yes("bob"))
	w.do(w.plan.Replan(w.req(alice), ""))
	w.plan.Items[1].Owner = PersonRef{"bob", "Bob"}
	w.edit(bob, func(d *Draft) { d.Name = "by Bob" }).submit().is(WaitForApproval)
	if got := w.open().shown(); got != "lark 1: any carol" {
		t.Errorf("asked %s", got)
	}
}

func TestOnlyAnApprovalOfThoseWhoHaveToBeAskedNowCounts(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any alice bob")
	w.rules.SelfApproval = true
	w.submit()
	if got := w.open().shown(); got != "lark 1: any alice bob" {
		t.Fatalf("asked %s", got)
	}
	w.rules.SelfApproval = false
	w.ends(QuestionApproved, yes("bob")).is(WaitForApproval)
	if got := w.open().shown(); got != "lark 1: any bob" {
		t.Errorf("asked %s", got)
	}
}

func TestAnApprovalOfNobodyOrOfOneselfDoesNotCount(t *testing.T) {
	t.Parallel()
	for what, said := range map[string][]Opinion{
		"by the system itself": nil, "passed on to the manager": {yes("alice")}, "with a no only": {no("bob", "")},
	} {
		w := outside(t, "lark: any bob carol").submit().ends(QuestionApproved, said...).is(WaitForApproval)
		q := w.plan.Approval.Outside[0]
		if q.State != QuestionRefused || q.Reason == nil || !slices.Equal(w.told(), []string{"alice"}) {
			t.Errorf("%s: %+v, told %v", what, q, w.told())
		}
		w.do(w.plan.AskAgain(w.req(alice))).ends(QuestionApproved, yes("bob")).is(Executing)
	}
}

// TestW26WhatIsWithdrawnThereIsNotWaitedForSilently holds against weakness W26 of Zadig: it
// does not recognise Feishu's CANCELED, and has no way on from an approval that is gone.
func TestW26WhatIsWithdrawnThereIsNotWaitedForSilently(t *testing.T) {
	t.Parallel()
	for _, s := range []QuestionState{QuestionWithdrawn, QuestionDeleted, QuestionRefused} {
		w := outside(t, "lark: any bob + any carol").submit()
		if slices.Contains(w.plan.Allowed(alice, w.rules), VerbAskAgain) || slices.Contains(w.plan.Possible(), VerbAskAgain) {
			t.Error("there is something to ask again while it is asked")
		}
		w.ends(s).is(WaitForApproval)
		if got := w.plan.Approval.Outside[0]; got.State != s || !slices.Equal(w.told(), []string{"alice"}) {
			t.Errorf("%s: %+v, told %v", s, got, w.told())
		}
		if !strings.Contains(w.notices()[0].Text.EN, "Feishu") || w.last.Entry.Data.Result != string(s) {
			t.Errorf("%s: notice %v, entry %+v", s, w.notices()[0].Text, w.last.Entry)
		}
		w.approve(carol).is(WaitForApproval)
		if len(w.asked()) != 0 {
			t.Errorf("%s: asked again by itself: %v", s, w.asked())
		}
		if !slices.Contains(w.plan.Allowed(alice, w.rules), VerbAskAgain) {
			t.Errorf("%s: Alice may %v", s, w.plan.Allowed(alice, w.rules))
		}
		_, err := w.plan.AskAgain(w.req(bob))
		wantRefusal(t, err, Forbidden)
		_, err = w.plan.AskAgain(w.req(alice), "office")
		wantRefusal(t, err, Conflict)
		w.do(w.plan.AskAgain(w.req(alice), "lark")).is(WaitForApproval)
		w.ends(QuestionApproved, yes("bob")).is(Executing)
	}
}

func TestWhateverMovesThePlanOnTakesTheQuestionBack(t *testing.T) {
	t.Parallel()
	for what, move := range map[string]func(*world){
		"replan": func(w *world) { w.do(w.plan.Replan(w.req(alice), "")) },
		"cancel": func(w *world) { w.do(w.plan.Cancel(w.req(alice), "no")) },
		"timeout": func(w *world) {
			w.at = w.at.AddDate(0, 0, 1)
			w.do(w.plan.EndWindow(w.req(SystemActor())))
		},
	} {
		w := outside(t, "lark: any bob carol").submit()
		mark := w.open().Mark
		move(w)
		if len(w.asked()) != 0 || !slices.Equal(w.last.StopQuestions, []string{mark}) ||
			!slices.ContainsFunc(w.last.Tasks, func(t Task) bool { return t.Kind == TaskQuestion && t.Ref == mark }) {
			t.Errorf("%s: asked %v, taken back %v", what, w.asked(), w.last.StopQuestions)
		}
		if n := w.sees(mark, Sighting{Ref: "i", State: QuestionApproved, Said: []Opinion{yes("bob")}}); n != 0 {
			t.Errorf("%s: the late approval makes %d entries", what, n)
		}
	}
}

func TestTroubleWithAnotherSystemIsShownOnceAndPasses(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any bob carol").submit()
	mark := w.open().Mark
	trouble := Sighting{Reason: T("Feishu does not answer.", "飞书没有响应。")}
	if n := w.sees(mark, trouble); n != 1 || w.open().Reason == nil || !slices.Equal(w.told(), []string{"alice"}) {
		t.Errorf("%d entries, %+v", n, w.open())
	}
	if n := w.sees(mark, trouble); n != 0 {
		t.Errorf("told %d times more", n)
	}
	w.sees(mark, Sighting{Ref: "i", State: QuestionOpen})
	if w.open().Reason != nil {
		t.Errorf("still %v", w.open().Reason)
	}
	w.sees(mark, trouble)
	if n := w.sees(mark, Sighting{Ref: "i", State: QuestionOpen}); n != 1 || w.open().Reason != nil {
		t.Errorf("%d entries, still %v", n, w.open().Reason)
	}
}

func TestAQuestionIsKeptAsItIsWritten(t *testing.T) {
	t.Parallel()
	w := outside(t, "lark: any bob carol; any dave").submit()
	w.sees(w.open().Mark, Sighting{Ref: "i", URL: "https://feishu.example.com/i", State: QuestionOpen, Said: []Opinion{yes("bob")}})
	data, err := json.Marshal(w.plan.Approval)
	if err != nil {
		t.Fatal(err)
	}
	var back *Approval
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w.plan.Approval, back, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c := w.plan.Clone()
	c.Approval.Outside[0].Said[0].Comment = "changed"
	if w.plan.Approval.Outside[0].Said[0].Comment != "" {
		t.Error("a clone shares what was said")
	}
	if got, want := w.plan.Approval.Levels[0].Text(), T("any of bob, carol in Feishu", "bob、carol任一（飞书审批）"); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}
