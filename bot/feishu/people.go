package feishu

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"slipway/bot"
)

// Resolve implements bot.Platform. The company's mail is preferred to the address that a
// person gave; somebody outside of the app's contacts is known by nothing.
func (f *Feishu) Resolve(ctx context.Context, u bot.UserRef) (bot.Person, error) {
	var out struct {
		Data struct {
			User struct {
				Name            string `json:"name"`
				Email           string `json:"email"`
				EnterpriseEmail string `json:"enterprise_email"`
				TimeZone        string `json:"time_zone"`
				Locale          string `json:"locale"`
			} `json:"user"`
		} `json:"data"`
	}
	err := f.call(ctx, http.MethodGet, "/open-apis/contact/v3/users/"+url.PathEscape(u.ID), url.Values{"user_id_type": {"open_id"}}, nil, &out)
	switch {
	case refusedWith(err, codeNoRange):
		return bot.Person{}, nil
	case refusedWith(err, codeNoAccount):
		return bot.Person{}, fmt.Errorf("resolve account in Feishu: %w: %w", bot.ErrGone, err)
	case err != nil:
		return bot.Person{}, fmt.Errorf("resolve account in Feishu: %w", err)
	}
	who := out.Data.User
	p := bot.Person{Name: who.Name, Email: who.EnterpriseEmail, Locale: who.Locale, TimeZone: who.TimeZone}
	if p.Email == "" {
		p.Email = who.Email
	}
	if p.Locale == "" && f.BaseURL == feishuURL {
		p.Locale = "zh-CN" // Feishu is the product for China; Lark is the other one
	}
	return p, nil
}

// Find implements bot.Finder.
func (f *Feishu) Find(ctx context.Context, email string) (bot.UserRef, error) {
	var out struct {
		Data struct {
			UserList []struct {
				Email  string `json:"email"`
				UserID string `json:"user_id"`
			} `json:"user_list"`
		} `json:"data"`
	}
	err := f.call(ctx, http.MethodPost, "/open-apis/contact/v3/users/batch_get_id", url.Values{"user_id_type": {"open_id"}},
		element{"emails": []string{email}}, &out)
	if err != nil {
		return bot.UserRef{}, fmt.Errorf("find account in Feishu: %w", err)
	}
	for _, u := range out.Data.UserList {
		if u.UserID != "" && strings.EqualFold(u.Email, email) {
			return userRef(u.UserID), nil
		}
	}
	return bot.UserRef{}, fmt.Errorf("find account in Feishu: %w", bot.ErrGone)
}

// botID is the bot's own account, which is asked for once.
type botID struct {
	mu sync.Mutex
	id string
}

// botInfo is what Feishu says about the bot.
type botInfo struct {
	Bot struct {
		OpenID   string `json:"open_id"`
		AppName  string `json:"app_name"`
		Activate int    `json:"activate_status"`
	} `json:"bot"`
}

func (f *Feishu) botID(ctx context.Context) (string, error) {
	f.me.mu.Lock()
	defer f.me.mu.Unlock()
	if f.me.id != "" {
		return f.me.id, nil
	}
	var out botInfo
	if err := f.call(ctx, http.MethodGet, "/open-apis/bot/v3/info", nil, nil, &out); err != nil {
		return "", fmt.Errorf("ask who the bot is: %w", err)
	}
	f.me.id = out.Bot.OpenID
	return f.me.id, nil
}
