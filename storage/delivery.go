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

// DeliveryState says how far a delivery is.
type DeliveryState string

// The states of a delivery. It begins as pending; whoever sends it ends it by
// EndAttempts or SettleDelivery. Sending again by hand may change an ended one.
const (
	DeliveryPending   DeliveryState = "pending"
	DeliveryDelivered DeliveryState = "delivered"
	DeliveryFailed    DeliveryState = "failed"  // given up
	DeliveryDropped   DeliveryState = "dropped" // no longer wanted
)

// Delivery is one hook to one endpoint, with what became of it.
type Delivery struct {
	slipway.Delivery
	State     DeliveryState
	Attempts  []Attempt // in order
	LastError string
	DoneAt    int64 // Unix milliseconds; zero while pending
}

// Attempt is one try to send a delivery. It is written before the sending and ended
// after it, so one that has not ended was cut short.
type Attempt struct {
	ID         string
	DeliveryID string
	Number     int   // from 1
	StartedAt  int64 // Unix milliseconds
	DurationMS int64
	StatusCode int // zero: no answer
	Error      string
	Answer     string // the first part of the body
	Ended      bool
	// The heads of request and answer, without secrets, and how long the answer took to
	// begin.
	Sent        string
	AnswerHead  string
	FirstByteMS int64
}

type deliveryRow struct {
	bun.BaseModel `bun:"table:deliveries,alias:d"`

	ID           string `bun:",pk"`
	PlanID       string
	Endpoint     string
	Event        slipway.Event
	InstanceCode string
	Waits        bool
	Body         string
	At           int64
	Seq          int64
	State        DeliveryState
	Attempts     int64
	LastError    string
	DoneAt       int64
}

type attemptRow struct {
	bun.BaseModel `bun:"table:attempts,alias:a"`

	ID         string `bun:",pk"`
	DeliveryID string
	Number     int
	StartedAt  int64
	DurationMS int64
	StatusCode int
	Error      string
	Answer     string
	Ended      bool

	Sent        string
	AnswerHead  string
	FirstByteMS int64
}

func (r *attemptRow) attempt() Attempt {
	return Attempt{
		ID: r.ID, DeliveryID: r.DeliveryID, Number: r.Number, StartedAt: r.StartedAt, DurationMS: r.DurationMS,
		StatusCode: r.StatusCode, Error: r.Error, Answer: r.Answer, Ended: r.Ended,
		Sent: r.Sent, AnswerHead: r.AnswerHead, FirstByteMS: r.FirstByteMS,
	}
}

func newDeliveryRows(deliveries []slipway.Delivery) []deliveryRow {
	rows := make([]deliveryRow, 0, len(deliveries))
	for _, d := range deliveries {
		rows = append(rows, deliveryRow{
			ID: d.ID, PlanID: d.PlanID, Endpoint: d.Endpoint, Event: d.Event, InstanceCode: d.InstanceCode, Waits: d.Waits,
			Body: string(d.Body), At: d.At, Seq: d.Seq, State: DeliveryPending,
		})
	}
	return rows
}

// Delivery returns the delivery with the id. NotFound if there is none.
func (s *Store) Delivery(ctx context.Context, id string) (*Delivery, error) {
	return s.delivery(ctx, "id = ?", id)
}

// DeliveryByCode returns the delivery with the instance code. NotFound if there is
// none.
func (s *Store) DeliveryByCode(ctx context.Context, code string) (*Delivery, error) {
	return s.delivery(ctx, "instance_code = ?", code)
}

func (s *Store) delivery(ctx context.Context, where, arg string) (*Delivery, error) {
	ds, err := s.deliveries(ctx, where, arg)
	if err != nil {
		return nil, err
	}
	if len(ds) == 0 {
		return nil, noDelivery()
	}
	return &ds[0], nil
}

// Deliveries lists the deliveries of a plan, oldest first, with their attempts.
func (s *Store) Deliveries(ctx context.Context, planID string) ([]Delivery, error) {
	return s.deliveries(ctx, "plan_id = ?", planID)
}

func (s *Store) deliveries(ctx context.Context, where, arg string) ([]Delivery, error) {
	return s.scanDeliveries(ctx, s.read.NewSelect().Where(where, arg).OrderExpr("at, seq, endpoint, id"))
}

