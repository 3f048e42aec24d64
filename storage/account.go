package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

// Account is somebody's account on a chat platform: "slack" or "feishu". Name is how
// the platform calls it.
type Account struct {
	Platform string `json:"platform"`
	ID       string `json:"id"`
	Name     string `json:"name"`
}

// column is where users keep the account.
func (a Account) column() (bun.Ident, error) {
	switch a.Platform {
	case "slack":
		return "slack_id", nil
	case "feishu":
		return "feishu_open_id", nil
	}
	return "", fmt.Errorf("no accounts are kept of platform %q", a.Platform)
}

// SetAccount links an account to a user who has none on its platform. Conflict if they
// have another, or it is another user's.
func (s *Store) SetAccount(ctx context.Context, userID string, a Account) error {
	column, err := a.column()
	if err != nil {
		return err
	}
	res, err := s.write.NewUpdate().Model((*userRow)(nil)).Set("? = ?", column, a.ID).
		Where("id = ?", userID).Where("(? IS NULL OR ? = ?)", column, column, a.ID).Exec(ctx)
	if err != nil {
		return fmt.Errorf("link account: %w", userTaken(err, &userRow{SlackID: a.ID, FeishuOpenID: a.ID}))
	}
	if !touched(res) {
		return slipway.Refuse(slipway.Conflict,
			"This user has another account on that platform already.", "该用户在此平台上已关联其他账号。")
	}
	return nil
}

// Acquaint notes the language and the zone that a platform tells of a user, each only if
// it is not known yet. Empty ones are left alone. The tasks follow from it.
func (s *Store) Acquaint(ctx context.Context, userID string, locale slipway.Lang, zone string, follow ...slipway.Task) error {
	return s.following(ctx, follow, func(db bun.IDB) error {
		for _, q := range []struct {
			known bool
			query *bun.UpdateQuery
		}{
			{locale == "", db.NewUpdate().Model((*userRow)(nil)).Set("locale = ?", locale).Set("locale_guessed = ?", false).Where("locale_guessed")},
			{zone == "", db.NewUpdate().Model((*userRow)(nil)).Set("time_zone = ?", zone).Where("time_zone = ''")},
		} {
			if q.known {
				continue
			}
			if _, err := q.query.Where("id = ?", userID).Exec(ctx); err != nil {
				return fmt.Errorf("acquaint with user %s: %w", userID, err)
			}
		}
		return nil
	})
}

// AccountOf returns the account that an unexpired credential links. NotFound if there is
// none.
func (s *Store) AccountOf(ctx context.Context, hash string, now time.Time) (Account, error) {
	var subject string
	err := s.read.NewSelect().Model((*Credential)(nil)).Column("subject").Where("hash = ?", hash).
		Where("kind = ?", CredentialAccount).Where("expires_at > ?", now.Unix()).Scan(ctx, &subject)
	if err != nil {
		return Account{}, fmt.Errorf("read account link: %w", orMissing(err, noLink()))
	}
	return readAccount(subject)
}

func readAccount(subject string) (Account, error) {
	var a Account
	if err := json.Unmarshal([]byte(subject), &a); err != nil {
		return Account{}, fmt.Errorf("read account link: %w", err)
	}
	return a, nil
}

// MoveAccount uses up a credential and makes its account the user's: in place of the one
// that they had on the platform, and away from whoever had it. NotFound if the credential
// is unknown, used or expired. Conflict if whoever has the account takes part in a plan
// that is not over: rules such as no self-approval would take the two for strangers.
func (s *Store) MoveAccount(ctx context.Context, hash, userID string, now time.Time) (Account, error) {
	var a Account
	err := s.tx(ctx, func(tx bun.Tx) error {
		var subject string
		err := tx.NewRaw("DELETE FROM credentials WHERE hash = ? AND kind = ? AND expires_at > ? RETURNING subject",
			hash, CredentialAccount, now.Unix()).Scan(ctx, &subject)
		if err != nil {
			return orMissing(err, noLink())
		}
		if a, err = readAccount(subject); err != nil {
			return err
		}
		column, err := a.column()
		if err != nil {
			return err
		}
		if err := leaveOwner(ctx, tx, column, a, userID); err != nil {
			return err
		}
		res, err := tx.NewUpdate().Model((*userRow)(nil)).Set("? = ?", column, a.ID).Where("id = ?", userID).Exec(ctx)
		if err == nil && !touched(res) {
			err = noUser()
		}
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("move account: %w", err)
	}
	return a, nil
}

// leaveOwner takes the account from whoever has it, unless that is the user.
func leaveOwner(ctx context.Context, tx bun.Tx, column bun.Ident, a Account, userID string) error {
	var owners []userRow
	if err := tx.NewSelect().Model(&owners).Where("? = ?", column, a.ID).Where("id <> ?", userID).Scan(ctx); err != nil {
		return err
	}
	for i := range owners {
		o := &owners[i]
		plans, err := entangled(ctx, tx, o.ID)
		if err != nil {
			return err
		}
		if len(plans) > 0 {
			return slipway.Refuse(slipway.Conflict,
				"The account belongs to %[1]s, who takes part in plans that are not over: %[2]s. Finish or cancel them, or put others in the place of %[1]s; then link the account.",
				"该账号属于 %[1]s，而 %[1]s 还参与未结束的发布计划：%[2]s。请先完成或取消这些计划，或改由他人负责，然后再关联账号。",
				o.Name, strings.Join(plans, ", "))
		}
		if _, err := tx.NewUpdate().Model((*userRow)(nil)).Set("? = NULL", column).Where("id = ?", o.ID).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}

// entangled lists plans that are not over and in which a user has a part, as people
// number them; not all if they are many.
func entangled(ctx context.Context, tx bun.Tx, userID string) ([]string, error) {
	var numbers []int64
	err := tx.NewSelect().Model((*planRow)(nil)).Column("number").
		Where("status NOT IN (?)", bun.List([]slipway.Status{slipway.Success, slipway.Cancelled})).
		Where("(editor_id = ? OR EXISTS (SELECT 1 FROM plan_people AS pp WHERE pp.plan_id = p.id AND pp.user_id = ?))", userID, userID).
		OrderExpr("number").Limit(6).Scan(ctx, &numbers)
	plans := make([]string, len(numbers))
	for i, n := range numbers {
		plans[i] = fmt.Sprintf("#%d", n)
	}
	return plans, err
}

func noLink() *slipway.Error {
	return slipway.Refuse(slipway.NotFound,
		"This link is no longer good: it works once and for a quarter of an hour. Write `link` to Slipway again.",
		"此链接已失效：链接只能使用一次，15 分钟内有效。请再次向 Slipway 发送“关联账号”。")
}
