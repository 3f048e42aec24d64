package bot_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// goldens remembers which golden files were asked for.
var goldens struct {
	mu   sync.Mutex
	used []string
}

// golden compares with testdata/<name>.golden; SLIPWAY_UPDATE_GOLDEN=1 rewrites it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	goldens.mu.Lock()
	goldens.used = append(goldens.used, file)
	goldens.mu.Unlock()
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got); SLIPWAY_UPDATE_GOLDEN=1 rewrites it:\n%s", file, diff)
	}
}

func goldenJSON(t *testing.T, name string, v any) {
	t.Helper()
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	golden(t, name, b.String())
}

// TestMain fails when a golden file belongs to no test.
func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 && flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.fuzz").Value.String() == "" {
		files, err := filepath.Glob(filepath.Join("testdata", "*.golden"))
		if err != nil {
			panic(err)
		}
		for _, f := range files {
			if !slices.Contains(goldens.used, f) {
				fmt.Fprintf(os.Stderr, "%s belongs to no test\n", f)
				code = 1
			}
		}
	}
	os.Exit(code)
}

var (
	langs = []slipway.Lang{slipway.English, slipway.Chinese}
	alice = slipway.PersonRef{ID: "u1", Name: "Alice"}
	bob   = slipway.PersonRef{ID: "u2", Name: "Bob"}
	carol = slipway.PersonRef{ID: "u3", Name: "卡罗"}
)

const noon = 1795521600 // 2026-11-24 12:00 UTC

// payments is a plan in planning.
func payments() *slipway.Plan {
	return &slipway.Plan{
		ID: "0123456789abcdef01234567", Index: 12, Version: 3, Seq: 7, Name: "payments 4.2", Phase: slipway.PhasePlanning,
		Manager: alice, Creator: alice, Editor: alice, Description: "Why: **faster** refunds",
		StartTime: noon + 8*3600, EndTime: noon + 12*3600, ScheduleExecuteTime: noon + 9*3600,
		Jira:     &slipway.JiraAssociation{Sprints: []slipway.Sprint{{ProjectKey: "PAY", SprintID: 42}}},
		Approval: &slipway.Approval{Type: slipway.NativeApproval, Needed: 2, Approvers: []slipway.PersonRef{bob, carol}},
		Items: []*slipway.Item{
			{ID: "i1", Name: "announce", Type: slipway.TextItem, Owner: bob, Status: slipway.Todo, Text: &slipway.TextSpec{Content: "Tell the **hotline**"}},
			{
				ID: "i2", Name: "deploy", Type: slipway.WorkflowItem, Status: slipway.Todo, Workflow: &slipway.WorkflowSpec{
					Engine: "local", Project: "payments", Name: "deploy-payments", Params: map[string]string{"version": "4.2", "token": "s3cret"},
					Definition: &slipway.Workflow{Params: []slipway.Param{{Name: "token", IsCredential: true}}},
				},
			},
		},
		Last: slipway.LastMove{Verb: slipway.VerbEdit, By: "Alice", At: noon},
	}
}

