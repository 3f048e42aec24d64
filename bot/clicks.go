package bot

import (
	"context"

	"slipway"
	"slipway/storage"
)

// clicked does what a button says.
func (b *Bot) clicked(ctx context.Context, v *visit) Reply {
	ref := DecodeRef(v.ev.Value)
	if v.ev.Action == ActionRun {
		return b.rerun(ctx, v)
	}
	if v.ev.Action == verbList {
		return b.answer(ctx, v, nil)(b.list(ctx, v, ref.Words, ref.Cursor))
	}
	if v.ev.Action == verbHelp {
		return b.answer(ctx, v, nil)(b.help(ctx, v, Call{Verb: verbByID(verbHelp)}))
	}
	if v.ev.Action == verbNew {
		return b.answer(ctx, v, nil)(b.create(ctx, v, Call{Verb: verbByID(verbNew)}))
	}
	if v.ev.Action == verbLink {
		return b.answer(ctx, v, nil)(b.linkAccount(ctx, v))
	}
	if v.ev.Action == verbAway {
		return b.answer(ctx, v, nil)(b.openAway(ctx, v))
	}
	if v.ev.Action == verbHome {
		return b.answer(ctx, v, nil)(b.showHome(ctx, v))
	}
	p, err := b.Store.Plan(ctx, ref.Plan)
	if err != nil {
		return b.answer(ctx, v, nil)(Reply{}, err)
	}
	return b.answer(ctx, v, p)(b.press(ctx, v, p, ref))
}

// answer turns the outcome of a click into a reply. A refused click also gets the card
// as it is now.
func (b *Bot) answer(ctx context.Context, v *visit, p *slipway.Plan) func(Reply, error) Reply {
	return func(r Reply, err error) Reply {
		if err == nil {
			return r
		}
		if again, ok := b.repeated(ctx, v); ok {
			return again
		}
		b.log(ctx, v, "press "+string(v.ev.Action), err)
		r = b.refused(v, err)
		if p == nil {
			return r
		}
		now, err := b.Store.Plan(ctx, p.ID)
		if err != nil {
			b.log(ctx, v, "read plan", err)
			return r
		}
		r.Card = b.fresh(ctx, v, now)
		return r
	}
}

// rerun runs a text as if it were typed.
func (b *Bot) rerun(ctx context.Context, v *visit) Reply {
	typed := *v
	typed.ev.Kind, typed.ev.Text, typed.ev.Msg = Command, v.ev.Value, MsgRef{Room: v.ev.Msg.Room, Thread: v.ev.Msg.Thread}
	return b.typed(ctx, &typed)
}

// press does the action of a button of a plan.
func (b *Bot) press(ctx context.Context, v *visit, p *slipway.Plan, ref Ref) (Reply, error) {
	var it *slipway.Item
	if ref.Item != "" {
		if it = p.Item(ref.Item); it == nil {
			return Reply{}, slipway.Refuse(slipway.Stale,
				"This item is not in plan #%[1]d any more (%[2]s: %[3]s, %[4]s). Look at it again.",
				"发布计划 #%[1]d 中已没有这个发布项（%[2]s：%[3]s，%[4]s）。请重新查看。", p.Index, actorName(p.Last.By), p.Last.Verb.Text(), Clock(p.Last.At, v.zone))
		}
	}
	if err := runIsGone(it, ref); err != nil {
		return Reply{}, err
	}
	// The others follow below.
	//
	//exhaustive:ignore
	switch v.ev.Action {
	case verbShow:
		return b.show(ctx, v, p)
	case verbLog:
		return b.showLog(ctx, v, p, ref.Cursor)
	case verbHooks:
		return b.hooks(ctx, v, p, storage.DeliveryFilter{})
	case actionResend:
		return b.resend(ctx, v, p, ref)
	case verbRemove:
		if it == nil {
			return Reply{}, unknownButton()
		}
		return b.changed(ctx, v)(b.removeItem(ctx, v, p, it, ref.Version))
	case actionDecideYes, actionDecideNo:
		if it == nil || it.Workflow == nil {
			return Reply{}, unknownButton()
		}
		return b.pressAnswer(ctx, v, deed{
			verb: slipway.VerbDecide, plan: p, item: it, job: jobOf(it, ref.Job), approve: v.ev.Action == actionDecideYes, seen: ref.Version,
		})
	}
	if form, ok := formOf[v.ev.Action]; ok {
		return b.pressForm(ctx, v, form, deed{plan: p, item: it, seen: ref.Version})
	}
	row := verbByID(v.ev.Action)
	if row == nil || row.Move == "" {
		return Reply{}, unknownButton()
	}
	d := deed{verb: row.Move, plan: p, item: it, seen: ref.Version, accept: ref.Accept}
	if r, open, err := b.openIssues(ctx, v, &d); open || err != nil {
		return r, err
	}
	out, err := b.perform(ctx, v, d)
	if err != nil {
		return Reply{}, err
	}
	return b.done(ctx, v, out), nil
}

