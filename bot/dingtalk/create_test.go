package dingtalk

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/bot/dingtalk/dingtalktest"
)

func TestAQuestionIsAskedInTheFieldsOfTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := w.ask(t, w.question())
	want := []dingtalktest.Instance{{
		ID: ref, Definition: definition, Originator: "manager01", Status: statusRunning,
		Form: map[string]string{
			"发布计划": "#7 支付 4.2",
			"发布详情": "发布审批：支付 4.2\n\n窗口：今晚 22:00 至 23:00\n发布项：\n1. 升级数据库\n2. 部署 payments\n" +
				"链接：https://slipway.example.com/plans/7\n\n编号：5f0c6a52-8b5e-4d0e-9d62-1d3f0a9b7c11",
			"图片": "",
		},
		Nodes: []dingtalktest.Node{
			{Action: "NONE", Users: []string{"ann01"}}, {Action: "AND", Users: []string{"bob01", "cho01"}}, {Action: "OR", Users: []string{"manager01", "dan01"}},
		},
		Waiting: []string{"ann01"},
	}}
	if diff := cmp.Diff(want, w.there.Instances()); diff != "" {
		t.Error(diff)
	}
	w.faultless(t)
}

func TestEveryDetailCanHaveItsField(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Fields = map[bot.DetailKey]string{DetailRest: "Notes", DetailMark: "Ref", bot.DetailPlan: "Plan", bot.DetailItems: "Items", bot.DetailSchedule: "When"}
		c.Originator, c.Dept = "dan01", -1
	})
	var components []dingtalktest.Component
	for _, name := range []string{"Plan", "Items", "When", "Ref"} {
		components = append(components, dingtalktest.Component{Kind: oneLineField, Name: name, Required: true})
	}
	w.there.AddDefinition(dingtalktest.Definition{Code: definition, Name: "Release", Components: append(components, dingtalktest.Component{Kind: longField, Name: "Notes"})})
	q := w.question()
	q.Lang, q.Title = slipway.English, "Release payments"
	q.Nodes = q.Nodes[:1]
	q.Details = append(q.Details, bot.Detail{Key: bot.DetailLink, Label: "Page", Text: "https://x"}, bot.Detail{Key: bot.DetailDescription, Label: "About", Text: strings.Repeat("长", maxValue)})
	w.ask(t, q)
	in := w.there.Instances()[0]
	got := in.Form["Notes"]
	if n := utf8.RuneCountInString(got); n != maxValue || !strings.HasSuffix(got, "长…") || !strings.HasPrefix(got, "Release payments\n\n窗口: 今晚") {
		t.Errorf("the rest is %d characters: %.60s", n, got)
	}
	delete(in.Form, "Notes")
	want := map[string]string{"Plan": "#7 支付 4.2", "Items": "1. 升级数据库 / 2. 部署 payments", "When": "-", "Ref": q.Mark}
	if diff := cmp.Diff(want, in.Form); diff != "" || in.Originator != "dan01" {
		t.Error(in.Originator, diff)
	}
	w.faultless(t)
}

func TestTheMarkStaysHoweverLongTheTextIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	q := w.question()
	q.Details[1].Text = strings.Repeat("长\n", maxValue)
	w.ask(t, q)
	got := w.there.Instances()[0].Form[DefaultField]
	if n := utf8.RuneCountInString(got); n != maxValue || !strings.HasSuffix(got, q.Mark) {
		t.Errorf("the rest is %d characters and ends with %s", n, got[len(got)-80:])
	}
}

// refused fails unless an error is a refusal for people that says both texts.
func refused(t *testing.T, err error, en, zh string) {
	t.Helper()
	var e *slipway.Error
	if !errors.As(err, &e) || !strings.Contains(e.Text.EN, en) || !strings.Contains(e.Text.ZH, zh) {
		t.Errorf("the answer is %v, want %q and %q", err, en, zh)
	}
}

func TestWhatDingTalkCannotAskIsRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		change func(q *bot.Question)
		en, zh string
	}{
		"no steps":                 {func(q *bot.Question) { q.Nodes = nil }, "1 to 20 steps of approval, not 0", "1 到 20 个节点，当前为 0 个"},
		"too many steps":           {func(q *bot.Question) { q.Nodes = slices.Repeat(q.Nodes[:1], 21) }, "not 21", "当前为 21 个"},
		"twice in two steps":       {func(q *bot.Question) { q.Nodes[2].Approvers[1] = user("ann") }, "ann is to approve twice", "而 ann 需要审批两次"},
		"twice in a step":          {func(q *bot.Question) { q.Nodes[1].Approvers[1] = user("bob") }, "bob is to approve twice", "bob 需要"},
		"nobody":                   {func(q *bot.Question) { q.Nodes[1].Approvers = nil }, "Nobody is asked in the level “测试”", "“测试”没有审批人"},
		"approver without account": {func(q *bot.Question) { q.Nodes[0].Approvers[0] = slipway.User{ID: "u-", Name: "Eve"} }, "Eve has no DingTalk account", "不知道 Eve 的钉钉账号"},
		"asker without account":    {func(q *bot.Question) { q.Asker = slipway.User{ID: "u-", Name: "Eve"} }, "cannot be asked in their name", "无法以其名义发起"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := w.question()
			tt.change(&q)
			_, err := w.Create(t.Context(), q)
			refused(t, err, tt.en, tt.zh)
		})
	}
	if n := w.calls(dingtalktest.OpStart); n != 0 {
		t.Errorf("DingTalk was asked %d times", n)
	}
}

