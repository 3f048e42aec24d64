package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// messagesShown is how many messages a page of a room has, apart from threads.
const messagesShown = 40

// room returns a room that the person may see: a shared one or their own.
func (w *Web) room(ctx context.Context, v viewer, id string) (*storage.Room, error) {
	room, err := w.Store.Room(ctx, string(bot.Web), id)
	if err != nil {
		return nil, err
	}
	if room.Direct != "" && room.Direct != v.User.ID {
		return nil, slipway.Refuse(slipway.NotFound, "There is no such room.", "没有这个会话。")
	}
	return room, nil
}

// home leads to the room that the person was in last, else to the first shared one.
func (w *Web) home(rw http.ResponseWriter, r *http.Request, v viewer) {
	shared, own, err := w.rooms(r.Context(), v)
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	to := own.ID
	if len(shared) > 0 {
		to = shared[0].ID
	}
	http.Redirect(rw, r, "/rooms/"+to, http.StatusSeeOther)
}

// rooms returns the shared rooms and the person's own.
func (w *Web) rooms(ctx context.Context, v viewer) ([]storage.Room, *storage.Room, error) {
	own, err := w.directRoom(ctx, v.User.ID)
	if err != nil {
		return nil, nil, err
	}
	all, err := w.Store.Rooms(ctx, string(bot.Web))
	if err != nil {
		return nil, nil, fmt.Errorf("list rooms: %w", err)
	}
	var shared []storage.Room
	for _, room := range all {
		if room.Direct == "" {
			shared = append(shared, room)
		}
	}
	return shared, own, nil
}

// AddRoom makes a shared room.
func (w *Web) AddRoom(ctx context.Context, name string, locale slipway.Lang) (*storage.Room, error) {
	name = strings.TrimSpace(name)
	if n := utf8.RuneCountInString(name); n == 0 || n > 60 || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return nil, slipway.Refuse(slipway.Invalid, "A room's name has 1 to 60 characters.", "会话名称为 1 到 60 个字符。")
	}
	room := storage.Room{
		Platform: string(bot.Web), ID: w.random(8), Name: name, Locale: locale, CreatedAt: w.Now().UnixMilli(),
	}
	if err := w.Store.PutRoom(ctx, room); err != nil {
		return nil, fmt.Errorf("make room: %w", err)
	}
	return &room, nil
}

func (w *Web) addRoom(rw http.ResponseWriter, r *http.Request, v viewer) {
	if err := parseForm(r); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	if !v.Admin() {
		w.fail(rw, r, v.User, slipway.Refuse(slipway.Forbidden, "Only admins can add rooms.", "只有管理员可以添加会话。"))
		return
	}
	room, err := w.AddRoom(r.Context(), r.PostForm.Get("name"), slipway.ParseLang(r.PostForm.Get("locale")))
	if err != nil {
		w.again(rw, r, v, againView{Label: v.say("Name of the room", "会话名称"), Name: "name", Back: "/"}, err)
		return
	}
	http.Redirect(rw, r, "/rooms/"+room.ID, http.StatusSeeOther)
}

// roomView is what the page of a room shows.
type roomView struct {
	Shared   []storage.Room
	Own      *storage.Room
	Room     *storage.Room
	Messages []*messageView
	Older    string // where older messages are; "" if there are none
	Hints    []hint
}

// hint is a verb that the composer suggests.
type hint struct{ Word, Fill, Does string }

// messageView is one message with its thread.
type messageView struct {
	storage.Message
	Author string // "" for the bot
	Mine   bool
	Card   *bot.Card
	Scene  scene
	V      viewer
	Thread []*messageView
}

