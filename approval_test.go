package slipway

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// ruled makes an approval of a rule such as "any b c + 2 c d e; all d e": levels between
// semicolons, in them groups, of each how many and who.
func ruled(t testing.TB, rule string) *Approval {
	t.Helper()
	a := &Approval{Type: NativeApproval}
	for level := range strings.SplitSeq(rule, ";") {
		var l Level
		for group := range strings.SplitSeq(level, "+") {
			words := strings.Fields(group)
			needed, ok := ParseQuorum(words[0])
			if !ok {
				t.Fatalf("no quorum: %q", group)
			}
			g := Group{Needed: needed}
			for _, who := range words[1:] {
				g.Approvers = append(g.Approvers, PersonRef{ID: who, Name: who})
			}
			l.Groups = append(l.Groups, g)
		}
		a.Levels = append(a.Levels, l)
	}
	return (*Approval)(nil).ruledBy(a)
}

// outcome is "passed", or which level is open and who is asked there.
func outcome(p *Plan) string { return outcomeUnder(p, nil) }

func outcomeUnder(p *Plan, rules *Rules) string {
	if p.Approval.passed() {
		return "passed"
	}
	var asked []string
	for _, a := range p.Asked(rules) {
		asked = append(asked, a.ID)
	}
	return fmt.Sprintf("%d: %s", p.Approval.OpenLevel()+1, strings.Join(asked, " "))
}

// enough is the model: the approvals of these people pass the level.
func enough(l Level, people []string) bool {
	votes := map[string]string{}
	for _, who := range people {
		votes[who] = who
	}
	return seated(l, votes) == l.Need()
}

// seated is the model: it tries every way to give each of those who voted to a group in
// which they decided a place, or to none, and returns the most approvals that come of it.
// votes tells by place who decided. Whoever is named in the level decides there for
// nobody else; to whom it was escalated goes to any group.
func seated(l Level, votes map[string]string) int {
	places := map[string][]string{}
	for place, by := range votes {
		if place == by || !l.Has(by) {
			places[by] = append(places[by], place)
		}
	}
	voters := slices.Collect(maps.Keys(places))
	given := make([]int, len(l.Groups))
	var try func(i int) int
	try = func(i int) int {
		if i == len(voters) {
			n := 0
			for j := range l.Groups {
				n += min(given[j], l.Groups[j].Need())
			}
			return n
		}
		most := try(i + 1)
		for j, g := range l.Groups {
			if slices.ContainsFunc(slices.Concat(g.Approvers, l.StandIns), func(p PersonRef) bool { return slices.Contains(places[voters[i]], p.ID) }) {
				given[j]++
				most = max(most, try(i+1))
				given[j]--
			}
		}
		return most
	}
	return try(0)
}

// modelled is the outcome by the model. Somebody helps if, with some others, they make a
// level pass that does not pass with these others alone.
func modelled(a *Approval, voted []string) string {
	for i, l := range a.Levels {
		if enough(l, voted) {
			continue
		}
		var rest, asked []string
		for _, p := range l.people() {
			if !slices.Contains(voted, p.ID) {
				rest = append(rest, p.ID)
			}
		}
		for n, who := range rest {
			for set := range 1 << len(rest) {
				if set&(1<<n) != 0 {
					continue
				}
				with := slices.Clone(voted)
				for m := range rest {
					if set&(1<<m) != 0 {
						with = append(with, rest[m])
					}
				}
				if !enough(l, with) && enough(l, append(with, who)) {
					asked = append(asked, who)
					break
				}
			}
		}
		return fmt.Sprintf("%d: %s", i+1, strings.Join(asked, " "))
	}
	return "passed"
}

func votedBy(a *Approval, people []string) *Plan {
	a.Votes = nil
	for _, who := range people {
		a.Votes = append(a.Votes, Vote{By: PersonRef{ID: who, Name: who}, Approve: true})
	}
	return &Plan{Approval: a}
}

