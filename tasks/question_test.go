package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/storage"
)

var (
	bob   = &slipway.User{ID: "u-bob", Name: "Bob", Email: "bob@example.com", Role: slipway.RoleMember, Locale: slipway.English, FeishuOpenID: "ou_bob"}
	carol = &slipway.User{ID: "u-carol", Name: "Carol", Email: "carol@example.com", Role: slipway.RoleMember, Locale: slipway.English}
)

// inFeishu makes a plan that is to be approved by any of Bob and Carol in Feishu, and
// returns it with the row of its question.
func (w *world) inFeishu(t *testing.T) (*slipway.Plan, string) {
	t.Helper()
	w.rules.Outside, w.PublicURL = []slipway.ApprovalType{slipway.LarkApproval}, "https://slipway.example.com"
	for _, u := range []*slipway.User{alice, bob, carol} {
		if err := w.Store.CreateUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
	}
	p := w.plan(t, func(d *slipway.Draft) {
		d.Approval = &slipway.Approval{Type: slipway.LarkApproval, Needed: 1, Approvers: []slipway.PersonRef{bob.Ref(), carol.Ref()}}
	})
	return p, w.one(t, slipway.TaskQuestion)
}

func (w *world) status(t *testing.T, planID string, want slipway.Status) *slipway.Plan {
	t.Helper()
	p := w.look(t, planID)
	if p.Status() != want {
		t.Fatalf("the plan is %s, want %s; log:\n%s", p.Status(), want, w.logged)
	}
	return p
}

// outside returns the newest question of a plan.
func (w *world) outside(t *testing.T, planID string) *slipway.Question {
	t.Helper()
	a := w.look(t, planID).Approval
	if len(a.Outside) == 0 {
		t.Fatal("nothing is asked in Feishu")
	}
	return &a.Outside[len(a.Outside)-1]
}

func (w *world) phase(t *testing.T, mark string) storage.QuestionPhase {
	t.Helper()
	q, err := w.Store.Question(t.Context(), mark)
	if err != nil {
		t.Fatal(err)
	}
	return q.Phase
}

func yes(account string) bot.Opinion {
	return bot.Opinion{Account: account, Name: "their name there", Approve: true, Comment: "fine", At: morning.Unix()}
}

func no(account string) bot.Opinion {
	return bot.Opinion{Account: account, Comment: "not on a Friday", At: morning.Unix()}
}

// results are what the log tells of questions, oldest first: who, and what.
func (w *world) results(t *testing.T, planID string) []string {
	t.Helper()
	page, err := w.Store.Entries(t.Context(), planID, "", 200)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range slices.Backward(page.Rows) {
		if e.Verb == slipway.VerbQuestion {
			out = append(out, e.Actor.Name+" "+e.Data.Result)
		}
	}
	return out
}

// W25: Zadig writes its log in goroutines, swallows their errors, and never logs many of
// the events. Here whatever is said in Feishu is in the log before it has an effect, in the
// name of who said it.
func TestW25_WhatIsSaidElsewhereIsLogged(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.handle(t, row, Again)
		i := w.office.newest(1)
		if i.q.Title != "#1 payments 4.2" || i.q.URL != "https://slipway.example.com/plans/"+p.ID || i.q.Nodes[0].Approvers[0].FeishuOpenID != "ou_bob" || i.q.Nodes[0].All {
			t.Errorf("asked %+v", i.q)
		}
		if q := w.outside(t, p.ID); q.State != slipway.QuestionOpen || q.Ref != i.ref || q.URL != "https://feishu.example.com/"+i.ref {
			t.Errorf("the plan shows %+v", q)
		}
		w.office.says(bot.VerdictOpen, bot.Opinion{Account: "ou_new", Name: "Somebody", Approve: true, At: 1})
		w.clock.advance(lookFirst)
		w.handle(t, row, Again)
		w.office.says(bot.VerdictApproved, yes("ou_bob"))
		w.clock.advance(lookFirst)
		w.handle(t, row, Done)
		w.status(t, p.ID, slipway.Executing)
		want := []string{slipway.SystemName + " asked", "Somebody success", "Bob success", slipway.SystemName + " approved"}
		if diff := cmp.Diff(want, w.results(t, p.ID)); diff != "" {
			t.Errorf("log (-want +got):\n%s", diff)
		}
		if q := w.outside(t, p.ID); q.Said[1].By != bob.Ref() || q.Said[1].Comment != "fine" || w.phase(t, q.Mark) != storage.QuestionPhaseEnded {
			t.Errorf("said %+v", q.Said)
		}
		if n := w.count(t, slipway.TaskQuestion); n != 0 {
			t.Errorf("%d tasks are left", n)
		}
	})
}

