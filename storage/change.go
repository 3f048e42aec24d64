package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/uptrace/bun"
	"github.com/uptrace/bun/schema"

	"slipway"
)

// Outcome is what became of a request.
type Outcome struct {
	Plan *slipway.Plan
	// Entry is nil if there was nothing to do.
	Entry *slipway.Entry
	// Repeated tells that the request had been carried out before. Entry is the one
	// it made then; Plan is as it is now.
	Repeated bool
}

// Create writes a new plan and gives it its index. The request id that made a plan
// before is answered with that plan; one that was used for something else is refused
// with Conflict. fn must be pure: it may be called again when the transaction is.
func (s *Store) Create(ctx context.Context, req slipway.Request, fn func() (*slipway.Plan, *slipway.Change, error)) (Outcome, error) {
	var out Outcome
	var change *slipway.Change
	create := func(tx bun.Tx) error {
		out, change = Outcome{}, nil
		done, err := entryByRequest(ctx, tx, req.ID)
		if err != nil {
			return err
		}
		if done != nil {
			out, err = s.repeatedCreate(ctx, tx, done)
			return err
		}
		p, c, err := fn()
		if err != nil {
			return err
		}
		if p.Index, err = count(ctx, tx, "plan"); err != nil {
			return err
		}
		out.Plan, out.Entry, change = p, &c.Entry, c
		return s.writePlan(ctx, tx, p, nil, c)
	}
	err := s.tx(ctx, create)
	if duplicate(err, "entries.request_id") {
		// The same request was carried out between our look-up and our insert.
		err = s.tx(ctx, create)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("create plan: %w", err)
	}
	s.announce(ctx, out, change)
	return out, nil
}

func (s *Store) repeatedCreate(ctx context.Context, tx bun.Tx, done *slipway.Entry) (Outcome, error) {
	if done.Seq != 1 {
		return Outcome{}, usedElsewhere()
	}
	p, err := s.plan(ctx, tx, "id = ?", done.PlanID)
	return Outcome{Plan: p, Entry: done, Repeated: true}, err
}

// Change carries out one request on a plan: fn gets the plan, locked, and changes it
// in memory. The request id that changed this plan before is answered with what it did
// then; one that was used for another plan is refused with Conflict. If fn returns
// slipway.Unchanged nothing is written; any other error is returned as it is, wrapped.
// fn must be pure: it may be called again, with the plan read afresh, when the
// transaction is.
func (s *Store) Change(ctx context.Context, req slipway.Request, planID string, fn func(*slipway.Plan) (*slipway.Change, error)) (Outcome, error) {
	var out Outcome
	var change *slipway.Change
	apply := func(tx bun.Tx) error {
		out, change = Outcome{}, nil
		was, err := s.lockPlan(ctx, tx, planID)
		if err != nil {
			return err
		}
		out.Plan = was.plan
		// Only now, with the lock, can nobody else carry out the same request meanwhile.
		done, err := entryByRequest(ctx, tx, req.ID)
		if err != nil {
			return err
		}
		if done != nil {
			if done.PlanID != planID {
				return usedElsewhere()
			}
			out.Entry, out.Repeated = done, true
			return nil
		}
		c, err := fn(was.plan)
		if errors.Is(err, slipway.Unchanged) {
			// fn may have touched the plan before it found that out.
			out.Plan, err = s.plan(ctx, tx, "id = ?", planID)
			return err
		}
		if err != nil {
			return err
		}
		out.Entry, change = &c.Entry, c
		return s.writePlan(ctx, tx, was.plan, was, c)
	}
	err := s.tx(ctx, apply)
	if duplicate(err, "entries.request_id") {
		// Only a request on another plan can have done that while we held the lock.
		err = usedElsewhere().Because(err)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("change plan %s: %w", planID, err)
	}
	s.announce(ctx, out, change)
	return out, nil
}