// scanDeliveries reads the deliveries that a query selects, with their attempts.
func (s *Store) scanDeliveries(ctx context.Context, q *bun.SelectQuery) ([]Delivery, error) {
	var rows []deliveryRow
	if err := q.Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read deliveries: %w", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	deliveries := make([]Delivery, 0, len(rows))
	byID := make(map[string]*Delivery, len(rows))
	for i := range rows {
		deliveries = append(deliveries, *rows[i].delivery())
	}
	for i := range deliveries {
		byID[deliveries[i].ID] = &deliveries[i]
	}
	return deliveries, s.loadAttempts(ctx, byID)
}

func (r *deliveryRow) delivery() *Delivery {
	return &Delivery{
		Delivery: slipway.Delivery{
			ID: r.ID, PlanID: r.PlanID, Endpoint: r.Endpoint, Event: r.Event, InstanceCode: r.InstanceCode, Waits: r.Waits,
			Body: []byte(r.Body), At: r.At, Seq: r.Seq,
		},
		State: r.State, LastError: r.LastError, DoneAt: r.DoneAt,
	}
}

// loadAttempts reads the attempts at deliveries, which are given by id.
func (s *Store) loadAttempts(ctx context.Context, deliveries map[string]*Delivery) error {
	if len(deliveries) == 0 {
		return nil
	}
	ids := make([]string, 0, len(deliveries))
	for id := range deliveries {
		ids = append(ids, id)
	}
	var attempts []attemptRow
	err := s.read.NewSelect().Model(&attempts).Where("delivery_id IN (?)", bun.List(ids)).OrderExpr("delivery_id, number").Scan(ctx)
	if err != nil {
		return fmt.Errorf("read attempts: %w", err)
	}
	for i := range attempts {
		d := deliveries[attempts[i].DeliveryID]
		d.Attempts = append(d.Attempts, attempts[i].attempt())
	}
	return nil
}

// SettleDelivery moves a delivery into a state without an attempt, for example to drop
// one whose endpoint is gone.
func (s *Store) SettleDelivery(ctx context.Context, id string, state DeliveryState, reason string, at time.Time) error {
	if err := settleDelivery(ctx, s.write, id, state, reason, at.UnixMilli()); err != nil {
		return fmt.Errorf("settle delivery %s: %w", id, err)
	}
	return nil
}

func settleDelivery(ctx context.Context, db bun.IDB, id string, state DeliveryState, lastError string, at int64) error {
	q := db.NewUpdate().Model((*deliveryRow)(nil)).
		Set("state = ?", state).Set("last_error = ?", lastError).Where("id = ?", id)
	if state == DeliveryPending {
		// What was dropped while it was being sent is not tried again.
		q.Set("done_at = 0").Where("state <> ?", DeliveryDropped)
	} else {
		q.Set("done_at = ?", at)
	}
	_, err := q.Exec(ctx)
	return err
}

type disabledRow struct {
	bun.BaseModel `bun:"table:disabled_endpoints,alias:de"`

	Name   string `bun:",pk"`
	Reason string
	At     int64
}

// DisableEndpoint notes that an endpoint wants no more hooks, and why.
func (s *Store) DisableEndpoint(ctx context.Context, name, reason string, at time.Time) error {
	row := disabledRow{Name: name, Reason: reason, At: at.UnixMilli()}
	_, err := s.write.NewInsert().Model(&row).On("CONFLICT (name) DO UPDATE").
		Set("reason = EXCLUDED.reason").Set("at = EXCLUDED.at").Exec(ctx)
	if err != nil {
		return fmt.Errorf("disable endpoint %s: %w", name, err)
	}
	return nil
}

// EnableEndpoint takes back DisableEndpoint.
func (s *Store) EnableEndpoint(ctx context.Context, name string) error {
	if _, err := s.write.NewDelete().Model((*disabledRow)(nil)).Where("name = ?", name).Exec(ctx); err != nil {
		return fmt.Errorf("enable endpoint %s: %w", name, err)
	}
	return nil
}

// DisabledEndpoints returns the reason for each endpoint that is disabled.
func (s *Store) DisabledEndpoints(ctx context.Context) (map[string]string, error) {
	var rows []disabledRow
	if err := s.read.NewSelect().Model(&rows).Scan(ctx); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("read disabled endpoints: %w", err)
	}
	reasons := make(map[string]string, len(rows))
	for _, r := range rows {
		reasons[r.Name] = r.Reason
	}
	return reasons, nil
}
