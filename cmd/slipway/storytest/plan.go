package storytest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"slipway"
	"slipway/bot/screen"
	"slipway/cmd/slipway/processtest"
)

// Plan is a plan of a story.
type Plan struct {
	w     *World
	Index int64
	Name  string
}

// Truth is a plan as the REST API tells it.
type Truth struct {
	ID          string            `json:"id"`
	Index       int64             `json:"index"`
	Name        string            `json:"name"`
	Status      slipway.Status    `json:"status"`
	Seq         int64             `json:"seq"`
	Version     int64             `json:"version"`
	Description string            `json:"description"` // as HTML
	Start       int64             `json:"start_time"`
	End         int64             `json:"end_time"`
	Schedule    int64             `json:"schedule_execute_time"`
	Approval    *slipway.Approval `json:"approval"`
	Reason      string            `json:"cancel_reason"`
	Jobs        []TrueJob         `json:"jobs"`
}

// TrueJob is an item as the REST API tells it.
type TrueJob struct {
	ID     string             `json:"id"`
	Name   string             `json:"name"`
	Status slipway.ItemStatus `json:"status"`
	Remark string             `json:"remark"`
	Reason string             `json:"reason"`
}

// NewPlan has Alice type a new plan; settings follow the name.
func (w *World) NewPlan(name, settings string) *Plan {
	w.t.Helper()
	p := w.made(w.name(name))
	w.Alice.Say("new %s", strings.TrimSpace(p.Name+" "+settings)).Told("Created #", p.Name)
	return p.find()
}

// made is a plan with the name, which is looked for later.
func (w *World) made(name string) *Plan { return &Plan{w: w, Name: name} }

// find learns the number of the plan with the name.
func (p *Plan) find() *Plan {
	p.w.t.Helper()
	var list struct{ Plans []Truth }
	found := func() bool {
		a := p.w.ask(nil, http.MethodGet, "/api/v1/plans?limit=200&q="+strings.ReplaceAll(p.w.tag, " ", "+"), nil)
		if err := a.Decode(&list); err != nil {
			p.w.t.Fatal(err)
		}
		i := slices.IndexFunc(list.Plans, func(t Truth) bool { return t.Name == p.Name })
		if i < 0 {
			return false
		}
		p.Index = list.Plans[i].Index
		return true
	}
	p.w.until("plan "+p.Name, found, func() string { return fmt.Sprintf("%+v", list.Plans) })
	return p
}

// ref is how people name the plan.
func (p *Plan) ref() string { return fmt.Sprintf("#%d", p.Index) }

func (p *Plan) title() string { return p.ref() + " " + p.Name }

// Now returns the plan as it is.
func (p *Plan) Now() Truth {
	p.w.t.Helper()
	var t Truth
	a := p.w.ask(nil, http.MethodGet, p.path(""), nil)
	if err := a.Decode(&t); err != nil {
		p.w.t.Fatal(err)
	}
	return t
}

func (p *Plan) path(verb string) string {
	path := fmt.Sprintf("/api/v1/plans/%d", p.Index)
	if verb != "" {
		path += "/" + verb
	}
	return path
}

// Do has somebody do a verb of the plan from another surface.
func (p *Plan) Do(who *Person, verb, comment string) {
	p.w.t.Helper()
	body := map[string]any{}
	if comment != "" {
		body["comment"] = comment
	}
	p.w.ask(who, http.MethodPost, p.path(verb), body)
}

// DoItem has somebody do a verb of an item, counted from 1, from another surface.
func (p *Plan) DoItem(who *Person, item int, verb string) {
	p.w.t.Helper()
	p.w.ask(who, http.MethodPost, p.path("jobs/"+p.Now().Jobs[item-1].ID+"/"+verb), map[string]any{})
}

// Is waits until the plan has a status.
func (p *Plan) Is(want slipway.Status) {
	p.w.t.Helper()
	if got := p.Now().Status; got != want {
		p.w.t.Fatalf("%s is %s, want %s", p.title(), got, want)
	}
}

// footer stands on every live card of a plan, and on no other message.
var footer = regexp.MustCompile(`Version \d+, created by|第 \d+ 版，由`)

// cardIn returns the live card of the plan as somebody sees it in a room.
func (p *Plan) cardIn(who *Person, room string) (screen.Message, bool) {
	for _, m := range slices.Backward(who.client.Look(room)) {
		if m.Bot && !m.Only && strings.Contains(m.Text, p.title()) && footer.MatchString(m.Text) {
			return m, true
		}
	}
	return screen.Message{}, false
}

// CardIn waits until the live card in a room, as somebody sees it, has all parts.
func (p *Plan) CardIn(who *Person, room string, parts ...string) screen.Message {
	p.w.t.Helper()
	var card screen.Message
	seen := func() bool {
		var ok bool
		card, ok = p.cardIn(who, room)
		return ok && containsAll(card.Text, parts)
	}
	p.w.until(fmt.Sprintf("%s sees %q on the card of %s", who.Name, parts, p.title()), seen, func() string {
		text := shown(card)
		for _, m := range who.client.Look(room) {
			text += "\n--- in the room:\n" + m.Text
		}
		return text
	})
	return card
}

// Card waits for the live card in the story's room.
func (p *Plan) Card(who *Person, parts ...string) screen.Message {
	p.w.t.Helper()
	return p.CardIn(who, p.w.room, parts...)
}

// shows waits until the card in the story's room has the status, in the words in which
// the person sees it, and returns the card.
func (p *Plan) shows(who *Person, s slipway.Status) screen.Message {
	p.w.t.Helper()
	p.Is(s)
	return p.Card(who, s.Text().In(p.w.langFor(who)))
}

// langFor is the language in which somebody sees shared cards of the story's room.
func (w *World) langFor(who *Person) slipway.Lang {
	if w.OwnWords && who == w.Carol {
		return slipway.Chinese
	}
	return slipway.English
}

// asked makes a plan with an item that Bob and Carol are asked to approve, and returns
// its card as Bob sees it.
func (w *World) asked(needed int) *Plan {
	w.t.Helper()
	p := w.NewPlan("payments", fmt.Sprintf("approvers=%s,%s needed=%d", w.Bob.Name, w.Carol.Name, needed))
	w.Alice.Say("add %s announce: Tell the hotline owner=%s", p.ref(), w.Dave.Name).Told("Changed " + p.ref())
	w.Alice.Say("submit %s", p.ref()).Told("Waiting for approval")
	p.shows(w.Bob, slipway.WaitForApproval)
	return p
}

// started makes a plan with items that is being executed. Each item is what follows
// `add #n`.
func (w *World) started(items ...string) *Plan {
	w.t.Helper()
	p := w.NewPlan("work", "")
	for _, it := range items {
		w.Alice.Say("add %s %s", p.ref(), it).Told("Changed " + p.ref())
	}
	p.Do(w.Alice, "submit", "")
	p.Do(w.Alice, "start", "")
	p.shows(w.Alice, slipway.Executing)
	return p
}

// replace has somebody put a document with a description in the place of the plan,
// from another surface.
func (p *Plan) replace(who *Person, description string) {
	p.w.t.Helper()
	now := p.Now()
	a, err := p.w.API.Do(p.w.ctx, p.w.URL, processtest.Request{
		Method: http.MethodPut, Path: p.path(""), Actor: who.Email, Match: fmt.Sprintf("%q", fmt.Sprint(now.Version)),
		Body: map[string]any{"name": p.Name, "description": description},
	})
	if err != nil || a.Status != http.StatusOK {
		p.w.t.Fatalf("replace %s: %d %s (%v)", p.title(), a.Status, a.Message(), err)
	}
}
