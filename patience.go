package slipway

import (
	"slices"
	"time"
)

// TimeRules say what happens when an approval does not come. What they leave open the
// defaults of the configuration say.
type TimeRules struct {
	// RemindAfter is when those who are asked are told again, and again, within their
	// working hours.
	RemindAfter Period `json:"remind_after,omitempty"`
	// EscalateAfter is how much working time an approver has before EscalateTo may decide
	// in their place.
	EscalateAfter Period `json:"escalate_after,omitempty"`
	// EscalateTo are people; the defaults name them without ids, which are looked up when
	// it comes to that.
	EscalateTo []PersonRef `json:"escalate_to,omitempty"`
	// ExpireAfter is when the plan is denied for want of approval, by the clock.
	ExpireAfter Period `json:"expire_after,omitempty"`
}

func (r TimeRules) sameTimes(o TimeRules) bool {
	return r.RemindAfter == o.RemindAfter && r.EscalateAfter == o.EscalateAfter && r.ExpireAfter == o.ExpireAfter &&
		slices.Equal(r.EscalateTo, o.EscalateTo)
}

// timesOver returns the rules with what they leave open from the defaults, and without what
// never happens.
func (r TimeRules) timesOver(defaults TimeRules) TimeRules {
	pick := func(p, otherwise Period) Period {
		if p == 0 {
			p = otherwise
		}
		return max(p, 0)
	}
	r.RemindAfter = pick(r.RemindAfter, defaults.RemindAfter)
	r.EscalateAfter = pick(r.EscalateAfter, defaults.EscalateAfter)
	r.ExpireAfter = pick(r.ExpireAfter, defaults.ExpireAfter)
	if len(r.EscalateTo) == 0 {
		r.EscalateTo = slices.Clone(defaults.EscalateTo)
	}
	return r
}

// checkPeriods refuses time rules that contradict themselves.
func (r TimeRules) checkPeriods(f *Faults) {
	for path, p := range map[string]Period{"remind_after": r.RemindAfter, "escalate_after": r.EscalateAfter, "expire_after": r.ExpireAfter} {
		if p != 0 && p != Never && (p < minPeriod || p > maxPeriod) {
			f.Add("approval."+path, "a period from 1m to 90d is expected, for example 4h, or never", "应为 1m 到 90d 之间的时长（例如 4h），或 never")
		}
	}
	if p := r.RemindAfter; p > 0 && p < Period(RemindPause) {
		f.Add("approval.remind_after", "at least %s is expected, so that people can work in between", "至少为 %s，以免打扰过于频繁", Period(RemindPause))
	}
	checkTwice(f, "approval.escalate_to", r.EscalateTo)
	if len(r.EscalateTo) > MaxPersons {
		f.Add("approval.escalate_to", "at most %d people are possible", "最多 %d 人", MaxPersons)
	}
}

// checkTimes refuses to ask for an approval whose escalation would lead nowhere.
func (p *Plan) checkTimes(f *Faults, rules *Rules) {
	r := p.Approval.timesOver(rules.Approval)
	able := func(x PersonRef) bool { return x.ID == "" || p.mayDecide(x.ID, rules) }
	switch {
	case r.EscalateAfter > 0 && len(r.EscalateTo) == 0:
		f.Add("approval.escalate_to", "say to whom the approval is escalated, or set escalate_after to never", "请填写升级审批的人员，或将 escalate_after 设为 never")
	case r.EscalateAfter == 0 && len(p.Approval.EscalateTo) > 0:
		f.Add("approval.escalate_after", "say after how long the approval is escalated, for example 24h", "请填写多久之后升级审批，例如 24h")
	case r.EscalateAfter > 0 && !slices.ContainsFunc(r.EscalateTo, able):
		f.Add("approval.escalate_to", "none of these may decide: nobody approves a plan that they manage, created or edited last",
			"其中没有人可以审批：负责人、创建者和最后编辑者不能审批自己的发布计划")
	}
}

