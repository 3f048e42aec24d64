package github_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github"
	"slipway/tasks/engine/github/githubtest"
	"slipway/tasks/engine/remote"
)

const appID = "4"

// keys are that of the app, and one that GitHub does not know.
var keys = sync.OnceValues(func() (*rsa.PrivateKey, *rsa.PrivateKey) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	other, errOther := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil || errOther != nil {
		panic("no keys")
	}
	return key, other
})

func written(key *rsa.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}))
}

// newApp is a world in which Slipway is a GitHub App.
func newApp(t *testing.T, change ...func(*githubtest.Config)) *world {
	t.Helper()
	key, _ := keys()
	w := newWorld(t, append(change, func(c *githubtest.Config) { c.Token, c.AppID, c.AppKey = "", appID, &key.PublicKey })...)
	w.config.Token, w.config.AppID, w.config.AppKey = "", appID, written(key)
	w.Engine = w.another(t)
	return w
}

func TestEngineAsAnApp(t *testing.T) {
	t.Parallel()
	enginetest.Run(t, func(t *testing.T) enginetest.World {
		w := newApp(t)
		whole := w.suite(t)
		// Its first requests that change something get tokens: the crashes around a
		// start are played with a token.
		return enginetest.World{Engine: whole.Engine, Workflow: whole.Workflow, Starts: whole.Starts, Rerun: whole.Rerun, Said: whole.Said, Edit: whole.Edit}
	})
}

func TestATokenOfAnAppIsRenewed(t *testing.T) {
	t.Parallel()
	w := newApp(t)
	if err := w.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := w.Resolve(t.Context(), spec("passes")); err != nil {
		t.Fatal(err)
	}
	w.server.Revoke()
	_, err := w.Resolve(t.Context(), spec("passes"))
	enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_GITHUB_APP_KEY")
	if _, err := w.Resolve(t.Context(), spec("passes")); err != nil {
		t.Errorf("with a new token: %v", err)
	}
}

func TestATokenOfAnAppIsNotUsedToItsLastMinute(t *testing.T) {
	t.Parallel()
	var passed atomic.Int64
	clock := func() time.Time { return time.Now().Add(time.Duration(passed.Load())) }
	w := newApp(t, func(c *githubtest.Config) { c.Now = clock })
	w.config.Now = clock
	e := w.another(t)
	for _, c := range []struct {
		after time.Duration
		want  int64 // requests: three of them read the workflow
	}{{0, 5}, {time.Minute, 3}, {54 * time.Minute, 3}, {56 * time.Minute, 5}, {57 * time.Minute, 3}} {
		passed.Store(int64(c.after))
		before := e.Requests()
		if _, err := e.Resolve(t.Context(), spec("passes")); err != nil {
			t.Fatal(err)
		}
		if got := e.Requests() - before; got != c.want {
			t.Errorf("after %v: %d requests", c.after, got)
		}
	}
}

func TestARunIsNotGivenUpBecauseTheAppIsNotInstalled(t *testing.T) {
	t.Parallel()
	w := newApp(t)
	p := enginetest.Start(t, w, spec("blocks"))
	end := p.Until("ready")
	w.server.Install(false)
	enginetest.Attach(t, w, p.Mark, p.Ref).UntilStatus(engine.Unknown)
	for range 2 { // with a token that is no longer good, and without one
		err := w.Cancel(t.Context(), p.Ref)
		if code := slipway.CodeOf(err); code != slipway.Unauthenticated && code != slipway.NotFound {
			t.Errorf("cancel: %v", err)
		}
	}
	_, err := w.Resolve(t.Context(), spec("passes"))
	enginetest.WantRefusal(t, err, slipway.NotFound, project)
	w.server.Install(true)
	if err := w.Cancel(t.Context(), p.Ref); err != nil {
		t.Fatal(err)
	}
	if r := end(); r.Status != engine.Cancelled {
		t.Errorf("result is %+v", r)
	}
}

