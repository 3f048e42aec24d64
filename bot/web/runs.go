package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// logLines is how many lines of a log one answer has.
const logLines = 1000

// tailShown is how many lines of a log a page begins with.
const tailShown = 200

// runView is a run as the page of a plan shows it.
type runView struct {
	storage.Run
	Now   *storage.RunState // nil while the engine has told nothing
	Why   string            // it did not pass
	Took  string
	Ran   int64  // milliseconds that a run under way has taken so far, 0 if it is not
	Usual string // how long the last ones took
	Open  bool   // it is unfolded from the start
	Tail  []storage.LogLine
	Look  string // changes with what is shown of the run, but for its output
}

// Live tells whether more may happen in the run.
func (r *runView) Live() bool { return !r.Status.Over() }

// Word is where the run is.
func (r *runView) Word() bot.StepWord {
	if r.Live() && r.Now != nil {
		return bot.WordOfStep(r.Now.Status)
	}
	return bot.WordOfStep(string(r.Status))
}

// Link is the run in its engine, if that has a page for it.
func (r *runView) Link() string {
	return webLink(r.URL)
}

// webLink is the address if a browser may follow it, else "".
func webLink(address string) string {
	if strings.HasPrefix(address, "https://") || strings.HasPrefix(address, "http://") {
		return address
	}
	return ""
}

// After is the line up to which the page shows the output.
func (r *runView) After() int64 {
	if n := len(r.Tail); n > 0 {
		return r.Tail[n-1].Seq
	}
	return 0
}

// Before is how many lines of the output come before those that the page shows.
func (r *runView) Before() int64 {
	if len(r.Tail) > 0 {
		return r.Tail[0].Seq - 1
	}
	return 0
}

// runsOf returns the runs of a plan, with the end of the output of those that are
// unfolded: the newest of each item, while it runs and if it did not pass.
func (w *Web) runsOf(ctx context.Context, v viewer, p *slipway.Plan, seen map[string]*storage.Glance) ([]*runView, error) {
	runs, err := w.Store.Runs(ctx, p.ID)
	if err != nil {
		return nil, fmt.Errorf("show runs: %w", err)
	}
	views := make([]*runView, 0, len(runs))
	var open []string
	for _, run := range runs {
		rv := &runView{Run: run, Now: run.State(), Why: run.Reason.In(v.Lang), Look: lookOf(&run)}
		if run.StartedAt != 0 && run.EndedAt != 0 {
			rv.Took = v.Duration(run.EndedAt - run.StartedAt)
		}
		if it := p.ItemOfRun(run.ID); it != nil && (rv.Live() || rv.Why != "") {
			rv.Open = true
			open = append(open, run.ID)
		}
		if g := seen[run.ID]; g != nil && rv.Live() {
			rv.Usual = bot.UsualText(g.Usual).In(v.Lang)
			if run.StartedAt != 0 {
				rv.Ran = max(1, v.now.UnixMilli()-run.StartedAt)
			}
		}
		views = append(views, rv)
	}
	tails, err := w.Store.RunTails(ctx, open, tailShown)
	if err != nil {
		return nil, fmt.Errorf("show runs: %w", err)
	}
	for _, rv := range views {
		rv.Tail = tails[rv.ID]
	}
	return views, nil
}

// lookOf names what is known of a run.
func lookOf(run *storage.Run) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s %d", run.Status, run.Progress, run.URL, run.StartedAt)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// runLog answers the lines of a run's log that follow a line, or with the parameter tail
// the last ones: as JSON for the page, as text for people without scripts.
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
		lines, err := w.logPart(r, run.ID, after)
		if err != nil {
			w.fail(rw, r, v.User, err)
			return
		}
		if !asText {
			writeLines(rw, run, lines)
			return
		}
		for _, l := range lines {
			if l.Job != "" {
				_, _ = fmt.Fprintf(rw, "[%s] ", l.Job)
			}
			_, _ = fmt.Fprintln(rw, l.Text)
			after = l.Seq
		}
		if len(lines) < logLines {
			return
		}
	}
}

func (w *Web) logPart(r *http.Request, run string, after int64) ([]storage.LogLine, error) {
	if r.URL.Query().Has("tail") {
		tails, err := w.Store.RunTails(r.Context(), []string{run}, tailShown)
		return tails[run], err
	}
	return w.Store.RunLog(r.Context(), run, after, logLines)
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
		Look  string     `json:"look"` // another than the page has: it shows an older state
	}{make([]lineJSON, 0, len(lines)), len(lines) == logLines, run.Status.Over(), lookOf(run)}
	for _, l := range lines {
		answer.Lines = append(answer.Lines, lineJSON{l.Seq, l.At, l.Job, l.Text})
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(rw).Encode(answer) // the connection is gone if this fails
}
