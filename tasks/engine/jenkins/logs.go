package jenkins

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

// logs reads the log of a build from where it was read to.
type logs struct {
	e        *Engine
	ref      engine.Ref
	job      string
	offset   int64
	rest     string   // of the log, that has no line feed yet
	all      []string // the lines so far; those that are needed no more are empty
	shown    int
	done     bool
	read     time.Time
	mask     *output.Masker // nil: not known yet
	unsafe   bool           // the credentials of the run cannot be learnt
	timedOut bool           // the log says that it took too long
}

func newLogs(e *Engine, ref engine.Ref, job string) *logs { return &logs{e: e, ref: ref, job: job} }

// news returns the lines that are new.
func (l *logs) news(ctx context.Context, address string, b *build) ([]engine.Line, error) {
	over := !b.Building && b.Result != ""
	if l.done || (!over && l.e.config.Now().Sub(l.read) < l.e.config.LogPoll) {
		return nil, nil
	}
	if err := l.learn(ctx, b); err != nil {
		return nil, err
	}
	if l.unsafe {
		return l.once(b, "The log is not shown: the build has a password that Slipway did not give, and so cannot hide. / 日志未显示：该构建带有并非由 Slipway 提供的密码参数，无法遮盖。"), nil
	}
	a, err := l.e.send(ctx, address+"/logText/progressiveText", url.Values{"start": {strconv.FormatInt(l.offset, 10)}}, nil)
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		return l.once(b, "The log is larger than 8 MiB: see it in Jenkins. / 日志超过 8 MiB，请在 Jenkins 中查看。"), nil
	case statusOf(err) == http.StatusNotFound:
		return l.once(b, "The log was deleted in Jenkins. / 日志已在 Jenkins 中删除。"), nil
	case err != nil:
		return nil, err
	}
	whole := over && a.header.Get("X-More-Data") != "true"
	if size, err := strconv.ParseInt(a.header.Get("X-Text-Size"), 10, 64); err == nil {
		l.offset = size
	} else {
		l.offset += int64(len(a.body))
	}
	l.add(string(a.body), whole)
	l.read, l.done = l.e.config.Now(), whole
	return l.fresh(b, whole), nil
}

// add cuts what is new into lines. What has no end yet waits for it.
func (l *logs) add(text string, whole bool) {
	text = l.rest + text
	cut := len(text)
	if !whole {
		cut = strings.LastIndexByte(text, '\n') + 1
	}
	l.rest = text[cut:]
	l.all = append(l.all, output.Terminal(text[:cut], true, l.mask, l.edit)...)
}

// frame are the lines that Jenkins writes around what the steps say.
var frame = regexp.MustCompile(`^(\[Pipeline\] .*|\[Pipeline\]|Started by .*|Finished: [A-Z_]+|Running (as SYSTEM|in Durability level: .*))$`)

func (l *logs) edit(line string) (string, bool) {
	bare := strings.TrimSpace(output.Clean(line))
	if strings.HasPrefix(bare, "Build timed out (after ") {
		l.timedOut = true
	}
	return line, !frame.MatchString(bare)
}

// fresh hands on the lines that are new, and forgets those that are needed no more.
func (l *logs) fresh(b *build, whole bool) []engine.Line {
	texts, shown := output.Excerpt(l.all, l.shown, whole)
	lines := remote.Lines(b.At, l.job, texts...)
	clear(l.all[l.shown:shown])
	if last := len(l.all) - output.LastLines; last > max(shown, output.FirstLines) {
		clear(l.all[max(shown, output.FirstLines):last])
	}
	l.shown = shown
	return lines
}

// once returns a line in place of a log, unless something of it was shown.
func (l *logs) once(b *build, text string) []engine.Line {
	l.done = true
	return remote.Instead(&l.shown, b.At, l.job, text)
}

// show makes a text of Jenkins fit to be shown.
func (l *logs) show(text string) string {
	text = l.e.vendor.Hide(output.Clean(text))
	if l.mask != nil {
		text = l.mask.Mask(text)
	}
	return text
}

// learn finds out the run's credentials, to mask them. Jenkins tells no passwords: they
// are known only of runs that Slipway started.
func (l *logs) learn(ctx context.Context, b *build) error {
	if l.mask != nil || l.unsafe {
		return nil
	}
	secrets := []string{l.e.config.Token, l.e.config.WebhookToken}
	var passwords []string // the names of those that are not told
	mark := ""
	for _, a := range b.Actions {
		for _, p := range a.Parameters {
			text, told := p.Value.(string)
			switch {
			case strings.Contains(p.Class, "PasswordParameterValue"):
				passwords = append(passwords, p.Name)
			case p.Name == markParameter:
				mark = text
			case told && credential.MatchString(p.Name):
				secrets = append(secrets, text)
			}
		}
	}
	given, err := l.given(ctx, mark, len(passwords) > 0)
	if err != nil {
		return err
	}
	for _, name := range passwords {
		value, known := given[name]
		l.unsafe = l.unsafe || !known
		secrets = append(secrets, value)
	}
	l.mask = output.NewMasker(secrets)
	return nil
}

// given returns the values that a plan gave to the credentials of the run, nil if they
// are not known. They are looked up only if that is needed.
func (l *logs) given(ctx context.Context, mark string, needed bool) (map[string]string, error) {
	given, started := l.e.secrets.Of(l.ref)
	if started || !needed || mark == "" || l.e.config.Runs == nil {
		return given, nil
	}
	spec, err := l.e.config.Runs(ctx, mark)
	if err != nil && slipway.CodeOf(err) != slipway.NotFound {
		return nil, err
	}
	return spec.Params, nil
}
