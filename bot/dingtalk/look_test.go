package dingtalk

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/dingtalk/dingtalktest"
)

func (w *world) look(t *testing.T, ref string) bot.Verdict {
	t.Helper()
	v, err := w.Look(t.Context(), ref)
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	return v
}

func TestAQuestionIsAnsweredStepByStep(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, ref := t.Context(), w.ask(t, w.question())
	if v := w.look(t, ref); v.State != bot.VerdictOpen || v.Said != nil {
		t.Errorf("asked: %+v", v)
	}
	began := w.clock.Now().Unix()
	said := []bot.Opinion{
		{Account: "ann01", Approve: true, Comment: "看过了", At: began + 60},
		{Account: "dan01", Approve: true, At: began + 120},
		{Account: "cho01", Approve: true, At: began + 180},
		{Account: "manager01", Approve: true, Comment: "go", At: began + 240},
	}
	for i, act := range []func() error{
		func() error { return w.there.Agree(ctx, ref, "ann01", "看过了") },
		func() error {
			must(t, w.there.Transfer(ctx, ref, "bob01", "dan01", "休假"))
			must(t, w.there.Remark(ctx, ref, "cho01", "等测试"))
			return w.there.Agree(ctx, ref, "dan01", "")
		},
		func() error { return w.there.Agree(ctx, ref, "cho01", "") },
		func() error { return w.there.Agree(ctx, ref, "manager01", "go") },
	} {
		w.clock.Pass(time.Minute)
		must(t, act())
		// DingTalk tells the result agree from the first one on, while it still runs.
		want := bot.Verdict{State: bot.VerdictOpen, Said: said[:i+1]}
		if i == len(said)-1 {
			want.State = bot.VerdictApproved
		}
		if diff := cmp.Diff(want, w.look(t, ref)); diff != "" {
			t.Errorf("after step %d: %s", i, diff)
		}
	}
	w.faultless(t)
}

func TestAQuestionEndsOtherwise(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	refusedRef, withdrawn, deleted := w.ask(t, w.question()), w.ask(t, w.question()), w.ask(t, w.question())
	must(t, w.there.Agree(ctx, refusedRef, "ann01", ""))
	must(t, w.there.Refuse(ctx, refusedRef, "cho01", "缺测试报告"))
	must(t, w.there.Agree(ctx, withdrawn, "ann01", ""))
	must(t, w.there.Withdraw(ctx, withdrawn, "manager01", "再改改"))
	must(t, w.there.Delete(ctx, deleted))
	v := w.look(t, refusedRef)
	if last := v.Said[len(v.Said)-1]; v.State != bot.VerdictRejected || last.Approve || last.Comment != "缺测试报告" || last.Account != "cho01" {
		t.Errorf("refused: %+v", v)
	}
	if v := w.look(t, withdrawn); v.State != bot.VerdictWithdrawn || len(v.Said) != 1 {
		t.Errorf("withdrawn: %+v", v)
	}
	for _, ref := range []string{deleted, "never-was"} {
		if v, err := w.Look(ctx, ref); !errors.Is(err, bot.ErrGone) {
			t.Errorf("Look(%s) = %+v, %v", ref, v, err)
		}
	}
}

func TestWhatPassesByItselfWasSaidByNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.question()
	q.Nodes = q.Nodes[:2]
	ref := w.ask(t, q)
	for _, who := range []string{"ann01", "bob01", "cho01"} {
		must(t, w.there.Pass(t.Context(), ref, who))
	}
	if v := w.look(t, ref); v.State != bot.VerdictApproved || v.Said != nil {
		t.Errorf("a rule passed it: %+v", v)
	}
	w.faultless(t)
}

func TestOnlyWhatIsKnownCounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		status, result string
		want           bot.VerdictState
	}{
		{"NEW", "", bot.VerdictOpen},
		{"RUNNING", "", bot.VerdictOpen},
		{"RUNNING", "agree", bot.VerdictOpen},
		{"COMPLETED", "agree", bot.VerdictApproved},
		{"COMPLETED", "AGREE", bot.VerdictApproved},
		{"COMPLETED", "refuse", bot.VerdictRejected},
		{"COMPLETED", "", ""},
		{"COMPLETED", "redirect", ""},
		{"TERMINATED", "", bot.VerdictWithdrawn},
		{"TERMINATED", "agree", bot.VerdictWithdrawn},
		{"CANCELED", "", bot.VerdictWithdrawn},
		{"", "agree", ""},
		{"FROZEN", "agree", ""},
	} {
		got, err := instance{Status: tt.status, Result: tt.result}.state()
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("%s %s = %q, %v, want %q", tt.status, tt.result, got, err, tt.want)
		}
	}
}

