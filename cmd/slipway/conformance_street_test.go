package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"slipway"
	"slipway/bot"
	"slipway/bot/feishu/feishutest"
	"slipway/bot/screen"
	"slipway/bot/slack/slacktest"
	"slipway/cmd/slipway/processtest"
	"slipway/cmd/slipway/storytest"
	"slipway/storage/storagetest"
)

// street is two Slipways in this process, on one PostgreSQL and one Redis, with Slack
// over HTTP, which spreads over both, and with long connections of both to Feishu.
type street struct {
	t      *testing.T
	houses [2]*house
	slack  *slacktest.Server
	feishu *feishutest.Server
	api    *processtest.Client
}

// The rooms of a street, where every plan has its card.
const (
	slackRoom  = "C0RELEASES"
	feishuRoom = "oc_releases"
)

func newStreet(t *testing.T, except ...string) *street {
	t.Helper()
	s := &street{t: t, api: processtest.NewClient(adminOfHouse)}
	env := map[string]string{"SLIPWAY_DATABASE_URL": storagetest.Postgres(t), "SLIPWAY_REDIS_URL": storagetest.Redis(t)}
	var more map[string]string
	s.slack, more = workspace(t, false, except...)
	for k, v := range more {
		env[k] = v
	}
	s.feishu, more = company(t, feishutest.LongConnection, append(except, crossedClick)...)
	for k, v := range more {
		env[k] = v
	}
	people := []string{"Alice", "Bob", "Carol"}
	var slackers, feishuers []string
	for _, name := range people {
		s.slack.AddUser(slacktest.User{ID: slackID("U", name), Name: name, Email: emailFor(name)})
		s.feishu.AddUser(feishutest.User{OpenID: "ou_" + name, Name: name, Email: emailFor(name), Locale: "en-US", TZ: "UTC"})
		slackers, feishuers = append(slackers, slackID("U", name)), append(feishuers, "ou_"+name)
	}
	for _, second := range []string{"", "2"} { // the second is empty, to show plans afresh
		s.slack.AddChannel(slacktest.Channel{ID: slackRoom + second, Name: "releases" + second, Members: slackers, Bot: true})
		s.feishu.AddGroup(feishutest.Group{ID: feishuRoom + second, Name: "releases" + second, Members: feishuers})
	}
	rooms := []roomConfig{
		{Platform: string(bot.Slack), ID: slackRoom, Name: "releases", Locale: "en"},
		{Platform: string(bot.Feishu), ID: feishuRoom, Name: "releases", Locale: "en"},
	}
	for i := range s.houses {
		s.houses[i] = openHouse(t, env, nil, rooms...)
	}
	for _, name := range people {
		s.houses[0].user(t, storytest.NewPerson{Name: name, Email: emailFor(name), Role: slipway.RoleMember, Locale: slipway.English})
	}
	for _, h := range s.houses {
		for _, p := range []bot.PlatformID{bot.Slack, bot.Feishu} {
			h.knows(t, p, map[bot.PlatformID]string{bot.Slack: slackRoom, bot.Feishu: feishuRoom}[p]+"2", "releases2", slipway.English)
		}
	}
	s.slack.SetApp(s.balance(t))
	for s.feishu.Connections() < len(s.houses) {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("the long connections are missing")
		}
	}
	return s
}

func emailFor(name string) string { return strings.ToLower(name) + "@example.com" }

