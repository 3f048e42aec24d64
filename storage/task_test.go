package storage_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

const leaseTime = 20 * time.Second

func uuid() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// put writes a task that is due after a while.
func put(tb testing.TB, s *storage.Store, key string, after time.Duration) slipway.Task {
	tb.Helper()
	task := slipway.Task{
		ID: uuid(), Kind: slipway.TaskNotice, Key: key, PlanID: "p1", Round: 1, RunAt: morning.Add(after).UnixMilli(),
		Ref: "ref", Data: json.RawMessage(`{"to":["u-alice"]}`),
	}
	if err := s.PutTask(tb.Context(), task, morning); err != nil {
		tb.Fatal(err)
	}
	return task
}

func lease(tb testing.TB, s *storage.Store, id, owner string, now time.Time) *storage.Lease {
	tb.Helper()
	l, err := s.LeaseTask(tb.Context(), id, owner, now, leaseTime)
	if err != nil {
		tb.Fatal(err)
	}
	return l
}

func offers(tb testing.TB, s *storage.Store, now time.Time) []storage.Offer {
	tb.Helper()
	list, err := s.OfferDue(tb.Context(), now, 100)
	if err != nil {
		tb.Fatal(err)
	}
	return list
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// One worker takes a task, keeps it while it works, and finishes it.
func TestATaskIsOneWorkersUntilItIsDone(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		task := put(t, s, "k", time.Second)
		if l := lease(t, s, task.ID, "w1", morning); l != nil {
			t.Fatal("a task was leased before its time")
		}
		now := morning.Add(time.Second)
		l := lease(t, s, task.ID, "w1", now)
		if l == nil {
			t.Fatal("a due task could not be leased")
		}
		if diff := cmp.Diff(task, l.Task); diff != "" || l.CreatedAt != morning.UnixMilli() || l.Attempt != 0 || !l.Until.Equal(now.Add(leaseTime)) {
			t.Errorf("lease %+v, task (-want +got):\n%s", l, diff)
		}
		for _, owner := range []string{"w1", "w2"} {
			if other := lease(t, s, task.ID, owner, now.Add(leaseTime-time.Second)); other != nil {
				t.Errorf("%s got a task that is leased", owner)
			}
		}
		kept, err := renewed(ctx, s, l, now.Add(2*leaseTime))
		if err != nil || !kept || !l.Until.Equal(now.Add(2*leaseTime)) {
			t.Errorf("renewed: %v, %v, until %s", kept, err, l.Until)
		}
		if other := lease(t, s, task.ID, "w2", now.Add(leaseTime)); other != nil {
			t.Error("a renewed lease was taken over")
		}
		must(t, s.FinishTask(ctx, l))
		if gone := lease(t, s, task.ID, "w1", now.Add(time.Hour)); gone != nil {
			t.Error("a finished task was leased")
		}
	})
}

// The worker dies. Another takes the task over when the lease is out, and the first,
// should it come back, can do nothing to it, even under the same name.
func TestALeaseThatRanOutIsTakenOver(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		task := put(t, s, "k", 0)
		old := lease(t, s, task.ID, "w", morning)
		if got := offers(t, s, morning.Add(leaseTime-time.Millisecond)); len(got) != 0 {
			t.Errorf("offered while leased: %+v", got)
		}
		later := morning.Add(leaseTime)
		if got := offers(t, s, later); len(got) != 1 || got[0].Task.ID != task.ID {
			t.Fatalf("offered after the lease: %+v", got)
		}
		now := lease(t, s, task.ID, "w", later)
		if now == nil {
			t.Fatal("the task could not be taken over")
		}
		must(t, s.FinishTask(ctx, old))
		must(t, s.RetryTask(ctx, old, later, ""))
		if kept, err := renewed(ctx, s, old, later.Add(leaseTime)); kept || err != nil {
			t.Errorf("the lost lease was renewed: %v, %v", kept, err)
		}
		if kept, err := renewed(ctx, s, now, later.Add(leaseTime)); !kept || err != nil {
			t.Errorf("the present lease was not renewed: %v, %v", kept, err)
		}
	})
}

func TestATaskIsTriedAgainLater(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		task := put(t, s, "k", 0)
		at := morning.Add(3 * time.Second)
		must(t, s.RetryTask(t.Context(), lease(t, s, task.ID, "w", morning), at, ""))
		if l := lease(t, s, task.ID, "w", at.Add(-time.Millisecond)); l != nil {
			t.Error("leased before the time of the next try")
		}
		if got := offers(t, s, at.Add(-time.Millisecond)); len(got) != 0 {
			t.Errorf("offered before the time of the next try: %+v", got)
		}
		if got := offers(t, s, at); len(got) != 1 {
			t.Errorf("offered at the time of the next try: %+v", got)
		}
		l := lease(t, s, task.ID, "w", at)
		if l == nil || l.Attempt != 1 || l.CreatedAt != morning.UnixMilli() {
			t.Errorf("the second try: %+v", l)
		}
	})
}

