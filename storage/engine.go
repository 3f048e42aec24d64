package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"

	"slipway"
)

// RunByRef returns the newest run that an engine knows by a name. NotFound if there is
// none: a run that is run again in its engine keeps the name it has there.
func (s *Store) RunByRef(ctx context.Context, engine, ref string) (*Run, error) {
	var row runRow
	err := s.read.NewSelect().Model(&row).Where("engine = ?", engine).Where("ref = ?", ref).Where("ref <> ''").
		OrderExpr("at DESC, task_id DESC").Limit(1).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("find run: %w", orMissing(err, noRun()))
	}
	run, err := row.run()
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", row.ID, err)
	}
	return &run, nil
}

// RunAttempt notes the engine's word for how often a run was run, before it is run
// again: after a crash it tells whether it was.
func (s *Store) RunAttempt(ctx context.Context, id, attempt string) error {
	_, err := s.write.NewUpdate().Model((*runRow)(nil)).Set("attempt = ?", attempt).Where("id = ?", id).Exec(ctx)
	if err != nil {
		return fmt.Errorf("note attempt of run %s: %w", id, err)
	}
	return nil
}

// SaveRunReport keeps what an engine reported of a run by itself, in the place of what
// it reported before. NotFound if there is no such run.
func (s *Store) SaveRunReport(ctx context.Context, id string, report json.RawMessage) error {
	res, err := s.write.NewUpdate().Model((*runRow)(nil)).Set("report = ?", string(report)).Where("id = ?", id).Exec(ctx)
	if err == nil && !touched(res) {
		err = noRun()
	}
	if err != nil {
		return fmt.Errorf("keep report of run %s: %w", id, err)
	}
	return nil
}

// RunReport returns what an engine reported last of a run, nil if it never did.
// NotFound if there is no such run.
func (s *Store) RunReport(ctx context.Context, id string) (json.RawMessage, error) {
	var row runRow
	if err := s.read.NewSelect().Model(&row).Column("report").Where("id = ?", id).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read report of run: %w", orMissing(err, noRun()))
	}
	if row.Report == "" {
		return nil, nil
	}
	return json.RawMessage(row.Report), nil
}

// RunsToStop returns those of some runs that are to be cancelled.
func (s *Store) RunsToStop(ctx context.Context, ids []string) ([]string, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var stop []string
	err := s.read.NewSelect().Model((*runRow)(nil)).Column("id").Where("id IN (?)", bun.List(ids)).Where("stop").Scan(ctx, &stop)
	if err != nil {
		return nil, fmt.Errorf("look for runs to stop: %w", err)
	}
	return stop, nil
}

// PlansUsing returns the plans on their way, not ended, that have a workflow item with
// the engine and the project, oldest first and with their items.
func (s *Store) PlansUsing(ctx context.Context, engine, project string) ([]*slipway.Plan, error) {
	said, err := json.Marshal(engine)
	if err != nil {
		return nil, fmt.Errorf("find plans of engine: %w", err)
	}
	like := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(`"engine":` + string(said))
	ended := []slipway.Phase{slipway.PhaseSuccess, slipway.PhaseCancel, slipway.PhaseDenied, slipway.PhaseTimeout}
	items := s.read.NewSelect().Model((*itemRow)(nil)).Column("plan_id").
		Where("type = ?", slipway.WorkflowItem).Where(`workflow LIKE ? ESCAPE '\'`, "%"+like+"%")
	var rows []planRow
	err = s.read.NewSelect().Model(&rows).Where("phase NOT IN (?)", bun.List(ended)).Where("id IN (?)", items).
		OrderExpr("number").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("find plans of engine: %w", err)
	}
	plans := make([]*slipway.Plan, 0, len(rows))
	for i := range rows {
		p, err := rows[i].plan()
		if err != nil {
			return nil, fmt.Errorf("read plan %s: %w", rows[i].ID, err)
		}
		plans = append(plans, p)
	}
	if _, err := s.loadItems(ctx, s.read, plans...); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(plans, func(p *slipway.Plan) bool {
		return !slices.ContainsFunc(p.Items, func(it *slipway.Item) bool {
			return it.Workflow != nil && it.Workflow.Engine == engine && it.Workflow.Project == project
		})
	}), nil
}
