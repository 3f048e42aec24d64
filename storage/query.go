package storage

import (
	"context"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"github.com/uptrace/bun"

	"slipway"
)

// entryRow is one line of the operation log.
type entryRow struct {
	bun.BaseModel `bun:"table:entries,alias:e"`

	ID         string `bun:",pk"`
	PlanID     string
	RequestID  string
	Verb       slipway.Verb
	ActorKind  slipway.ActorKind
	ActorID    string
	ActorName  string
	ActorAdmin bool
	At         int64
	FromStatus slipway.Status
	ToStatus   slipway.Status
	Version    int64
	Seq        int64
	ItemID     string
	ItemName   string
	Comment    string
	Data       string
}

func newEntryRow(e *slipway.Entry) (entryRow, error) {
	var j jsonWriter
	return entryRow{
		ID: e.ID, PlanID: e.PlanID, RequestID: e.RequestID, Verb: e.Verb, ActorKind: e.Actor.Kind, ActorID: e.Actor.ID,
		ActorName: e.Actor.Name, ActorAdmin: e.Actor.Admin, At: e.At, FromStatus: e.From, ToStatus: e.To,
		Version: e.Version, Seq: e.Seq, ItemID: e.ItemID, ItemName: e.ItemName, Comment: e.Comment, Data: j.text(e.Data),
	}, j.err
}

func (r *entryRow) entry() (slipway.Entry, error) {
	e := slipway.Entry{
		ID: r.ID, PlanID: r.PlanID, RequestID: r.RequestID, Verb: r.Verb,
		Actor: slipway.Actor{Kind: r.ActorKind, ID: r.ActorID, Name: r.ActorName, Admin: r.ActorAdmin},
		At:    r.At, From: r.FromStatus, To: r.ToStatus, Version: r.Version, Seq: r.Seq, ItemID: r.ItemID,
		ItemName: r.ItemName, Comment: r.Comment,
	}
	var j jsonReader
	j.read(r.Data, &e.Data)
	return e, j.err
}

// Plan returns the plan with the id. NotFound if there is none.
func (s *Store) Plan(ctx context.Context, id string) (*slipway.Plan, error) {
	return s.plan(ctx, s.read, "id = ?", id)
}

// PlanByIndex returns the plan with the number that people use. NotFound if there is
// none.
func (s *Store) PlanByIndex(ctx context.Context, index int64) (*slipway.Plan, error) {
	return s.plan(ctx, s.read, "number = ?", index)
}

func (s *Store) plan(ctx context.Context, db bun.IDB, where string, arg any) (*slipway.Plan, error) {
	plans, err := s.scanPlans(ctx, db, db.NewSelect().Where(where, arg))
	if err != nil {
		return nil, err
	}
	if len(plans) == 0 {
		return nil, noPlan()
	}
	return plans[0], nil
}

// scanPlans reads the plans that a query selects, with their items.
func (s *Store) scanPlans(ctx context.Context, db bun.IDB, q *bun.SelectQuery) ([]*slipway.Plan, error) {
	var rows []planRow
	if err := q.Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read plans: %w", err)
	}
	plans := make([]*slipway.Plan, 0, len(rows))
	for i := range rows {
		p, err := rows[i].plan()
		if err != nil {
			return nil, fmt.Errorf("read plan %s: %w", rows[i].ID, err)
		}
		plans = append(plans, p)
	}
	if _, err := s.loadItems(ctx, db, plans...); err != nil {
		return nil, err
	}
	return plans, nil
}

// Filter says which plans are wanted. Fields that are not set do not filter.
type Filter struct {
	Statuses  []slipway.Status
	Text      string // in the name, whatever the case
	ManagerID string
	// PersonID is a user who is involved: manager, creator, owner of an item, approver, or
	// whoever decided in the place of one.
	PersonID string
	// The window overlaps with this time, in Unix seconds, both ends included. A plan
	// whose window is open on a side overlaps with everything there.
	WindowFrom, WindowTo int64
	Limit                int    // 1 to 200; zero: 50
	Cursor               string // Next of the page before
}

// Page is one page of a list.
type Page[T any] struct {
	Rows  []T
	Next  string // the cursor of the next page; empty at the end
	Total int64  // of all pages
}

// The sizes of pages.
const (
	defaultLimit = 50
	maxLimit     = 200
)

func pageSize(limit int) int {
	if limit <= 0 {
		return defaultLimit
	}
	return min(limit, maxLimit)
}

