package storage_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// A plan goes from its creation to success; each step is one change, and everything
// that a change brings is there after it.
func TestAPlanLivesThroughItsChanges(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		commits := listen(s)
		p := create(t, s, draft(t, "payments 4.2"))
		if p.Index != 1 {
			t.Errorf("the first plan has index %d, want 1", p.Index)
		}
		if diff := cmp.Diff(p, mustPlan(t, s, p.ID), planDiff); diff != "" {
			t.Errorf("the plan as read (-written +read):\n%s", diff)
		}
		<-commits

		out := submit(t, s, p, askingRules)
		if got := out.Plan.Status(); got != slipway.WaitFinishPlanning {
			t.Fatalf("after submit the status is %s", got)
		}
		deliveries, err := s.Deliveries(ctx, p.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(deliveries) != 2 || deliveries[0].Endpoint != "office" || deliveries[0].State != storage.DeliveryPending {
			t.Fatalf("deliveries after submit: %+v", deliveries)
		}
		c := <-commits
		kinds := map[slipway.TaskKind]int{}
		for _, task := range c.Tasks {
			kinds[task.Kind]++
		}
		want := map[slipway.TaskKind]int{slipway.TaskHook: 2, slipway.TaskDeadline: 2, slipway.TaskCard: 1}
		if diff := cmp.Diff(want, kinds); diff != "" || c.Seq != 2 || c.PlanID != p.ID {
			t.Errorf("told after the commit: %+v, kinds (-want +got):\n%s", c, diff)
		}
		counts, err := s.TaskCounts(ctx)
		if diff := cmp.Diff(map[slipway.TaskKind]int64{slipway.TaskHook: 2, slipway.TaskDeadline: 2, slipway.TaskCard: 1}, counts); err != nil || diff != "" {
			t.Errorf("tasks after submit (-want +got): %v\n%s", err, diff)
		}

		code := out.Plan.Gate.Waits[0].Code
		req := ask(alice, askingRules)
		req.Actor = slipway.Actor{Kind: slipway.Receiver, ID: "office", Name: "office"}
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) {
			return p.Answer(req, slipway.Answer{Event: slipway.EventFinishPlanning, Code: code, Result: slipway.ResultSuccess})
		})
		if counts, _ = s.TaskCounts(ctx); counts[slipway.TaskDeadline] != 0 || counts[slipway.TaskWindow] != 1 {
			t.Errorf("tasks after the gate passed: %v, want no deadline and the end of the window", counts)
		}
		req = ask(bob, noRules)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Vote(req, true, "Go! 通过") })
		req = ask(alice, noRules)
		out = move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Execute(req, p.Items[1].ID) })
		run, err := s.Run(ctx, out.Plan.Items[1].Workflow.RunID)
		if err != nil {
			t.Fatal(err)
		}
		if run.Phase != storage.RunPhaseCreated || run.PlanID != p.ID || run.Workflow.Definition == nil {
			t.Errorf("the run that execute made: %+v", run)
		}
		req = ask(alice, noRules)
		req.Actor = slipway.SystemActor()
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) {
			return p.RunEnded(req, run.ID, slipway.RunEnd{Status: slipway.RunPassed})
		})
		req = ask(alice, noRules)
		out = move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Complete(req, p.Items[0].ID, "told") })

		if diff := cmp.Diff(out.Plan, mustPlan(t, s, p.ID), planDiff); diff != "" {
			t.Errorf("the plan at the end (-written +read):\n%s", diff)
		}
		if got := out.Plan.Status(); got != slipway.Success {
			t.Errorf("at the end the status is %s", got)
		}
		wantVerbs := []slipway.Verb{
			slipway.VerbCreate, slipway.VerbSubmit, slipway.VerbAnswer, slipway.VerbApprove, slipway.VerbExecute,
			slipway.VerbRunEnded, slipway.VerbComplete,
		}
		entries := mustEntries(t, s, p.ID)
		if diff := cmp.Diff(wantVerbs, verbs(entries)); diff != "" {
			t.Errorf("the operation log (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(*out.Entry, entries[0]); diff != "" {
			t.Errorf("the last entry (-written +read):\n%s", diff)
		}
		if byRequest, err := s.EntryByRequest(ctx, req.ID); err != nil || byRequest == nil || byRequest.ID != out.Entry.ID {
			t.Errorf("entry of request %s: %v, %v", req.ID, byRequest, err)
		}
		if none, err := s.EntryByRequest(ctx, "never"); err != nil || none != nil {
			t.Errorf("entry of a request that never was: %v, %v", none, err)
		}
	})
}

