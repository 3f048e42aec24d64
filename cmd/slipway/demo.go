package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/tasks"
	"slipway/webhook"
)

// demoPatience is how long the demo waits for one thing to happen.
const demoPatience = 20 * time.Second

// demo plays a whole release against a temporary data folder: Alice plans, Bob and Carol
// approve, Olga is the admin, and a small outside system verifies the hooks' signatures
// and calls back. A Jira has the requirements, and a deploy server of one's own runs a
// workflow; both are played, too.
func demo(ctx context.Context, args []string, p process) (err error) {
	stay := len(args) == 1 && (args[0] == "--stay" || args[0] == "-stay")
	if len(args) > 0 && !stay {
		return fmt.Errorf("demo does not know %q; --stay keeps it running afterwards", args[0])
	}
	dir, err := os.MkdirTemp("", "slipway-demo-")
	if err != nil {
		return fmt.Errorf("make demo folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	d := &demonstration{out: p.stdout, began: time.Now(), said: map[string]bool{}}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended, err := d.start(ctx, dir, p)
	if err != nil {
		return err
	}
	err = d.play(ctx)
	if err == nil && stay {
		d.leaveLinks(ctx)
		select {
		case <-ctx.Done():
		case err = <-ended:
			return err
		}
	}
	stop()
	return errors.Join(err, <-ended)
}

// demonstration is a demo under way.
type demonstration struct {
	out   io.Writer
	began time.Time
	app   *app
	// people by first name, each with a browser that is signed in.
	people  map[string]*slipway.User
	browser map[string]*http.Client

	mu   sync.Mutex
	said map[string]bool // verbs and events that were printed
}

// say prints one step with its time.
func (d *demonstration) say(who, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, _ = fmt.Fprintf(d.out, "%7.3fs  %-8s %s\n", time.Since(d.began).Seconds(), who, fmt.Sprintf(format, args...))
}

func (d *demonstration) noted(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said[what] = true
}

// start brings up the program and its surroundings. The channel tells how it ended.
func (d *demonstration) start(ctx context.Context, dir string, p process) (<-chan error, error) {
	workflows := filepath.Join(dir, "workflows")
	if err := os.MkdirAll(workflows, 0o700); err != nil {
		return nil, fmt.Errorf("make demo workflows: %w", err)
	}
	if err := os.WriteFile(filepath.Join(workflows, "deploy-payments.yaml"), []byte(demoWorkflow), 0o600); err != nil {
		return nil, fmt.Errorf("write demo workflow: %w", err)
	}
	outside, err := newOutsideSystem(ctx, d)
	if err != nil {
		return nil, err
	}
	jira, err := serveStandIn(ctx, &demoJira{demo: d})
	if err != nil {
		return nil, err
	}
	deployer, err := serveStandIn(ctx, &demoDeployer{demo: d})
	if err != nil {
		return nil, err
	}
	c := &config{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), WorkflowsDir: workflows}
	c.Users = []userConfig{
		{Name: "Alice", Email: "alice@example.com", TimeZone: "Asia/Shanghai"},
		{Name: "Bob", Email: "bob@example.com", Locale: "zh", TimeZone: "Asia/Shanghai"},
		{Name: "Carol", Email: "carol@example.com", TimeZone: "Europe/Berlin"},
		{Name: "Olga", Email: "olga@example.com", Role: "admin"},
	}
	c.Hooks = []hookConfig{outside.hook()}
	c.Jira = jiraConfig{URL: jira, Token: "not-needed-here", Comment: true}
	c.Engines = map[string]engineConfig{"deployer": deployerSettings(deployer)}
	l, err := c.listen(ctx)
	if err != nil {
		return nil, err
	}
	c.PublicURL = "http://" + l.Addr().String()
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if d.app, err = newApp(ctx, c, tasks.RoleAll, p.environ(), log); err != nil {
		return nil, err
	}
	outside.callback = c.PublicURL + "/api/callback/release_plan"
	ended := make(chan error, 1)
	go func() {
		err := d.app.run(ctx, l)
		d.app.close()
		ended <- err
	}()
	d.say("slipway", "is ready at %s", c.PublicURL)
	return ended, d.signIn(ctx)
}

// demoWorkflow fails the first time, so that there is something to retry.
const demoWorkflow = `name: deploy-payments
display_name: Deploy payments
project: payments
params:
  - {name: VERSION, type: string, description: What to deploy}
stages:
  - name: build
    jobs:
      - {name: compile, type: freestyle, spec: {run: "echo compiling $VERSION; echo compiled"}}
      - {name: test, type: freestyle, spec: {run: "echo testing $VERSION; echo 42 tests passed"}}
  - name: deploy
    jobs:
      - name: deploy
        type: freestyle
        spec:
          run: |
            if [ ! -e tried ]; then
              touch tried
              echo "node-3 does not answer"
              exit 1
            fi
            echo "deployed $VERSION to 3 nodes"
`

// leaveLinks tells where the finished demo can be looked at.
func (d *demonstration) leaveLinks(ctx context.Context) {
	for _, name := range []string{"Alice", "Bob", "Carol", "Olga"} {
		if link, err := d.app.link(ctx, d.people[name]); err == nil {
			d.say("slipway", "look at it as %s (the link works once): %s", name, link)
		}
	}
	d.say("slipway", "Ctrl-C ends it")
}

// untold names the verbs and events that the demo has not shown.
func (d *demonstration) untold() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []string
	for _, r := range bot.VerbRows() {
		if !d.said[r.Name] {
			out = append(out, r.Name)
		}
	}
	for _, e := range slipway.Events() {
		if !d.said[string(e)] {
			out = append(out, string(e))
		}
	}
	return out
}