func TestTimesAreReadInEveryForm(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
	minute := now.Truncate(time.Minute).Unix()
	for text, want := range map[string]int64{
		`"2026-11-29T12:34Z"`:            minute,
		`"2026-11-29T20:34+08:00"`:       minute,
		`"2026-11-29T20:34+0800"`:        minute,
		`"2026-11-29T12:34:56Z"`:         now.Unix(),
		`"2026-11-29T12:34:56.789Z"`:     now.Unix(),
		`"2026-11-29T20:34:56+08:00"`:    now.Unix(),
		`"2026-11-29T20:34:56.123+0800"`: now.Unix(),
		`"2026-11-29 20:34:56"`:          now.Unix(), // in Beijing
		`1795955696000`:                  now.Unix(),
		`"1795955696000"`:                now.Unix(),
		`"2026-11-29T20:34Z"`:            now.Unix(), // Beijing's time with a Z: not later than now
		`"yesterday"`:                    0,
		`""`:                             0,
		`null`:                           0,
		`{"time": 1}`:                    0,
	} {
		var m moment
		if err := json.Unmarshal([]byte(text), &m); err != nil || m.unix(now) != want {
			t.Errorf("%s = %d, %v, want %d", text, m.unix(now), err, want)
		}
	}
	w := newWorld(t)
	ref := w.ask(t, w.question())
	must(t, w.there.Agree(t.Context(), ref, "ann01", ""))
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", time.DateTime} {
		w.there.Faults().Times(func(at time.Time) string { return at.In(beijing).Format(layout) })
		if at := w.look(t, ref).Said[0].At; at != w.clock.Now().Unix() {
			t.Errorf("%s: said at %d", layout, at)
		}
	}
}

func TestAWithdrawnQuestionIsOverThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, q := t.Context(), w.question()
	why := slipway.T("The plan was changed.", "计划已修改。")
	ref := w.ask(t, q)
	var early *bot.RateLimited
	if err := w.Withdraw(ctx, ref, q, why); !errors.As(err, &early) || early.After != tooFresh {
		t.Errorf("withdrawn within 15 seconds: %v", err)
	}
	if v := w.look(t, ref); v.State != bot.VerdictOpen {
		t.Errorf("within 15 seconds: %+v", v)
	}
	w.clock.Pass(tooFresh)
	for range 2 { // the second time it is over
		if err := w.Withdraw(ctx, ref, q, why); err != nil {
			t.Errorf("Withdraw: %v", err)
		}
	}
	if v := w.look(t, ref); v.State != bot.VerdictWithdrawn {
		t.Errorf("withdrawn: %+v", v)
	}
	calls := w.there.Calls()
	var first struct {
		OperatingUserID, Remark string
		IsSystem                bool
	}
	for _, c := range calls {
		if c.Op == dingtalktest.OpTerminate {
			must(t, json.Unmarshal(c.Body, &first))
			break
		}
	}
	if first.OperatingUserID != "manager01" || first.Remark != "计划已修改。" || first.IsSystem {
		t.Errorf("it was withdrawn with %+v", first)
	}
	w.faultless(t)
}

func TestNothingIsWrongWithWithdrawingWhatIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, q := t.Context(), w.question()
	approved, deleted := w.ask(t, q), w.ask(t, q)
	for _, who := range []string{"ann01", "bob01", "cho01", "dan01"} {
		must(t, w.there.Agree(ctx, approved, who, ""))
	}
	must(t, w.there.Delete(ctx, deleted))
	for _, ref := range []string{approved, deleted, "never-was"} {
		if err := w.Withdraw(ctx, ref, q, slipway.T("why", "原因")); err != nil {
			t.Errorf("Withdraw(%s) = %v", ref, err)
		}
	}
	if v := w.look(t, approved); v.State != bot.VerdictApproved {
		t.Errorf("the approved one is now %+v", v)
	}
}

func TestTheAppWithdrawsWhereTheOriginatorMayNot(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(w *world, q *bot.Question){
		"the definition keeps it open": func(w *world, _ *bot.Question) {
			w.there.AddDefinition(dingtalktest.Definition{Code: definition, Components: form, KeepsOpen: true})
		},
		"the originator has left": func(w *world, _ *bot.Question) { w.there.RemoveUser("manager01") },
		"DingTalk does not like who asks": func(w *world, _ *bot.Question) {
			w.there.Faults().Fail(dingtalktest.OpTerminate, 400, "invalidOperatingUserId", 1)
		},
		"somebody else asks now":            func(w *world, _ *bot.Question) { w.Originator = "dan01" },
		"the originator's account was lost": func(_ *world, q *bot.Question) { q.Asker.ID = "u-" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			q := w.question()
			ref := w.ask(t, q)
			w.clock.Pass(time.Minute)
			change(w, &q)
			if err := w.Withdraw(t.Context(), ref, q, slipway.T(strings.Repeat("x", 2000), strings.Repeat("长", 2000))); err != nil {
				t.Errorf("Withdraw: %v", err)
			}
			if v := w.look(t, ref); v.State != bot.VerdictWithdrawn {
				t.Errorf("withdrawn: %+v", v)
			}
			w.faultless(t)
		})
	}
}
