package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"slipway/cmd/slipway/processtest"
)

// fleet is the many runs of one engine, and the program that follows them.
type fleet struct {
	vendor
	settings string
	process  *processtest.Process
	client   *processtest.Client
	say      func(string)
	m        *engineRuns

	plans    int
	underWay []fleetRun
}

// fleetRun is a run that is under way.
type fleetRun struct{ id, plan string }

// settleIn is how long runs are left alone after the program was started anew.
const settleIn = 4 * time.Second

// set writes the settings of the program.
func (f *fleet) set(poll time.Duration, perMinute int) error {
	text := fmt.Sprintf("engines: {%s: {poll: %s, requests_per_minute: %d}}\n", f.name, poll, perMinute)
	if err := os.WriteFile(f.settings, []byte(text), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// restart starts the program with other settings, and lets it take up its runs.
func (f *fleet) restart(ctx context.Context, poll time.Duration, perMinute int) error {
	if err := f.set(poll, perMinute); err != nil {
		return err
	}
	if err := f.process.Stop(ctx); err != nil {
		return err
	}
	if err := f.process.Restart(ctx); err != nil {
		return err
	}
	return pause(ctx, settleIn)
}

// fill starts runs until so many are under way.
func (f *fleet) fill(ctx context.Context, runs int) error {
	first := f.plans
	f.plans += (runs - len(f.underWay)) / runItems
	started := make([][]fleetRun, f.plans-first)
	err := inParallel(4, func(worker int) error {
		for n := worker; n < len(started); n += 4 {
			var err error
			if started[n], err = f.start(ctx, first+n); err != nil {
				return err
			}
		}
		return nil
	})
	for _, runs := range started {
		f.underWay = append(f.underWay, runs...)
	}
	// Those that end are of all plans alike.
	rand.New(rand.NewPCG(1, uint64(first))).Shuffle(len(f.underWay), func(i, j int) {
		f.underWay[i], f.underWay[j] = f.underWay[j], f.underWay[i]
	})
	return err
}

// start starts the runs of a plan, and returns when all are under way.
func (f *fleet) start(ctx context.Context, number int) ([]fleetRun, error) {
	jobs := make([]map[string]any, runItems)
	for i := range jobs {
		jobs[i] = map[string]any{
			"name": fmt.Sprintf("deploy %d", i+1), "type": "workflow",
			"spec": map[string]any{"engine": f.name, "project": f.project, "workflow": f.workflow},
		}
	}
	var p processtest.Plan
	ask := func(path string, body any) error {
		a, err := f.client.Do(ctx, f.process.URL, processtest.Request{Path: path, Body: body})
		if err == nil && a.Status >= http.StatusMultipleChoices {
			err = fmt.Errorf("%s: answered %d %s", path, a.Status, a.Message())
		}
		if err != nil {
			return err
		}
		return a.Decode(&p)
	}
	if err := ask("/api/v1/plans", map[string]any{"name": fmt.Sprintf("%s %d", f.name, number), "jobs": jobs}); err != nil {
		return nil, err
	}
	for _, verb := range []string{"submit", "start"} {
		if err := ask("/api/v1/plans/"+p.ID+"/"+verb, nil); err != nil {
			return nil, err
		}
	}
	for _, job := range p.Jobs {
		if err := ask("/api/v1/plans/"+p.ID+"/jobs/"+job.ID+"/execute", nil); err != nil {
			return nil, err
		}
	}
	return f.begun(ctx, p.ID)
}

// begun waits until all runs of a plan are under way.
func (f *fleet) begun(ctx context.Context, plan string) ([]fleetRun, error) {
	for {
		p, err := f.look(ctx, plan)
		if err != nil {
			return nil, err
		}
		var all []fleetRun
		for _, job := range p.Jobs {
			switch {
			case job.Status != "running":
				return nil, fmt.Errorf("%s is %s: %s", job.Name, job.Status, job.Reason)
			case job.URL != "":
				all = append(all, fleetRun{id: job.RunID, plan: plan})
			}
		}
		if len(all) == len(p.Jobs) {
			return all, nil
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return nil, fmt.Errorf("%d of %d runs begin: %w", len(all), len(p.Jobs), err)
		}
	}
}

func (f *fleet) look(ctx context.Context, plan string) (p processtest.Plan, err error) {
	a, err := f.client.Do(ctx, f.process.URL, processtest.Request{Method: http.MethodGet, Path: "/api/v1/plans/" + plan})
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("look at plan: answered %d %s", a.Status, a.Message())
	}
	if err != nil {
		return p, err
	}
	return p, a.Decode(&p)
}

// load ends runs in the engine, at a rate, and measures when each is shown as done: the
// plan's event stream tells of a change, and then the plan is looked at.
func (f *fleet) load(ctx context.Context, ends, rate int) (l engineLoad, err error) {
	ending := f.underWay[:min(ends, len(f.underWay))]
	f.underWay = f.underWay[len(ending):]
	w := newWatch(ending)
	watching, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	defer looking.Wait()
	defer stop()
	for plan := range w.plans {
		looking.Go(func() { w.fail(f.follow(watching, plan, w)) })
	}
	if err := w.wait(ctx, func() bool { return w.ready == len(w.plans) }); err != nil {
		return l, fmt.Errorf("follow the plans: %w", err)
	}
	meter, err := f.newMeter(ctx)
	if err != nil {
		return l, err
	}
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for _, r := range ending {
		if err := meter.wait(ctx, tick.C); err != nil {
			return l, err
		}
		w.ends(r.id)
		if !f.Pass(r.id) {
			return l, fmt.Errorf("run %s is not under way in %s", r.id, f.title)
		}
	}
	if err := meter.read(ctx, &l); err != nil {
		return l, err
	}
	if err := w.wait(ctx, func() bool { return len(w.lags) == len(ending) }); err != nil {
		return l, fmt.Errorf("%d of %d ends are shown: %w", len(w.lags), len(ending), err)
	}
	l.lag = w.lags
	return l, nil
}

// follow looks at a plan whenever its event stream tells of a change.
func (f *fleet) follow(ctx context.Context, plan string, w *watch) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, f.process.URL+"/api/v1/events?plan="+plan, nil)
	if err != nil {
		return fmt.Errorf("follow plan: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+adminToken)
	answer, err := (&http.Client{Transport: f.client.HTTP.Transport}).Do(r)
	if err != nil {
		return ended(ctx, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("follow plan: answered %s", answer.Status)
	}
	first := true
	for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
		if !strings.HasPrefix(lines.Text(), "event:") {
			continue
		}
		p, looked := f.look(ctx, plan)
		if looked != nil {
			return ended(ctx, looked)
		}
		w.shown(p, first)
		first = false
	}
	return ended(ctx, errors.New("the event stream of a plan ended"))
}

// ended is the error of work that was not told to end.
func ended(ctx context.Context, err error) error {
	if context.Cause(ctx) == nil {
		return err
	}
	return nil
}

// watch is when runs ended, and when that was shown.
type watch struct {
	plans   map[string]bool
	changed chan struct{} // holds one

	mu    sync.Mutex
	ready int // so many plans are followed
	ended map[string]time.Time
	lags  times
	err   error
}

func newWatch(ending []fleetRun) *watch {
	w := &watch{plans: map[string]bool{}, changed: make(chan struct{}, 1), ended: map[string]time.Time{}}
	for _, r := range ending {
		w.plans[r.plan] = true
	}
	return w
}

func (w *watch) note(change func()) {
	w.mu.Lock()
	change()
	w.mu.Unlock()
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watch) fail(err error) {
	if err != nil {
		w.note(func() { w.err = err })
	}
}

// ends notes that a run ends now.
func (w *watch) ends(run string) { w.note(func() { w.ended[run] = time.Now() }) }

// shown notes what is seen of a plan; first: for the first time.
func (w *watch) shown(p processtest.Plan, first bool) {
	now := time.Now()
	w.note(func() {
		if first {
			w.ready++
		}
		for _, job := range p.Jobs {
			at, waited := w.ended[job.RunID]
			switch {
			case !waited || job.Status == "running":
			case job.Status != "done":
				w.err = fmt.Errorf("%s is %s: %s", job.Name, job.Status, job.Reason)
			default:
				w.lags = append(w.lags, now.Sub(at))
				delete(w.ended, job.RunID)
			}
		}
	})
}

// wait waits until something is so, or a problem came up.
func (w *watch) wait(ctx context.Context, so func() bool) error {
	for {
		w.mu.Lock()
		err, is := w.err, so()
		w.mu.Unlock()
		if err != nil || is {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.changed:
		}
	}
}
