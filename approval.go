package slipway

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// ApprovalType says where an approval is decided.
type ApprovalType string

// The documented approval types.
const (
	NativeApproval   ApprovalType = "native"
	LarkApproval     ApprovalType = "lark"
	DingTalkApproval ApprovalType = "dingtalk"
)

// Approval says who must agree, and what each has said.
type Approval struct {
	Type ApprovalType `json:"type"`
	// Needed of Approvers is the documented rule: one level with one group. With Levels
	// the plan fills both in: how many approvals it takes, and everybody who is named.
	Needed    int         `json:"needed_approvers"`
	Approvers []PersonRef `json:"approvers"`
	Levels    []Level     `json:"levels,omitempty"`
	TimeRules

	// Content is the digest of what is asked for, once it is asked. All Votes are about
	// it.
	Content string         `json:"content,omitempty"`
	Votes   []Vote         `json:"votes"`
	Result  ApprovalResult `json:"result"`
	// Earlier are approvals of earlier rounds, the last one of each person. They count
	// again when the same content is submitted.
	Earlier []Vote `json:"earlier,omitempty"`
	// Contents are what Content, Votes and Earlier are about.
	Contents []Content `json:"contents,omitempty"`
	// Outside is what is and was asked in other approval systems.
	Outside []Question `json:"outside,omitempty"`
	// RemindedAt is when those who are still asked were reminded last, in Unix seconds.
	RemindedAt int64 `json:"reminded_at,omitempty"`
	// Transfers are places that were passed on in this round; the rule shows them already.
	Transfers []Transfer `json:"transfers,omitempty"`
	// Waiting is set when the approval is asked for; Escalations are of this round.
	Waiting     *Waiting     `json:"waiting,omitempty"`
	Escalations []Escalation `json:"escalations,omitempty"`
}

// Level is one step of an approval. It opens when those before it have passed, and
// passes when each of its groups has its approvals. Within a level an approval counts
// in one group, where it helps most; it counts in every level that names the person.
type Level struct {
	Name   string  `json:"name,omitempty"`
	Groups []Group `json:"groups"`
	// StandIns may take a place in any of the groups; Rule fills them in.
	StandIns []PersonRef `json:"-"`
	// Elsewhere are people of its groups that are asked in other systems, where only those
	// of Slipway itself are looked at: they count there, and here for nobody.
	Elsewhere []PersonRef `json:"-"`
}

// Group is people of whom some must approve.
type Group struct {
	Name string `json:"name,omitempty"`
	// Type says where they are asked; "" is where the approval says.
	Type ApprovalType `json:"type,omitempty"`
	// Approvers are those who are named and, once the approval is asked for, Found.
	Approvers []PersonRef `json:"approvers"`
	Needed    Quorum      `json:"needed"`
	From      []Source    `json:"from,omitempty"`
	Found     []PersonRef `json:"found,omitempty"` // who was looked up in From, and is not named
}

// Quorum is how many of a group must approve: a number, or QuorumAll.
type Quorum int

// The quorums that have a name; in JSON they are "any" and "all".
const (
	QuorumAny Quorum = 1
	QuorumAll Quorum = -1
)

// ParseQuorum reads any, all or a number.
func ParseQuorum(word string) (Quorum, bool) {
	switch word {
	case "any":
		return QuorumAny, true
	case "all":
		return QuorumAll, true
	}
	n, err := strconv.Atoi(word)
	return Quorum(n), err == nil && n > 0
}

