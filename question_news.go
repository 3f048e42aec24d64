package slipway

import "slices"

// Sighting is how a question stands in the other system.
type Sighting struct {
	Ref   string // the instance; "" if there is none, or it is not known
	URL   string
	State QuestionState // "": only Reason is new
	Said  []Opinion     // oldest first
	// Reason says what is in the way, or why the question was not taken.
	Reason Text
}

// What an entry of VerbQuestion is about: one of these, ResultSuccess or ResultFailed for
// what one person said, or the state in which a question ended.
const (
	QuestionIsAsked = "asked"
	QuestionTrouble = "trouble"
	QuestionWell    = "well" // the trouble is over
)

// See takes down the next thing that is new about a question in the other system: that
// it is asked there, what one person said, how it ended. Each is a change of its own, so it
// is called until it is Unchanged. News of a question that is not asked any more are none.
func (p *Plan) See(req Request, mark string, s Sighting) (*Change, error) {
	if p.Approval == nil || move(p.Status(), VerbQuestion) == nil {
		return nil, Unchanged
	}
	q := p.Approval.Question(mark)
	if q == nil || !q.UnderWay() {
		return nil, Unchanged
	}
	if s.Ref != "" && (q.State == QuestionAsking || q.URL == "" && s.URL != "") {
		return p.seeAsked(req, q, s), nil
	}
	for _, o := range s.Said {
		known := func(k Opinion) bool {
			return k.Account == o.Account && k.Approve == o.Approve && k.At == o.At && k.Comment == o.Comment
		}
		if !slices.ContainsFunc(q.Said, known) {
			return p.seeOpinion(req, q, o), nil
		}
	}
	switch {
	case s.State == "" && (q.Reason == nil || *q.Reason != s.Reason):
		c := p.questionChange(req, q, QuestionTrouble)
		q.Reason, c.Entry.Data.Reason = &s.Reason, &s.Reason
		c.notify(req, p, T("Something is in the way of the approval of plan #%[1]d %[2]s in %[3]s. %[4]s", "发布计划 #%[1]d %[2]s 的%[3]s审批遇到问题。%[4]s",
			p.Index, p.Name, q.Type.Text(), s.Reason), p.Manager.ID)
		return p.done(req, c), nil
	case s.State == QuestionOpen && q.Reason != nil:
		c := p.questionChange(req, q, QuestionWell)
		q.Reason = nil
		return p.done(req, c), nil
	case s.State == "" || s.State == QuestionOpen || s.State == QuestionAsking:
		return nil, Unchanged
	}
	return p.seeEnd(req, q, s), nil
}

func (p *Plan) questionChange(req Request, q *Question, result string) *Change {
	c := p.newChange(req, VerbQuestion)
	c.Entry.Data.Channel, c.Entry.Data.Result = q.Type, result
	return c
}

func (p *Plan) seeAsked(req Request, q *Question, s Sighting) *Change {
	c := p.questionChange(req, q, QuestionIsAsked)
	q.State, q.Ref, q.URL, q.Reason = QuestionOpen, s.Ref, s.URL, nil
	return p.done(req, c)
}

// seeOpinion takes down what one person said, in their name.
func (p *Plan) seeOpinion(req Request, q *Question, o Opinion) *Change {
	req.Actor = Actor{Kind: Receiver, ID: string(q.Type), Name: o.By.Name}
	result := ResultFailed
	if o.Approve {
		result = ResultSuccess
	}
	c := p.questionChange(req, q, string(result))
	q.Said = append(q.Said, o)
	c.Entry.Comment, c.Entry.Data.Votes = o.Comment, p.Approval.votes()
	return p.done(req, c)
}

// seeEnd takes down how a question ended.
func (p *Plan) seeEnd(req Request, q *Question, s Sighting) *Change {
	c := p.questionChange(req, q, string(s.State))
	if s.Reason != (Text{}) {
		q.Reason, c.Entry.Data.Reason = &s.Reason, &s.Reason
	}
	switch s.State {
	case QuestionApproved:
		p.seeApproved(req, c, q.Mark)
	case QuestionRejected:
		q.State = s.State
		by, comment := q.rejection()
		c.Entry.Comment = comment
		p.deny(req, c, by, comment)
	case QuestionAsking, QuestionOpen, QuestionWithdrawn, QuestionDeleted, QuestionRefused, QuestionClosed:
		q.State = s.State
		p.tellLapsed(req, c, q)
	}
	c.Entry.Data.Votes = p.Approval.votes()
	return p.done(req, c)
}

