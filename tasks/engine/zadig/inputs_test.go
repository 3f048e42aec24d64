package zadig_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/enginetest"
	"slipway/tasks/engine/zadig/zadigtest"
)

// wantProblem checks that one of the problems is at a path, and says a thing in both
// languages.
func wantProblem(t *testing.T, err error, path, says string) {
	t.Helper()
	if slipway.CodeOf(err) != slipway.Invalid {
		t.Fatalf("error is %v", err)
	}
	for _, p := range slipway.ProblemsOf(err) {
		if p.Path == path && strings.Contains(p.Text.EN, says) && strings.Contains(p.Text.ZH, says) {
			return
		}
	}
	t.Errorf("no problem at %s says %q: %v", path, says, err)
}

func TestInputsThatZadigWouldRefuseOrIgnore(t *testing.T) {
	t.Parallel()
	w, _ := documented(t)
	const build = `"registry": "registry.example.com/demo", "service_list": [{"service_name": "service1", "service_module": "service1"`
	for inputs, want := range map[string][2]string{
		`{}`: {"inputs", "job_name"}, `[]`: {"inputs", ""}, `[{"job_name": "bild"}]`: {"inputs[0].job_name", "build, deploy"},
		`[{"job_name": "sql", "job_type": "nacos"}]`: {"inputs[0].job_type", "sql"},
		`[{"job_name": "nacos"}]`:                    {"inputs[0]", "nacos"},
		`[{"job_name": "apollo"}]`:                   {"inputs[0]", "apollo"},
		`[{"job_name": "dist-image"}]`:               {"inputs[0]", "zadig-distribute-image"},
		`[{"job_name": "sql", "parameters": {"sql": "x", "database_name": "d"}}, {"job_name": "sql"}]`:                               {"inputs[1].job_name", "sql"},
		`[{"job_name": "sql", "parameters": {"sql": "x"}}]`:                                                                          {"inputs[0].parameters.database_name", "sql"},
		`[{"job_name": "sql", "parameters": {"database_name": "d"}}]`:                                                                {"inputs[0].parameters.sql", "sql"},
		`[{"job_name": "sql", "parameters": {"statement": "x"}}]`:                                                                    {"inputs[0].parameters", "statement"},
		`[{"job_name": "sql", "parameters": {"sql": 5}}]`:                                                                            {"inputs[0].parameters", "sql"},
		`[{"job_name": "build", "parameters": {"service_list": []}}]`:                                                                {"inputs[0].parameters.registry", ""},
		`[{"job_name": "build", "parameters": {"registry": "r/n", "service_list": []}}]`:                                             {"inputs[0].parameters.service_list", ""},
		`[{"job_name": "build", "parameters": {"registry": "r/n", "service_list": [{"service_name": "service9"}]}}]`:                 {"inputs[0].parameters.service_list", "service9"},
		`[{"job_name": "build", "parameters": {` + build + `, "inputs": [{"key": "nope", "value": "1"}]}]}}]`:                        {"inputs[0].parameters", "nope"},
		`[{"job_name": "build", "parameters": {` + build + `, "repo_info": [{"codehost_name": "h", "repo_name": "nope"}]}]}}]`:       {"inputs[0].parameters", "nope"},
		`[{"job_name": "build", "parameters": {` + build + `, "repo_info": [{"repo_name": "multi-service-demo"}]}]}}]`:               {"inputs[0].parameters", "codehost_name"},
		`[{"job_name": "deploy", "parameters": {}}]`:                                                                                 {"inputs[0].parameters.env_name", "deploy"},
		`[{"job_name": "deploy", "parameters": {"env_name": "e", "service_list": [{"service_name": "s"}]}}]`:                         {"inputs[0].parameters.service_list", "service_module"},
		`[{"job_name": "testing", "parameters": {}}]`:                                                                                {"inputs[0].parameters.service_list", "testing"},
		`[{"job_name": "testing", "parameters": {"service_list": [{"service_name": "s", "service_module": "m"}]}}]`:                  {"inputs[0].parameters.service_list", "s/m"},
		`[{"job_name": "product-testing", "parameters": {"service_list": [{"service_name": "s"}]}}]`:                                 {"inputs[0].parameters.service_list", "product-testing"},
		`[{"job_name": "product-testing", "parameters": {"testing_list": [{"testing_name": "nope"}]}}]`:                              {"inputs[0].parameters", "nope"},
		`[{"job_name": "product-scanning", "parameters": {"scanning_list": [{"scanning_name": "nope"}]}}]`:                           {"inputs[0].parameters", "nope"},
		`[{"job_name": "scanning", "parameters": {}}]`:                                                                               {"inputs[0].parameters.service_list", "scanning"},
		`[{"job_name": "freestyle", "parameters": {}}]`:                                                                              {"inputs[0].parameters.services", "freestyle"},
		`[{"job_name": "freestyle", "parameters": {"kv": [{"key": "a"}], "services": [{"service_name": "s"}]}}]`:                     {"inputs[0].parameters", "services"},
		`[{"job_name": "s-freestyle", "parameters": {"services": [{"service_name": "s"}]}}]`:                                         {"inputs[0].parameters.services", "kv"},
		`[{"job_name": "s-freestyle", "parameters": {"kv": [{"key": "nope"}], "repo_info": [{"codehost_name": "company-gitlab"}]}}]`: {"inputs[0].parameters", "nope"},
	} {
		s := slipway.WorkflowSpec{Project: "yaml", Name: "release-plan-hook-2", Inputs: json.RawMessage(inputs)}
		_, err := w.Resolve(t.Context(), s)
		wantProblem(t, err, want[0], want[1])
	}
	for inputs, want := range map[string][2]string{
		`[{"job_name": "部署", "parameters": {"env_name": "dev", "service_list": []}}]`:                                                           {"inputs[0].parameters.service_list", ""},
		`[{"job_name": "部署", "parameters": {"env_name": "dev", "service_list": [{"service_name": "service1", "service_module": "service1"}]}}]`: {"inputs[0].parameters.service_list", "service1"},
	} {
		_, err := w.Resolve(t.Context(), slipway.WorkflowSpec{Project: "multi-chart", Name: "multi-chart-ops-workflow", Inputs: json.RawMessage(inputs)})
		wantProblem(t, err, want[0], want[1])
	}
	for inputs, want := range map[string][2]string{
		`[{"job_name": "主机部署", "parameters": {"service_list": [{"service_name": "a", "file_name": "f"}, {"service_name": "a", "file_name": "g"}]}}]`: {"inputs[0].parameters.service_list", "a"},
		`[{"job_name": "主机部署", "parameters": {"env_name": "dev", "service_list": [{"service_name": "a"}]}}]`:                                         {"inputs[0].parameters.service_list", "file_name"},
	} {
		_, err := w.Resolve(t.Context(), slipway.WorkflowSpec{Project: "vm", Name: "vm-workflow-dev", Inputs: json.RawMessage(inputs)})
		wantProblem(t, err, want[0], want[1])
	}
}

