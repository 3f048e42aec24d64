package gitlab_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
)

func TestTheDefinitionSaysWhatWillRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("params")
	s.Params = map[string]string{"GREETING": "hi"}
	got, err := w.Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []slipway.Param{
		{Name: "ref", Type: slipway.ParamString, Value: "params", Source: slipway.SourceRuntime},
		{Name: "GREETING", Type: slipway.ParamString, Description: "about GREETING", Value: "hi", Source: slipway.SourceRuntime},
		{
			Name: "TARGET", Type: slipway.ParamChoice, Description: "about TARGET", Value: "a", Default: "a",
			ChoiceOption: []string{"a", "b"}, Source: slipway.SourceRuntime,
		},
	}
	if diff := cmp.Diff(want, got.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if len(got.Stages) != 1 || got.Stages[0].Jobs[0].Name != "one" || !strings.Contains(got.Remark, "sha256:") {
		t.Errorf("definition is %+v", got)
	}
	// Any change of the configuration is a change of the definition.
	w.server.Edit(flow("params", workflows()[4].Params, stage("run", standin.Job{Name: "one", Says: []string{"something else"}})))
	changed, err := w.Resolve(t.Context(), spec("params"))
	if err != nil || changed.Remark == got.Remark {
		t.Errorf("after a change: %v, %+v", err, changed)
	}
}

func TestTheRefIsTheWorkflowOrAParamOrTheDefaultBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, param, want string
	}{
		{"passes", "", "passes"}, {"pipeline", "stages", "stages"}, {"pipeline", "", "main"}, {"", "", "main"}, {"passes", "stages", ""},
	} {
		s := spec(c.name)
		if c.param != "" {
			s.Params = map[string]string{"ref": c.param}
		}
		got, err := w.Resolve(t.Context(), s)
		if c.want == "" {
			enginetest.WantRefusal(t, err, slipway.Invalid, c.name)
		} else if err != nil || got.Name != c.want {
			t.Errorf("%+v: %v, %+v", c, err, got)
		}
	}
}

func TestInputsOfThePipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []slipway.WorkflowSpec{
		{Project: project, Name: "inputs", Params: map[string]string{"environment": "live"}},
		{Project: project, Name: "inputs", Inputs: []byte(`{"environment": "live"}`)},
	} {
		t.Run("", func(t *testing.T) {
			p := enginetest.Start(t, w, s)
			if r := p.End(); r.Status != engine.Passed {
				t.Errorf("result is %+v", r)
			}
			if diff := cmp.Diff([]string{"to live"}, p.Texts()); diff != "" {
				t.Errorf("log (-want +got):\n%s", diff)
			}
		})
	}
	for _, inputs := range []string{`{"environment": "moon"}`, `{"environ": "live"}`, `[1]`} {
		_, err := w.Resolve(t.Context(), slipway.WorkflowSpec{Project: project, Name: "inputs", Inputs: []byte(inputs)})
		enginetest.WantRefusal(t, err, slipway.Invalid, "inputs")
	}
}
