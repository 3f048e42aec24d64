package storage

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// The steps of many hooks at once: each is one transaction for all, since the transactions
// are what sending hooks costs.

// Taken is a task that was leased. If it is a hook, what is known of it came along.
type Taken struct {
	*Lease
	Delivery *Delivery // nil: not a hook, or its delivery is gone
	// InTurn tells whether nothing that came before is still to be sent to the delivery's
	// endpoint about its plan.
	InTurn bool
	// Disabled tells that the endpoint is disabled, and Reason why.
	Disabled bool
	Reason   string
}

// LeaseTasks is LeaseTask for many, each of which is named once. Those that are gone, not
// due, or leased by another are missing in the answer, which is by id.
func (s *Store) LeaseTasks(ctx context.Context, ids []string, owner string, now time.Time, d time.Duration) (map[string]*Taken, error) {
	ids = slices.Sorted(slices.Values(ids)) // all lock them in one order
	ms, until := now.UnixMilli(), now.Add(d)
	var rows []taskRow
	err := s.quickly(ctx, func(db bun.IDB) error {
		rows = nil
		return db.NewRaw(`UPDATE tasks SET lease_owner = ?, lease_until = ?, leases = leases + 1, parked = ''
			WHERE id IN (?) AND run_at <= ? AND lease_until <= ? RETURNING *`,
			owner, until.UnixMilli(), bun.List(ids), ms, ms).Scan(ctx, &rows)
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("lease %d tasks: %w", len(ids), err)
	}
	taken := make(map[string]*Taken, len(rows))
	hooks := map[string]*Taken{} // by delivery
	for i := range rows {
		r := &rows[i]
		t := &Taken{Lease: &Lease{
			Task: r.task(), Owner: owner, Until: until, Attempt: int(r.Attempt), CreatedAt: r.CreatedAt, number: r.Leases,
		}}
		taken[r.ID] = t
		if r.Kind == slipway.TaskHook {
			hooks[r.Ref] = t
		}
	}
	if len(hooks) == 0 {
		return taken, nil
	}
	return taken, s.loadHooks(ctx, hooks)
}

// loadHooks reads what there is to know of hooks, by the ids of their deliveries. Pending is
// said as in the index deliveries_in_turn, so that it is used.
func (s *Store) loadHooks(ctx context.Context, hooks map[string]*Taken) error {
	var rows []struct {
		deliveryRow `bun:",extend"`

		InTurn bool
		Off    bool
		Reason string
	}
	ids := make([]string, 0, len(hooks))
	for id := range hooks {
		ids = append(ids, id)
	}
	err := s.read.NewRaw(`SELECT d.*, de.name IS NOT NULL AS off, coalesce(de.reason, '') AS reason, NOT EXISTS (
				SELECT 1 FROM deliveries AS b
				WHERE b.plan_id = d.plan_id AND b.endpoint = d.endpoint AND b.seq < d.seq AND b.done_at = 0
			) AS in_turn
		FROM deliveries AS d LEFT JOIN disabled_endpoints AS de ON de.name = d.endpoint WHERE d.id IN (?)`,
		bun.List(ids)).Scan(ctx, &rows)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read deliveries: %w", err)
	}
	tried := map[string]*Delivery{}
	for i := range rows {
		r := &rows[i]
		t := hooks[r.ID]
		t.Delivery, t.InTurn, t.Disabled, t.Reason = r.delivery(), r.InTurn, r.Off, r.Reason
		if r.Attempts > 0 {
			tried[r.ID] = t.Delivery
		}
	}
	return s.loadAttempts(ctx, tried)
}

// BeginAttempts notes that deliveries are about to be sent, and when; each is named once.
// Those that are gone are missing in the answer, which is by id.
func (s *Store) BeginAttempts(ctx context.Context, at map[string]time.Time) (map[string]Attempt, error) {
	ids := make([]string, 0, len(at))
	for id := range at {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	var rows []attemptRow
	err := s.quickTx(ctx, func(tx bun.Tx) error {
		rows = rows[:0]
		var raised []struct {
			ID       string
			Attempts int
		}
		// Raising the number locks the delivery, so no two attempts get the same.
		err := tx.NewRaw("UPDATE deliveries SET attempts = attempts + 1 WHERE id IN (?) RETURNING id, attempts", bun.List(ids)).
			Scan(ctx, &raised)
		if err != nil && !errors.Is(err, sql.ErrNoRows) || len(raised) == 0 {
			return err
		}
		for _, d := range raised {
			rows = append(rows, attemptRow{
				ID: d.ID + "/" + strconv.Itoa(d.Attempts), DeliveryID: d.ID, Number: d.Attempts, StartedAt: at[d.ID].UnixMilli(),
			})
		}
		_, err = tx.NewInsert().Model(&rows).Exec(ctx)
		return err
	})
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("begin %d attempts: %w", len(ids), err)
	}
	begun := make(map[string]Attempt, len(rows))
	for i := range rows {
		begun[rows[i].DeliveryID] = rows[i].attempt()
	}
	return begun, nil
}

// Sent is an attempt that has ended, and the state that its delivery moves into:
// DeliveryPending if it will be tried again.
type Sent struct {
	Attempt Attempt
	State   DeliveryState
	// Lease, if there is one, is of the task that is finished with it.
	Lease *Lease
}