// outsideSystem is a change office: it verifies what it is told and answers.
type outsideSystem struct {
	demo     *demonstration
	secret   string
	address  string
	callback string

	mu     sync.Mutex
	script map[slipway.Event][]slipway.Result // what it will say; then it agrees
}

func newOutsideSystem(ctx context.Context, d *demonstration) (*outsideSystem, error) {
	o := &outsideSystem{
		demo: d, secret: webhook.NewSecret(rand.Reader),
		script: map[slipway.Event][]slipway.Result{
			slipway.EventFinishPlanning: {slipway.ResultExecuting},
			slipway.EventAllJobDone:     {slipway.ResultFailed},
		},
	}
	var err error
	o.address, err = serveStandIn(ctx, o)
	return o, err
}

// serveStandIn serves what is played, as long as the demo goes on, and returns its address.
func serveStandIn(ctx context.Context, h http.Handler) (string, error) {
	l, err := (&config{Listen: "127.0.0.1:0"}).listen(ctx)
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	context.AfterFunc(ctx, func() { _ = server.Close() })
	return "http://" + l.Addr().String(), nil
}

func (o *outsideSystem) hook() hookConfig {
	h := hookConfig{
		Name: "change-office", URL: o.address + "/hooks", Wait: true, Deadline: "1h", AllowPrivate: true, Secrets: []secret{secret(o.secret)},
	}
	for _, e := range slipway.Events() {
		h.Events = append(h.Events, string(e))
	}
	return h
}

func (o *outsideSystem) next(ev slipway.Event) slipway.Result {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.script[ev]
	if len(list) == 0 {
		return slipway.ResultSuccess
	}
	o.script[ev] = list[1:]
	return list[0]
}

// ServeHTTP takes a hook, and answers by callback when it has said thanks.
func (o *outsideSystem) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err == nil {
		err = webhook.Verify([]string{o.secret}, r.Header, body, time.Now())
	}
	if err != nil {
		o.demo.say("outside", "refuses a hook: %v", err)
		http.Error(w, "bad signature", http.StatusUnauthorized)
		return
	}
	go o.answer(r.Header.Get(webhook.HeaderID), body)
	w.WriteHeader(http.StatusAccepted)
}

func (o *outsideSystem) answer(id string, body []byte) {
	plan, err := readHook(body)
	if err != nil {
		o.demo.say("outside", "cannot read %s: %v", id, err)
		return
	}
	o.demo.noted(string(plan.EventName))
	o.demo.say("outside", "hears %s of #%d, status %s, signature right", plan.EventName, plan.Index, plan.Status)
	if strings.Contains(plan.Name, "quiet") {
		o.demo.say("outside", "stays silent")
		return
	}
	for {
		result := o.next(plan.EventName)
		if err := o.callBack(plan, result); err != nil {
			o.demo.say("outside", "callback refused: %v", err)
			return
		}
		o.demo.say("outside", "answers %s: %s", plan.EventName, result)
		if result != slipway.ResultExecuting {
			return
		}
	}
}