// planDiff compares plans; a workflow by what it is written as, and no items as an empty
// list of items.
var planDiff = cmp.Options{
	cmp.Comparer(func(a, b *slipway.Workflow) bool { return a.Equal(b) }),
	cmp.Comparer(func(a, b map[string]string) bool { return fmt.Sprint(a) == fmt.Sprint(b) }),
}

// Sixteen presses of one button, all the same click: one effect, sixteen times the same
// answer.
func TestARequestThatArrivesSixteenTimesHasOneEffect(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		commits := listen(s)
		p := executing(t, s, draft(t, "pressed"))
		for len(commits) > 0 {
			<-commits
		}
		req := ask(alice, noRules)
		outs := together(t, 16, func(int) (storage.Outcome, error) {
			return s.Change(t.Context(), req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
				return p.Execute(req, p.Items[1].ID)
			})
		})
		first := 0
		for _, out := range outs {
			if !out.Repeated {
				first++
			}
			if out.Entry.ID != outs[0].Entry.ID || out.Plan.Items[1].Status != slipway.Running {
				t.Errorf("an answer differs: %+v", out)
			}
		}
		if first != 1 {
			t.Errorf("%d of the presses had an effect, want 1", first)
		}
		if runs, err := s.Runs(t.Context(), p.ID); err != nil || len(runs) != 1 {
			t.Errorf("runs: %v, %v; want one", runs, err)
		}
		if n := len(mustEntries(t, s, p.ID)); n != 4 {
			t.Errorf("%d entries, want 4", n)
		}
		if len(commits) != 1 {
			t.Errorf("%d commits were told, want 1", len(commits))
		}
	})
}

// Sixteen different requests at once: each sees what the one before has done.
func TestRequestsOnOnePlanQueueUp(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := executing(t, s, draft(t, "busy"))
		outs := together(t, 16, func(int) (storage.Outcome, error) {
			req := ask(alice, noRules)
			return s.Change(t.Context(), req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
				return p.Resend(req, &slipway.Delivery{ID: "msg_1", Endpoint: "wall", Event: slipway.EventStartExecute})
			})
		})
		var seqs []int64
		for _, out := range outs {
			seqs = append(seqs, out.Entry.Seq)
		}
		slices.Sort(seqs)
		var want []int64
		for n := range 16 {
			want = append(want, p.Seq+1+int64(n))
		}
		if diff := cmp.Diff(want, seqs); diff != "" {
			t.Errorf("numbers of the changes (-want +got):\n%s", diff)
		}
		if got := mustPlan(t, s, p.ID).Seq; got != p.Seq+16 {
			t.Errorf("the plan is at change %d, want %d", got, p.Seq+16)
		}
		// The hook to be sent again is one task, however often it was asked for.
		if counts, err := s.TaskCounts(t.Context()); err != nil || counts[slipway.TaskHook] != 1 {
			t.Errorf("tasks: %v, %v; want one hook", counts, err)
		}
	})
}

// together calls fn n times at once and returns what it answered.
func together(t *testing.T, n int, fn func(i int) (storage.Outcome, error)) []storage.Outcome {
	t.Helper()
	outs := make([]storage.Outcome, n)
	errs := make([]error, n)
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			outs[i], errs[i] = fn(i)
		})
	}
	close(start)
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return outs
}

