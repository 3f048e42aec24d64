package bot

import (
	"slipway"
)

// actionOpenQuestion opens the page of an instance in another approval system.
const actionOpenQuestion ActionID = "open_question"

// questionLines say what was and is asked in other approval systems, and what people said
// there.
func (v View) questionLines(p *slipway.Plan) []Line {
	var lines []Line
	for i := range p.Approval.Outside {
		q := &p.Approval.Outside[i]
		if q.State == slipway.QuestionClosed || q.State == slipway.QuestionApproved && p.Approval.Content != "" && q.Content != p.Approval.Content ||
			p.Status() == slipway.Planning {
			continue
		}
		for _, o := range q.Said {
			what := slipway.T("✅ %[1]s approved in %[2]s · ", "✅ %[1]s 已在%[2]s通过 · ", o.By.Name, q.Type.Text())
			if !o.Approve {
				what = slipway.T("⛔ %[1]s rejected in %[2]s · ", "⛔ %[1]s 已在%[2]s拒绝 · ", o.By.Name, q.Type.Text())
			}
			l := Line{plain(v.say(what)), moment(o.At)}
			if o.Comment != "" {
				l = l.add(plain(" · "), quote(o.Comment))
			}
			lines = append(lines, l)
		}
		lines = append(lines, v.questionLine(q))
		if q.Reason != nil {
			lines = append(lines, Line{plain(v.say(slipway.T("⚠️ %s", "⚠️ %s", *q.Reason)))})
		}
	}
	return lines
}

// questionLine says how a question stands.
func (v View) questionLine(q *slipway.Question) Line {
	where := q.Type.Text()
	said := slipway.T("🕓 Being asked in %s · since ", "🕓 正在%s中发起审批 · 开始于 ", where)
	switch q.State {
	case slipway.QuestionOpen:
		said = slipway.T("🕓 Waiting for approval in %s · since ", "🕓 等待%s审批 · 发起于 ", where)
	case slipway.QuestionApproved:
		said = slipway.T("✅ Approved in %s · asked ", "✅ %s审批已通过 · 发起于 ", where)
	case slipway.QuestionRejected:
		said = slipway.T("⛔ Rejected in %s · asked ", "⛔ %s审批已拒绝 · 发起于 ", where)
	case slipway.QuestionWithdrawn:
		said = slipway.T("❗ Withdrawn in %s; nobody is asked there now · asked ", "❗ %s审批已被撤回，目前无人审批 · 发起于 ", where)
	case slipway.QuestionDeleted:
		said = slipway.T("❗ Deleted in %s; nobody is asked there now · asked ", "❗ %s审批已被删除，目前无人审批 · 发起于 ", where)
	case slipway.QuestionRefused:
		said = slipway.T("❗ Not going on in %s; nobody is asked there now · asked ", "❗ %s审批未能继续，目前无人审批 · 发起于 ", where)
	case slipway.QuestionAsking, slipway.QuestionClosed:
	}
	l := Line{plain(v.say(said)), moment(q.At)}
	if q.UnderWay() {
		var names []slipway.PersonRef
		for _, n := range q.Nodes {
			names = append(names, n.Approvers...)
		}
		l = l.add(plain(v.say(slipway.T(" · asked there: %s", " · 审批人：%s", personList(names)))))
	}
	if q.URL != "" {
		l = append(l, plain(" · "), Span{Text: v.say(openIn(q)), Link: q.URL})
	}
	return l
}

func openIn(q *slipway.Question) slipway.Text {
	return slipway.T("Open in %s", "在%s中打开", q.Type.Text())
}

// questionLinks are buttons that open what is asked now in other approval systems.
func (v View) questionLinks(p *slipway.Plan) []Action {
	if p.Approval == nil || p.Status() != slipway.WaitForApproval {
		return nil
	}
	var out []Action
	for i := range p.Approval.Outside {
		if q := &p.Approval.Outside[i]; q.State == slipway.QuestionOpen && q.URL != "" {
			out = append(out, Action{ID: actionOpenQuestion, Label: v.say(openIn(q)), URL: q.URL})
		}
	}
	return out
}

// questionEntryText says what is new about a question in another approval system.
func questionEntryText(e slipway.Entry) slipway.Text {
	where := e.Data.Channel.Text()
	switch e.Data.Result {
	case string(slipway.ResultSuccess):
		return slipway.T("%[1]s approved in %[2]s (%[3]s)", "%[1]s 在%[2]s中审批通过（%[3]s）", e.Actor.Name, where, e.Data.Votes)
	case string(slipway.ResultFailed):
		return slipway.T("%[1]s rejected the plan in %[2]s", "%[1]s 在%[2]s中拒绝了发布计划", e.Actor.Name, where)
	case slipway.QuestionIsAsked:
		return slipway.T("The approval was started in %s", "已在%s中发起审批", where)
	case slipway.QuestionTrouble:
		return slipway.T("The approval in %s has met trouble", "%s审批遇到问题", where)
	case slipway.QuestionWell:
		return slipway.T("The approval in %s goes on", "%s审批恢复正常", where)
	case string(slipway.QuestionApproved):
		return slipway.T("The approval in %s is complete", "%s审批已通过", where)
	case string(slipway.QuestionRejected):
		return slipway.T("The approval in %s ended with a no", "%s审批已被拒绝", where)
	case string(slipway.QuestionWithdrawn):
		return slipway.T("The approval was withdrawn in %s", "%s审批已被撤回", where)
	case string(slipway.QuestionDeleted):
		return slipway.T("The approval was deleted in %s", "%s审批已被删除", where)
	case string(slipway.QuestionClosed):
		return slipway.T("The approval in %s is out of date", "%s审批已过期", where)
	}
	return slipway.T("The approval in %s did not go on", "%s审批未能继续", where)
}