// W26: Zadig does not recognise an instance that was withdrawn in Feishu, and polls it for
// ever.
func TestW26_WhatEndsThereWithoutAnAnswerIsShownAndAskedAgain(t *testing.T) {
	t.Parallel()
	for _, state := range []bot.VerdictState{bot.VerdictWithdrawn, bot.VerdictDeleted, "gone"} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p, row := w.inFeishu(t)
				w.handle(t, row, Again)
				if state == "gone" {
					w.office.forgets()
				} else {
					w.office.says(state)
				}
				w.clock.advance(lookFirst)
				w.handle(t, row, Done)
				w.status(t, p.ID, slipway.WaitForApproval)
				want := map[bot.VerdictState]slipway.QuestionState{
					bot.VerdictWithdrawn: slipway.QuestionWithdrawn, bot.VerdictDeleted: slipway.QuestionDeleted, "gone": slipway.QuestionDeleted,
				}[state]
				if q := w.outside(t, p.ID); q.State != want {
					t.Errorf("the plan shows %s, want %s", q.State, want)
				}
				if w.count(t, slipway.TaskNotice) != 1 || w.count(t, slipway.TaskQuestion) != 0 {
					t.Error("the manager is not told, or it is still looked at")
				}
				w.must(t)(w.Commands.AskAgain(t.Context(), commands.Ask{User: alice}, p.ID))
				row = w.one(t, slipway.TaskQuestion)
				w.handle(t, row, Again)
				w.office.says(bot.VerdictApproved, yes("ou_bob"))
				w.clock.advance(lookFirst)
				w.handle(t, row, Done)
				w.status(t, p.ID, slipway.Executing)
			})
		})
	}
}

func TestARejectionElsewhereDeniesThePlanAndASecondApprovalIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.handle(t, row, Again)
		w.office.says(bot.VerdictRejected, no("ou_bob"))
		w.clock.advance(lookFirst)
		w.handle(t, row, Done)
		w.status(t, p.ID, slipway.Denied)
		w.must(t)(w.Commands.Replan(t.Context(), commands.Ask{User: alice}, p.ID, ""))
		w.must(t)(w.Commands.Submit(t.Context(), commands.Ask{User: alice}, p.ID))
		row = w.one(t, slipway.TaskQuestion)
		w.handle(t, row, Again)
		w.office.newest(2)
		w.office.says(bot.VerdictApproved, yes("ou_bob"))
		w.clock.advance(lookFirst)
		w.handle(t, row, Done)
		w.status(t, p.ID, slipway.Executing)
	})
}

