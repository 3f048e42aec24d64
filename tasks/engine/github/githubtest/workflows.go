package githubtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"slipway/tasks/engine/enginetest/standin"
)

func fileOf(w standin.Workflow) string {
	file, _, _ := strings.Cut(w.Name, "@")
	return file
}

func branchOf(w standin.Workflow) string {
	if _, branch, found := strings.Cut(w.Name, "@"); found {
		return branch
	}
	return DefaultBranch
}

func pathOf(w standin.Workflow) string { return ".github/workflows/" + fileOf(w) + ".yml" }

// title is the name of a workflow in its file.
func title(w standin.Workflow) string { return "The workflow " + fileOf(w) }

// pairs is a YAML mapping that keeps its order.
type pairs []any

// MarshalYAML writes the pairs in order.
func (p pairs) MarshalYAML() (any, error) {
	node := &yaml.Node{Kind: yaml.MappingNode}
	for _, x := range p {
		var part yaml.Node
		if err := part.Encode(x); err != nil {
			return nil, err
		}
		node.Content = append(node.Content, &part)
	}
	return node, nil
}

func (p *pairs) add(key string, value any) { *p = append(*p, key, value) }

// text is the file of a workflow. The jobs of a stage need all those of the stage before.
func (s *Server) text(w standin.Workflow) string {
	var all, inputs, jobs pairs
	for _, p := range w.Params {
		about := pairs{"description", "about " + p.Name, "type", "string", "default", p.Default}
		if len(p.Choices) > 0 {
			about = pairs{"description", "about " + p.Name, "type", "choice", "default", p.Default, "options", p.Choices}
		}
		inputs.add(p.Name, about)
	}
	all.add("name", title(w))
	if !w.Unmarked {
		all.add("run-name", title(w)+" [${{ inputs.slipway_mark }}]")
		inputs.add("slipway_mark", pairs{"description", "set by Slipway"})
	}
	all.add("on", pairs{"push", nil, "workflow_dispatch", pairs{"inputs", inputs}})
	var before []string
	for _, stage := range w.Stages {
		var names []string
		for _, job := range stage.Jobs {
			jobs.add(job.Name, s.settings(job, before, w.Broken))
			names = append(names, job.Name)
		}
		before = names
	}
	all.add("jobs", jobs)
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(all); err != nil {
		panic(err)
	}
	return b.String()
}

func (s *Server) settings(job standin.Job, needs []string, broken string) pairs {
	p := pairs{"runs-on", "ubuntu-latest"}
	if broken != "" {
		p = pairs{"needs", "what-is-not-there"}
	} else if len(needs) > 0 {
		p.add("needs", needs)
	}
	if job.Asks {
		p.add("environment", s.gateOf(job.Name).Environment)
	}
	if job.Ends == standin.TimesOut {
		p.add("timeout-minutes", 1)
	}
	var steps []pairs
	for _, line := range job.Says {
		steps = append(steps, pairs{"run", "echo " + line})
	}
	p.add("steps", append(steps, pairs{"run", "./" + job.Name + ".sh"}))
	return p
}

// ids returns the places of the workflows of a repository, of which each file has one;
// the number of a workflow is a hundred more.
func (s *Server) ids(repository string) []int {
	var ids []int
	for i, w := range s.config.Workflows {
		if w.Project == repository && branchOf(w) == DefaultBranch {
			ids = append(ids, i)
		}
	}
	return ids
}

func (s *Server) shownWorkflow(i int) map[string]any {
	w := s.config.Workflows[i]
	state := "active"
	if slices.Contains(s.config.Disabled, fileOf(w)) {
		state = "disabled_manually"
	}
	return map[string]any{
		"id": i + 100, "node_id": fmt.Sprintf("W_%d", i), "name": title(w), "path": pathOf(w), "state": state, "created_at": long,
		"updated_at": long, "url": fmt.Sprintf("%s/api/v3/repos/%s/actions/workflows/%d", s.URL(), w.Project, i+100),
		"html_url":  fmt.Sprintf("%s/%s/blob/%s/%s", s.URL(), w.Project, DefaultBranch, pathOf(w)),
		"badge_url": fmt.Sprintf("%s/%s/workflows/%s/badge.svg", s.URL(), w.Project, fileOf(w)),
	}
}

func (s *Server) listWorkflows(c *call) {
	repository, ok := s.find(c)
	if !ok {
		return
	}
	list := []map[string]any{}
	for _, i := range s.ids(repository) {
		list = append(list, s.shownWorkflow(i))
	}
	page(c, "workflows", list)
}

