package bot

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// create answers `new`: from a document, from settings, or with the form.
func (b *Bot) create(ctx context.Context, v *visit, c Call) (Reply, error) {
	if c.Document != "" {
		doc, err := b.Commands.ParseDocument(ctx, []byte(c.Document))
		if err != nil {
			return Reply{}, err
		}
		out, err := b.Commands.Create(ctx, v.ask(0), doc)
		if err != nil {
			return Reply{}, err
		}
		return b.made(ctx, v, out)
	}
	if c.Text == "" && len(c.Options) == 0 {
		a, err := b.asker(ctx, v)
		if err != nil {
			return Reply{}, err
		}
		f := a.NewForm()
		return Reply{Form: &f}, nil
	}
	vals, err := c.values(planSettings)
	if err != nil {
		return Reply{}, err
	}
	return b.createFrom(ctx, v, vals)
}

// createFrom makes a plan from answers.
func (b *Bot) createFrom(ctx context.Context, v *visit, vals Values) (Reply, error) {
	d := slipway.Draft{Manager: v.user.Ref()}
	a, change := b.readPlan(ctx, v, vals, nil)
	if err := a.check(d, change); err != nil {
		return Reply{}, err
	}
	change(&d)
	out, err := b.Commands.CreateDraft(ctx, v.ask(0), d)
	if err != nil {
		return Reply{}, err
	}
	return b.made(ctx, v, out)
}

// made answers a new plan: its card appears where it was asked for.
func (b *Bot) made(ctx context.Context, v *visit, out storage.Outcome) (Reply, error) {
	r := Reply{Toast: &Toast{Kind: ToastDone, Text: v.say(doneText(out))}}
	switch {
	case v.ev.Room.ID == "" && v.ev.From.Platform != Web:
		b.showAlone(ctx, v, out.Plan)
		return r, nil
	case v.ev.Room.ID == "" || slices.Contains(b.Rooms, v.ev.Room) && v.ev.Msg.Thread == "":
		return r, nil // the card's task posts it
	}
	if err := b.showIn(ctx, v, out.Plan, cardKey(out.Plan.ID, v.ev.Room, ""), 0); err != nil && !errors.Is(err, ErrBusy) {
		b.Log.WarnContext(ctx, "show new plan", "room", v.ev.Room.ID, "error", err)
		card := PlanCard(out.Plan, b.view(v))
		r.Whisper = &card
	}
	return r, nil
}

// showAlone puts the card of a plan that was made outside any room, for example from the
// person's page, into the direct conversation.
func (b *Bot) showAlone(ctx context.Context, v *visit, p *slipway.Plan) {
	view := b.viewOf(v.user)
	_, err := b.raise(ctx, p, view, posting{
		to: Target{User: v.ev.From}, owner: v.user, card: PlanCard(p, view), key: fmt.Sprintf("card:%s:%s:@%s", p.ID, v.ev.From.Platform, v.ev.From.ID),
	})
	if err != nil {
		// The plan is made; its page and `home` show it.
		b.Log.WarnContext(ctx, "show new plan", "user", v.user.ID, "error", err)
	}
}

// plan answers the verbs that change a draft: with settings at once, alone with a form.
func (b *Bot) plan(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	if err := b.probe(v, deed{verb: slipway.VerbEdit, plan: p}); err != nil {
		return Reply{}, err
	}
	// The others follow below.
	//
	//exhaustive:ignore
	switch c.Verb.ID {
	case verbRemove, verbMove:
		return b.rearrange(ctx, v, c, p)
	case verbAdd:
		return b.add(ctx, v, c, p)
	}
	if c.Document != "" {
		doc, err := b.Commands.ParseDocument(ctx, []byte(c.Document))
		if err != nil {
			return Reply{}, err
		}
		return b.changed(ctx, v)(b.Commands.Replace(ctx, v.ask(0), p.ID, doc))
	}
	if c.Text == "" && len(c.Options) == 0 {
		return b.openForm(ctx, v, formOf[c.Verb.ID], p, nil)
	}
	if c.Verb.ID == verbSprints {
		return b.linkSprints(ctx, v, c, p)
	}
	if c.Verb.ID == verbEdit && c.Text != "" {
		return b.editItem(ctx, v, c, p)
	}
	if err := c.spread(); err != nil {
		return Reply{}, err
	}
	vals, err := c.values(planSettings)
	if err != nil {
		return Reply{}, err
	}
	return b.editFrom(ctx, v, p, vals, 0)
}

// changed turns the outcome of an edit into a reply.
func (b *Bot) changed(ctx context.Context, v *visit) func(storage.Outcome, error) (Reply, error) {
	return func(out storage.Outcome, err error) (Reply, error) {
		if err != nil {
			return Reply{}, err
		}
		return b.done(ctx, v, out), nil
	}
}

