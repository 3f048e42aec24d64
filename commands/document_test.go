package commands_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/commands"
	"slipway/storage/storagetest"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// office is a Slipway with the people of the stories.
type office struct {
	*commands.Commands
	alice, bob, root *slipway.User
	rules            *slipway.Rules
	engine           *fakeEngine
	at               time.Time
}

// fakeEngine knows one workflow.
type fakeEngine struct {
	problems []slipway.Problem
	workflow *slipway.Workflow // nil: one with nothing but its name
	adopt    func(said string) (string, error)
}

func (f *fakeEngine) Resolve(_ context.Context, s *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	if f.workflow != nil {
		return f.workflow, f.problems, nil
	}
	return &slipway.Workflow{Name: s.Name}, f.problems, nil
}

func (f *fakeEngine) Adopt(_ context.Context, _ *slipway.WorkflowSpec, said string) (string, error) {
	return f.adopt(said)
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{rules: &slipway.Rules{}, engine: &fakeEngine{}, at: noon}
	o.Commands = commands.New(commands.Config{
		Store: storagetest.New(t), Rules: func() *slipway.Rules { return o.rules }, Workflows: o.engine,
		Now: func() time.Time { return o.at }, Rand: rand.Reader, AdminTokenHash: commands.HashToken("the-admin-token"),
	})
	user := func(name, mail string, role slipway.Role) *slipway.User {
		u, err := o.KeepUser(t.Context(), commands.NewUser{Name: name, Email: mail, Role: role})
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	o.alice = user("Alice", "alice@example.com", "")
	o.bob = user("Bob", "bob@example.com", "")
	o.root = user("Root", "root@example.com", slipway.RoleAdmin)
	user("Twin", "twin1@example.com", "")
	user("Twin", "twin2@example.com", "")
	o.Admin = o.root
	return o
}

const fullDocument = `
name: payments 4.2
manager: alice@example.com
start_time: 2026-11-24T22:00:00+08:00
end_time: 2026-11-25T02:00:00+08:00
schedule_execute_time: 1795529100
description: |
  Tell the **hotline**.
jira_sprint_association:
  sprints: [{project_key: PAY, sprint_id: 42}]
approval:
  type: native
  needed_approvers: 1
  approvers: [Bob, root@example.com]
jobs:
  - name: announce
    type: text
    manager: Bob
    spec: {content: "Tell the **hotline**"}
  - name: deploy
    type: workflow
    spec:
      engine: local
      project: payments
      workflow: deploy-payments
      params: {version: "4.2"}
      inputs: [{job_name: build, job_type: zadig-build, parameters: {a: 1}}]
`

func TestADocumentIsReadAsWritten(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	doc, err := o.ParseDocument(t.Context(), []byte(fullDocument))
	if err != nil {
		t.Fatal(err)
	}
	want := slipway.Draft{
		Name: "payments 4.2", Manager: o.alice.Ref(), Description: "Tell the **hotline**.\n",
		StartTime: noon.Add(2 * time.Hour).Unix(), EndTime: noon.Add(6 * time.Hour).Unix(), ScheduleExecuteTime: 1795529100,
		Jira:     &slipway.JiraAssociation{Sprints: []slipway.Sprint{{ProjectKey: "PAY", SprintID: 42}}},
		Approval: &slipway.Approval{Type: "native", Needed: 1, Approvers: []slipway.PersonRef{o.bob.Ref(), o.root.Ref()}},
		Items: []*slipway.Item{
			{Name: "announce", Type: slipway.TextItem, Owner: o.bob.Ref(), Text: &slipway.TextSpec{Content: "Tell the **hotline**"}},
			{Name: "deploy", Type: slipway.WorkflowItem, Workflow: &slipway.WorkflowSpec{
				Engine: "local", Project: "payments", Name: "deploy-payments", Params: map[string]string{"version": "4.2"},
				Inputs: json.RawMessage(`[{"job_name":"build","job_type":"zadig-build","parameters":{"a":1}}]`),
			}},
		},
	}
	if d := cmp.Diff(want, doc.Draft); d != "" {
		t.Error(d)
	}
}

func TestADocumentIsTheSameInJSON(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	doc, err := o.ParseDocument(t.Context(), []byte(`{"name":"\u53d1\u5e03 \ud83d\ude80","manager":"Alice","start_time":1795528800,
		"jobs":[{"name":"a","type":"text","spec":{"content":"x \/ y"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if doc.Draft.Name != "发布 🚀" || doc.Draft.StartTime != 1795528800 || doc.Draft.Items[0].Text.Content != "x / y" {
		t.Errorf("got %+v", doc.Draft)
	}
}

// TestEveryFaultOfADocumentIsNamedWithItsPlace holds one document per fault; the
// places are what the refusal must name, all of them and nothing else.
func TestEveryFaultOfADocumentIsNamedWithItsPlace(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	text := "jobs: [{name: a, type: text, spec: {content: x}}]"
	for _, c := range []struct{ name, doc, places string }{
		{"no name", "manager: Alice", "name"},
		{"blank name", "name: '  '", "name"},
		{"long name", "name: " + strings.Repeat("x", 201), "name"},
		{"two lines", `name: "a\nb"`, "name"},
		{"NUL", "name: a\ndescription: \"x\\0y\"\njobs: [{name: a, type: text, spec: {content: \"\\e[31m\"}}]", "description jobs[0].spec.content"},
		{"disguised name", "name: \"a\\u202Eb\"", "name"},
		{"number as name", "name: 42", "name"},
		{"list as name", "name: [a]", "name"},
		{"unknown key", "name: a\nnickname: b", "nickname"},
		{"unknown person", "name: a\nmanager: nobody", "manager"},
		{"ambiguous person", "name: a\nmanager: Twin", "manager"},
		{"person as number", "name: a\nmanager: 7", "manager"},
		{"no zone", "name: a\nstart_time: 2026-11-24 22:00:00", "start_time"},
		{"not a time", "name: a\nend_time: tomorrow", "end_time"},
		{"fraction", "name: a\nschedule_execute_time: 1.5", "schedule_execute_time"},
		{"negative time", "name: a\nstart_time: -5", "start_time"},
		{"window backwards", "name: a\nstart_time: 2000000000\nend_time: 1900000000", "end_time"},
		{"schedule outside", "name: a\nend_time: 1900000000\nschedule_execute_time: 1900000001", "schedule_execute_time"},
		{"description list", "name: a\ndescription: [x]", "description"},
		{
			"sprints", "name: a\njira_sprint_association: {sprints: [{sprint_id: x}], more: 1}",
			"jira_sprint_association.more jira_sprint_association.sprints[0].project_key jira_sprint_association.sprints[0].sprint_id",
		},
		{"sprints text", "name: a\njira_sprint_association: x", "jira_sprint_association"},
		{"approval kind", "name: a\napproval: {type: oral, approvers: [Bob]}", "approval.type"},
		{"approval empty", "name: a\napproval: {}", "approval.approvers"},
		{"approval too many", "name: a\napproval: {needed_approvers: 2, approvers: [Bob]}", "approval.needed_approvers"},
		{"approval zero", "name: a\napproval: {needed_approvers: 0, approvers: [Bob]}", "approval.needed_approvers"},
		{"approval word", "name: a\napproval: {needed_approvers: two, approvers: [Bob]}", "approval.needed_approvers"},
		{"levels and approvers", "name: a\napproval: {approvers: [Bob], levels: [{groups: [{approvers: [Bob]}]}]}", "approval.approvers"},
		{"levels and a number", "name: a\napproval: {needed_approvers: 1, levels: [{groups: [{approvers: [Bob]}]}]}", "approval.needed_approvers"},
		{"no levels", "name: a\napproval: {levels: []}", "approval.levels"},
		{"levels kind", "name: a\napproval: {levels: Bob}", "approval.levels"},
		{"level kind", "name: a\napproval: {levels: [Bob]}", "approval.levels[0]"},
		{"level key", "name: a\napproval: {levels: [{approvers: [Bob]}]}", "approval.levels[0].approvers approval.levels[0].groups"},
		{"level empty", "name: a\napproval: {levels: [{name: QA}]}", "approval.levels[0].groups"},
		{"group needed", "name: a\napproval: {levels: [{groups: [{approvers: [Bob], needed: most}]}]}", "approval.levels[0].groups[0].needed"},
		{"group needs too many", "name: a\napproval: {levels: [{groups: [{approvers: [Bob], needed: 2}]}]}", "approval.levels[0].groups[0].needed"},
		{"group unknown", "name: a\napproval: {levels: [{groups: [{approvers: [nobody]}]}]}", "approval.levels[0].groups[0].approvers[0]"},
		{"approver twice", "name: a\napproval: {approvers: [Bob, bob@example.com]}", "approval.approvers[1]"},
		{"approver unknown", "name: a\napproval: {approvers: [Bob, nobody]}", "approval.approvers[1]"},
		{"jobs mapping", "name: a\njobs: {a: b}", "jobs"},
		{"job text", "name: a\njobs: [x]", "jobs[0]"},
		{"job kind", "name: a\njobs: [{name: a, type: magic, spec: {}}]", "jobs[0].type"},
		{"job nameless", "name: a\njobs: [{type: text, spec: {content: x}}]", "jobs[0].name"},
		{"job twice", "name: a\njobs: [{name: a, type: text, spec: {content: x}}, {name: a, type: text, spec: {content: y}}]", "jobs[1].name"},
		{"job key", "name: a\njobs: [{name: a, type: text, when: now, spec: {content: x}}]", "jobs[0].when"},
		{"job owner", "name: a\njobs: [{name: a, type: text, manager: nobody, spec: {content: x}}]", "jobs[0].manager"},
		{"text empty", "name: a\njobs: [{name: a, type: text}]", "jobs[0].spec.content"},
		{"text spec", "name: a\njobs: [{name: a, type: text, spec: {content: [x], remark: y}}]", "jobs[0].spec.content jobs[0].spec.remark"},
		{"workflow empty", "name: a\njobs: [{name: a, type: workflow, spec: {}}]", "jobs[0].spec.engine jobs[0].spec.workflow"},
		{"workflow params", "name: a\njobs: [{name: a, type: workflow, spec: {engine: local, workflow: w, params: {version: 4.2}}}]", "jobs[0].spec.params.version"},
		{"workflow inputs", "name: a\njobs: [{name: a, type: workflow, spec: {engine: local, workflow: w, inputs: x}}]", "jobs[0].spec.inputs"},
		{"inline", "name: a\njobs: [{name: a, type: workflow, spec: {engine: zadig, workflow: {name: w, stages: 7}}}]", "jobs[0].spec.workflow.stages"},
		{
			"several", "nickname: b\nstart_time: x\napproval: {needed_approvers: 9, approvers: [nobody]}\n" + text,
			"approval.approvers[0] approval.needed_approvers name nickname start_time",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := o.ParseDocument(t.Context(), []byte(c.doc))
			if slipway.CodeOf(err) != slipway.Invalid {
				t.Fatalf("got %v", err)
			}
			var places []string
			for _, p := range slipway.ProblemsOf(err) {
				places = append(places, p.Path)
				if p.Text.EN == "" || p.Text.ZH == "" || strings.Contains(p.Text.EN+p.Text.ZH, "%!") {
					t.Errorf("%s says nothing: %+v", p.Path, p.Text)
				}
			}
			slices.Sort(places)
			if got := strings.Join(places, " "); got != c.places {
				t.Errorf("names %s\nwant  %s", got, c.places)
			}
		})
	}
}

func TestWhatIsNoDocumentIsRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	for name, doc := range map[string]string{
		"empty": "", "list": "[a]", "word": "hello", "broken": "name: [", "json": `{"name": "a"`, "json twice": `{"name":"a"}{}`,
		"key twice": "name: a\nname: b", "json key twice": `{"name":"a","name":"b"}`, "alias": "name: &x a\ndescription: *x",
		"two documents": "name: a\n---\nname: b", "deep": strings.Repeat("[", 60) + strings.Repeat("]", 60),
	} {
		if _, err := o.ParseDocument(t.Context(), []byte(doc)); slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := o.ParseDocument(t.Context(), make([]byte, commands.MaxDocument+1)); slipway.CodeOf(err) != slipway.TooLarge {
		t.Errorf("too large: %v", err)
	}
}

func TestTimesAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := noon // 20:00 in Shanghai
	for text, want := range map[string]time.Time{
		"22:00":                     noon.Add(2 * time.Hour),
		"19:00":                     noon.Add(23 * time.Hour),
		"tomorrow 19:00":            noon.Add(23 * time.Hour),
		"明天 22：00":                  noon.Add(26 * time.Hour),
		"+90m":                      noon.Add(90 * time.Minute),
		"2026-11-24 22:00":          noon.Add(2 * time.Hour),
		"2026-11-24T22:00":          noon.Add(2 * time.Hour),
		"2026-11-24T22:00:00+08:00": noon.Add(2 * time.Hour),
		"1795528800":                time.Unix(1795528800, 0),
	} {
		got, err := commands.ParseTime(text, now, shanghai)
		if err != nil || got != want.Unix() {
			t.Errorf("%s: %s, want %s (%v)", text, time.Unix(got, 0).UTC(), want.UTC(), err)
		}
	}
	for _, text := range []string{"", "soon", "25:00", "22:60", "next 22:00", "+x"} {
		if _, err := commands.ParseTime(text, now, shanghai); slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestPeriodsThatLieBehindAreReadInThePersonsZone(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	midnight := noon.Add(-20 * time.Hour) // noon is 20:00 in Shanghai
	for typed, want := range map[[2]string][2]time.Time{
		{"2h", ""}:                               {noon.Add(-2 * time.Hour)},
		{"3d ago", "30分钟前"}:                      {noon.Add(-72 * time.Hour), noon.Add(-30 * time.Minute)},
		{"21:00", "19:00"}:                       {noon.Add(-23 * time.Hour), noon.Add(-time.Hour)},
		{"yesterday", "昨天"}:                      {midnight.Add(-24 * time.Hour), midnight},
		{"yesterday 22:00", "today"}:             {midnight.Add(-2 * time.Hour), midnight.Add(24 * time.Hour)},
		{"2026-11-23", "2026-11-23"}:             {midnight.Add(-24 * time.Hour), midnight},
		{"2026-11-24 18:00", "2026-11-24T19:30"}: {noon.Add(-2 * time.Hour), noon.Add(-30 * time.Minute)},
		{"", "2026-11-24T11:00:00Z"}:             {{}, noon.Add(-time.Hour)},
	} {
		since, until, err := commands.ParsePeriod(typed[0], typed[1], noon, shanghai)
		if err != nil || since != milli(want[0]) || until != milli(want[1]) {
			t.Errorf("%q: %d to %d, want %d to %d (%v)", typed, since, until, milli(want[0]), milli(want[1]), err)
		}
	}
	for _, typed := range [][2]string{{"soon", ""}, {"", "25:00"}, {"1h", "2h"}, {"today", "yesterday"}, {"19:00", "21:00"}} {
		if _, _, err := commands.ParsePeriod(typed[0], typed[1], noon, shanghai); slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("%q: %v", typed, err)
		}
	}
}

// milli is a time in Unix milliseconds, 0 for none.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func TestMarkdownBecomesHarmlessHTML(t *testing.T) {
	t.Parallel()
	html := commands.NewMarkdown().HTML
	for in, want := range map[string]string{
		"":                                  "",
		"Tell the **hotline**":              "<p>Tell the <strong>hotline</strong></p>\n",
		"<script>alert(1)</script>":         "\n",
		"- [x] told\n- [ ] seen":            "<ul>\n<li><input checked=\"\" disabled=\"\" type=\"checkbox\"> told</li>\n<li><input disabled=\"\" type=\"checkbox\"> seen</li>\n</ul>\n",
		"<input type=text value=x>":         "\n",
		"[x](javascript:alert(1))":          "<p>x</p>\n",
		"<p onclick='x()'>hi</p>":           "<p>hi</p>",
		"<img src=x onerror=alert(1)>":      `<img src="x">`,
		"[site](https://example.com/a?b=c)": `<p><a href="https://example.com/a?b=c" rel="nofollow noopener" target="_blank">site</a></p>` + "\n",
	} {
		if got := html(in); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%s\ngot  %q\nwant %q", in, got, want)
		}
	}
}

func FuzzParseDocument(f *testing.F) {
	f.Add([]byte(fullDocument))
	f.Add([]byte(`{"name":"a","jobs":[{"name":"a","type":"text","spec":{"content":"x"}}]}`))
	f.Add([]byte("name: &a [*a]"))
	o := &office{rules: &slipway.Rules{}}
	o.Commands = commands.New(commands.Config{
		Store: storagetest.New(f), Rules: func() *slipway.Rules { return o.rules }, Now: time.Now, Rand: rand.Reader,
	})
	f.Fuzz(func(t *testing.T, data []byte) {
		doc, err := o.ParseDocument(context.Background(), data)
		if err == nil {
			doc.Draft.Manager.ID = "who asks"
			if again := doc.Draft.Check(); again != nil {
				t.Errorf("read, yet not right: %v", again)
			}
			return
		}
		if slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("a fault of ours: %v", err)
		}
		_ = fmt.Sprint(err)
	})
}
