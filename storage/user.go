package storage

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"slipway"
)

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID           string `bun:",pk"`
	Name         string
	NameFolded   string
	Email        string `bun:",nullzero"`
	Role         slipway.Role
	SlackID      string `bun:",nullzero"`
	FeishuOpenID string `bun:",nullzero"`
	DingTalkID   string `bun:"dingtalk_id,nullzero"`
	Locale       slipway.Lang
	TimeZone     string
	CreatedAt    int64

	LocaleGuessed bool
	WorkingHours  string
	Holidays      string // with commas between
	NoMail        bool
}

func newUserRow(u *slipway.User) userRow {
	return userRow{
		ID: u.ID, Name: u.Name, NameFolded: fold(u.Name), Email: strings.ToLower(u.Email), Role: u.Role, SlackID: u.SlackID,
		FeishuOpenID: u.FeishuOpenID, DingTalkID: u.DingTalkID, Locale: u.Locale, TimeZone: u.TimeZone, CreatedAt: u.CreatedAt, LocaleGuessed: u.LocaleGuessed, NoMail: u.NoMail,
		WorkingHours: u.WorkingHours, Holidays: strings.Join(u.Holidays, ","),
	}
}

func (r *userRow) user() *slipway.User {
	u := &slipway.User{
		ID: r.ID, Name: r.Name, Email: r.Email, Role: r.Role, SlackID: r.SlackID, FeishuOpenID: r.FeishuOpenID,
		DingTalkID: r.DingTalkID,
		Locale:     r.Locale, TimeZone: r.TimeZone, CreatedAt: r.CreatedAt, LocaleGuessed: r.LocaleGuessed, NoMail: r.NoMail,
		WorkingHours: r.WorkingHours,
	}
	if r.Holidays != "" {
		u.Holidays = strings.Split(r.Holidays, ",")
	}
	return u
}

// CreateUser writes a new user, the e-mail in lower case; u itself is only read.
// Conflict if the e-mail or a platform's account belongs to another user.
func (s *Store) CreateUser(ctx context.Context, u *slipway.User) error {
	row := newUserRow(u)
	if _, err := s.write.NewInsert().Model(&row).Exec(ctx); err != nil {
		return fmt.Errorf("create user: %w", userTaken(err, &row))
	}
	return nil
}

