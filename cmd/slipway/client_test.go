package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Warnings of the API stand below the plan, on lines of their own whatever is in them.
func TestTheCommandLinePrintsWarnings(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"id":"x","index":1,"name":"payments","status":"executing","manager":"Alice","version":2,"allowed":["cancel"],
			"warnings":[{"code":"open_issues","message":"PAY Sprint 12 has open issues (1):\u001b[31m PAY-1"}]}`)
	}))
	t.Cleanup(server.Close)
	p, _ := surroundings(t, map[string]string{"SLIPWAY_PUBLIC_URL": server.URL, "SLIPWAY_TOKEN": "token"}, "")
	var out bytes.Buffer
	p.stdout = &out
	if err := planCommand(t.Context(), []string{"submit", "#1"}, p); err != nil {
		t.Fatal(err)
	}
	want := "#1 payments\n  id       x\n  status   executing\n  manager  Alice\n  version  2\n  you may  cancel\n" +
		"  warning  PAY Sprint 12 has open issues (1): [31m PAY-1\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
}
