package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// RunState is what an engine told last of a run, as Run.Progress keeps it. The statuses
// are the words of engines: queued, running, waiting, passed, failed, cancelled, timeout,
// skipped, unknown. Times are Unix milliseconds, 0: not yet.
type RunState struct {
	Status  string       `json:"status"`
	URL     string       `json:"url"`
	WaitFor slipway.Text `json:"wait_for"` // whom or what a waiting run waits for
	Stages  []RunStage   `json:"stages"`   // in the order they run
	Started int64        `json:"started"`
	Ended   int64        `json:"ended"`
}

// RunStage is a stage of a run.
type RunStage struct {
	Name   string   `json:"name"`
	Status string   `json:"status"`
	Jobs   []RunJob `json:"jobs"`
}

// RunJob is a job of a stage.
type RunJob struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Status  string       `json:"status"`
	Reason  slipway.Text `json:"reason"` // why it did not pass
	Started int64        `json:"started"`
	Ended   int64        `json:"ended"`
	URL     string       `json:"url"` // the job's own page, if the engine has one
}

// State is what the engine told last of the run, nil if it has told nothing yet.
func (r *Run) State() *RunState { return runState(r.Progress) }

func runState(progress []byte) *RunState {
	var s RunState
	// Before an engine tells anything, something else may be kept there.
	if len(progress) == 0 || json.Unmarshal(progress, &s) != nil || s.Status == "" {
		return nil
	}
	return &s
}

// Job returns the first job of the run with the name, nil if there is none.
func (s *RunState) Job(name string) *RunJob {
	if s == nil {
		return nil
	}
	for i := range s.Stages {
		for j := range s.Stages[i].Jobs {
			if s.Stages[i].Jobs[j].Name == name {
				return &s.Stages[i].Jobs[j]
			}
		}
	}
	return nil
}

// Glance is what is shown of a run beside its item.
type Glance struct {
	ID        string
	Status    slipway.RunStatus
	StartedAt int64 // Unix milliseconds, 0: not yet
	EndedAt   int64 // Unix milliseconds, 0: not yet
	State     *RunState
	// Usual is how long the last runs of the workflow took that passed, the newest first;
	// of a run under way only.
	Usual []time.Duration
	// Tail are the last lines of the output; of a run that did not pass only.
	Tail []LogLine
}

// How much a Glance has.
const (
	glanceUsual = 5
	glanceTail  = 3
)

// Glances returns the present runs of a plan's items by their ids. It takes at most
// three queries, however many there are.
func (s *Store) Glances(ctx context.Context, p *slipway.Plan) (map[string]*Glance, error) {
	var ids []string
	for _, it := range p.Items {
		if it.Workflow != nil && it.Workflow.RunID != "" {
			ids = append(ids, it.Workflow.RunID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []runRow
	err := s.read.NewSelect().Model(&rows).
		Column("id", "engine", "project", "name", "status", "progress", "started_at", "ended_at").
		Where("id IN (?)", bun.List(ids)).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("glance at runs: %w", err)
	}
	seen := make(map[string]*Glance, len(rows))
	for i := range rows {
		r := &rows[i]
		seen[r.ID] = &Glance{
			ID: r.ID, Status: r.Status, StartedAt: r.StartedAt, EndedAt: r.EndedAt, State: runState([]byte(r.Progress)),
		}
	}
	if err := s.addUsual(ctx, rows, seen); err != nil {
		return nil, err
	}
	return seen, s.addTails(ctx, rows, seen)
}

// workflowKey names a workflow among all engines.
type workflowKey struct{ Engine, Project, Name string }

// addUsual reads how long runs like those under way took.
func (s *Store) addUsual(ctx context.Context, rows []runRow, seen map[string]*Glance) error {
	var parts []string
	var args []any
	asked := map[workflowKey]bool{}
	for _, r := range rows {
		key := workflowKey{r.Engine, r.Project, r.Name}
		if r.Status.Over() || asked[key] {
			continue
		}
		asked[key] = true
		parts = append(parts, `SELECT * FROM (SELECT engine, project, name, started_at, ended_at FROM runs
			WHERE engine = ? AND project = ? AND name = ? AND status = 'passed' AND whole ORDER BY ended_at DESC LIMIT ?) AS `+
			fmt.Sprintf("w%d", len(parts)))
		args = append(args, r.Engine, r.Project, r.Name, glanceUsual)
	}
	if len(parts) == 0 {
		return nil
	}
	var past []struct {
		workflowKey
		StartedAt, EndedAt int64
	}
	if err := s.read.NewRaw(strings.Join(parts, " UNION ALL ")+" ORDER BY ended_at DESC", args...).Scan(ctx, &past); err != nil {
		return fmt.Errorf("glance at past runs: %w", err)
	}
	took := map[workflowKey][]time.Duration{}
	for _, r := range past {
		took[r.workflowKey] = append(took[r.workflowKey], time.Duration(max(0, r.EndedAt-r.StartedAt))*time.Millisecond)
	}
	for _, r := range rows {
		if !r.Status.Over() {
			seen[r.ID].Usual = took[workflowKey{r.Engine, r.Project, r.Name}]
		}
	}
	return nil
}

// addTails reads the last lines of the runs that did not pass.
func (s *Store) addTails(ctx context.Context, rows []runRow, seen map[string]*Glance) error {
	var ids []string
	for _, r := range rows {
		if r.Status.Over() && r.Status != slipway.RunPassed {
			ids = append(ids, r.ID)
		}
	}
	tails, err := s.RunTails(ctx, ids, glanceTail)
	for id, lines := range tails {
		seen[id].Tail = lines
	}
	return err
}

// RunTails returns the last n lines of the output of some runs, in order.
func (s *Store) RunTails(ctx context.Context, ids []string, n int) (map[string][]LogLine, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var rows []logRow
	err := s.read.NewSelect().Model(&rows).Join("JOIN runs AS r ON r.id = l.run_id").
		Where("l.run_id IN (?)", bun.List(ids)).Where("l.seq > r.log_lines - ?", n).OrderExpr("l.run_id, l.seq").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read end of output of runs: %w", err)
	}
	tails := map[string][]LogLine{}
	for _, l := range rows {
		tails[l.RunID] = append(tails[l.RunID], LogLine{Seq: l.Seq, At: l.At, Job: l.Job, Text: l.Text})
	}
	return tails, nil
}
