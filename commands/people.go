package commands

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/mail"
	"strings"
	"time"
	"unicode/utf8"

	"slipway"
	"slipway/storage"
)

// How long the credentials of people are good.
const (
	LinkLife        = 72 * time.Hour
	MailLinkLife    = 24 * time.Hour // one that is in a mail, which others may read later
	AccountLinkLife = 15 * time.Minute
	SessionLife     = 30 * 24 * time.Hour
)

// NewUser is what is known of a person to be added.
type NewUser struct {
	Name         string       `json:"name"`
	Email        string       `json:"email"`
	Role         slipway.Role `json:"role,omitempty"`
	SlackID      string       `json:"slack_id,omitempty"`
	FeishuOpenID string       `json:"feishu_open_id,omitempty"`
	DingTalkID   string       `json:"dingtalk_id,omitempty"`
	Locale       string       `json:"locale,omitempty"`
	TimeZone     string       `json:"time_zone,omitempty"`
	WorkingHours string       `json:"working_hours,omitempty"`
	Holidays     []string     `json:"holidays,omitempty"`
}

// AddUser makes a user and returns the API token, which is not shown again. Only
// admins may.
func (c *Commands) AddUser(ctx context.Context, by *slipway.User, n NewUser) (*slipway.User, string, error) {
	if err := adminOnly(by); err != nil {
		return nil, "", err
	}
	u, err := c.PutUser(ctx, n)
	if err != nil {
		return nil, "", err
	}
	token, err := c.issue(ctx, storage.Credential{Kind: storage.CredentialAPI, UserID: u.ID}, 0)
	if err != nil {
		return nil, "", err
	}
	return u, token, nil
}

// AddUserOnce is AddUser for a request that may arrive twice: the same request id
// makes one user. Each time it is answered with a token of its own, because the
// earlier one is not known any more and may be in use already.
func (c *Commands) AddUserOnce(ctx context.Context, ask Ask, n NewUser) (*slipway.User, string, error) {
	if ask.RequestID == "" {
		return c.AddUser(ctx, ask.User, n)
	}
	if err := adminOnly(ask.User); err != nil {
		return nil, "", err
	}
	u, err := n.user()
	if err != nil {
		return nil, "", err
	}
	// The id follows from the request, so the table of users remembers it.
	u.ID, u.CreatedAt = uuidOf(HashToken("user:" + ask.RequestID)[:32]), c.Now().Unix()
	if err := c.Store.CreateUser(ctx, u); err != nil {
		made, lookUp := c.Store.User(ctx, u.ID)
		switch {
		case lookUp != nil:
			return nil, "", fmt.Errorf("add user: %w", err)
		case made.Email != u.Email:
			return nil, "", usedKey()
		}
		u = made
	}
	token, err := c.issue(ctx, storage.Credential{Kind: storage.CredentialAPI, UserID: u.ID}, 0)
	if err != nil {
		return nil, "", err
	}
	return u, token, nil
}

// KeepUser makes a user, or brings the one with the e-mail up to date, without asking
// who wants it. It is for start-up.
func (c *Commands) KeepUser(ctx context.Context, n NewUser) (*slipway.User, error) {
	u, err := n.user()
	if err != nil {
		return nil, err
	}
	known, err := c.Store.UserByEmail(ctx, u.Email)
	if slipway.CodeOf(err) == slipway.NotFound {
		made, refusal := c.PutUser(ctx, n)
		if slipway.CodeOf(refusal) != slipway.Conflict {
			return made, refusal
		}
		// Another process that starts at the same time may have been faster.
		if known, err = c.Store.UserByEmail(ctx, u.Email); slipway.CodeOf(err) == slipway.NotFound {
			return nil, refusal
		}
	}
	if err != nil {
		return nil, fmt.Errorf("keep user: %w", err)
	}
	// What people set themselves, and accounts found on first contact, stay.
	u.ID, u.CreatedAt, u.NoMail = known.ID, known.CreatedAt, known.NoMail
	if !known.LocaleGuessed || u.LocaleGuessed {
		u.Locale, u.LocaleGuessed = known.Locale, known.LocaleGuessed
	}
	if known.TimeZone != "" {
		u.TimeZone = known.TimeZone
	}
	if known.WorkingHours != "" {
		u.WorkingHours = known.WorkingHours
	}
	if len(known.Holidays) > 0 {
		u.Holidays = known.Holidays
	}
	if u.SlackID == "" {
		u.SlackID = known.SlackID
	}
	if u.FeishuOpenID == "" {
		u.FeishuOpenID = known.FeishuOpenID
	}
	if u.DingTalkID == "" {
		u.DingTalkID = known.DingTalkID
	}
	if err := c.SaveUser(ctx, known, u); err != nil {
		return nil, fmt.Errorf("keep user: %w", err)
	}
	return u, nil
}

