package webhook_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
	"slipway/webhook"
)

// listAll filters nothing.
var listAll storage.Filter

func TestDeliveriesShowEveryAttemptButNoCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	stored, err := w.store.Deliveries(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	d := stored[0]
	storagetest.Try(t, w.store, d.ID, noon, storage.DeliveryPending, storage.Attempt{
		DurationMS: 7, StatusCode: http.StatusInternalServerError, Error: "HTTP 500",
		Answer: "I got " + string(d.Body), // as receivers that echo do
	})
	var list struct {
		Deliveries []struct {
			ID, Endpoint, Event, State string
			Waits                      bool
			Attempts                   []struct {
				Number     int
				StatusCode int `json:"status_code"`
				Answer     string
				Ended      bool
			}
		}
	}
	w.send("eve", "GET", "/api/v1/plans/1/deliveries", "").want(200).into(&list)
	got := list.Deliveries[0]
	if len(list.Deliveries) != 1 || got.ID != d.ID || !got.Waits || got.State != "pending" || got.Attempts[0].StatusCode != http.StatusInternalServerError {
		t.Errorf("shown as %+v", list.Deliveries)
	}
	if !strings.Contains(got.Attempts[0].Answer, `"instance_code":"***"`) {
		t.Errorf("the answer is shown as %q", got.Attempts[0].Answer)
	}
}

func TestADeliveryIsSentAgainByHand(t *testing.T) {
	t.Parallel()
	w := newWorld(t, slipway.EventFinishPlanning)
	p := w.create(document())
	w.do("alice", p.ID, "submit", "")
	stored, err := w.store.Deliveries(t.Context(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/v1/deliveries/" + stored[0].ID + "/replay"
	w.send("eve", "POST", path, "").want(403)
	w.send("alice", "POST", path, `{"force":true}`).want(400)
	w.send("alice", "POST", "/api/v1/deliveries/msg_0/replay", "").want(404)
	for range 2 {
		w.send("alice", "POST", path, "", "Idempotency-Key", "r").want(202)
	}
	var log struct {
		Entries []struct {
			Verb  string
			Actor struct{ Name string }
			Data  struct {
				Endpoint string
				Hooks    []string
			}
		}
		Total int
		Next  string `json:"next_cursor"`
	}
	w.send("eve", "GET", "/api/v1/plans/1/log?limit=1", "").want(200).into(&log)
	if e := log.Entries[0]; e.Verb != "resend" || e.Actor.Name != "Alice" || e.Data.Endpoint != "office" || log.Total != 3 || log.Next == "" {
		t.Errorf("the log shows %+v of %d", e, log.Total)
	}
}

func TestRunsAndTheirOutput(t *testing.T) {
	t.Parallel()
	w, p := reach(t, slipway.Executing)
	p = w.do("alice", p.ID, "jobs/2/execute", "")
	run := p.Jobs[1].RunID
	if err := w.store.RunStarting(t.Context(), run); err != nil {
		t.Fatal(err)
	}
	if err := w.store.RunStartedAs(t.Context(), run, "ref", noon); err != nil {
		t.Fatal(err)
	}
	const progress = `{"status":"waiting","url":"https://engine.example.com/1","wait_for":{"en":"the operators","zh":"运维人员"},"stages":[{"name":"all","status":"waiting","jobs":[
		{"name":"go","type":"freestyle","status":"failed","reason":{"en":"no","zh":"否"},"ended":7}]}],"waits":[{"job":"go","for":{"en":"","zh":""}}]}`
	const told = `{"status":"waiting","url":"https://engine.example.com/1","wait_for":"the operators","stages":[{"name":"all","status":"waiting","jobs":[` +
		`{"name":"go","type":"freestyle","status":"failed","reason":"no","started":0,"ended":7,"url":""}]}],"started":0,"ended":0}`
	if err := w.store.RunProgress(t.Context(), run, json.RawMessage(progress)); err != nil {
		t.Fatal(err)
	}
	var lines []storage.LogLine
	for i := range 5 {
		lines = append(lines, storage.LogLine{At: noon.UnixMilli(), Job: "build", Text: fmt.Sprint("line ", i+1)})
	}
	if err := w.store.AppendRunLog(t.Context(), run, lines); err != nil {
		t.Fatal(err)
	}
	// The plan has not taken note yet; what the engine told is shown already.
	p = w.show("eve", p.ID)
	if p.Jobs[1].URL != "https://engine.example.com/1" || !strings.Contains(string(p.Jobs[1].Spec), `"status":"running"`) {
		t.Errorf("the item is shown as %+v", p.Jobs[1])
	}

	var runs struct {
		Runs []struct {
			ID, Status, Phase, Engine, By string
			Progress                      json.RawMessage
		}
	}
	w.send("eve", "GET", "/api/v1/plans/1/runs", "").want(200).into(&runs)
	if r := runs.Runs[0]; len(runs.Runs) != 1 || r.ID != run || r.Status != "running" || r.By != "Alice" || string(r.Progress) != told {
		t.Errorf("the runs are %+v", runs.Runs)
	}

	type part struct {
		Lines []struct {
			Seq  int64
			Text string
		}
		Next  int64 `json:"next_after"`
		Ended bool
	}
	var got []string
	for after := int64(0); ; {
		var l part
		w.send("eve", "GET", fmt.Sprintf("/api/v1/runs/%s/log?after=%d&limit=2", run, after), "").want(200).into(&l)
		if len(l.Lines) == 0 {
			break
		}
		for _, line := range l.Lines {
			got = append(got, line.Text)
		}
		after = l.Next
	}
	if diff := cmp.Diff([]string{"line 1", "line 2", "line 3", "line 4", "line 5"}, got); diff != "" {
		t.Error(diff)
	}
	if err := w.store.EndRun(t.Context(), run, slipway.RunEnd{Status: slipway.RunFailed, Reason: slipway.T("exit status 1", "退出码 1")}, noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	var l part
	if w.send("eve", "GET", "/api/v1/runs/"+run+"/log?after=5", "").want(200).into(&l); !l.Ended || l.Next != 5 {
		t.Errorf("in the end: %+v", l)
	}
	w.send("eve", "GET", "/api/v1/runs/nothing/log", "").want(404)
}

// A fault of ours is not told to the caller; a reference finds it in the log.
func TestFaultsOfOursHaveAReference(t *testing.T) {
	t.Parallel()
	var log lockedText
	w := newWorldWith(t, webhook.HandlerConfig{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err := w.store.Close(); err != nil {
		t.Fatal(err)
	}
	a := w.send("alice", "GET", "/api/v1/plans", "").want(500)
	e := a.refusal()
	if e.Code != slipway.Internal || e.Reference == "" || !strings.Contains(e.Message, e.Reference) || strings.Contains(string(a.body), "database") {
		t.Errorf("the caller is told %s", a.body)
	}
	if text := log.String(); !strings.Contains(text, "reference="+e.Reference) || !strings.Contains(text, "closed") {
		t.Errorf("the log is %s", text)
	}
}

// lockedText is a log that many may write.
type lockedText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
