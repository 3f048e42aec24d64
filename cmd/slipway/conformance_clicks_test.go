package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/cmd/slipway/processtest"
)

// TestOneClickAtTwoReplicas delivers a click twice at once, to two Slipways.
func TestOneClickAtTwoReplicas(t *testing.T) {
	t.Parallel()
	s := newStreet(t)
	s.slack.Faults().DeliverTwice(true)
	s.feishu.Faults().DeliverTwice(true)
	for n := range 3 {
		p := s.plan(fmt.Sprintf("twice %d", n), 1)
		bob, carol := s.views("Bob")[0], s.views("Carol")[1]

		card := bob.awaitCard(t, slackRoom, p, shows("Waiting for approval"))
		told := len(bob.private("1/2 approvals"))
		if _, err := bob.who.Press(t.Context(), card, buttonOf(t, card, "Approve").Agreed()); err != nil {
			t.Errorf("Bob's click: %v", err)
		}
		card = carol.awaitCard(t, feishuRoom, p, shows("1 of 2"))
		before := len(s.feishu.Deliveries("card.action.trigger"))
		if a, err := carol.who.Press(t.Context(), card, buttonOf(t, card, "Approve").Agreed()); err != nil {
			t.Errorf("Carol's click is answered with %+v, %v", a, err)
		}
		s.equalAnswers(carol, before, fmt.Sprintf("Approved #%d %s. It is now: Executing.", p.Index, p.Name))
		for _, v := range s.views("Alice") {
			v.awaitCard(t, v.room, p, shows("Executing", "2 of 2"))
		}
		// Both replicas answer Bob with the same words, of which Slack shows one.
		if answers := bob.awaitPrivate(t, "1/2 approvals", told+1); len(answers) != told+1 {
			t.Errorf("Bob was told %d times", len(answers)-told)
		}
		var log struct{ Entries []struct{ Verb string } }
		if err := s.ask("", http.MethodGet, "/api/v1/plans/"+p.ID+"/log", nil).Decode(&log); err != nil {
			t.Fatal(err)
		}
		verbs := map[string]int{}
		for _, e := range log.Entries {
			verbs[e.Verb]++
		}
		if verbs["approve"] != 2 {
			t.Errorf("the log counts %v", verbs)
		}
	}
}

// How much TestAThousandClicks does.
const (
	thousandClicks = 1000
	clickedPlans   = 6
	clickers       = 3
)

// TestAThousandClicks presses what can be pressed on the cards of a dozen plans, with a
// fifth of the clicks delivered twice and with connections that break. In the end every
// card is what a card would be that is made afresh. Like TestConformance it is played
// beside no other test.
func TestAThousandClicks(t *testing.T) {
	// Few clicks may be lost, with the connections that break or because two Slipways and
	// both stand-ins under the race detector are too much for the machine.
	s := newStreet(t, lateAnswers...)
	var plans desk
	for range clickedPlans {
		plans.add(s)
	}
	var left atomic.Int64
	left.Store(thousandClicks)
	var done, refused, lost atomic.Int64
	var all sync.WaitGroup
	for n := range clickers {
		all.Go(func() {
			r := rand.New(rand.NewPCG(uint64(n), 7))
			for left.Load() > 0 {
				for _, c := range s.find(r, &plans) {
					if left.Add(-1) < 0 {
						return
					}
					switch s.click(t, r, c) {
					case "success":
						done.Add(1)
					case "":
						lost.Add(1)
					default:
						refused.Add(1)
					}
				}
			}
		})
	}
	all.Wait()
	s.slack.Faults().DeliverTwice(false)
	s.feishu.Faults().DeliverTwice(false)
	t.Logf("%d clicks did something, %d were refused, %d got no answer", done.Load(), refused.Load(), lost.Load())
	if done.Load() < clickedPlans*3 {
		t.Error("hardly anything was done")
	}
	if lost.Load() > thousandClicks/20 {
		t.Error("too many clicks got no answer")
	}
	for _, p := range plans.all {
		s.fresh(p)
	}
}

// desk holds the plans that are clicked, and all that were.
type desk struct {
	mu        sync.Mutex
	open, all []processtest.Plan
}

// add makes one more plan.
func (d *desk) add(s *street) {
	d.mu.Lock()
	defer d.mu.Unlock()
	p := s.plan(fmt.Sprintf("clicked %02d", len(d.all)), 10)
	d.open, d.all = append(d.open, p), append(d.all, p)
}

func (d *desk) pick(r *rand.Rand) processtest.Plan {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.open[r.IntN(len(d.open))]
}

// close takes a plan that is over away; it returns false if that was done before.
func (d *desk) close(p processtest.Plan) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.open)
	d.open = slices.DeleteFunc(d.open, func(o processtest.Plan) bool { return o.ID == p.ID })
	return len(d.open) < n
}

// aClick is a button that somebody sees.
type aClick struct {
	view
	card   screen.Message
	button screen.Button
}

// seenAtOnce is how many buttons a clicker presses after one look at the room: the
// later ones are perhaps stale.
const seenAtOnce = 4

