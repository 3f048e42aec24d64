package storage_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

func TestAUserIsFoundByEverythingThatNamesThem(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u := alice
		u.Email, u.SlackID, u.FeishuOpenID, u.TimeZone, u.CreatedAt = "Alice@Example.com", "U1", "ou_1", "Asia/Shanghai", 5
		u.WorkingHours, u.Holidays = "Mon-Fri 09:00-18:00", []string{"2026-10-01..2026-10-07", "2026-12-25"}
		must(t, s.CreateUser(ctx, &u))
		u.Email = "alice@example.com"
		for name, find := range map[string]func() (*slipway.User, error){
			"id":     func() (*slipway.User, error) { return s.User(ctx, u.ID) },
			"e-mail": func() (*slipway.User, error) { return s.UserByEmail(ctx, "ALICE@example.com") },
			"slack":  func() (*slipway.User, error) { return s.UserBySlackID(ctx, "U1") },
			"feishu": func() (*slipway.User, error) { return s.UserByFeishuOpenID(ctx, "ou_1") },
		} {
			got, err := find()
			if diff := cmp.Diff(&u, got); err != nil || diff != "" {
				t.Errorf("by %s (-want +got): %v\n%s", name, err, diff)
			}
		}
		for name, find := range map[string]func() (*slipway.User, error){
			"id":     func() (*slipway.User, error) { return s.User(ctx, "") },
			"e-mail": func() (*slipway.User, error) { return s.UserByEmail(ctx, "") },
			"slack":  func() (*slipway.User, error) { return s.UserBySlackID(ctx, "") },
			"feishu": func() (*slipway.User, error) { return s.UserByFeishuOpenID(ctx, "") },
		} {
			if _, err := find(); slipway.CodeOf(err) != slipway.NotFound {
				t.Errorf("by an empty %s: %v", name, err)
			}
		}
	})
}

func TestNamesMayBeSharedAccountsMayNot(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two, three := alice, bob, root
		one.Name, two.Name, two.Email, three.Email = "Ärger 王", "äRGER 王", "", ""
		one.SlackID, one.FeishuOpenID = "U1", "ou_1"
		for _, u := range []*slipway.User{&one, &two, &three} { // two of them without an e-mail
			must(t, s.CreateUser(ctx, u))
		}
		same, err := s.UsersByName(ctx, "ärger 王")
		if err != nil || len(same) != 2 {
			t.Errorf("users of one name: %v, %v", same, err)
		}
		if all, err := s.Users(ctx); err != nil || len(all) != 3 {
			t.Errorf("all users: %v, %v", all, err)
		}
		for name, take := range map[string]func(u *slipway.User){
			"Alice@example.com": func(u *slipway.User) { u.Email = "Alice@example.com" },
			"U1":                func(u *slipway.User) { u.SlackID = "U1" },
			"ou_1":              func(u *slipway.User) { u.FeishuOpenID = "ou_1" },
		} {
			fresh := slipway.User{ID: "u-new", Name: "New", Role: slipway.RoleMember, Locale: slipway.English}
			take(&fresh)
			err := s.CreateUser(ctx, &fresh)
			wantCode(t, err, slipway.Conflict)
			if text := slipway.TextOf(err); !strings.Contains(strings.ToLower(text.EN), strings.ToLower(name)) || !strings.Contains(text.ZH, "已属于其他用户") {
				t.Errorf("%s is taken, people are told %+v", name, text)
			}
			changed := two
			take(&changed)
			wantCode(t, s.UpdateUser(ctx, &changed), slipway.Conflict)
		}
		two.Name, two.Email, two.Role = "Bob", "bob@example.com", slipway.RoleAdmin
		must(t, s.UpdateUser(ctx, &two))
		got, err := s.User(ctx, two.ID)
		if diff := cmp.Diff(&two, got); err != nil || diff != "" {
			t.Errorf("the changed user (-want +got): %v\n%s", err, diff)
		}
		wantCode(t, s.UpdateUser(ctx, &slipway.User{ID: "none", Name: "n", Role: slipway.RoleMember, Locale: slipway.English}), slipway.NotFound)
	})
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u := alice
		must(t, s.CreateUser(ctx, &u))
		api, session := strings.Repeat("a", 64), strings.Repeat("b", 64)
		end := morning.Add(time.Hour)
		must(t, s.PutCredential(ctx, storage.Credential{Hash: api, Kind: storage.CredentialAPI, UserID: u.ID}))
		must(t, s.PutCredential(ctx, storage.Credential{Hash: session, Kind: storage.CredentialSession, UserID: u.ID, ExpiresAt: end.Unix()}))
		known := func(kind storage.CredentialKind, hash string, now time.Time) bool {
			got, err := s.UserByCredential(ctx, kind, hash, now)
			if err != nil {
				wantCode(t, err, slipway.NotFound)
				return false
			}
			return got.ID == u.ID
		}
		for _, test := range []struct {
			what string
			kind storage.CredentialKind
			hash string
			now  time.Time
			want bool
		}{
			{"a token that never expires", storage.CredentialAPI, api, morning.AddDate(9, 0, 0), true},
			{"a session", storage.CredentialSession, session, end.Add(-time.Second), true},
			{"a session that is over", storage.CredentialSession, session, end, false},
			{"a token for a session", storage.CredentialSession, api, morning, false},
			{"an unknown token", storage.CredentialAPI, strings.Repeat("c", 64), morning, false},
		} {
			if got := known(test.kind, test.hash, test.now); got != test.want {
				t.Errorf("%s is known: %v, want %v", test.what, got, test.want)
			}
		}
		must(t, s.ForgetExpired(ctx, end.Add(-time.Second)))
		if !known(storage.CredentialSession, session, morning) {
			t.Error("a session is forgotten before its end")
		}
		must(t, s.ForgetExpired(ctx, end))
		if known(storage.CredentialSession, session, morning) || !known(storage.CredentialAPI, api, morning) {
			t.Error("the expired session is kept, or the token forgotten")
		}
		must(t, s.PutCredential(ctx, storage.Credential{Hash: session, Kind: storage.CredentialSession, UserID: u.ID, ExpiresAt: end.Unix()}))
		must(t, s.DropCredentials(ctx, u.ID, storage.CredentialSession))
		if known(storage.CredentialSession, session, morning) || !known(storage.CredentialAPI, api, morning) {
			t.Error("signing out leaves the session, or takes the token")
		}
		must(t, s.DropCredential(ctx, api))
		if known(storage.CredentialAPI, api, morning) {
			t.Error("a dropped token is known")
		}
	})
}

