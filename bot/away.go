package bot

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"time"

	"slipway"
	"slipway/commands"
	"slipway/storage"
)

// An absence is typed as "from 2026-12-01 to 2026-12-05 to carol", by admins also with
// "for bob" behind it.
var (
	awayFrom = regexp.MustCompile(`^(?i:from\s+|从\s*|自\s*)`)
	awayNow  = regexp.MustCompile(`^(?i:(?:until|till)\s+|到\s*|至\s*)`)
	awayMark = regexp.MustCompile(`(?i:\s+(?:to|until|till)\s+|\s*(?:至|到|~|\.\.)\s*|\s*[,]?\s*(?:委托给|转给|给|由)\s*)`)
	awayFor  = regexp.MustCompile(`(?i:\s+for\s+|\s*(?:代替|代)\s*)`)
	awayOff  = regexp.MustCompile(`^(?i:off|none|no|end|back|stop|取消|结束|关闭|无|销假)(?:(?i:\s+for\s+|\s*(?:代替|代)\s*)(.+))?$`)
)

// away answers `away`: who decides in somebody's place, and for how long.
func (b *Bot) away(ctx context.Context, v *visit, text string) (Reply, error) {
	text = trim(text)
	if text == "" {
		return b.showAway(ctx, v)
	}
	if m := awayOff.FindStringSubmatch(text); m != nil {
		return b.back(ctx, v, m[1])
	}
	of := ""
	if cut := awayFor.FindStringIndex(text); cut != nil {
		text, of = trim(text[:cut[0]]), trim(text[cut[1]:])
	}
	start, rest := "", awayFrom.ReplaceAllString(text, "")
	parts := awayMark.Split(rest, -1)
	if now := awayNow.FindString(rest); now != "" {
		parts = append([]string{""}, awayMark.Split(rest[len(now):], -1)...)
	}
	if len(parts) != 3 {
		row := verbByID(verbAway)
		return Reply{}, slipway.Refuse(slipway.Invalid, "Say from when until when, and who decides in your place. For example: %s",
			"请写明起止时间和代为审批的人。例如：%s", row.Example)
	}
	start = trim(parts[0])
	return b.arrange(ctx, v, Values{"start": {start}, "end": {trim(parts[1])}, "to": {trim(parts[2])}, "of": {of}})
}

// arrange notes an absence by answers.
func (b *Bot) arrange(ctx context.Context, v *visit, vals Values) (Reply, error) {
	a := &answers{ctx: ctx, b: b, v: v}
	of, to := v.user, a.user("to", vals.Get("to"))
	if who := vals.Get("of"); who != "" {
		of = a.user("of", who)
	}
	start, end, err := commands.ParseSpan(vals.Get("start"), vals.Get("end"), b.Now(), v.zone)
	if err != nil {
		a.Append(slipway.Problem{Path: "end", Text: slipway.TextOf(err)})
	}
	if a.err != nil {
		return Reply{}, a.err
	}
	if err := a.Err("This cannot be arranged.", "无法这样安排。"); err != nil {
		return Reply{}, err
	}
	d, others, err := b.Commands.Away(ctx, v.user, of, to, start, end)
	if err != nil {
		return Reply{}, err
	}
	b.Log.InfoContext(ctx, "delegation set", "user", d.Of.ID, "to", d.To.ID, "start", d.Start, "end", d.End, "by", v.user.ID)
	b.tellAway(ctx, d, to, slipway.T("You stand in", "代为审批"),
		slipway.T("What waits for a decision stands on your page: write home.", "待您审批的发布计划请输入“主页”查看。"))
	if of.ID != v.user.ID {
		b.tellAway(ctx, d, of, slipway.T("Away", "休假与委托"),
			slipway.T("%s arranged that for you. If it is wrong, write away off.", "由 %s 为您设置。如有不妥，请输入“休假 取消”。", v.user.Name))
	}
	said := delegationText(d, b.view(v))
	if len(others) > 0 {
		said = slipway.T("%[1]s. %[2]s stands in for %[3]s meanwhile, which is not passed on", "%[1]s。%[2]s 届时正代 %[3]s 审批，这部分不会转给他人",
			said, d.Of.Name, personList(others))
	}
	return Reply{Toast: &Toast{Kind: ToastDone, Text: v.say(slipway.T("%s.", "%s。", said))}}, nil
}

