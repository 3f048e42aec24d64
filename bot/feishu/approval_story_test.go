package feishu

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
)

func TestAPlanIsApprovedInFeishu(t *testing.T) {
	t.Parallel()
	eachCenter(t, func(t *testing.T, c *center) {
		ref := c.ask(t, question("1", anyOf(userWang, userLi), allOf(userLi, userChen)))
		i := c.asked(t, ref)
		want := feishutest.ApprovalInstance{
			Code: ref, UUID: question("1").Mark, Definition: i.Definition, From: wang, Title: "#12 Payments 4.2", Status: "PENDING",
			Form:  map[string]string{madeWidget: "Plan: #12 Payments 4.2\nManager: 王小明\nItems:\n1. Deploy\n2. Announce\nPage: " + pages + "/plans/12"},
			Asked: [][]string{{wang, li}, {li, chen}},
		}
		if diff := cmp.Diff(want, i); diff != "" {
			t.Errorf("asked was (-want +got):\n%s", diff)
		}
		v := c.stands(t, ref, bot.VerdictOpen)
		if len(v.Said) != 0 || !strings.HasPrefix(v.URL, "https://applink.feishu.cn/client/mini_program/open?appId=cli_9cb844403dbb9108") || !strings.Contains(v.URL, ref) {
			t.Errorf("it stands at %+v", v)
		}

		before := c.changed.times(ref)
		c.approve(t, li, ref, "looks good\n")
		eventually(t, "the news", func() bool { return c.changed.times(ref) > before })
		v = c.stands(t, ref, bot.VerdictOpen)
		if len(c.chat.ApprovalTasks(wang)) != 0 || len(c.chat.ApprovalTasks(chen)) != 1 {
			t.Error("the second level did not open")
		}
		c.approve(t, chen, ref, "")
		c.stands(t, ref, bot.VerdictOpen)
		c.approve(t, li, ref, "twice")
		v = c.stands(t, ref, bot.VerdictApproved)
		said := []bot.Opinion{{Account: li, Approve: true, Comment: "looks good"}, {Account: chen, Approve: true}, {Account: li, Approve: true, Comment: "twice"}}
		if diff := cmp.Diff(said, v.Said, cmpopts.IgnoreFields(bot.Opinion{}, "At")); diff != "" || v.Said[0].At == 0 {
			t.Errorf("said was (-want +got):\n%s", diff)
		}
		if c.Type() != slipway.LarkApproval {
			t.Errorf("the type is %q", c.Type())
		}
	})
}

func (c *center) approve(t *testing.T, who, ref, comment string) {
	t.Helper()
	if err := c.chat.ApproveInstance(t.Context(), who, ref, comment); err != nil {
		t.Error(err)
	}
}

func TestAPlanIsRejectedInFeishuAndAskedForAgain(t *testing.T) {
	t.Parallel()
	eachCenter(t, func(t *testing.T, c *center) {
		ref := c.ask(t, question("1", allOf(userWang, userLi)))
		if err := c.chat.RejectInstance(t.Context(), li, ref, "not on a Friday"); err != nil {
			t.Fatal(err)
		}
		v := c.stands(t, ref, bot.VerdictRejected)
		want := []bot.Opinion{{Account: li, Comment: "not on a Friday"}}
		if diff := cmp.Diff(want, v.Said, cmpopts.IgnoreFields(bot.Opinion{}, "At")); diff != "" {
			t.Errorf("said was (-want +got):\n%s", diff)
		}
		again := c.ask(t, question("2", allOf(userWang, userLi)))
		if again == ref || len(c.chat.ApprovalDefinitions()) != 1 {
			t.Errorf("the second round is %s after %s, of %d definitions", again, ref, len(c.chat.ApprovalDefinitions()))
		}
		c.approve(t, wang, again, "")
		c.approve(t, li, again, "")
		c.stands(t, again, bot.VerdictApproved)
	})
}

func TestSomebodyElseApprovesWhatWasPassedOnToThem(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	ref := c.ask(t, question("1", anyOf(userLi)))
	if err := c.chat.TransferInstance(t.Context(), li, ref, chen, "I am on leave"); err != nil {
		t.Fatal(err)
	}
	if v := c.stands(t, ref, bot.VerdictOpen); len(v.Said) != 0 {
		t.Errorf("said was %+v", v.Said)
	}
	c.approve(t, chen, ref, "for Li")
	if v := c.stands(t, ref, bot.VerdictApproved); len(v.Said) != 1 || v.Said[0].Account != chen {
		t.Errorf("said was %+v", v.Said)
	}
}

