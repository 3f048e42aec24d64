package storage_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// cardsOf are the cards of a plan that are not done with.
func cardsOf(t *testing.T, s *storage.Store, planID string) []storage.CardRef {
	t.Helper()
	cards, err := s.Cards(t.Context(), planID)
	must(t, err)
	return cards
}

// putCard writes a card and checks whether that leaves something to paint.
func putCard(t *testing.T, s *storage.Store, c storage.CardRef, wantBehind bool) {
	t.Helper()
	if behind, err := s.PutCard(t.Context(), c, morning); err != nil || behind != wantBehind {
		t.Errorf("card %s put: behind %v, %v; want %v", c.MessageID, behind, err, wantBehind)
	}
}

// The newest card of a plan in a room is the one that lives there.
func TestCardsOfAPlan(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p, other := create(t, s, bare("shown")), create(t, s, bare("other"))
		old := storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: "1.1", Seq: 1, Told: 1, Telling: 1}
		web := storage.CardRef{PlanID: p.ID, Platform: "web", RoomID: "C1", MessageID: "m1", Seq: 1}
		theirs := storage.CardRef{PlanID: other.ID, Platform: "slack", RoomID: "C1", MessageID: "1.2", Seq: 1}
		for _, c := range []storage.CardRef{old, web, theirs} {
			putCard(t, s, c, false)
		}
		again := old
		again.Seq = 9
		putCard(t, s, again, false) // is known already
		if diff := cmp.Diff([]storage.CardRef{old, web}, cardsOf(t, s, p.ID)); diff != "" {
			t.Errorf("cards (-want +got):\n%s", diff)
		}

		now := storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: "1.3", Seq: 4}
		putCard(t, s, now, true)
		old.Moved, old.StaleAt = now.MessageID, morning.UnixMilli()
		if diff := cmp.Diff([]storage.CardRef{old, now, web}, cardsOf(t, s, p.ID)); diff != "" {
			t.Errorf("cards after one took another's place (-want +got):\n%s", diff)
		}
		must(t, s.NoteCard(ctx, &old)) // it says so now
		must(t, s.DropCard(ctx, web))
		if diff := cmp.Diff([]storage.CardRef{now}, cardsOf(t, s, p.ID)); diff != "" {
			t.Errorf("cards in the end (-want +got):\n%s", diff)
		}
		if got, err := s.CardAt(ctx, "slack", "C1", "1.1"); err != nil || *got != old {
			t.Errorf("the card of before: %+v, %v", got, err)
		}
		_, err := s.CardAt(ctx, "slack", "C2", "1.1")
		wantCode(t, err, slipway.NotFound)
		must(t, s.NoteCard(ctx, &web)) // does not bring it back
		_, err = s.CardAt(ctx, "web", "C1", "m1")
		wantCode(t, err, slipway.NotFound)
	})
}

func TestOneOfTwoNewCardsTakesTheOthersPlace(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := create(t, s, bare("shown"))
		var wg sync.WaitGroup
		for _, id := range []string{"a", "b", "c", "d"} {
			wg.Go(func() {
				_, err := s.PutCard(t.Context(), storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: id}, morning)
				must(t, err)
			})
		}
		wg.Wait()
		living := 0
		for _, c := range cardsOf(t, s, p.ID) {
			if c.Moved == "" {
				living++
			}
		}
		if living != 1 {
			t.Errorf("%d cards live in the room, want 1", living)
		}
	})
}

func TestACardIsPaintedByOneAtATime(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := create(t, s, bare("shown"))
		c := storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: "1.1", Seq: 1}
		putCard(t, s, c, false)
		claim := func(c storage.CardRef, want bool) {
			t.Helper()
			if got, err := s.ClaimCard(ctx, &c, morning.Add(10*time.Second)); err != nil || got != want {
				t.Errorf("claim: %v, %v; want %v", got, err, want)
			}
		}
		claim(c, true)
		claim(c, false)

		must(t, s.StaleCard(ctx, c, morning)) // while it is painted
		c.Seq, c.PaintedAt = 2, morning.UnixMilli()
		must(t, s.NoteCard(ctx, &c))
		if c.StaleAt != morning.UnixMilli() || c.Telling != 2 {
			t.Errorf("noted %+v", c)
		}
		if diff := cmp.Diff([]storage.CardRef{c}, cardsOf(t, s, p.ID)); diff != "" {
			t.Errorf("painted card (-want +got):\n%s", diff)
		}
		must(t, s.RestCard(ctx, c, morning.Add(time.Minute)))
		claim(c, false)
		c.PaintedAt = morning.Add(time.Minute).UnixMilli()
		claim(c, true)
	})
}

