package jenkins

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// console is a Jenkins that has nothing but the log of one build.
type console struct {
	text string
	more bool
}

func (c *console) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	start, err := strconv.Atoi(r.URL.Query().Get("start"))
	if err != nil || start > len(c.text) {
		start = 0
	}
	w.Header().Set("X-Text-Size", strconv.Itoa(len(c.text)))
	if c.more {
		w.Header().Set("X-More-Data", "true")
	}
	fmt.Fprint(w, c.text[start:])
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func reader(t *testing.T, c *console) *logs {
	t.Helper()
	e, err := New(Config{
		URL: "http://ci.example.com", User: "bot", Token: "s3cret-token", Access: remote.Access{Transport: c, Now: time.Now}, LogPoll: time.Nanosecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	return newLogs(e, "one@1", "one")
}

func texts(lines []engine.Line) []string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return all
}

func TestALogIsReadFromWhereItWasReadTo(t *testing.T) {
	t.Parallel()
	c := &console{more: true}
	l := reader(t, c)
	b := &build{Building: true, At: 1}
	var got []string
	read := func(more string) {
		c.text += more
		lines, err := l.news(t.Context(), "/job/one/1", b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, texts(lines)...)
	}
	read("Started by user bot\nRunning as SYSTEM\none\ntw")
	read("o s3cret-")
	read("token 你\xe5")
	read("\xa5\xbd\n\x1b[31mred\x1b[0m\n[Pipeline] sh\n")
	c.more, b.Building, b.Result = false, false, "SUCCESS"
	read("10%\r100%\nlast")
	read("")
	want := []string{"one", "two *** 你好", "red", "100%", "last"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	whole := reader(t, c)
	lines, err := whole.news(t.Context(), "/job/one/1", b)
	if diff := cmp.Diff(want, texts(lines)); err != nil || diff != "" {
		t.Errorf("read at once: %v (-want +got):\n%s", err, diff)
	}
}

func TestOfALongLogTheMiddleIsLeftOut(t *testing.T) {
	t.Parallel()
	var all strings.Builder
	const n = output.FirstLines + 3*output.LastLines
	for i := range n {
		fmt.Fprintln(&all, i+1)
	}
	c := &console{more: true}
	l := reader(t, c)
	b := &build{Building: true, At: 1}
	var got []string
	for _, part := range []int{100, 25_000, all.Len()} {
		c.text = all.String()[:part]
		if part == all.Len() {
			c.more, b.Building, b.Result = false, false, "FAILURE"
		}
		lines, err := l.news(t.Context(), "/job/one/1", b)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, texts(lines)...)
	}
	if len(got) != output.FirstLines+1+output.LastLines || got[0] != "1" || got[len(got)-1] != strconv.Itoa(n) ||
		got[output.FirstLines+1] != strconv.Itoa(n-output.LastLines+1) {
		t.Errorf("%d lines, from %q to %q", len(got), got[0], got[len(got)-1])
	}
	whole := reader(t, c)
	lines, err := whole.news(t.Context(), "/job/one/1", b)
	if diff := cmp.Diff(got, texts(lines)); err != nil || diff != "" {
		t.Errorf("read at once: %v (-want +got):\n%s", err, diff)
	}
}

func TestWordsOfJenkins(t *testing.T) {
	t.Parallel()
	builds := map[string]engine.Status{
		"SUCCESS": engine.Passed, "UNSTABLE": engine.Failed, "FAILURE": engine.Failed, "NOT_BUILT": engine.Failed, "ABORTED": engine.Cancelled,
		"": engine.Unknown, "PERHAPS": engine.Unknown,
	}
	for word, want := range builds {
		if got := folded(word); got != want {
			t.Errorf("a build that is %q is %s, want %s", word, got, want)
		}
	}
	stages := map[string]engine.Status{
		"SUCCESS": engine.Passed, "FAILED": engine.Failed, "UNSTABLE": engine.Failed, "ABORTED": engine.Cancelled,
		"IN_PROGRESS": engine.Running, "PAUSED_PENDING_INPUT": engine.Waiting, "NOT_EXECUTED": engine.Skipped, "SKIPPED": engine.Skipped,
		"": engine.Unknown, "PERHAPS": engine.Unknown,
	}
	for word, want := range stages {
		if got := foldedStage(word); got != want {
			t.Errorf("a stage that is %q is %s, want %s", word, got, want)
		}
	}
}

func TestInputsAreCalledByWhatTheyAskUnlessTheyHaveAName(t *testing.T) {
	t.Parallel()
	got := names([]input{
		{ID: "Deploy", Message: "Deploy to production?"},
		{ID: "Ef95dd500ae6ed3b27b89fb852296d12", Message: "Is the build okay?"},
		{ID: "0f95dd500ae6ed3b27b89fb852296d13", Message: "Is the build okay?"},
		{ID: "Af95dd500ae6ed3b27b89fb852296d14"},
	})
	want := []string{
		"Deploy", "Is the build okay?", "Is the build okay? (0f95dd500ae6ed3b27b89fb852296d13)", "Af95dd500ae6ed3b27b89fb852296d14",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}
