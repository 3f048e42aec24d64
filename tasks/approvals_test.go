package tasks

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"slipway"
	"slipway/bot"
)

// fakeApprovals is a strict approval system. It makes one instance of each mark at most,
// and fails the test if it is asked to make a second while one of the plan is open.
type fakeApprovals struct {
	tb testing.TB

	mu        sync.Mutex
	instances []*fakeInstance
	calls     map[string]int
	// before and after are called around the making of an instance; an error of before
	// keeps it from being made, one of after loses the answer.
	before, after func() error
	finds, looks  func() error
	withdraws     func() error
}

type fakeInstance struct {
	ref     string
	q       bot.Question
	verdict bot.Verdict
	why     slipway.Text // it was withdrawn by Slipway
}

func newFakeApprovals(tb testing.TB) *fakeApprovals {
	return &fakeApprovals{tb: tb, calls: map[string]int{}}
}

func (*fakeApprovals) Type() slipway.ApprovalType { return slipway.LarkApproval }

func try(f func() error) error {
	if f == nil {
		return nil
	}
	return f()
}

func (a *fakeApprovals) Create(_ context.Context, q bot.Question) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls["create"]++
	if err := try(a.before); err != nil {
		return "", err
	}
	if q.Mark == "" || q.Title == "" || len(q.Nodes) == 0 || len(q.Details) == 0 || q.Asker.ID == "" || q.At == 0 {
		a.tb.Errorf("a question that says too little: %+v", q)
	}
	for _, i := range a.instances {
		if i.verdict.State == bot.VerdictOpen || i.q.Mark == q.Mark {
			a.tb.Errorf("a second instance beside %s, which is %s", i.ref, i.verdict.State)
		}
	}
	i := &fakeInstance{ref: fmt.Sprint("instance-", len(a.instances)+1), q: q}
	i.verdict = bot.Verdict{State: bot.VerdictOpen, URL: "https://feishu.example.com/" + i.ref}
	a.instances = append(a.instances, i)
	if err := try(a.after); err != nil {
		return "", err
	}
	return i.ref, nil
}

func (a *fakeApprovals) Find(_ context.Context, q bot.Question) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls["find"]++
	if err := try(a.finds); err != nil {
		return "", err
	}
	for _, i := range a.instances {
		if i.q.Mark == q.Mark {
			return i.ref, nil
		}
	}
	return "", nil
}

func (a *fakeApprovals) Look(_ context.Context, ref string) (bot.Verdict, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls["look"]++
	if err := try(a.looks); err != nil {
		return bot.Verdict{}, err
	}
	i := a.named(ref)
	if i == nil {
		return bot.Verdict{}, bot.ErrGone
	}
	v := i.verdict
	v.Said = slices.Clone(v.Said)
	return v, nil
}

func (a *fakeApprovals) Withdraw(_ context.Context, ref string, q bot.Question, why slipway.Text) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls["withdraw"]++
	if err := try(a.withdraws); err != nil {
		return err
	}
	i := a.named(ref)
	if i == nil || i.verdict.State != bot.VerdictOpen {
		return nil
	}
	if q.Mark != i.q.Mark || q.Asker.ID != i.q.Asker.ID || why.EN == "" {
		a.tb.Errorf("withdrawn as %+v because %v", q, why)
	}
	i.verdict.State, i.why = bot.VerdictWithdrawn, why
	return nil
}

func (a *fakeApprovals) named(ref string) *fakeInstance {
	for _, i := range a.instances {
		if i.ref == ref {
			return i
		}
	}
	return nil
}

// only returns the newest instance, of which there must be n in all.
func (a *fakeApprovals) newest(n int) *fakeInstance {
	a.tb.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.instances) != n {
		a.tb.Fatalf("there are %d instances, want %d", len(a.instances), n)
	}
	return a.instances[n-1]
}

// says changes how the newest instance stands.
func (a *fakeApprovals) says(s bot.VerdictState, said ...bot.Opinion) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := a.instances[len(a.instances)-1]
	i.verdict.State, i.verdict.Said = s, append(i.verdict.Said, said...)
}

// forgets takes all instances away.
func (a *fakeApprovals) forgets() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.instances = nil
}

func (a *fakeApprovals) called(what string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.calls[what]
}

func (a *fakeApprovals) fails(on *func() error, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	*on = nil
	if err != nil {
		*on = func() error { return err }
	}
}
