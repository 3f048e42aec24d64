package bot_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/commands"
	"slipway/webhook/jira"
	"slipway/webhook/jira/jiratest"
)

// withJira connects a small Jira; see jiratest.Payments.
func (w *world) withJira() *jiratest.Server {
	w.t.Helper()
	server := jiratest.New(w.t, jiratest.Payments("", "pat"))
	w.commands.Sprints = jira.New(jira.Config{URL: server.URL, Token: "pat", Now: func() time.Time { return w.now }})
	w.commands.SprintPatience, w.rules.Jira = time.Minute, true // however busy the machine is
	return server
}

// looks does what the task does that looks at the sprints of plan 1.
func (w *world) looks() {
	w.t.Helper()
	_, changed, err := w.commands.LookAtSprints(w.t.Context(), w.plan(1), time.Minute)
	if slipway.CodeOf(err) == slipway.Internal {
		w.t.Fatal(err)
	}
	if changed {
		if err := w.store.RefreshCards(w.t.Context(), w.plan(1).ID, w.now); err != nil {
			w.t.Fatal(err)
		}
	}
}

// linked names the sprints of plan 1.
func (w *world) linked() string {
	w.t.Helper()
	var names []string
	for _, s := range w.plan(1).Jira.List() {
		names = append(names, s.Title())
	}
	return strings.Join(names, ", ")
}

func (w *world) wantLinked(want string) {
	w.t.Helper()
	if got := w.linked(); got != want {
		w.t.Fatalf("the plan has the sprints %q, want %q", got, want)
	}
}

