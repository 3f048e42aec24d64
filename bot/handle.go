package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/storage"
)

// typed does what somebody typed.
func (b *Bot) typed(ctx context.Context, v *visit) Reply {
	if isNod(v.ev.Text) {
		return b.nodded(ctx, v)
	}
	c, err := Parse(v.ev.Text, Place{Plan: v.ev.Plan})
	if unknown := (*UnknownVerb)(nil); errors.As(err, &unknown) {
		return b.notUnderstood(ctx, v, unknown)
	}
	if err != nil {
		return b.refused(v, err, b.helpWay(v, c.Verb))
	}
	r, err := b.run(ctx, v, c)
	if err != nil {
		if again, ok := b.repeated(ctx, v); ok {
			return again
		}
		b.log(ctx, v, "run "+c.Verb.Name, err)
		return b.refused(v, err, b.ways(v, c, err)...)
	}
	return r
}

// repeated answers an event that was delivered and carried out before as it was
// answered then.
func (b *Bot) repeated(ctx context.Context, v *visit) (Reply, bool) {
	e, err := b.Store.EntryByRequest(ctx, v.ask(0).RequestID)
	if err != nil || e == nil || e.Data.Result == slipway.ResultChanged {
		return Reply{}, false // the write path looks again, or it was refused
	}
	p, err := b.Store.Plan(ctx, e.PlanID)
	if err != nil {
		return Reply{}, false
	}
	out := storage.Outcome{Plan: p, Entry: e, Repeated: true}
	r := b.done(ctx, v, out)
	if e.Verb == slipway.VerbCreate {
		r, err = b.made(ctx, v, out)
	}
	if e.Verb == slipway.VerbResend {
		r.Card = nil // what was clicked was not the plan's card
	}
	return r, err == nil
}

// run does a call. Verbs that need a plan or an item and do not have it are answered
// with a choice.
func (b *Bot) run(ctx context.Context, v *visit, c Call) (Reply, error) {
	// The others need a plan.
	//
	//exhaustive:ignore
	switch c.Verb.ID {
	case verbHelp:
		return b.help(ctx, v, c)
	case verbWhoami:
		card := WhoamiCard(v.user, b.view(v))
		facts, err := b.awayFacts(ctx, v)
		if err != nil {
			return Reply{}, err
		}
		card.Facts = append(card.Facts, facts...)
		if v.ev.From.Platform != Web {
			card.Actions = []Action{b.view(v).button(verbLink, "")}
		}
		return Reply{Whisper: &card}, nil
	case verbLink:
		return b.linkAccount(ctx, v)
	case verbAway:
		return b.away(ctx, v, c.Text)
	case verbHours:
		return b.setHours(ctx, v, c)
	case verbHome:
		return b.showHome(ctx, v)
	case verbList:
		return b.list(ctx, v, c.Text, "")
	case verbNew:
		return b.create(ctx, v, c)
	case verbHooks:
		return b.hookCall(ctx, v, c)
	}
	if c.Plan == "" {
		return b.whichPlan(ctx, v, c)
	}
	p, err := b.Commands.Find(ctx, c.Plan)
	if err != nil {
		return Reply{}, err
	}
	// The others are of the domain.
	//
	//exhaustive:ignore
	switch c.Verb.ID {
	case verbShow:
		return b.show(ctx, v, p)
	case verbLog:
		return b.showLog(ctx, v, p, "")
	case verbCopy:
		out, err := b.Commands.Copy(ctx, v.ask(0), p.ID, c.Text)
		if err != nil {
			return Reply{}, err
		}
		return b.made(ctx, v, out)
	case verbEdit, verbAdd, verbRemove, verbMove, verbWindow, verbSchedule, verbApprovers, verbSprints:
		return b.plan(ctx, v, c, p)
	}
	return b.act(ctx, v, c, p)
}

// act does a typed verb of the domain, after asking for what is missing.
func (b *Bot) act(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	d := deed{verb: c.Verb.Move, plan: p, text: c.Text}
	if c.Verb.Takes == TakesItem || c.Verb.Takes == TakesItemText {
		if c.Item == "" {
			return b.whichItem(v, c, p)
		}
		it, text, err := findItem(p, c)
		if err != nil {
			return Reply{}, err
		}
		d.item, d.text = it, text
	}
	// The others take a comment, or nothing.
	//
	//exhaustive:ignore
	switch d.verb {
	case slipway.VerbDecide:
		if d.item.Workflow != nil {
			return b.decideTyped(ctx, v, d)
		}
	case slipway.VerbTransfer:
		return b.transferTyped(ctx, v, d)
	case slipway.VerbRetry:
		accept, err := accepted(c, d.text)
		if err != nil {
			return Reply{}, err
		}
		d.accept, d.text = accept, ""
	}
	if (c.Verb.Destructive || d.verb == slipway.VerbAdopt) && trim(d.text) == "" {
		return b.askWhy(ctx, v, formOf[c.Verb.ID], d)
	}
	if c.Plan == v.ev.Plan && grave(d.verb) {
		return b.askOnce(ctx, v, c, d)
	}
	if r, open, err := b.openIssues(ctx, v, &d); open || err != nil {
		return r, err
	}
	out, err := b.perform(ctx, v, d)
	if err != nil && d.verb == slipway.VerbRetry {
		return b.offerChanged(ctx, v, d, err)
	}
	if err != nil {
		return Reply{}, err
	}
	return b.done(ctx, v, out), nil
}

