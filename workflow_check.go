package slipway

import "fmt"

// want is what belongs in a place, after "must be", in both languages.
type want struct{ en, zh string }

var (
	wantObject  = want{"an object", "对象"}
	wantList    = want{"a list", "列表"}
	wantString  = want{"a string (put it in quotes)", "字符串（请加引号）"}
	wantBool    = want{"true or false", " true 或 false"}
	wantInteger = want{"a whole number", "整数"}

	wantWorkflowName = want{"the name of the workflow", "工作流标识，不能为空"}
	wantParamName    = want{"the name of the param", "变量名称，不能为空"}
	wantOtherParam   = want{"a name that no other param has", "不重复的变量名称"}
	wantParamType    = want{"string, text, choice, multi-select, repo or file", " string、text、choice、multi-select、repo 或 file"}
	wantParamSource  = want{"runtime, fixed or reference", " runtime、fixed 或 reference"}
	wantJobName      = want{"the name of the job", "任务名称，不能为空"}
	wantOtherJob     = want{"a name that no other job has", "不重复的任务名称"}
	wantJobType      = want{"the type of the job", "任务类型，不能为空"}
	wantRunPolicy    = want{"default_not_run, force_run, skip or empty", " default_not_run、force_run、skip 或留空"}
)

// check returns what is wrong with a workflow beyond the types of its values.
func check(w *Workflow) []FieldProblem {
	var d decoder
	if w.Name == "" {
		d.want("name", wantWorkflowName)
	}
	checkParams(&d, w.Params)
	names := make(map[string]struct{})
	for s, stage := range w.Stages {
		for j := range stage.Jobs {
			checkJob(&d, fmt.Sprintf("stages[%d].jobs[%d]", s, j), &stage.Jobs[j], names)
		}
	}
	return d.problems
}

func checkParams(d *decoder, params []Param) {
	names := make(map[string]struct{}, len(params))
	for i, p := range params {
		path := fmt.Sprintf("params[%d]", i)
		checkName(d, path, p.Name, names, wantParamName, wantOtherParam)
		switch p.Type {
		case "", ParamString, ParamText, ParamChoice, ParamMultiSelect, ParamRepo, ParamFile:
		default:
			d.want(path+".type", wantParamType)
		}
		switch p.Source {
		case "", SourceRuntime, SourceFixed, SourceReference:
		default:
			d.want(path+".source", wantParamSource)
		}
	}
}

func checkJob(d *decoder, path string, job *Job, names map[string]struct{}) {
	checkName(d, path, job.Name, names, wantJobName, wantOtherJob)
	if job.Type == "" {
		d.want(path+".type", wantJobType)
	}
	switch job.RunPolicy {
	case RunDefault, RunDefaultNotRun, RunForce, RunSkip:
	default:
		d.want(path+".run_policy", wantRunPolicy)
	}
}

func checkName(d *decoder, path, name string, names map[string]struct{}, missing, taken want) {
	if name == "" {
		d.want(path+".name", missing)
		return
	}
	if _, found := names[name]; found {
		d.want(path+".name", taken)
	}
	names[name] = struct{}{}
}
