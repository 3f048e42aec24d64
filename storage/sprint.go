package storage

import (
	"context"
	"fmt"

	"github.com/uptrace/bun"

	"slipway"
)

// sprintRow is what Jira told last of a sprint behind a plan.
type sprintRow struct {
	bun.BaseModel `bun:"table:sprints,alias:s"`

	PlanID   string `bun:",pk"`
	SprintID int64  `bun:",pk"`
	Look     string
}

// Sprints returns what is known of the sprints behind a plan, by their numbers. Those that
// were never looked at are not there.
func (s *Store) Sprints(ctx context.Context, p *slipway.Plan) (map[int64]*slipway.SprintLook, error) {
	if len(p.Jira.List()) == 0 {
		return nil, nil
	}
	var rows []sprintRow
	if err := s.read.NewSelect().Model(&rows).Where("plan_id = ?", p.ID).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read sprints: %w", err)
	}
	looks := make(map[int64]*slipway.SprintLook, len(rows))
	for i := range rows {
		var j jsonReader
		look := new(slipway.SprintLook)
		j.read(rows[i].Look, look)
		if j.err != nil {
			return nil, fmt.Errorf("read sprint %d: %w", rows[i].SprintID, j.err)
		}
		looks[rows[i].SprintID] = look
	}
	return looks, nil
}

// PutSprint keeps what Jira told of a sprint behind a plan.
func (s *Store) PutSprint(ctx context.Context, planID string, look *slipway.SprintLook) error {
	var j jsonWriter
	row := sprintRow{PlanID: planID, SprintID: look.SprintID, Look: j.text(look)}
	if j.err != nil {
		return fmt.Errorf("keep sprint %d: %w", look.SprintID, j.err)
	}
	err := s.quickly(ctx, func(db bun.IDB) error {
		_, err := db.NewInsert().Model(&row).On("CONFLICT (plan_id, sprint_id) DO UPDATE").Set("look = EXCLUDED.look").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("keep sprint %d: %w", look.SprintID, err)
	}
	return nil
}
