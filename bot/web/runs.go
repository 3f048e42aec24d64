package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"slipway"
	"slipway/storage"
)

// logLines is how many lines of a log one answer has.
const logLines = 1000

// runView is a run as the page of a plan shows it.
type runView struct {
	storage.Run
	Now  *progress // nil while the engine has told nothing
	Why  string    // it did not pass
	Took string
}

// progress is what an engine tells of a run.
type progress struct {
	Status  string          `json:"status"`
	URL     string          `json:"url"`
	WaitFor slipway.Text    `json:"wait_for"`
	Stages  []progressStage `json:"stages"`
}

type progressStage struct {
	Name   string        `json:"name"`
	Status string        `json:"status"`
	Jobs   []progressJob `json:"jobs"`
}

type progressJob struct {
	Name   string       `json:"name"`
	Type   string       `json:"type"`
	Status string       `json:"status"`
	Reason slipway.Text `json:"reason"`
}

// Live tells whether more may happen in the run.
func (r *runView) Live() bool { return !r.Status.Over() }

// Link is the run in its engine, if that has a page for it.
func (r *runView) Link() string {
	for _, link := range []string{r.URL, r.progressURL()} {
		if strings.HasPrefix(link, "https://") || strings.HasPrefix(link, "http://") {
			return link
		}
	}
	return ""
}

func (r *runView) progressURL() string {
	if r.Now == nil {
		return ""
	}
	return r.Now.URL
}

func (w *Web) runsOf(ctx context.Context, v viewer, p *slipway.Plan) ([]*runView, error) {
	runs, err := w.Store.Runs(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("show runs: %w", err)
	}
	views := make([]*runView, 0, len(runs))
	for _, run := range runs {
		rv := &runView{Run: run, Why: run.Reason.In(v.Lang)}
		if run.StartedAt != 0 && run.EndedAt != 0 {
			rv.Took = v.Duration(run.EndedAt - run.StartedAt)
		}
		if len(run.Progress) > 0 {
			var now progress
			if err := json.Unmarshal(run.Progress, &now); err == nil {
				rv.Now = &now
			}
		}
		views = append(views, rv)
	}
	return views, nil
}

// runLog answers the lines of a run's log that follow a line: as JSON for the page, as
// text for people without scripts.
func (w *Web) runLog(rw http.ResponseWriter, r *http.Request, v viewer) {
	ctx := r.Context()
	run, err := w.Store.Run(ctx, r.PathValue("run"))
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	after, err := strconv.ParseInt(r.URL.Query().Get("after"), 10, 64)
	if err != nil {
		after = 0
	}
	asText := !strings.Contains(r.Header.Get("Accept"), "application/json")
	if asText {
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	for {
		lines, err := w.Store.RunLog(ctx, run.ID, after, logLines)
		if err != nil {
			w.fail(rw, r, v.User, err)
			return
		}
		if !asText {
			writeLines(rw, run, lines)
			return
		}
		for _, l := range lines {
			_, _ = fmt.Fprintf(rw, "[%s] %s\n", l.Job, l.Text)
			after = l.Seq
		}
		if len(lines) < logLines {
			return
		}
	}
}

type lineJSON struct {
	Seq  int64  `json:"seq"`
	At   int64  `json:"at"` // Unix milliseconds
	Job  string `json:"job"`
	Text string `json:"text"`
}

func writeLines(rw http.ResponseWriter, run *storage.Run, lines []storage.LogLine) {
	answer := struct {
		Lines []lineJSON `json:"lines"`
		More  bool       `json:"more"` // ask again at once
		Over  bool       `json:"over"`
	}{make([]lineJSON, 0, len(lines)), len(lines) == logLines, run.Status.Over()}
	for _, l := range lines {
		answer.Lines = append(answer.Lines, lineJSON{l.Seq, l.At, l.Job, l.Text})
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(answer) // the connection is gone if this fails
}