func TestAFormThatWasChangedIsRefusedBeforeItIsAsked(t *testing.T) {
	t.Parallel()
	plan, rest := form[0], form[1]
	for name, tt := range map[string]struct {
		form   []dingtalktest.Component
		en, zh string
	}{
		"renamed":      {[]dingtalktest.Component{{Kind: oneLineField, Name: "计划"}, rest}, "it has no field “发布计划”", "没有名为“发布计划”的控件"},
		"removed":      {[]dingtalktest.Component{plan}, "no field “发布详情”", "“发布详情”"},
		"ambiguous":    {[]dingtalktest.Component{plan, plan, rest}, "2 fields “发布计划”", "有 2 个名为“发布计划”"},
		"another kind": {[]dingtalktest.Component{{Kind: "NumberField", Name: "发布计划"}, rest}, "“发布计划” must be a text", "应为单行或多行输入框"},
		"too short":    {[]dingtalktest.Component{plan, {Kind: oneLineField, Name: DefaultField}}, "must be a multi-line text", "应为多行输入框"},
		"one more":     {[]dingtalktest.Component{plan, rest, {Kind: oneLineField, Name: "预算", Required: true}}, "demands the field “预算”", "必填控件“预算”"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.there.AddDefinition(dingtalktest.Definition{Code: definition, Components: tt.form})
			_, err := w.Create(t.Context(), w.question())
			refused(t, err, tt.en, tt.zh)
			if len(w.there.Instances()) > 0 || w.calls(dingtalktest.OpStart) > 0 {
				t.Error("DingTalk was asked")
			}
			if found := w.Probe(t.Context()); found[1].OK || !strings.Contains(found[1].What.EN, tt.en) || found[1].Mend.ZH == "" {
				t.Errorf("doctor says %+v", found[1])
			}
		})
	}
}

func TestARefusalIsSaidInWordsForPeople(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(w *world)
		en, zh string
	}{
		"an approver has left": {func(w *world) { w.there.RemoveUser("bob01") }, "an approver has left", "可能已离职"},
		"deleted":              {func(w *world) { w.there.RemoveDefinition(definition) }, "does not exist in DingTalk any more", "已被删除或停用"},
		"switched off": {func(w *world) {
			w.there.AddDefinition(dingtalktest.Definition{Code: definition, Components: form, Disabled: true})
		}, "switched off", "停用"},
		"no permission": {func(w *world) { w.there.SetScopes("Workflow.Form.Read") }, "lacks the permission Workflow.Instance.Write", "缺少权限 Workflow.Instance.Write"},
		"another form":  {func(w *world) { w.there.Faults().Fail(dingtalktest.OpStart, 400, "formConverterError", 1) }, "does not take what is in the form: planned", "表单校验失败"},
		"not allowed":   {func(w *world) { w.there.Faults().Fail(dingtalktest.OpStart, 400, "needAuth", 1) }, "the permissions for OA approvals", "OA 审批相关权限"},
		"address":       {func(w *world) { w.there.Faults().Fail(dingtalktest.OpStart, 403, codeAddress, 1) }, "outgoing IP addresses", "白名单"},
		"something new": {func(w *world) { w.there.Faults().Fail(dingtalktest.OpStart, 400, "benefitStatusInvalid", 1) }, "(benefitStatusInvalid)", "（benefitStatusInvalid）"},
		"wrong secret":  {func(w *world) { w.AppSecret = "wrong" }, "does not take the app's key and secret", "拒绝了应用的"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.change(w)
			_, err := w.Create(t.Context(), w.question())
			refused(t, err, tt.en, tt.zh)
			var cause *apiError
			if !errors.As(err, &cause) {
				t.Errorf("the log is not told the cause: %v", err)
			}
			if len(w.there.Instances()) > 0 {
				t.Error("it was asked all the same")
			}
		})
	}
}

func TestWhatMayGoBetterNextTimeIsNoRefusal(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		status  int
		code    string
		limited bool
	}{
		"fault":              {http.StatusInternalServerError, "systemError", false},
		"fault with a 400":   {http.StatusBadRequest, "sysErrror", false},
		"too often":          {http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", true},
		"too often for all":  {http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForApi", true},
		"too often, plainly": {http.StatusTooManyRequests, "", true},
		"somebody between":   {http.StatusForbidden, "", false},
		"rules are busy":     {http.StatusBadRequest, "autoflowLikeTriggerRateLimited", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.there.Faults().Fail(dingtalktest.OpStart, tt.status, tt.code, 1)
			_, err := w.Create(t.Context(), w.question())
			var final *slipway.Error
			if err == nil || errors.As(err, &final) {
				t.Errorf("Create = %v", err)
			}
			var limited *bot.RateLimited
			if errors.As(err, &limited) != tt.limited || (tt.limited && limited.After <= 0) {
				t.Errorf("Create = %v, limited %+v", err, limited)
			}
			w.ask(t, w.question()) // the next time
		})
	}
}
