package github

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

func TestALogIsMadeReadable(t *testing.T) {
	t.Parallel()
	l := &logs{mask: output.NewMasker([]string{"hunter2"})}
	const at = "2026-11-29T07:00:00.1234567Z "
	raw := "\ufeff" + at + "Current runner version: '2.330.0'\r\n" +
		at + "##[group]Run ./deploy.sh\r\n" +
		at + "\x1b[36;1m./deploy.sh --token hunter2\x1b[0m\r\n" +
		at + "##[endgroup]\r\n" +
		at + "10%\r50%\r100%\r\n" +
		at + "\r\n" +
		"without a time\n" +
		at + "##[error]Process completed with exit code 1.\r\n" +
		at + "##[warning]Node 16 is old.\r\n" +
		at + "not whole"
	want := []string{
		"Current runner version: '2.330.0'", "Run ./deploy.sh", "./deploy.sh --token ***", "100%", "", "without a time",
		"Error: Process completed with exit code 1.", "Warning: Node 16 is old.",
	}
	lines, stamps := l.readable(raw, false)
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("while it runs (-want +got):\n%s", diff)
	}
	if len(stamps) != len(lines) || stamps[0] != strings.TrimSpace(at) || stamps[5] != "" {
		t.Errorf("times are %q", stamps)
	}
	lines, stamps = l.readable(raw, true)
	if diff := cmp.Diff(append(want, "not whole"), lines); diff != "" || len(stamps) != len(lines) {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

func TestEveryWordOfGitHubIsFolded(t *testing.T) {
	t.Parallel()
	for words, want := range map[string]engine.Status{
		"queued": engine.Queued, "requested": engine.Queued, "pending": engine.Queued, "waiting": engine.Waiting, "in_progress": engine.Running,
		"completed success": engine.Passed, "completed neutral": engine.Passed, "completed failure": engine.Failed,
		"completed startup_failure": engine.Failed, "completed cancelled": engine.Cancelled, "completed skipped": engine.Skipped,
		"completed timed_out": engine.Timeout, "completed stale": engine.Timeout, "completed action_required": engine.Waiting,
		"completed dreaming": engine.Unknown, "dreaming": engine.Unknown, "completed": engine.Unknown, "": engine.Unknown,
	} {
		status, conclusion, _ := strings.Cut(words, " ")
		if got := folded(status, conclusion); got != want {
			t.Errorf("%q is %s", words, got)
		}
	}
}

func TestAJobThatTookTooLongIsKnownByItsLog(t *testing.T) {
	t.Parallel()
	j := job{status: "completed", conclusion: "cancelled", late: true}
	if j.folded() != engine.Timeout {
		t.Errorf("it is %s", j.folded())
	}
}

func TestJobsOfARunAreThoseOfItsFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, running string
		want          bool
	}{
		{"build", "build", true},
		{"build", "build (linux, 1.26)", true},
		{"build", "build / compile", true},
		{"build", "build (linux) / compile", true},
		{"build", "builder", false},
		{"Build it", "build", false},
		{"Build on ${{ matrix.os }}", "Build on linux", true},
		{"${{ matrix.os }} (${{ matrix.go }})", "linux (1.26)", true},
		{"a.c", "abc", false},
	} {
		if got := called(c.name).MatchString(c.running); got != c.want {
			t.Errorf("%q is %q: %v", c.name, c.running, got)
		}
	}
}

func TestTheNewestAttemptOfEachJobCounts(t *testing.T) {
	t.Parallel()
	all := []job{
		{id: 1, attempt: 1, name: "a", status: "completed", conclusion: "success"},
		{id: 2, attempt: 1, name: "same", status: "completed", conclusion: "success"},
		{id: 3, attempt: 1, name: "same", status: "completed", conclusion: "failure"},
		{id: 4, attempt: 1, name: "later", status: "completed", conclusion: "skipped"},
		{id: 5, attempt: 2, name: "same", status: "completed", conclusion: "success"},
		{id: 6, attempt: 2, name: "same", status: "in_progress"},
	}
	var got []string
	for _, j := range newest(all, 2) {
		got = append(got, fmt.Sprintf("%s %d %s", j.name, j.id, j.status))
	}
	want := []string{"a 1 completed", "same 5 completed", "same 6 in_progress", "later 0 "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
}

func TestWhereGitHubIs(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"":                                   "https://api.github.com/ https://github.com",
		"https://api.github.com":             "https://api.github.com/ https://github.com",
		"https://github.com/":                "https://api.github.com/ https://github.com",
		"https://acme.ghe.com":               "https://api.acme.ghe.com/ https://acme.ghe.com",
		"https://api.acme.ghe.com":           "https://api.acme.ghe.com/ https://acme.ghe.com",
		"https://github.example.com":         "https://github.example.com/api/v3/ https://github.example.com",
		"https://github.example.com/api/v3/": "https://github.example.com/api/v3/ https://github.example.com",
		"http://127.0.0.1:9000":              "http://127.0.0.1:9000/api/v3/ http://127.0.0.1:9000",
	} {
		api, web, err := addresses(given)
		if err != nil || api.String()+" "+web != want {
			t.Errorf("%q: %v %s, %v", given, api, web, err)
		}
	}
}

func TestAMarkIsShownOnlyWhole(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]bool{
		"run-1": true, "Deploy [run-1]": true, "Deploy run-1 now": true, "run-12 run-1": true, "": false, "run-12": false, "xrun-1": false,
		"run-1.": false, "run-1_b": false, "Deploy": false,
	} {
		if got := shows(title, "run-1"); got != want {
			t.Errorf("%q: %v", title, got)
		}
	}
	if shows("anything", "") {
		t.Error("an empty mark is shown")
	}
}

// saying answers with a status and headers.
type saying struct {
	status int
	header http.Header
}

// RoundTrip implements http.RoundTripper.
func (s saying) RoundTrip(*http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	for name, values := range s.header {
		w.Header()[name] = values
	}
	w.WriteHeader(s.status)
	return w.Result(), nil
}

func TestGitHubsWaysToSayTooOften(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		status int
		header http.Header
		want   int
		after  string
	}{
		{403, http.Header{"Retry-After": {"30"}}, 429, "30"},
		{403, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1800000059"}}, 429, "60"},
		{429, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1799999000"}}, 429, "1"},
		{429, http.Header{}, 429, ""},
		{403, http.Header{"X-Ratelimit-Remaining": {"4000"}, "X-Ratelimit-Reset": {"1800000059"}}, 403, ""},
		{403, http.Header{}, 403, ""},
		{200, http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"1800000059"}}, 200, ""},
	} {
		l := &limited{saying{c.status, c.header}, func() time.Time { return now }}
		answer, err := l.RoundTrip(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != c.want || answer.Header.Get("Retry-After") != c.after {
			t.Errorf("%+v: %d, %q", c, answer.StatusCode, answer.Header.Get("Retry-After"))
		}
	}
}
