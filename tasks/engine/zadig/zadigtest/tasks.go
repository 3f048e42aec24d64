package zadigtest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"slipway/tasks/engine/enginetest/standin"
)

// stopping is how long the jobs of a run that was cancelled take to stop.
const stopping = 10 * time.Millisecond

// task is a run.
type task struct {
	number  int // within the workflow
	flow    *Workflow
	creator string
	revoker string
	run     *standin.Run
	params  []map[string]any
	types   map[string]any // types and specs of the jobs
	started int64          // of the present attempt, Unix seconds
	said    string         // a status that it shows whatever it does
	told    string         // the status that was told last
	asked   bool           // that it asks was told
	cancel  time.Time      // when it was cancelled: its jobs stop a moment later
}

func (t *task) ref() string { return t.flow.Name + "/" + strconv.Itoa(t.number) }

// vars are the values of the variables of a run.
func vars(flow *Workflow, given map[string]string) map[string]string {
	all := map[string]string{}
	for _, p := range flow.Params {
		all[p.Name] = p.Default
	}
	for name, value := range given {
		all[name] = value
	}
	return all
}

// newTask makes a run of the jobs that are selected; nil: of all.
func (s *Server) newTask(flow *Workflow, creator string, values map[string]string, selected []string) *task {
	kept := *flow
	t := &task{flow: &kept, creator: creator, revoker: creator, types: map[string]any{}}
	for _, other := range s.tasks {
		if other.flow.Name == flow.Name {
			t.number = max(t.number, other.number)
		}
	}
	t.number++
	params, stages := s.stored(flow)
	for _, p := range params {
		if value, given := values[p["name"].(string)]; given {
			p["value"] = value
		}
		t.params = append(t.params, p)
	}
	behaves := flow.Workflow
	behaves.Stages = nil
	for _, stage := range stages {
		does := standin.Stage{Name: stage.Name}
		for _, job := range stage.Jobs {
			name := job["name"].(string)
			t.types[name] = job
			if selected == nil || slices.Contains(selected, name) {
				does.Jobs = append(does.Jobs, behaviour(flow, name))
			}
		}
		if len(does.Jobs) > 0 {
			behaves.Stages = append(behaves.Stages, does)
		}
	}
	now := s.Now()
	t.run, t.started = standin.NewRun(t.number, behaves, values, now, s.NextID), now.Unix()
	return t
}

// behaviour is what a job does; one that is only in the definition passes.
func behaviour(flow *Workflow, name string) standin.Job {
	for _, stage := range flow.Stages {
		for _, job := range stage.Jobs {
			if job.Name == name {
				return job
			}
		}
	}
	return standin.Job{Name: name}
}

// advance does what is due in all runs.
func (s *Server) advance() {
	now := s.Now()
	for _, t := range s.tasks {
		t.run.CatchUp(now)
		s.Tell(s.news(t)...)
	}
}

// paused returns the stage that the run waits to be started; nil if it is not paused.
func (s *Server) paused(t *task) *standin.Attempt {
	for _, a := range t.run.Present() {
		if a.Status == standin.Asking && slices.Contains(s.config.Manual, a.Stage) {
			return a
		}
	}
	return nil
}

// status is Zadig's word for where a run is.
func (s *Server) status(t *task) string {
	if t.said != "" {
		return t.said
	}
	switch t.run.Status() {
	case standin.Created:
		if t.run.Started().IsZero() {
			return "waiting"
		}
	case standin.Asking:
		if s.paused(t) != nil {
			return "pause"
		}
	case standin.Passed, standin.Skipped:
		return "passed"
	case standin.Failed:
		if t.run.Refused {
			return "reject"
		}
		return "failed"
	case standin.TimedOut:
		return "timeout"
	case standin.Cancelled:
		return "cancelled"
	case standin.Running:
	}
	return "running"
}

