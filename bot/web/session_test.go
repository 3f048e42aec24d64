package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"slipway/bot/web"
)

func TestASignInLinkWorksOnceAndOnlyWhenTheButtonIsPressed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	secret, err := w.cmds.NewLink(t.Context(), w.bob, w.bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	link := "/signin?token=" + secret

	// A program that looks at links opens it; nobody is signed in, nothing is used up.
	robot := w.browser()
	for range 2 {
		if page := robot.get(link); page.status != http.StatusOK || !strings.Contains(page.text(), "Sign in as Bob") {
			t.Fatalf("%d %s", page.status, page.text())
		}
	}
	if page := robot.get("/plans"); !strings.HasPrefix(page.path, "/signin?next=") {
		t.Fatalf("the robot is signed in: %s", page.path)
	}

	bob := w.browser()
	if page := bob.get(link).form("").send(); page.status != http.StatusOK || !strings.HasPrefix(page.path, "/rooms/") {
		t.Fatalf("%d %s", page.status, page.path)
	}
	again := w.browser()
	if page := again.get(link); page.status != http.StatusUnauthorized || !strings.Contains(page.text(), "no longer good") {
		t.Errorf("%d %s", page.status, page.text())
	}
	if page := again.post("/signin", url.Values{"token": {secret}}); page.status != http.StatusUnauthorized {
		t.Errorf("the link worked twice: %d %s", page.status, page.path)
	}
}

// The link of a mail leads to a plan.
func TestASignInLinkToAPlan(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := w.plan("payments")
	secret, err := w.cmds.NewMailLink(t.Context(), w.bob.ID)
	if err != nil {
		t.Fatal(err)
	}
	link := "/signin?" + url.Values{"token": {secret}, "next": {"/plans/" + p.ID}}.Encode()
	robot := w.browser()
	if page := robot.do(http.MethodHead, link, "", http.NoBody); page.status != http.StatusOK || page.header.Get("Set-Cookie") != "" {
		t.Errorf("a look at the head: %d, cookies %q", page.status, page.header.Get("Set-Cookie"))
	}
	robot.get(link)

	// Whoever is inside goes on to the plan, and needs no link.
	inside := w.signIn(w.bob)
	if page := inside.get(link); page.path != "/plans/"+p.ID {
		t.Errorf("Bob, who is signed in, is led to %s", page.path)
	}
	if page := w.signIn(w.alice).get(link); !strings.Contains(page.text(), "Sign in as Bob") {
		t.Errorf("Alice sees %s", page.text())
	}
	if page := w.browser().get(link).form("").send(); page.status != http.StatusOK || page.path != "/plans/"+p.ID {
		t.Errorf("the link leads to %d %s", page.status, page.path)
	}
	if page := w.browser().get(link); page.status != http.StatusUnauthorized || !strings.Contains(page.text(), "the plan's manager can remind you") {
		t.Errorf("a used link does not say how to get another: %d %s", page.status, page.text())
	}
	if page := inside.get(link); page.path != "/plans/"+p.ID {
		t.Errorf("Bob, who is signed in, is led to %s by a used link", page.path)
	}
}

func TestMailsAreSwitchedOffByThePersonAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(_ *world, c *web.Config) { c.Mails = true })
	bob := w.signIn(w.bob)
	page := bob.get("/plans").form("No more mails about approvals").set("mail", "off").send()
	if u, err := w.store.User(t.Context(), w.bob.ID); err != nil || !u.NoMail {
		t.Errorf("Bob still gets mails: %+v, %v", u, err)
	}
	page.form("Mail me when I am asked to approve").set("mail", "on").send()
	if u, err := w.store.User(t.Context(), w.bob.ID); err != nil || u.NoMail {
		t.Errorf("Bob gets no mails any more: %+v, %v", u, err)
	}
	other := newWorld(t)
	if page := other.signIn(other.bob).get("/plans"); strings.Contains(page.text(), "mails about approvals") {
		t.Error("mails are spoken of where there are none")
	}
}

func TestSigningOutEndsTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.signIn(w.bob)
	site, _ := url.Parse(w.server.URL)
	kept := bob.client.Jar.Cookies(site)
	bob.get("/plans").form("/signout").send()
	bob.client.Jar.SetCookies(site, kept) // a copy of the cookie does not help
	if page := bob.get("/plans"); !strings.HasPrefix(page.path, "/signin") {
		t.Errorf("still signed in: %s", page.path)
	}
}

func TestTheSessionCookieIsKeptFromScriptsAndOtherSites(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ public, want string }{
		{"http://slipway.example.com", "; HttpOnly; SameSite=Lax"},
		{"https://slipway.example.com", "; HttpOnly; Secure; SameSite=Lax"},
	} {
		w := newWorld(t, func(_ *world, c *web.Config) { c.PublicURL = tt.public })
		secret, err := w.cmds.NewLink(t.Context(), w.bob, w.bob.ID)
		if err != nil {
			t.Fatal(err)
		}
		b := w.browser()
		b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		page := b.post("/signin", url.Values{"token": {secret}, "next": {"//evil.example.com/"}})
		if cookie := page.header.Get("Set-Cookie"); !strings.HasSuffix(cookie, tt.want) {
			t.Errorf("%s: %s", tt.public, cookie)
		}
		if to := page.header.Get("Location"); to != "/" {
			t.Errorf("after the sign-in to %s", to)
		}
	}
}

func TestTheDoorSpeaksTheLanguageOfTheBrowser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, tt := range []struct{ accept, path, want string }{
		{"", "/signin", "Sign-in token"},
		{"de-DE,de;q=0.9", "/signin", "Sign-in token"},
		{"zh-CN,zh;q=0.9,en;q=0.8", "/signin", "登录令牌"},
		{"zh-CN", "/signin?lang=en", "Sign-in token"},
	} {
		b := w.browser()
		b.header.Set("Accept-Language", tt.accept)
		if page := b.get(tt.path); !strings.Contains(page.text(), tt.want) {
			t.Errorf("%s %s: %s", tt.accept, tt.path, page.text())
		}
	}
	if page := w.browser().post("/signin", url.Values{"token": {"slp_wrong"}}); page.status != http.StatusUnauthorized ||
		!strings.Contains(page.text(), "not valid") {
		t.Errorf("%d %s", page.status, page.text())
	}
}

func TestAPersonChoosesLanguageAndTimeZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.signIn(w.bob)
	bob.post("/me", url.Values{"locale": {"zh"}})
	if page := bob.get("/plans"); !strings.Contains(page.text(), "还没有发布计划") || !strings.Contains(page.body, `<html lang="zh-CN">`) {
		t.Errorf("not Chinese: %s", page.text())
	}
	if page := bob.post("/me", url.Values{"time_zone": {"Europe/Berlin"}}); !strings.Contains(bob.get("/plans").text(), "Europe/Berlin") {
		t.Errorf("%d %s", page.status, page.text())
	}
	refused := bob.post("/me", url.Values{"time_zone": {"Mars/Crater"}, "next": {"/plans"}})
	if refused.status != http.StatusBadRequest {
		t.Errorf("%d %s", refused.status, refused.text())
	}
	again := refused.form("没有时区")
	if kept := again.fields.Get("time_zone"); kept != "Mars/Crater" {
		t.Errorf("what was written is %q now", kept)
	}
	if page := again.set("time_zone", "Asia/Tokyo").send(); page.path != "/plans" || !strings.Contains(page.text(), "Asia/Tokyo") {
		t.Errorf("mended, then at %s: %s", page.path, page.text())
	}
}