// findWorkflow returns the place of the workflow in the address; it answers when there
// is none.
func (s *Server) findWorkflow(c *call) (string, int) {
	repository, ok := s.find(c)
	if !ok {
		return "", -1
	}
	said := c.r.PathValue("workflow_id")
	for _, i := range s.ids(repository) {
		if w := s.config.Workflows[i]; said == fileOf(w)+".yml" || said == strconv.Itoa(i+100) {
			return repository, i
		}
	}
	c.refuse(http.StatusNotFound, "Not Found")
	return "", -1
}

func (s *Server) workflow(c *call) {
	if _, i := s.findWorkflow(c); i >= 0 {
		c.say(http.StatusOK, s.shownWorkflow(i))
	}
}

type dispatched struct {
	Ref    string                     `json:"ref"`
	Inputs map[string]json.RawMessage `json:"inputs"`
	Tell   *bool                      `json:"return_run_details"`
}

// dispatch starts a workflow.
func (s *Server) dispatch(c *call) {
	repository, i := s.findWorkflow(c)
	var d dispatched
	if i < 0 || !c.read(&d) {
		return
	}
	if d.Tell != nil && s.config.Age == Refuses {
		c.refuse(http.StatusBadRequest, "Invalid request.\n\n\"return_run_details\" is not a permitted key.")
		return
	}
	branch, ok := s.branchOf(repository, strings.TrimPrefix(d.Ref, "refs/heads/"))
	if !ok || d.Ref == "" || d.Ref == sha(branch) {
		c.refuse(http.StatusUnprocessableEntity, "No ref found for: "+d.Ref)
		return
	}
	at := slices.IndexFunc(s.config.Workflows, func(w standin.Workflow) bool {
		return w.Project == repository && fileOf(w) == fileOf(s.config.Workflows[i]) && branchOf(w) == branch
	})
	if at < 0 {
		c.refuse(http.StatusNotFound, "Not Found")
		return
	}
	vars, reason := inputsOf(s.config.Workflows[at], d.Inputs)
	switch {
	case reason != "":
		s.Notes.Addf("dispatch: %s", reason)
		c.refuse(http.StatusUnprocessableEntity, reason)
		return
	case s.config.Workflows[at].Broken != "":
		c.refuse(http.StatusUnprocessableEntity, "Failed to parse workflow: "+s.config.Workflows[at].Broken)
		return
	case slices.Contains(s.config.Disabled, fileOf(s.config.Workflows[at])):
		c.refuse(http.StatusUnprocessableEntity, "Cannot trigger a 'workflow_dispatch' on a disabled workflow")
		return
	}
	r := s.begin(at, branch, vars, c.login)
	if s.Notices.Early() {
		s.TellNow(s.news(r)...)
	}
	s.runs = append(s.runs, r)
	s.advance()
	if s.config.Age != Tells || d.Tell == nil || !*d.Tell {
		c.status = http.StatusNoContent
		return
	}
	c.say(http.StatusOK, map[string]any{
		"workflow_run_id": r.run.ID, "run_url": fmt.Sprintf("%s/api/v3/repos/%s/actions/runs/%d", s.URL(), repository, r.run.ID),
		"html_url": fmt.Sprintf("%s/%s/actions/runs/%d", s.URL(), repository, r.run.ID),
	})
}

// inputsOf are the inputs that a run sees, or why GitHub would refuse them.
func inputsOf(w standin.Workflow, given map[string]json.RawMessage) (vars map[string]string, reason string) {
	vars = map[string]string{}
	for _, p := range w.Params {
		vars[p.Name] = p.Default
	}
	if len(given) > 25 {
		return nil, "you may only define up to 25 inputs for a workflow_dispatch event"
	}
	for name, raw := range given {
		i := slices.IndexFunc(w.Params, func(p standin.Param) bool { return p.Name == name })
		if i < 0 && (name != "slipway_mark" || w.Unmarked) {
			return nil, fmt.Sprintf("Unexpected inputs provided: [%q]", name)
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		if i >= 0 && len(w.Params[i].Choices) > 0 && !slices.Contains(w.Params[i].Choices, text) {
			return nil, fmt.Sprintf("Provided value '%s' for input '%s' not in the list of allowed values", text, name)
		}
		vars[name] = text
	}
	return vars, ""
}