// PutUser makes a user without asking who wants it: at start-up, or on first contact
// with somebody whom a platform vouches for.
func (c *Commands) PutUser(ctx context.Context, n NewUser) (*slipway.User, error) {
	u, err := n.user()
	if err != nil {
		return nil, err
	}
	u.ID = c.NewID()
	u.CreatedAt = c.Now().Unix()
	if err := c.Store.CreateUser(ctx, u); err != nil {
		return nil, fmt.Errorf("add user: %w", err)
	}
	return u, nil
}

// NewID returns a random UUID.
func (c *Commands) NewID() string { return uuidOf(c.random(16)) }

// uuidOf makes a UUID of 32 hex digits.
func uuidOf(h string) string {
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}

func adminOnly(u *slipway.User) error {
	if u != nil && u.Role == slipway.RoleAdmin {
		return nil
	}
	return slipway.Refuse(slipway.Forbidden, "Only an admin can do this. Ask one of them.", "只有管理员可以进行此操作，请联系管理员。")
}

func (n NewUser) user() (*slipway.User, error) {
	var f slipway.Faults
	u := &slipway.User{
		Name: strings.TrimSpace(n.Name), Email: strings.ToLower(strings.TrimSpace(n.Email)), Role: n.Role,
		SlackID: n.SlackID, FeishuOpenID: n.FeishuOpenID, DingTalkID: n.DingTalkID, Locale: slipway.ParseLang(n.Locale), LocaleGuessed: n.Locale == "",
		TimeZone: n.TimeZone,
	}
	if u.Name == "" || utf8.RuneCountInString(u.Name) > slipway.MaxName || strings.ContainsFunc(u.Name, func(r rune) bool { return r < ' ' }) {
		f.Add("name", "a name of 1 to %d characters is expected", "需要填写姓名（1 到 %d 个字符）", slipway.MaxName)
	}
	if a, err := mail.ParseAddress(u.Email); err != nil || a.Address != u.Email {
		f.Add("email", "an e-mail address is expected, for example alice@example.com", "需要填写邮箱地址，例如 alice@example.com")
	}
	if u.Role == "" {
		u.Role = slipway.RoleMember
	}
	if u.Role != slipway.RoleMember && u.Role != slipway.RoleAdmin {
		f.Add("role", "member or admin is expected, not %q", "应为 member 或 admin，而不是 %q", n.Role)
	}
	if n.Locale != "" && !strings.HasPrefix(strings.ToLower(n.Locale), "en") && !strings.HasPrefix(strings.ToLower(n.Locale), "zh") {
		f.Add("locale", "en or zh is expected, not %q", "应为 en 或 zh，而不是 %q", n.Locale)
	}
	if _, err := time.LoadLocation(u.TimeZone); err != nil || u.TimeZone == "Local" {
		f.Add("time_zone", "an IANA time zone is expected, for example Asia/Shanghai, not %q", "应为 IANA 时区，例如 Asia/Shanghai，而不是 %q", n.TimeZone)
	}
	u.WorkingHours = checkWeek(&f, "working_hours", n.WorkingHours)
	u.Holidays = checkHolidays(&f, "holidays", n.Holidays)
	return u, f.Err("The user is not right yet.", "用户信息有误。")
}

// NewLink returns the secret of a one-time sign-in link for a user. Only admins may
// make one for somebody else.
func (c *Commands) NewLink(ctx context.Context, by *slipway.User, userID string) (string, error) {
	if by == nil || by.ID != userID {
		if err := adminOnly(by); err != nil {
			return "", err
		}
	}
	u, err := c.Store.User(ctx, userID)
	if err != nil {
		return "", fmt.Errorf("new link: %w", err)
	}
	return c.issue(ctx, storage.Credential{Kind: storage.CredentialLink, UserID: u.ID}, LinkLife)
}

// NewMailLink returns the secret of a one-time sign-in link that is mailed to the user.
func (c *Commands) NewMailLink(ctx context.Context, userID string) (string, error) {
	return c.issue(ctx, storage.Credential{Kind: storage.CredentialLink, UserID: userID}, MailLinkLife)
}

// issue makes a credential and returns its secret; only the hash is kept.
func (c *Commands) issue(ctx context.Context, cred storage.Credential, life time.Duration) (string, error) {
	token := c.NewToken()
	now := c.Now()
	cred.Hash, cred.CreatedAt = HashToken(token), now.Unix()
	if life > 0 {
		cred.ExpiresAt = now.Add(life).Unix()
	}
	if err := c.Store.PutCredential(ctx, cred); err != nil {
		return "", fmt.Errorf("issue %s credential: %w", cred.Kind, err)
	}
	return token, nil
}

// NewToken returns a secret of 192 random bits.
func (c *Commands) NewToken() string { return "slp_" + c.random(24) }

// HashToken is how secrets of people are kept.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Owner tells whose sign-in secret this is, without using it up: nil if nobody's.
func (c *Commands) Owner(ctx context.Context, token string) (*slipway.User, error) {
	if u, err := c.Store.UserByCredential(ctx, storage.CredentialLink, HashToken(token), c.Now()); err == nil {
		return u, nil
	} else if slipway.CodeOf(err) == slipway.Internal {
		return nil, fmt.Errorf("find owner of link: %w", err)
	}
	u, err := c.Authenticate(ctx, token, "")
	if slipway.CodeOf(err) == slipway.Unauthenticated {
		return nil, nil //nolint:nilnil // nobody's
	}
	return u, err
}