// rewritten is the workflow of a case with some of its text replaced.
func rewritten(t *testing.T, c zadigtest.Case, pairs ...string) slipway.WorkflowSpec {
	t.Helper()
	text := string(c.Document)
	changed := strings.NewReplacer(pairs...).Replace(text)
	if changed == text {
		t.Fatalf("%s has no %q", c.Job, pairs)
	}
	c.Document = json.RawMessage(changed)
	return specOf(t, c)
}

func TestWhatAWorkflowInThePlanCannotChange(t *testing.T) {
	t.Parallel()
	w, cases := documented(t)
	by := map[string]zadigtest.Case{}
	for _, c := range cases {
		by[c.Job] = c
	}
	for _, c := range []struct {
		job        string
		pairs      []string
		path, says string
	}{
		{"build", []string{`"name":"build","run_policy"`, `"name":"bild","run_policy"`}, "workflow.stages[0].jobs[0].name", "bild"},
		{"sql", []string{`"type":"sql"`, `"type":"freestyle"`}, "workflow.stages[0].jobs[0].type", "sql"},
		{"build", []string{"yaml-general-build", "another-build"}, "workflow.stages[0].jobs[0].spec.service_and_builds.build_name", ""},
		{"build", []string{`"tag":""`, `"tag":"v1"`}, "workflow.stages[0].jobs[0].spec.repos.tag", ""},
		{"build", []string{`"service_module":"service1"`, `"service_module":"other"`}, "workflow.stages[0].jobs[0].spec.service_list", "service1/other"},
		{"build", []string{`"key":"gggg"`, `"key":"hhhh"`}, "workflow.stages[0].jobs[0].spec", "hhhh"},
		{"部署", []string{"tag: latest", "tag: v2"}, "workflow.stages[0].jobs[0].spec.services.variable_yaml", ""},
		{"部署", []string{`"version_name":""`, `"version_name":"v2"`}, "workflow.stages[0].jobs[0].spec.version_name", ""},
		{"主机部署", []string{`"value":"v33"`, `"value":"v34"`}, "workflow.stages[1].jobs[0].spec.service_and_vm_deploys.key_vals", ""},
		{"product-testing", []string{`"name":"pytest-yaml"`, `"name":"another"`}, "workflow.stages[0].jobs[0].spec", "another"},
		{"product-scanning", []string{`"scanning_type":""`, `"scanning_type":"service_scanning"`}, "workflow.stages[0].jobs[0].spec.scanning_type", ""},
		{"product-testing", []string{`"test_modules":[`, `"test_modules":[],"ignored":[`}, "workflow.stages[0].jobs[0].spec", "pytest-yaml"},
		{"s-freestyle", []string{`"source":"runtime"`, `"run":"rm -rf /","source":"runtime"`}, "workflow.stages[0].jobs[0].spec.run", ""},
		{"sql", []string{`"68b7e9f9ce13fa85ce223363"`, `"68b7e9f9ce13fa85ce220000"`}, "workflow.stages[0].jobs[0].spec.database_name", "sql"},
		{"sql", []string{`"params":[]`, `"params":[{"name":"NOPE","value":"1"}]`}, "params.NOPE", "NOPE"},
		{"sql", []string{`"run_policy":""`, `"run_policy":"skip"`}, "workflow.stages", ""},
	} {
		_, err := w.Resolve(t.Context(), rewritten(t, by[c.job], c.pairs...))
		t.Run(c.path, func(t *testing.T) { wantProblem(t, err, c.path, c.says) })
	}
}

