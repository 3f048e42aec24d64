package bot

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"slipway"
)

// said is a Call as a test writes it.
type said struct {
	Verb, Plan, Item, To, Text, Document string
	Options                              []string
}

func saidOf(c Call) said {
	s := said{Verb: string(c.Verb.ID), Plan: c.Plan, Item: c.Item, To: c.To, Text: c.Text, Document: c.Document}
	for _, o := range c.Options {
		s.Options = append(s.Options, o.Key+"="+o.Value)
	}
	return s
}

const planID = "0123456789abcdef01234567"

func TestParseUnderstandsBothLanguages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want said
	}{
		{"", said{Verb: "help"}},
		{"?", said{Verb: "help"}},
		{"help approve", said{Verb: "help", Text: "approve"}},
		{"帮助 通过", said{Verb: "help", Text: "通过"}},
		{"APPROVE #3", said{Verb: "approve", Plan: "#3"}},
		{"/approve 3", said{Verb: "approve", Plan: "3"}},
		{"approve: #3, looks good", said{Verb: "approve", Plan: "#3", Text: "looks good"}},
		{"approve " + planID + " ok", said{Verb: "approve", Plan: planID, Text: "ok"}},
		{"#3 approve ok", said{Verb: "approve", Plan: "#3", Text: "ok"}},
		{"#3", said{Verb: "show", Plan: "#3"}},
		{"通过 #3", said{Verb: "approve", Plan: "#3"}},
		{"通过#3", said{Verb: "approve", Plan: "#3"}},
		{"通过＃３", said{Verb: "approve", Plan: "#3"}},
		{"通过　＃３　同意上线", said{Verb: "approve", Plan: "#3", Text: "同意上线"}},
		{"通过#3同意上线", said{Verb: "approve", Plan: "#3", Text: "同意上线"}},
		{"批准：#3，“没问题”", said{Verb: "approve", Plan: "#3", Text: "没问题"}},
		{"reject #3 “too early” — wait", said{Verb: "reject", Plan: "#3", Text: "“too early” — wait"}},
		{"reject #3 “too early”", said{Verb: "reject", Plan: "#3", Text: "too early"}},
		{"cancel #3\nline one\nline two", said{Verb: "cancel", Plan: "#3", Text: "line one\nline two"}},
		{"ask again #3", said{Verb: "ask_again", Plan: "#3"}},
		{"ask_again #3", said{Verb: "ask_again", Plan: "#3"}},
		{"Ask   Again#3", said{Verb: "ask_again", Plan: "#3"}},
		{"重新检测 #3", said{Verb: "ask_again", Plan: "#3"}},
		{"重新规划#3 窗口调整", said{Verb: "replan", Plan: "#3", Text: "窗口调整"}},
		{"开始执行 #3", said{Verb: "start", Plan: "#3"}},
		{"执行 #3 2", said{Verb: "execute", Plan: "#3", Item: "2"}},
		{"执行#3第2项", said{Verb: "execute", Plan: "#3", Item: "2"}},
		{"execute #3 deploy the api", said{Verb: "execute", Plan: "#3", Item: "deploy the api"}},
		{"complete #3 “call hotline” they know", said{Verb: "complete", Plan: "#3", Item: "call hotline", Text: "they know"}},
		{"done 3 1", said{Verb: "complete", Plan: "3", Item: "1"}},
		{"跳过 #3 ２ 本次不需要", said{Verb: "skip", Plan: "#3", Item: "2", Text: "本次不需要"}},
		{"move #3 deploy 1", said{Verb: "move", Plan: "#3", Item: "deploy", To: "1"}},
		{"移动 #3 第3项 第1项", said{Verb: "move", Plan: "#3", Item: "3", To: "1"}},
		{"list mine executing", said{Verb: "list", Text: "mine executing"}},
		{"列表", said{Verb: "list"}},
		{"whoami", said{Verb: "whoami"}},
		{"copy #3 payments 4.3", said{Verb: "copy", Plan: "#3", Text: "payments 4.3"}},
		{"new payments 4.2", said{Verb: "new", Text: "payments 4.2"}},
		{"新建支付 4.2", said{Verb: "new", Text: "支付 4.2"}},
		{"new 42", said{Verb: "new", Text: "42"}},
		{
			"new payments 4.2 window='2026-11-24 22:00 to 2026-11-25 02:00' approvers=bob,carol needed=2",
			said{Verb: "new", Text: "payments 4.2", Options: []string{
				"window=2026-11-24 22:00 to 2026-11-25 02:00", "approval.approvers=bob,carol", "approval.needed_approvers=2",
			}},
		},
		{
			"新建 支付 4.2 审批人=“张三”、李四 人数＝2",
			said{Verb: "new", Text: "支付 4.2", Options: []string{"approval.approvers=张三、李四", "approval.needed_approvers=2"}},
		},
		{"add #3 announce: set X=1 now owner=dave", said{Verb: "add", Plan: "#3", Text: "announce: set X=1 now", Options: []string{"owner=dave"}}},
		{
			"add #3 deploy workflow=deploy-payments param.version=4.2",
			said{Verb: "add", Plan: "#3", Text: "deploy", Options: []string{"spec.workflow=deploy-payments", "param.version=4.2"}},
		},
		{"edit #3 2", said{Verb: "edit", Plan: "#3", Text: "2"}},
		{"edit #3 name=「支付 4.3」", said{Verb: "edit", Plan: "#3", Options: []string{"name=支付 4.3"}}},
		{"window #3 22:00 to 23:00", said{Verb: "window", Plan: "#3", Text: "22:00 to 23:00"}},
		{"窗口期#3 无", said{Verb: "window", Plan: "#3", Text: "无"}},
		{"approvers #3 bob, carol needed=2", said{Verb: "approvers", Plan: "#3", Text: "bob, carol", Options: []string{"approval.needed_approvers=2"}}},
		{"new\nname: payments\njobs: []", said{Verb: "new", Document: "name: payments\njobs: []"}},
		{"new\n```yaml\nname: payments\n```\n", said{Verb: "new", Document: "name: payments\n"}},
		{"编辑 #3\n```\nname: 支付\n```", said{Verb: "edit", Plan: "#3", Document: "\nname: 支付\n"}},
		{"@Slipway approve #3", said{Verb: "approve", Plan: "#3"}},
		{"＠slipway：通过 #3", said{Verb: "approve", Plan: "#3"}},
		{"@Slipway /plan Approve #3", said{Verb: "approve", Plan: "#3"}},
		{"@slipway", said{Verb: "help"}},
		{"New slipway 2.0", said{Verb: "new", Text: "slipway 2.0"}},
		{"主页", said{Verb: "home"}},
		{"我的", said{Verb: "home"}},
		{"催办#3", said{Verb: "remind", Plan: "#3"}},
		{"绑定", said{Verb: "link"}},
		{"approvers #3 —needed 2 bob", said{Verb: "approvers", Plan: "#3", Text: "bob", Options: []string{"approval.needed_approvers=2"}}},
		{
			"new payments — phase 2 --approvers “bob, carol” --needed=2",
			said{Verb: "new", Text: "payments — phase 2", Options: []string{"approval.approvers=bob, carol", "approval.needed_approvers=2"}},
		},
		{
			"new x approvers=bob, carol、dave needed=1",
			said{Verb: "new", Text: "x", Options: []string{"approval.approvers=bob,carol、dave", "approval.needed_approvers=1"}},
		},
		{
			"new x approvers=@slack:U1 @slack:U2 y",
			said{Verb: "new", Text: "x y", Options: []string{"approval.approvers=@slack:U1,@slack:U2"}},
		},
		{"add #3 build: make --project pay --owner dave", said{Verb: "add", Plan: "#3", Text: "build: make --project pay --owner dave"}},
		{"edit #3 name: payments", said{Verb: "edit", Plan: "#3", Document: "name: payments"}},
	}
	for _, tt := range tests {
		c, err := Parse(tt.text, Place{})
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, saidOf(c)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestInAThreadThePlanIsUnderstood(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want said
	}{
		{"approve", said{Verb: "approve", Plan: planID}},
		{"approve 2 of 3 looked at it", said{Verb: "approve", Plan: planID, Text: "2 of 3 looked at it"}},
		{"complete 2 sent", said{Verb: "complete", Plan: planID, Item: "2", Text: "sent"}},
		{"完成2", said{Verb: "complete", Plan: planID, Item: "2"}},
		{"show #7", said{Verb: "show", Plan: "#7"}},
		{"new payments", said{Verb: "new", Text: "payments"}},
	}
	for _, tt := range tests {
		c, err := Parse(tt.text, Place{Plan: planID})
		if err != nil {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, saidOf(c)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestWhatWasPerhapsMeant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text string
		want []string
	}{
		{"aprove #3 fine", []string{"approve #3 fine"}},
		{"sumbit #3", []string{"submit #3"}},
		{"exeucte #3 1", []string{"execute #3 1"}},
		{"app #3", []string{"approve #3", "approvers #3"}},
		{"通国 #3", []string{"通过 #3"}},
		{"取消发布 #3", []string{"取消 发布 #3"}},
		{"重新 #3", []string{"重新检测 #3", "重新规划 #3"}},
		{"同意 #3", []string{"通过 #3"}},
		{"lgtm #3", []string{"approve #3"}},
		{"xyzzy", nil},
	}
	for _, tt := range tests {
		_, err := Parse(tt.text, Place{})
		unknown := (*UnknownVerb)(nil)
		if !errors.As(err, &unknown) {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		for _, s := range unknown.Suggestions {
			if _, err := Parse(s, Place{}); errors.As(err, &unknown) {
				t.Errorf("%q suggests %q, which is not understood either", tt.text, s)
			}
		}
		got := unknown.Suggestions
		if len(got) > len(tt.want) && len(tt.want) > 0 {
			got = got[:len(tt.want)]
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestWhatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"submit #3 now please", "whoami root", "log #3 all", "new p approverz=bob", "add #3 x ownr=dave"} {
		_, err := Parse(text, Place{})
		if slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// letters are the letters and digits of a text, folded, apart from the words that
// itemRef takes off the number of an item.
func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) || strings.ContainsRune("第项个条号", r) {
			return -1
		}
		return r
	}, fold(s))
}

func FuzzParseLosesNothing(f *testing.F) {
	for _, r := range verbRows {
		for _, s := range []string{r.Usage.EN, r.Usage.ZH, r.Example.EN, r.Example.ZH} {
			f.Add(s, false)
			f.Add(s, true)
		}
	}
	f.Add("new\n```yaml\nname: x\n```", false)
	f.Add("add #3 a=“b c” d='e", false)
	f.Add("@Slipway —approvers “a, b” --needed 2", true)
	f.Add("new x --approver=@slack:U1 @slack:U2, c", false)
	f.Add("edit #1\xff key=\"", true)
	f.Fuzz(func(t *testing.T, text string, inThread bool) {
		at := Place{}
		if inThread {
			at.Plan = "THREAD"
		}
		c, err := Parse(text, at)
		if err != nil {
			return
		}
		plan := c.Plan
		if plan == at.Plan {
			plan = ""
		}
		got := c.Said + plan + c.Item + c.To + c.Text + c.Document
		for _, o := range c.Options {
			got += o.Typed + o.Value
		}
		if c.Document != "" {
			return // the fence may name its language
		}
		want := count(letters(addressed.ReplaceAllString(trim(text), "")))
		for r, n := range count(letters(got)) {
			want[r] -= n
		}
		for r, n := range want {
			if n > 0 {
				t.Fatalf("%q lost %q: %+v", text, r, saidOf(c))
			}
		}
	})
}

func count(s string) map[rune]int {
	out := map[rune]int{}
	for _, r := range s {
		out[r]++
	}
	return out
}
