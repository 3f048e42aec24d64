package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"slipway"
)

// DeliveryFilter says which deliveries are wanted. Fields that are not set do not filter.
type DeliveryFilter struct {
	PlanID   string
	Endpoint string
	Event    slipway.Event
	States   []DeliveryState
	// Since and Until bound when it happened, in Unix milliseconds; Until is not included.
	Since, Until int64
	Limit        int    // 1 to 200; zero: 50
	Cursor       string // Next of the page before
	Oldest       bool   // oldest first
}

// SearchDeliveries lists deliveries with their attempts, newest first unless the filter
// says otherwise. Total is not counted: there may be millions. Invalid if the cursor is
// not one.
func (s *Store) SearchDeliveries(ctx context.Context, f DeliveryFilter) (Page[Delivery], error) {
	var page Page[Delivery]
	at, id, err := parseDeliveryCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	q := f.where(s.read.NewSelect())
	order, beyond := "at DESC, id DESC", "(at, id) < (?, ?)"
	if f.Oldest {
		order, beyond = "at, id", "(at, id) > (?, ?)"
	}
	if f.Cursor != "" {
		q.Where(beyond, at, id)
	}
	size := pageSize(f.Limit)
	rows, err := s.scanDeliveries(ctx, q.OrderExpr(order).Limit(int64(size)+1))
	if err != nil {
		return page, err
	}
	if page.Rows = rows; len(rows) > size {
		page.Rows = rows[:size]
		last := rows[size-1]
		page.Next = base64.RawURLEncoding.EncodeToString([]byte(strconv.FormatInt(last.At, 10) + ":" + last.ID))
	}
	return page, nil
}

func parseDeliveryCursor(cursor string) (at int64, id string, err error) {
	if cursor == "" {
		return 0, "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		var text string
		text, id, _ = strings.Cut(string(b), ":")
		if at, err = strconv.ParseInt(text, 10, 64); err == nil && id != "" {
			return at, id, nil
		}
	}
	_, err = parseCursor("-") // the same refusal
	return 0, "", err
}

func (f *DeliveryFilter) where(q *bun.SelectQuery) *bun.SelectQuery {
	if f.PlanID != "" {
		q.Where("plan_id = ?", f.PlanID)
	}
	if f.Endpoint != "" {
		q.Where("endpoint = ?", f.Endpoint)
	}
	if f.Event != "" {
		q.Where("event = ?", f.Event)
	}
	if len(f.States) > 0 {
		q.Where("state IN (?)", bun.List(f.States))
		if !slices.Contains(f.States, DeliveryDelivered) {
			q.Where("state <> 'delivered'") // almost all are; the others have an index
		}
	}
	if f.Since != 0 {
		q.Where("at >= ?", f.Since)
	}
	if f.Until != 0 {
		q.Where("at < ?", f.Until)
	}
	return q
}

// DeliveryCount is how many deliveries to an endpoint are in a state.
type DeliveryCount struct {
	Endpoint string
	State    DeliveryState
	Count    int64
	// Oldest is when the first of them happened, in Unix milliseconds.
	Oldest int64
}

// DeliveryCounts counts the deliveries since a time by endpoint and state, and all that
// are pending.
func (s *Store) DeliveryCounts(ctx context.Context, since int64) ([]DeliveryCount, error) {
	var counts []DeliveryCount
	// Two parts, because with OR SQLite looks at every row there is.
	err := s.read.NewRaw(`SELECT endpoint, state, count(*) AS count, min(at) AS oldest FROM (
			SELECT endpoint, state, at FROM deliveries WHERE at >= ?
			UNION ALL SELECT endpoint, state, at FROM deliveries WHERE state <> 'delivered' AND state = ? AND at < ?
		) AS d GROUP BY endpoint, state ORDER BY endpoint, state`, since, DeliveryPending, since).Scan(ctx, &counts)
	if err != nil {
		return nil, fmt.Errorf("count deliveries: %w", err)
	}
	return counts, nil
}

// EndpointSpeed is how an endpoint took the tries of a period.
type EndpointSpeed struct {
	Endpoint string
	Tries    int64
	Good     int64   // answered with 2xx
	Mean     float64 // milliseconds of those that were answered
	Slowest  int64   // milliseconds
}

// EndpointSpeeds tells how endpoints took the tries since a time.
func (s *Store) EndpointSpeeds(ctx context.Context, since int64) ([]EndpointSpeed, error) {
	var speeds []EndpointSpeed
	err := s.read.NewSelect().Model((*attemptRow)(nil)).Join("JOIN deliveries AS d ON d.id = a.delivery_id").
		ColumnExpr("d.endpoint AS endpoint, count(*) AS tries").
		ColumnExpr("sum(CASE WHEN a.error = '' THEN 1 ELSE 0 END) AS good").
		ColumnExpr("CAST(coalesce(avg(CASE WHEN a.status_code <> 0 THEN a.duration_ms END), 0) AS DOUBLE PRECISION) AS mean").
		ColumnExpr("max(a.duration_ms) AS slowest").
		Where("a.ended").Where("a.started_at >= ?", since).GroupExpr("d.endpoint").OrderExpr("d.endpoint").Scan(ctx, &speeds)
	if err != nil {
		return nil, fmt.Errorf("measure endpoints: %w", err)
	}
	return speeds, nil
}