// What a process finds of a question whose process died, by how far that one came. There
// is one instance, always.
func TestAQuestionWhoseProcessDied(t *testing.T) {
	t.Parallel()
	lost := errors.New("connection reset")
	tests := []struct {
		name string
		// die lets the first process come as far as it did.
		die func(t *testing.T, w *world, row, mark string)
	}{
		{name: "before anything was written down"},
		{
			name: "before the call", die: func(t *testing.T, w *world, row, _ string) {
				w.office.fails(&w.office.before, lost)
				w.handle(t, row, Again)
			},
		},
		{
			name: "during the call", die: func(t *testing.T, w *world, row, _ string) {
				w.office.fails(&w.office.after, lost)
				w.handle(t, row, Again)
			},
		},
		{
			name: "after the call", die: func(t *testing.T, w *world, row, _ string) {
				ctx, die := context.WithCancel(t.Context())
				w.office.after = func() error { die(); return ctx.Err() }
				w.Handle(ctx, row)
			},
		},
		{
			name: "after the instance was written down", die: func(t *testing.T, w *world, row, mark string) {
				w.office.fails(&w.office.looks, lost)
				w.handle(t, row, Again)
				if w.phase(t, mark) != storage.QuestionPhaseAsked {
					t.Fatal("it was not written down")
				}
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each(t, func(t *testing.T, w *world) {
				p, row := w.inFeishu(t)
				mark := w.outside(t, p.ID).Mark
				if tt.die != nil {
					tt.die(t, w, row, mark)
				}
				for _, on := range []*func() error{&w.office.before, &w.office.after, &w.office.looks} {
					w.office.fails(on, nil)
				}
				w.clock.advance(time.Minute)
				w.handle(t, row, Again)
				if i := w.office.newest(1); i.q.Mark != mark || w.outside(t, p.ID).Ref != i.ref {
					t.Errorf("asked %+v, the plan shows %+v", i.q, w.outside(t, p.ID))
				}
				w.office.says(bot.VerdictApproved, yes("ou_bob"))
				w.clock.advance(lookFirst)
				w.handle(t, row, Done)
				w.status(t, p.ID, slipway.Executing)
			})
		})
	}
}

func TestAStartThatCannotBeKnownIsShownAndNotDoubled(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		lost := errors.New("connection reset")
		w.office.fails(&w.office.after, lost)
		w.office.fails(&w.office.finds, lost)
		for range 20 {
			w.handle(t, row, Again)
			w.clock.advance(2 * time.Minute)
		}
		w.office.newest(1)
		if n := w.office.called("create"); n != 1 {
			t.Errorf("it was tried to make %d instances", n)
		}
		if q := w.outside(t, p.ID); q.Reason == nil || q.State != slipway.QuestionAsking {
			t.Errorf("the plan shows %+v", q)
		}
		if n := w.count(t, slipway.TaskNotice); n != 1 {
			t.Errorf("the manager was told %d times", n)
		}
		w.office.fails(&w.office.after, nil)
		w.office.fails(&w.office.finds, nil)
		w.handle(t, row, Again)
		if q := w.outside(t, p.ID); q.Reason != nil || q.State != slipway.QuestionOpen {
			t.Errorf("then the plan shows %+v", q)
		}
	})
}

func TestAQuestionThatIsRefusedIsShown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.office.fails(&w.office.before, slipway.Refuse(slipway.Unfit, "Carol has no account in Feishu.", "Carol 没有飞书账号。"))
		w.handle(t, row, Done)
		q := w.outside(t, p.ID)
		if q.State != slipway.QuestionRefused || q.Reason.EN != "Carol has no account in Feishu." || w.count(t, slipway.TaskNotice) != 1 {
			t.Errorf("the plan shows %+v", q)
		}
	})
}

func TestAnEventMakesItLookedAtAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.HeardOf(t.Context(), slipway.LarkApproval, "instance-1") // too early
		w.handle(t, row, Again)
		i := w.office.newest(1)
		w.handle(t, row, Gone) // not before its time
		w.HeardOf(t.Context(), slipway.LarkApproval, "of somebody else")
		w.HeardOf(t.Context(), slipway.DingTalkApproval, i.ref)
		if ids := w.due(t, slipway.TaskQuestion); len(ids) != 0 {
			t.Fatalf("%d are due", len(ids))
		}
		w.office.says(bot.VerdictApproved, yes("ou_bob"))
		w.HeardOf(t.Context(), slipway.LarkApproval, i.ref)
		w.HeardOf(t.Context(), slipway.LarkApproval, i.ref) // doubled
		w.handle(t, w.one(t, slipway.TaskQuestion), Done)
		w.status(t, p.ID, slipway.Executing)
		w.HeardOf(t.Context(), slipway.LarkApproval, i.ref) // late
		if n := w.count(t, slipway.TaskQuestion); n != 0 {
			t.Errorf("%d tasks are left", n)
		}
	})
}