// announce tells of a commit that changed something.
func (s *Store) announce(ctx context.Context, out Outcome, c *slipway.Change) {
	if c == nil {
		return
	}
	s.committed(ctx, Committed{PlanID: out.Plan.ID, Seq: out.Plan.Seq, Tasks: lastOfKey(c.Tasks), StopRuns: c.StopRuns})
}

// lockPlan reads a plan and holds its row until the end of the transaction. On
// SQLite the transaction, which is immediate, is the lock.
func (s *Store) lockPlan(ctx context.Context, tx bun.Tx, id string) (*readPlan, error) {
	var row planRow
	q := tx.NewSelect().Model(&row).Where("id = ?", id)
	if s.dialect == Postgres {
		q.For("NO KEY UPDATE") // rows that merely name the plan need not wait
	}
	if err := q.Scan(ctx); err != nil {
		return nil, orMissing(err, noPlan())
	}
	p, err := row.plan()
	if err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	// A statement of its own: joined to the one above it could see items as they were
	// before the wait for the lock.
	rows, err := s.loadItems(ctx, tx, p)
	if err != nil {
		return nil, err
	}
	was := &readPlan{plan: p, row: row, items: make(map[string]readItem, len(rows)), people: involved(p)}
	for i, it := range p.Items {
		r := readItem{row: rows[i]}
		if it.Workflow != nil {
			r.definition = it.Workflow.Definition
		}
		was.items[it.ID] = r
	}
	return was, nil
}

// count raises a counter and returns its new value. The counter's row is locked until
// the transaction ends, so numbers have no gaps and are given in the order of commits.
func count(ctx context.Context, tx bun.Tx, name string) (int64, error) {
	var n int64
	err := tx.NewRaw("UPDATE counters SET value = value + 1 WHERE name = ? RETURNING value", name).Scan(ctx, &n)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", name, err)
	}
	return n, nil
}

// batch gathers statements that are sent at once.
type batch struct {
	gen schema.QueryGen
	sql []byte
	err error
}

// add appends a statement.
func (b *batch) add(q schema.QueryAppender) {
	if b.err != nil {
		return
	}
	if len(b.sql) > 0 {
		b.sql = append(b.sql, ";\n"...)
	}
	b.sql, b.err = q.AppendQuery(b.gen, b.sql)
}

func (b *batch) exec(ctx context.Context, tx bun.Tx) error {
	if b.err != nil || len(b.sql) == 0 {
		return b.err
	}
	// Past bun, which would look for its own placeholders in what people wrote.
	_, err := tx.Tx.ExecContext(ctx, string(b.sql))
	return err
}

// writePlan writes a plan that was read as was (nil: a new one) and its change.
func (s *Store) writePlan(ctx context.Context, tx bun.Tx, p *slipway.Plan, was *readPlan, c *slipway.Change) error {
	row, err := newPlanRow(p)
	if err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	b := &batch{gen: s.write.QueryGen()}
	if was == nil {
		was = &readPlan{}
		b.add(tx.NewInsert().Model(&row))
	} else if columns := s.columnsThatDiffer(&was.row, &row); len(columns) > 0 {
		b.add(tx.NewUpdate().Model(&row).Column(columns...).WherePK())
	}
	if err := addItems(b, tx, p, was); err != nil {
		return err
	}
	addPeople(b, tx, p, was)
	if err := addChange(b, tx, p, c); err != nil {
		return err
	}
	if err := b.exec(ctx, tx); err != nil {
		return fmt.Errorf("write plan: %w", err)
	}
	return nil
}

