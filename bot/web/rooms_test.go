package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"slipway"
	"slipway/bot"
	"slipway/bot/web"
	"slipway/commands"
	"slipway/storage"
)

// scripted is a bot that answers as it is told and remembers what it heard.
type scripted struct {
	mu     sync.Mutex
	heard  []bot.Event
	answer func(bot.Event) bot.Reply
}

func (s *scripted) Handle(_ context.Context, ev bot.Event) bot.Reply {
	s.mu.Lock()
	s.heard = append(s.heard, ev)
	s.mu.Unlock()
	return s.answer(ev)
}

func (s *scripted) events() []bot.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.heard)
}

func withBot(s *scripted) setup { return func(w *world, _ *web.Config) { w.bot = s } }

func TestAPersonReleasesInAConversation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.signIn(w.alice), w.signIn(w.bob)

	made := alice.inRoom(w.room.ID, "new payments 4.2 approvers=bob")
	if len(w.plans()) != 1 {
		t.Fatalf("no plan: %s", made.text())
	}
	p := w.plans()[0]
	alice.inRoom(w.room.ID, "add #1 announce: Tell the hotline owner=bob")
	alice.get("/rooms/" + w.room.ID).form("Submit").send()
	if got := w.reload(p).Status(); got != slipway.WaitForApproval {
		t.Fatalf("submitted: %s", got)
	}

	// Alice manages the plan: her card has no button to approve it, Bob's has.
	if strings.Contains(w.cardOf(alice), "Approve ") {
		t.Errorf("Alice may press Approve: %s", w.cardOf(alice))
	}
	bob.get("/rooms/" + w.room.ID).form("Approve").send().form("Approve").send() // the second is the answer to “Approve …?”
	if got := w.reload(p).Status(); got != slipway.Executing {
		t.Fatalf("approved: %s", got)
	}
	bob.get("/plans/1").form("Complete").send()
	if got := w.reload(p).Status(); got != slipway.Success {
		t.Fatalf("completed: %s", got)
	}
	for _, want := range []string{"Success", "Bob approved", "done by Bob", "History"} {
		if got := alice.get("/rooms/" + w.room.ID).text(); !strings.Contains(got, want) {
			t.Errorf("the room does not show %q: %s", want, got)
		}
	}
	wang := w.signIn(w.wang)
	if got := wang.get("/rooms/" + w.room.ID).text(); !strings.Contains(got, "Bob 已通过") {
		t.Errorf("the card is not in the reader's language: %s", got)
	}
}

// cardOf is the text of the cards in the room as somebody sees them.
func (w *world) cardOf(b *browser) string {
	var text string
	b.get("/rooms/" + w.room.ID).each(func(n *html.Node) {
		if n.Data == "article" {
			text += textOf(n) + " "
		}
	})
	return text
}

func TestAPressSentTwiceHasOneEffectAndTheNextPressAnother(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice := w.signIn(w.alice)
	f := alice.get("/rooms/"+w.room.ID).form("/say").set("text", "new payments 4.2")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { f.send() })
	}
	wg.Wait()
	if n := len(w.plans()); n != 1 {
		t.Fatalf("%d plans from one press", n)
	}
	said := 0
	alice.get("/rooms/" + w.room.ID).each(func(n *html.Node) {
		if n.Data == "p" && attr(n, "class") == "said" {
			said++
		}
	})
	if said != 1 {
		t.Errorf("the line stands %d times in the room", said)
	}
	alice.inRoom(w.room.ID, "new payments 4.2")
	if n := len(w.plans()); n != 2 {
		t.Errorf("%d plans from two presses", n)
	}
}

func TestWhatPeopleWriteIsOnlyEverText(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const title = `<script>alert(1)</script> <!channel> {{.}} "x" onload=y`
	p := w.plan(title)
	alice := w.signIn(w.alice)
	alice.inRoom(w.room.ID, `<img src=x onerror=alert(1)>`)
	if _, err := w.cmds.EditDraft(t.Context(), commands.Ask{User: w.alice}, p.ID, func(d *slipway.Draft) error {
		d.Description = `<script>alert(2)</script> [x](javascript:alert(3)) <b onclick="x()">bold</b>`
		d.Items[0].Name = title
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/rooms/" + w.room.ID, "/plans", "/plans/" + p.ID} {
		page := alice.get(path)
		if !strings.Contains(page.text(), `<script>alert(1)</script> <!channel> {{.}} "x" onload=y`) {
			t.Errorf("%s does not show the title: %s", path, page.text())
		}
		page.each(func(n *html.Node) {
			if n.Data == "script" && attr(n, "src") == "" || n.Data == "img" && attr(n, "src") == "x" {
				t.Errorf("%s runs what people wrote", path)
			}
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "javascript:") {
					t.Errorf("%s: <%s %s=%q>", path, n.Data, a.Key, a.Val)
				}
			}
		})
	}
}

