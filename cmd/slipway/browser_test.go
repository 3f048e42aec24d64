package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/tasks"
	"slipway/webhook"
)

// browserPatience is how long the whole story may take on a machine that is busy.
const browserPatience = 4 * time.Minute

// The screenshots that illustrate the README and the documents. They show times, so they
// differ each time: SLIPWAY_UPDATE_GOLDEN=1 with -run TestBrowser renews them.
var (
	readmePictures = []string{"room-wide.png", "plan-wide.png", "plan-narrow-dark-zh.png"}
	chatPictures   = []string{"chat-slack-wide.png", "chat-feishu-wide-dark-zh.png", "chat-feishu-narrow-zh.png"}
)

const largestPicture = 250 << 10

// TestBrowserStory plays the main story in headless Chromium, with two people in two
// windows, one of them in Chinese. The story itself is deploy/dev/browser/story.mjs.
// SLIPWAY_SCREENSHOTS names a folder that keeps the screenshots.
func TestBrowserStory(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	defer cancel()
	s := newStage(ctx, t)
	shots := playInBrowser(ctx, t, "story.mjs", "SLIPWAY="+s.app.config.PublicURL, "OUTSIDE="+s.outside.URL, "RUNS="+s.runs,
		"ALICE="+s.link("Alice"), "BOB="+s.link("Bob"), "OLGA="+s.link("Olga"))
	keepPictures(t, shots, readmePictures)
}

// TestBrowserFakechat plays a release on the page of `slipway dev fakechat`: planned in
// Slack, approved in Feishu. The story is deploy/dev/browser/fakechat.mjs.
func TestBrowserFakechat(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	defer cancel()
	w := runFakeWorld(t)
	page := httptest.NewServer(w.page(slipway.English, w.app.log))
	t.Cleanup(page.Close)
	shots := playInBrowser(ctx, t, "fakechat.mjs", "SLIPWAY="+page.URL)
	keepPictures(t, shots, chatPictures)
	if faults := w.slack.Violations(); len(faults) > 0 {
		t.Errorf("Slack would not have had it: %q", faults)
	}
	if faults := w.feishu.Violations(); len(faults) > 0 {
		t.Errorf("Feishu would not have had it: %q", faults)
	}
}

// playInBrowser runs a story of deploy/dev/browser and returns the folder of its
// screenshots.
func playInBrowser(ctx context.Context, t *testing.T, script string, env ...string) string {
	t.Helper()
	const tools = "../../deploy/dev/browser"
	if _, err := os.Stat(filepath.Join(tools, "node_modules", "playwright-core")); err != nil {
		t.Fatal("the browser driver is missing: run make test, or deploy/dev/install browser")
	}
	chromium, node := installed(t, "chromium"), installed(t, "node")
	shots := os.Getenv("SLIPWAY_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	shots, err := filepath.Abs(shots)
	if err != nil {
		t.Fatal(err)
	}
	story := exec.CommandContext(ctx, node, script)
	story.Dir = tools
	story.Env = append(append(os.Environ(), "CHROMIUM="+chromium, "SCREENSHOTS="+shots), env...)
	story.Stdout, story.Stderr = t.Output(), t.Output()
	if err := story.Run(); err != nil {
		t.Fatalf("the story broke off: %v; see above", err)
	}
	return shots
}

func installed(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		t.Fatalf("%s is missing: run make test, or deploy/dev/install browser", program)
	}
	return path
}