// lives are the plan at points of its life.
var lives = map[string]func(*slipway.Plan){
	"planning": func(*slipway.Plan) {},
	"approval": func(p *slipway.Plan) {
		p.Phase = slipway.PhaseApproval
		p.Approval.Votes = []slipway.Vote{{By: bob, Approve: true, Comment: "rollback tested", At: noon + 60}}
	},
	"denied": func(p *slipway.Plan) {
		p.Phase, p.Approval.Result = slipway.PhaseDenied, slipway.ApprovalRejected
		p.Approval.Votes = []slipway.Vote{{By: carol, Comment: "no rollback plan", At: noon + 60}}
	},
	"gate": func(p *slipway.Plan) {
		p.Phase, p.Approval = slipway.PhaseFinishPlanning, nil
		p.Gate = &slipway.Gate{Event: slipway.EventStartExecute, State: slipway.GateOpen, Waits: []slipway.Wait{
			{Endpoint: "security", State: slipway.GatePassed, Since: noon, AnsweredAt: noon + 30},
			{Endpoint: "change-office", State: slipway.GateOpen, Since: noon, Deadline: noon + 86400, Progress: "reading the request", ProgressAt: noon + 90},
		}}
	},
	"gate-failed": func(p *slipway.Plan) {
		p.Phase = slipway.PhasePlanning
		reason := slipway.T("the request is incomplete", "the request is incomplete")
		p.Gate = &slipway.Gate{Event: slipway.EventFinishPlanning, State: slipway.GateFailed, Waits: []slipway.Wait{
			{Endpoint: "change-office", State: slipway.GateFailed, Since: noon, AnsweredAt: noon + 30, Reason: reason},
		}}
	},
	"executing": func(p *slipway.Plan) {
		p.Phase, p.ScheduleFired = slipway.PhaseExecuting, true
		p.Overrides = []slipway.Overriding{{Event: slipway.EventStartExecute, By: "Root", Reason: "checked by phone", At: noon}}
		p.Items = append(p.Items, p.Items[1].Clone(), p.Items[1].Clone(), p.Items[0].Clone())
		for i, s := range []slipway.ItemStatus{slipway.Todo, slipway.Running, slipway.Failed, slipway.Todo, slipway.Done} {
			p.Items[i].ID, p.Items[i].Status = fmt.Sprintf("i%d", i+1), s
			if s != slipway.Todo {
				p.Items[i].ExecutedBy, p.Items[i].ExecutedTime = slipway.SystemName, noon+120
			}
		}
		p.Items[1].Workflow.URL = "https://engine.example.com/7"
		p.Items[2].Reason = slipway.T("Job build ended with exit code 1.", "任务 build 以退出码 1 结束。")
		p.Items[4].Remark = "sent at noon"
	},
	"timeout": func(p *slipway.Plan) { p.Phase = slipway.PhaseTimeout },
	"success": func(p *slipway.Plan) {
		p.Phase, p.Approval.Result = slipway.PhaseSuccess, slipway.ApprovalPassed
		for _, it := range p.Items {
			it.Status, it.ExecutedBy, it.ExecutedTime = slipway.Done, "Alice", noon+300
		}
		p.Items[0].Status, p.Items[0].Remark = slipway.Skipped, "they know"
		p.Last = slipway.LastMove{Verb: slipway.VerbComplete, By: "Alice", At: noon + 300, Item: "announce"}
	},
	"cancelled": func(p *slipway.Plan) { p.Phase, p.CancelReason = slipway.PhaseCancel, "shipped with 4.3" },
	"empty": func(p *slipway.Plan) {
		*p = slipway.Plan{ID: p.ID, Index: 13, Version: 1, Name: "new", Phase: slipway.PhasePlanning, Manager: alice, Creator: alice, EndTime: noon}
	},
}

func view(lang slipway.Lang) bot.View {
	return bot.View{Lang: lang, Link: func(p *slipway.Plan) string { return "https://slipway.example.com/plans/" + p.ID }}
}

func TestGoldenPlanCards(t *testing.T) {
	t.Parallel()
	for name, change := range lives {
		p := payments()
		change(p)
		for _, lang := range langs {
			goldenJSON(t, fmt.Sprintf("plan-%s.%s", name, lang), bot.PlanCard(p, view(lang)))
		}
	}
	p := payments()
	lives["approval"](p)
	for _, who := range []slipway.Actor{
		{Kind: slipway.Person, ID: carol.ID, Name: carol.Name}, {Kind: slipway.Person, ID: "u9", Name: "Zoe"},
	} {
		v := view(slipway.English)
		v.Viewer = &who
		goldenJSON(t, "plan-approval-for-"+who.ID, bot.PlanCard(p, v))
	}
}

