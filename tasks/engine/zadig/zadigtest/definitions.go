package zadigtest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"slipway/tasks/engine/enginetest/standin"
)

const markParam = "SLIPWAY_MARK"

// projectKeys lists the projects, each once.
func (s *Server) projectKeys() []string {
	var keys []string
	for _, w := range s.config.Workflows {
		if !slices.Contains(keys, w.Project) {
			keys = append(keys, w.Project)
		}
	}
	return keys
}

func (s *Server) projects(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, key := range s.projectKeys() {
		list = append(list, map[string]any{"project_name": "Project " + key, "project_key": key, "description": "", "deploy_type": "k8s"})
	}
	answer(w, map[string]any{"total": len(list), "projects": list})
}

func (s *Server) registries(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for _, r := range s.config.Registries {
		list = append(list, map[string]any{
			"registry_id": r.ID, "address": r.Address, "provider": "native", "region": "", "namespace": r.Namespace, "is_default": false,
		})
	}
	answer(w, list)
}

func (s *Server) codeHosts(w http.ResponseWriter, _ *http.Request) {
	list := []map[string]any{}
	for i, alias := range s.config.CodeHosts {
		list = append(list, map[string]any{
			"id": i + 1, "type": "gitlab", "address": "https://gitlab.example.com/", "alias": alias, "access_token": "********",
		})
	}
	answer(w, list)
}

func (s *Server) databases(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("projectName") == "" {
		typed(w, 400, "Bad Request", "")
		return
	}
	list := []map[string]any{}
	for id, name := range s.config.Databases {
		list = append(list, map[string]any{"id": id, "type": "mysql", "name": name, "projects": []string{}})
	}
	answer(w, list)
}

func (s *Server) list(w http.ResponseWriter, r *http.Request) {
	project := r.URL.Query().Get("projectKey")
	if project == "" {
		typed(w, 400, "Bad Request", "projectKey is required")
		return
	}
	list := []map[string]any{}
	for _, flow := range s.config.Workflows {
		if flow.Project == project {
			list = append(list, map[string]any{
				"workflow_key": flow.Name, "workflow_name": "The " + flow.Name, "update_by": "ann", "update_time": 1756800000, "type": "custom",
			})
		}
	}
	answer(w, map[string]any{"workflows": list})
}

// detail tells a definition. As the real one does, it believes the caller about the
// project.
func (s *Server) detail(w http.ResponseWriter, r *http.Request) {
	flow := s.find(r.PathValue("name"))
	switch {
	case r.URL.Query().Get("projectKey") == "":
		typed(w, 400, "Bad Request", "projectKey is required")
		return
	case flow == nil:
		plain(w, "mongo: no documents in result")
		return
	}
	params, stages := s.stored(flow)
	answer(w, map[string]any{
		"workflow_key": flow.Name, "workflow_name": "The " + flow.Name, "project_key": r.URL.Query().Get("projectKey"),
		"description": "about " + flow.Name, "created_by": "ann", "create_time": 1756000000, "updated_by": "",
		"update_time": 1756800000, "params": params, "stages": stages, "notify_ctls": []any{}, "share_storages": []any{}, "concurrency_limit": -1,
	})
}

// stored is a workflow as Zadig stores it.
func (s *Server) stored(flow *Workflow) (params []map[string]any, stages []Stage) {
	for _, p := range flow.Definition.Params {
		params = append(params, maps.Clone(p))
	}
	for _, p := range flow.Params {
		param := map[string]any{
			"name": p.Name, "description": "about " + p.Name, "type": "string", "value": p.Default, "default": p.Default,
			"is_credential": p.Secret, "source": "runtime",
		}
		if len(p.Choices) > 0 {
			param["type"], param["choice_option"] = "choice", p.Choices
		}
		params = append(params, param)
	}
	if !flow.Unmarked {
		params = append(params, map[string]any{
			"name": markParam, "description": "set by Slipway", "type": "string", "value": "", "default": "", "is_credential": false,
		})
	}
	if stages = flow.Definition.Stages; stages == nil {
		for _, st := range flow.Stages {
			stage := Stage{Name: st.Name}
			for _, job := range st.Jobs {
				stage.Jobs = append(stage.Jobs, s.job(flow, st.Name, job))
			}
			stages = append(stages, stage)
		}
	}
	return params, stages
}

// job is a job of a workflow without a definition.
func (s *Server) job(flow *Workflow, stage string, job standin.Job) map[string]any {
	made := map[string]any{
		"name": job.Name, "type": "freestyle", "skipped": false, "run_policy": "", "error_policy": nil, "execute_policy": nil, "service_modules": nil,
		"spec": map[string]any{
			"freestyle_type": "", "source": "runtime", "job_name": "", "ref_repos": false, "repos": []any{}, "envs": []any{},
			"script": fmt.Sprintf("echo %q", job.Says), "script_type": "shell", "services": nil, "steps": []any{},
		},
	}
	switch {
	case flow.Broken != "":
		made["type"], made["spec"] = "nacos", map[string]any{"nacos_id": "68352725c2caad781e1b473e", "namespace_id": "public", "source": "fixed", "nacos_datas": []any{}}
	case job.Asks && !slices.Contains(s.config.Manual, stage):
		made["type"], made["spec"] = "approval", s.approval(job.Name)
	}
	return made
}

// approval is the spec of a job that asks.
func (s *Server) approval(job string) map[string]any {
	approver := map[string]any{"type": "user", "user_id": UserID, "user_name": Account}
	switch s.config.Waits[job] {
	case "lark":
		return map[string]any{"timeout": 60, "type": "lark", "description": "", "lark_approval": map[string]any{"approval_nodes": []any{}}}
	case "stranger":
		approver = map[string]any{"type": "user", "user_id": "another", "user_name": "Ann"}
	}
	return map[string]any{
		"timeout": 60, "type": "native", "description": "",
		"native_approval": map[string]any{"timeout": 60, "approve_users": []any{approver}, "needed_approvers": 1, "reject_or_approve": ""},
	}
}
