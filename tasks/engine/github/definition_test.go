package github_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/enginetest/standin"
	"slipway/tasks/engine/github/githubtest"
)

// withFile puts the text of a workflow into the place of "passes".
func withFile(text string) func(*githubtest.Config) {
	return func(c *githubtest.Config) {
		c.Files = map[string]string{project + "/.github/workflows/passes.yml": text}
	}
}

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
		{Name: "ref", Type: slipway.ParamString, Value: "main", Source: slipway.SourceRuntime},
		{Name: "GREETING", Type: slipway.ParamString, Description: "about GREETING", Value: "hi", Source: slipway.SourceRuntime},
		{
			Name: "TARGET", Type: slipway.ParamChoice, Description: "about TARGET", Value: "a", Default: "a",
			ChoiceOption: []string{"a", "b"}, Source: slipway.SourceRuntime,
		},
	}
	if diff := cmp.Diff(want, got.Params); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
	if got.Name != "params.yml@main" || got.DisplayName != "The workflow params" || got.Project != project ||
		!strings.Contains(got.Remark, "sha256:") || !strings.Contains(got.Remark, "slipway_mark") {
		t.Errorf("definition is %+v", got)
	}
	written, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := slipway.DecodeWorkflow(written); len(problems) > 0 {
		t.Errorf("it is not as documented: %v", problems)
	}
	if !strings.Contains(string(written), `"runs-on":"ubuntu-latest"`) {
		t.Errorf("hooks do not carry the jobs: %s", written)
	}
	if again, err := w.Resolve(t.Context(), s); err != nil || slipway.CompareDefinitions(got, again) != nil {
		t.Errorf("nobody changed it: %v, %+v", err, slipway.CompareDefinitions(got, again))
	}
	w.server.Edit(flow("params", workflows()[4].Params, stage("run", standin.Job{Name: "one", Says: []string{"something else"}})))
	if changed, err := w.Resolve(t.Context(), s); err != nil || slipway.CompareDefinitions(got, changed) == nil {
		t.Errorf("after a change: %v, %+v", err, changed)
	}
}

func TestJobsAreStagesByWhatTheyNeed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withFile(`
on: [push, workflow_dispatch]
jobs:
  deploy: {runs-on: x, needs: [test, build], steps: [{run: a}]}
  build: {runs-on: x, steps: [{run: a}]}
  lint: {runs-on: x, steps: [{run: a}]}
  test: {runs-on: x, needs: build, steps: [{run: a}]}
  tell: {uses: octo/tools/.github/workflows/tell.yml@v1, needs: build}
`))
	got, err := w.Resolve(t.Context(), spec("passes"))
	if err != nil {
		t.Fatal(err)
	}
	var jobs [][]string
	for _, stage := range got.Stages {
		var names []string
		for _, j := range stage.Jobs {
			names = append(names, j.Name)
		}
		jobs = append(jobs, names)
	}
	if diff := cmp.Diff([][]string{{"build", "lint"}, {"test", "tell"}, {"deploy"}}, jobs); diff != "" {
		t.Errorf("stages (-want +got):\n%s", diff)
	}
	if got.DisplayName != "passes.yml" {
		t.Errorf("a workflow without a name is called %q", got.DisplayName)
	}
}

func TestAWorkflowThatIsCalledBelongsToTheDefinition(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		project + "/.github/workflows/passes.yml": "on: workflow_dispatch\njobs: {call: {uses: ./.github/workflows/called.yml}, gone: {uses: ./.github/workflows/gone.yml}}",
		project + "/.github/workflows/called.yml": "on: workflow_call\njobs: {again: {uses: ./.github/workflows/deep.yml}}",
		project + "/.github/workflows/deep.yml":   "on: workflow_call\njobs: {again: {uses: ./.github/workflows/called.yml}}",
	}
	resolve := func() *slipway.Workflow {
		w := newWorld(t, func(c *githubtest.Config) { c.Files = files })
		got, err := w.Resolve(t.Context(), spec("passes"))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	before := resolve()
	files[project+"/.github/workflows/deep.yml"] += " # changed"
	if slipway.CompareDefinitions(before, resolve()) == nil {
		t.Error("a change of a called workflow is not seen")
	}
}

