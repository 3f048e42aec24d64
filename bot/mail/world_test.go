package mail_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"log/slog"
	"net/url"
	"regexp"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/bottest"
	"slipway/bot/mail"
	"slipway/bot/mail/mailtest"
	"slipway/bot/standin"
	"slipway/commands"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// world is a bot that sends mail through a real server, beside a chat in which everybody
// has an account.
type world struct {
	t      *testing.T
	store  *storage.Store
	cmds   *commands.Commands
	bot    *bot.Bot
	chat   *bottest.Chat
	server *mailtest.Server

	alice, bob, wang *slipway.User // wang reads Chinese

	clock *standin.Clock
	mu    sync.Mutex
	tasks []slipway.Task
}

// setting is how the server of a behaviour is named in the configuration.
func setting(t *testing.T, s *mailtest.Server, b mailtest.Behaviour) mail.Server {
	t.Helper()
	u := url.URL{Scheme: "smtp", Host: s.Addr, RawQuery: "from=slipway@example.com"}
	if b.User != "" {
		u.User = url.UserPassword(b.User, b.Password)
	}
	parsed, wrong := mail.ParseServer(u.String())
	if len(wrong) > 0 {
		t.Fatal(wrong)
	}
	return parsed
}

func newWorld(t *testing.T, b mailtest.Behaviour) *world {
	t.Helper()
	w := &world{t: t, store: storagetest.New(t), server: mailtest.New(t, b), clock: standin.NewClock(time.Date(2026, 11, 24, 14, 0, 0, 0, time.UTC))}
	w.store.OnCommit(func(_ context.Context, c storage.Committed) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tasks = append(w.tasks, c.Tasks...)
	})
	w.cmds = commands.New(commands.Config{
		Store: w.store, Rules: func() *slipway.Rules { return &slipway.Rules{} }, Workflows: anyWorkflow{}, Now: w.clock.Now, Rand: rand.Reader,
	})
	m, err := mail.New(mail.Config{Server: setting(t, w.server, b), Roots: w.server.Roots, Now: w.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	w.chat = bottest.New(t, bot.Web, w.clock.Now)
	w.bot, err = bot.New(bot.Config{
		Commands: w.cmds, Store: w.store, Platforms: []bot.Platform{w.chat}, Mailer: m, PublicURL: "https://slipway.example.com",
		Pace: -1, Now: w.clock.Now, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.alice = w.user("Alice", "alice@example.com", "en")
	w.bob = w.user("Bob", "bob@example.com", "en")
	w.wang = w.user("王芳", "wang@example.com", "zh")
	return w
}

func (w *world) user(name, address, locale string) *slipway.User {
	w.t.Helper()
	u, err := w.cmds.PutUser(w.t.Context(), commands.NewUser{Name: name, Email: address, Locale: locale, TimeZone: "Asia/Shanghai"})
	if err != nil {
		w.t.Fatal(err)
	}
	return u
}

// anyWorkflow answers for an engine that knows all workflows.
type anyWorkflow struct{}

func (anyWorkflow) Resolve(_ context.Context, spec *slipway.WorkflowSpec) (*slipway.Workflow, []slipway.Problem, error) {
	return &slipway.Workflow{Name: spec.Name, Project: spec.Project}, nil, nil
}

func (anyWorkflow) Adopt(_ context.Context, _ *slipway.WorkflowSpec, said string) (string, error) {
	return said, nil
}

// submitted is a plan of Alice's that was submitted.
func (w *world) submitted(approvers ...*slipway.User) *slipway.Plan {
	w.t.Helper()
	d := draft(w.alice, approvers...)
	made, err := w.cmds.CreateDraft(w.t.Context(), commands.Ask{User: w.alice}, d)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.cmds.Submit(w.t.Context(), commands.Ask{User: w.alice}, made.Plan.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return out.Plan
}

func draft(manager *slipway.User, approvers ...*slipway.User) slipway.Draft {
	a := &slipway.Approval{Type: slipway.NativeApproval, Needed: len(approvers)}
	for _, u := range approvers {
		a.Approvers = append(a.Approvers, u.Ref())
	}
	return slipway.Draft{
		Name: "payments 4.2", Manager: manager.Ref(), Approval: a, Description: "Faster refunds, and **no** downtime.",
		StartTime: 1795528800, EndTime: 1795536000, ScheduleExecuteTime: 1795530600,
		Jira: &slipway.JiraAssociation{Sprints: []slipway.Sprint{{ProjectKey: "PAY", SprintName: "Sprint 7", SprintID: 7}}},
		Items: []*slipway.Item{
			{Name: "deploy", Type: slipway.WorkflowItem, Owner: manager.Ref(), Workflow: &slipway.WorkflowSpec{
				Engine: "local", Project: "payments", Name: "deploy-payments", Params: map[string]string{"VERSION": "4.2.0", "REGION": "eu-west-1"},
			}},
			{Name: "announce", Type: slipway.TextItem, Owner: manager.Ref(), Text: &slipway.TextSpec{Content: "Tell **everybody**:\n\n* the hotline\n* the shops"}},
		},
	}
}

// notices takes the notices that wait, with the keys of their tasks.
func (w *world) notices() (all []slipway.Notice, keys []string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, task := range w.tasks {
		if task.Kind != slipway.TaskNotice {
			continue
		}
		var n slipway.Notice
		if err := json.Unmarshal(task.Data, &n); err != nil {
			w.t.Fatal(err)
		}
		all, keys = append(all, n), append(keys, task.Key)
	}
	w.tasks = nil
	return all, keys
}

// tells does what the task of a notice does, again after a while as long as it is asked to.
func (w *world) tells(p *slipway.Plan, n slipway.Notice, key string) {
	w.t.Helper()
	for range 20 {
		err := w.bot.Tell(w.t.Context(), p.ID, n, key)
		after, waits, rest := bot.Soonest(err)
		switch {
		case rest != nil:
			w.clock.Pass(time.Minute)
		case waits:
			w.clock.Pass(max(after, storage.PostPatience))
		default:
			return
		}
	}
	w.t.Fatal("the task does not come to an end")
}

// tellAll does all tasks of notices.
func (w *world) tellAll(p *slipway.Plan) {
	w.t.Helper()
	all, keys := w.notices()
	for i := range all {
		w.tells(p, all[i], keys[i])
	}
}

// gets is the next mail, which has to be there.
func (w *world) gets() (mailtest.Mail, mailtest.Letter) {
	w.t.Helper()
	select {
	case m := <-w.server.Mails():
		return m, mailtest.Read(w.t, m)
	default:
		w.t.Fatal("there is no mail")
		panic("unreachable")
	}
}

func (w *world) getsNothing() {
	w.t.Helper()
	select {
	case m := <-w.server.Mails():
		w.t.Errorf("there is a mail to %s:\n%s", m.To, m.Raw)
	default:
	}
}

var signInLink = regexp.MustCompile(`https://slipway\.example\.com/signin\?[^\s"]+`)

// token is the one-time secret in a letter.
func token(t *testing.T, l mailtest.Letter) string {
	t.Helper()
	link, err := url.Parse(signInLink.FindString(l.Text))
	if err != nil || link.Query().Get("token") == "" {
		t.Fatalf("the letter has no link: %v\n%s", err, l.Text)
	}
	return link.Query().Get("token")
}

// signsIn uses a letter's link.
func (w *world) signsIn(l mailtest.Letter, as *slipway.User) {
	w.t.Helper()
	if u, _, err := w.cmds.SignIn(w.t.Context(), token(w.t, l)); err != nil || u.ID != as.ID {
		w.t.Errorf("the link of the letter signs %v in: %v", u, err)
	}
}