// back ends an absence, or takes it back.
func (b *Bot) back(ctx context.Context, v *visit, who string) (Reply, error) {
	of := v.user
	if who = trim(who); who != "" {
		var err error
		if of, err = b.person(ctx, who); err != nil {
			return Reply{}, err
		}
	}
	news, err := b.Commands.Back(ctx, v.user, of)
	if err != nil {
		return Reply{}, err
	}
	if news {
		b.Log.InfoContext(ctx, "delegation ended", "user", of.ID, "by", v.user.ID)
	}
	return Reply{Toast: &Toast{Kind: ToastDone, Text: v.say(slipway.T("Nobody stands in for %s now.", "现在没有人代 %s 审批。", of.Name))}}, nil
}

// showAway shows who stands in for whom, as far as that concerns somebody; to admins all
// of it.
func (b *Bot) showAway(ctx context.Context, v *visit) (Reply, error) {
	view := b.view(v)
	c := Card{Lang: v.lang, Zone: view.Zone, Title: v.say(slipway.T("Away", "休假与委托"))}
	known, err := b.delegations(ctx, v.user)
	if err != nil {
		return Reply{}, err
	}
	mine := false
	for _, d := range known {
		mine = mine || d.Of.ID == v.user.ID
		c.Intro = append(c.Intro, Line{plain(v.say(delegationText(d, view)))})
	}
	if len(known) == 0 {
		c.Intro = []Line{{plain(v.say(slipway.T("Nobody stands in for you, and you stand in for nobody.", "目前没有人代您审批，您也没有代他人审批。")))}}
	}
	c.Summary = c.Intro[0].Text(v.lang, v.zone)
	c.Intro = append(c.Intro, Line{faint(v.say(slipway.T("While you are away somebody else is asked for your approvals. Both of you may decide; it counts once.",
		"休假期间，由您指定的人代为审批。双方都可以审批，只计一次。")))})
	c.Actions = []Action{view.button(verbAway, "")}
	if mine {
		c.Actions = append(c.Actions, view.run(slipway.T("I am there", "我已回来"), slipway.T("away off", "休假 取消")))
	}
	return Reply{Whisper: &c}, nil
}

// delegations are those that concern somebody; all of them, to an admin.
func (b *Bot) delegations(ctx context.Context, u *slipway.User) ([]slipway.Delegation, error) {
	known, err := b.Commands.Delegations(ctx)
	if err != nil {
		return nil, fmt.Errorf("show delegations: %w", err)
	}
	return slices.DeleteFunc(known, func(d slipway.Delegation) bool {
		return u.Role != slipway.RoleAdmin && d.Of.ID != u.ID && d.To.ID != u.ID
	}), nil
}

// delegationText says who decides in whose place, and when.
func delegationText(d slipway.Delegation, v View) slipway.Text {
	return slipway.T("%[1]s decides for %[2]s, %[3]s", "%[1]s 代 %[2]s 审批，%[3]s", d.To.Name, d.Of.Name, ClockRange(d.Start, d.End, v.location()))
}

// location is the viewer's zone.
func (v View) location() *time.Location {
	if zone, err := time.LoadLocation(v.Zone); err == nil {
		return zone
	}
	return time.UTC
}

// awayFacts are what a person's own card says of delegations that concern them.
func (b *Bot) awayFacts(ctx context.Context, v *visit) ([]Fact, error) {
	known, err := b.delegations(ctx, v.user)
	if err != nil {
		return nil, err
	}
	var facts []Fact
	for _, d := range known {
		if d.Of.ID == v.user.ID || d.To.ID == v.user.ID {
			facts = append(facts, Fact{Label: v.say(slipway.T("Away", "休假")), Value: Line{plain(v.say(delegationText(d, b.view(v))))}})
		}
	}
	return facts, nil
}

