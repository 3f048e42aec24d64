package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// RunPhase says how far Slipway is with a run, whatever its engine says.
type RunPhase string

// The phases of a run. RunStarting leads from created to starting, right before the
// engine is called: a run found there later was perhaps started, and its engine is
// asked for it by its mark. RunStartedAs leads to started, EndRun to ended.
const (
	RunPhaseCreated  RunPhase = "created"
	RunPhaseStarting RunPhase = "starting"
	RunPhaseStarted  RunPhase = "started"
	RunPhaseEnded    RunPhase = "ended"
)

// Run is one execution of a workflow item, with what became of it.
type Run struct {
	slipway.Run
	Status    slipway.RunStatus
	Phase     RunPhase
	Mark      string // what the engine keeps with the run so that it can be found: its id
	Ref       string // the engine's name for it
	URL       string // where people see it in its engine, once that has told
	Stop      bool   // it is to be cancelled
	Progress  json.RawMessage
	Reason    slipway.Text // why it did not pass
	StartedAt int64        // Unix milliseconds
	EndedAt   int64        // Unix milliseconds
	Doubt     slipway.Doubt
	Change    *slipway.DefinitionChange // with slipway.DoubtChanged
	Attempt   string                    // the engine's word for how often it was run; see RunAttempt
}

// End is how the run ended.
func (r *Run) End() slipway.RunEnd {
	return slipway.RunEnd{Status: r.Status, Reason: r.Reason, Doubt: r.Doubt, Change: r.Change}
}

type runRow struct {
	bun.BaseModel `bun:"table:runs,alias:r"`

	ID        string `bun:",pk"`
	PlanID    string
	ItemID    string
	TaskID    int64
	Engine    string
	StartedBy string
	At        int64
	Workflow  string
	Phase     RunPhase
	Status    slipway.RunStatus
	Ref       string
	Stop      bool
	Progress  string `bun:",nullzero"`
	Reason    string `bun:",nullzero"`
	StartedAt int64
	EndedAt   int64
	LogLines  int64
	Project   string
	Name      string // of the workflow
	Again     string
	Whole     bool // begun by us, from its beginning
	Attempt   string
	Doubt     slipway.Doubt
	Change    string `bun:",nullzero"`
	Report    string `bun:",nullzero"`
}

func newRunRows(runs []slipway.Run) ([]runRow, error) {
	var j jsonWriter
	rows := make([]runRow, 0, len(runs))
	for _, r := range runs {
		rows = append(rows, runRow{
			ID: r.ID, PlanID: r.PlanID, ItemID: r.ItemID, TaskID: r.TaskID, Engine: r.Engine, StartedBy: r.By, At: r.At,
			Workflow: j.text(r.Workflow), Phase: RunPhaseCreated, Status: slipway.RunCreated, Ref: r.Ref,
			Project: r.Workflow.Project, Name: r.Workflow.Name, Again: r.Again, Whole: r.Again == "" && r.Ref == "",
		})
	}
	return rows, j.err
}

func (r *runRow) run() (Run, error) {
	run := Run{
		Run: slipway.Run{
			ID: r.ID, PlanID: r.PlanID, ItemID: r.ItemID, TaskID: r.TaskID, Engine: r.Engine, By: r.StartedBy, At: r.At,
			Again: r.Again,
		},
		Status: r.Status, Phase: r.Phase, Mark: r.ID, Ref: r.Ref, Stop: r.Stop,
		StartedAt: r.StartedAt, EndedAt: r.EndedAt, Doubt: r.Doubt, Attempt: r.Attempt,
	}
	if r.Progress != "" {
		run.Progress = json.RawMessage(r.Progress)
	}
	var j jsonReader
	j.read(r.Workflow, &run.Workflow)
	j.read(r.Reason, &run.Reason)
	j.read(r.Change, &run.Change)
	if state := run.State(); state != nil {
		run.URL = state.URL
	}
	return run, j.err
}

// Run returns the run with the id. NotFound if there is none.
func (s *Store) Run(ctx context.Context, id string) (*Run, error) {
	var row runRow
	if err := s.read.NewSelect().Model(&row).Where("id = ?", id).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read run: %w", orMissing(err, noRun()))
	}
	run, err := row.run()
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", id, err)
	}
	return &run, nil
}