func TestCreationsAreNumberedWithoutGapsAndOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		reqs := make([]slipway.Request, 8)
		for i := range reqs {
			reqs[i] = ask(alice, noRules)
		}
		// Each request arrives twice.
		outs := together(t, 16, func(i int) (storage.Outcome, error) {
			req := reqs[i/2]
			return s.Create(t.Context(), req, func() (*slipway.Plan, *slipway.Change, error) {
				return slipway.NewPlan(req, bare("plan "+req.ID))
			})
		})
		var numbers []int64
		for i := 0; i < 16; i += 2 {
			a, b := outs[i], outs[i+1]
			if a.Plan.ID != b.Plan.ID || a.Repeated == b.Repeated || a.Entry.ID != b.Entry.ID {
				t.Errorf("one request, two answers: %+v and %+v", a, b)
			}
			numbers = append(numbers, a.Plan.Index)
		}
		slices.Sort(numbers)
		if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6, 7, 8}, numbers); diff != "" {
			t.Errorf("indexes (-want +got):\n%s", diff)
		}
	})
}

func TestARequestIDBelongsToOnePlan(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		one, two := create(t, s, bare("one")), create(t, s, bare("two"))
		req := ask(alice, noRules)
		cancel := func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "a mistake") }
		move(t, s, one.ID, req, cancel)

		_, err := s.Change(t.Context(), req, two.ID, cancel)
		wantCode(t, err, slipway.Conflict)
		if text := slipway.TextOf(err); !strings.Contains(text.EN, "another plan") || text.ZH == "" {
			t.Errorf("people are told %+v", text)
		}
		_, err = s.Create(t.Context(), req, func() (*slipway.Plan, *slipway.Change, error) { return slipway.NewPlan(req, bare("three")) })
		wantCode(t, err, slipway.Conflict)
		if got := mustPlan(t, s, two.ID).Status(); got != slipway.Planning {
			t.Errorf("the other plan is %s", got)
		}
	})
}

// The request is used on another plan while this one is at work on it, which only the
// unique index can see.
func TestARequestIDThatIsTakenMeanwhileConflicts(t *testing.T) {
	t.Parallel()
	s := storagetest.NewPostgres(t) // on SQLite nobody writes meanwhile
	one, two := create(t, s, bare("one")), create(t, s, bare("two"))
	req := ask(alice, noRules)
	_, err := s.Change(t.Context(), req, one.ID, func(p *slipway.Plan) (*slipway.Change, error) {
		move(t, s, two.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "a mistake") })
		return p.Cancel(req, "a mistake")
	})
	wantCode(t, err, slipway.Conflict)
	if got := mustPlan(t, s, one.ID).Status(); got != slipway.Planning {
		t.Errorf("the plan is %s", got)
	}

	made := ask(alice, noRules)
	again := func() (*slipway.Plan, *slipway.Change, error) { return slipway.NewPlan(made, bare("three")) }
	var inner storage.Outcome
	raced := false
	out, err := s.Create(t.Context(), made, func() (*slipway.Plan, *slipway.Change, error) {
		if !raced {
			raced = true
			if inner, err = s.Create(t.Context(), made, again); err != nil {
				t.Error(err)
			}
		}
		return again()
	})
	if err != nil {
		t.Fatal(err)
	}
	if !out.Repeated || out.Plan.ID != inner.Plan.ID {
		t.Errorf("the creation that came second was answered with %+v, want plan %s", out, inner.Plan.ID)
	}
}

