//go:build unix

package local_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
)

// paths lists the places of a refusal's problems.
func paths(err error) []string {
	var paths []string
	for _, p := range slipway.ProblemsOf(err) {
		paths = append(paths, p.Path)
	}
	return paths
}

func TestResolveNamesEveryFault(t *testing.T) {
	t.Parallel()
	const job = "stages: [{name: s, jobs: [{name: one, type: freestyle, spec: {run: 'exit 0'}}]}]\n"
	tests := []struct {
		name, file string
		params     map[string]string
		want       []string
	}{
		{"disabled and empty", "name: w\ndisabled: true\n", nil, []string{"workflow", "workflow"}},
		{"only skipped jobs", "name: w\nstages: [{jobs: [{name: a, type: sql, run_policy: skip}]}]\n", nil, []string{"workflow"}},
		{
			"jobs that cannot run", "name: w\nstages: [{jobs: [{name: a, type: sql}, {name: b, type: freestyle},\n" +
				"{name: c, type: freestyle, spec: {run: x, timeout: -1, services: [{service_name: s}]}}]}]\n", nil,
			[]string{
				"workflow.stages[0].jobs[0]", "workflow.stages[0].jobs[1].spec.run",
				"workflow.stages[0].jobs[2].spec.timeout", "workflow.stages[0].jobs[2].spec.services",
			},
		},
		{
			"variables", "name: w\nparams: [{name: ok}]\nstages: [{jobs: [{name: a, type: freestyle, spec: {run: x, envs: [\n" +
				"{key: a-b}, {key: SLIPWAY_X}, {key: PATH, value: /bin}, {key: R, value: '{{.workflow.params.no}}', source: reference},\n" +
				"{key: LD_PRELOAD, value: '{{.workflow.params.ok}}', source: reference}]}}]}]\n", nil,
			[]string{
				"workflow.stages[0].jobs[0].spec.envs[0]", "workflow.stages[0].jobs[0].spec.envs[1]",
				"workflow.stages[0].jobs[0].spec.envs[3]", "workflow.stages[0].jobs[0].spec.envs[4]",
			},
		},
		{
			"params no plan may set", "name: w\nparams: [{name: PATH}, {name: LD_PRELOAD}, {name: a b}, {name: r, type: repo}]\n" + job, nil,
			[]string{"params.PATH", "params.LD_PRELOAD", "params.a b", "params.r"},
		},
		{
			"values", "name: w\nparams: [{name: c, type: choice, choice_option: [a]}, {name: m, type: multi-select, choice_option: [a, b]},\n" +
				"{name: f, value: x, source: fixed}, {name: t}, {name: l}]\n" + job,
			map[string]string{"m": "a,z", "f": "y", "t": "a\x00b", "l": strings.Repeat("x", 65<<10), "other": "1"},
			[]string{"params.c", "params.m", "params.f", "params.t", "params.l", "params.other"},
		},
		{"no params at all", "name: w\n" + job, map[string]string{"p": "1"}, []string{"params.p"}},
	}
	for _, tt := range tests {
		w := newWorld(t, tt.file)
		spec := named
		spec.Params = tt.params
		_, err := w.Resolve(t.Context(), spec)
		if diff := cmp.Diff(tt.want, paths(err)); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", tt.name, err, diff)
		}
	}
}

func TestResolveFillsParams(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "params: [{name: given, default: d}, {name: preset, value: v, default: d}, {name: left, default: d},\n"+
		"{name: many, type: multi-select, choice_option: [a, b, c]}]\n"+script("exit 0"))
	spec := named
	spec.Params = map[string]string{"given": "g", "many": "a,c"}
	definition, err := w.Resolve(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range definition.Params {
		got = append(got, fmt.Sprint(p.Name, "=", p.Value, p.ChoiceValue))
	}
	if diff := cmp.Diff([]string{"given=g[]", "preset=v[]", "left=d[]", "many=a,c[a c]"}, got); diff != "" {
		t.Errorf("params (-want +got):\n%s", diff)
	}
}