func TestWhatIsNoLongerAskedIsTakenBackBeforeAnythingElseIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.handle(t, row, Again)
		first := w.office.newest(1)
		w.must(t)(w.Commands.Replan(t.Context(), commands.Ask{User: alice}, p.ID, ""))
		w.must(t)(w.Commands.Submit(t.Context(), commands.Ask{User: alice}, p.ID))
		rows := map[bool]string{} // by whether it is the first question's
		for _, id := range w.due(t, slipway.TaskQuestion) {
			l := w.lease(t, id, "looks")
			rows[l.Task.Ref == first.q.Mark] = id
			if err := w.Store.ParkTask(t.Context(), l.Lease, w.clock.now(), ""); err != nil {
				t.Fatal(err)
			}
		}
		w.handle(t, rows[false], Again) // waits for the first
		w.office.newest(1)
		w.office.fails(&w.office.withdraws, errors.New("connection reset"))
		w.handle(t, rows[true], Again)
		w.clock.advance(time.Minute)
		w.handle(t, rows[false], Again)
		w.office.newest(1)
		w.office.fails(&w.office.withdraws, nil)
		w.clock.advance(time.Minute)
		w.handle(t, rows[true], Done)
		if !strings.Contains(first.why.EN, "anew") || first.verdict.State != bot.VerdictWithdrawn {
			t.Errorf("the first is %s because %v", first.verdict.State, first.why)
		}
		w.handle(t, rows[false], Again)
		w.office.newest(2)
		// What was approved before does not count for the second.
		w.status(t, p.ID, slipway.WaitForApproval)
		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "no"))
		w.handle(t, w.one(t, slipway.TaskQuestion), Done)
		if second := w.office.newest(2); second.verdict.State != bot.VerdictWithdrawn || !strings.Contains(second.why.EN, "cancelled") {
			t.Errorf("the second is %s because %v", second.verdict.State, second.why)
		}
	})
}

func TestWhatWasNeverPutNeedsNoTakingBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, _ := w.inFeishu(t)
		mark := w.outside(t, p.ID).Mark
		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "no"))
		w.handle(t, w.one(t, slipway.TaskQuestion), Done)
		if w.office.called("create")+w.office.called("withdraw") != 0 || w.phase(t, mark) != storage.QuestionPhaseEnded {
			t.Errorf("calls %v", w.office.calls)
		}
	})
}

func TestWhatCannotBeTakenBackIsTold(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.handle(t, row, Again)
		w.must(t)(w.Commands.Cancel(t.Context(), commands.Ask{User: alice}, p.ID, "no"))
		w.office.fails(&w.office.withdraws, slipway.Refuse(slipway.Forbidden, "Its definition allows no withdrawal.", "审批定义不允许撤回。"))
		w.handle(t, w.one(t, slipway.TaskQuestion), Done)
		l := w.lease(t, w.one(t, slipway.TaskNotice), "looks")
		var n slipway.Notice
		if err := json.Unmarshal(l.Task.Data, &n); err != nil || !strings.Contains(n.Text.EN, "Its definition allows no withdrawal.") {
			t.Errorf("notice %+v, error %v", n, err)
		}
	})
}

func TestAnUnreachableSystemIsShownAndLookedAtAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p, row := w.inFeishu(t)
		w.handle(t, row, Again)
		w.office.fails(&w.office.looks, errors.New("connection reset"))
		for range manyTries + 2 {
			w.clock.advance(2 * time.Minute)
			w.handle(t, row, Again)
		}
		if q := w.outside(t, p.ID); q.Reason == nil || w.count(t, slipway.TaskNotice) != 1 {
			t.Errorf("the plan shows %+v", q)
		}
		w.office.fails(&w.office.looks, nil)
		w.clock.advance(2 * time.Minute)
		w.handle(t, row, Again)
		if q := w.outside(t, p.ID); q.Reason != nil {
			t.Errorf("the plan shows %+v", q)
		}
	})
}
