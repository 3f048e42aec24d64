package storytest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"slipway"
	"slipway/bot/screen"
)

func lookup() []Story {
	return []Story{
		{Name: "show by number moves the live card down", Play: showMoves},
		{Name: "a plan is found by its name", Play: showByName},
		{Name: "show in the thread shows it to the person alone", Play: showInThread},
		{Name: "a plan made elsewhere is shown where it is asked for", Play: showElsewhere},
		{Name: "lists are filtered", Play: listFilters},
		{Name: "lists have pages", Play: listPages},
		{Name: "help", Play: help},
		{Name: "help for a plan", Play: helpForPlan},
		{Name: "the log tells who did what", Play: showLog},
		{Name: "no hooks were sent", Play: noHooks},
		{Name: "whoami", Play: whoami},
		{Name: "an unknown plan", Play: unknownPlan},
	}
}

func showMoves(_ *testing.T, w *World) {
	p := w.NewPlan("shown", "")
	old := p.Card(w.Alice)
	w.Bob.Say("show %s", p.ref())
	w.until("a new card", func() bool {
		m, ok := p.cardIn(w.Alice, w.room)
		return ok && m.ID != old.ID
	}, func() string { return fmt.Sprint(w.Alice.client.Look(w.room)) })
	w.until("the old card points down", func() bool {
		for _, m := range w.Alice.client.Look(w.room) {
			if m.ID == old.ID {
				return strings.Contains(m.Text, "further down") && len(live(m.Buttons)) == 0
			}
		}
		return w.Vanish // a platform may take it away
	}, func() string { return fmt.Sprint(w.Alice.client.Look(w.room)) })
	w.Alice.Say("edit %s description=moved", p.ref()).Told("Changed")
	p.Card(w.Bob, "moved")
}

func showByName(_ *testing.T, w *World) {
	p := w.NewPlan("by its name", "")
	found := w.Bob.Say("list by its name %s", w.tag).Message(p.title())
	w.Bob.Press(found, p.title(), "Show")
	// It comes to where the list is, as the newest message.
	w.until("the card", func() bool {
		list := w.Bob.client.Look(found.Room)
		m, ok := p.cardIn(w.Bob, found.Room)
		return ok && len(list) > 0 && list[len(list)-1].ID == m.ID
	}, func() string { return fmt.Sprint(w.Bob.client.Look(found.Room)) })
}

func showInThread(_ *testing.T, w *World) {
	p := w.NewPlan("in the thread", "")
	card := p.Card(w.Bob)
	if !w.Thread {
		if _, err := w.Bob.client.Command(w.ctx, card.Room, card.ID, "show"); !notThere(err) {
			w.t.Errorf("the platform has threads after all: %v", err)
		}
		return
	}
	w.Bob.SayIn(card.Room, card.ID, "show").Message(p.title(), "Planning")
	if now := p.Card(w.Bob); now.ID != card.ID {
		w.t.Error("the card was moved")
	}
}

func showElsewhere(_ *testing.T, w *World) {
	p := w.made(w.name("from elsewhere"))
	w.ask(w.Alice, http.MethodPost, "/api/v1/plans", map[string]any{"name": p.Name})
	p.find()
	if card, ok := p.cardIn(w.Bob, w.room); ok {
		w.t.Errorf("the room shows the plan unasked:\n%s", card.Text)
	}
	w.Bob.Say("show %s", p.ref())
	p.Card(w.Alice, "Planning")
	w.ask(w.Alice, http.MethodPost, p.path("cancel"), map[string]any{"comment": "over"})
	p.Card(w.Bob, "Cancelled")
}

func listFilters(_ *testing.T, w *World) {
	p := w.NewPlan("listed", "")
	q := w.asked(1)
	h := w.Alice.Say("list mine")
	h.Message(p.title(), q.title())
	only := w.Alice.Say("list mine waiting for approval").Message(q.title())
	if strings.Contains(only.Text, p.title()) {
		w.t.Errorf("the filter is not kept:\n%s", only.Text)
	}
	w.Eve.Say("list mine").Told("Nothing found")
	w.Eve.Say("list listed %s", w.tag).Message(p.title())
	w.Carol.Say("列表 我的 规划中").Told("没有符合条件的发布计划")
}