// seeApproved goes on after an approval in another system. It counts only for what the
// plan runs now, given by people who may give it.
func (p *Plan) seeApproved(req Request, c *Change, mark string) {
	a := p.Approval
	before := a.OpenLevel()
	lapsed := a.ask(p, req.Rules)
	q := a.Question(mark)
	end := func(s QuestionState, reason *Text) {
		q.State, q.Reason = s, reason
		c.Entry.Data.Result, c.Entry.Data.Reason = string(s), reason
	}
	if !a.stillAsks(p, req.Rules, q) {
		reason := T("What the plan runs has changed meanwhile; it is asked anew.", "审批期间发布内容已变化，将重新发起审批。")
		end(QuestionClosed, &reason)
		p.askApprovers(req, c, p.askedFor(req.Rules, lapsed))
		return
	}
	if reason := p.uncounted(req, q); reason != nil {
		end(QuestionRefused, reason)
		p.tellLapsed(req, c, q)
		return
	}
	end(QuestionApproved, nil)
	p.passOn(req, c, before, lapsed)
}

// stillAsks tells whether a question is about what the plan runs now, of those who have to
// be asked now.
func (a *Approval) stillAsks(p *Plan, rules *Rules, q *Question) bool {
	return q.Content == a.Content && slices.ContainsFunc(a.needs(p, rules), func(n Question) bool { return q.asks(&n) })
}

// uncounted says why the approval of a question does not count although the other system
// reports it; nil if it does.
func (p *Plan) uncounted(req Request, q *Question) *Text {
	if !slices.ContainsFunc(q.Said, func(o Opinion) bool { return o.Approve }) {
		t := T("%[1]s passed it although nobody approved it there; its own rules may pass what has no approver. Ask again.",
			"%[1]s显示已通过，但没有任何人审批，可能是%[1]s的自动通过规则所致。请重新发起审批。", q.Type.Text())
		return &t
	}
	for _, o := range q.Said {
		if o.Approve && o.By.ID != "" && !p.mayDecide(o.By.ID, req.Rules) {
			t := T("%[1]s approved it in %[2]s, but nobody decides on their own plan. Ask again.",
				"%[1]s 在%[2]s中审批通过，但不能审批自己的发布计划。请重新发起审批。", o.By.Name, q.Type.Text())
			return &t
		}
	}
	return nil
}

// rejection says who rejected a question, and why.
func (q *Question) rejection() (by, comment string) {
	for _, o := range slices.Backward(q.Said) {
		if !o.Approve {
			return o.By.Name, o.Comment
		}
	}
	return q.Type.Text().EN, ""
}

// tellLapsed tells the manager that a question came to an end without an answer.
func (p *Plan) tellLapsed(req Request, c *Change, q *Question) {
	c.notify(req, p, T("The approval of plan #%[1]d %[2]s in %[3]s %[4]s, so nobody is asked there now. Ask again, or replan it.",
		"发布计划 #%[1]d %[2]s 的%[3]s审批%[4]s，目前无人审批。请重新发起审批，或重新规划。",
		p.Index, p.Name, q.Type.Text(), q.endText()), p.Manager.ID)
}

// endText says how a question ended, after its name.
func (q *Question) endText() Text {
	switch {
	case q.Reason != nil:
		return T("did not go on (%[1]s)", "未能继续（%[1]s）", *q.Reason)
	case q.State == QuestionWithdrawn:
		return T("was withdrawn there", "已被撤回")
	case q.State == QuestionDeleted:
		return T("was deleted there", "已被删除")
	}
	return T("ended", "已结束")
}

// askQuestionsAgain asks once more what came to an end without an answer in other systems:
// everything, or only in those named.
func (p *Plan) askQuestionsAgain(req Request, only []string) (*Change, error) {
	a := p.Approval
	var again []ApprovalType
	for i := range a.Outside {
		q := &a.Outside[i]
		if !q.Lapsed() {
			continue
		}
		t := q.Type.Text()
		if len(only) > 0 && !slices.ContainsFunc([]string{string(q.Type), t.EN, t.ZH}, func(s string) bool { return slices.Contains(only, s) }) {
			continue
		}
		again = append(again, q.Type)
		q.State = QuestionClosed
	}
	if len(again) == 0 {
		return nil, Refuse(Conflict, "There is nothing to ask again in %[1]s.", "没有需要在“%[1]s”中重新发起的审批。", only[0])
	}
	c := p.newChange(req, VerbAskAgain)
	c.Entry.Data.Channel, c.Entry.Data.Result = again[0], QuestionIsAsked
	lapsed := a.ask(p, req.Rules)
	if a.passed() {
		p.approved(req, c)
	} else {
		p.askApprovers(req, c, p.askedFor(req.Rules, lapsed))
	}
	return p.done(req, c), nil
}
