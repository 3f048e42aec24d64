package storytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
)

func gates() []Story {
	return []Story{
		{Name: "an outside check passes, and the card shows its progress", Gated: true, Play: gatePasses},
		{Name: "an outside check fails and is asked for again", Gated: true, Play: gateFails},
		{Name: "an admin overrides an outside check", Gated: true, Play: gateOverridden},
		{Name: "hooks are listed and sent again", Gated: true, Play: hooksListed},
	}
}

// gated makes a plan that waits for the office, and returns its nth question.
func (w *World) gated() *Plan {
	w.t.Helper()
	p := w.NewPlan("gated", "")
	w.Alice.Say("add %s watch", p.ref()).Told("Changed")
	p.Do(w.Alice, "submit", "")
	w.Alice.Press(p.shows(w.Alice, slipway.FinishPlanning), "", "Start").Told("Waiting for the outside check before executing")
	p.Card(w.Bob, "Waiting for change-office", "answer due by")
	return p
}

// officeSays answers the nth question about the plan.
func (p *Plan) officeSays(n int, result slipway.Result, text string) {
	p.w.t.Helper()
	late := time.Now().Add(patience)
	for {
		q := p.w.Office.question(p.Name, n)
		if q != nil {
			a, err := p.w.Office.answer(p.w.ctx, q, result, text)
			if err != nil || a.Status != http.StatusOK {
				p.w.t.Fatalf("callback: %d %s (%v)", a.Status, a.Message(), err)
			}
			return
		}
		if time.Now().After(late) {
			p.w.t.Fatalf("the office was not asked %d times about %s", n, p.title())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-p.w.ctx.Done():
			p.w.t.Fatal(p.w.ctx.Err())
		}
	}
}

func gatePasses(_ *testing.T, w *World) {
	p := w.gated()
	p.officeSays(1, slipway.ResultExecuting, "reading it")
	p.Card(w.Bob, "change-office reports", "reading it")
	p.officeSays(1, slipway.ResultSuccess, "fine")
	p.shows(w.Bob, slipway.Executing)
	w.Alice.Press(p.Card(w.Alice), "watch", "Complete").Told("Success")
}

func gateFails(_ *testing.T, w *World) {
	p := w.gated()
	p.officeSays(1, slipway.ResultFailed, "too *risky*")
	card := p.Card(w.Alice, "by change-office failed", "too *risky*")
	w.Alice.Press(card, "", "Ask again").Told("Asked the outside systems again")
	p.Card(w.Bob, "Waiting for change-office")
	p.officeSays(2, slipway.ResultSuccess, "")
	p.shows(w.Bob, slipway.Executing)
}

func gateOverridden(_ *testing.T, w *World) {
	p := w.gated()
	card := p.Card(w.Alice)
	if _, ok := button(card, "", "Override check"); ok {
		w.Alice.Press(card, "", "Override check").Told("Only an admin")
	}
	w.Root.Press(p.Card(w.Root), "", "Override check")
	w.Root.Form("Override check")
	w.Root.Fill(map[string][]string{"Why?": {"by phone"}}).Told("Executing")
	card = p.shows(w.Bob, slipway.Executing)
	if !strings.Contains(card.Text, w.Root.Name+" overrode the check before executing") || !strings.Contains(card.Text, "by phone") {
		w.t.Errorf("the override is not told:\n%s", card.Text)
	}
}

func hooksListed(_ *testing.T, w *World) {
	p := w.gated()
	w.until("the hook is delivered", func() bool { return w.Office.question(p.Name, 1) != nil }, func() string { return "not asked" })
	m := w.Alice.Say("hooks %s", p.ref()).Message("change-office", "asks for an answer")
	w.t.Log(fmt.Sprint(len(m.Buttons)))
}
