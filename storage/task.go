package storage

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// offerGrace is how long the sweep leaves a row alone after it was offered: long
// enough for a worker to take it, short enough when the queue has lost it.
const offerGrace = 5 * time.Second

// taskRow is one row of outbox and scheduler.
type taskRow struct {
	bun.BaseModel `bun:"table:tasks,alias:t"`

	ID         string `bun:",pk"`
	Kind       slipway.TaskKind
	Key        string
	PlanID     string
	Round      int64
	Ref        string
	Data       string
	CreatedAt  int64
	RunAt      int64
	OfferAt    int64
	Offers     int64
	Attempt    int64
	LeaseOwner string
	LeaseUntil int64
	Leases     int64
	Parked     string
}

func (r *taskRow) task() slipway.Task {
	t := slipway.Task{ID: r.ID, Kind: r.Kind, Key: r.Key, PlanID: r.PlanID, Round: r.Round, RunAt: r.RunAt, Ref: r.Ref}
	if r.Data != "" {
		t.Data = json.RawMessage(r.Data)
	}
	return t
}

// putTasks is the statement that writes tasks, of different keys. A task takes the
// place of the one with its key that waits: it has its own id, because its result is
// recorded by the request "task:<id>" and must not pass for that of the task before.
// If the row is leased the lease stays, so that two workers never do the same thing at
// once; FinishTask then sets the row free instead of deleting it.
func putTasks(db bun.IDB, tasks []slipway.Task, at int64) *bun.InsertQuery {
	rows := make([]taskRow, 0, len(tasks))
	for _, t := range tasks {
		r := taskRow{
			ID: t.ID, Kind: t.Kind, Key: t.Key, PlanID: t.PlanID, Round: t.Round, Ref: t.Ref, Data: string(t.Data),
			CreatedAt: at, RunAt: t.RunAt, OfferAt: t.RunAt,
		}
		if t.RunAt <= at {
			// It is offered right after the commit; the sweep comes in only if that is lost.
			r.OfferAt = at + offerGrace.Milliseconds()
		}
		rows = append(rows, r)
	}
	q := db.NewInsert().Model(&rows).On("CONFLICT (key) DO UPDATE")
	for _, column := range []string{
		"id", "kind", "plan_id", "round", "ref", "data", "created_at", "run_at", "offer_at", "offers", "attempt",
		"parked",
	} {
		q.Set("? = EXCLUDED.?", bun.Ident(column), bun.Ident(column))
	}
	return q
}

// lastOfKey leaves of several tasks with one key the last.
func lastOfKey(tasks []slipway.Task) []slipway.Task {
	at := make(map[string]int, len(tasks))
	last := make([]slipway.Task, 0, len(tasks))
	for _, t := range tasks {
		if i, ok := at[t.Key]; ok {
			last[i] = t
			continue
		}
		at[t.Key] = len(last)
		last = append(last, t)
	}
	return last
}

// PutTask writes a task outside of a plan's change, for example one that keeps house.
// It replaces the waiting one with the same key, and is announced as committed.
func (s *Store) PutTask(ctx context.Context, t slipway.Task, at time.Time) error {
	if _, err := putTasks(s.write, []slipway.Task{t}, at.UnixMilli()).Exec(ctx); err != nil {
		return fmt.Errorf("put task %s: %w", t.Key, err)
	}
	s.committed(ctx, Committed{PlanID: t.PlanID, Tasks: []slipway.Task{t}})
	return nil
}

// following writes something together with the tasks that follow from it.
func (s *Store) following(ctx context.Context, follow []slipway.Task, write func(db bun.IDB) error) error {
	if len(follow) == 0 {
		return write(s.write)
	}
	err := s.tx(ctx, func(tx bun.Tx) error {
		if err := write(tx); err != nil {
			return err
		}
		_, err := putTasks(tx, follow, follow[0].RunAt).Exec(ctx)
		return err
	})
	if err == nil {
		s.committed(ctx, Committed{PlanID: follow[0].PlanID, Tasks: follow})
	}
	return err
}

// Offer is a task to be handed to the queue. Number is different each time that the
// same task is offered.
type Offer struct {
	Task   slipway.Task
	Number int64
}

