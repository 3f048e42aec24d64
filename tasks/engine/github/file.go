package github

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// workflowFile is what is read of a workflow's file.
type workflowFile struct {
	name       string
	runName    string
	dispatched bool // it can be started by hand
	inputs     []input
	jobs       []jobPlan
}

// input is one that the file declares for workflow_dispatch.
type input struct {
	name        string
	kind        string // string, number, boolean, choice or environment
	description string
	value       string // the default
	hasDefault  bool
	required    bool
	options     []string
}

// jobPlan is a job as the file has it.
type jobPlan struct {
	id          string
	name        string // for people; may hold expressions
	needs       []string
	uses        string // the workflow that it calls
	runs        bool   // it says on what it runs
	environment string // may hold expressions
	depth       int    // of needs, from 1 on; 0: it cannot be told
	names       *regexp.Regexp
	raw         json.RawMessage
}

var errNoWorkflow = errors.New("it is no mapping with “on” and “jobs”")

// readFile reads a workflow's file.
func readFile(text []byte) (*workflowFile, error) {
	var document struct {
		Name    string    `yaml:"name"`
		RunName string    `yaml:"run-name"`
		On      yaml.Node `yaml:"on"`
		Jobs    yaml.Node `yaml:"jobs"`
	}
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("read YAML: %w", err)
	}
	if document.Jobs.Kind != yaml.MappingNode || document.On.Kind == 0 {
		return nil, errNoWorkflow
	}
	f := &workflowFile{name: document.Name, runName: document.RunName}
	f.readTriggers(&document.On)
	for id, node := range pairs(&document.Jobs) {
		job, err := readJob(id, node)
		if err != nil {
			return nil, fmt.Errorf("job %s: %w", id, err)
		}
		f.jobs = append(f.jobs, job)
	}
	for i := range f.jobs {
		f.jobs[i].depth = f.depth(f.jobs[i].id, nil)
	}
	return f, nil
}

// pairs goes through a mapping in its order.
func pairs(m *yaml.Node) func(func(string, *yaml.Node) bool) {
	return func(yield func(string, *yaml.Node) bool) {
		if m.Kind == yaml.AliasNode {
			m = m.Alias
		}
		if m.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(m.Content); i += 2 {
			if !yield(m.Content[i].Value, m.Content[i+1]) {
				return
			}
		}
	}
}

const dispatch = "workflow_dispatch"

// readTriggers reads "on", which is a word, a list of words, or a mapping.
func (f *workflowFile) readTriggers(on *yaml.Node) {
	var words []string
	if words = []string{on.Value}; on.Kind == yaml.SequenceNode {
		_ = on.Decode(&words) // what is no word is none of ours
	}
	f.dispatched = slices.Contains(words, dispatch)
	for trigger, about := range pairs(on) {
		if trigger != dispatch {
			continue
		}
		f.dispatched = true
		for key, inputs := range pairs(about) {
			if key != "inputs" {
				continue
			}
			for name, said := range pairs(inputs) {
				f.inputs = append(f.inputs, readInput(name, said))
			}
		}
	}
}

func readInput(name string, said *yaml.Node) input {
	in := input{name: name, kind: "string"}
	for key, value := range pairs(said) {
		switch key {
		case "type":
			in.kind = value.Value
		case "description":
			in.description = value.Value
		case "required":
			in.required = value.Value == "true"
		case "default":
			in.value, in.hasDefault = value.Value, value.Tag != "!!null"
		case "options":
			_ = value.Decode(&in.options) // GitHub refuses what is no list of words
		}
	}
	if in.kind == "boolean" {
		in.options = []string{"true", "false"}
		if !in.hasDefault {
			in.value = "false"
		}
	}
	return in
}

func readJob(id string, node *yaml.Node) (jobPlan, error) {
	j := jobPlan{id: id}
	var whole map[string]any
	if err := node.Decode(&whole); err != nil {
		return j, err
	}
	raw, err := json.Marshal(whole)
	if err != nil {
		return j, errors.New("it has keys that are no words")
	}
	j.raw = raw
	j.name, _ = whole["name"].(string)
	j.names = called(cmp.Or(j.name, id))
	j.uses, _ = whole["uses"].(string)
	_, j.runs = whole["runs-on"]
	switch needs := whole["needs"].(type) {
	case string:
		j.needs = []string{needs}
	case []any:
		for _, n := range needs {
			j.needs = append(j.needs, fmt.Sprint(n))
		}
	}
	switch environment := whole["environment"].(type) {
	case string:
		j.environment = environment
	case map[string]any:
		j.environment, _ = environment["name"].(string)
	}
	return j, nil
}

func (f *workflowFile) job(id string) *jobPlan {
	i := slices.IndexFunc(f.jobs, func(j jobPlan) bool { return j.id == id })
	if i < 0 {
		return nil
	}
	return &f.jobs[i]
}

// depth is one more than that of the deepest job that a job needs. It is 0 if the job
// needs, at last, itself or what is not there.
func (f *workflowFile) depth(id string, above []string) int {
	j := f.job(id)
	if j == nil || slices.Contains(above, id) {
		return 0
	}
	if j.depth > 0 {
		return j.depth
	}
	deepest := 0
	for _, need := range j.needs {
		d := f.depth(need, append(above, id))
		if d == 0 {
			return 0
		}
		deepest = max(deepest, d)
	}
	return deepest + 1
}

// marked tells whether the file has a place for the mark, and shows it in the names of
// its runs.
func (f *workflowFile) marked() bool {
	return slices.ContainsFunc(f.inputs, func(in input) bool { return in.name == markInput }) && showsMark.MatchString(f.runName)
}

var showsMark = regexp.MustCompile(`\$\{\{[^}]*inputs\.` + markInput + `\b[^}]*\}\}`)

// title is how a job that did not begin yet is called.
func (j *jobPlan) title() string {
	if j.name == "" || strings.Contains(j.name, "${{") {
		return j.id
	}
	return j.name
}

var expression = regexp.MustCompile(`\$\{\{.*?\}\}`)

// called is a pattern of the names of the job in runs: GitHub adds the values of a matrix
// to its own, and the names of the jobs of a workflow that it calls.
func called(name string) *regexp.Regexp {
	var pattern strings.Builder
	last := 0
	for _, at := range expression.FindAllStringIndex(name, -1) {
		pattern.WriteString(regexp.QuoteMeta(name[last:at[0]]) + ".*")
		last = at[1]
	}
	return regexp.MustCompile("^" + pattern.String() + regexp.QuoteMeta(name[last:]) + `( \(.*\))?( / .*)?$`)
}