func TestSprintsAreLinkedByTyping(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withJira()
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "sprints #1 add PAY 42"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12")
	w.wantToast(w.alice.Say(w.room, "sprints #1 add shop"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12, WEB Shop 5")
	w.wantToast(w.alice.Say(w.room, "关联需求 #1 添加 41"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12, WEB Shop 5, PAY Sprint 11")
	w.wantToast(w.alice.Say(w.room, "sprints #1 remove shop"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12, PAY Sprint 11")
	w.wantToast(w.alice.Say(w.room, "sprints #1 add PAY 42"), bot.ToastInfo, "Nothing changed")
	w.wantToast(w.alice.Say(w.room, "sprints #1 PAY 43, WEB 50"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 13, WEB Shop 5")
	w.wantToast(w.alice.Say(w.room, `edit #1 sprints="PAY 42、PAY 43"`), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12, PAY Sprint 13")
	w.wantToast(w.alice.Say(w.room, "sprints #1 none"), bot.ToastDone, "Changed #1")
	if w.plan(1).Jira != nil {
		t.Errorf("sprints are left: %+v", w.plan(1).Jira)
	}
}

func TestSeveralSprintsAreChosenFrom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withJira()
	w.prepare()
	r := w.alice.Say(w.room, "sprints #1 add payments")
	w.wantWhisper(r, "Which sprint?")
	w.wantWhisper(r, "PAY Sprint 13")
	button := r.Whisper.Rows[1].Actions[0]
	if button.ID != bot.ActionRun || button.Value != "sprints #1 add PAY 43" {
		t.Fatalf("the second button is %+v", button)
	}
	w.wantToast(w.alice.Say(w.room, button.Value), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 13")
}

func TestASprintThatJiraDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withJira()
	w.prepare()
	for said, want := range map[string]string{
		"sprints #1 add PAY 99":     "Jira has no sprint 99",
		"sprints #1 add WEB 42":     "belongs to PAY, not to WEB",
		"sprints #1 add nonesuch":   "No open sprint has “nonesuch”",
		"sprints #1 remove 42":      "does not name one of the plan's sprints (none)",
		"sprints #1 PAY 42, PAY 42": "is there twice",
		"关联需求 #1 添加 没有":             "No open sprint",
	} {
		w.wantWhisper(w.alice.Say(w.room, said), want)
	}
	_, err := w.commands.ParseDocument(t.Context(), []byte("name: a\njira_sprint_association: {sprints: [{project_key: PAY, sprint_id: 42}, {project_key: PAY, sprint_id: 99}]}"))
	if err != nil {
		t.Fatal(err)
	}
	w.wantWhisper(w.alice.Say(w.room, "new\nname: a\njira_sprint_association: {sprints: [{project_key: PAY, sprint_id: 42}, {project_key: PAY, sprint_id: 99}]}"),
		"Jira has no sprint 99")
	w.wantLinked("")
}

func TestSprintsAreChosenInTheForm(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withJira()
	w.prepare()
	w.alice.Say(w.room, "edit #1")
	f := w.alice.Form()
	var field *bot.Field
	for i := range f.Fields {
		if f.Fields[i].Name == "jira_sprint_association.sprints" {
			field = &f.Fields[i]
		}
	}
	if field == nil || field.Kind != bot.ChoicesField || len(field.Options) != 3 || field.Options[0] != (bot.Option{Value: "PAY 42", Label: "PAY · Sprint 12 · #42 (active)"}) {
		t.Fatalf("the form asks %+v", field)
	}
	w.wantToast(w.alice.Fill(bot.Values{field.Name: {"PAY 42", "WEB 50"}}), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY Sprint 12, WEB Shop 5")
	found, err := w.Sprints(t.Context(), "sprint 13")
	if err != nil || len(found) != 1 || found[0].Value != "PAY 43" {
		t.Errorf("typing “sprint 13” finds %v, %v", found, err)
	}
	w.alice.Say(w.room, "sprints #1")
	w.wantToast(w.alice.Fill(bot.Values{field.Name: {}}), bot.ToastDone, "Changed #1")
	w.wantLinked("")
}

func TestTheCardCountsIssues(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withJira()
	w.prepare()
	w.alice.Say(w.room, "sprints #1 add PAY 42")
	w.looks()
	card := w.live(w.web, w.room)
	if text := textOf(card.Card); !strings.Contains(text, "Sprints: PAY Sprint 12 (active): 2 to do, 1 in progress, 2 done\n") {
		t.Errorf("the card does not count:\n%s", text)
	}
	server.Move("PAY-2", "Done")
	server.SetSprint(42, "closed")
	w.looks()
	if text := textOf(w.live(w.slack, w.zhRoom).Card); !strings.Contains(text, "需求关联: PAY Sprint 12（已关闭）：待办 2，进行中 0，已完成 3\n") {
		t.Errorf("the Chinese card does not count:\n%s", text)
	}
	w.now = w.now.Add(2 * time.Minute)
	server.Fail(http.StatusInternalServerError)
	w.looks()
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "3 done · as of 2026-11-24 14:00 UTC; Jira does not answer\n") {
		t.Errorf("the card does not say that Jira is down:\n%s", text)
	}
	server.Fail(0)
	server.SetSprint(42, "")
	w.looks()
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "PAY Sprint 12 (no longer in Jira)\n") {
		t.Errorf("the card does not say that the sprint is gone:\n%s", text)
	}
}

// Who is in a group is known only when the plan is submitted; the warning comes before.
func TestOpenIssuesAreWarnedAboutWhereGroupsOfPeopleApprove(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.withJira()
	w.prepare()
	w.slack.Groups = map[string][]string{"S0OPS": {}}
	w.wantToast(w.alice.Say(w.room, "approvers #1 any of slack:S0OPS"), bot.ToastDone, "Changed")
	w.alice.Say(w.room, "sprints #1 add PAY 42")
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "slack:S0OPS has nobody who could be asked") // that is said first
	w.slack.Groups["S0OPS"] = []string{"Bob"}
	w.wantWhisper(w.alice.Say(w.room, "submit #1"), "Issues behind #1 payments 4.2 that are not done yet: 3.")
	w.is(slipway.Planning)
}

func TestOpenIssuesAreWarnedAboutAtSubmit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withJira()
	w.prepare()
	w.alice.Say(w.room, "sprints #1 add PAY 42")
	card := w.live(w.web, w.room)
	r := w.alice.Press(card, "submit", 0)
	w.wantWhisper(r, "Issues behind #1 payments 4.2 that are not done yet: 3.")
	w.wantWhisper(r, "PAY-2 Retry of failed transfers")
	w.is(slipway.Planning)
	r = w.alice.Say(w.room, "submit #1")
	w.wantWhisper(r, "[Submit anyway]")
	w.wantToast(w.alice.PressValue(card, r.Whisper.Actions[0]), bot.ToastDone, "Waiting for approval")
	page, err := w.store.Entries(t.Context(), w.plan(1).ID, "", 1)
	if err != nil || page.Rows[0].Comment != "with 3 open issues: PAY-2, PAY-3, PAY-5" {
		t.Errorf("the log says %+v, %v", page.Rows, err)
	}
	for _, key := range []string{"PAY-2", "PAY-3", "PAY-5"} {
		server.Move(key, "Done")
	}
	w.alice.Say(w.room, "replan #1 once more")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
}

func TestJiraBeingDownHoldsNoPlanBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withJira()
	server.Fail(http.StatusBadGateway)
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "sprints #1 add PAY 42"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY #42")
	w.wantWhisper(w.alice.Say(w.room, "sprints #1 add shop"), "Jira does not answer")
	w.alice.Say(w.room, "edit #1")
	for _, f := range w.alice.Form().Fields {
		if f.Name == "jira_sprint_association.sprints" && (len(f.Options) != 1 || !strings.Contains(f.Hint, "Jira does not answer right now")) {
			t.Errorf("the form offers %v and says %q", f.Options, f.Hint)
		}
	}
	w.looks()
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "Sprints: PAY #42 · Jira does not answer\n") {
		t.Errorf("the card does not say that Jira is down:\n%s", text)
	}
}

func TestTheSprintsArePartOfWhatIsApproved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	server := w.withJira()
	w.prepare()
	w.alice.Say(w.room, "sprints #1 add WEB 50")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	w.wantToast(w.bob.Press(w.live(w.web, w.room), "approve", 0), bot.ToastDone, "1/2 approvals")

	// Counts are not part of it, ...
	server.Move("WEB-1", "To Do")
	w.looks()
	w.alice.Say(w.room, "replan #1 again")
	server.Move("WEB-1", "Done")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	if votes := w.plan(1).Approval.Approvals(); votes != 1 {
		t.Fatalf("%d approvals count after nothing was changed", votes)
	}
	// ... the sprints are.
	w.alice.Say(w.room, "replan #1 again")
	server.Move("PAY-2", "Done")
	server.Move("PAY-3", "Done")
	server.Move("PAY-5", "Done")
	w.alice.Say(w.room, "sprints #1 add PAY 42")
	w.wantToast(w.alice.Say(w.room, "submit #1"), bot.ToastDone, "Waiting for approval")
	if votes := w.plan(1).Approval.Approvals(); votes != 0 {
		t.Errorf("%d approvals count although sprints were added", votes)
	}
	if text := textOf(w.live(w.web, w.room).Card); !strings.Contains(text, "Changed since Bob approved: the sprints") {
		t.Errorf("the card does not say what was changed:\n%s", text)
	}
}

func TestWithoutJiraSprintsAreKeptAsTheyAreNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.prepare()
	w.wantToast(w.alice.Say(w.room, "sprints #1 add pay 42"), bot.ToastDone, "Changed #1")
	w.wantLinked("PAY #42")
	w.wantWhisper(w.alice.Say(w.room, "sprints #1"), "Jira is not connected")
	w.wantWhisper(w.alice.Say(w.room, "sprints #1 add shop"), "Jira is not connected")
	doc, err := w.commands.ParseDocument(t.Context(), []byte("name: b\njira_sprint_association: {sprints: [{project_key: PAY, sprint_id: 42}]}"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.commands.Create(t.Context(), commands.Ask{User: w.alice.User}, doc)
	if err != nil || out.Plan.Jira.Sprints[0] != (slipway.Sprint{ProjectKey: "PAY", SprintID: 42}) {
		t.Errorf("kept as %+v, %v", out.Plan, err)
	}
}