// editFrom changes a plan by answers; version is what the person saw, 0 if typed.
func (b *Bot) editFrom(ctx context.Context, v *visit, p *slipway.Plan, vals Values, version int64) (Reply, error) {
	a, change := b.readPlan(ctx, v, vals, p.Jira)
	if err := a.check(p.Draft(), change); err != nil {
		return Reply{}, err
	}
	return b.changed(ctx, v)(b.Commands.EditDraft(ctx, v.ask(version), p.ID, func(d *slipway.Draft) error {
		change(d)
		return nil
	}))
}

// rearrange removes or moves an item.
func (b *Bot) rearrange(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	if c.Item == "" {
		return b.whichItem(v, c, p)
	}
	it, err := commands.FindItem(p, c.Item)
	if err != nil {
		return Reply{}, err
	}
	if c.Verb.ID == verbRemove {
		return b.askRemove(v, p, it), nil
	}
	to, err := strconv.Atoi(c.To)
	if err != nil || to < 1 || to > len(p.Items) {
		return Reply{}, slipway.Refuse(slipway.Invalid,
			"Say where to: a number from 1 to %[1]d. Write: %[2]s", "请指明新的序号（1 到 %[1]d）。写法：%[2]s", len(p.Items), c.Verb.Usage)
	}
	return b.changed(ctx, v)(b.Commands.EditDraft(ctx, v.ask(0), p.ID, func(d *slipway.Draft) error {
		n := slices.IndexFunc(d.Items, func(o *slipway.Item) bool { return o.ID == it.ID })
		if n < 0 || to > len(d.Items) {
			return itemIsGone(it)
		}
		moved := d.Items[n]
		d.Items = slices.Insert(slices.Delete(d.Items, n, n+1), to-1, moved)
		return nil
	}))
}

func (b *Bot) removeItem(ctx context.Context, v *visit, p *slipway.Plan, it *slipway.Item, version int64) (storage.Outcome, error) {
	return b.Commands.EditDraft(ctx, v.ask(version), p.ID, func(d *slipway.Draft) error {
		n := slices.IndexFunc(d.Items, func(o *slipway.Item) bool { return o.ID == it.ID })
		if n < 0 {
			return itemIsGone(it)
		}
		d.Items = slices.Delete(d.Items, n, n+1)
		return nil
	})
}

func itemIsGone(it *slipway.Item) error {
	return slipway.Refuse(slipway.Conflict, "The item “%s” was removed meanwhile. Look at the plan again.", "发布项“%s”已被删除，请重新查看发布计划。", it.Name)
}

// add answers `add`: an item from settings, or the form.
func (b *Bot) add(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	if c.Text == "" && len(c.Options) == 0 {
		return b.openForm(ctx, v, FormAdd, p, nil)
	}
	vals, err := c.values(itemSettings)
	if err != nil {
		return Reply{}, err
	}
	vals["type"] = []string{string(slipway.TextItem)}
	for _, name := range []string{"spec.workflow", "spec.engine", "spec.project", "spec.params"} {
		if vals.Has(name) {
			vals["type"] = []string{string(slipway.WorkflowItem)}
		}
	}
	if c.Text != "" {
		if i := strings.IndexAny(c.Text, ":："); i > 0 && !vals.Has("spec.content") && vals.Get("type") == string(slipway.TextItem) {
			vals["name"], vals["spec.content"] = []string{trim(c.Text[:i])}, []string{trim(strings.TrimLeft(c.Text[i:], ":："))}
		}
	}
	return b.addFrom(ctx, v, p, vals, 0)
}

// addFrom adds an item made from answers.
func (b *Bot) addFrom(ctx context.Context, v *visit, p *slipway.Plan, vals Values, version int64) (Reply, error) {
	return b.itemFrom(ctx, v, p, nil, vals, version)
}

// itemFrom changes an item by answers, or adds one if it is nil.
func (b *Bot) itemFrom(ctx context.Context, v *visit, p *slipway.Plan, it *slipway.Item, vals Values, version int64) (Reply, error) {
	a := &answers{ctx: ctx, b: b, v: v}
	n := len(p.Items)
	if it != nil {
		n = p.ItemNumber(it.ID) - 1
	}
	edit := a.item("jobs["+strconv.Itoa(n)+"].", vals)
	lost := false
	change := func(d *slipway.Draft) {
		target := &slipway.Item{}
		if it == nil {
			d.Items = append(d.Items, target)
		} else if i := slices.IndexFunc(d.Items, func(o *slipway.Item) bool { return o.ID == it.ID }); i >= 0 {
			target = d.Items[i]
		} else {
			lost = true
		}
		edit(target)
	}
	if err := a.check(p.Draft(), change); err != nil {
		return Reply{}, err
	}
	return b.changed(ctx, v)(b.Commands.EditDraft(ctx, v.ask(version), p.ID, func(d *slipway.Draft) error {
		if change(d); lost {
			return itemIsGone(it)
		}
		return nil
	}))
}

