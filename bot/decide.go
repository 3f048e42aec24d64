package bot

import (
	"context"
	"regexp"
	"slices"
	"strings"

	"slipway"
)

// yeses and noes are what people type for an answer to a run that waits.
var (
	yeses = []string{"yes", "y", "ok", "approve", "approved", "accept", "pass", "go", "同意", "通过", "批准", "可以", "是", "好"}
	noes  = []string{"no", "n", "reject", "rejected", "deny", "decline", "refuse", "stop", "拒绝", "不同意", "驳回", "不行", "否", "不"}
)

// decision reads an answer: yes or no, the job if one of the item's is named, and what
// remains as a comment. known is false if there is no yes or no.
func decision(it *slipway.Item, text string) (approve, known bool, job, comment string) {
	said := words(text)
	if len(said) == 0 {
		return false, false, "", ""
	}
	first := strings.Trim(fold(said[0].text), ":,.;!、")
	approve = slices.Contains(yeses, first)
	if !approve && !slices.Contains(noes, first) {
		return false, false, "", ""
	}
	rest := trim(text[said[0].end:])
	if ws := words(rest); len(ws) > 0 && ws[0].quoted && named(it, ws[0].text) {
		return approve, true, ws[0].text, unquote(rest[ws[0].end:])
	}
	for _, w := range it.Workflow.Wait {
		if after, ok := cutName(rest, w.Job); ok && len(w.Job) > len(job) {
			job, comment = w.Job, unquote(after)
		}
	}
	if job == "" {
		comment = unquote(rest)
	}
	return approve, true, job, comment
}

func named(it *slipway.Item, job string) bool {
	return slices.ContainsFunc(it.Workflow.Wait, func(w slipway.RunWait) bool { return w.Job == job })
}

// decideTyped answers a run that waits. Where it is not clear which answer is meant, or
// to what, the buttons for all are shown.
func (b *Bot) decideTyped(ctx context.Context, v *visit, d deed) (Reply, error) {
	d.approve = true
	if err := b.probe(v, d); err != nil && slipway.CodeOf(err) != slipway.Invalid { // which job is a question for later
		return Reply{}, err
	}
	approve, known, job, comment := decision(d.item, d.text)
	if !known || job == "" && len(openWaits(d.item)) > 1 {
		return b.whichAnswer(v, d), nil
	}
	d.approve, d.job, d.text = approve, job, comment
	out, err := b.perform(ctx, v, d)
	if err != nil {
		return Reply{}, err
	}
	return b.done(ctx, v, out), nil
}

// openWaits are the points at which somebody can answer from here.
func openWaits(it *slipway.Item) []slipway.RunWait {
	return slices.DeleteFunc(slices.Clone(it.Workflow.Wait), func(w slipway.RunWait) bool { return !w.Answerable || w.By != "" })
}

// whichAnswer shows what an item's run waits for, with the buttons that answer.
func (b *Bot) whichAnswer(v *visit, d deed) Reply {
	view := b.view(v)
	c := Card{Lang: v.lang, Zone: view.Zone, Title: v.say(slipway.T("Yes or no?", "同意还是拒绝？"))}
	c.Summary = v.say(slipway.T("Item %[1]d “%[2]s” of %[3]s waits for an answer.", "%[3]s 的发布项 %[1]d“%[2]s”正在等待处理。",
		d.plan.ItemNumber(d.item.ID), d.item.Name, planTitle(d.plan)))
	c.Intro = append([]Line{{plain(c.Summary)}}, view.waitLines(d.item)...)
	c.Actions = view.waitActions(d.item, Ref{Plan: d.plan.ID, Item: d.item.ID, Version: d.plan.Version})
	return Reply{Whisper: &c}
}

var accepts = regexp.MustCompile(`^(?:accept|接受)\s*[=: ]\s*([0-9a-f]{32})$`)

// accepted reads the digest of the change that a typed retry accepts, "" if none is
// named.
func accepted(c Call, text string) (string, error) {
	if text == "" {
		return "", nil
	}
	m := accepts.FindStringSubmatch(fold(text))
	if m == nil {
		return "", c.tooMuch(text)
	}
	return m[1], nil
}

// offerChanged answers a typed retry that was refused: if the workflow was changed, with
// the button that accepts what the answer shows.
func (b *Bot) offerChanged(ctx context.Context, v *visit, d deed, refusal error) (Reply, error) {
	p, err := b.Store.Plan(ctx, d.plan.ID)
	if err != nil || slipway.CodeOf(refusal) != slipway.Conflict {
		return Reply{}, refusal
	}
	it := p.Item(d.itemID())
	if it == nil || it.Workflow == nil || it.Workflow.Doubt != slipway.DoubtChanged || !slices.Contains(p.AllowedItem(v.user.Actor(), it), slipway.VerbRetry) {
		return Reply{}, refusal
	}
	return b.refused(v, refusal, b.view(v).retryAction(it, Ref{Plan: p.ID, Item: it.ID, Version: p.Version})), nil
}