// scripted is a world with one workflow of jobs as Zadig stores them.
func scripted(t *testing.T, params []map[string]any, jobs ...map[string]any) *world {
	t.Helper()
	return newWorld(t, func(c *zadigtest.Config) { c.Workflows = []zadigtest.Workflow{storedFlow(params, jobs...)} })
}

func storedFlow(params []map[string]any, jobs ...map[string]any) zadigtest.Workflow {
	w := flow("stored")
	w.Definition = zadigtest.Definition{Params: params, Stages: []zadigtest.Stage{{Name: "run", Jobs: jobs}}}
	return w
}

func job(name, kind, policy string, spec map[string]any) map[string]any {
	return map[string]any{"name": name, "type": kind, "run_policy": policy, "spec": spec}
}

func script(name, policy string) map[string]any {
	return job(name, "freestyle", policy, map[string]any{"freestyle_type": "", "source": "runtime", "script": "echo " + name})
}

func TestWithoutInputsTheDefaultJobsRun(t *testing.T) {
	t.Parallel()
	w := scripted(t, nil, script("always", "force_run"), script("usually", ""), script("seldom", "default_not_run"), script("never", "skip"),
		job("check", "plugin", "", map[string]any{"plugin": map[string]any{"inputs": []any{}}}))
	request, frozen := w.startOf(t, spec("stored"))
	var sent struct {
		Inputs json.RawMessage `json:"inputs"`
	}
	if err := json.Unmarshal(request, &sent); err != nil {
		t.Fatal(err)
	}
	const want = `[{"job_name":"always","job_type":"freestyle","parameters":{}},{"job_name":"usually","job_type":"freestyle","parameters":{}},` +
		`{"job_name":"check","job_type":"plugin","parameters":{}}]`
	if diff := cmp.Diff(want, string(sent.Inputs)); diff != "" {
		t.Errorf("inputs (-want +got):\n%s", diff)
	}
	if n := len(frozen.Stages[0].Jobs); n != 3 {
		t.Errorf("%d jobs are frozen", n)
	}
	// A job that runs only when it is chosen can be chosen.
	s := spec("stored")
	s.Inputs = json.RawMessage(`[{"job_name": "seldom"}, {"job_name": "check", "parameters": {"kv": [{"key": "a", "value": "b"}]}}]`)
	if _, frozen = w.startOf(t, s); len(frozen.Stages[0].Jobs) != 2 {
		t.Errorf("frozen is %+v", frozen.Stages)
	}
}

