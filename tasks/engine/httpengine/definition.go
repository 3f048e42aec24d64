package httpengine

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"slipway"
)

// jobType is that of all jobs, in definitions and states.
const jobType slipway.JobType = "http"

// resolved is what is known of a workflow before it is started.
type resolved struct {
	declared *Workflow
	workflow *slipway.Workflow
	secrets  []string // the credentials that the plan gives
}

// Resolve implements engine.Engine: the settings declare the workflows.
func (e *Engine) Resolve(_ context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	r, err := e.resolve(spec)
	if err != nil {
		return nil, err
	}
	return r.workflow, nil
}

func (e *Engine) resolve(spec slipway.WorkflowSpec) (*resolved, error) {
	if spec.Inline {
		return nil, slipway.Refuse(slipway.Invalid, "The engine %s runs its own workflows only, never one that is written into a plan.",
			"引擎 %s 只运行自己的工作流，不运行写在发布计划里的工作流。", e.config.Name)
	}
	declared := e.settings.workflow(spec.Project, spec.Name)
	if declared == nil {
		return nil, e.unknown(spec)
	}
	var faults slipway.Faults
	if inputs := bytes.TrimSpace(spec.Inputs); len(inputs) > 0 && string(inputs) != "null" {
		faults.Add("inputs", "The engine %s takes no inputs: give the values as params.", "引擎 %s 不支持 inputs，请使用 params 填写参数值。", e.config.Name)
	}
	r := &resolved{declared: declared, workflow: e.definition(declared)}
	r.give(&faults, spec.Params)
	if err := faults.Err("The engine %[2]s cannot run workflow “%[1]s”.", "引擎 %[2]s 无法运行工作流“%[1]s”。", spec.Name, e.config.Name); err != nil {
		return nil, err
	}
	return r, nil
}

func (e *Engine) unknown(spec slipway.WorkflowSpec) error {
	var known []string
	for _, w := range e.settings.Workflows {
		name := w.Name
		if w.Project != "" {
			name = w.Project + "/" + w.Name
		}
		known = append(known, name)
	}
	return slipway.Refuse(slipway.NotFound, "The engine %[1]s has no workflow “%[2]s” in project “%[3]s”. It has: %[4]s.",
		"引擎 %[1]s 的项目“%[3]s”中没有工作流“%[2]s”。现有：%[4]s。", e.config.Name, spec.Name, spec.Project, strings.Join(known, ", "))
}

// definition is a declared workflow with the default values of its params, and a digest
// of all that decides what a start does.
func (e *Engine) definition(d *Workflow) *slipway.Workflow {
	start := e.settings.Start
	what, err := json.Marshal([]any{start, e.settings.Headers, d})
	if err != nil {
		panic("httpengine: settings cannot be written: " + err.Error())
	}
	sum := sha256.Sum256(what)
	w := &slipway.Workflow{
		Name: d.Name, DisplayName: cmp.Or(d.DisplayName, d.Name), Project: d.Project, Category: string(jobType), Description: d.Description,
		Remark: "settings sha256:" + hex.EncodeToString(sum[:]),
	}
	for i := range d.Params {
		w.Params = append(w.Params, d.Params[i].param())
	}
	raw, err := json.Marshal(map[string]string{"method": cmp.Or(start.Method, http.MethodPost), "url": start.URL})
	if err != nil {
		panic("httpengine: a request cannot be written: " + err.Error())
	}
	for _, g := range d.stages() {
		stage := slipway.Stage{Name: g.Name}
		for _, job := range g.Jobs {
			stage.Jobs = append(stage.Jobs, slipway.Job{Name: job, Type: jobType, Spec: &slipway.UnknownSpec{Raw: raw}})
		}
		w.Stages = append(w.Stages, stage)
	}
	return w
}

// stages returns the stages of a workflow; one that declares none is one job.
func (w *Workflow) stages() []Stage {
	if len(w.Stages) == 0 {
		return []Stage{{Name: w.Name, Jobs: []string{w.Name}}}
	}
	return w.Stages
}