// pressAnswer answers a run that waits: a yes at once, a no after asking why.
func (b *Bot) pressAnswer(ctx context.Context, v *visit, d deed) (Reply, error) {
	if d.job == "" {
		return Reply{}, noLongerWaits(d.item)
	}
	if !d.approve {
		return b.askWhy(ctx, v, FormDecline, d)
	}
	out, err := b.perform(ctx, v, d)
	if err != nil {
		return Reply{}, err
	}
	return b.done(ctx, v, out), nil
}

func noLongerWaits(it *slipway.Item) error {
	return slipway.Refuse(slipway.Stale, "The run of item “%s” no longer waits there. Look at it again.",
		"发布项“%s”的运行已不在该处等待，请重新查看。", it.Name)
}

// resend sends a delivery again and shows the deliveries as they are now.
func (b *Bot) resend(ctx context.Context, v *visit, p *slipway.Plan, ref Ref) (Reply, error) {
	out, err := b.Commands.Resend(ctx, v.ask(0), ref.Delivery)
	if err != nil {
		return Reply{}, err
	}
	r, err := b.hooks(ctx, v, p, storage.DeliveryFilter{})
	if err != nil {
		return Reply{}, err
	}
	return Reply{Toast: &Toast{Kind: ToastDone, Text: v.say(doneText(out))}, Card: r.Whisper}, nil
}

func unknownButton() error {
	return slipway.Refuse(slipway.Invalid, "This button is not known any more. Show the plan again.", "该按钮已失效，请重新查看发布计划。")
}

// pressForm opens the form of a button, unless what it asks for would be refused.
func (b *Bot) pressForm(ctx context.Context, v *visit, form FormID, d deed) (Reply, error) {
	switch form {
	case FormCopy:
	case FormEdit, FormAdd, FormItem, FormWindow, FormSchedule, FormApprovers, FormSprints, FormNew:
		d.verb = slipway.VerbEdit
		if err := b.probe(v, d); err != nil {
			return Reply{}, err
		}
	case FormApprove, FormReject, FormComplete, FormSkip, FormOverride, FormReplan, FormCancel, FormAdopt:
		d.verb = slipway.Verb(form)
		return b.askWhy(ctx, v, form, d)
	case FormTransfer:
		d.verb = slipway.VerbTransfer
		return b.askWhom(ctx, v, d)
	case FormDecline, FormAway: // see pressAnswer and openAway
	}
	return b.openForm(ctx, v, form, d.plan, d.item)
}

