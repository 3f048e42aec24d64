package storage

import (
	"context"
	"fmt"
	"strings"

	"github.com/uptrace/bun"

	"slipway"
)

// SetHours writes when a user works; empty texts are the defaults. NotFound if there is no
// such user. The tasks follow from it.
func (s *Store) SetHours(ctx context.Context, userID, week string, holidays []string, follow ...slipway.Task) error {
	err := s.following(ctx, follow, func(db bun.IDB) error {
		res, err := db.NewUpdate().Model((*userRow)(nil)).Set("working_hours = ?", week).
			Set("holidays = ?", strings.Join(holidays, ",")).Where("id = ?", userID).Exec(ctx)
		if err == nil && !touched(res) {
			return noUser()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("set hours of user %s: %w", userID, err)
	}
	return nil
}

// UsersByID returns the users with the ids, by id; those that are not there are left out.
func (s *Store) UsersByID(ctx context.Context, ids []string) (map[string]*slipway.User, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	list, err := s.users(ctx, s.read.NewSelect().Where("id IN (?)", bun.List(ids)))
	if err != nil {
		return nil, err
	}
	found := make(map[string]*slipway.User, len(list))
	for _, u := range list {
		found[u.ID] = u
	}
	return found, nil
}
