package bot_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"slipway/bot"
)

func TestAFormMakesAPlanAndNamesEveryFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.alice.Say(w.room, "new")
	r := w.alice.Fill(bot.Values{
		"start_time": {"tomorrow"}, "approval.approvers": {w.bob.Account, "nobody"}, "approval.needed_approvers": {"many"},
		"jobs": {""}, "jobs[0].name": {"a"}, "jobs[0].type": {"text"}, "jobs[1].name": {"a"}, "jobs[1].type": {"workflow"},
		"jobs[1].spec.params": {"x"},
	})
	var fields []string
	for f := range r.FieldErrors {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	want := []string{
		"approval.approvers", "approval.needed_approvers", "jobs[1].name", "jobs[1].spec.params", "jobs[1].spec.workflow", "name", "start_time",
	}
	if !slices.Equal(fields, want) {
		t.Errorf("faults in %q, want %q: %v", fields, want, r.FieldErrors)
	}
	r = w.alice.Fill(bot.Values{
		"name": {"payments"}, "approval.approvers": {w.bob.Account}, "start_time": {"1795500000"}, "description": {"# Why\n\nbecause"},
		"jobs": {""}, "jobs[0].name": {"announce"}, "jobs[0].type": {"text"}, "jobs[0].spec.content": {"Tell them"}, "jobs[0].manager": {w.bob.Account},
		"jobs[1].name": {"deploy"}, "jobs[1].type": {"workflow"}, "jobs[1].spec.engine": {"local"}, "jobs[1].spec.workflow": {"d"},
		"jobs[1].spec.params": {"version=4.2\nnote=\"two\\nlines\""},
	})
	w.wantToast(r, bot.ToastDone, "Created #1 payments.")
	p := w.plan(1)
	if p.Items[0].Owner.Name != "Bob" || p.Items[1].Workflow.Params["note"] != "two\nlines" || p.StartTime != 1795500000 || p.Approval.Needed != 1 {
		t.Errorf("plan: %+v, %+v", p, p.Items[1].Workflow)
	}

	// The form of the same plan, sent as it is, changes nothing.
	w.alice.Press(w.live(w.web, w.room), "edit", 0)
	w.wantToast(w.alice.Fill(bot.Values{"jobs": {""}}), bot.ToastInfo, "Nothing changed")
	// An editor that does not show the items leaves them alone; one that shows none removes them.
	w.alice.Press(w.live(w.web, w.room), "edit", 0)
	form := w.alice.Form()
	if len(form.Fields[len(form.Fields)-1].Entries) != 2 {
		t.Errorf("the editor starts with %v", form.Fields[len(form.Fields)-1].Entries)
	}
	if got := w.plan(1); len(got.Items) != 2 || got.Version != p.Version {
		t.Errorf("%d items, version %d", len(got.Items), got.Version)
	}
}

func TestItemsAreEditedOneByOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.web.Twice = true
	w.prepare()
	card := w.live(w.web, w.room)
	w.alice.Press(card, "add", 0)
	w.wantToast(w.alice.Fill(bot.Values{"name": {"watch"}, "spec.content": {"the graphs"}}), bot.ToastDone, "Changed")
	card = w.live(w.web, w.room)
	w.alice.Press(card, "edit_item", 2)
	if r := w.alice.Fill(bot.Values{"name": {"watch"}}); r.FieldErrors["name"] == "" {
		t.Errorf("two items have one name: %+v", r)
	}
	w.wantToast(w.alice.Fill(bot.Values{"name": {"roll out"}}), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "move #1 watch 1"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "edit #1 3 param.version=4.3"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Press(w.live(w.web, w.room), "remove", 2), bot.ToastDone, "Changed")
	p := w.plan(1)
	if len(p.Items) != 2 || p.Items[0].Name != "watch" || p.Items[1].Name != "roll out" || p.Items[1].Workflow.Params["version"] != "4.3" {
		t.Errorf("items: %+v %+v", p.Items[0], p.Items[1])
	}
}

func TestPlanDocumentsMakeAndReplacePlans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.alice.Say(w.room, "new\n```yaml\nname: payments\njobs:\n  - {name: a, type: text, spec: {content: b}}\n```"), bot.ToastDone, "Created #1")
	w.wantToast(w.alice.Say(w.room, "edit #1\nname: invoices\njobs: []"), bot.ToastDone, "Changed #1 invoices")
	w.wantWhisper(w.alice.Say(w.room, "new\nname: x\nmanager: nobody\ncolour: red"), "colour")
	w.wantWhisper(w.alice.Say(w.room, "new\nname: x\nmanager: nobody\ncolour: red"), "manager")
}

func TestWindowScheduleAndApproversAreSetByVerb(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wantToast(w.alice.Say(w.room, "new p"), bot.ToastDone, "#1")
	w.wantToast(w.alice.Say(w.room, "window #1 2026-11-24 22:00 to 2026-11-25 02:00"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "schedule #1 2026-11-24 22:05"), bot.ToastDone, "Changed")
	w.wantToast(w.alice.Say(w.room, "approvers #1 Bob, carol@example.com needed=2"), bot.ToastDone, "Changed")
	p := w.plan(1)
	if got := time.Unix(p.StartTime, 0).UTC().Format(time.DateTime); got != "2026-11-24 14:00:00" || p.EndTime-p.StartTime != 4*3600 {
		t.Errorf("window from %s, %d s", got, p.EndTime-p.StartTime)
	}
	if p.ScheduleExecuteTime-p.StartTime != 300 || p.Approval.Needed != 2 || len(p.Approval.Approvers) != 2 {
		t.Errorf("schedule %d, approval %+v", p.ScheduleExecuteTime, p.Approval)
	}
	w.wantWhisper(w.alice.Say(w.room, "window #1 sometime to 22:00"), "not a time that is understood")
	w.wantWhisper(w.alice.Say(w.room, "approvers #1 Zoe"), "Zoe")
	w.wantToast(w.alice.Say(w.room, "窗口期 #1 无"), bot.ToastDone, "Changed")
	if w.plan(1).EndTime != 0 {
		t.Error("the window is still there")
	}
}

func TestNoSettingIsDroppedSilently(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	for text, part := range map[string]string{
		"edit #1 workflow=x":                         "workflow= does not belong here",
		"edit #1 2 window=none":                      "window= does not belong here",
		"edit #1 name=a name=b":                      "name= is given twice",
		"new a name=b":                               "name= is given twice",
		"window #1 22:00 to 23:00 end=23:30":         "window= is given twice",
		"edit #1 something else name=x":              "has no item",
		"approvers #1 Bob approvers=Bob":             "approvers= is given twice",
		"edit #1 manager=zoe description=x needed=y": "zoe",
		"new p schedule=25:99":                       "not a time that is understood",
		"add #1 x param.a=1":                         "workflow",
	} {
		if r := w.alice.Say(w.room, text); r.Whisper == nil || !strings.Contains(textOf(*r.Whisper), part) {
			t.Errorf("%q is answered without %q: %+v", text, part, r)
		}
	}
	if p := w.plan(1); p.Name != "payments 4.2" || p.Version != 3 {
		t.Errorf("something was changed: version %d of %s", p.Version, p.Name)
	}
}
