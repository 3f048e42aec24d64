package github

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// logs reads the logs of a run's jobs, one after another in the order in which the
// jobs began, so that the lines come in the same order whenever they are read. GitHub
// has the log of a job when it is over, and of some before, up to the step that runs.
// The log of the job that is read while it runs holds back those of the jobs that began
// later.
type logs struct {
	v     *view
	order []int64 // the jobs that began
	done  int     // so many of them are read to their end
	shown int     // lines of the job that is being read
	steps int     // steps that were over when it was read last
	late  []int64 // the jobs whose logs say that they took too long
	mask  *output.Masker
	blind bool // the credentials of the run cannot be known
}

// grace is how long after the end of a job its log may still be missing.
func (l *logs) grace() time.Duration { return l.v.e.config.Settle / 4 }

// news returns the lines that are new, and whether more of what is over may come.
func (l *logs) news(ctx context.Context, all []job) (lines []engine.Line, more bool, err error) {
	l.sort(all)
	defer l.noteLate(all)
	for l.done < len(l.order) {
		j := all[slices.IndexFunc(all, func(j job) bool { return j.id == l.order[l.done] })]
		over := j.status == "completed"
		if !over && j.steps == l.steps {
			break // what it has not finished cannot be read
		}
		if err := l.learn(ctx); err != nil {
			return nil, false, err
		}
		fresh, there, err := l.job(ctx, j, over)
		if err != nil {
			return nil, false, err
		}
		if over && !there && l.v.e.config.Now().Sub(j.ended) < l.grace() {
			return lines, true, nil
		}
		lines = append(lines, fresh...)
		l.steps = j.steps
		if !over {
			break
		}
		l.done, l.shown, l.steps = l.done+1, 0, 0
	}
	return lines, false, nil
}

// noteLate notes at the jobs what their logs say.
func (l *logs) noteLate(all []job) {
	for i := range all {
		all[i].late = slices.Contains(l.late, all[i].id)
	}
}

// sort appends the jobs that began since. In a new attempt GitHub lists again what
// passed in an earlier one: it has the same log.
func (l *logs) sort(all []job) {
	var began []job
	for _, j := range all {
		again := slices.ContainsFunc(all, func(o job) bool {
			return o.attempt < j.attempt && o.name == j.name && o.folded() == engine.Passed && j.folded() == engine.Passed &&
				o.started.Equal(j.started) && o.ended.Equal(j.ended)
		})
		if j.begun && j.conclusion != "skipped" && !again && !slices.Contains(l.order, j.id) {
			began = append(began, j)
		}
	}
	slices.SortFunc(began, func(a, b job) int { return cmp.Or(a.started.Compare(b.started), cmp.Compare(a.id, b.id)) })
	for _, j := range began {
		l.order = append(l.order, j.id)
	}
}

// learn reads the run's credentials, to mask them. Of a workflow that takes some, no log
// is shown without them.
func (l *logs) learn(ctx context.Context) error {
	if l.mask != nil {
		return nil
	}
	secrets, known, err := l.v.e.secretsOf(ctx, l.v.ref)
	if err != nil {
		return err
	}
	l.blind = !known && slices.ContainsFunc(l.v.file.inputs, func(in input) bool { return slipway.LooksSecret(in.name) })
	l.mask = output.NewMasker(append(l.v.e.own(), secrets...))
	return nil
}

// job returns the lines of a job that are new, and whether there is a log.
func (l *logs) job(ctx context.Context, j job, over bool) ([]engine.Line, bool, error) {
	if l.blind {
		return l.once(j, "The log is not shown: Slipway does not know the run's credentials, and so cannot hide them. / 未显示日志：Slipway 不知道该次运行的凭据，无法隐藏。"), true, nil
	}
	text, err := l.fetch(ctx, j.id)
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		return l.once(j, "The log is larger than 8 MiB: see it in GitHub. / 日志超过 8 MiB，请在 GitHub 中查看。"), true, nil
	case isNotFound(err), statusOf(err) == http.StatusGone, !over && statusOf(err) >= 500:
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	all, stamps := l.readable(text, over)
	if slices.ContainsFunc(all, func(line string) bool { return strings.Contains(line, "has exceeded the maximum execution time") }) {
		l.late = append(l.late, j.id)
	}
	fresh, shown := output.Excerpt(all, l.shown, over)
	freshStamps, _ := output.Excerpt(stamps, l.shown, over)
	l.shown = shown
	var lines []engine.Line
	at := millis(j.started)
	for i, text := range fresh {
		if stamp, err := time.Parse(time.RFC3339Nano, freshStamps[i]); err == nil {
			at = max(at, stamp.UnixMilli())
		}
		lines = append(lines, engine.Line{At: at, Job: j.name, Text: text})
	}
	return lines, true, nil
}

// once returns a line in place of a log, unless something of the job was shown.
func (l *logs) once(j job, text string) []engine.Line {
	return remote.Instead(&l.shown, millis(j.started), j.name, text)
}

// fetch reads a log from where GitHub keeps it: an address of another server that is
// good for a minute, and must be shown to nobody.
func (l *logs) fetch(ctx context.Context, id int64) (string, error) {
	at, answer, err := l.v.e.api.Actions.GetWorkflowJobLogs(ctx, l.v.repository.owner, l.v.repository.name, id, 0)
	switch {
	case err != nil && answer != nil && answer.Response != nil:
		return "", &statusError{status: answer.StatusCode}
	case err != nil:
		return "", fmt.Errorf("ask for log: %w", err)
	case at.Scheme != "https" && at.Scheme != "http" || at.Host == "":
		return "", errors.New("GitHub keeps the log at no address of the web")
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return "", errors.New("the address of the log cannot be read")
	}
	got, err := l.v.e.way.Client().Do(request)
	if err != nil {
		var secret *url.Error
		if errors.As(err, &secret) {
			err = secret.Err
		}
		return "", fmt.Errorf("read log: %w", err)
	}
	defer got.Body.Close()
	if got.StatusCode != http.StatusOK {
		return "", &statusError{status: got.StatusCode}
	}
	text, err := io.ReadAll(got.Body)
	if err != nil {
		return "", fmt.Errorf("read log: %w", err)
	}
	return string(text), nil
}

var (
	stamp   = regexp.MustCompile(`^\x{feff}?([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z) ?`)
	command = regexp.MustCompile(`^##\[([a-z]+)\]`)
)

// readable cuts a log into lines that are fit to be shown, and the times at which each
// begins. While the job runs, the last line may not be whole yet.
func (l *logs) readable(text string, over bool) (lines, stamps []string) {
	lines = output.Terminal(text, over, l.mask, func(line string) (string, bool) {
		at := ""
		if m := stamp.FindStringSubmatch(line); m != nil {
			at, line = m[1], line[len(m[0]):]
		}
		if m := command.FindStringSubmatch(line); m != nil {
			line = line[len(m[0]):]
			switch m[1] {
			case "endgroup":
				return "", false
			case "error":
				line = "Error: " + line
			case "warning":
				line = "Warning: " + line
			}
		}
		stamps = append(stamps, at)
		return line, true
	})
	return lines, stamps
}