// Plans lists plans, newest first. Invalid if the cursor is not one.
func (s *Store) Plans(ctx context.Context, f Filter) (Page[*slipway.Plan], error) {
	var page Page[*slipway.Plan]
	after, err := parseCursor(f.Cursor)
	if err != nil {
		return page, err
	}
	total, err := f.where(s.read.NewSelect().Model((*planRow)(nil))).Count(ctx)
	if err != nil {
		return page, fmt.Errorf("count plans: %w", err)
	}
	size := pageSize(f.Limit)
	q := f.where(s.read.NewSelect()).OrderExpr("number DESC").Limit(int64(size) + 1)
	if after > 0 {
		q.Where("number < ?", after)
	}
	plans, err := s.scanPlans(ctx, s.read, q)
	if err != nil {
		return page, err
	}
	page.Total = total
	page.Rows, page.Next = cut(plans, size, func(p *slipway.Plan) int64 { return p.Index })
	return page, nil
}

func (f *Filter) where(q *bun.SelectQuery) *bun.SelectQuery {
	if len(f.Statuses) > 0 {
		q.Where("status IN (?)", bun.List(f.Statuses))
	}
	if f.Text != "" {
		q.Where(`name_folded LIKE ? ESCAPE '\'`, "%"+likeEscaper.Replace(fold(f.Text))+"%")
	}
	if f.ManagerID != "" {
		q.Where("manager_id = ?", f.ManagerID)
	}
	if f.PersonID != "" {
		q.Where("EXISTS (SELECT 1 FROM plan_people AS pp WHERE pp.plan_id = p.id AND pp.user_id = ?)", f.PersonID)
	}
	if f.WindowFrom != 0 {
		q.Where("(end_time = 0 OR end_time >= ?)", f.WindowFrom)
	}
	if f.WindowTo != 0 {
		q.Where("(start_time = 0 OR start_time <= ?)", f.WindowTo)
	}
	return q
}

var likeEscaper = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// Entries lists the operation log of a plan, newest first. Invalid if the cursor is
// not one.
func (s *Store) Entries(ctx context.Context, planID, cursor string, limit int) (Page[slipway.Entry], error) {
	var page Page[slipway.Entry]
	after, err := parseCursor(cursor)
	if err != nil {
		return page, err
	}
	page.Total, err = s.read.NewSelect().Model((*entryRow)(nil)).Where("plan_id = ?", planID).Count(ctx)
	if err != nil {
		return page, fmt.Errorf("count entries: %w", err)
	}
	size := pageSize(limit)
	q := s.read.NewSelect().Where("plan_id = ?", planID).OrderExpr("seq DESC").Limit(int64(size) + 1)
	if after > 0 {
		q.Where("seq < ?", after)
	}
	entries, err := s.entries(ctx, q)
	page.Rows, page.Next = cut(entries, size, func(e slipway.Entry) int64 { return e.Seq })
	return page, err
}

// EntriesBetween lists the newest entries of a plan after one Seq and up to another,
// newest first, at most limit.
func (s *Store) EntriesBetween(ctx context.Context, planID string, after, upTo int64, limit int) ([]slipway.Entry, error) {
	return s.entries(ctx, s.read.NewSelect().Where("plan_id = ?", planID).Where("seq > ?", after).Where("seq <= ?", upTo).
		OrderExpr("seq DESC").Limit(int64(limit)))
}

func (s *Store) entries(ctx context.Context, q *bun.SelectQuery) ([]slipway.Entry, error) {
	var rows []entryRow
	if err := q.Model(&rows).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read entries: %w", err)
	}
	entries := make([]slipway.Entry, 0, len(rows))
	for i := range rows {
		e, err := rows[i].entry()
		if err != nil {
			return nil, fmt.Errorf("read entry %s: %w", rows[i].ID, err)
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// EntryByRequest returns the entry that a request made, nil if it made none.
func (s *Store) EntryByRequest(ctx context.Context, requestID string) (*slipway.Entry, error) {
	return entryByRequest(ctx, s.read, requestID)
}

// cut takes the row too many, which was read to see whether there is a next page, off
// a page.
func cut[T any](rows []T, size int, key func(T) int64) ([]T, string) {
	if len(rows) <= size {
		return rows, ""
	}
	rows = rows[:size]
	return rows, newCursor(key(rows[size-1]))
}

// A cursor is the sort key of the last row of a page, so pages stay right while rows
// are added. It is opaque so that nobody builds on that.
func newCursor(key int64) string {
	return base64.RawURLEncoding.EncodeToString([]byte("before:" + strconv.FormatInt(key, 10)))
}

func parseCursor(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		if digits, ok := strings.CutPrefix(string(b), "before:"); ok {
			if key, err := strconv.ParseInt(digits, 10, 64); err == nil && key > 0 {
				return key, nil
			}
		}
	}
	return 0, slipway.Refuse(slipway.Invalid,
		"The cursor is not one that a list has given. Begin again without it.",
		"游标（cursor）无效，请去掉它从头查询。")
}
