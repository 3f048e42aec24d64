package httpengine

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// logs reads the log of a run.
type logs struct {
	e      *Engine
	run    run
	job    string
	shown  int
	done   bool
	mask   *output.Masker // nil: not known yet
	unsafe bool           // the credentials of the run are not known
}

// newLogs names the lines after the only job, or after the workflow.
func newLogs(e *Engine, r run) *logs {
	l := &logs{e: e, run: r, job: r.workflow}
	if w := e.settings.workflow(r.project, r.workflow); w != nil {
		if stages := w.stages(); len(stages) == 1 && len(stages[0].Jobs) == 1 {
			l.job = stages[0].Jobs[0]
		}
	}
	return l
}

// news returns the lines that are new.
func (l *logs) news(ctx context.Context, s *seen) ([]engine.Line, error) {
	if err := l.learn(ctx); err != nil {
		return nil, err
	}
	over := s.status.Over()
	if l.done || s.status == engine.Queued || s.status == engine.Unknown || (l.e.settings.Logs == nil && len(s.log) == 0) {
		return nil, nil
	}
	if l.unsafe {
		return l.once(s, "The log is not shown: the run has credentials that Slipway does not know, and so cannot hide. / 日志未显示：该次运行带有 Slipway 不知道的凭据，无法遮盖。"), nil
	}
	all, err := l.whole(ctx, s)
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		return l.once(s, "The log is larger than 8 MiB. / 日志超过 8 MiB。"), nil
	case isNotFound(err):
		return nil, nil // none is there yet, or it was deleted
	case err != nil:
		return nil, err
	}
	fresh, shown := output.Excerpt(output.Terminal(all, over, l.mask, nil), l.shown, over)
	l.shown, l.done = shown, over
	return remote.Lines(s.started, l.job, fresh...), nil
}

// whole is the log so far.
func (l *logs) whole(ctx context.Context, s *seen) (string, error) {
	at := l.e.settings.Logs
	if at == nil {
		return joined(s.log), nil
	}
	content, err := l.e.send(ctx, &at.Request, http.MethodGet, l.e.values(l.run, nil), http.Header{"Accept": {"text/plain, application/json"}})
	if err != nil || at.Text == "" {
		return string(content), err
	}
	answer, err := decode(content)
	if err != nil {
		return "", err
	}
	list, isList := mustPath(at.Text).find(answer).([]any)
	if !isList {
		return text(answer, at.Text), nil
	}
	lines := make([]string, 0, len(list))
	for _, line := range list {
		lines = append(lines, text(line, ""))
	}
	return joined(lines), nil
}

func joined(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	return strings.Join(lines, "\n") + "\n"
}

// once returns a line in place of a log, unless something of it was shown.
func (l *logs) once(s *seen, text string) []engine.Line {
	l.done = true
	return remote.Instead(&l.shown, s.started, l.job, text)
}

// show makes a text of the server fit to be shown.
func (l *logs) show(text string) string {
	text = l.e.vendor.Hide(output.Clean(text))
	if l.mask != nil {
		text = l.mask.Mask(text)
	}
	return text
}

// learn finds out the run's credentials, to mask them.
func (l *logs) learn(ctx context.Context) error {
	if l.mask != nil {
		return nil
	}
	secrets, given := l.e.secrets.Of(l.run.mark)
	w := l.e.settings.workflow(l.run.project, l.run.workflow)
	if !given && w != nil && w.hasCredentials() {
		l.unsafe = true
		if l.run.mark != "" && l.e.config.Runs != nil {
			r, err := l.e.config.Runs(ctx, l.run.mark)
			switch {
			case err == nil:
				l.unsafe = false
				for name, value := range r.Workflow.Params {
					if p := w.param(name); p == nil || p.Credential {
						secrets = append(secrets, value)
					}
				}
			case slipway.CodeOf(err) != slipway.NotFound:
				return err
			}
		}
	}
	for _, own := range l.e.config.Secrets {
		secrets = append(secrets, own)
	}
	l.mask = output.NewMasker(secrets)
	return nil
}

func (w *Workflow) hasCredentials() bool {
	for i := range w.Params {
		if w.Params[i].Credential {
			return true
		}
	}
	return false
}