// SignIn takes a one-time link's secret, an API token or the admin token, and
// returns the user with the secret of a new session.
func (c *Commands) SignIn(ctx context.Context, token string) (*slipway.User, string, error) {
	u, err := c.Store.TakeLink(ctx, HashToken(token), c.Now())
	if slipway.CodeOf(err) == slipway.NotFound {
		u, err = c.Authenticate(ctx, token, "")
	}
	if err != nil {
		if slipway.CodeOf(err) == slipway.Unauthenticated {
			return nil, "", slipway.Refuse(slipway.Unauthenticated,
				"This sign-in link or token is not valid: a link works once, for three days, or for one day if it came by mail. %s",
				"登录链接或令牌无效：链接只能使用一次，三天内有效，邮件中的链接一天内有效。%s", wayBackIn)
		}
		return nil, "", fmt.Errorf("sign in: %w", err)
	}
	session, err := c.issue(ctx, storage.Credential{Kind: storage.CredentialSession, UserID: u.ID}, SessionLife)
	if err != nil {
		return nil, "", err
	}
	return u, session, nil
}

// wayBackIn says how to get a new sign-in link.
var wayBackIn = slipway.T("Ask an admin for a new one. If it came by mail, the plan's manager can remind you: that sends a new mail.",
	"请向管理员索取新的链接；如果链接来自邮件，也可以请发布负责人“催办”，您会收到新的邮件。")

// DeadLink says that a sign-in link is no longer good, and how to get a new one.
func DeadLink() slipway.Text {
	return slipway.T("This sign-in link is no longer good: it works once, for three days, or for one day if it came by mail. %s",
		"此登录链接已失效：链接只能使用一次，三天内有效，邮件中的链接一天内有效。%s", wayBackIn)
}

// Session returns the user of a session; Unauthenticated if there is none.
func (c *Commands) Session(ctx context.Context, secret string) (*slipway.User, error) {
	u, err := c.Store.UserByCredential(ctx, storage.CredentialSession, HashToken(secret), c.Now())
	if slipway.CodeOf(err) == slipway.NotFound {
		return nil, slipway.Refuse(slipway.Unauthenticated, "Please sign in.", "请登录。")
	}
	return u, err
}

// Revoke takes every way in from a user: links, sessions and API tokens.
func (c *Commands) Revoke(ctx context.Context, u *slipway.User) error {
	for _, kind := range []storage.CredentialKind{storage.CredentialLink, storage.CredentialSession, storage.CredentialAPI} {
		if err := c.Store.DropCredentials(ctx, u.ID, kind); err != nil {
			return fmt.Errorf("revoke %s credentials: %w", kind, err)
		}
	}
	return nil
}

// SignOut ends a session.
func (c *Commands) SignOut(ctx context.Context, secret string) error {
	if err := c.Store.DropCredential(ctx, HashToken(secret)); err != nil {
		return fmt.Errorf("sign out: %w", err)
	}
	return nil
}

// Authenticate returns the user of an API token. The admin token acts as the admin,
// or as the user whose e-mail is given in actAs; nobody else may act as others.
func (c *Commands) Authenticate(ctx context.Context, token, actAs string) (*slipway.User, error) {
	hash := HashToken(token)
	if token != "" && c.AdminTokenHash != "" && subtle.ConstantTimeCompare([]byte(hash), []byte(c.AdminTokenHash)) == 1 {
		if actAs == "" {
			return c.Admin, nil
		}
		u, err := c.Store.UserByEmail(ctx, strings.ToLower(strings.TrimSpace(actAs)))
		if slipway.CodeOf(err) == slipway.NotFound {
			return nil, slipway.Refuse(slipway.Forbidden,
				"Slipway-Actor names %q, whom nobody knows. Use the e-mail of a user.",
				"Slipway-Actor 中的 %q 不是已知用户，请使用用户的邮箱。", actAs)
		}
		return u, err
	}
	u, err := c.Store.UserByCredential(ctx, storage.CredentialAPI, hash, c.Now())
	switch {
	case slipway.CodeOf(err) == slipway.NotFound:
		return nil, slipway.Refuse(slipway.Unauthenticated,
			"A valid token is needed: `Authorization: Bearer TOKEN`.", "需要有效的令牌：`Authorization: Bearer TOKEN`。")
	case err != nil:
		return nil, fmt.Errorf("authenticate: %w", err)
	case actAs != "" && !strings.EqualFold(actAs, u.Email):
		return nil, slipway.Refuse(slipway.Forbidden,
			"Only the admin token may act as somebody else (Slipway-Actor).", "只有管理员令牌可以代表他人操作（Slipway-Actor）。")
	}
	return u, nil
}

// Check names everything that is wrong with a person to be added.
func (n NewUser) Check() error {
	_, err := n.user()
	return err
}
