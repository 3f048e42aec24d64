package dingtalk

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"slipway/bot"
	"slipway/bot/appapi"
	"slipway/bot/dingtalk/dingtalktest"
)

// recovered is what the bot does after a crash or a lost answer: it looks for the instance
// before it asks again.
func (w *world) recovered(t *testing.T, q bot.Question) string {
	t.Helper()
	ref, err := w.Find(t.Context(), q)
	if err != nil {
		t.Fatalf("Find: %v", err)
	}
	if ref == "" {
		ref = w.ask(t, q)
	}
	return ref
}

func TestWhateverBreaksThereIsOneInstance(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		dies func(w *world, q bot.Question) error
		made bool
	}{
		"before the call": {func(*world, bot.Question) error { return nil }, false},
		"refused": {func(w *world, q bot.Question) error {
			w.there.Faults().Fail(dingtalktest.OpStart, 500, "systemError", 1)
			_, err := w.Create(t.Context(), q)
			return err
		}, false},
		"the answer is lost": {func(w *world, q bot.Question) error {
			w.there.Faults().LoseAnswer(dingtalktest.OpStart, 1)
			_, err := w.Create(t.Context(), q)
			return err
		}, true},
		"after the call": {func(w *world, q bot.Question) error {
			_, err := w.Create(t.Context(), q)
			return err
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			q := w.question()
			t.Logf("it dies with %v", tt.dies(w, q))
			if n := len(w.there.Instances()); (n == 1) != tt.made {
				t.Fatalf("%d instances were made", n)
			}
			w.clock.Pass(time.Hour)
			first := w.recovered(t, q)
			if again := w.recovered(t, q); again != first {
				t.Errorf("found %s, then %s", first, again)
			}
			if all := w.there.Instances(); len(all) != 1 || all[0].ID != first {
				t.Errorf("there is %+v, found was %s", all, first)
			}
			w.faultless(t)
		})
	}
}

func TestAnInstanceIsFoundAmongManyOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.question()
	for i := range 2*page + 5 {
		other := q
		other.Mark = "another-mark"
		other.Asker = user([]string{"manager", "dan"}[i%2])
		ref := w.ask(t, other)
		if i%5 == 0 {
			must(t, w.there.Delete(t.Context(), ref))
		}
	}
	if ref, err := w.Find(t.Context(), q); ref != "" || err != nil {
		t.Errorf("before it was asked: %q, %v", ref, err)
	}
	want := w.ask(t, q)
	for _, wait := range []time.Duration{0, 24 * time.Hour, 100 * 24 * time.Hour} {
		w.clock.Pass(wait)
		if ref, err := w.Find(t.Context(), q); ref != want || err != nil {
			t.Errorf("after %s: %q, %v, want %q", wait, ref, err, want)
		}
	}
	w.clock.Pass(30 * 24 * time.Hour) // DingTalk lists 120 days
	if ref, err := w.Find(t.Context(), q); ref != "" || err != nil {
		t.Errorf("after 130 days: %q, %v", ref, err)
	}
	w.faultless(t)
}

func TestAnInstanceIsFoundWhoeverAsksNow(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.question()
	want := w.ask(t, q)
	w.Originator = "dan01" // since a restart
	if ref, err := w.Find(t.Context(), q); ref != want || err != nil {
		t.Errorf("with another originator: %q, %v, want %q", ref, err, want)
	}
	w.Originator, q.Asker.ID = "", "u-" // whose account was taken away
	if ref, err := w.Find(t.Context(), q); ref != want || err != nil {
		t.Errorf("of somebody without an account: %q, %v, want %q", ref, err, want)
	}
	w.faultless(t)
}

// Somebody who knows the mark of what another plan asks cannot have their own instance taken
// for it by writing the mark into the plan.
func TestAMarkThatSomebodyWroteIsNone(t *testing.T) {
	t.Parallel()
	for name, fields := range map[string]map[bot.DetailKey]string{
		"the mark ends the rest":     {bot.DetailPlan: "发布计划"},
		"the mark has its own field": {bot.DetailPlan: "发布计划", DetailMark: "编号"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *Config) { c.Fields = fields })
			w.there.AddDefinition(dingtalktest.Definition{Code: definition, Components: append(form, dingtalktest.Component{Kind: oneLineField, Name: "编号"})})
			q := w.question()
			other := q
			other.Mark = "0d8c2c9e-3f6a-4c4b-8d53-8f8e7a6b5c4d"
			other.Title += " " + q.Mark
			other.Details = slices.Clone(q.Details)
			for i := range other.Details {
				other.Details[i].Text += "\n编号：" + q.Mark
			}
			w.ask(t, other)
			if ref, err := w.Find(t.Context(), q); ref != "" || err != nil {
				t.Errorf("Find = %q, %v", ref, err)
			}
			if want := w.ask(t, q); w.recovered(t, q) != want {
				t.Error("its own instance is not found")
			}
			w.faultless(t)
		})
	}
}

func TestALookThatFailsDoesNotPassForNotFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.question()
	w.ask(t, q)
	for _, op := range []string{dingtalktest.OpList, dingtalktest.OpGet} {
		w.there.Faults().RateLimit(op, 1)
		ref, err := w.Find(t.Context(), q)
		if limited := (*bot.RateLimited)(nil); ref != "" || !errors.As(err, &limited) {
			t.Errorf("%s: Find = %q, %v", op, ref, err)
		}
		w.there.Faults().LoseAnswer(op, 10) // a GET is tried again by the client
		if ref, err := w.Find(t.Context(), q); ref != "" || err == nil {
			t.Errorf("%s: Find = %q, %v", op, ref, err)
		}
		for range 10 {
			_, _ = w.Find(t.Context(), q) // until the fault is over
		}
	}
}

func TestTheTokenIsRenewed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := w.ask(t, w.question())
	if n := w.calls(dingtalktest.OpToken); n != 1 {
		t.Errorf("the token was asked for %d times", n)
	}
	w.clock.Pass(2*time.Hour - appapi.RenewBefore) // shortly before its end
	w.look(t, ref)
	if n := w.calls(dingtalktest.OpToken); n != 2 {
		t.Errorf("the token was asked for %d times", n)
	}
	w.there.Faults().Revoke()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := w.Look(t.Context(), ref); err != nil {
				t.Errorf("with a revoked token: %v", err)
			}
		})
	}
	all.Wait()
	if n := w.calls(dingtalktest.OpToken); n != 3 {
		t.Errorf("the token was asked for %d times", n)
	}
	w.there.Faults().Fail(dingtalktest.OpGet, 401, "", 2)
	if _, err := w.Look(t.Context(), ref); err == nil {
		t.Error("a token that is refused twice was asked for again and again")
	}
	w.faultless(t)
}