// balance returns the address of a proxy that gives requests to the houses in turn.
func (s *street) balance(t *testing.T) string {
	t.Helper()
	var proxies [2]*httputil.ReverseProxy
	for i, h := range s.houses {
		u, err := url.Parse(h.url)
		if err != nil {
			t.Fatal(err)
		}
		proxies[i] = httputil.NewSingleHostReverseProxy(u)
	}
	var turn atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proxies[int(turn.Add(1))%len(proxies)].ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// ask asks the REST API of the first house in somebody's name.
func (s *street) ask(name, method, path string, body any) processtest.Answer {
	s.t.Helper()
	r := processtest.Request{Method: method, Path: path, Body: body}
	if name != "" {
		r.Actor = emailFor(name)
	}
	a, err := s.api.Do(s.t.Context(), s.houses[0].url, r)
	if err != nil || a.Status >= http.StatusMultipleChoices {
		s.t.Fatalf("%s %s: %d %s (%v)", method, path, a.Status, a.Message(), err)
	}
	return a
}

// plan makes a plan that Bob and Carol are asked to approve, with n items.
func (s *street) plan(name string, n int) processtest.Plan {
	s.t.Helper()
	var jobs []map[string]any
	for i := range n {
		jobs = append(jobs, map[string]any{"name": fmt.Sprintf("step %02d", i+1), "type": "text", "spec": map[string]any{"content": "do it"}})
	}
	var p processtest.Plan
	a := s.ask("Alice", http.MethodPost, "/api/v1/plans", map[string]any{
		"name": name, "jobs": jobs, "approval": map[string]any{"needed_approvers": 2, "approvers": []string{emailFor("Bob"), emailFor("Carol")}},
	})
	if err := a.Decode(&p); err != nil {
		s.t.Fatal(err)
	}
	s.ask("Alice", http.MethodPost, "/api/v1/plans/"+p.ID+"/submit", map[string]any{})
	return p
}

// view is somebody looking into a room.
type view struct {
	chat screen.Chat
	who  screen.Person
	room string
}

func (s *street) views(name string) []view {
	return []view{
		{s.slack, s.slack.Person(slackID("U", name)), slackRoom},
		{s.feishu, s.feishu.Person("ou_" + name), feishuRoom},
	}
}

// liveCard tells a plan's live card from other messages.
var liveCard = regexp.MustCompile(`Version \d+, created by`)

func (v view) card(room string, p processtest.Plan) (screen.Message, bool) {
	return cardAmong(v.who.Look(room), p)
}

func cardAmong(messages []screen.Message, p processtest.Plan) (screen.Message, bool) {
	for _, m := range slices.Backward(messages) {
		if m.Bot && !m.Only && strings.Contains(m.Text, fmt.Sprintf("#%d %s", p.Index, p.Name)) && liveCard.MatchString(m.Text) {
			return m, true
		}
	}
	return screen.Message{}, false
}

// awaitCard waits until a plan's card in a room is as it should be.
func (v view) awaitCard(t *testing.T, room string, p processtest.Plan, right func(screen.Message) bool) screen.Message {
	t.Helper()
	var m screen.Message
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		changed := v.chat.Changed()
		var ok bool
		if m, ok = v.card(room, p); ok && right(m) {
			return m
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("the card of #%d in %s is not as it should be:\n%s", p.Index, room, m.Text)
		}
	}
}

func shows(parts ...string) func(screen.Message) bool {
	return func(m screen.Message) bool {
		return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(m.Text, part) })
	}
}

// private returns what only the person sees in the room, with a part.
func (v view) private(part string) []screen.Message {
	return slices.DeleteFunc(v.who.Look(v.room), func(m screen.Message) bool { return !m.Only || !strings.Contains(m.Text, part) })
}

// awaitPrivate waits until there are as many.
func (v view) awaitPrivate(t *testing.T, part string, n int) []screen.Message {
	t.Helper()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		changed := v.chat.Changed()
		if list := v.private(part); len(list) >= n {
			return list
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%d private messages with %q, want %d", len(v.private(part)), part, n)
		}
	}
}

func buttonOf(t *testing.T, m screen.Message, label string) screen.Button {
	t.Helper()
	i := slices.IndexFunc(m.Buttons, func(b screen.Button) bool { return b.Label == label && b.Row == "" })
	if i < 0 {
		t.Fatalf("there is no button %q on:\n%s", label, m.Text)
	}
	return m.Buttons[i]
}

// equalAnswers wants the deliveries of a click since then to have come to two
// connections and both to have been answered with the words: at once, or, by a replica
// that was slow and said so, in a message of its own.
func (s *street) equalAnswers(v view, since int, words string) {
	s.t.Helper()
	var list []feishutest.Delivery
	late := time.After(startTimeout)
	for len(list) < 2 {
		if list = s.feishu.Deliveries("card.action.trigger")[since:]; len(list) >= 2 {
			break
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-late:
			s.t.Fatalf("the click was delivered %d times", len(list))
		}
	}
	if list[0].EventID != list[1].EventID {
		s.t.Errorf("the deliveries are of %s and %s", list[0].EventID, list[1].EventID)
	}
	slow := 0
	for i, d := range list[:2] {
		var answer struct {
			Toast struct{ Type, Content string }
		}
		if err := json.Unmarshal(d.Answer, &answer); err != nil || d.Err != nil {
			s.t.Errorf("delivery %d is answered with %q (%v, %v)", i+1, d.Answer, d.Err, err)
		}
		switch {
		case strings.HasPrefix(answer.Toast.Content, "Working on it") && answer.Toast.Type == "info":
			slow++
		case answer.Toast.Content != words || answer.Toast.Type != "success":
			s.t.Errorf("delivery %d is answered with %+v, want %q", i+1, answer.Toast, words)
		}
	}
	if slow > 0 {
		rooms := v.who.Rooms()
		v.room = rooms[len(rooms)-1].ID
		v.awaitText(s.t, words)
	}
}

// awaitText waits until a message with the words is in the room.
func (v view) awaitText(t *testing.T, words string) {
	t.Helper()
	late := time.NewTimer(startTimeout)
	defer late.Stop()
	for {
		changed := v.chat.Changed()
		messages := v.who.Look(v.room)
		if slices.ContainsFunc(messages, func(m screen.Message) bool { return strings.Contains(m.Text, words) }) {
			return
		}
		select {
		case <-changed:
		case <-late.C:
			t.Fatalf("%q is not said in %s:\n%+v", words, v.room, messages)
		}
	}
}