// keepPictures brings the documents' pictures up to date if that is asked for.
func keepPictures(t *testing.T, shots string, names []string) {
	t.Helper()
	for _, name := range names {
		picture, err := os.ReadFile(filepath.Join(shots, name))
		if err != nil {
			t.Fatal(err)
		}
		if len(picture) > largestPicture {
			t.Errorf("%s has %d bytes, more than a document should load", name, len(picture))
		}
		if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "" {
			continue
		}
		images := filepath.Join("..", "..", "docs", "images")
		if err := os.MkdirAll(images, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(images, name), picture, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// stage is the whole program on a free port, and what surrounds it.
type stage struct {
	t       *testing.T
	app     *app
	outside *httptest.Server
	// runs is the folder in which workflows wait for what the story decides.
	runs string
}

func newStage(ctx context.Context, t *testing.T, settings ...func(*config)) *stage {
	t.Helper()
	dir := t.TempDir()
	s := &stage{t: t, runs: filepath.Join(dir, "runs")}
	workflows := filepath.Join(dir, "workflows")
	for _, folder := range []string{s.runs, workflows} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	workflow := strings.ReplaceAll(stageWorkflow, "RUNS", s.runs)
	if err := os.WriteFile(filepath.Join(workflows, "deploy-payments.yaml"), []byte(workflow), 0o600); err != nil {
		t.Fatal(err)
	}
	office := &changeOffice{t: t, secret: webhook.NewSecret(rand.Reader), open: map[slipway.Event]*slipway.HookPlan{}}
	s.outside = httptest.NewServer(office)
	t.Cleanup(s.outside.Close)

	c := &config{Listen: "127.0.0.1:0", DataDir: filepath.Join(dir, "data"), WorkflowsDir: workflows}
	c.Users = []userConfig{
		{Name: "Alice", Email: "alice@example.com", Locale: "en", TimeZone: "Asia/Shanghai"},
		{Name: "Bob", Email: "bob@example.com", Locale: "zh", TimeZone: "Asia/Shanghai"},
		{Name: "Olga", Email: "olga@example.com", Locale: "en", TimeZone: "Europe/Berlin", Role: "admin"},
	}
	c.Hooks = []hookConfig{{
		Name: "change-office", URL: s.outside.URL + "/hooks", Wait: true, Deadline: "1h", AllowPrivate: true,
		Events: []string{"finish_planning", "start_execute", "all_job_done"}, Secrets: []secret{secret(office.secret)},
	}}
	for _, set := range settings {
		set(c)
	}
	s.run(ctx, c)
	office.calls.callback = c.PublicURL + "/api/callback/release_plan"
	return s
}

// stageWorkflow prints a line, then waits until the story has decided how it ends.
const stageWorkflow = `name: deploy-payments
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
            echo "deploying $VERSION to 3 nodes"
            until mv RUNS/outcome outcome 2>/dev/null; do sleep 0.05; done
            if [ "$(cat outcome)" = fail ]; then
              echo "node-3 does not answer"
              exit 1
            fi
            echo "3 nodes run $VERSION"
`

// run brings the program up, and has it stop when the test ends.
func (s *stage) run(ctx context.Context, c *config) {
	s.t.Helper()
	s.app = &app{config: c}
	l, err := s.app.config.listen(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	c.PublicURL = "http://" + l.Addr().String()
	faults := &faultLog{out: s.t.Output()}
	log := slog.New(slog.NewTextHandler(faults, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if s.app, err = newApp(ctx, c, tasks.RoleAll, os.Environ(), log); err != nil {
		s.t.Fatal(err)
	}
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() {
		err := s.app.run(running, l)
		s.app.close()
		ended <- err
	}()
	s.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("the program ended with: %v", err)
		}
		if n := faults.count(); n > 0 {
			s.t.Errorf("the program logged %d error(s); see above", n)
		}
	})
}

func (s *stage) link(name string) string {
	s.t.Helper()
	users, err := s.app.store.Users(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	for _, u := range users {
		if u.Name == name {
			link, err := s.app.link(s.t.Context(), u)
			if err != nil {
				s.t.Fatal(err)
			}
			return link
		}
	}
	s.t.Fatalf("nobody is called %s", name)
	return ""
}

// faultLog passes the program's log on and counts its errors.
type faultLog struct {
	out io.Writer

	mu     sync.Mutex
	errors int
}

func (f *faultLog) Write(line []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.Contains(string(line), "level=ERROR") {
		f.errors++
	}
	return f.out.Write(line)
}

func (f *faultLog) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.errors
}

// changeOffice is the outside system. It verifies what it hears, and calls back when
// the story says so: POST /answer?event=...&result=...
type changeOffice struct {
	t      *testing.T
	secret string
	calls  outsideSystem

	mu   sync.Mutex
	open map[slipway.Event]*slipway.HookPlan // what it was asked last
}

func (o *changeOffice) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/answer" {
		o.answer(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = webhook.Verify([]string{o.secret}, r.Header, body, time.Now())
	}
	var plan *slipway.HookPlan
	if err == nil {
		plan, err = readHook(body)
	}
	if err != nil {
		o.t.Errorf("the outside system cannot take a hook: %v", err)
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	o.mu.Lock()
	o.open[plan.EventName] = plan
	o.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
}

// answer waits for the question if it has not come yet, and calls back.
func (o *changeOffice) answer(w http.ResponseWriter, r *http.Request) {
	event, result := slipway.Event(r.FormValue("event")), slipway.Result(r.FormValue("result"))
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		o.mu.Lock()
		plan := o.open[event]
		if result != slipway.ResultExecuting {
			delete(o.open, event)
		}
		o.mu.Unlock()
		if plan != nil {
			if err := o.calls.callBack(plan, result); err != nil {
				http.Error(w, fmt.Sprintf("callback refused: %v", err), http.StatusConflict)
			}
			return
		}
		select {
		case <-tick.C:
		case <-r.Context().Done():
			return
		}
	}
}
