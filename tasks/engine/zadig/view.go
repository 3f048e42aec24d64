package zadig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
)

// view is what is known of a run from look to look.
type view struct {
	e        *Engine
	workflow string
	number   int64
	logs     *logs
	mask     *output.Masker
	over     bool   // nothing more happens in it
	stopping int    // how often it was over and jobs still ran
	stage    string // that the run is paused at, if that was asked
	paused   *pause // the answer
}

func newView(e *Engine, workflow string, number int64) *view {
	v := &view{e: e, workflow: workflow, number: number, mask: output.NewMasker([]string{e.config.Token, e.config.WebhookToken})}
	v.logs = &logs{v: v}
	return v
}

// look reads the state of the run, the log lines that are new since the last look, and
// the result if it is over.
func (v *view) look(ctx context.Context) (engine.State, []engine.Line, *engine.Result, error) {
	fail := func(err error) (engine.State, []engine.Line, *engine.Result, error) {
		return engine.State{}, nil, nil, err
	}
	var raw json.RawMessage
	ref := refOf(v.workflow, v.number)
	err := v.e.get(ctx, "/openapi/workflows/custom/task", taskQuery(v.workflow, v.number), &raw)
	switch {
	case missing(err):
		return fail(fmt.Errorf("run %q: %w", ref, engine.ErrNoRun))
	case err != nil:
		return fail(v.e.reading(ctx, err))
	}
	var t task
	if err := json.Unmarshal(raw, &t); err != nil {
		return fail(fmt.Errorf("read run %q: %w", ref, err))
	}
	v.mask = output.NewMasker(append(secretsIn(raw), v.e.config.Token, v.e.config.WebhookToken))
	if err := v.readPause(ctx, &t); err != nil {
		return fail(err)
	}
	v.settle(&t)
	state := v.state(&t)
	lines, err := v.logs.news(ctx, &t)
	if err != nil {
		return fail(v.e.reading(ctx, err))
	}
	if !state.Status.Over() {
		return state, lines, nil, nil
	}
	return state, lines, v.result(&t, state.Status), nil
}

// maxStopping bounds how long the jobs of a run that is over are waited for.
const maxStopping = 3

// settle decides whether the run is over. Jobs stop a moment after a run that is
// cancelled, and only then their logs are kept.
func (v *view) settle(t *task) {
	if v.over = over(t); !v.over || v.stopping >= maxStopping {
		return
	}
	for i := range t.Stages {
		for j := range t.Stages[i].Jobs {
			if job := &t.Stages[i].Jobs[j]; job.StartTime != 0 && !folded(job.Status).Over() {
				v.stopping++
				v.over = false
				return
			}
		}
	}
}

// readPause asks who may let a paused run go on. Zadig before v5 does not tell.
func (v *view) readPause(ctx context.Context, t *task) error {
	stage := ""
	if t.Status == "pause" {
		for i := range t.Stages {
			if t.Stages[i].paused() {
				stage = t.Stages[i].Name
			}
		}
	}
	if stage == v.stage {
		return nil
	}
	v.stage, v.paused = stage, nil
	if stage == "" {
		return nil
	}
	var p pause
	err := v.e.get(ctx, manualExec(v.workflow, v.number), url.Values{"projectKey": {t.Project}}, &p)
	var a *answerError
	switch {
	case err == nil:
		v.paused = &p
	case errors.As(err, &a) && (a.Status == http.StatusNotFound || a.Status == http.StatusForbidden || a.Said != ""):
		// It is not for us, or it went on a moment ago.
	default:
		v.stage = ""
		return v.e.reading(ctx, err)
	}
	return nil
}

// manualExec is the address at which a paused run is let go on.
func manualExec(workflow string, number int64) string {
	return "/openapi/workflows/custom/" + url.PathEscape(workflow) + "/task/" + strconv.FormatInt(number, 10) + "/manual-exec"
}

// page is the address of a run for people.
func (e *Engine) page(project, workflow string, number int64) string {
	return fmt.Sprintf("%s/v1/projects/detail/%s/pipelines/custom/%s/%d", e.base, url.PathEscape(project), url.PathEscape(workflow), number)
}

// clean makes a text of Zadig's fit to be shown.
func (v *view) clean(text string) string { return output.Clean(v.mask.Mask(output.Short(text))) }

// secretsIn returns every credential in a run: variables of the workflow and of its jobs.
func secretsIn(raw json.RawMessage) []string {
	var tree any
	if json.Unmarshal(raw, &tree) != nil {
		return nil
	}
	var found []string
	var walk func(any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, element := range node {
				walk(element)
			}
		case map[string]any:
			if node["is_credential"] == true {
				for _, name := range []string{"value", "default"} {
					if text, _ := node[name].(string); strings.Trim(text, "*") != "" { // Zadig masks some itself
						found = append(found, text)
					}
				}
			}
			for _, value := range node {
				walk(value)
			}
		}
	}
	walk(tree)
	return found
}

func (v *view) result(t *task, status engine.Status) *engine.Result {
	r := &engine.Result{Status: status}
	switch status {
	case engine.Cancelled:
		r.Reason = slipway.T("The run was cancelled in Zadig.", "运行已在 Zadig 中取消。")
		if t.Revoker != "" {
			who := v.clean(t.Revoker)
			r.Reason = slipway.T("The run was cancelled in Zadig by %s.", "运行已由 %s 在 Zadig 中取消。", who)
		}
	case engine.Failed, engine.Timeout:
		var reasons []slipway.Text
		for i := range t.Stages {
			for j := range t.Stages[i].Jobs {
				job := &t.Stages[i].Jobs[j]
				if s := folded(job.Status); s == engine.Failed || s == engine.Timeout {
					reasons = append(reasons, slipway.T("Job “%[1]s” failed: %[2]s", "任务“%[1]s”失败：%[2]s", v.name(t, job), v.why(job)))
				}
			}
		}
		for _, one := range reasons {
			r.Reason.EN, r.Reason.ZH = strings.TrimSpace(r.Reason.EN+" "+one.EN), r.Reason.ZH+one.ZH
		}
		switch {
		case len(reasons) > 0:
		case t.Error != "":
			r.Reason = slipway.T("Zadig says: %s", "Zadig 给出的原因：%s", v.clean(t.Error))
		case status == engine.Timeout:
			r.Reason = slipway.T("The run took longer than its timeout.", "运行时间超过了超时限制。")
		default:
			r.Reason = slipway.T("The run failed.", "运行失败。")
		}
	case engine.Passed, engine.Queued, engine.Running, engine.Waiting, engine.Skipped, engine.Unknown:
	}
	return r
}