// editItem answers `edit #plan item`: with settings at once, alone with the form.
func (b *Bot) editItem(ctx context.Context, v *visit, c Call, p *slipway.Plan) (Reply, error) {
	it, err := commands.FindItem(p, itemRef(c.Text))
	if err != nil {
		return Reply{}, err
	}
	if len(c.Options) == 0 {
		return b.openForm(ctx, v, FormItem, p, it)
	}
	c.Text = "" // it named the item
	vals, err := c.values(append([]string{"manager"}, itemSettings...))
	if err != nil {
		return Reply{}, err
	}
	return b.itemFrom(ctx, v, p, it, vals, 0)
}

var rangeMark = regexp.MustCompile(`\s+(?:to|until|-|–|—)\s+|\s*(?:至|到|~|～|\.\.)\s*`)

// window takes a range of times apart.
func window(s string) (start, end string, err error) {
	if isNone(s) {
		return "", "", nil
	}
	parts := rangeMark.Split(trim(strings.Map(foldRune, s)), -1)
	if len(parts) != 2 {
		return "", "", slipway.Refuse(slipway.Invalid,
			"A window has a start and an end, for example: 2026-11-24 22:00 to 2026-11-25 02:00",
			"窗口期需要开始和结束时间，例如：2026-11-24 22:00 至 2026-11-25 02:00")
	}
	start, end = trim(parts[0]), trim(parts[1])
	if day, _, ok := strings.Cut(start, " "); ok && clockOnly.MatchString(end) {
		end = day + " " + end // "2026-11-24 22:00 to 23:30"
	}
	return start, end, nil
}

var clockOnly = regexp.MustCompile(`^\d{1,2}[:：]\d{2}$`)

// spread turns the free words of window, schedule and approvers into settings.
func (c *Call) spread() error {
	if c.Text == "" {
		return nil
	}
	set := func(key, value string) { c.Options = append(c.Options, Setting{Key: key, Typed: key, Value: value}) }
	// The others take no free words.
	//
	//exhaustive:ignore
	switch c.Verb.ID {
	case verbWindow:
		set(keyWindow, c.Text)
	case verbSchedule:
		set("schedule_execute_time", c.Text)
	case verbApprovers:
		key := "approval.approvers"
		if saysLevels(c.Text) {
			key = "approval.levels"
		}
		set(key, c.Text)
	default:
		return c.tooMuch(c.Text)
	}
	c.Text = ""
	return nil
}

// values turns the settings of a call into answers, its free words into the name. Keys
// that are not among those allowed, or are given twice, are refused.
func (c *Call) values(allowed []string) (Values, error) {
	vals := Values{}
	if c.Text != "" {
		vals["name"] = []string{c.Text}
	}
	var params []string
	for _, o := range c.Options {
		name, isParam := strings.CutPrefix(o.Key, keyParam)
		twice := vals.Has(o.Key) || o.Key == keyWindow && (vals.Has("start_time") || vals.Has("end_time"))
		switch {
		case twice:
			return nil, slipway.Refuse(slipway.Invalid, "%s= is given twice.", "“%s=”重复了。", o.Typed)
		case !slices.Contains(allowed, o.Key) && (!isParam || !slices.Contains(allowed, keyParam)):
			return nil, slipway.Refuse(slipway.Invalid,
				"%[1]s= does not belong here. Write: %[2]s", "“%[1]s=”不能用在这里。写法：%[2]s", o.Typed, c.Verb.Usage)
		case isParam:
			params = append(params, name+"="+strconv.Quote(o.Value))
		case o.Key == keyWindow:
			start, end, err := window(o.Value)
			if err != nil {
				return nil, err
			}
			vals["start_time"], vals["end_time"] = []string{start}, []string{end}
		case o.Key == "approval.approvers" || o.Key == escalateTo:
			vals[o.Key] = []string{}
			if !isNone(o.Value) {
				vals[o.Key] = list(o.Value)
			}
		case o.Key == "owner":
			vals["manager"] = []string{o.Value}
		default:
			vals[o.Key] = []string{o.Value}
		}
	}
	if len(params) > 0 {
		vals["spec.params"] = []string{strings.Join(params, "\n")}
	}
	return vals, nil
}
