package bot

import (
	"context"
	"regexp"

	"slipway"
)

// toMark is what people write before whom they pass something to.
var toMark = regexp.MustCompile(`^(?i:to\s+|给\s*|至\s*|到\s*)`)

// transferTyped passes a place on as it is typed: to a person, with a comment behind it.
// Alone it opens the form.
func (b *Bot) transferTyped(ctx context.Context, v *visit, d deed) (Reply, error) {
	said := trim(toMark.ReplaceAllString(trim(d.text), ""))
	if said == "" {
		return b.askWhom(ctx, v, d)
	}
	to, err := b.person(ctx, said)
	if slipway.CodeOf(err) == slipway.NotFound {
		// A name of several words is tried first; then what follows the first is a comment.
		first := words(said)[0]
		if to, err = b.person(ctx, first.text); err == nil {
			d.text = unquote(said[first.end:])
		}
	} else {
		d.text = ""
	}
	if err != nil {
		return Reply{}, err
	}
	return b.changed(ctx, v)(b.Commands.Transfer(ctx, v.ask(d.seen), d.plan.ID, to, d.text))
}

// askWhom opens the form that asks to whom a place is passed, unless there is none.
func (b *Bot) askWhom(ctx context.Context, v *visit, d deed) (Reply, error) {
	if err := b.probe(v, d); err != nil {
		return Reply{}, err
	}
	a, err := b.asker(ctx, v)
	if err != nil {
		return Reply{}, err
	}
	f := a.TransferForm(d.plan)
	return Reply{Form: &f}, nil
}

// TransferForm asks to whom somebody's place as an approver is passed.
func (a Asker) TransferForm(p *slipway.Plan) Form {
	f := a.planForm(FormTransfer, p, slipway.T("Pass approval on", "转交审批"), slipway.T("Pass on", "转交"))
	f.Intro = []Line{
		{bold(planTitle(p))},
		{plain(a.say(slipway.T("Somebody else decides in your place. When the plan is planned again, your place is yours again.",
			"由其他人代替您审批。发布计划重新规划后，审批仍归您。")))},
	}
	f.Fields = []Field{
		a.person("to", slipway.T("To whom?", "转交给"), slipway.PersonRef{}, true),
		{Name: "comment", Kind: LongField, Label: a.say(slipway.T("Comment", "说明")), Max: slipway.MaxComment},
	}
	return f
}

// transferFrom passes a place on by the answers to the form.
func (b *Bot) transferFrom(ctx context.Context, v *visit, p *slipway.Plan, vals Values, version int64) (Reply, error) {
	a := &answers{ctx: ctx, b: b, v: v}
	to := a.user("to", vals.Get("to"))
	if a.err != nil {
		return Reply{}, a.err
	}
	if err := a.Err("The place cannot be passed on like this.", "不能这样转交。"); err != nil {
		return Reply{}, err
	}
	return b.changed(ctx, v)(b.Commands.Transfer(ctx, v.ask(version), p.ID, to, vals.Get("comment")))
}
