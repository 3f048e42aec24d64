package slack

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"slipway"
	"slipway/bot"
	"slipway/bot/slack/blockkit"
)

// maxInline is the most bytes of an answer's body; over Socket Mode Slack drops larger
// ones without a word.
const maxInline = blockkit.SocketResponse - 1000

// reply answers Slack with what of a bot's reply belongs into the answer, and shows the
// rest to people afterwards.
func (s *Slack) reply(ctx context.Context, o *occasion, r bot.Reply) answer {
	a := taken
	switch {
	case o.view && len(r.FieldErrors) > 0 && len(o.inputs) > 0:
		a.body = slack.NewErrorsViewSubmissionResponse(o.fieldErrors(r.FieldErrors))
		r.FieldErrors = nil
	case o.view && r.Form != nil:
		view, err := s.modalOf(ctx, *r.Form, o.from)
		if err != nil {
			s.Log.ErrorContext(ctx, "answer slack with a form", "event", o.event.ID, "error", err)
			break
		}
		a.body, r.Form = slack.NewUpdateViewSubmissionResponse(&view), nil
	case o.inline && r.Whisper != nil:
		if a.body = inline(render(*r.Whisper)); a.body != nil {
			r.Whisper = nil
		}
	case o.inline && r.Toast != nil:
		if a.body = inline(toastMessage(*r.Toast)); a.body != nil {
			r.Toast = nil
		}
	}
	a.after = func() { s.chores.do(func() { s.deliver(ctx, o, r) }) }
	return a
}

// inline is a message in the answer to a slash command; nil if it is too large for one.
func inline(m message) any {
	body := hookMessage{message: m, ResponseType: "ephemeral"}
	if data, err := json.Marshal(body); err != nil || len(data) > maxInline {
		return nil
	}
	return body
}

// fieldErrors puts what is wrong beside the inputs of the form. What is about no input
// stands at the first.
func (o *occasion) fieldErrors(wrong map[string]string) map[string]string {
	const most = 1000
	out := map[string]string{}
	var others []string
	for _, name := range sorted(wrong) {
		if slices.Contains(o.inputs, name) {
			out[name] = cut(wrong[name], most)
		} else {
			others = append(others, wrong[name])
		}
	}
	if len(others) > 0 {
		head := o.inputs[0]
		if out[head] != "" {
			others = append(others, out[head])
		}
		out[head] = cut(strings.Join(others, "\n"), most)
	}
	return out
}