func TestTheBranchIsNamedWithTheWorkflowOrByAParamOrIsTheDefault(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, c := range []struct {
		name, param, want string
	}{
		{"passes.yml", "", "passes.yml@main"},
		{"passes.yml@release/4", "", "passes.yml@release/4"},
		{"passes.yml@release/4", "release/4", "passes.yml@release/4"},
		{"passes.yml", "release/4", "passes.yml@release/4"},
		{"passes.yml@refs/heads/release/4", "", "passes.yml@release/4"},
		{"passes.yml@main", "release/4", ""},
	} {
		s := spec("")
		s.Name = c.name
		if c.param != "" {
			s.Params = map[string]string{"ref": c.param}
		}
		got, err := w.Resolve(t.Context(), s)
		if c.want == "" {
			enginetest.WantRefusal(t, err, slipway.Invalid, "main")
		} else if err != nil || got.Name != c.want {
			t.Errorf("%+v: %v, %+v", c, err, got)
		}
	}
	s := spec("passes")
	s.Params = map[string]string{"ref": "nowhere"}
	_, err := w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.NotFound, "nowhere")
	p := enginetest.Start(t, w, slipway.WorkflowSpec{Project: project, Name: "passes.yml@release/4"})
	p.End()
	if diff := cmp.Diff([]string{"hello from the branch"}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}

func TestAWorkflowIsNamedByItsFileItsNameOrItsNumber(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"stages.yml", ".github/workflows/stages.yml", "The workflow stages", "107", "The workflow stages@main"} {
		s := spec("")
		s.Name = name
		if got, err := w.Resolve(t.Context(), s); err != nil || got.Name != "stages.yml@main" {
			t.Errorf("%q: %v, %+v", name, err, got)
		}
	}
	for _, name := range []string{"", "no.yml", "999", "The workflow", "../../user.yml", "a/b.yml", "%2e%2e.yml", "..yml", "?a.yml"} {
		s := spec("")
		s.Name = name
		_, err := w.Resolve(t.Context(), s)
		enginetest.WantRefusal(t, err, slipway.NotFound, strings.TrimPrefix(name, ".github/workflows/"))
	}
}

func TestARepositoryIsSpelledAsGitHubDoes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for named, code := range map[string]slipway.Code{
		"": slipway.Invalid, "app": slipway.Invalid, "team/app/x": slipway.Invalid, "team/..": slipway.Invalid, "team/app?": slipway.Invalid,
		"Team/App": slipway.Invalid, "team/other": slipway.NotFound,
	} {
		s := spec("passes")
		s.Project = named
		_, err := w.Resolve(t.Context(), s)
		enginetest.WantRefusal(t, err, code, "")
	}
}

const typed = `
on:
  workflow_dispatch:
    inputs:
      version: {description: What to deploy, required: true}
      count: {type: number, default: 2}
      dry: {type: boolean}
      where: {type: environment, required: false}
      size: {type: choice, options: [s, m], default: s}
      ref: {default: a}
      api_key: {}
      slipway_mark:
jobs: {one: {runs-on: x, steps: [{run: a}]}}
`