func TestGoldenOtherCards(t *testing.T) {
	t.Parallel()
	problem := &slipway.Error{
		Code: slipway.Unfit, Text: slipway.T("The plan is not right yet.", "发布计划的内容有误。"),
		Problems: []slipway.Problem{{Path: "jobs[0].name", Text: slipway.T("a name is expected", "需要填写名称")}},
	}
	user := &slipway.User{ID: "u1", Name: "Alice", Email: "alice@example.com", Role: slipway.RoleAdmin, Locale: slipway.English, TimeZone: "Asia/Shanghai"}
	deliveries := []storage.Delivery{
		{
			Delivery: slipway.Delivery{ID: "msg_1", Endpoint: "change-office", Event: slipway.EventFinishPlanning, Waits: true, At: noon * 1000},
			State:    storage.DeliveryFailed, LastError: "connection refused",
			Attempts: []storage.Attempt{{Number: 1, StartedAt: noon * 1000}, {Number: 2, StartedAt: (noon + 60) * 1000, StatusCode: 503}},
		},
		{Delivery: slipway.Delivery{ID: "msg_2", Endpoint: "wall", Event: slipway.EventStartExecute, At: noon * 1000}, State: storage.DeliveryPending},
	}
	for _, lang := range langs {
		v := view(lang)
		own := v
		own.Viewer = &slipway.Actor{Kind: slipway.Person, ID: carol.ID, Name: carol.Name}
		for name, c := range map[string]bot.Card{
			"list":        bot.ListCard([]*slipway.Plan{payments()}, 31, "mine", "12", v),
			"list-empty":  bot.ListCard(nil, 0, "", "", v),
			"log":         bot.LogCard(payments(), entries()[:4], "4", v),
			"hooks":       bot.HooksCard(payments(), deliveries, v),
			"hooks-empty": bot.HooksCard(payments(), nil, v),
			"error":       bot.ErrorCard(problem, v),
			"error-ours":  bot.ErrorCard(errors.New("disk full"), v),
			"notice":      bot.NoticeCard(slipway.T("Look here.", "请看这里。"), payments(), v),
			"moved":       bot.MovedCard(payments(), v),
			"whoami":      bot.WhoamiCard(user, v),
			"help":        bot.HelpCard(nil, v),
			"home":        bot.HomeCard(busyHome(), own),
			"home-empty":  bot.HomeCard(bot.Home{}, own),
			"help-plan":   bot.HelpCard(payments(), v),
			"help-verb":   bot.VerbHelpCard(&bot.VerbRows()[9], v),
		} {
			goldenJSON(t, fmt.Sprintf("card-%s.%s", name, lang), c)
		}
	}
}

// busyHome is the page of 卡罗, who has more to do than it shows.
func busyHome() bot.Home {
	waiting, running := payments(), payments()
	lives["approval"](waiting)
	lives["executing"](running)
	running.Index = 11
	running.Items[0].Owner = carol
	h := bot.Home{Waiting: []*slipway.Plan{waiting}, Items: []bot.HomeItem{{Plan: running, Item: running.Items[0]}}, Running: []*slipway.Plan{running}, RunningTotal: 3}
	for i := range 10 {
		p := payments()
		p.Index = int64(10 - i)
		p.Manager = carol
		h.Mine = append(h.Mine, p)
	}
	return h
}