// What a thread is told is noted before and after, so that a crash or somebody else can
// neither lose nor repeat it.
func TestAThreadIsToldPieceByPiece(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := create(t, s, bare("shown"))
		c := storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: "1.1", Seq: 3}
		putCard(t, s, c, false)
		far := func(told, telling int64) {
			t.Helper()
			if now, err := s.CardAt(ctx, "slack", "C1", "1.1"); err != nil || now.Told != told || now.Telling != telling {
				t.Errorf("%+v, %v; want told %d, telling %d", now, err, told, telling)
			}
		}
		must(t, s.TellCard(ctx, &c))
		far(0, 3)
		other := c
		c.Seq = 5
		must(t, s.NoteCard(ctx, &c)) // painted while the thread is being told
		must(t, s.TellCard(ctx, &c))
		far(0, 3)
		must(t, s.ToldCard(ctx, &c))
		far(3, 3)
		must(t, s.TellCard(ctx, &c))
		must(t, s.ToldCard(ctx, &other)) // was told long ago
		far(3, 5)
		must(t, s.ToldCard(ctx, &c))
		far(5, 5)
	})
}

// Whoever wants cards gets them, even if somebody is just at it who may have looked
// before.
func TestCardsAreWanted(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		p := create(t, s, bare("shown"))
		must(t, s.Exec(ctx, "DELETE FROM tasks"))
		var told []slipway.Task
		s.OnCommit(func(_ context.Context, c storage.Committed) { told = append(told, c.Tasks...) })
		want := func(at time.Time, announced int) slipway.Task {
			t.Helper()
			must(t, s.WantCards(ctx, p.ID, at))
			if len(told) != announced {
				t.Fatalf("%d tasks were announced, want %d", len(told), announced)
			}
			return told[announced-1]
		}
		one := want(morning, 1)
		if one.Key != slipway.CardKey(p.ID) || one.Kind != slipway.TaskCard || one.PlanID != p.ID {
			t.Errorf("task %+v", one)
		}
		l, err := s.LeaseTask(ctx, one.ID, "w", morning, time.Minute)
		must(t, err)
		two := want(morning.Add(time.Second), 2)
		if l, err := s.LeaseTask(ctx, two.ID, "v", morning.Add(time.Second), time.Minute); l != nil || err != nil {
			t.Errorf("two work at one plan's cards: %+v, %v", l, err)
		}
		must(t, s.FinishTask(ctx, l))
		if len(told) != 3 || told[2].ID != two.ID {
			t.Errorf("the second wish was not set free: %+v", told)
		}
		if l, err = s.LeaseTask(ctx, two.ID, "v", morning.Add(time.Second), time.Minute); l == nil || err != nil {
			t.Errorf("the second wish: %+v, %v", l, err)
		}
	})
}

func TestPlansWhoseCardsAreBehindAreFound(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		card := func(p *slipway.Plan, edit func(*storage.CardRef)) {
			c := storage.CardRef{PlanID: p.ID, Platform: "slack", RoomID: "C1", MessageID: p.ID, Seq: p.Seq}
			edit(&c)
			_, err := s.PutCard(ctx, c, morning)
			must(t, err)
		}
		fine, behind, stale, moved := create(t, s, bare("a")), create(t, s, bare("b")), create(t, s, bare("c")), create(t, s, bare("d"))
		card(fine, func(*storage.CardRef) {})
		card(behind, func(c *storage.CardRef) { c.Seq-- })
		card(stale, func(c *storage.CardRef) { c.StaleAt = 1 })
		card(moved, func(c *storage.CardRef) { c.Seq, c.Moved = 0, "x" })
		got, err := s.PlansBehind(ctx)
		want := []string{behind.ID, stale.ID}
		if behind.ID > stale.ID {
			want = []string{stale.ID, behind.ID}
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("behind (-want +got): %v\n%s", err, diff)
		}
	})
}
