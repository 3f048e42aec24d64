package zadig

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"slipway"
)

// markParam is the variable that a workflow declares to be given Slipway's mark.
const markParam = "SLIPWAY_MARK"

// resolved is what is known of a workflow before it is started.
type resolved struct {
	workflow *slipway.Workflow // as the plan freezes it
	request  startRequest
	marked   bool // the workflow takes the mark
	secrets  []string
}

// Resolve implements engine.Engine.
func (e *Engine) Resolve(ctx context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	r, err := e.resolve(ctx, spec)
	if err != nil {
		return nil, err
	}
	return r.workflow, nil
}

func (e *Engine) resolve(ctx context.Context, spec slipway.WorkflowSpec) (*resolved, error) {
	project, name := spec.Project, spec.Name
	if spec.Inline && spec.Definition != nil {
		project, name = cmp.Or(project, spec.Definition.Project), spec.Definition.Name
	}
	d, err := e.define(ctx, project, name)
	if err != nil {
		return nil, err
	}
	if err := e.belongs(ctx, project, name); err != nil {
		return nil, err
	}
	var faults slipway.Faults
	r := &resolved{request: startRequest{Project: project, Workflow: name, Parameters: []paramValue{}, Inputs: []input{}}}
	c := &chooser{e: e, ctx: ctx, d: d, faults: &faults, project: project}
	switch {
	case spec.Inline:
		c.fromDocument(spec.Definition)
	case len(spec.Inputs) > 0 && string(spec.Inputs) != "null":
		c.fromInputs(spec.Inputs)
	default:
		c.byDefault()
	}
	if c.err != nil {
		return nil, c.err
	}
	values := maps.Clone(spec.Params)
	if spec.Inline && spec.Definition != nil {
		values = documentParams(d.workflow, spec.Definition, values)
	}
	r.setParams(&faults, d.workflow, values)
	if err := faults.Err("Zadig cannot run workflow “%s”.", "Zadig 无法运行工作流“%s”。", name); err != nil {
		return nil, err
	}
	var runs []string
	for _, s := range d.workflow.Stages { // in the order in which they run
		for _, job := range s.Jobs {
			if p, chosen := c.chosen[job.Name]; chosen {
				r.request.Inputs = append(r.request.Inputs, input{JobName: job.Name, JobType: job.Type, Parameters: p})
				runs = append(runs, job.Name)
			}
		}
	}
	c.apply()
	if r.workflow, err = d.frozen(runs); err != nil {
		return nil, odd(name, err)
	}
	r.secrets = append(r.secrets, r.workflow.Credentials()...)
	return r, nil
}

// belongs refuses a workflow that is not one of the project. Zadig itself tells the
// definition of any workflow under the name of any project.
func (e *Engine) belongs(ctx context.Context, project, name string) error {
	list, err := e.Workflows(ctx, project)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(w *slipway.Workflow) bool { return w.Name == name }) {
		return nil
	}
	return slipway.Refuse(slipway.NotFound, "There is no workflow “%[1]s” in project “%[2]s” of Zadig. Give the keys of both.",
		"Zadig 的项目“%[2]s”中没有工作流“%[1]s”。请填写项目标识和工作流标识。", name, project)
}

// chooser finds which jobs run, and with what.
type chooser struct {
	e       *Engine
	ctx     context.Context //nolint:containedctx // of one resolution, which may have to ask Zadig
	d       *definition
	project string
	faults  *slipway.Faults
	chosen  map[string]any // parameters by the names of the jobs
	err     error          // Zadig could not be asked

	registries []registry
	hosts      map[int64]string
}

func (c *chooser) choose(n *note, job *slipway.Job, p any) {
	if c.chosen == nil {
		c.chosen = map[string]any{}
	}
	c.chosen[job.Name] = p
	if typed, ok := p.(parameters); ok {
		typed.check(n, job, c.d.options[job.Name])
	}
}

func (c *chooser) apply() {
	for name, p := range c.chosen {
		if typed, ok := p.(parameters); ok {
			typed.apply(c.d.find(name), c.d.options[name])
		}
	}
}

// refuseType notes a job that the API cannot start; true if it is one.
func (c *chooser) refuseType(n *note, job *slipway.Job) bool {
	if startable(job.Type) {
		return false
	}
	n.add("", "Zadig's API cannot start job “%[1]s”: it takes no jobs of type %[2]s. Leave the job out: list the others in inputs, or run this part in Zadig, as a text item.",
		"Zadig 的接口无法启动任务“%[1]s”：不支持 %[2]s 类型的任务。请去掉该任务（在 inputs 中只列出其他任务），或将这一步改为文本发布项，在 Zadig 中手动执行。",
		job.Name, job.Type)
	return true
}