// addItems writes the items that differ. They are taken out and put in again rather
// than updated, because items that trade places or names would clash halfway.
func addItems(b *batch, tx bun.Tx, p *slipway.Plan, was *readPlan) error {
	var differ []itemRow
	var gone []string
	kept := make(map[string]bool, len(p.Items))
	for i, it := range p.Items {
		old, there := was.items[it.ID]
		row, err := newItemRow(p.ID, i+1, it, old)
		if err != nil {
			return fmt.Errorf("write item %s: %w", it.ID, err)
		}
		kept[it.ID] = true
		if there && old.row == row {
			continue
		}
		differ = append(differ, row)
		if there {
			gone = append(gone, it.ID)
		}
	}
	for id := range was.items {
		if !kept[id] {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		slices.Sort(gone)
		b.add(tx.NewDelete().Model((*itemRow)(nil)).Where("id IN (?)", bun.List(gone)))
	}
	if len(differ) > 0 {
		b.add(tx.NewInsert().Model(&differ))
	}
	return nil
}

type personRow struct {
	bun.BaseModel `bun:"table:plan_people,alias:pp"`

	UserID string `bun:",pk"`
	PlanID string `bun:",pk"`
}

func addPeople(b *batch, tx bun.Tx, p *slipway.Plan, was *readPlan) {
	now := involved(p)
	if slices.Equal(now, was.people) {
		return
	}
	if len(was.people) > 0 {
		b.add(tx.NewDelete().Model((*personRow)(nil)).Where("plan_id = ?", p.ID))
	}
	rows := make([]personRow, 0, len(now))
	for _, id := range now {
		rows = append(rows, personRow{UserID: id, PlanID: p.ID})
	}
	if len(rows) > 0 {
		b.add(tx.NewInsert().Model(&rows))
	}
}

// addChange writes what a change brings beside the plan.
func addChange(b *batch, tx bun.Tx, p *slipway.Plan, c *slipway.Change) error {
	entry, err := newEntryRow(&c.Entry)
	if err != nil {
		return fmt.Errorf("write entry: %w", err)
	}
	b.add(tx.NewInsert().Model(&entry))
	if len(c.Drop) > 0 {
		b.add(tx.NewDelete().Model((*taskRow)(nil)).Where("plan_id = ?", p.ID).Where("kind IN (?)", bun.List(c.Drop)))
	}
	if len(c.Moot) > 0 {
		b.add(tx.NewDelete().Model((*taskRow)(nil)).Where("kind = ?", slipway.TaskDeadline).Where("plan_id = ?", p.ID).
			Where("ref IN (?)", bun.List(c.Moot)))
	}
	if tasks := lastOfKey(c.Tasks); len(tasks) > 0 {
		b.add(putTasks(tx, tasks, c.Entry.At))
	}
	if len(c.Deliveries) > 0 {
		rows := newDeliveryRows(c.Deliveries)
		b.add(tx.NewInsert().Model(&rows))
	}
	if len(c.Runs) > 0 {
		rows, err := newRunRows(c.Runs)
		if err != nil {
			return fmt.Errorf("write run: %w", err)
		}
		b.add(tx.NewInsert().Model(&rows))
	}
	if len(c.Unsend) > 0 {
		b.add(tx.NewUpdate().Model((*deliveryRow)(nil)).Set("state = ?", DeliveryDropped).Set("done_at = ?", c.Entry.At).
			Where("id IN (?)", bun.List(c.Unsend)).Where("state = ?", DeliveryPending))
		b.add(tx.NewDelete().Model((*taskRow)(nil)).Where("kind = ?", slipway.TaskHook).Where("ref IN (?)", bun.List(c.Unsend)))
	}
	if len(c.Resend) > 0 {
		b.add(tx.NewUpdate().Model((*deliveryRow)(nil)).Set("state = ?", DeliveryPending).Set("done_at = 0").
			Where("id IN (?)", bun.List(c.Resend)))
	}
	addQuestions(b, tx, c)
	if len(c.StopRuns) > 0 {
		b.add(tx.NewUpdate().Model((*runRow)(nil)).Set("stop = ?", true).Where("id IN (?)", bun.List(c.StopRuns)))
	}
	return nil
}

// entryByRequest returns the entry that a request made, nil if there is none.
func entryByRequest(ctx context.Context, db bun.IDB, requestID string) (*slipway.Entry, error) {
	var row entryRow
	err := db.NewSelect().Model(&row).Where("request_id = ?", requestID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("look up request: %w", err)
	}
	e, err := row.entry()
	if err != nil {
		return nil, fmt.Errorf("read entry %s: %w", row.ID, err)
	}
	return &e, nil
}