// jobStatus is Zadig's word for where a job is; those that have not begun have none.
func (s *Server) jobStatus(t *task, a *standin.Attempt) string {
	switch a.Status {
	case standin.Running:
		return "running"
	case standin.Asking:
		switch {
		case slices.Contains(s.config.Manual, a.Stage):
			return ""
		case s.config.Waits[a.Job.Name] == "error":
			return "wait_for_manual_error_handling"
		case s.config.Waits[a.Job.Name] == "debug":
			return "debug_before"
		}
		return "wait_for_approval"
	case standin.Passed:
		return "passed"
	case standin.Failed:
		if a.Job.Asks && t.run.Refused {
			return "reject"
		}
		return "failed"
	case standin.TimedOut:
		return "timeout"
	case standin.Cancelled:
		switch {
		case a.Started.IsZero() && !a.Job.Asks:
			return ""
		case s.Now().Sub(t.cancel) < stopping:
			return "running" // it is being stopped
		}
		return "cancelled"
	case standin.Created, standin.Skipped:
	}
	return ""
}

func seconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// set puts a value into an object, unless it is zero: Zadig leaves those out.
func set[T comparable](object map[string]any, key string, value T) {
	var zero T
	if value != zero {
		object[key] = value
	}
}

// whole is a run as its detail tells it.
func (s *Server) whole(t *task) map[string]any {
	status := s.status(t)
	object := map[string]any{
		"task_id": t.number, "workflow_key": t.flow.Name, "workflow_name": "The " + t.flow.Name, "params": t.params, "reverted": false,
		"remark": "", "project_key": t.flow.Project, "is_restart": false, "debug": false, "approval_ticket_id": "", "approval_id": "",
	}
	set(object, "status", status)
	set(object, "task_creator", t.creator)
	set(object, "task_revoker", t.revoker)
	set(object, "create_time", seconds(t.run.Created))
	set(object, "start_time", t.started)
	if t.run.Status().Over() || status == "pause" { // also of a paused run
		set(object, "end_time", max(seconds(t.run.Updated), t.started))
	}
	stages := []map[string]any{}
	for i, stage := range t.run.Workflow.Stages {
		stages = append(stages, s.stage(t, i, stage.Name))
	}
	object["stages"] = stages
	return object
}

func (s *Server) stage(t *task, index int, name string) map[string]any {
	stage := map[string]any{"name": name, "parallel": true, "manual_exec": nil, "error": ""}
	jobs := []map[string]any{}
	words := map[string]bool{}
	for i, a := range t.run.Present() {
		if a.Stage == name {
			words[s.jobStatus(t, a)] = true
			jobs = append(jobs, s.jobDetail(t, a, unique(index, i, a.Job.Name)))
		}
	}
	stage["jobs"], stage["status"] = jobs, ""
	for _, word := range []string{"passed", "failed", "timeout", "cancelled", "reject", "running"} {
		if words[word] {
			stage["status"] = word
		}
	}
	if words["wait_for_approval"] || words["wait_for_manual_error_handling"] || words["debug_before"] {
		stage["status"] = "running"
	}
	if slices.Contains(s.config.Manual, name) {
		waits := s.paused(t) != nil && s.paused(t).Stage == name
		if waits {
			stage["status"] = "pause"
		}
		stage["manual_exec"] = map[string]any{
			"enabled": true, "modify_params": false, "excuted": !waits, "manual_exec_users": []any{s.executor(name)},
		}
	}
	return stage
}

// executor is who may start a stage.
func (s *Server) executor(stage string) map[string]any {
	if slices.Contains(s.config.Others, stage) {
		return map[string]any{"type": "group", "group_id": "g1", "group_name": "release managers"}
	}
	return map[string]any{"type": "user", "user_id": UserID, "user_name": Account}
}

func (s *Server) jobDetail(t *task, a *standin.Attempt, unique string) map[string]any {
	stored := t.types[a.Job.Name].(map[string]any)
	job := map[string]any{
		"name": unique, "key": a.Job.Name, "display_name": a.Job.Name, "origin_name": a.Job.Name, "type": stored["type"],
		"status": s.jobStatus(t, a), "reverted": false, "cost_seconds": 0, "error": "", "breakpoint_before": false, "breakpoint_after": false,
		"spec": map[string]any{"envs": []any{}, "repos": nil}, "error_policy": nil, "error_handler_user_id": "", "error_handler_username": "",
		"retry_count": 0, "job_info": map[string]any{"job_name": a.Job.Name},
	}
	if stored["type"] == "approval" {
		job["spec"] = stored["spec"]
	}
	if s.config.Waits[a.Job.Name] == "error" {
		job["error_policy"] = map[string]any{
			"policy": "manual_check", "maximum_retry": 0, "approval_users": []any{map[string]any{"type": "user", "user_id": "ann", "user_name": "Ann"}},
		}
	}
	begun := a.Started
	if a.Status == standin.Asking && !slices.Contains(s.config.Manual, a.Stage) {
		begun = a.Created // it asks since
	}
	set(job, "start_time", seconds(begun))
	if job["status"] != "running" {
		set(job, "end_time", seconds(a.Ended))
	}
	if a.Status == standin.Failed && job["status"] == "failed" {
		job["error"] = "job " + a.Job.Name + " exited with code 1"
	}
	return job
}