// UpdateUser writes a user that exists. NotFound if it does not; Conflict as for
// CreateUser. The tasks follow from it.
func (s *Store) UpdateUser(ctx context.Context, u *slipway.User, follow ...slipway.Task) error {
	row := newUserRow(u)
	err := s.following(ctx, follow, func(db bun.IDB) error {
		res, err := db.NewUpdate().Model(&row).ExcludeColumn("created_at").WherePK().Exec(ctx)
		if err == nil && !touched(res) {
			return noUser()
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("update user %s: %w", u.ID, userTaken(err, &row))
	}
	return nil
}

func userTaken(err error, row *userRow) error {
	switch {
	case duplicate(err, "users.email"):
		return slipway.Refuse(slipway.Conflict,
			"The e-mail %[1]s belongs to another user.", "邮箱 %[1]s 已属于其他用户。", row.Email).Because(err)
	case duplicate(err, "users.slack_id"):
		return slipway.Refuse(slipway.Conflict,
			"The Slack account %[1]s belongs to another user.", "Slack 账号 %[1]s 已属于其他用户。", row.SlackID).Because(err)
	case duplicate(err, "users.feishu_open_id"):
		return slipway.Refuse(slipway.Conflict,
			"The Feishu account %[1]s belongs to another user.", "飞书账号 %[1]s 已属于其他用户。", row.FeishuOpenID).Because(err)
	case duplicate(err, "users.dingtalk_id"):
		return slipway.Refuse(slipway.Conflict,
			"The DingTalk account %[1]s belongs to another user.", "钉钉账号 %[1]s 已属于其他用户。", row.DingTalkID).Because(err)
	}
	return err
}

// User returns the user with the id. NotFound if there is none.
func (s *Store) User(ctx context.Context, id string) (*slipway.User, error) {
	return s.user(ctx, "id = ?", id)
}

// UserByEmail returns the user with the e-mail, whatever its case. NotFound if there
// is none.
func (s *Store) UserByEmail(ctx context.Context, email string) (*slipway.User, error) {
	return s.user(ctx, "email = ?", strings.ToLower(email))
}

// UserBySlackID returns the user with the Slack account. NotFound if there is none.
func (s *Store) UserBySlackID(ctx context.Context, id string) (*slipway.User, error) {
	return s.user(ctx, "slack_id = ?", id)
}

// UserByFeishuOpenID returns the user with the Feishu account. NotFound if there is
// none.
func (s *Store) UserByFeishuOpenID(ctx context.Context, id string) (*slipway.User, error) {
	return s.user(ctx, "feishu_open_id = ?", id)
}

// UserByDingTalkID returns the user with the DingTalk account. NotFound if there is none.
func (s *Store) UserByDingTalkID(ctx context.Context, id string) (*slipway.User, error) {
	return s.user(ctx, "dingtalk_id = ?", id)
}

func (s *Store) user(ctx context.Context, where, arg string) (*slipway.User, error) {
	var row userRow
	if err := s.read.NewSelect().Model(&row).Where(where, arg).Scan(ctx); err != nil {
		return nil, fmt.Errorf("read user: %w", orMissing(err, noUser()))
	}
	return row.user(), nil
}

// UsersByName lists the users with a name, whatever its case; names need not be
// unique.
func (s *Store) UsersByName(ctx context.Context, name string) ([]*slipway.User, error) {
	return s.users(ctx, s.read.NewSelect().Where("name_folded = ?", fold(name)))
}

// Users lists all users by name.
func (s *Store) Users(ctx context.Context) ([]*slipway.User, error) {
	return s.users(ctx, s.read.NewSelect())
}

func (s *Store) users(ctx context.Context, q *bun.SelectQuery) ([]*slipway.User, error) {
	var rows []userRow
	if err := q.Model(&rows).OrderExpr("name_folded, id").Scan(ctx); err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	users := make([]*slipway.User, 0, len(rows))
	for i := range rows {
		users = append(users, rows[i].user())
	}
	return users, nil
}

// CredentialKind says what a credential is good for.
type CredentialKind string

// The kinds of credentials.
const (
	CredentialAPI     CredentialKind = "api"     // bearer token of the REST API
	CredentialSession CredentialKind = "session" // cookie of the console
	CredentialLink    CredentialKind = "link"    // signs in once
	CredentialAccount CredentialKind = "account" // links an account of a platform once
)

// Credential lets its holder act as a user, or link an account. Only a hash of the secret
// is kept.
type Credential struct {
	Hash      string `bun:",pk"` // SHA-256 of the secret in hex
	Kind      CredentialKind
	UserID    string `bun:",nullzero"` // empty with CredentialAccount, whose holder is not known yet
	Subject   string // the Account in JSON with CredentialAccount, else empty
	CreatedAt int64  // Unix seconds
	ExpiresAt int64  // Unix seconds; zero: never
}

// PutCredential writes a new credential.
func (s *Store) PutCredential(ctx context.Context, c Credential) error {
	if _, err := s.write.NewInsert().Model(&c).Exec(ctx); err != nil {
		return fmt.Errorf("put credential: %w", err)
	}
	return nil
}

// UserByCredential returns the user whom an unexpired credential belongs to. NotFound
// if there is none.
func (s *Store) UserByCredential(ctx context.Context, kind CredentialKind, hash string, now time.Time) (*slipway.User, error) {
	var row userRow
	err := s.read.NewSelect().Model(&row).Join("JOIN credentials AS c ON c.user_id = u.id").
		Where("c.hash = ? AND c.kind = ?", hash, kind).Where("(c.expires_at = 0 OR c.expires_at > ?)", now.Unix()).Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("read credential: %w", orMissing(err, noUser()))
	}
	return row.user(), nil
}

// TakeLink uses up a sign-in link and returns whom it belongs to. NotFound if it is
// unknown, used or expired.
func (s *Store) TakeLink(ctx context.Context, hash string, now time.Time) (*slipway.User, error) {
	var userID string
	err := s.write.NewRaw(`DELETE FROM credentials
		WHERE hash = ? AND kind = ? AND (expires_at = 0 OR expires_at > ?) RETURNING user_id`,
		hash, CredentialLink, now.Unix()).Scan(ctx, &userID)
	if err != nil {
		return nil, fmt.Errorf("take link: %w", orMissing(err, noUser()))
	}
	return s.User(ctx, userID)
}

// DropCredentials removes all credentials of a kind that a user has.
func (s *Store) DropCredentials(ctx context.Context, userID string, kind CredentialKind) error {
	_, err := s.write.NewDelete().Model((*Credential)(nil)).Where("user_id = ?", userID).Where("kind = ?", kind).Exec(ctx)
	if err != nil {
		return fmt.Errorf("drop credentials of user %s: %w", userID, err)
	}
	return nil
}

// ForgetExpired removes the credentials that are past their time.
func (s *Store) ForgetExpired(ctx context.Context, now time.Time) error {
	_, err := s.write.NewDelete().Model((*Credential)(nil)).Where("expires_at <> 0").Where("expires_at <= ?", now.Unix()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("forget expired credentials: %w", err)
	}
	return nil
}

// DropCredential removes one credential.
func (s *Store) DropCredential(ctx context.Context, hash string) error {
	if _, err := s.write.NewDelete().Model((*Credential)(nil)).Where("hash = ?", hash).Exec(ctx); err != nil {
		return fmt.Errorf("drop credential: %w", err)
	}
	return nil
}
