package jenkins_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/jenkins/jenkinstest"
)

func TestTheDefinitionSaysWhatTheJobDeclares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("params", "one")
	s.Params = map[string]string{"GREETING": "hi"}
	got, err := w.Resolve(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	want := []slipway.Param{
		{Name: "GREETING", Type: slipway.ParamString, Description: "about GREETING", Value: "hi", Source: slipway.SourceRuntime},
		{
			Name: "TARGET", Type: slipway.ParamChoice, Description: "about TARGET", Value: "a", Default: "a",
			ChoiceOption: []string{"a", "b"}, Source: slipway.SourceRuntime,
		},
	}
	if diff := cmp.Diff(want, got.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if got.Name != "one" || got.Project != "params" || got.DisplayName != "params » one" || got.Stages[0].Jobs[0].Name != "one" {
		t.Errorf("definition is %+v", got)
	}
	if !strings.Contains(got.Remark, "sha256:") {
		t.Errorf("remark is %q", got.Remark)
	}
	if again, err := w.Resolve(t.Context(), s); err != nil || slipway.CompareDefinitions(got, again) != nil {
		t.Errorf("nobody changed it: %v, %+v", err, slipway.CompareDefinitions(got, again))
	}
	w.server.Edit(single("params", "one", standin.Job{Says: []string{"something else"}}, standin.Param{Name: "GREETING"},
		standin.Param{Name: "TARGET", Default: "a", Choices: []string{"a", "b"}}))
	if changed, err := w.Resolve(t.Context(), s); err != nil || changed.Remark == got.Remark {
		t.Errorf("after a change: %v, %+v", err, changed)
	}
}

func TestAChangeOfTheParametersShowsWithoutTheRightToReadTheConfiguration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *jenkinstest.Config) { c.Unread = true })
	run, mark := enginetest.RunOf(t, w, spec("params", "one"))
	if run.Workflow.Definition.Remark != "" {
		t.Errorf("remark is %q", run.Workflow.Definition.Remark)
	}
	w.server.Edit(single("params", "one", standin.Job{}, standin.Param{Name: "GREETING", Default: "hello"}))
	_, err := w.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Conflict, "params/one")
	if w.server.Starts(mark.ID) != 0 {
		t.Error("it was started")
	}
}

func TestKindsOfParameters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := spec("apps", "kinds")
	s.Params = map[string]string{"DRY_RUN": "false"}
	p := enginetest.Start(t, w, s)
	p.End()
	if diff := cmp.Diff([]string{"[false]"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
	for name, value := range map[string]string{"DRY_RUN": "perhaps", "PLAN_FILE": "x", "SLIPWAY_MARK": "x"} {
		s.Params = map[string]string{name: value}
		_, err := w.Resolve(t.Context(), s)
		enginetest.WantRefusal(t, err, slipway.Invalid, name)
	}
	s.Params, s.Inputs = nil, []byte(`{"a":1}`)
	_, err := w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.Invalid, "inputs")
}

func TestWorkflowsAreListedWithTheirFolders(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	list, err := w.Workflows(t.Context(), "apps")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range list {
		names = append(names, x.Project+"|"+x.Name)
	}
	want := []string{"apps|slow", "apps/shop|deploy", "apps/shop|feature%2Flogin", "apps|kinds"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("jobs (-want +got):\n%s", diff)
	}
	if all, err := w.Workflows(t.Context(), ""); err != nil || len(all) != len(workflows()) {
		t.Errorf("%d jobs in all, %v", len(all), err)
	}
	for _, none := range []string{"nowhere", "a?b"} {
		_, err := w.Workflows(t.Context(), none)
		enginetest.WantRefusal(t, err, slipway.NotFound, none)
	}
}

func TestAJobIsNamedByItsFoldersAndItsName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, s := range []slipway.WorkflowSpec{
		spec("apps/shop", "deploy"), spec("", "apps/shop/deploy"), spec("/apps/", "shop/deploy"), spec("apps/shop", "feature%2Flogin"),
	} {
		got, err := w.Resolve(t.Context(), s)
		if err != nil || got.Project != "apps/shop" {
			t.Errorf("%+v: %v, %+v", s, err, got)
		}
	}
	for _, s := range []slipway.WorkflowSpec{spec("", ""), spec("apps", ""), spec("apps/..", "x"), spec("a//b", "x"), spec("apps", "x?y")} {
		_, err := w.Resolve(t.Context(), s)
		enginetest.WantRefusal(t, err, slipway.Invalid, "")
	}
	_, err := w.Resolve(t.Context(), spec("apps", "shop"))
	enginetest.WantRefusal(t, err, slipway.Invalid, "apps/shop")
	p := enginetest.Start(t, w, spec("apps/shop", "feature%2Flogin"))
	if r := p.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}

func TestAJobWithoutParametersIsBuilt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := enginetest.Start(t, w, spec("plain", "one"))
	if r := p.End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}
