package github

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"

	"slipway"
)

const maxInputs = 25 // that GitHub takes

// params makes the workflow's params of the inputs, and checks the values of the plan.
func (r *resolved) params(faults *slipway.Faults, spec slipway.WorkflowSpec, f *workflowFile, chosen bool) {
	given := maps.Clone(spec.Params)
	ownRef := slices.ContainsFunc(f.inputs, func(in input) bool { return in.name == paramRef })
	switch said, found := given[paramRef]; {
	case ownRef && found && !chosen:
		faults.Add("params."+paramRef, "The workflow has an input of its own called ref. Name the branch or tag with the workflow: “%s”.",
			"该工作流自身声明了名为 ref 的输入。请在工作流名称中指定分支或标签：“%s”。", r.file+"@main")
	case !ownRef && found && chosen && said != r.ref:
		faults.Add("params."+paramRef, "The workflow names “%[1]s”; leave the param out, or name the workflow without it.",
			"工作流已指定“%[1]s”；请去掉该变量，或在工作流名称中不指定。", r.ref)
	}
	if !ownRef {
		delete(given, paramRef)
		r.workflow.Params = append(r.workflow.Params,
			slipway.Param{Name: paramRef, Type: slipway.ParamString, Value: r.ref, Source: slipway.SourceRuntime})
	}
	typed := readTyped(faults, spec.Inputs, f.inputs)
	for _, in := range f.inputs {
		if in.name == markInput {
			r.takesMark = true
			continue
		}
		value, path, found := in.given(faults, given, typed)
		p := in.param(faults, path, value, found)
		if delete(given, in.name); found {
			r.inputs[in.name] = value
			if p.IsCredential {
				r.secrets = append(r.secrets, value)
			}
		}
		r.workflow.Params = append(r.workflow.Params, p)
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		faults.Add("params."+name, "There is no input %[1]s. The workflow declares: %[2]s.", "没有输入 %[1]s。该工作流声明了：%[2]s。",
			name, known(r.workflow.Params))
	}
	if n := len(r.inputs); n > maxInputs || (n == maxInputs && r.takesMark) {
		faults.Add("params", "GitHub takes at most %d inputs, the one for the mark included.", "GitHub 最多接受 %d 个输入（包含用于标记的输入）。", maxInputs)
	}
}

func known(params []slipway.Param) string {
	var names []string
	for _, p := range params {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

// readTyped reads the inputs of the plan's document, which have types.
func readTyped(faults *slipway.Faults, raw json.RawMessage, inputs []input) map[string]json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var typed map[string]json.RawMessage
	if err := json.Unmarshal(raw, &typed); err != nil {
		faults.Add("inputs", "The inputs must be an object of names and values.", "inputs 应为由名称和值组成的对象。")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(typed)) {
		if !slices.ContainsFunc(inputs, func(in input) bool { return in.name == name && name != markInput }) {
			faults.Add("inputs."+name, "The workflow declares no input %s.", "该工作流没有声明输入 %s。", name)
		}
	}
	return typed
}

// given is the value of the plan, as text, and where it stands there.
func (in *input) given(faults *slipway.Faults, given map[string]string, typed map[string]json.RawMessage) (value, path string, found bool) {
	value, found = given[in.name]
	raw, both := typed[in.name]
	if !both {
		return value, "params." + in.name, found
	}
	path = "inputs." + in.name
	if found {
		faults.Add(path, "The input %s is given twice, as a param and as an input.", "输入 %s 同时出现在 params 和 inputs 中。", in.name)
	}
	if json.Unmarshal(raw, &value) != nil {
		value = string(raw)
	}
	return value, path, true
}

// param makes a param of the input, and checks the value.
func (in *input) param(faults *slipway.Faults, path, value string, found bool) slipway.Param {
	p := slipway.Param{
		Name: in.name, Description: in.description, Type: slipway.ParamString, Default: in.value, Value: in.value,
		IsCredential: slipway.LooksSecret(in.name), Source: slipway.SourceRuntime,
	}
	if len(in.options) > 0 {
		p.Type, p.ChoiceOption = slipway.ParamChoice, in.options
	}
	if !found {
		if in.required && !in.hasDefault && in.kind != "boolean" {
			faults.Add(path, "The input %s needs a value.", "输入 %s 需要填写值。", in.name)
		}
		return p
	}
	p.Value = value
	shown := value
	if p.IsCredential {
		shown = slipway.Mask
	}
	switch {
	case in.required && value == "":
		faults.Add(path, "The input %s needs a value.", "输入 %s 需要填写值。", in.name)
	case len(in.options) > 0 && !slices.Contains(in.options, value):
		faults.Add(path, "%[1]q is not an option of %[2]s. Choose %[3]s.", "%[1]q 不是输入 %[2]s 的可选项。可选：%[3]s。",
			shown, in.name, strings.Join(in.options, ", "))
	case in.kind == "number" && !isNumber(value):
		faults.Add(path, "The input %[1]s must be a number, not %[2]q.", "输入 %[1]s 应为数字，而不是 %[2]q。", in.name, shown)
	}
	return p
}

var number = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

func isNumber(value string) bool { return number.MatchString(value) }
