package slipway

import (
	"slices"
)

// Question is what is asked about a plan in another approval system: one instance there,
// with one node for each group that it covers.
type Question struct {
	Mark string       `json:"mark"` // ours, a UUID; new for everything that is asked
	Type ApprovalType `json:"type"`
	// Level is the first level that it covers, from 0, and Levels how many.
	Level  int            `json:"level"`
	Levels int            `json:"levels"`
	Nodes  []QuestionNode `json:"nodes"`
	// Content is the digest of what is asked for.
	Content string        `json:"content"`
	Asker   PersonRef     `json:"asker"`
	State   QuestionState `json:"state"`
	// Reason says what is in the way of an answer.
	Reason *Text     `json:"reason,omitempty"`
	Ref    string    `json:"ref,omitempty"` // the instance there
	URL    string    `json:"url,omitempty"` // its page
	Said   []Opinion `json:"said,omitempty"`
	At     int64     `json:"at"` // since when it is asked
}

// QuestionNode is one step of a question: any of its approvers, or all of them.
type QuestionNode struct {
	Name      string      `json:"name,omitempty"`
	Approvers []PersonRef `json:"approvers"`
	All       bool        `json:"all,omitempty"`
}

// Opinion is what one person said in the other system.
type Opinion struct {
	By      PersonRef `json:"by"` // without an id if it is nobody whom Slipway knows
	Account string    `json:"account"`
	Approve bool      `json:"approve"`
	Comment string    `json:"comment,omitempty"`
	At      int64     `json:"at"`
}

// QuestionState is the state of a question.
type QuestionState string

// The states of a question. It begins as asking and is open once there is an instance.
const (
	QuestionAsking    QuestionState = "asking"
	QuestionOpen      QuestionState = "open"
	QuestionApproved  QuestionState = "approved"
	QuestionRejected  QuestionState = "rejected"
	QuestionWithdrawn QuestionState = "withdrawn" // there, by people
	QuestionDeleted   QuestionState = "deleted"   // there, by people
	QuestionRefused   QuestionState = "refused"   // not taken there, or what was said does not count
	QuestionClosed    QuestionState = "closed"    // taken back by Slipway
)

// UnderWay tells whether an answer is waited for.
func (q *Question) UnderWay() bool { return q.State == QuestionAsking || q.State == QuestionOpen }

// Lapsed tells whether it came to an end that is no answer: it has to be asked again.
func (q *Question) Lapsed() bool {
	return slices.Contains([]QuestionState{QuestionWithdrawn, QuestionDeleted, QuestionRefused}, q.State)
}

// covers tells whether the question is about a level.
func (q *Question) covers(level int) bool { return q.Level <= level && level < q.Level+q.Levels }

// asks tells whether two questions ask the same people in the same way.
func (q *Question) asks(o *Question) bool {
	return q.Type == o.Type && q.Level == o.Level && q.Levels == o.Levels &&
		slices.EqualFunc(q.Nodes, o.Nodes, func(x, y QuestionNode) bool {
			return x.All == y.All && slices.EqualFunc(x.Approvers, y.Approvers, func(a, b PersonRef) bool { return a.ID == b.ID })
		})
}

// Outside tells whether approvals of the type are given in another system.
func (t ApprovalType) Outside() bool { return t == LarkApproval || t == DingTalkApproval }

// Text names the system in which approvals of the type are given.
func (t ApprovalType) Text() Text {
	switch t {
	case LarkApproval:
		return T("Feishu", "飞书")
	case DingTalkApproval:
		return T("DingTalk", "钉钉")
	case NativeApproval:
	}
	return T("Slipway", "Slipway")
}

// typeOf says where a group is asked.
func (a *Approval) typeOf(g *Group) ApprovalType {
	switch {
	case g.Type != "":
		return g.Type
	case a.Type != "":
		return a.Type
	}
	return NativeApproval
}

// here is a level with those of its groups that are asked in Slipway itself, and Elsewhere.
func (a *Approval) here(l *Level) *Level {
	out := *l
	out.Groups = nil
	for i := range l.Groups {
		if a.typeOf(&l.Groups[i]).Outside() {
			out.Elsewhere = append(out.Elsewhere, l.Groups[i].Approvers...)
			continue
		}
		out.Groups = append(out.Groups, l.Groups[i])
	}
	return &out
}