func TestOnlyThePersonSeesWhatWasWhisperedAndTheirOwnRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alice, bob := w.signIn(w.alice), w.signIn(w.bob)
	bob.inRoom(w.room.ID, "aprove #7")
	if got := bob.get("/rooms/" + w.room.ID).text(); !strings.Contains(got, "only you can see this") || !strings.Contains(got, "Did you mean") {
		t.Errorf("Bob is not told: %s", got)
	}
	if got := alice.get("/rooms/" + w.room.ID).text(); strings.Contains(got, "Did you mean") {
		t.Errorf("Alice sees what was whispered: %s", got)
	}
	own := "direct-" + w.bob.ID
	if page := bob.get("/rooms/" + own); page.status != http.StatusOK {
		t.Errorf("Bob's own room: %d", page.status)
	}
	for _, path := range []string{"/rooms/" + own, "/live?room=" + own} {
		if page := alice.get(path); page.status != http.StatusNotFound {
			t.Errorf("Alice comes to %s: %d", path, page.status)
		}
	}
	if page := alice.post("/rooms/"+own+"/say", url.Values{"text": {"hello"}}); page.status != http.StatusNotFound {
		t.Errorf("Alice speaks in Bob's room: %d", page.status)
	}
}

func TestTheConsoleIsAPlatform(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withBot(&scripted{}))
	ctx := t.Context()
	room := bot.RoomRef{Platform: bot.Web, ID: w.room.ID}
	card := bot.Card{Lang: slipway.English, Title: "hello", Summary: "hello"}

	first, err := w.web.Post(ctx, bot.Target{Room: room}, card, "key-1")
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.web.Post(ctx, bot.Target{Room: room}, card, "key-1")
	if err != nil || again != first {
		t.Errorf("the same key posted %v and %v, %v", first, again, err)
	}
	reply, err := w.web.Post(ctx, bot.Target{ReplyTo: first}, card, "key-2")
	if err != nil || reply.Thread != first.ID {
		t.Errorf("a reply is %v, %v", reply, err)
	}
	direct, err := w.web.Post(ctx, bot.Target{User: bot.UserRef{Platform: bot.Web, ID: w.bob.ID}}, card, "key-3")
	if err != nil || direct.Room.ID != "direct-"+w.bob.ID {
		t.Errorf("a direct message is %v, %v", direct, err)
	}
	card.Title = "changed"
	if err := w.web.Update(ctx, first, card); err != nil {
		t.Fatal(err)
	}
	m, err := w.store.Message(ctx, first.ID)
	if err != nil || !strings.Contains(string(m.Card), "changed") {
		t.Errorf("%s %v", m.Card, err)
	}
	link, err := w.web.Permalink(ctx, first)
	if want := "http://slipway.example.com/rooms/" + w.room.ID + "#m-" + first.ID; err != nil || link != want {
		t.Errorf("%s %v", link, err)
	}
	person, err := w.web.Resolve(ctx, bot.UserRef{Platform: bot.Web, ID: w.wang.ID})
	want := bot.Person{Name: "王芳", Email: "wang@example.com", Locale: "zh", TimeZone: "Asia/Shanghai"}
	if diff := cmp.Diff(want, person); diff != "" || err != nil {
		t.Error(diff, err)
	}

	nobody := bot.UserRef{Platform: bot.Web, ID: "nobody"}
	nowhere := bot.RoomRef{Platform: bot.Web, ID: "nowhere"}
	for what, err := range map[string]error{
		"update":       w.web.Update(ctx, bot.MsgRef{Room: room, ID: "gone"}, card),
		"post":         second(w.web.Post(ctx, bot.Target{Room: nowhere}, card, "k")),
		"post to user": second(w.web.Post(ctx, bot.Target{User: nobody}, card, "k")),
		"resolve":      second(w.web.Resolve(ctx, nobody)),
	} {
		if !errors.Is(err, bot.ErrGone) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestAnEventTellsTheBotAllItNeeds(t *testing.T) {
	t.Parallel()
	card := bot.Card{
		Lang: slipway.English, Title: "Ask", Summary: "Ask",
		Actions: []bot.Action{{ID: "go", Value: "p=1&v=2", Label: "Go on"}},
	}
	s := &scripted{answer: func(ev bot.Event) bot.Reply {
		if ev.Kind == bot.Command {
			return bot.Reply{Whisper: &card}
		}
		done := card
		done.Title, done.Actions = "Done", nil
		return bot.Reply{Card: &done, Toast: &bot.Toast{Kind: bot.ToastDone, Text: "<b>well</b> done"}}
	}}
	w := newWorld(t, withBot(s))
	wang := w.signIn(w.wang)
	wang.inRoom(w.room.ID, "go")
	page := wang.get("/rooms/" + w.room.ID).form("Go on").send()
	if !strings.Contains(page.text(), "<b>well</b> done") {
		t.Errorf("no toast: %s", page.text())
	}
	if got := wang.get("/rooms/" + w.room.ID).text(); !strings.Contains(got, "Done") || strings.Contains(got, "Go on") {
		t.Errorf("the card was not replaced: %s", got)
	}
	ev := s.events()[1]
	if ev.Msg.ID == "" || ev.ID == "" || ev.ID == s.events()[0].ID {
		t.Errorf("ids: %+v", ev)
	}
	ev.ID, ev.Msg.ID, ev.User = "", "", nil
	want := bot.Event{
		Kind: bot.Click, From: bot.UserRef{Platform: bot.Web, ID: w.wang.ID}, Room: bot.RoomRef{Platform: bot.Web, ID: w.room.ID},
		Msg: bot.MsgRef{Room: bot.RoomRef{Platform: bot.Web, ID: w.room.ID}}, Action: "go", Value: "p=1&v=2",
		Locale: "zh", TimeZone: "Asia/Shanghai", At: noon,
	}
	if diff := cmp.Diff(want, ev); diff != "" {
		t.Errorf("event (-want +got):\n%s", diff)
	}

	// A script gets the same answer in pieces.
	wang.header.Set("Hx-Request", "true")
	part := wang.post("/rooms/"+w.room.ID+"/act", url.Values{"press": {"1"}, "action": {"go"}})
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "&lt;b&gt;well") || !strings.Contains(part.header.Get("Hx-Trigger"), `"changed"`) {
		t.Errorf("%v %s", part.header, part.body)
	}
	// A card that only Wang sees is nobody else's to press.
	bob := w.signIn(w.bob)
	msg := s.events()[1].Msg.ID
	if page := bob.post("/rooms/"+w.room.ID+"/act", url.Values{"msg": {msg}, "action": {"go"}}); page.status != http.StatusNotFound {
		t.Errorf("Bob pressed Wang's card: %d", page.status)
	}
}

func TestALivePageIsToldAndHasLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withBot(&scripted{}))
	bob := w.signIn(w.bob)
	open := func(query string) (io.Reader, int) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/live?"+query, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := bob.client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = resp.Body.Close() })
		return resp.Body, resp.StatusCode
	}
	stream, _ := open("room=" + w.room.ID)
	lines := bufio.NewScanner(stream)
	until := func(want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", want, lines.Err())
	}
	until("event: hello")
	until(": alive")
	card := bot.Card{Lang: slipway.English, Title: "x", Summary: "x"}
	if _, err := w.web.Post(t.Context(), bot.Target{Room: bot.RoomRef{Platform: bot.Web, ID: w.room.ID}}, card, ""); err != nil {
		t.Fatal(err)
	}
	until("data: room:" + w.room.ID)
	w.notices.Publish(t.Context(), "*") // notices may have been lost
	until("data: *")

	refused := 0
	for range 30 {
		if _, status := open("plan=1&run=2"); status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 || refused == 30 {
		t.Errorf("%d of 30 further connections were refused", refused)
	}
	stranger := w.browser()
	stranger.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if page := stranger.get("/live?room=" + w.room.ID); page.status != http.StatusUnauthorized {
		t.Errorf("a stranger listens: %d", page.status)
	}
}

func TestOldMessagesAreAPageAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t, withBot(&scripted{}))
	for i := range 250 {
		m := storage.Message{ID: fmt.Sprint("m", i), RoomID: w.room.ID, AuthorID: w.bob.ID, Text: fmt.Sprintf("line %d.", i), At: noon.UnixMilli()}
		if _, err := w.store.PutMessage(t.Context(), &m); err != nil {
			t.Fatal(err)
		}
	}
	bob := w.signIn(w.bob)
	newest := bob.get("/rooms/" + w.room.ID)
	if !strings.Contains(newest.text(), "line 249.") || strings.Contains(newest.text(), "line 0.") {
		t.Errorf("the newest page: %s", newest.text())
	}
	seen := map[string]bool{}
	for page, pages := newest, 0; page != nil; pages++ {
		if pages > 10 {
			t.Fatal("the pages do not end")
		}
		var older *view
		page.each(func(n *html.Node) {
			if attr(n, "class") == "said" {
				seen[textOf(n)] = true
			}
			if strings.Contains(attr(n, "href"), "?before=") {
				older = bob.get(attr(n, "href"))
			}
		})
		page = older
	}
	if len(seen) != 250 {
		t.Errorf("%d of 250 messages on all pages", len(seen))
	}
}