// Waiting is since when an approval is asked for, and what is to happen if it does not
// come.
type Waiting struct {
	Asked int64     `json:"asked"` // when the approval was asked for, in Unix seconds
	Level int       `json:"level"` // the place of the level that is asked, from 0
	Since int64     `json:"since"` // when that level was asked
	Rules TimeRules `json:"rules"` // in force since the approval was asked for
	// Told is when somebody was told last, by user id; those not in it, at Since.
	Told map[string]int64 `json:"told,omitempty"`
}

func (w *Waiting) clone() *Waiting {
	if w == nil {
		return nil
	}
	c := *w
	c.Rules.EscalateTo = slices.Clone(w.Rules.EscalateTo)
	c.Told = make(map[string]int64, len(w.Told))
	for id, at := range w.Told {
		c.Told[id] = at
	}
	return &c
}

// toldAt is when somebody was told last.
func (w *Waiting) toldAt(userID string) time.Time {
	if at, ok := w.Told[userID]; ok {
		return time.Unix(at, 0)
	}
	return time.Unix(w.Since, 0)
}

func (w *Waiting) tell(people []PersonRef, at int64) {
	if w == nil {
		return
	}
	if w.Told == nil {
		w.Told = map[string]int64{}
	}
	for _, p := range people {
		w.Told[p.ID] = at
	}
}

// await notes that people are asked now, and has Slipway look again when something may
// be due: working hours only make that later.
func (p *Plan) await(req Request, c *Change, people []PersonRef) {
	a, now := p.Approval, req.At.Unix()
	n := a.OpenLevel()
	if a.Waiting == nil {
		a.Waiting = &Waiting{Asked: now, Level: -1, Rules: a.timesOver(req.Rules.Approval)}
	}
	w := a.Waiting
	if w.Level != n {
		w.Level, w.Since, w.Told = n, now, nil
	}
	w.tell(people, now)
	told := now
	for _, x := range p.Asked(req.Rules) {
		told = min(told, w.toldAt(x.ID).Unix())
	}
	soonest := int64(0)
	for _, x := range []struct {
		from int64
		p    Period
	}{{w.Asked, w.Rules.ExpireAfter}, {told, w.Rules.RemindAfter}, {w.Since, w.Rules.EscalateAfter}} {
		if at := x.from + int64(time.Duration(x.p)/time.Second); x.p > 0 && (soonest == 0 || at < soonest) {
			soonest = at
		}
	}
	if soonest != 0 {
		p.lookAgain(req, c, soonest)
	}
}

func (p *Plan) lookAgain(req Request, c *Change, at int64) {
	c.task(req, p, TaskPatience, PatienceKey(p.ID), maxTime(req.At, at), "")
}

// PatienceKey is the Task.Key of a plan's TaskPatience.
func PatienceKey(planID string) string { return "patience:" + planID }

// PresenceKey is the Task.Key of a user's TaskPresence.
func PresenceKey(userID string) string { return "presence:" + userID }

// Times are when the next things happen to an approval that does not come, in Unix
// seconds; zero: never.
type Times struct {
	Since      int64 // when those were asked who are asked now
	Reminder   int64
	Escalation int64
	Expiry     int64
}

// Next is the first of the times to come, zero if there is none.
func (t Times) Next() int64 {
	next := int64(0)
	for _, at := range []int64{t.Reminder, t.Escalation, t.Expiry} {
		if at != 0 && (next == 0 || at < next) {
			next = at
		}
	}
	return next
}

// Times says when the next things happen if the approval does not come, seen from now;
// hours tells when people work. Nil are the rules by default.
func (p *Plan) Times(now time.Time, rules *Rules, hours func(userID string) Hours) Times {
	if p.Status() != WaitForApproval || p.Approval == nil || p.Approval.Waiting == nil {
		return Times{}
	}
	a := p.Approval
	w := a.Waiting
	t := Times{Since: w.Since}
	earlier := func(to *int64, at time.Time) {
		if u := at.Unix(); *to == 0 || u < *to {
			*to = u
		}
	}
	for _, x := range p.Asked(rules) {
		h := hours(x.ID)
		if at, _, ok := p.reminder(now, x.ID, h); ok {
			earlier(&t.Reminder, at)
		}
		if w.Rules.EscalateAfter > 0 && a.escalation(w.Level) == nil {
			if at, ok := h.After(time.Unix(w.Since, 0), time.Duration(w.Rules.EscalateAfter)); ok {
				earlier(&t.Escalation, at)
			}
		}
	}
	if w.Rules.ExpireAfter > 0 {
		t.Expiry = w.Asked + int64(time.Duration(w.Rules.ExpireAfter)/time.Second)
	}
	return t
}