// Runs lists the runs of a plan in the order in which they came into being.
func (s *Store) Runs(ctx context.Context, planID string) ([]Run, error) {
	var rows []runRow
	if err := s.read.NewSelect().Model(&rows).Where("plan_id = ?", planID).OrderExpr("task_id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read runs: %w", err)
	}
	runs := make([]Run, 0, len(rows))
	for i := range rows {
		run, err := rows[i].run()
		if err != nil {
			return nil, fmt.Errorf("read run %s: %w", rows[i].ID, err)
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// RunStarting notes that the engine is about to be called. Conflict if that was noted
// before: then the engine may have been called, and must be asked first.
func (s *Store) RunStarting(ctx context.Context, id string) error {
	res, err := s.write.NewUpdate().Model((*runRow)(nil)).Set("phase = ?", RunPhaseStarting).
		Where("id = ?", id).Where("phase = ?", RunPhaseCreated).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note start of run %s: %w", id, err)
	}
	if !touched(res) {
		return slipway.Refuse(slipway.Conflict, "The run has been started before.", "该运行已经启动过。")
	}
	return nil
}

// RunStartedAs notes that the engine has begun the run and what it calls it. A run that
// has ended stays as it is.
func (s *Store) RunStartedAs(ctx context.Context, id, ref string, at time.Time) error {
	_, err := s.write.NewUpdate().Model((*runRow)(nil)).
		Set("phase = ?", RunPhaseStarted).Set("status = ?", slipway.RunRunning).Set("ref = ?", ref).
		Set("started_at = ?", at.UnixMilli()).
		Where("id = ?", id).Where("phase IN (?)", bun.List([]RunPhase{RunPhaseCreated, RunPhaseStarting})).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note begin of run %s: %w", id, err)
	}
	return nil
}

// RunProgress keeps what the engine tells of a run under way.
func (s *Store) RunProgress(ctx context.Context, id string, progress json.RawMessage) error {
	err := s.quickly(ctx, func(db bun.IDB) error {
		_, err := db.NewUpdate().Model((*runRow)(nil)).Set("progress = ?", string(progress)).Where("id = ?", id).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("note progress of run %s: %w", id, err)
	}
	return nil
}

// EndRun notes how a run ended. One that has ended before stays as it is.
func (s *Store) EndRun(ctx context.Context, id string, end slipway.RunEnd, at time.Time) error {
	var j jsonWriter
	q := s.write.NewUpdate().Model((*runRow)(nil)).
		Set("phase = ?", RunPhaseEnded).Set("status = ?", end.Status).Set("doubt = ?", end.Doubt).Set("ended_at = ?", at.UnixMilli()).
		Where("id = ?", id).Where("phase <> ?", RunPhaseEnded)
	if end.Reason != (slipway.Text{}) {
		q.Set("reason = ?", j.text(end.Reason))
	}
	if end.Change != nil {
		q.Set("change = ?", j.text(end.Change))
	}
	if j.err != nil {
		return fmt.Errorf("note end of run %s: %w", id, j.err)
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("note end of run %s: %w", id, err)
	}
	return nil
}

// LogLine is one line of a run's output.
type LogLine struct {
	Seq  int64 // from 1, without gaps; given by AppendRunLog
	At   int64 // Unix milliseconds
	Job  string
	Text string
}

type logRow struct {
	bun.BaseModel `bun:"table:run_log,alias:l"`

	RunID string `bun:",pk"`
	Seq   int64  `bun:",pk"`
	At    int64
	Job   string
	Text  string
}

// AppendRunLog adds lines to the output of a run and numbers them. NotFound if there
// is no such run.
func (s *Store) AppendRunLog(ctx context.Context, runID string, lines []LogLine) error {
	if len(lines) == 0 {
		return nil
	}
	err := s.quickTx(ctx, func(tx bun.Tx) error {
		var last int64
		// Raising the number locks the run, so no two lines get the same.
		err := tx.NewRaw("UPDATE runs SET log_lines = log_lines + ? WHERE id = ? RETURNING log_lines", len(lines), runID).
			Scan(ctx, &last)
		if err != nil {
			return orMissing(err, noRun())
		}
		rows := make([]logRow, 0, len(lines))
		for i, l := range lines {
			rows = append(rows, logRow{RunID: runID, Seq: last - int64(len(lines)-1-i), At: l.At, Job: l.Job, Text: l.Text})
		}
		_, err = tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("append to log of run %s: %w", runID, err)
	}
	return nil
}

// RunLog returns the lines of a run's output after a line number, in order, at most
// limit of them.
func (s *Store) RunLog(ctx context.Context, runID string, after int64, limit int) ([]LogLine, error) {
	var rows []logRow
	err := s.read.NewSelect().Model(&rows).Where("run_id = ?", runID).Where("seq > ?", after).
		OrderExpr("seq").Limit(int64(max(1, limit))).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read log of run %s: %w", runID, err)
	}
	lines := make([]LogLine, 0, len(rows))
	for _, r := range rows {
		lines = append(lines, LogLine{Seq: r.Seq, At: r.At, Job: r.Job, Text: r.Text})
	}
	return lines, nil
}
