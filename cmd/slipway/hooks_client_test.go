package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is asked for at the terminal is what the API is asked for; what would be left out is
// refused.
func TestReplayingHooksOfAPlanOrPeriod(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		"replay --failed": `POST /api/v1/deliveries/replay {"dry_run":false}`,
		"replay --failed --plan 12 --endpoint office --dry-run": `POST /api/v1/deliveries/replay {"dry_run":true,"endpoint":"office","plan":"12"}`,
		"replay --failed --since 2026-11-24T00:00:00Z --until 2026-11-25T00:00:00Z": `POST /api/v1/deliveries/replay ` +
			`{"dry_run":false,"since":"2026-11-24T00:00:00Z","until":"2026-11-25T00:00:00Z"}`,
		"replay --failed --state pending": "--state does not go with hooks replay --failed",
		"replay --failed --limit 3":       "--limit does not go with hooks replay --failed",
		"replay":                          "hooks replay ID, hooks replay --failed",
		"export --plan 12 --since 100":    "GET /api/v1/deliveries/export?plan=12&since=100 ",
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what is missing is seen below
			asked = append(asked, r.Method+" "+r.URL.RequestURI()+" "+string(body))
			_, _ = io.WriteString(w, `{"found":3,"sent":2,"refused":1}`)
		}))
		p, _ := surroundings(t, map[string]string{"SLIPWAY_PUBLIC_URL": server.URL, "SLIPWAY_TOKEN": "token"}, "")
		var out bytes.Buffer
		p.stdout = &out
		err := hooksCommand(t.Context(), strings.Fields(typed), p)
		server.Close()
		if err != nil {
			asked = append(asked, err.Error())
		}
		if len(asked) != 1 || !strings.Contains(asked[0], want) {
			t.Errorf("hooks %s: %s", typed, cmp.Diff([]string{want}, asked))
		}
	}
}
