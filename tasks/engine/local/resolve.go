package local

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"slipway"
	"slipway/tasks/engine"
)

var (
	envName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	reference = regexp.MustCompile(`^\s*\{\{\s*\.workflow\.params\.([A-Za-z0-9_]+)\s*\}\}\s*$`)
	markID    = regexp.MustCompile(`^[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}$`)
)

// maxValue is the largest value of a param, in bytes: the kernel passes no more than
// 128 KiB in one variable.
const maxValue = 64 << 10

// Resolve finds the workflow in the folder, checks that it can run here with the
// params, and returns it with their values.
func (e *Engine) Resolve(_ context.Context, spec slipway.WorkflowSpec) (*slipway.Workflow, error) {
	_, w, err := e.resolve(spec)
	return w, err
}

func (e *Engine) resolve(spec slipway.WorkflowSpec) (file, *slipway.Workflow, error) {
	if spec.Inline {
		return file{}, nil, refuse(
			"The local engine runs workflows of its own folder only, never one that is written into a plan. Name a workflow.",
			"local 引擎只运行工作流目录中的工作流，不运行写在发布计划里的工作流。请填写工作流标识。")
	}
	f, err := e.catalog.find(spec.Project, spec.Name)
	if err != nil {
		return file{}, nil, err
	}
	var faults slipway.Faults
	checkWorkflow(&faults, f.workflow)
	if len(spec.Inputs) > 0 && string(spec.Inputs) != "null" {
		faults.Add("inputs", "The local engine has no inputs; use params.", "local 引擎不支持 inputs，请使用 params。")
	}
	w := f.workflow.Clone()
	fillParams(&faults, w, spec.Params)
	err = faults.Err("The local engine cannot run workflow “%s”.", "local 引擎无法运行工作流“%s”。", f.workflow.Name)
	if err != nil {
		return file{}, nil, err
	}
	return f, w, nil
}

// sameDefinition tells whether the workflow in the folder is the one that was frozen.
// Credentials may have been replaced in between: they are not what is approved.
func sameDefinition(fresh, frozen *slipway.Workflow) bool {
	return frozen != nil && fresh.Masked().Equal(frozen.Masked())
}

// willRun tells whether a job runs. Nobody can select jobs here, so those that run
// only when selected do not.
func willRun(job *slipway.Job) bool {
	return job.RunPolicy != slipway.RunSkip && job.RunPolicy != slipway.RunDefaultNotRun
}

func checkWorkflow(faults *slipway.Faults, w *slipway.Workflow) {
	if w.Disabled {
		faults.Add("workflow", "The workflow is disabled.", "该工作流已被禁用。")
	}
	for i := range w.Params {
		checkParam(faults, &w.Params[i])
	}
	jobs := 0
	for s := range w.Stages {
		for j := range w.Stages[s].Jobs {
			if job := &w.Stages[s].Jobs[j]; willRun(job) {
				jobs++
				checkJob(faults, fmt.Sprintf("workflow.stages[%d].jobs[%d]", s, j), w, job)
			}
		}
	}
	if jobs == 0 {
		faults.Add("workflow", "The workflow has no job to run.", "该工作流没有可运行的任务。")
	}
}

func checkParam(faults *slipway.Faults, p *slipway.Param) {
	path := "params." + p.Name
	checkVariable(faults, path, p.Name)
	switch p.Type {
	case slipway.ParamRepo, slipway.ParamFile:
		faults.Add(path, "The local engine has no params of type %s.", "local 引擎不支持 %s 类型的变量。", p.Type)
	case "", slipway.ParamString, slipway.ParamText, slipway.ParamChoice, slipway.ParamMultiSelect:
	}
}

// checkVariable refuses names of variables whose value comes with a plan and that
// are no names, or that would let its author run code of their own.
func checkVariable(faults *slipway.Faults, path, name string) {
	if !envName.MatchString(name) {
		faults.Add(path, "%q cannot be the name of an environment variable: use letters, digits and underscores.",
			"%q 不能作为环境变量名：请使用字母、数字和下划线。", name)
	}
	for _, prefix := range []string{"SLIPWAY_", "LD_", "DYLD_", "GIT_", "BASH_FUNC_"} {
		if strings.HasPrefix(name, prefix) {
			faults.Add(path, "%q must not be set from a plan: names that begin with %s are reserved.",
				"不能由发布计划设置 %q：以 %s 开头的名称被保留。", name, prefix)
		}
	}
	switch name {
	case "PATH", "HOME", "SHELL", "IFS", "ENV", "BASH_ENV", "SHELLOPTS", "BASHOPTS", "PS4", "CDPATH", "EDITOR", "VISUAL",
		"PAGER", "PYTHONPATH", "PYTHONSTARTUP", "PERL5OPT", "PERL5LIB", "RUBYOPT", "NODE_OPTIONS", "JAVA_TOOL_OPTIONS", "GOFLAGS":
		faults.Add(path, "%q must not be set from a plan: it changes which programs are run.",
			"不能由发布计划设置 %q：它会改变所运行的程序。", name)
	}
}