func TestEveryPageIsHeldToTheStrictPolicy(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.signIn(w.alice)
	p := w.plan("payments 4.2")
	for _, path := range []string{"/", "/plans", "/plans/" + p.ID, "/people", "/nowhere", "/rooms/" + w.room.ID, "/signin"} {
		page := alice.get(path)
		const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
		if got := page.header.Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: policy %q", path, got)
		}
		if page.header.Get("X-Content-Type-Options") != "nosniff" || page.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, page.header)
		}
		page.each(func(n *html.Node) {
			if n.Data == "style" || n.Data == "script" && (attr(n, "src") == "" || n.FirstChild != nil) {
				t.Errorf("%s has an inline %s", path, n.Data)
			}
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
				}
				if a.Key == "src" || a.Key == "href" && n.Data == "link" {
					assertKept(t, alice, a.Val)
				}
			}
		})
	}
}

// assertKept checks that a file of a page is there and that a browser may keep it.
func assertKept(t *testing.T, b *browser, path string) {
	t.Helper()
	page := b.get(path)
	if page.status != http.StatusOK || page.header.Get("Cache-Control") != "public, max-age=31536000, immutable" {
		t.Errorf("%s: %d %v", path, page.status, page.header)
	}
}

func TestAnotherSiteCannotPressButtons(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.signIn(w.alice)
	f := alice.get("/people").form("/people").set("name", "Mallory").set("email", "mallory@example.com")
	for name, header := range map[string]http.Header{
		"a browser that says where": {"Sec-Fetch-Site": {"cross-site"}},
		"an old browser":            {"Origin": {"https://evil.example.com"}},
	} {
		alice.header = header
		if page := f.send(); page.status != http.StatusForbidden || !strings.Contains(page.text(), "another site") {
			t.Errorf("%s: %d %s", name, page.status, page.text())
		}
	}
	alice.header = http.Header{"Origin": {"http://slipway.example.com"}} // behind a proxy
	if page := f.send(); page.status != http.StatusOK {
		t.Errorf("own origin refused: %d %s", page.status, page.text())
	}
}

func TestTooMuchIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := w.signIn(w.bob)
	page := bob.post("/rooms/"+w.room.ID+"/say", url.Values{"text": {strings.Repeat("x", web.MaxBody)}})
	if page.status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", page.status, page.text())
	}
}

func TestAdminsAddPeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.signIn(w.alice), w.signIn(w.bob)
	f := alice.get("/people").form("/people")
	refused := f.set("name", "Carol").set("email", "not an address").set("time_zone", "Mars/Crater").send()
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.text(), "an e-mail address is expected") ||
		!strings.Contains(refused.text(), "an IANA time zone is expected") || refused.form("/people").fields.Get("name") != "Carol" {
		t.Fatalf("%d %s", refused.status, refused.text())
	}
	added := refused.form("/people").set("email", "carol@example.com").set("time_zone", "UTC").send()
	if added.status != http.StatusOK {
		t.Fatalf("%d %s", added.status, added.text())
	}
	link := ""
	added.each(func(n *html.Node) {
		if attr(n, "id") == "link" {
			link = attr(n, "value")
		}
	})
	path, ok := strings.CutPrefix(link, "http://slipway.example.com")
	if !ok || strings.Contains(alice.get("/people").body, path) {
		t.Fatalf("link %q is missing or shown again", link)
	}
	carol := w.browser()
	if page := carol.get(path).form("").send(); !strings.HasPrefix(page.path, "/rooms/") {
		t.Errorf("Carol came to %s", page.path)
	}
	if again := added.form("/people").set("name", "Carol 2").set("email", "carol@example.com").send(); again.status != http.StatusConflict {
		t.Errorf("the same e-mail twice: %d", again.status)
	}

	for _, path := range []string{"/people", "/queues/", "/queues/api/queues"} {
		if page := bob.get(path); page.status != http.StatusForbidden {
			t.Errorf("Bob sees %s: %d", path, page.status)
		}
	}
	for _, path := range []string{"/people", "/people/" + w.alice.ID + "/link", "/rooms", "/queues/api/queues/default:pause"} {
		if page := bob.post(path, url.Values{"name": {"x"}, "email": {"x@example.com"}}); page.status != http.StatusForbidden {
			t.Errorf("Bob may post %s: %d", path, page.status)
		}
	}
}
