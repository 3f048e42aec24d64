package httpengine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// seen is what the server says of a run, whichever way it says it.
type seen struct {
	status  engine.Status
	word    string // the server's own
	reason  string
	page    string
	started int64
	ended   int64
	attempt string
	jobs    []seenJob
	log     []string // only of a report
}

type seenJob struct {
	name, stage, reason string
	status              engine.Status
	started, ended      int64
}

// view is what is known of a run from look to look.
type view struct {
	e       *Engine
	ref     engine.Ref
	run     run
	logs    *logs
	started int64 // when it was first seen to run, for a server that does not say
	ended   int64
}

// Watch implements engine.Engine. While the server does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	r, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	v := &view{e: e, ref: ref, run: r, logs: newLogs(e, r)}
	return e.watchers.Watch(ctx, ref, obs, v.look)
}

// see learns how a run is.
func (e *Engine) see(ctx context.Context, r run) (*seen, error) {
	if e.settings.Status == nil {
		return e.report(ctx, r)
	}
	answer, err := e.read(ctx, &e.settings.Status.Request, e.values(r, nil))
	if err != nil {
		return nil, err
	}
	return e.readStatus(answer), nil
}

func (e *Engine) readStatus(answer any) *seen {
	at := e.settings.Status
	s := &seen{
		word: text(answer, at.Status), reason: optional(answer, at.Reason), page: optional(answer, at.Page), started: moment(answer, at.Started),
		ended: moment(answer, at.Ended), attempt: optional(answer, at.Attempt),
	}
	s.status = e.folded(s.word)
	if at.Jobs == nil {
		return s
	}
	list, _ := mustPath(at.Jobs.List).find(answer).([]any)
	for _, one := range list {
		s.jobs = append(s.jobs, seenJob{
			name: text(one, at.Jobs.Name), stage: optional(one, at.Jobs.Stage), status: e.folded(text(one, at.Jobs.Status)),
			reason: optional(one, at.Jobs.Reason), started: moment(one, at.Jobs.Started), ended: moment(one, at.Jobs.Ended),
		})
	}
	return s
}

// folded is the server's word in ours. Our own words need not be set.
func (e *Engine) folded(said string) engine.Status {
	if status, set := e.settings.Words[said]; set {
		return engine.Status(status)
	}
	if status := engine.Status(strings.ToLower(said)); known(status) {
		return status
	}
	return engine.Unknown
}

// look reads the state of the run, the log lines that are new since the last look, and
// the result if it is over.
func (v *view) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	s, err := v.e.see(ctx, v.run)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	if s.status == engine.Skipped {
		s.status = engine.Failed
		s.reason = cmp.Or(s.reason, "skipped")
	}
	if v.e.stale(v.ref, s) {
		s.status, s.jobs = engine.Queued, nil
	}
	v.times(s)
	lines, err := v.logs.news(ctx, s)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	state := v.state(s)
	if !s.status.Over() {
		return state, lines, nil, nil
	}
	return state, lines, v.result(s), nil
}

func (v *view) fault(ctx context.Context, err error) error {
	if isNotFound(err) || errors.Is(err, engine.ErrNoRun) {
		return fmt.Errorf("run %q: %w", v.ref, engine.ErrNoRun)
	}
	return v.e.vendor.Reading(ctx, err)
}

// times fills in when a run began and ended, as far as that was seen.
func (v *view) times(s *seen) {
	now := v.e.config.Now().UnixMilli()
	if v.started == 0 && s.status != engine.Queued && s.status != engine.Unknown {
		v.started = now
	}
	if s.started == 0 {
		s.started = v.started
	}
	if !s.status.Over() {
		v.ended, s.ended = 0, 0
		return
	}
	if v.ended == 0 {
		v.ended = now
	}
	if s.ended == 0 {
		s.ended = v.ended
	}
	s.ended = max(s.ended, s.started)
}

func (v *view) state(s *seen) engine.State {
	state := engine.State{Status: s.status, Started: s.started, Ended: s.ended, Stages: v.stages(s)}
	if strings.HasPrefix(s.page, "http://") || strings.HasPrefix(s.page, "https://") {
		state.URL = v.logs.show(s.page)
	}
	answerable := v.e.settings.Approve != nil
	for _, g := range state.Stages {
		for _, j := range g.Jobs {
			if j.Status == engine.Waiting && !s.status.Over() {
				state.Waits = append(state.Waits, engine.Wait{Job: j.Name, For: v.waits(j.Name), Answerable: answerable})
			}
		}
	}
	switch {
	case len(state.Waits) > 0:
		state.Status, state.WaitFor = engine.Waiting, state.Waits[0].For
	case s.status == engine.Waiting:
		name := v.run.workflow
		state.Waits = []engine.Wait{{Job: name, For: v.waits(name), Answerable: answerable}}
		state.WaitFor = state.Waits[0].For
	case s.status == engine.Unknown && s.word == "":
		state.WaitFor = slipway.T("The engine's answer does not say how the run is where its settings look for it.", "引擎的应答中没有运行状态：请检查配置中 status 的路径。")
	case s.status == engine.Unknown:
		state.WaitFor = slipway.T("The engine says “%s”, which is not among the words in its settings.", "引擎给出的状态是“%s”，其配置中没有对应的 words。",
			v.logs.show(output.Short(s.word)))
	}
	return state
}