func (p *Param) param() slipway.Param {
	q := slipway.Param{
		Name: p.Name, Description: p.Description, Type: slipway.ParamString, Default: p.Default, Value: p.Default,
		IsCredential: p.Credential, Source: slipway.SourceRuntime,
	}
	switch p.Type {
	case "text":
		q.Type = slipway.ParamText
	case "choice":
		q.Type, q.ChoiceOption = slipway.ParamChoice, p.Choices
	case "boolean":
		q.Type, q.ChoiceOption = slipway.ParamChoice, []string{"true", "false"}
	}
	return q
}

// give puts the plan's values in.
func (r *resolved) give(faults *slipway.Faults, given map[string]string) {
	var known []string
	for i := range r.declared.Params {
		p := &r.declared.Params[i]
		known = append(known, p.Name)
		value, found := given[p.Name]
		switch {
		case !found && p.Required:
			faults.Add("params."+p.Name, "The param %s needs a value.", "参数 %s 需要填写值。", p.Name)
		case !found:
			continue
		case p.wrong(value):
			p.explain(faults, value)
		}
		r.workflow.Params[i].Value = value
		if p.Credential && value != "" {
			r.secrets = append(r.secrets, value)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch {
		case slices.Contains(known, name):
		case len(known) == 0:
			faults.Add("params."+name, "The workflow has no params, and no %s.", "该工作流没有任何参数，也没有 %s。", name)
		default:
			faults.Add("params."+name, "There is no param %[1]s. The workflow has: %[2]s.", "没有参数 %[1]s。该工作流的参数有：%[2]s。",
				name, strings.Join(known, ", "))
		}
	}
}

// explain says what is wrong with a value, and never repeats a credential.
func (p *Param) explain(faults *slipway.Faults, value string) {
	path := "params." + p.Name
	switch p.Type {
	case "choice":
		faults.Add(path, "%[1]q is not a choice of %[2]s. Choose %[3]s.", "%[1]q 不是参数 %[2]s 的可选项。可选：%[3]s。", value, p.Name, strings.Join(p.Choices, ", "))
	case "boolean":
		faults.Add(path, "%[2]s must be true or false, not %[1]q.", "参数 %[2]s 应为 true 或 false，而不是 %[1]q。", value, p.Name)
	case "number":
		faults.Add(path, "The value of %s must be a number.", "参数 %s 的值应为数字。", p.Name)
	case "text":
		faults.Add(path, "The value of %s contains a NUL character.", "参数 %s 的值包含 NUL 字符。", p.Name)
	default:
		faults.Add(path, "The value of %s must be one line.", "参数 %s 的值应为一行文本。", p.Name)
	}
}

// params are the values of a definition as placeholders see them.
func (r *resolved) params(v values) {
	all := map[string]json.RawMessage{}
	for i := range r.declared.Params {
		p, value := &r.declared.Params[i], r.workflow.Params[i].Value
		name := "params." + p.Name
		v.texts[name] = value
		raw := json.RawMessage(value)
		switch {
		case p.Type != "number" && p.Type != "boolean":
			raw = json.RawMessage(inJSON(part{name: name}, v))
		case value == "":
			raw = json.RawMessage("null")
		}
		v.raw[name], all[p.Name] = raw, raw
	}
	object, err := json.Marshal(all)
	if err != nil {
		panic("httpengine: params cannot be written: " + err.Error())
	}
	v.raw["params"] = object
}

// Workflows implements engine.Lister.
func (e *Engine) Workflows(_ context.Context, project string) ([]*slipway.Workflow, error) {
	var list []*slipway.Workflow
	for i := range e.settings.Workflows {
		if w := &e.settings.Workflows[i]; project == "" || w.Project == project {
			list = append(list, e.definition(w))
		}
	}
	return list, nil
}
