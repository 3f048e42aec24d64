package fakechat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"slipway/bot/screen"
	"slipway/cmd/slipway/fakechat"
)

// slate is a chat with one room, in which a bot counts how often it was spoken to.
type slate struct {
	mu       sync.Mutex
	changed  chan struct{}
	messages []screen.Message
	form     *screen.Form
	did      []string
}

func newSlate() *slate { return &slate{changed: make(chan struct{})} }

func (s *slate) Person(account string) screen.Person { return pupil{s, account} }

func (s *slate) Changed() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.changed
}

// change does something to the chat, and wakes who waits.
func (s *slate) change(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	do()
	close(s.changed)
	s.changed = make(chan struct{})
}

type pupil struct {
	*slate

	account string
}

func (p pupil) Rooms() []screen.Room {
	return []screen.Room{{ID: "R1", Name: "#releases"}, {ID: "D" + p.account, Name: "Slipway", Direct: true}}
}

func (p pupil) Look(room string) []screen.Message { return p.see(room, "") }

func (p pupil) Thread(room, message string) []screen.Message { return p.see(room, message) }

func (p pupil) see(room, thread string) []screen.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(p.messages), func(m screen.Message) bool {
		return m.Room != room || m.Thread != thread || m.Only && m.Author != p.account
	})
}

func (p pupil) note(what ...string) {
	p.did = append(p.did, p.account+" "+strings.Join(what, " "))
}

func (p pupil) say(room, thread, text string, only bool) {
	id := fmt.Sprintf("M%d", len(p.messages)+1)
	p.messages = append(p.messages, screen.Message{
		ID: id, Room: room, Thread: thread, Author: p.account, Text: text, Only: only, At: time.Unix(int64(len(p.messages)), 0),
	})
}

func (p pupil) Command(_ context.Context, room, thread, text string) (screen.Answer, error) {
	p.change(func() {
		p.note("command", room, thread, text)
		p.say(room, thread, "you said "+text, true)
	})
	return screen.Answer{Toast: "heard", Kind: "success"}, nil
}

func (p pupil) Write(_ context.Context, room, thread, text string) (screen.Answer, error) {
	p.change(func() { p.say(room, thread, text, false) })
	return screen.Answer{}, nil
}

func (p pupil) Press(context.Context, screen.Message, screen.Button) (screen.Answer, error) {
	return screen.Answer{}, errors.New("the page presses what it has shown")
}

func (p pupil) PressSeen(_ context.Context, m screen.Message, b screen.Button) (screen.Answer, error) {
	if b.Handle == "" {
		return screen.Answer{}, screen.ErrNotThere
	}
	p.change(func() {
		p.note("press", m.ID, b.Label, b.Handle)
		p.form = &screen.Form{Title: "Why?", Submit: "Send", Fields: []screen.Field{{Label: "Reason", Kind: screen.Text, Required: true}}}
	})
	return screen.Answer{}, nil
}

func (p pupil) Form() *screen.Form {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.form
}

func (p pupil) Fill(_ context.Context, values map[string][]string) (screen.Answer, error) {
	if len(values["Reason"]) == 0 {
		return screen.Answer{Errors: map[string]string{"Reason": "is needed"}}, nil
	}
	p.change(func() { p.note("fill", values["Reason"][0]); p.form = nil })
	return screen.Answer{}, nil
}

func (p pupil) CloseForm(context.Context) error {
	p.change(func() { p.note("close"); p.form = nil })
	return nil
}

func (p pupil) OpenHome(context.Context) (screen.Message, error) {
	return screen.Message{ID: "home", Text: "home of " + p.account}, nil
}

func (p pupil) Paste(_ context.Context, _, link string) (string, error) { return "about " + link, nil }

// open serves the page of a slate on which Alice and Bob have accounts.
func open(t *testing.T) (*slate, string) {
	t.Helper()
	s := newSlate()
	server := httptest.NewServer(fakechat.New(fakechat.Config{
		Chats: []fakechat.Chat{{ID: "slate", Name: "Slate", Look: "slack", Screen: s}},
		People: []fakechat.Person{
			{Name: "Alice", Accounts: map[string]string{"slate": "U1"}},
			{Name: "Bob", Accounts: map[string]string{"slate": "U2"}},
			{Name: "Eve", Accounts: map[string]string{"other": "U3"}},
		},
		Lang: "zh",
	}))
	t.Cleanup(server.Close)
	return s, server.URL
}

// fetch asks for JSON and returns it with the status.
func fetch[T any](t *testing.T, method, address, body string) (T, int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var v T
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("%s %s: %v in %s", method, address, err, data)
	}
	return v, res.StatusCode
}

type sight struct {
	Places []struct {
		Chat, ID, Name string
		Count          int
		Direct         bool
	}
	Messages []struct {
		ID, Text string
		Replies  int
		Only     bool
	}
	Thread []struct{ Text string }
	Form   *screen.Form
}

type outcome struct {
	Toast, Preview, Error string
	Gone                  bool
	Errors                map[string]string
	Home                  *screen.Message
}

