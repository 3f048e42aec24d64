package slipway

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParamsAreShownWithoutCredentials(t *testing.T) {
	t.Parallel()
	w := &WorkflowSpec{Params: map[string]string{"API_TOKEN": "a", "db-password": "b", "pin": "c", "version": "4.2", "secret": ""}}
	want := map[string]string{"API_TOKEN": "***", "db-password": "***", "pin": "c", "version": "4.2", "secret": ""}
	if diff := cmp.Diff(want, w.ShownParams()); diff != "" {
		t.Errorf("while nothing but the names is known (-want +got):\n%s", diff)
	}
	w.Definition = &Workflow{Params: []Param{{Name: "pin", IsCredential: true}, {Name: "API_TOKEN"}}}
	want["pin"], want["API_TOKEN"] = "***", "a"
	if diff := cmp.Diff(want, w.ShownParams()); diff != "" {
		t.Errorf("when the definition tells (-want +got):\n%s", diff)
	}
}

func TestAMaskStandsForTheValueThatIsThere(t *testing.T) {
	t.Parallel()
	w := &WorkflowSpec{Params: map[string]string{"token": "a", "version": "4.2"}}
	given := map[string]string{"token": "***", "version": "***", "password": "***"}
	w.SetParams(given)
	want := map[string]string{"token": "a", "version": "***", "password": "***"}
	if diff := cmp.Diff(want, w.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if w.SetParams(map[string]string{"token": "new"}); w.Params["token"] != "new" || len(w.Params) != 1 {
		t.Errorf("params are %v", w.Params)
	}
	if w.SetParams(nil); w.Params != nil {
		t.Errorf("params are %v", w.Params)
	}
}
