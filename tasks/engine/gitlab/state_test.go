package gitlab

import (
	"strings"
	"testing"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway/tasks/engine"
)

func TestEveryWordOfGitLabIsFolded(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]engine.Status{
		"created": engine.Queued, "waiting_for_resource": engine.Queued, "waiting_for_callback": engine.Queued, "preparing": engine.Queued,
		"pending": engine.Queued, "scheduled": engine.Queued, "running": engine.Running, "canceling": engine.Running,
		"manual": engine.Waiting, "success": engine.Passed, "failed": engine.Failed, "canceled": engine.Cancelled,
		"skipped": engine.Skipped, "dreaming": engine.Unknown, "": engine.Unknown,
	} {
		if got := folded(word); got != want {
			t.Errorf("%q is %s, want %s", word, got, want)
		}
	}
}

func TestAPipelineIsFoldedWithItsJobs(t *testing.T) {
	t.Parallel()
	begun := time.UnixMilli(1_795_000_000_000)
	for _, tt := range []struct {
		name   string
		status string
		jobs   []job
		want   engine.Status
		waits  string // the jobs that wait
		says   string // in the reason, or in what it waits for
	}{
		{"just created", "created", nil, engine.Queued, "", ""},
		{"running", "running", []job{{name: "a", status: "running"}}, engine.Running, "", ""},
		{"waits", "manual", []job{{name: "a", status: "success"}, {name: "b", status: "manual"}}, engine.Waiting, "b", "“b”"},
		{"waits beside what runs", "running", []job{{name: "a", status: "running"}, {name: "b", status: "manual"}}, engine.Running, "b", ""},
		{"waits beside what failed", "manual", []job{{name: "a", status: "failed"}, {name: "b", status: "manual"}}, engine.Waiting, "b", "“b”"},
		{"between two jobs", "manual", []job{{name: "a", status: "success"}, {name: "b", status: "pending"}}, engine.Running, "", ""},
		{"what may be started by hand", "success", []job{{name: "a", status: "success"}, {name: "b", status: "manual", optional: true}}, engine.Passed, "", ""},
		{"what may fail", "success", []job{{name: "a", status: "failed", optional: true}}, engine.Passed, "", ""},
		{"failed", "failed", []job{{name: "a", status: "failed", reason: "script_failure"}}, engine.Failed, "", "“a” failed: Its script failed"},
		{"took too long", "failed", []job{{name: "a", status: "failed", reason: "job_execution_timeout"}}, engine.Timeout, "", "longer than its timeout"},
		{"no runner came", "failed", []job{{name: "a", status: "failed", reason: "stuck_or_timeout_failure"}}, engine.Timeout, "", "No runner"},
		{
			"failed and took too long", "failed",
			[]job{{name: "a", status: "failed"}, {name: "b", status: "failed", reason: "job_execution_timeout"}},
			engine.Failed, "", "“b” failed",
		},
		{"a reason of its own", "failed", []job{{name: "a", status: "failed", reason: "ci_quota_exceeded"}}, engine.Failed, "", "ci quota exceeded"},
		{"retried, and not counted yet", "failed", []job{{name: "a", status: "pending"}}, engine.Running, "", ""},
		{"retried, and not begun yet", "failed", []job{{name: "a", status: "created"}, {name: "b", status: "skipped"}}, engine.Running, "", ""},
		{"retried job by job", "success", []job{{name: "a", status: "scheduled"}}, engine.Running, "", ""},
		{"being cancelled", "canceling", []job{{name: "a", status: "canceling"}}, engine.Running, "", ""},
		{"cancelled", "canceled", []job{{name: "a", status: "canceled"}}, engine.Cancelled, "", "cancelled"},
		{"a trigger job waits", "manual", []job{{name: "a", status: "success"}, {name: "b", status: "manual", bridge: true}}, engine.Waiting, "b", "“b”"},
		{"cancelled before a trigger job", "manual", []job{{name: "b", status: "manual", bridge: true}, {name: "c", status: "canceled"}}, engine.Cancelled, "", "cancelled"},
		{"cancelled in the middle", "manual", []job{{name: "b", status: "manual"}, {name: "c", status: "canceled"}}, engine.Waiting, "b", "“b”"},
		{"skipped", "skipped", []job{{name: "a", status: "skipped"}}, engine.Failed, "", "skipped the pipeline"},
		{"a word that we do not know", "dreaming", []job{{name: "a", status: "running"}}, engine.Unknown, "", "“dreaming”"},
		{"a job with a word that we do not know", "running", []job{{name: "a", status: "dreaming"}}, engine.Running, "", ""},
	} {
		for i := range tt.jobs {
			tt.jobs[i].stage, tt.jobs[i].started = "s", &begun
		}
		v := newView(&Engine{}, 1, 2)
		v.detail = &gl.Pipeline{Status: tt.status, StartedAt: &begun, UpdatedAt: &begun}
		s := v.state(tt.jobs)
		waits := []string{}
		for _, w := range s.Waits {
			waits = append(waits, w.Job)
		}
		said := s.WaitFor
		if s.Status.Over() {
			said = v.result(s.Status, tt.jobs).Reason
		}
		if s.Status != tt.want || strings.Join(waits, " ") != tt.waits || !strings.Contains(said.EN, tt.says) || (said.EN == "") != (said.ZH == "") {
			t.Errorf("%s: %+v, %+v", tt.name, s, said)
		}
		if s.Status.Over() != (s.Ended != 0) {
			t.Errorf("%s: it is %s, and ended at %d", tt.name, s.Status, s.Ended)
		}
	}
}
