package jiratest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"slipway/webhook/jira/jiratest"
)

func TestItRefusesWhatJiraWouldRefuse(t *testing.T) {
	t.Parallel()
	s := jiratest.New(t, jiratest.Payments("", "pat"))
	for _, c := range []struct {
		method, path, body string
		status             int
		said               string
	}{
		{"GET", "/rest/agile/1.0/board?maxResult=5", "", 400, `"maxResult" is not known`},
		{"GET", "/rest/agile/1.0/board/7/sprint?state=open", "", 400, `"open" of sprints is not known`},
		{"GET", "/rest/agile/1.0/board/7/sprint?startAt=x", "", 400, "are numbers"},
		{"GET", "/rest/agile/2.0/board", "", 404, "not part of the stand-in"},
		{"POST", "/rest/api/2/issue/PAY-1/comment", `{"text": "x"}`, 400, "unknown field"},
		{"POST", "/rest/api/2/issue/PAY-1/comment", `{"body": ""}`, 400, "can not be empty"},
		{"POST", "/rest/api/2/issue/PAY-1/remotelink", `{"object": {"url": "x"}}`, 400, "are required"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, s.URL+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer pat")
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if violations := s.Forgive(); err != nil || answer.StatusCode != c.status || !strings.Contains(strings.ReplaceAll(string(said), `\"`, `"`), c.said) || len(violations) != 1 {
			t.Errorf("%s %s: %d %s (%v), violations %v; want %d with %q", c.method, c.path, answer.StatusCode, said, err, violations, c.status, c.said)
		}
	}
}