func TestNothingIsWrittenWhenNothingChanges(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := executing(t, s, draft(t, "quiet"))
		commits := listen(s)
		for name, refusal := range map[string]error{
			"unchanged": slipway.Unchanged,
			"refused":   slipway.Refuse(slipway.Forbidden, "No.", "不行。"),
			"a fault":   errors.New("a fault"),
		} {
			req := ask(alice, noRules)
			out, err := s.Change(t.Context(), req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
				p.Name, p.Items = "spoilt", p.Items[:1]
				return nil, refusal
			})
			if name == "unchanged" {
				if err != nil || out.Entry != nil || out.Repeated {
					t.Errorf("%s: %+v, %v", name, out, err)
				}
				if diff := cmp.Diff(p, out.Plan, planDiff); diff != "" {
					t.Errorf("%s: the plan as answered (-want +got):\n%s", name, diff)
				}
			} else if !errors.Is(err, refusal) {
				t.Errorf("%s: error %v, want %v", name, err, refusal)
			}
			if done, err := s.EntryByRequest(t.Context(), req.ID); done != nil || err != nil {
				t.Errorf("%s: entry %v, %v", name, done, err)
			}
		}
		if diff := cmp.Diff(p, mustPlan(t, s, p.ID), planDiff); diff != "" {
			t.Errorf("the plan has changed (-want +got):\n%s", diff)
		}
		if len(commits) != 0 {
			t.Errorf("%d commits were told, want none", len(commits))
		}
		req := ask(alice, noRules)
		_, err := s.Change(t.Context(), req, "000000000000000000000000", func(*slipway.Plan) (*slipway.Change, error) {
			t.Error("called for a plan that is not there")
			return nil, slipway.Unchanged
		})
		wantCode(t, err, slipway.NotFound)
	})
}

// A transition that panics, or a caller who goes away, leaves nothing behind, not even a
// lock.
func TestAChangeThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		p := create(t, s, bare("fragile"))
		req := ask(alice, noRules)
		func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_, _ = s.Change(t.Context(), req, p.ID, func(*slipway.Plan) (*slipway.Change, error) { panic("a bug") })
		}()
		ctx, cancel := context.WithCancel(t.Context())
		_, err := s.Change(ctx, req, p.ID, func(p *slipway.Plan) (*slipway.Change, error) {
			cancel()
			return p.Cancel(req, "a mistake")
		})
		if err == nil {
			t.Error("a change whose caller has gone succeeded")
		}
		if diff := cmp.Diff(p, mustPlan(t, s, p.ID), planDiff); diff != "" {
			t.Errorf("the plan has changed (-want +got):\n%s", diff)
		}
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "a mistake") })
	})
}

// Nothing is told before the commit, and whoever is told may use the store at once.
func TestCommitsAreToldAfterTheyAreThere(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		var seen []slipway.Status
		s.OnCommit(func(ctx context.Context, c storage.Committed) {
			p, err := s.Plan(ctx, c.PlanID)
			if err != nil || p.Seq != c.Seq {
				t.Errorf("told of change %d, found %+v, %v", c.Seq, p, err)
				return
			}
			seen = append(seen, p.Status())
			for _, task := range c.Tasks {
				l, err := s.LeaseTask(ctx, task.ID, "listener", time.UnixMilli(task.RunAt), leaseTime)
				if err != nil || l == nil {
					t.Errorf("task %+v cannot be leased: %v", task, err)
					continue
				}
				must(t, s.FinishTask(ctx, l))
			}
		})
		p := executing(t, s, draft(t, "told"))
		req := ask(alice, noRules)
		out := move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Execute(req, p.Items[1].ID) })
		var stopped []string
		s.OnCommit(func(_ context.Context, c storage.Committed) { stopped = c.StopRuns })
		req = ask(alice, noRules)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "enough") })

		want := []slipway.Status{slipway.Planning, slipway.WaitForApproval, slipway.Executing, slipway.Executing}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("statuses seen (-want +got):\n%s", diff)
		}
		runID := out.Plan.Items[1].Workflow.RunID
		if diff := cmp.Diff([]string{runID}, stopped); diff != "" {
			t.Errorf("runs to be stopped (-want +got):\n%s", diff)
		}
		run, err := s.Run(t.Context(), runID)
		if err != nil || !run.Stop {
			t.Errorf("the run is not marked to be stopped: %+v, %v", run, err)
		}
		if counts, err := s.TaskCounts(t.Context()); err != nil || counts[slipway.TaskWindow] != 0 {
			t.Errorf("tasks of a cancelled plan: %v, %v; want no end of the window", counts, err)
		}
	})
}