func checkJob(faults *slipway.Faults, path string, w *slipway.Workflow, job *slipway.Job) {
	spec, ok := job.Spec.(*slipway.FreestyleSpec)
	if !ok {
		faults.Add(path, "The local engine cannot run job “%[1]s” of type %[2]s; it runs freestyle jobs.",
			"local 引擎无法运行 %[2]s 类型的任务“%[1]s”，只能运行 freestyle 任务。", job.Name, job.Type)
		return
	}
	if strings.TrimSpace(spec.Run) == "" {
		faults.Add(path+".spec.run", "Job “%s” has no script to run.", "任务“%s”没有要运行的脚本。", job.Name)
	}
	if spec.Timeout < 0 {
		faults.Add(path+".spec.timeout", "The timeout of job “%s” must be a number of seconds above 0.",
			"任务“%s”的超时时间应为大于 0 的秒数。", job.Name)
	}
	if len(spec.Services) > 0 {
		faults.Add(path+".spec.services", "Job “%s” has services; the local engine runs one script per job.",
			"任务“%s”包含服务；local 引擎的每个任务只运行一个脚本。", job.Name)
	}
	for i, kv := range spec.Envs {
		at := fmt.Sprintf("%s.spec.envs[%d]", path, i)
		if !envName.MatchString(kv.Key) || strings.HasPrefix(kv.Key, "SLIPWAY_") {
			faults.Add(at, "%q cannot be the name of a job's variable.", "%q 不能作为任务的变量名。", kv.Key)
			continue
		}
		if kv.Source != slipway.SourceReference {
			continue
		}
		checkVariable(faults, at, kv.Key)
		if _, known := referenced(w, kv.Value); !known {
			faults.Add(at, "The variable %[1]s refers to %[2]q, which is no param of the workflow.",
				"变量 %[1]s 引用了 %[2]q，但工作流没有这个变量。", kv.Key, kv.Value)
		}
	}
}

// referenced returns the param that {{.workflow.params.NAME}} refers to.
func referenced(w *slipway.Workflow, value string) (*slipway.Param, bool) {
	match := reference.FindStringSubmatch(value)
	if match == nil {
		return nil, false
	}
	i := slices.IndexFunc(w.Params, func(p slipway.Param) bool { return p.Name == match[1] })
	if i < 0 {
		return nil, false
	}
	return &w.Params[i], true
}

// fillParams gives each param of the workflow the value from the plan, else its own,
// else its default, and notes what is wrong with them.
func fillParams(faults *slipway.Faults, w *slipway.Workflow, given map[string]string) {
	var known []string
	for i := range w.Params {
		p := &w.Params[i]
		if isFixed(p) {
			if _, found := given[p.Name]; found {
				faults.Add("params."+p.Name, "The param %s is fixed in the workflow.", "变量 %s 在工作流中是固定值。", p.Name)
			}
		} else {
			known = append(known, p.Name)
			if value, found := given[p.Name]; found {
				p.Value = value
			}
		}
		if p.Value == "" {
			p.Value = p.Default
		}
		checkValue(faults, p)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if slices.ContainsFunc(w.Params, func(p slipway.Param) bool { return p.Name == name }) {
			continue
		}
		if len(known) == 0 {
			faults.Add("params."+name, "There is no param %s: the workflow takes none.", "没有变量 %s：该工作流不接受变量。", name)
			continue
		}
		faults.Add("params."+name, "There is no param %[1]s. The workflow takes %[2]s.", "没有变量 %[1]s。该工作流的变量有：%[2]s。",
			name, strings.Join(known, ", "))
	}
}

func isFixed(p *slipway.Param) bool {
	return p.Source == slipway.SourceFixed || p.Source == slipway.SourceReference
}

func checkValue(faults *slipway.Faults, p *slipway.Param) {
	path := "params." + p.Name
	if strings.ContainsRune(p.Value, 0) {
		faults.Add(path, "The value of %s contains a NUL character.", "变量 %s 的值包含 NUL 字符。", p.Name)
	}
	if len(p.Value) > maxValue {
		faults.Add(path, "The value of %s is longer than 64 KiB.", "变量 %s 的值超过 64 KiB。", p.Name)
	}
	var chosen []string
	switch p.Type {
	case slipway.ParamChoice:
		chosen = []string{p.Value}
	case slipway.ParamMultiSelect:
		if p.Value != "" {
			chosen = strings.Split(p.Value, ",")
		}
		p.ChoiceValue = chosen
	case "", slipway.ParamString, slipway.ParamText, slipway.ParamRepo, slipway.ParamFile:
	}
	for _, value := range chosen {
		if slices.Contains(p.ChoiceOption, value) {
			continue
		}
		if p.IsCredential {
			faults.Add(path, "The value of %s is not one of its options.", "变量 %s 的值不在可选项中。", p.Name)
			continue
		}
		faults.Add(path, "%[1]q is not an option of %[2]s. Choose %[3]s.", "%[1]q 不是变量 %[2]s 的可选项。可选：%[3]s。",
			value, p.Name, strings.Join(p.ChoiceOption, ", "))
	}
}

// checkMark refuses marks that cannot name a file or were written down for another
// machine.
func (e *Engine) checkMark(mark engine.Mark) error {
	if !markID.MatchString(mark.ID) || mark.Place != e.place {
		return fmt.Errorf("mark %q of place %q: %w", mark.ID, mark.Place, engine.ErrNoRun)
	}
	return nil
}