func TestAnAppThatGitHubDoesNotKnowIsRefused(t *testing.T) {
	t.Parallel()
	w := newApp(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	_, wrong := keys()
	for id, key := range map[string]string{"5": w.config.AppKey, appID: written(wrong)} {
		c := w.config
		c.AppID, c.AppKey = id, key
		e := made(t, c)
		enginetest.WantRefusal(t, e.Check(t.Context()), slipway.Unauthenticated, "SLIPWAY_GITHUB_APP_ID")
		_, err := e.Start(t.Context(), run, mark)
		enginetest.WantRefusal(t, err, slipway.Unauthenticated, "SLIPWAY_GITHUB_APP_ID")
	}
	if w.server.Starts(mark.ID) != 0 {
		t.Error("it was started")
	}
}

func TestAStartWithoutATokenIsARefusal(t *testing.T) {
	t.Parallel()
	w := newApp(t)
	run, mark := enginetest.RunOf(t, w, spec("passes"))
	next := w.another(t)
	w.server.Faults().LoseNextAnswer() // that to the wish for a token
	if _, err := next.Start(t.Context(), run, mark); slipway.CodeOf(err) != slipway.Unavailable {
		t.Errorf("error is %v", err)
	}
	if ref, err := next.Start(t.Context(), run, mark); err != nil || w.server.Starts(mark.ID) != 1 {
		t.Errorf("then %q, %v", ref, err)
	}
}

func TestAKeyThatIsNoneIsTold(t *testing.T) {
	t.Parallel()
	key, _ := keys()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]github.Config{
		"not PEM":  {AppID: appID, AppKey: "abc"},
		"no RSA":   {AppID: appID, AppKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("abc")}))},
		"no key":   {AppID: appID},
		"nothing":  {},
		"both":     {AppID: appID, AppKey: written(key), Token: token},
		"password": {Token: token, URL: "https://user:password@example.com"},
		"no web":   {Token: token, URL: "ftp://example.com"},
	} {
		c.Now = time.Now
		if _, err := github.New(c); err == nil || strings.Contains(err.Error(), "password@") || strings.Contains(err.Error(), token) {
			t.Errorf("%s: %v", what, err)
		}
	}
	good := github.Config{AppID: appID, AppKey: string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})), Access: remote.Access{Now: time.Now}}
	if _, err := github.New(good); err != nil {
		t.Error(err)
	}
}

func TestAClassicTokenNeedsItsScope(t *testing.T) {
	t.Parallel()
	for scopes, want := range map[string]slipway.Code{"": "", "repo, workflow": "", "gist, public_repo": slipway.Forbidden} {
		w := newWorld(t, func(c *githubtest.Config) { c.Scopes = scopes })
		err := w.Check(t.Context())
		if want == "" && err != nil {
			t.Errorf("%q: %v", scopes, err)
		} else if want != "" {
			enginetest.WantRefusal(t, err, want, "SLIPWAY_GITHUB_TOKEN")
		}
	}
}

// asked is a world in which Slipway is the protection rule of an environment, and the
// question that it is asked there.
func asked(t *testing.T) (*world, *enginetest.Play, engine.Question) {
	t.Helper()
	w := newApp(t, func(c *githubtest.Config) {
		c.Gates = map[string]githubtest.Gate{"gate": {Environment: "production", Rule: true}}
	})
	questions := make(chan engine.Question, 10)
	w.hear(t, standin.On, func(hints []engine.Hint, err error) {
		if err != nil {
			t.Errorf("hear: %v", err)
		}
		for _, h := range hints {
			if h.Question != nil {
				questions <- *h.Question
			}
		}
	})
	p := enginetest.Start(t, w, spec("asks"))
	select {
	case q := <-questions:
		return w, p, q
	case <-time.After(enginetest.Patience):
		t.Fatal("no question was heard")
		return nil, nil, engine.Question{}
	}
}

func TestSlipwayIsAProtectionRule(t *testing.T) {
	t.Parallel()
	for _, approve := range []bool{true, false} {
		w, p, q := asked(t)
		if q.Project != project || q.Environment != "production" || q.Run != p.Ref || len(q.SHA) != 40 || q.ID == "" {
			t.Fatalf("question is %+v", q)
		}
		state, end := p.UntilStatus(engine.Waiting)
		if state.Waits[0].Answerable || !strings.Contains(state.WaitFor.EN, "protection rules") {
			t.Errorf("state is %+v", state)
		}
		comment := "Release plan [#1 payments](https://slipway.example.com/plans/1) says so. " + strings.Repeat("好", 2000)
		if err := w.Reply(t.Context(), q, approve, comment); err != nil {
			t.Fatal(err)
		}
		want := engine.Failed
		verdict := "rejected: Release plan [#1"
		if approve {
			want, verdict = engine.Passed, "approved: Release plan [#1"
		}
		if r := end(); r.Status != want {
			t.Errorf("result is %+v", r)
		}
		for range 2 { // what is no longer asked
			if err := w.Reply(t.Context(), q, !approve, "again"); err != nil {
				t.Errorf("reply again: %v", err)
			}
		}
		if v := w.server.Verdicts(); len(v) != 1 || !strings.HasPrefix(v[0], verdict) {
			t.Errorf("verdicts are %q", v)
		}
	}
}

func TestAReplyThatIsRefusedIsToldOf(t *testing.T) {
	t.Parallel()
	w := gated(t, githubtest.Gate{Environment: "production", Rule: true})
	p := enginetest.Start(t, w, spec("asks"))
	p.UntilStatus(engine.Waiting)
	id := string(p.Ref)[len(project)+1:]
	q := engine.Question{ID: "1", Run: p.Ref, Data: []byte(`{"repository":"` + project + `","run":` + id + `,"environment":"production"}`)}
	err := w.Reply(t.Context(), q, true, "go")
	enginetest.WantRefusal(t, err, slipway.Forbidden, "Deployments")
	for _, data := range []string{``, `[]`, `{}`, `{"repository":"a/../b","run":1,"environment":"e"}`, `{"repository":"a/b","run":-1,"environment":"e"}`} {
		q.Data = []byte(data)
		if err := w.Reply(t.Context(), q, true, "go"); slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("data %s: %v", data, err)
		}
	}
}
