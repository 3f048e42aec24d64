package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"slipway"
	"slipway/commands"
)

// The document's example of a hook, and what becomes of its plan.
const (
	exampleFile = "../testdata/hook-example.json"
	goldenFile  = "testdata/hook-all_job_done.golden.json"
)

func parse(t *testing.T, data []byte) map[string]any {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	var tree map[string]any
	if err := dec.Decode(&tree); err != nil {
		t.Fatal(err)
	}
	return tree
}

// example returns the release_plan of the document's example.
func example(t *testing.T) map[string]any {
	t.Helper()
	data, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, data)["release_plan"].(map[string]any)
}

// actors and times are those of the example.
var (
	patrick  = slipway.Actor{Kind: slipway.Person, ID: "14790d50-37b3-11f0-b3aa-ee39782dea6e", Name: "patrick"}
	receiver = slipway.Actor{Kind: slipway.Receiver, Name: "office"}
)

// draftOf is the plan of the example before anything happened to it.
func draftOf(t *testing.T, release map[string]any) slipway.Draft {
	t.Helper()
	number := func(key string) int64 {
		n, err := release[key].(json.Number).Int64()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	d := slipway.Draft{
		Name: release["name"].(string), Manager: slipway.PersonRef{ID: patrick.ID, Name: patrick.Name},
		Description: release["description"].(string), StartTime: number("start_time"), EndTime: number("end_time"),
		ScheduleExecuteTime: number("schedule_execute_time"),
	}
	for _, j := range release["jobs"].([]any) {
		job := j.(map[string]any)
		spec := job["spec"].(map[string]any)
		it := &slipway.Item{Name: job["name"].(string), Type: slipway.ItemType(job["type"].(string))}
		if it.Type == slipway.TextItem {
			it.Text = &slipway.TextSpec{Content: spec["content"].(string)}
		} else {
			def, problems := slipway.DecodeWorkflow([]byte(encode(t, spec["workflow"])))
			if len(problems) > 0 {
				t.Fatalf("the workflow of %s: %v", it.Name, problems)
			}
			it.Workflow = &slipway.WorkflowSpec{Engine: "zadig", Project: def.Project, Name: def.Name, Inline: true, Definition: def}
		}
		d.Items = append(d.Items, it)
	}
	return d
}

// play leads the plan of the example through its life, as the example's times and
// results tell it, and returns the body of each of its three hooks.
func play(t *testing.T, release map[string]any, credentials slipway.Credentials) map[slipway.Event][]byte {
	t.Helper()
	rules := &slipway.Rules{
		HTML: commands.NewMarkdown().HTML, ContinueOnFailure: true, // a failed item did not hold the example back
		Endpoints: []slipway.Endpoint{{Name: "office", Events: slipway.Events(), Wait: true, Credentials: bool(credentials)}},
	}
	random := rand.NewChaCha8([32]byte{4}) // the same in every run
	n := 0
	req := func(a slipway.Actor, at int64) slipway.Request {
		n++
		return slipway.Request{ID: fmt.Sprint("test:", n), Actor: a, At: time.Unix(at, 0), Rand: random, Rules: rules}
	}
	bodies := map[slipway.Event][]byte{}
	do := func(c *slipway.Change, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range c.Deliveries {
			bodies[d.Event] = d.Body
		}
	}
	p, c, err := slipway.NewPlan(req(patrick, 1756884022), draftOf(t, release))
	do(c, err)
	p.Index = 52
	pass := func(at int64) {
		t.Helper()
		do(p.Answer(req(receiver, at), slipway.Answer{Event: p.Gate.Event, Code: p.Gate.Waits[0].Code, Result: slipway.ResultSuccess}))
	}
	do(p.Submit(req(patrick, 1756892886), nil))
	pass(1756892890)
	do(p.Start(req(patrick, 1756892895)))
	pass(1756892896)
	do(p.Complete(req(patrick, 1756892908), p.Items[3].ID, "<p><br></p>"))
	do(p.FireSchedule(req(slipway.SystemActor(), 1756893022)))
	for i, status := range []slipway.RunStatus{slipway.RunFailed, slipway.RunPassed, slipway.RunPassed} {
		do(p.RunEnded(req(slipway.SystemActor(), 1756893023), p.Items[i].Workflow.RunID, slipway.RunEnd{Status: status, Reason: slipway.T("failed", "失败")}))
	}
	if p.Status() != slipway.WaitAllDone {
		t.Fatalf("the story ends in %s", p.Status())
	}
	return bodies
}

func TestHookBodiesHoldTheWholeExample(t *testing.T) {
	t.Parallel()
	want := example(t)
	for _, credentials := range []slipway.Credentials{slipway.Masked, slipway.Clear} {
		bodies := play(t, want, credentials)
		for _, ev := range slipway.Events() {
			body := parse(t, bodies[ev])
			if body["object_kind"] != "release_plan" || body["event"] != "release_plan" || body["workflow"] != nil || len(body) != 4 {
				t.Errorf("%s: the envelope holds %v, %v, %v and %d keys", ev, body["object_kind"], body["event"], body["workflow"], len(body))
			}
			got := body["release_plan"].(map[string]any)
			if got["event_name"] != string(ev) {
				t.Errorf("%s: event_name is %v", ev, got["event_name"])
			}
			c := comparison{t: t, hidden: credentials == slipway.Masked}
			c.keys(string(ev), want, got)
			for i, job := range want["jobs"].([]any) {
				spec := job.(map[string]any)["spec"].(map[string]any)
				shown := got["jobs"].([]any)[i].(map[string]any)["spec"].(map[string]any)
				if workflow, found := spec["workflow"]; found {
					c.leaves(fmt.Sprintf("%s: jobs[%d].spec.workflow", ev, i), workflow, shown["workflow"])
				}
			}
			if c.leavesSeen < 500 || c.credentials != 3 {
				t.Errorf("%s: %d values and %d credentials were compared", ev, c.leavesSeen, c.credentials)
			}
		}
	}
}

// comparison finds everything of the example in a body of ours.
type comparison struct {
	t           *testing.T
	hidden      bool // credentials are masked
	leavesSeen  int
	credentials int
}

// keys looks for every key path of the example, with its kind.
func (c *comparison) keys(path string, want, got any) {
	c.t.Helper()
	if kind(want) != kind(got) {
		c.t.Errorf("%s is %s, want %s", path, kind(got), kind(want))
		return
	}
	switch want := want.(type) {
	case map[string]any:
		for key, value := range want {
			below, found := got.(map[string]any)[key]
			if !found {
				c.t.Errorf("%s.%s is missing", path, key)
				continue
			}
			c.keys(path+"."+key, value, below)
		}
	case []any:
		if len(got.([]any)) != len(want) {
			c.t.Errorf("%s has %d elements, want %d", path, len(got.([]any)), len(want))
			return
		}
		for i := range want {
			c.keys(fmt.Sprintf("%s[%d]", path, i), want[i], got.([]any)[i])
		}
	}
}

// leaves compares every value; keys has seen to the shape.
func (c *comparison) leaves(path string, want, got any) {
	c.t.Helper()
	switch want := want.(type) {
	case map[string]any:
		secret := want["is_credential"] == true
		for key, value := range want {
			if key == "value" && secret {
				if c.credentials++; c.hidden {
					value = slipway.Mask
				}
			}
			c.leaves(path+"."+key, value, got.(map[string]any)[key])
		}
	case []any:
		for i := range want {
			c.leaves(fmt.Sprintf("%s[%d]", path, i), want[i], got.([]any)[i])
		}
	default:
		c.leavesSeen++
		if want != got {
			c.t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

func kind(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "string"
	case bool:
		return "bool"
	case json.Number:
		if _, err := v.Int64(); err == nil {
			return "int"
		}
		return "fraction"
	case []any:
		return "list"
	}
	return "object"
}

// What the example tells and the story repeats is the same to the letter.
func TestTheStoryOfTheExampleEndsAsItTells(t *testing.T) {
	t.Parallel()
	want := example(t)
	got := parse(t, play(t, want, slipway.Masked)[slipway.EventAllJobDone])["release_plan"].(map[string]any)
	for _, key := range []string{
		"index", "name", "event_name", "manager", "manager_id", "start_time", "end_time", "schedule_execute_time", "description",
		"created_by", "create_time", "updated_by", "update_time", "planning_time", "approval_time", "executing_time",
	} {
		if got[key] != want[key] {
			t.Errorf("%s is %v, want %v", key, got[key], want[key])
		}
	}
	if got["status"] != string(slipway.WaitAllDone) {
		t.Errorf("status is %v", got["status"])
	}
	for i, j := range want["jobs"].([]any) {
		job, shown := j.(map[string]any), got["jobs"].([]any)[i].(map[string]any)
		for _, key := range []string{"name", "type", "status", "executed_by"} {
			if shown[key] != job[key] {
				t.Errorf("jobs[%d].%s is %v, want %v", i, key, shown[key], job[key])
			}
		}
	}
	text := got["jobs"].([]any)[3].(map[string]any)["spec"]
	if want := want["jobs"].([]any)[3].(map[string]any)["spec"]; fmt.Sprint(text) != fmt.Sprint(want) {
		t.Errorf("the text is %v, want %v", text, want)
	}
}

func TestGoldenHookBody(t *testing.T) {
	t.Parallel()
	var got bytes.Buffer
	if err := json.Indent(&got, play(t, example(t), slipway.Masked)[slipway.EventAllJobDone], "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if os.Getenv("SLIPWAY_UPDATE_GOLDEN") == "1" {
		if err := os.WriteFile(goldenFile, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(goldenFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got.Bytes()) {
		t.Errorf("the body differs from %s; SLIPWAY_UPDATE_GOLDEN=1 rewrites it", goldenFile)
	}
}
