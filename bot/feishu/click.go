package feishu

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/larksuite/oapi-sdk-go/v3/event/dispatcher/callback"

	"slipway"
	"slipway/bot"
	"slipway/bot/sealed"
)

// click takes a pressed button: of a card, of a form, or of a menu.
func (f *Feishu) click(ctx context.Context, h eventHeader, c callback.CardActionTriggerRequest) (answer, error) {
	if c.Operator == nil || c.Operator.OpenID == "" || c.Action == nil {
		return answer{}, sealed.ErrMalformed
	}
	if c.Context == nil {
		c.Context = &callback.Context{}
	}
	room := roomRef(c.Context.OpenChatID)
	ev := bot.Event{
		Kind: bot.Click, ID: h.EventID, From: userRef(c.Operator.OpenID), Room: room,
		Msg: bot.MsgRef{Room: room, ID: c.Context.OpenMessageID}, TimeZone: c.Action.Timezone, At: h.at(),
	}
	if packed := stringIn(c.Action.Value, keyForm); packed != "" {
		return f.submit(ctx, ev, packed, c.Action.FormValue)
	}
	action, value := stringIn(c.Action.Value, keyAction), stringIn(c.Action.Value, keyValue)
	if c.Action.Tag == "overflow" {
		action, value, _ = strings.Cut(c.Action.Option, " ")
	}
	if action == actionClose {
		return f.closeForm(value), nil
	}
	ev.Action, ev.Value = bot.ActionID(action), value
	return f.answerIn(ctx, ev, ev.Msg, func(ctx context.Context) reaction {
		ev.Direct = f.isDirect(ctx, room)
		r := f.handle(ctx, ev)
		return f.react(ctx, ev, r)
	}), nil
}

func stringIn(value map[string]any, key string) string {
	s, _ := value[key].(string)
	return s
}

// reaction is what an event leads to: what the answer shows at once, and what follows it.
type reaction struct {
	toast *bot.Toast
	card  any // in place of the clicked one; nil to leave it
	// then is done after the answer; it may be nil.
	then func(ctx context.Context)
	// late shows toast and card in another way when the answer had to be given without
	// them.
	late func(ctx context.Context)
}

func (r reaction) body() element {
	out := element{}
	if r.toast != nil {
		out["toast"] = element{"type": string(r.toast.Kind), "content": shorten(printable(r.toast.Text), maxToast)}
	}
	if r.card != nil {
		out["card"] = element{"type": "raw", "data": r.card}
	}
	return out
}

// maxToast is the most characters of a toast; more would not be read in its few seconds.
const maxToast = 300

// answerIn answers a click on a message with what work leads to, or, when that takes too
// long, with a word that it is being worked on; then the rest comes by message.
func (f *Feishu) answerIn(ctx context.Context, ev bot.Event, clicked bot.MsgRef, work func(ctx context.Context) reaction) answer {
	answered := f.clicks.begin(clicked.ID)
	ready, gaveUp := make(chan reaction), make(chan struct{})
	f.background(ctx, func(ctx context.Context) {
		r := work(ctx)
		select {
		case ready <- r:
		case <-gaveUp:
			if r.late != nil {
				r.late(ctx)
			}
		}
		if r.then != nil {
			r.then(ctx)
		}
	})
	due := time.NewTimer(min(f.patience, f.clickPatience) + grace)
	defer due.Stop()
	select {
	case r := <-ready:
		return answer{body: r.body(), answered: answered}
	case <-due.C:
		close(gaveUp)
		working := slipway.T("Working on it. The result comes as a message.", "正在处理，结果会以消息形式通知您。")
		soon, cancel := context.WithTimeout(ctx, grace/2) // the database may be what is slow
		defer cancel()
		r := reaction{toast: &bot.Toast{Kind: bot.ToastInfo, Text: working.In(f.langOf(soon, ev.From))}}
		return answer{body: r.body(), answered: answered}
	}
}

// react turns the bot's reply to a click into what Feishu shows.
func (f *Feishu) react(ctx context.Context, ev bot.Event, r bot.Reply) reaction {
	out := reaction{toast: r.Toast}
	if r.Card != nil {
		out.card = json.RawMessage(renderCard(*r.Card))
	}
	if r.Form != nil {
		// Before the answer, so that the toast tells the truth.
		if _, err := f.postForm(ctx, ev, *r.Form); err != nil && !errors.Is(err, bot.ErrBusy) {
			f.Log.ErrorContext(ctx, "post form", "event", ev.ID, "error", err)
			out.toast = &bot.Toast{Kind: bot.ToastRefused, Text: noForm(err).In(r.Form.Lang)}
		} else if out.toast == nil && !ev.Direct {
			sent := slipway.T("I have sent you the form as a direct message.", "表单已通过私聊发送给您。")
			out.toast = &bot.Toast{Kind: bot.ToastInfo, Text: sent.In(r.Form.Lang)}
		}
	}
	rest := r
	rest.Toast, rest.Card, rest.Form = nil, nil, nil
	out.then = func(ctx context.Context) { f.deliver(ctx, ev, rest) }
	out.late = func(ctx context.Context) {
		f.deliver(ctx, ev, bot.Reply{Toast: out.toast})
		if r.Card != nil {
			f.replace(ctx, ev.ID, ev.Msg, *r.Card)
		}
	}
	return out
}

