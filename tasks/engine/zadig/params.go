package zadig

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"slipway"
)

// documentParams returns the values of a plan, and those of the workflow written into it
// that differ from the definition.
func documentParams(defined, written *slipway.Workflow, values map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range written.Params {
		i := slices.IndexFunc(defined.Params, func(d slipway.Param) bool { return d.Name == p.Name })
		if p.Name == markParam || p.Repo != nil || p.IsCredential && masked(p.Value) {
			continue
		}
		if i < 0 || defined.Params[i].Value != p.Value {
			all[p.Name] = p.Value
		}
	}
	maps.Copy(all, values)
	return all
}

// setParams brings the values of the plan into the workflow's variables.
func (r *resolved) setParams(faults *slipway.Faults, w *slipway.Workflow, values map[string]string) {
	var known []string
	w.Params = slices.Clone(w.Params)
	for i := range w.Params {
		p := &w.Params[i]
		value, given := values[p.Name]
		delete(values, p.Name)
		n := &note{faults: faults, path: "params." + p.Name}
		switch {
		case p.Name == markParam:
			r.marked = p.Type == slipway.ParamString || p.Type == slipway.ParamText || p.Type == ""
			if given {
				n.add("", "Slipway itself sets %s.", "%s 由 Slipway 设置。", markParam)
			}
			continue
		case given:
			r.setParam(n, p, value)
		}
		known = append(known, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		faults.Add("params."+name, "There is no variable %[1]s. The workflow declares: %[2]s.", "没有变量 %[1]s。该工作流声明了：%[2]s。",
			name, strings.Join(known, ", "))
	}
}

func (r *resolved) setParam(n *note, p *slipway.Param, value string) {
	sent := paramValue{Name: p.Name, Type: p.Type, Value: value}
	switch p.Type {
	case "", slipway.ParamString, slipway.ParamText:
	case slipway.ParamChoice:
		switch {
		case slices.Contains(p.ChoiceOption, value):
		case p.IsCredential:
			n.add("", "The value of %s is not one of its options.", "变量 %s 的值不在可选项中。", p.Name)
		default:
			n.add("", "%[1]q is not an option of %[2]s. Choose %[3]s.", "%[1]q 不是变量 %[2]s 的可选项。可选：%[3]s。",
				value, p.Name, strings.Join(p.ChoiceOption, ", "))
		}
	case slipway.ParamRepo:
		if sent.Repo = readRepo(n, p, value); sent.Repo == nil {
			return
		}
		sent.Value = ""
		r.request.Parameters = append(r.request.Parameters, sent)
		return
	case slipway.ParamMultiSelect, slipway.ParamFile:
		n.add("", "Zadig's API cannot set variables of type %[1]s such as %[2]s; they keep their default value.",
			"Zadig 的接口无法设置 %[1]s 类型的变量 %[2]s，运行时使用其默认值。", p.Type, p.Name)
		return
	}
	if p.IsCredential {
		r.secrets = append(r.secrets, value)
	}
	p.Value = value
	r.request.Parameters = append(r.request.Parameters, sent)
}

// readRepo reads the value of a variable of type repo: a JSON object.
func readRepo(n *note, p *slipway.Param, value string) *paramRepo {
	var repo paramRepo
	if p.Repo == nil || json.Unmarshal([]byte(value), &repo) != nil || repo.CodehostName == "" {
		n.add("", `%s takes a repository, written as {"codehost_name": "…", "repo_namespace": "…", "repo_name": "…", "branch": "…", "prs": []}.`,
			`%s 的值为代码库，格式为 {"codehost_name": "…", "repo_namespace": "…", "repo_name": "…", "branch": "…", "prs": []}。`, p.Name)
		return nil
	}
	in := repoInput{RepoNamespace: repo.RepoNamespace, RepoName: repo.RepoName}
	if !in.names(*p.Repo) {
		n.add("", "%[1]s is about repository %[2]s/%[3]s.", "%[1]s 对应的代码库是 %[2]s/%[3]s。", p.Name, p.Repo.RepoNamespace, p.Repo.RepoName)
		return nil
	}
	set := *p.Repo
	set.Branch, set.PRs = repo.Branch, repo.PRs
	p.Repo = &set
	if repo.PRs == nil {
		repo.PRs = []int64{}
	}
	return &repo
}
