package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// A question that is open is looked at so often: at first, and when nobody answers for
// long. Its events make it looked at sooner.
const (
	lookFirst = 30 * time.Second
	lookLast  = 5 * time.Minute
)

const (
	// doubtPause is how long an instance may take to appear after a call whose answer was
	// lost; only then is it looked for, and asked anew if there is none.
	doubtPause = leaseTime
	// takeBackPause is how long a question waits when the one before is still being taken
	// back.
	takeBackPause = time.Second
	// manyTries is after how many tries in vain people are told, which is about ten minutes.
	manyTries = 14
)

// inquiry is a question on its way.
type inquiry struct {
	t      *Tasks
	l      *storage.Lease
	q      *storage.Question
	system bot.Approvals
	body   bot.Question // once it was written
}

// inquire carries a question to its end: puts it to the other system if it was never put,
// finds it if the process died while it was being put, looks how it stands, and takes it
// back when that is asked for. What is about to be done is written down first, so that
// there is never more than one instance.
func (t *Tasks) inquire(ctx context.Context, l *storage.Lease) error {
	q, err := t.Store.Question(ctx, l.Task.Ref)
	if err != nil {
		return fmt.Errorf("load question: %w", err)
	}
	a := &inquiry{t: t, l: l, q: q, system: t.approvals(q.Type)}
	switch {
	case q.Phase == storage.QuestionPhaseEnded:
		return nil
	case a.system == nil:
		return a.refuse(ctx, slipway.T("Approval in %[1]s is no longer set up.", "%[1]s审批已不再配置。", q.Type.Text()))
	}
	if q.Body != nil {
		if err := json.Unmarshal(q.Body, &a.body); err != nil {
			return slipway.Refuse(slipway.Invalid, "The question cannot be read.", "无法读取该外部审批。").Because(err)
		}
	}
	switch q.Phase {
	case storage.QuestionPhaseAsking:
		return a.find(ctx)
	case storage.QuestionPhaseAsked:
		return a.follow(ctx)
	case storage.QuestionPhaseCreated, storage.QuestionPhaseEnded:
	}
	return a.put(ctx)
}

func (t *Tasks) approvals(kind slipway.ApprovalType) bot.Approvals {
	for _, a := range t.Approvals {
		if a.Type() == kind {
			return a
		}
	}
	return nil
}

// put writes down what is asked, and asks it once what was asked before is taken back.
func (a *inquiry) put(ctx context.Context) error {
	switch {
	case a.q.Stop:
		return a.end(ctx)
	case a.t.isLeaving():
		return errLeaving
	}
	before, err := a.t.Store.QuestionsToStop(ctx, a.q)
	switch {
	case err != nil:
		return err
	case before && a.t.Now().Sub(time.UnixMilli(a.q.At)) > startPatience:
		if err := a.trouble(ctx, slipway.T("The instance before cannot be taken back there.", "无法撤回之前的审批实例。")); err != nil {
			return err
		}
		return later{at: a.t.Now().Add(lookFirst)}
	case before:
		return later{at: a.t.Now().Add(takeBackPause)}
	}
	asked, err := a.write(ctx)
	if err != nil || !asked {
		return err
	}
	return a.create(ctx)
}

// write puts the question into words and writes them down; false if it is not asked any
// more.
func (a *inquiry) write(ctx context.Context) (bool, error) {
	p, err := a.t.Store.Plan(ctx, a.q.PlanID)
	if err != nil {
		return false, fmt.Errorf("load plan: %w", err)
	}
	var q *slipway.Question
	if p.Approval != nil {
		q = p.Approval.Question(a.q.Mark)
	}
	if q == nil || !q.UnderWay() {
		return false, a.end(ctx)
	}
	people, err := a.people(ctx, q)
	if err != nil {
		return false, err
	}
	a.body = bot.NewQuestion(p, q, people, a.t.pageOf(p))
	data, err := json.Marshal(a.body)
	if err != nil {
		return false, fmt.Errorf("write question: %w", err)
	}
	now := a.t.Now()
	a.q.AskingAt = now.UnixMilli()
	asked, err := a.t.Store.AskingQuestion(ctx, a.q.Mark, data, now)
	if err == nil && !asked {
		err = again{at: now, why: "it is to be taken back"}
	}
	return asked, err
}

// pageOf is the address of a plan's page, "" if it is not known.
func (t *Tasks) pageOf(p *slipway.Plan) string {
	if t.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(t.PublicURL, "/") + "/plans/" + p.ID
}

// people returns the users whom a question names, by id.
func (a *inquiry) people(ctx context.Context, q *slipway.Question) (map[string]*slipway.User, error) {
	refs := []slipway.PersonRef{q.Asker}
	for _, n := range q.Nodes {
		refs = append(refs, n.Approvers...)
	}
	out := map[string]*slipway.User{}
	for _, r := range refs {
		u, err := a.t.Store.User(ctx, r.ID)
		if err != nil && slipway.CodeOf(err) != slipway.NotFound {
			return nil, err
		}
		if err == nil {
			out[r.ID] = u
		}
	}
	return out, nil
}