var ruleRows = []struct {
	rule  string
	votes map[string]string // who has approved: what comes of it
}{
	{"any b c", map[string]string{"": "1: b c", "b": "passed", "c": "passed", "x": "1: b c"}},
	{"all b c", map[string]string{"": "1: b c", "b": "1: c", "c": "1: b", "b c": "passed"}},
	{"2 b c d", map[string]string{"": "1: b c d", "d": "1: b c", "b d": "passed", "b c d": "passed"}},
	{"any b; any c", map[string]string{"": "1: b", "b": "2: c", "c": "1: b", "b c": "passed"}},
	{"any b c; all d e", map[string]string{"": "1: b c", "c": "2: d e", "c d": "2: e", "d e": "1: b c", "b d e": "passed"}},
	// One person counts in every level, but once in each.
	{"any b; any b", map[string]string{"": "1: b", "b": "passed"}},
	{"any b c; all b c; any b", map[string]string{"": "1: b c", "b": "2: c", "c": "2: b", "b c": "passed"}},
	// In two groups of a level somebody counts where it helps most, in whatever order.
	{"any b c + any b", map[string]string{"": "1: b c", "b": "1: c", "c": "1: b", "b c": "passed"}},
	{"any b + any b c", map[string]string{"": "1: b c", "b": "1: c", "c": "1: b", "c b": "passed"}},
	{"any b c + any c d", map[string]string{"c": "1: b d", "b c": "passed", "c d": "passed", "b d": "passed", "d": "1: b c"}},
	{"any b c + any c d + any d b", map[string]string{"": "1: b c d", "b c": "1: d", "d": "1: b c", "d c b": "passed"}},
	{"2 b c d + any b", map[string]string{"b": "1: c d", "b c": "1: d", "c d": "1: b", "b c d": "passed"}},
	{"2 b c d + 2 c d e", map[string]string{"c d": "1: b e", "b c": "1: d e", "b c d": "1: e", "b c d e": "passed", "e": "1: b c d"}},
	{"all b c + any c d", map[string]string{"b": "1: c d", "c d": "1: b", "b d": "1: c", "b c": "1: d", "b c d": "passed"}},
	{"any b c d + any b c + any b", map[string]string{"b": "1: c d", "b c": "1: d", "c d": "1: b", "d": "1: b c", "d c b": "passed"}},
	{"2 b c d e + 2 d e f g; any f", map[string]string{
		"": "1: b c d e f g", "d e": "1: b c f g", "b c": "1: d e f g", "b c d": "1: e f g", "b c d f": "passed", "b c d e": "2: f", "f g": "1: b c d e",
	}},
	// Whoever cannot help any more is not asked, though they are of the level.
	{"any b c + any d", map[string]string{"b": "1: d", "d": "1: b c", "c b": "1: d", "b d": "passed"}},
	{"any b c d + any d e + any e", map[string]string{"d": "1: b c e", "b": "1: d e", "b d": "1: e", "e d": "1: b c", "b c": "1: d e", "e d c": "passed"}},
}

func TestRulesAndVotes(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, row := range ruleRows {
		for who, want := range row.votes {
			rows++
			a := ruled(t, row.rule)
			people := strings.Fields(who)
			got, model := outcome(votedBy(a, people)), modelled(a, people)
			if got != want || model != want {
				t.Errorf("%q, approved by %q: got %q, the model says %q, want %q", row.rule, who, got, model, want)
			}
		}
	}
	if rows < 60 {
		t.Errorf("only %d rows", rows)
	}
}

// awayRows are rules while somebody is away: "b>e" says that e stands in for b, and the
// vote "e/b" that e decided in the place of b.
var awayRows = []struct {
	rule, away string
	votes      map[string]string
}{
	{"any b c", "b>e", map[string]string{"": "1: e c", "e/b": "passed", "b": "passed", "c": "passed"}},
	{"any b c", "x>e", map[string]string{"": "1: b c", "b": "passed"}},
	{"all b c", "b>e", map[string]string{"": "1: e c", "e/b": "1: c", "c": "1: e", "e/b c": "passed", "b c": "passed"}},
	{"2 b c d", "b>e", map[string]string{"": "1: e c d", "e/b": "1: c d", "e/b c": "passed", "c d": "passed"}},
	// Whoever is named in the level decides there for themselves only.
	{"all b c", "b>c", map[string]string{"": "1: b c", "c": "1: b", "b": "1: c", "b c": "passed", "c/b": "1: b c", "c/b c": "1: b"}},
	{"any b; any c", "b>c", map[string]string{"": "1: c", "c/b": "2: c", "c/b c": "passed", "b": "2: c"}},
	{"any b; all b e", "b>e", map[string]string{"": "1: e", "b": "2: e", "e/b": "2: b e", "e/b e": "2: b", "b e": "passed"}},
	// One who stands in for two is one.
	{"all b c", "b>e c>e", map[string]string{"": "1: e", "e/b": "1: c", "e/c": "1: b", "e/b c": "passed", "e/b e/c": "1: b c"}},
	{"any b c", "b>e c>e", map[string]string{"": "1: e", "e/b": "passed", "e/c": "passed"}},
	{"all b c d", "b>e d>e", map[string]string{"e/b": "1: c d", "e/b c": "1: d", "e/b c d": "passed"}},
	{"any b + any c d", "b>e c>e", map[string]string{"": "1: e d", "e/b": "1: c d", "e/c": "1: b", "e/b d": "passed", "d": "1: e"}},
	{"any b c + any b", "b>e", map[string]string{"": "1: e c", "c": "1: e", "e/b": "1: c", "e/b c": "passed"}},
	{"2 b c d + any b", "b>e", map[string]string{"": "1: e c d", "e/b c": "1: d", "c d": "1: e", "e/b c d": "passed"}},
	// It goes no further than to the one who is named.
	{"any b", "b>c c>e", map[string]string{"": "1: c", "c/b": "passed"}},
	{"any b; any c", "b>c c>e", map[string]string{"": "1: c", "c/b": "2: e", "c/b e/c": "passed", "b c": "passed"}},
}

