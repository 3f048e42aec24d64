package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/storage"
)

// The sizes of a person's page.
const (
	homeRows    = 8 // of a section
	maxHomeText = 200
)

// Home is what concerns a person, each list newest first.
type Home struct {
	Waiting []*slipway.Plan // for their approval
	Items   []HomeItem      // theirs, to be done in plans that execute
	Mine    []*slipway.Plan // that they manage, created or work on, and that are not over
	Running []*slipway.Plan // of everybody, at most homeRows
	// RunningTotal counts all that are running.
	RunningTotal int64
}

// HomeItem is an item with its plan.
type HomeItem struct {
	Plan *slipway.Plan
	Item *slipway.Item
}

// home gathers what concerns a person.
func (b *Bot) home(ctx context.Context, u *slipway.User) (Home, error) {
	var open []slipway.Status
	for _, s := range slipway.Statuses() {
		if !s.Over() {
			open = append(open, s)
		}
	}
	mine, err := b.plansOf(ctx, u, storage.Filter{Statuses: open, Limit: 200})
	if err != nil {
		return Home{}, err
	}
	running, err := b.Store.Plans(ctx, storage.Filter{Statuses: []slipway.Status{slipway.Executing}, Limit: homeRows})
	if err != nil {
		return Home{}, fmt.Errorf("list running plans: %w", err)
	}
	h := Home{Running: running.Rows, RunningTotal: running.Total}
	for _, p := range mine {
		if slices.Contains(p.Allowed(u.Actor(), b.Commands.Rules()), slipway.VerbApprove) {
			h.Waiting = append(h.Waiting, p)
		}
		works := p.Manager.ID == u.ID || p.Creator.ID == u.ID
		for _, it := range p.Items {
			if it.Owner.ID != u.ID {
				continue
			}
			works = true
			if p.Status() == slipway.Executing && it.Status != slipway.Done && it.Status != slipway.Skipped {
				h.Items = append(h.Items, HomeItem{p, it})
			}
		}
		if works {
			h.Mine = append(h.Mine, p)
		}
	}
	return h, nil
}

// HomeCard shows a person what concerns them, with the buttons for it.
func HomeCard(h Home, v View) Card {
	c := Card{Lang: v.Lang, Zone: v.Zone, Title: v.say(slipway.T("Your releases", "我的发布"))}
	c.Summary = v.say(slipway.T("Waiting for your approval: %[1]d, items to do: %[2]d", "待我审批 %[1]d 个，待办发布项 %[2]d 个", len(h.Waiting), len(h.Items)))
	c.Actions = []Action{v.homeButton(verbNew, Ref{})}
	c.Actions[0].Style = Primary
	c.Actions = append(c.Actions, v.run(slipway.T("All plans", "全部发布计划"), slipway.T("list", "列表")), v.button(verbHelp, ""))
	if len(h.Waiting)+len(h.Items)+len(h.Mine)+len(h.Running) == 0 {
		c.Intro = []Line{{plain(v.say(slipway.T("All quiet: nothing waits for you, and no release is under way. Begin one with “New plan”.",
			"一切就绪：没有等待您处理的事项，也没有正在进行的发布。点击“新建发布计划”开始。")))}}
		return c
	}
	c.Rows = slices.Concat(
		v.section(slipway.T("✋ Waiting for my approval", "✋ 待我审批"), slipway.T("Nothing waits for you.", "没有待您审批的发布计划。"),
			v.homePlans(h.Waiting, slipway.VerbApprove, slipway.VerbReject), len(h.Waiting),
			slipway.T("mine waiting for approval", "我的 等待审批")),
		v.section(slipway.T("☑️ My items", "☑️ 我的发布项"), slipway.T("No item is yours to do right now.", "目前没有需要您处理的发布项。"),
			v.homeItems(h.Items), len(h.Items), slipway.T("mine executing", "我的 执行中")),
		v.section(slipway.T("📋 My plans", "📋 我的发布计划"), slipway.T("You have no plan that is not over.", "您没有未结束的发布计划。"),
			v.homePlans(h.Mine, slipway.VerbSubmit, slipway.VerbStart, slipway.VerbAskAgain, slipway.VerbReplan), len(h.Mine),
			slipway.T("mine open", "我的 进行中")),
		v.section(slipway.T("🚀 Running now", "🚀 正在执行"), slipway.T("No release is running.", "当前没有正在执行的发布。"),
			v.homePlans(h.Running), int(h.RunningTotal), slipway.T("executing", "执行中")),
	)
	return c
}

// section is a heading with its rows: the first of them, and what leads to the others.
func (v View) section(title, none slipway.Text, rows []Row, total int, words slipway.Text) []Row {
	head := Row{Title: Line{bold(v.say(title))}, Heading: true}
	if total == 0 {
		head.Details = []Line{{faint(v.say(none))}}
		return []Row{head}
	}
	rows = append([]Row{head}, rows...)
	if more := total + 1 - len(rows); more > 0 {
		a := v.button(verbList, Ref{Words: v.say(words)}.Encode())
		a.Label = v.say(slipway.T("Show all", "查看全部"))
		rows = append(rows, Row{Title: Line{faint(v.say(slipway.T("… %d more", "… 还有 %d 个", more)))}, Actions: []Action{a}})
	}
	return rows
}