// TestW26WhatIsWithdrawnOrDeletedInFeishuIsRecognised: Feishu writes CANCELED with one L.
func TestW26WhatIsWithdrawnOrDeletedInFeishuIsRecognised(t *testing.T) {
	t.Parallel()
	eachCenter(t, func(t *testing.T, c *center) {
		for name, tt := range map[string]struct {
			happens func(ref string) error
			want    bot.VerdictState
		}{
			"1": {func(ref string) error { return c.chat.RecallInstance(t.Context(), wang, ref) }, bot.VerdictWithdrawn},
			"2": {func(ref string) error { return c.chat.DeleteInstance(t.Context(), ref) }, bot.VerdictDeleted},
			"3": {func(ref string) error { // taken back after it was approved
				c.approve(t, li, ref, "")
				c.stands(t, ref, bot.VerdictApproved)
				return c.chat.RecallInstance(t.Context(), wang, ref)
			}, bot.VerdictWithdrawn},
		} {
			ref := c.ask(t, question(name, anyOf(userLi)))
			eventually(t, "the news of the beginning", func() bool { return c.changed.times(ref) >= 2 })
			before := c.changed.times(ref)
			if err := tt.happens(ref); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the news of the end", func() bool { return c.changed.times(ref) > before })
			c.stands(t, ref, tt.want)
			c.chat.Faults().SpellCancelled(true)
			c.stands(t, ref, tt.want)
			c.chat.Faults().SpellCancelled(false)
		}
	})
}

func TestWhatFeishuSaysOfAnInstanceIsADecisionOnlyIfItIsUnderstood(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]bot.VerdictState{
		"PENDING": bot.VerdictOpen, "OVERTIME_RECOVER": bot.VerdictOpen, "APPROVED": bot.VerdictApproved, "approved": bot.VerdictApproved,
		"REJECTED": bot.VerdictRejected, "CANCELED": bot.VerdictWithdrawn, "CANCELLED": bot.VerdictWithdrawn, "REVERTED": bot.VerdictWithdrawn,
		"OVERTIME_CLOSE": bot.VerdictWithdrawn, "TERMINATED": bot.VerdictWithdrawn, "DELETED": bot.VerdictDeleted, "": "", "UNKNOWN": "", "DONE": "",
	} {
		i := instance{Status: status}
		if got, err := i.state(); got != want || (err == nil) != (want != "") {
			t.Errorf("%q means %q, %v, want %q", status, got, err, want)
		}
	}
	// A decision that the timeline lacks is among the tasks; what passed by itself was said
	// by nobody, whosever task it was.
	i := instance{
		Timeline: []happenedOn{
			{Type: "START", OpenID: wang},
			{Type: "AUTO_PASS"},
			{Type: "PASS", OpenID: li, TaskID: "2", At: 3000, Comment: "ok"},
			{Type: "AUTO_PASS", OpenID: chen, TaskID: "4", At: 4000},
			{Type: "REMOVE_REPEAT", OpenID: li, TaskID: "5", At: 5000},
		},
		Tasks: []taskOf{
			{ID: "1", OpenID: wang, Type: "OR", Status: "APPROVED", End: 1000},
			{ID: "2", OpenID: li, Status: "APPROVED", End: 3000},
			{ID: "3", OpenID: chen, Status: "DONE"},
			{ID: "4", OpenID: chen, Status: "APPROVED", End: 4000},
			{ID: "5", OpenID: li, Status: "APPROVED", End: 5000},
			{ID: "6", OpenID: chen, Type: "AUTO_PASS", Status: "APPROVED", End: 6000},
			{ID: "7", OpenID: chen, Type: "AUTO_REJECT", Status: "REJECTED", End: 7000},
		},
	}
	want := []bot.Opinion{{Account: wang, Approve: true, At: 1}, {Account: li, Approve: true, Comment: "ok", At: 3}}
	if diff := cmp.Diff(want, i.said()); diff != "" {
		t.Errorf("said was (-want +got):\n%s", diff)
	}
}

func TestATimeThatCannotBeReadHoldsNoDecisionBack(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]millis{
		`"1666079207003"`: 1666079207003, `1666079207003`: 1666079207003, `"0"`: 0, `""`: 0, `null`: 0, `"2026-11-29T12:00:00Z"`: 0, `1.5e12`: 0, `{"at": 1}`: 0,
	} {
		i := instance{}
		err := json.Unmarshal([]byte(`{"status": "APPROVED", "task_list": [{"id": "1", "end_time": `+text+`}]}`), &i)
		if state, unclear := i.state(); err != nil || unclear != nil || state != bot.VerdictApproved || i.Tasks[0].End != want {
			t.Errorf("%s: %v, %v, %+v", text, err, unclear, i)
		}
	}
}

