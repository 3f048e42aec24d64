package jenkins

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// build is what Jenkins tells of a build.
type build struct {
	Class    string   `json:"_class"`
	URL      string   `json:"url"`
	Building bool     `json:"building"`
	Result   string   `json:"result"`    // Jenkins' word; empty: none yet
	At       int64    `json:"timestamp"` // of its begin
	Duration int64    `json:"duration"`
	Actions  []action `json:"actions"`
}

// stage is one of a pipeline.
type stage struct {
	Name     string `json:"name"`
	Status   string `json:"status"`
	Started  int64  `json:"startTimeMillis"`
	Duration int64  `json:"durationMillis"`
	Error    *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// view is what is known of a run from look to look.
type view struct {
	e          *Engine
	ref        engine.Ref
	path, name string
	logs       *logs
	stageless  bool     // stages cannot be asked for
	expected   []string // the stages of the last build that passed
	asked      bool     // for them
	late       int      // so often the log was not whole though the build was over
}

// maxLate is how often the end of a log is waited for.
const maxLate = 3

func newView(e *Engine, ref engine.Ref, path string) *view {
	_, name := split(path)
	return &view{e: e, ref: ref, path: path, name: name, logs: newLogs(e, ref, name)}
}

// Watch implements engine.Engine. While Jenkins does not answer, the run's status is
// unknown, and it is asked again.
func (e *Engine) Watch(ctx context.Context, ref engine.Ref, obs engine.Observer) (engine.Result, error) {
	path, _, err := parseRef(ref)
	if err != nil {
		return engine.Result{}, err
	}
	return e.watchers.Watch(ctx, ref, obs, newView(e, ref, path).look)
}

// look reads the state of the run, the log lines that are new since the last look, and
// the result if it is over.
func (v *view) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	at, err := v.e.locate(ctx, v.ref)
	switch {
	case err != nil:
		return engine.State{}, nil, nil, v.fault(ctx, err)
	case at.cancelled:
		s := v.queued("", engine.Cancelled)
		s.Ended = v.e.config.Now().UnixMilli()
		return s, nil, &engine.Result{
			Status: engine.Cancelled,
			Reason: slipway.T("The build was cancelled while it waited in the queue of Jenkins.", "构建在 Jenkins 队列中等待时被取消。"),
		}, nil
	case at.build == 0:
		return v.queued(at.why, engine.Queued), nil, nil, nil
	}
	address := fmt.Sprintf("%s/%d", addressOf(v.path), at.build)
	var b build
	if err := v.e.get(ctx, address, "url,building,result,timestamp,duration,"+actionTree, &b); err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	lines, err := v.logs.news(ctx, address, &b)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	if !b.Building && !v.logs.done && v.late < maxLate {
		v.late++
		b.Building = true
	}
	stages, err := v.stages(ctx, address, &b)
	if err != nil {
		return engine.State{}, nil, nil, v.fault(ctx, err)
	}
	state := v.state(&b, stages)
	if hasPaused(stages) && !state.Status.Over() {
		if err := v.waits(ctx, address, &state); err != nil {
			return engine.State{}, nil, nil, v.fault(ctx, err)
		}
	}
	if !state.Status.Over() {
		return state, lines, nil, nil
	}
	return state, lines, v.result(&b, state.Status, stages), nil
}

func (v *view) fault(ctx context.Context, err error) error {
	if isNotFound(err) || errors.Is(err, engine.ErrNoRun) {
		v.e.numbers.Forget(v.ref)
		return fmt.Errorf("build %q: %w", v.ref, engine.ErrNoRun)
	}
	return v.e.vendor.Reading(ctx, err)
}

// queued is the state of a run that is not built yet. How long it is still to be quiet
// changes all the time and is not shown.
func (v *view) queued(why string, status engine.Status) engine.State {
	s := engine.State{Status: status, Stages: v.alone(status, slipway.Text{}, 0, 0)}
	if why != "" && !strings.HasPrefix(why, "In the quiet period") {
		why = v.e.vendor.Hide(output.Short(why))
		s.WaitFor = slipway.T("In the queue of Jenkins: %s", "正在 Jenkins 队列中等待：%s", why)
	}
	return s
}

// alone shows a run as one stage with one job.
func (v *view) alone(status engine.Status, reason slipway.Text, started, ended int64) []engine.StageState {
	return []engine.StageState{{Name: v.name, Status: status, Jobs: []engine.JobState{
		{Name: v.name, Type: jobType, Status: status, Reason: reason, Started: started, Ended: ended},
	}}}
}

