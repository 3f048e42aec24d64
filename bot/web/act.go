package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"slipway"
	"slipway/bot"
	"slipway/storage"
)

// scene is where something happens: a card in a room, or the page of a plan.
type scene struct {
	Room bot.RoomRef
	// Direct tells that the room is the person's own.
	Direct bool
	// InRoom tells that the room is what the person sees.
	InRoom bool
	Act    string // where presses go
	Back   string // the page to return to
	Msg    string // the message whose card is pressed, "" on the page of a plan
}

func roomScene(room *storage.Room) scene {
	back := "/rooms/" + url.PathEscape(room.ID)
	return scene{Room: roomRef(room.ID), Direct: room.Direct != "", Act: back + "/act", Back: back, InRoom: true}
}

// eventID makes the id of an event out of the id of the form that was sent: the same
// press sent twice is one event; the same form sent with other content is another.
func eventID(u *slipway.User, press string, form url.Values) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%s\n%s", u.ID, press, form.Encode())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// ask gives an event to the bot's handler, once Run has brought it.
func (w *Web) ask(ctx context.Context, v viewer, at scene, ev bot.Event) (bot.Reply, error) {
	var h bot.Handler
	select {
	case h = <-w.handler:
		w.handler <- h
	case <-ctx.Done():
		return bot.Reply{}, fmt.Errorf("wait for the bot: %w", ctx.Err())
	}
	ev.From = bot.UserRef{Platform: bot.Web, ID: v.User.ID}
	ev.User, ev.Room, ev.Direct = v.User, at.Room, at.Direct
	ev.Locale, ev.TimeZone, ev.At = string(v.User.Locale), v.User.TimeZone, v.now
	return h.Handle(ctx, ev), nil
}

