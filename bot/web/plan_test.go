package web_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"slipway"
	"slipway/bot"
	"slipway/bot/web"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestTheListOfPlansIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for i := range 30 {
		w.plan(fmt.Sprintf("release %d", i))
	}
	p := w.plan("100% special")
	if _, err := w.cmds.Submit(t.Context(), commands.Ask{User: w.alice}, p.ID); err != nil {
		t.Fatal(err)
	}
	alice, wang := w.signIn(w.alice), w.signIn(w.wang)
	for _, tt := range []struct {
		by    *browser
		query string
		want  string
		rows  int
	}{
		{alice, "", "31 in all", 25},
		{alice, "?q=100%25", "1 in all", 1},
		{alice, "?q=RELEASE+2", "11 in all", 11},
		{alice, "?status=wait_for_approval", "1 in all", 1},
		{alice, "?status=open", "31 in all", 25},
		{alice, "?status=success", "Nothing found", 0},
		{alice, "?manager=" + w.alice.ID, "31 in all", 25},
		{alice, "?manager=" + w.bob.ID, "Nothing found", 0},
		{alice, "?mine=1", "31 in all", 25},
		{wang, "?mine=1", "没有符合条件的发布计划", 0},
		{alice, "?from=2026-11-24&to=2026-11-24", "31 in all", 25},
	} {
		page := tt.by.get("/plans" + tt.query)
		if rows := rowsOf(page); !strings.Contains(page.text(), tt.want) || rows != tt.rows {
			t.Errorf("%s: %d rows, %s", tt.query, rows, page.text())
		}
	}
	next := ""
	alice.get("/plans?q=release").each(func(n *html.Node) {
		if attr(n, "rel") == "next" {
			next = attr(n, "href")
		}
	})
	if page := alice.get(next); rowsOf(page) != 5 || !strings.Contains(next, "q=release") {
		t.Errorf("%s has %d rows", next, rowsOf(page))
	}
	for _, query := range []string{"?status=odd", "?from=yesterday", "?cursor=odd"} {
		if page := alice.get("/plans" + query); page.status != http.StatusBadRequest {
			t.Errorf("%s: %d", query, page.status)
		}
	}
}

