package storage

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

type delegationRow struct {
	bun.BaseModel `bun:"table:delegations,alias:dg"`

	UserID     string `bun:",pk"`
	DelegateID string
	StartsAt   int64
	EndsAt     int64
	SetBy      string
	SetAt      int64
}

// PutDelegation writes who decides in the place of a person while they are away, instead
// of what was said before. by is the id of who says so. The tasks follow from it.
func (s *Store) PutDelegation(ctx context.Context, d slipway.Delegation, by string, at time.Time, follow ...slipway.Task) error {
	row := delegationRow{UserID: d.Of.ID, DelegateID: d.To.ID, StartsAt: d.Start, EndsAt: d.End, SetBy: by, SetAt: at.Unix()}
	err := s.following(ctx, follow, func(db bun.IDB) error {
		_, err := db.NewInsert().Model(&row).On("CONFLICT (user_id) DO UPDATE").
			Set("delegate_id = EXCLUDED.delegate_id").Set("starts_at = EXCLUDED.starts_at").Set("ends_at = EXCLUDED.ends_at").
			Set("set_by = EXCLUDED.set_by").Set("set_at = EXCLUDED.set_at").Exec(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("put delegation of user %s: %w", d.Of.ID, err)
	}
	return nil
}

// DropDelegation removes the delegation of a user, and tells whether there was one. The
// tasks follow from it.
func (s *Store) DropDelegation(ctx context.Context, userID string, follow ...slipway.Task) (dropped bool, err error) {
	err = s.following(ctx, follow, func(db bun.IDB) error {
		res, err := db.NewDelete().Model((*delegationRow)(nil)).Where("user_id = ?", userID).Exec(ctx)
		dropped = err == nil && touched(res)
		return err
	})
	if err != nil {
		return false, fmt.Errorf("drop delegation of user %s: %w", userID, err)
	}
	return dropped, nil
}

// Delegations lists the delegations that are in force or still to come, in the order in
// which they begin, at most one of each person. The names are those of now.
func (s *Store) Delegations(ctx context.Context, now time.Time) ([]slipway.Delegation, error) {
	var rows []struct {
		delegationRow `bun:",extend"`

		UserName     string
		DelegateName string
	}
	err := s.read.NewSelect().Model((*delegationRow)(nil)).ColumnExpr("dg.*").ColumnExpr("u.name AS user_name").ColumnExpr("d.name AS delegate_name").
		Join("JOIN users AS u ON u.id = dg.user_id").Join("JOIN users AS d ON d.id = dg.delegate_id").
		Where("dg.ends_at > ?", now.Unix()).OrderExpr("dg.starts_at, dg.user_id").Scan(ctx, &rows)
	if err != nil {
		return nil, fmt.Errorf("read delegations: %w", err)
	}
	out := make([]slipway.Delegation, len(rows))
	for i, r := range rows {
		out[i] = slipway.Delegation{
			Of: slipway.PersonRef{ID: r.UserID, Name: r.UserName}, To: slipway.PersonRef{ID: r.DelegateID, Name: r.DelegateName},
			Start: r.StartsAt, End: r.EndsAt,
		}
	}
	return out, nil
}
