package bot

import (
	"context"
	"strings"

	"slipway"
)

// maxSprintsShown is how many sprints a card tells of; the page tells of all.
const maxSprintsShown = 5

// sprintFacts tell of the sprints behind a plan: state, and issues by state, as Jira told
// last.
func (v View) sprintFacts(p *slipway.Plan) Line {
	var l Line
	failing, asOf := false, int64(0)
	for i, s := range p.Jira.List() {
		if i > 0 {
			l = l.add(plain("; "))
		}
		if i == maxSprintsShown && !v.Page {
			return l.add(plain(v.say(slipway.T("%d more", "另有 %d 个", len(p.Jira.Sprints)-i))))
		}
		look := v.Sprints[s.SprintID]
		if look == nil {
			l = l.add(plain(s.Title()))
			continue
		}
		if s.SprintName = look.SprintName; look.Gone {
			l = l.add(plain(v.say(slipway.T("%s (no longer in Jira)", "%s（Jira 中已不存在）", s.Title()))))
			continue
		}
		if failing = failing || look.Failing != 0; look.At != 0 && (asOf == 0 || look.At < asOf) {
			asOf = look.At
		}
		l = l.add(Span{Text: s.Title(), Link: look.URL})
		if look.At != 0 {
			l = l.add(plain(v.say(slipway.T(" (%[1]s): %[2]s", "（%[1]s）：%[2]s", slipway.SprintStateText(look.State), issueCounts(look)))))
		}
	}
	switch {
	case failing && asOf != 0:
		l = l.add(faint(v.say(slipway.T(" · as of ", " · 截至 "))), moment(asOf), faint(v.say(slipway.T("; Jira does not answer", "；Jira 没有应答"))))
	case failing:
		l = l.add(faint(v.say(slipway.T(" · Jira does not answer", " · Jira 没有应答"))))
	}
	return l
}

// issueCounts says how many issues of a sprint are in which state.
func issueCounts(l *slipway.SprintLook) slipway.Text {
	if l.Unfinished()+l.Done == 0 {
		return slipway.T("no issues", "没有需求")
	}
	return slipway.T("%[1]d to do, %[2]d in progress, %[3]d done", "待办 %[1]d，进行中 %[2]d，已完成 %[3]d", l.ToDo, l.InProgress, l.Done)
}

// acceptOpen is the Ref.Accept of a button that submits a plan although issues are open.
const acceptOpen = "open"

// openIssues warns, before a plan is submitted, that issues of its sprints are open. ok is
// false if there is nothing to warn about, or it was said before.
func (b *Bot) openIssues(ctx context.Context, v *visit, d *deed) (r Reply, ok bool, err error) {
	if d.verb != slipway.VerbSubmit || len(d.plan.Jira.List()) == 0 {
		return Reply{}, false, nil
	}
	if err := b.Commands.MaySubmit(ctx, v.ask(d.seen), d.plan); err != nil { // that is said first
		return Reply{}, false, nil //nolint:nilerr // by whoever submits
	}
	open, err := b.Commands.OpenIssues(ctx, d.plan)
	if err != nil || len(open) == 0 {
		return Reply{}, false, err
	}
	number, names := 0, []string{}
	for _, l := range open {
		number += l.Unfinished()
		for _, i := range l.Open {
			names = append(names, i.Key)
		}
	}
	if d.accept == acceptOpen {
		d.text = v.say(slipway.T("with %[1]d open issues: %[2]s", "仍有 %[1]d 个未完成的需求：%[2]s", number, firstOf(names, number)))
		return Reply{}, false, nil
	}
	view := b.view(v)
	submit := view.button(ActionID(slipway.VerbSubmit), Ref{Plan: d.plan.ID, Version: d.plan.Version, Accept: acceptOpen}.Encode())
	submit.Label, submit.Style = v.say(slipway.T("Submit anyway", "仍然提交")), Primary
	card := Card{
		Lang: v.lang, Zone: view.Zone, Title: v.say(slipway.T("Open issues", "有未完成的需求")), Actions: []Action{submit},
		Summary: v.say(slipway.T("Issues behind %[1]s that are not done yet: %[2]d.", "%[1]s 关联的需求中有 %[2]d 个尚未完成。", planTitle(d.plan), number)),
	}
	card.Intro = []Line{{plain(card.Summary)}}
	for _, l := range open {
		card.Rows = append(card.Rows, Row{Title: Line{Span{Text: l.Title(), Link: l.URL}}, Details: openLines(v, l)})
	}
	return Reply{Whisper: &card}, true, nil
}

// openLines name the first open issues of a sprint.
func openLines(v *visit, l *slipway.SprintLook) []Line {
	lines := []Line{{plain(v.say(issueCounts(l)))}}
	for _, i := range l.Open {
		lines = append(lines, Line{Span{Text: i.Key, Link: i.URL}, plain(" " + shorten(oneLine(i.Summary), 120))})
	}
	if more := l.Unfinished() - len(l.Open); more > 0 {
		lines = append(lines, Line{plain(v.say(slipway.T("and %d more", "另有 %d 个", more)))})
	}
	return lines
}

// firstOf lists names, of which there are more than are listed.
func firstOf(names []string, all int) string {
	const most = 5
	text := strings.Join(names[:min(len(names), most)], ", ")
	if all > most {
		text += ", …"
	}
	return text
}