// votesOf reads votes such as "e/b c": by place, who decided there.
func votesOf(said string) map[string]string {
	votes := map[string]string{}
	for _, vote := range strings.Fields(said) {
		by, place, stood := strings.Cut(vote, "/")
		if !stood {
			place = by
		}
		votes[place] = by
	}
	return votes
}

// modelledAway is the outcome by the model: each place that is free is asked of the one
// who stands in, if that brings the level on, else of the approver.
func modelledAway(a *Approval, votes map[string]string, away []Delegation) string {
	for i, l := range a.Levels {
		given := seated(l, votes)
		if given == l.Need() {
			continue
		}
		var asked []string
		for _, x := range l.people() {
			candidates := []string{x.ID}
			for _, d := range away {
				if d.Of.ID == x.ID {
					candidates = []string{d.To.ID, x.ID}
				}
			}
			for _, by := range candidates {
				if was := votes[x.ID]; was == x.ID || was != "" && by != x.ID {
					continue
				}
				with := maps.Clone(votes)
				if with[x.ID] = by; seated(l, with) > given {
					if !slices.Contains(asked, by) {
						asked = append(asked, by)
					}
					break
				}
			}
		}
		return fmt.Sprintf("%d: %s", i+1, strings.Join(asked, " "))
	}
	return "passed"
}

func votedInPlaces(a *Approval, votes map[string]string) *Plan {
	p := votedBy(a, nil)
	for place, by := range votes {
		v := Vote{By: PersonRef{by, by}, Approve: true}
		if by != place {
			v.For = PersonRef{place, place}
		}
		a.Votes = append(a.Votes, v)
	}
	return p
}

func TestRulesAndVotesWhileSomebodyIsAway(t *testing.T) {
	t.Parallel()
	rows := 0
	for _, row := range awayRows {
		for said, want := range row.votes {
			rows++
			a, votes, away := ruled(t, row.rule), votesOf(said), delegated(row.away)
			got, model := outcomeUnder(votedInPlaces(a, votes), &Rules{Delegations: away}), modelledAway(a, votes, away)
			if got != want || model != want {
				t.Errorf("%q, %s, approved by %q: got %q, the model says %q, want %q", row.rule, row.away, said, got, model, want)
			}
		}
	}
	if rows < 50 {
		t.Errorf("only %d rows", rows)
	}
}

func TestAnyRuleWhileSomebodyIsAwayAgreesWithTheModel(t *testing.T) {
	t.Parallel()
	people := []string{"b", "c", "d", "e", "f"}
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 12))
		rule := ruleRows[r.IntN(len(ruleRows))].rule
		var away []string
		for _, who := range people[:1+r.IntN(4)] {
			if to := people[r.IntN(len(people))]; to != who {
				away = append(away, who+">"+to)
			}
		}
		a, rules := ruled(t, rule), &Rules{Delegations: delegated(strings.Join(away, " "))}
		votes := map[string]string{}
		// Everybody clicks as long as there is something to click.
		for range 12 {
			p := votedInPlaces(a, votes)
			if got, want := outcomeUnder(p, rules), modelledAway(a, votes, rules.Delegations); got != want {
				t.Fatalf("%q, %v, approved by %v: got %q, want %q", rule, away, votes, got, want)
			}
			by := people[r.IntN(len(people))]
			if place := a.placeFor(by, rules); place != nil && !a.passed() {
				if place.ID != by && !rules.standsIn(by, place.ID) {
					t.Fatalf("%q, %v, approved by %v: %s decides for %s", rule, away, votes, by, place.ID)
				}
				votes[place.ID] = by
			}
		}
		if p := votedInPlaces(a, votes); !a.passed() && len(p.Asked(rules)) == 0 {
			t.Fatalf("%q, %v, approved by %v: nobody is asked any more", rule, away, votes)
		}
	}
}

