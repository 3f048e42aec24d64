package bot_test

import (
	"fmt"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
)

// later moves the clock on and does what the time brings.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	p := w.plan(1)
	if _, err := w.commands.LosePatience(w.t.Context(), fmt.Sprintf("task:%s", w.now), p.ID); err != nil {
		w.t.Fatal(err)
	}
}

// 2026-11-24 14:00 UTC is a Tuesday; Bob's and Carol's zone is not known.
func TestAnApprovalThatDoesNotComeIsRemindedEscalatedAndExpires(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "window #1 none"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "approvers #1 Bob, 卡罗 needed=2 remind=2h escalate=6h escalate_to=Root, Alice expire=3d"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("⏱️ Asked since", "next reminder", "escalates to Root, Alice", "expires")
	w.wantToast(w.bob.Say(w.room, "approve #1"), bot.ToastDone, "1/2")

	w.later(2 * time.Hour)
	w.settle()
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "Slipway reminded 卡罗")
	w.later(3 * time.Hour) // after work
	if e := w.last(); e.Verb != slipway.VerbRemindAgain {
		t.Errorf("in the evening came %s", e.Verb)
	}
	w.wantWhisper(w.root.Say(w.room, "approve #1"), "Only the approvers")

	w.later(18 * time.Hour) // in the next morning six hours of work are over
	w.shows("⬆️ Escalated to Root", "✋ Asked: 卡罗, Root")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "escalated to Root")
	w.wantWhisper(w.alice.Say(w.room, "approve #1"), "Only the approvers")

	w.later(48 * time.Hour)
	w.later(time.Hour)
	w.is(slipway.Denied)
	w.shows("⌛ The approval expired", "within 72 hours (1 of 2)")
	w.wantWhisper(w.alice.Say(w.room, "log #1"), "The approval expired (1/2)")
	w.wantWhisper(w.root.Say(w.room, "approve #1"), "not possible now")

	// Re-planned, Bob's approval counts again, and the time begins anew.
	w.alice.Say(w.room, "replan #1 once more")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.shows("1 of 2", "✋ Asked: 卡罗", "⏱️ Asked since")
	w.later(70 * time.Hour) // over the weekend
	w.wantToast(w.root.Say(w.room, "approve #1 in Carol's place"), bot.ToastDone, "Executing")
	w.is(slipway.Executing)
	if a := w.plan(1).Approval; a.Approvals() != 2 {
		t.Errorf("%d approvals count", a.Approvals())
	}
}

// last is the newest entry of plan 1.
func (w *world) last() slipway.Entry {
	w.t.Helper()
	page, err := w.store.Entries(w.t.Context(), w.plan(1).ID, "", 1)
	if err != nil || len(page.Rows) != 1 {
		w.t.Fatalf("%d entries, %v", len(page.Rows), err)
	}
	return page.Rows[0]
}

func TestTimeRulesAreAskedInTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	r := w.alice.Press(w.live(w.web, w.room), "approvers", 0)
	if r.Form == nil {
		t.Fatalf("no form: %+v", r)
	}
	if r := w.alice.Fill(bot.Values{"approval.remind_after": {"soon"}}); r.FieldErrors["approval.remind_after"] == "" {
		t.Errorf("soon is taken: %+v", r)
	}
	w.wantToast(w.alice.Fill(bot.Values{
		"approval.remind_after": {"4h"}, "approval.escalate_after": {"1d"}, "approval.escalate_to": {w.root.User.ID}, "approval.expire_after": {"never"},
	}), bot.ToastDone, "Changed")
	a := w.plan(1).Approval
	if a.RemindAfter.String() != "4h" || a.EscalateAfter.String() != "24h" || a.ExpireAfter != slipway.Never || len(a.EscalateTo) != 1 || a.Needed != 2 {
		t.Errorf("the approval is %+v", a)
	}
	// Levels in place of approvers leave the time rules as they are.
	w.wantToast(w.alice.Say(w.room, "approvers #1 any of Bob; then all of 卡罗"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a.RemindAfter.String() != "4h" || len(a.Levels) != 2 {
		t.Errorf("the approval is %+v", a)
	}
	w.wantWhisper(w.alice.Say(w.room, "approvers #1 remind=4 escalate_to=Zoe"), "Zoe")
	w.wantWhisper(w.alice.Say(w.room, "审批人 #1 过期=很快"), "4h")
	w.wantToast(w.alice.Say(w.room, "审批人 #1 提醒=无 过期=5d"), bot.ToastDone, "Changed")
	if a := w.plan(1).Approval; a.RemindAfter != slipway.Never || a.ExpireAfter.String() != "120h" {
		t.Errorf("the approval is %+v", a)
	}
}

func TestPeopleSayWhenTheyWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantWhisper(w.bob.Say(w.room, "whoami"), "Mon-Fri 09:00-18:00 (default)")
	w.wantWhisper(w.bob.Say(w.room, "hours"), "Mon-Fri 09:00-18:00 (default)")
	w.wantWhisper(w.bob.Say(w.room, "hours Mon-Thu 9-12 13-17, Fri 9-12"), "Mon-Thu 09:00-12:00 13:00-17:00, Fri 09:00-12:00")
	w.wantWhisper(w.bob.Say(w.room, "hours off 2026-12-24..2026-12-31, 2026-11-25"), "2026-11-25, 2026-12-24..2026-12-31")
	w.wantWhisper(w.carol.Say(w.room, "工作时间 周一至周五 10-19 休假 2026-10-01至2026-10-07"), "周一至周五 10:00-19:00")
	for _, p := range []string{"hours nine to five", "hours Mon-Fri 9-18 off christmas", "工作时间 周八 9-18"} {
		w.wantWhisper(w.bob.Say(w.room, p), "hours")
	}
	u, err := w.store.User(t.Context(), w.bob.User.ID)
	if err != nil || u.WorkingHours != "Mon-Thu 09:00-12:00 13:00-17:00, Fri 09:00-12:00" || len(u.Holidays) != 2 {
		t.Errorf("Bob is %+v, %v", u, err)
	}
	w.wantWhisper(w.bob.Say(w.room, "hours default off none"), "(default)")
	if u, err = w.store.User(t.Context(), w.bob.User.ID); err != nil || u.WorkingHours != "" || u.Holidays != nil {
		t.Errorf("Bob is %+v, %v", u, err)
	}
}