func listPages(_ *testing.T, w *World) {
	const plans = 12
	for n := range plans {
		w.ask(w.Dave, http.MethodPost, "/api/v1/plans", map[string]any{"name": fmt.Sprintf("page %02d %s", n, w.tag)})
	}
	first := w.Dave.Say("list mine").Message("page 11 "+w.tag, "page 02 "+w.tag)
	if strings.Contains(first.Text, "page 01 "+w.tag) {
		w.t.Errorf("the page is too long:\n%s", first.Text)
	}
	w.Dave.Press(first, "", "Older").Message("page 01 "+w.tag, "page 00 "+w.tag)
}

func help(_ *testing.T, w *World) {
	w.Eve.Say("help").Message("approve #plan [comment]")
	w.Eve.Say("help approve").Message("Agrees to the release.", "the approvers")
	w.Carol.Say("帮助 通过").Message("同意发布。")
	h := w.Eve.Say("help aprove").Message("Did you mean")
	w.Eve.Press(h, "", "help approve").Message("Agrees to the release.")
}

func helpForPlan(_ *testing.T, w *World) {
	p := w.asked(1)
	if w.Thread {
		card := p.Card(w.Bob)
		w.Bob.SayIn(card.Room, card.ID, "help").Message(fmt.Sprintf("approve %s [comment]", p.ref()))
	}
	m := w.Bob.Say("help %s", p.ref()).Message(fmt.Sprintf("approve %s [comment]", p.ref()))
	if strings.Contains(m.Text, "submit "+p.ref()) {
		w.t.Errorf("what is not possible now is offered:\n%s", m.Text)
	}
}

func showLog(_ *testing.T, w *World) {
	p := w.asked(1)
	w.Eve.Say("log %s", p.ref()).Message(w.Alice.Name+" submitted the plan", w.Alice.Name+" created the plan", "Waiting for approval")
	w.Carol.Press(p.Card(w.Carol), "", map[bool]string{true: "操作日志", false: "Log"}[w.OwnWords]).Message(w.Alice.Name + " 提交了发布计划")
}

func noHooks(_ *testing.T, w *World) {
	p := w.NewPlan("unheard of", "")
	w.Alice.Say("hooks %s", p.ref()).Told("No outside system was told")
}

func whoami(_ *testing.T, w *World) {
	w.Alice.Say("whoami").Message(w.Alice.Email, zoneOfAlice, "member")
	w.Root.Say("whoami").Message(w.Root.Email, "admin")
	w.Carol.Say("我是谁").Message(w.Carol.Email, "中文")
}

func unknownPlan(_ *testing.T, w *World) {
	w.Bob.Say("show #999999").Told("not found")
	w.Carol.Say("提交 #999999").Told("没有这个发布计划")
	w.Bob.Say("submit nothing like this %s", w.tag).Told("nothing like this")
}

// entry is a line of the operation log.
type entry struct {
	Seq  int64        `json:"seq"`
	Verb slipway.Verb `json:"verb"`
}

// log returns the operation log of a plan.
func (p *Plan) log() []entry {
	p.w.t.Helper()
	var log struct{ Entries []entry }
	if err := p.w.ask(nil, http.MethodGet, p.path("log"), nil).Decode(&log); err != nil {
		p.w.t.Fatal(err)
	}
	return log.Entries
}

func contains(log []entry, verb slipway.Verb) bool {
	return slices.ContainsFunc(log, func(e entry) bool { return e.Verb == verb })
}

// live returns the buttons that do something.
func live(buttons []screen.Button) []screen.Button {
	return slices.DeleteFunc(slices.Clone(buttons), func(b screen.Button) bool { return b.URL != "" || b.Disabled })
}