func TestDefaultsThatDoNotDo(t *testing.T) {
	t.Parallel()
	build := map[string]any{
		"docker_registry_id":         "gone",
		"default_service_and_builds": []any{map[string]any{"service_name": "s", "service_module": "m"}},
		"service_and_builds_options": []any{map[string]any{"service_name": "s", "service_module": "m", "build_name": "b"}},
	}
	for _, c := range []struct {
		jobs       []map[string]any
		path, says string
	}{
		{[]map[string]any{script("one", "skip")}, "inputs", ""},
		{[]map[string]any{job("ship", "helm-of-next-year", "", nil)}, "inputs", "ship"},
		{[]map[string]any{job("roll", "custom-deploy", "", map[string]any{"targets": []any{}})}, "inputs", "roll"},
		{[]map[string]any{job("build", "zadig-build", "", build)}, "inputs.registry", ""},
		{[]map[string]any{job("ask", "sql", "", map[string]any{"source": "runtime", "id": "gone", "sql": "x"})}, "inputs.database_name", "ask"},
		{[]map[string]any{job("deploy", "zadig-deploy", "", map[string]any{"source": "runtime", "env": "qa"})}, "inputs.service_list", ""},
	} {
		_, err := scripted(t, nil, c.jobs...).Resolve(t.Context(), spec("stored"))
		wantProblem(t, err, c.path, c.says)
	}
}

func TestHostsAreDeployedFromInputs(t *testing.T) {
	t.Parallel()
	w, _ := documented(t)
	s := slipway.WorkflowSpec{Project: "vm", Name: "vm-workflow-dev", Inputs: json.RawMessage(
		`[{"job_name": "主机部署", "job_type": "zadig-vm-deploy", "parameters": {"env_name": "live", "service_list": [{"service_name": "backend", "file_name": "b-42.tar.gz"}]}}]`)}
	request, frozen := w.startOf(t, s)
	if !strings.Contains(string(request), `"service_list":[{"service_name":"backend","file_name":"b-42.tar.gz"}]`) {
		t.Errorf("request is %s", request)
	}
	spec := frozen.Stages[0].Jobs[0].Spec.(*slipway.VMDeploySpec)
	if d := spec.ServiceAndVMDeploys[0]; spec.Env != "live" || d.FileName != "b-42.tar.gz" || d.ServiceModule != "backend" || len(d.KeyVals) == 0 {
		t.Errorf("frozen is %+v", spec)
	}
}

func TestServicesComeFromAnotherJob(t *testing.T) {
	t.Parallel()
	services := []any{map[string]any{"service_name": "s", "service_module": "m", "build_name": "b"}}
	from := func(name, kind, job string, spec map[string]any) map[string]any {
		spec["source"], spec["job_name"] = "fromjob", job
		return map[string]any{"name": name, "type": kind, "spec": spec}
	}
	flow := storedFlow(nil, job("build", "zadig-build", "", map[string]any{
		"docker_registry_id": "r", "service_and_builds_options": services, "default_service_and_builds": services,
	}),
		from("test", "zadig-test", "build", map[string]any{"test_type": "service_test", "service_test_options": []any{
			map[string]any{"service_name": "s", "service_module": "m", "name": "t"},
		}}),
		from("scan", "zadig-scanning", "test", map[string]any{"scanning_type": "service_scanning", "service_scanning_options": []any{
			map[string]any{"service_name": "s", "service_module": "m", "name": "c"},
		}}),
		from("script", "freestyle", "scan", map[string]any{"freestyle_type": "service_freestyle"}),
		from("again", "freestyle", "script", map[string]any{"freestyle_type": "service_freestyle"}))
	w := newWorld(t, func(c *zadigtest.Config) {
		c.Registries = []zadigtest.Registry{{ID: "r", Address: "registry.example.com", Namespace: "n"}}
		c.Workflows = []zadigtest.Workflow{flow}
	})
	request, frozen := w.startOf(t, spec("stored"))
	if n := strings.Count(string(request), `{"service_name":"s","service_module":"m","repo_info":[],"inputs":[]}`); n != 5 {
		t.Errorf("the service is there %d times: %s", n, request)
	}
	if test := frozen.Stages[0].Jobs[1].Spec.(*slipway.TestSpec); len(test.ServiceAndTests) != 1 || test.ServiceAndTests[0].Name != "t" {
		t.Errorf("frozen is %+v", test)
	}
}

func TestACredentialThatIsMaskedIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	one := script("one", "")
	one["spec"].(map[string]any)["envs"] = []any{
		map[string]any{"key": "KEY", "value": "stored-key", "is_credential": true, "type": "string", "source": "runtime"},
		map[string]any{"key": "LEVEL", "value": "info", "type": "string", "source": "runtime"},
	}
	w := scripted(t, []map[string]any{{"name": "TOKEN", "type": "string", "is_credential": true, "value": "stored-token"}}, one)
	before, err := w.Resolve(t.Context(), spec("stored"))
	if err != nil {
		t.Fatal(err)
	}
	s := spec("stored")
	s.Inline, s.Definition = true, before.Masked()
	s.Definition.Stages[0].Jobs[0].Spec.(*slipway.FreestyleSpec).Envs[1].Value = "debug"
	request, frozen := w.startOf(t, s)
	if strings.Contains(string(request), "*") || !strings.Contains(string(request), `"kv":[{"key":"LEVEL","value":"debug","type":"string"}]`) {
		t.Errorf("request is %s", request)
	}
	if diff := cmp.Diff([]string{"stored-key", "stored-token"}, slices.Sorted(slices.Values(frozen.Credentials()))); diff != "" {
		t.Errorf("credentials (-want +got):\n%s", diff)
	}
}

func TestVariablesOfEveryType(t *testing.T) {
	t.Parallel()
	repo := map[string]any{"source": "gitlab", "repo_namespace": "team", "repo_name": "app", "branch": "main", "codehost_id": 1, "password": "of-the-host"}
	w := newWorld(t, func(c *zadigtest.Config) {
		c.CodeHosts = []string{"company-gitlab"}
		c.Workflows = []zadigtest.Workflow{storedFlow([]map[string]any{
			{"name": "notes", "type": "text", "value": ""},
			{"name": "where", "type": "choice", "choice_option": []string{"a", "b"}, "value": "a"},
			{"name": "many", "type": "multi-select", "choice_option": []string{"a", "b"}},
			{"name": "paper", "type": "file"},
			{"name": "code", "type": "repo", "repo": repo},
		}, script("one", ""))}
	})
	s := spec("stored")
	s.Params = map[string]string{
		"notes": "two\nlines", "where": "b",
		"code": `{"codehost_name": "company-gitlab", "repo_namespace": "team", "repo_name": "app", "branch": "release", "prs": [7]}`,
	}
	request, frozen := w.startOf(t, s)
	for _, part := range []string{
		`{"name":"notes","type":"text","value":"two\nlines"}`, `{"name":"where","type":"choice","value":"b"}`,
		`"repo":{"codehost_name":"company-gitlab","repo_namespace":"team","repo_name":"app","branch":"release","prs":[7]}`,
	} {
		if !strings.Contains(string(request), part) {
			t.Errorf("%s is not in %s", part, request)
		}
	}
	if p := frozen.Params[4]; p.Repo.Branch != "release" || frozen.Params[1].Value != "b" {
		t.Errorf("params are %+v", frozen.Params)
	}
	if text, err := json.Marshal(frozen); err != nil || strings.Contains(string(text), "of-the-host") {
		t.Errorf("a credential of the code host is in %s, %v", text, err)
	}
	for name, values := range map[string][]string{
		"many": {"a"}, "paper": {"x"}, "code": {"main", `{"branch": "main"}`, `{"codehost_name": "h", "repo_name": "other"}`}, "SLIPWAY_MARK": {"x"}, "where": {"c"},
	} {
		for _, value := range values {
			s.Params = map[string]string{name: value}
			_, err := w.Resolve(t.Context(), s)
			wantProblem(t, err, "params."+name, name)
		}
	}
}

