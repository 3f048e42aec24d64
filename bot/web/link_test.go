package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"slipway/commands"
	"slipway/storage"
)

// offer makes the address of the page that links Bob's account, called bobby.
func (w *world) offer() string {
	w.t.Helper()
	token, err := w.cmds.NewAccountLink(w.t.Context(), storage.Account{Platform: "slack", ID: "U7", Name: "bobby"})
	if err != nil {
		w.t.Fatal(err)
	}
	return "/link?token=" + token
}

func TestAnAccountIsLinkedByWhoeverSignsInAndConfirms(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	link := w.offer()

	// Whoever is not signed in goes through the door first and comes back.
	secret, err := w.cmds.NewLink(t.Context(), w.bob, w.bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	bob := w.browser()
	page := bob.get(link)
	if !strings.HasPrefix(page.path, "/signin?next=") {
		t.Fatalf("a stranger is at %s", page.path)
	}
	page = page.form("/signin").set("token", secret).send()
	if page.path != link || !strings.Contains(page.text(), "Link the Slack account bobby to Bob?") {
		t.Fatalf("%s: %s", page.path, page.text())
	}
	bob.get(link) // looking at it uses nothing up
	if u, err := w.store.User(t.Context(), w.bob.ID); err != nil || u.SlackID != "" {
		t.Fatalf("linked without being asked: %+v, %v", u, err)
	}
	if page = page.form("/link").send(); page.status != http.StatusOK || !strings.Contains(page.text(), "The Slack account bobby is yours now") {
		t.Fatalf("%d %s", page.status, page.text())
	}
	if u, err := w.store.UserBySlackID(t.Context(), "U7"); err != nil || u.ID != w.bob.ID {
		t.Errorf("the account is %+v's: %v", u, err)
	}
	if page := bob.get(link); page.status != http.StatusNotFound || !strings.Contains(page.text(), "no longer good") {
		t.Errorf("the link is still good: %d %s", page.status, page.text())
	}
}

func TestAnAccountOfSomebodyElseMovesOnlyAfterAWarning(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	orphan, err := w.cmds.PutUser(t.Context(), commands.NewUser{Name: "Bobby", Email: "bobby@example.net", SlackID: "U7"})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.SetAccount(t.Context(), w.wang.ID, storage.Account{Platform: "slack", ID: "U-old"}); err != nil {
		t.Fatal(err)
	}
	wang := w.signIn(w.wang)
	page := wang.get(w.offer())
	for _, part := range []string{"将 Slack 账号 bobby 关联到 王芳", "目前属于 Bobby", "另一个 Slack 账号 U-old"} {
		if !strings.Contains(page.text(), part) {
			t.Errorf("no %q in: %s", part, page.text())
		}
	}
	if page = page.form("/link").send(); page.status != http.StatusOK || !strings.Contains(page.text(), "已关联") {
		t.Errorf("%d %s", page.status, page.text())
	}
	if u, err := w.store.User(t.Context(), orphan.ID); err != nil || u.SlackID != "" {
		t.Errorf("the old user is left with %+v: %v", u, err)
	}
}

func TestAnAccountInUseStaysWhereItIs(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.store.SetAccount(t.Context(), w.alice.ID, storage.Account{Platform: "slack", ID: "U7"}); err != nil {
		t.Fatal(err)
	}
	w.plan("payments") // Alice's
	bob := w.signIn(w.bob)
	page := bob.get(w.offer()).form("/link").send()
	if page.status != http.StatusConflict || !strings.Contains(page.text(), "Alice, who takes part in plans that are not over: #1") {
		t.Errorf("%d %s", page.status, page.text())
	}
	if page := bob.post("/link", url.Values{"token": {"slp_wrong"}}); page.status != http.StatusNotFound {
		t.Errorf("a made-up link: %d %s", page.status, page.text())
	}
}
