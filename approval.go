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
}

// Level is one step of an approval. It opens when those before it have passed, and
// passes when each of its groups has its approvals. Within a level an approval counts
// in one group, where it helps most; it counts in every level that names the person.
type Level struct {
	Name   string  `json:"name,omitempty"`
	Groups []Group `json:"groups"`
}

// Group is people of whom some must approve.
type Group struct {
	Name string `json:"name,omitempty"`
	// Type says where they are asked; "" is where the approval says.
	Type      ApprovalType `json:"type,omitempty"`
	Approvers []PersonRef  `json:"approvers"`
	Needed    Quorum       `json:"needed"`
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
	names := make([]Text, len(g.Approvers))
	for i, a := range g.Approvers {
		names[i] = Text{EN: a.Name, ZH: a.Name}
	}
	of := T("%[1]d of %[2]s", "%[2]s中的 %[1]d 人", g.Need(), JoinTexts(names))
	switch {
	case len(g.Approvers) == 1:
		of = names[0]
	case g.Need() == len(g.Approvers):
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

// Has tells whether the level names the user.
func (l *Level) Has(userID string) bool {
	return slices.ContainsFunc(l.Groups, func(g Group) bool { return g.has(userID) })
}

func (g *Group) has(userID string) bool {
	return userID != "" && slices.ContainsFunc(g.Approvers, func(p PersonRef) bool { return p.ID == userID })
}

// people lists everybody whom the level names, once each.
func (l *Level) people() []PersonRef {
	var out []PersonRef
	for _, g := range l.Groups {
		for _, p := range g.Approvers {
			if !slices.ContainsFunc(out, func(o PersonRef) bool { return o.ID == p.ID }) {
				out = append(out, p)
			}
		}
	}
	return out
}

// count returns how many of the approvals that the level takes these people give, when
// each counts in the group where it helps most: a largest matching of people and places.
func (l *Level) count(approved func(userID string) bool) int {
	seats := make([][]string, len(l.Groups))
	var seat func(id string, tried []bool) bool
	seat = func(id string, tried []bool) bool {
		for i := range l.Groups {
			g := &l.Groups[i]
			if tried[i] || !g.has(id) {
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
	for _, p := range l.people() {
		if approved(p.ID) && seat(p.ID, make([]bool, len(l.Groups))) {
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
)

// Vote is what one approver said.
type Vote struct {
	By      PersonRef `json:"by"`
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
		return a.Levels
	}
	g := Group{Approvers: a.Approvers, Needed: Quorum(a.Needed)}
	if a.Type.Outside() {
		g.Type = a.Type
	}
	return []Level{{Groups: []Group{g}}}
}

// settle fills in what follows from the levels, and what they take from the approval.
func (a *Approval) settle() {
	if len(a.Levels) == 0 {
		return
	}
	a.Needed, a.Approvers = 0, nil
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
	c.Content, c.Votes, c.Result, c.Earlier, c.Contents, c.Outside, c.RemindedAt = "", nil, ApprovalOpen, nil, nil, nil, 0
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
		n += a.here(&rule[i]).count(a.approvedBy) + a.elsewhere(i, &rule[i])
	}
	return n
}

// OpenLevel returns the place of the level that is asked now, from 0; the number of
// levels if all have passed.
func (a *Approval) OpenLevel() int {
	rule := a.Rule()
	for i := range rule {
		if l := a.here(&rule[i]); l.count(a.approvedBy) < l.Need() || !a.agreed(i, &rule[i]) {
			return i
		}
	}
	return len(rule)
}

// passed tells whether every level has its approvals.
func (a *Approval) passed() bool { return a.OpenLevel() == len(a.Rule()) }

func (a *Approval) approvedBy(userID string) bool {
	v := a.VoteOf(userID)
	return v != nil && v.Approve
}

// inOpenLevel tells whether the level that is asked now names the user in a group that is
// asked in Slipway itself.
func (a *Approval) inOpenLevel(userID string) bool {
	rule, n := a.Rule(), a.OpenLevel()
	return n < len(rule) && a.here(&rule[n]).Has(userID)
}

// VoteOf returns the vote of a user, nil if there is none.
func (a *Approval) VoteOf(userID string) *Vote {
	for i := range a.Votes {
		if a.Votes[i].By.ID == userID {
			return &a.Votes[i]
		}
	}
	return nil
}

// Has tells whether the user is an approver.
func (a *Approval) Has(userID string) bool {
	return userID != "" && slices.ContainsFunc(a.Approvers, func(p PersonRef) bool { return p.ID == userID })
}

// sameRule tells whether two approvals ask the same of the same people.
func (a *Approval) sameRule(b *Approval) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	if len(a.Levels) == 0 && len(b.Levels) == 0 {
		return a.Type == b.Type && a.Needed == b.Needed && slices.Equal(a.Approvers, b.Approvers)
	}
	return a.Type == b.Type && slices.EqualFunc(a.Levels, b.Levels, func(x, y Level) bool {
		return x.Name == y.Name && slices.EqualFunc(x.Groups, y.Groups, func(g, h Group) bool {
			return g.Name == h.Name && a.typeOf(&g) == b.typeOf(&h) && g.Needed == h.Needed && slices.Equal(g.Approvers, h.Approvers)
		})
	})
}

func (a *Approval) clone() *Approval {
	if a == nil {
		return nil
	}
	c := *a
	c.Approvers, c.Votes, c.Earlier = slices.Clone(a.Approvers), slices.Clone(a.Votes), slices.Clone(a.Earlier)
	c.Contents = slices.Clone(a.Contents) // each of them never changes
	c.Outside = slices.Clone(a.Outside)
	for i, q := range c.Outside {
		c.Outside[i].Said = slices.Clone(q.Said)
	}
	c.Levels = slices.Clone(a.Levels)
	for i, l := range c.Levels {
		c.Levels[i].Groups = slices.Clone(l.Groups)
		for j, g := range l.Groups {
			c.Levels[i].Groups[j].Approvers = slices.Clone(g.Approvers)
		}
	}
	return &c
}