// Whoever comes by a mail's link decides on the page, so it says what the card says.
func TestThePageOfAPlanShowsWhoIsAskedAndInWhichLevel(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, ask := t.Context(), commands.Ask{User: w.alice}
	group := func(u *slipway.User) []slipway.Group {
		return []slipway.Group{{Needed: slipway.QuorumAny, Approvers: []slipway.PersonRef{u.Ref()}}}
	}
	made, err := w.cmds.CreateDraft(ctx, ask, slipway.Draft{
		Name: "payments 4.2", Manager: w.alice.Ref(),
		Approval: &slipway.Approval{Type: slipway.NativeApproval, Levels: []slipway.Level{
			{Name: "QA", Groups: group(w.bob)}, {Name: "release", Groups: group(w.wang)},
		}},
		Items: []*slipway.Item{{Name: "announce", Type: slipway.TextItem, Text: &slipway.TextSpec{Content: "Tell everybody"}}},
	})
	if err == nil {
		_, err = w.cmds.Submit(ctx, ask, made.Plan.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
	page := w.signIn(w.alice).get("/plans/" + made.Plan.ID)
	for _, want := range []string{"? Level 1, QA: Bob", "· Level 2, release: 王芳", "… Asked since today 20:00", "? Asked: Bob"} {
		if !strings.Contains(page.text(), want) {
			t.Errorf("the page does not show %q: %s", want, page.text())
		}
	}
	if strings.Contains(page.text(), "Asked: Bob, 王芳") {
		t.Error("the second level is asked before its turn")
	}
}

// rowsOf counts the rows of a page's table.
func rowsOf(page *view) int {
	rows := 0
	page.each(func(n *html.Node) {
		if n.Data == "tr" && n.Parent.Data == "tbody" {
			rows++
		}
	})
	return rows
}

func TestThePageOfAPlanShowsEverything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.rules.Endpoints = []slipway.Endpoint{{
		Name: "office", URL: "http://127.0.0.1:1/", Events: slipway.Events(), Wait: true, Deadline: time.Hour,
	}}
	p := w.plan("payments 4.2")
	ctx, ask := t.Context(), commands.Ask{User: w.alice}
	if _, err := w.cmds.Submit(ctx, ask, p.ID); err != nil {
		t.Fatal(err)
	}
	alice := w.signIn(w.alice)
	deliveries, err := w.store.Deliveries(ctx, p.ID)
	if err != nil || len(deliveries) != 1 {
		t.Fatal(deliveries, err)
	}
	storagetest.Try(t, w.store, deliveries[0].ID, noon, storage.DeliveryFailed,
		storage.Attempt{StatusCode: 503, Answer: "<b>busy</b>", Error: "HTTP 503", DurationMS: 1200})
	waiting := alice.get("/plans/" + p.ID)
	for _, want := range []string{
		"Waiting for the outside check", "office", "today 21:00", "HTTP 503", "1.2 s", "<b>busy</b>", "given up", "Ships the ledger", "0 of 1", "Asia/Shanghai (UTC+08:00)",
	} {
		if !strings.Contains(waiting.text(), want) {
			t.Errorf("the page does not show %q", want)
		}
	}
	for _, secret := range []string{"s3cret", "hunter2"} {
		if strings.Contains(waiting.body, secret) {
			t.Errorf("the page shows %s", secret)
		}
	}
	waiting.form("Send again").send()
	entries, err := w.store.Entries(ctx, p.ID, "", 1)
	if err != nil || entries.Rows[0].Verb != slipway.VerbResend {
		t.Errorf("%+v %v", entries.Rows, err)
	}
	if bob := w.signIn(w.bob).get("/plans/" + p.ID); strings.Contains(bob.text(), "Send again") {
		t.Error("Bob may send hooks again")
	}
	// Without scripts a press that opens a form leads to a page with it.
	form := waiting.form("Override").send().form("/act")
	if page := form.send(); !strings.Contains(page.text(), "a reason is expected") {
		t.Errorf("no reason was asked for: %s", page.text())
	}
	form.set("f.comment", "agreed by phone").send()
	if got := w.reload(p).Status(); got != slipway.WaitForApproval {
		t.Errorf("after the override: %s", got)
	}
	if page := alice.get("/plans/1"); page.path != "/plans/"+p.ID || !strings.Contains(page.text(), "agreed by phone") {
		t.Errorf("%s %s", page.path, page.text())
	}
	if page := alice.get("/plans/99"); page.status != http.StatusNotFound {
		t.Errorf("plan 99: %d", page.status)
	}
}

// TestThePageLeavesNothingOut looks for the end of every long text of a plan.
func TestThePageLeavesNothingOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan("payments 4.2")
	long := strings.Repeat("words ", 2000)
	params := map[string]string{}
	for i := range 30 {
		params[fmt.Sprintf("SERVICE_%02d", i)] = "v"
	}
	_, err := w.cmds.EditDraft(t.Context(), commands.Ask{User: w.alice}, p.ID, func(d *slipway.Draft) error {
		d.Description = long + "and the end of the description"
		d.Items[0].Text.Content = long + "and the end of the item"
		d.Items[1].Workflow.Params = params
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page := w.signIn(w.alice).get("/plans/" + p.ID).text()
	for _, want := range []string{"and the end of the description", "and the end of the item", "SERVICE_29=v"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not show %q", want)
		}
	}
}

func TestALogCanBeFollowed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan("payments 4.2")
	ctx := t.Context()
	p.Approval = nil
	if _, err := w.cmds.EditDraft(ctx, commands.Ask{User: w.alice}, p.ID, func(d *slipway.Draft) error { d.Approval = nil; return nil }); err != nil {
		t.Fatal(err)
	}
	ask := commands.Ask{User: w.alice}
	for _, step := range []func() (storage.Outcome, error){
		func() (storage.Outcome, error) { return w.cmds.Submit(ctx, ask, p.ID) },
		func() (storage.Outcome, error) { return w.cmds.Start(ctx, ask, p.ID) },
		func() (storage.Outcome, error) { return w.cmds.Execute(ctx, ask, p.ID, p.Items[1].ID) },
	} {
		if _, err := step(); err != nil {
			t.Fatal(err)
		}
	}
	run := w.reload(p).Items[1].Workflow.RunID
	progress := `{"status": "running", "stages": [{"name": "build", "status": "running", "jobs": [{"name": "compile", "status": "passed"}]}]}`
	if err := w.store.RunProgress(ctx, run, json.RawMessage(progress)); err != nil {
		t.Fatal(err)
	}
	var lines []storage.LogLine
	for i := range 1500 {
		lines = append(lines, storage.LogLine{Job: "compile", Text: fmt.Sprintf("<i>%d</i>", i)})
	}
	if err := w.store.AppendRunLog(ctx, run, lines); err != nil {
		t.Fatal(err)
	}
	alice := w.signIn(w.alice)
	page := alice.get("/plans/" + p.ID)
	if !strings.Contains(page.text(), "build ✓ passed: compile … 1300 lines before [compile] <i>1300</i>") || !strings.Contains(page.body, "run="+run) {
		t.Errorf("the run is not shown: %s", page.text())
	}
	if text := alice.get("/runs/" + run + "/log"); strings.Count(text.body, "\n") != 1500 || !strings.HasPrefix(text.header.Get("Content-Type"), "text/plain") {
		t.Errorf("%v %d lines", text.header, strings.Count(text.body, "\n"))
	}
	alice.header.Set("Accept", "application/json")
	type answer struct {
		Lines []struct {
			Seq  int64
			Text string
		}
		More, Over bool
		Look       string
	}
	var got answer
	if err := json.Unmarshal([]byte(alice.get("/runs/"+run+"/log?after=10").body), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Lines) != 1000 || got.Lines[0].Seq != 11 || got.Lines[0].Text != "<i>10</i>" || !got.More || got.Over {
		t.Errorf("%d lines, first %+v, more %t, over %t", len(got.Lines), got.Lines[0], got.More, got.Over)
	}
	if !strings.Contains(page.body, fmt.Sprintf("data-look=%q", got.Look)) {
		t.Errorf("the page shows another state of the run than %s", got.Look)
	}
	var tail answer
	if err := json.Unmarshal([]byte(alice.get("/runs/"+run+"/log?tail").body), &tail); err != nil {
		t.Fatal(err)
	}
	if len(tail.Lines) != 200 || tail.Lines[199].Seq != 1500 || tail.More {
		t.Errorf("the end of the log: %d lines, more %t", len(tail.Lines), tail.More)
	}
	if page := alice.get("/runs/none/log"); page.status != http.StatusNotFound {
		t.Errorf("no run: %d", page.status)
	}
}

