package feishu

import (
	"context"
	"errors"
	"strings"
	"time"

	"slipway"
	"slipway/bot"
)

// deliver posts what the bot replied to an event and could not be shown in the answer to
// it. Each piece has a key, so an event that is delivered twice posts it once.
func (f *Feishu) deliver(ctx context.Context, ev bot.Event, r bot.Reply) {
	post := func(what string, to bot.Target, c bot.Card) {
		if _, err := f.insist(ctx, to, renderCard(c), replyKey(ev, what)); err != nil && !errors.Is(err, bot.ErrBusy) {
			f.Log.ErrorContext(ctx, "post reply", "event", ev.ID, "what", what, "error", err)
		}
	}
	private := bot.Target{User: ev.From}
	if ev.Direct {
		private = place(ev)
	}
	if r.Form != nil {
		if _, err := f.postForm(ctx, ev, *r.Form); err != nil && !errors.Is(err, bot.ErrBusy) {
			f.Log.ErrorContext(ctx, "post form", "event", ev.ID, "error", err)
		}
	}
	if r.Whisper != nil {
		post("whisper", private, *r.Whisper)
	}
	if r.Message != nil {
		post("message", place(ev), *r.Message)
	}
	if r.Toast != nil {
		post("toast", private, noteCard(f.langOf(ctx, ev.From), r.Toast.Text))
	}
}

func replyKey(ev bot.Event, what string) string { return "reply:" + ev.ID + ":" + what }

// place is where an event came from: its thread, or its room.
func place(ev bot.Event) bot.Target {
	if ev.Msg.Thread != "" {
		return bot.Target{ReplyTo: bot.MsgRef{Room: ev.Room, ID: ev.Msg.Thread}}
	}
	return bot.Target{Room: ev.Room}
}

// noteCard is a card that only says something.
func noteCard(lang slipway.Lang, text string) bot.Card {
	c := bot.Card{Lang: lang, Summary: oneLine(text)}
	for l := range strings.SplitSeq(text, "\n") {
		c.Intro = append(c.Intro, bot.Line{{Text: l}})
	}
	return c
}

// onlyText answers a picture, a file and the like.
func onlyText(lang slipway.Lang) bot.Reply {
	c := noteCard(lang, slipway.T("I only understand text. Write help to see what I can do.", "我只能识别文字消息。发送“帮助”查看我能做什么。").In(lang))
	c.Actions = []bot.Action{{ID: "help", Label: slipway.T("Help", "帮助").In(lang)}}
	return bot.Reply{Whisper: &c}
}

// noForm says that a form could not be sent.
func noForm(err error) slipway.Text {
	if errors.Is(err, bot.ErrGone) {
		return slipway.T("I cannot send you the form: you are outside of this app's availability. Ask an admin.",
			"无法向您发送表单：您不在本应用的可用范围内，请联系管理员。")
	}
	return slipway.T("The form could not be sent. Please try again.", "表单发送失败，请重试。")
}

// postForm sends a form to the person's direct conversation.
func (f *Feishu) postForm(ctx context.Context, ev bot.Event, form bot.Form) (bot.MsgRef, error) {
	to := bot.Target{User: ev.From}
	if ev.Direct {
		to = bot.Target{Room: ev.Room}
	}
	return f.insist(ctx, to, f.formCard(ctx, ev, form).render(), replyKey(ev, "form"))
}

// tries is how often a reply is posted before it is given up.
const tries = 5

// insist posts a reply, and tries again when Feishu wants to be left alone for a while:
// nobody else would.
func (f *Feishu) insist(ctx context.Context, to bot.Target, card []byte, key string) (bot.MsgRef, error) {
	for try := 1; ; try++ {
		m, err := f.post(ctx, to, card, key)
		var limited *bot.RateLimited
		if try == tries || !errors.As(err, &limited) || errors.Is(err, bot.ErrBusy) {
			return m, err
		}
		if pause(ctx, limited.After) != nil {
			return m, err
		}
	}
}

// formCard prepares a form for the person that an event comes from.
func (f *Feishu) formCard(ctx context.Context, ev bot.Event, form bot.Form) formCard {
	c := formCard{
		form: form, zone: f.zoneOf(ctx, ev),
		from: origin{Room: ev.Room.ID, Thread: ev.Msg.Thread, Direct: ev.Direct},
	}
	if ev.Kind == bot.Click {
		c.from.Msg = ev.Msg.ID
	}
	if plan := bot.DecodeRef(form.Value).Plan; plan != "" && f.PublicURL != "" {
		c.page = strings.TrimRight(f.PublicURL, "/") + "/plans/" + plan
	}
	c.accounts = f.fillPeople(ctx, c.form.Fields)
	return c
}

// fillPeople gives menus of people that have no choices all people, and returns the
// accounts of users.
func (f *Feishu) fillPeople(ctx context.Context, fields []bot.Field) map[string]string {
	var everybody []bot.Option
	any := false
	for i := range fields {
		field := &fields[i]
		if field.Kind != bot.PersonField && field.Kind != bot.PeopleField {
			continue
		}
		any = true
		if len(field.Options) > 0 {
			continue
		}
		if everybody == nil {
			everybody = f.everybody(ctx)
		}
		field.Options = everybody
	}
	if !any {
		return nil
	}
	users, err := f.Store.Users(ctx)
	if err != nil {
		f.Log.ErrorContext(ctx, "find accounts", "error", err)
		return nil
	}
	accounts := map[string]string{}
	for _, u := range users {
		if u.FeishuOpenID != "" {
			accounts[u.ID] = u.FeishuOpenID
		}
	}
	return accounts
}

func (f *Feishu) everybody(ctx context.Context) []bot.Option {
	h, err := f.handler.get(ctx)
	if err != nil {
		return nil
	}
	chooser, ok := h.(bot.Chooser)
	if !ok {
		return nil
	}
	people, err := chooser.People(ctx, "")
	if err != nil {
		f.Log.ErrorContext(ctx, "list people", "error", err)
	}
	return people
}

// langOf is the language of a person who is known, and English or, on Feishu, Chinese for
// all others.
func (f *Feishu) langOf(ctx context.Context, who bot.UserRef) slipway.Lang {
	if u, err := f.Store.UserByFeishuOpenID(ctx, who.ID); err == nil && u.Locale != "" {
		return u.Locale
	}
	if f.BaseURL == feishuURL {
		return slipway.Chinese
	}
	return slipway.English
}

// zoneOf is the person's time zone, as their client says or as they are known.
func (f *Feishu) zoneOf(ctx context.Context, ev bot.Event) *time.Location {
	names := []string{ev.TimeZone}
	if u, err := f.Store.UserByFeishuOpenID(ctx, ev.From.ID); err == nil {
		names = append(names, u.TimeZone)
	}
	for _, name := range names {
		if zone, err := time.LoadLocation(name); err == nil && name != "" && name != "Local" {
			return zone
		}
	}
	return time.UTC
}

// isDirect tells whether a chat is known to be somebody's direct conversation. Callbacks
// do not say so; a chat that is not known is answered as a shared one, which only means
// one word more.
func (f *Feishu) isDirect(ctx context.Context, room bot.RoomRef) bool {
	r, err := f.Store.Room(ctx, string(bot.Feishu), room.ID)
	return err == nil && r.Direct != ""
}