// MarshalJSON writes "any", "all" or a number.
func (q Quorum) MarshalJSON() ([]byte, error) {
	switch q {
	case QuorumAny:
		return []byte(`"any"`), nil
	case QuorumAll:
		return []byte(`"all"`), nil
	}
	return strconv.AppendInt(nil, int64(q), 10), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (q *Quorum) UnmarshalJSON(data []byte) error {
	var word string
	if json.Unmarshal(data, &word) != nil {
		word = string(data)
	}
	read, ok := ParseQuorum(word)
	if !ok {
		return fmt.Errorf("any, all or a number from 1 is expected, not %s", data)
	}
	*q = read
	return nil
}

// Need is how many approvals the group takes.
func (g *Group) Need() int {
	if g.Needed == QuorumAll {
		return len(g.Approvers)
	}
	return int(g.Needed)
}

// Text says whose approvals the group takes: "any of Bob, Carol".
func (g *Group) Text() Text {
	names := make([]Text, 0, len(g.Approvers)+len(g.From))
	for _, a := range g.Approvers {
		names = append(names, Text{EN: a.Name, ZH: a.Name})
	}
	for _, s := range g.From {
		if g.open() {
			names = append(names, T(string(s), string(s)))
		}
	}
	of := T("%[1]d of %[2]s", "%[2]s中的 %[1]d 人", g.Need(), JoinTexts(names))
	switch {
	case len(names) == 1 && !g.open():
		of = names[0]
	case g.Needed == QuorumAll || g.Need() == len(names) && !g.open():
		of = T("all of %s", "%s全部", JoinTexts(names))
	case g.Need() == 1:
		of = T("any of %s", "%s任一", JoinTexts(names))
	}
	if g.Name != "" {
		of = T("%[1]s (%[2]s)", "%[1]s（%[2]s）", g.Name, of)
	}
	if g.Type.Outside() {
		of = T("%[1]s in %[2]s", "%[1]s（%[2]s审批）", of, g.Type.Text())
	}
	return of
}

// Text says what the level takes.
func (l *Level) Text() Text {
	groups := make([]Text, len(l.Groups))
	for i := range l.Groups {
		groups[i] = l.Groups[i].Text()
	}
	and := Text{EN: " and ", ZH: "，以及 "}
	return joinTexts(groups, and, and)
}

// Title names the level that stands at a place, from 0.
func (l *Level) Title(place int) Text {
	if l.Name == "" {
		return T("Level %d", "第 %d 级", place+1)
	}
	return T("Level %[1]d, %[2]s", "第 %[1]d 级（%[2]s）", place+1, l.Name)
}

// Need is how many approvals the level takes.
func (l *Level) Need() int {
	n := 0
	for i := range l.Groups {
		n += l.Groups[i].Need()
	}
	return n
}

// Has tells whether the level names the user, or was put before them.
func (l *Level) Has(userID string) bool { return l.standsIn(userID) || l.names(userID) }

func (l *Level) names(userID string) bool {
	return slices.ContainsFunc(l.Groups, func(g Group) bool { return g.has(userID) })
}

func (g *Group) has(userID string) bool { return isAmong(g.Approvers, userID) }

func isAmong(people []PersonRef, userID string) bool {
	return userID != "" && slices.ContainsFunc(people, func(p PersonRef) bool { return p.ID == userID })
}

func (l *Level) approvers() [][]PersonRef {
	out := make([][]PersonRef, len(l.Groups), len(l.Groups)+1)
	for i, g := range l.Groups {
		out[i] = g.Approvers
	}
	return out
}

// people lists everybody whom the level names, and who stands in for them, once each.
func (l *Level) people() []PersonRef {
	var out []PersonRef
	for _, people := range append(l.approvers(), l.StandIns) {
		for _, p := range people {
			if !slices.ContainsFunc(out, func(o PersonRef) bool { return o.ID == p.ID }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// count returns how many of the approvals that the level takes are given, when voter
// tells who approved in the place of each of its people, "" for nobody. Whoever is named
// here counts in their own place only, whoever is asked elsewhere not at all, and whoever
// approved in several places counts once, in the group where it helps most: a largest
// matching of voters and groups.
func (l *Level) count(voter func(userID string) string) int {
	var voters []string
	places := map[string][]string{}
	for _, p := range l.people() {
		if v := voter(p.ID); v != "" && !isAmong(l.Elsewhere, v) && (v == p.ID || !l.Has(v)) {
			if places[v] == nil {
				voters = append(voters, v)
			}
			places[v] = append(places[v], p.ID)
		}
	}
	seats := make([][]string, len(l.Groups))
	var seat func(id string, tried []bool) bool
	seat = func(id string, tried []bool) bool {
		for i := range l.Groups {
			g := &l.Groups[i]
			if tried[i] || !slices.ContainsFunc(places[id], g.has) && !slices.ContainsFunc(places[id], l.standsIn) {
				continue
			}
			tried[i] = true
			if len(seats[i]) < g.Need() {
				seats[i] = append(seats[i], id)
				return true
			}
			for j, other := range seats[i] {
				if seat(other, tried) {
					seats[i][j] = id
					return true
				}
			}
		}
		return false
	}
	n := 0
	for _, id := range voters {
		if seat(id, make([]bool, len(l.Groups))) {
			n++
		}
	}
	return n
}

// ApprovalResult is the outcome of an approval.
type ApprovalResult string

// The outcomes of an approval.
const (
	ApprovalOpen     ApprovalResult = ""
	ApprovalPassed   ApprovalResult = "passed"
	ApprovalRejected ApprovalResult = "rejected"
	ApprovalExpired  ApprovalResult = "expired" // nobody decided in time; the plan is denied
)

// Vote is what was said in the place of one approver.
type Vote struct {
	By PersonRef `json:"by"`
	// For is the approver in whose place it was said, empty if that is By.
	For     PersonRef `json:"for,omitzero"`
	Approve bool      `json:"approve"`
	Comment string    `json:"comment,omitempty"`
	At      int64     `json:"at"`
	// Content is the digest of what it was said about.
	Content string `json:"content,omitempty"`
}

// Rule returns the levels of the approval; the documented rule is one level with one
// group.
func (a *Approval) Rule() []Level {
	if len(a.Levels) > 0 {
		return a.withStandIns(a.Levels)
	}
	g := Group{Approvers: a.Approvers, Needed: Quorum(a.Needed)}
	if a.Type.Outside() {
		g.Type = a.Type
	}
	return a.withStandIns([]Level{{Groups: []Group{g}}})
}

// settle fills in what follows from the levels, and what they take from the approval.
func (a *Approval) settle() {
	if len(a.Levels) == 0 {
		return
	}
	a.Needed, a.Approvers = 0, []PersonRef{}
	for i := range a.Levels {
		for j := range a.Levels[i].Groups {
			if g := &a.Levels[i].Groups[j]; g.Type == "" && a.Type.Outside() {
				g.Type = a.Type
			}
		}
		a.Needed += a.Levels[i].Need()
		for _, p := range a.Levels[i].people() {
			if !a.Has(p.ID) {
				a.Approvers = append(a.Approvers, p)
			}
		}
	}
}

// ruledBy returns the approval under another rule, nil if there is none: what was said
// before is known still, and counts if it is submitted again.
func (a *Approval) ruledBy(rule *Approval) *Approval {
	if rule == nil {
		return nil
	}
	c := rule.clone()
	c.restore()
	c.Content, c.Votes, c.Result, c.Earlier, c.Contents, c.Outside, c.RemindedAt = "", nil, ApprovalOpen, nil, nil, nil, 0
	c.Waiting, c.Escalations = nil, nil
	if a != nil {
		o := a.clone()
		c.Earlier, c.Contents, c.Outside = o.Earlier, o.Contents, o.Outside
	}
	c.settle()
	return c
}

// Approvals counts, of the approvals that are needed, those that are given.
func (a *Approval) Approvals() int {
	n, rule := 0, a.Rule()
	for i := range rule {
		n += a.here(&rule[i]).count(a.voter) + a.elsewhere(i, &rule[i])
	}
	return n
}

// OpenLevel returns the place of the level that is asked now, from 0; the number of
// levels if all have passed.
func (a *Approval) OpenLevel() int {
	rule := a.Rule()
	for i := range rule {
		if l := a.here(&rule[i]); l.count(a.voter) < l.Need() || !a.agreed(i, &rule[i]) {
			return i
		}
	}
	return len(rule)
}

// passed tells whether every level has its approvals.
func (a *Approval) passed() bool { return a.OpenLevel() == len(a.Rule()) }

// voter returns who approved in the place of an approver, "" if nobody did.
func (a *Approval) voter(userID string) string {
	if v := a.VoteOf(userID); v != nil && v.Approve {
		return v.By.ID
	}
	return ""
}

// place is the approver whose vote it is.
func (v *Vote) place() string {
	if v.For.ID != "" {
		return v.For.ID
	}
	return v.By.ID
}

// VoteOf returns the vote in an approver's place, nil if there is none.
func (a *Approval) VoteOf(userID string) *Vote {
	for i := range a.Votes {
		if a.Votes[i].place() == userID {
			return &a.Votes[i]
		}
	}
	return nil
}

// Has tells whether the user is an approver, or became one by escalation.
func (a *Approval) Has(userID string) bool {
	return a.escalatedTo(userID) || isAmong(a.Approvers, userID)
}

// sameRule tells whether two approvals ask the same of the same people.
func (a *Approval) sameRule(b *Approval) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if !a.sameTimes(b.TimeRules) {
		return false
	}
	if len(a.Levels) == 0 && len(b.Levels) == 0 {
		return a.Type == b.Type && a.Needed == b.Needed && slices.Equal(a.Approvers, b.Approvers)
	}
	return a.Type == b.Type && slices.EqualFunc(a.Levels, b.Levels, func(x, y Level) bool {
		return x.Name == y.Name && slices.EqualFunc(x.Groups, y.Groups, func(g, h Group) bool {
			return g.Name == h.Name && a.typeOf(&g) == b.typeOf(&h) && g.Needed == h.Needed && slices.Equal(g.Approvers, h.Approvers) && slices.Equal(g.From, h.From)
		})
	})
}

func (a *Approval) clone() *Approval {
	if a == nil {
		return nil
	}
	c := *a
	c.Approvers, c.Votes, c.Earlier = slices.Clone(a.Approvers), slices.Clone(a.Votes), slices.Clone(a.Earlier)
	c.Contents, c.Transfers = slices.Clone(a.Contents), slices.Clone(a.Transfers)         // each of them never changes
	c.EscalateTo, c.Escalations = slices.Clone(a.EscalateTo), slices.Clone(a.Escalations) // an escalation never changes
	c.Waiting = a.Waiting.clone()
	c.Outside = slices.Clone(a.Outside)
	for i, q := range c.Outside {
		c.Outside[i].Said = slices.Clone(q.Said)
	}
	c.Levels = slices.Clone(a.Levels)
	for i, l := range c.Levels {
		c.Levels[i].Groups = slices.Clone(l.Groups)
		for j, g := range l.Groups {
			c.Levels[i].Groups[j].Approvers, c.Levels[i].Groups[j].Found = slices.Clone(g.Approvers), slices.Clone(g.Found)
		}
	}
	return &c
}