// A sign-in link works once, however many follow it at the same time.
func TestALinkIsUsedOnce(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u := alice
		must(t, s.CreateUser(ctx, &u))
		link, old := strings.Repeat("a", 64), strings.Repeat("b", 64)
		must(t, s.PutCredential(ctx, storage.Credential{Hash: link, Kind: storage.CredentialLink, UserID: u.ID, ExpiresAt: morning.Unix() + 1}))
		must(t, s.PutCredential(ctx, storage.Credential{Hash: old, Kind: storage.CredentialLink, UserID: u.ID, ExpiresAt: morning.Unix()}))
		_, err := s.TakeLink(ctx, old, morning)
		wantCode(t, err, slipway.NotFound)
		var in atomic.Int64
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if got, err := s.TakeLink(ctx, link, morning); err == nil && got.ID == u.ID {
					in.Add(1)
				} else if slipway.CodeOf(err) != slipway.NotFound {
					t.Errorf("link: %v, %v", got, err)
				}
			})
		}
		wg.Wait()
		if in.Load() != 1 {
			t.Errorf("the link let %d in, want 1", in.Load())
		}
	})
}

func TestWhenAUserWorksIsSetByItself(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		u, other := alice, bob
		must(t, s.CreateUser(ctx, &u))
		must(t, s.CreateUser(ctx, &other))
		must(t, s.SetHours(ctx, u.ID, "Mon-Fri 10:00-19:00", []string{"2026-12-25"}))
		u.WorkingHours, u.Holidays = "Mon-Fri 10:00-19:00", []string{"2026-12-25"}
		got, err := s.UsersByID(ctx, []string{u.ID, other.ID, "nobody"})
		if diff := cmp.Diff(map[string]*slipway.User{u.ID: &u, other.ID: &other}, got); err != nil || diff != "" {
			t.Errorf("(-want +got): %v\n%s", err, diff)
		}
		must(t, s.SetHours(ctx, u.ID, "", nil))
		if got, err := s.User(ctx, u.ID); err != nil || got.WorkingHours != "" || got.Holidays != nil {
			t.Errorf("%+v, %v", got, err)
		}
		if err := s.SetHours(ctx, "nobody", "", nil); slipway.CodeOf(err) != slipway.NotFound {
			t.Errorf("of nobody: %v", err)
		}
	})
}