// AwayForm asks from when until when somebody is away, and who decides meanwhile.
func (a Asker) AwayForm() Form {
	f := Form{
		ID: FormAway, Lang: a.Lang, Title: a.say(slipway.T("Away", "休假与委托")), Submit: a.say(slipway.T("Save", "保存")),
		Intro: []Line{{plain(a.say(slipway.T("While you are away somebody else is asked for your approvals. Both of you may decide; it counts once.",
			"休假期间，由您指定的人代为审批。双方都可以审批，只计一次。")))}},
		Fields: []Field{
			{
				Name: "start", Kind: TimeField, Label: a.say(slipway.T("From", "开始")),
				Hint: a.say(slipway.T("Nothing: from now on.", "留空表示从现在开始。")),
			},
			{Name: "end", Kind: TimeField, Label: a.say(slipway.T("Until", "结束")), Required: true},
			a.person("to", slipway.T("Who decides in your place?", "由谁代为审批"), slipway.PersonRef{}, true),
		},
	}
	if a.Me != nil && a.Me.Role == slipway.RoleAdmin {
		of := a.person("of", slipway.T("Who is away?", "谁休假"), a.Me.Ref(), false)
		f.Fields = append(f.Fields, of)
	}
	return f
}

func (b *Bot) openAway(ctx context.Context, v *visit) (Reply, error) {
	a, err := b.asker(ctx, v)
	if err != nil {
		return Reply{}, err
	}
	f := a.AwayForm()
	return Reply{Form: &f}, nil
}

// tellAway tells somebody who decides in whose place: whoever stands in, and a person for
// whom it was arranged. That it does not arrive changes nothing: cards and `home` show it,
// too.
func (b *Bot) tellAway(ctx context.Context, d slipway.Delegation, to *slipway.User, title, more slipway.Text) {
	view := b.viewOf(to)
	text := slipway.T("%[1]s. %[2]s", "%[1]s。%[2]s", delegationText(d, view), more)
	c := Card{Lang: view.Lang, Zone: view.Zone, Title: view.say(title), Summary: view.say(text), Intro: []Line{{plain(view.say(text))}}}
	c.Actions = []Action{view.button(verbHome, "")}
	var errands []errand
	for _, platform := range b.Platforms {
		key := fmt.Sprintf("away:%s:%d:%d:%s:%s", d.Of.ID, d.Start, d.End, platform.ID(), to.ID)
		errands = append(errands, errand{platform.ID(), "tell " + key, func(ctx context.Context) error {
			ref, ok, err := b.accountOn(ctx, platform, to)
			if !ok {
				return err
			}
			_, err = platform.Post(ctx, Target{User: ref}, c, key)
			return b.outcome(ctx, Target{User: ref}.room(), err)
		}})
	}
	if err := b.runAll(ctx, errands); err != nil {
		b.Log.WarnContext(ctx, "tell of an absence", "user", to.ID, "error", err)
	}
}

// plansOf lists plans in which somebody has a part, and those where they stand in for
// somebody who has one.
func (b *Bot) plansOf(ctx context.Context, u *slipway.User, f storage.Filter) ([]*slipway.Plan, error) {
	people := []string{u.ID}
	for _, d := range b.Commands.Rules().Delegations {
		if d.To.ID == u.ID {
			people = append(people, d.Of.ID)
		}
	}
	var out []*slipway.Plan
	for _, id := range people {
		f.PersonID = id
		page, err := b.Store.Plans(ctx, f)
		if err != nil {
			return nil, fmt.Errorf("list own plans: %w", err)
		}
		for _, p := range page.Rows {
			if !slices.ContainsFunc(out, func(o *slipway.Plan) bool { return o.ID == p.ID }) {
				out = append(out, p)
			}
		}
	}
	return out, nil
}
