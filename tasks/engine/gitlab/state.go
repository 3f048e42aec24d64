package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// view is what is known of a pipeline from look to look.
type view struct {
	e                 *Engine
	project, pipeline int64
	detail            *gl.Pipeline
	bridged           bool // it has bridges
	asked             bool // whether it has was asked
	logs              *logs
	blocked           map[int64]string // environments of the jobs that wait for an approval
}

func newView(e *Engine, project, pipeline int64) *view {
	return &view{e: e, project: project, pipeline: pipeline, logs: newLogs(e, project, pipeline)}
}

// Watch implements engine.Engine. While GitLab does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	project, pipeline, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	return e.watchers.Watch(ctx, ref, obs, newView(e, project, pipeline).look)
}

// look reads the state of the run, the log lines that are new since the last look, and
// the result if it is over.
func (v *view) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	all, status, err := v.jobs(ctx)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	if v.detail == nil || status == "" || status != v.detail.Status {
		if v.detail, _, err = v.e.api.Pipelines.GetPipeline(v.project, v.pipeline, gl.WithContext(ctx)); err != nil {
			v.detail = nil
			return engine.State{}, nil, nil, v.fault(ctx, err)
		}
	}
	present := newest(all)
	if err := v.readBlocked(ctx, present); err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	state := v.state(present)
	lines, err := v.logs.news(ctx, all)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	if !state.Status.Over() {
		return state, lines, nil, nil
	}
	return state, lines, v.result(state.Status, present), nil
}

func (v *view) fault(ctx context.Context, err error) error {
	if isNotFound(err) {
		return fmt.Errorf("pipeline %d of project %d: %w", v.pipeline, v.project, engine.ErrNoRun)
	}
	return v.e.vendor.Reading(ctx, err)
}

// jobs reads all jobs, of earlier attempts too, the oldest first, and the pipeline's
// status, empty if it has none but bridges.
func (v *view) jobs(ctx context.Context) ([]job, string, error) {
	jobs, status, err := v.e.listJobs(ctx, v.project, v.pipeline)
	if err != nil || (v.asked && !v.bridged) {
		return jobs, status, err
	}
	bridges, err := v.e.listBridges(ctx, v.project, v.pipeline)
	if err != nil {
		return nil, "", err
	}
	v.asked, v.bridged = true, len(bridges) > 0
	jobs = append(jobs, bridges...)
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.id, b.id) })
	return jobs, status, nil
}

// readBlocked learns which of the jobs that are waited for wait for the approval of a
// deployment. Only some editions have those: what refuses the question has none.
func (v *view) readBlocked(ctx context.Context, present []job) error {
	v.blocked = nil
	if !slices.ContainsFunc(present, func(j job) bool { return j.waits() }) {
		return nil
	}
	list, err := v.e.blockedDeployments(ctx, v.project)
	if err != nil {
		return err
	}
	v.blocked = map[int64]string{}
	for _, d := range list {
		v.blocked[d.Deployable.ID] = ""
		if d.Environment != nil {
			v.blocked[d.Deployable.ID] = d.Environment.Name
		}
	}
	return nil
}

// folded is GitLab's word for where a pipeline or a job is, in ours.
func folded(word string) engine.Status {
	switch word {
	case "created", "waiting_for_resource", "waiting_for_callback", "preparing", "pending", "scheduled":
		return engine.Queued
	case "running", "canceling":
		return engine.Running
	case "manual":
		return engine.Waiting
	case "success":
		return engine.Passed
	case "failed":
		return engine.Failed
	case "canceled":
		return engine.Cancelled
	case "skipped":
		return engine.Skipped
	}
	return engine.Unknown
}

// state folds the pipeline and its jobs.
func (v *view) state(present []job) engine.State {
	s := engine.State{Status: folded(v.detail.Status), URL: v.detail.WebURL, Stages: stagesNow(present)}
	s.Started, s.Ended = millis(v.detail.StartedAt), millis(v.detail.FinishedAt)
	active, stopped, timeouts, failures := false, false, 0, 0
	for _, j := range present {
		active = active || j.active()
		stopped = stopped || (j.status == "canceled" && !j.optional)
		if j.waits() {
			s.Waits = append(s.Waits, engine.Wait{Job: j.name, For: v.waitsFor(j), Answerable: true})
		}
		if at := millis(j.started); at != 0 && (s.Started == 0 || at < s.Started) {
			s.Started = at
		}
		if !j.optional && j.folded() == engine.Timeout {
			timeouts++
		} else if !j.optional && j.folded() == engine.Failed {
			failures++
		}
	}
	switch {
	case s.Status.Over() && active:
		s.Status = engine.Running // it was retried, and GitLab has not counted yet
	case s.Status == engine.Failed && timeouts > 0 && failures == 0:
		s.Status = engine.Timeout
	case s.Status == engine.Skipped:
		s.Status = engine.Failed
	case s.Status == engine.Waiting && len(s.Waits) == 0:
		s.Status = engine.Running // between two jobs
	case s.Status == engine.Waiting && stopped && !active && onlyBridges(present):
		s.Status, s.Waits = engine.Cancelled, nil // GitLab cannot cancel a trigger job that waits
	}
	if !s.Status.Over() {
		s.Ended = 0
	} else if s.Ended == 0 || s.Ended < s.Started {
		s.Ended = max(millis(v.detail.UpdatedAt), s.Started)
	}
	switch s.Status {
	case engine.Waiting:
		s.WaitFor = s.Waits[0].For
	case engine.Unknown:
		s.WaitFor = slipway.T("GitLab says that the pipeline is “%s”, a status that Slipway does not know.",
			"GitLab 返回的流水线状态为“%s”，Slipway 无法识别。", v.detail.Status)
	case engine.Queued, engine.Running, engine.Passed, engine.Failed, engine.Cancelled, engine.Timeout, engine.Skipped:
	}
	return s
}