func (v *view) waits(job string) slipway.Text {
	return slipway.T("“%s” waits for a person.", "“%s”等待人工处理。", job)
}

// stages puts what is said of the jobs into the stages that are declared.
func (v *view) stages(s *seen) []engine.StageState {
	stages := []engine.StageState{}
	add := func(stage string, j engine.JobState) {
		i := slices.IndexFunc(stages, func(g engine.StageState) bool { return g.Name == stage })
		if i < 0 {
			i = len(stages)
			stages = append(stages, engine.StageState{Name: stage})
		}
		stages[i].Jobs = append(stages[i].Jobs, j)
	}
	left := slices.Clone(s.jobs)
	if w := v.e.settings.workflow(v.run.project, v.run.workflow); w != nil {
		declared := w.stages()
		for _, g := range declared {
			for _, name := range g.Jobs {
				i := slices.IndexFunc(left, func(j seenJob) bool { return j.name == name })
				switch {
				case i >= 0:
					add(g.Name, v.job(left[i]))
					left = slices.Delete(left, i, i+1)
				case len(s.jobs) == 0 && len(declared) == 1 && len(g.Jobs) == 1:
					add(g.Name, v.job(seenJob{name: name, status: s.status, reason: s.reason, started: s.started, ended: s.ended}))
				default:
					add(g.Name, engine.JobState{Name: name, Type: jobType, Status: unseen(s.status)})
				}
			}
		}
	}
	for _, j := range left {
		add(cmp.Or(j.stage, v.run.workflow), v.job(j))
	}
	for i := range stages {
		stages[i].Status = fold(stages[i].Jobs)
	}
	return stages
}

// unseen is where a job is of which nothing is said.
func unseen(whole engine.Status) engine.Status {
	switch {
	case whole == engine.Passed:
		return engine.Passed
	case whole.Over():
		return engine.Skipped
	case whole == engine.Unknown:
		return engine.Unknown
	}
	return engine.Queued
}

func (v *view) job(j seenJob) engine.JobState {
	shown := engine.JobState{Name: j.name, Type: jobType, Status: j.status, Started: j.started, Ended: j.ended}
	if j.status == engine.Failed || j.status == engine.Timeout {
		shown.Reason = v.why(j.status, j.reason)
	}
	return shown
}

// fold is the status of a stage.
func fold(jobs []engine.JobState) engine.Status {
	seen := map[engine.Status]bool{}
	for _, j := range jobs {
		seen[j.Status] = true
	}
	for _, s := range []engine.Status{engine.Running, engine.Waiting, engine.Unknown} {
		if seen[s] {
			return s
		}
	}
	ended := seen[engine.Passed] || seen[engine.Failed] || seen[engine.Cancelled] || seen[engine.Timeout]
	switch {
	case seen[engine.Queued] && ended:
		return engine.Running
	case seen[engine.Queued]:
		return engine.Queued
	}
	for _, s := range []engine.Status{engine.Failed, engine.Timeout, engine.Cancelled, engine.Passed} {
		if seen[s] {
			return s
		}
	}
	return engine.Skipped
}

// why says for people why a run or a job did not pass.
func (v *view) why(status engine.Status, said string) slipway.Text {
	if said = v.logs.show(output.Short(said)); said != "" {
		return slipway.T("The engine says: %s", "引擎给出的原因：%s", said)
	}
	if status == engine.Timeout {
		return slipway.T("It took longer than its timeout.", "执行时间超过了超时限制。")
	}
	if status == engine.Cancelled {
		return slipway.T("It was cancelled in the engine.", "已在引擎中取消。")
	}
	return slipway.T("It failed.", "执行失败。")
}

func (v *view) result(s *seen) *engine.Result {
	r := &engine.Result{Status: s.status}
	if s.status == engine.Passed {
		return r
	}
	var en, zh []string
	for _, j := range s.jobs {
		if j.status == engine.Failed || j.status == engine.Timeout {
			why := v.why(j.status, j.reason)
			en = append(en, fmt.Sprintf("Job “%s” failed: %s", j.name, why.EN))
			zh = append(zh, fmt.Sprintf("任务“%s”失败：%s", j.name, why.ZH))
		}
	}
	r.Reason = v.why(s.status, s.reason)
	if len(en) > 0 && s.status != engine.Cancelled {
		r.Reason = slipway.Text{EN: strings.Join(en, " "), ZH: strings.Join(zh, "")}
	}
	return r
}