// find lets somebody look into a room and choose buttons. If there are none, it waits
// until there is something else to see.
func (s *street) find(r *rand.Rand, plans *desk) []aClick {
	name := []string{"Alice", "Bob", "Carol"}[r.IntN(3)]
	v := s.views(name)[r.IntN(2)]
	changed := v.chat.Changed()
	messages := v.who.Look(v.room)
	var clicks []aClick
	for range seenAtOnce {
		p := plans.pick(r)
		card, ok := cardAmong(messages, p)
		if !ok {
			continue // not yet
		}
		// What ends a plan, or only opens a form or a list, is left to other tests.
		buttons := slices.DeleteFunc(slices.Clone(card.Buttons), func(b screen.Button) bool {
			return b.Label != "Approve" && b.Label != "Complete"
		})
		if len(buttons) > 0 {
			clicks = append(clicks, aClick{v, card, buttons[r.IntN(len(buttons))]})
		} else if strings.Contains(card.Text, slipway.Success.Text().EN) && plans.close(p) {
			plans.add(s)
		}
	}
	if len(clicks) == 0 {
		select {
		case <-changed:
		case <-time.After(time.Second):
		}
	}
	return clicks
}

// click presses a button and returns the kind of the answer, "" if there was none.
func (s *street) click(t *testing.T, r *rand.Rand, c aClick) string {
	if r.IntN(5) == 0 {
		s.slack.Faults().DeliverTwice(true)
		s.feishu.Faults().DeliverTwice(true)
		defer s.slack.Faults().DeliverTwice(false)
		defer s.feishu.Faults().DeliverTwice(false)
	}
	if r.IntN(60) == 0 {
		s.feishu.Faults().DropConnections()
	}
	if r.IntN(40) == 0 {
		s.slack.Faults().LoseAnswer("chat.update", 2)
		s.feishu.Faults().LoseAnswer(feishutest.OpPatch, 2)
	}
	if r.IntN(40) == 0 {
		s.slack.Faults().RateLimit("chat.update", 2, time.Second)
		s.feishu.Faults().RateLimit(feishutest.OpPatch, 2, time.Second)
	}
	press := c.who.PressSeen
	if r.IntN(2) == 0 {
		press = c.who.Press
	}
	a, err := press(t.Context(), c.card, c.button.Agreed())
	switch {
	case errors.Is(err, screen.ErrNotThere):
		return "gone"
	case err != nil:
		return "" // the connection broke: people see that, too
	case a.Kind == "" && (strings.HasPrefix(a.Toast, "✅") || a.Toast == ""):
		return "success"
	case a.Kind == "":
		return "error"
	}
	return a.Kind
}

// fresh compares the live cards of a plan with ones that are made now.
func (s *street) fresh(p processtest.Plan) {
	s.t.Helper()
	for _, v := range s.views("Alice") {
		if _, err := v.who.Command(s.t.Context(), v.room+"2", "", fmt.Sprintf("show #%d", p.Index)); err != nil {
			s.t.Errorf("show #%d: %v", p.Index, err)
			continue
		}
		made := v.awaitCard(s.t, v.room+"2", p, func(screen.Message) bool { return true })
		v.awaitCard(s.t, v.room, p, func(m screen.Message) bool {
			made, _ = v.card(v.room+"2", p)
			return m.Text == made.Text
		})
		var now processtest.Plan
		if err := s.ask("", http.MethodGet, "/api/v1/plans/"+p.ID, nil).Decode(&now); err != nil {
			s.t.Fatal(err)
		}
		if word := slipway.Status(now.Status).Text().EN; !strings.Contains(made.Text, word) {
			s.t.Errorf("#%d is %s, and its card says:\n%s", p.Index, word, made.Text)
		}
		done := 0
		for _, j := range now.Jobs {
			if j.Status == string(slipway.Done) {
				done++
			}
		}
		if part := fmt.Sprintf("%d of %d done", done, len(now.Jobs)); !strings.Contains(made.Text, part) {
			s.t.Errorf("#%d has %s, and its card says:\n%s", p.Index, part, made.Text)
		}
		s.history(v, p)
	}
}

// history wants every entry of the log once in the thread of a plan's card.
func (s *street) history(v view, p processtest.Plan) {
	s.t.Helper()
	var log struct{ Total int }
	if err := s.ask("", http.MethodGet, "/api/v1/plans/"+p.ID+"/log", nil).Decode(&log); err != nil {
		s.t.Fatal(err)
	}
	card, _ := v.card(v.room, p)
	var lines []string
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		changed := v.chat.Changed()
		lines = nil
		for _, m := range v.who.Thread(v.room, card.ID) {
			if m.Bot && !m.Only {
				lines = append(lines, strings.Split(strings.TrimSpace(m.Text), "\n")...)
			}
		}
		if len(lines) >= log.Total {
			break
		}
		select {
		case <-changed:
			continue
		case <-late.C:
		}
		break
	}
	if len(lines) != log.Total {
		s.t.Errorf("the thread of #%d in %s has %d lines for %d entries:\n%s", p.Index, v.room, len(lines), log.Total, strings.Join(lines, "\n"))
	}
}