func sorted(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// deliver shows a reply to people, each part by the best way there is.
func (s *Slack) deliver(ctx context.Context, o *occasion, r bot.Reply) {
	ctx, cancel := context.WithTimeout(ctx, deliverTime)
	defer cancel()
	try := func(what string, show func() error) {
		if err := s.patiently(ctx, show); err != nil {
			s.Log.WarnContext(ctx, "show reply in slack", "what", what, "event", o.event.ID, "kind", string(o.event.Kind), "error", err)
		}
	}
	if r.Form != nil {
		try("form", func() error { return s.showForm(ctx, o, *r.Form) })
	}
	if r.Message != nil {
		try("message", func() error { return s.showMessage(ctx, o, *r.Message) })
	}
	if r.Card != nil {
		try("card", func() error { return s.showCard(ctx, o, *r.Card) })
	}
	if r.Whisper != nil {
		try("whisper", func() error { return s.showPrivately(ctx, o, render(*r.Whisper), "whisper") })
	}
	toast := r.Toast
	if len(r.FieldErrors) > 0 { // too late for the form
		lines := make([]string, 0, len(r.FieldErrors))
		for _, name := range sorted(r.FieldErrors) {
			lines = append(lines, r.FieldErrors[name])
		}
		toast = &bot.Toast{Kind: bot.ToastRefused, Text: strings.Join(lines, "\n")}
	}
	if toast != nil {
		try("toast", func() error { return s.showToast(ctx, o, *toast) })
	}
	if o.from.Home && (o.event.Kind == bot.Click || o.event.Kind == bot.Submission) {
		s.refreshHome(ctx, o)
	}
}

// patiently tries again while Slack wants to be left alone, and when its answer was lost.
func (s *Slack) patiently(ctx context.Context, show func() error) error {
	for {
		err := show()
		wait := time.Second
		var limit *bot.RateLimited
		switch {
		case err == nil:
			return nil
		case errors.As(err, &limit):
			wait = limit.After
		case !lost(err):
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// showForm opens a form. Where Slack does not take the trigger any more, the person gets
// a button that opens the form anew.
func (s *Slack) showForm(ctx context.Context, o *occasion, f bot.Form) error {
	err := errLate
	if o.event.Trigger != "" {
		err = s.OpenForm(ctx, o.event.Trigger, f)
	}
	if slices.Contains(usedCodes, codeOf(err)) {
		return nil // the same event was delivered twice, and the other one has opened it
	}
	if err == nil || !errors.Is(err, errLate) && !slices.Contains(triggerCodes, codeOf(err)) {
		return err
	}
	again := bot.Action{ID: o.event.Action, Value: o.event.Value, Label: f.Title, Style: bot.Primary, Form: true}
	if again.ID == "" {
		again.ID, again.Value = bot.ActionRun, or(o.event.Text, "new")
	}
	say := slipway.T("Slack was too slow to open the form. Press the button to open it again.", "Slack 未能及时打开表单，请点击按钮重新打开。").In(f.Lang)
	c := bot.Card{Lang: f.Lang, Summary: say, Intro: []bot.Line{{{Text: say}}}, Actions: []bot.Action{again}}
	return s.patiently(ctx, func() error { return s.showPrivately(ctx, o, render(c), "form") })
}

var errLate = errors.New("there is no trigger to open a form with")

// showMessage shows a card to everybody where the event came from.
func (s *Slack) showMessage(ctx context.Context, o *occasion, c bot.Card) error {
	to := bot.Target{Room: o.event.Room}
	switch at := o.at(); {
	case at.Room.ID == "":
		to = bot.Target{User: o.event.From}
	case at.Thread != "":
		to = bot.Target{ReplyTo: bot.MsgRef{Room: at.Room, ID: at.Thread}}
	}
	_, err := s.Post(ctx, to, c, o.key("message"))
	if !errors.Is(err, bot.ErrGone) || o.replyURL == "" {
		return err
	}
	// The bot is not in the room; an answer may be shown there all the same.
	return s.hookOnce(ctx, o, hookMessage{message: render(c), ResponseType: "in_channel", Thread: o.at().Thread}, "message")
}

// hookOnce answers over the response URL, once.
func (s *Slack) hookOnce(ctx context.Context, o *occasion, m hookMessage, what string) error {
	_, err := s.once(ctx, o.key(what), posting{send: func(ctx context.Context) (bot.MsgRef, error) {
		return bot.MsgRef{Room: o.event.Room, ID: "response_url", Thread: m.Thread}, s.hook(ctx, o.replyURL, m)
	}})
	return err
}

// showCard replaces the card that was clicked, or whose form was sent.
func (s *Slack) showCard(ctx context.Context, o *occasion, c bot.Card) error {
	switch {
	case o.unfurled || o.event.Msg.ID == "":
		return nil
	case o.replyURL != "":
		err := s.hook(ctx, o.replyURL, hookMessage{message: render(c), ResponseType: "ephemeral", Replace: true})
		if err == nil || o.ephemeral {
			return err
		}
	case o.ephemeral:
		return nil
	}
	return s.Update(ctx, o.event.Msg, c)
}

// showPrivately shows a message to the person alone: over the response URL if there is
// one, else as a message that only they see, else as a direct message.
func (s *Slack) showPrivately(ctx context.Context, o *occasion, m message, what string) error {
	if o.replyURL != "" {
		err := s.hookOnce(ctx, o, hookMessage{message: m, ResponseType: "ephemeral", Thread: o.at().Thread}, what)
		var limit *bot.RateLimited
		if err == nil || errors.As(err, &limit) {
			return err
		}
		s.Log.DebugContext(ctx, "answer over response_url", "event", o.event.ID, "error", err)
		what += ":again"
	}
	return s.whisper(ctx, o.at(), o.event.From.ID, m, o.key(what))
}

// showToast shows a toast. Nobody asked for one who only talked or posted a link; on the
// home page it takes the page's place.
func (s *Slack) showToast(ctx context.Context, o *occasion, t bot.Toast) error {
	switch o.event.Kind {
	case bot.Chatter, bot.LinkShared:
		return nil
	case bot.HomeOpened:
		return s.SetHome(ctx, o.event.From, bot.Card{Summary: t.Text, Intro: []bot.Line{{{Text: t.Text}}}})
	case bot.Command, bot.Mention, bot.Direct, bot.Click, bot.Submission, bot.Shortcut:
	}
	return s.showPrivately(ctx, o, toastMessage(t), "toast")
}

// refreshHome shows the home page as it is after what was done on it.
func (s *Slack) refreshHome(ctx context.Context, o *occasion) {
	h := s.handler.Load()
	if h == nil {
		return
	}
	home := s.occasionOf(bot.HomeOpened, o.event.ID+":home", o.event.From.ID)
	home.event.Locale, home.event.TimeZone = o.event.Locale, o.event.TimeZone
	if r := (*h).Handle(ctx, home.event); r.Toast != nil {
		if err := s.showToast(ctx, home, *r.Toast); err != nil {
			s.Log.WarnContext(ctx, "show home page", "event", home.event.ID, "error", err)
		}
	}
}