// reminder is when somebody who is asked is reminded next, seen from now: in their
// working hours, or at once if the release would begin before them.
func (p *Plan) reminder(now time.Time, userID string, h Hours) (at time.Time, urgent, ok bool) {
	w := p.Approval.Waiting
	if w.Rules.RemindAfter <= 0 {
		return time.Time{}, false, false
	}
	told := w.toldAt(userID)
	due := told.Add(time.Duration(w.Rules.RemindAfter))
	if now.After(due) {
		due = now
	}
	at, ok = h.Next(due)
	if ok && at.Equal(due) {
		return at, false, true
	}
	if begins := p.begins(); begins != 0 && begins > told.Unix() && (!ok || begins < at.Unix()) {
		return due, true, true
	}
	return at, false, ok
}

// begins is when the release is to begin, zero if no time is set.
func (p *Plan) begins() int64 {
	if p.StartTime != 0 {
		return p.StartTime
	}
	return p.ScheduleExecuteTime
}

// LosePatience is what the time of a TaskPatience brings: the approval expires, or is asked
// for anew because the outside checks are others now, those are told who are asked now in
// the place of others, it is escalated to the people given, or those who are asked are
// reminded, one of these at a time. Before any of it is due it is Unchanged.
func (p *Plan) LosePatience(req Request, hours func(userID string) Hours, escalateTo []PersonRef) (*Change, error) {
	t, now := p.Times(req.At, req.Rules, hours), req.At.Unix()
	due := func(at int64) bool { return at != 0 && at <= now }
	var c *Change
	switch {
	case due(t.Expiry):
		return p.expireApproval(req), nil
	case p.AskedOtherwise(req.Rules):
		c = p.askAnew(req)
	case len(p.untold(req.Rules)) > 0:
		c = p.askUntold(req)
	case due(t.Escalation):
		c = p.escalate(req, escalateTo)
	case due(t.Reminder):
		c = p.remindAgain(req, hours)
	default:
		return nil, Unchanged
	}
	if next := p.Times(req.At, req.Rules, hours).Next(); next != 0 {
		p.lookAgain(req, c, next)
	}
	return p.done(req, c), nil
}

// AskedOtherwise tells whether an approval is asked for of something else than what the plan
// is to run under the rules: the outside checks were changed since.
func (p *Plan) AskedOtherwise(rules *Rules) bool {
	return p.Status() == WaitForApproval && p.Approval.Waiting != nil && p.Approval.Content != p.content(rules).Digest
}

// askAnew puts what the plan is to run now to the approvers: those are asked whose approval
// no longer counts. If everybody approved just that before, the plan starts.
func (p *Plan) askAnew(req Request) *Change {
	c := p.newChange(req, VerbAskAnew)
	a := p.Approval
	before, was := a.OpenLevel(), a.content(a.Content)
	lapsed := a.ask(p, req.Rules)
	if now := a.content(a.Content); was != nil {
		reason := T("Changed: %s.", "变动：%s。", JoinTexts(was.Differences(now)))
		c.Entry.Data.Reason = &reason
	}
	for _, x := range p.askedFor(req.Rules, lapsed) {
		c.Entry.Data.People = append(c.Entry.Data.People, x.Name)
	}
	c.Entry.Data.Votes = a.votes()
	p.Version++ // buttons that were shown before are about something else
	p.passOn(req, c, before, lapsed)
	return c
}

// untold lists the places of those who are asked and do not know it yet: an absence has
// begun, or ended.
func (p *Plan) untold(rules *Rules) []Seat {
	if p.Status() != WaitForApproval || p.Approval.Waiting == nil {
		return nil
	}
	return slices.DeleteFunc(p.Seats(rules), func(s Seat) bool {
		_, told := p.Approval.Waiting.Told[s.By.ID]
		return told
	})
}