// stages reads the stages of a pipeline. A job of another kind has none, and without
// the plugin that tells of them a pipeline is shown as a whole.
func (v *view) stages(ctx context.Context, address string, b *build) ([]stage, error) {
	if v.stageless || !strings.Contains(b.Class, ".workflow.") {
		return nil, nil
	}
	var described struct {
		Stages []stage `json:"stages"`
	}
	err := v.e.read(ctx, address+"/wfapi/describe", nil, &described)
	if isNotFound(err) {
		v.stageless = true
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return described.Stages, v.expect(ctx)
}

// expect learns which stages are to come: Jenkins tells of a stage only when it is
// reached, so those of the last build that passed are a good guess.
func (v *view) expect(ctx context.Context) error {
	if v.asked {
		return nil
	}
	var last struct {
		Stages []stage `json:"stages"`
	}
	err := v.e.read(ctx, addressOf(v.path)+"/lastSuccessfulBuild/wfapi/describe", nil, &last)
	if err != nil && statusOf(err) == 0 {
		return err
	}
	v.asked = true
	for _, g := range last.Stages {
		v.expected = append(v.expected, g.Name)
	}
	return nil
}

// toCome returns the stages that a build that is not over is expected to reach still:
// what follows the last one that it has reached.
func (v *view) toCome(stages []stage) []string {
	for i := len(v.expected) - 1; i >= 0; i-- {
		for _, g := range stages {
			if g.Name == v.expected[i] {
				return v.expected[i+1:]
			}
		}
	}
	return nil
}

// folded is Jenkins' word for how a build ended, in ours. A build that is unstable has
// failed tests or checks: a release does not go on with it.
func folded(result string) engine.Status {
	switch result {
	case "SUCCESS":
		return engine.Passed
	case "UNSTABLE", "FAILURE", "NOT_BUILT":
		return engine.Failed
	case "ABORTED":
		return engine.Cancelled
	}
	return engine.Unknown
}

// foldedStage is the word for where a stage is, in ours.
func foldedStage(word string) engine.Status {
	switch word {
	case "SUCCESS":
		return engine.Passed
	case "FAILED", "UNSTABLE":
		return engine.Failed
	case "ABORTED":
		return engine.Cancelled
	case "IN_PROGRESS":
		return engine.Running
	case "PAUSED_PENDING_INPUT":
		return engine.Waiting
	case "NOT_EXECUTED", "SKIPPED":
		return engine.Skipped
	}
	return engine.Unknown
}

func hasPaused(stages []stage) bool {
	for _, s := range stages {
		if s.Status == "PAUSED_PENDING_INPUT" {
			return true
		}
	}
	return false
}

// ending folds how a build ended. Who or what aborted it is told by the causes.
func (v *view) ending(b *build) engine.Status {
	status := folded(b.Result)
	if status != engine.Cancelled {
		return status
	}
	class, short := interruption(b)
	switch {
	case strings.HasSuffix(class, ".Rejection"):
		return engine.Failed
	case strings.Contains(class, "Timeout"), strings.Contains(strings.ToLower(short), "timeout"), v.logs.timedOut:
		return engine.Timeout
	}
	return status
}

// interruption is what ended a build before its time.
func interruption(b *build) (class, short string) {
	for _, a := range b.Actions {
		if !strings.HasSuffix(a.Class, ".InterruptedBuildAction") {
			continue
		}
		for _, c := range a.Causes {
			class, short = c.Class, c.Short
		}
	}
	return class, short
}

// state folds a build and its stages.
func (v *view) state(b *build, stages []stage) engine.State {
	s := engine.State{Status: engine.Running, Started: b.At}
	if strings.HasPrefix(b.URL, "http://") || strings.HasPrefix(b.URL, "https://") {
		s.URL = b.URL
	}
	if !b.Building && b.Result != "" {
		s.Status = v.ending(b)
	}
	if s.Status == engine.Unknown {
		said := v.logs.show(output.Short(b.Result))
		s.WaitFor = slipway.T("Jenkins says “%s”, which Slipway does not understand.", "Jenkins 给出的结果是“%s”，Slipway 无法识别。", said)
	}
	if s.Status.Over() {
		s.Ended = b.At + max(0, b.Duration)
	}
	if len(stages) == 0 {
		reason := slipway.Text{}
		if s.Status == engine.Failed || s.Status == engine.Timeout {
			reason = v.why(b, s.Status)
		}
		s.Stages = v.alone(s.Status, reason, s.Started, s.Ended)
		return s
	}
	for i := range stages {
		shown := v.stage(&stages[i], s.Status)
		s.Stages = append(s.Stages, engine.StageState{Name: shown.Name, Status: shown.Status, Jobs: []engine.JobState{shown}})
	}
	if !s.Status.Over() {
		for _, name := range v.toCome(stages) {
			job := engine.JobState{Name: name, Type: jobType, Status: engine.Queued}
			s.Stages = append(s.Stages, engine.StageState{Name: name, Status: engine.Queued, Jobs: []engine.JobState{job}})
		}
	}
	return s
}

func (v *view) stage(g *stage, whole engine.Status) engine.JobState {
	j := engine.JobState{Name: g.Name, Type: jobType, Status: foldedStage(g.Status)}
	if j.Status == engine.Skipped {
		return j
	}
	if j.Status == engine.Cancelled && whole == engine.Timeout {
		j.Status = engine.Timeout
	}
	if g.Started > 0 {
		j.Started = g.Started
		if j.Status.Over() {
			j.Ended = g.Started + max(0, g.Duration)
		}
	}
	if j.Status == engine.Failed {
		j.Reason = v.whyStage(g)
	}
	return j
}

func (v *view) whyStage(g *stage) slipway.Text {
	switch {
	case g.Status == "UNSTABLE":
		return slipway.T("It is unstable: tests or checks failed.", "结果不稳定：有测试或检查未通过。")
	case g.Error != nil && g.Error.Message != "" && !v.logs.unsafe:
		said := v.logs.show(output.Short(g.Error.Message))
		return slipway.T("Jenkins says: %s", "Jenkins 给出的原因：%s", said)
	}
	return slipway.T("A step of it failed.", "其中有步骤失败。")
}

// why says for people why a build did not pass.
func (v *view) why(b *build, status engine.Status) slipway.Text {
	class, short := interruption(b)
	short = v.logs.show(output.Short(short))
	switch {
	case status == engine.Timeout:
		return slipway.T("It took longer than its timeout.", "执行时间超过了超时限制。")
	case strings.HasSuffix(class, ".Rejection"):
		return slipway.T("A person said no in Jenkins: %s.", "有人在 Jenkins 中拒绝了继续执行：%s。", short)
	case b.Result == "UNSTABLE":
		return slipway.T("The build is unstable: tests or checks failed.", "构建结果不稳定：有测试或检查未通过。")
	case b.Result == "NOT_BUILT":
		return slipway.T("Jenkins did not build it, because of an earlier fault.", "由于之前的错误，Jenkins 没有执行该构建。")
	case status == engine.Cancelled && short != "":
		return slipway.T("The build was aborted in Jenkins: %s.", "构建已在 Jenkins 中中止：%s。", short)
	case status == engine.Cancelled:
		return slipway.T("The build was aborted in Jenkins.", "构建已在 Jenkins 中中止。")
	}
	return slipway.T("The build failed.", "构建失败。")
}

func (v *view) result(b *build, status engine.Status, stages []stage) *engine.Result {
	r := &engine.Result{Status: status}
	if status == engine.Passed {
		return r
	}
	r.Reason = v.why(b, status)
	if status == engine.Cancelled {
		return r
	}
	var en, zh []string
	for i := range stages {
		g := &stages[i]
		if foldedStage(g.Status) == engine.Failed {
			why := v.whyStage(g)
			en = append(en, fmt.Sprintf("Stage “%s” failed: %s", g.Name, why.EN))
			zh = append(zh, fmt.Sprintf("阶段“%s”失败：%s", g.Name, why.ZH))
		}
	}
	switch class, _ := interruption(b); {
	case strings.HasSuffix(class, ".Rejection"):
	case len(en) > 0 && status == engine.Failed:
		r.Reason = slipway.Text{EN: strings.Join(en, " "), ZH: strings.Join(zh, "")}
	default:
		r.Reason = slipway.Text{
			EN: fmt.Sprintf("Job “%s”: %s", v.name, r.Reason.EN),
			ZH: fmt.Sprintf("任务“%s”：%s", v.name, r.Reason.ZH),
		}
	}
	return r
}
