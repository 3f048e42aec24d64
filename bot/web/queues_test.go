package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/hibiken/asynq"

	"slipway/bot/web"
)

func withQueues(w *world, c *web.Config) {
	redis := asynq.RedisClientOpt{Addr: miniredis.RunT(w.t).Addr()}
	client := asynq.NewClient(redis)
	defer client.Close()
	if _, err := client.Enqueue(asynq.NewTask("hook", []byte("some-id")), asynq.Queue("hooks")); err != nil {
		w.t.Fatal(err)
	}
	q, err := web.NewQueues(redis)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = q.Close() })
	c.Queues = q
}

func TestTheDashboardNeedsNothingFromOutside(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withQueues)
	alice := w.signIn(w.alice)
	page := alice.get("/queues/")
	if !strings.Contains(page.body, `<div id="root">`) || !strings.Contains(page.body, `FLAG_ROOT_PATH="\/queues"`) {
		t.Fatalf("not asynqmon's page: %d %s", page.status, page.body)
	}
	if outside := regexp.MustCompile(`(?:href|src)="(?:https?:)?//[^"]*`).FindAllString(page.body, -1); outside != nil {
		t.Errorf("the page loads %v", outside)
	}
	policy := page.header.Get("Content-Security-Policy")
	if strings.Contains(policy, "script-src 'self' 'unsafe") || strings.Count(policy, "'sha256-") != strings.Count(page.body, "<script>") {
		t.Errorf("policy %s", policy)
	}
	if deep := alice.get("/queues/queues/hooks"); deep.body != page.body {
		t.Error("a page of the dashboard cannot be opened by its address")
	}
	scripts := regexp.MustCompile(`src="(/queues/static/[^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(scripts) == 0 {
		t.Error("the page has no scripts")
	}
	for _, m := range scripts {
		if script := alice.get(m[1]); script.status != http.StatusOK || !strings.Contains(script.header.Get("Content-Type"), "javascript") {
			t.Errorf("%s: %d %v", m[1], script.status, script.header)
		}
	}
	if list := alice.get("/queues/api/queues"); !strings.Contains(list.body, `"hooks"`) {
		t.Errorf("%d %s", list.status, list.body)
	}
}

func TestChangesOfTheQueuesAreRecordedAndOnlyForAdmins(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withQueues)
	alice, bob := w.signIn(w.alice), w.signIn(w.bob)
	const pause = "/queues/api/queues/hooks:pause"
	alice.header.Set("Sec-Fetch-Site", "cross-site")
	if page := alice.post(pause, nil); page.status != http.StatusForbidden {
		t.Errorf("another site paused the queue: %d", page.status)
	}
	alice.header.Set("Sec-Fetch-Site", "same-origin")
	if page := bob.post(pause, nil); page.status != http.StatusForbidden {
		t.Errorf("Bob paused the queue: %d", page.status)
	}
	if page := w.browser().get("/queues/api/queues"); page.status != http.StatusUnauthorized {
		t.Errorf("a stranger sees the queues: %d", page.status)
	}
	if page := alice.post(pause, nil); page.status >= 300 {
		t.Fatalf("%d %s", page.status, page.body)
	}
	own := alice.get("/rooms/direct-" + w.alice.ID).text()
	if strings.Count(own, "Task queues changed by hand") != 1 || !strings.Contains(own, "POST /api/queues/hooks:pause") {
		t.Errorf("the change is not recorded once: %s", own)
	}
	if list := alice.get("/queues/api/queues"); !strings.Contains(list.body, `"paused":true`) {
		t.Errorf("not paused: %s", list.body)
	}
}

func TestAProcessWithoutQueuesSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if page := w.signIn(w.alice).get("/queues/"); page.status != http.StatusNotFound {
		t.Errorf("%d", page.status)
	}
}
