package storage_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"slipway"
	"slipway/storage"
	"slipway/storage/storagetest"
)

// offer makes a credential that links an account, and returns its hash.
func offer(t *testing.T, s *storage.Store, digit, subject string) string {
	t.Helper()
	hash := strings.Repeat(digit, 64)
	must(t, s.PutCredential(t.Context(), storage.Credential{
		Hash: hash, Kind: storage.CredentialAccount, Subject: subject, CreatedAt: morning.Unix(), ExpiresAt: morning.Add(15 * time.Minute).Unix(),
	}))
	return hash
}

func TestAnAccountIsMovedOnceByItsLink(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two := alice, bob
		one.SlackID, two.SlackID, two.FeishuOpenID = "U-old", "U1", "ou_bob"
		must(t, s.CreateUser(ctx, &one))
		must(t, s.CreateUser(ctx, &two))
		hash := offer(t, s, "a", `{"platform":"slack","id":"U1","name":"al"}`)
		if a, err := s.AccountOf(ctx, hash, morning); err != nil || a != (storage.Account{Platform: "slack", ID: "U1", Name: "al"}) {
			t.Errorf("the link is about %+v: %v", a, err)
		}
		_, err := s.AccountOf(ctx, hash, morning.Add(15*time.Minute))
		wantCode(t, err, slipway.NotFound)
		_, err = s.MoveAccount(ctx, hash, alice.ID, morning.Add(15*time.Minute))
		wantCode(t, err, slipway.NotFound)
		_, err = s.MoveAccount(ctx, hash, "nobody", morning)
		wantCode(t, err, slipway.NotFound)
		if u, err := s.UserBySlackID(ctx, "U1"); err != nil || u.ID != bob.ID {
			t.Errorf("after a refusal the account is %+v's: %v", u, err)
		}

		errs := make(chan error)
		for range 4 {
			go func() {
				_, err := s.MoveAccount(ctx, hash, alice.ID, morning)
				errs <- err
			}()
		}
		moved := 0
		for range 4 {
			if err := <-errs; err == nil {
				moved++
			} else {
				wantCode(t, err, slipway.NotFound)
			}
		}
		now, err := s.User(ctx, alice.ID)
		if moved != 1 || err != nil || now.SlackID != "U1" {
			t.Errorf("moved %d times to %+v: %v", moved, now, err)
		}
		if b, err := s.User(ctx, bob.ID); err != nil || b.SlackID != "" || b.FeishuOpenID != "ou_bob" {
			t.Errorf("Bob is left with %+v: %v", b, err)
		}
		_, err = s.UserBySlackID(ctx, "U-old")
		wantCode(t, err, slipway.NotFound)
	})
}

func TestWhoeverTakesPartInAPlanKeepsTheAccount(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two := alice, bob
		one.FeishuOpenID, two.FeishuOpenID = "ou_alice", "ou_bob"
		must(t, s.CreateUser(ctx, &one))
		must(t, s.CreateUser(ctx, &two))
		p := create(t, s, draft(t, "payments")) // Alice's, to be approved by Bob
		hash := offer(t, s, "b", `{"platform":"feishu","id":"ou_bob","name":"Bob"}`)
		_, err := s.MoveAccount(ctx, hash, alice.ID, morning)
		wantCode(t, err, slipway.Conflict)
		if text := slipway.TextOf(err); !strings.Contains(text.EN, "Bob") || !strings.Contains(text.ZH, "#1") {
			t.Errorf("the refusal says %+v", text)
		}
		req := ask(alice, noRules)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Cancel(req, "no more") })
		if _, err := s.MoveAccount(ctx, hash, alice.ID, morning); err != nil {
			t.Errorf("after the plan is over: %v", err)
		}
	})
}

// Else somebody could decide for an approver who is away, and be one with the manager then.
func TestWhoeverDecidedForAnotherKeepsTheAccount(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two := alice, root
		one.FeishuOpenID, two.FeishuOpenID = "ou_alice", "ou_root"
		must(t, s.CreateUser(ctx, &one))
		must(t, s.CreateUser(ctx, &two))
		away := &slipway.Rules{Delegations: []slipway.Delegation{{Of: bob.Ref(), To: root.Ref(), End: morning.Unix() + 60}}}
		p := submit(t, s, create(t, s, draft(t, "payments")), away).Plan
		req := ask(root, away)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Vote(req, true, "") })
		hash := offer(t, s, "c", `{"platform":"feishu","id":"ou_root","name":"Root"}`)
		_, err := s.MoveAccount(ctx, hash, alice.ID, morning)
		wantCode(t, err, slipway.Conflict)
		// What counts again in the next round counts here, too.
		req = ask(alice, away)
		move(t, s, p.ID, req, func(p *slipway.Plan) (*slipway.Change, error) { return p.Replan(req, "") })
		_, err = s.MoveAccount(ctx, hash, alice.ID, morning)
		wantCode(t, err, slipway.Conflict)
	})
}

func TestAccountsOfOnePersonThatComeAtOnceAreAllKept(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two := alice, bob
		must(t, s.CreateUser(ctx, &one))
		must(t, s.CreateUser(ctx, &two))
		var wg sync.WaitGroup
		for _, a := range []storage.Account{{Platform: "slack", ID: "U1"}, {Platform: "feishu", ID: "ou_1"}, {Platform: "slack", ID: "U1"}} {
			wg.Go(func() {
				if err := s.SetAccount(ctx, alice.ID, a); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if u, err := s.User(ctx, alice.ID); err != nil || u.SlackID != "U1" || u.FeishuOpenID != "ou_1" {
			t.Errorf("Alice has %+v: %v", u, err)
		}
		wantCode(t, s.SetAccount(ctx, alice.ID, storage.Account{Platform: "slack", ID: "U2"}), slipway.Conflict)
		wantCode(t, s.SetAccount(ctx, bob.ID, storage.Account{Platform: "slack", ID: "U1"}), slipway.Conflict)
		wantCode(t, s.SetAccount(ctx, bob.ID, storage.Account{Platform: "icq", ID: "1"}), slipway.Internal)
	})
}

func TestOnlyWhatIsNotKnownOfAUserIsNoted(t *testing.T) {
	t.Parallel()
	storagetest.Each(t, func(t *testing.T, s *storage.Store) {
		ctx := t.Context()
		one, two := alice, bob
		one.LocaleGuessed = true
		two.TimeZone = "Europe/London"
		must(t, s.CreateUser(ctx, &one))
		must(t, s.CreateUser(ctx, &two))
		for _, id := range []string{one.ID, two.ID} {
			must(t, s.Acquaint(ctx, id, "", ""))
			must(t, s.Acquaint(ctx, id, slipway.Chinese, "Asia/Shanghai"))
			must(t, s.Acquaint(ctx, id, slipway.English, "Asia/Tokyo"))
		}
		a, err := s.User(ctx, one.ID)
		if err != nil || a.Locale != slipway.Chinese || a.LocaleGuessed || a.TimeZone != "Asia/Shanghai" {
			t.Errorf("Alice is %+v: %v", a, err)
		}
		b, err := s.User(ctx, two.ID)
		if err != nil || b.Locale != slipway.English || b.TimeZone != "Europe/London" {
			t.Errorf("Bob is %+v: %v", b, err)
		}
	})
}