// OfferDue picks rows that are due, not leased and not offered in the last seconds,
// the longest due first, and counts the offer. Several processes may call it at once;
// each gets other rows.
func (s *Store) OfferDue(ctx context.Context, now time.Time, limit int) ([]Offer, error) {
	ms, lock := now.UnixMilli(), ""
	if s.dialect == Postgres {
		lock = "FOR UPDATE SKIP LOCKED"
	} else if none, err := s.nothingDue(ctx, ms); none || err != nil {
		return nil, err
	}
	var rows []taskRow
	// Materialized, because a planner that ran the inner query again would pick more rows.
	err := s.quickly(ctx, func(db bun.IDB) error {
		rows = nil
		return db.NewRaw(`WITH due AS MATERIALIZED (
			SELECT id FROM tasks WHERE offer_at <= ? AND run_at <= ? AND lease_until <= ?
			ORDER BY offer_at LIMIT ? ?
		)
		UPDATE tasks SET offers = offers + 1, offer_at = ? WHERE id IN (SELECT id FROM due) RETURNING *`,
			ms, ms, ms, limit, bun.Safe(lock), now.Add(offerGrace).UnixMilli()).Scan(ctx, &rows)
	})
	if err != nil {
		return nil, fmt.Errorf("offer due tasks: %w", err)
	}
	slices.SortFunc(rows, func(a, b taskRow) int { return cmp.Compare(a.RunAt, b.RunAt) })
	offers := make([]Offer, 0, len(rows))
	for i := range rows {
		offers = append(offers, Offer{Task: rows[i].task(), Number: rows[i].Offers})
	}
	return offers, nil
}

// nothingDue spares SQLite's only writer the sweeps that find nothing.
func (s *Store) nothingDue(ctx context.Context, ms int64) (bool, error) {
	due, err := s.read.NewSelect().Model((*taskRow)(nil)).
		Where("offer_at <= ?", ms).Where("run_at <= ?", ms).Where("lease_until <= ?", ms).Exists(ctx)
	if err != nil {
		return false, fmt.Errorf("look for due tasks: %w", err)
	}
	return !due, nil
}

// Lease is the right to carry out a task until a time.
type Lease struct {
	Task      slipway.Task
	Owner     string
	Until     time.Time
	Attempt   int   // tries before this one
	CreatedAt int64 // when the task was written, Unix milliseconds
	// number tells this lease from later ones of the same owner.
	number int64
	// finished tells that the task is gone already.
	finished bool
}

// where finds the row while the lease holds. It goes by key: the row may have got
// another id since.
func (l *Lease) where(q bun.QueryBuilder) bun.QueryBuilder {
	return q.Where("key = ?", l.Task.Key).Where("lease_owner = ?", l.Owner).Where("leases = ?", l.number)
}