func TestWithdrawingEndsWhatIsOpenAndLeavesTheRest(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	withdraw := func(ref string) error {
		return c.Withdraw(t.Context(), ref, question("1"), slipway.T("re-planned", "重新规划"))
	}
	open := c.ask(t, question("1", anyOf(userLi)))
	for range 2 {
		if err := withdraw(open); err != nil {
			t.Errorf("withdraw: %v", err)
		}
		c.stands(t, open, bot.VerdictWithdrawn)
	}
	if diff := cmp.Diff([]string{"re-planned"}, c.asked(t, open).Comments); diff != "" {
		t.Errorf("the comments (-want +got):\n%s", diff)
	}
	if n := len(c.chat.Calls(feishutest.OpInstanceCancel)); n != 1 {
		t.Errorf("it was withdrawn %d times", n)
	}

	lost := c.ask(t, question("2", anyOf(userLi)))
	c.chat.Faults().LoseAnswer(feishutest.OpInstanceCancel, 1)
	if err := withdraw(lost); err != nil {
		t.Errorf("whose answer was lost: %v", err)
	}
	c.stands(t, lost, bot.VerdictWithdrawn)

	silent := c.ask(t, question("5", anyOf(userLi)))
	c.chat.Faults().Fail(feishutest.OpInstanceComment, codeTryLater, 1)
	if err := withdraw(silent); err != nil {
		t.Errorf("whose comment is refused: %v", err)
	}
	c.stands(t, silent, bot.VerdictWithdrawn)

	failed := c.ask(t, question("3", anyOf(userLi)))
	c.chat.Faults().Fail(feishutest.OpInstanceCancel, codeTryLater, 1)
	if err := withdraw(failed); err == nil || slipway.CodeOf(err) != slipway.Internal {
		t.Errorf("with Feishu in trouble: %v", err)
	}
	c.stands(t, failed, bot.VerdictOpen)

	approved := c.ask(t, question("4", anyOf(userLi)))
	c.approve(t, li, approved, "")
	if err := withdraw(approved); err != nil {
		t.Errorf("what is approved: %v", err)
	}
	c.stands(t, approved, bot.VerdictApproved)
	if err := withdraw("no-such-instance"); err != nil {
		t.Errorf("what is gone: %v", err)
	}
	if _, err := c.Look(t.Context(), "no-such-instance"); !errors.Is(err, bot.ErrGone) {
		t.Errorf("Look at what is gone: %v", err)
	}
}

// TestWithdrawingAsksInTheNameOfWhoAsked: only they may, and the setting may have changed
// in between.
func TestWithdrawingAsksInTheNameOfWhoAsked(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket}, func(a *ApprovalConfig) { a.Initiator = chen })
	ref := c.ask(t, question("1", anyOf(userLi)))
	if got := c.asked(t, ref).From; got != chen {
		t.Errorf("it is asked in the name of %s", got)
	}
	c.set(t, func(a *ApprovalConfig) { a.Initiator = "" })
	if err := c.Withdraw(t.Context(), ref, question("1"), slipway.Text{}); err != nil {
		t.Error(err)
	}
	c.stands(t, ref, bot.VerdictWithdrawn)
}

// TestOneQuestionIsOneInstance is the table of crashes around the call that asks.
func TestOneQuestionIsOneInstance(t *testing.T) {
	t.Parallel()
	c := newCenter(t, feishutest.Config{Mode: modeSocket})
	for i, tt := range []struct {
		name  string
		fault func(*feishutest.Faults)
		fails bool // the first try
		there bool // the instance, after it
	}{
		{"nothing goes wrong", func(*feishutest.Faults) {}, false, true},
		{"the answer is lost", func(f *feishutest.Faults) { f.LoseAnswer(feishutest.OpInstanceCreate, 1) }, false, true},
		{"the answer is lost, and so is that of the question for it", func(f *feishutest.Faults) {
			f.LoseAnswer(feishutest.OpInstanceCreate, 1)
			f.LoseAnswer(feishutest.OpInstanceGet, 20) // the client itself repeats a GET
		}, true, true},
		{"Feishu is broken", func(f *feishutest.Faults) { f.Fail(feishutest.OpInstanceCreate, 502, 1) }, true, false},
		{"Feishu wants a moment", func(f *feishutest.Faults) { f.Fail(feishutest.OpInstanceCreate, codeTryLater, 1) }, true, false},
		{"too often", func(f *feishutest.Faults) { f.RateLimit(feishutest.OpInstanceCreate, 1, time.Second) }, true, false},
	} {
		q := question(string(rune('1'+i)), anyOf(userLi, userChen))
		if ref, err := c.Find(t.Context(), q); ref != "" || err != nil {
			t.Errorf("%s: before, there is %q, %v", tt.name, ref, err)
		}
		tt.fault(c.chat.Faults())
		first, err := c.Create(t.Context(), q)
		if (err != nil) != tt.fails || err != nil && slipway.CodeOf(err) != slipway.Internal {
			t.Errorf("%s: the first try: %q, %v", tt.name, first, err)
		}
		c.chat.Faults().Heal()
		found, err := c.Find(t.Context(), q)
		if (found != "") != tt.there || err != nil {
			t.Errorf("%s: after it there is %q, %v", tt.name, found, err)
		}
		lame := q // an approver has lost their account since: it is there all the same
		lame.Nodes = []bot.QuestionNode{anyOf(stranger)}
		if ref, err := c.Create(t.Context(), lame); ref != found || (err == nil) != tt.there {
			t.Errorf("%s: asked of nobody, it is %q, %v", tt.name, ref, err)
		}
		for range 2 {
			ref, err := c.Create(t.Context(), q)
			if err != nil || first != "" && ref != first || found != "" && ref != found {
				t.Errorf("%s: asked again, it is %q, %v; before it was %q", tt.name, ref, err, first)
			}
			first = ref
		}
		if n := len(c.chat.Instances()); n != i+1 {
			t.Errorf("%s: there are %d instances, want %d", tt.name, n, i+1)
		}
	}
}
