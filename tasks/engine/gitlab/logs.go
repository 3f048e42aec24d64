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
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"slipway"
	"slipway/tasks/engine"
)

// The lines of a job that are shown: the first ones as they come; of more, the last
// ones when it is over.
const (
	firstLines = 5000
	lastLines  = 200
	maxLine    = 8 << 10 // bytes
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
	mask              *masker // nil: not known yet
	unsafe            bool    // the credentials of the run cannot be learnt
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
		if credential.MatchString(v.Key) {
			secrets = append(secrets, v.Value)
		}
	}
	l.mask = newMasker(secrets)
	return nil
}

// job returns the lines of a job that are new.
func (l *logs) job(ctx context.Context, j job, over bool) ([]engine.Line, error) {
	if l.unsafe {
		return l.once(j, "The log is not shown: Slipway's account may not read the pipeline's variables, and so cannot hide credentials."), nil
	}
	trace, _, err := l.e.api.Jobs.GetTraceFile(l.project, j.id, gl.WithContext(ctx))
	switch {
	case errors.Is(err, errTooLarge):
		return l.once(j, "The log is larger than 8 MiB: see it in GitLab."), nil
	case isNotFound(err):
		return l.once(j, "The log was erased in GitLab."), nil
	case err != nil:
		return nil, err
	}
	text, err := io.ReadAll(trace)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	all := l.readable(string(text), over)
	var lines []engine.Line
	add := func(texts ...string) {
		for _, text := range texts {
			lines = append(lines, engine.Line{At: millis(j.started), Job: j.name, Text: text})
		}
	}
	if !over || len(all) <= firstLines+lastLines {
		to := len(all)
		if !over {
			to = min(to, firstLines)
		}
		if to > l.shown {
			add(all[l.shown:to]...)
			l.shown = to
		}
		return lines, nil
	}
	if l.shown < firstLines {
		add(all[l.shown:firstLines]...)
	}
	add(fmt.Sprintf("… %d lines left out …", len(all)-firstLines-lastLines))
	add(all[len(all)-lastLines:]...)
	return lines, nil
}

// once returns a line in place of a log, unless something of the job was shown.
func (l *logs) once(j job, text string) []engine.Line {
	if l.shown > 0 {
		return nil
	}
	l.shown = 1
	return []engine.Line{{At: millis(j.started), Job: j.name, Text: text}}
}

var (
	section = regexp.MustCompile(`section_(start|end):[0-9]+:[^\r\n]*\r(\x1b\[0K)?`)
	escapes = regexp.MustCompile(`\x1b(\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(\x07|\x1b\\)?|[ -/]*[0-~])`)
)

// readable cuts a log into lines that are fit to be shown. While the job runs, the
// last line may not be whole yet.
func (l *logs) readable(text string, over bool) []string {
	raw := strings.Split(text, "\n")
	if last := len(raw) - 1; !over || raw[last] == "" {
		raw = raw[:last]
	}
	lines := make([]string, 0, len(raw))
	for _, line := range raw {
		bare := section.ReplaceAllString(line, "")
		clean := l.mask.mask(clean(overwritten(bare)))
		if len(clean) > maxLine {
			clean = strings.ToValidUTF8(clean[:maxLine], "") + " …"
		}
		if clean != "" || bare == line {
			lines = append(lines, clean)
		}
	}
	return lines
}

// overwritten is what a terminal shows of a line in which the cursor went back.
func overwritten(line string) string {
	parts := strings.Split(line, "\r")
	for _, part := range slices.Backward(parts) {
		if strings.TrimSpace(escapes.ReplaceAllString(part, "")) != "" {
			return part
		}
	}
	return parts[0]
}

// clean removes terminal escapes, control characters but the tab, and what turns the
// direction of text around.
func clean(line string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t':
			return c
		case unicode.IsControl(c), unicode.Is(unicode.Bidi_Control, c):
			return -1
		}
		return c
	}, strings.ToValidUTF8(escapes.ReplaceAllString(line, ""), string(utf8.RuneError)))
}

// masker hides credentials.
type masker struct{ secrets []string }

// newMasker knows each credential as it is, and each of its lines: logs are seen one
// line at a time. Lines of fewer than four characters are left, unless the credential
// has no other.
func newMasker(credentials []string) *masker {
	m := &masker{}
	for _, credential := range credentials {
		pieces := strings.FieldsFunc(credential, func(c rune) bool { return c == '\n' || c == '\r' })
		for _, piece := range pieces {
			piece = strings.TrimSpace(clean(piece))
			if piece != "" && (len(pieces) == 1 || utf8.RuneCountInString(piece) > 3) && !slices.Contains(m.secrets, piece) {
				m.secrets = append(m.secrets, piece)
			}
		}
	}
	slices.SortFunc(m.secrets, func(a, b string) int { return cmp.Compare(len(b), len(a)) }) // a part of another comes later
	return m
}

func (m *masker) mask(text string) string {
	for _, secret := range m.secrets {
		text = strings.ReplaceAll(text, secret, slipway.Mask)
	}
	return text
}