// EndAttempts completes attempts, moves their deliveries into their states, finishes tasks
// and sets free the hooks whose turn it is after those that are not pending any more: all in
// one transaction. A lease that is lost, or whose task was replaced, is left to FinishTask.
func (s *Store) EndAttempts(ctx context.Context, sent []Sent, now time.Time) error {
	sent = slices.SortedFunc(slices.Values(sent), func(a, b Sent) int { return cmp.Compare(a.Attempt.DeliveryID, b.Attempt.DeliveryID) })
	var finished []string
	var next []taskRow
	err := s.quickTx(ctx, func(tx bun.Tx) error {
		finished, next = nil, nil
		if err := writeAttempts(ctx, tx, sent); err != nil {
			return err
		}
		settled, err := settleDeliveries(ctx, tx, sent)
		if err != nil {
			return err
		}
		if finished, err = finishTasks(ctx, tx, sent); err != nil {
			return err
		}
		next, err = nextInTurn(ctx, tx, settled, now)
		return err
	})
	if err != nil {
		return fmt.Errorf("end %d attempts: %w", len(sent), err)
	}
	for _, x := range sent {
		if x.Lease != nil {
			x.Lease.finished = slices.Contains(finished, x.Lease.Task.ID)
		}
	}
	s.announceFreed(ctx, next)
	return nil
}

// values writes rows of values for a statement.
func values(rows int, row string) string {
	return strings.TrimSuffix(strings.Repeat(row+", ", rows), ", ")
}

func writeAttempts(ctx context.Context, tx bun.Tx, sent []Sent) error {
	args := make([]any, 0, 8*len(sent))
	for _, x := range sent {
		a := x.Attempt
		args = append(args, a.ID, max(0, a.DurationMS), a.StatusCode, a.Error, a.Answer, a.Sent, a.AnswerHead, max(0, a.FirstByteMS))
	}
	_, err := tx.NewRaw(`WITH v (id, duration_ms, status_code, error, answer, sent, answer_head, first_byte_ms) AS (VALUES `+
		values(len(sent), "(?, ?, ?, ?, ?, ?, ?, ?)")+`)
		UPDATE attempts SET ended = TRUE, duration_ms = v.duration_ms, status_code = v.status_code, error = v.error,
			answer = v.answer, sent = v.sent, answer_head = v.answer_head, first_byte_ms = v.first_byte_ms
		FROM v WHERE attempts.id = v.id`, args...).Exec(ctx)
	return err
}

// settleDeliveries moves deliveries, as settleDelivery does, and returns the ids of those
// that are not pending any more.
func settleDeliveries(ctx context.Context, tx bun.Tx, sent []Sent) (settled []string, err error) {
	args := make([]any, 0, 4*len(sent))
	for _, x := range sent {
		done := int64(0)
		if x.State != DeliveryPending {
			done = x.Attempt.StartedAt + max(0, x.Attempt.DurationMS)
			settled = append(settled, x.Attempt.DeliveryID)
		}
		args = append(args, x.Attempt.DeliveryID, x.State, x.Attempt.Error, done)
	}
	// What was dropped while it was being sent is not tried again.
	_, err = tx.NewRaw(`WITH v (id, state, last_error, done_at) AS (VALUES `+values(len(sent), "(?, ?, ?, ?)")+`)
		UPDATE deliveries SET state = v.state, last_error = v.last_error, done_at = v.done_at
		FROM v WHERE deliveries.id = v.id AND (v.state <> 'pending' OR deliveries.state <> 'dropped')`, args...).Exec(ctx)
	return settled, err
}

// finishTasks removes the tasks of leases that still hold, and returns their ids.
func finishTasks(ctx context.Context, tx bun.Tx, sent []Sent) (finished []string, err error) {
	var args []any
	n := 0
	for _, x := range sent {
		if x.Lease != nil {
			args = append(args, x.Lease.Task.ID, x.Lease.Owner, x.Lease.number)
			n++
		}
	}
	if n == 0 {
		return nil, nil
	}
	err = tx.NewRaw(`DELETE FROM tasks WHERE (id, lease_owner, leases) IN (VALUES `+values(n, "(?, ?, ?)")+`) RETURNING id`, args...).
		Scan(ctx, &finished)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return finished, err
}

// nextInTurn sets free, after deliveries that are settled, the hook that is the next one for
// the same endpoint about the same plan, if it waits.
func nextInTurn(ctx context.Context, tx bun.Tx, settled []string, now time.Time) (next []taskRow, err error) {
	if len(settled) == 0 {
		return nil, nil
	}
	err = tx.NewRaw(`UPDATE tasks SET parked = '', run_at = ?, offer_at = ? WHERE parked <> '' AND key IN (
			SELECT 'hook:' || (
				SELECT n.id FROM deliveries AS n WHERE n.plan_id = d.plan_id AND n.endpoint = d.endpoint AND n.done_at = 0
				ORDER BY n.seq LIMIT 1
			) FROM deliveries AS d WHERE d.id IN (?)
		) RETURNING *`, now.UnixMilli(), now.Add(offerGrace).UnixMilli(), bun.List(settled)).Scan(ctx, &next)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return next, err
}
