package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"slipway"
	"slipway/bot/mail/mailtest"
	"slipway/commands"
)

// TestBrowserMail has two approvers open their mails in headless Chromium, one of them in
// Chinese, and decide on the page that the mail leads to. The story itself is
// deploy/dev/browser/mail.mjs.
func TestBrowserMail(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	defer cancel()
	server := mailtest.New(t, mailtest.Behaviour{})
	s := newStage(ctx, t, func(c *config) {
		c.SMTPURL = secret("smtp://" + server.Addr + "?from=slipway@example.com")
		c.Hooks = nil
		c.Users = append(c.Users, userConfig{Name: "Carol", Email: "carol@example.com", Locale: "en", TimeZone: "Europe/Berlin"})
	})
	box := &mailbox{t: t, mails: server.Mails(), read: map[string]mailtest.Letter{}}
	page := httptest.NewServer(box)
	t.Cleanup(page.Close)
	s.submitForMail()
	playInBrowser(ctx, t, "mail.mjs", "SLIPWAY="+s.app.config.PublicURL, "MAILBOX="+page.URL)
	if m, ok := box.next(0); ok {
		t.Errorf("there is one mail more, to %s", m.To)
	}
}

// submitForMail submits a plan that Bob and Carol must approve.
func (s *stage) submitForMail() {
	s.t.Helper()
	users, err := s.app.store.Users(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	who := map[string]*slipway.User{}
	for _, u := range users {
		who[u.Name] = u
	}
	alice, start := who["Alice"], time.Now().Add(-time.Hour)
	made, err := s.app.commands.CreateDraft(s.t.Context(), commands.Ask{User: alice}, slipway.Draft{
		Name: "payments 4.2", Manager: alice.Ref(), StartTime: start.Unix(), EndTime: start.Add(4 * time.Hour).Unix(),
		Description: "Faster refunds, and **no** downtime.\n\n* Roll back with `make rollback`\n* [Notes](https://example.com/notes)\n\n```\nledger: 4.2.0\n```",
		Jira:        &slipway.JiraAssociation{Sprints: []slipway.Sprint{{ProjectKey: "PAY", SprintName: "Sprint 7", SprintID: 7}}},
		Approval:    &slipway.Approval{Type: slipway.NativeApproval, Needed: 2, Approvers: []slipway.PersonRef{who["Bob"].Ref(), who["Carol"].Ref()}},
		Items: []*slipway.Item{
			{Name: "deploy", Type: slipway.WorkflowItem, Owner: alice.Ref(), Workflow: &slipway.WorkflowSpec{
				Engine: "local", Project: "payments", Name: "deploy-payments", Params: map[string]string{"VERSION": "4.2.0"},
			}},
			{Name: "announce", Type: slipway.TextItem, Owner: alice.Ref(), Text: &slipway.TextSpec{Content: "Tell **everybody**, the hotline first."}},
		},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.app.commands.Submit(s.t.Context(), commands.Ask{User: alice}, made.Plan.ID); err != nil {
		s.t.Fatal(err)
	}
}

// mailbox shows people their mails as a mail program does: GET /<address> waits for the
// one that comes.
type mailbox struct {
	t     *testing.T
	mails <-chan mailtest.Mail
	read  map[string]mailtest.Letter // by address; the story asks for one at a time
}

func (b *mailbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := r.URL.Path[1:]
	for b.read[address].HTML == "" {
		m, ok := b.next(browserPatience)
		if !ok {
			http.Error(w, "no mail", http.StatusNotFound)
			return
		}
		b.read[m.To] = mailtest.Read(b.t, m)
	}
	// A mail program runs nothing, and loads nothing by itself.
	w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := io.WriteString(w, b.read[address].HTML); err != nil && !errors.Is(err, http.ErrHandlerTimeout) {
		b.t.Errorf("show the mail: %v", err)
	}
}

// next is the mail that comes within a time.
func (b *mailbox) next(within time.Duration) (mailtest.Mail, bool) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case m := <-b.mails:
		return m, true
	default:
	}
	select {
	case m := <-b.mails:
		return m, true
	case <-timer.C:
		return mailtest.Mail{}, false
	}
}