func TestAFormKeepsWhatWasFilledInAndReadsTimesInThePersonsZone(t *testing.T) {
	t.Parallel()
	asked := bot.Form{
		ID: bot.FormNew, Lang: slipway.English, Title: "New", Submit: "Make it", Value: "p=1",
		Fields: []bot.Field{
			{Name: "name", Kind: bot.TextField, Label: "Name", Required: true},
			{Name: "end_time", Kind: bot.TimeField, Label: "Ends", Value: []string{fmt.Sprint(noon.Unix())}},
			{Name: "sure", Kind: bot.CheckField, Label: "Sure"},
			{Name: "people", Kind: bot.PeopleField, Label: "People", Options: []bot.Option{{Value: "a", Label: "A"}, {Value: "b", Label: "B"}}, Value: []string{"b", "stranger"}},
			{
				Name: "jobs", Kind: bot.GroupField, Label: "Items", Fields: []bot.Field{
					{Name: "name", Kind: bot.TextField, Label: "Item name"}, {Name: "id", Kind: bot.HiddenField},
				},
				Entries: []bot.Values{{"name": {"one"}, "id": {"1"}}, {"name": {"two"}, "id": {"2"}}},
			},
		},
	}
	s := &scripted{answer: func(ev bot.Event) bot.Reply {
		if ev.Kind == bot.Command {
			return bot.Reply{Form: &asked}
		}
		return bot.Reply{FieldErrors: map[string]string{"jobs[0].name": "not <this>", "": "not yet", "odd.path": "odd"}}
	}}
	w := newWorld(t, withBot(s))
	bob := w.signIn(w.bob)
	form := bob.inRoom(w.room.ID, "new").form("/act")
	if got := form.fields.Get("f.end_time"); got != "2026-11-24T20:00" {
		t.Errorf("noon in Shanghai is %s", got)
	}
	form.set("f.name", `a "name"`).set("f.end_time", "2026-11-25T01:30").set("f.sure", "true")
	form.fields["f.people"] = []string{"a", "stranger"}
	form.fields.Del("f.jobs[1].name")
	form.fields.Del("f.jobs[1].id")
	form.set("f.jobs[4].name", "three")
	refused := form.send()
	ev := s.events()[1]
	want := bot.Values{
		"name": {`a "name"`}, "end_time": {fmt.Sprint(time.Date(2026, 11, 24, 17, 30, 0, 0, time.UTC).Unix())}, "sure": {"true"},
		"people": {"a", "stranger"}, "jobs": {},
		"jobs[0].name": {"one"}, "jobs[0].id": {"1"}, "jobs[4].name": {"three"}, "jobs[4].id": {},
	}
	if diff := cmp.Diff(want, ev.Fields); diff != "" || ev.Form != bot.FormNew || ev.Value != "p=1" {
		t.Errorf("%s %s (-want +got):\n%s", ev.Form, ev.Value, diff)
	}
	for _, words := range []string{"not <this>", "not yet", "odd.path: odd"} {
		if !strings.Contains(refused.text(), words) {
			t.Errorf("the form does not say %q: %s", words, refused.text())
		}
	}
	again := refused.form("/act")
	press := again.fields.Get("press")
	if press == form.fields.Get("press") || press == "" {
		t.Error("the form shown again has the id of the first press")
	}
	kept := url.Values{
		"f.name": {`a "name"`}, "f.end_time": {"2026-11-25T01:30"}, "f.sure": {"true"}, "f.people": {"a", "stranger"}, "f.jobs": {"shown"},
		"f.jobs[0].name": {"one"}, "f.jobs[0].id": {"1"}, "f.jobs[1].name": {"three"}, "f.jobs[1].id": {""},
	}
	for name := range again.fields {
		if !strings.HasPrefix(name, "f.") {
			again.fields.Del(name)
		}
	}
	if diff := cmp.Diff(kept, again.fields); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	if page := bob.post("/rooms/"+w.room.ID+"/act", url.Values{"form": {"{"}}); page.status != http.StatusBadRequest {
		t.Errorf("a broken form: %d", page.status)
	}
}

func TestAWebNeedsAnAddressThatCanBeRead(t *testing.T) {
	t.Parallel()
	if _, err := web.New(web.Config{PublicURL: "http://[", Now: now}); err == nil {
		t.Error("no error")
	}
}