// create calls the other system. Only here is an instance made.
func (a *inquiry) create(ctx context.Context) error {
	ref, err := a.system.Create(ctx, a.body)
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		return a.asked(ctx, ref)
	case a.t.isLeaving():
		return errors.Join(errLeaving, err)
	case ctx.Err() != nil:
		return err
	case errors.As(err, &refusal) && !passing(err):
		return a.refuse(ctx, slipway.TextOf(err))
	}
	// It may be there or not; the next try begins by asking.
	return a.doubt(ctx, "ask in "+string(a.q.Type), err)
}

// find asks the other system what became of a call that was written down.
func (a *inquiry) find(ctx context.Context) error {
	ref, err := a.system.Find(ctx, a.body)
	switch {
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		return a.doubt(ctx, "find question", err)
	case ref != "":
		return a.asked(ctx, ref)
	case a.q.Stop:
		return a.end(ctx)
	case a.t.isLeaving():
		return errLeaving
	}
	return a.create(ctx)
}

// doubt waits for the other system. After some time people are told.
func (a *inquiry) doubt(ctx context.Context, what string, err error) error {
	if !a.q.Stop && a.t.Now().Sub(time.UnixMilli(a.q.AskingAt)) > startPatience {
		text := slipway.T("%[1]s has not answered since the question was put, so it is not known whether it is there. It is not asked twice; Slipway goes on trying.",
			"%[1]s一直没有响应，无法确认审批是否已创建。Slipway 不会重复创建，并会继续尝试。", a.q.Type.Text())
		if told := a.trouble(ctx, text); told != nil {
			return told
		}
	}
	at := a.t.Now().Add(max(a.t.pause(a.l.Attempt), doubtPause))
	if limited := (*bot.RateLimited)(nil); errors.As(err, &limited) {
		at = a.t.Now().Add(max(limited.After, doubtPause))
	}
	return again{at: at, why: what + ": " + err.Error()}
}

// asked writes down what the other system calls the question, and follows it.
func (a *inquiry) asked(ctx context.Context, ref string) error {
	if err := a.t.Store.AskedQuestion(ctx, a.q.Mark, ref); err != nil {
		return err
	}
	a.q.Ref = ref
	return a.follow(ctx)
}

// follow looks how the question stands, and takes down what is new.
func (a *inquiry) follow(ctx context.Context) error {
	if a.q.Stop {
		return a.takeBack(ctx)
	}
	v, err := a.system.Look(ctx, a.q.Ref)
	switch {
	case errors.Is(err, bot.ErrGone):
		v = bot.Verdict{State: bot.VerdictDeleted}
	case err != nil && ctx.Err() != nil:
		return err
	case err != nil:
		return a.unseen(ctx, err)
	}
	s := slipway.Sighting{Ref: a.q.Ref, URL: v.URL, State: stateOf[v.State]}
	if s.State == "" {
		return a.unseen(ctx, fmt.Errorf("state %q is not known", v.State))
	}
	for _, o := range v.Said {
		said, err := a.opinion(ctx, o)
		if err != nil {
			return err
		}
		s.Said = append(s.Said, said)
	}
	if err := a.see(ctx, s); err != nil {
		return err
	}
	if s.State != slipway.QuestionOpen {
		return a.end(ctx)
	}
	now := a.t.Now()
	return later{at: now.Add(min(max(now.Sub(time.UnixMilli(a.q.At))/10, lookFirst), lookLast))}
}

var stateOf = map[bot.VerdictState]slipway.QuestionState{
	bot.VerdictOpen: slipway.QuestionOpen, bot.VerdictApproved: slipway.QuestionApproved, bot.VerdictRejected: slipway.QuestionRejected,
	bot.VerdictWithdrawn: slipway.QuestionWithdrawn, bot.VerdictDeleted: slipway.QuestionDeleted,
}

// unseen tries to look again later. People are told if that goes on, and at once if the
// other system refuses to tell.
func (a *inquiry) unseen(ctx context.Context, err error) error {
	at := a.t.Now().Add(a.t.pause(a.l.Attempt))
	if limited := (*bot.RateLimited)(nil); errors.As(err, &limited) {
		at = a.t.Now().Add(limited.After)
	}
	refusal := (*slipway.Error)(nil)
	refused := errors.As(err, &refusal) && !passing(err)
	text := slipway.T("%[1]s does not answer, so it is not known what was said there.", "%[1]s没有响应，无法获知审批进展。", a.q.Type.Text())
	if refused {
		at, text = a.t.Now().Add(lookLast), slipway.TextOf(err)
	}
	if refused || a.l.Attempt >= manyTries {
		if told := a.trouble(ctx, text); told != nil {
			return told
		}
	}
	return again{at: at, why: "look at question: " + err.Error()}
}

