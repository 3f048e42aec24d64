package gitlab

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// logs reads the logs of a run's jobs, one after another in the order in which the
// jobs began, so that the lines come in the same order whenever they are read. The log
// of the job that is read while it runs holds back those of the jobs that began later.
type logs struct {
	e                 *Engine
	project, pipeline int64
	order             []int64 // the jobs that began
	done              int     // so many of them are read to their end
	shown             int     // lines of the job that is being read
	read              time.Time
	mask              *output.Masker // nil: not known yet
	unsafe            bool           // the credentials of the run cannot be learnt
}

func newLogs(e *Engine, project, pipeline int64) *logs {
	return &logs{e: e, project: project, pipeline: pipeline}
}

// news returns the lines that are new.
func (l *logs) news(ctx context.Context, all []job) ([]engine.Line, error) {
	l.sort(all)
	var lines []engine.Line
	for l.done < len(l.order) {
		j := all[slices.IndexFunc(all, func(j job) bool { return j.id == l.order[l.done] })]
		over := folded(j.status).Over()
		if now := l.e.config.Now(); !over && now.Sub(l.read) < l.e.config.LogPoll {
			break
		}
		if err := l.learn(ctx); err != nil {
			return nil, err
		}
		fresh, err := l.job(ctx, j, over)
		if err != nil {
			return nil, err
		}
		lines = append(lines, fresh...)
		l.read = l.e.config.Now()
		if !over {
			break
		}
		l.done, l.shown, l.read = l.done+1, 0, time.Time{}
	}
	return lines, nil
}

// sort appends the jobs that began since.
func (l *logs) sort(all []job) {
	var began []job
	for _, j := range all {
		if j.started != nil && !j.bridge && !slices.Contains(l.order, j.id) {
			began = append(began, j)
		}
	}
	slices.SortFunc(began, func(a, b job) int { return cmp.Or(a.started.Compare(*b.started), cmp.Compare(a.id, b.id)) })
	for _, j := range began {
		l.order = append(l.order, j.id)
	}
}

// learn reads the run's credentials, to mask them. Without them no log is shown.
func (l *logs) learn(ctx context.Context) error {
	if l.mask != nil {
		return nil
	}
	variables, answer, err := l.e.api.Pipelines.GetPipelineVariables(l.project, l.pipeline, gl.WithContext(ctx))
	if err != nil && (answer == nil || answer.Response == nil || answer.StatusCode != http.StatusForbidden) {
		return err
	}
	l.unsafe = err != nil
	secrets := []string{l.e.config.Token, l.e.config.WebhookToken}
	for _, v := range variables {
		if slipway.LooksSecret(v.Key) {
			secrets = append(secrets, v.Value)
		}
	}
	l.mask = output.NewMasker(secrets)
	return nil
}

// job returns the lines of a job that are new.
func (l *logs) job(ctx context.Context, j job, over bool) ([]engine.Line, error) {
	if l.unsafe {
		return l.once(j, "The log is not shown: Slipway's account may not read the pipeline's variables, and so cannot hide credentials. / 未显示日志：Slipway 的账号无权读取该流水线的变量，无法隐藏其中的凭据。"), nil
	}
	trace, _, err := l.e.api.Jobs.GetTraceFile(l.project, j.id, gl.WithContext(ctx))
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		return l.once(j, "The log is larger than 8 MiB: see it in GitLab. / 日志超过 8 MiB，请在 GitLab 中查看。"), nil
	case isNotFound(err):
		return l.once(j, "The log was erased in GitLab. / 日志已在 GitLab 中清除。"), nil
	case err != nil:
		return nil, err
	}
	text, err := io.ReadAll(trace)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	fresh, shown := output.Excerpt(l.readable(string(text), over), l.shown, over)
	l.shown = shown
	return remote.Lines(millis(j.started), j.name, fresh...), nil
}

// once returns a line in place of a log, unless something of the job was shown.
func (l *logs) once(j job, text string) []engine.Line {
	return remote.Instead(&l.shown, millis(j.started), j.name, text)
}

var section = regexp.MustCompile(`section_(start|end):[0-9]+:[^\r\n]*\r(\x1b\[0K)?`)

// readable cuts a log into lines that are fit to be shown. While the job runs, the
// last line may not be whole yet.
func (l *logs) readable(text string, over bool) []string {
	return output.Terminal(text, over, l.mask, func(line string) (string, bool) {
		bare := section.ReplaceAllString(line, "")
		return bare, bare == line || output.Clean(bare) != ""
	})
}
