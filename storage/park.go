package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// ParkTask sets a task free until something happens, which Unpark tells, or until a time
// at the latest; on may be empty, then it is that time. It does not count as a try. What has
// taken the task's place meanwhile keeps its own time.
func (s *Store) ParkTask(ctx context.Context, l *Lease, at time.Time, on string) error {
	return s.freeTask(ctx, l, at, 0, on)
}

// Unpark sets free tasks that wait for something, those that wait longest first, and
// returns how many. They are announced as committed, so that they run at once.
func (s *Store) Unpark(ctx context.Context, on string, limit int, now time.Time) (int, error) {
	lock := ""
	if s.dialect == Postgres {
		lock = "FOR UPDATE SKIP LOCKED"
	}
	ms := now.UnixMilli()
	var rows []taskRow
	err := s.quickly(ctx, func(db bun.IDB) error {
		rows = nil
		if s.dialect != Postgres {
			// Spares SQLite's only writer the many times when nobody waits.
			there, err := db.NewSelect().Model((*taskRow)(nil)).Where("parked = ?", on).Exists(ctx)
			if err != nil || !there {
				return err
			}
		}
		return db.NewRaw(`WITH waiting AS MATERIALIZED (
				SELECT id FROM tasks WHERE parked = ? AND parked <> '' ORDER BY created_at LIMIT ? ?
			)
			UPDATE tasks SET parked = '', run_at = ?, offer_at = ? WHERE id IN (SELECT id FROM waiting) RETURNING *`,
			on, limit, bun.Safe(lock), ms, now.Add(offerGrace).UnixMilli()).Scan(ctx, &rows)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("set free what waits for %s: %w", on, err)
	}
	s.announceFreed(ctx, rows)
	return len(rows), nil
}

// announceFreed tells of tasks that were set free.
func (s *Store) announceFreed(ctx context.Context, rows []taskRow) {
	if len(rows) == 0 {
		return
	}
	tasks := make([]slipway.Task, len(rows))
	for i := range rows {
		tasks[i] = rows[i].task()
	}
	s.committed(ctx, Committed{Tasks: tasks})
}

// InTurn tells whether nothing that came before is still to be sent to the delivery's
// endpoint about its plan.
func (s *Store) InTurn(ctx context.Context, d *Delivery) (bool, error) {
	before, err := s.read.NewSelect().Model((*deliveryRow)(nil)).Where("plan_id = ?", d.PlanID).Where("endpoint = ?", d.Endpoint).
		Where("seq < ?", d.Seq).Where("done_at = 0").Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for earlier deliveries: %w", err)
	}
	return !before, nil
}