func TestGoldenForms(t *testing.T) {
	t.Parallel()
	p := payments()
	for _, lang := range langs {
		a := bot.Asker{
			Lang: lang, Me: &slipway.User{ID: "u1", Name: "Alice"}, Engines: []string{"local", "zadig"},
			People: []bot.Option{{Value: "u1", Label: "Alice"}, {Value: "u2", Label: "Bob"}},
		}
		failed := p.Items[1].Clone()
		failed.Status = slipway.Failed
		for _, f := range []bot.Form{
			a.NewForm(), a.EditForm(p), a.AddForm(p), a.ItemForm(p, p.Items[1]), a.WindowForm(p), a.ScheduleForm(p), a.ApproversForm(p), a.CopyForm(p),
			a.SayForm(bot.FormApprove, p, nil), a.SayForm(bot.FormReject, p, nil), a.SayForm(bot.FormComplete, p, p.Items[0]),
			a.SayForm(bot.FormSkip, p, failed), a.SayForm(bot.FormOverride, p, nil), a.SayForm(bot.FormReplan, p, nil), a.SayForm(bot.FormCancel, p, nil),
			a.AdoptForm(p, p.Items[1]), a.DeclineForm(p, p.Items[1], "approve"), a.TransferForm(p), a.AwayForm(),
		} {
			goldenJSON(t, fmt.Sprintf("form-%s.%s", f.ID, lang), f)
		}
	}
}