// asked returns the run in the query; it answers when there is none.
func (s *Server) asked(w http.ResponseWriter, workflow, number string) *task {
	n, err := strconv.Atoi(number)
	if err != nil {
		typed(w, 400, "Bad Request", "invalid task id")
		return nil
	}
	for _, t := range s.tasks {
		if t.flow.Name == workflow && t.number == n {
			return t
		}
	}
	plain(w, "mongo: no documents in result")
	return nil
}

func (s *Server) inQuery(w http.ResponseWriter, r *http.Request) *task {
	return s.asked(w, r.URL.Query().Get("workflowKey"), r.URL.Query().Get("taskId"))
}

func (s *Server) task(w http.ResponseWriter, r *http.Request) {
	if t := s.inQuery(w, r); t != nil {
		answer(w, s.whole(t))
	}
}

func (s *Server) history(w http.ResponseWriter, r *http.Request) {
	page, size := 1, 10
	if n, err := strconv.Atoi(r.URL.Query().Get("pageNum")); err == nil && n > 0 {
		page = n
	}
	if n, err := strconv.Atoi(r.URL.Query().Get("pageSize")); err == nil && n > 0 {
		size = n
	}
	all := []map[string]any{}
	for _, t := range slices.Backward(s.tasks) {
		if t.flow.Name == r.PathValue("name") {
			all = append(all, map[string]any{
				"workflow_key": t.flow.Name, "workflow_name": "The " + t.flow.Name, "project_key": r.URL.Query().Get("projectKey"),
				"task_id": t.number, "create_time": seconds(t.run.Created), "task_creator": t.creator, "start_time": t.started,
				"end_time": 0, "status": s.status(t),
			})
		}
	}
	from, to := min((page-1)*size, len(all)), min(page*size, len(all))
	answer(w, map[string]any{"total": len(all), "workflow_tasks": all[from:to]})
}

// cancel ends a run. One that failed is called cancelled from then on.
func (s *Server) cancel(w http.ResponseWriter, r *http.Request) {
	t := s.inQuery(w, r)
	if t == nil {
		return
	}
	if s.status(t) == "passed" {
		typed(w, 6163, "取消工作流任务失败", "task: %s:%d is passed, cannot cancel", t.flow.Name, t.number)
		return
	}
	if t.run.Status().Over() {
		s.Notes.Addf("run %s was over, and was cancelled", t.ref())
	}
	t.cancel, t.revoker = s.Now(), Account
	t.run.Cancel(t.cancel)
	success(w)
}

func (s *Server) retry(w http.ResponseWriter, r *http.Request) {
	t := s.asked(w, r.PathValue("name"), r.PathValue("task"))
	switch {
	case t == nil:
	case !s.again(t):
		plain(w, "工作流任务状态无法重试")
	default:
		success(w)
	}
}

// again runs what did not pass again, as the same run; false if that cannot be.
func (s *Server) again(t *task) bool {
	switch s.status(t) {
	case "failed", "timeout", "cancelled", "reject":
	default:
		return false
	}
	t.run.Refused, t.told, t.asked = false, "", false
	t.run.Retry(s.Now())
	// A run takes seconds in Zadig, so that its attempts never begin in the same one.
	t.started = max(s.Now().Unix(), t.started+1)
	s.advance()
	return true
}

// unique is the name of a job in its run.
func unique(stage, job int, name string) string {
	return fmt.Sprintf("job-%d-%d-0-%s", stage, job, name)
}