// types lists where the groups of a level are asked.
func (a *Approval) types(l *Level) []ApprovalType {
	var out []ApprovalType
	for i := range l.Groups {
		if t := a.typeOf(&l.Groups[i]); !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	return out
}

// needs lists the questions that the rule takes: one for each run of levels that consist
// of groups of one type alone, and for each type one in a level of several. Somebody who
// may not decide is left out where anybody of a group will do.
func (a *Approval) needs(p *Plan, rules *Rules) []Question {
	var out []Question
	rule := a.Rule()
	for i := 0; i < len(rule); {
		types, n := a.types(&rule[i]), 1
		if len(types) == 1 && types[0].Outside() {
			for i+n < len(rule) && slices.Equal(a.types(&rule[i+n]), types) {
				n++
			}
		}
		for _, t := range types {
			if !t.Outside() {
				continue
			}
			q := Question{Type: t, Level: i, Levels: n}
			for j := i; j < i+n; j++ {
				q.Nodes = append(q.Nodes, a.nodes(p, rules, &rule[j], t)...)
			}
			out = append(out, q)
		}
		i += n
	}
	return out
}

func (a *Approval) nodes(p *Plan, rules *Rules, l *Level, t ApprovalType) []QuestionNode {
	var out []QuestionNode
	for i := range l.Groups {
		g := &l.Groups[i]
		if a.typeOf(g) != t {
			continue
		}
		n := QuestionNode{Name: g.Name, All: g.Need() > 1}
		if n.Name == "" {
			n.Name = l.Name
		}
		for _, x := range g.Approvers {
			if n.All || p.mayDecide(x.ID, rules) {
				n.Approvers = append(n.Approvers, x)
			}
		}
		out = append(out, n)
	}
	return out
}

// Question returns the question with the mark, nil if there is none.
func (a *Approval) Question(mark string) *Question {
	for i := range a.Outside {
		if a.Outside[i].Mark == mark {
			return &a.Outside[i]
		}
	}
	return nil
}

// asked returns the question of a type about a level that is about the present content,
// nil if there is none.
func (a *Approval) asked(level int, t ApprovalType) *Question {
	for i := range a.Outside {
		q := &a.Outside[i]
		if q.Type == t && q.covers(level) && q.Content == a.Content && q.State != QuestionClosed {
			return q
		}
	}
	return nil
}

// agreed tells whether all that is asked about a level in other systems is approved there.
func (a *Approval) agreed(level int, l *Level) bool {
	return !slices.ContainsFunc(a.types(l), func(t ApprovalType) bool {
		q := a.asked(level, t)
		return t.Outside() && (q == nil || q.State != QuestionApproved)
	})
}

// elsewhere counts, of the approvals that the groups of a level take in other systems,
// those that are given.
func (a *Approval) elsewhere(level int, l *Level) int {
	n := 0
	for i := range l.Groups {
		g := &l.Groups[i]
		q := a.asked(level, a.typeOf(g))
		switch {
		case !a.typeOf(g).Outside() || q == nil:
		case q.State == QuestionApproved:
			n += g.Need()
		default:
			n += min(g.Need(), len(q.approvedBy(g)))
		}
	}
	return n
}

// approvedBy lists those of a group who approved a question.
func (q *Question) approvedBy(g *Group) []PersonRef {
	var out []PersonRef
	for _, o := range q.Said {
		if o.Approve && g.has(o.By.ID) && !slices.Contains(out, o.By) {
			out = append(out, o.By)
		}
	}
	return out
}

// review forgets approvals in other systems that others would have to give by now.
func (a *Approval) review(p *Plan, rules *Rules) {
	needs := a.needs(p, rules)
	a.Outside = slices.DeleteFunc(a.Outside, func(q Question) bool {
		return q.State == QuestionApproved && !slices.ContainsFunc(needs, func(n Question) bool { return q.asks(&n) })
	})
}

// askOutside asks in other systems what the open level takes there, unless it was asked
// about this content before, and takes back what is no longer asked.
func (p *Plan) askOutside(req Request, c *Change) {
	a := p.Approval
	open, needs := a.OpenLevel(), a.needs(p, req.Rules)
	same := func(q *Question) bool {
		return q.Content == a.Content && slices.ContainsFunc(needs, func(n Question) bool { return q.asks(&n) })
	}
	p.closeQuestions(req, c, func(q *Question) bool { return !same(q) })
	for _, q := range needs {
		if !q.covers(open) || a.asked(q.Level, q.Type) != nil {
			continue
		}
		a.Outside = slices.DeleteFunc(a.Outside, func(o Question) bool {
			return !o.UnderWay() && o.Type == q.Type && o.Level == q.Level
		})
		q.Mark, q.Content, q.Asker, q.State, q.At = req.uuid(), a.Content, p.asker(req), QuestionAsking, req.At.Unix()
		a.Outside = append(a.Outside, q)
		c.Questions = append(c.Questions, q)
		c.task(req, p, TaskQuestion, QuestionKey(q.Mark), req.At, q.Mark)
	}
}

// asker is in whose name something is asked in another system: who submits the plan or
// asks again, else the manager.
func (p *Plan) asker(req Request) PersonRef {
	if req.Actor.Kind == Person && (p.is(req.Actor, WhoManager, nil) || p.is(req.Actor, WhoAdmin, nil)) {
		return PersonRef{ID: req.Actor.ID, Name: req.Actor.Name}
	}
	return p.Manager
}

// QuestionKey is the Task.Key of a question's task.
func QuestionKey(mark string) string { return "question:" + mark }

// closeQuestions takes back questions that are under way.
func (p *Plan) closeQuestions(req Request, c *Change, which func(*Question) bool) {
	if p.Approval == nil {
		return
	}
	for i := range p.Approval.Outside {
		q := &p.Approval.Outside[i]
		if !q.UnderWay() || !which(q) {
			continue
		}
		q.State = QuestionClosed
		c.StopQuestions = append(c.StopQuestions, q.Mark)
		c.task(req, p, TaskQuestion, QuestionKey(q.Mark), req.At, q.Mark)
	}
}

// settleQuestions takes everything back that is asked about a plan that does not wait for
// approval any more, whatever moved it on.
func (p *Plan) settleQuestions(req Request, c *Change) {
	if p.Status() != WaitForApproval {
		p.closeQuestions(req, c, func(*Question) bool { return true })
	}
}

// lapsedQuestions tells whether there is something to be asked again in another system.
func (p *Plan) lapsedQuestions() bool {
	return p.Approval != nil && slices.ContainsFunc(p.Approval.Outside, func(q Question) bool { return q.Lapsed() })
}

// pointless tells whether a verb that the status allows has nothing to do.
func (p *Plan) pointless(verb Verb) bool {
	return verb == VerbAskAgain && p.Gate == nil && !p.lapsedQuestions()
}

// decideThere refuses the vote of somebody who is asked in another system.
func (p *Plan) decideThere(a *Approval, level int, userID string) error {
	for _, t := range a.types(&a.Rule()[level]) {
		q := a.asked(level, t)
		named := q != nil && slices.ContainsFunc(q.Nodes, func(n QuestionNode) bool {
			return slices.ContainsFunc(n.Approvers, func(x PersonRef) bool { return x.ID == userID })
		})
		if named && q.URL != "" {
			return Refuse(Conflict, "You are asked about plan #%[1]d in %[2]s. Decide there: %[3]s",
				"发布计划 #%[1]d 需要您在%[2]s中审批：%[3]s", p.Index, t.Text(), q.URL)
		}
		if named {
			return Refuse(Conflict, "You are asked about plan #%[1]d in %[2]s. Decide there.",
				"发布计划 #%[1]d 需要您在%[2]s中审批，请前往处理。", p.Index, t.Text())
		}
	}
	return Refuse(Conflict, "Your group is asked about plan #%[1]d in another approval system, not here.",
		"您所在的审批组需在外部审批系统中审批发布计划 #%[1]d，不能在此处审批。", p.Index)
}

// keptOutside names those whose earlier approval in another system counts.
func (a *Approval) keptOutside() []string {
	var out []string
	for i := range a.Outside {
		q := &a.Outside[i]
		if q.State != QuestionApproved || q.Content != a.Content {
			continue
		}
		for _, o := range q.Said {
			if o.Approve && !slices.Contains(out, o.By.Name) {
				out = append(out, o.By.Name)
			}
		}
	}
	return out
}

// remindThere refuses a reminder of those who are asked in another system, which reminds
// people by itself; nil if nobody is asked there.
func (p *Plan) remindThere() error {
	i := slices.IndexFunc(p.Approval.Outside, func(q Question) bool { return q.UnderWay() })
	if i < 0 {
		return nil
	}
	q := &p.Approval.Outside[i]
	return Refuse(Conflict, "Plan #%[1]d waits for approval in %[2]s, where its approvers are reminded. %[3]s",
		"发布计划 #%[1]d 正在等待%[2]s审批，请在%[2]s中催办审批人。%[3]s", p.Index, q.Type.Text(), q.URL)
}