// entries has an entry of every verb, and of every result that reads differently.
func entries() []slipway.Entry {
	person := slipway.Actor{Kind: slipway.Person, ID: "u1", Name: "Alice"}
	system, receiver := slipway.SystemActor(), slipway.Actor{Kind: slipway.Receiver, Name: "change-office"}
	reason := slipway.T("No answer came before the deadline.", "在截止时间前没有收到答复。")
	soon := slipway.T("The release is to begin before the next working hours, so they were reminded at once.", "发布将在下一个工作时段之前开始，因此立即提醒。")
	changed := slipway.T("Changed: the outside checks.", "变动：外部检测。")
	nobody := slipway.T("Nobody to whom it would be escalated may decide on it.", "升级对象中没有人可以审批该发布计划。")
	late := slipway.T("The approval did not come within %s.", "%s内未完成审批。", slipway.Period(72*time.Hour).Text())
	check := func(result slipway.Result) slipway.EntryData {
		return slipway.EntryData{Event: slipway.EventStartExecute, Endpoint: "change-office", Result: string(result)}
	}
	list := []slipway.Entry{
		{Verb: slipway.VerbCreate, To: slipway.Planning},
		{Verb: slipway.VerbCreate, To: slipway.Planning, Data: slipway.EntryData{CopiedFrom: "0123456789abcdef01234567"}},
		{Verb: slipway.VerbEdit, Data: slipway.EntryData{Fields: []string{"name", "start_time", "end_time", "approval", "jobs[0]", "jobs[1]"}, Items: []string{"announce", "deploy"}}},
		{Verb: slipway.VerbSubmit, From: slipway.Planning, To: slipway.WaitForApproval, Data: slipway.EntryData{Hooks: []string{"wall"}}},
		{Verb: slipway.VerbApprove, Comment: "rollback tested", Data: slipway.EntryData{Votes: "1/2"}},
		{Verb: slipway.VerbReject, From: slipway.WaitForApproval, To: slipway.Denied, Comment: "no rollback\nplan"},
		{Verb: slipway.VerbRemind, From: slipway.WaitForApproval, To: slipway.WaitForApproval, Data: slipway.EntryData{People: []string{"Bob", "卡罗"}}},
		{Verb: slipway.VerbStart, From: slipway.FinishPlanning, To: slipway.Executing},
		{Verb: slipway.VerbExecute, ItemName: "deploy"},
		{Verb: slipway.VerbComplete, ItemName: "announce", Comment: "sent"},
		{Verb: slipway.VerbSkip, ItemName: "deploy", Comment: "not now"},
		{Verb: slipway.VerbRetry, ItemName: "deploy"},
		{Verb: slipway.VerbRetry, ItemName: "deploy", Data: slipway.EntryData{Changes: []string{"params[1].default: 1 → 2", "stage verify removed"}}},
		{Verb: slipway.VerbRetry, ItemName: "deploy", Data: slipway.EntryData{Changes: []string{"stage verify removed"}, Result: slipway.ResultChanged}},
		{Verb: slipway.VerbAdopt, ItemName: "deploy", Comment: "https://engine.example.com/7"},
		{Verb: slipway.VerbDecide, ItemName: "deploy", Comment: "looks good", Data: slipway.EntryData{Job: "approve", Result: "passed"}},
		{Verb: slipway.VerbDecide, ItemName: "deploy", Data: slipway.EntryData{Job: "approve", Result: "rejected"}},
		{Verb: slipway.VerbAskAgain, Data: check("")},
		{Verb: slipway.VerbOverride, Comment: "by phone", Data: check("")},
		{Verb: slipway.VerbReplan, From: slipway.Denied, To: slipway.Planning},
		{Verb: slipway.VerbCancel, From: slipway.Planning, To: slipway.Cancelled, Comment: "shipped with 4.3"},
		{Verb: slipway.VerbReplan, From: slipway.Executing, To: slipway.Planning, Data: slipway.EntryData{Left: []string{"deploy", "migrate"}}},
		{Verb: slipway.VerbCancel, From: slipway.Executing, To: slipway.Cancelled, Comment: "too late", Data: slipway.EntryData{Left: []string{"deploy"}}},
		{Verb: slipway.VerbAnswer, Actor: receiver, Data: check(slipway.ResultSuccess)},
		{Verb: slipway.VerbAnswer, Actor: receiver, Data: check(slipway.ResultFailed), Comment: "too risky"},
		{Verb: slipway.VerbAnswer, Actor: receiver, Data: check(slipway.ResultExecuting), Comment: "reading"},
		{Verb: slipway.VerbExpireGate, Actor: system, Data: slipway.EntryData{Event: slipway.EventAllJobDone, Endpoint: "change-office", Reason: &reason}},
		{Verb: slipway.VerbGiveUp, Actor: system, Data: check("")},
		{Verb: slipway.VerbTimeout, Actor: system, From: slipway.Executing, To: slipway.Timeout},
		{Verb: slipway.VerbSchedule, Actor: system, Data: slipway.EntryData{Items: []string{"deploy", "migrate"}}},
		{Verb: slipway.VerbSchedule, Actor: system, Data: slipway.EntryData{Reason: &reason}},
		{Verb: slipway.VerbRunStarted, Actor: system, ItemName: "deploy"},
		{Verb: slipway.VerbRunEnded, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Result: "passed"}},
		{Verb: slipway.VerbRunEnded, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Result: "failed", Reason: &reason}},
		{Verb: slipway.VerbRunEnded, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Result: "timeout"}},
		{Verb: slipway.VerbRunEnded, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Result: "cancelled"}},
		{Verb: slipway.VerbRunWaits, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Reason: &reason}},
		{Verb: slipway.VerbRunWaits, Actor: system, ItemName: "deploy"},
		{Verb: slipway.VerbRunWaits, Actor: system, ItemName: "deploy", Data: slipway.EntryData{Job: "approve", Reason: &reason}},
		{Verb: slipway.VerbRunResumed, Actor: system, ItemName: "deploy"},
		{Verb: slipway.VerbResend, Data: check("")},
		{Verb: slipway.VerbEdit, Data: slipway.EntryData{Fields: []string{"jobs"}, Items: []string{"migrate"}, Result: slipway.ItemsRemoved}},
		{Verb: slipway.VerbEdit, Data: slipway.EntryData{Fields: []string{"jobs[2]"}, Items: []string{"watch"}, Result: slipway.ItemsAdded}},
		{Verb: slipway.VerbEdit, Data: slipway.EntryData{Fields: []string{"jobs"}}},
		{Verb: slipway.VerbApprove, Data: slipway.EntryData{Votes: "2/2", For: "卡罗"}},
		{Verb: slipway.VerbReject, From: slipway.WaitForApproval, To: slipway.Denied, Data: slipway.EntryData{For: "Bob"}},
		{Verb: slipway.VerbWithdraw, From: slipway.WaitExecute, To: slipway.WaitForApproval, Comment: "one more look", Data: slipway.EntryData{Votes: "1/2"}},
		{Verb: slipway.VerbTransfer, From: slipway.WaitForApproval, To: slipway.WaitForApproval, Data: slipway.EntryData{People: []string{"卡罗"}}},
		{Verb: slipway.VerbRemindAgain, Actor: system, Data: slipway.EntryData{People: []string{"Bob", "卡罗"}}},
		{Verb: slipway.VerbRemindAgain, Actor: system, Data: slipway.EntryData{People: []string{"Bob"}, Reason: &soon}},
		{Verb: slipway.VerbRemindAgain, Actor: system, Data: slipway.EntryData{People: []string{"卡罗"}, For: "Bob"}},
		{Verb: slipway.VerbEscalate, Actor: system, Data: slipway.EntryData{People: []string{"Root"}}},
		{Verb: slipway.VerbAskAnew, Actor: system, Data: slipway.EntryData{People: []string{"Bob", "Carol"}, Votes: "0/2", Reason: &changed}},
		{Verb: slipway.VerbAskAnew, Actor: system, Data: slipway.EntryData{Votes: "2/2", Reason: &changed}},
		{Verb: slipway.VerbEscalate, Actor: system, Data: slipway.EntryData{Reason: &nobody}},
		{Verb: slipway.VerbExpireApproval, Actor: system, From: slipway.WaitForApproval, To: slipway.Denied, Data: slipway.EntryData{Votes: "1/2", Reason: &late}},
	}
	for i := range list {
		list[i].At = (noon + int64(i)*60) * 1000
		if list[i].Actor.Name == "" {
			list[i].Actor = person
		}
		if list[i].To == "" {
			list[i].From, list[i].To = slipway.Executing, slipway.Executing
		}
	}
	return list
}