// onlyBridges tells whether nothing but bridges is waited for.
func onlyBridges(present []job) bool {
	return !slices.ContainsFunc(present, func(j job) bool { return j.waits() && !j.bridge })
}

func (v *view) waitsFor(j job) slipway.Text {
	if environment, found := v.blocked[j.id]; found {
		return slipway.T("Job “%[1]s” waits for an approval of its deployment to %[2]s.", "任务“%[1]s”等待部署到 %[2]s 的审批。", j.name, environment)
	}
	return slipway.T("Job “%s” waits for someone to start it.", "任务“%s”等待有人手动启动。", j.name)
}

func stagesNow(present []job) []engine.StageState {
	stages := []engine.StageState{}
	for _, j := range present {
		i := slices.IndexFunc(stages, func(s engine.StageState) bool { return s.Name == j.stage })
		if i < 0 {
			i = len(stages)
			stages = append(stages, engine.StageState{Name: j.stage})
		}
		shown := engine.JobState{
			Name: j.name, Type: jobType, Status: j.folded(), Started: millis(j.started), Ended: millis(j.ended), URL: j.url,
		}
		if shown.Status == engine.Failed || shown.Status == engine.Timeout {
			shown.Reason = j.why()
		}
		stages[i].Jobs = append(stages[i].Jobs, shown)
	}
	for i := range stages {
		stages[i].Status = stageStatus(stages[i], present)
	}
	return stages
}

// stageStatus folds the jobs of a stage; what may fail does not count.
func stageStatus(stage engine.StageState, present []job) engine.Status {
	seen := map[engine.Status]bool{}
	for _, shown := range stage.Jobs {
		i := slices.IndexFunc(present, func(j job) bool { return j.name == shown.Name })
		if status := shown.Status; present[i].optional && status.Over() && status != engine.Skipped {
			seen[engine.Passed] = true
		} else {
			seen[status] = true
		}
	}
	for _, s := range []engine.Status{engine.Running, engine.Waiting, engine.Unknown} {
		if seen[s] {
			return s
		}
	}
	if seen[engine.Queued] {
		if seen[engine.Passed] || seen[engine.Failed] || seen[engine.Cancelled] || seen[engine.Timeout] {
			return engine.Running
		}
		return engine.Queued
	}
	for _, s := range []engine.Status{engine.Failed, engine.Timeout, engine.Cancelled, engine.Passed} {
		if seen[s] {
			return s
		}
	}
	return engine.Skipped
}

func millis(t *time.Time) int64 {
	if t == nil {
		return 0
	}
	return t.UnixMilli()
}

func (v *view) result(status engine.Status, present []job) *engine.Result {
	r := &engine.Result{Status: status}
	switch status {
	case engine.Cancelled:
		r.Reason = slipway.T("The pipeline was cancelled in GitLab.", "流水线已在 GitLab 中取消。")
	case engine.Failed, engine.Timeout:
		var en, zh []string
		for _, j := range present {
			if s := j.folded(); !j.optional && (s == engine.Failed || s == engine.Timeout) {
				why := j.why()
				en = append(en, fmt.Sprintf("Job “%s” failed: %s", j.name, why.EN))
				zh = append(zh, fmt.Sprintf("任务“%s”失败：%s", j.name, why.ZH))
			}
		}
		r.Reason = slipway.Text{EN: strings.Join(en, " "), ZH: strings.Join(zh, "")}
		switch {
		case len(en) > 0:
		case v.detail.Status == "skipped":
			r.Reason = slipway.T("GitLab skipped the pipeline: nothing in it was run.", "GitLab 跳过了该流水线，没有运行任何任务。")
		case v.detail.YamlErrors != "":
			r.Reason = slipway.T("The configuration is faulty: %s", "配置有误：%s", v.e.vendor.Hide(output.Short(v.detail.YamlErrors)))
		default:
			r.Reason = slipway.T("The pipeline failed.", "流水线失败。")
		}
	case engine.Passed, engine.Queued, engine.Running, engine.Waiting, engine.Skipped, engine.Unknown:
	}
	return r
}
