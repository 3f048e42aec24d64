package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/cmd/slipway/processtest"
	"slipway/tasks/engine/zadig/zadigtest"
)

const jobTypesGolden = "testdata/jobtypes.golden.json"

// typeStory is what one documented job becomes on its way through the program: what
// Zadig is asked, and how hooks tell of it.
type typeStory struct {
	Type    string          `json:"type"`
	Job     string          `json:"job"`
	Refused []string        `json:"refused,omitempty"` // by Zadig's engine
	Request json.RawMessage `json:"request,omitempty"`
	Hook    any             `json:"hook"` // the job, the same in all events
	Told    []string        `json:"told"` // event, status of the run and its number
}

// typesHouse is a Slipway with Zadig, and an outside system that takes every hook
// twice: with credentials at "vault", masked at "office".
type typesHouse struct {
	operator

	zadig *zadigtest.Server
	hooks chan processtest.Hook
	known contract

	credentials int // values of credentials that were compared
}

// TestDocumentedJobTypes leads each of the ten documented job types from a plan with
// the document's own workflow through the whole program: it is submitted, started and
// executed by Zadig, or by the local engine where Zadig's API cannot, and told of in
// hooks.
func TestDocumentedJobTypes(t *testing.T) {
	t.Parallel()
	example, err := os.ReadFile(hookExample)
	if err != nil {
		t.Fatal(err)
	}
	flows, cases, err := zadigtest.Documented(example)
	if err != nil {
		t.Fatal(err)
	}
	h := openTypesHouse(t, flows, cases)
	var all []typeStory
	seen := map[string]bool{}
	for _, c := range cases {
		seen[c.Type] = true
		t.Run(c.Workflow+" "+c.Job, func(t *testing.T) {
			h.t = t
			if c.Refused {
				all = append(all, h.refused(c))
			} else {
				all = append(all, h.played(c))
			}
		})
	}
	for _, kind := range slipway.JobTypes() {
		if !seen[string(kind)] {
			t.Errorf("there is no job of type %s", kind)
		}
	}
	if h.credentials == 0 {
		t.Error("no credential was compared")
	}
	wantTypesGolden(t, all)
}

func openTypesHouse(t *testing.T, flows []zadigtest.Workflow, cases []zadigtest.Case) *typesHouse {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	x := &typesHouse{hooks: make(chan processtest.Hook, 6*len(cases)), known: readContract(t)}
	x.zadig = zadigtest.New(zadigtest.Config{
		Token: vendorToken, Workflows: flows, CodeHosts: []string{"company-gitlab"},
		Registries: []zadigtest.Registry{{ID: "64a5b8f1c2caad781e1b4700", Address: "registry.example.com", Namespace: "demo"}},
		Databases:  map[string]string{"68b7e9f9ce13fa85ce223363": "orders"},
	})
	if err := x.zadig.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.zadig.Close)
	faultless(t, x.zadig.Violations)
	receiver := processtest.NewReceiver(func(h processtest.Hook) { x.hooks <- h }, func(err error) { t.Error(err) })
	t.Cleanup(receiver.Close)
	dir := t.TempDir()
	for _, c := range cases {
		if c.Refused {
			write(t, filepath.Join(dir, "workflows", c.Job+".yaml"), string(onLocal(t, c)))
		}
	}
	events := "events: [finish_planning, start_execute, all_job_done], allow_private: true"
	write(t, filepath.Join(dir, "slipway.yaml"), fmt.Sprintf(
		"engines: {zadig: {poll: 50ms, requests_per_minute: 0}}\nhooks:\n- {name: office, url: %[1]s/office, %[2]s}\n- {name: vault, url: %[1]s/vault, credentials: true, %[2]s}\n",
		receiver.URL, events))
	house := openHouse(t, map[string]string{
		"SLIPWAY_ZADIG_URL": x.zadig.URL(), "SLIPWAY_ZADIG_TOKEN": vendorToken,
		"SLIPWAY_CONFIG": filepath.Join(dir, "slipway.yaml"), "SLIPWAY_WORKFLOWS_DIR": filepath.Join(dir, "workflows"),
	}, nil)
	x.operator = operator{ctx: ctx, base: house.url, client: processtest.NewClient(adminOfHouse)}
	return x
}