// askWhy opens the form that asks for a comment, remark or reason, unless the deed
// would be refused anyway.
func (b *Bot) askWhy(ctx context.Context, v *visit, form FormID, d deed) (Reply, error) {
	if err := b.probe(v, d); err != nil {
		return Reply{}, err
	}
	a, err := b.asker(ctx, v)
	if err != nil {
		return Reply{}, err
	}
	var f Form
	// The others ask for no more than a text.
	//
	//exhaustive:ignore
	switch form {
	case FormAdopt:
		f = a.AdoptForm(d.plan, d.item)
	case FormDecline:
		f = a.DeclineForm(d.plan, d.item, d.job)
	default:
		f = a.SayForm(form, d.plan, d.item)
	}
	return Reply{Form: &f}, nil
}

func (b *Bot) help(ctx context.Context, v *visit, c Call) (Reply, error) {
	card := Card{}
	ref := v.ev.Plan
	if found, rest := takePlan(c.Text, anyPlan); found != "" && rest == "" {
		ref, c.Text = found, ""
	}
	row, _, rest := matchVerb(c.Text)
	switch {
	case c.Text == "" && ref != "":
		p, err := b.Commands.Find(ctx, ref)
		if err != nil {
			return Reply{}, err
		}
		card = HelpCard(p, b.view(v))
	case c.Text == "":
		card = HelpCard(nil, b.view(v))
	case row != nil && rest == "":
		card = VerbHelpCard(row, b.view(v))
	default:
		u := guess(c.Text)
		for i, s := range u.Suggestions {
			u.Suggestions[i] = v.say(slipway.T("help ", "帮助 ")) + s
		}
		card = b.view(v).unknownCard(u)
	}
	return Reply{Whisper: &card}, nil
}

// notUnderstood answers a text that is no command: with what was perhaps meant, else with
// help.
func (b *Bot) notUnderstood(ctx context.Context, v *visit, u *UnknownVerb) Reply {
	card := b.view(v).unknownCard(u)
	if len(u.Suggestions) > 0 {
		return Reply{Whisper: &card}
	}
	r, err := b.help(ctx, v, Call{Verb: verbByID(verbHelp)})
	if err != nil {
		return b.refused(v, err)
	}
	r.Whisper.Intro = append(card.Intro, r.Whisper.Intro...)
	r.Whisper.Summary = card.Summary
	return r
}

// unknownCard answers a text that is not understood.
func (v View) unknownCard(u *UnknownVerb) Card {
	text := slipway.T("“%s” is not a verb that is known here.", "无法识别命令“%s”。", u.Word)
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("Not understood", "没有听懂")), Summary: v.say(text), Intro: []Line{{plain(v.say(text))}}}
	if len(u.Suggestions) > 0 {
		c.Intro = append(c.Intro, Line{plain(v.say(slipway.T("Did you mean:", "您是不是想输入：")))})
	}
	for _, s := range u.Suggestions {
		a := v.run(slipway.Text{EN: shorten(oneLine(s), 60), ZH: shorten(oneLine(s), 60)}, slipway.Text{EN: s, ZH: s})
		if len(a.Value) <= maxValue {
			c.Actions = append(c.Actions, a)
		}
	}
	help := v.button(verbHelp, "")
	c.Actions = append(c.Actions, help)
	return c
}

// maxValue is the most bytes of an Action.Value.
const maxValue = 2000

func (b *Bot) helpWay(v *visit, row *VerbRow) Action {
	if row == nil {
		return b.view(v).button(verbHelp, "")
	}
	return b.view(v).run(
		slipway.T("Help on %s", "查看“%s”的帮助", row.Title()), slipway.T("help %s", "帮助 %s", row.Title()))
}

// ways are the buttons that lead on from an error.
func (b *Bot) ways(v *visit, c Call, err error) []Action {
	view := b.view(v)
	switch slipway.CodeOf(err) {
	case slipway.Unfit:
		if c.Plan != "" {
			return view.mend(c.Plan, slipway.ProblemsOf(err))
		}
	case slipway.Conflict, slipway.Stale, slipway.Forbidden:
		if c.Plan != "" {
			return []Action{view.run(buttonText(verbShow), slipway.T("show %s", "查看 %s", c.Plan))}
		}
	case slipway.NotFound:
		return []Action{view.run(slipway.T("My plans", "我的发布计划"), slipway.T("list mine", "列表 我的"))}
	case slipway.Invalid, slipway.TooLarge:
		return []Action{b.helpWay(v, c.Verb)}
	case slipway.Unauthenticated, slipway.TooMany, slipway.Unavailable, slipway.Internal:
	}
	return nil
}

// mend are the buttons that put right why a plan cannot be submitted.
func (v View) mend(plan string, problems []slipway.Problem) []Action {
	var ways []Action
	way := func(label slipway.Text, verb ActionID, item string) {
		title := verbByID(verb).Title()
		a := v.run(label, slipway.T("%[1]s %[2]s%[3]s", "%[1]s %[2]s%[3]s", title, plan, item))
		if !slices.ContainsFunc(ways, func(o Action) bool { return o.Value == a.Value }) {
			ways = append(ways, a)
		}
	}
	for _, p := range problems {
		item, _, _ := strings.Cut(strings.TrimPrefix(p.Path, "jobs["), "]")
		switch n, err := strconv.Atoi(item); {
		case p.Path == "jobs":
			way(buttonText(verbAdd), verbAdd, "")
		case strings.HasPrefix(p.Path, "jobs[") && err == nil:
			way(slipway.T("Edit item %d", "编辑发布项 %d", n+1), verbEdit, fmt.Sprintf(" %d", n+1))
		case p.Path == "start_time" || p.Path == "end_time":
			way(buttonText(verbWindow), verbWindow, "")
		case strings.HasPrefix(p.Path, "approval"):
			way(buttonText(verbApprovers), verbApprovers, "")
		}
	}
	ways = ways[:min(len(ways), 4)]
	return append(ways, v.run(buttonText(verbShow), slipway.T("show %s", "查看 %s", plan)))
}