// fromInputs takes the inputs of a plan, as Zadig's API takes them.
func (c *chooser) fromInputs(raw json.RawMessage) {
	var list []struct {
		JobName    string          `json:"job_name"`
		JobType    slipway.JobType `json:"job_type"`
		Parameters json.RawMessage `json:"parameters"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		c.faults.Add("inputs", "A list of objects with job_name, job_type and parameters is expected.",
			"应为列表，其中每一项为包含 job_name、job_type 和 parameters 的对象。")
		return
	}
	if len(list) == 0 {
		c.faults.Add("inputs", "List the jobs to run: without one, the workflow does nothing.", "请列出要运行的任务，否则工作流不会执行任何操作。")
	}
	for i, in := range list {
		n := &note{faults: c.faults, path: fmt.Sprintf("inputs[%d]", i)}
		job := c.d.find(in.JobName)
		_, twice := c.chosen[in.JobName]
		switch {
		case job == nil:
			n.add("job_name", "There is no job “%[1]s” in the workflow. It has: %[2]s.", "工作流中没有任务“%[1]s”。现有任务：%[2]s。",
				in.JobName, strings.Join(c.names(), ", "))
			continue
		case twice:
			n.add("job_name", "Job “%s” is there twice.", "任务“%s”出现了两次。", in.JobName)
			continue
		case in.JobType != "" && in.JobType != job.Type:
			n.add("job_type", "Job “%[1]s” is of type %[2]s.", "任务“%[1]s”的类型是 %[2]s。", in.JobName, job.Type)
			continue
		case c.refuseType(n, job):
			continue
		}
		n.path += ".parameters"
		if p := decode(n, job, in.Parameters); p != nil {
			c.choose(n, job, p)
		}
	}
}

func (c *chooser) names() []string {
	var names []string
	for _, s := range c.d.workflow.Stages {
		for _, job := range s.Jobs {
			names = append(names, job.Name)
		}
	}
	return names
}

// byDefault takes the jobs that run unless somebody chooses, with their stored values.
func (c *chooser) byDefault() {
	any := false
	for s := range c.d.workflow.Stages {
		for j := range c.d.workflow.Stages[s].Jobs {
			job := &c.d.workflow.Stages[s].Jobs[j]
			if job.RunPolicy == slipway.RunSkip || job.RunPolicy == slipway.RunDefaultNotRun {
				continue
			}
			any = true
			if n := (&note{faults: c.faults, path: "inputs"}); !c.refuseType(n, job) {
				c.derive(n, job, job, c.d.workflow)
			}
		}
	}
	if !any {
		c.faults.Add("inputs", "No job of the workflow runs by default. List the jobs to run.", "该工作流没有默认运行的任务，请列出要运行的任务。")
	}
}

// fromDocument takes the jobs of the workflow that is written into the plan.
func (c *chooser) fromDocument(w *slipway.Workflow) {
	if w == nil {
		c.faults.Add("workflow", "The workflow is missing.", "缺少工作流。")
		return
	}
	frozen := isFrozen(w)
	for s := range w.Stages {
		for j := range w.Stages[s].Jobs {
			written := &w.Stages[s].Jobs[j]
			if written.RunPolicy == slipway.RunSkip {
				continue
			}
			n := &note{faults: c.faults, path: fmt.Sprintf("workflow.stages[%d].jobs[%d]", s, j), frozen: frozen}
			job := c.d.find(written.Name)
			switch {
			case job == nil:
				n.add("name", "There is no job “%[1]s” in the workflow in Zadig. It has: %[2]s.", "Zadig 的工作流中没有任务“%[1]s”。现有任务：%[2]s。",
					written.Name, strings.Join(c.names(), ", "))
			case job.Type != written.Type:
				n.add("type", "Job “%[1]s” is of type %[2]s.", "任务“%[1]s”的类型是 %[2]s。", job.Name, job.Type)
			case !c.refuseType(n, job):
				n.path += ".spec"
				c.derive(n, written, job, w)
			}
		}
	}
	if len(c.chosen) == 0 && c.faults.Len() == 0 {
		c.faults.Add("workflow.stages", "The workflow has no job to run.", "该工作流没有可运行的任务。")
	}
}

// registryName returns the name of an image registry as the API wants it.
func (c *chooser) registryName(id string) string {
	if c.registries == nil && c.err == nil {
		if err := c.e.get(c.ctx, "/openapi/system/registry", nil, &c.registries); err != nil {
			c.err = c.e.reading(c.ctx, err)
		}
	}
	for _, r := range c.registries {
		if r.ID == id {
			return r.Address + "/" + r.Namespace
		}
	}
	return ""
}

// hostName returns the name of a code host as the API wants it. The public API does not
// tell; the one of Zadig's pages does, and takes the same token.
func (c *chooser) hostName(id int64) string {
	if c.hosts == nil && c.err == nil {
		var list []struct {
			ID    int64  `json:"id"`
			Alias string `json:"alias"`
		}
		c.hosts = map[int64]string{}
		if err := c.e.get(c.ctx, "/api/aslan/code/codehost", nil, &list); err != nil && !unserved(err) {
			c.err = c.e.reading(c.ctx, err)
		}
		for _, h := range list {
			c.hosts[h.ID] = h.Alias
		}
	}
	return c.hosts[id]
}

// databaseName returns the name of a database as the API wants it, as hostName does.
func (c *chooser) databaseName(id string) string {
	var list []struct {
		ID   string `json:"id"`
		Name string `json:"name"`
	}
	err := c.e.get(c.ctx, "/api/aslan/system/dbinstance/project", url.Values{"projectName": {c.project}}, &list)
	if err != nil && !unserved(err) && c.err == nil {
		c.err = c.e.reading(c.ctx, err)
	}
	for _, d := range list {
		if d.ID == id {
			return d.Name
		}
	}
	return ""
}