func (w *Web) roomPage(rw http.ResponseWriter, r *http.Request, v viewer) {
	ctx := r.Context()
	room, err := w.room(ctx, v, r.PathValue("room"))
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	view := roomView{Room: room, Hints: hints(v)}
	if view.Shared, view.Own, err = w.rooms(ctx, v); err == nil {
		view.Messages, view.Older, err = w.messages(ctx, v, room, r.URL.Query().Get("before"))
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	title := room.Name
	if room.Direct != "" {
		title = v.say("Slipway, for you alone", "与 Slipway 的私聊")
	}
	p := page{Title: title, Nav: "rooms", V: v, Body: view}
	if r.URL.Query().Get("before") == "" {
		p.Live = "room=" + room.ID
	}
	w.render(rw, r, http.StatusOK, "room", p)
}

func hints(v viewer) []hint {
	rows := bot.VerbRows()
	out := make([]hint, 0, len(rows))
	for i := range rows {
		word := rows[i].Title().In(v.Lang)
		fill := word
		if rows[i].Takes != bot.TakesNothing {
			fill += " "
		}
		if strings.Contains(rows[i].Usage.EN, " #plan") {
			fill += "#"
		}
		out = append(out, hint{Word: word, Fill: fill, Does: rows[i].Does.In(v.Lang)})
	}
	return out
}

// messages returns a page of a room as the person sees it, oldest first, with the
// threads below their messages; and where older messages are.
func (w *Web) messages(ctx context.Context, v viewer, room *storage.Room, before string) ([]*messageView, string, error) {
	rows, older, err := w.newest(ctx, v, room, before)
	if err != nil {
		return nil, "", err
	}
	names, err := w.names(ctx)
	if err != nil {
		return nil, "", err
	}
	at := roomScene(room)
	plans := map[string]*bot.Card{}
	var out []*messageView
	byID := map[string]*messageView{}
	for _, m := range rows {
		mv := w.messageView(ctx, v, at, m, names)
		if m.Thread == "" {
			w.freshen(ctx, v, mv, plans)
			out = append(out, mv)
			byID[m.ID] = mv
		} else if root := byID[m.Thread]; root != nil {
			root.Thread = append(root.Thread, mv)
		}
	}
	return out, older, nil
}

// newest reads messages until there are enough that stand in the room itself, since a
// thread may be long; the second result is where older ones are, "" if there are none.
func (w *Web) newest(ctx context.Context, v viewer, room *storage.Room, before string) ([]storage.Message, string, error) {
	const batch, most = 200, 8
	var rows []storage.Message
	for range most {
		more, err := w.Store.Messages(ctx, room.ID, v.User.ID, before, batch)
		if err != nil {
			return nil, "", fmt.Errorf("list messages: %w", err)
		}
		rows = append(more, rows...)
		if top := lastInRoom(rows, messagesShown); top > 0 {
			return rows[top:], rows[top].ID, nil
		}
		if len(more) < batch {
			return rows, "", nil
		}
		before = more[0].ID
	}
	return rows, before, nil
}

// lastInRoom returns where the last n messages begin that stand in the room itself, 0
// if there are no more than n.
func lastInRoom(rows []storage.Message, n int) int {
	for i, m := range slices.Backward(rows) {
		if m.Thread == "" {
			n--
		}
		if n == 0 {
			return i
		}
	}
	return 0
}

// freshen shows the card of a plan in the person's language, with the buttons that the
// person may press, as the plan is now. Other cards stay as they were posted.
func (w *Web) freshen(ctx context.Context, v viewer, mv *messageView, plans map[string]*bot.Card) {
	if mv.Card == nil || mv.Card.Plan == "" {
		return
	}
	id := mv.Card.Plan
	if _, known := plans[id]; !known {
		plans[id] = nil
		if c, err := w.cardNow(ctx, v, id); err != nil {
			w.Log.WarnContext(ctx, "read plan of card", "plan_id", id, "error", err)
		} else {
			plans[id] = c
		}
	}
	if c := plans[id]; c != nil {
		mv.Card = c
	}
}

// cardNow is the card of a plan for a person, as the plan and its runs are now.
func (w *Web) cardNow(ctx context.Context, v viewer, id string) (*bot.Card, error) {
	p, err := w.Store.Plan(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("make card: %w", err)
	}
	how := w.view(v)
	if how.Runs, err = w.Store.Glances(ctx, p); err != nil {
		return nil, fmt.Errorf("make card: %w", err)
	}
	if how.Times, err = w.Commands.Times(ctx, p); err != nil {
		return nil, fmt.Errorf("make card: %w", err)
	}
	if how.Sprints, err = w.Store.Sprints(ctx, p); err != nil {
		return nil, fmt.Errorf("make card: %w", err)
	}
	c := bot.PlanCard(p, how)
	return &c, nil
}

func (w *Web) messageView(ctx context.Context, v viewer, at scene, m storage.Message, names map[string]string) *messageView {
	mv := &messageView{Message: m, V: v, Scene: at, Mine: m.AuthorID == v.User.ID}
	mv.Scene.Msg = m.ID
	if m.AuthorID != "" {
		if mv.Author = names[m.AuthorID]; mv.Author == "" {
			mv.Author = v.say("somebody", "某人")
		}
	}
	if len(m.Card) > 0 {
		var c bot.Card
		if err := json.Unmarshal(m.Card, &c); err != nil {
			// The text of the message says the same in one line.
			w.Log.WarnContext(ctx, "read card", "message_id", m.ID, "error", err)
		} else {
			mv.Card = &c
		}
	}
	return mv
}

// names returns the users' names by id.
func (w *Web) names(ctx context.Context) (map[string]string, error) {
	users, err := w.Store.Users(ctx)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	names := make(map[string]string, len(users))
	for _, u := range users {
		names[u.ID] = u.Name
	}
	return names, nil
}