func TestInputsOfEveryType(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withFile(typed), func(c *githubtest.Config) { c.Environments = []string{"eu west"} })
	for _, c := range []struct {
		params map[string]string
		inputs string
		fault  string // what is named; empty: none
	}{
		{map[string]string{"version": "1"}, "", ""},
		{map[string]string{"version": "1", "count": "-2.5e3", "dry": "true", "where": "eu west", "size": "m", "ref": "b"}, "", ""},
		{nil, `{"version": "1", "count": 3, "dry": true}`, ""},
		{nil, "", "version"},
		{map[string]string{"version": ""}, "", "version"},
		{map[string]string{"version": "1", "count": "two"}, "", "count"},
		{map[string]string{"version": "1", "dry": "yes"}, "", "dry"},
		{map[string]string{"version": "1", "where": "moon"}, "", "moon"},
		{map[string]string{"version": "1", "size": "xl"}, "", "size"},
		{map[string]string{"version": "1", "slipway_mark": "mine"}, "", "slipway_mark"},
		{map[string]string{"version": "1", "versions": "1"}, "", "versions"},
		{map[string]string{"version": "1"}, `{"version": "1"}`, "version"},
		{map[string]string{"version": "1"}, `{"other": "1"}`, "other"},
		{map[string]string{"version": "1"}, `[1]`, "inputs"},
	} {
		s := spec("passes")
		s.Name, s.Params, s.Inputs = "passes.yml@main", c.params, []byte(c.inputs)
		got, err := w.Resolve(t.Context(), s)
		if c.fault != "" {
			enginetest.WantRefusal(t, err, slipway.Invalid, c.fault)
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if names := len(got.Params); names != 7 || got.Params[6].Name != "api_key" || !got.Params[6].IsCredential {
			t.Errorf("params are %+v", got.Params)
		}
	}
	s := spec("passes")
	s.Params = map[string]string{"version": "1", "ref": "main"}
	_, err := w.Resolve(t.Context(), s)
	enginetest.WantRefusal(t, err, slipway.Invalid, "passes.yml@main")
}

func TestWhatGitHubWouldNotRunIsRefused(t *testing.T) {
	t.Parallel()
	const jobs = "\njobs: {one: {runs-on: x, steps: [{run: a}]}}"
	var many strings.Builder
	many.WriteString("on:\n workflow_dispatch:\n  inputs:\n")
	params := map[string]string{}
	for i := range 25 {
		fmt.Fprintf(&many, "   i%d: {}\n", i)
		params[fmt.Sprint("i", i)] = "x"
	}
	for what, c := range map[string]struct {
		text, names string
	}{
		"no YAML":           {"on: [", "passes.yml"},
		"no workflow":       {"- a", "passes.yml"},
		"no jobs":           {"on: workflow_dispatch\njobs: {}", "passes.yml"},
		"not from outside":  {"on: push" + jobs, "workflow_dispatch"},
		"not in the list":   {"on: [push, schedule]" + jobs, "workflow_dispatch"},
		"a cycle":           {"on: workflow_dispatch\njobs: {a: {runs-on: x, needs: b}, b: {runs-on: x, needs: [a]}}", "a"},
		"a job of nothing":  {"on: workflow_dispatch\njobs: {odd: {steps: []}}", "odd"},
		"a job that is bad": {"on: workflow_dispatch\njobs: {odd: [1]}", "odd"},
		"too many inputs":   {many.String() + "   slipway_mark: {}" + jobs, "25"},
	} {
		w := newWorld(t, withFile(c.text))
		s := spec("passes")
		if what == "too many inputs" {
			s.Params = params
		}
		_, err := w.Resolve(t.Context(), s)
		if err == nil {
			t.Errorf("%s: it is taken", what)
			continue
		}
		enginetest.WantRefusal(t, err, slipway.Invalid, c.names)
	}
	w := newWorld(t, func(c *githubtest.Config) { c.Disabled = []string{"passes"} })
	_, err := w.Resolve(t.Context(), spec("passes"))
	enginetest.WantRefusal(t, err, slipway.Invalid, "Actions")
}

func TestTheWorkflowsOfARepositoryAreListed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *githubtest.Config) {
		c.Disabled = []string{"asks"}
		c.Files = map[string]string{project + "/.github/workflows/slow.yml": "on: push\njobs: {a: {runs-on: x}}"}
	})
	list, err := w.Workflows(t.Context(), project)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range list {
		names = append(names, f.Name)
	}
	want := []string{
		"passes.yml", "fails.yml", "blocks.yml", "params.yml", "secret.yml", "chatter.yml", "stages.yml", "broken.yml", "flaky.yml",
		"unmarked.yml", "partly.yml",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("workflows (-want +got):\n%s", diff)
	}
	_, err = w.Workflows(t.Context(), "")
	enginetest.WantRefusal(t, err, slipway.Invalid, "owner/name")
}