// onLocal is the workflow of a case as the local engine can have it: the documented
// jobs are described there and never run, and a script of its own does the work.
func onLocal(t *testing.T, c zadigtest.Case) []byte {
	t.Helper()
	var w map[string]any
	if err := json.Unmarshal(c.Document, &w); err != nil {
		t.Fatal(err)
	}
	w["name"] = c.Job
	stages := w["stages"].([]any)
	for _, s := range stages {
		for _, j := range s.(map[string]any)["jobs"].([]any) {
			j.(map[string]any)["run_policy"] = "skip"
		}
	}
	w["stages"] = append(stages, map[string]any{"name": "do", "jobs": []any{map[string]any{
		"name": "do", "type": "freestyle", "spec": map[string]any{"run": "echo done by hand"},
	}}})
	text, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// make makes a plan with one workflow item.
func (x *typesHouse) make(c zadigtest.Case, spec map[string]any) processtest.Plan {
	x.t.Helper()
	var p processtest.Plan
	err := x.ask(http.MethodPost, "/api/v1/plans", map[string]any{
		"name": "documented " + c.Job, "jobs": []map[string]any{{"name": c.Job, "type": "workflow", "spec": spec}},
	}).Decode(&p)
	if err != nil {
		x.t.Fatal(err)
	}
	return p
}

// played is the way of a job type that Zadig's API can start. What the workflow says of
// repositories is by branch: which commit that is, Zadig finds when it starts.
func (x *typesHouse) played(c zadigtest.Case) typeStory {
	x.t.Helper()
	before := len(x.zadig.Bodies())
	p := x.make(c, map[string]any{"engine": "zadig", "project": c.Project, "workflow": c.Document})
	compare := &comparison{c: x.known, other: map[string]any{
		".commit_id": "", ".commit_message": "", ".modules[0].image_name": "", // that is the image's own name
	}}
	if c.Job == "freestyle" {
		// A script for services has its values per service; the others stay Zadig's.
		compare.own = regexp.MustCompile(`^freestyle\.spec\.(repos|envs)\[0\]\.(branch|commit_id|commit_message|value)$`)
	}
	s := x.through(p, c, c.Document, compare)
	bodies := x.zadig.Bodies()
	if len(bodies) != before+1 {
		x.t.Fatalf("Zadig was asked for %d runs", len(bodies)-before)
	}
	s.Request = withoutMark(x.t, bodies[before], p)
	return s
}

// withoutMark is a request with the mark, which differs in each run, replaced.
func withoutMark(t *testing.T, request json.RawMessage, p processtest.Plan) json.RawMessage {
	t.Helper()
	var sent struct {
		Parameters []struct{ Name, Value string }
	}
	if err := json.Unmarshal(request, &sent); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(sent.Parameters, func(p struct{ Name, Value string }) bool { return p.Name == "SLIPWAY_MARK" })
	if i < 0 || sent.Parameters[i].Value == "" {
		t.Fatalf("the start of plan %d carries no mark: %s", p.Index, request)
	}
	return bytes.ReplaceAll(request, []byte(sent.Parameters[i].Value), []byte("run-1"))
}

// refused is the way of a job type that Zadig's API cannot start: the plan is told so
// where the job is, and nobody outside hears of it. The local engine can have such a job
// described beside its script, and hooks tell of it in the same way.
func (x *typesHouse) refused(c zadigtest.Case) typeStory {
	x.t.Helper()
	p := x.make(c, map[string]any{"engine": "zadig", "project": c.Project, "workflow": c.Document})
	a, err := x.client.Do(x.ctx, x.base, processtest.Request{Path: "/api/v1/plans/" + p.ID + "/submit"})
	if err != nil {
		x.t.Fatal(err)
	}
	var said struct {
		Error struct {
			Problems []struct{ Path, Message string }
		}
	}
	if err := a.Decode(&said); err != nil || a.Status != http.StatusUnprocessableEntity && a.Status != http.StatusBadRequest {
		x.t.Fatalf("submit: %d %s (%v)", a.Status, a.Body, err)
	}
	var refused []string
	for _, problem := range said.Error.Problems {
		refused = append(refused, problem.Path+": "+problem.Message)
		if !strings.HasPrefix(problem.Path, "jobs[0].spec.workflow.stages[") || !strings.Contains(problem.Message, c.Job) {
			x.t.Errorf("%s: %s", problem.Path, problem.Message)
		}
	}
	if now := x.plan(p.ID); now.Status != string(slipway.Planning) || len(refused) != 1 {
		x.t.Errorf("it is %s, with the problems %q", now.Status, refused)
	}
	p = x.make(c, map[string]any{"engine": "local", "project": c.Project, "workflow": c.Job})
	s := x.through(p, c, onLocal(x.t, c), &comparison{c: x.known})
	s.Refused = refused
	return s
}

// through submits, starts and executes a plan, takes the hooks that come of it, and
// compares each with the workflow that the plan has.
func (x *typesHouse) through(p processtest.Plan, c zadigtest.Case, document []byte, compare *comparison) typeStory {
	x.t.Helper()
	at := "/api/v1/plans/" + p.ID
	x.ask(http.MethodPost, at+"/submit", nil)
	x.ask(http.MethodPost, at+"/start", nil)
	x.ask(http.MethodPost, at+"/jobs/"+p.Jobs[0].ID+"/execute", nil)
	var planned map[string]any
	if err := json.Unmarshal(document, &planned); err != nil {
		x.t.Fatal(err)
	}
	s := typeStory{Type: c.Type, Job: c.Job}
	told := map[slipway.Event]string{}
	for range 2 * len(slipway.Events()) {
		hook := x.next(p)
		item := itemOf(x.t, hook.Body)
		compare.t, compare.hidden = x.t, hook.Endpoint == "office"
		x.compareJobs(compare, planned, item.Spec.Workflow)
		line := fmt.Sprintf("%s: %s, number %d, the item is %s", hook.Plan.Event, item.Spec.Status, min(item.Spec.TaskID, 1), item.Status)
		if before := told[slipway.Event(hook.Plan.Event)]; before != "" && before != line {
			x.t.Errorf("one is told %q, the other %q", before, line)
		}
		told[slipway.Event(hook.Plan.Event)] = line
		if hook.Endpoint == "office" {
			job := jobNamed(item.Spec.Workflow, c.Job)
			if s.Hook != nil && !cmp.Equal(s.Hook, any(job)) {
				x.t.Errorf("the job differs between hooks: %s", cmp.Diff(s.Hook, any(job)))
			}
			s.Hook = job
		}
	}
	for _, event := range slipway.Events() {
		s.Told = append(s.Told, told[event])
	}
	if compare.values == 0 {
		x.t.Error("nothing was compared")
	}
	x.credentials += compare.credentials
	return s
}

// next returns the next hook, which has to be one of the plan.
func (x *typesHouse) next(p processtest.Plan) processtest.Hook {
	x.t.Helper()
	select {
	case hook := <-x.hooks:
		if hook.Plan.ID != p.ID {
			x.t.Fatalf("a hook tells of plan %q", hook.Plan.Name)
		}
		return hook
	case <-x.ctx.Done():
		text, _ := json.Marshal(x.plan(p.ID))
		x.t.Fatalf("no hook comes; the plan is %s", text)
	}
	return processtest.Hook{}
}

// compareJobs compares the stages of a workflow in a hook with those of the plan.
func (x *typesHouse) compareJobs(compare *comparison, planned, got map[string]any) {
	x.t.Helper()
	compare.fields("Workflow", "workflow", nil, got)
	compare.compare("WorkflowParam", "params", got["params"], got["params"])
	stages, want := got["stages"].([]any), planned["stages"].([]any)
	if len(stages) != len(want) {
		x.t.Fatalf("%d stages, want %d", len(stages), len(want))
	}
	for i := range want {
		jobs, theirs := stages[i].(map[string]any)["jobs"].([]any), want[i].(map[string]any)["jobs"].([]any)
		if len(jobs) != len(theirs) {
			x.t.Fatalf("stage %d has %d jobs, want %d", i, len(jobs), len(theirs))
		}
		for j := range theirs {
			compare.compare("WorkflowJob", fmt.Sprint(theirs[j].(map[string]any)["name"]), theirs[j], jobs[j])
		}
	}
}

// hookItem is a workflow item in a hook.
type hookItem struct {
	Status string
	Spec   struct {
		Workflow map[string]any
		Status   string
		TaskID   int64 `json:"task_id"`
	}
}

func itemOf(t *testing.T, body []byte) hookItem {
	t.Helper()
	var hook struct {
		ReleasePlan struct{ Jobs []hookItem } `json:"release_plan"`
	}
	if err := json.Unmarshal(body, &hook); err != nil || len(hook.ReleasePlan.Jobs) != 1 {
		t.Fatalf("hook %s (%v)", body, err)
	}
	return hook.ReleasePlan.Jobs[0]
}

func jobNamed(workflow map[string]any, name string) map[string]any {
	for _, s := range workflow["stages"].([]any) {
		for _, j := range s.(map[string]any)["jobs"].([]any) {
			if job := j.(map[string]any); job["name"] == name {
				return maps.Clone(job)
			}
		}
	}
	return nil
}

func wantTypesGolden(t *testing.T, all []typeStory) {
	t.Helper()
	var got bytes.Buffer
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(all); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		write(t, jobTypesGolden, got.String())
	}
	want, err := os.ReadFile(jobTypesGolden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
		t.Errorf("%s differs; SLIPWAY_UPDATE_GOLDEN=1 rewrites it (-want +got):\n%s", jobTypesGolden, diff)
	}
}