// askUntold asks those who do not know yet that they are asked: each once, for all places.
func (p *Plan) askUntold(req Request) *Change {
	c := p.newChange(req, VerbRemindAgain)
	seats := p.untold(req.Rules)
	var away []Text // whose places others decide
	for _, x := range askedOf(seats) {
		var places []Text
		for _, s := range seats {
			if s.By.ID == x.ID && s.Place.ID != x.ID {
				places = append(places, Text{EN: s.Place.Name, ZH: s.Place.Name})
			}
		}
		text := T("Plan #%[1]d %[2]s asks for your approval.", "发布计划 #%[1]d %[2]s 需要您审批。", p.Index, p.Name)
		if len(places) > 0 {
			text = T("You decide for %[3]s now: plan #%[1]d %[2]s asks for your approval.", "现由您代 %[3]s 审批：发布计划 #%[1]d %[2]s 需要您审批。",
				p.Index, p.Name, JoinTexts(places))
		}
		away = append(away, places...)
		c.Entry.Data.People = append(c.Entry.Data.People, x.Name)
		c.tell(req, p, Notice{To: []string{x.ID}, Card: true, Asks: AskedFirst, Text: text})
	}
	c.Entry.Data.For = JoinTexts(away).EN
	p.Approval.Waiting.tell(askedOf(seats), req.At.Unix())
	return c
}

// remindAgain tells those who are asked and have been silent for long.
func (p *Plan) remindAgain(req Request, hours func(userID string) Hours) *Change {
	c := p.newChange(req, VerbRemindAgain)
	w, now := p.Approval.Waiting, req.At
	due := map[bool][]PersonRef{} // by whether it is urgent
	for _, x := range p.Asked(req.Rules) {
		if at, urgent, ok := p.reminder(now, x.ID, hours(x.ID)); ok && !at.After(now) {
			due[urgent] = append(due[urgent], x)
			c.Entry.Data.People = append(c.Entry.Data.People, x.Name)
		}
	}
	for _, urgent := range []bool{false, true} {
		people := due[urgent]
		if len(people) == 0 {
			continue
		}
		w.tell(people, now.Unix())
		text := T("Plan #%[1]d %[2]s still waits for your approval.", "发布计划 #%[1]d %[2]s 仍在等待您审批。", p.Index, p.Name)
		if urgent {
			reason := T("The release is to begin before the next working hours, so they were reminded at once.", "发布将在下一个工作时段之前开始，因此立即提醒。")
			c.Entry.Data.Reason = &reason
			text = T("Plan #%[1]d %[2]s still waits for your approval. You are told outside your working hours because the release is to begin before them.",
				"发布计划 #%[1]d %[2]s 仍在等待您审批。由于发布将在您的下一个工作时段之前开始，因此在非工作时间提醒您。", p.Index, p.Name)
		}
		c.tell(req, p, Notice{To: ids(people), Card: true, Urgent: true, Asks: AskedAgain, Text: text})
	}
	return c
}

// expireApproval denies the plan: nobody decided in time. It never approves one.
func (p *Plan) expireApproval(req Request) *Change {
	c := p.newChange(req, VerbExpireApproval)
	a := p.Approval
	reason := T("The approval did not come within %s.", "%s内未完成审批。", a.Waiting.Rules.ExpireAfter.Text())
	c.Entry.Data.Reason, c.Entry.Data.Votes = &reason, a.votes()
	a.Result, p.ApprovalTime, p.Phase = ApprovalExpired, req.At.Unix(), PhaseDenied
	c.Drop = append(c.Drop, TaskSchedule, TaskWindow, TaskPatience)
	if p.Origin != nil {
		p.decideElsewhere(req, c, ResultFailed, reason.EN)
	}
	c.notify(req, p, T("The approval of plan #%[1]d %[2]s has expired (%[3]s), so the plan is denied. %[4]s can replan it and submit it again.",
		"发布计划 #%[1]d %[2]s 的审批已过期（%[3]s），计划已被拒绝。%[4]s可以重新规划后再次提交。",
		p.Index, p.Name, a.votes(), p.whoText(WhoManager, nil)), uniqueIDs(p.Manager, p.Creator)...)
	return p.done(req, c)
}

func uniqueIDs(people ...PersonRef) []string {
	out := ids(people)
	slices.Sort(out)
	return slices.Compact(out)
}