func TestWhatCountsAsAChange(t *testing.T) {
	t.Parallel()
	secretive := func(value, oauth, script, timeout string) zadigtest.Workflow {
		return storedFlow([]map[string]any{{"name": "TOKEN", "type": "string", "is_credential": true, "value": value}},
			job("one", "freestyle", "", map[string]any{
				"freestyle_type": "", "source": "runtime", "script": script, "advanced_setting": map[string]any{"timeout": timeout},
				"repos": []any{map[string]any{"repo_namespace": "team", "repo_name": "app", "branch": "main", "oauth_token": oauth}},
				"envs":  []any{map[string]any{"key": "k", "value": value, "is_credential": true}},
			}),
			job("two", "approval", "", map[string]any{"timeout": timeout}))
	}
	w := newWorld(t, func(c *zadigtest.Config) { c.Workflows = []zadigtest.Workflow{secretive("v1", "o1", "echo 1", "60")} })
	before, err := w.Resolve(t.Context(), spec("stored"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		now  zadigtest.Workflow
		want []string
	}{
		{secretive("v2", "o2", "echo 1", "60"), nil},
		{secretive("v1", "o1", "echo 2", "60"), []string{"stage run: job one: spec.", "stage run: job one: spec.run: echo 1 → echo 2"}},
		{secretive("v1", "o1", "echo 1", "90"), []string{"stage run: job one: spec.", "stage run: job two: spec."}},
	} {
		w.server.Edit(c.now)
		now, err := w.Resolve(t.Context(), spec("stored"))
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		if change := slipway.CompareDefinitions(before.Masked(), now.Masked()); change != nil {
			for _, line := range change.Lines {
				before, _, _ := strings.Cut(line, "digest: ")
				lines = append(lines, before)
			}
		}
		if diff := cmp.Diff(c.want, lines); diff != "" {
			t.Errorf("lines (-want +got):\n%s", diff)
		}
	}
}

func TestAWorkflowInThePlanMeetsAChangeInZadig(t *testing.T) {
	t.Parallel()
	one := func(says string) map[string]any {
		return job("one", "freestyle", "", map[string]any{"freestyle_type": "", "source": "runtime", "script": "echo " + says})
	}
	w := scripted(t, nil, one("before"))
	written := &slipway.Workflow{Name: "stored", Project: project, Stages: []slipway.Stage{
		{Name: "run", Jobs: []slipway.Job{{Name: "one", Type: slipway.JobFreestyle}}},
	}}
	s := spec("stored")
	s.Inline, s.Definition = true, written
	run, mark := enginetest.RunOf(t, w, s)
	w.server.Edit(storedFlow(nil, one("after")))
	_, err := w.Start(t.Context(), run, mark)
	enginetest.WantRefusal(t, err, slipway.Conflict, "stored")
	now, err := w.Resolve(t.Context(), run.Workflow)
	if err != nil {
		t.Fatal(err)
	}
	change := slipway.CompareDefinitions(run.Workflow.Definition, now)
	if change == nil || !slices.Contains(change.Lines, "stage run: job one: spec.run: echo before → echo after") {
		t.Fatalf("the change is %+v", change)
	}
	run.Workflow.Definition = now // a person has accepted it
	if _, err := w.Start(t.Context(), run, mark); err != nil {
		t.Error(err)
	}
}

func TestADefinitionThatWasStoredIsStarted(t *testing.T) {
	t.Parallel()
	w, cases := documented(t)
	run, mark := enginetest.RunOf(t, w, specOf(t, cases[0]))
	run.Workflow.Definition = enginetest.Stored(t, run.Workflow.Definition)
	ref, err := w.Start(t.Context(), run, mark)
	if err != nil {
		t.Fatal(err)
	}
	if r := enginetest.Attach(t, w, mark, ref).End(); r.Status != engine.Passed {
		t.Errorf("result is %+v", r)
	}
}