// homePlans are rows of plans with those of the verbs that the viewer may use now.
func (v View) homePlans(plans []*slipway.Plan, verbs ...slipway.Verb) []Row {
	var rows []Row
	for _, p := range plans[:min(len(plans), homeRows)] {
		r := Row{
			ID: p.ID, State: statusState(p.Status(), v.Lang), Title: Line{{Text: planTitle(p), Style: Bold, Link: v.link(p)}},
			Details: []Line{v.listLine(p)},
		}
		shown, _ := v.planActions(p)
		for _, a := range shown {
			if slices.Contains(verbs, slipway.Verb(a.ID)) {
				r.Actions = append(r.Actions, homely(a))
			}
		}
		r.Actions = append(r.Actions, v.homeButton(verbShow, Ref{Plan: p.ID}))
		rows = append(rows, r)
	}
	return rows
}

// homeItems are rows of items with what the viewer may do to them now.
func (v View) homeItems(items []HomeItem) []Row {
	var rows []Row
	for _, x := range items[:min(len(items), homeRows)] {
		r := Row{
			ID: x.Item.ID, State: v.itemState(x.Item),
			Title:   Line{bold(x.Item.Name), faint(" · "), {Text: planTitle(x.Plan), Style: Faint, Link: v.link(x.Plan)}},
			Details: x.details(v),
		}
		if t := x.Item.Text; t != nil && strings.TrimSpace(t.Content) != x.Item.Name {
			r.Body = v.excerpt(t.Content, maxHomeText)
		}
		shown, _ := v.itemActions(x.Plan, x.Item)
		for _, a := range shown {
			r.Actions = append(r.Actions, homely(a))
		}
		r.Actions = append(r.Actions, v.homeButton(verbShow, Ref{Plan: x.Plan.ID}))
		rows = append(rows, r)
	}
	return rows
}

// details say what is waited for, what runs, who did what, and what changed meanwhile.
func (x HomeItem) details(v View) []Line {
	var lines []Line
	if w := x.Item.Workflow; w != nil {
		lines = append(v.waitLines(x.Item), Line{faint(workflowName(w))})
	}
	if l := v.doneLine(x.Item); len(l) > 0 {
		lines = append(lines, l)
	}
	if w := x.Item.Workflow; w != nil && w.Doubt == slipway.DoubtChanged {
		lines = append(lines, v.changeLines(w.Change)...)
	}
	return lines
}

func (v View) homeButton(id ActionID, ref Ref) Action {
	ref.Home = true
	return v.button(id, ref.Encode())
}

// homely marks a button that stands on a person's page.
func homely(a Action) Action {
	ref := DecodeRef(a.Value)
	ref.Home = true
	a.Value = ref.Encode()
	return a
}

// showHome answers `home`.
func (b *Bot) showHome(ctx context.Context, v *visit) (Reply, error) {
	h, err := b.home(ctx, v.user)
	if err != nil {
		return Reply{}, err
	}
	card := HomeCard(h, b.view(v))
	return Reply{Whisper: &card}, nil
}

// homeOpened shows a person their page. Where there are no such pages they get it as a
// card.
func (b *Bot) homeOpened(ctx context.Context, v *visit) Reply {
	r, err := b.showHome(ctx, v)
	if err != nil {
		b.log(ctx, v, "make home", err)
		return Reply{}
	}
	homer, ok := b.platforms[v.ev.From.Platform].(Homer)
	if !ok {
		return r
	}
	if err := homer.SetHome(ctx, v.ev.From, *r.Whisper); err != nil && !errors.Is(err, ErrBusy) {
		b.Log.WarnContext(ctx, "set home", "platform", string(v.ev.From.Platform), "user", v.user.ID, "error", err)
	}
	return Reply{}
}

// homeTime is how long the answer to a click may wait for the page to be shown anew.
const homeTime = time.Second

// homeward brings a person's page up to date after something was done from it: in the
// reply where it is a message, else as the platform shows pages.
func (b *Bot) homeward(ctx context.Context, v *visit, r Reply) Reply {
	if v.ev.Action == ActionRun {
		return b.settled(v, r)
	}
	if !DecodeRef(v.ev.Value).Home {
		return r
	}
	if r.Form != nil {
		f := *r.Form
		ref := DecodeRef(f.Value)
		ref.Home = true
		f.Value = ref.Encode()
		r.Form = &f
	}
	if r.Toast == nil {
		return r
	}
	h, err := b.home(ctx, v.user)
	if err != nil {
		b.log(ctx, v, "make home", err)
		return r
	}
	card := HomeCard(h, b.view(v))
	if v.ev.Msg.ID != "" {
		r.Card = &card
		return r
	}
	if homer, ok := b.platforms[v.ev.From.Platform].(Homer); ok && v.ev.Room.ID == "" {
		ctx, cancel := context.WithTimeout(ctx, homeTime)
		defer cancel()
		if err := homer.SetHome(ctx, v.ev.From, card); err != nil && !errors.Is(err, ErrBusy) {
			b.Log.WarnContext(ctx, "set home", "platform", string(v.ev.From.Platform), "user", v.user.ID, "error", err)
		}
	}
	return r
}