func TestGoldenEntryLines(t *testing.T) {
	t.Parallel()
	shanghai := time.FixedZone("", 8*3600)
	for _, lang := range langs {
		var b strings.Builder
		told := map[slipway.Verb]bool{}
		for _, e := range entries() {
			told[e.Verb] = true
			b.WriteString(bot.EntryLine(e, lang).Text(lang, shanghai) + "\n")
		}
		for _, v := range append(slipway.Verbs(), slipway.VerbAnswer, slipway.VerbExpireGate, slipway.VerbGiveUp, slipway.VerbTimeout,
			slipway.VerbSchedule, slipway.VerbRunStarted, slipway.VerbRunEnded, slipway.VerbRunWaits, slipway.VerbRunResumed, slipway.VerbResend,
			slipway.VerbRemindAgain, slipway.VerbEscalate, slipway.VerbExpireApproval, slipway.VerbAskAnew) {
			if !told[v] {
				t.Errorf("no line tells of %s", v)
			}
		}
		golden(t, "entries."+string(lang), b.String())
	}
}

func TestGoldenVerbTables(t *testing.T) {
	t.Parallel()
	for _, lang := range langs {
		golden(t, "verbs."+string(lang), bot.VerbTable(lang))
	}
}

func TestEveryVerbOfThePlanHasARowAndABothWaysUniqueName(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	moves := map[slipway.Verb]bool{}
	for _, r := range bot.VerbRows() {
		moves[r.Move] = true
		for _, w := range append(append([]string{r.Name}, r.Aliases...), r.ZH...) {
			if seen[w] != "" {
				t.Errorf("%q is a word for %s and %s", w, seen[w], r.Name)
			}
			seen[w] = r.Name
		}
		for _, text := range []string{r.Example.EN, r.Example.ZH} {
			c, err := bot.Parse(text, bot.Place{})
			if err != nil || c.Verb.ID != r.ID {
				t.Errorf("the example %q of %s is not understood: %v", text, r.Name, err)
			}
		}
	}
	for _, v := range slipway.Verbs() {
		if !moves[v] {
			t.Errorf("nothing can be typed for %s", v)
		}
	}
}