func TestAnyRuleAndVotesAgreeWithTheModel(t *testing.T) {
	t.Parallel()
	people := []string{"b", "c", "d", "e", "f"}
	for seed := range uint64(120) {
		r := rand.New(rand.NewPCG(seed, 11))
		var levels []string
		for range 1 + r.IntN(3) {
			var groups []string
			for range 1 + r.IntN(3) {
				who := slices.Clone(people)
				r.Shuffle(len(who), func(i, j int) { who[i], who[j] = who[j], who[i] })
				who = who[:1+r.IntN(4)]
				groups = append(groups, strconv.Itoa(1+r.IntN(len(who)))+" "+strings.Join(who, " "))
			}
			levels = append(levels, strings.Join(groups, " + "))
		}
		rule := strings.Join(levels, "; ")
		a := ruled(t, rule)
		var f Faults
		a.checkLevels(&f)
		possible := !slices.ContainsFunc(a.Levels, func(l Level) bool { return !enough(l, people) })
		if (f.Len() == 0) != possible {
			t.Fatalf("%q: the check says %v", rule, f.Err("", ""))
		}
		if !possible {
			continue // nobody can submit it
		}
		for set := range 1 << len(people) {
			var voted []string
			for i, who := range people {
				if set&(1<<i) != 0 {
					voted = append(voted, who)
				}
			}
			r.Shuffle(len(voted), func(i, j int) { voted[i], voted[j] = voted[j], voted[i] })
			sorted := func(s string) string { w := strings.Fields(s); slices.Sort(w); return strings.Join(w, " ") }
			if got, want := outcome(votedBy(a, voted)), modelled(a, voted); sorted(got) != sorted(want) {
				t.Fatalf("%q, approved by %v: got %q, want %q", rule, voted, got, want)
			}
		}
	}
}

func TestARuleIsKeptAsItIsWritten(t *testing.T) {
	t.Parallel()
	a := ruled(t, "any b c + 2 c d e; all d e")
	a.Levels[0].Name, a.Levels[1].Groups[0].Name = "QA", "leads"
	data, err := json.Marshal(a.Levels)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"needed":"any"`, `"needed":2`, `"needed":"all"`} {
		if !strings.Contains(string(data), part) {
			t.Errorf("%s is not in %s", part, data)
		}
	}
	var back []Level
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a.Levels, back); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{`"some"`, `0`, `-1`, `1.5`, `null`, `true`} {
		var q Quorum
		if err := json.Unmarshal([]byte(bad), &q); err == nil {
			t.Errorf("%s is read as %d", bad, q)
		}
	}
	if a.Needed != 5 || len(a.Approvers) != 4 {
		t.Errorf("in all %d of %v", a.Needed, a.Approvers)
	}
	if got, want := a.Levels[0].Text(), T("any of b, c and 2 of c, d, e", "b、c任一，以及 c、d、e中的 2 人"); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestARuleThatContradictsItselfIsRefused(t *testing.T) {
	t.Parallel()
	group := func(needed Quorum, who ...string) Group {
		g := Group{Needed: needed}
		for _, id := range who {
			g.Approvers = append(g.Approvers, PersonRef{ID: id, Name: id})
		}
		return g
	}
	crowd := make([]string, MaxPersons+1)
	for i := range crowd {
		crowd[i] = fmt.Sprint("p", i)
	}
	for path, levels := range map[string][]Level{
		"approval.levels[0].groups":                 {{}},
		"approval.levels[0].groups[0].approvers":    {{Groups: []Group{group(1)}}},
		"approval.levels[0].groups[0].approvers[1]": {{Groups: []Group{group(1, "b", "b")}}},
		"approval.levels[0].groups[0].needed":       {{Groups: []Group{group(3, "b", "c")}}},
		"approval.levels[1].groups[0].needed":       {{Groups: []Group{group(1, "b")}}, {Groups: []Group{group(0, "c")}}},
		"approval.levels[0]":                        {{Groups: []Group{group(1, "b"), group(1, "b")}}},
		"approval.levels[0].name":                   {{Name: "two\nlines", Groups: []Group{group(1, "b")}}},
		"approval.levels[0].groups[0].name":         {{Groups: []Group{{Name: " ", Needed: 1, Approvers: []PersonRef{{ID: "b"}}}}}},
		"approval.levels":                           {{Groups: []Group{group(1, crowd...)}}},
	} {
		w := newWorld(t)
		d := w.draft()
		d.Approval = &Approval{Type: NativeApproval, Levels: levels}
		problems := ProblemsOf(d.Check())
		if len(problems) != 1 || problems[0].Path != path {
			t.Errorf("%s: %v", path, problems)
		}
	}
	w := newWorld(t)
	d := w.draft()
	for range MaxLevels + 1 {
		d.Approval.Levels = append(d.Approval.Levels, Level{Groups: []Group{group(1, "b")}})
	}
	if problems := ProblemsOf(d.Check()); len(problems) != 1 || problems[0].Path != "approval.levels" {
		t.Errorf("too many levels: %v", problems)
	}
}