// openForm opens a form about a plan.
func (b *Bot) openForm(ctx context.Context, v *visit, form FormID, p *slipway.Plan, it *slipway.Item) (Reply, error) {
	a, err := b.asker(ctx, v)
	if err != nil {
		return Reply{}, err
	}
	var f Form
	switch form {
	case FormNew:
		f = a.NewForm()
	case FormEdit:
		f = a.EditForm(p)
	case FormAdd:
		f = a.AddForm(p)
	case FormItem:
		if it == nil {
			return Reply{}, unknownButton()
		}
		f = a.ItemForm(p, it)
	case FormWindow:
		f = a.WindowForm(p)
	case FormSchedule:
		f = a.ScheduleForm(p)
	case FormApprovers:
		f = a.ApproversForm(p)
	case FormSprints:
		if f = a.SprintsForm(p); len(f.Fields) == 0 {
			return Reply{}, notConnected()
		}
	case FormCopy:
		f = a.CopyForm(p)
	case FormApprove, FormReject, FormComplete, FormSkip, FormOverride, FormReplan, FormCancel:
		f = a.SayForm(form, p, it)
	case FormAdopt, FormDecline, FormTransfer, FormAway: // see askWhy, askWhom and openAway
		return Reply{}, unknownButton()
	}
	return Reply{Form: &f}, nil
}

// submitted does what a form asks for.
func (b *Bot) submitted(ctx context.Context, v *visit) Reply {
	r, err := b.submit(ctx, v)
	if err != nil {
		if again, ok := b.repeated(ctx, v); ok {
			return again
		}
		b.log(ctx, v, "submit "+string(v.ev.Form), err)
		return b.refused(v, err)
	}
	return r
}

func (b *Bot) submit(ctx context.Context, v *visit) (Reply, error) {
	ref, vals := DecodeRef(v.ev.Value), v.ev.Fields
	if v.ev.Form == FormNew {
		return b.createFrom(ctx, v, vals)
	}
	if v.ev.Form == FormAway {
		return b.arrange(ctx, v, vals)
	}
	p, err := b.Store.Plan(ctx, ref.Plan)
	if err != nil {
		return Reply{}, err
	}
	var it *slipway.Item
	if ref.Item != "" {
		if it = p.Item(ref.Item); it == nil {
			return Reply{}, itemIsGone(&slipway.Item{Name: ref.Item})
		}
	}
	if err := runIsGone(it, ref); err != nil {
		return Reply{}, err
	}
	switch v.ev.Form {
	case FormNew, FormEdit, FormWindow, FormSchedule, FormApprovers, FormSprints:
		return b.editFrom(ctx, v, p, vals, ref.Version)
	case FormAdd:
		return b.addFrom(ctx, v, p, vals, ref.Version)
	case FormItem:
		if it == nil {
			return Reply{}, unknownButton()
		}
		return b.itemFrom(ctx, v, p, it, vals, ref.Version)
	case FormCopy:
		out, err := b.Commands.Copy(ctx, v.ask(0), p.ID, vals.Get("name"))
		if err != nil {
			return Reply{}, err
		}
		return b.made(ctx, v, out)
	case FormTransfer:
		return b.transferFrom(ctx, v, p, vals, ref.Version)
	case FormApprove, FormReject, FormComplete, FormSkip, FormOverride, FormReplan, FormCancel:
		out, err := b.perform(ctx, v, deed{
			verb: slipway.Verb(v.ev.Form), plan: p, item: it, text: vals.Get("comment"), seen: ref.Version,
		})
		if err != nil {
			return Reply{}, err
		}
		return b.done(ctx, v, out), nil
	case FormAway: // see above
	case FormAdopt, FormDecline:
		if it == nil || it.Workflow == nil {
			return Reply{}, unknownButton()
		}
		d := deed{verb: slipway.VerbAdopt, plan: p, item: it, text: vals.Get("run"), seen: ref.Version}
		if v.ev.Form == FormDecline {
			if d.verb, d.job, d.text = slipway.VerbDecide, jobOf(it, ref.Job), vals.Get("comment"); d.job == "" {
				return Reply{}, noLongerWaits(it)
			}
		}
		out, err := b.perform(ctx, v, d)
		if err != nil {
			return Reply{}, err
		}
		return b.done(ctx, v, out), nil
	}
	return Reply{}, unknownButton()
}