// opinion says whom an account belongs to.
func (a *inquiry) opinion(ctx context.Context, o bot.Opinion) (slipway.Opinion, error) {
	said := slipway.Opinion{By: slipway.PersonRef{Name: o.Name}, Account: o.Account, Approve: o.Approve, Comment: o.Comment, At: o.At}
	find := a.t.Store.UserByFeishuOpenID
	if a.q.Type == slipway.DingTalkApproval {
		find = a.t.Store.UserByDingTalkID
	}
	u, err := find(ctx, o.Account)
	switch {
	case err == nil:
		said.By = u.Ref()
	case slipway.CodeOf(err) != slipway.NotFound:
		return said, err
	case said.By.Name == "":
		said.By.Name = o.Account
	}
	return said, nil
}

// takeBack ends the instance. One that cannot be ended counts for nothing, and the manager
// is told of it.
func (a *inquiry) takeBack(ctx context.Context) error {
	p, err := a.t.Store.Plan(ctx, a.q.PlanID)
	if err != nil {
		return fmt.Errorf("load plan: %w", err)
	}
	err = a.system.Withdraw(ctx, a.q.Ref, a.body, takenBack(p))
	refusal := (*slipway.Error)(nil)
	switch {
	case err == nil:
		return a.end(ctx)
	case ctx.Err() != nil:
		return err
	case !errors.As(err, &refusal) || passing(err):
		return a.t.notYet(a.l, "take question back", err)
	}
	a.t.Log.WarnContext(ctx, "question not taken back", "question", a.q.Mark, "ref", a.q.Ref, "err", err)
	notice, err := json.Marshal(slipway.Notice{To: []string{p.Manager.ID}, Text: slipway.T(
		"The approval of plan #%[1]d %[2]s in %[3]s is not needed any more, but could not be withdrawn there: %[4]s Whatever is said there counts for nothing.",
		"发布计划 #%[1]d %[2]s 的%[3]s审批已不再需要，但无法在那里撤回：%[4]s该审批的结果不会生效。", p.Index, p.Name, a.q.Type.Text(), slipway.TextOf(refusal))})
	if err != nil {
		return fmt.Errorf("write notice: %w", err)
	}
	now := a.t.Now()
	if err := a.t.Store.PutTask(ctx, slipway.Task{
		ID: a.t.Commands.NewID(), Kind: slipway.TaskNotice, Key: "notice:" + a.q.Mark, PlanID: p.ID, RunAt: now.UnixMilli(), Data: notice,
	}, now); err != nil {
		return err
	}
	return a.end(ctx)
}

// takenBack says why what was asked about a plan is not asked any more.
func takenBack(p *slipway.Plan) slipway.Text {
	//exhaustive:ignore
	switch p.Status() {
	case slipway.Cancelled:
		return slipway.T("The release plan was cancelled.", "发布计划已取消。")
	case slipway.Timeout:
		return slipway.T("The window of the release plan has ended.", "发布计划的发布窗口期已结束。")
	case slipway.Denied:
		return slipway.T("The release plan was rejected elsewhere.", "发布计划已在其他渠道被拒绝。")
	case slipway.WaitForApproval:
		return slipway.T("What the release plan runs has changed; it is asked anew.", "发布内容已变化，将重新发起审批。")
	}
	return slipway.T("The release plan went back to planning.", "发布计划已重新规划。")
}

// refuse takes down that the question cannot be asked.
func (a *inquiry) refuse(ctx context.Context, reason slipway.Text) error {
	if err := a.see(ctx, slipway.Sighting{State: slipway.QuestionRefused, Reason: reason}); err != nil {
		return err
	}
	return a.end(ctx)
}

func (a *inquiry) trouble(ctx context.Context, reason slipway.Text) error {
	return a.see(ctx, slipway.Sighting{Reason: reason})
}

// see takes down all that is new.
func (a *inquiry) see(ctx context.Context, s slipway.Sighting) error {
	for {
		// The transition knows what it knows; each call is a request of its own.
		out, err := a.t.Commands.SeeQuestion(ctx, requestOf(a.l)+":"+a.t.Commands.NewID(), a.q.PlanID, a.q.Mark, s)
		if err != nil || out.Entry == nil {
			return err
		}
	}
}

func (a *inquiry) end(ctx context.Context) error { return a.t.Store.EndQuestion(ctx, a.q.Mark) }

// HeardOf has an instance of another approval system looked at at once: something may have
// happened to it. Any process may hear of it, and hear it several times.
func (t *Tasks) HeardOf(ctx context.Context, kind slipway.ApprovalType, ref string) {
	q, err := t.Store.QuestionByRef(ctx, kind, ref)
	if err == nil && q.Phase != storage.QuestionPhaseEnded {
		now := t.Now()
		err = t.Store.PutTask(ctx, slipway.Task{
			ID: t.Commands.NewID(), Kind: slipway.TaskQuestion, Key: slipway.QuestionKey(q.Mark), PlanID: q.PlanID, RunAt: now.UnixMilli(), Ref: q.Mark,
		}, now)
	}
	if err != nil && slipway.CodeOf(err) != slipway.NotFound { // of somebody else, or early: it is looked at anyway
		t.Log.WarnContext(ctx, "event of approval system not heeded; it is looked at later", "type", string(kind), "ref", ref, "err", err)
	}
}