// A task is written again while a worker is at it: the lease stays, so nobody else
// begins meanwhile; when the worker is done the new one is there, under its own id, and
// is told of.
func TestATaskThatIsWrittenAgainRunsAgain(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		first := put(t, s, "card:p1", 0)
		l := lease(t, s, first.ID, "w", morning)
		second := put(t, s, "card:p1", 0)
		if other := lease(t, s, second.ID, "w2", morning); other != nil {
			t.Fatal("two workers at one key")
		}
		if kept, err := renewed(ctx, s, l, morning.Add(leaseTime)); !kept || err != nil {
			t.Fatalf("the lease was lost: %v, %v", kept, err)
		}
		commits := listen(s)
		must(t, s.FinishTask(ctx, l))
		if c := <-commits; len(c.Tasks) != 1 || c.Tasks[0].ID != second.ID || c.PlanID != "p1" {
			t.Errorf("told: %+v, want the second task", c)
		}
		if gone := lease(t, s, first.ID, "w", morning); gone != nil {
			t.Error("the replaced task was leased")
		}
		next := lease(t, s, second.ID, "w2", morning)
		if next == nil {
			t.Fatal("the second task could not be leased")
		}
		must(t, s.FinishTask(ctx, next))
		if counts, err := s.TaskCounts(ctx); err != nil || len(counts) != 0 {
			t.Errorf("tasks left: %v, %v", counts, err)
		}

		// The same with a first try that fails: the new task keeps its own time.
		first = put(t, s, "card:p1", 0)
		l = lease(t, s, first.ID, "w", morning)
		second = put(t, s, "card:p1", time.Second)
		must(t, s.RetryTask(ctx, l, morning.Add(time.Hour), ""))
		if next := lease(t, s, second.ID, "w", morning.Add(time.Second)); next == nil || next.Attempt != 0 {
			t.Errorf("the second task after a failed first: %+v", next)
		}
	})
}

// A row is offered at once by whoever wrote it, by the sweep only when that was lost,
// and under a new number each time.
func TestDueTasksAreOfferedUntilTheyAreTaken(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		now := put(t, s, "now", 0)
		later := put(t, s, "later", 10*time.Second)
		if got := offers(t, s, morning.Add(time.Second)); len(got) != 0 {
			t.Errorf("offered right after they were written: %+v", got)
		}
		var seen []string
		for at := time.Duration(0); at <= 15*time.Second; at += 2500 * time.Millisecond {
			for _, o := range offers(t, s, morning.Add(at)) {
				name := map[string]string{now.ID: "now", later.ID: "later"}[o.Task.ID]
				seen = append(seen, fmt.Sprintf("%gs %s %d", at.Seconds(), name, o.Number))
			}
		}
		want := []string{"5s now 1", "10s now 2", "10s later 1", "15s now 3", "15s later 2"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("offers (-want +got):\n%s", diff)
		}
		if at, err := s.OldestDue(t.Context()); err != nil || at != morning.UnixMilli() {
			t.Errorf("oldest due %d, %v", at, err)
		}
		lease(t, s, now.ID, "w", morning)
		lease(t, s, later.ID, "w", morning.Add(10*time.Second))
		if at, err := s.OldestDue(t.Context()); err != nil || at != 0 {
			t.Errorf("oldest due when all are taken: %d, %v", at, err)
		}
	})
}

func TestSweepsSideBySideOfferDifferentTasks(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		for i := range 50 {
			put(t, s, fmt.Sprint(i), 0)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					list, err := s.OfferDue(t.Context(), morning.Add(time.Minute), 7)
					if err != nil {
						t.Error(err)
					}
					if len(list) == 0 {
						return
					}
					mu.Lock()
					for _, o := range list {
						seen[o.Task.ID]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for id, n := range seen {
			if n != 1 {
				t.Errorf("task %s was offered %d times", id, n)
			}
		}
		if len(seen) != 50 {
			t.Errorf("%d tasks were offered, want 50", len(seen))
		}
	})
}

func TestOnlyOneOfManyGetsTheLease(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		task := put(t, s, "k", 0)
		got := make(chan *storage.Lease, 16)
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				l, err := s.LeaseTask(t.Context(), task.ID, fmt.Sprint("w", i), morning, leaseTime)
				if err != nil {
					t.Error(err)
				}
				if l != nil {
					got <- l
				}
			})
		}
		wg.Wait()
		if len(got) != 1 {
			t.Errorf("%d workers got the lease, want 1", len(got))
		}
	})
}

// renewed renews one lease; false if it is lost.
func renewed(ctx context.Context, s *storage.Store, l *storage.Lease, until time.Time) (bool, error) {
	lost, err := s.RenewLeases(ctx, []*storage.Lease{l}, until)
	return len(lost) == 0 && err == nil, err
}