// LeaseTask takes a task until now+d. Nil without an error if the task is gone, not
// due, or leased by another.
func (s *Store) LeaseTask(ctx context.Context, id, owner string, now time.Time, d time.Duration) (*Lease, error) {
	ms, until := now.UnixMilli(), now.Add(d)
	var row taskRow
	err := s.quickly(ctx, func(db bun.IDB) error {
		return db.NewRaw(`UPDATE tasks SET lease_owner = ?, lease_until = ?, leases = leases + 1, parked = ''
			WHERE id = ? AND run_at <= ? AND lease_until <= ? RETURNING *`,
			owner, until.UnixMilli(), id, ms, ms).Scan(ctx, &row)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("lease task %s: %w", id, err)
	}
	return &Lease{
		Task: row.task(), Owner: owner, Until: until, Attempt: int(row.Attempt), CreatedAt: row.CreatedAt, number: row.Leases,
	}, nil
}

// RenewLeases keeps leases longer, all in one statement, and returns those that are
// lost: the task was dropped, or ran out and is another's now.
func (s *Store) RenewLeases(ctx context.Context, leases []*Lease, until time.Time) (lost []*Lease, err error) {
	if len(leases) == 0 {
		return nil, nil
	}
	type held struct {
		Key        string
		LeaseOwner string
		Leases     int64
	}
	var kept []held
	// In one order, so that two processes do not wait for each other.
	sorted := slices.SortedFunc(slices.Values(leases), func(a, b *Lease) int { return strings.Compare(a.Task.Key, b.Task.Key) })
	args := []any{until.UnixMilli()}
	for _, l := range sorted {
		args = append(args, l.Task.Key, l.Owner, l.number)
	}
	err = s.quickly(ctx, func(db bun.IDB) error {
		kept = nil
		return db.NewRaw("UPDATE tasks SET lease_until = ? WHERE (key, lease_owner, leases) IN (VALUES "+
			strings.TrimSuffix(strings.Repeat("(?, ?, ?), ", len(sorted)), ", ")+") RETURNING key, lease_owner, leases",
			args...).Scan(ctx, &kept)
	})
	if err != nil {
		return nil, fmt.Errorf("renew %d leases: %w", len(leases), err)
	}
	still := make(map[held]bool, len(kept))
	for _, k := range kept {
		still[k] = true
	}
	for _, l := range leases {
		if !still[held{l.Task.Key, l.Owner, l.number}] {
			lost = append(lost, l)
			continue
		}
		l.Until = until
	}
	return lost, nil
}

// FinishTask removes a task that is done. If another has taken its place meanwhile,
// that one is set free and announced as committed, so that it runs at once. A lease
// that is lost finishes nothing.
func (s *Store) FinishTask(ctx context.Context, l *Lease) error {
	if l.finished {
		return nil
	}
	var next taskRow
	err := s.quickly(ctx, func(db bun.IDB) error {
		next = taskRow{}
		q := db.NewDelete().Model((*taskRow)(nil)).Where("id = ?", l.Task.ID)
		res, err := q.ApplyQueryBuilder(l.where).Exec(ctx)
		if err != nil || touched(res) {
			return err
		}
		// Replaced, or lost; neither can change back, so this need not be one transaction.
		err = db.NewRaw(`UPDATE tasks SET lease_owner = '', lease_until = 0
			WHERE key = ? AND lease_owner = ? AND leases = ? RETURNING *`, l.Task.Key, l.Owner, l.number).Scan(ctx, &next)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("finish task %s: %w", l.Task.ID, err)
	}
	if next.ID != "" {
		s.committed(ctx, Committed{PlanID: next.PlanID, Tasks: []slipway.Task{next.task()}})
	}
	return nil
}

// RetryTask is ParkTask for a task that went wrong: it counts as a try.
func (s *Store) RetryTask(ctx context.Context, l *Lease, at time.Time, on string) error {
	return s.freeTask(ctx, l, at, 1, on)
}

func (s *Store) freeTask(ctx context.Context, l *Lease, at time.Time, tries int, on string) error {
	ms := at.UnixMilli()
	var next taskRow
	err := s.quickly(ctx, func(db bun.IDB) error {
		next = taskRow{}
		return db.NewRaw(`UPDATE tasks SET lease_owner = '', lease_until = 0,
				run_at = CASE WHEN id = ? THEN ? ELSE run_at END,
				offer_at = CASE WHEN id = ? THEN ? ELSE run_at END,
				attempt = CASE WHEN id = ? THEN attempt + ? ELSE attempt END,
				parked = CASE WHEN id = ? THEN ? ELSE parked END
			WHERE key = ? AND lease_owner = ? AND leases = ? RETURNING *`,
			l.Task.ID, ms, l.Task.ID, ms, l.Task.ID, tries, l.Task.ID, on, l.Task.Key, l.Owner, l.number).Scan(ctx, &next)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) { // a lease that is lost frees nothing
		return fmt.Errorf("free task %s: %w", l.Task.ID, err)
	}
	if next.ID != "" && next.ID != l.Task.ID {
		s.committed(ctx, Committed{PlanID: next.PlanID, Tasks: []slipway.Task{next.task()}})
	}
	return nil
}

// TaskCounts counts the tasks of each kind that there are.
func (s *Store) TaskCounts(ctx context.Context) (map[slipway.TaskKind]int64, error) {
	var rows []struct {
		Kind slipway.TaskKind
		N    int64
	}
	err := s.read.NewSelect().Model((*taskRow)(nil)).ColumnExpr("kind, count(*) AS n").GroupExpr("kind").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("count tasks: %w", err)
	}
	counts := make(map[slipway.TaskKind]int64, len(rows))
	for _, r := range rows {
		counts[r.Kind] = r.N
	}
	return counts, nil
}

// OldestDue returns when the first of the tasks that nobody works on is or was due, in
// Unix milliseconds; zero if there is none.
func (s *Store) OldestDue(ctx context.Context) (int64, error) {
	var at sql.NullInt64
	err := s.read.NewSelect().Model((*taskRow)(nil)).ColumnExpr("min(run_at)").Where("lease_owner = ''").Scan(ctx, &at)
	if err != nil {
		return 0, fmt.Errorf("look for the oldest task: %w", err)
	}
	return at.Int64, nil
}

// touched tells whether a statement met a row.
func touched(res sql.Result) bool {
	n, err := res.RowsAffected()
	return err == nil && n > 0
}
