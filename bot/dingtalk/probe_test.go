package dingtalk

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"slipway/bot"
)

func TestDoctorSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		change func(w *world)
		wrong  []string // part of what is wrong, and of how to mend it
	}{
		"nothing": {func(*world) {}, nil},
		"secret":  {func(w *world) { w.AppSecret = "wrong" }, []string{"does not take the app's key and secret", "Client Secret"}},
		"address": {func(w *world) { w.BaseURL = "http://127.0.0.1:1" }, []string{"cannot be reached", "SLIPWAY_DINGTALK_BASE_URL"}},
		"definition": {func(w *world) { w.there.RemoveDefinition(definition) }, []string{
			"cannot be read: read form", "copy the processCode", "Approvals cannot be read", "Workflow.Instance.Read",
		}},
		"form permission": {func(w *world) { w.there.SetScopes("Workflow.Instance.Read", "Workflow.Instance.Write") }, []string{
			"The approval " + definition + " cannot be read", "lacks the permission Workflow.Form.Read",
		}},
		"read permission":  {func(w *world) { w.there.SetScopes("Workflow.Form.Read", "Workflow.Instance.Write") }, []string{"Approvals cannot be read", "lacks the permission Workflow.Instance.Read"}},
		"write permission": {func(w *world) { w.there.SetScopes("Workflow.Form.Read", "Workflow.Instance.Read") }, []string{"Approvals cannot be asked for", "lacks the permission Workflow.Instance.Write"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			tt.change(w)
			var wrong []string
			for _, f := range w.Probe(t.Context()) {
				if f.What.EN == "" || f.What.ZH == "" || (!f.OK && (f.Mend.EN == "" || f.Mend.ZH == "")) {
					t.Errorf("a finding is not said in both languages: %+v", f)
				}
				if !f.OK {
					wrong = append(wrong, f.What.EN, f.Mend.EN)
				}
			}
			for i, part := range tt.wrong {
				if i >= len(wrong) || !strings.Contains(wrong[i], part) {
					t.Fatalf("doctor says %q, want %q", wrong, tt.wrong)
				}
			}
			if len(wrong) != len(tt.wrong) || len(w.there.Instances()) > 0 {
				t.Errorf("doctor says %q, want %q", wrong, tt.wrong)
			}
		})
	}
}

func TestDoctorKnowsWhetherEventsCome(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	silent := newWorld(t, func(c *Config) { c.CallbackToken, c.CallbackKey = "", "" })
	last := func(w *world) bot.Finding {
		found := w.Probe(t.Context())
		return found[len(found)-1]
	}
	if f := last(w); !f.OK || !strings.Contains(f.What.EN, "encrypted and signed") {
		t.Errorf("with a key: %+v", f)
	}
	if f := last(silent); !f.OK || !strings.Contains(f.What.EN, "next asks") {
		t.Errorf("without a key: %+v", f)
	}
}

func TestAnAnswerThatIsNotUnderstoodIsAFault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, tt := range map[string]struct {
		status int
		body   string
	}{
		"no JSON":       {http.StatusOK, "<html>hello</html>"},
		"nothing":       {http.StatusOK, "{}"},
		"not done":      {http.StatusOK, `{"success": false, "result": {"status": "COMPLETED", "result": "agree"}}`},
		"not done, odd": {http.StatusOK, `{"success": "false", "result": {"status": "COMPLETED", "result": "agree"}}`},
		"elsewhere":     {http.StatusFound, `{"result": {"status": "COMPLETED", "result": "agree"}}`},
		"a gateway":     {http.StatusBadGateway, "Bad Gateway"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			odd := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				if r.URL.Path == pathToken {
					_, _ = rw.Write([]byte(`{"accessToken": "t", "expireIn": 7200}`))
					return
				}
				rw.WriteHeader(tt.status)
				_, _ = rw.Write([]byte(tt.body))
			}))
			t.Cleanup(odd.Close)
			c := w.Config
			c.BaseURL = odd.URL
			d, err := New(c)
			must(t, err)
			if v, err := d.Look(t.Context(), "pi"); err == nil {
				t.Errorf("Look = %+v", v)
			}
			if ref, err := d.Create(t.Context(), w.question()); err == nil {
				t.Errorf("Create = %q", ref)
			}
			if ref, err := d.Find(t.Context(), w.question()); (err == nil) != (name == "nothing") {
				t.Errorf("Find = %q, %v", ref, err)
			}
		})
	}
}