func TestOnlyTheOperatorsFolderRuns(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("exit 0"))
	for name, spec := range map[string]slipway.WorkflowSpec{
		"inline":         {Name: "w", Inline: true},
		"outside":        {Name: "../w"},
		"file name":      {Name: "w0.yaml"},
		"other project":  {Name: "w", Project: "p"},
		"inputs":         {Name: "w", Inputs: []byte(`[{"job_name":"one"}]`)},
		"nothing at all": {},
	} {
		if _, err := w.Resolve(t.Context(), spec); slipway.CodeOf(err) != slipway.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFaultyFilesAreNamedAndHarmOnlyThemselves(t *testing.T) {
	t.Parallel()
	w := newWorld(t, script("exit 0"))
	for name, content := range map[string]string{
		"1-syntax.yaml": "name: [", "2-types.yml": "name: 4.2\nstages: {}\n", "3-twice.yaml": "name: a\nname: b\n", "4-empty.yaml": "",
		"5-bomb.yaml":  "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\n",
		"6-self.yaml":  "name: &a [*a]\n",
		"7-big.yaml":   "name: x # " + strings.Repeat("x", 1<<20),
		".hidden.yaml": "name: [", "notes.txt": "name: [",
	} {
		w.write(t, name, content)
	}
	if err := os.Mkdir(filepath.Join(w.dir, "8-dir.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Resolve(t.Context(), named); err != nil {
		t.Errorf("a good file beside faulty ones: %v", err)
	}
	missing := named
	missing.Name = "a"
	_, err := w.Resolve(t.Context(), missing)
	var files []string
	for _, path := range paths(err) {
		file, _, _ := strings.Cut(path, ":")
		files = append(files, file)
	}
	want := []string{
		"1-syntax.yaml", "2-types.yml", "2-types.yml", "3-twice.yaml", "4-empty.yaml", "5-bomb.yaml", "6-self.yaml", "7-big.yaml", "8-dir.yaml",
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestOneNameInTwoFilesNeedsTheProject(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "project: a\n"+script("exit 0"), "project: b\n"+script("exit 1"))
	_, err := w.Resolve(t.Context(), named)
	if slipway.CodeOf(err) != slipway.Invalid || !strings.Contains(err.Error(), "w0.yaml, w1.yaml") {
		t.Errorf("error is %v", err)
	}
	spec := named
	spec.Project = "b"
	if definition, err := w.Resolve(t.Context(), spec); err != nil || definition.Project != "b" {
		t.Errorf("%v, %v", definition, err)
	}
	all, err := w.Workflows(t.Context(), "")
	if err != nil || len(all) != 2 {
		t.Errorf("%d workflows, %v", len(all), err)
	}
}

func TestReplacedCredentialsAreNoChange(t *testing.T) {
	t.Parallel()
	file := func(token, path string) string {
		return fmt.Sprintf("name: w\nstages: [{jobs: [{name: one, type: freestyle, spec: {run: 'echo $P $T', envs: [\n"+
			"{key: T, value: %s, is_credential: true}, {key: P, value: %s}]}}]}]\n", token, path)
	}
	w := newWorld(t, file("old-token", "/a"))
	spec := named
	definition, err := w.Resolve(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	spec.Definition = definition
	for i, tt := range []struct {
		file string
		want slipway.Code
	}{{file("new-token", "/a"), ""}, {file("new-token", "/b"), slipway.Conflict}} {
		w.write(t, "w0.yaml", tt.file)
		mark := markOf(w, fmt.Sprint("m", i))
		ref, err := w.Start(t.Context(), slipway.Run{ID: mark.ID, Workflow: spec}, mark)
		if slipway.CodeOf(err) != tt.want {
			t.Errorf("%s: %v", tt.file, err)
		}
		if err == nil {
			wantText(t, w, mark, ref, "/a ***")
		}
	}
}

func markOf(w world, id string) engine.Mark { return engine.Mark{ID: id, Place: w.Place()} }

func wantText(t *testing.T, w world, mark engine.Mark, ref engine.Ref, want string) {
	t.Helper()
	p := enginetest.Attach(t, w, mark, ref)
	p.End()
	if diff := cmp.Diff([]string{want}, p.Texts()); diff != "" {
		t.Errorf("log (-want +got):\n%s", diff)
	}
}
