package tasks

import (
	"slices"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
)

// standIn decides for Root while they are away.
var standIn = &slipway.User{ID: "u-eve", Name: "Eve", Email: "eve@example.com", Role: slipway.RoleMember, Locale: slipway.English}

// away has Root away for two hours, in an hour.
func (w *world) away(t *testing.T) {
	t.Helper()
	book := commands.NewRulebook(&slipway.Rules{}, w.Store, w.clock.now)
	w.Commands.Rules, w.Commands.Refresh = book.Rules, book.Refresh
	if err := w.Store.CreateUser(t.Context(), standIn); err != nil {
		t.Fatal(err)
	}
	w.handle(t, w.one(t, slipway.TaskNotice), Done) // that they are asked
	now := w.clock.now()
	if _, _, err := w.Commands.Away(t.Context(), root, root, standIn, now.Add(time.Hour).Unix(), now.Add(3*time.Hour).Unix()); err != nil {
		t.Fatal(err)
	}
}

// An absence begins and ends by itself on the cards that are open, and whoever stands in is
// told that something waits for them.
func TestAnAbsenceBeginsAndEndsOnTheCards(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{})
		w.away(t)
		id := w.one(t, slipway.TaskPresence)
		w.handle(t, id, Again)
		w.quiet(t)

		w.clock.advance(time.Hour)
		w.handle(t, id, Again)
		w.painted(t)
		w.handle(t, w.one(t, slipway.TaskPatience), Done)
		w.painted(t)
		w.handle(t, w.one(t, slipway.TaskNotice), Done)
		if told := w.cards.told[len(w.cards.told)-1]; told != "You decide for Root now: plan #1 payments 4.2 asks for your approval." {
			t.Errorf("Eve is told %q", told)
		}
		if asked := w.look(t, p.ID).Asked(w.Commands.Rules()); len(asked) != 1 || asked[0].ID != standIn.ID {
			t.Errorf("asked is %+v", asked)
		}

		w.clock.advance(2 * time.Hour)
		w.handle(t, w.one(t, slipway.TaskPresence), Done)
		w.quiet(t)
		if asked := w.look(t, p.ID).Asked(w.Commands.Rules()); len(asked) != 1 || asked[0].ID != root.ID {
			t.Errorf("asked is %+v", asked)
		}
		want := []slipway.Verb{slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbRemindAgain}
		if got := w.verbs(t, p.ID); !slices.Equal(got, want) {
			t.Errorf("the log tells %v, want %v", got, want)
		}
	})
}

// painted has the cards painted, which wait for that.
func (w *world) painted(t *testing.T) {
	t.Helper()
	before := w.cards.painted
	w.handle(t, w.one(t, slipway.TaskCard), Done)
	if w.cards.painted != before+1 {
		t.Error("the cards were not painted")
	}
}

// quiet looks again, paints, and finds nothing that anybody is told.
func (w *world) quiet(t *testing.T) {
	t.Helper()
	w.handle(t, w.one(t, slipway.TaskPatience), Done)
	w.painted(t)
	if told := w.due(t, slipway.TaskNotice); len(told) > 0 {
		t.Errorf("%d people are told something", len(told))
	}
}

// Who is back sooner is asked sooner, and what was to happen later does not happen.
func TestWhoIsBackSoonerIsAskedSooner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.asked(t, slipway.TimeRules{})
		w.away(t)
		w.handle(t, w.one(t, slipway.TaskPresence), Again)
		if dropped, err := w.Commands.Back(t.Context(), root, root); !dropped || err != nil {
			t.Fatal(dropped, err)
		}
		w.handle(t, w.one(t, slipway.TaskPresence), Done)
		w.quiet(t)
		if n := w.count(t, slipway.TaskPresence); n != 0 {
			t.Errorf("%d tasks are left", n)
		}
	})
}

// A reminder and an escalation that wait for working hours come when these are others now.
func TestWhatWaitsForWorkingHoursFollowsThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.asked(t, slipway.TimeRules{RemindAfter: hours(10), EscalateAfter: hours(9), EscalateTo: []slipway.PersonRef{standIn.Ref()}})
		if err := w.Store.CreateUser(t.Context(), standIn); err != nil {
			t.Fatal(err)
		}
		last := func() slipway.Verb { list := w.verbs(t, p.ID); return list[len(list)-1] }
		w.clock.advance(8 * time.Hour) // 17:00, an hour before Root has had nine
		week := "Mon-Fri 09:00-16:00"
		if _, err := w.Commands.SetHours(t.Context(), root, root.ID, commands.NewHours{WorkingHours: &week}); err != nil {
			t.Fatal(err)
		}
		w.handle(t, w.one(t, slipway.TaskPresence), Done)
		w.handle(t, w.one(t, slipway.TaskPatience), Again)
		w.clock.advance(3 * time.Hour) // 20:00: both wait for tomorrow
		if got := w.due(t, slipway.TaskPatience); len(got) > 0 || last() != slipway.VerbSubmit {
			t.Fatalf("due in the evening: %v, after %s", got, last())
		}
		was, err := w.Store.User(t.Context(), root.ID)
		if err != nil {
			t.Fatal(err)
		}
		is := *was
		is.TimeZone, is.WorkingHours = "America/Los_Angeles", "Mon-Sun 00:00-24:00"
		if err := w.Commands.SaveUser(t.Context(), was, &is); err != nil {
			t.Fatal(err)
		}
		w.handle(t, w.one(t, slipway.TaskPresence), Done)
		w.handle(t, w.one(t, slipway.TaskPatience), Done)
		if last() != slipway.VerbEscalate {
			t.Errorf("at noon in Los Angeles comes %s", last())
		}
		w.handle(t, w.one(t, slipway.TaskPatience), Done)
		if last() != slipway.VerbRemindAgain {
			t.Errorf("then comes %s", last())
		}
	})
}