// replace shows a card in place of another.
func (f *Feishu) replace(ctx context.Context, event string, m bot.MsgRef, c bot.Card) {
	if err := f.Update(ctx, m, c); err != nil {
		f.Log.ErrorContext(ctx, "replace card", "event", event, "error", err)
	}
}

// closeForm replaces a form that somebody does not want to send.
func (f *Feishu) closeForm(value string) answer {
	lang, title, _ := strings.Cut(value, " ")
	text := slipway.T("Closed without sending anything.", "已关闭，未提交任何内容。").In(slipway.Lang(lang))
	r := reaction{card: closedCard(title, text, nil)}
	return answer{body: r.body(), answered: func() {}}
}

// submit takes a form that was sent.
func (f *Feishu) submit(ctx context.Context, ev bot.Event, packed string, came map[string]any) (answer, error) {
	p, err := unpack(packed)
	if err != nil {
		return answer{}, sealed.ErrMalformed
	}
	card := ev.Msg // of the form itself
	ev.Kind, ev.Form, ev.Value, ev.Fields = bot.Submission, p.Form.ID, p.Form.Value, p.values(came)
	if p.From.Room != "" {
		ev.Room, ev.Direct = roomRef(p.From.Room), p.From.Direct
	}
	ev.Msg = bot.MsgRef{}
	if p.From.Msg != "" || p.From.Thread != "" {
		ev.Msg = bot.MsgRef{Room: ev.Room, ID: p.From.Msg, Thread: p.From.Thread}
	}
	return f.answerIn(ctx, ev, card, func(ctx context.Context) reaction {
		r := f.handle(ctx, ev)
		if len(r.FieldErrors) > 0 {
			return f.redraw(ctx, ev, card, p, r.FieldErrors)
		}
		return f.finish(ctx, ev, card, p, r)
	}), nil
}

// redraw shows a form again with what was filled in and what is wrong with it.
func (f *Feishu) redraw(ctx context.Context, ev bot.Event, card bot.MsgRef, p formPack, wrong map[string]string) reaction {
	form := p.refill(ev.Fields)
	c := f.formCard(ctx, ev, form)
	c.from, c.errors, c.leave = p.From, wrong, p.Left
	drawn := c.render()
	var lines []string
	for _, field := range form.Fields {
		if msg := wrong[field.Name]; msg != "" {
			lines = append(lines, painter{lang: form.Lang}.say("%[1]s: %[2]s", "%[1]s：%[2]s", field.Label, msg))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(wrong)) {
		if !slices.ContainsFunc(form.Fields, func(f bot.Field) bool { return f.Name == name }) {
			lines = append(lines, wrong[name])
		}
	}
	toast := bot.Toast{Kind: bot.ToastRefused, Text: strings.Join(lines, "\n")}
	return reaction{
		toast: &toast, card: json.RawMessage(drawn),
		late: func(ctx context.Context) { f.patchLogged(ctx, ev.ID, card, drawn) },
	}
}

// finish closes a form that was taken.
func (f *Feishu) finish(ctx context.Context, ev bot.Event, card bot.MsgRef, p formPack, r bot.Reply) reaction {
	text := slipway.T("Done.", "已提交。").In(p.Form.Lang)
	state := &bot.State{Colour: bot.Green, Emoji: "✅", Word: slipway.T("sent", "已提交").In(p.Form.Lang)}
	if r.Toast != nil {
		text = r.Toast.Text
	}
	shown := encode(closedCard(p.Form.Title, text, state))
	if r.Form != nil {
		c := f.formCard(ctx, ev, *r.Form)
		c.from = p.From
		shown = c.render()
	}
	rest := r
	rest.Toast, rest.Card, rest.Form = nil, nil, nil
	return reaction{
		toast: r.Toast, card: json.RawMessage(shown),
		then: func(ctx context.Context) {
			if r.Card != nil && ev.Msg.ID != "" {
				f.replace(ctx, ev.ID, ev.Msg, *r.Card)
			}
			f.deliver(ctx, ev, rest)
		},
		late: func(ctx context.Context) { f.patchLogged(ctx, ev.ID, card, shown) },
	}
}