func TestOnePersonSpeaksAndAnotherSeesIt(t *testing.T) {
	t.Parallel()
	s, page := open(t)
	do := func(deed string) outcome {
		out, _ := fetch[outcome](t, http.MethodPost, page+"/api/do", deed)
		return out
	}
	look := func(who, thread string) sight {
		v, _ := fetch[sight](t, http.MethodGet, page+"/api/look?chat=slate&room=R1&who="+who+"&thread="+thread, "")
		return v
	}
	do(`{"who": "Alice", "chat": "slate", "what": "write", "room": "R1", "text": "<b>Hello</b>"}`)
	do(`{"who": "Bob", "chat": "slate", "what": "write", "room": "R1", "thread": "M1", "text": "Hello Alice"}`)
	if out := do(`{"who": "Bob", "chat": "slate", "what": "command", "room": "R1", "text": "new"}`); out.Toast != "heard" {
		t.Errorf("the toast is %+v", out)
	}
	alice, bob := look("Alice", "M1"), look("Bob", "")
	if len(alice.Messages) != 1 || alice.Messages[0].Text != "<b>Hello</b>" || alice.Messages[0].Replies != 1 || len(alice.Thread) != 1 {
		t.Errorf("Alice sees %+v", alice)
	}
	if len(bob.Messages) != 2 || !bob.Messages[1].Only || len(bob.Thread) != 0 {
		t.Errorf("Bob sees %+v", bob)
	}
	if len(alice.Places) != 2 || alice.Places[0].Name != "#releases" || alice.Places[0].Count != 1 || !alice.Places[1].Direct {
		t.Errorf("Alice's rooms are %+v", alice.Places)
	}

	do(`{"who": "Bob", "chat": "slate", "what": "press", "message": {"id": "M1"}, "button": {"label": "Reject", "handle": "h1"}}`)
	if f := look("Bob", "").Form; f == nil || f.Title != "Why?" {
		t.Errorf("Bob's form is %+v", f)
	}
	if out := do(`{"who": "Bob", "chat": "slate", "what": "fill", "values": {}}`); out.Errors["Reason"] != "is needed" {
		t.Errorf("the form without a reason: %+v", out)
	}
	do(`{"who": "Bob", "chat": "slate", "what": "fill", "values": {"Reason": ["no rollback"]}}`)
	do(`{"who": "Bob", "chat": "slate", "what": "close"}`)
	if out := do(`{"who": "Bob", "chat": "slate", "what": "home"}`); out.Home == nil || out.Home.Text != "home of U2" {
		t.Errorf("the home page is %+v", out)
	}
	if out := do(`{"who": "Bob", "chat": "slate", "what": "paste", "room": "R1", "text": "http://x/plans/1"}`); out.Preview != "about http://x/plans/1" {
		t.Errorf("the link shows %+v", out)
	}
	want := []string{"U2 command R1  new", "U2 press M1 Reject h1", "U2 fill no rollback", "U2 close"}
	if d := cmp.Diff(want, s.did); d != "" {
		t.Error(d)
	}
}

func TestWhatCannotBeDone(t *testing.T) {
	t.Parallel()
	_, page := open(t)
	for deed, status := range map[string]int{
		`{"who": "Eve", "chat": "slate", "what": "write"}`:     http.StatusNotFound, // no account there
		`{"who": "Mallory", "chat": "slate", "what": "write"}`: http.StatusNotFound,
		`{"who": "Alice", "chat": "irc", "what": "write"}`:     http.StatusNotFound,
		`{"who": "Alice", "chat": "slate", "what": "shout"}`:   http.StatusOK,
		`{"who": "Alice", "chat": "slate", "what": "press"}`:   http.StatusOK,
		`write`: http.StatusBadRequest,
	} {
		out, got := fetch[outcome](t, http.MethodPost, page+"/api/do", deed)
		if got != status || out.Error == "" || out.Gone != strings.Contains(deed, "press") {
			t.Errorf("%s: %d %+v", deed, got, out)
		}
	}
	// Another site that is open in the same browser.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, page+"/api/do", strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Origin", "https://elsewhere.example.com")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("another site is answered %d", res.StatusCode)
	}
}

func TestThePageIsToldOfChanges(t *testing.T) {
	t.Parallel()
	s, page := open(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, page+"/api/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	told := bufio.NewScanner(res.Body)
	next := func() {
		for told.Scan() {
			if told.Text() == "data: look" {
				return
			}
		}
		t.Fatalf("the page is told no more: %v", told.Err())
	}
	next() // at once
	next() // the beginning of the slate
	s.change(func() {})
	next()
}

var loads = regexp.MustCompile(`(?:src|href)="([^"]+)"|from '([^']+)'`)

// TestThePageLoadsOnlyItsOwnFiles follows all that the page loads, and holds the page
// against its policy.
func TestThePageLoadsOnlyItsOwnFiles(t *testing.T) {
	t.Parallel()
	_, page := open(t)
	todo, seen := []string{page + "/"}, map[string]bool{}
	for len(todo) > 0 {
		address := todo[0]
		todo = todo[1:]
		if seen[address] {
			continue
		}
		seen[address] = true
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v %v", address, res.StatusCode, res.Header, err)
		}
		for _, banned := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=\"", "<script>"} {
			if strings.Contains(string(data), banned) {
				t.Errorf("%s holds %s", address, banned)
			}
		}
		at, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range loads.FindAllStringSubmatch(string(data), -1) {
			to, err := at.Parse(m[1] + m[2])
			if err != nil || to.Host != at.Host {
				t.Errorf("%s loads %s", address, m[0])
				continue
			}
			todo = append(todo, to.String())
		}
	}
	if len(seen) < 9 {
		t.Errorf("only %d files were followed", len(seen))
	}
	if world, _ := fetch[map[string]any](t, http.MethodGet, page+"/api/world", ""); world["lang"] != "zh" {
		t.Errorf("the world is %v", world)
	}
}