// say takes a line that a person typed in a room.
func (w *Web) say(rw http.ResponseWriter, r *http.Request, v viewer) {
	ctx := r.Context()
	room, err := w.room(ctx, v, r.PathValue("room"))
	if err == nil {
		err = parseForm(r)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	text := strings.TrimSpace(strings.ReplaceAll(r.PostForm.Get("text"), "\r\n", "\n"))
	if text == "" {
		w.reply(rw, r, v, roomScene(room), bot.Reply{}, nil)
		return
	}
	id := eventID(v.User, r.PostForm.Get("press"), r.PostForm)
	m := storage.Message{RoomID: room.ID, AuthorID: v.User.ID, Text: text, Key: id + ":said"}
	if err := w.put(ctx, &m, nil); err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	at := roomScene(room)
	reply, err := w.ask(ctx, v, at, bot.Event{Kind: bot.Command, ID: id, Msg: refOf(&m), Text: text})
	if err == nil {
		reply, err = w.settle(ctx, v, at, id, reply)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	w.reply(rw, r, v, at, reply, nil)
}

func (w *Web) actInRoom(rw http.ResponseWriter, r *http.Request, v viewer) {
	room, err := w.room(r.Context(), v, r.PathValue("room"))
	if err == nil {
		err = parseForm(r)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	at := roomScene(room)
	if at.Msg = r.PostForm.Get("msg"); at.Msg != "" {
		m, err := w.Store.Message(r.Context(), at.Msg)
		if err == nil && (m.RoomID != room.ID || m.AuthorID != "" || m.OnlyFor != "" && m.OnlyFor != v.User.ID) {
			err = slipway.Refuse(slipway.NotFound, "There is no such message.", "没有这条消息。")
		}
		if err != nil {
			w.fail(rw, r, v.User, err)
			return
		}
	}
	w.act(rw, r, v, at)
}

// act takes a press on a button, or a form that was sent.
func (w *Web) act(rw http.ResponseWriter, r *http.Request, v viewer, at scene) {
	ctx := r.Context()
	if !w.sure(rw, r, v, at.Back) {
		return
	}
	id := eventID(v.User, r.PostForm.Get("press"), r.PostForm)
	ev := bot.Event{ID: id, Value: r.PostForm.Get("value")}
	if at.Msg != "" {
		ev.Msg = bot.MsgRef{Room: at.Room, ID: at.Msg}
	}
	var form *bot.Form
	if sent := r.PostForm.Get("form"); sent != "" {
		var err error
		if form, err = readForm(sent); err != nil {
			w.fail(rw, r, v.User, err)
			return
		}
		ev.Kind, ev.Form, ev.Value = bot.Submission, form.ID, form.Value
		ev.Fields = fieldsOf(v, form, r.PostForm)
	} else {
		ev.Kind, ev.Action = bot.Click, bot.ActionID(r.PostForm.Get("action"))
	}
	reply, err := w.ask(ctx, v, at, ev)
	if err == nil {
		reply, err = w.settle(ctx, v, at, id, reply)
	}
	if err != nil {
		w.fail(rw, r, v.User, err)
		return
	}
	if form != nil && len(reply.FieldErrors) > 0 {
		keep(form, ev.Fields)
	}
	w.reply(rw, r, v, at, reply, form)
}

// settle writes the cards of a reply into the room. On the page of a plan they are
// left in the reply, to be shown there.
func (w *Web) settle(ctx context.Context, v viewer, at scene, id string, reply bot.Reply) (bot.Reply, error) {
	if reply.Card != nil && at.Msg != "" {
		if err := w.sameCard(ctx, at.Msg, reply.Card); err != nil {
			return reply, err
		}
		if err := w.Update(ctx, bot.MsgRef{Room: at.Room, ID: at.Msg}, *reply.Card); err != nil {
			return reply, err
		}
	}
	reply.Card = nil
	if !at.InRoom {
		return reply, nil
	}
	if c := reply.Whisper; c != nil {
		m := storage.Message{RoomID: at.Room.ID, Key: id + ":whisper"}
		if !at.Direct {
			m.OnlyFor = v.User.ID
		}
		if err := w.put(ctx, &m, c); err != nil {
			return reply, err
		}
	}
	if c := reply.Message; c != nil {
		if err := w.put(ctx, &storage.Message{RoomID: at.Room.ID, Key: id + ":message"}, c); err != nil {
			return reply, err
		}
	}
	reply.Whisper, reply.Message = nil, nil
	return reply, nil
}

// sameCard refuses to put a card in the place of another plan's: which message a press
// names is only what the browser says.
func (w *Web) sameCard(ctx context.Context, message string, c *bot.Card) error {
	m, err := w.Store.Message(ctx, message)
	if err != nil {
		return fmt.Errorf("find pressed card: %w", err)
	}
	var shown bot.Card
	if err := json.Unmarshal(m.Card, &shown); err != nil {
		return fmt.Errorf("read pressed card: %w", err)
	}
	if shown.Plan != "" && shown.Plan != c.Plan {
		return slipway.Refuse(slipway.Invalid, "The button does not belong to this card. Reload the page.", "按钮与卡片不符，请刷新页面。")
	}
	return nil
}

// sureView is a press that has to be confirmed, and where a no leads.
type sureView struct {
	bot.Confirm
	Action, Back string
	Fields       url.Values
}

// sure tells whether a press may go on. A browser without scripts has not asked yet: it
// sends the question along, which then is the answer.
func (w *Web) sure(rw http.ResponseWriter, r *http.Request, v viewer, back string) bool {
	asked := r.PostForm.Get("confirm")
	if asked == "" {
		return true
	}
	view := sureView{Action: r.URL.RequestURI(), Back: back, Fields: maps.Clone(r.PostForm)}
	if err := json.Unmarshal([]byte(asked), &view.Confirm); err != nil {
		w.fail(rw, r, v.User, slipway.Refuse(slipway.Invalid, "The form could not be read. Please open it again.", "无法读取表单，请重新打开。").Because(err))
		return false
	}
	delete(view.Fields, "confirm")
	w.render(rw, r, http.StatusOK, "sure", page{Title: view.Title, V: v, Path: back, Body: view})
	return false
}

// replyView is what is left to show of a reply.
type replyView struct {
	V     viewer
	Scene scene
	Toast *bot.Toast
	Form  *formView
	Cards []*bot.Card
}

// Tone is the colour of the toast.
func (v replyView) Tone() string { return toneOfToast(v.Toast.Kind) }

// reply shows what came of a press: in place for a script, as a page without one.
func (w *Web) reply(rw http.ResponseWriter, r *http.Request, v viewer, at scene, reply bot.Reply, sent *bot.Form) {
	view := replyView{V: v, Scene: at, Toast: reply.Toast}
	switch {
	case reply.Form != nil:
		view.Form = newFormView(v, at, reply.Form, nil)
	case sent != nil && len(reply.FieldErrors) > 0:
		view.Form = newFormView(v, at, sent, reply.FieldErrors)
	}
	for _, c := range []*bot.Card{reply.Whisper, reply.Message} {
		if c != nil {
			view.Cards = append(view.Cards, c)
		}
	}
	shown := view.Form != nil || len(view.Cards) > 0
	if r.Header.Get("Hx-Request") == "" {
		if !shown && view.Toast == nil {
			http.Redirect(rw, r, at.Back, http.StatusSeeOther)
			return
		}
		w.render(rw, r, http.StatusOK, "answer", page{Title: v.say("Answer", "结果"), V: v, Body: view})
		return
	}
	var parts []template.HTML
	if shown {
		parts = append(parts, w.mustPart(r, v, "dialog", view))
	} else {
		rw.Header().Set("Hx-Reswap", "none")
	}
	if view.Toast != nil {
		parts = append(parts, w.mustPart(r, v, "toast", dictOf("Tone", view.Tone(), "Text", view.Toast.Text)))
	}
	// The page reloads what it shows, and closes a dialog that has done its work.
	events, _ := json.Marshal(map[string]any{"changed": "", "answered": map[string]bool{"open": shown}})
	rw.Header().Set("Hx-Trigger", string(events))
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	for _, p := range parts {
		_, _ = rw.Write([]byte(p))
	}
}

// mustPart renders a part; a fault of a template is logged and leaves the part out.
func (w *Web) mustPart(r *http.Request, v viewer, name string, data any) template.HTML {
	html, err := w.part(v.Lang, name, data)
	if err != nil {
		w.Log.ErrorContext(r.Context(), "render part", "error", err)
	}
	return html
}

// problemsOf orders the errors of a form that belong to none of its fields.
func problemsOf(errs map[string]string, known map[string]bool) []string {
	var out []string
	for name, text := range errs {
		if !known[name] && text != "" {
			if name != "" {
				text = name + ": " + text
			}
			out = append(out, text)
		}
	}
	slices.Sort(out)
	return out
}
