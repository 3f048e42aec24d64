package zadig

import (
	"bufio"
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"slipway"
	"slipway/tasks/engine"
	"slipway/tasks/engine/output"
	"slipway/tasks/engine/remote"
)

const (
	// maxPeek bounds how long the log of a job that runs is read in one look.
	maxPeek = 5 * time.Second
	// maxPeeked bounds how much of it.
	maxPeeked = 4 << 20
	// allLines asks for a log from its beginning: Zadig counts from the end.
	allLines = "1000000"
)

// logs reads the logs of a run's jobs, one after another in the order in which the jobs
// began, so that the lines come in the same order whenever they are read. Zadig keeps
// the whole log of a job that is over; that of a job that runs is a stream, which is
// read from its beginning until it is silent.
type logs struct {
	v     *view
	order []string // the names of the jobs that began
	done  int      // so many of them are read to their end
	shown int      // lines of the job that is being read
	read  time.Time
}

// logged tells whether Zadig keeps the output of jobs of a type.
func logged(t slipway.JobType) bool {
	switch t {
	case slipway.JobBuild, slipway.JobFreestyle, slipway.JobTest, slipway.JobScan, slipway.JobVMDeploy, slipway.JobDistributeImage, "plugin":
		return true
	case slipway.JobDeploy, slipway.JobApollo, slipway.JobNacos, slipway.JobSQL:
	}
	return false
}

// news returns the lines that are new.
func (l *logs) news(ctx context.Context, t *task) ([]engine.Line, error) {
	all := l.sort(t)
	var lines []engine.Line
	for l.done < len(l.order) {
		job := all[l.order[l.done]]
		if job == nil {
			break // it is being run again
		}
		ended := folded(job.Status).Over() || l.v.over
		if now := l.v.e.config.Now(); !ended && now.Sub(l.read) < l.v.e.config.LogPoll {
			break
		}
		text, err := l.text(ctx, job, ended)
		if err != nil {
			return nil, err
		}
		fresh, shown := output.Excerpt(output.Terminal(text, ended, l.v.mask, nil), l.shown, ended)
		lines = append(lines, remote.Lines(millis(job.StartTime), l.v.name(t, job), fresh...)...)
		l.shown, l.read = shown, l.v.e.config.Now()
		if !ended {
			break
		}
		l.done, l.shown, l.read = l.done+1, 0, time.Time{}
	}
	return lines, nil
}

// sort appends the jobs that began since, and returns all that began.
func (l *logs) sort(t *task) map[string]*taskJob {
	all := map[string]*taskJob{}
	var began []*taskJob
	for i := range t.Stages {
		for j := range t.Stages[i].Jobs {
			job := &t.Stages[i].Jobs[j]
			if job.StartTime == 0 || !logged(job.Type) {
				continue
			}
			all[job.Name] = job
			if !slices.Contains(l.order, job.Name) {
				began = append(began, job)
			}
		}
	}
	slices.SortStableFunc(began, func(a, b *taskJob) int { return cmp.Compare(a.StartTime, b.StartTime) })
	for _, job := range began {
		l.order = append(l.order, job.Name)
	}
	return all
}

func (l *logs) text(ctx context.Context, job *taskJob, ended bool) (string, error) {
	e, run := l.v.e, "/"+url.PathEscape(l.v.workflow)+"/"+strconv.FormatInt(l.v.number, 10)+"/"+url.PathEscape(job.Name)
	if !ended {
		return e.peek(ctx, "/openapi/logs/sse/v4/workflow"+run+"/"+allLines)
	}
	var text string
	err := e.get(ctx, "/openapi/logs/log/v4/workflow"+run, nil, &text)
	if unserved(err) {
		return "", nil // Zadig of an age before that
	}
	return text, err
}

// peek reads a log that is being written, as far as it is written. A stream that cannot
// be had is an empty one: the job may be about to begin, or to end.
func (e *Engine) peek(ctx context.Context, path string) (string, error) {
	ctx, stop := context.WithTimeout(ctx, maxPeek)
	defer stop()
	remote.WhenNudged(ctx, stop) // there is news, which is more than the log
	request, err := e.request(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("Accept", "text/event-stream")
	quiet := time.AfterFunc(maxPeek, stop)
	defer quiet.Stop()
	answer, err := e.way.Stream(request)
	if err != nil {
		return "", nil
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return "", nil
	}
	quiet.Reset(e.config.LogQuiet)
	return readEvents(answer.Body, func() { quiet.Reset(e.config.LogQuiet) }), nil
}

// readEvents puts together the log that comes in events, each a line or a part of one
// that ends with a carriage return; heard is called with each. A last event that is
// not whole is left out.
func readEvents(r io.Reader, heard func()) string {
	var log strings.Builder
	var data []string
	s := bufio.NewScanner(io.LimitReader(r, maxPeeked))
	s.Buffer(nil, maxPeeked)
	for lines := 0; lines < output.FirstLines && s.Scan(); {
		line := s.Text()
		if piece, ok := strings.CutPrefix(line, "data:"); ok {
			data = append(data, strings.ReplaceAll(piece, `\r`, "\r"))
			continue
		}
		if line != "" || data == nil {
			continue
		}
		heard()
		text := strings.Join(data, "\n")
		if whole, ends := strings.CutSuffix(text, "\n\r"); ends {
			text = whole + "\n"
		} else if !strings.HasSuffix(text, "\r") {
			text += "\n"
		}
		log.WriteString(text)
		lines += strings.Count(text, "\n")
		data = nil
	}
	return log.String()
}
